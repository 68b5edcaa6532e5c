"""Evaluations that the gate asks for: what is asked, what comes back, and how it is logged.

The gate announces each evaluation in the ledger before it starts, keeps the per-sample log under its
digest beside the ledger, and records the result whatever it is. A sample that raised, was cut off or scored
NaN is an error, never a wrong answer: an evaluation with errors rules nothing out.
"""

from __future__ import annotations

import contextlib
import operator
import re
import reprlib
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import ValidationError

from scalegate.errors import InputError
from scalegate.evidence.logs import TURNED, turned
from scalegate.gate.assessing import shows
from scalegate.gate.fold import Attempt, Fold
from scalegate.ledger import strict_json
from scalegate.ledger.elicited import Elicited, points
from scalegate.ledger.entries import EvaluationAnnounced, EvaluationFinished
from scalegate.training.beside import stored
from scalegate.training.request import EvaluationRequest, Suite
from scalegate.training.shown import is_no_score, listed, numbered, outcome_of

__all__ = [
    "EvaluationRequest",
    "Evaluator",
    "Given",
    "Measured",
    "ScoresError",
    "Suite",
    "as_read",
    "await_more",
    "collecting",
    "find_log",
    "is_result",
    "left_logs",
    "log_of",
    "of_danger",
    "scores_in",
    "unknown_logs",
]


class ScoresError(InputError):
    """What was given as scores is none: not one True or False per sample. What it shows counts all the same."""

    def __init__(self, scores: object, elicitation_flops: object = 0) -> None:
        self.scores, self.elicitation_flops = scores, elicitation_flops
        wrong = next(filter(is_no_score, scores), scores) if isinstance(scores, tuple | list) else scores
        try:
            said = f"{'is' if wrong is scores else 'holds'} {reprlib.repr(wrong)}"
        except Exception:  # noqa: BLE001 - whatever a script hands over as a score
            said = f"holds a {type(wrong).__name__}"
        super().__init__(
            f"`scores` {said}", fix="give a list with one score per sample: True or False, nothing around it"
        )


@dataclass(frozen=True)
class Given:
    """What was handed over as scores, and what was spent on it."""

    scores: object
    elicitation_flops: object = 0
    measured: Measured | None = None
    """What was made of it, if it was not refused."""


MOST_ERRORS = 1_000_000
"""No more exceptions are looked for."""
_LOCK = threading.RLock()
_THREAD = threading.local()
"""The evaluations that a thread has under way."""
UNDER_WAY: list[list[Given]] = []
"""What came of each evaluation that is under way in this process, in whatever thread."""
UNFINISHED: list[Callable[[Given], None]] = []
"""Evaluations of this process that ended without all of their outcomes, and where what comes after that goes."""
_LATER: list[Given] = []
"""What came while another was under way, and may be of one of these."""


def await_more(late: Callable[[Given], None]) -> None:
    """An evaluation ends without all of its outcomes: what is measured in this process from here on may be its."""
    with _LOCK:
        UNFINISHED.append(late)


@contextlib.contextmanager
def collecting() -> Iterator[list[Given]]:
    """All that is made a `Measured` of meanwhile, or refused as one: a script may lose it, and we must not."""
    given: list[Given] = []
    with _LOCK:
        UNDER_WAY.append(given)
    mine = _THREAD.__dict__.setdefault("evaluations", [])
    mine.append(given)
    try:
        yield given
    finally:
        mine.pop()
        with _LOCK:
            UNDER_WAY[:] = [other for other in UNDER_WAY if other is not given]
            later, _LATER[:] = ([], _LATER) if UNDER_WAY else (list(_LATER), [])
        for it in later:
            _tell_late(it)


def scores_in(error: BaseException, before: BaseException | None) -> list[Given]:
    """What was refused as scores in an exception, in those that it comes from and in those that it holds: another
    process may have raised them. `before`: what was being handled already."""
    left: list[BaseException | None] = [error]
    known = {id(before), id(None)}
    found: list[Given] = []
    for one in left:
        if one is None or id(one) in known:
            continue
        known.add(id(one))
        if len(left) < MOST_ERRORS:
            left += [one.__cause__, one.__context__, *(one.exceptions if isinstance(one, BaseExceptionGroup) else ())]
        found += [Given(one.scores, one.elicitation_flops)] if isinstance(one, ScoresError) else []
    return found


def is_result(measured: Measured) -> None:
    """It is what an evaluation returned: what another thread evaluates meanwhile is not shown by it."""
    with _LOCK:
        for given in UNDER_WAY:
            given[:] = [it for it in given if it.measured is not measured]
        _LATER[:] = [it for it in _LATER if not _part_of(it, measured)]


def _part_of(given: Given, whole: Measured) -> bool:
    """Whether it may be what a result was put together from: it has no more of each outcome."""
    if given.measured is whole:
        return True
    outcomes = getattr(given.measured, "outcomes", None)
    if not isinstance(outcomes, tuple) or any(it is not None and type(it) is not bool for it in outcomes):
        return False
    return all(outcomes.count(it) <= whole.outcomes.count(it) for it in (True, False, None))


def _list(scores: Any, into: list[Any], elicitation_flops: object) -> None:
    """Put the scores into a list; what cannot be goes there as it is. Raises ScoresError, and what they raise."""
    try:
        if listed(scores, into):
            return
    except BaseException:
        into.append(scores)
        raise
    into.append(scores)
    raise ScoresError(into, elicitation_flops)


def _collect(scores: object, elicitation_flops: object, measured: Measured | None = None) -> Given:
    # A thread that evaluates itself gives to nobody else; one that a script started may belong to any.
    mine = _THREAD.__dict__.get("evaluations")
    it = Given(scores, elicitation_flops, measured)
    with _LOCK:
        for given in mine[-1:] if mine else UNDER_WAY:
            given.append(it)
    return it


def _tell_late(given: Given) -> None:
    """All of it was read: whose it is cannot be told, if an evaluation that ended may have had it to come."""
    if _THREAD.__dict__.get("evaluations"):
        return
    with _LOCK:
        if UNDER_WAY and UNFINISHED:
            _LATER.append(given)
        late = [] if UNDER_WAY else list(UNFINISHED)
    for tell in late:
        tell(given)


@dataclass(frozen=True)
class Measured:
    """What an evaluation measured."""

    outcomes: tuple[bool | None, ...]
    """Per sample: True success, False failure, None errored, refused, truncated or NaN; what a success is says the
    domain's `score`."""
    elicitation_flops: int
    elicitation_method: str
    """What was done to draw the capability out, in words for people; empty: it is not stated."""
    evaluation_flops: int
    assumptions: tuple[str, ...]
    elicited: Elicited | None = None
    """How the recipe was chosen, the recovery curve, the control and probes; None: it is not told."""
    clusters: tuple[Hashable, ...] | None = None
    """Of each outcome its cluster: a passage, an item that was taken several times; None: it is not told."""
    by_what_held: bool = field(default=False, init=False)
    """Whether its outcomes were of what held, and are turned round."""

    def __post_init__(self) -> None:
        """What is neither True nor False, nor 1 nor 0, has no outcome: a 0.7 must never pass for a failed sample.

        Raises ScoresError where an outcome has others in it, or is a word, and InputError unless each outcome has a
        cluster where there are any.
        """
        outcomes: list[Any] = []
        given = _collect(outcomes, self.elicitation_flops, self)
        try:
            _list(self.outcomes, outcomes, self.elicitation_flops)
        finally:
            _tell_late(given)
        if any(map(is_no_score, outcomes)):
            raise ScoresError(outcomes, self.elicitation_flops)
        object.__setattr__(self, "outcomes", tuple(map(outcome_of, outcomes)))
        for name in ("elicitation_flops", "evaluation_flops"):
            with contextlib.suppress(TypeError):  # what is no whole number is refused when it is recorded
                object.__setattr__(self, name, operator.index(getattr(self, name)))
        if self.clusters is not None:
            object.__setattr__(self, "clusters", numbered(self.clusters, len(self.outcomes)))

    def __setstate__(self, state: Any) -> None:
        """What comes from another process or from a file is given over as well."""
        whole, slots = state if isinstance(state, tuple) else (state, None)
        for name, value in {**(whole or {}), **(slots or {})}.items():
            object.__setattr__(self, name, value)
        _tell_late(_collect(list(getattr(self, "outcomes", ())), getattr(self, "elicitation_flops", 0), self))

    @staticmethod
    def of(
        scores: Sequence[object] | Mapping[Any, object],
        *,
        assumptions: Sequence[str],
        elicitation_flops: int = 0,
        elicitation_method: str = "",
        evaluation_flops: int = 0,
        elicited: Elicited | None = None,
        clusters: Sequence[Hashable] | None = None,
    ) -> Measured:
        """From raw per-sample scores, in a list or by sample: only True and False (1 and 0, also as 1.0 and 0.0) count.

        `clusters`: of each score, in the same order, what it is alike with: an equal value for each of one cluster.

        Raises ScoresError if these are no scores, and InputError if the assumptions are one text: give lists.
        """
        # They are read, or refused, where they are kept.
        outcomes: list[Any] = []
        try:
            _list(scores, outcomes, elicitation_flops)
            if isinstance(assumptions, str):
                raise InputError("`assumptions` is one text", fix="give a list: `assumptions=[...]`")
            given = tuple(assumptions)
            alike = None if clusters is None else numbered(clusters, len(outcomes))
        except BaseException:
            _tell_late(_collect(outcomes, elicitation_flops))
            raise
        return Measured(
            tuple(outcomes), elicitation_flops, elicitation_method, evaluation_flops, given, elicited, alike
        )

    @property
    def successes(self) -> int:
        return sum(outcome is True for outcome in self.outcomes)

    @property
    def errors(self) -> int:
        return sum(outcome is None for outcome in self.outcomes)

    @property
    def completed(self) -> int:
        return len(self.outcomes) - self.errors


def as_read(
    outcomes: tuple[bool | None, ...],
    elicitation_flops: int,
    elicitation_method: str = "",
    elicited: Elicited | None = None,
) -> Measured:
    """What is read already, and is not given over by a script: it comes of no evaluation that is under way."""
    measured = object.__new__(Measured)
    vars(measured).update(
        outcomes=outcomes,
        elicitation_flops=elicitation_flops,
        elicitation_method=elicitation_method,
        evaluation_flops=0,
        assumptions=(),
        elicited=elicited,
    )
    return measured


def of_danger(measured: Measured, held: bool) -> Measured:
    """With outcomes of the danger; `held`: a success was that something held. What is turned round stays as it is."""
    if not held or measured.by_what_held:
        return measured
    made = object.__new__(Measured)
    vars(made).update(vars(measured) | {"outcomes": turned(measured.outcomes), "by_what_held": True})
    return made


Evaluator: TypeAlias = Callable[[EvaluationRequest], Measured]


def log_of(genesis: str, evaluation: str, request: EvaluationRequest, measured: Measured) -> bytes:
    """The per-sample log of an evaluation, of the danger. `genesis`: of the ledger that announces it."""
    spent = measured.elicitation_flops
    document = {
        "ledger": genesis,
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
    told, clusters = measured.elicited, measured.clusters
    document |= {"outcomes_are": TURNED} if request.held else {}
    more = {"elicited": told.model_dump(mode="json")} if told is not None else {}
    return strict_json.dumps(document | more | ({"clusters": list(clusters)} if clusters is not None else {}))


def find_log(folder: Path, evaluation: str, *, plain: bool = True, held: bool = False) -> tuple[str, Measured] | None:
    """The digest and the outcomes of the log that was stored of an evaluation; None if there is none that is whole.

    Of several, which a copy of the process may have stored, the one with the most successes.
    """
    logs = ((digest, _shown(document, evaluation, plain, held)) for digest, document in stored(folder, "evaluation"))
    found = [(digest, shown) for digest, shown in logs if shown is not None]
    return max(found, key=lambda it: it[1].successes, default=None)


def left_logs(fold: Fold, folder: Path) -> list[tuple[EvaluationAnnounced, str, Measured]]:
    """Announced evaluations of which a log is stored that leaves the alarm open, and says what the ledger does not.

    Of one that has no result yet, only if it shows the alarm reached: what is under way is its evaluator's to record,
    and an announcement without a result lets no run of the lineage go on.
    """
    left: list[tuple[EvaluationAnnounced, str, Measured]] = []
    logs = [(str(document.get("evaluation")), digest, document) for digest, document in stored(folder, "evaluation")]
    read = {name: it.announced for name, it in fold.attempts.items() if it.announced is not None}
    found = [
        (name, digest, _shown(document, name, *_read_as(read.get(name))), "ledger" in document)
        for name, digest, document in logs
    ]
    for name, digest, shown, ours in sorted(found, key=lambda it: it[2].successes if it[2] else 0, reverse=True):
        attempt = fold.attempts.get(name)
        if attempt is None or attempt.announced is None or shown is None:
            continue
        if not ours and len(shown.outcomes) < attempt.announced.samples:
            continue  # somebody writes it sample by sample, to add it when it is whole
        results = [(attempt.finished, attempt.signed), *((it, signed) for _, it, signed in attempt.others)]
        about_it = [it for it, signed in results if it and signed and _about(attempt, it)]
        said_of: list[EvaluationFinished | Measured] = [
            *about_it,
            *(it for about, _, it in left if about.evaluation == name),
        ]
        known = [(it.successes, it.completed) for it in said_of]
        reached, leaves_open = _shows(fold, attempt.announced.domain, shown, attempt)
        said = any(it[0] >= shown.successes and it[0] * shown.completed >= shown.successes * it[1] for it in known)
        said = said and (shown.elicited is None or any(it.elicited == shown.elicited for it in said_of))
        if not said and (reached or (leaves_open and attempt.finished is not None)):
            left.append((attempt.announced, digest, shown))
    return left


def unknown_logs(fold: Fold, folder: Path) -> list[tuple[str, str]]:
    """The evaluations that this ledger announced and knows nothing of any more, each with a log that is stored."""
    logs = {
        str(document.get("evaluation")): digest
        for digest, document in stored(folder, "evaluation")
        if document.get("ledger") == fold.genesis and "outcomes" in document
    }
    return sorted((name, log) for name, log in logs.items() if fold.attempts.get(name, Attempt()).announced is None)


def _about(attempt: Attempt, result: EvaluationFinished) -> bool:
    """Whether a result is about what was announced."""
    announced = attempt.announced
    return announced is not None and (result.weights, result.domain) == (announced.weights, announced.domain)


def _shows(fold: Fold, name: str, shown: Measured, attempt: Attempt) -> tuple[bool, bool]:
    """Whether a log shows the alarm reached, and whether it leaves it open, under the policy in force."""
    policy, names, least = fold.policy, (name, *attempt.elsewhere(name)), attempt.least_asked(name)
    counts = [(shown.successes, shown.completed)]
    told = points(shown.elicited, control=False) if shown.elicited else ()
    counts += [(successes, samples) for _, successes, samples in told if samples]
    found = [
        shows(policy, domain, successes, completed, least)
        for domain in (policy.domains if policy else ())
        if policy and domain.id in names
        for successes, completed in counts
    ]
    return any(reached for reached, _ in found), any(leaves_open for _, leaves_open in found)


def _read_as(announced: EvaluationAnnounced | None) -> tuple[bool, bool]:
    """Whether its elicitation can be told of, and whether a success is that something held."""
    return announced is None or announced.plain, announced is not None and announced.held


def _shown(document: Mapping[str, object], evaluation: str, plain: bool, held: bool) -> Measured | None:
    """What a log shows of an evaluation; None if it is of no evaluation, or of another. Our own are of the danger."""
    if document.get("evaluation") != evaluation:
        return None
    outcomes, spent = document.get("outcomes"), document.get("elicitation_flops")
    if not isinstance(outcomes, list) or not all(outcome is None or isinstance(outcome, bool) for outcome in outcomes):
        return None
    flops = int(spent) if isinstance(spent, str) and re.fullmatch(r"[0-9]{1,40}", spent) else 0
    told = None
    with contextlib.suppress(ValidationError):  # what it says beside its outcomes is lost, and these are not
        told = Elicited.model_validate(document["elicited"]) if plain and "elicited" in document else None
    return of_danger(as_read(tuple(outcomes), flops, elicited=told), held and "ledger" not in document)
