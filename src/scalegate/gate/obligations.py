"""Obligations as facts: when each is due next, whether a breach stands, and what would end one.

A breach is told for as long as there is a ledger: also one that was ended, and one that an amendment took away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from scalegate.gate.duties import Grid, grid_of, keeps, next_unkept, owed, unkept
from scalegate.gate.resumption import Change
from scalegate.gate.situation import Kept, Situation
from scalegate.policy.document import Obligation, Policy
from scalegate.policy.obliged import name_of
from scalegate.policy.semantics import Reason, Unknown, Value
from scalegate.policy.stated import FOR_GOOD
from scalegate.units import format_instant, format_last

__all__ = [
    "breached",
    "breaches",
    "next_deadline",
    "obligation_changes",
    "obligation_facts",
    "obligation_names",
    "opened_anew",
]

TOLD = 5
"""Most deadlines of one obligation that were kept late and are told."""


def obligation_names(duty: Obligation) -> tuple[str, ...]:
    """The names of its facts."""
    name = name_of(duty)
    return (f"{name}.due", f"{name}.missed") if duty.late == "stands" else (f"{name}.due",)


def obligation_facts(situation: Situation, duty: Obligation) -> dict[str, Value]:
    """The facts of one obligation."""
    grids = _grids(situation, duty)
    if any(it.first is None for it in grids):
        missing = Unknown(Reason.MISSING, f"it is not known when `{duty.id}` is due")
        return dict.fromkeys(obligation_names(duty), missing)
    facts: dict[str, Value] = {f"{name_of(duty)}.due": _due(situation, duty, grids)}
    if duty.late == "stands":
        standing = [it for it in grids if it.late == "stands"]
        facts[f"{name_of(duty)}.missed"] = any(_late(situation, standing))
    return facts


def _grids(situation: Situation, duty: Obligation) -> list[Grid]:
    # What went into the model is not known: nor is when all of it was opened.
    known = {} if situation.lineage.faults else situation.lineage.openings
    openings = {name: known.get(name) for name in situation.lineage.members}
    return owed(duty, situation.origins.get(duty.id, ""), situation.spans, situation.adopted, openings)


def _due(situation: Situation, duty: Obligation, grids: Sequence[Grid]) -> int:
    return _first_unkept(situation, duty, grids)[0]


def _first_unkept(situation: Situation, duty: Obligation, grids: Sequence[Grid]) -> tuple[int, Grid | None]:
    """The first deadline that is not kept, and which of these it is one of."""
    found = [(next_unkept(it, _kept(situation, duty, it)), it) for it in grids]
    return min(
        ((due, it) for due, it in found if due is not None and due < FOR_GOOD),
        key=lambda it: it[0],
        default=(FOR_GOOD, None),
    )


def _first(deadlines: Iterable[int | None]) -> int:
    return min((it for it in deadlines if it is not None and it < FOR_GOOD), default=FOR_GOOD)


def _due_signed(situation: Situation, duty: Obligation, grid: Grid, since: int) -> int | None:
    """What is due once all is signed for that has passed, where that helps. `since`: from then on it is in time."""
    kept = _kept(situation, duty, grid)
    first = next_unkept(grid, kept)
    if grid.late == "stands" and first is not None and first < since:
        return first
    return next_unkept(grid, kept, situation.now)


def _records(situation: Situation, grid: Grid) -> list[Kept]:
    return [it for it in situation.kept if keeps(it, grid)]


def _signed(situation: Situation, grid: Grid) -> frozenset[int]:
    return frozenset(it.deadline for it in _records(situation, grid))


def _kept(situation: Situation, duty: Obligation, grid: Grid) -> frozenset[int]:
    """The deadlines that are due no more. Where a version said that a breach stands, and the one in force does not ask
    whether one was `missed`, what was kept late stays due."""
    late = {it.deadline for it in _late(situation, [grid])}
    stands = grid.late == "stands" and duty.late == "counts"
    return _signed(situation, grid) - (late if stands else set())


def _late(situation: Situation, grids: Sequence[Grid]) -> Iterator[Kept]:
    """What was kept after its time: of several words on one deadline the first counts."""
    for grid in grids:
        first: dict[int, Kept] = {}
        for it in _records(situation, grid):
            first.setdefault(it.deadline, it)
        yield from (it for it in first.values() if it.time > it.deadline)


def breached(situation: Situation, duty: Obligation) -> int:
    """How many deadlines passed unkept. What is kept late is one of them still, so this never falls."""
    return sum(
        unkept(it, _signed(situation, it), situation.now) + len(list(_late(situation, [it])))
        for it in _grids(situation, duty)
    )


def next_deadline(situation: Situation, duty: Obligation) -> int | None:
    """The first deadline that can still be kept in time, and is not yet."""
    grids = _grids(situation, duty)
    found = (next_unkept(it, _signed(situation, it), situation.now) for it in grids)
    return min((it for it in found if it is not None and it < FOR_GOOD), default=None)


def obligation_changes(
    policy: Policy, situation: Situation, able: Collection[str], since: int | None = None
) -> Iterator[Change]:
    """That those who may sign that what is late was done. `since`: what is due from then on may still be in time."""
    now = situation.now
    for duty in policy.obligations:
        grids = _grids(situation, duty)
        if any(it.first is None for it in grids):
            continue
        due, first = _first_unkept(situation, duty, grids)
        late = [it for it in grids if unkept(it, _kept(situation, duty, it), now)]
        if any(len(_signers(policy, situation, duty, it, able)) < duty.kept_by.at_least for it in late):
            continue
        after = _first(_due_signed(situation, duty, it, now if since is None else since) for it in grids)
        if first is None or due >= now or after < now:
            continue
        number = sum(unkept(it, _kept(situation, duty, it), now) for it in grids)
        more = f", and {number - 1} more since" if number > 1 else ""
        halves = [it for it in situation.signing if it.deadline == due and keeps(it, first)]
        have = sorted({who for it in halves for who in it.by})
        signed = f"; {', '.join(have)} signed" if have else ""
        quorum, signers = duty.kept_by, _signers(policy, situation, duty, first, able)
        who = f"{quorum.at_least} with role `{quorum.role}` sign"
        if quorum.at_least == 1:
            who = f"{f'`{signers[0]}`' if len(signers) == 1 else 'somebody'} with role `{quorum.role}` signs"
        # A run that went into this one owes its own, and whoever signs for this one signs for nothing of that.
        of = f" of run `{first.run}`" if first.run not in (None, situation.lineage.run) else ""
        yield Change(
            "sign",
            f"{who} that it was done, due{of} by {format_last(due)}{more}{signed}: {first.text}",
            ((f"{name_of(duty)}.due", after),),
            concerns=("obligation", duty.id, *([first.run] if first.run else [])),
        )


def _signers(policy: Policy, situation: Situation, duty: Obligation, grid: Grid, able: Collection[str]) -> list[str]:
    """Who may sign for deadlines: as of the run whose duty it is; what is the developer's is of no lineage."""
    apart = situation.apart(duty.kept_by.apart_from, grid.run) if grid.run is not None else {}
    return [it.id for it in policy.signers(duty.kept_by) if it.id in able and it.id not in apart]


def opened_anew(policy: Policy, situation: Situation) -> tuple[tuple[str, Value], ...]:
    """What obligations of a lineage come to if its time starts now."""
    anew = dict.fromkeys(situation.lineage.members, situation.now)
    lineage = situation.lineage.model_copy(update={"opened": situation.now, "openings": anew, "faults": ()})
    fresh = situation.model_copy(update={"lineage": lineage})
    mine = [it for it in policy.obligations if it.after == "lineage.opened"]
    return tuple(item for duty in mine for item in obligation_facts(fresh, duty).items())


def breaches(policy: Policy, situation: Situation) -> Iterator[str]:
    """Each breach there ever was, whether it was ended or not."""
    for duty in policy.obligations:
        grids = [it for it in _grids(situation, duty) if it.first is not None]
        for grid in grids:
            yield from _told(situation, duty.id, grid, "; the breach stands" if grid.late == "stands" else "")
    for span in situation.spans:
        if not span.follows and span.first is not None:
            last = f"; that was under version {span.version}, and an amendment took it away since"
            yield from _told(situation, span.obligation, grid_of(span), last)


def _told(situation: Situation, name: str, grid: Grid, end: str) -> Iterator[str]:
    late = list(_late(situation, [grid]))
    of = f"`{name}`" + (f" of run `{grid.run}`" if grid.run not in (None, situation.lineage.run) else "")
    for it in late[-TOLD:]:
        yield f"{of} was due by {format_last(it.deadline)}, and was kept at {format_instant(it.time)}{end}."
    if len(late) > TOLD:
        yield f"{of} was kept late {len(late) - TOLD} more times before."
    signed = _signed(situation, grid)
    number, first = unkept(grid, signed, situation.now), next_unkept(grid, signed)
    if number and first is not None:
        more = f", and {number - 1} more time{'s' * (number > 2)} since" if number > 1 else ""
        yield f"{of} was due by {format_last(first)}{more}, and nobody has signed that it was kept{end}."
