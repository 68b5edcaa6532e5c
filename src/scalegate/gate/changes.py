"""The changes that could come about for a run: acts, measurements, waiting and signatures.

Each says in words what would have to happen and what that does to the facts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import chain
from math import ceil, floor

from scalegate.gate.at_best import able_to_sign, anew, best, evaluators
from scalegate.gate.catching_up import least_unsaid, words_elsewhere
from scalegate.gate.claiming import budget_waits, claim_changes, said_again
from scalegate.gate.covering import unsaid_facts, words_of
from scalegate.gate.decision import Resumption
from scalegate.gate.determinations import determination_changes, taken_back
from scalegate.gate.facts import effective, levels_open
from scalegate.gate.foreseeing import forecast_changes, more_results, recorded_measures
from scalegate.gate.generations import SHOWN, reach, scale_caps
from scalegate.gate.judge import Judge
from scalegate.gate.measures import (
    best_anew,
    charged,
    elicitation_due,
    elsewhere_measures,
    least_unevaluated,
    lineage_measures,
    shown_acts,
    shown_anew,
    shown_measures,
    trained_in,
)
from scalegate.gate.obligations import obligation_changes, opened_anew
from scalegate.gate.restoring import restored_changes
from scalegate.gate.resumption import SPENT, Change, resumption
from scalegate.gate.situation import Situation
from scalegate.gate.track import track_changes
from scalegate.gate.waits import asked_of, signing_waits, waits
from scalegate.gate.witnessing import witness_changes
from scalegate.policy.clause_figures import all_values, value_at
from scalegate.policy.document import Action, ComputeCap, Policy
from scalegate.policy.semantics import Facts, Unknown, Value, number
from scalegate.units import DAY, exact_flop, format_instant, round_down, round_up

__all__ = ["possible_changes", "unforeseen_changes", "ways_out"]

OTHERS = ("developer.others",)
SETTLES = 20
"""How often elicitation is added for elicitation; what has not settled by then never does."""
ACTS = 8
"""Most acts that one line names."""


def ways_out(policy: Policy, situation: Situation, judge: Judge, facts: Facts) -> tuple[tuple[Change, ...], Resumption]:
    """What is on offer, and what of it releases the hold: with figures of 3 digits, or exact if these leave no way."""
    changes: tuple[Change, ...] = ()
    for stated in (round_up, int):
        changes = possible_changes(policy, situation, judge, facts, stated)
        found = resumption(judge, facts, changes)
        if not found.stop:
            break
    return changes, found


def possible_changes(
    policy: Policy, situation: Situation, judge: Judge, facts: Facts, stated: Callable[[int], int] = round_up
) -> tuple[Change, ...]:
    """Every change on offer, in the order in which people would take them: measure, act, sign, time.

    `stated`: how an amount is rounded up to the figure that people are told, and that is promised.
    """
    factor = policy.factor
    asked = max(situation.lineage.planned_end or 0, ceil(situation.compute / factor))
    at = floor((trained_in(situation, judge) or 0) * factor)
    due = {domain.id: elicitation_due(policy, domain, at, asked, stated) for domain in policy.domains}
    due = _as_asked(due, judge, facts, factor, stated)
    # What is spent on elicitation counts towards the lineage, and so towards what is asked for.
    cost = ceil(sum(due.values()) * factor)
    after = charged(policy, situation, stated)
    others = _of_others(policy, situation, after, facts, stated)
    spent = max((_spent(policy, after, it) for it in others if it.concerns[:1] == ("shown",)), default=0)
    found = (
        *(c for d in policy.domains for c in lineage_measures(policy, situation, judge, d, facts, due[d.id])),
        *forecast_changes(policy, situation, judge.action),
        *recorded_measures(policy, situation, judge.action, facts, due),
        *others,
        *_attestations(policy, situation, judge, facts, able_to_sign(policy)),
        *_acts(policy, situation, judge, facts, cost, stated),
        *_signatures(policy, situation, judge, facts, able_to_sign(policy)),
        *words_elsewhere(policy, after, facts, able_to_sign(policy), here=cost, there=spent),
        *witness_changes(policy, situation.now, judge.action),
        *waits(judge, facts),
        *budget_waits(policy, situation, judge, facts),
    )
    signing = evaluators(policy) & able_to_sign(policy)
    return tuple(it for it in found if signing or it.kind != "measure")


def _as_asked(
    due: dict[str, int], judge: Judge, facts: Facts, factor: Fraction, stated: Callable[[int], int]
) -> dict[str, int]:
    """FLOP of elicitation in each domain, or more where a condition that holds asks for more than the domain does."""
    more = dict(due)
    for _ in range(SETTLES):
        # What is spent on elicitation is asked about too, and may take elicitation in turn.
        spent = ceil(sum(more.values()) * factor)
        later = {**facts, **{name: value + spent for name in SPENT if (value := number(facts.get(name))) is not None}}
        asked = {name: asked_of(judge, later, f"{name}.elicitation", ("condition",)) or 0 for name in more}
        if all(asked[name] <= flops for name, flops in more.items()):
            return more
        more = {name: max(flops, stated(asked[name])) for name, flops in more.items()}
    return due


def _of_others(
    policy: Policy, situation: Situation, after: Situation, facts: Facts, stated: Callable[[int], int]
) -> tuple[Change, ...]:
    """Measurements of the developer's other runs; `after` is once these are evaluated."""
    others = int(number(facts.get("developer.others")) or 0)
    beside = max(effective(policy, after.developer_others) - others, 0)
    # What is tuned to show a finished model no word covers.
    left = [(name, number(value)) for name, value in unsaid_facts(policy, after).items()]
    shown = [
        replace(
            it, updates=(*it.updates, *((name, at + _spent(policy, after, it)) for name, at in left if at is not None))
        )
        for it in shown_measures(policy, situation, facts, beside)
    ]
    return *elsewhere_measures(policy, situation, facts, stated), *shown, *shown_acts(policy, situation, facts)


def _spent(policy: Policy, after: Situation, change: Change) -> int:
    """Effective compute that a measurement spends on another run besides what all evaluations of those spend."""
    others = max(int(number(value) or 0) for name, value in change.updates if name in OTHERS)
    return max(others - effective(policy, after.developer_others), 0)


def _scale_limits(policy: Policy, situation: Situation, facts: Facts) -> Iterator[int]:
    """How far scale caps let the generation go, with what was shown and with what could come to be."""
    changes = (*shown_measures(policy, situation, facts), *shown_acts(policy, situation, facts))
    offered: list[Value | None] = [value for it in changes for name, value in it.updates if name == SHOWN]
    offered.append(shown_anew(policy, situation, facts))
    for clause in scale_caps(policy):
        for shown in (facts.get(SHOWN), *offered):
            limit = reach(policy, clause, number(shown), situation.now)
            if limit is not None:
                yield limit


def unforeseen_changes(
    policy: Policy, situation: Situation, judge: Judge, facts: Facts, changes: Sequence[Change]
) -> tuple[Change, ...]:
    """Acts and waits after which more is known than can be foreseen, each with the best that may come of it.

    They promise nothing. Where nothing else would release a hold and one of these may, it is no stop: the act is
    to be done first, and then decided again.
    """
    found = [*track_changes(policy, situation, judge, facts)]
    lineage, able = situation.lineage, able_to_sign(policy)
    acts = lineage.mends or ((lineage.further,) if lineage.further else ())
    if acts:
        known = _declared(policy, situation, 0) if lineage.mends else ()
        found.append(Change("act", _all(acts), (*known, *best(policy, situation, facts))))
    unsaved = [it for it in situation.elsewhere if it.unsaved and not it.faults]
    others = number(facts.get("developer.others"))
    if unsaved and others is not None:
        spare = ceil(sum(it.unsaved for it in unsaved) * policy.factor)
        names = _all([f"`{it.run}`" for it in unsaved])
        doing = f"{', evaluates it' * bool(policy.domains)}{', has it judged' * bool(words_of(policy))}"
        text = "a process that still trains (or, after a crash, opens the run again) saves what it has"
        text += f"{doing} and closes its gate: {names}"
        most: list[tuple[str, Value]] = [("developer.others", max(int(others) - spare, 0))]
        most += [(f"{d.id}.unevaluated", least_unevaluated(policy, situation, d, unsaved)) for d in policy.domains]
        most += least_unsaid(policy, situation, unsaved)
        names_of = {it.run for it in unsaved}
        waiting = [floor(it.compute * policy.factor) for it in situation.generations if it.run in names_of]
        most += [(SHOWN, max(waiting))] if waiting else []
        found.append(Change("act", text, tuple(most)))
    shown = best_anew(policy, situation)
    if shown is not None:
        text = f"the models that were finished by now are saved and evaluated, and run `{lineage.run}` is opened again"
        found.append(Change("act", text, ((SHOWN, shown),)))
    # What is measured and signed now may have ended by the time that something is waited for.
    for wait in (
        *waits(judge, facts),
        *signing_waits(policy, judge, facts, situation.now),
        *budget_waits(policy, situation, judge, facts),
    ):
        later = situation.model_copy(update={"now": int(number(dict(wait.updates)["now"]) or 0)})
        signed: list[tuple[str, Value]] = []
        for change in (
            *_attestations(policy, later, judge, facts, able),
            *_signatures(policy, later, judge, facts, able),
            *witness_changes(policy, later.now, judge.action),
        ):
            signed += change.updates
        measured = _measured(changes, later.now)
        text = f"{wait.text}; what ends until then is measured and signed again"
        found.append(Change("time", text, (*wait.updates, *measured, *signed)))
    if evaluators(policy) & able:
        found += restored_changes(policy, situation, able, anew(policy, situation, facts, broken=True))
    else:
        who = ", ".join(sorted(evaluators(policy)))
        text = f"an amendment names a key for {who or 'somebody with role `evaluator`'}; then it is evaluated"
        found.append(Change("act", text, tuple(anew(policy, situation, facts))))
    found += more_results(policy, situation, judge.action, best(policy, situation, facts))
    for again in (taken_back, said_again):
        found += again(policy, situation, judge.action, able, trained_in(situation, judge))
    # A clause of a tier that comes to bind may be the one that is asked for.
    for tier in policy.tiers:
        adopters, name = number(facts.get(f"tier.{tier.id}.adopters")) or 0, f"tier.{tier.id}.until"
        until = max(situation.now + 1, asked_of(judge, facts, name) or 0)
        if able & {person.id for person in policy.with_role(tier.recorded_by)}:
            text = (
                f"somebody with role `{tier.recorded_by}` records who has adopted `{tier.id}`, if it has come to bind"
            )
            more = f"somebody with role `{tier.recorded_by}` records who has adopted `{tier.id}`, if all have"
            found += [
                Change("sign", said, ((f"tier.{tier.id}.adopters", many), (name, until)), concerns=("tier", tier.id))
                for said, many in ((text, tier.binds_at), (more, len(tier.parties)))
                if adopters < many
            ]
    # An amendment is another policy: what is signed under this one ends with it, so nothing is promised past it.
    lacking = frozenset(person.id for person in policy.people) - able
    for change in (
        *_attestations(policy, situation, judge, facts, lacking),
        *_signatures(policy, situation, judge, facts, lacking),
    ):
        text = f"an amendment names a key for {', '.join(sorted(lacking))}"
        found.append(Change("act", text, change.updates, change.given))
    # Signatures that are counted together take those who have a key too.
    together = (
        obligation_changes(policy, situation, able | lacking),
        words_elsewhere(policy, situation, facts, able | lacking),
    )
    for change in chain(*together) if lacking else ():
        text = f"an amendment names a key for {', '.join(sorted(lacking))}"
        found.append(Change("act", text, change.updates))
    return tuple(found)


def _measured(changes: Iterable[Change], at: int) -> Iterator[tuple[str, Value]]:
    """The best that the measurements on offer could come to show at an instant."""
    measures = [change for change in changes if change.kind == "measure"]
    reassuring = [
        it for it in measures if all(value is True for name, value in it.updates if name.endswith(".ruled_out"))
    ]
    for change in (*measures, *reassuring):
        for name, value in change.updates:
            yield name, at if name.endswith(".evidence.time") else value


def _all(acts: Sequence[str]) -> str:
    """The acts in one line; of very many, the first."""
    said = list(dict.fromkeys(acts))
    return "; ".join(said[:ACTS]) + (f"; and {len(said) - ACTS} more such acts" if len(said) > ACTS else "")


def _attestations(
    policy: Policy, situation: Situation, judge: Judge, facts: Facts, able: frozenset[str]
) -> Iterator[Change]:
    for level in policy.levels:
        for safeguard in level.safeguards:
            if able & {person.id for person in policy.with_role(safeguard.attested_by)}:
                name = f"safeguard.{safeguard.id}.until"
                until, asked = _until(judge, facts, name, situation.now, safeguard.valid_for)
                yield Change(
                    "act",
                    f"`{safeguard.id}` is put in place and attested by somebody with role"
                    f" `{safeguard.attested_by}`{asked}: {safeguard.text}",
                    ((name, until),),
                    concerns=("safeguard", safeguard.id),
                )


def _until(judge: Judge, facts: Facts, name: str, now: int, valid_for: int | None) -> tuple[int, str]:
    """Until when something has to count that is signed now, and in words what the clauses that hold ask for of that."""
    least = asked_of(judge, {**facts, "now": now}, name) or 0
    if least <= now:
        return now + (valid_for if valid_for is not None else DAY), ""
    # It is signed and decided on some time later.
    until = least + DAY if valid_for is None else now + valid_for
    return until, f" until {format_instant(max(min(until, least + DAY), least))} at least"


def _declared(policy: Policy, situation: Situation, cost: int) -> tuple[tuple[str, Value], ...]:
    """What is known of a lineage at best, once it is known."""
    return (
        ("lineage.declared", True),
        ("lineage.opened", situation.now),
        *opened_anew(policy, situation),
        ("lineage.compute", situation.compute),
        ("lineage.planned_end", situation.compute + cost),
        ("developer.others", 0),
        *((f"{domain.id}.unevaluated", 0) for domain in policy.domains),
        *((f"{domain.id}.reached_early", False) for domain in policy.domains),
        *((words.fact, 0) for words in words_of(policy)),
    )


def _acts(
    policy: Policy, situation: Situation, judge: Judge, facts: Facts, cost: int, stated: Callable[[int], int]
) -> Iterator[Change]:
    if isinstance(facts.get("lineage.declared"), Unknown):
        if not situation.lineage.mends:
            # A run cannot take back what it declared: only another run can declare it.
            return
        yield Change(
            "act",
            f"{_all(situation.lineage.mends)}; then decide again with what that makes known",
            _declared(policy, situation, cost),
        )
        return
    shown = shown_anew(policy, situation, facts)
    if situation.lineage.reopens or shown is not None:
        text = f"run `{situation.lineage.run}` is opened again: nothing came of it yet, so its time starts anew"
        text += ", and what was shown by now is from before it" if shown is not None else ""
        opened: tuple[tuple[str, Value], ...] = ((SHOWN, shown),) if shown is not None else ()
        if situation.lineage.reopens:
            opened = (("lineage.opened", situation.now), *opened)
        yield Change("act", text, opened)
    binding = {test.id for test in judge.tests if test.status(facts) in ("met", "violated", "not shown")}
    caps = [clause for clause in policy.clauses if isinstance(clause, ComputeCap) and clause.gates]
    # Of one that is unknown now nothing is known to be within: that takes another change, and this one beside it.
    known = (value_at(policy, clause.at, situation.now) for clause in caps if clause.id in binding)
    limits = [limit for limit in known if limit is not None]
    scaled = tuple(_scale_limits(policy, situation, facts))
    others, factor = number(facts.get("developer.others")), policy.factor
    # With room for the elicitation that measurements cost; without, if no limit leaves that much.
    for end, spent in ((situation.compute + cost, cost), (situation.compute, 0)):
        trained = ceil(end / factor)
        for least in dict.fromkeys((stated(trained), trained)):
            planned = effective(policy, least)
            if others is not None and all(planned + others <= limit for limit in limits):
                # A clause that comes to bind meanwhile is a limit too, where it leaves so much.
                ends = (*(it for cap in caps for it in all_values(policy, cap.at)), *scaled)
                later = (it for it in ends if it >= planned)
                most = min((floor((it - spent) / factor) for it in later), default=None)
                upto = f" and at most {exact_flop(max(round_down(most), least))}" if most is not None else ""
                yield Change(
                    "act",
                    "the run is opened again with a planned end (`planned=`) that takes the training of the lineage,"
                    f" its elicitation included, to at least {exact_flop(least)}{upto}",
                    (("lineage.planned_end", planned),),
                )
                return


def _signatures(
    policy: Policy, situation: Situation, judge: Judge, facts: Facts, able: frozenset[str]
) -> Iterator[Change]:
    now, shown = situation.now, levels_open(policy, facts, judge.action)
    yield from determination_changes(policy, situation, judge.action, able, trained_in(situation, judge))
    yield from obligation_changes(policy, situation, able, int(number(facts.get("now")) or 0))
    yield from claim_changes(policy, situation, judge.action, able, trained_in(situation, judge))
    for level in policy.levels:
        if level.approvals:
            # Nobody can sign for a level before a decision that shows evidence to leave it open.
            after = "" if level.number in shown else ", after a decision that shows the level open"
            apart = situation.apart(level.approvals.apart_from)
            for person in policy.signers(level.approvals):
                if person.id in able and person.id not in apart:
                    name = f"approval.{level.number}.{person.id}.until"
                    until, asked = _until(judge, facts, name, now, level.approvals.valid_for)
                    yield Change(
                        "sign",
                        f"{person.name} (`{person.id}`, {level.approvals.role}) signs for level {level.number}"
                        f" of this run{asked}{after}",
                        ((name, until),),
                        partial(_shows, policy, level.number, judge.action),
                        concerns=("approval", str(level.number), person.id),
                    )
    for tier in policy.tiers:
        name = f"tier.{tier.id}.until"
        adopters, least = number(facts.get(f"tier.{tier.id}.adopters")), asked_of(judge, facts, name) or 0
        longest = least + DAY if least > now else 0
        stale = adopters is None or _past(facts, name, now)
        longer = f" until {format_instant(longest)} at least" if longest else ""
        if (stale or _past(facts, name, least)) and able & {it.id for it in policy.with_role(tier.recorded_by)}:
            number_of = tier.binds_at - 1 if stale or adopters is None else int(adopters)
            as_it_is = f"if fewer than {tier.binds_at} have" if stale else "if that is still so"
            yield Change(
                "sign",
                f"somebody with role `{tier.recorded_by}` records{longer} who has adopted `{tier.id}`, {as_it_is}",
                ((f"tier.{tier.id}.adopters", number_of), (name, max(now + 1, longest))),
                concerns=("tier", tier.id),
            )


def _shows(policy: Policy, level: int, action: Action, facts: Facts) -> bool:
    return level in levels_open(policy, facts, action)


def _past(facts: Facts, name: str, now: int) -> bool:
    value = number(facts.get(name))
    return value is not None and value < now
