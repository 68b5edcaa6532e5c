"""Which deadlines there are of each obligation, and which of them were kept, over all versions of the policy.

A deadline that comes while a version is in force is settled under that version: a later one that has the obligation
(by its id) takes it as it was, kept or not. So an amendment wipes out no breach by changing a date, and makes nothing
unkept by changing a quorum, a sentence or a role. What ends with a version is what it no longer has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from scalegate.gate.lineage import Runs, members
from scalegate.gate.situation import Kept, Span
from scalegate.ledger.entries import ObligationKept
from scalegate.policy.document import Obligation, Policy

__all__ = ["Duties", "Grid", "grid_of", "next_unkept", "opened_of", "owed", "unkept"]


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


def owed(duty: Obligation, spans: Sequence[Span], adopted: int | None, opened: int | None) -> list[Grid]:
    """All deadlines of an obligation of the policy in force, which was adopted then. `opened`: when the lineage was."""
    earlier = [grid_of(it) for it in spans if it.obligation == duty.id and it.follows]
    first = _first(duty, adopted, opened)
    now = Grid(duty.text, first, duty.each, adopted if earlier else None, duty.late, None)
    if duty.each is None and now.start() is None:
        # It lies before this version: done once under an earlier one, it is done; else nothing would be due at all.
        done = any(it.step is None and it.start() is not None for it in earlier)
        return earlier if done else [*earlier, now._replace(begins=None)]
    return [*earlier, now]


def grid_of(span: Span) -> Grid:
    """The deadlines of a version that is no longer in force."""
    return Grid(span.text, span.first, span.step, span.begins, span.late, span.ends)


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


def opened_of(runs: Runs, run: str) -> int | None:
    """When the first run of a lineage was opened."""
    return min((runs[name].first.time for name in members(runs, run)), default=None)


class _Version(NamedTuple):
    """A policy that is or was in force."""

    since: int
    name: str
    obligations: dict[str, Obligation]


@dataclass
class Duties:
    """What the fold knows of obligations."""

    versions: list[_Version] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    signing: dict[tuple[str, int, str | None], Kept] = field(default_factory=dict)
    """What too few have signed yet, of those who may under the policy in force."""

    def adopted(self, policy: Policy, time: int) -> None:
        """A version came into force. What not enough had signed is signed anew."""
        self.versions.append(_Version(time, policy.version, {it.id: it for it in policy.obligations}))
        self.signing = {}

    def known(self) -> bool:
        """Whether there ever was an obligation."""
        return any(it.obligations for it in self.versions)

    @property
    def since(self) -> int | None:
        """When the policy in force was adopted, where any had an obligation."""
        return self.versions[-1].since if self.known() else None

    def spans(self, opened: int | None) -> Iterator[Span]:
        """The deadlines of versions that are no longer in force."""
        chains: dict[str, list[Span]] = {}
        for at, version in enumerate(self.versions[:-1]):
            later = self.versions[at + 1 :]
            chains = {name: spans for name, spans in chains.items() if name in version.obligations}
            for name, duty in version.obligations.items():
                earlier = chains.setdefault(name, [])
                # What was owed under that version, as it was worked out while it was in force.
                *_, own = owed(duty, [it.model_copy(update={"follows": True}) for it in earlier], version.since, opened)
                if earlier and own in map(grid_of, earlier):
                    continue
                follows = all(name in it.obligations for it in later)
                # Each adoption has a deadline of its own, and the next one does not put it off.
                stays = follows and duty.after == "policy.adopted"
                span = Span(
                    obligation=name,
                    text=duty.text,
                    version=version.name,
                    first=own.first,
                    step=own.step,
                    begins=own.begins,
                    ends=None if stays else later[0].since,
                    follows=follows,
                    late=duty.late,
                )
                earlier.append(span)
                yield span

    def take(self, policy: Policy, runs: Runs, entry: ObligationKept) -> str | None:
        """Somebody who may has signed that a deadline was kept. Returns why that counts for nothing, if so."""
        duty = next((it for it in policy.obligations if it.id == entry.obligation), None)
        if duty is None:
            return f"the policy has no obligation `{entry.obligation}`"
        of_lineage = duty.after == "lineage.opened"
        if of_lineage and (entry.run is None or entry.run not in runs):
            return f"`{duty.id}` is due for each lineage, and it names no run of this ledger"
        if not of_lineage and entry.run is not None:
            return f"`{duty.id}` is the developer's, and it names a run"
        opened = opened_of(runs, entry.run) if entry.run else None
        grids = owed(duty, list(self.spans(opened)), self.since, opened)
        grid = next((it for it in grids if it.has(entry.deadline)), None)
        if grid is None:
            return f"`{duty.id}` is not due at the instant that it names"
        if grid.step is not None and entry.time <= entry.deadline - grid.step:
            return "the period of the deadline that it names has not begun"
        kin = members(runs, entry.run) if entry.run else ()
        if any(
            (it.obligation, it.deadline, it.text) == (duty.id, entry.deadline, grid.text)
            and (it.run is None or it.run in kin)
            for it in self.kept
        ):
            return "it is signed already that this deadline was kept"
        key = duty.id, entry.deadline, entry.run
        before = self.signing[key].by if key in self.signing else ()
        if entry.actor in before:
            return f"`{entry.actor}` has signed that already"
        made = Kept(
            obligation=duty.id,
            deadline=entry.deadline,
            time=entry.time,
            run=entry.run,
            text=grid.text,
            by=(*before, entry.actor),
        )
        if len(made.by) < duty.kept_by.at_least:
            self.signing[key] = made
        else:
            self.signing.pop(key, None)
            self.kept.append(made)
        return None
