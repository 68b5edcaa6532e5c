"""What was learned against going on: what whoever lets it go on all the same must have seen.

Guarantees: it is read off what each measurement, judgement and claim shows by itself, so that an announcement without a
result, a second result, or going back to earlier weights takes nothing out of it; only a person who takes back their
own word does. What is asked for puts nothing in, and time nothing but that a deadline passed. Who has seen what anybody
can write has not seen what an evaluator signed, nor who saw that, what was announced before there was a result.
Of what conditions rest on, other models, obligations, the record, forecasts, and an assumption that no evidence rests
on count where a clause with an exception names them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from fractions import Fraction
from typing import Literal, TypeAlias, get_args

from scalegate.evidence import binomial
from scalegate.gate.assessing import Assessment, assess, most_shown
from scalegate.gate.covering import Words
from scalegate.gate.facts import early_of, reached_by_descendants
from scalegate.gate.forecasts import forecast_fact
from scalegate.gate.generations import SHOWN
from scalegate.gate.judge import Judge
from scalegate.gate.obligations import breached
from scalegate.gate.risks import worst_word
from scalegate.gate.situation import Against, Situation
from scalegate.policy.catalogue import holds_fact
from scalegate.policy.claimed import gating_risk, unclaimed
from scalegate.policy.determined import fact_of
from scalegate.policy.document import Action, Determination, Domain, Policy, Risk
from scalegate.policy.exceptions import excused
from scalegate.policy.obliged import name_of
from scalegate.policy.semantics import Facts
from scalegate.policy.syntax import fact_names
from scalegate.units import format_chance, format_flop

__all__ = ["known_against", "unseen", "worst"]

Result: TypeAlias = Literal["any", "signed", "announced"]
_RESULTS: tuple[Result, ...] = get_args(Result)
"""Each says more than those before it."""


def known_against(policy: Policy, situation: Situation, judge: Judge, facts: Facts) -> Iterator[Against]:
    """All of it, the worse after what it is worse than: who has seen an alarm reached has seen it left open."""
    action, read = judge.action, _read(policy, judge)
    for domain in policy.domains:
        yield from _early(policy, situation, domain)
        yield from _of_domain(policy, situation, action, domain)
        if forecast_fact(domain) in read:
            end = facts.get(forecast_fact(domain))
            yield Against(what="foreseen", about=domain.id, shown=end if isinstance(end, int) else None)
        if read & {f"{domain.id}.missed", f"{domain.id}.upheld"}:
            yield from _of_record(situation, domain)
    if SHOWN in read:
        yield from _of_models(policy, situation, facts)
    for item in policy.determinations:
        yield from _of_determination(policy, item, facts)
    broken = (it for it in situation.broken if it.bars or read & set(map(holds_fact, it.names)))
    for name, times in Counter(it.assumption for it in broken).items():
        yield Against(what="broken", about=name, deadlines=times)
    for risk in policy.risks:
        yield from _of_risk(policy, situation, action, risk)
        if unclaimed(risk) in read:
            yield from _of_others(policy, situation, risk)
    for duty in policy.obligations:
        late = breached(situation, duty) if f"{name_of(duty)}.due" in read else 0
        if late:
            yield Against(what="late", about=duty.id, deadlines=late)


def _read(policy: Policy, judge: Judge) -> frozenset[str]:
    """The facts that clauses with an exception go by."""
    names = excused(policy, judge.action)
    return frozenset().union(*(fact_names(it) for test in judge.tests if test.id in names for it in test.exprs()))


def unseen(now: Collection[Against], seen: Collection[Against]) -> tuple[Against, ...]:
    """What is worse now than what somebody saw."""
    return tuple(it for it in now if not any(_covers(other, it) for other in seen))


def _covers(seen: Against, it: Against) -> bool:
    if (seen.what, seen.about, seen.by, seen.run) != (it.what, it.about, it.by, it.run):
        return False
    if it.what in ("shown", "foreseen"):
        return seen.shown is None or (it.shown is not None and it.shown >= seen.shown)
    if _RESULTS.index(it.by_result) > _RESULTS.index(seen.by_result) or it.deadlines > seen.deadlines:
        return False
    return it.bound is None or (seen.bound is not None and it.bound <= seen.bound)


def _early(policy: Policy, situation: Situation, domain: Domain) -> Iterator[Against]:
    early = [it for other in situation.elsewhere for _, _, it in early_of(policy, domain, other)]
    if early:
        yield Against(what="reached early", about=domain.id, by_result=_best(early))


def _of_domain(
    policy: Policy, situation: Situation, action: Action, domain: Domain, run: str | None = None
) -> Iterator[Against]:
    """What results say of a lineage. `run`: it is that of a model of another generation."""
    judged = [assess(policy, domain, it) for it in situation.pieces if it.domain == domain.id]
    reached = [it for it in judged if it.reached] + reached_by_descendants(policy, situation, domain, action)
    asked = situation.exact(action) if action != "train" else None
    about = (it for it in judged if asked is None or (it.piece.weights, it.piece.configuration) == asked)
    left_open = [*reached, *(it for it in about if it.leaves_open)]
    if left_open:
        yield Against(what="left open", about=domain.id, by_result=_best(left_open), run=run)
    if reached:
        yield Against(what="reached", about=domain.id, by_result=_best(reached), run=run)
        incidents = dict.fromkeys(it.piece.evaluation for it in reached if it.piece.incident)
        for incident in incidents:
            yield Against(what="incident", about=domain.id, by=incident, run=run)
        of_descendants = (assess(policy, domain, it) for it in situation.descendants if it.domain == domain.id)
        over = [it for it in (*judged, *of_descendants) if _over(domain, it)]
        if over:
            yield Against(what="over", about=domain.id, by_result=_best(over), run=run)


def _over(domain: Domain, item: Assessment) -> bool:
    if item.piece.incident:
        # What was done in the world is no less than what the threshold stands for.
        return True
    return item.reached and binomial.reached(*most_shown(item), domain.threshold)


def _best(items: Iterable[Assessment]) -> Result:
    """The best result among these. What stands beside an announcement was not announced, also where a second result
    leaves none that can rule out."""
    pieces = [it.piece for it in items if it.piece.signed]
    if any(not it.beside for it in pieces):
        return "announced"
    return "signed" if pieces else "any"


def _of_record(situation: Situation, domain: Domain) -> Iterator[Against]:
    """What was ruled out wrongly, and all that shows it: who has seen one of two incidents has not seen the other."""
    track = next((it for it in situation.tracks if it.domain == domain.id), None)
    if track is not None and track.missed:
        yield Against(what="shown wrong", about=domain.id, deadlines=track.shown)
        yield Against(what="missed", about=domain.id, deadlines=track.missed)


def _of_models(policy: Policy, situation: Situation, facts: Facts) -> Iterator[Against]:
    """What is known against the models that a scale cap may go by, and how little was shown of them."""
    shown = facts.get(SHOWN)
    yield Against(what="shown", about=SHOWN, shown=shown if isinstance(shown, int) else None)
    for model in situation.generations:
        view = situation.model_copy(update={"pieces": model.pieces, "descendants": model.descendants})
        for domain in policy.domains:
            yield from _of_domain(policy, view, "train", domain, model.run)


def _of_determination(policy: Policy, item: Determination, facts: Facts) -> Iterator[Against]:
    for person in policy.signers(item.decided_by):
        name = fact_of(item, person.id)
        if facts.get(f"{name}.denied_anywhere") is True:
            yield Against(what="denied anywhere", about=item.id, by=person.id)
        if facts.get(f"{name}.denied") is True:
            yield Against(what="denied", about=item.id, by=person.id)


def _of_risk(policy: Policy, situation: Situation, action: Action, risk: Risk) -> Iterator[Against]:
    numbers = [clause.at_most for clause in gating_risk(policy, risk, action)]
    most, unbounded = worst_word(policy, situation, action, risk)
    if numbers and most > min(numbers):
        yield Against(what="too much", about=risk.id, bound=most)
    if numbers and unbounded:
        yield Against(what="unbounded", about=risk.id)


def _of_others(policy: Policy, situation: Situation, risk: Risk) -> Iterator[Against]:
    """What is claimed of the developer's other runs, which a clause goes by that may not cover them then."""
    words = Words(policy, risk)
    for other in situation.elsewhere:
        bounds = [it.bound for it in words.standing(situation, other)]
        known = [it for it in bounds if it is not None]
        if bounds:
            most = Fraction(1) if None in bounds else max(known)
            yield Against(what="too much", about=risk.id, bound=most, run=other.run)
        if None in bounds:
            yield Against(what="unbounded", about=risk.id, run=other.run)


def worst(found: Collection[Against]) -> tuple[str, ...]:
    """In words, of each domain, judgement and risk the worst."""
    return tuple(map(_worded, {(it.about, it.by, it.run): it for it in found}.values()))


def _worded(it: Against) -> str:
    by = {"any": "", "signed": " by a result that is signed", "announced": " by a signed result that was announced"}
    lineage = f" in the lineage of `{it.run}`" if it.run else ""
    of = lineage + by[it.by_result]
    match it.what:
        case "left open":
            return f"the alarm of `{it.about}` left open{of}"
        case "reached":
            return f"the alarm of `{it.about}` reached{of}"
        case "over":
            return f"the threshold of `{it.about}` reached{of}"
        case "incident":
            return f"an incident in `{it.about}`{lineage} ({it.by})"
        case "reached early":
            return f"the alarm of `{it.about}` reached early, by another run{', ' + of.strip() if of else ''}"
        case "denied":
            return f"`{it.about}` denied by `{it.by}`"
        case "denied anywhere":
            return f"`{it.about}` denied by `{it.by}` of other weights"
        case "too much":
            return f"{format_chance(it.bound or Fraction(1))} claimed of the risk `{it.about}`{lineage}"
        case "unbounded":
            return f"the risk `{it.about}` said to be without a bound{lineage}"
        case "late":
            passed = "a deadline" if it.deadlines == 1 else f"{it.deadlines} deadlines"
            return f"{passed} of `{it.about}` pass unkept"
        case "broken":
            return f"`{it.about}` said to have broken"
        case "missed":
            sets = f"{it.deadlines} set{'s' * (it.deadlines > 1)} of weights"
            return f"the alarm of `{it.about}` ruled out wrongly on {sets}"
        case "shown wrong":
            many = f"{it.deadlines} results or incidents show" if it.deadlines > 1 else "a result or an incident shows"
            return f"{many} that the alarm of `{it.about}` was ruled out wrongly"
        case "foreseen":
            end = "nothing" if it.shown is None else format_flop(it.shown)
            return f"`{it.about}` foreseen to stay under its alarm up to {end}"
        case "shown":
            return f"`{it.about}` {'unknown' if it.shown is None else f'down to {format_flop(it.shown)}'}"
