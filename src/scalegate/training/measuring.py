"""An evaluation that is due, from announcement to result. Whatever happens in between, a result is recorded."""

from __future__ import annotations

import errno
import hashlib
import logging
import secrets
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from fractions import Fraction
from functools import partial
from typing import Literal

from pydantic import ValidationError

from scalegate.errors import InputError, ScalegateError
from scalegate.gate.facts import effective
from scalegate.gate.intake import checked, lacking
from scalegate.gate.measures import elicitation_due
from scalegate.gate.pieces import trained_in
from scalegate.gate.stopping import look_alpha, rule_of, shuffled, words_of_rule
from scalegate.ledger import SigningKey
from scalegate.ledger.elicited import Elicited
from scalegate.ledger.entries import NO_LOG, EvaluationAnnounced, EvaluationFinished
from scalegate.policy import Domain
from scalegate.training.arguments import line
from scalegate.training.beside import store
from scalegate.training.evaluation import (
    EvaluationRequest,
    Evaluator,
    Given,
    Measured,
    Suite,
    as_read,
    await_more,
    collecting,
    find_log,
    is_result,
    left_logs,
    log_of,
    of_danger,
    scores_in,
)
from scalegate.training.held import whole
from scalegate.training.left import finished, name_of
from scalegate.training.session import Session, Signed
from scalegate.training.shown import shown_by
from scalegate.training.undisturbed import undisturbed
from scalegate.units import MAX_FLOP

__all__ = ["abort_open", "measure_all"]

LOG = logging.getLogger(__name__)


def abort_open(session: Session) -> Signed:
    """Results for evaluations that a gate left open when it died: the attempt counts, the outcome is unknown.

    What somebody else announced for the run is theirs to finish, and stays open.
    """
    evaluator, fold = session.keys.evaluator, session.journal.fold
    left_open = [
        attempt.announced
        for attempt in fold.attempts.values()
        if attempt.announced is not None and attempt.finished is None
    ]
    if evaluator is None:
        return []
    sessions = fold.runs[session.run].sessions if session.run in fold.runs else ()
    # What is stored of one and shows the alarm reached is taken up before this.
    taken = {it.evaluation for it, _, _ in left_logs(fold, session.folder)}
    left_open = [it for it in left_open if it.evaluation not in taken]
    own = [it for it in left_open if any(it.evaluation == name_of(token, it.evaluation[:32]) for token in sessions)]
    made: Signed = []
    for announced in own:
        entry = _left_open(session, announced)
        more = entry.elicitation_flops - fold.attempts[announced.evaluation].reserved
        if more > 0:
            made.append((session.reservation("elicitation", more, announced.evaluation), session.keys.gate))
        made.append((entry, evaluator))
    return made


def _left_open(session: Session, announced: EvaluationAnnounced) -> EvaluationFinished:
    """The result of an evaluation that has none: what its log shows stands in it, if that was stored."""
    why = "broken off: the run was opened again before its result was written"
    stored = find_log(session.folder, announced.evaluation, plain=announced.plain, held=announced.held)
    log, shown = stored or (NO_LOG, _nothing(announced, ""))
    left = as_read(shown.outcomes or _nothing(announced, "").outcomes, shown.elicitation_flops, why, shown.elicited)
    return _finished(session, announced, left, log, "aborted")


def measure_all(
    session: Session,
    due: Iterable[tuple[Domain, Suite, int | None]],
    weights: str,
    *,
    evaluate: Evaluator,
    now: Callable[[], str],
) -> None:
    """Evaluate the weights in each of the domains, as they are and, for a capability, elicited. Raises as `measure`."""
    for domain, suite, flops in due:
        drawn_out = [_elicitation(session, domain, weights) if flops is None else flops] if domain.of_capability else []
        for elicited in (None, *drawn_out):
            # What does not run on the model as it is is not tried on a copy: that would spend an attempt.
            if not measure(session, domain, suite, weights, elicited, evaluate=evaluate, now=now):
                break


def measure(
    session: Session,
    domain: Domain,
    suite: Suite,
    weights: str,
    due: int | None,
    *,
    evaluate: Evaluator,
    now: Callable[[], str],
) -> bool:
    """Announce, reserve the elicitation's compute, evaluate, and record the result or that there is none.

    `due`: FLOP of elicitation; None for the model as it is.
    `now` gives the digest of the model's weights. What `evaluate` raises, or returns that cannot be recorded, is
    recorded as an aborted evaluation, which holds; only what ends the process is passed on. Outcomes that there are
    stand in it all the same: they may show the alarm reached. Raises InputError when there is no evaluator's key to
    sign with, and when the evaluation changed the model itself, which is an aborted one too. Returns whether it was
    completed.
    """
    evaluator = session.keys.evaluator
    if evaluator is None:
        raise InputError("no key of an evaluator that the policy names is in the key folder")
    announced = EvaluationAnnounced(
        actor=session.keys.evaluator_actor,
        time=session.journal.now(),
        policy=session.policy.digest(),
        evaluation=name_of(session.token, secrets.token_hex(16)),
        run=session.made_by(weights),
        weights=weights,
        domain=domain.id,
        kind=domain.kind,
        success="held" if domain.score == "held" else None,
        task=suite.task,
        task_version=suite.version,
        dataset=suite.dataset,
        samples=suite.samples,
        stopping=words_of_rule(domain, look_alpha(session.policy), suite.samples),
        elicitation="none" if due is None else "fine-tuning",
    )
    reserved: Signed = (
        [(session.reservation("elicitation", due, announced.evaluation, announced.run), session.keys.gate)]
        if due
        else []
    )
    session.write(lambda: [(announced, evaluator), *reserved])
    request = EvaluationRequest(
        domain=domain.id,
        suite=suite,
        weights=weights,
        elicitation=announced.elicitation,
        elicitation_flops=due or 0,
        compute=effective(session.policy, session.lineage_total()),
        order=tuple(shuffled(announced.evaluation, range(suite.samples))),
        rule=rule_of(domain, look_alpha(session.policy), suite.samples),
        held=announced.held,
    )
    status: Literal["completed", "aborted"] = "aborted"
    seen: list[object] = []
    measured, changed = None, False

    def record() -> Literal["completed", "aborted"]:
        """Twice is once: what is in the ledger or kept already is not written again."""
        left = measured or _broken(seen[0] if seen else None, announced, "the process was interrupted")
        return _record(session, announced, request, left, status, evaluator)

    try:
        try:
            result, ended = _run(session, announced, request, evaluate, seen)
            # The weights are many, and a process that is killed over them must not take with it what was shown.
            session.set_aside(_log(session, announced, request, result))
            measured = _broken(result, announced, "it changed the model itself, or whether it did cannot be told")
            changed = now() != weights
            if not changed:
                measured, status = result, ended
        except Exception:
            _quietly(record)
            raise
        status = record()
    except Exception:
        raise
    except BaseException:
        _quietly(record)
        raise
    if changed:
        raise InputError(
            f"the evaluation of `{domain.id}` changed the model itself",
            fix="evaluate and fine-tune a copy; load the last checkpoint before you go on",
        )
    return status == "completed"


def _quietly(record: Callable[[], object]) -> None:
    """Record, where something else ends the evaluation: that is what the script is to see."""
    try:
        record()
    except ScalegateError as error:
        LOG.error("the result of an evaluation is kept, and not in the ledger yet: %s", error)


def _run(
    session: Session,
    announced: EvaluationAnnounced,
    request: EvaluationRequest,
    evaluate: Evaluator,
    seen: list[object],
) -> tuple[Measured, Literal["completed", "aborted"]]:
    """What the evaluator measured, of the danger, if it can be recorded. What it returns is put into `seen` at once."""
    before, late = sys.exception(), partial(_keep_late, session, announced, request, announced.samples)
    with collecting() as given:
        try:
            result = evaluate(request)
            seen.append(result)
            if not isinstance(result, Measured):
                what = type(result).__name__
                raise InputError(f"`evaluate` returned {what}", fix="return `Measured.of(scores, ...)`")
            if type(result) is not Measured:
                # It has a way of its own of being made.
                is_result(result)
                result = Measured(**{it.name: getattr(result, it.name) for it in fields(Measured) if it.init})
                seen[0] = result
            if result.completed == 0 and any(it.measured is not result for it in given):
                raise InputError("`evaluate` returned no outcome, and other scores were given before")
            _check_amounts(result, announced)
            checked(partial(_finished, session, announced, result, NO_LOG, "completed"))
            is_result(result)
            seen[0] = result = of_danger(result, announced.held)
            if result.errors:
                # A script that waits so long and no longer may put what did not come yet down as an error.
                most = result.successes + result.errors
                await_more(partial(_keep_late, session, announced, request, most))
        except BaseException as error:
            # What the script did with it, and with errors about it, is of no account.
            with undisturbed():
                await_more(late)
                seen[:] = [_all_given(seen, given, scores_in(error, before), announced)]
            if not isinstance(error, Exception):
                raise
            said = str(error) if isinstance(error, ScalegateError) else f"{type(error).__name__}: {error}"
            # The ledger keeps a line of it; whoever wrote the evaluator needs all of it, and now.
            all_of_it = said if isinstance(error, ScalegateError) else whole(error)
            LOG.error("the evaluation of `%s` was broken off\n%s", announced.domain, all_of_it)
            return _broken(seen[0], announced, said), "aborted"
    return result, "completed"


def _keep_late(
    session: Session, announced: EvaluationAnnounced, request: EvaluationRequest, most: int, given: Given
) -> None:
    """What came after an evaluation had ended without it is stored: it may show the alarm reached.

    What is only a part of its samples shows no more of them than it does by itself. What has more than `most` successes
    is another's.
    """
    try:
        measured = _broken(_all_given([], [given], [], announced), announced, "it came too late")
        rest = (False,) * (announced.samples - len(measured.outcomes))
        told = (measured.elicitation_flops, measured.elicitation_method, measured.elicited)
        measured = as_read((*measured.outcomes, *rest), *told)
        if not 0 < measured.successes <= most:
            return
        if not session.journal.ledger.path.is_file():
            raise FileNotFoundError(errno.ENOENT, "the ledger is not there any more")
        store(session.folder, _log(session, announced, request, measured))
    except Exception as error:  # noqa: BLE001 - it is the script's thread, which must not end for it
        name = announced.evaluation[:12]
        LOG.error("what came after evaluation %s had ended is kept nowhere, and counts for nothing: %s", name, error)
        return
    LOG.error(
        "evaluation %s had ended without all of its outcomes when %s of %s were shown: that may be what it measured,"
        " and can count against the run from the next decision on, never for it",
        *(announced.evaluation[:12], measured.successes, measured.completed),
    )


def _check_amounts(result: Measured, announced: EvaluationAnnounced) -> None:
    for name in ("elicitation_flops", "evaluation_flops"):
        if type(getattr(result, name)) is not int:
            raise InputError(f"`{name}` is {getattr(result, name)!r}, no whole number of FLOP", fix="give an int")
        if not 0 <= getattr(result, name) <= MAX_FLOP:
            raise InputError(f"`{name}` is {getattr(result, name)}", fix="no less than 0, and at most 10**40")
    if result.elicited is not None and told_of(result) is None:
        raise InputError("`elicited` is no `scalegate.ledger.elicited.Elicited`", fix="make one, or leave it out")
    if result.elicited is not None and not announced.plain:
        raise InputError("`elicited` is of a capability, and of a success that is the danger", fix="leave it out")


def told_of(result: object) -> Elicited | None:
    """What a result tells of its elicitation; None: nothing, or nothing that can be recorded."""
    told = getattr(result, "elicited", None)
    try:
        return Elicited.model_validate(told) if isinstance(told, Elicited) else None
    except ValidationError:
        return None


def _all_given(
    seen: Sequence[object], given: Sequence[Given], refused: Sequence[Given], announced: EvaluationAnnounced
) -> Measured | None:
    """What shows the most of all that was handed over in an evaluation that was broken off: each, and all together.

    It is of the danger, whatever a success was."""
    samples, held = announced.samples, announced.held
    returned = [it for it in seen if it is not None]
    if returned and type(returned[0]) is Measured and returned[0].completed > 0:
        return of_danger(returned[0], held)
    # What is gone through may make a `Measured` even now.
    shown = [shown_by(it, samples, held) for it in returned]
    there = {id(it.scores) for it in given}
    every = [*given, *(it for it in refused if id(it.scores) not in there)]
    shown += [shown_by(it.scores, samples, held) for it in every]
    shown += [shown_by([it.scores for it in every], samples, held)] if len(every) > 1 else []
    told = (it.elicitation_flops for it in every)
    spent = min(sum(it for it in told if type(it) is int and 0 <= it <= MAX_FLOP), MAX_FLOP)
    most = max(
        shown,
        key=lambda it: (Fraction(it.count(True), max(len(it) - it.count(None), samples, 1)), -len(it)),
        default=(),
    )
    told_of_it = next((it for it in (told_of(one.measured) for one in reversed(every)) if it is not None), None)
    return as_read(most, spent, elicited=told_of_it) if most else None


def _broken(result: object, announced: EvaluationAnnounced, why: str) -> Measured:
    """What is recorded of an evaluation that was broken off: its outcomes and what it spent, as far as it has any."""
    nothing = _nothing(announced, line(f"broken off: {why}"))
    if not isinstance(result, Measured):
        return nothing
    spent = result.elicitation_flops
    return as_read(
        result.outcomes or nothing.outcomes,
        spent if type(spent) is int and 0 <= spent <= MAX_FLOP else 0,
        nothing.elicitation_method,
        told_of(result),
    )


def _elicitation(session: Session, domain: Domain, weights: str) -> int:
    fold = session.journal.fold
    evidence = int((trained_in(fold.runs, weights)[1] or 0) * session.policy.factor)
    planned = fold.situation(session.run, now=0).lineage.planned_end
    return elicitation_due(session.policy, domain, evidence, planned)


def _record(
    session: Session,
    announced: EvaluationAnnounced,
    request: EvaluationRequest,
    measured: Measured,
    status: Literal["completed", "aborted"],
    evaluator: SigningKey,
) -> Literal["completed", "aborted"]:
    """Write the result, and return how it ended. What cannot be written now is written before anything else is."""
    entry: EvaluationFinished | None = None

    def make() -> Signed:
        nonlocal entry
        digest = hashlib.sha256(_log(session, announced, request, measured)).hexdigest()
        entry = _finished(session, announced, measured, digest, status)
        attempt = session.journal.fold.attempts.get(announced.evaluation)
        results = (attempt.finished, *(it for _, it, _ in attempt.others)) if attempt else ()
        if any(it is not None and it.model_copy(update={"time": entry.time}) == entry for it in results):
            return []
        entry = _entry(session, announced, request, measured, status)
        # Somebody who took it up may have reserved it.
        more = measured.elicitation_flops - max(request.elicitation_flops, attempt.reserved if attempt else 0)
        # What nobody asked for is not the maker's.
        extra = session.reservation("elicitation", max(more, 0), announced.evaluation)
        return [*([(extra, session.keys.gate)] if more > 0 else []), (entry, evaluator)]

    # Whatever comes from here on, also while its log is stored. Another process that took the run over has closed this
    # attempt, and the worse result stands. If the gate's key was replaced meanwhile, what was not reserved is no
    # evidence, and the result is.
    session.keep(make)
    session.set_aside(_log(session, announced, request, measured))
    session.write_kept()
    status = entry.status if entry else status
    faults = lacking(session.journal.fold, announced.evaluation) if announced.spends else ()
    if faults and status == "completed":
        LOG.warning("the evaluation of `%s` can rule nothing out: %s", announced.domain, "; ".join(faults))
    return status


def _log(session: Session, announced: EvaluationAnnounced, request: EvaluationRequest, measured: Measured) -> bytes:
    return log_of(session.journal.fold.genesis, announced.evaluation, request, measured)


def _entry(
    session: Session,
    announced: EvaluationAnnounced,
    request: EvaluationRequest,
    measured: Measured,
    status: Literal["completed", "aborted"],
) -> EvaluationFinished:
    """The entry of a result, its log stored."""
    try:
        log = store(session.folder, _log(session, announced, request, measured))
    except OSError as error:
        # What it showed is recorded all the same; without its log it is no conclusive evidence.
        LOG.error("the log of the evaluation of `%s` cannot be stored: %s", announced.domain, error)
        measured = _broken(measured, announced, f"its log cannot be stored: {error.strerror or error}")
        return _finished(session, announced, measured, NO_LOG, "aborted")
    return _finished(session, announced, measured, log, status)


def _finished(
    session: Session,
    announced: EvaluationAnnounced,
    measured: Measured,
    log: str,
    status: Literal["completed", "aborted"],
) -> EvaluationFinished:
    return finished(session.journal, session.keys, announced, measured, log, status)


def _nothing(announced: EvaluationAnnounced, reason: str) -> Measured:
    """No sample has an outcome."""
    return as_read((None,) * announced.samples, 0, reason)
