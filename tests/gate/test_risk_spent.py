"""What is said of a spent budget later: of what a permit trained to or came from, and by whom it is bounded again."""

from __future__ import annotations

from typing import Any

import pytest
from book import Book, digest
from test_determinations import FLOPS, ask, book_of, policy_of, saved, say, status
from test_risk_budgets import BUDGET, later, other_run, spend
from test_risk_claims import claim, numbered, risk_book, told

from scalegate.gate import Decision, decide
from scalegate.gate.adoption import read_against
from scalegate.ledger import entries as kinds
from scalegate.policy import Policy
from scalegate.policy.document import Action
from scalegate.units import parse_instant
from support import DAY

YEARS = pytest.mark.parametrize("per", ["year", "tenfold"])


def trained_on(per: str) -> Book:
    """Run `r` took a permit on `w` and came to `w2` by it; run `s` takes as much and is in budget."""
    book = risk_book(per=per, at_most=BUDGET)
    claim(book)
    book.decide("r", 2 * FLOPS)
    book.put(kinds.ComputeReserved, use="training", flops=FLOPS)
    book.put(kinds.WeightsRecorded, weights=digest("w2"), trained=2 * FLOPS)
    other_run(book)
    claim(book, run="s", name="w s")
    assert ask(book, run="s").verdict == "PROCEED"
    return book


def permitted(book: Book, action: Action, configuration: str | None = None) -> Decision:
    """Decides on the weights `w` of run `r` and records it."""
    assert book.fold.policy is not None
    asked = book.fold.situation("r", now=book.time + 1, weights=digest("w"), configuration=configuration)
    made = decide(book.fold.policy, asked, action)
    assert made.verdict == "PROCEED"
    book.put(kinds.DecisionMade, decision=made.to_json())
    return made


@YEARS
def test_a_word_on_what_a_permit_trained_to_counts_for_it(per: str) -> None:
    book = trained_on(per)
    claim(book, None, name="w2")
    held = ask(book, run="s")
    assert "cannot be bounded, says `ada` since" in told(held)
    assert f"of {digest('w2')[:12]}..., which that came to or comes from" in told(held)
    claim(book, name="w2")
    assert ask(book, run="s").verdict == "PROCEED"


@YEARS
def test_so_does_a_bound_that_is_worse_and_one_that_is_better_takes_nothing_off(per: str) -> None:
    book = trained_on(per)
    claim(book, "15/100000", name="w2")
    assert "come to 0.035%" in told(ask(book, run="s"))
    claim(book, "1/1000000", name="w2")
    assert "come to 0.035%" in told(ask(book, run="s"))


def test_what_it_came_to_counts_once_where_a_permit_rests_on_that_itself() -> None:
    book = risk_book(per="year", at_most="0.05%")
    claim(book)
    book.decide("r", 2 * FLOPS)
    saved(book, "w2", 2 * FLOPS)
    say(book, "ada", name="w2")
    held = ask(book, 5 * FLOPS)
    assert held.resumption is not None
    assert "bounded by at most 0.04% (1 in 2,500): Ada" in held.resumption.sets[0][0].text
    claim(book, "4/10000", name="w2")
    made = book.decide("r", 2 * FLOPS)
    assert made.verdict == "PROCEED"
    assert any("claims come to 0.05%" in it for it in made.limits.assumptions)


def test_a_word_on_what_it_grew_from_counts_and_one_on_a_strangers_weights_does_not() -> None:
    book = book_of(*numbered("year", BUDGET))
    saved(book, "w0", FLOPS // 2)
    saved(book, "w", FLOPS)
    say(book, "ada")
    claim(book)
    spend(book)
    other_run(book)
    other_run(book, "t")
    claim(book, run="s", name="w s")
    claim(book, None, "grace", run="t", name="w t")
    assert ask(book, run="s").verdict == "PROCEED"
    claim(book, "15/100000", "grace", name="w0")
    assert "come to 0.025%" in told(ask(book, run="s"))
    claim(book, None, "grace", name="w0")
    assert "cannot be bounded, says `grace` since" in told(ask(book, run="s"))


def test_a_word_on_weights_that_are_saved_later_counts_once_they_are() -> None:
    book = risk_book(per="year", at_most=BUDGET)
    other_run(book, "t")
    claim(book, None, "grace", run="t", name="later")
    claim(book)
    spend(book)
    other_run(book)
    claim(book, run="s", name="w s")
    assert ask(book, run="s").verdict == "PROCEED"
    saved(book, "later", 2 * FLOPS)
    assert "cannot be bounded, says `grace` since" in told(ask(book, run="s"))


def left(per: str, *changes: tuple[str, str]) -> Policy:
    """The next version: Ada may claim no risk any more, and Security may."""
    ada = ("{id: ada, name: Ada, roles: [rso]", "{id: ada, name: Ada, roles: [adviser]")
    security = (
        "{id: security, name: Security, roles: [security]",
        "{id: security, name: Security, roles: [security, rso]",
    )
    return policy_of(*numbered(per, BUDGET), ('version: "1"', 'version: "2"'), ada, security, *changes)


def said_and_left(per: str, *changes: tuple[str, str]) -> Book:
    """Ada said of what was spent that it cannot be bounded, and her role was taken."""
    book = risk_book(*changes, per=per, at_most=BUDGET)
    for who in ("ada", "grace"):
        claim(book, who=who)
    spend(book)
    other_run(book)
    claim(book, None)
    assert book.adopt(left(per, *changes), "grace").refused is None
    for run, name in (("r", "w"), ("s", "w s")):
        say(book, "grace", run=run, name=name)
        for who in ("grace", "security"):
            claim(book, who=who, run="s", name="w s")
    return book


def test_who_may_claim_a_risk_bounds_it_in_the_place_of_who_may_no_more_and_that_is_told() -> None:
    book = said_and_left("tenfold")
    held = ask(book, run="s")
    assert held.resumption is not None
    assert [fact.text for fact in held.resumption.first] == [
        f"if it can be bounded: 1 with role `rso` (`grace`, `security`) claim the risk `harm`, of {digest('w')[:12]}..."
        " (`train`): `ada`, who said that it cannot be, may claim it no more"
    ]
    claim(book, "1/100000", "grace", name="w s", run="s")
    assert ask(book, run="s").verdict == "HOLD"
    claim(book, "1/100000", "grace")
    made = ask(book, run="s")
    assert made.verdict == "PROCEED"
    assert (
        f"Bounded by `grace` since: the risk `harm` for `train` of weights {digest('w')[:12]}... cannot be bounded,"
        " said `ada`, who may claim it no more." in made.limits.assumptions
    )


def test_it_is_bounded_in_their_place_also_where_nobody_saved_the_weights() -> None:
    book = risk_book(per="tenfold", at_most=BUDGET)
    claim(book)
    spend(book)
    other_run(book)
    claim(book, None, name="not saved")
    assert "does not know the weights" in (claim(book, who="grace", name="not saved") or "")
    assert book.adopt(left("tenfold"), "grace").refused is None
    say(book, "grace", run="s", name="w s")
    claim(book, who="grace", run="s", name="w s")
    assert "cannot be bounded, says `ada` since" in told(ask(book, run="s"))
    assert claim(book, who="grace", name="not saved") is None
    assert ask(book, run="s").verdict == "PROCEED"


def test_as_many_as_the_policy_asks_for_bound_it_and_not_while_it_may_be_taken_back() -> None:
    two = ("claimed_by: {role: rso, at_least: 1}", "claimed_by: {role: rso, at_least: 2}")
    book = said_and_left("tenfold", two)
    claim(book, who="grace")
    held = ask(book, run="s")
    assert held.resumption is not None
    assert held.resumption.first[0].text.endswith("may claim it no more; `grace` did")
    claim(book, "1/20000", who="grace")
    assert ask(book, run="s").verdict == "HOLD"
    claim(book, who="security")
    assert ask(book, run="s").verdict == "PROCEED"
    # Who may still say so themselves is answered for by nobody.
    claim(book, None, "grace")
    claim(book, who="security")
    claim(book, who="security", until=book.time + 100 * DAY)
    assert "cannot be bounded, says `grace` since" in told(ask(book, run="s"))


def test_a_deployment_is_in_use_to_the_end_of_its_permit() -> None:
    book = risk_book(per="year", at_most=BUDGET)
    later(book, parse_instant("2026-12-31T23:00:00Z") - book.time)
    agent = digest("agent")
    say(book, "ada", configuration=agent)
    claim(book, "2/10000", action="deploy_external", configuration=agent)
    made = permitted(book, "deploy_external", agent)
    assert made.permit is not None
    ends = made.permit.time
    assert parse_instant("2027-01-01") < ends < parse_instant("2028-01-01")
    other_run(book)
    later(book, parse_instant("2027-01-01T00:20:00Z") - book.time)
    claim(book, run="s", name="w s")
    held = ask(book, run="s")
    assert "come to 0.03%" in told(held)
    assert held.resumption is not None
    assert all("moved" not in fact.text for facts in held.resumption.sets for fact in facts)


RELEASED = (
    "actions: [train, deploy_external], modality",
    "actions: [train, deploy_external, release_weights], modality",
)


def version(number: int, *, numbered_: bool) -> Policy:
    changes = numbered("year", BUDGET) if numbered_ else ()
    text = [(old, new.replace("[train, deploy_external]", "[train, release_weights]")) for old, new in changes]
    return policy_of(*text, RELEASED, ('version: "1"', f'version: "{number}"'))


def test_what_is_permitted_between_versions_with_a_number_has_no_bound_until_it_is_claimed() -> None:
    book = Book.adopted(version(1, numbered_=True))
    book.put(kinds.RunOpened)
    saved(book, "w", FLOPS)
    assert book.adopt(version(2, numbered_=False)).refused is None
    say(book, "ada")
    permitted(book, "release_weights")
    book.decide("r", FLOPS)
    [outlook, *_] = read_against(book.fold, version(3, numbered_=True), book.time).outlooks
    assert outlook.clauses["harm"] != "expected"
    assert book.adopt(version(3, numbered_=True)).refused is None
    other_run(book)
    claim(book, run="s", name="w s")
    held = ask(book, run="s")
    assert status(held, "harm") == "not shown"
    assert "while the policy had no number for it is not bounded since" in told(held)
    assert held.resumption is not None
    assert "it was permitted while the policy had no number for it" in held.resumption.first[0].text
    claim(book, "1/1000000", action="release_weights")
    claim(book, "1/1000000")
    made = ask(book, run="s")
    assert made.verdict == "PROCEED"
    assert any("was permitted while the policy had no number for it" in it for it in made.limits.assumptions)
    claim(book, "2/10000", action="release_weights")
    assert ask(book, run="s").verdict == "HOLD"


def test_a_version_without_a_number_has_no_budget_of_it() -> None:
    book = Book.adopted(version(1, numbered_=True))
    book.put(kinds.RunOpened)
    saved(book, "w", FLOPS)
    fewer: Any = version(2, numbered_=True)
    clauses = [it.model_copy(update={"actions": ("train",)}) if it.id == "harm" else it for it in fewer.clauses]
    assert book.adopt(fewer.model_copy(update={"clauses": tuple(clauses)})).refused is None
    say(book, "ada")
    permitted(book, "release_weights")
    claim(book)
    assert ask(book).verdict == "PROCEED"


@YEARS
@pytest.mark.parametrize("leaves", [False, True])
def test_a_word_that_counts_in_two_places_is_taken_back_in_both_by_one_signature(per: str, leaves: bool) -> None:
    """Of weights that nobody saved, after a permit was taken: it stands, and is of what was spent."""
    book = risk_book(per=per, at_most=BUDGET)
    claim(book)
    spend(book)
    claim(book, None, name="not saved")
    if leaves:
        assert book.adopt(left(per), "grace").refused is None
        say(book, "grace")
        claim(book, who="grace")
    held = ask(book)
    assert held.resumption is not None
    assert not held.resumption.stop
    [way] = [fact.text for fact in held.resumption.first]
    assert way.count(digest("not saved")[:12]) == 1
    assert ("in the place" in way or "may claim it no more" in way) is leaves
    claim(book, who="grace" if leaves else "ada", name="not saved")
    assert ask(book).verdict == "PROCEED"


def test_in_anothers_place_it_is_bounded_by_as_many_as_one_version_asks_for() -> None:
    two = ("claimed_by: {role: rso, at_least: 1}", "claimed_by: {role: rso, at_least: 2}")
    book = said_and_left("tenfold", two)
    claim(book, "1/100000", who="grace")
    assert ask(book, run="s").verdict == "HOLD"
    assert book.adopt(left("tenfold", two, ('version: "2"', 'version: "3"')), "grace").refused is None
    for run, name in (("r", "w"), ("s", "w s")):
        say(book, "grace", run=run, name=name)
    for who in ("grace", "security"):
        claim(book, who=who, run="s", name="w s", bound="1/100000")
    claim(book, "1/100000", who="security")
    assert ask(book, run="s").verdict == "HOLD"
    claim(book, "1/100000", who="grace")
    assert ask(book, run="s").verdict == "PROCEED"
