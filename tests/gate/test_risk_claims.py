"""The risk that remains: claimed by people, of one action, with a bound that must be within the policy's number."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from book import Book, digest
from test_determinations import FIRST, FLOPS, ask, book_of, policy_of, saved, say, status

from scalegate.gate import Decision
from scalegate.gate.adequacy import inadequate
from scalegate.ledger import entries as kinds
from scalegate.policy.lints import check_policy
from support import DAY, START

ACTIONS = "[train, deploy_external]"
RISK = """risks:
  - id: harm
    about: A catastrophe from it within a year.
    claimed_by: {role: rso, at_least: 1}
    valid_for: 60 days
    carries: 4x
    years_from: 2026-01-01
levels:
"""


def numbered(per: str = "action", at_most: str = "0.01%", name: str = "harm") -> tuple[tuple[str, str], ...]:
    """The changes by which the judged policy gets a number for its risk."""
    clause = f"  - {{id: {name}, kind: residual_risk, risk: harm, at_most: {at_most}, per: {per}, text: r"
    clause += f", source: {{document: d}}, actions: {ACTIONS}, modality: will}}"
    return ("levels:\n", RISK), ("clauses:\n", f"clauses:\n{clause}\n")


def risk_book(*changes: tuple[str, str], per: str = "action", at_most: str = "0.01%") -> Book:
    """Weights `w` of which all is judged but the risk that remains."""
    book = book_of(*numbered(per, at_most), *changes)
    saved(book, "w", FLOPS)
    say(book, "ada")
    return book


def claim(book: Book, bound: str | None = "1/10000", who: str = "ada", name: str = "w", **fields: Any) -> str | None:
    """Somebody claims a bound of weights; returns why it counts for nothing."""
    given: dict[str, Any] = {
        "risk": "harm",
        "action": "train",
        "run": "r",
        "weights": digest(name),
        "configuration": None,
        "bound": Fraction(bound) if bound else None,
        "until": book.time + 300 * DAY,
        "statement": "worked out",
    }
    return book.put(kinds.RiskClaimed, who, **(given | fields)).refused


def told(decision: Decision, clause: str = "harm") -> str:
    return next(finding.detail for finding in decision.findings if finding.clause == clause)


def test_no_claim_holds_and_the_hold_says_which_claim_would_release_it() -> None:
    book = risk_book()
    held = ask(book)
    assert (held.verdict, status(held, "harm")) == ("HOLD", "not shown")
    assert "nobody has claimed a bound on the risk `harm`, of what this goes on from, for `train`" in told(held)
    assert held.resumption is not None
    assert [[fact.concerns for fact in facts] for facts in held.resumption.sets] == [
        [("risk", "harm", "ada")],
        [("risk", "harm", "grace")],
    ]
    fact = held.resumption.sets[0][0]
    assert fact.text == (
        "if it can be bounded by at most 0.01% (1 in 10,000): Ada (`ada`, rso) claims that of `harm`, of the present"
        " weights, saved, for `train`: A catastrophe from it within a year."
    )
    assert claim(book) is None
    decision = ask(book)
    assert decision.verdict == "PROCEED"
    assert decision.limits.assumptions[0] == (
        "Claimed by `ada` on 2026-11-30, not measured: of the risk `harm`, at most 0.01% (1 in 10,000)."
        " A catastrophe from it within a year."
    )
    assert [(it.risk, it.bound, it.least, it.most) for it in decision.risks] == [
        ("harm", Fraction(1, 10_000), FLOPS, 4 * FLOPS)
    ]
    assert Decision.from_json(decision.to_json()) == decision


def test_a_bound_over_the_number_is_violated_and_one_that_cannot_be_bounded_is_unknown() -> None:
    book = risk_book()
    claim(book, "2/10000")
    held = ask(book)
    assert status(held, "harm") == "violated"
    assert "the risk `harm` is claimed to be at most 0.02% (1 in 5,000), more than 0.01% (1 in 10,000)" in told(held)
    claim(book, None)
    held = ask(book)
    assert status(held, "harm") == "not shown"
    assert "cannot be bounded, says `ada`" in told(held)
    # Nobody else's word helps against that, and one's own does.
    claim(book, "1/100000", "grace")
    held = ask(book)
    assert held.verdict == "HOLD"
    assert held.resumption is not None
    assert [fact.concerns for fact in held.resumption.sets[0]] == [("risk", "harm", "ada")]
    claim(book)
    assert ask(book).verdict == "PROCEED"
    assert ask(book).risks[0].bound == Fraction(1, 10_000)


def test_two_who_both_stand_in_the_way_are_named_together() -> None:
    book = risk_book()
    claim(book, None)
    claim(book, None, "grace")
    held = ask(book)
    assert held.resumption is not None
    assert [[fact.concerns for fact in facts] for facts in held.resumption.sets] == [[("risk", "harm", "ada", "grace")]]
    claim(book)
    assert ask(book).verdict == "HOLD"
    claim(book, who="grace")
    assert ask(book).verdict == "PROCEED"


def test_as_many_claim_as_the_policy_asks_for() -> None:
    book = risk_book(("claimed_by: {role: rso, at_least: 1}", "claimed_by: {role: rso, at_least: 2}"))
    claim(book)
    held = ask(book)
    assert held.resumption is not None
    assert [[fact.concerns for fact in facts] for facts in held.resumption.sets] == [[("risk", "harm", "grace")]]
    claim(book, "1/20000", "grace")
    decision = ask(book)
    # The worst of what they say counts.
    assert (decision.verdict, decision.risks[0].bound) == ("PROCEED", Fraction(1, 10_000))


def test_a_claim_ends_by_the_policys_time_and_carries_as_far_as_it_says() -> None:
    book = risk_book(("every: 4x", "every: 9x"), ("within: 3 months", "within: 9 months"))
    claim(book)
    at = book.time
    permit = ask(book).permit
    assert permit is not None
    assert (permit.compute, permit.compute_ends_by) == (4 * FLOPS, ("harm",))
    assert (permit.time, permit.time_ends_by) == (at + 60 * DAY, ("harm",))
    assert ask(book, now=at + 60 * DAY + 1).verdict == "HOLD"


def test_the_end_of_a_later_claim_brings_back_no_earlier_one() -> None:
    book = risk_book()
    claim(book, "1/20000")
    claim(book, "1/10000", until=book.time + 3)
    assert ask(book, now=book.time + 5).verdict == "HOLD"
    claim(book, "1/5000", "grace", until=book.time + 3)
    claim(book, "1/10000")
    # What was said and has ended supports nothing and stands against.
    assert status(ask(book, now=book.time + 100), "harm") == "violated"


def test_a_claim_is_of_one_action_and_of_the_exact_deployment() -> None:
    book = risk_book()
    claim(book)
    agent = {"weights": digest("w"), "configuration": digest("agent")}
    say(book, "ada", configuration=digest("agent"))
    held = ask(book, action="deploy_external", **agent)
    assert held.verdict == "HOLD"
    assert status(held, "harm") == "not shown"
    assert claim(book, action="deploy_external", configuration=digest("agent")) is None
    assert ask(book, action="deploy_external", **agent).verdict == "PROCEED"
    other = {"weights": digest("w"), "configuration": digest("other")}
    say(book, "ada", configuration=digest("other"))
    assert ask(book, action="deploy_external", **other).verdict == "HOLD"


def test_the_first_step_too_takes_a_claim_and_one_on_untrained_weights_carries_it() -> None:
    book = book_of(*numbered(), (FIRST.splitlines()[0], FIRST))
    held = ask(book, FLOPS)
    assert [it for it in ("harm", "capability.bio") if status(held, it) != "met"] == ["harm"]
    assert claim(book, name="start") is None
    permit = ask(book, FLOPS).permit
    assert permit is not None
    assert permit.compute == 10**12


def test_who_may_not_claim_and_what_is_claimed_of_nothing_counts_for_nothing() -> None:
    book = risk_book()
    assert "does not have the role `rso`" in (claim(book, who="security") or "")
    assert "the ledger does not know the weights" in (claim(book, name="stray") or "")
    assert "of the bare weights" in (claim(book, configuration=digest("agent")) or "")
    assert claim(book, None, name="stray") is None
    assert "dated before" in (claim(book, time=book.time - DAY) or "")
    assert claim(book, None, time=book.time - DAY) is None
    assert ask(book).verdict == "HOLD"


def test_an_adoption_ends_what_claims_support_and_not_what_stands_against() -> None:
    book = risk_book()
    claim(book)
    claim(book, None, "grace")
    later = policy_of(*numbered(), ('version: "1"', 'version: "2"'))
    assert book.adopt(later).refused is None
    say(book, "ada")
    claim(book)
    assert "cannot be bounded, says `grace`" in told(ask(book))


@pytest.mark.parametrize("bound", ["2/10000", None])
def test_a_worse_word_ends_the_permit_that_is_out(bound: str | None) -> None:
    book = risk_book()
    claim(book)
    book.decide(compute=FLOPS)
    assert book.fold.permitted("r", book.time)
    claim(book, bound, "grace")
    assert not book.fold.permitted("r", book.time)


LINE = "It has no residual-risk gate"


def test_the_banner_keeps_its_line_until_each_action_has_a_number_that_is_kept() -> None:
    bare, whole = policy_of(), policy_of(*numbered())
    assert any(it.startswith(LINE) for it in inadequate(bare))
    assert not any(it.startswith(LINE) for it in inadequate(whole))
    assert "The risk `harm` is claimed and not measured" in "".join(inadequate(whole))
    train_only = numbered()[1][1].replace(ACTIONS, "[train]")
    partly = policy_of(numbered()[0], ("clauses:\n", train_only))
    assert any(
        "For `deploy_external` no clause that binds at all times puts a number" in it for it in inadequate(partly)
    )
    unmet = ask(risk_book()).limits.inadequate
    assert "Its residual-risk gate is not met: the risk that remains is not claimed to be within its number." in unmet
    book = risk_book()
    claim(book)
    met = ask(book).limits.inadequate
    assert met
    assert not any("residual-risk" in it for it in met)


def test_what_a_run_at_fault_says_of_weights_takes_back_no_worse_word_on_them() -> None:
    book = risk_book()
    saved(book, "more", 2 * FLOPS)
    claim(book, None, name="more")
    session = digest("z")
    book.put(kinds.RunOpened, run="z", session=session, start_weights=digest("start of z"))
    book.put(kinds.ComputeReserved, run="z", session=session, use="training", flops=1)
    book.put(kinds.WeightsRecorded, run="z", session=session, weights=digest("more"), trained=1)
    claim(book)
    assert "cannot be bounded, says `ada`" in told(ask(book))


def test_a_word_on_weights_that_nobody_saved_stands_until_its_signer_bounds_these() -> None:
    book = risk_book()
    claim(book, None, name="not saved yet")
    claim(book)
    held = ask(book)
    assert held.verdict == "HOLD"
    assert held.resumption is not None
    assert f"`ada` claim the risk `harm` again, of {digest('not saved yet')[:12]}" in held.resumption.first[0].text
    assert claim(book, name="not saved yet") is None
    assert ask(book).verdict == "PROCEED"


@pytest.mark.parametrize(("at_most", "told_of"), [("99.999999%", True), ("10%", True), ("9.9%", False)])
def test_a_number_that_nearly_anything_keeps_is_a_weakness(at_most: str, told_of: bool) -> None:
    policy = policy_of(*numbered("action", at_most))
    found = [it for it in check_policy(policy, START) if it.rule.code == "number-says-little"]
    assert bool(found) is told_of
    assert all((it.rule.severity, it.about) == ("weakness", "clause harm") for it in found)
