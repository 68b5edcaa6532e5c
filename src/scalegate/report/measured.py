"""The measured part of the page: evaluations as the policy judges them, permits and gates on the axis of compute."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from functools import partial
from math import ceil, floor

from scalegate.evidence import binomial
from scalegate.evidence.rules import betting_bound
from scalegate.gate.assessing import Assessment, assess
from scalegate.gate.clustering import IGNORED, number_of
from scalegate.gate.facts import derive_facts
from scalegate.gate.forecasts import end_of, worst_of
from scalegate.gate.generations import SHOWN, reach, scale_caps
from scalegate.gate.signed import Forecast
from scalegate.gate.situation import Situation
from scalegate.gate.stopping import look_alpha
from scalegate.policy.clause_figures import value_at
from scalegate.policy.document import ComputeCap, Moratorium, Policy, ScaleCap, UndefinedTest
from scalegate.policy.document import Domain as PolicyDomain
from scalegate.policy.semantics import number
from scalegate.report.context import Context, word_of
from scalegate.report.elicited import side_by_side
from scalegate.report.model import Domain, Evaluation, Gate, Step
from scalegate.units import format_flop, format_instant, format_share

__all__ = ["domains", "gates", "steps"]


def domains(context: Context) -> tuple[Domain, ...]:
    """Each domain of the policy with every evaluation of the lineage in it, oldest first."""
    policy, situation = context.policy, context.situation
    if policy is None:
        return ()
    pieces = situation.pieces if situation is not None else ()
    found = []
    for domain in policy.domains:
        judged = [assess(policy, domain, piece) for piece in pieces if piece.domain == domain.id]
        judged.sort(key=lambda item: item.piece.time)
        rows, said = _forecast(policy, situation, domain)
        found.append(
            Domain(
                id=domain.id,
                about=domain.about,
                threshold=domain.threshold,
                alarm=domain.alarm,
                threshold_text=_score(domain.threshold),
                alarm_text=_score(domain.alarm),
                samples=domain.samples,
                link_to_harm=domain.link_to_harm,
                not_measured=domain.not_measured,
                evaluations=tuple(_evaluation(policy, domain, item) for item in judged),
                beside=side_by_side(domain, judged, partial(_evaluation, policy, domain)),
                forecast=rows,
                forecast_text=said,
            )
        )
    return tuple(found)


def _forecast(
    policy: Policy, situation: Situation | None, domain: PolicyDomain
) -> tuple[tuple[tuple[int, Fraction], ...], str]:
    """The bound of the forecast that counts, as far as it is of interest, and what it says."""
    if situation is None or domain.forecast is None:
        return (), ""
    found = worst_of(policy, situation, domain)
    if not isinstance(found, Forecast):
        return (), f"No forecast counts{found}." if situation.forecasts else "No forecast was made."
    end = end_of(found, domain.alarm)
    under = sum(it.bound < domain.alarm for it in found.rows)
    rows = tuple((it.compute, it.bound) for it in found.rows[: under + 1])
    stays = f"stays under the alarm up to {format_flop(end)}" if end else "is over the alarm from the last result on"
    made = f"A forecast from {len(found.points)} results, by `{found.by}` on {format_instant(found.time)}"
    return rows, f"{made}: the upper bound of the true success rate, at {format_share(found.confidence)}, {stays}."


def _evaluation(policy: Policy, domain: PolicyDomain, item: Assessment) -> Evaluation:
    piece = item.piece
    counted = piece.status != "open" and piece.completed > 0 and 0 <= piece.successes <= piece.completed
    alpha = look_alpha(policy)
    low = binomial.lower_bound(piece.successes, piece.completed, alpha) if counted else None
    high = binomial.upper_bound(piece.successes, piece.completed, alpha) if counted else None
    if counted and item.bound is not None:
        # Over clusters no lower bound is worked out.
        failed = betting_bound(piece.completed - piece.successes, piece.completed, alpha)
        low, high = Fraction(0) if domain.clusters else 1 - failed, item.bound
    share = f", {format_share(Fraction(piece.elicitation_flops, item.compute))} of compute" if item.compute else ""
    elicited = piece.elicitation != "none"
    return Evaluation(
        at=format_instant(piece.time),
        run=piece.run or "unknown",
        kind="incident" if piece.incident else "elicited" if elicited else "as it is",
        compute=item.compute,
        compute_text=format_flop(item.compute) if piece.compute is not None else "unknown",
        elicitation=f"{piece.elicitation}: {format_flop(piece.elicitation_flops)}{share}" if elicited else "none",
        score=Fraction(piece.successes, piece.completed) if counted else None,
        result=f"{piece.successes} of {piece.completed}{_clusters(domain, item)}"
        if counted
        else ""
        if piece.incident
        else piece.status,
        low=low,
        high=high,
        interval=f"{_down(low)} to {_up(high)}" if low is not None and high is not None else "none",
        conclusive=not item.faults,
        word="yes" if item.rules_out else "no",
        why=_why(domain, item, high),
    )


def _clusters(domain: PolicyDomain, item: Assessment) -> str:
    """In how many clusters its items come, and whether the domain counts by them."""
    piece = item.piece
    if piece.clusters is None:
        return ""
    taken = "" if domain.clusters is not None or all(size < 2 for _, size, _ in piece.clusters) else f": {IGNORED}"
    return f" in {number_of(piece)} clusters{taken}"


def _why(domain: PolicyDomain, item: Assessment, high: Fraction | None) -> tuple[str, ...]:
    """Why the alarm is not ruled out by this piece; empty if it is."""
    if item.rules_out:
        return ()
    lines = [f"it shows the alarm of {_score(domain.alarm)} reached"] if item.reached else []
    if item.mean is not None and item.mean >= domain.alarm:
        lines[:1] = [f"the mean over its clusters shows the alarm of {_score(domain.alarm)} reached"]
    if item.shown is not None:
        where, successes, samples = item.shown
        lines.append(f"{where} shows {successes} of {samples}")
    faults = list(item.faults)
    if item.piece.elicitation == "none":
        # That nothing was spent on it, and that it is no attempt, then says nothing more.
        implied = ("FLOP of elicitation", "attempt 0:")
        faults = [fault for fault in faults if not any(text in fault for text in implied)]
    lines += [re.sub(r"\d{7,}", lambda digits: f"{int(digits[0]):.3g}", fault) for fault in faults]
    if not lines and high is not None:
        lines = [f"its upper bound, {_up(high)}, is not under the alarm of {_score(domain.alarm)}"]
    return tuple(lines)


def steps(context: Context) -> tuple[Step, ...]:
    """The run's training decisions, those in a row that say the same as one."""
    found: list[Step] = []
    for index, made in context.decisions:
        if made.run != context.run or made.action != "train":
            continue
        end = made.permit.compute if made.permit else None
        way_out = made.resumption
        because = made.permit.compute_ends_by if made.permit else way_out.because if way_out else ()
        step = Step(word_of(made), index, 1, made.compute, end, because, made.evaluation_due)
        last = found[-1] if found else None
        same = last is not None and replace(step, start=last.start, entry=last.entry, count=last.count) == last
        if last is not None and same and (end is not None or last.start == step.start):
            found[-1] = replace(last, count=last.count + 1)
        else:
            found.append(step)
    return tuple(found)


def gates(context: Context) -> tuple[Gate, ...]:
    """Where clauses stand at a fixed effective compute, whatever evaluations say."""
    policy = context.policy
    if policy is None:
        return ()
    found = []
    if policy.first_evaluation_at is not None:
        found.append(Gate(policy.first_evaluation_at, "first evaluation due"))
    now = context.chosen[1].now if context.chosen else context.fold.time
    situation = context.situation if scale_caps(policy) else None
    shown = number(derive_facts(policy, situation, "train").get(SHOWN)) if situation else None
    statuses = {item.clause: item.status for item in context.chosen[1].findings} if context.chosen else {}
    for clause in policy.clauses:
        if not clause.gates:
            continue
        figure = clause.at if isinstance(clause, ComputeCap) else None
        if isinstance(clause, UndefinedTest | Moratorium):
            figure = clause.limit if isinstance(clause, Moratorium) else clause.above
        at = value_at(policy, figure, now) if figure is not None else None
        if isinstance(clause, ScaleCap):
            at = reach(policy, clause, shown, now)
        if at:
            idle = {"not binding": " (not binding)", "not applicable": " (not in force)"}
            found.append(Gate(at, clause.id + idle.get(statuses.get(clause.id, ""), "")))
    return tuple(sorted(found, key=lambda gate: gate.at))


def _score(value: Fraction) -> str:
    return f"{float(value):.3g}" if value and value < Fraction(1, 100) else f"{float(value):.2f}"


def _down(value: Fraction) -> str:
    """A lower bound, rounded away from the claim."""
    return f"{floor(value * 1000) / 1000:.3f}"


def _up(value: Fraction) -> str:
    return f"{ceil(value * 1000) / 1000:.3f}"
