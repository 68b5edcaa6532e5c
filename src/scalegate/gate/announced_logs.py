"""A log held against the announcement that it is said to be of: what could have been swapped between the two.

Logs are not signed, and whoever brings one may have written it. What a log says of itself counts against it: that it
was begun before it was announced, that it is of another evaluation or of other weights. What it does not say is told to
whoever reads, and is the evaluator's word.
"""

from __future__ import annotations

from collections.abc import Mapping

from scalegate.errors import InputError, Place
from scalegate.evidence.logs import EvalLog
from scalegate.gate.pieces import Attempt
from scalegate.ledger.entries import EvaluationAnnounced
from scalegate.units import format_instant

__all__ = ["check_log", "word_of_the_evaluator"]

CLOCKS = "with clocks that agree"


def check_log(
    log: EvalLog, announced: EvaluationAnnounced, attempts: Mapping[str, Attempt], dataset: str | None, now: int
) -> None:
    """Raise InputError for a log that is of something else than was announced, or that was begun before it was.

    `dataset`: what the evaluator says that the samples were, as SHA-256; None: that is not said.
    """
    place = Place(file=log.file)
    for what, shown, was in (
        ("a log of", log.task, announced.task),
        ("of version", log.task_version, announced.task_version),
    ):
        if shown != was:
            raise InputError(f"it is {what} `{shown}`, and `{was}` was announced", place=place)
    if announced.score is not None and log.score != announced.score:
        what = f"its score `{log.score}` was read, and that `{announced.score}` counts was announced"
        raise InputError(what, place=place, fix="leave `--score` out")
    if log.evaluation and log.evaluation != announced.evaluation:
        what = f"it is a log of evaluation {log.evaluation[:12]}, and this is {announced.evaluation[:12]}"
        raise InputError(what, place=place, fix="name the one that it is of")
    if log.weights and log.weights != announced.weights:
        what = f"it is a log of weights {log.weights[:12]}, and {announced.weights[:12]} were announced"
        raise InputError(what, place=place)
    if dataset is not None and dataset != announced.dataset:
        what = f"its samples have the digest {dataset[:12]}, and {announced.dataset[:12]} was announced"
        raise InputError(what, place=place, fix="run the dataset that was announced")
    if log.started is None:
        fix = "give the log as it was written; what it showed can be added as a result that was not announced"
        raise InputError("it does not say when it was begun", place=place, fix=fix)
    if log.started < announced.time:
        raise InputError(
            f"it was begun at {format_instant(log.started)}, and announced at {format_instant(announced.time)}: what"
            " was known before it was announced is no evidence of this kind",
            place=place,
            fix=f"run it after it is announced, {CLOCKS}; without `--evaluation` it counts as unannounced",
        )
    if log.started > now:
        raise InputError(f"it was begun at {format_instant(log.started)}, which is to come", place=place, fix=CLOCKS)
    other = next((name for name, it in attempts.items() if _has(it, log.digest) and name != announced.evaluation), None)
    if other is not None:
        raise InputError(f"it is the result of evaluation {other[:12]} already: one log is of one", place=place)


def _has(attempt: Attempt, digest: str) -> bool:
    results = [attempt.finished, *(it for _, it, _ in attempt.others)]
    return attempt.announced is not None and any(it is not None and it.log == digest for it in results)


def word_of_the_evaluator(log: EvalLog, announced: EvaluationAnnounced | None, dataset: str | None) -> tuple[str, ...]:
    """What nothing in the log shows: for whoever reads what came of it."""
    told = []
    if not log.weights:
        told.append(f"it calls its model `{log.model}`: which weights these were is the evaluator's word")
    if announced is not None and not log.evaluation:
        told.append("it does not name the evaluation that it is of: that it is this one is the evaluator's word")
    if announced is not None and dataset is None and log.dataset != announced.dataset:
        told.append(
            "its samples do not show the digest that was announced: that it was of these is the evaluator's word"
        )
    return tuple(told)
