"""What a script is told, and goes on: what it trained and does not keep, and other weights than it may mean."""

from __future__ import annotations

import logging

from scalegate.gate.fold import Fold
from scalegate.gate.lineage import Run, Runs
from scalegate.ledger.entries import ComputeReserved

__all__ = [
    "CHANGED",
    "SKIPPED",
    "UNEVALUATED",
    "UNKEPT",
    "UNRECORDED",
    "UNSAVED",
    "UNTAKEN",
    "warn_of_holder",
    "warn_of_start",
]

LOG = logging.getLogger(__name__)
CHANGED = (
    "run `%s`: something else than the optimizer has changed its weights. If a checkpoint was loaded back that no"
    " `gate.save()` has recorded, more training is claimed for it than is in it, and evidence on it carries too far:"
    " load one that was recorded, and save again at once. This is said once."
)
SKIPPED = (
    "run `%s`: %s FLOP were authorised before the step that the optimizer takes now: they count against the run, and"
    " not as trained. If the optimizer takes the gradients of several steps at once, give `guard` their number as"
    " `accumulate=`. This is said once."
)
UNEVALUATED = (
    "run `%s`: its weights have no conclusive evaluation in `%s`%s: until they have, their compute counts against the"
    " next run from scratch"
)
UNKEPT = (
    "run `%s`: its weights are recorded, and kept nowhere: the gate has no `checkpoint=`. Save them before this process"
    " ends: what is lost counts against the run, and cannot be evaluated."
)
UNTAKEN = (
    "run `%s`: the optimizer that is guarded has taken none of the steps that were authorised last: they count against"
    " the run, and not as trained. Guard the one whose `step` is called, also when it is made anew. This is said once."
)
UNSAVED = (
    "run `%s`: its weights are recorded, and the function that saves them did not end well: save again before this"
    " process ends, or the run goes on from an earlier checkpoint."
)
UNRECORDED = (
    "run `%s` ends with training that no save has recorded: it counts against the run, which cannot go on from it. Call"
    " `gate.save()`, or `gate.evaluate()`, before the gate is closed."
)


def warn_of_holder(fold: Fold, name: str, now: int) -> None:
    """Warn if the process that opened the run last may still be training it: the run is taken from it."""
    run = fold.runs.get(name)
    holder = run.latest.session if run else ""
    last = next((it.entry for it in reversed(fold.records) if getattr(it.entry, "session", "") == holder), None)
    # Whoever ends well saves, or gives back, last of all.
    if run and isinstance(last, ComputeReserved) and last.use == "training" and fold.permitted(name, now):
        LOG.warning(
            "run `%s` was opened %d s ago by a process that has not given back what it reserved. If it still trains, it"
            " is held from here on, and what it did not save is lost: a run of its own needs a name of its own.",
            *(name, max(now - run.latest.time, 0)),
        )


def warn_of_start(run: Run, runs: Runs, start: str) -> None:
    """Warn if weights with more training are recorded, or if another run starts from the same."""
    base = run.weights.get(start, 0)
    weights, trained = max(run.weights.items(), key=lambda item: item[1], default=("", 0))
    if trained > base:
        LOG.warning(
            "run `%s` goes on from weights that hold %d FLOP of it; %s..., which it recorded, hold %d. Load that"
            " checkpoint unless you mean to go back.",
            *(run.name, base, weights[:12], trained),
        )
    # Whoever trained these weights goes on from its own, and not as the others do that start from them.
    alike = [other.name for other in runs.values() if start in other.starts and other.weights.get(start, 0) == 0]
    # From a parent that is declared many runs start: only those that went on may have what this one comes to.
    went_on = {other.name for other in runs.values() if other.used("training")}
    alike = [it for it in alike if it != run.name and (it in went_on or not run.latest.parents)] if base == 0 else []
    if alike:
        LOG.warning(
            "run `%s` starts from the same weights as run `%s`. Trained alike, it comes to weights that are the"
            " other's and cannot be recorded here: take another seed, or go on with `%s`.",
            *(run.name, alike[0], alike[0]),
        )
