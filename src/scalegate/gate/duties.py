"""Which deadlines there are of each obligation, and which of them were kept, over all versions of the policy.

A deadline that comes while a version is in force is settled under that version: a later one that has the obligation
(by its id or its sentence) takes it as it was, kept or not. So an amendment wipes out no breach by changing a date or a
name, and makes nothing unkept by changing a quorum or a role. What ends with a version is what it no longer has.

Of each obligation it is known which one it is in the next version, or that it ends (`goes_on`).

What is due after a lineage was opened is due for each run of it, from its own opening, and a word for one keeps nothing
of another. So nothing is gained by descent: no word on a small model, of which a large one is said to have come, serves
for the large one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from scalegate.gate.goes_on import followed
from scalegate.gate.lineage import Runs
from scalegate.gate.situation import Kept, Span
from scalegate.ledger.entries import ObligationKept
from scalegate.policy.document import Obligation, Policy
from scalegate.text import akin
from scalegate.units import format_instant

__all__ = [
    "Duties",
    "Grid",
    "Openings",
    "begins",
    "grid_of",
    "keeps",
    "next_unkept",
    "openings_of",
    "owed",
    "unkept",
]

Openings: TypeAlias = "Mapping[str, int | None]"
"""When each run of a lineage was opened; None: not known."""


class Grid(NamedTuple):
    """The deadlines of an obligation in the time of one version of the policy."""

    text: str
    first: int | None
    """None: it is not known."""
    step: int | None
    begins: int | None
    """Those before this are another version's."""
    late: str
    ends: int | None
    """Those from this on are another version's."""
    run: str | None = None
    """The run of which it is due; None: it is the developer's."""
    origin: str = ""
    """Which obligation it is, whatever it is called and whatever it says by now: its first id and version."""

    def start(self) -> int | None:
        """The first of them; None: there is none."""
        if self.first is None:
            return None
        if self.begins is None or self.first >= self.begins:
            found = self.first
        elif self.step is None:
            return None
        else:
            found = self.first + -(-(self.begins - self.first) // self.step) * self.step
        return found if self.ends is None or found < self.ends else None

    def has(self, deadline: int) -> bool:
        start = self.start()
        if start is None or deadline < start or (self.ends is not None and deadline >= self.ends):
            return False
        return deadline == start if self.step is None else (deadline - start) % self.step == 0


def owed(duty: Obligation, origin: str, spans: Sequence[Span], adopted: int | None, openings: Openings) -> list[Grid]:
    """All deadlines of an obligation of the policy in force, which was adopted then, of each run and the developer."""
    mine = [it for it in spans if it.origin == origin]
    chains = (_of_one(duty, origin, mine, adopted, run, opened) for run, opened in _each(openings))
    return list(dict.fromkeys(grid for chain in chains for grid in chain))


def _of_one(
    duty: Obligation, origin: str, spans: Sequence[Span], adopted: int | None, run: str | None, opened: int | None
) -> list[Grid]:
    """Those of one run, and the developer's; what this version brings stands last, unless an earlier one brought it.

    `spans`: those of this obligation alone.
    """
    earlier = [grid_of(it) for it in spans if it.run in (None, run)]
    first, of = _first(duty, adopted, opened), _whose(duty, run)
    # What a later version brings owes nothing of before it, but for a date that says so.
    begins = adopted if earlier or duty.after == "lineage.opened" or (duty.each and _came_later(origin)) else None
    now = Grid(duty.text, first, duty.each, begins, duty.late, None, of, origin)
    if duty.each is None and now.start() is None:
        # It lies before this version. If the same was due once before, of the same, by this time at the latest, then
        # that is owed and settled by itself.
        same = [it for it in earlier if it.step is None and (akin(it.text), it.run) == (akin(now.text), now.run)]
        starts = [it.start() for it in same]
        done = adopted is not None and any(it is not None and it <= adopted for it in starts)
        before = (it._replace(begins=adopted, ends=None).start() for it in earlier[-1:])
        to_come = [it for it in before if it is not None]
        if done and not to_come:
            return earlier
        if duty.after == "lineage.opened" and first is not None and adopted is not None and duty.within is not None:
            # A lineage that was older than that is given the time from here on, but for what was still to come.
            return [*earlier, now._replace(first=min((adopted + duty.within, *to_come)))]
        # Of a first version; another that brings a past date does not come into force.
        return [*earlier, now._replace(begins=None)]
    return [*earlier, now]


def _came_later(origin: str) -> bool:
    """Whether no obligation of the first version is this one."""
    return not origin.endswith("@0")


def _each(openings: Openings) -> list[tuple[str | None, int | None]]:
    """The runs; where there are none, the developer's deadlines are there all the same."""
    return [*openings.items()] or [(None, None)]


def _whose(duty: Obligation, run: str | None) -> str | None:
    return run if duty.after == "lineage.opened" else None


def grid_of(span: Span) -> Grid:
    """The deadlines of a version that is no longer in force."""
    return Grid(span.text, span.first, span.step, span.begins, span.late, span.ends, span.run, span.origin)


def keeps(word: Kept, grid: Grid) -> bool:
    """Whether a word is on deadlines of these."""
    mine = word.origin, word.run, akin(word.text)
    return mine == (grid.origin, grid.run, akin(grid.text)) and grid.has(word.deadline)


def next_unkept(grid: Grid, kept: frozenset[int], since: int | None = None) -> int | None:
    """The first deadline, from an instant on, that was not kept; None: there is none."""
    if since is not None and (grid.begins is None or grid.begins < since):
        grid = grid._replace(begins=since)
    found = grid.start()
    while found is not None and found in kept:
        found = None if grid.step is None else found + grid.step
        if found is not None and grid.ends is not None and found >= grid.ends:
            found = None
    return found


def begins(grid: Grid, deadline: int) -> int:
    """From when on a deadline may be signed for: its own period; of what is due once, at any time."""
    return 0 if grid.step is None else deadline - grid.step + 1


def unkept(grid: Grid, kept: frozenset[int], now: int) -> int:
    """How many deadlines have passed and were not kept."""
    start, end = grid.start(), now if grid.ends is None else min(now, grid.ends)
    if start is None or start >= end:
        return 0
    number = 1 if grid.step is None else (end - 1 - start) // grid.step + 1
    return number - sum(grid.has(it) and it < end for it in kept)


def _first(duty: Obligation, adopted: int | None, opened: int | None) -> int | None:
    if duty.by is not None:
        return duty.by
    if duty.each is not None:
        return None if duty.from_ is None else duty.from_ + duty.each
    start = opened if duty.after == "lineage.opened" else adopted
    return None if start is None or duty.within is None else start + duty.within


def openings_of(runs: Runs, names: Sequence[str]) -> dict[str, int]:
    """When each of these runs was opened, as what is due after that goes by it."""
    return {name: runs[name].owes_since for name in names if name in runs}


class _Version(NamedTuple):
    """A policy that is or was in force."""

    since: int
    policy: Policy
    origins: dict[str, str]
    """Which obligation each is, by its id in this version."""


@dataclass
class Duties:
    """What the fold knows of obligations."""

    versions: list[_Version] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    signing: dict[tuple[str, int, str | None], Kept] = field(default_factory=dict)
    """What too few have signed yet, of those who may under the policy in force."""

    def adopted(self, policy: Policy, time: int) -> None:
        """A version came into force. What not enough had signed is signed anew."""
        # Versions may be dated alike, and never have one number.
        origins = {it.id: f"{it.id}@{len(self.versions)}" for it in policy.obligations}
        if self.versions:
            was = self.versions[-1]
            origins |= {new: was.origins[old] for old, new in followed(was.policy, policy).items()}
        self.versions.append(_Version(time, policy, origins))
        self.signing = {}

    def known(self) -> bool:
        """Whether there ever was an obligation."""
        return any(it.origins for it in self.versions)

    @property
    def since(self) -> int | None:
        """When the policy in force was adopted, where any had an obligation."""
        return self.versions[-1].since if self.known() else None

    @property
    def origins(self) -> dict[str, str]:
        """Which obligation each of the version in force is, by its id."""
        return self.versions[-1].origins if self.versions else {}

    def spans(self, openings: Openings) -> tuple[Span, ...]:
        """The deadlines of versions that are no longer in force, of each run and the developer."""
        found = [it for run, opened in _each(openings) for it in self._spans_of(run, opened)]
        # By version, whatever the run: the last one is what stood before the version in force.
        return tuple(dict.fromkeys(span for _, span in sorted(found, key=lambda it: it[0])))

    def _spans_of(self, run: str | None, opened: int | None) -> Iterator[tuple[int, Span]]:
        chains: dict[str, list[Span]] = {}
        last = {origin: name for name, origin in self.origins.items()}
        for number, (version, later) in enumerate(pairwise(self.versions)):
            for duty in version.policy.obligations:
                origin = version.origins[duty.id]
                chain = chains.setdefault(origin, [])
                # What was owed under that version, as it was worked out while it was in force.
                *_, own = _of_one(duty, origin, chain, version.since, run, opened)
                if own in map(grid_of, chain):
                    continue
                # Each adoption has a deadline of its own, and the next one does not put it off.
                ends = self._ended(origin, number) if duty.after == "policy.adopted" else later.since
                span = Span(
                    obligation=last.get(origin, duty.id),
                    text=duty.text,
                    origin=origin,
                    version=version.policy.version,
                    first=own.first,
                    step=own.step,
                    begins=own.begins,
                    ends=ends,
                    follows=origin in last,
                    late=duty.late,
                    run=own.run,
                )
                chain.append(span)
                yield number, span

    def _ended(self, origin: str, number: int) -> int | None:
        """When a version came into force that has an obligation of an earlier one no more; None: all have it."""
        return next((it.since for it in self.versions[number:] if origin not in it.origins.values()), None)

    def take(self, policy: Policy, runs: Runs, entry: ObligationKept) -> str | None:
        """Somebody who may has signed that a deadline was kept. Returns why that counts for nothing, if so."""
        duty = next((it for it in policy.obligations if it.id == entry.obligation), None)
        if duty is None:
            return f"the policy has no obligation `{entry.obligation}`"
        mine = self.signed_for(duty, runs, entry.run)
        if not mine and entry.run in runs:
            return f"`{duty.id}` is the developer's, and it names a run"
        if not mine:
            return f"`{duty.id}` is due for each run, and it names none of this ledger"
        due = [it for it in mine if it.has(entry.deadline)]
        if not due:
            return f"`{duty.id}` is not due at the instant that it names"
        # Two versions may have a deadline at one instant, each with a sentence of its own: each is signed by itself.
        open_ = [it for it in due if entry.deadline not in self._kept(it)]
        if not open_:
            return "it is signed already that this deadline was kept"
        grid = next((it for it in open_ if begins(it, entry.deadline) <= entry.time), None)
        if grid is None:
            at = format_instant(min(begins(it, entry.deadline) for it in open_))
            return f"the period of the deadline that it names has not begun: it begins {at}"
        key = duty.id, entry.deadline, entry.run
        half = self.signing.get(key)
        before = half.by if half is not None and keeps(half, grid) else ()
        if entry.actor in before:
            return f"`{entry.actor}` has signed that already"
        made = Kept(
            obligation=duty.id,
            deadline=entry.deadline,
            time=entry.time,
            run=entry.run,
            text=grid.text,
            origin=grid.origin,
            by=(*before, entry.actor),
        )
        if len(made.by) < duty.kept_by.at_least:
            self.signing[key] = made
        else:
            self.signing.pop(key, None)
            self.kept.append(made)
        return None

    def signed_for(self, duty: Obligation, runs: Runs, run: str | None) -> list[Grid]:
        """The deadlines that are signed for in the name of a run, or None: in nobody's but the developer's."""
        openings = openings_of(runs, () if run is None else (run,))
        if run is not None and not openings:
            return []
        found = owed(duty, self.origins[duty.id], self.spans(openings), self.since, openings)
        return [it for it in found if it.run == run and it.first is not None]

    def open(self, duty: Obligation, runs: Runs, run: str | None) -> list[tuple[int, Grid]]:
        """Of each version the first of these that is not kept, the earliest first."""
        found = [(next_unkept(it, self._kept(it)), it) for it in self.signed_for(duty, runs, run)]
        return sorted(((due, it) for due, it in found if due is not None), key=lambda it: it[0])

    def _kept(self, grid: Grid) -> frozenset[int]:
        return frozenset(it.deadline for it in self.kept if keeps(it, grid))
