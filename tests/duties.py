"""Random obligations, and what a ledger may say of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from scalegate.gate.duties import owed
from scalegate.gate.situation import Kept, Span
from scalegate.policy import Policy
from scalegate.policy.document import Obligation
from support import START

DAY = 86_400


@st.composite
def obligations(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Mostly none; each is due before, about or after START."""
    found: list[dict[str, Any]] = []
    for name in ("report", "review"):
        if draw(st.integers(0, 5)) < 5:
            continue
        due = [
            {"by": draw(st.sampled_from(["2026-11-20", "2026-12-10", "2027-06-01"]))},
            {"each": draw(st.sampled_from(["30 days", "360 days"])), "from": draw(st.sampled_from(["2026-09-01"]))},
            {"within": draw(st.sampled_from(["1 days", "60 days"])), "after": "lineage.opened"},
            {"within": draw(st.sampled_from(["1 days", "60 days"])), "after": "policy.adopted"},
        ]
        quorum = {"role": "officer", "at_least": draw(st.sampled_from(["1", "1", "2"]))}
        found.append({"id": name, "kind": "obligation", "text": f"A {name} is published.", "kept_by": quorum})
        found[-1] |= {"late": draw(st.sampled_from(["counts", "stands"])), **draw(st.sampled_from(due))}
        found[-1]["modality"] = draw(st.sampled_from(["will", "will", "will", "aim"]))
    return found


def origin_of(duty: Obligation) -> str:
    return f"{duty.id}@0"


@st.composite
def spans(draw: st.DrawFn, policy: Policy, adopted: int | None, tidy: bool) -> tuple[Span, ...]:
    """Mostly none: the policy is the first with its obligations."""
    if tidy or adopted is None or draw(st.integers(0, 2)) < 2:
        return ()
    goes_on = {duty.id: draw(st.booleans()) for duty in policy.obligations}
    return tuple(
        Span(
            obligation=duty.id,
            text=draw(st.sampled_from([duty.text, "It was another sentence."])),
            origin=origin_of(duty) if goes_on[duty.id] else f"{duty.id}@gone",
            version="0.9",
            first=adopted - draw(st.sampled_from([0, 1, 20 * DAY, 70 * DAY])),
            step=duty.each,
            begins=draw(st.sampled_from([None, adopted - 50 * DAY])),
            ends=draw(st.sampled_from([adopted, adopted, None])),
            follows=goes_on[duty.id],
            late=draw(st.sampled_from(["counts", "stands"])),
            run=draw(st.sampled_from(["r", "r", None])) if duty.after == "lineage.opened" else None,
        )
        for duty in policy.obligations
    )


@st.composite
def keepings(
    draw: st.DrawFn, duty: Obligation, of: tuple[Span, ...], adopted: int | None, opened: int | None, tidy: bool
) -> tuple[Kept, ...]:
    """Of the first deadlines some that were kept, in time or late."""
    found = []
    for grid in owed(duty, origin_of(duty), of, adopted, {"r": opened}):
        start, step = grid.start(), grid.step or 1
        for deadline in () if start is None else (start, start + step, start + 2 * step, start + 3 * step):
            late = not tidy and draw(st.integers(0, 3)) == 3
            if grid.has(deadline) and draw(st.integers(0, 9)) < (10 if tidy else 6):
                time = min(deadline + (DAY if late else -DAY), START)
                found.append(
                    Kept(
                        obligation=duty.id,
                        deadline=deadline,
                        time=time,
                        run=grid.run,
                        text=grid.text,
                        origin=grid.origin,
                        by=("ada",),
                    )
                )
    return tuple(found)
