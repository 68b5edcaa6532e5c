"""An evaluation that is due, from announcement to result. Whatever happens in between, a result is recorded."""

from __future__ import annotations

import secrets
from typing import Literal

from scalegate.errors import InputError
from scalegate.gate.changes import elicitation_due
from scalegate.gate.facts import effective
from scalegate.gate.lineage import behind
from scalegate.ledger import SigningKey
from scalegate.ledger.entries import EvaluationAnnounced, EvaluationFinished
from scalegate.policy import Domain
from scalegate.training.evaluation import EvaluationRequest, Evaluator, Measured, Suite, store_log
from scalegate.training.session import Session, Signed

__all__ = ["abort_open", "already_measured", "measure"]

NO_LOG = "0" * 64


def already_measured(session: Session, domain: str, weights: str) -> bool:
    """Whether these weights were evaluated with elicitation: again would spend alpha for nothing."""
    return any(
        attempt.announced is not None
        and (attempt.announced.domain, attempt.announced.weights) == (domain, weights)
        and attempt.announced.elicitation != "none"
        for attempt in session.journal.fold.attempts.values()
    )


def abort_open(session: Session) -> Signed:
    """Results for evaluations that a process left open when it died: the attempt counts, the outcome is unknown."""
    evaluator = session.keys.evaluator
    left_open = [
        attempt.announced
        for attempt in session.journal.fold.attempts.values()
        if attempt.announced is not None and attempt.finished is None and attempt.announced.run == session.run
    ]
    if evaluator is None:
        return []
    why = "broken off: the process that announced it ended"
    return [(_finished(session, it, _nothing(it, why), NO_LOG, "aborted"), evaluator) for it in left_open]


def measure(session: Session, domain: Domain, suite: Suite, weights: str, *, elicit: bool, evaluate: Evaluator) -> None:
    """Announce, reserve the elicitation's compute, evaluate, and record the result or that there is none.

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
        evaluation=secrets.token_hex(32),
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
        measured = evaluate(request)
        status = "completed"
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
