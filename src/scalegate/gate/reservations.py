"""What is reserved of compute, whether a permit covers it, and what may end one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scalegate.gate.generations import asked_for
from scalegate.gate.lineage import lineage_faults, members, total
from scalegate.ledger import entries

if TYPE_CHECKING:
    from scalegate.gate.fold import Fold
    from scalegate.gate.pieces import Attempt

__all__ = ["concerns_others", "permitted", "reserved"]


def reserved(fold: Fold, index: int, entry: entries.ComputeReserved) -> None:
    """Put compute aside, with what of it no permit covers as a fault of its run."""
    run = fold.run(index, entry.run)
    # The elicitation of an evaluation that ends after a takeover counts against the run, and is no fault.
    late = entry.use == "elicitation" and entry.session in run.sessions
    if entry.session != run.latest.session and not late:
        run.faults.append(f"entry {index} reserves compute for a session that no longer holds the run")
    key = (entry.session, entry.use)
    run.reserved[key] = run.reserved.get(key, 0) + entry.flops
    attempt = fold.attempts.get(entry.evaluation or "")
    announced = attempt.announced if attempt else None
    of_it = entry.use == "elicitation" and announced is not None and announced.run == entry.run
    if attempt and of_it and attempt.finished is None:
        attempt.reserved += entry.flops
    if entry.time < fold.time:
        run.faults.append(f"entry {index} reserves compute at a time before entries that are already there")
    if entry.use == "training" and not fold.permitted(entry.run, entry.time):
        run.faults.append(f"entry {index} reserves training compute without a permit for it")
    if entry.use == "training":
        fold.trained_at[entry.run] = index


def permitted(fold: Fold, run: str, time: int) -> bool:
    """Whether what is reserved for the run lies within its latest decision's permit and lease at `time`.

    A fault, an adoption, and an entry about a run, a meter or an evaluation, each end the permit: what they
    change has not been decided on.
    """
    decision = fold.latest.get(run)
    permit = decision.reach if decision else None
    if decision is None or permit is None or fold.policy is None or decision.policy != fold.policy_digest:
        return False
    position, adoption, ancestors = fold.decided_at[run]
    kin = members(fold.runs, run)
    if adoption != fold.adopted_at or fold.changed_at > position or fold.faults:
        return False
    if any(fold.runs[name].faults for name in kin) or lineage_faults(fold.runs, run):
        return False
    # The last model that was shown may be one that trains again, whatever another run gave back.
    later = any(at > position for name, at in fold.trained_at.items() if name not in kin)
    if later and asked_for(fold.policy):
        return False
    lineage = total(fold.runs, kin)
    others = total(fold.runs, tuple(fold.runs)) - lineage
    if lineage - fold.runs[run].used() != ancestors:
        return False
    within = lineage * fold.policy.factor <= permit.compute and others <= permit.others
    return within and decision.now <= time <= min(permit.time, decision.now + permit.lease)


def concerns_others(fold: Fold, entry: entries.WeightsRecorded) -> bool:
    """Whether recording these weights says something new of an evaluation, or of what went into another run."""
    weights = entry.weights
    loaded = any(
        weights in other.starts or any(parent.weights == weights for parent in other.parents)
        for other in fold.runs.values()
        if other.name != entry.run
    )
    said = weights in {*(it.entry.weights for it in fold.said), *(it.entry.weights for it in fold.claimed)}
    return loaded or said or any(weights in _measured(attempt) for attempt in fold.attempts.values())


def _measured(attempt: Attempt) -> Iterator[str | None]:
    """The weights that an evaluation or an incident says something of: those of a control too."""
    yield attempt.announced.weights if attempt.announced else None
    yield attempt.incident.weights if attempt.incident else None
    for result in (attempt.finished, *(other for _, other, _ in attempt.others)):
        if result is not None:
            yield result.weights
            yield result.elicited.control.weights if result.elicited and result.elicited.control else None
