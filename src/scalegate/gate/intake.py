"""Evidence that comes from outside: a result file becomes an entry, or one clear error.

What the file claims about counts is not read: successes, completed and errors are counted from its
per-sample outcomes. Anything that is not true or false is an error of that sample.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import floor
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, ValidationError

from scalegate.errors import InputError, Place, ScalegateError
from scalegate.evidence.clustered import by_cluster
from scalegate.evidence.logs import STOPPED, EvalLog, SampleRead, of_danger, turned
from scalegate.evidence.sequential import ended
from scalegate.gate.announced_logs import check_log
from scalegate.gate.assessing import Assessment, assess
from scalegate.gate.clustering import takes_all
from scalegate.gate.covering import elicitation_needed
from scalegate.gate.facts import effective
from scalegate.gate.fold import Fold
from scalegate.gate.held import is_held, plainly_read
from scalegate.gate.journal import Journal
from scalegate.gate.lineage import holders, total
from scalegate.gate.pieces import pieces, trained_in
from scalegate.gate.stopping import look_alpha, rule_of, shuffled, words_of_rule
from scalegate.ledger import strict_json
from scalegate.ledger.elicited import Elicited, contradictions
from scalegate.ledger.entries import MOST_KINDS, EvaluationAnnounced, EvaluationFinished
from scalegate.ledger.predicate import FlopText
from scalegate.policy.clause_figures import value_at
from scalegate.policy.document import ComputeCap
from scalegate.units import MAX_LOOKS, MAX_SAMPLES, format_flop
from scalegate.weights.manifest import names_nothing

__all__ = ["check_plan", "check_weights", "checked", "lacking", "method_of", "read_log", "read_result", "worth"]

T = TypeVar("T")
MOST = f"`--samples {MAX_SAMPLES}` or fewer"


class ResultFile(BaseModel):
    """What a result file holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    evaluation: str | None = None
    """Name that `evidence announce` printed; None: the evaluation was not announced, and cannot rule out."""
    weights: str
    domain: str
    outcomes: Annotated[list[StrictBool | None], Field(min_length=1)]
    """Per sample: true success, false failure, null errored, refused, cut off or NaN."""
    elicitation_flops: FlopText | None = None
    """Needed for an announced evaluation that elicits: nought would be a claim, and it closes the evaluation."""
    elicitation_method: str | None = None
    evaluation_flops: FlopText = 0
    assumptions: Annotated[list[str], Field(min_length=1)]
    elicited: Elicited | None = None
    """How it was elicited and what came of that on the way."""
    clusters: list[StrictStr] | None = None
    """Of each outcome its cluster (a passage, a sample that was taken several times); None: it does not say."""


def checked(make: Callable[[], T], place: Place | None = None) -> T:
    """Build what has a schema; a value that the schema refuses is an InputError that names the field."""
    try:
        return make()
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"`{'.'.join(map(str, first['loc']))}`: {first['msg']}", place=place) from error


def read_result(path: Path, journal: Journal, actor: str) -> EvaluationFinished:
    """The entry for a result file. Raises InputError naming the file and the field."""
    place = Place(file=str(path))
    try:
        data = path.read_bytes()
        document = strict_json.loads(data)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=place) from error
    except ScalegateError as error:
        fix = "write plain JSON, with outcomes as true, false or null, and FLOP as text of digits"
        raise InputError(error.message, place=replace(error.place or place, file=str(path)), fix=fix) from error
    result = checked(lambda: ResultFile.model_validate(document), place)
    attempt = journal.fold.attempts.get(result.evaluation or "")
    if is_held(journal.policy, attempt.announced if attempt else None, result.domain):
        result = result.model_copy(update={"outcomes": list(turned(result.outcomes))})
    return entry_of(result, hashlib.sha256(data).hexdigest(), place, journal, actor)


def read_log(log: EvalLog, said: Mapping[str, object], journal: Journal, actor: str) -> EvaluationFinished:
    """The entry for a log that was read. `said`: the fields of a result file that no log has, and the `dataset`.

    Raises InputError naming the file where the log is of something else than was announced, or was begun before it.
    """
    place, name = Place(file=log.file), str(said.get("evaluation") or "")
    attempt = journal.fold.attempts.get(name)
    announced = attempt.announced if attempt else None
    dataset = said.get("dataset")
    if announced is not None and log.epochs > 1 and announced.spends:
        _check_epochs(journal, announced, log, place)
    if announced is not None:
        told = str(dataset) if dataset is not None else None
        check_log(log, announced, journal.fold.attempts, told, journal.now())
    of = {"weights": announced.weights, "domain": announced.domain} if announced else {}
    held = is_held(journal.policy, announced, str(said.get("domain")))
    if log.by_what_held and not held:
        raise InputError("what a success is was amended while it was read", place=place, fix="add it again")
    log = of_danger(log) if held else log
    taken = _taken(log, announced, place)
    fields = {
        **of,
        **{it: value for it, value in said.items() if value is not None and it != "dataset"},
        "outcomes": [it.outcome for it in taken],
        "clusters": [f"{it.cluster or it.sample}" for it in taken] if log.clustered else None,
    }
    return entry_of(checked(lambda: ResultFile.model_validate(fields), place), log.digest, place, journal, actor)


def _check_epochs(journal: Journal, announced: EvaluationAnnounced, log: EvalLog, place: Place) -> None:
    """Raises InputError where samples were taken several times and would count as so many independent ones."""
    known = {it.id: it for it in journal.policy.domains}
    if announced.domain in known and known[announced.domain].clusters is None:
        raise InputError(
            f"each sample was taken {log.epochs} times, and `{announced.domain}` has no `clusters`: what comes of one"
            " sample again and again would count as so many samples",
            place=place,
            fix="run it with one epoch, or write `clusters` into the domain; a result that leaves `--evaluation` out"
            " rules nothing out, and may show the capability reached",
        )


def _taken(log: EvalLog, announced: EvaluationAnnounced | None, place: Place) -> list[SampleRead]:
    """The samples that were taken. Raises InputError where others were left out than those that come
    last in the announced evaluation's order: what was left out could be what succeeded."""
    left_out = {it.sample for it in log.samples if it.why == STOPPED}
    if announced is None or takes_all(announced.stopping) or not left_out:
        return list(log.samples)
    if len(left_out) < sum(it.why == STOPPED for it in log.samples) or any(it.epoch != 1 for it in log.samples):
        raise InputError("a rule stopped it early, and it took samples several times", place=place, fix="run it once")
    order = shuffled(announced.evaluation, [it.sample for it in log.samples])
    first = next(at for at, name in enumerate(order) if name in left_out)
    after = next((name for name in order[first:] if name not in left_out), None)
    if after is not None:
        raise InputError(
            f"sample {order[first]} was left out, and {after}, which comes after it in the order of this evaluation,"
            " was taken",
            place=place,
            fix="run it with `scalegate evaluate`, which takes them in that order",
        )
    return [it for it in log.samples if it.sample not in left_out]


def entry_of(result: ResultFile, log: str, place: Place, journal: Journal, actor: str) -> EvaluationFinished:
    """The entry for a result whose outcomes are of the danger. `log`: the digest of what it was read from."""
    attempt = journal.fold.attempts.get(result.evaluation) if result.evaluation else None
    if result.evaluation and (attempt is None or attempt.announced is None):
        raise InputError(f"evaluation {result.evaluation[:12]} was not announced", place=place)
    if (
        attempt
        and attempt.announced
        and (attempt.announced.weights, attempt.announced.domain)
        != (
            result.weights,
            result.domain,
        )
    ):
        announced = attempt.announced
        raise InputError(
            f"it is about other weights or another domain than was announced: `{announced.domain}` on weights"
            f" {announced.weights}",
            place=place,
        )
    if attempt and attempt.announced:
        _check_number(journal, attempt.announced, result.outcomes, place)
    if attempt and attempt.announced and attempt.announced.elicitation != "none" and result.elicitation_flops is None:
        raise InputError(
            "`elicitation_flops` is missing, and an evaluation with elicitation was announced",
            place=place,
            fix='write the FLOP that were spent on it, as text of digits; `"0"` if none were',
        )
    clusters = None
    asked = attempt.announced if attempt else None
    by_clusters = asked is not None and asked.stopping is not None and takes_all(asked.stopping)
    if result.clusters is None and by_clusters and asked is not None and asked.spends:
        raise InputError(
            f"`clusters` is missing: by what was announced, `{result.domain}` counts by clusters",
            place=place,
            fix="give a text for each outcome, the same for those that are alike (of a log: `--cluster-by FIELD`);"
            " where nobody can tell, one text for all: then it rules nothing out",
        )
    if result.clusters is not None:
        if len(result.clusters) != len(result.outcomes):
            raise InputError(
                f"`clusters`: {len(result.clusters)} of them, and {len(result.outcomes)} outcomes",
                place=place,
                fix="give one for each outcome, the same text for those that are alike",
            )
        clusters = by_cluster(result.outcomes, result.clusters)
        if len(clusters) > MOST_KINDS:
            raise InputError(
                f"`clusters`: {len(clusters)} kinds of cluster, by successes and size, and {MOST_KINDS} are kept",
                place=place,
                fix="have clusters of alike sizes, or leave `clusters` out: then it rules nothing out where they count",
            )
    told = result.elicited
    if told is not None and not plainly_read(journal.policy, asked, result.domain):
        raise InputError(
            f"`elicited`: `{result.domain}` is measured without any, or by what held, and its counts could be read"
            " the wrong way round",
            place=place,
            fix="leave `elicited` out",
        )
    cannot_be = contradictions(told, result.weights, result.elicitation_flops or 0) if told is not None else ()
    if cannot_be:
        raise InputError(
            f"`elicited`: {cannot_be[0]}",
            place=place,
            fix="write what was done and spent, or leave `elicited` out: what contradicts itself rules nothing out",
        )
    scored = [outcome for outcome in result.outcomes if outcome is not None]
    return checked(
        lambda: EvaluationFinished(
            actor=actor,
            time=journal.now(),
            policy=journal.policy.digest(),
            evaluation=result.evaluation or secrets.token_hex(32),
            weights=result.weights,
            domain=result.domain,
            status="completed",
            successes=sum(scored),
            completed=len(scored),
            errors=len(result.outcomes) - len(scored),
            elicitation_flops=result.elicitation_flops or 0,
            elicitation_method=method_of(attempt.announced if attempt else None, result.elicitation_method),
            evaluation_flops=result.evaluation_flops,
            log=log,
            assumptions=tuple(result.assumptions),
            elicited=told,
            clusters=clusters,
        )
    )


def _check_number(
    journal: Journal, announced: EvaluationAnnounced, outcomes: Sequence[bool | None], place: Place
) -> None:
    """Raises InputError unless there is one for each sample, or for as many as the rule that was announced takes."""
    if len(outcomes) == announced.samples:
        return
    # One without an outcome may be a success: so it was in flight to the end.
    hits, lost = sum(it is True for it in outcomes), sum(it is None for it in outcomes)
    on = ""
    if not takes_all(announced.stopping) and len(outcomes) < announced.samples:
        known = {it.id: it for it in journal.policy.domains}
        domain, alpha = known.get(announced.domain), look_alpha(journal.policy)
        rule = rule_of(domain, alpha, announced.samples) if domain is not None else None
        if domain is not None and words_of_rule(domain, alpha, announced.samples) == announced.stopping:
            if rule is not None and ended(rule, hits, lost, len(outcomes)):
                return
            on = ", where its rule says to go on"
    raise InputError(
        f"{len(outcomes)} outcomes, and {announced.samples} samples were announced{on}",
        place=place,
        fix="give one for each sample, `null` where it has none; a result of other samples leaves `evaluation` out",
    )


def method_of(announced: EvaluationAnnounced | None, method: str | None) -> str:
    """How the capability was elicited, by the result's own words; where it says nothing, that it says nothing."""
    elicited = announced is not None and announced.elicitation != "none"
    return method or ("not stated" if elicited else "none")


def lacking(fold: Fold, evaluation: str) -> tuple[str, ...]:
    """Why the result of an evaluation can rule nothing out, whatever it shows; empty: it is conclusive."""
    attempt = fold.attempts[evaluation]
    if fold.policy is None or (attempt.announced or attempt.finished) is None:
        return ()
    item = worth(fold, evaluation)
    return item.faults if item is not None else ("it is about no weights or no domain that the ledger knows",)


def worth(fold: Fold, evaluation: str) -> Assessment | None:
    """What the result of an evaluation comes to under the policy in force; None: it is about nothing that is known."""
    attempt = fold.attempts[evaluation]
    said = attempt.announced or attempt.finished
    if fold.policy is None or said is None:
        return None
    run = attempt.announced.run if attempt.announced else trained_in(fold.runs, said.weights)[0]
    piece = next((it for it in pieces(fold.attempts, fold.runs, run or "") if it.evaluation == evaluation), None)
    domain = next((item for item in fold.policy.domains if item.id == said.domain), None)
    return assess(fold.policy, domain, piece) if piece is not None and domain is not None else None


def check_plan(journal: Journal, planned: EvaluationAnnounced, reserved: int) -> None:
    """Raise InputError for an evaluation that could rule out nothing, whatever it shows, with what it lacks.

    `reserved` is the FLOP that is to be reserved for its elicitation.
    """
    policy = journal.policy
    domain = policy.domain(planned.domain)
    if planned.samples > MAX_SAMPLES:
        raise InputError(f"{planned.samples} samples are more than are worked out: they can rule out nothing", fix=MOST)
    if planned.samples < domain.samples:
        raise InputError(
            f"{planned.samples} samples can rule out nothing: the policy asks for {domain.samples} in `{domain.id}`",
            fix="announce as many; a result that was not announced may still show the capability reached",
        )
    if domain.clusters is not None and planned.samples < domain.clusters.at_least:
        raise InputError(
            f"{planned.samples} samples make no {domain.clusters.at_least} clusters, as the policy asks for",
            fix="announce as many, or more",
        )
    if domain.stopping is not None and planned.samples > MAX_LOOKS:
        raise InputError(
            f"{planned.samples} samples are more than a rule for stopping early is worked out for",
            fix=f"`--samples {MAX_LOOKS}` or fewer",
        )
    if (planned.kind, planned.held) != (domain.kind, domain.score == "held"):
        raise InputError(f"`{domain.id}` is evidence of another kind, or by another score", fix="announce it as it is")
    if not domain.of_capability and (reserved or planned.elicitation != "none"):
        raise InputError(
            f"`{domain.id}` is evidence of {domain.kind}: nothing is elicited, for that changes what is measured",
            fix="leave `--elicitation-flops` out",
        )
    if planned.elicitation == "none" and reserved:
        raise InputError("nothing is elicited as it is", fix="leave `--elicitation-flops` or `--as-is` out")
    if not planned.spends:
        return
    runs = journal.fold.runs
    budget, known = policy.budget.evaluations, pieces(journal.fold.attempts, runs, planned.run)
    if max((piece.attempt for piece in known if piece.domain == domain.id), default=0) >= budget:
        raise InputError(
            f"all {budget} evaluations of `{domain.id}` are spent: one more can rule out nothing",
            fix="a result that was not announced may still show the capability reached",
        )
    if planned.elicitation == "none":
        return
    trained = trained_in(runs, planned.weights)[1] or 0
    needed = elicitation_needed(domain, floor(trained * policy.factor))
    if reserved < needed:
        raise InputError(
            f"{format_flop(reserved)} of elicitation can rule out nothing: {format_flop(needed, up=True)} are due on"
            " these weights at the least, and more to go on far past them",
            fix=f"`--elicitation-flops '{needed} FLOP'` or more, or `--as-is` for an evaluation that elicits nothing",
        )
    caps = [it for it in policy.clauses if isinstance(it, ComputeCap) and _limits_training(it, planned.time)]
    after = effective(policy, total(runs, tuple(runs)) + reserved)
    for cap in caps:
        limit = value_at(policy, cap.at, planned.time)
        if limit is not None and after > limit:
            raise InputError(
                f"with {format_flop(reserved)} of elicitation the developer comes to {format_flop(after)}, past the"
                f" limit of `{cap.id}`",
                fix="check the exponent of `--elicitation-flops`: what is reserved counts for good",
            )


def _limits_training(cap: ComputeCap, now: int) -> bool:
    """Whether it binds training whatever a tier says, now or later on."""
    ended = cap.in_force is not None and cap.in_force.until is not None and cap.in_force.until <= now
    return cap.gates and cap.tier is None and "train" in cap.actions and not ended


def check_weights(journal: Journal, weights: str, domain: str | None, run: str | None) -> None:
    """Raise InputError unless the weights are recorded in the ledger (for `run`) and the policy has the domain, if one
    is asked for."""
    known = [holder.name for holder in holders(journal.fold.runs, weights)]
    if nothing := names_nothing(weights):
        raise InputError(f"{nothing} names no weights", fix="name the files, or what `scalegate weights digest` prints")
    if not known:
        raise InputError(
            f"weights {weights[:12]} are not recorded in this ledger: this is evidence for other weights",
            fix="`scalegate status` shows the latest that each run recorded, with `--json` all of them",
        )
    if run is not None and run not in known:
        raise InputError(f"weights {weights[:12]} are of run `{known[0]}`, not of `{run}`")
    if domain is not None and domain not in {item.id for item in journal.policy.domains}:
        names = ", ".join(item.id for item in journal.policy.domains)
        raise InputError(f"the policy has no domain `{domain}`", fix=f"one of {names}")
