"""The gate's own entries about a run, taken in: sessions, recorded weights, compute given back.

Nothing here is refused. What the machine wrote stands, and where it cannot be so, the run is at fault, which holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalegate.gate.lineage import Run, Runs, declared_parents, holders, lineage_faults
from scalegate.gate.signed import TierRecord
from scalegate.ledger.entries import ComputeSettled, RunOpened, TierStatus, WeightsRecorded
from scalegate.units import format_flop

if TYPE_CHECKING:
    from scalegate.gate.fold import Fold

__all__ = [
    "further",
    "opened",
    "planned_end",
    "recorded",
    "recording_faults",
    "settled",
    "tier_told",
    "unopened",
    "weights_in",
]


def opened(runs: dict[str, Run], index: int, entry: RunOpened) -> bool:
    """A session takes the run over, from the weights that it names. Returns whether it declares the run otherwise."""
    run = runs.get(entry.run)
    if run is None:
        run = runs[entry.run] = Run(entry.run, entry, entry)
    anew = False
    if run.idle:
        run.began_at = index
    if run.fresh:
        anew = _declared(entry) != _declared(run.first)
        run.opened_at = index if anew or run.opened_at < 0 else run.opened_at
        # Nothing was trained, nothing came of it: what was declared by mistake may be declared again.
        run.first, run.starts = entry, set()
    elif run.idle and _declared(entry) == _declared(run.first):
        run.first = entry
    run.latest = entry
    run.begun.setdefault(declared_parents(entry), entry.time)
    run.tip = entry.start_weights
    if entry.start_weights is not None:
        run.starts.add(entry.start_weights)
    if entry.session in run.sessions:
        run.faults.append(f"entry {index} opens a session for the second time")
    run.sessions.add(entry.session)
    return anew


def _declared(entry: RunOpened) -> tuple[object, ...]:
    return *declared_parents(entry), entry.start_weights


def unopened(name: str) -> Run:
    """A run that entries are about and that none opened: nothing is declared."""
    entry = RunOpened(
        actor="nobody",
        time=0,
        policy="0" * 64,
        run=name,
        session="0" * 64,
        from_scratch=False,
        parents=(),
        planned=None,
        start_weights=None,
    )
    return Run(name, entry, entry)


def recording_faults(runs: Runs, run: Run, entry: WeightsRecorded) -> list[str]:
    """What would be wrong with recording weights. A session asks before it writes: such a fault is for good."""
    at, had = (entry.session, entry.trained), run.known(entry.weights)
    known, last = had is not None, run.last_recorded(entry.session)
    # Whoever starts from weights that this run had before holds them too, and is no stranger to them.
    strangers = [
        other.name
        for other in holders(runs, entry.weights)
        if not known and other is not run and (other.weights[entry.weights] > 0 or entry.trained > 0)
    ]
    there = entry.trained - run.lost.get(entry.session, 0)
    checks = (
        (entry.session == run.latest.session, "records weights in a session that does not hold the run"),
        (known or entry.trained > run.began, "records weights without training that are new to it"),
        (entry.trained <= run.counted, "claims more training in its weights than was reserved"),
        (entry.trained >= last, "counts less training than it did before"),
        ((had or 0) <= there, "comes to weights that hold more training than it counts"),
        (not lineage_faults(runs, run.name), "records weights of a run whose lineage is not known"),
        (not strangers, f"records weights of run `{''.join(strangers[:1])}`, which it did not start from"),
        (known or run.recorded.get(at, entry.weights) == entry.weights, "has other weights at the same count of FLOP"),
        (not set(weights_in(runs, entry.files or "")) - {entry.weights}, "names files that hold other weights"),
    )
    return [fault for sound, fault in checks if not sound]


def weights_in(runs: Runs, files: str) -> tuple[str, ...]:
    """The recorded weights that files hold, by the digest of their manifest; of more than one nobody can tell."""
    return tuple(sorted({run.files[files] for run in runs.values() if files in run.files}))


def recorded(runs: Runs, run: Run, index: int, entry: WeightsRecorded) -> None:
    """Training has come to weights."""
    faults = recording_faults(runs, run, entry)
    run.faults += [f"entry {index} {fault}" for fault in faults]
    if not faults:
        run.doubtful.discard(entry.weights)
    elif entry.weights not in run.weights:
        run.doubtful.add(entry.weights)
    run.recorded.setdefault((entry.session, entry.trained), entry.weights)
    if entry.files is not None:
        run.files.setdefault(entry.files, entry.weights)
    had, lost = run.known(entry.weights), run.lost.get(entry.session, 0)
    if had is None:
        run.weights[entry.weights] = entry.trained - lost
        if run.tip is not None:
            run.grew_from[entry.weights] = run.tip
    else:
        # What is in weights that it had before is known: it went back to them.
        run.lost[entry.session] = max(lost, entry.trained - had)
        run.weights[entry.weights] = had
    run.most.setdefault(entry.weights, run.counted_at_most)
    run.recorded_at.setdefault(entry.weights, index)
    run.tip = entry.weights
    run.most_trained = max(run.most_trained, entry.trained)


def settled(run: Run, index: int, entry: ComputeSettled) -> None:
    """A session gives back what it reserved and did not spend."""
    key = (entry.session, "training")
    left = run.reserved.get(key, 0) - entry.unspent
    if left != entry.remaining or entry.session != run.latest.session:
        run.faults.append(f"entry {index} gives back compute that its session has not reserved")
        return
    run.reserved[key] = left
    if run.used("training") < run.most_trained or run.began + left < run.last_recorded(entry.session):
        run.faults.append(f"entry {index} gives back compute that went into recorded weights")


def tier_told(fold: Fold, entry: TierStatus, honest: bool) -> str | None:
    """Take in who has adopted a tier. Returns why it counts for nothing: somebody is said to have who is no party.

    honest: whether the key was in no wrong hands. Else nobody knows what is so in place of what it was told: fewer
    adopters let some conditions pass, and more let others.
    """
    tier = next((it for it in fold.policy.tiers if it.id == entry.tier), None) if fold.policy else None
    stranger = min(set(entry.adopters) - set(tier.parties), default=None) if tier else None
    if stranger is not None:
        return f"`{stranger}` is no party of tier `{entry.tier}`"
    fold.tiers = [it for it in fold.tiers if it[1].tier != entry.tier]
    if honest:
        fold.tiers.append((fold.adopted_at, TierRecord(tier=entry.tier, adopters=entry.adopters, until=entry.until)))
    return None


def further(runs: Runs, name: str) -> str | None:
    """The act that takes up recorded weights with more training than those of the present session, if there are any."""
    run = runs.get(name)
    digest, trained = max(run.weights.items(), key=lambda it: it[1], default=("", 0)) if run else ("", 0)
    if run is None or trained <= run.present:
        return None
    held = f"which hold {format_flop(trained)} of it: they count against it also if nobody has kept them"
    return f"run `{name}` is opened again from weights {digest[:12]}..., {held}"


def planned_end(runs: Runs, name: str, used: int) -> int | None:
    """Training FLOP of the lineage, `used` by now, at which the run is planned to end; None: it does not say."""
    run = runs.get(name)
    if run is None or run.latest.planned is None:
        return None
    return used - run.used("training") + run.latest.planned
