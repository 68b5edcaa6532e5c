"""The published track record: per domain, evaluator and method how many alarms were ruled out, and how many wrongly.

With each rate of misses its exact one-sided upper bound (C. J. Clopper and E. S. Pearson, Biometrika 26 (1934)), as if
the claims that were scored had been drawn from all. They were not: what nobody looked at again is scored by nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

from scalegate.evidence import binomial
from scalegate.gate.ruled_out import RuledOut
from scalegate.gate.situation import Situation
from scalegate.gate.track import CONFIDENCE, Scored

if TYPE_CHECKING:
    from scalegate.gate.fold import Fold

__all__ = ["ALPHA_ONLY", "INCIDENT", "Miss", "Row", "incidents", "record_of"]

INCIDENT = "An incident in "
"""How the sentence on one begins."""
ALPHA_ONLY = (
    "Alpha is sampling error only: it says nothing about weak elicitation, a poor proxy or a model that holds back."
    " This record says how often it was wrong for any reason that somebody found. The bound takes what was scored to be"
    " like the rest, which nobody has shown."
)


@dataclass(frozen=True)
class Miss:
    """An alarm that was ruled out wrongly."""

    weights: str
    configuration: str | None
    """The deployment configuration that it was ruled out in; None: of the bare weights."""
    run: str
    ruled_out_at: tuple[int, ...]
    """Positions of the entries that ruled it out."""
    shown_by: tuple[int, ...]
    """Positions of the results and incidents that show it wrong."""


@dataclass(frozen=True)
class Row:
    """The record of one evaluator by one method in one domain."""

    domain: str
    """As it is called now; what it was called last, if the policy has it no more."""
    evaluator: tuple[str, ...]
    """The ids that they have now; the one that they signed with, if they have none."""
    method: str
    claims: int
    """Sets of weights on which they ruled the alarm out."""
    upheld: int
    missed: tuple[Miss, ...]

    @property
    def scored(self) -> int:
        return self.upheld + len(self.missed)

    @property
    def bound(self) -> Fraction:
        """The upper bound of the rate of misses, at `CONFIDENCE`; 1, which says nothing, where nothing is scored."""
        return binomial.upper_bound(len(self.missed), self.scored, CONFIDENCE)

    @property
    def bound_text(self) -> str:
        """In percent, rounded up."""
        return f"{ceil(self.bound * 1000) / 10:.1f}%"


def record_of(fold: Fold) -> tuple[Row, ...]:
    """All rows, in the order in which each was first begun."""
    who = fold.deeds.who(fold.policy)
    found: dict[tuple[str, frozenset[str], str], list[Scored]] = {}
    for it in fold.tracks.scored(fold.deeds.known_as, fold.attempts):
        last = it.claims[-1]
        domain = last.line.under[0] if last.line.under else last.domain
        found.setdefault((domain, it.people, last.method), []).append(it)
    return tuple(
        Row(
            domain=domain,
            evaluator=tuple(sorted(who(of[0].claims[-1].by))),
            method=method,
            claims=len({claim.first for it in of for claim in it.claims}),
            upheld=sum(it.upheld_by is not None for it in of),
            missed=tuple(_misses(of)),
        )
        for (domain, _, method), of in found.items()
    )


def _misses(of: Iterable[Scored]) -> Iterator[Miss]:
    found: dict[int, list[RuledOut]] = {}
    for claim in (claim for it in of for claim in it.claims if claim.shown_by):
        found.setdefault(claim.first, []).append(claim)
    for wrong in found.values():
        shown_by = tuple(sorted({at for claim in wrong for at in claim.shown_by}))
        yield Miss(wrong[0].weights, wrong[0].configuration, wrong[0].run, tuple(claim.at for claim in wrong), shown_by)


def incidents(situation: Situation) -> Iterator[str]:
    """The incidents that count against a run, in words."""
    found = dict.fromkeys(
        (it.evaluation, it.domain, it.weights, it.announced_for)
        for it in (*situation.pieces, *situation.descendants)
        if it.incident
    )
    for name, domain, weights, run in found:
        of = f" of weights {weights[:12]}..." if weights else f" of run `{run}`" if run else ""
        yield f"{INCIDENT}`{domain}`{of} was reported ({name}): its alarm counts as reached."
