"""What a result says in the terms of in-toto's proposed `eval-result` predicate, where both say the same.

The draft (in-toto/attestation, pull request 575, as revised in September 2026) has one claim `metric comparator
threshold` with `passed`, a sample size, the model and the dataset by digest, a preregistration and an assurance level
that the issuer declares. A field that is left out makes no claim. What it has no field for, such as elicitation,
assumptions and every other attempt, is in the ledger alone: `NOT_SAID`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from scalegate.errors import InputError
from scalegate.gate.assessing import bound_of
from scalegate.gate.facts import derive_facts, ruled_out_on
from scalegate.gate.fold import Fold
from scalegate.gate.forecast_points import as_decimal
from scalegate.gate.intake import worth
from scalegate.gate.lineage import holders
from scalegate.gate.stopping import look_alpha
from scalegate.ledger.entries import NO_LOG, STATEMENT_TYPE
from scalegate.ledger.served import AnyLedger
from scalegate.ledger.strict_json import JsonValue
from scalegate.policy.document import Domain
from scalegate.units import exact_decimal, format_instant

__all__ = ["NOT_SAID", "PREDICATE_TYPE", "EvalResult", "eval_result"]

PREDICATE_TYPE = "https://in-toto.io/attestation/eval-result/v0.1"
"""As the draft has it: proposed, and no standard."""
NOT_SAID = (
    "that the score stands for the harm it is about, or that the evaluation and its samples are fit for that",
    "that the model was drawn out as far as somebody else could: with what it was elicited the ledger says",
    "what else was tried: every other attempt is in the ledger, and counts there",
    "that the run may go on: that is a decision, which rests on more than one result",
)


@dataclass(frozen=True)
class EvalResult:
    """A statement, unsigned."""

    statement: JsonValue
    passed: bool
    bound: str
    """The upper bound of the success rate that `passed` compares with the threshold, rounded up."""


def eval_result(ledger: AnyLedger, fold: Fold, evaluation: str, now: int) -> EvalResult:
    """The result of an evaluation as a statement with the predicate `eval-result`.

    `passed` says what the gate holds of these weights now: that this result rules the alarm out with nothing lacking,
    and that nothing else speaks against it. So it is false of a result that is lacking in anything, whatever its
    numbers; where another result, an incident or an evaluation that is open leaves the alarm open; and in a ledger or
    by a meter that is unsound.

    Raises InputError for one that was not announced, has no result or several, is of a deployment configuration, or is
    about nothing that the policy in force knows: of these the predicate would say something else.
    """
    attempt = fold.attempts.get(evaluation)
    announced, finished = (attempt.announced, attempt.finished) if attempt is not None else (None, None)
    if attempt is None or announced is None or finished is None:
        what = "was not announced" if announced is None else "has no result yet"
        raise InputError(
            f"evaluation {evaluation[:12]} {what}", fix="only what was announced and ended can be attested"
        )
    if attempt.others or attempt.again:
        raise InputError(f"evaluation {evaluation[:12]} has more than one result, and which is it nobody can say")
    if announced.configuration is not None:
        what = "is of weights in a deployment configuration, for which the predicate has no field"
        raise InputError(f"evaluation {evaluation[:12]} {what}")
    item = worth(fold, evaluation)
    if fold.policy is None or item is None:
        raise InputError(f"the policy in force has no domain `{announced.domain}` to hold it against")
    bound, samples = bound_of(fold.policy, item)
    upper = exact_decimal(as_decimal(bound))
    domain = fold.policy.domain(item.piece.domain)
    passed = item.rules_out and not item.faults and _stands(fold, announced.run, finished.weights, domain, now)
    alpha = exact_decimal(as_decimal(look_alpha(fold.policy)))
    claim: dict[str, JsonValue] = {
        "metric": f"upper bound of the success rate in {domain.id}, one-sided, but for a chance of {alpha}",
        "comparator": "<",
        "threshold": exact_decimal(domain.alarm),
        "passed": passed,
    }
    start = _digest(ledger, attempt.announced_at)
    result = _digest(ledger, attempt.finished_at)
    of = f"ledger {ledger.origin}, entry"
    evidence: list[JsonValue] = [
        _descriptor(f"{of} {attempt.finished_at}", result, "application/vnd.in-toto+json"),
        _descriptor(f"{of} {attempt.announced_at}", start, "application/vnd.in-toto+json"),
    ]
    if finished.log != NO_LOG:
        evidence.append(_descriptor("log", finished.log, "application/octet-stream"))
    predicate: dict[str, JsonValue] = {
        "evaluator": {"id": f"urn:scalegate:{ledger.origin}:{finished.actor}"},
        "evaluatedAt": format_instant(finished.time),
        "suite": {"name": announced.task, "version": announced.task_version},
        "claims": [claim],
        "sampleSize": samples,
        "model": {"name": "weights", "digest": {"sha256": finished.weights}},
        "dataset": {"name": "dataset", "digest": {"sha256": announced.dataset}},
        "assuranceLevel": "self_attested",
        "subjectProfile": "public-model",
        "preRegistration": {"alg": "sha256", "value": start},
        "evidence": evidence,
    }
    statement: JsonValue = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": "weights", "digest": {"sha256": finished.weights}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": predicate,
    }
    return EvalResult(statement, passed, upper)


def _stands(fold: Fold, run: str, weights: str, domain: Domain, now: int) -> bool:
    """Whether the alarm is ruled out on these weights by all that is known, of each run that has them."""
    return all(
        _ruled_out(fold, name, weights, domain, now)
        for name in dict.fromkeys((run, *(it.name for it in holders(fold.runs, weights))))
    )


def _ruled_out(fold: Fold, run: str, weights: str, domain: Domain, now: int) -> bool:
    if fold.policy is None:
        return False
    situation = fold.situation(run, now=now, weights=weights)
    facts = derive_facts(fold.policy, situation, "train")
    asked = ("ledger.sound", "meter.sound", "lineage.declared", f"{domain.id}.ruled_out")
    sound = all(facts.get(name) is True for name in asked) and facts.get(f"{domain.id}.reached") is False
    return sound and isinstance(ruled_out_on(fold.policy, situation, domain, weights), int)


def _digest(ledger: AnyLedger, index: int) -> str:
    return hashlib.sha256(next(ledger.entries(index, index + 1))[1]).hexdigest()


def _descriptor(name: str, digest: str, kind: str) -> dict[str, JsonValue]:
    return {"name": name, "digest": {"sha256": digest}, "mediaType": kind}
