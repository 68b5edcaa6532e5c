"""Forecasts that are made: of what, from what, and what a hold says of them.

A forecast is worked out here in floats, rounded against the run and recorded; what decides reads the record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

from scalegate.errors import InputError
from scalegate.evidence.ahead import Ahead, ahead
from scalegate.evidence.reference import read_reference
from scalegate.evidence.results import AHEAD, amounts, goes_on, reaches
from scalegate.gate.assessing import assess
from scalegate.gate.assumptions import defeating
from scalegate.gate.covering import elicitation_needed
from scalegate.gate.facts import effective
from scalegate.gate.forecast_points import own_of
from scalegate.gate.forecasts import (
    MOST_POINTS,
    forecast_fact,
    forecast_facts,
    look_of,
    points_in,
    still_due,
)
from scalegate.gate.resumption import Change
from scalegate.gate.situation import Situation
from scalegate.ledger._files import replace
from scalegate.ledger.forecast_entry import ForecastPoint
from scalegate.policy.catalogue import unaccepted
from scalegate.policy.document import Action, Domain, Policy
from scalegate.policy.semantics import Facts, Reason, Unknown, Value
from scalegate.units import MAX_FLOP, exact_decimal

__all__ = [
    "CONFIDENCE",
    "Foreseen",
    "forecast_changes",
    "foresee",
    "foreseen_after",
    "foreseen_words",
    "keep_table",
    "more_results",
    "recorded_measures",
    "table_of",
]

CONFIDENCE = Fraction(95, 100)
"""Where the policy says none."""


@dataclass(frozen=True)
class Foreseen:
    """A forecast that was worked out."""

    fields: Mapping[str, Any]
    """Those of its entry but for who signs it and when."""
    found: Ahead
    points: tuple[ForecastPoint, ...]


def table_of(ledger: Path, digest: str) -> Path:
    """Where a reference of that digest is kept, beside the ledger."""
    return ledger.parent / "evidence" / f"{digest}.csv"


def keep_table(ledger: Path, data: bytes) -> str:
    """Keep a reference beside the ledger, and return its digest. Raises OSError."""
    digest = hashlib.sha256(data).hexdigest()
    target = table_of(ledger, digest)
    target.parent.mkdir(parents=True, exist_ok=True)
    replace(target, data, mode=0o644)
    return digest


def foresee(
    policy: Policy,
    situation: Situation,
    domain: Domain,
    *,
    confidence: Fraction | None = None,
    reference: tuple[str, bytes] | None = None,
) -> Foreseen:
    """Forecast a run in a domain from every result that there is.

    reference: the name of a table of other families, and its bytes. Raises InputError where no forecast can be made.
    """
    points = points_in(policy, domain, situation)
    if all("counts" not in it.within for it in points):
        raise InputError(
            f"`{domain.id}` has no conclusive result on the way to the weights of run `{situation.lineage.run}`",
            fix="evaluate it first, announced and elicited",
        )
    if any(it.contested for it in points):
        what = "different runs say what compute is behind the weights of a result"
        raise InputError(
            what, fix="only the safeguards of its level carry such a run past where a forecast is asked for"
        )
    if len(points) > MOST_POINTS:
        raise InputError(f"{len(points)} results are more than the {MOST_POINTS} that a forecast is made from")
    asked = domain.forecast
    level = confidence or (asked.confidence if asked else CONFIDENCE)
    table = read_reference(reference[1]) if reference is not None else None
    found = ahead(own_of(points), level, table, look_of(policy))
    rows = [{"compute": str(compute), "bound": exact_decimal(bound)} for compute, bound in found.rows]
    forms = [
        {
            "name": it.name,
            "bounds": [exact_decimal(bound) for bound in it.bounds],
            "tested": it.tested,
            "missed": exact_decimal(it.missed),
        }
        for it in found.forms
    ]
    digest = hashlib.sha256(reference[1]).hexdigest() if reference is not None else None
    fields: dict[str, Any] = {
        "policy": policy.digest(),
        "domain": domain.id,
        "run": situation.lineage.run,
        "points": points,
        "reference": {"name": reference[0], "table": digest} if reference is not None else None,
        "confidence": exact_decimal(level),
        "look": exact_decimal(look_of(policy)),
        "forms": forms,
        "rows": rows,
    }
    return Foreseen(fields, found, points)


def foreseen_words(domain: Domain, action: Action) -> str:
    """What else a measurement has to come to, where a forecast is asked for."""
    if domain.forecast is None or action != "train":
        return ""
    return ", and that a forecast with it (`scalegate evidence forecast`) stays under the alarm so far"


def foreseen_after(
    policy: Policy, before: Situation, after: Situation, domain: Domain, action: Action, known: Mapping[str, Value]
) -> tuple[tuple[str, Value], ...]:
    """What a forecast may say at best once more is measured: no farther than its results reach, nor than it does now
    where none of them counts and is past all that do."""
    if domain.forecast is None or action != "train":
        return ()
    name, due = forecast_fact(domain), points_in(policy, domain, _saved(before, after))
    if known.get(f"{domain.id}.reached") is not False:
        return ((name, 0),)
    more = still_due(domain, due)
    if more:
        return ((name, Unknown(Reason.MISSING, f"a forecast takes {more} more results")),)
    had = points_in(policy, domain, before)
    known_by = {it.evaluation for it in had}
    new = [it for it in due if "counts" in it.within and it.evaluation not in known_by]
    if not any(goes_on(it, own_of(had)) for it in own_of(new)):
        return ((name, forecast_facts(policy, before, domain)[name]),)
    end = reaches(own_of(due)) if domain.forecast.reference_table is None else None
    return ((name, end if end is not None else MAX_FLOP),)


def _saved(before: Situation, after: Situation) -> Situation:
    """As if the weights as they now are had been recorded: they are the last that were, or come after these."""
    lineage, known = after.lineage, {it.weights for it in before.pieces}
    there = lineage.tip is not None and lineage.behind in lineage.recorded
    pieces = [
        it if it.weights in lineage.way or it.weights in known else it.model_copy(update={"weights": lineage.tip})
        for it in (after.pieces if there else ())
    ]
    if there:
        return after.model_copy(update={"pieces": tuple(pieces)})
    new = tuple(it.weights for it in after.pieces if it.weights not in lineage.way and it.weights not in known)
    way = lineage.model_copy(update={"way": (*lineage.way, *dict.fromkeys(new))})
    return after.model_copy(update={"lineage": way})


def forecast_changes(policy: Policy, situation: Situation, action: Action) -> Iterator[Change]:
    """Forecasts that can be made from the results that there are. What one says that is there already stands."""
    for domain in policy.domains if action == "train" else ():
        if domain.forecast is None:
            continue
        due = points_in(policy, domain, situation)
        known = forecast_facts(policy, situation, domain)[forecast_fact(domain)]
        able = any("counts" in it.within for it in due) and not still_due(domain, due)
        if able and isinstance(known, Unknown):
            many = f"{len(due)} result{'s' * (len(due) > 1)}"
            text = (
                f"if it turns out that its bound stays under the alarm so far: a forecast of `{domain.id}` is made from"
                f" its {many} (`scalegate evidence forecast`)"
            )
            yield Change("measure", text, ((forecast_fact(domain), MAX_FLOP),), concerns=("forecast", domain.id))


def _measurable(policy: Policy, situation: Situation, due: Sequence[ForecastPoint]) -> int:
    """How many more amounts of compute there are recorded weights of, or may yet be before an evaluation is due."""
    first = policy.first_evaluation_at
    if first is not None and effective(policy, situation.lineage.compute) < first:
        return MOST_POINTS
    counting = [it.compute for it in due if "counts" in it.within]
    recorded = [floor(it * policy.factor) for it in situation.lineage.recorded]
    return len(amounts([*counting, *recorded])) - len(amounts(counting))


def recorded_measures(
    policy: Policy, situation: Situation, action: Action, facts: Facts, due: Mapping[str, int]
) -> Iterator[Change]:
    """Evaluations of recorded weights, where one more does not make a forecast: with what they may come to at best.

    due: FLOP of elicitation that are asked for in each domain, by evidence that is to carry as far as is asked.
    """
    for domain in (it for it in policy.domains if it.forecast is not None and action == "train"):
        known = points_in(policy, domain, situation)
        more, counted = still_due(domain, known), {it.compute for it in known if "counts" in it.within}
        recorded = [floor(it * policy.factor) for it in situation.lineage.recorded]
        there = len(amounts([*counted, *recorded])) - len(amounts(counted))
        tried = max((it.attempt for it in situation.pieces if it.domain == domain.id), default=0)
        last = max(recorded, default=0)
        # Of the last ones alone an evaluation is offered anyway.
        several = int(last not in counted) < more <= there
        # What leaves the alarm open does so for good, and what rests on what is not accepted rules nothing out.
        judged = (assess(policy, domain, it) for it in situation.pieces if it.domain == domain.id)
        vain = any(defeating(situation.broken, domain.id)) or any(unaccepted(policy, domain))
        if not several or vain or tried + more > policy.budget.evaluations or any(it.leaves_open for it in judged):
            continue
        at_best: list[tuple[str, Value]] = [(f"{domain.id}.evidence.compute", last)]
        at_best += [(f"{domain.id}.evidence.time", situation.now), (f"{domain.id}.elicitation", due[domain.id])]
        if facts.get(f"{domain.id}.reached") is not True:
            reached = AHEAD * last if domain.forecast and domain.forecast.reference_table is None else MAX_FLOP
            at_best += [(f"{domain.id}.ruled_out", True), (f"{domain.id}.reached", False)]
            at_best += [(forecast_fact(domain), reached)]
        yield Change(
            "measure",
            _of_recorded(domain, more),
            tuple(at_best),
            costs=effective(policy, more * due[domain.id]),
            concerns=("recorded", domain.id, str(more), str(domain.samples), str(due[domain.id])),
        )


def _of_recorded(domain: Domain, more: int) -> str:
    return (
        f"if it turns out that a forecast stays under the alarm so far: announced evaluations of `{domain.id}`"
        f" on {more} more{' of the' * (more == 1)} recorded weights of this lineage,"
        " each at another compute (`scalegate status --json` has their digests), and a forecast from all"
    )


def more_results(
    policy: Policy, situation: Situation, action: Action, best: Sequence[tuple[str, Value]]
) -> Iterator[Change]:
    """Evaluations of more weights, where one of the last does not make a forecast that counts; of `best` come.

    None where there are no more weights to evaluate: where training may not go on, none can be saved.
    """
    asking = [it for it in policy.domains if it.forecast is not None]
    for domain in asking if action == "train" else ():
        due = points_in(policy, domain, situation)
        more = still_due(domain, due)
        if more > _measurable(policy, situation, due):
            continue
        tried = max((it.attempt for it in situation.pieces if it.domain == domain.id), default=0)
        counted = {it.compute for it in due if "counts" in it.within}
        last = max((floor(it * policy.factor) for it in situation.lineage.recorded), default=0)
        if more > (last not in counted) and tried + more <= policy.budget.evaluations:
            flops = elicitation_needed(domain, last)
            about = ("recorded", domain.id, str(more), str(domain.samples), str(flops))
            yield Change("measure", _of_recorded(domain, more), tuple(best), concerns=about)
