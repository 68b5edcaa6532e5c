"""What people may yet claim of the risk that remains, and when a budget is renewed: what could release a hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from fractions import Fraction

from scalegate.gate.budgets import NOBODY, cleared, next_year, spent_before, unbounded_since, year_of
from scalegate.gate.in_place import may_claim
from scalegate.gate.judge import Judge
from scalegate.gate.resumption import Change
from scalegate.gate.risks import in_the_way, left, risk_facts, spent_on, standing, taken_of
from scalegate.gate.situation import STATED, Claim, Situation, Spent, Word
from scalegate.gate.spending import LEAST
from scalegate.policy.claimed import FIGURE, claimable, gating_risk, risk_fact
from scalegate.policy.document import Action, Person, Policy, Risk
from scalegate.policy.semantics import Facts, Unknown, Value
from scalegate.units import format_chance, format_instant, format_wait

__all__ = ["budget_waits", "claim_changes", "said_again"]


def claim_changes(
    policy: Policy, situation: Situation, action: Action, able: Collection[str], trained: int | None
) -> Iterator[Change]:
    """That somebody claims a bound with which each number of a risk is kept. `trained`: FLOP in the weights."""
    asked = situation.made_exact(action) if action != "train" else situation
    for risk in claimable(policy, action) if trained is not None else ():
        people = {it.id: it for it in policy.signers(risk.claimed_by) if it.id in _able(policy, risk, able)}
        able_to, free = may_claim(policy, risk), [it.id for it in _signers(policy, situation, risk, able)]
        groups: dict[tuple[str, ...], Fraction] = {}
        for person in (it.id for it in _signers(policy, situation, risk, able)):
            alone = _most(policy, asked, action, risk, _claimed(asked, action, risk, (person,), LEAST, trained))
            # Whoever says that it is more has to say otherwise, each for themselves, or as many as are asked for in
            # the place of who may claim no more.
            words = in_the_way(policy, asked, action, risk, alone) if alone is not None else ()
            against = {it.by for it in words} & {*able_to}
            needed = risk.claimed_by.at_least if any(it.by not in able_to for it in words) else 0
            group = _group(tuple(people), free, {*against, person}, needed)
            most = _most(policy, asked, action, risk, _claimed(asked, action, risk, group, LEAST, trained))
            if alone is not None and most is not None and against <= set(group) and needed <= len(group):
                groups[group] = most
        for group, most in groups.items():
            claimed = _claimed(asked, action, risk, group, most, trained)
            after = asked.model_copy(update={"claims": (*asked.claims, *claimed)})
            facts = risk_facts(policy, after, action, risk)
            mine = [risk_fact(risk), *(risk_fact(risk, name) for name in group)]
            who = " and ".join(f"{people[name].name} (`{name}`, {risk.claimed_by.role})" for name in group)
            which = "the present weights, saved" if action == "train" else "these exact weights"
            yield Change(
                "sign",
                f"if it can be bounded by at most {format_chance(most)}: {who} {'each ' * (len(group) > 1)}"
                f"claim{'s' * (len(group) == 1)} that of `{risk.id}`, of {which}, for `{action}`: {risk.about}",
                tuple((name, value) for name, value in facts.items() if name.rpartition(".")[0] in mine),
                concerns=("risk", risk.id, *group),
            )


def _group(people: Sequence[str], free: Sequence[str], named: Collection[str], needed: int) -> tuple[str, ...]:
    """Those who are named, and so many others who may that there are as many as are needed, in the policy's order."""
    more = [it for it in free if it not in named][: max(needed - len(named), 0)]
    return tuple(it for it in people if it in named or it in more)


def _able(policy: Policy, risk: Risk, able: Collection[str]) -> set[str]:
    """Who may claim a risk, if only to take back their own word."""
    return {it.id for it in policy.signers(risk.claimed_by)} & set(able)


def _signers(policy: Policy, situation: Situation, risk: Risk, able: Collection[str]) -> list[Person]:
    """Who may claim a risk of this lineage in support of it, and can."""
    apart = situation.apart(risk.claimed_by.apart_from)
    return [it for it in policy.signers(risk.claimed_by) if it.id in able and it.id not in apart]


def said_again(
    policy: Policy, situation: Situation, action: Action, able: Collection[str], trained: int | None
) -> Iterator[Change]:
    """That what stands against can be bounded after all, of those very weights, with the best that may come: what was
    claimed of other weights, what is said of what was spent, and both at once."""
    for risk in claimable(policy, action):
        claimed, spent = standing(policy, situation, action, risk), unbounded_since(situation, risk)
        for stands, open_ in ((), spent), (claimed, ()), (claimed, spent):
            both = bool(claimed and spent)
            if (stands or open_) and (both or (stands, open_) == (claimed, spent)):
                yield from _again(policy, situation, action, risk, able, trained, stands, open_)


def _again(
    policy: Policy,
    situation: Situation,
    action: Action,
    risk: Risk,
    able: Collection[str],
    trained: int | None,
    stands: Sequence[Claim],
    open_: Sequence[Spent],
) -> Iterator[Change]:
    signers = [it.id for it in _signers(policy, situation, risk, able)]
    may, answer = _able(policy, risk, able), may_claim(policy, risk)
    left_ = [it for it in left(policy, situation, action, risk) if it.stands(risk) and it.word in stands]
    own = [it for it in stands if it not in {word for word, _ in left_}]
    told = {(it.action, it.by, it.weights, it.configuration) for it in stands}
    # Who says less of the same weights says it of both.
    words = [(it, word) for it in open_ for word in it.unbounded]
    words = [(it, word) for it, word in words if (it.action, word.by, word.weights, word.configuration) not in told]
    mine = [(it, word) for it, word in words if word.by in answer]
    gone = [(it, word) for it, word in words if word.by not in answer]
    # Whose role was taken is asked for nothing: as many as may claim it bound it in their place. Nobody does for whose
    # key was revoked.
    asked = {*(it.by for it in own), *(word.by for _, word in mine)}
    if not asked <= may or ((left_ or gone) and len(signers) < risk.claimed_by.at_least):
        return
    # Not without these words: what they had taken the place of would be said again.
    less = (it.model_copy(update={"bound": LEAST}) if it in stands else it for it in situation.claims)
    after = situation.model_copy(update={"claims": tuple(less)})
    after = cleared(after, risk) if open_ else after
    best = list(risk_facts(policy, after, action, risk).items())
    for change in claim_changes(policy, after, action, able, trained):
        best += change.updates
    acts = []
    for by, of in (([it.by for it in own], _these(own)), ([word.by for _, word in mine], _of(mine))):
        if by:
            names = " and ".join(dict.fromkeys(f"`{name}`" for name in by))
            acts.append(f"{names} claim the risk `{risk.id}` again, of {of}")
    if left_:
        said = " and ".join(dict.fromkeys(f"`{word.by}`" for word, _ in left_))
        have = sorted({name for _, again in left_ for name in again if name in signers})
        why = f"{said}, who said what stands, may claim it no more"
        acts.append(_so_many(risk, signers, _these([word for word, _ in left_]), why, have))
    if gone:
        acts.append(_in_place(policy, risk, signers, gone))
    yield Change("sign", f"if it {'is less' if stands else 'can be bounded'}: {'; '.join(acts)}", tuple(best))


def _these(claims: Iterable[Claim]) -> str:
    return ", ".join(dict.fromkeys(f"{it.weights[:12]}..." for it in claims))


def _of(words: Iterable[tuple[Spent, Word]]) -> str:
    of = (f"{word.weights[:12]}... (`{it.action}`{_configured(word)})" for it, word in words)
    return ", ".join(dict.fromkeys(of))


def _configured(word: Word) -> str:
    return f", configuration {word.configuration[:12]}..." if word.configuration else ""


def _in_place(policy: Policy, risk: Risk, signers: Sequence[str], gone: Sequence[tuple[Spent, Word]]) -> str:
    """Who bounds what nobody answers for any more."""
    said = list(dict.fromkeys(f"`{word.by}`" for _, word in gone if word.by != NOBODY))
    why = [f"{' and '.join(said)}, who said that it cannot be, may claim it no more"] if said else []
    if any(word.by == NOBODY for _, word in gone):
        why.append("it was permitted while the policy had no number for it")
    have = sorted({name for _, word in gone for name in word.again if name in signers})
    return _so_many(risk, signers, _of(gone), "; ".join(why), have)


def _so_many(risk: Risk, signers: Sequence[str], of: str, why: str, have: Sequence[str]) -> str:
    quorum = risk.claimed_by
    who = f"{quorum.at_least} with role `{quorum.role}` ({', '.join(f'`{name}`' for name in signers)})"
    signed = f"; {', '.join(f'`{name}`' for name in have)} did" if have else ""
    return f"{who} claim the risk `{risk.id}`, of {of}: {why}{signed}"


def _claimed(
    asked: Situation, action: Action, risk: Risk, group: Collection[str], bound: Fraction, trained: int | None
) -> list[Claim]:
    """That each of these claims a bound, now and of what is asked about."""
    weights, configuration = asked.exact(action) if action != "train" else (_present(asked, trained), None)
    return [
        Claim(
            risk=risk.id,
            by=person,
            action=action,
            bound=bound,
            time=asked.now,
            until=asked.now + risk.valid_for,
            current=True,
            of="ancestor",
            weights=weights or STATED,
            configuration=configuration,
            compute=trained,
            at_most=trained,
        )
        for person in group
    ]


def _present(situation: Situation, trained: int | None) -> str:
    """The present weights, where a claim has named them; else a stand-in."""
    named = (it.weights for it in situation.claims if it.of == "ancestor" and it.compute == trained)
    return next(named, STATED)


def _most(policy: Policy, asked: Situation, action: Action, risk: Risk, claimed: list[Claim]) -> Fraction | None:
    """The largest bound with which every number of the risk is kept; None: no bound does.

    Worked out from what all else leaves, were the smallest chance claimed of this.
    """
    least = [it.model_copy(update={"bound": LEAST}) for it in asked.claims]
    taken = taken_of(policy, asked.model_copy(update={"claims": (*least, *claimed)}), action, risk)
    if isinstance(taken, Unknown):
        return None
    # Where more was spent of the same thing before, that is what counts of it.
    counted = max(LEAST, spent_before(asked, action, taken))
    rooms = []
    for clause in gating_risk(policy, risk, action):
        spent = spent_on(policy, asked, action, risk, taken, FIGURE[clause.per])
        if isinstance(spent, Unknown) or spent > clause.at_most:
            return None
        rooms.append(clause.at_most if clause.per == "action" else clause.at_most - spent + counted)
    return min(rooms, default=None)


def budget_waits(policy: Policy, situation: Situation, judge: Judge, facts: Facts) -> Iterator[Change]:
    """That the next year of a budget begins, where it is a budget per year that holds."""
    holding = set(judge.holding(facts))
    for risk in claimable(policy, judge.action):
        clauses = gating_risk(policy, risk, judge.action)
        if risk.years_from is None or not any(it.per == "year" and it.id in holding for it in clauses):
            continue
        year, name = next_year(risk.years_from, situation.now), f"{risk_fact(risk)}.year"
        ends = {it.year_ends for it in situation.spent if it.risk == risk.id}
        for begins in sorted(it for it in {year, *ends} if it > situation.now):
            later = situation.model_copy(update={"now": begins})
            updates: tuple[tuple[str, Value], ...] = (
                ("now", begins),
                (name, risk_facts(policy, later, judge.action, risk)[name]),
            )
            wait = format_wait(begins - situation.now)
            text = f"wait until {format_instant(begins)} (about {wait} from now), when"
            moved = year_of(risk.years_from, begins) != begins
            which = "a year that was moved," if moved else "the next year" if begins == year else "a later year"
            what = f"{which} of the budget of the risk `{risk.id}`"
            yield Change("time", f"{text} {what} {'ends' if moved else 'begins'}", updates)
