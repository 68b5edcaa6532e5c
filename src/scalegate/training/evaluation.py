"""Evaluations that the gate asks for: what is asked, what comes back, and how it is logged.

The gate announces each evaluation in the ledger before it starts, keeps the per-sample log under its
digest beside the ledger, and records the result whatever it is. A sample that raised, was cut off or scored
NaN is an error, never a wrong answer: an evaluation with errors rules nothing out.
"""

from __future__ import annotations

import contextlib
import itertools
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, TypeAlias

from scalegate.errors import InputError
from scalegate.evidence import binomial
from scalegate.gate.facts import look_alpha
from scalegate.gate.fold import Fold
from scalegate.ledger import strict_json
from scalegate.ledger.entries import EvaluationAnnounced
from scalegate.training.beside import store, stored
from scalegate.units import MAX_SAMPLES

__all__ = [
    "EvaluationRequest",
    "Evaluator",
    "Measured",
    "Suite",
    "find_log",
    "left_logs",
    "log_of",
    "shown_by",
    "store_log",
]


@dataclass(frozen=True)
class Suite:
    """What an evaluation runs: fixed and announced before there is a result."""

    task: str
    version: str
    dataset: str
    """SHA-256 of the samples."""
    samples: int


@dataclass(frozen=True)
class EvaluationRequest:
    """One evaluation that is due."""

    domain: str
    suite: Suite
    weights: str
    """Digest of the weights to evaluate: those of the model as it now is."""
    elicitation: Literal["none", "fine-tuning"]
    elicitation_flops: int
    """Least FLOP to spend on drawing the capability out of a copy; 0 for the model as it is."""
    compute: int
    """Effective compute of the lineage."""


@dataclass(frozen=True)
class Measured:
    """What an evaluation measured."""

    outcomes: tuple[bool | None, ...]
    """Per sample: True success, False failure, None errored, refused, truncated or NaN."""
    elicitation_flops: int
    elicitation_method: str
    """What was done to draw the capability out, in words for people; empty: it is not stated."""
    evaluation_flops: int
    assumptions: tuple[str, ...]

    def __post_init__(self) -> None:
        """What is not exactly True or False has no outcome: a 1 or a 0.7 must never pass for a failed sample."""
        scored = tuple(outcome if outcome is True or outcome is False else None for outcome in self.outcomes)
        object.__setattr__(self, "outcomes", scored)
        for name in ("elicitation_flops", "evaluation_flops"):
            with contextlib.suppress(TypeError):  # what is no whole number is refused when it is recorded
                object.__setattr__(self, name, operator.index(getattr(self, name)))

    @staticmethod
    def of(
        scores: Sequence[object] | Mapping[Any, object],
        *,
        assumptions: Sequence[str],
        elicitation_flops: int = 0,
        elicitation_method: str = "",
        evaluation_flops: int = 0,
    ) -> Measured:
        """From raw per-sample scores, in a list or by sample: only True and False (1 and 0, also as 1.0 and 0.0) count.

        Raises InputError if there are no scores to read, or if the assumptions are one text: give lists.
        """
        if isinstance(scores, Mapping):
            scores = tuple(scores.values())
        if isinstance(scores, Set) or not isinstance(scores, Iterable):
            # A set keeps one of each.
            raise InputError(f"`scores` is {scores!r}", fix="give a list: one score per sample")
        if isinstance(assumptions, str):
            raise InputError("`assumptions` is one text", fix="give a list: `assumptions=[...]`")
        outcomes = tuple(_outcome(score) for score in scores)
        return Measured(outcomes, elicitation_flops, elicitation_method, evaluation_flops, tuple(assumptions))

    @property
    def successes(self) -> int:
        return sum(outcome is True for outcome in self.outcomes)

    @property
    def errors(self) -> int:
        return sum(outcome is None for outcome in self.outcomes)

    @property
    def completed(self) -> int:
        return len(self.outcomes) - self.errors


def _outcome(score: object) -> bool | None:
    """True for 1, False for 0; None for what is neither, or cannot be compared."""
    try:
        return bool(score) if score in (0, 1) else None
    except Exception:  # noqa: BLE001 - whatever a script hands over as a score
        return None


DEPTH = 6
"""How far scores may be wrapped: in results, in samples, in records, in fields."""


def shown_by(result: object, samples: int) -> tuple[bool | None, ...]:
    """The outcomes in what an evaluator returned in place of a `Measured`: they may show the alarm reached.

    Of the lists in it, of the columns of its records, and of all of them together, what shows the most of so many
    `samples`. None in a text or in what cannot be gone through.
    """
    lists = list(_lists(result, DEPTH))
    every = tuple(_flat(result, DEPTH))[:MAX_SAMPLES]

    def shows(outcomes: tuple[bool | None, ...]) -> tuple[Fraction, int]:
        scored = [outcome for outcome in outcomes if outcome is not None]
        return Fraction(sum(scored), max(len(scored), samples, 1)), len(outcomes)

    return max((every, *lists), key=shows)


def _values(result: object, depth: int) -> Iterator[object]:
    """What is in a list, an array or a mapping, as far as it can be gone through."""
    with contextlib.suppress(Exception):
        values = result.values() if isinstance(result, Mapping) else result
        if depth > 0 and not isinstance(values, str | bytes) and isinstance(values, Iterable):
            yield from itertools.islice(values, MAX_SAMPLES)


def _flat(result: object, depth: int) -> Iterator[bool | None]:
    """Every outcome in it, each once."""
    for value in _values(result, depth):
        yield from list(_flat(value, depth - 1)) or [_outcome(value)]


def _lists(result: object, depth: int) -> Iterator[tuple[bool | None, ...]]:
    """The outcomes in a list, an array or the values of a mapping, and those in each that is in it."""
    own: list[bool | None] = []
    inner: list[tuple[bool | None, ...]] = []
    for value in _values(result, depth):
        found = list(_lists(value, depth - 1))
        inner += found
        own += [] if found else [_outcome(value)]
    yield from ([tuple(own)] if own else [])
    yield from inner
    # Records of one form: a field of all of them may be the score, and the others are no failures.
    if len(inner) > 1 and len({len(record) for record in inner}) == 1:
        yield from zip(*inner, strict=True)


Evaluator: TypeAlias = Callable[[EvaluationRequest], Measured]


def log_of(evaluation: str, request: EvaluationRequest, measured: Measured) -> bytes:
    """The per-sample log of an evaluation."""
    spent = measured.elicitation_flops
    document = {
        "evaluation": evaluation,
        "domain": request.domain,
        "weights": request.weights,
        "task": request.suite.task,
        "task_version": request.suite.version,
        "dataset": request.suite.dataset,
        "elicitation": measured.elicitation_method or "not stated",
        "elicitation_flops": str(spent),
        "outcomes": list(measured.outcomes),
    }
    return strict_json.dumps(document)


def store_log(folder: Path, evaluation: str, request: EvaluationRequest, measured: Measured) -> str:
    """Write the per-sample log into `folder`, named by its SHA-256, and return that digest. Raises OSError."""
    return store(folder, log_of(evaluation, request, measured))


def find_log(folder: Path, evaluation: str) -> tuple[str, Measured] | None:
    """The digest and the outcomes of the log that was stored of an evaluation; None if there is none that is whole.

    Of several, which a copy of the process may have stored, the one with the most successes.
    """
    logs = ((digest, _shown(document, evaluation)) for digest, document in stored(folder, evaluation))
    found = [(digest, shown) for digest, shown in logs if shown is not None]
    return max(found, key=lambda it: it[1].successes, default=None)


def left_logs(fold: Fold, folder: Path) -> list[tuple[EvaluationAnnounced, str, Measured]]:
    """Announced evaluations of which a log is stored that leaves the alarm open, and more so than the ledger shows."""
    best: dict[str, tuple[EvaluationAnnounced, str, Measured]] = {}
    for digest, document in stored(folder, '"evaluation"'):
        name = str(document.get("evaluation"))
        attempt, shown = fold.attempts.get(name), _shown(document, name)
        # What has no result yet is its evaluator's to record.
        if attempt is None or attempt.announced is None or attempt.finished is None or shown is None:
            continue
        known = (attempt.finished, *(it for _, it, _ in attempt.others), best[name][2] if name in best else None)
        if shown.successes > max((it.successes for it in known if it is not None), default=-1) and _leaves_open(
            fold, attempt.announced, shown
        ):
            best[name] = attempt.announced, digest, shown
    return list(best.values())


def _leaves_open(fold: Fold, announced: EvaluationAnnounced, shown: Measured) -> bool:
    whole, policy = max(announced.samples, shown.completed), fold.policy
    domains = [domain for domain in policy.domains if domain.id == announced.domain] if policy else []
    return whole <= MAX_SAMPLES and any(
        not binomial.ruled_out(shown.successes, whole, domain.alarm, look_alpha(policy)) for domain in domains if policy
    )


def _shown(document: Mapping[str, object], evaluation: str) -> Measured | None:
    """What a log shows of an evaluation; None if it is of no evaluation, or of another."""
    if document.get("evaluation") != evaluation:
        return None
    outcomes, spent = document.get("outcomes"), document.get("elicitation_flops")
    if not isinstance(outcomes, list):
        return None
    flops = int(spent) if isinstance(spent, str) and re.fullmatch(r"[0-9]{1,40}", spent) else 0
    return Measured.of(outcomes, assumptions=(), elicitation_flops=flops)
