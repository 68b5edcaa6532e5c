"""What a script is told, and goes on: that it starts from other weights than it may mean to."""

from __future__ import annotations

import logging

from scalegate.gate.lineage import Run, Runs

__all__ = ["warn_of_start"]

LOG = logging.getLogger(__name__)


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
