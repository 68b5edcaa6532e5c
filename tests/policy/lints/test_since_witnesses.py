"""Two versions of a clause that asks for witnesses: who may cosign, how many must, and how long that counts."""

from __future__ import annotations

import pytest
from since_drafts import TEXT, told

from scalegate.ledger import SigningKey
from scalegate.ledger.keys import COSIGNATURE
from witnessed_support import WITNESSES, witnessed_clause

KEYS = [it.verify_key.to_text() for it in WITNESSES]
ABOUT = "clause seen"


def text(*keys: str, at_least: int = 2, within: str = "1 day") -> str:
    return TEXT.rstrip() + witnessed_clause(*keys or KEYS[:3], at_least=at_least, within=within) + "\n"


def of_it(before: str, after: str) -> set[str]:
    return {code for code, about, _ in told(before, after) if about == ABOUT}


@pytest.mark.parametrize(
    ("looser", "stricter"),
    [
        (text(at_least=1), text()),
        (text(within="2 days"), text()),
        (TEXT, text()),
        (text(at_least=2), text(at_least=3)),
    ],
)
def test_fewer_of_them_and_a_longer_time_are_weaker(looser: str, stricter: str) -> None:
    assert of_it(stricter, looser) == {"weaker"}
    assert of_it(looser, stricter) == {"stricter"}


def test_one_more_who_may_cosign_is_weaker_and_one_less_may_be() -> None:
    """With as many asked for, a new one can stand in for one who refuses; one who goes may know another history."""
    assert of_it(text(), text(*KEYS)) == {"weaker"}
    assert of_it(text(), text(KEYS[3], *KEYS[1:3])) == {"weaker"}
    assert of_it(text(*KEYS), text()) == {"may-be-weaker"}


def test_the_same_key_under_another_name_is_no_other_witness() -> None:
    renamed = SigningKey("renamed.example/w", bytes(32), COSIGNATURE).verify_key
    assert renamed.public == WITNESSES[0].verify_key.public
    assert of_it(text(), text(renamed.to_text(), *KEYS[1:3])) == {"may-be-weaker"}
