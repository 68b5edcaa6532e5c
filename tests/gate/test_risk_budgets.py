"""Budgets of the risk that remains: what permits rest on is added up over the record, and nothing is given back."""

from __future__ import annotations

from fractions import Fraction

import pytest
from book import Book, digest
from test_determinations import FLOPS, ask, book_of, policy_of, saved, say, status
from test_risk_claims import claim, numbered, risk_book, told

from scalegate.gate import decide
from scalegate.gate.budgets import next_year, spent_so_far, year_of
from scalegate.ledger import entries as kinds
from scalegate.policy.document import ResidualRisk
from scalegate.policy.semantics import Unknown
from scalegate.units import parse_instant
from support import DAY

BUDGET = "0.02%"


def other_run(book: Book, name: str = "s", trained: int = FLOPS) -> None:
    """Another run of the developer with weights of its own, of which all is judged."""
    book.put(kinds.RunOpened, run=name, session=digest(name), start_weights=digest(f"start {name}"))
    saved(book, f"w {name}", trained, name, session=digest(name))
    say(book, "ada", run=name, name=f"w {name}")


def spend(book: Book, run: str = "r") -> None:
    assert book.decide(run, FLOPS).verdict == "PROCEED"


def later(book: Book, seconds: int) -> None:
    book.time += seconds


@pytest.mark.parametrize("per", ["year", "tenfold"])
def test_two_runs_share_a_budget_and_a_third_finds_it_spent(per: str) -> None:
    book = risk_book(per=per, at_most=BUDGET)
    for name in ("s", "t"):
        other_run(book, name)
    for run, weights in (("r", "w"), ("s", "w s")):
        claim(book, run=run, name=weights)
        spend(book, run)
    claim(book, run="t", name="w t")
    held = ask(book, run="t")
    assert (held.verdict, status(held, "harm")) == ("HOLD", "violated")
    assert "claims on the risk `harm` come to 0.03% (about 1 in 3,333)" in told(held)
    # Who has spent goes on, with the same claim.
    assert ask(book).verdict == ask(book, run="s").verdict == "PROCEED"


def test_a_renewal_takes_nothing_and_a_new_claim_does() -> None:
    book = risk_book(per="year", at_most=BUDGET)
    claim(book)
    for _ in range(3):
        spend(book)
    assert sum(it.bound for it in book.fold.spending.spent.values()) == Fraction(1, 10_000)
    saved(book, "more", 2 * FLOPS)
    say(book, "ada", name="more")
    claim(book, name="more")
    book.decide(compute=2 * FLOPS)
    assert sum(it.bound for it in book.fold.spending.spent.values()) == Fraction(2, 10_000)


def test_nothing_is_given_back_by_claiming_less_later() -> None:
    book = risk_book(per="year", at_most=BUDGET)
    claim(book, "2/10000")
    spend(book)
    claim(book, "1/1000000")
    spend(book)
    other_run(book)
    claim(book, "1/1000000", run="s", name="w s")
    assert ask(book, run="s").verdict == "HOLD"
    assert ask(book).verdict == "PROCEED"


def test_the_hold_names_the_bound_that_the_budget_leaves() -> None:
    book = risk_book(per="year", at_most=BUDGET)
    claim(book, "15/100000")
    spend(book)
    other_run(book)
    held = ask(book, run="s")
    assert held.resumption is not None
    assert "bounded by at most 0.005% (1 in 20,000): Ada" in held.resumption.sets[0][0].text
    claim(book, "5/100000", run="s", name="w s")
    assert ask(book, run="s").verdict == "PROCEED"


def test_a_worse_word_later_counts_for_what_was_spent_of_the_same_thing() -> None:
    book = risk_book(per="year", at_most=BUDGET)
    claim(book)
    spend(book)
    other_run(book)
    claim(book, run="s", name="w s")
    assert ask(book, run="s").verdict == "PROCEED"
    claim(book, "15/100000", "grace")
    assert "0.025%" in told(ask(book, run="s"))
    claim(book, "1/1000000", "grace")
    assert ask(book, run="s").verdict == "HOLD"


@pytest.mark.parametrize("per", ["year", "tenfold"])
def test_what_was_spent_and_cannot_be_bounded_since_holds_the_developer_until_its_signer_bounds_it(per: str) -> None:
    book = risk_book(per=per, at_most=BUDGET)
    claim(book)
    spend(book)
    other_run(book)
    claim(book, run="s", name="w s")
    claim(book, None, "grace")
    held = ask(book, run="s")
    assert "cannot be bounded, says `grace` since" in told(held)
    assert held.resumption is not None
    assert not held.resumption.stop
    if per == "tenfold":
        assert "`grace` claim the risk `harm` again" in held.resumption.first[0].text
    else:
        assert [fact.kind for fact in held.resumption.sets[0]] == ["time"]
    claim(book, "1/10000", "grace")
    assert ask(book, run="s").verdict == "PROCEED"


def test_a_permit_ends_when_another_run_takes_of_the_budget_and_not_when_one_is_renewed() -> None:
    book = risk_book(per="year", at_most=BUDGET)
    claim(book)
    other_run(book)
    claim(book, run="s", name="w s")
    spend(book)
    assert book.fold.permitted("r", book.time)
    spend(book, "s")
    assert not book.fold.permitted("r", book.time)
    spend(book)
    spend(book, "s")
    assert book.fold.permitted("r", book.time)
    assert book.fold.permitted("s", book.time)


def test_a_spent_budget_waits_for_its_next_year() -> None:
    book = risk_book(per="year", at_most=BUDGET)
    claim(book, "2/10000")
    spend(book)
    other_run(book)
    claim(book, run="s", name="w s")
    held = ask(book, run="s")
    assert held.resumption is not None
    assert not held.resumption.stop
    # Ada's judgement and claim last until then.
    waits = [fact for facts in held.resumption.sets for fact in facts if fact.kind == "time"]
    assert [fact.text.split(" (")[0] for fact in waits] == ["wait until 2027-01-01T00:00:00Z"]
    begins = parse_instant("2027-01-01")
    assert ask(book, run="s", now=begins - 1).verdict == "HOLD"
    assert ask(book, run="s", now=begins).verdict == "PROCEED"


def test_a_spent_budget_of_a_tenfold_is_no_matter_of_time() -> None:
    book = risk_book(per="tenfold", at_most=BUDGET)
    claim(book, "2/10000")
    spend(book)
    other_run(book)
    held = ask(book, run="s")
    assert held.resumption is not None
    assert held.resumption.stop


def test_a_year_that_a_permit_reaches_into_counts_it() -> None:
    book = risk_book(per="year", at_most=BUDGET)
    later(book, parse_instant("2026-12-31T23:58:00Z") - book.time)
    say(book, "ada")
    claim(book, "2/10000")
    spend(book)
    other_run(book)
    claim(book, run="s", name="w s")
    assert ask(book, run="s", now=parse_instant("2027-01-01")).verdict == "HOLD"


def test_a_new_year_takes_of_the_new_budget() -> None:
    book = risk_book(per="year", at_most=BUDGET)
    claim(book, "2/10000")
    spend(book)
    other_run(book)
    claim(book, run="s", name="w s")
    later(book, parse_instant("2027-01-05") - book.time)
    spend(book, "s")
    assert "0.03%" in told(ask(book))
    assert ask(book).verdict == "HOLD"


@pytest.mark.parametrize(("trained", "verdict"), [(5 * FLOPS, "HOLD"), (10 * FLOPS, "PROCEED")])
def test_a_claim_counts_in_every_tenfold_that_it_carries_into(trained: int, verdict: str) -> None:
    book = risk_book(per="tenfold", at_most=BUDGET)
    claim(book, "2/10000")
    spend(book)
    # From 1e11 to 4e11: all of it in one tenfold.
    other_run(book, trained=trained)
    claim(book, run="s", name="w s")
    assert ask(book, trained, run="s").verdict == verdict


def test_more_compute_of_a_deployed_lineage_leaves_no_tenfold() -> None:
    book = risk_book(per="tenfold", at_most=BUDGET)
    agent = {"weights": digest("w"), "configuration": digest("agent")}
    claim(book, "2/10000")
    spend(book)
    say(book, "ada", configuration=digest("agent"))
    claim(book, "1/10000", action="deploy_external", configuration=digest("agent"))
    assert ask(book, action="deploy_external", **agent).verdict == "HOLD"
    book.put(kinds.ComputeReserved, use="elicitation", flops=10**12)
    say(book, "ada", configuration=digest("agent"))
    claim(book, "1/10000", action="deploy_external", configuration=digest("agent"))
    assert status(ask(book, action="deploy_external", **agent), "harm") == "violated"


def test_an_amendment_forgets_nothing_that_was_spent() -> None:
    book = risk_book(per="year", at_most=BUDGET)
    claim(book, "2/10000")
    spend(book)
    other_run(book)
    assert book.adopt(policy_of(('version: "1"', 'version: "2"'))).refused is None
    assert book.adopt(policy_of(*numbered("year", BUDGET), ('version: "1"', 'version: "3"'))).refused is None
    say(book, "ada", run="s", name="w s")
    claim(book, run="s", name="w s")
    assert status(ask(book, run="s"), "harm") == "violated"


def test_budget_years_begin_on_anniversaries() -> None:
    def on(day: str) -> int:
        return parse_instant(day)

    anchor = on("2024-02-29")
    assert year_of(anchor, on("2026-02-28")) == on("2025-03-01")
    assert year_of(anchor, on("2026-03-01")) == on("2026-03-01")
    assert year_of(anchor, on("2028-02-29")) == on("2028-02-29")
    assert year_of(anchor, on("2023-12-31")) == on("2023-03-01")
    assert next_year(anchor, on("2026-12-31")) == on("2027-03-01")
    assert year_of(anchor, 2**47) < 2**47
    for at in range(on("2026-01-01"), on("2030-01-01"), 7 * DAY):
        assert year_of(anchor, at) <= at < next_year(anchor, at)


def test_what_went_on_before_a_clause_was_in_force_counts_once_it_is_bounded_or_not() -> None:
    later_on = (
        "modality: will}\n  - {id: capability",
        "modality: will, in_force: {from: 2026-12-05}}\n  - {id: capability",
    )
    for bound, told_then in (("2/10000", "0.03%"), (None, "100.01%")):
        book = risk_book(later_on, per="tenfold", at_most=BUDGET)
        claim(book, bound)
        spend(book)
        other_run(book)
        claim(book, run="s", name="w s")
        claim(book, "1/10000")
        assert status(ask(book, run="s"), "harm") == "not applicable"
        held = ask(book, run="s", now=parse_instant("2026-12-05"))
        assert (held.verdict, status(held, "harm")) == ("HOLD", "violated")
        assert told_then in told(held)


LATER_ON = (
    "modality: will}\n  - {id: capability",
    "modality: will, in_force: {from: 2026-12-05}}\n  - {id: capability",
)


@pytest.mark.parametrize("per", ["year", "tenfold"])
def test_whoever_is_silent_before_a_clause_is_in_force_takes_all_that_there_is(per: str) -> None:
    book = risk_book(LATER_ON, per=per, at_most=BUDGET)
    spend(book)
    (taken,) = book.fold.spending.spent.values()
    assert (taken.bound, taken.weights, taken.least, taken.most) == (1, digest("w"), FLOPS, 4 * FLOPS)
    other_run(book)
    claim(book, run="s", name="w s")
    assert status(ask(book, run="s", now=parse_instant("2026-12-05")), "harm") == "violated"


def test_so_does_a_claim_that_does_not_carry_and_what_goes_on_counts_as_far_as_it_may() -> None:
    book = risk_book(LATER_ON, ("every: 4x", "every: 400x"), ("    carries: 6x", "    carries: 400x"), at_most=BUDGET)
    claim(book, "2/10000")
    made = book.decide(compute=FLOPS)
    (taken,) = book.fold.spending.spent.values()
    assert made.permit is not None
    assert (taken.bound, taken.most) == (Fraction(2, 10_000), made.permit.compute)
    assert taken.most > 4 * FLOPS
    assert book.decide(compute=40 * FLOPS).risks[0].bound == 1


def test_released_weights_are_in_use_in_every_year() -> None:
    number = numbered("year", BUDGET)
    of_it = number[1][1].replace("[train, deploy_external]", "[train, release_weights]")
    acts = (
        "actions: [train, deploy_external], modality",
        "actions: [train, deploy_external, release_weights], modality",
    )
    book = book_of(number[0], (number[1][0], of_it), acts)
    saved(book, "w", FLOPS)
    say(book, "ada")
    claim(book, "2/10000", action="release_weights")
    assert book.fold.policy is not None
    given = book.fold.situation("r", now=book.time + 1, weights=digest("w"))
    made = decide(book.fold.policy, given, "release_weights")
    assert made.verdict == "PROCEED"
    book.put(kinds.DecisionMade, decision=made.to_json())
    other_run(book)
    later(book, parse_instant("2029-02-01") - book.time)
    say(book, "ada", run="s", name="w s")
    claim(book, run="s", name="w s")
    assert "0.03%" in told(ask(book, run="s"))


@pytest.mark.parametrize(
    ("per", "change"),
    [
        ("tenfold", ("factor: 1x", "factor: 20x")),
        ("year", ("years_from: 2026-01-01", "years_from: 2026-12-01")),
    ],
)
def test_an_amendment_of_what_a_budget_goes_by_frees_none_of_it(per: str, change: tuple[str, str]) -> None:
    book = risk_book(per=per, at_most=BUDGET)
    claim(book, "2/10000")
    spend(book)
    other_run(book)
    later(book, 2 * DAY)
    text = [(old, new.replace(*change)) for old, new in numbered(per, BUDGET)]
    amended = [*text, *([change] if change[0] == "factor: 1x" else []), ('version: "1"', 'version: "2"')]
    assert book.adopt(policy_of(*amended)).refused is None
    say(book, "ada", run="s", name="w s")
    claim(book, "2/10000", run="s", name="w s")
    held = ask(book, run="s")
    assert "0.04%" in told(held)
    if per == "year":
        # It counts to the end of the year in which it was spent, and the hold says so.
        assert held.resumption is not None
        times = [fact.text.split(" (")[0] for facts in held.resumption.sets for fact in facts if fact.kind == "time"]
        assert times == ["wait until 2027-01-01T00:00:00Z"]
        assert ask(book, run="s", now=parse_instant("2027-01-01")).verdict == "PROCEED"


def test_a_later_word_counts_on_any_weights_that_a_permit_rested_on() -> None:
    book = risk_book(per="year", at_most=BUDGET)
    claim(book, who="grace")
    saved(book, "w2", 2 * FLOPS)
    say(book, "ada", name="w2")
    claim(book, "1/1000000", name="w2", until=book.time + 2)
    later(book, 5)
    assert book.decide(compute=2 * FLOPS).verdict == "PROCEED"
    other_run(book)
    claim(book, run="s", name="w s")
    assert ask(book, run="s").verdict == "PROCEED"
    claim(book, None, "grace")
    assert ask(book, run="s").verdict == "HOLD"
    # A bound of other weights takes that back no more than anybody else's would.
    claim(book, "1/1000000", "grace", name="w2")
    assert ask(book, run="s").verdict == "HOLD"
    claim(book, who="grace")
    assert ask(book, run="s").verdict == "PROCEED"


def test_a_later_word_on_the_bare_weights_is_of_all_that_they_are_deployed_as() -> None:
    book = risk_book(per="year", at_most=BUDGET)
    agent = digest("agent")
    say(book, "ada", configuration=agent)
    claim(book, action="deploy_external", configuration=agent)
    assert book.fold.policy is not None
    given = book.fold.situation("r", now=book.time + 1, weights=digest("w"), configuration=agent)
    made = decide(book.fold.policy, given, "deploy_external")
    assert made.verdict == "PROCEED"
    book.put(kinds.DecisionMade, decision=made.to_json())
    other_run(book)
    claim(book, run="s", name="w s")
    claim(book, None, "grace", action="deploy_external")
    assert "cannot be bounded, says `grace` since" in told(ask(book, run="s"))


def test_a_sum_that_has_no_bound_has_no_figure() -> None:
    book = risk_book(per="year", at_most="0.05%")
    claim(book)
    spend(book)
    assert book.fold.policy is not None
    clause = next(it for it in book.fold.policy.clauses if isinstance(it, ResidualRisk))
    assert spent_so_far(book.fold.spending.spent.values(), book.fold.policy, clause, book.time) == Fraction(1, 10_000)
    claim(book, None, "grace")
    assert isinstance(spent_so_far(book.fold.spending.spent.values(), book.fold.policy, clause, book.time), Unknown)
