"""What earlier processes left beside the ledger and it lacks, as entries: faults of meters, and what logs show.

Whoever opens a run, or decides on one, writes it first. It can count against a run, and never for it.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from scalegate.errors import InputError, Place
from scalegate.evidence.clustered import by_cluster
from scalegate.gate import Journal
from scalegate.gate.fold import Fold
from scalegate.gate.intake import method_of
from scalegate.ledger import SigningKey
from scalegate.ledger.entries import (
    MOST_KINDS,
    ClusterCounts,
    ComputeReserved,
    Entry,
    EvaluationAnnounced,
    EvaluationFinished,
    MeterFault,
)
from scalegate.training.beside import fault_of, kept_beside, left_faults, store, unknown_faults
from scalegate.training.evaluation import Measured, as_read, left_logs, unknown_logs
from scalegate.training.keys import Keys

__all__ = [
    "Trace",
    "Writer",
    "finished",
    "keep_fault",
    "left_behind",
    "name_of",
    "take_up",
    "trace",
    "waiting",
    "write_fault",
]


def name_of(session: str, chance: str) -> str:
    """The name of a session's evaluation: chance, and what chance and the session's token give."""
    return chance + hashlib.sha256(f"{session} {chance}".encode()).hexdigest()[:32]


class Writer(Protocol):
    """A session, as far as it is needed here."""

    journal: Journal
    keys: Keys
    run: str
    token: str

    @property
    def folder(self) -> Path: ...

    def append(self, make: Callable[[], list[tuple[Entry, SigningKey]]]) -> None: ...


def take_up(writer: Writer, nothing: type[Exception]) -> None:
    """Write what has come to wait, before anything is decided or reserved. Raises as `left_behind` does.

    `nothing`: what ends a write that has nothing to write, since somebody else has written it.
    """

    def make() -> list[tuple[Entry, SigningKey]]:
        made = left_behind(writer.journal, writer.keys, writer.folder)
        if not made:
            raise nothing
        return made

    if _waits(writer.journal.fold, writer.folder):
        with suppress(nothing):
            writer.append(make)


def waiting(journal: Journal, folder: Path) -> list[str]:
    """What counts against a run, is kept in the folder beside the ledger, and is not in it yet, in words.

    Raises InputError for what cannot be read.
    """
    if _waits(journal.fold, folder):
        # What was announced after the ledger was read is nothing that it lacks.
        journal.refresh()
    return _waits(journal.fold, folder)


def _waits(fold: Fold, folder: Path) -> list[str]:
    faults = [f"a fault of the meter of run `{run}`: {reason}" for run, reason in left_faults(fold, folder)]
    logs = [
        f"the log {log[:12]}... of evaluation {announced.evaluation} for run `{announced.run}` shows"
        f" {shown.successes} of {shown.completed}{' and more of its elicitation' if shown.elicited else ''}"
        for announced, log, shown in left_logs(fold, folder)
    ]
    return [*faults, *logs, *_gone(fold, folder)]


def _gone(fold: Fold, folder: Path) -> list[str]:
    """What was in the ledger when it was stored, and is not now: a ledger that was put back is an older one."""
    runs = [f"the session {session[:12]}... that a stored fault is of" for session in unknown_faults(fold, folder)]
    return runs + [f"evaluation {name} that the log {log[:12]}... is of" for name, log in unknown_logs(fold, folder)]


def left_behind(journal: Journal, keys: Keys, folder: Path) -> list[tuple[Entry, SigningKey]]:
    """The entries, in order. Raises InputError where an evaluator's key is needed and is not here, and where this
    ledger is older than what is stored."""
    fold = journal.fold
    gone = _gone(fold, folder)
    if gone:
        raise InputError(
            f"the ledger lacks {gone[0]}: it is older than what stands in `{folder.name}`",
            place=Place(file=str(journal.ledger.path)),
            fix="put back the newest copy of it: what happened after this one cannot be told. A copy that is used too"
            " belongs into a folder of its own, with what was stored there",
        )
    common: dict[str, Any] = {"actor": keys.gate_actor, "time": journal.now(), "policy": journal.policy.digest()}
    made: list[tuple[Entry, SigningKey]] = [
        (MeterFault(**common, run=run, reason=why), keys.gate) for run, why in left_faults(fold, folder)
    ]
    for announced, log, shown in left_logs(fold, folder):
        if keys.evaluator is None:
            raise InputError(
                f"the log {log[:12]}... shows {shown.successes} of {shown.completed} in evaluation"
                f" {announced.evaluation}, the ledger shows less, and no key of an evaluator is here to record it",
                place=Place(file=str(folder)),
                fix="do this where an evaluator's key is",
            )
        name, runs = announced.evaluation, fold.runs
        spent_by = (run for run in runs.values() if any(name_of(it, name[:32]) == name for it in run.sessions))
        run = next(spent_by, runs.get(announced.run))
        more = shown.elicitation_flops - fold.attempts[name].reserved
        if run is not None and more > 0:
            late = common | {"time": max(common["time"], fold.time)}
            spent = ComputeReserved(
                **late, run=run.name, session=run.latest.session, use="elicitation", flops=more, evaluation=name
            )
            made.append((spent, keys.gate))
        why = "taken from its log: the ledger shows less"
        told = as_read(shown.outcomes, shown.elicitation_flops, why, shown.elicited)
        made.append((finished(journal, keys, announced, told, log, "aborted"), keys.evaluator))
    return made


def finished(
    journal: Journal,
    keys: Keys,
    announced: EvaluationAnnounced,
    measured: Measured,
    log: str,
    status: Literal["completed", "aborted"],
) -> EvaluationFinished:
    """The entry of a result."""
    return EvaluationFinished(
        actor=keys.evaluator_actor,
        time=journal.now(),
        policy=journal.policy.digest(),
        evaluation=announced.evaluation,
        weights=announced.weights,
        domain=announced.domain,
        status=status,
        successes=measured.successes,
        completed=measured.completed,
        errors=measured.errors,
        elicitation_flops=measured.elicitation_flops,
        elicitation_method=method_of(announced, measured.elicitation_method),
        evaluation_flops=measured.evaluation_flops,
        log=log,
        assumptions=measured.assumptions,
        elicited=measured.elicited if announced.plain else None,
        clusters=_clusters(measured),
    )


def _clusters(measured: Measured) -> tuple[ClusterCounts, ...] | None:
    """How its outcomes come in clusters, as a result tells it; None: it does not say, or it is more than is kept, and
    then it rules nothing out where clusters count."""
    clusters = measured.clusters
    if clusters is None or len(clusters) != len(measured.outcomes):
        return None
    found = by_cluster(measured.outcomes, clusters)
    return found if len(found) <= MOST_KINDS else None


@dataclass(frozen=True)
class Trace:
    """What a fault of the meter needs of a session, also when that is over."""

    ledger: Path
    genesis: str
    run: str
    session: str
    keys: Keys


def trace(session: Writer) -> Trace:
    """Of a session that is open."""
    ledger = session.journal.ledger.path.absolute()
    return Trace(ledger, session.journal.fold.genesis, session.run, session.token, session.keys)


def keep_fault(of: Trace, reason: str) -> None:
    """Store it beside the ledger: whoever opens a run of that takes it up. Raises OSError, also if that is gone."""
    if not of.ledger.is_file():
        raise FileNotFoundError(errno.ENOENT, "the ledger is not there any more", str(of.ledger))
    store(kept_beside(of.ledger), fault_of(of.genesis, of.session, reason))


def write_fault(of: Trace, reason: str) -> None:
    """Write it into the ledger. Raises ScalegateError."""
    with Journal.open(of.ledger, log_key=of.keys.log) as journal:
        journal.append(
            lambda: [
                (
                    MeterFault(
                        actor=of.keys.gate_actor,
                        time=journal.now(),
                        policy=journal.policy.digest(),
                        run=of.run,
                        reason=reason,
                    ),
                    of.keys.gate,
                )
            ]
        )
