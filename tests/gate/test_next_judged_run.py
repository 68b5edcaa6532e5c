"""The next run from scratch where people judge and claim: what they have said of earlier runs counts no more.

The judged policy lets 1e12 FLOP go before a first judgement, over all of the developer's compute that none covers.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from book import Book, digest
from test_determinations import FIRST, ask, book_of, policy_of, saved, say
from test_risk_claims import claim, numbered

from scalegate.gate import Decision
from scalegate.gate.facts import derive_facts
from scalegate.gate.situation import Elsewhere
from scalegate.ledger import entries as kinds
from scalegate.policy.semantics import Unknown, Value

BEGINS = (FIRST.splitlines()[0], FIRST)
TWO = ("    decided_by: {role: rso, at_least: 1}\n", "    decided_by: {role: rso, at_least: 2}\n")
FIRST_AT = 10**12
BIG = 3 * 10**12


def opened(book: Book, run: str, *parents: kinds.Parent, start: str | None = None) -> dict[str, Any]:
    """Another run, and what its entries have in common."""
    of: dict[str, Any] = {"run": run, "session": digest(f"session {run}")}
    begins = {"from_scratch": not parents, "parents": parents, "start_weights": digest(start or f"start {run}")}
    assert book.put(kinds.RunOpened, **of, **begins).refused is None
    return of


def after(trained: int = BIG, *changes: tuple[str, str]) -> Book:
    """Run `r` has trained so much, into weights `w`, and run `two` has just been opened."""
    book = book_of(BEGINS, *changes)
    saved(book, "w", trained)
    opened(book, "two")
    return book


def next_run(book: Book) -> Decision:
    return ask(book, 1, run="two")


def facts_of(book: Book) -> dict[str, Value]:
    assert book.fold.policy is not None
    return derive_facts(book.fold.policy, book.fold.situation("two", now=book.time), "train")


def unjudged(book: Book) -> Value:
    return facts_of(book)["determination.bio.unjudged"]


def unclaimed(book: Book) -> Value:
    return facts_of(book)["risk.harm.unclaimed"]


# --- the honest path --------------------------------------------------------------------------------------


def test_once_a_run_is_judged_at_its_end_the_next_has_all_of_it() -> None:
    book = after()
    assert say(book, "ada") is None
    decision = next_run(book)
    assert decision.permit is not None
    assert decision.permit.compute == FIRST_AT
    assert ask(book, FIRST_AT + 1, run="two").verdict == "HOLD"


def test_a_run_that_nobody_judged_holds_the_next_and_the_hold_names_the_way() -> None:
    book = after()
    held = next_run(book)
    assert held.resumption is not None
    assert not held.resumption.stop
    [[fact]] = held.resumption.sets
    assert fact.kind == "sign"
    assert fact.text == (
        f"if it is so: Ada (`ada`) or Grace (`grace`), rso, judges of the furthest recorded weights of `r`"
        f" ({digest('w')[:12]}...), which covers what it trained: The model does not come near the bio threshold."
    )
    assert fact.concerns == ("judgements", "bio", "r", digest("w"), "")
    detail = next(it.detail for it in held.findings if it.clause == "capability.bio")
    assert "a first judgement of `bio` was due at 1.00e+12 FLOP; 1 FLOP is asked for, and 3.00e+12 FLOP of" in detail
    assert say(book, "grace") is None
    assert next_run(book).verdict == "PROCEED"


def test_as_many_are_asked_for_as_the_policy_says_and_whoever_has_judged_need_not_again() -> None:
    book = after(BIG, TWO)
    held = next_run(book)
    assert held.resumption is not None
    assert [it.concerns[2:] for it in held.resumption.sets[0]] == [
        ("r", digest("w"), "ada", "r", digest("w"), "grace"),
    ]
    assert "Ada (`ada`) and Grace (`grace`), rso, judge of" in held.resumption.sets[0][0].text
    say(book, "ada")
    assert unjudged(book) == BIG
    held = next_run(book)
    assert held.resumption is not None
    assert [it.concerns[2:] for it in held.resumption.sets[0]] == [("r", digest("w"), "grace")]
    say(book, "grace")
    assert next_run(book).verdict == "PROCEED"


def test_what_was_trained_after_the_judged_weights_is_taken_from_the_next() -> None:
    book = after()
    say(book, "ada")
    saved(book, "more", BIG + 10**11)
    assert unjudged(book) == 10**11
    permit = next_run(book).permit
    assert permit is not None
    assert permit.compute == FIRST_AT - 10**11


def test_so_far_as_the_quorum_has_come_and_no_further() -> None:
    book = after(10**11, TWO)
    saved(book, "more", BIG)
    say(book, "ada", name="more")
    assert unjudged(book) == BIG
    say(book, "grace")
    assert unjudged(book) == BIG - 10**11
    say(book, "grace", name="more")
    assert unjudged(book) == 0


def test_a_denial_covers_and_bars_the_next_run_by_itself() -> None:
    book = after()
    say(book, "ada", holds=False)
    assert unjudged(book) == 0
    held = next_run(book)
    assert held.verdict == "HOLD"
    assert facts_of(book)["determination.bio.ada.denied_anywhere"] is True
    say(book, "ada")
    assert next_run(book).verdict == "PROCEED"


def test_a_word_that_has_ended_covers_as_before() -> None:
    book = after()
    say(book, "ada", until=book.time + 100)
    before = next_run(book)
    late = ask(book, 1, run="two", now=book.time + 200)
    assert before.permit is not None
    assert late.permit is not None
    assert late.permit.compute == before.permit.compute
    assert before.permit.time > book.time + 200


def test_under_another_version_it_is_judged_again() -> None:
    book = after()
    say(book, "ada")
    assert book.adopt(policy_of(BEGINS, ('version: "1"', 'version: "2"'))).refused is None
    assert unjudged(book) == BIG
    held = next_run(book)
    assert held.resumption is not None
    assert held.resumption.sets[0][0].concerns[:3] == ("judgements", "bio", "r")
    say(book, "ada")
    assert next_run(book).verdict == "PROCEED"


def test_of_several_runs_those_are_named_that_make_room() -> None:
    book = after(BIG)
    of = opened(book, "three")
    saved(book, "x", 5 * 10**11, **of)
    held = next_run(book)
    assert held.resumption is not None
    assert held.resumption.sets[0][0].concerns == ("judgements", "bio", "r", digest("w"), "")
    say(book, "ada")
    permit = next_run(book).permit
    assert permit is not None
    assert permit.compute == FIRST_AT - 5 * 10**11


# --- what covers nothing, or no more than it may ------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [{"configuration": digest("agent")}, {"until": 0}, {"name": "start two"}, {"name": "nobody's", "holds": False}],
    ids=str,
)
def test_a_word_that_is_not_of_the_bare_weights_or_never_counted_covers_nothing(changes: dict[str, Any]) -> None:
    book = after()
    assert say(book, "ada", **changes) is None
    assert unjudged(book) == BIG
    assert next_run(book).verdict == "HOLD"


def test_a_word_of_somebody_without_the_role_covers_nothing() -> None:
    book = after()
    assert say(book, "security") is not None
    assert unjudged(book) == BIG


def test_a_word_on_a_toy_covers_a_toy() -> None:
    book = after()
    of = opened(book, "toy")
    saved(book, "toy", 10, **of)
    assert say(book, "ada", name="toy") is None
    assert unjudged(book) == BIG
    # Nor in the name of the large run.
    assert say(book, "ada", name="toy", run="r") is None
    assert say(book, "grace", name="toy", run="r") is None
    assert unjudged(book) == BIG


def fine_tuned(relation: str = "initialisation", trained: int = 10**11) -> Book:
    book = after()
    of = opened(book, "tuned", kinds.Parent(weights=digest("w"), relation=relation), start="w")
    saved(book, "tuned", trained, **of)
    return book


@pytest.mark.parametrize("relation", ["initialisation", "adapter", "merge"])
def test_a_word_on_a_fine_tune_covers_what_that_trained_and_one_on_its_parent_the_rest(relation: str) -> None:
    book = fine_tuned(relation)
    assert unjudged(book) == BIG + 10**11
    say(book, "ada", name="tuned", run="tuned")
    assert unjudged(book) == BIG
    say(book, "ada")
    assert unjudged(book) == 0
    other = fine_tuned(relation)
    say(other, "ada", run="tuned")
    assert unjudged(other) == 10**11


def test_weights_that_a_run_went_back_from_cover_no_more_than_is_in_them() -> None:
    book = after(10**11)
    saved(book, "branch", BIG)
    book.put(kinds.ComputeReserved, use="training", flops=10**11)
    book.put(kinds.WeightsRecorded, weights=digest("w"), trained=BIG + 10**10)
    book.put(kinds.WeightsRecorded, weights=digest("on"), trained=BIG + 10**11)
    book.fold.runs["r"].faults.clear()
    say(book, "ada", name="on")
    # What the branch trained is in none of these weights.
    assert unjudged(book) == BIG + 10**11 - (10**11 + 9 * 10**10)


def test_weights_that_two_runs_claim_cover_neither() -> None:
    book = after()
    of = opened(book, "twin")
    saved(book, "w", BIG, **of)
    say(book, "ada")
    assert unjudged(book) == 2 * BIG
    held = next_run(book)
    assert held.resumption is not None
    assert held.resumption.sets == ()


def test_a_run_at_fault_is_covered_by_nothing_and_is_not_offered() -> None:
    book = after()
    say(book, "ada")
    book.put(kinds.MeterFault)
    assert unjudged(book) == BIG
    held = next_run(book)
    assert held.resumption is not None
    assert held.resumption.stop


def test_what_was_never_saved_cannot_be_covered_and_what_may_be_saved_comes_first() -> None:
    book = after()
    say(book, "ada")
    book.put(kinds.ComputeReserved, use="training", flops=BIG)
    book.fold.runs["r"].faults.clear()
    assert unjudged(book) == BIG
    held = next_run(book)
    assert held.resumption is not None
    assert not held.resumption.stop
    assert [it.text.split(":")[0] for it in held.resumption.first] == [
        "a process that still trains (or, after a crash, opens the run again) saves what it has, has it judged and"
        " closes its gate"
    ]


def test_it_is_unknown_where_the_lineage_is_not_known() -> None:
    book = after()
    book.put(kinds.RunOpened, run="two", session=digest("again"), from_scratch=False, start_weights=digest("start two"))
    assert isinstance(unjudged(book), Unknown)


def test_an_evaluation_of_what_a_run_merged_covers_nothing_that_it_trained() -> None:
    """Where people evaluate it was so: its start was taken for weights of its own."""
    book = Book.adopted()
    book.put(kinds.TierStatus)
    book.put(kinds.RunOpened)
    saved(book, "w", 10**12)
    of = opened(book, "merged", kinds.Parent(weights=digest("w"), relation="merge"), start="w")
    saved(book, "merged", 9 * 10**11, **of)
    opened(book, "two")
    book.put(kinds.EvaluationAnnounced)
    book.put(kinds.ComputeReserved, evaluation=digest("e"), flops=2 * 10**10)
    book.put(kinds.EvaluationFinished, elicitation_flops=2 * 10**10)
    book.fold.runs["r"].faults.clear()
    assert facts_of(book)["arithmetic.unevaluated"] == 9 * 10**11


# --- the risk that remains ----------------------------------------------------------------------------------


def claimed(*changes: tuple[str, str], per: str = "action", at_most: str = "0.01%") -> Book:
    """The same where a risk is claimed: all of run `r` is judged, and the start of `two` is claimed of."""
    book = after(BIG, *numbered(per, at_most), *changes)
    assert say(book, "ada") is None
    assert claim(book, name="start two", run="two", bound="1/20000") is None
    return book


def test_a_claim_within_the_number_covers_another_run() -> None:
    book = claimed()
    held = next_run(book)
    assert held.resumption is not None
    [[fact]] = held.resumption.sets
    assert fact.text == (
        "if it can be bounded by at most 0.01% (1 in 10,000): Ada (`ada`) or Grace (`grace`), rso, claims that, of the"
        f" furthest recorded weights of `r` ({digest('w')[:12]}...), for `train`, which covers what it trained: A"
        " catastrophe from it within a year."
    )
    assert fact.concerns == ("claims", "harm", "r", digest("w"), "")
    assert claim(book) is None
    assert unclaimed(book) == 0
    permit = next_run(book).permit
    assert permit is not None
    assert permit.compute == FIRST_AT


@pytest.mark.parametrize("bound", [None, "2/10000"])
def test_a_worse_word_on_another_run_covers_nothing_until_it_is_taken_back(bound: str | None) -> None:
    """What stands against a run holds no other: so none of its compute is covered either."""
    book = claimed()
    claim(book, bound)
    assert unclaimed(book) == BIG
    claim(book, who="grace")
    assert unclaimed(book) == BIG
    held = next_run(book)
    assert held.resumption is not None
    assert held.resumption.sets[0][0].concerns == ("claims", "harm", "r", digest("w"), "ada")
    claim(book)
    assert unclaimed(book) == 0
    assert next_run(book).verdict == "PROCEED"


def test_a_worse_word_stands_under_later_versions_and_of_weights_that_nobody_saved() -> None:
    book = claimed()
    claim(book, None, name="lost")
    claim(book, who="grace")
    assert unclaimed(book) == BIG
    assert book.adopt(policy_of(BEGINS, *numbered(), ('version: "1"', 'version: "2"'))).refused is None
    claim(book, who="grace")
    assert unclaimed(book) == BIG
    held = next_run(book)
    assert held.resumption is not None
    words = next(it for it in held.resumption.sets[0] if it.concerns[0] == "claims")
    assert words.concerns[2:] == ("r", digest("lost"), "ada")
    assert f"and `ada` also of {digest('lost')[:12]}..." in words.text


@pytest.mark.parametrize("named", [None, "r"])
def test_a_worse_word_counts_against_each_run_that_recorded_what_it_is_of(named: str | None) -> None:
    """A run that says it trained them too takes it off none."""
    book = after(10**11, *numbered())
    saved(book, "more", BIG)
    assert (say(book, "ada"), claim(book, "1/20000", "grace")) == (None, None)
    assert claim(book, None, name="more", run=named) is None
    of = opened(book, "twin")
    book.put(kinds.ComputeReserved, use="training", flops=1, **of)
    book.put(kinds.WeightsRecorded, weights=digest("more"), trained=1, **of)
    assert unclaimed(book) == BIG + 1
    assert next_run(book).verdict == "HOLD"


def test_a_worse_word_on_nearer_weights_is_taken_back_by_one_on_further_ones() -> None:
    book = claimed()
    claim(book, None)
    saved(book, "more", 2 * BIG)
    claim(book, who="grace", name="more")
    assert unclaimed(book) == 2 * BIG
    claim(book, name="more")
    assert unclaimed(book) == 0


def test_a_claim_for_another_action_covers_nothing() -> None:
    book = claimed()
    assert claim(book, action="deploy_external", configuration=digest("agent")) is None
    assert unclaimed(book) == BIG


def test_a_bound_is_offered_that_takes_no_more_of_a_budget_than_was_taken() -> None:
    """A larger claim on what permits rested on is spent at once, and the new run would be held by that."""
    book = after(10**11, *numbered("year"))
    book.put(kinds.TierStatus)
    say(book, "ada")
    claim(book, "1/40000")
    assert book.decide(compute=2 * 10**11).verdict == "PROCEED"
    saved(book, "more", BIG)
    say(book, "ada", name="more")
    claim(book, "1/40000", name="start two", run="two")
    held = next_run(book)
    assert held.resumption is not None
    assert "at most 0.0025%" in held.resumption.sets[0][0].text
    claim(book, "1/40000")
    assert next_run(book).verdict == "HOLD"
    claim(book, "1/40000", name="more")
    assert next_run(book).verdict == "PROCEED"
    assert next_run(book).risks[0].bound == Fraction(1, 40_000)


# --- in the situation ---------------------------------------------------------------------------------------


def test_the_situation_says_which_run_recorded_what_a_word_is_of() -> None:
    book = fine_tuned()
    say(book, "ada")
    of = book.fold.situation("two", now=book.time)
    [word] = of.statements
    assert [(it.run, it.own) for it in word.recorded] == [("r", BIG)]
    by_run: dict[str, Elsewhere] = {it.run: it for it in of.elsewhere}
    assert (by_run["r"].furthest, by_run["r"].own) == (digest("w"), BIG)
    assert (by_run["tuned"].furthest, by_run["tuned"].own) == (digest("tuned"), 10**11)
    assert of.schema_version == "scalegate.situation/14"
