"""A risk that an amendment renames, or drops: what was spent and said of it goes with its sentence, or is told."""

from __future__ import annotations

from fractions import Fraction

import pytest
from book import Book
from test_determinations import FLOPS, ask, policy_of, say
from test_risk_budgets import BUDGET, other_run
from test_risk_claims import claim, numbered, risk_book, told

from scalegate.policy import Policy

YEARS = pytest.mark.parametrize("per", ["year", "tenfold"])
ABOUT = "    about: A catastrophe from it within a year.\n"


def under(per: str, risk: str, *changes: tuple[str, str], version: int = 2) -> Policy:
    """The judged policy, where the risk has another name; the clause that bounds it is still called `harm`."""
    renamed = [
        (old, new.replace("- id: harm\n", f"- id: {risk}\n").replace("risk: harm", f"risk: {risk}"))
        for old, new in numbered(per, BUDGET)
    ]
    return policy_of(*renamed, *changes, ('version: "1"', f'version: "{version}"'))


def spent(per: str) -> Book:
    """Run `r` took a permit on `w` under `harm`; a run `s` is judged."""
    book = risk_book(per=per, at_most=BUDGET)
    claim(book, "15/100000")
    assert book.decide("r", 2 * FLOPS).verdict == "PROCEED"
    other_run(book)
    return book


def judged_again(book: Book, risk: str) -> None:
    say(book, "ada")
    say(book, "ada", name="w s", run="s")
    claim(book, run="s", name="w s", risk=risk)


@YEARS
def test_what_was_spent_goes_with_the_sentence(per: str) -> None:
    book = spent(per)
    assert book.adopt(under(per, "damage")).refused is None
    judged_again(book, "damage")
    assert "claims on the risk `damage` come to 0.025%" in told(ask(book, run="s"))
    # And back again; each thing is counted once.
    assert book.adopt(under(per, "harm", version=3)).refused is None
    judged_again(book, "harm")
    assert "claims on the risk `harm` come to 0.025%" in told(ask(book, run="s"))
    assert [it.bound for it in book.fold.situation("s", now=book.time).spent] == [Fraction("15/100000")]


@YEARS
def test_so_does_what_was_said_of_it(per: str) -> None:
    book = spent(per)
    claim(book, None)
    assert book.adopt(under(per, "damage")).refused is None
    judged_again(book, "damage")
    assert "cannot be bounded, says `ada`" in told(ask(book, run="s"))
    claim(book, who="grace", risk="damage")
    assert "the risk `damage` cannot be bounded, says `ada`" in told(ask(book))
    claim(book, risk="damage")
    assert ask(book).verdict == "PROCEED"


@YEARS
def test_another_risk_under_the_old_name_takes_nothing_away(per: str) -> None:
    """Nor does a risk that has the old sentence, beside one that has the old name."""
    book = spent(per)
    decoy = "  - id: decoy\n" + ABOUT + "    claimed_by: {role: rso, at_least: 1}\n    valid_for: 60 days\n"
    decoy += "    carries: 4x\n    years_from: 2026-01-01\n"
    clause = f"  - {{id: of-decoy, kind: residual_risk, risk: decoy, at_most: 90%, per: {per}, text: r, source:"
    clause += " {document: d}, actions: [train], modality: will}\n"
    more = (
        (ABOUT, ABOUT.replace("within", "in")),
        ("levels:\n", decoy + "levels:\n"),
        ("clauses:\n", "clauses:\n" + clause),
    )
    assert book.adopt(under(per, "harm", *more)).refused is None
    judged_again(book, "harm")
    assert "claims on the risk `harm` come to 0.025%" in told(ask(book, run="s"))
    assert {it.risk for it in book.fold.situation("s", now=book.time).spent} == {"harm", "decoy"}


def test_a_risk_that_is_gone_is_told() -> None:
    book = spent("year")
    claim(book, None, run="s", name="w s")
    gone = (ABOUT, "    about: Something else.\n")
    assert book.adopt(under("year", "damage", gone)).refused is None
    judged_again(book, "damage")
    said = ask(book, run="s").limits.assumptions
    assert "for which the policy in force has no number: it counts against nothing." in " ".join(said)
    assert any(it.startswith("Permits took 0.015%") and "of the risk `harm`" in it for it in said), said
    assert any(it.startswith("Signed by `ada`: the risk `harm` for `train` of weights") for it in said)
    # And counts again once it has a number again.
    assert book.adopt(under("year", "harm", version=3)).refused is None
    judged_again(book, "harm")
    assert "come to 0.025%" in told(ask(book, run="s"))
