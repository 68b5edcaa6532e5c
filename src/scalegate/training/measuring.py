"""An evaluation that is due, from announcement to result. Whatever happens in between, a result is recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Literal

from scalegate.errors import InputError
from scalegate.gate.changes import elicitation_due
from scalegate.gate.facts import assess, effective
from scalegate.gate.lineage import behind
from scalegate.ledger import SigningKey
from scalegate.ledger.entries import EvaluationAnnounced, EvaluationFinished
from scalegate.policy import Domain
from scalegate.policy.document import Cadence
from scalegate.training.evaluation import EvaluationRequest, Evaluator, Measured, Suite, store_log
from scalegate.training.session import Session, Signed

__all__ = ["abort_open", "already_measured", "measure"]

NO_LOG = "0" * 64


def already_measured(session: Session, domain: Domain, weights: str) -> bool:
    """Whether evaluating these weights would spend alpha for nothing: it is spent, or they have an evaluation that is
    conclusive, no older than the cadence allows, and elicited as much as one would be now."""
    policy, now = session.policy, session.journal.now()
    pieces = [p for p in session.journal.fold.situation(session.run, now=now).pieces if p.domain == domain.id]
    if max((piece.attempt for piece in pieces), default=0) >= policy.error_budget.evaluations:
        return True
    within = [clause.within for clause in policy.clauses if isinstance(clause, Cadence) and clause.gates]
    due = _elicitation(session, domain, weights)
    return any(
        piece.weights == weights
        and not assess(policy, domain, piece).faults
        and all(now <= piece.time + limit for limit in within)
        and piece.elicitation_flops >= due
        for piece in pieces
    )


def _name(session: str, number: int) -> str:
    """The name of a session's evaluation: its token and a number give it, so that it is known again as its own."""
    return hashlib.sha256(f"{session} evaluation {number}".encode()).hexdigest()


def abort_open(session: Session) -> Signed:
    """Results for evaluations that a gate left open when it died: the attempt counts, the outcome is unknown.

    What somebody else announced for the run is theirs to finish, and stays open.
    """
    evaluator, fold = session.keys.evaluator, session.journal.fold
    left_open = [
        attempt.announced
        for attempt in fold.attempts.values()
        if attempt.announced is not None and attempt.finished is None and attempt.announced.run == session.run
    ]
    if evaluator is None or not left_open:
        return []
    sessions = fold.runs[session.run].sessions if session.run in fold.runs else ()
    own = {_name(token, number) for token in sessions for number in range(len(fold.attempts))}
    left_open = [announced for announced in left_open if announced.evaluation in own]
    why = "broken off: the process that announced it ended"
    return [(_finished(session, it, _nothing(it, why), NO_LOG, "aborted"), evaluator) for it in left_open]


def measure(
    session: Session,
    domain: Domain,
    suite: Suite,
    weights: str,
    *,
    elicit: bool,
    evaluate: Evaluator,
    now: Callable[[], str],
) -> None:
    """Announce, reserve the elicitation's compute, evaluate, and record the result or that there is none.

    `now` gives the digest of the model's weights: an evaluation that leaves the model changed is broken off.
    Raises InputError when there is no evaluator's key to sign with. What `evaluate` raises is recorded as an
    aborted evaluation, which holds; only what ends the process is passed on.
    """
    evaluator = session.keys.evaluator
    if evaluator is None:
        raise InputError("no key of an evaluator that the policy names is in the key folder")
    due = _elicitation(session, domain, weights) if elicit else 0
    announced = EvaluationAnnounced(
        actor=session.keys.evaluator_actor,
        time=session.journal.now(),
        policy=session.policy.digest(),
        evaluation=_name(session.token, session.announced),
        run=session.run,
        weights=weights,
        domain=domain.id,
        kind="capability",
        task=suite.task,
        task_version=suite.version,
        dataset=suite.dataset,
        samples=suite.samples,
        elicitation="fine-tuning" if elicit else "none",
    )
    reserved: Signed = [(session.reservation("elicitation", due), session.keys.gate)] if due else []
    session.announced += 1
    session.write(lambda: [(announced, evaluator), *reserved])
    request = EvaluationRequest(
        domain=domain.id,
        suite=suite,
        weights=weights,
        elicitation=announced.elicitation,
        elicitation_flops=due,
        compute=effective(session.policy, session.lineage_total()),
    )
    status: Literal["completed", "aborted"] = "aborted"
    measured = _nothing(announced, "broken off: the process was interrupted")
    try:
        result = evaluate(request)
        if not isinstance(result, Measured):
            raise InputError(f"`evaluate` returned {type(result).__name__}", fix="return `Measured.of(scores, ...)`")
        if now() != weights:
            raise InputError("the evaluation changed the model's weights", fix="evaluate and fine-tune a copy")
        measured, status = result, "completed"
    except Exception as error:  # noqa: BLE001 - whatever an evaluation raises is a result: unknown, which holds
        measured = _nothing(announced, f"broken off: {type(error).__name__}: {error}"[:500])
    finally:
        _record(session, announced, request, measured, status, evaluator)


def _elicitation(session: Session, domain: Domain, weights: str) -> int:
    fold = session.journal.fold
    evidence = int(behind(fold.runs, session.state, weights) * session.policy.effective_compute.factor)
    planned = fold.situation(session.run, now=0).lineage.planned_end
    return elicitation_due(session.policy, domain, evidence, planned)


def _record(
    session: Session,
    announced: EvaluationAnnounced,
    request: EvaluationRequest,
    measured: Measured,
    status: Literal["completed", "aborted"],
    evaluator: SigningKey,
) -> None:
    log = store_log(session.journal.ledger.path.parent / "evidence", request, measured)

    def make() -> Signed:
        made: Signed = []
        more = measured.elicitation_flops - request.elicitation_flops
        if more > 0:
            made.append((session.reservation("elicitation", more), session.keys.gate))
        return [*made, (_finished(session, announced, measured, log, status), evaluator)]

    # Not fenced: another process that took the run over has closed this attempt, and the worse result stands.
    session.journal.append(make)


def _finished(
    session: Session,
    announced: EvaluationAnnounced,
    measured: Measured,
    log: str,
    status: Literal["completed", "aborted"],
) -> EvaluationFinished:
    return EvaluationFinished(
        actor=session.keys.evaluator_actor,
        time=session.journal.now(),
        policy=session.policy.digest(),
        evaluation=announced.evaluation,
        weights=announced.weights,
        domain=announced.domain,
        status=status,
        successes=measured.successes,
        completed=measured.completed,
        errors=measured.errors,
        elicitation_flops=measured.elicitation_flops,
        elicitation_method=measured.elicitation_method,
        evaluation_flops=measured.evaluation_flops,
        log=log,
        assumptions=measured.assumptions,
    )


def _nothing(announced: EvaluationAnnounced, reason: str) -> Measured:
    """No sample has an outcome."""
    return Measured((None,) * announced.samples, 0, reason, 0, ())
