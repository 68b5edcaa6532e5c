"""An exception is never a pass: the verdict stays HOLD, what lets it go on is told first, and it ends."""

from __future__ import annotations

from typing import Any

import pytest
from book import Book, digest, policy_of
from hypothesis import given
from hypothesis import strategies as st

from scalegate.gate import Decision, decide
from scalegate.gate.adequacy import inadequate
from scalegate.gate.exceptions import told
from scalegate.gate.judge import Judge
from scalegate.ledger import entries as kinds
from scalegate.policy import ACTIONS, PolicyFaults
from scalegate.policy.standing import REQUIRED_KINDS
from strategies import policies, situations
from support import DAY, START

TERMS = """
exceptions:
  - id: others-ahead
    text: Another developer is about to cause a catastrophe that this run would help to prevent.
    source: {document: Policy of Example Lab, section: "8"}
    clauses: [capability.arithmetic, cadence, safeguards.level-2]
    actions: [train]
    granted_by: {role: officer, at_least: 2}
    valid_for: 30 days
    growth: 2x
"""
FLOPS = 10**11
LATE = "first_evaluation_at: 2e11 FLOP"


def with_terms(*changes: tuple[str, str]) -> tuple[str, str]:
    terms = TERMS
    for old, new in changes:
        assert old in terms
        terms = terms.replace(old, new)
    return "\nlevels:\n", f"{terms}\nlevels:\n"


def book_of(*changes: tuple[str, str]) -> Book:
    """A run that has trained past what may go without evidence, and holds."""
    book = Book.adopted(policy_of(with_terms(*changes), (LATE, "first_evaluation_at: 1e11 FLOP")))
    book.trained(FLOPS)
    book.put(kinds.TierStatus, until=START + 90 * DAY)
    assert book.fold.runs["r"].faults == []
    return book


def hold(book: Book, compute: int = FLOPS + 1, **fields: Any) -> Decision:
    decision = book.decide(compute=compute, **fields)
    assert decision.verdict == "HOLD"
    return decision


def granted(book: Book, who: str, seen: Decision, **fields: Any) -> str | None:
    said = {
        "exception": "others-ahead",
        "run": "r",
        "decision": seen.digest(),
        "until": book.time + 90 * DAY,
        "statement": "it is about to happen",
    }
    return book.put(kinds.ExceptionGranted, who, **(said | fields)).refused


def test_the_verdict_stays_hold_and_the_permit_ends_with_the_grants() -> None:
    book = book_of()
    seen = hold(book)
    assert granted(book, "ada", seen) is None
    again = hold(book)
    assert again.exception is None
    assert granted(book, "grace", again) is None
    decision = hold(book)
    assert decision.permit is None
    assert [it.status for it in decision.findings] == [it.status for it in seen.findings]
    used = decision.exception
    assert used is not None
    assert used.exceptions == ("others-ahead",)
    assert used.clauses == ("capability.arithmetic", "cadence", "safeguards.level-2")
    assert (used.granted_by, used.grants) == (("ada", "grace"), 2)
    # Neither longer than the policy lets the first grant count, nor further than it lets compute grow.
    assert used.permit.compute == 2 * FLOPS
    assert used.permit.time == min(it.time for it in book.situation().exceptions) + 30 * DAY
    assert decision.reach == used.permit
    assert told(used).startswith("EXCEPTION `others-ahead`: it may go on until 2026-12-30T")
    held = "although `capability.arithmetic`, `cadence`, `safeguards.level-2` hold; granted by `ada`, `grace`."
    assert held in told(used)


def test_what_it_does_not_name_holds_as_ever() -> None:
    book = book_of(("[capability.arithmetic, cadence, safeguards.level-2]", "[capability.arithmetic, cadence]"))
    seen = hold(book)
    for who in ("ada", "grace"):
        assert granted(book, who, seen) is None
    assert hold(book).exception is None
    book = book_of()
    seen = hold(book)
    for who in ("ada", "grace"):
        assert granted(book, who, seen) is None
    # A cap that it does not name ends it, and so does what no policy can leave out.
    assert hold(book, 2 * FLOPS + 1).exception is None
    book.put(kinds.MeterFault)
    assert hold(book).exception is None


def test_compute_is_reserved_under_it_and_not_past_it() -> None:
    book = book_of()
    seen = hold(book)
    for who in ("ada", "grace"):
        assert granted(book, who, seen) is None
    hold(book)
    book.put(kinds.ComputeReserved, use="training", flops=FLOPS)
    assert book.fold.runs["r"].faults == []
    book.put(kinds.ComputeReserved, use="training", flops=1)
    assert book.faults() == ["reserves training compute without a permit for it"]


def test_elicitation_and_what_was_lost_give_it_no_room() -> None:
    """They count against a run, and never for it."""
    book = book_of()
    seen = hold(book)
    book.put(kinds.ComputeReserved, use="elicitation", flops=10**13)
    for who in ("ada", "grace"):
        assert granted(book, who, seen) is None
    decision = hold(book, 10**13 + FLOPS + 1)
    assert decision.exception is None
    told_why = [it for it in decision.limits.surprises if "others-ahead" in it]
    assert len(told_why) == 1
    assert "lets nothing go on: what `ada` granted reaches to 2.00e+11 FLOP" in told_why[0]


def evaluated(book: Book, successes: int) -> None:
    book.put(kinds.EvaluationAnnounced)
    book.put(kinds.ComputeReserved, use="elicitation", flops=2 * 10**9, evaluation=digest("e"))
    book.put(kinds.EvaluationFinished, successes=successes, elicitation_flops=2 * 10**9)


def test_nobody_let_go_on_what_they_had_not_seen() -> None:
    """What is worse after the grant, and a clause that did not hold then, hold as ever."""
    book = book_of()
    seen = hold(book)
    assert seen.levels == ()
    for who in ("ada", "grace"):
        assert granted(book, who, seen) is None
    assert hold(book).exception is not None
    evaluated(book, 390)
    after = hold(book, 2 * 10**11)
    assert (after.levels, after.exception) == ((2,), None)
    assert any("Ada Officer had not seen the threshold of `arithmetic` reached" in it for it in after.limits.surprises)
    for who in ("ada", "grace"):
        assert granted(book, who, after) is None
    used = hold(book, 2 * 10**11).exception
    assert used is not None
    assert used.clauses == ("safeguards.level-2",)


def test_only_the_latest_decision_may_be_named() -> None:
    book = book_of()
    seen = hold(book)
    hold(book, 2 * FLOPS)
    refused = granted(book, "ada", seen)
    assert refused == "the decision that it names is not the latest on `r` for `train`"


def test_weights_that_nobody_named_go_nowhere() -> None:
    action = ("    actions: [train]\n    granted_by", "    actions: [train, deploy_external]\n    granted_by")
    deploys = ("    actions: [train]\n    modality: will", "    actions: [train, deploy_external]\n    modality: will")
    book = Book.adopted(policy_of(with_terms(action), (LATE, "first_evaluation_at: 1e11 FLOP"), deploys))
    book.trained(FLOPS)
    unnamed = book.decide(action="deploy_external")
    assert unnamed.verdict == "HOLD"
    refused = granted(book, "ada", unnamed)
    assert refused is not None
    assert "states no exact weights and configuration" in refused
    strange = decide_on(book, "deploy_external", digest("nobody's"))
    refused = granted(book, "ada", strange)
    assert refused == "no run of the lineage has recorded the weights of the decision that it names"
    known = decide_on(book, "deploy_external", digest("w"))
    for who in ("ada", "grace"):
        assert granted(book, who, known) is None
    assert decide_on(book, "deploy_external", digest("w")).exception is not None
    assert decide_on(book, "deploy_external", digest("w"), digest("other")).exception is None


def decide_on(book: Book, action: Any, weights: str, configuration: str = digest("agent")) -> Decision:
    given = book.fold.situation("r", now=book.time + 1, weights=weights, configuration=configuration)
    assert book.fold.policy is not None
    decision = decide(book.fold.policy, given, action)
    book.put(kinds.DecisionMade, decision=decision.to_json())
    return decision


def test_what_was_granted_is_taken_back_at_once_and_without_a_hold() -> None:
    book = book_of()
    seen = hold(book)
    for who in ("ada", "grace"):
        assert granted(book, who, seen) is None
    hold(book)
    assert book.fold.permitted("r", book.time)
    # Also with a clock behind the ledger's, and when no decision holds.
    taken_back = granted(book, "grace", seen, withdrawn=True, decision=None, until=book.time, time=book.time - 100)
    assert taken_back is None
    assert not book.fold.permitted("r", book.time)
    after = hold(book)
    assert after.exception is None
    assert any(
        "is granted by `ada` and lets nothing go on: 1 more must grant it" in it for it in after.limits.surprises
    )
    assert granted(book, "security", seen, withdrawn=True, decision=None) is not None


def test_a_grant_after_the_decision_ends_what_was_decided_before_it() -> None:
    book = book_of()
    seen = hold(book)
    for who in ("ada", "grace"):
        assert granted(book, who, seen) is None
    latest = hold(book)
    assert book.fold.permitted("r", book.time)
    # Whoever granted it may cut it short.
    assert granted(book, "grace", latest, until=book.time + 2) is None
    assert not book.fold.permitted("r", book.time)
    book.time += 2
    assert hold(book).exception is None


def test_how_often_it_was_granted_is_told() -> None:
    book = book_of()
    seen = hold(book)
    for who in ("ada", "grace", "ada", "alan", "grace"):
        assert granted(book, who, seen) is None
    used = hold(book).exception
    assert used is not None
    assert used.grants == 5
    assert told(used).startswith("EXCEPTION `others-ahead`, of which 5 grants were signed so far: it may go on ")


def test_growth_is_from_where_the_lineage_stood_when_each_granted_it() -> None:
    book = book_of()
    seen = hold(book)
    assert granted(book, "ada", seen) is None
    book.put(kinds.ComputeReserved, use="elicitation", flops=FLOPS)
    assert granted(book, "grace", seen) is None
    used = hold(book, 2 * FLOPS).exception
    assert used is not None
    assert used.permit.compute == 2 * FLOPS


@pytest.mark.parametrize(
    ("who", "fields", "why"),
    [
        ("security", {}, "`security` does not have the role `officer`"),
        ("ada", {"decision": digest("another")}, "the decision that it names is not one on this run"),
        ("ada", {"run": "s"}, "the decision that it names is not one on this run"),
        ("ada", {"exception": "none"}, "`ada` does not have the role `nobody`"),
        ("ada", {"time": START - 1}, "it is dated before an entry that is already there"),
    ],
)
def test_who_may_not_grant_it_grants_nothing(who: str, fields: dict[str, Any], why: str) -> None:
    book = book_of()
    seen = hold(book)
    refused = granted(book, who, seen, **fields)
    assert refused is not None
    assert refused.startswith(why)
    assert book.situation().exceptions == ()


def test_it_is_granted_to_a_hold_of_an_action_that_it_is_for() -> None:
    book = Book.adopted(policy_of(with_terms()))
    book.trained(10**9)
    proceed = book.decide(compute=2 * 10**9)
    assert proceed.verdict == "PROCEED"
    refused = granted(book, "ada", proceed)
    assert refused == "the decision that it names is no HOLD of an action that `others-ahead` is an exception for"
    other = book.decide(action="deploy_external")
    assert other.verdict == "HOLD"
    assert granted(book, "ada", other) == refused


def test_a_run_declared_otherwise_and_another_version_end_it() -> None:
    book = book_of()
    seen = hold(book)
    for who in ("ada", "grace"):
        assert granted(book, who, seen) is None
    new = policy_of(with_terms(), (LATE, "first_evaluation_at: 1e11 FLOP"), ('version: "1.0"', 'version: "1.1"'))
    for who in ("ada", "grace"):
        book.adopt(new, who)
    assert book.fold.policy == new
    assert hold(book).exception is None


def test_an_undefined_test_takes_words_of_the_policy() -> None:
    names = "[capability.arithmetic, cadence, safeguards.level-2, last-gate]"
    change = ("[capability.arithmetic, cadence, safeguards.level-2]", names)
    with pytest.raises(PolicyFaults) as error:
        policy_of(with_terms(change))
    assert [fault.message for fault in error.value.faults] == [
        "`last-gate` is a test that nobody has defined: an exception stands for that only where the policy says so"
    ]
    assert policy_of(with_terms(change, ("    growth: 2x", "    growth: 2x\n    undefined_tests: yes")))


def test_two_at_once_for_one_clause_are_an_error_unless_their_dates_keep_them_apart() -> None:
    second = TERMS.replace("exceptions:\n", "").replace("others-ahead", "second")
    both = ("    growth: 2x\n", f"    growth: 2x\n{second.strip(chr(10))}\n")
    with pytest.raises(PolicyFaults) as error:
        policy_of(with_terms(both))
    assert [(fault.message, fault.fix) for fault in error.value.faults] == [
        (
            "`others-ahead` is an exception to `capability.arithmetic` for `train` too:"
            " it is open which of them counts",
            "make one of the two, or give them `in_force` dates that do not meet",
        )
    ]
    apart = second.replace("    growth: 2x", "    growth: 2x\n    in_force: {from: 2027-01-01}")
    first = "    growth: 2x\n    in_force: {until: 2026-12-31}\n"
    policy = policy_of(with_terms(("    growth: 2x\n", f"{first}{apart.strip(chr(10))}\n")))
    assert [it.id for it in policy.exceptions] == ["others-ahead", "second"]


def test_before_its_dates_it_lets_nothing_go_on() -> None:
    book = book_of(("    growth: 2x", "    growth: 2x\n    in_force: {from: 2027-01-01}"))
    seen = hold(book)
    for who in ("ada", "grace"):
        assert granted(book, who, seen) is None
    assert hold(book).exception is None


def test_what_must_be_determined_as_well_must_be() -> None:
    determination = (
        "\ndeterminations:\n  - id: public\n    text: We have said so in public.\n    about: developer\n"
        "    decided_by: {role: security, at_least: 1}\n"
    )
    change, terms = with_terms(("    growth: 2x", "    growth: 2x\n    determined: [public]"))
    book = Book.adopted(policy_of((change, determination + terms), (LATE, "first_evaluation_at: 1e11 FLOP")))
    book.trained(FLOPS)
    seen = hold(book)
    for who in ("ada", "grace"):
        assert granted(book, who, seen) is None
    assert hold(book).exception is None
    said: dict[str, Any] = {
        "determination": "public",
        "holds": True,
        "run": None,
        "weights": None,
        "configuration": None,
    }
    said |= {"until": book.time + 5 * DAY, "statement": "said"}
    assert book.put(kinds.Determination, "security", **said).refused is None
    used = hold(book).exception
    assert used is not None
    assert used.permit.time == said["until"]


def test_the_banner_names_it_and_a_policy_without_any_keeps_its_digest() -> None:
    assert any(
        "By the exception `others-ahead`, 2 with the role `officer` let" in it
        for it in inadequate(policy_of(with_terms()))
    )
    assert "exceptions" not in policy_of().document()


@given(st.data())
def test_no_exception_takes_part_in_a_verdict(data: st.DataObject) -> None:
    """With it and without, of whatever policy and situation, the verdict and each finding are the same; never of a
    release; and what lets it go on ends no later than the standing conditions do."""
    policy = data.draw(policies(excepted=True))
    situation = data.draw(situations(policy))
    action = data.draw(st.sampled_from(ACTIONS))
    decision = decide(policy, situation, action)
    without = decide(policy, situation.model_copy(update={"exceptions": ()}), action)
    assert (decision.verdict, decision.permit) == (without.verdict, without.permit)
    assert decision.findings == without.findings
    if decision.exception is None:
        return
    used, judge = decision.exception, Judge.of(policy, action)
    assert decision.verdict == "HOLD"
    assert action != "release_weights"
    gone = {name for it in policy.exceptions if it.id in used.exceptions for name in it.clauses}
    assert set(used.clauses) <= gone
    assert not any(it.clause.startswith(("standing.", "required.")) for it in decision.findings if it.status != "met")
    assert {test.kind for test in judge.tests} >= set(REQUIRED_KINDS)
    past = [
        situation.model_copy(update={"compute": used.permit.compute + 1}),
        situation.model_copy(update={"now": used.permit.time + 1}),
    ]
    inside = situation.model_copy(update={"compute": used.permit.compute, "now": used.permit.time})
    again = decide(policy, inside, action)
    assert again.exception is not None or again.verdict == "PROCEED"
    for situation in past:
        again = decide(policy, situation, action)
        assert again.exception is None or again.verdict == "PROCEED"


def test_grants_are_counted_on_under_another_name() -> None:
    def renamed(version: str, *changes: tuple[str, str]) -> Any:
        terms = with_terms(("others-ahead", "others"), *changes)
        return policy_of(terms, (LATE, "first_evaluation_at: 1e11 FLOP"), ('version: "1.0"', f'version: "{version}"'))

    book = book_of()
    for who in ("ada", "grace"):
        granted(book, who, hold(book))
    other = ("Another developer is about", "Somebody is about")
    for version, changes in (("2.0", ()), ("3.0", (other,))):
        assert [book.adopt(renamed(version, *changes), who).refused for who in ("ada", "grace")][-1] is None
        book.put(kinds.TierStatus, until=START + 90 * DAY)
        seen = hold(book)
        assert [granted(book, who, seen, exception="others") for who in ("ada", "grace")] == [None, None]
        exception = hold(book).exception
        assert exception is not None
        assert exception.grants == (4 if version == "2.0" else 6)


def test_what_is_reserved_and_given_back_lets_it_grow_no_further() -> None:
    book = book_of()

    def reach(compute: int) -> int | None:
        seen = hold(book, compute)
        assert [granted(book, who, seen) for who in ("ada", "grace")] == [None, None]
        exception = hold(book, compute).exception
        return exception.permit.compute if exception else None

    assert reach(FLOPS + 1) == 2 * FLOPS
    book.put(kinds.ComputeReserved, use="training", flops=FLOPS)
    assert reach(2 * FLOPS + 1) is None
    book.put(kinds.ComputeSettled, unspent=FLOPS, remaining=FLOPS)
    exception = hold(book).exception
    assert exception is not None
    assert exception.permit.compute == 2 * FLOPS
