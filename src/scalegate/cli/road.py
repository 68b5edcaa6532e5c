"""How many evaluations it takes from the first to the end of a run, each carrying as far as it can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from scalegate.cli.wording import plain
from scalegate.errors import InputError
from scalegate.evidence.ahead import ahead
from scalegate.evidence.results import Own
from scalegate.gate.facts import effective
from scalegate.gate.measures import elicitation_due
from scalegate.policy import Policy
from scalegate.policy.parts import Clusters
from scalegate.units import parse_flop

__all__ = ["Bar", "Road", "road"]

MOST_EVALUATIONS = 10_000
MOST_RESULTS = 12
"""Of the last evaluations, that a forecast is worked out from here: those before them tell it next to nothing."""


@dataclass(frozen=True)
class Bar:
    """What is planned for."""

    alarm: Fraction
    alpha: Fraction
    """Of all evaluations together."""
    evaluations: int
    samples: int | None
    below: Fraction | None
    beta: Fraction | None
    reach: Fraction | None
    """Growth of compute after which the next is due: the buffer over the margin, or what the cadence says if less."""
    first: int | None
    rule: str | None
    """The one that the policy names."""
    clusters: Clusters | None = None
    """What the policy says of items that come in clusters."""
    early: int = 0
    """Evaluations before the first that is due, which a forecast takes."""
    level: Fraction | None = None
    """Of the bound of a forecast, where the policy asks for one."""
    policy: Policy | None = None
    """Which says what evaluations are elicited with."""


@dataclass(frozen=True)
class Road:
    """The evaluations on the way to the end of a run, at the best: none shows a success."""

    at: tuple[Fraction, ...]
    """Effective compute behind the weights of each, in order; those before the first is due come first."""
    spent: Fraction
    """Effective compute of their elicitation, in every domain, which counts towards the lineage as training does."""

    @property
    def number(self) -> int:
        """How many evaluations it takes."""
        return len(self.at)


def road(bar: Bar, planned: str, samples: int, error: Fraction) -> Road:
    """Where evaluations fall. planned: compute of the lineage at its end, elicitation included.

    Raises InputError where that cannot be worked out, or takes more than 10,000.
    """
    with plain("--planned"):
        end = parse_flop(planned)
    if bar.reach is None or bar.first is None:
        lacks = "--buffer" if bar.reach is None else "--first"
        raise InputError(
            f"`--planned` says where the run ends, and `{lacks}` is missing", fix="give it, or a policy that has it"
        )
    if bar.first <= 0 or bar.reach <= 1:
        raise InputError(
            "evidence carries no further than the weights that were evaluated",
            fix="the buffer is above the margin, and the first evaluation above 0",
        )
    if bar.first >= end:
        return Road((), Fraction(0))
    # Evenly, so that the last of those before the first goes on as far as the first may.
    apart = bar.reach if bar.early < 2 else Fraction(float(bar.reach) ** 0.5)
    spent = sum((_elicited(bar, bar.first / apart**back, end) for back in range(1, bar.early + 1)), Fraction(0))
    at = bar.first - spent
    found = [at / apart**back for back in range(bar.early, 0, -1)]
    while at + spent < end:
        if len(found) - bar.early >= MOST_EVALUATIONS or at <= (found[-1] if found else 0):
            what = "a forecast carries" if bar.level is not None else "evidence carries"
            raise InputError(
                f"it takes more than {max(len(found) - bar.early, 1):,} evaluations",
                fix=f"{what} hardly any further, or the elicitation takes it all: more samples, or less of that, may",
            )
        found.append(at)
        spent += _elicited(bar, at, end)
        at = min(at * bar.reach, _foreseen(bar, samples, error, found)) - spent
    return Road(tuple(found), spent)


def _elicited(bar: Bar, at: Fraction, end: int) -> Fraction:
    """Effective compute with which every domain is elicited on weights with so much behind them."""
    policy = bar.policy
    if policy is None:
        return Fraction(0)
    planned = floor(end / policy.factor)
    due = sum(elicitation_due(policy, domain, floor(at), planned) for domain in policy.domains)
    return Fraction(effective(policy, due))


def _foreseen(bar: Bar, samples: int, error: Fraction, before: Sequence[Fraction]) -> Fraction:
    """How far a forecast goes at the best: where none of these evaluations had any success."""
    if bar.level is None:
        return before[-1] * (bar.reach or 1)
    results = [Own(int(at), 0, samples, samples, place=place) for place, at in enumerate(before)]
    rows = ahead(results[-MOST_RESULTS:], bar.level, error=error).rows
    return Fraction(max((at for at, bound in rows if bound < bar.alarm), default=0))
