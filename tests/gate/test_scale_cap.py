"""A cap by the last finished model that was shown, and the ways around it: each gains nothing."""

from __future__ import annotations

from typing import Any

import pytest
from book import Book, digest, policy_of

from scalegate.gate import decide
from scalegate.gate.decision import Decision
from scalegate.gate.facts import derive_facts
from scalegate.gate.generations import SHOWN, kin
from scalegate.gate.since import since
from scalegate.gate.whatif import what_if
from scalegate.ledger import entries as kinds
from scalegate.ledger.entries import Parent
from scalegate.policy import Policy, PolicyFaults
from scalegate.policy.lints import check_policy
from scalegate.policy.semantics import Unknown, Value
from scalegate.report.gather_policy import gather_policy
from support import START

FIRST = 2 * 10**11
CAP = """
  - id: scale
    kind: scale_cap
    past: 10x
    first: 2e11 FLOP
    text: No model goes past 10x the last one that was shown to be under every alarm.
    source: {document: Policy of Example Lab, section: "8"}
    actions: [train]
    modality: will

  - id: publish
"""


def capped(*changes: tuple[str, str]) -> Policy:
    return policy_of(("\n  - id: publish\n", CAP), *changes)


POLICY = capped()


class Lab:
    """Runs of a developer, each trained by what it may and evaluated or not."""

    def __init__(self) -> None:
        self.book = Book.adopted(POLICY)
        self.book.put(kinds.TierStatus, until=START + 10**8)

    def open(
        self, run: str, *parents: Parent, start: str | None = None, planned: int = 10**11, again: str = ""
    ) -> None:
        declared = {"parents": parents, "from_scratch": not parents}
        begins = start or (parents[0].weights if parents else digest(f"{run} at first"))
        session = digest(f"{run}{again}")
        self.book.put(kinds.RunOpened, run=run, session=session, planned=planned, start_weights=begins, **declared)

    def train(self, run: str, flops: int, trained: int | None = None, again: str = "") -> str:
        """Reserves and records weights; nothing is decided before, so the run is at fault for that alone."""
        session = digest(f"{run}{again}")
        self.book.put(kinds.ComputeReserved, run=run, session=session, use="training", flops=flops)
        self.sound(run)
        weights = digest(f"{run} {trained or flops}")
        self.book.put(kinds.WeightsRecorded, run=run, session=session, weights=weights, trained=trained or flops)
        return weights

    def sound(self, run: str) -> None:
        self.book.fold.runs[run].faults.clear()

    def evaluate(self, run: str, weights: str, successes: int = 3, again: str = "") -> None:
        name = digest(f"evaluation of {weights} in {run}{again}")
        self.book.put(kinds.EvaluationAnnounced, evaluation=name, run=run, weights=weights)
        session = self.book.fold.runs[run].latest.session
        spent = {"use": "elicitation", "flops": 10**10, "evaluation": name}
        self.book.put(kinds.ComputeReserved, run=run, session=session, **spent)
        given: dict[str, Any] = {"evaluation": name, "weights": weights, "successes": successes}
        self.book.put(kinds.EvaluationFinished, elicitation_flops=10**10, **given)

    def finished(self, run: str, flops: int = 10**11, successes: int = 3) -> str:
        self.open(run)
        weights = self.train(run, flops)
        self.evaluate(run, weights, successes)
        return weights

    def shown(self, run: str) -> Value:
        return derive_facts(POLICY, self.book.situation(run), "train")[SHOWN]

    def decided(self, run: str, compute: int) -> Decision:
        return decide(POLICY, self.book.situation(run, compute=compute), "train")

    def status(self, run: str, compute: int) -> str:
        return next(it.status for it in self.decided(run, compute).findings if it.clause == "scale")


def init(weights: str, relation: Any = "initialisation") -> Parent:
    return Parent(weights=weights, relation=relation)


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_without_any_model_it_goes_to_the_first_amount(lab: Lab) -> None:
    lab.open("a", planned=FIRST)
    assert isinstance(lab.shown("a"), Unknown)
    assert (lab.status("a", FIRST), lab.status("a", FIRST + 1)) == ("met", "not shown")


def test_the_plan_is_within_it_too(lab: Lab) -> None:
    lab.open("a", planned=FIRST + 1)
    assert lab.status("a", 1) == "not shown"


def test_the_next_generation_goes_so_many_times_past_the_last_one(lab: Lab) -> None:
    lab.finished("a")
    lab.open("b", planned=10**12)
    assert lab.shown("b") == 10**11
    assert (lab.status("b", 10**12), lab.status("b", 10**12 + 1)) == ("met", "violated")


@pytest.mark.parametrize(
    ("successes", "says"),
    [(60, "leave the alarm of `arithmetic` open"), (400, "the alarm of `arithmetic` was reached")],
)
def test_a_model_that_is_not_under_the_alarm_shows_nothing(lab: Lab, successes: int, says: str) -> None:
    lab.finished("a", successes=successes)
    lab.open("b")
    found = lab.shown("b")
    assert isinstance(found, Unknown)
    assert says in found.detail


def test_of_several_the_largest_counts(lab: Lab) -> None:
    lab.finished("a")
    lab.finished("b", 10**10)
    lab.open("c")
    assert lab.shown("c") == 10**11


def test_a_check_during_a_run_does_not_raise_its_own_cap(lab: Lab) -> None:
    lab.finished("a")
    lab.finished("b", 10**12)
    assert lab.shown("b") == 10**11
    assert lab.status("b", 10**12 + 10**11) == "violated"


def test_renaming_a_run_gains_nothing(lab: Lab) -> None:
    lab.finished("a")
    weights = lab.finished("b", 10**12)
    for name, parent in (("c", init(weights)), ("d", init(weights, "adapter")), ("e", init(weights, "merge"))):
        lab.open(name, parent)
        assert lab.shown(name) == 10**11


def test_nor_does_starting_from_its_weights_whatever_is_declared(lab: Lab) -> None:
    lab.finished("a")
    weights = lab.finished("b", 10**12)
    lab.open("c", start=weights)
    lab.open("d", init(weights, "teacher"), start=weights)
    assert (lab.shown("c"), lab.shown("d")) == (10**11, 10**11)


def test_a_fork_that_is_trained_by_a_step_and_evaluated_gains_nothing(lab: Lab) -> None:
    lab.finished("a")
    lab.open("b", planned=10**13)
    weights = lab.train("b", 10**12)
    for number in range(3):
        fork = f"fork{number}"
        lab.open(fork, init(weights))
        weights = lab.train(fork, 1)
        lab.evaluate(fork, weights)
    assert lab.shown("b") == 10**11
    assert lab.status("b", 2 * 10**12) == "violated"


def test_two_runs_side_by_side_cannot_raise_each_other(lab: Lab) -> None:
    lab.finished("a")
    lab.open("b", planned=10**13)
    lab.open("c", planned=10**13)
    lab.evaluate("b", lab.train("b", 10**12))
    assert lab.shown("c") == 10**11
    lab.evaluate("c", lab.train("c", 10**12))
    assert lab.shown("b") == 10**11
    # A generation that begins after both is another matter.
    lab.open("d", planned=10**13)
    assert lab.shown("d") == 10**12


def test_a_merge_is_of_both_generations_and_as_old_as_the_older(lab: Lab) -> None:
    one, other = lab.finished("a"), lab.finished("b")
    lab.open("c", init(one, "merge"), init(other, "merge"), start=digest("merged"))
    assert isinstance(lab.shown("c"), Unknown)


def test_a_student_is_a_generation_of_its_own(lab: Lab) -> None:
    teacher = lab.finished("a")
    lab.open("b", init(teacher, "teacher"), start=digest("fresh"))
    assert lab.shown("b") == 10**11


def test_runs_that_draw_one_random_start_are_no_kin(lab: Lab) -> None:
    lab.open("a", start=digest("seed 1"))
    lab.evaluate("a", lab.train("a", 10**11))
    lab.open("b", start=digest("seed 1"))
    assert kin(lab.book.fold.runs, "b") == {"b"}
    assert lab.shown("b") == 10**11


def test_a_model_that_trains_on_was_not_finished(lab: Lab) -> None:
    lab.finished("a")
    lab.open("b")
    assert lab.shown("b") == 10**11
    session = digest("a")
    lab.book.put(kinds.ComputeReserved, run="a", session=session, use="training", flops=5)
    lab.sound("a")
    assert isinstance(lab.shown("b"), Unknown)
    lab.book.put(kinds.ComputeSettled, run="a", session=session, unspent=5, remaining=10**11)
    lab.sound("a")
    assert lab.shown("b") == 10**11
    lab.train("a", 5, trained=10**11 + 5)
    found = lab.shown("b")
    assert isinstance(found, Unknown)
    assert "trained further after this generation began" in found.detail


def test_the_furthest_weights_count_and_not_those_that_look_best(lab: Lab) -> None:
    lab.finished("a")
    lab.train("a", 10**11, trained=2 * 10**11)
    lab.open("b")
    found = lab.shown("b")
    assert isinstance(found, Unknown)
    assert "no conclusive evidence in `arithmetic` is of its last weights" in found.detail


def test_a_run_at_fault_shows_nothing(lab: Lab) -> None:
    lab.finished("a")
    lab.open("b")
    lab.book.put(kinds.MeterFault, run="a")
    assert isinstance(lab.shown("b"), Unknown)


def test_what_a_tuned_copy_of_it_reaches_counts_against_it(lab: Lab) -> None:
    weights = lab.finished("a")
    lab.open("tuned", init(weights))
    lab.evaluate("tuned", lab.train("tuned", 10**10), successes=400)
    lab.open("b")
    assert isinstance(lab.shown("b"), Unknown)


def test_its_evaluation_may_come_later_and_a_hold_offers_it(lab: Lab) -> None:
    lab.open("a")
    weights = lab.train("a", 10**11)
    lab.open("b", planned=9 * 10**11)
    lab.evaluate("b", lab.train("b", 5 * 10**11))
    decision = lab.decided("b", 6 * 10**11)
    assert decision.verdict == "HOLD"
    assert decision.resumption is not None
    (only,) = next(iter(decision.resumption.sets))
    assert only.kind == "measure"
    assert only.concerns == ("shown", "a", weights, "arithmetic", str(10**9))
    assert "if it turns out that the alarm is ruled out" in only.text
    lab.evaluate("a", weights)
    assert lab.decided("b", 6 * 10**11).verdict == "PROCEED"


def test_a_permit_ends_where_the_cap_does(lab: Lab) -> None:
    lab.finished("a")
    # The elicitation is of the lineage, and of what it is planned to come to.
    lab.open("b", planned=10**12 - 10**10)
    lab.evaluate("b", lab.train("b", 9 * 10**11))
    permit = lab.decided("b", 9 * 10**11 + 10**10).permit
    assert permit is not None
    assert permit.compute == 10**12
    assert "scale" in permit.compute_ends_by


def test_only_a_policy_that_asks_for_it_has_it_in_its_situations() -> None:
    book = Book.adopted()
    book.trained(10**11)
    assert book.situation().generations == ()
    named = policy_of(
        (
            "    kind: moratorium\n    above: 0 FLOP\n    until: 2027-01-01T00:00:00Z\n",
            "    kind: condition\n    when: compute <= 4 * developer.shown\n",
        )
    )
    other = Book.adopted(named)
    other.put(kinds.RunOpened)
    assert isinstance(derive_facts(named, other.situation(), "train")[SHOWN], Unknown)


def test_what_is_judged_shows_no_model() -> None:
    item = (
        "\ndeterminations:\n  - id: cbrn\n    text: No uplift.\n    about: weights\n    level: 2\n"
        "    decided_by: {role: officer, at_least: 1}\n\nclauses:\n"
    )
    with pytest.raises(PolicyFaults, match="a model is shown by what is measured"):
        capped(("\nclauses:\n", item))
    with pytest.raises(PolicyFaults, match="as large as the one before"):
        capped(("past: 10x", "past: 0.5x"))


def test_people_are_told_of_it() -> None:
    view = next(it for it in gather_policy(POLICY, START).clauses if it.id == "scale")
    assert "more than 2e11 FLOP and more than 10x that of the developer's last finished model" in view.says[0].sentence
    assert "no signature releases it; an evaluation alone can" in " ".join(gather_policy(POLICY, START).never)
    assert not {"always-met", "never-met"} & {it.rule.code for it in check_policy(POLICY, START) if "scale" in it.about}


def test_a_what_if_states_it() -> None:
    tried = what_if(POLICY, "train", {"now": START, "compute": 10**12, SHOWN: 10**11})
    assert next(it.status for it in tried.findings if it.clause == "scale") == "met"
    tried = what_if(POLICY, "train", {"now": START, "compute": 10**12})
    assert next(it.status for it in tried.findings if it.clause == "scale") == "not shown"


def test_a_permit_ends_when_the_base_trains_again_whatever_another_run_gives_back(lab: Lab) -> None:
    lab.finished("a")
    lab.open("other")
    lab.book.put(kinds.ComputeReserved, run="other", session=digest("other"), use="training", flops=5)
    lab.sound("other")
    lab.open("b", planned=10**12 - 10**10)
    lab.evaluate("b", lab.train("b", 5 * 10**11))
    made = lab.book.decide("b", 5 * 10**11 + 2 * 10**10)
    assert made.verdict == "PROCEED"
    assert lab.book.fold.permitted("b", lab.book.time)
    lab.book.put(kinds.ComputeSettled, run="other", session=digest("other"), unspent=5, remaining=0)
    assert lab.book.fold.permitted("b", lab.book.time)
    lab.book.put(kinds.ComputeReserved, run="a", session=digest("a"), use="training", flops=5)
    assert not lab.book.fold.permitted("b", lab.book.time)


def test_who_approves_has_to_see_what_other_models_showed(lab: Lab) -> None:
    lab.open("a")
    weights = lab.train("a", 10**11)
    lab.open("b", planned=10**12 - 10**10)
    lab.evaluate("b", lab.train("b", 10**11))
    lab.book.decide("b")
    index = lab.book.fold.size - 1
    assert since(lab.book.fold, "b", index).number == 0
    lab.evaluate("a", weights)
    assert since(lab.book.fold, "b", index).kinds == {"result": 1}


def test_a_run_that_grew_from_one_at_fault_shows_nothing(lab: Lab) -> None:
    lab.open("a")
    weights = lab.train("a", 10**11)
    lab.open("a2", init(weights))
    lab.evaluate("a2", lab.train("a2", 1))
    lab.open("b")
    assert lab.shown("b") == 10**11 + 1
    lab.book.put(kinds.MeterFault, run="a")
    found = lab.shown("b")
    assert isinstance(found, Unknown)
    assert "`a2`: a: zero" in found.detail
    assert [it.run for it in lab.book.situation("b").elsewhere if it.faults] == ["a", "a2"]


def test_a_merge_that_nobody_trained_stops_neither_of_what_it_is_made_of(lab: Lab) -> None:
    weights = lab.finished("a")
    lab.open("b", planned=10**12 - 10**10)
    mine = lab.train("b", 5 * 10**11)
    lab.evaluate("b", mine)
    lab.open("m", init(weights, "merge"), init(mine, "merge"), start=digest("merged"))
    assert lab.shown("b") == 10**11
    assert lab.decided("b", 6 * 10**11).verdict == "PROCEED"
    # Once it trains it is of both generations, and so are they; the hold says by which run.
    lab.train("m", 1)
    assert lab.status("b", 6 * 10**11) == "not shown"
    found = lab.shown("b")
    assert isinstance(found, Unknown)
    assert "this generation began with run `a`, whose weights it shares" in found.detail


def test_what_trains_on_from_a_merge_is_of_what_that_was_made_of(lab: Lab) -> None:
    lab.finished("a")
    weights = lab.finished("b", 10**12)
    lab.open("m", init(weights, "merge"), start=digest("merged"))
    lab.open("c", init(digest("merged")))
    lab.train("c", 1)
    assert {"b", "c"} <= kin(lab.book.fold.runs, "c")
    assert lab.shown("c") == 10**11


def test_a_finished_model_that_is_only_opened_again_is_the_base_that_it_was(lab: Lab) -> None:
    lab.open("a")
    first = lab.train("a", 5 * 10**10)
    lab.evaluate("a", lab.train("a", 5 * 10**10, trained=10**11))
    lab.open("b")
    lab.open("a", start=first, again="2")
    assert lab.shown("b") == 10**11
