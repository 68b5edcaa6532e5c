"""What is signed of something else than is asked about takes back nothing; what is against counts all the same."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from book import digest
from test_determinations import FLOPS, ask, bio, book_of, saved, say
from test_risk_claims import claim, risk_book

from scalegate.ledger import entries as kinds
from scalegate.truth import Truth
from support import DAY


@pytest.mark.parametrize(
    ("of", "why"),
    [
        ({"run": None, "weights": None}, "`bio` is about weights of a run, and it does not name both"),
        ({"run": None}, "`bio` is about weights of a run, and it does not name both"),
        ({"weights": None}, "`bio` is about weights of a run, and it does not name both"),
        ({"run": "q"}, "no run `q` has been opened in this ledger"),
    ],
)
def test_a_denial_of_weights_stands_against_a_word_on_nothing(of: dict[str, Any], why: str) -> None:
    book = book_of()
    saved(book, "w", FLOPS)
    say(book, "grace")
    assert (bio(book), ask(book).verdict) == (Truth.TRUE, "PROCEED")
    assert say(book, "ada", holds=False) is None
    assert say(book, "ada", **of) == why
    assert (bio(book), ask(book).verdict) == (Truth.FALSE, "HOLD")
    assert say(book, "ada") is None
    assert bio(book) is Truth.TRUE


def test_a_word_on_the_developer_is_of_no_weights() -> None:
    book = book_of()
    saved(book, "w", FLOPS)
    said = {"determination": "culture", "holds": True, "until": book.time + DAY, "statement": "asked all"}
    of = {"run": "r", "weights": digest("w"), "configuration": None}
    refused = book.put(kinds.Determination, "security", **said, **of).refused
    assert refused == "`culture` is about the developer, and it names a run or weights"
    assert book.put(kinds.Determination, "security", **said, run=None, weights=None, configuration=None).refused is None


@pytest.mark.parametrize("of", [{"run": None, "weights": None}, {"run": "q"}])
def test_a_denial_counts_whatever_it_is_of(of: dict[str, Any]) -> None:
    book = book_of()
    saved(book, "w", FLOPS)
    say(book, "grace")
    assert say(book, "ada", holds=False, **of) is None
    assert bio(book) is Truth.FALSE


def test_a_risk_of_a_deployment_is_claimed_of_its_configuration() -> None:
    book = risk_book()
    whole: dict[str, Any] = {"risk": "harm", "action": "deploy_external", "run": "r", "weights": digest("w")}
    whole |= {"configuration": None, "until": book.time + DAY, "statement": "looked"}
    bounded = book.put(kinds.RiskClaimed, "ada", **whole, bound=Fraction(1, 10**5)).refused
    assert bounded == "for `deploy_external` a risk is claimed of a deployment configuration, and it names none"
    assert book.put(kinds.RiskClaimed, "ada", **whole, bound=None).refused is None
    assert claim(book) is None
