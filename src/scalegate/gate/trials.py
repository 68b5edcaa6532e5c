"""Situation tests, run: what came of each situation, where that is not what was expected, and what they cover."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scalegate.errors import Place
from scalegate.gate.decision import Finding
from scalegate.gate.expectations import Expected
from scalegate.gate.permit import Ends
from scalegate.gate.whatif import WhatIf, what_if
from scalegate.policy.document import Policy
from scalegate.units import exact_flop, format_instant

__all__ = ["Covered", "Mismatch", "Trial", "covered", "reach", "tried"]


@dataclass(frozen=True)
class Mismatch:
    """One thing that came out otherwise than expected."""

    place: Place
    """Where it is expected."""
    expected: str
    came: str
    why: tuple[str, ...]
    """The findings that it rests on, each in a line."""


@dataclass(frozen=True)
class Trial:
    """A situation, what the policy says of it, and what of that was not expected."""

    expected: Expected
    came: WhatIf
    mismatches: tuple[Mismatch, ...]

    @property
    def passed(self) -> bool:
        return not self.mismatches

    @property
    def place(self) -> Place:
        return self.expected.sheet.place((*self.expected.path, "name"))


@dataclass(frozen=True)
class Covered:
    """How many situations show a gating clause from either side."""

    clause: str
    met: int
    held: int
    """In which it is violated or not shown."""

    @property
    def gap(self) -> str | None:
        """What no situation shows; None: both are shown."""
        if not self.met and not self.held:
            return "no situation makes it met, and none makes it hold"
        if self.met and self.held:
            return None
        return "no situation makes it hold" if self.met else "no situation makes it met"


def tried(policy: Policy, expected: Expected) -> Trial:
    """Try one situation."""
    came = what_if(policy, expected.action, expected.stated)
    return Trial(expected, came, tuple(_mismatches(expected, came)))


def covered(policy: Policy, trials: Iterable[Trial]) -> tuple[Covered, ...]:
    """Every clause that gates, with the number of situations that make it met, and that make it hold."""
    statuses = [(finding.clause, finding.status) for trial in trials for finding in trial.came.findings]
    return tuple(
        Covered(
            clause.id,
            sum(status == "met" for name, status in statuses if name == clause.id),
            sum(status in ("violated", "not shown") for name, status in statuses if name == clause.id),
        )
        for clause in policy.clauses
        if clause.gates
    )


def reach(ends: Ends) -> str:
    """How far a PROCEED reaches, and what ends it."""
    compute = exact_flop(ends.compute) if ends.compute is not None else "any compute"
    time = format_instant(ends.time) if ends.time is not None else "any time"
    return f"{compute} (ended by {', '.join(ends.past_compute)}) and {time} (ended by {', '.join(ends.past_time)})"


def _mismatches(expected: Expected, came: WhatIf) -> Iterator[Mismatch]:
    expect, found = expected.expect, {finding.clause: finding for finding in came.findings}

    def mismatch(field: str, wanted: str, got: str, names: Iterable[str], *, of: str | None = None) -> Mismatch:
        path = (*expected.path, "expect", field, *([of] if of else []))
        why = tuple(_because(found[name]) for name in dict.fromkeys(names) if name in found)
        return Mismatch(expected.sheet.place(path), wanted, got, why)

    held = f"hold, by {', '.join(came.holding)}"
    if expect.verdict == "proceed" and not came.proceeds:
        yield mismatch("verdict", "proceed", held, came.holding)
    elif expect.verdict == "hold" and came.ends is not None:
        by = expect.held_by or expect.includes or ()
        wanted = f"hold, by {', '.join(by)}" if by else "hold"
        yield mismatch("verdict", wanted, f"proceed, up to {reach(came.ends)}", by)
    elif expect.held_by is not None and set(expect.held_by) != set(came.holding):
        others = set(expect.held_by) ^ set(came.holding)
        names = [name for name in (*expect.held_by, *came.holding) if name in others]
        yield mismatch("held_by", f"held by {', '.join(expect.held_by)}", held, names)
    elif expect.includes is not None and not set(expect.includes) <= set(came.holding):
        names = [name for name in expect.includes if name not in came.holding]
        yield mismatch("includes", f"held by {', '.join(names)}", held, names)
    for name, status in expect.findings.items():
        has = found[name].status if name in found else "met"
        if has != status:
            yield mismatch("findings", f"{name} {status}", f"{name} {has}", (name,), of=name)
    ends = came.ends
    if ends is not None and expect.up_to is not None and ends.compute != expect.up_to:
        got = f"up to {exact_flop(ends.compute or 0)}, ended by {', '.join(ends.past_compute)}"
        yield mismatch("up_to", f"up to {exact_flop(expect.up_to)}", got, ends.past_compute)
    if ends is not None and expect.until is not None and ends.time != expect.until:
        got = f"until {format_instant(ends.time or 0)}, ended by {', '.join(ends.past_time)}"
        yield mismatch("until", f"until {format_instant(expect.until)}", got, ends.past_time)


def _because(finding: Finding) -> str:
    return f"{finding.clause} is {finding.status}: {finding.detail}"
