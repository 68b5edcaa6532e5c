"""A developer's next run from scratch: what earlier runs leave of the compute before a first evaluation.

The example policy lets 2e11 FLOP go before a first evaluation, over all of the developer's compute that no
conclusive evaluation covers.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from test_decide_cases import piece, situation

from scalegate.errors import InputError
from scalegate.gate import Decision, Elsewhere, decide, replay
from scalegate.gate.facts import covered, derive_facts
from scalegate.gate.journal import reading
from scalegate.gate.jumps import reached_early
from scalegate.gate.project import Project
from scalegate.policy import parse_policy
from scalegate.training.evaluation import EvaluationRequest, Measured
from scalegate.training.held import Held
from support import POLICY_TEXT, STEP, Model, new_project, open_gate, steps_until_held, train

POLICY = parse_policy(POLICY_TEXT)
DOMAIN = POLICY.domains[0]
FIRST = 2 * 10**11


def other(compute: int, *pieces: Any, **changes: Any) -> Elsewhere:
    tried = {piece.domain: piece.attempt for piece in sorted(pieces, key=lambda piece: piece.attempt)}
    given: dict[str, Any] = {"run": "s", "compute": compute, "carried": 0, "recorded": compute, "faults": ()}
    given["attempts"] = tried
    return Elsewhere(**(given | changes), pieces=pieces)


def about(successes: int = 0, **changes: Any) -> Any:
    return piece(successes, **({"run": "s", "announced_for": "s", "elicitation_flops": 10**10} | changes))


def beside(*runs: Elsewhere, used: int = 0, **changes: Any) -> Decision:
    total = sum(run.compute for run in runs)
    return decide(POLICY, situation(used, elsewhere=runs, developer_others=total, **changes), "train")


# --- what an evaluation covers ---------------------------------------------------------------------------


def test_training_up_to_the_furthest_evaluated_weights_and_their_elicitation_are_covered() -> None:
    near, far = about(compute=10**11), about(evaluation="f", compute=5 * 10**11, attempt=2)
    assert covered(POLICY, DOMAIN, other(10**12, near)) == 11 * 10**10
    assert covered(POLICY, DOMAIN, other(10**12, near, far)) == 52 * 10**10


def test_elicitation_of_weights_past_the_furthest_conclusive_ones_is_not_covered() -> None:
    failed = about(evaluation="f", compute=5 * 10**11, attempt=2, status="aborted")
    assert covered(POLICY, DOMAIN, other(10**12, about(compute=10**11), failed)) == 11 * 10**10


def test_elicitation_in_another_domain_of_covered_weights_is_covered() -> None:
    cyber = about(evaluation="c", domain="cyber", compute=10**11)
    assert covered(POLICY, DOMAIN, other(10**12, about(compute=10**11), cyber)) == 12 * 10**10


def test_a_copy_that_was_tuned_past_the_margin_is_not_covered_by_it() -> None:
    """The margin is 1.5x: half of what is in the weights may come on top, for each copy."""
    assert DOMAIN.margin == Fraction(3, 2)
    huge = about(compute=10**11, elicitation_flops=10**13)
    assert covered(POLICY, DOMAIN, other(10**14, huge)) == 15 * 10**10
    again = about(evaluation="f", compute=10**11, attempt=2, elicitation_flops=10**10)
    assert covered(POLICY, DOMAIN, other(10**14, huge, again)) == 16 * 10**10


def test_what_a_run_started_from_is_not_its_own() -> None:
    assert covered(POLICY, DOMAIN, other(10**12, about(compute=5 * 10**11), carried=4 * 10**11)) == 11 * 10**10
    assert covered(POLICY, DOMAIN, other(10**12, about(compute=10**11), carried=4 * 10**11)) == 10**10


def test_no_more_is_covered_than_was_reserved() -> None:
    assert covered(POLICY, DOMAIN, other(10**11, about(compute=10**12))) == 10**11


@pytest.mark.parametrize(
    "changes",
    [
        {"announced": False},
        {"signed": False},
        {"status": "aborted"},
        {"status": "open"},
        {"compute": None},
        {"elicitation": "none", "attempt": 0},
        {"elicitation_flops": 10**9 - 1},
        {"errors": 1},
        {"completed": 399},
        {"samples": 399, "completed": 399},
        {"attempt": 13},
        {"assumptions": ()},
        {"domain": "cyber"},
    ],
)
def test_an_evaluation_that_is_not_conclusive_covers_nothing(changes: dict[str, Any]) -> None:
    assert covered(POLICY, DOMAIN, other(10**12, about(**({"compute": 10**11} | changes)))) == 0


def test_nothing_covers_a_run_that_is_not_fully_known() -> None:
    assert covered(POLICY, DOMAIN, other(10**12, about(compute=10**11), faults=("its meter",))) == 0


def test_a_dangerous_result_covers_as_much_as_a_reassuring_one() -> None:
    assert covered(POLICY, DOMAIN, other(10**12, about(400, compute=5 * 10**11))) == 51 * 10**10


# --- what that leaves for the next run -------------------------------------------------------------------


def test_the_permit_before_a_first_evaluation_ends_where_unevaluated_compute_fills_it() -> None:
    run = other(10**12, about(compute=9 * 10**11))
    decision = beside(run)
    assert decision.permit is not None
    assert decision.permit.compute == FIRST - (10**12 - 91 * 10**10)
    assert beside(run, compute=decision.permit.compute + 1).verdict == "HOLD"


def test_it_is_counted_in_effective_compute_and_rounded_up() -> None:
    policy = parse_policy(POLICY_TEXT.replace("factor: 1x", "factor: 1.5x"))
    run = other(10**11 + 1, about(compute=10**11 - 10**10))
    of = situation(0, elsewhere=(run,), developer_others=10**11 + 1, policy=policy.digest())
    permit = decide(policy, of, "train").permit
    assert permit is not None
    assert permit.compute == FIRST - 2
    assert policy.effective_compute.factor == Fraction(3, 2)


def test_an_alarm_reached_elsewhere_before_a_first_evaluation_is_due_bars_going_without_one() -> None:
    assert beside(other(FIRST, about(400, compute=FIRST - 10**10))).verdict == "HOLD"
    assert beside(other(FIRST, about(0, compute=FIRST - 10**10))).verdict == "PROCEED"
    # Reached with more compute than a first evaluation may wait for, it says nothing about as little as that.
    assert beside(other(5 * FIRST, about(400, compute=5 * FIRST - 10**10))).verdict == "PROCEED"


@pytest.mark.parametrize("changes", [{"announced": False, "signed": False}, {"compute": None}, {"attempt": 99}])
def test_an_alarm_reached_early_bars_it_admissibly_or_not(changes: dict[str, Any]) -> None:
    first = about(0, compute=FIRST - 10**10)
    assert beside(other(FIRST, first, about(400, **({"evaluation": "g", "compute": 10} | changes)))).verdict == "HOLD"


def test_a_hold_for_unevaluated_compute_names_the_run_to_evaluate_and_is_no_stop() -> None:
    decision = beside(other(10**12))
    assert decision.verdict == "HOLD"
    assert decision.resumption is not None
    assert not decision.resumption.stop
    [[fact]] = decision.resumption.sets
    assert fact.kind == "measure"
    assert "`s`" in fact.text
    assert "`arithmetic`" in fact.text


@pytest.mark.parametrize(
    "changes", [{"faults": ("unknown",)}, {"recorded": 0}, {"recorded": 10**12 - FIRST - 10}], ids=str
)
def test_a_run_that_cannot_be_covered_is_not_offered(changes: dict[str, Any]) -> None:
    """What it has not recorded may be in a process that still trains: that is to be done first, and no promise."""
    decision = beside(other(10**12, **changes, unsaved=10**12 - changes.get("recorded", 10**12)))
    assert decision.resumption is not None
    assert decision.resumption.sets == ()
    assert decision.resumption.stop is ("faults" in changes)
    assert ["saves what it has" in fact.text for fact in decision.resumption.first] == [True] * ("recorded" in changes)


def test_spent_alpha_elsewhere_is_not_offered_either() -> None:
    decision = beside(other(10**12, about(compute=10, attempt=12)))
    assert decision.resumption is not None
    assert decision.resumption.stop


def test_alpha_spent_by_the_parents_of_another_run_is_spent_for_it() -> None:
    decision = beside(other(10**12, about(compute=10), attempts={"arithmetic": 12}))
    assert decision.resumption is not None
    assert decision.resumption.stop


def test_elicitation_past_the_margin_is_promised_to_cover_no_more_than_it_does() -> None:
    """Evaluating the other run takes 1e14 FLOP of elicitation, of which the margin of 1.5x covers 5e11."""
    policy = parse_policy(POLICY_TEXT.replace("at_least: 1e9 FLOP", "at_least: 1e14 FLOP"))
    of = situation(0, elsewhere=(other(10**12),), developer_others=10**12, policy=policy.digest())
    decision = decide(policy, of, "train")
    assert decision.resumption is not None
    assert decision.resumption.stop


# --- the same in a ledger --------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return new_project(tmp_path / "p")


def first_run(project: Project, steps: int, *, evaluated: bool, skill: float = 0.0) -> None:
    model = Model(skill=lambda _: skill)
    with open_gate(project, model, run="one") as gate:
        train(gate, model, steps)
        gate.save()
        if evaluated:
            gate.evaluate()


def steps_of_the_next(project: Project, run: str = "two") -> int:
    return steps_until_held(project, Model(flops=7), run)


def test_once_a_run_is_evaluated_at_its_end_the_next_has_all_of_it(project: Project) -> None:
    first_run(project, 60, evaluated=True)
    assert steps_of_the_next(project) == 20
    assert replay(project.ledger).faults == ()


def test_what_was_trained_after_the_last_evaluation_is_taken_from_the_next(project: Project) -> None:
    # The gate evaluates at 20 steps; five more are not covered.
    first_run(project, 25, evaluated=False)
    assert steps_of_the_next(project) == 15


def test_a_run_that_reached_the_alarm_early_leaves_nothing(project: Project) -> None:
    first_run(project, 10, evaluated=True, skill=0.9)
    assert steps_of_the_next(project) == 0


def test_evaluating_what_the_hold_names_releases_it(project: Project) -> None:
    first_run(project, 50, evaluated=False)
    assert steps_of_the_next(project) == 0
    model = Model(flops=50 * STEP)
    with open_gate(project, model, run="one") as gate:
        gate.evaluate()
    assert steps_of_the_next(project) == 20


def test_weights_of_one_run_do_not_cover_another(project: Project) -> None:
    """Evaluating the parent does not cover what its child trained, nor the other way round."""
    first_run(project, 20, evaluated=True)
    child = Model(flops=20 * STEP)
    parent = child.digest()
    with open_gate(project, child, run="child", from_scratch=False, parents=[parent]) as gate:
        train(gate, child, 10)
        gate.save()
    assert steps_of_the_next(project) == 10
    with open_gate(project, child, run="child", from_scratch=False, parents=[parent]) as gate:
        gate.evaluate()
    assert steps_of_the_next(project, "three") == 10


def test_the_attempts_of_another_run_are_those_of_its_lineage(project: Project) -> None:
    first_run(project, 20, evaluated=True)
    child = Model(flops=20 * STEP)
    with open_gate(project, child, run="child", from_scratch=False, parents=[child.digest()]) as gate:
        train(gate, child, 10)
        gate.evaluate()
    with reading(project.ledger) as journal:
        elsewhere = journal.fold.situation("new", now=journal.now()).elsewhere
    assert {other.run: other.attempts for other in elsewhere} == {"one": {"arithmetic": 1}, "child": {"arithmetic": 2}}


def test_evaluating_takes_an_evaluator_and_something_trained(project: Project) -> None:
    model = Model()
    with open_gate(project, model, evaluate=None) as gate, pytest.raises(Exception, match="without a function"):
        gate.evaluate()
    with open_gate(project, model) as gate, pytest.raises(Exception, match="nothing has been trained"):
        gate.evaluate()
    with pytest.raises(Held, match="closed"):
        gate.evaluate()


def test_evaluating_nothing_is_said_and_is_no_proceed(tmp_path: Path) -> None:
    project, model = new_project(tmp_path / "p", POLICY_TEXT.replace("evaluations: 12", "evaluations: 1")), Model()
    with open_gate(project, model, suites={}) as gate:
        train(gate, model, 3)
        with pytest.raises(InputError, match="`arithmetic` has no suite"):
            gate.evaluate()
    with open_gate(project, model) as gate:
        gate.evaluate()
        train(gate, model, 1)
        with pytest.raises(InputError, match="all 1 evaluations of `arithmetic` are spent"):
            gate.evaluate()


def test_evaluating_is_announced_once_for_the_same_weights(project: Project) -> None:
    seen: list[EvaluationRequest] = []

    def look(request: EvaluationRequest) -> Measured:
        seen.append(request)
        return model.evaluate(request)

    model = Model()
    with open_gate(project, model, evaluate=look) as gate:
        train(gate, model, 3)
        first, second = gate.evaluate(), gate.evaluate()
    assert [request.elicitation for request in seen] == ["none", "fine-tuning"]
    assert first.verdict == second.verdict == "PROCEED"
    with reading(project.ledger) as journal:
        assert len(journal.fold.attempts) == 2


def test_elicitation_that_the_policy_asks_for_is_covered_past_the_margin() -> None:
    """Of a small run the policy asks for more elicitation than the margin allows for."""
    small = about(compute=10**9, elicitation_flops=10**9)
    assert covered(POLICY, DOMAIN, other(10**12, small)) == 2 * 10**9
    more = about(compute=10**9, elicitation_flops=10**9 + 1)
    assert covered(POLICY, DOMAIN, other(10**12, more)) == 2 * 10**9
    share = about(compute=10**12, elicitation_flops=2 * 10**10)
    asked = parse_policy(POLICY_TEXT.replace("share: 1%", "share: 2%").replace("margin: 1.5x", "margin: 1x"))
    assert covered(asked, asked.domains[0], other(10**14, share)) == 102 * 10**10


def test_small_runs_that_are_evaluated_leave_room_for_the_next(tmp_path: Path) -> None:
    """Each is harmless and evaluated at its end: there can be any number of them."""
    project = new_project(tmp_path / "p", POLICY_TEXT.replace("at_least: 1e9 FLOP", "at_least: 2e10 FLOP"))
    for number in range(9):
        model = Model(flops=number)
        with open_gate(project, model, run=f"r{number}") as gate:
            train(gate, model, 2)
            gate.evaluate()


def test_a_run_that_is_closed_saves_nothing_more() -> None:
    """What it spent on elicitation is in no weights: no process is waited for that would save it."""
    closed = other(10**12, about(compute=10**11), recorded=10**11)
    decision = beside(closed, used=FIRST, lineage={"behind": 0, "planned_end": None, "compute": 0})
    assert decision.resumption is not None
    assert not any("saves what it has" in fact.text for fact in decision.resumption.first)


def test_what_a_session_has_not_saved_is_known(tmp_path: Path) -> None:
    project, model = new_project(tmp_path / "p"), Model()

    def unsaved() -> int:
        with reading(project.ledger) as journal:
            [of] = journal.fold.situation("another", now=journal.now()).elsewhere
            return of.unsaved

    with open_gate(project, model, tranche=5 * STEP) as gate:
        train(gate, model, 2)
        assert unsaved() == 5 * STEP
        gate.save()
        assert unsaved() == 0
        train(gate, model, 1)
        assert unsaved() == 5 * STEP
        gate.evaluate()
        assert unsaved() == 0
    assert unsaved() == 0
    gate = open_gate(project, model)
    assert unsaved() == 0
    train(gate, model, 1)
    gate.close()
    assert unsaved() == STEP


def test_a_merge_or_a_student_of_large_models_is_no_small_model_that_reached_the_alarm() -> None:
    """What it provably holds is nothing, and would refute the first amount for every run that begins."""
    told = about(380, compute=0)
    for changes, early in (
        ({"inherited": 9 * 10**11}, False),
        ({"inherited": FIRST}, True),
        ({"inherited": FIRST + 1}, False),
        ({"inherited": 9 * 10**11, "carried": 9 * 10**11}, True),
        ({"inherited": 9 * 10**11, "faults": ("who knows",)}, True),
    ):
        facts = derive_facts(POLICY, situation(0, elsewhere=(other(0, told, **changes),)), "train")
        assert facts["arithmetic.reached_early"] is early, changes


def test_where_the_alarm_was_reached_with_nothing_no_lower_amount_is_advised() -> None:
    none, some = (reached_early(POLICY, situation(0, elsewhere=(other(0, about(380, compute=at)),))) for at in (0, 1))
    assert "lowers `first_evaluation_at`" in some[0]
    assert "lowers" not in none[0]
