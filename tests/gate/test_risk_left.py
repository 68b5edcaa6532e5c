"""What those said of a risk whose role an amendment took: it stands until others answer for it, and is told."""

from __future__ import annotations

import pytest
from book import Book, digest, key_of
from test_deeds import judged
from test_determinations import FLOPS, ask, policy_of, saved, say
from test_next_judged_run import BEGINS, BIG, claimed, next_run, opened, unclaimed
from test_risk_claims import claim, numbered, risk_book, told

from scalegate.gate import Decision
from scalegate.ledger import entries as kinds
from scalegate.policy import Policy

TWO = ("claimed_by: {role: rso, at_least: 1}", "claimed_by: {role: rso, at_least: 2}")
GRACE_LEFT = (
    ("{id: grace, name: Grace, roles: [rso]", "{id: grace, name: Grace, roles: [adviser]"),
    ("{id: security, name: Security, roles: [security]", "{id: security, name: Security, roles: [security, rso]"),
)


def leaves(book: Book, *changes: tuple[str, str], version: str = "2") -> None:
    """Grace may claim and judge no more, and Security may."""
    policy = policy_of(*numbered(), ('version: "1"', f'version: "{version}"'), *GRACE_LEFT, *changes)
    assert book.adopt(policy).refused is None


def said_of_the_furthest(bound: str | None, *changes: tuple[str, str]) -> Book:
    """Grace said worse of the furthest weights of run `r` and left; Ada claims of those before them only."""
    book = risk_book(*changes)
    saved(book, "w2", 2 * FLOPS)
    claim(book, bound, "grace", name="w2")
    leaves(book, *changes)
    say(book, "ada", name="w2")
    claim(book)
    if changes:
        claim(book, who="security")
    return book


def texts(decision: Decision) -> list[list[str]]:
    assert decision.resumption is not None
    return [[fact.text for fact in facts] for facts in decision.resumption.sets]


def test_that_it_cannot_be_bounded_stands_when_whoever_said_so_has_left() -> None:
    book = said_of_the_furthest(None)
    held = ask(book)
    of = f"`grace`, who may claim it no more (of weights {digest('w2')[:12]}...)"
    assert f"the risk `harm` cannot be bounded, says {of}" in told(held)
    assert any("Signed by `grace`" in it and "who may claim it no more" in it for it in held.limits.assumptions)
    assert claim(book, name="w2") is None
    made = ask(book)
    assert made.verdict == "PROCEED"
    assert (
        f"Bounded by `ada` since: the risk `harm` for `train` of weights {digest('w2')[:12]}... cannot be bounded,"
        " said `grace`, who may claim it no more." in made.limits.assumptions
    )


def test_the_way_out_asks_those_who_may_claim_and_doing_what_it_says_releases_it() -> None:
    book = said_of_the_furthest(None, TWO)
    held = ask(book)
    [[text]] = texts(held)
    assert "Ada (`ada`, rso) and Security (`security`, rso) each claim that of `harm`, of the present weights" in text
    claim(book, name="w2")
    assert ask(book).verdict == "HOLD"
    claim(book, name="w2", who="security")
    assert ask(book).verdict == "PROCEED"


def test_so_does_a_bound_that_is_worse_than_all_others() -> None:
    book = said_of_the_furthest("2/10000")
    assert "0.02%" in told(ask(book))
    claim(book, "1/20000", name="w2")
    made = ask(book)
    assert made.verdict == "PROCEED"
    assert [str(it.bound) for it in made.risks] == ["1/20000"]
    assert any("is up to 0.02% (1 in 5,000), said `grace`" in it for it in made.limits.assumptions)


def test_what_was_bounded_while_they_could_still_take_it_back_does_not_answer() -> None:
    book = risk_book()
    claim(book, None, "grace")
    claim(book)
    leaves(book)
    say(book, "ada")
    assert ask(book).verdict == "HOLD"
    claim(book)
    assert ask(book).verdict == "PROCEED"


def test_weights_that_nobody_saved_are_bounded_in_their_place() -> None:
    book = risk_book()
    claim(book, None, "grace", name="lost")
    leaves(book)
    say(book, "ada")
    claim(book)
    held = ask(book)
    assert held.verdict == "HOLD"
    assert held.resumption is not None
    assert [fact.text for fact in held.resumption.first] == [
        "if it is less: 1 with role `rso` (`ada`, `security`) claim the risk `harm`, of"
        f" {digest('lost')[:12]}...: `grace`, who said what stands, may claim it no more"
    ]
    assert claim(book, name="lost") is None
    assert ask(book).verdict == "PROCEED"


def test_a_word_on_another_run_covers_nothing_once_whoever_said_it_has_left() -> None:
    book = claimed()
    claim(book, None, "grace", name="lost")
    leaves(book, BEGINS)
    say(book, "ada")
    claim(book, name="start two", run="two", bound="1/20000")
    claim(book)
    assert unclaimed(book) == BIG
    held = next_run(book)
    assert held.verdict == "HOLD"
    too_few = "Bounded by too few in the place of `grace`, who may claim it no more: the risk `harm` for `train` of"
    assert any(it.startswith(too_few) for it in held.limits.assumptions)
    [[text]] = texts(held)
    assert f"and 1 of `ada`, `security` also of {digest('lost')[:12]}..., in the place of `grace`" in text
    assert claim(book, who="security", name="lost") is None
    assert unclaimed(book) == 0
    made = next_run(book)
    assert made.verdict == "PROCEED"
    assert any(it.startswith("Bounded by `security` since") for it in made.limits.assumptions)


def test_of_another_run_those_are_asked_who_said_worse_of_its_furthest_weights() -> None:
    book = claimed()
    claim(book, None, "grace")
    [[text]] = texts(next_run(book))
    assert ": Grace (`grace`) again, rso, claims that, of the furthest" in text
    assert "Ada" not in text
    claim(book)
    assert next_run(book).verdict == "HOLD"
    claim(book, who="grace")
    assert next_run(book).verdict == "PROCEED"


def test_and_as_many_others_besides_as_the_policy_asks_for() -> None:
    three = ("{id: security, name: Security, roles: [security]", GRACE_LEFT[1][1])
    book = claimed(TWO, three)
    claim(book, name="start two", run="two", bound="1/20000", who="grace")
    claim(book, None, "grace")
    [[text]] = texts(next_run(book))
    assert ": Grace (`grace`) again, and Ada (`ada`) or Security (`security`), rso, claim that" in text


@pytest.mark.parametrize("left", [True, False])
def test_a_denial_counts_no_more_once_whoever_signed_it_has_left_and_is_told(left: bool) -> None:
    book = risk_book()
    claim(book)
    say(book, "grace", holds=False)
    assert any("It is not so that" in it for it in ask(book).limits.assumptions)
    if left:
        leaves(book)
        say(book, "ada")
        claim(book)
    found = [it for it in ask(book).limits.assumptions if it.startswith("Denied by `grace`")]
    assert len(found) == left
    assert all("who may judge it no more, and counted no more: The model" in it for it in found)


def judged_with_lee(version: str, security: str, grace: str, lee: str, *changes: tuple[str, str]) -> Policy:
    person = f"  - {{id: lee, name: Lee, roles: [{lee}], key: {key_of('lee').verify_key.to_text()}}}\n"
    return judged(version, security, grace, ("  - {id: security,", f"{person}  - {{id: security,"), *changes)


def attested_and_left(name: str, *changes: tuple[str, str]) -> Book:
    """Security attests on run `r`, Lee says that its risk cannot be bounded and leaves, and Security may claim now."""
    book = Book.adopted(judged_with_lee("1", "security", "rso", "rso", *changes))
    book.put(kinds.RunOpened)
    saved(book, "w", FLOPS if not changes else BIG)
    if name == "w2":
        saved(book, "w2", 2 * FLOPS)
    assert book.put(kinds.Attestation, safeguard="locked").refused is None
    assert claim(book, None, "lee", name=name) is None
    assert book.adopt(judged_with_lee("2", "rso", "security", "adviser", *changes)).refused is None
    return book


def test_who_did_the_work_bounds_nothing_in_their_place() -> None:
    book = attested_and_left("lost")
    assert (say(book, "ada"), claim(book)) == (None, None)
    assert ask(book).verdict == "HOLD"
    assert claim(book, who="security", name="lost", run=None) is None
    assert ask(book).verdict == "HOLD"
    assert claim(book, name="lost") is None
    assert ask(book).verdict == "PROCEED"


def test_nor_by_taking_back_what_they_said_themselves() -> None:
    book = attested_and_left("w2")
    assert (say(book, "ada", name="w2"), claim(book)) == (None, None)
    assert claim(book, None, "security", name="w2") is None
    assert claim(book, who="security", name="w2") is None
    held = ask(book)
    assert held.verdict == "HOLD"
    assert "says `lee`, who may claim it no more" in told(held)
    assert claim(book, name="w2") is None
    assert ask(book).verdict == "PROCEED"


def test_nor_of_a_run_outside_the_lineage() -> None:
    book = attested_and_left("lost", BEGINS)
    opened(book, "two")
    assert (say(book, "ada"), claim(book)) == (None, None)
    start = {"name": "start two", "run": "two"}
    assert (say(book, "ada", **start), claim(book, "1/20000", **start)) == (None, None)
    assert claim(book, who="security", name="lost", run=None) is None
    assert (next_run(book).verdict, unclaimed(book)) == ("HOLD", BIG)
    assert claim(book, name="lost") is None
    assert (next_run(book).verdict, unclaimed(book)) == ("PROCEED", 0)


@pytest.mark.parametrize("times", [1, 2])
def test_what_is_said_again_of_the_same_weights_is_taken_back_once(times: int) -> None:
    book = risk_book()
    claim(book)
    for _ in range(times):
        claim(book, None, "grace", name="lost")
    held = ask(book)
    assert held.resumption is not None
    assert not held.resumption.stop
    claim(book, who="grace", name="lost")
    assert ask(book).verdict == "PROCEED"
