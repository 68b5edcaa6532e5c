"""The risk that remains: what people claimed of it, and the facts that this makes.

A claim is somebody's word, for one action, on one set of weights: a bound on the chance of the harm, or that it cannot
be bounded. What a person said stands against until the same person says less of what is asked about, with no less
training in it; also once it has ended, so that no other word comes back with time. Of who may claim the risk no more
it stands until others bound the same in their place (`in_place`). What a claim supports ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import partial
from math import ceil, floor

from scalegate.gate.apart import barred_as
from scalegate.gate.budgets import NOBODY, next_year, spent_in_all, spent_in_tenfold, spent_in_year, year_of
from scalegate.gate.covering import Words, unsaid_facts
from scalegate.gate.decision import Permit, Taken
from scalegate.gate.determinations import seen_from
from scalegate.gate.in_place import Left, left_words, may_claim, place_of, said_by, told_in_place
from scalegate.gate.lineage import Runs, steps_back
from scalegate.gate.pieces import recorded_by, trained_at_most, trained_in
from scalegate.gate.renaming import Said, Sentences, Who, by_themselves
from scalegate.gate.signed import answers
from scalegate.gate.situation import STATED, Claim, Situation
from scalegate.ledger import entries
from scalegate.policy.claimed import FIGURE, claimable, claimed_enough, gating_risk, risk_fact
from scalegate.policy.document import ACTIONS, Action, Policy, Risk
from scalegate.policy.semantics import Reason, Unknown, Value, evaluate
from scalegate.policy.vocabulary import vocabulary
from scalegate.truth import Truth
from scalegate.units import format_chance, format_factor, format_instant

__all__ = [
    "claimed_compute",
    "claims",
    "in_the_way",
    "left",
    "risk_facts",
    "risk_names",
    "risks_taken",
    "spent_on",
    "standing",
    "taken_of",
    "told_of_risks",
    "unbounded",
    "worst_word",
]


def claims(
    claimed: Iterable[Said[entries.RiskClaimed]],
    runs: Runs,
    run: str,
    adopted_at: int,
    now: Sentences,
    who: Who = by_themselves,
) -> Iterator[Claim]:
    """What was claimed, with what it is of as seen from a run, under each name and of each signer that it has now.

    `now`: what the risks of the policy say.
    """
    of: Callable[[str, str | None, bool], str] | None = None
    back: dict[str, int] = {}
    words = ((it, name, *by) for it in claimed for name in it.line.under for by in it.signers(adopted_at, who).items())
    for it, name, by, own in words:
        entry = it.entry
        if of is None:
            of, back = seen_from(runs, run), steps_back(runs, run)
        yield Claim(
            risk=name,
            by=by,
            sentence=it.sentence,
            reworded=it.sentence != now.get(name),
            own=own,
            key=it.key,
            at=it.at,
            answered=it.answered,
            action=entry.action,
            bound=entry.bound,
            time=entry.time,
            until=entry.until,
            current=it.adopted == adopted_at,
            of=of(entry.weights, entry.run, entry.bound is None),
            weights=entry.weights,
            configuration=entry.configuration,
            compute=claimed_compute(runs, entry.weights),
            at_most=_claimed_at_most(runs, entry.weights),
            back=back.get(entry.weights, 0),
            recorded=recorded_by(runs, entry.weights),
            run=entry.run,
        )


def claimed_compute(runs: Runs, weights: str) -> int | None:
    """Training FLOP in weights of which a risk is claimed; None: the ledger does not know them."""
    trained = trained_in(runs, weights)[1]
    return 0 if trained is None and _begins(runs, weights) else trained


def _claimed_at_most(runs: Runs, weights: str) -> int | None:
    trained = trained_at_most(runs, weights)
    return 0 if trained is None and _begins(runs, weights) else trained


def _begins(runs: Runs, weights: str) -> bool:
    """Nobody trained what a run from scratch starts from; it is recorded only once it is saved."""
    return any(run.first.from_scratch and run.first.start_weights == weights for run in runs.values())


def risk_names(policy: Policy, risk: Risk) -> tuple[str, ...]:
    """The names of the facts of one risk."""
    return tuple(name for name in vocabulary(policy) if name.startswith(f"{risk_fact(risk)}."))


def risk_facts(policy: Policy, situation: Situation, action: Action, risk: Risk) -> dict[str, Value]:
    """The facts of one risk: of each person that may claim it, and of all together."""
    facts: dict[str, Value] = {}
    whole = taken_of(policy, situation, action, risk)
    which = "of what this goes on from" if action == "train" else "of these exact weights"
    for person in policy.signers(risk.claimed_by):
        best, name = (
            _relied_on(risk, _said(situation, action, risk, person.id), situation, action),
            risk_fact(risk, person.id),
        )
        if best is None:
            lacks = f"{person.name} has claimed no bound on the risk `{risk.id}`, {which}, for `{action}`"
            if barred := barred_as(situation, risk.claimed_by.apart_from, person.id):
                lacks = f"{person.name} may not bound the risk `{risk.id}`, {which}: they signed as {barred}"
            missing = Unknown(Reason.UNSIGNED, lacks)
            facts |= {f"{name}.until": missing, f"{name}.compute": missing}
            continue
        if best.bound is None:
            said = Unknown(Reason.UNDERMINED, f"{person.name} says that the risk `{risk.id}` cannot be bounded")
            said = whole if isinstance(whole, Unknown) else said
            facts |= {f"{name}.until": said, f"{name}.compute": said}
            continue
        facts[f"{name}.until"] = min(best.until, best.time + risk.valid_for)
        trained = floor((best.compute or 0) * policy.factor)
        # What else was spent on the lineage is not in the weights that are asked about.
        facts[f"{name}.compute"] = trained if action == "train" else max(trained, _whole(policy, situation))
    name = risk_fact(risk)
    if isinstance(whole, Unknown):
        return facts | {f"{name}.{figure}": whole for figure in _figures(risk)}
    for figure in _figures(risk):
        facts[f"{name}.{figure}"] = spent_on(policy, situation, action, risk, whole, figure)
    return facts


def _figures(risk: Risk) -> tuple[str, ...]:
    return tuple(it for it in FIGURE.values() if it != "year" or risk.years_from is not None)


def spent_on(
    policy: Policy, situation: Situation, action: Action, risk: Risk, taken: Taken, figure: str
) -> Fraction | Unknown:
    """The chance that a number is held against: of this alone, or with what else was spent."""
    if figure == "year":
        return spent_in_year(situation, action, risk, taken)
    return spent_in_tenfold(policy, situation, action, taken) if figure == "tenfold" else taken.bound


def risks_taken(policy: Policy, situation: Situation, action: Action, reach: Permit) -> tuple[Taken, ...]:
    """What a permit for the action takes of the budgets of each risk on which it asks for claims.

    Where no clause binds yet, or an exception stands for it, what cannot be bounded takes all that there is. So does
    what too few have claimed: whoever is silent must not come off better than whoever says what is so.
    """
    return tuple(_risk_taken(policy, situation, action, risk, reach) for risk in claimable(policy, action))


def _risk_taken(policy: Policy, situation: Situation, action: Action, risk: Risk, reach: Permit) -> Taken:
    taken = taken_of(policy, situation, action, risk, unbounded_is=Fraction(1))
    train, lineage = action == "train", situation.lineage
    if isinstance(taken, Unknown):
        least = lineage.behind if train else situation.weights_trained or 0
        weights = (lineage.tip if train else situation.weights) or STATED
        most = max(least, lineage.compute)
        taken = Taken(risk=risk.id, weights=weights, bound=Fraction(1), least=least, most=most)
    elif not _enough(policy, situation, action, risk):
        taken = taken.model_copy(update={"bound": Fraction(1)})
    goes_on = ceil(reach.compute / policy.factor) if train else 0
    return taken.model_copy(update={"most": max(taken.most, goes_on)})


def _enough(policy: Policy, situation: Situation, action: Action, risk: Risk) -> bool:
    """Whether as many as the policy asks for have claimed a bound that counts and carries as far as is asked for."""
    known = {**unsaid_facts(policy, situation), "now": situation.now, "compute": situation.compute}
    facts = {**risk_facts(policy, situation, action, risk), **known}
    return evaluate(claimed_enough(policy, risk, action), facts) is Truth.TRUE


def taken_of(
    policy: Policy, situation: Situation, action: Action, risk: Risk, *, unbounded_is: Fraction | None = None
) -> Taken | Unknown:
    """The worst bound that those who may claim one have claimed, with what they claimed it of."""
    relied, live = [], _all_live(policy, situation, action, risk)
    for person in policy.signers(risk.claimed_by):
        best = _relied_on(risk, _said(situation, action, risk, person.id), situation, action)
        relied += [best] if best else []
    unbounded = [claim for claim in live if claim.bound is None]
    if unbounded and unbounded_is is None:
        able = may_claim(policy, risk)
        names = ", ".join(sorted({said_by(policy, it.by) if it.by in able else _gone(it) for it in unbounded}))
        return Unknown(Reason.UNDERMINED, f"the risk `{risk.id}` cannot be bounded, says {names}")
    bounds = [bound for claim in live if (bound := claim.bound or unbounded_is) is not None]
    if not relied or not bounds:
        which = "of what this goes on from" if action == "train" else "of these exact weights"
        return Unknown(Reason.MISSING, f"nobody has claimed a bound on the risk `{risk.id}`, {which}, for `{action}`")
    least = min(it.compute or 0 for it in relied)
    if action == "train":
        carries = risk.carries if risk.carries is not None else 1
        most = max(ceil((it.compute or 0) * carries) for it in relied)
        most = max(most, ceil((policy.first_evaluation_at or 0) / policy.factor))
    else:
        most = max(least, situation.lineage.compute)
    furthest = min(reversed(relied), key=lambda it: it.back)
    # A permit rests on each of these words: a worse one later, of the same weights, is of what was spent.
    also = tuple(sorted({it.weights for it in (*relied, *live)} - {furthest.weights}))
    return Taken(risk=risk.id, weights=furthest.weights, bound=max(bounds), least=least, most=most, also=also)


def _gone(word: Claim) -> str:
    return f"{place_of(word.by)} (of weights {word.weights[:12]}...)"


def _whole(policy: Policy, situation: Situation) -> int:
    return ceil(situation.lineage.compute * policy.factor)


def _said(situation: Situation, action: Action, risk: Risk, person: str) -> list[Claim]:
    return [it for it in situation.claims if (it.risk, it.action, it.by) == (risk.id, action, person)]


def _relied_on(risk: Risk, said: Iterable[Claim], situation: Situation, action: Action) -> Claim | None:
    """Of one person's claims the one that supports."""
    apart = situation.apart(risk.claimed_by.apart_from)
    return _furthest((it for it in said if it.by not in apart), situation, action)


def _furthest(said: Iterable[Claim], situation: Situation, action: Action) -> Claim | None:
    """Of one person's claims that on the furthest weights, and of these the last."""
    counting = [it for it in said if it.current and it.compute is not None and _applies(it, situation, action)]
    return min(reversed(counting), key=lambda it: it.back, default=None)


def _applies(said: Claim, situation: Situation, action: Action) -> bool:
    if action == "train":
        return said.of == "ancestor" and said.configuration is None
    if said.of not in ("ancestor", "lineage"):
        return False
    return situation.is_exact(action) and (said.weights, said.configuration) == situation.exact(action)


def _live(said: Iterable[Claim], situation: Situation, action: Action) -> list[Claim]:
    """What one person claimed and has not claimed less since, of all that this has to do with."""
    live: list[Claim] = []
    for claim in said:
        live = [before for before in live if not _replaces(situation, action, claim, before)]
        live.append(claim)
    return [claim for claim in live if claim.of != "elsewhere"]


def _replaces(situation: Situation, action: Action, said: Claim, before: Claim) -> bool:
    if not answers(said, before):
        return False
    if (said.weights, said.configuration) == (before.weights, before.configuration):
        return True
    if before.of == "elsewhere" or not _applies(said, situation, action):
        return False
    no_less = said.compute is not None and before.at_most is not None and said.compute >= before.at_most
    return no_less or before.of == "descendant"


def left(policy: Policy, situation: Situation, action: Action, risk: Risk) -> tuple[Left, ...]:
    """What those said of all that this has to do with who may claim the risk no more, and who bounded it since."""
    said = (it for it in situation.claims if (it.risk, it.action) == (risk.id, action))
    barred = situation.apart(risk.claimed_by.apart_from)
    found = left_words(policy, risk, said, barred, partial(_replaces, situation, action))
    return tuple(it for it in found if it.word.of != "elsewhere")


def _all_live(policy: Policy, situation: Situation, action: Action, risk: Risk) -> list[Claim]:
    """Each word that stands: of those who may claim, in the order of the policy, and then of those who may no more."""
    able = may_claim(policy, risk)
    mine = [it for name in able for it in _live(_said(situation, action, risk, name), situation, action)]
    return [*mine, *(it.word for it in left(policy, situation, action, risk) if it.stands(risk))]


def worst_word(policy: Policy, situation: Situation, action: Action, risk: Risk) -> tuple[Fraction, bool]:
    """The most that anybody says of the risk, of all that this has to do with, and whether somebody says that it cannot
    be bounded. Nothing was said: 0."""
    live = [it.bound for it in _all_live(policy, situation, action, risk)]
    unbounded = None in live
    return (Fraction(1) if unbounded else max((it for it in live if it is not None), default=Fraction(0))), unbounded


def in_the_way(policy: Policy, situation: Situation, action: Action, risk: Risk, most: Fraction) -> tuple[Claim, ...]:
    """Each word that stands by which the risk is more than so much, or cannot be bounded."""
    live = _all_live(policy, situation, action, risk)
    return tuple(it for it in live if it.bound is None or it.bound > most)


def unbounded(policy: Policy, situation: Situation, action: Action) -> Iterator[Claim]:
    """Each word that stands by which a risk cannot be bounded."""
    for risk in claimable(policy, action):
        yield from (it for it in _all_live(policy, situation, action, risk) if it.bound is None)


def standing(policy: Policy, situation: Situation, action: Action, risk: Risk) -> tuple[Claim, ...]:
    """What was claimed of other weights than those that a claim supports, and stands."""
    people = policy.signers(risk.claimed_by)
    relied = [_furthest(_said(situation, action, risk, person.id), situation, action) for person in people]
    return tuple(it for it in _all_live(policy, situation, action, risk) if it not in relied)


def told_of_risks(policy: Policy, situation: Situation, action: Action) -> Iterator[str]:
    """Each claim that counts or stands against, and what is spent: nothing measured it."""
    for risk in claimable(policy, action):
        able, live = may_claim(policy, risk), _all_live(policy, situation, action, risk)
        told = list[Claim]()
        for person in policy.signers(risk.claimed_by):
            relied = _relied_on(risk, _said(situation, action, risk, person.id), situation, action)
            told += [relied] if relied else []
            told += [it for it in live if it.by == person.id]
        for it in dict.fromkeys((*told, *live)):
            on = format_instant(it.time)[:10]
            what = f"of the risk `{risk.id}`, at most {format_chance(it.bound)}" if it.bound else ""
            what = what or f"the risk `{risk.id}` cannot be bounded"
            by = f"`{it.by}` on {on}" if it.by in able else f"`{it.by}` on {on}, who may claim it no more"
            yield f"{'Claimed' if it.bound else 'Signed'} by {by}, not measured: {what}. {risk.about}"
        yield from dict.fromkeys((*_told_again(situation, risk), *_told_left(policy, situation, action, risk)))
        taken = taken_of(policy, situation, action, risk)
        if isinstance(taken, Taken):
            yield from _told_budgets(policy, situation, action, risk, taken)
    yield from _told_gone(policy, situation)


def _told_gone(policy: Policy, situation: Situation) -> Iterator[str]:
    """What is on record of risks for which the policy has no number, by its name or by its sentence."""
    asked = {risk.id for action in ACTIONS for risk in claimable(policy, action)}
    none = "for which the policy in force has no number"
    for risk in dict.fromkeys(it.risk for it in situation.spent if it.risk not in asked):
        spent = _shown(spent_in_all(it for it in situation.spent if it.risk == risk))
        yield f"Permits took {spent} of the risk `{risk}`, {none}: it counts against nothing."
    of = (it for it in situation.claims if it.risk not in asked)
    last = {(it.by, it.risk, it.action, it.weights, it.configuration): it.bound for it in of}
    for by, name, action, weights, _ in (key for key, bound in last.items() if bound is None):
        what = f"the risk `{name}` for `{action}` of weights {weights[:12]}..."
        yield f"Signed by `{by}`: {what} cannot be bounded, {none}: it counts against nothing."


def _told_again(situation: Situation, risk: Risk) -> Iterator[str]:
    """What was spent and bounded by others than whoever said that it cannot be."""
    for it in situation.spent:
        for word in it.again if it.risk == risk.id else ():
            was = "was permitted while the policy had no number for it"
            was = was if word.by == NOBODY else f"cannot be bounded, said {place_of(word.by)}"
            yield told_in_place(risk.id, it.action, word.weights, was, word.again)


def _told_left(policy: Policy, situation: Situation, action: Action, risk: Risk) -> Iterator[str]:
    """What those said who may claim no more, and others bounded in their place; of the developer's other runs also what
    nobody did."""
    found = [it for it in left(policy, situation, action, risk) if not it.stands(risk)]
    if action == "train" and risk.carries is not None:
        words = Words(policy, risk)
        found += [it for other in situation.elsewhere for it in words.left_of(situation, other)]
    for it in found:
        word = it.word
        was = "cannot be bounded" if word.bound is None else f"is up to {format_chance(word.bound)}"
        if it.stands(risk):
            what = f"the risk `{risk.id}` for `{action}` of weights {word.weights[:12]}... {was}"
            yield f"Bounded by too few in the place of {place_of(word.by)}: {what}."
        else:
            said = f"{was}, said {place_of(word.by)}"
            yield told_in_place(risk.id, action, word.weights, said, it.again)


def _told_budgets(policy: Policy, situation: Situation, action: Action, risk: Risk, taken: Taken) -> Iterator[str]:
    for clause in gating_risk(policy, risk, action):
        limit = format_chance(clause.at_most)
        if clause.per == "year" and risk.years_from is not None:
            spent = _shown(spent_in_year(situation, action, risk, taken))
            start, end = (format_instant(it)[:10] for it in _year(risk.years_from, situation.now))
            yield f"With this, claims come to {spent} of the risk `{risk.id}` from {start} until {end}, of {limit}."
        elif clause.per == "tenfold":
            spent, tenfold = _shown(spent_in_tenfold(policy, situation, action, taken)), format_factor(Fraction(10))
            yield f"With this, claims come to {spent} of the risk `{risk.id}` within {tenfold} of compute, of {limit}."


def _shown(spent: Fraction | Unknown) -> str:
    return "what cannot be bounded" if isinstance(spent, Unknown) else format_chance(spent)


def _year(anchor: int, at: int) -> tuple[int, int]:
    return year_of(anchor, at), next_year(anchor, at)
