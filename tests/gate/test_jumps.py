"""A jump is from ruled out to over the threshold by the very next evaluation, within the buffer."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from test_decide_cases import POLICY, piece, situation

from scalegate.evidence import binomial
from scalegate.gate.jumps import Jump, jumps
from scalegate.gate.stopping import look_alpha

AT = 8 * 10**11
START_AT = 2 * 10**11
DOMAIN = POLICY.domains[0]
ALPHA = look_alpha(POLICY)
LEAST = next(n for n in range(400) if binomial.at_least(n, 400, DOMAIN.threshold, ALPHA))
"""The fewest successes of 400 that show the threshold crossed."""


def found(*pieces: Any) -> tuple[Jump, ...]:
    return jumps(POLICY, situation(AT, *pieces))


def low(**changes: Any) -> Any:
    return piece(0, **({"compute": START_AT} | changes))


def high(successes: int = 390, **changes: Any) -> Any:
    return piece(successes, **({"attempt": 2} | changes))


def test_a_jump_says_from_where_to_where_and_by_how_much() -> None:
    (jump,) = found(low(), high())
    assert (jump.domain, jump.before, jump.after) == ("arithmetic", START_AT, AT)
    assert (jump.threshold, jump.buffer) == (Fraction(1, 2), 6)
    assert jump.score == binomial.lower_bound(390, 400, ALPHA)


@pytest.mark.parametrize(
    ("pieces", "jumped"),
    [
        ((low(), high(LEAST)), True),
        ((low(), high(LEAST - 1)), False),
        ((low(compute=1), high(compute=6)), True),
        ((low(compute=1), high(compute=7)), False),
        ((low(compute=0), high(compute=1)), False),
        ((low(compute=None), high(compute=1)), False),
        ((low(), high(compute=None)), False),
        ((high(),), False),
        ((low(), high(status="aborted")), False),
        ((low(), high(status="open")), False),
        ((low(), high(401)), False),
        ((low(), high(400)), True),
        ((low(), high(-1)), False),
        ((low(), high(0, samples=0, completed=0)), False),
        ((low(), high(1, samples=1, completed=1)), False),
        ((low(), high(announced=False, signed=False)), True),
        # What lies between was seen: it counts if it is conclusive or leaves the alarm open.
        ((low(), piece(90, compute=AT // 2), high()), False),
        ((low(), piece(70, compute=AT // 2), high()), False),
        ((low(), piece(90, compute=AT // 2, announced=False), high()), False),
        ((low(), piece(70, compute=AT // 2, announced=False), high()), False),
        ((low(), piece(50, compute=AT // 2, announced=False), high()), True),
        ((low(), piece(70, compute=START_AT), high()), False),
        ((low(announced=False), high()), False),
        ((low(), piece(70, domain="other"), high()), True),
    ],
)
def test_when_it_is_a_jump(pieces: tuple[Any, ...], jumped: bool) -> None:
    assert bool(found(*pieces)) == jumped
    assert bool(found(*reversed(pieces))) == jumped


def test_the_first_crossing_counts_and_of_several_there_the_highest() -> None:
    (jump,) = found(low(), high(380, compute=AT // 2), high(399))
    assert (jump.after, jump.score) == (AT // 2, binomial.lower_bound(380, 400, ALPHA))
    for order in ((380, 399), (399, 380)):
        (jump,) = found(low(), *(high(successes) for successes in order))
        assert jump.score == binomial.lower_bound(399, 400, ALPHA)


def test_of_several_at_one_compute_the_largest_share_tells_the_score() -> None:
    many, most = high(780, samples=1000, completed=1000), high(390)
    for pieces in ((low(), many, most), (low(), most, many)):
        (jump,) = found(*pieces)
        assert jump.score == binomial.lower_bound(390, 400, ALPHA)
