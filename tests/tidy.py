"""Situations in which all is there that a policy asks for, and what may spoil them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import Any

from hypothesis import strategies as st

from duties import keepings, origin_of
from happenings import (
    WAY,
    claim,
    cosignatures,
    forecasts,
    generation,
    granted,
    other_run,
    piece,
    signature,
    spent,
    statement,
    track,
    whatever,
)
from parts import AMOUNTS
from scalegate.evidence.binomial import most_successes
from scalegate.gate import Elsewhere, Lineage, Piece, Signature, Situation, Statement, TierRecord
from scalegate.gate.generations import asked_for
from scalegate.gate.situation import Claim, Generation, Granted, Kept, Spent, Track
from scalegate.gate.stopping import look_alpha
from scalegate.policy import Domain, Policy
from scalegate.policy.clause_figures import value_at
from scalegate.policy.document import (
    Cadence,
    ComputeCap,
    Condition,
    ExceptionTerms,
    Moratorium,
    Quorum,
    ResidualRisk,
    Risk,
    ScaleCap,
    UndefinedTest,
)
from scalegate.policy.syntax import fact_names
from support import START

__all__ = ["met", "spoilt"]

DAY = 86_400
NO_LIMIT = 10**15
now_and_then = st.sampled_from([False, False, True])


@st.composite
def met(draw: st.DrawFn, policy: Policy) -> Situation:
    """One in which each clause is met that anything can meet, some of them just so."""
    factor, first = policy.factor, policy.first_evaluation_at
    adopters = draw(st.sampled_from([(), ("Sample AI",), ("Sample AI", "Example Lab")]))
    models = [draw(shown(policy))] if asked_for(policy) else []
    room = min(_limits(policy, len(adopters), models, patient=not draw(now_and_then)), default=NO_LIMIT)
    fitting = [it for it in AMOUNTS[1:-1] if ceil(it * factor) <= room]
    used = draw(st.sampled_from([*fitting[-4:], floor(room / factor), *fitting[:2]]))
    reached, known = ceil(used * factor), floor(used * factor)
    reads = _read(policy)
    may_wait = first is not None and reached <= first and not any(".evidence." in it for it in reads)
    early = may_wait and draw(st.booleans())
    ratio = min(_ratios(policy))
    most = max(min(first or 0 if early else floor(ratio * known), room), reached)
    asked = draw(st.sampled_from([it for it in (reached, reached + 1, reached + 10**9, most) if it <= most]))
    others = draw(elsewhere(policy, floor((min(first or 0, room) if early else room) / factor) - ceil(asked / factor)))
    exact = ceil(asked / factor)
    planned = draw(st.sampled_from([it for it in (exact, 2 * used + 10**10) if ceil(it * factor) <= room] or [exact]))
    within = [value_at(policy, it.within, START) for it in _cadences(policy) if it.within is not None]
    soon = min((it for it in within if it is not None), default=90 * DAY)
    opened = START - draw(st.sampled_from([it for it in (0, 10, 89 * DAY) if it <= soon]))
    ruled_out = early or any(it.kind == "next_level" for it in policy.clauses)
    ruled_out = ruled_out or any(it.endswith((".ruled_out", ".reached")) for it in reads)
    can_be_open = [it.number for it in policy.levels if (it.safeguards or it.approvals) and not ruled_out]
    left_open = {number for number in can_be_open if draw(st.booleans())}
    needed = used if early else min(used, ceil(ceil(asked / ratio) / factor))
    pieces: list[Piece] = []
    for domain in policy.domains:
        if not early or draw(st.booleans()):
            pieces += draw(evidence(policy, domain, used, needed, soon, left_open=domain.level in left_open))
    adopted = START - draw(st.sampled_from([0, 30 * DAY, 70 * DAY]))
    spending = {risk.id: draw(spent_before(risk)) for risk in policy.risks}
    return Situation(
        policy=policy.digest(),
        now=START,
        compute=asked,
        lineage=Lineage(
            run="r",
            members=("r",),
            compute=used,
            behind=used,
            opened=opened,
            openings={"r": opened},
            planned_end=planned,
            faults=(),
            way=WAY if any(domain.forecast is not None for domain in policy.domains) else (),
        ),
        developer_others=sum(other.compute for other in others),
        elsewhere=tuple(others),
        generations=tuple(models),
        pieces=tuple(pieces),
        forecasts=tuple(draw(forecasts(policy, pieces, asked, tidy=True, enough=True))),
        tracks=tuple(draw(upheld(domain)) for domain in policy.domains),
        signatures=tuple(draw(signatures(policy))),
        statements=tuple(it for item in policy.determinations for it in draw(words(policy, item.id, used, soon))),
        grants={item.id: draw(st.integers(0, 4)) for item in policy.exceptions},
        exceptions=tuple(it for item in policy.exceptions for it in draw(grants(policy, item, reached))),
        adopted=adopted,
        origins={duty.id: origin_of(duty) for duty in policy.obligations},
        kept=tuple(draw(in_time(policy, adopted, opened))),
        claims=tuple(it for risk in policy.risks for it in draw(claims(policy, risk, spending[risk.id], used))),
        spent=tuple(it for of in spending.values() for it in of),
        tiers=(TierRecord(tier="international", adopters=adopters, until=START + 90 * DAY),),
        ledger_time=START - 1,
        witnessed=tuple(draw(cosignatures(tidy=True))),
        enforcement="cooperative",
    )


def _read(policy: Policy) -> frozenset[str]:
    """What the policy's own conditions go by."""
    return frozenset().union(*(fact_names(it.when) for it in policy.clauses if isinstance(it, Condition)))


def _cadences(policy: Policy) -> list[Cadence]:
    return [it for it in policy.clauses if isinstance(it, Cadence)]


def _limits(policy: Policy, adopters: int, models: Sequence[Generation], *, patient: bool) -> Iterator[int]:
    """To how much effective compute each clause lets anybody go; who is not patient does not wait for dates."""
    binding = [it for it in policy.clauses if it.gates and (it.tier is None or adopters >= 2)]
    for clause in binding:
        found: Any = NO_LIMIT
        match clause:
            case ComputeCap():
                found = value_at(policy, clause.at, START)
            case Moratorium() if patient and (value_at(policy, clause.until, START) or START + 1) > START:
                found = None if clause.limit is None else value_at(policy, clause.limit, START)
            case UndefinedTest():
                found = value_at(policy, clause.above, START)
            case ScaleCap():
                past = value_at(policy, clause.past, START) or 1
                before = [floor(past * floor(it.compute * policy.factor)) for it in models]
                found = max(value_at(policy, clause.first, START) or 0, *before)
            case Condition() if "developer.shown" in fact_names(clause.when):
                found = max((floor(it.compute * policy.factor) for it in models), default=0)
        yield found or 0


def _ratios(policy: Policy) -> Iterator[Fraction]:
    """How much more effective compute may be asked for than there was in what was looked at."""
    for domain in policy.domains:
        yield domain.buffer / domain.margin
    for clause in _cadences(policy):
        every = None if clause.every is None else value_at(policy, clause.every, START)
        yield Fraction(1 if clause.on or every is None else every)
    of_weights = (it.carries for it in policy.determinations if it.about == "weights")
    for carries in (*of_weights, *(risk.carries for risk in policy.risks)):
        yield Fraction(1 if carries is None else carries)


@st.composite
def evidence(
    draw: st.DrawFn, policy: Policy, domain: Domain, used: int, needed: int, soon: int, *, left_open: bool
) -> list[Piece]:
    """Evaluations as fresh as is asked for, of what supports as much as is asked for: one, or two for a forecast."""
    found = []
    computes = [draw(st.sampled_from([used, needed]))]
    if domain.forecast is not None:
        computes.insert(0, computes[0] // 2)
    for at, compute in enumerate(computes):
        made = draw(piece(policy, used, domain=domain, tidy=True))
        just = most_successes(made.completed, domain.alarm, look_alpha(policy)) or 0
        some = [just + 1, made.completed // 4, made.completed] if left_open else [0, 0, just]
        time = START - draw(st.sampled_from([it for it in (1, DAY, soon) if it <= soon]))
        weights = WAY[at] if domain.forecast is not None else made.weights
        update = {"compute": compute, "successes": draw(st.sampled_from(some)), "time": time, "weights": weights}
        found.append(made.model_copy(update=update | {"elicitation_flops": 10**13}))
    return found


@st.composite
def shown(draw: st.DrawFn, policy: Policy) -> Generation:
    """A finished model of another generation, under every alarm."""
    used, weights = draw(st.sampled_from(AMOUNTS[4:-1])), f"{7:064d}"
    of_it = {"weights": weights, "compute": used, "run": "s", "announced_for": "s"}
    found = [draw(evidence(policy, it, used, used, DAY, left_open=False))[-1] for it in policy.domains]
    pieces = tuple(it.model_copy(update=of_it) for it in found)
    return Generation(run="s", weights=weights, compute=used, pieces=pieces)


@st.composite
def elsewhere(draw: st.DrawFn, policy: Policy, room: int) -> list[Elsewhere]:
    """Mostly none; else another run, for which there is room."""
    amounts = [it for it in AMOUNTS[:-2] if it <= room]
    there = draw(now_and_then) if amounts else False
    return [draw(other_run(policy, amounts))] if there else []


@st.composite
def upheld(draw: st.DrawFn, domain: Domain) -> Track:
    """A record without a flaw."""
    known = draw(track(domain.id))
    good = known.claims + 3
    return known.model_copy(
        update={"missed": 0, "shown": 0, "claims": good, "upheld": draw(st.sampled_from([3, good]))}
    )


@st.composite
def enough_of(draw: st.DrawFn, policy: Policy, quorum: Quorum) -> list[str]:
    """People who are enough for a quorum: just so many, or all."""
    able = [person.id for person in policy.signers(quorum)]
    return able[: draw(st.sampled_from([quorum.at_least, len(able)]))]


ends = st.sampled_from([0, 30 * DAY, 400 * DAY]).map(lambda seconds: START + seconds)


@st.composite
def signatures(draw: st.DrawFn, policy: Policy) -> list[Signature]:
    """All that the levels ask for."""
    subjects = []
    for level in policy.levels:
        subjects += [f"safeguard.{it.id}" for it in level.safeguards]
        people = draw(enough_of(policy, level.approvals)) if level.approvals else []
        subjects += [f"approval.{level.number}.{name}" for name in people]
    return [
        Signature(subject=it, by="x", time=START - draw(st.sampled_from([0, DAY])), until=draw(ends), action="train")
        for it in subjects
    ]


@st.composite
def words(draw: st.DrawFn, policy: Policy, name: str, used: int, soon: int) -> list[Statement]:
    """That enough people determine it, of the present weights."""
    item = next(it for it in policy.determinations if it.id == name)
    found = []
    for person in draw(enough_of(policy, item.decided_by)):
        said = draw(statement(name, used, tidy=True))
        late = min(soon, item.valid_for or soon)
        time = START - draw(st.sampled_from([it for it in (0, DAY, late) if it <= late]))
        update: dict[str, Any] = {"by": person, "holds": True, "time": time, "until": draw(ends)}
        update |= {"compute": used, "at_most": used} if item.about == "weights" else {}
        found.append(said.model_copy(update=update))
    return found


@st.composite
def spent_before(draw: st.DrawFn, risk: Risk) -> list[Spent]:
    """Nothing, or little."""
    little = draw(spent(risk.id)).model_copy(update={"bound": Fraction(1, 10**5), "unbounded": (), "said": ()})
    return [little] if draw(now_and_then) else []


@st.composite
def claims(draw: st.DrawFn, policy: Policy, risk: Risk, before: list[Spent], used: int) -> list[Claim]:
    """That enough people claim it, of the present weights; some of all that is left."""
    numbers = [it.at_most for it in policy.clauses if isinstance(it, ResidualRisk) and it.risk == risk.id]
    left = min(numbers, default=Fraction(1, 10**4)) - sum(it.bound for it in before)
    found = []
    for person in draw(enough_of(policy, risk.claimed_by)):
        late = min(20 * DAY, risk.valid_for)
        update: dict[str, Any] = {"by": person, "action": "train", "bound": draw(st.sampled_from([left / 2, left]))}
        update |= {"time": START - draw(st.sampled_from([0, late])), "until": draw(ends)}
        update |= {"compute": used, "at_most": used, "run": "r"}
        found.append(draw(claim(risk.id, used, tidy=True)).model_copy(update=update))
    return found


@st.composite
def grants(draw: st.DrawFn, policy: Policy, item: ExceptionTerms, reached: int) -> list[Granted]:
    """That enough people grant it for all that it is of, who had seen whatever there can be against it."""
    update: dict[str, Any] = {"action": "train", "weights": None, "configuration": None, "compute": reached}
    update |= {"held": item.clauses, "against": tuple(whatever(policy))}
    return [
        draw(granted(policy, item, reached, tidy=True)).model_copy(update=update | {"by": person})
        for person in (draw(enough_of(policy, item.granted_by)) if "train" in item.actions else ())
    ]


@st.composite
def in_time(draw: st.DrawFn, policy: Policy, adopted: int, opened: int) -> list[Kept]:
    """That each deadline so far was kept."""
    return [it for duty in policy.obligations for it in draw(keepings(duty, (), adopted, opened, True))]


@st.composite
def spoilt(draw: st.DrawFn, policy: Policy, situation: Situation) -> Situation:
    """A situation of which one part is as it may happen to be."""
    used, asked = situation.lineage.compute, situation.compute
    name = draw(st.sampled_from(_parts(policy, situation)))
    changes: dict[str, Any] = {}
    match name:
        case "compute":
            changes["compute"] = asked + draw(st.sampled_from([1, asked, 9 * asked, 99 * asked]))
            end = max(situation.lineage.planned_end or 0, ceil(changes["compute"] / policy.factor))
            changes["lineage"] = situation.lineage.model_copy(update={"planned_end": end})
        case "planned_end":
            end = draw(st.sampled_from([None, used, AMOUNTS[-1], 10 * AMOUNTS[-1]]))
            changes["lineage"] = situation.lineage.model_copy(update={"planned_end": end})
        case "opened":
            opened = START - draw(st.sampled_from([10, 89 * DAY, 91 * DAY]))
            update = {"opened": opened, "openings": {"r": opened}}
            changes["lineage"] = situation.lineage.model_copy(update=update)
        case "pieces":
            domain = draw(st.sampled_from(policy.domains))
            kept = [it for it in situation.pieces if it.domain != domain.id]
            found = draw(st.lists(piece(policy, used, domain=domain, tidy=True), max_size=1))
            changes["pieces"] = (*kept, *found)
        case "another":
            changes["pieces"] = (*situation.pieces, draw(piece(policy, used)))
        case "elsewhere":
            changes["elsewhere"] = tuple(draw(st.lists(other_run(policy), min_size=1, max_size=2)))
            more = draw(st.sampled_from([0, 10**11, 10**14]))
            changes["developer_others"] = more + sum(other.compute for other in changes["elsewhere"])
        case "tiers":
            adopters = draw(st.sampled_from([("Sample AI", "Example Lab"), ("Sample AI", "Sampel AI")]))
            record = TierRecord(tier="international", adopters=adopters, until=START - draw(st.sampled_from([0, 1])))
            changes["tiers"] = draw(st.sampled_from([(record,), ()]))
        case "witnessed":
            changes["witnessed"] = tuple(draw(cosignatures(tidy=False)))
        case "generations":
            changes["generations"] = tuple(draw(st.lists(generation(policy), max_size=2, unique_by=lambda it: it.run)))
        case "tracks":
            changes["tracks"] = tuple(
                draw(track(domain.id)) for domain in policy.domains if draw(st.integers(0, 3)) < 3
            )
        case "forecasts":
            changes["forecasts"] = tuple(draw(forecasts(policy, [*situation.pieces], asked, tidy=False)))
        case "spent":
            changes["spent"] = tuple(
                {it.weights: it for it in (draw(spent(risk.id)) for risk in policy.risks)}.values()
            )
        case _:
            among = getattr(situation, name)
            gone = draw(st.integers(0, len(among)))
            rest = draw(st.sampled_from([among[:gone], (*among[:gone], *among[gone + 1 :])]))
            changes[name] = (*rest, *draw(_more(policy, name, used)))
    return situation.model_copy(update=changes)


def _parts(policy: Policy, situation: Situation) -> list[str]:
    """What can be spoilt of a situation under the policy."""
    where = {
        "generations": asked_for(policy),
        "forecasts": any(domain.forecast is not None for domain in policy.domains),
        "witnessed": any(it.kind == "witnessed" for it in policy.clauses),
        "tracks": any(it.endswith((".missed", ".upheld")) for it in _read(policy)),
        "tiers": any(it.tier is not None for it in policy.clauses),
        "opened": {it.domain for it in situation.pieces} != {domain.id for domain in policy.domains},
        "signatures": bool(situation.signatures),
        "statements": bool(policy.determinations),
        "kept": bool(policy.obligations),
        "claims": bool(policy.risks),
        "spent": bool(policy.risks),
    }
    always = ["compute", "pieces", "another", "planned_end", "elsewhere"]
    return [*always, *(name for name, there in where.items() if there)]


@st.composite
def _more(draw: st.DrawFn, policy: Policy, name: str, used: int) -> list[Any]:
    """Now and then one more of what people signed, whatever it says."""
    if name == "kept" or not draw(now_and_then):
        return []
    if name == "signatures":
        return [draw(signature())]
    if name == "statements":
        return [draw(statement(draw(st.sampled_from(policy.determinations)).id, used, tidy=False))]
    return [draw(claim(draw(st.sampled_from(policy.risks)).id, used, tidy=False))]
