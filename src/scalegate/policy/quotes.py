"""Figures in a part's sentence beside those that it is decided by: people sign for the sentence.

What is read as a figure is in `figures_in_text`; whatever else a sentence says is for people to compare.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Set
from fractions import Fraction
from itertools import pairwise, permutations
from math import ceil, floor
from typing import Any, TypeAlias

from scalegate.policy.clause_figures import all_values
from scalegate.policy.dates_in_text import dates_of, dates_of_policy, in_force_dates, misdated, undecided
from scalegate.policy.dating import in_figures
from scalegate.policy.determined import fact_of
from scalegate.policy.document import (
    Cadence,
    Capability,
    Clause,
    Condition,
    Determination,
    ExceptionTerms,
    Level,
    Moratorium,
    NextLevel,
    Obligation,
    Policy,
    Quorum,
    ResidualRisk,
    Risk,
    Safeguards,
    ScaleCap,
    UndefinedTest,
    Witnessed,
)
from scalegate.policy.durations_in_text import counted, durations, lasting, recurring, rhythms
from scalegate.policy.figures_in_text import (
    amounts,
    bounding,
    bounding_growth,
    chances,
    everybody,
    grown,
    leasts,
    levels,
    named_growth,
    portions,
    quorums,
)
from scalegate.policy.syntax import PARAMETER, AtLeast, Expr, children, compares, fact_names, net
from scalegate.policy.vocabulary import Kind, vocabulary
from scalegate.units import exact_flop, format_chance, format_duration, format_factor

__all__ = [
    "beside",
    "checked",
    "decides",
    "lasting_parts",
    "misquoted_parts",
    "misquotes",
    "others",
    "roles_of",
    "unchecked",
]

Path: TypeAlias = "tuple[str | int, ...]"


def misquotes(policy: Policy, clause: Clause) -> Iterator[tuple[str, str]]:
    """What the sentence says, and what it is decided by instead; nothing where they agree or it names no figure."""
    for said, known, show in _readings(policy, clause):
        # What bounds nothing may be any amount, beside one that does.
        yield from _compare([it for it in bounding(clause.text) if it in said] or said, known, show)
    yield from misdated(clause.text, dates_of(policy, clause))
    yield from _signed(policy, clause.text, _signing(policy, clause))
    yield from _compare(levels(clause.text), _levels(policy, clause), lambda it: f"level {it}")
    if isinstance(clause, ResidualRisk):
        yield from _compare(chances(clause.text), {clause.at_most}, format_chance)
    told = dict(_supported(policy, clause)) if isinstance(clause, Capability) else {}
    yield from told.items()
    # Two domains each have a buffer of their own: one's is no reference to the other's.
    elsewhere = _factors(policy, Capability if isinstance(clause, Capability) else ())
    yield from (it for it in _factored(clause.text, _growing(policy, clause), elsewhere) if it[0] not in told)


def others(policy: Policy, clause: Clause) -> Iterator[tuple[str, str]]:
    """Figures of a sentence beside the one that it is decided by, of its kind, with that: each may be meant for it."""
    readings = [*_readings(policy, clause)]
    readings.append((list(levels(clause.text)), _levels(policy, clause), lambda it: f"level {it}"))
    if isinstance(clause, ResidualRisk):
        readings.append((list(chances(clause.text)), {clause.at_most}, format_chance))
    if isinstance(clause, Capability):
        reaches = {it.buffer / it.margin for it in policy.domains if it.id == clause.domain}
        named = {value for _, _, value in named_growth(clause.text)}
        readings.append(([it for it in grown(clause.text) if it[1] not in named], reaches, format_factor))
    else:
        readings.append((list(grown(clause.text)), _growing(policy, clause), format_factor))
    for said, known, show in readings:
        # Where none of them is known, that is told as another figure; of how far evidence carries any may be meant.
        if known & {value for _, value in said} or (isinstance(clause, Capability) and show is format_factor and said):
            has = " and ".join(show(it) for it in sorted(known))
            yield from ((words, has) for words, value in said if value not in known)


def _supported(policy: Policy, clause: Capability) -> Iterator[tuple[str, str]]:
    """Where the sentence gives the buffer, the margin, or how far they let training go, another figure."""
    for domain in (it for it in policy.domains if it.id == clause.domain):
        for name, said, value in named_growth(clause.text):
            own = domain.buffer if name == "buffer" else domain.margin
            if value != own:
                yield said, f"a {name} of {format_factor(own)}"
        reach = domain.buffer / domain.margin
        for said, value in bounding_growth(clause.text):
            # "The buffer over 1.5x" divides by it, and bounds nothing.
            divides = value == domain.margin and f"over {said}" in clause.text
            if value != reach and not divides:
                yield said, f"at most {format_factor(reach)}"


_Signed: TypeAlias = Determination | ExceptionTerms | Risk | Level
"""What people sign for, and is no clause."""


def misquoted_parts(policy: Policy) -> Iterator[tuple[Path, str, str, str]]:
    """The same of what is no clause: where its text is, what it is called, what that says, and what is decided by."""
    parts: list[tuple[Path, str, str, Quorum, _Signed]] = []
    for at, it in enumerate(policy.determinations):
        parts.append((("determinations", at, "text"), f"determination {it.id}", it.text, it.decided_by, it))
    for at, terms in enumerate(policy.exceptions):
        parts.append((("exceptions", at, "text"), f"exception {terms.id}", terms.text, terms.granted_by, terms))
    for at, risk in enumerate(policy.risks):
        parts.append((("risks", at, "about"), f"risk {risk.id}", risk.about, risk.claimed_by, risk))
    for at, level in enumerate(policy.levels):
        if level.approvals:
            parts.append((("levels", at, "about"), f"level {level.number}", level.about, level.approvals, level))
    for path, about, text, quorum, part in parts:
        yield from ((path, about, said, has) for said, has in _of_part(policy, text, quorum, part))


def lasting_parts(policy: Policy) -> Iterator[tuple[Path, str, str]]:
    """What counts for good although its text names a time: where that text is, what it is called, and which time."""
    parts: list[tuple[Path, str, str, int | None]] = [
        (("determinations", at, "text"), f"determination {it.id}", it.text, it.valid_for)
        for at, it in enumerate(policy.determinations)
    ]
    for at, level in enumerate(policy.levels):
        for place, safeguard in enumerate(level.safeguards):
            path: Path = ("levels", at, "safeguards", place, "text")
            parts.append((path, f"safeguard {safeguard.id}", safeguard.text, safeguard.valid_for))
    for path, about, text, valid_for in parts:
        said = next(recurring(text), None) if valid_for is None else None
        if said is not None:
            yield path, about, said


def _of_part(policy: Policy, text: str, quorum: Quorum, part: _Signed) -> Iterator[tuple[str, str]]:
    signatures = (*part.safeguards, part.approvals) if isinstance(part, Level) else (part,)
    periods = {it.valid_for for it in signatures if it is not None and it.valid_for is not None}
    # A risk is one over some time, whatever a claim of it counts.
    said = lasting(text) if not isinstance(part, Risk) else counted(text)
    growth = getattr(part, "carries", None) or getattr(part, "growth", None)
    signed = {(quorum.at_least, len(policy.signers(quorum)))}
    yield from _compare(said, periods, lambda it: format_duration(int(it)))
    yield from _compare(quorums(text, roles_of(policy)), signed, _of_how_many)
    yield from _signed(policy, text, signed)
    yield from _factored(text, {growth} if growth is not None else set(), _factors(policy))
    yield from misdated(text, in_force_dates(getattr(part, "in_force", None)))


def _levels(policy: Policy, clause: Clause) -> set[int]:
    """The levels that a clause asks for, or that its domain leads to."""
    if isinstance(clause, NextLevel):
        return {clause.level, clause.next}
    if isinstance(clause, Safeguards):
        return {clause.level}
    return {it.level for it in policy.domains if isinstance(clause, Capability) and it.id == clause.domain}


def roles_of(policy: Policy) -> set[str]:
    """The roles as a sentence may call them: of a floor without its name."""
    return {role.rpartition("/")[2] for person in policy.people for role in person.roles}


def _signed(policy: Policy, text: str, known: set[tuple[int, int]]) -> Iterator[tuple[str, str]]:
    """How many are to sign, where it is not said of how many."""
    said, enough = dict(leasts(text, roles_of(policy))), {it for it, _ in known}
    if enough and said and not enough & set(said.values()):
        yield next(iter(said)), " and ".join(map(_of_how_many, sorted(known)))
    for part, share, more in portions(text, roles_of(policy)):
        if known and not any(needed == (floor(share * of) + 1 if more else ceil(share * of)) for needed, of in known):
            yield part, " and ".join(map(_of_how_many, sorted(known)))
    if known and all(needed < of for needed, of in known):
        yield from ((it, " and ".join(map(_of_how_many, sorted(known)))) for it in everybody(text, roles_of(policy)))


def _of_how_many(quorum: tuple[int, int]) -> str:
    return f"{quorum[0]} of {quorum[1]}"


def _factored(text: str, own: set[Fraction], elsewhere: set[Fraction]) -> Iterator[tuple[str, str]]:
    factors = dict(grown(text)) if own else {}
    other = [said for said, value in factors.items() if value not in own | elsewhere]
    if factors and (other or not own & set(factors.values())):
        yield (other or list(factors))[0], " and ".join(format_factor(it) for it in sorted(own))


def unchecked(policy: Policy, clause: Clause, elsewhere: Set[Any]) -> tuple[str, ...]:
    """Figures in the sentence of kinds that the clause is not decided by at all; of each kind the first.

    One that stands `elsewhere` in the policy (`checked`) is a reference to that.
    """
    kinds = [_but_steps(policy, clause, said) for said, known, _ in _readings(policy, clause) if not known]
    kinds += [] if _growing(policy, clause) else [list(_but_ratios(policy, clause, grown(clause.text)))]
    scheduled, paces = list(_scheduled(clause)), _paces(policy, clause)
    spared = set(durations(clause.text)) - set(scheduled) if _dated(clause) else set()
    first = (
        next((it for it, value in said if value not in (paces if (it, value) in scheduled else elsewhere)), None)
        for said in ([it for it in kind if it not in spared] for kind in kinds)
    )
    told = tuple(it for it in first if it is not None)
    return told if any(dates_of(policy, clause)) else (*told, *undecided(clause.text, dates_of_policy(policy)))


def beside(policy: Policy, clause: Clause, elsewhere: Set[Any]) -> tuple[str, ...]:
    """Durations that the sentence has beside those that it is decided by, and that nothing in the policy is."""
    known = _lasting(policy, clause)
    said = () if _dated(clause) else tuple(durations(clause.text))
    if not any(lasts in known for _, lasts in said):
        return ()
    other = [it for it, lasts in said if lasts not in known and lasts not in elsewhere]
    return tuple(it for it in other if _DUE.search(clause.text[: clause.text.index(it)]) or _DUE.match(f"{it} "))


_DUE = re.compile(
    r"\b(?:within|after|every|each|(?:later|older|longer|more) than|at most)(?: the (?:last|next))? $", re.I
)
"""That something is to be done by then; what a lineage lasts is none of it."""


def _but_steps(policy: Policy, clause: Clause, said: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Without the amounts at which a cadence is due again, where it lists some: `after 4e22, 1.6e23 and 6.4e23`."""
    steps = list(dict.fromkeys(value for _, value in said)) if isinstance(clause, Cadence) else []
    pairs = list(pairwise(steps))
    growing = _growing(policy, clause)
    regular = pairs and all(isinstance(one, Fraction) and other in {one * it for it in growing} for one, other in pairs)
    return [] if regular else said


def _but_ratios(policy: Policy, clause: Clause, said: Iterable[tuple[str, Fraction]]) -> Iterator[tuple[str, Fraction]]:
    """Without what one amount of the policy is of another: `ten times the amount at which the moratorium holds`."""
    own, every = _limits(policy, clause), {it for other in policy.clauses for it in _limits(policy, other)}
    every |= {Fraction(policy.first_evaluation_at)} if policy.first_evaluation_at else set()
    ratios = {ratio for one in own for other in every if other and one for ratio in (one / other, other / one)}
    return (it for it in said if it[1] not in ratios - {Fraction(1)})


def decides(policy: Policy, clause: Clause) -> set[Fraction]:
    """The factors and the numbers of signatures that a clause is decided by."""
    return _growing(policy, clause) | {Fraction(it) for pair in _signing(policy, clause) for it in pair}


def _scheduled(clause: Clause) -> Iterator[tuple[str, Any]]:
    """Figures of which a sentence says how often: nothing but what is due as often answers for them, and no buffer or
    signature that happens to have the same figure."""
    if isinstance(clause, Cadence):
        named = {value for _, _, value in named_growth(clause.text)}
        yield from durations(clause.text)
        yield from (it for it in grown(clause.text) if it[1] not in named)
    elif isinstance(clause, Obligation):
        yield from rhythms(clause.text)


def _paces(policy: Policy, clause: Clause) -> set[Any]:
    """The factors and seconds after which something is due again by clauses of its kind."""
    paced = [it for it in policy.clauses if it.kind == clause.kind and isinstance(it, Cadence | Obligation)]
    return {figure for it in paced for figure in (*_growing(policy, it), *_lasting(policy, it))}


def checked(policy: Policy) -> set[Any]:
    """Every figure of the policy that a sentence may name: FLOP, seconds, factors and quorums."""
    found: set[Any] = {policy.first_evaluation_at, policy.lease, *_factors(policy)}
    found |= {domain.elicitation.at_least for domain in policy.domains if domain.of_capability}
    asked = [policy.amendment, *(it.decided_by for it in policy.determinations)]
    asked += [it.granted_by for it in policy.exceptions]
    asked += [it.test.approved_by for it in policy.clauses if isinstance(it, UndefinedTest)]
    found |= {(it.at_least, len(policy.signers(it))) for it in asked if it}
    for clause in policy.clauses:
        for _, known, _ in _readings(policy, clause):
            found |= known
    return found


def _readings(policy: Policy, clause: Clause) -> Iterator[tuple[list[tuple[str, Any]], set[Any], Callable[[Any], str]]]:
    """For each kind of figure but factors: those in the sentence, those that it is decided by, and how one is shown."""
    yield list(amounts(clause.text)), _limits(policy, clause), lambda it: exact_flop(int(it))
    yield list(durations(clause.text)), _lasting(policy, clause), lambda it: format_duration(int(it))
    yield list(quorums(clause.text, roles_of(policy))), _signing(policy, clause), _of_how_many


def _limits(policy: Policy, clause: Clause) -> set[Fraction]:
    """The amounts of compute that a clause is decided by."""
    if isinstance(clause, Condition):
        return _constants(in_figures(policy, clause.when), Kind.FLOP, policy)
    own = [value for name in ("at", "above", "first") if (value := getattr(clause, name, None)) is not None]
    own += [clause.limit] if isinstance(clause, Moratorium) and clause.limit is not None else []
    return {Fraction(it) for figure in own for it in all_values(policy, figure)}


def _constants(when: Expr, kind: Kind, policy: Policy) -> set[Fraction]:
    """The constants of comparisons of one kind, each also per one of a fact beside it."""
    known, found = vocabulary(policy), set[Fraction]()
    for compare in compares(when):
        pushes = net(compare)
        if {known.get(name) for name in pushes} == {kind}:
            size = abs(compare.right.const - compare.left.const)
            # An instant against a date has no length: only a difference of instants has.
            dated = kind is Kind.INSTANT and sum(pushes.values(), Fraction(0))
            if size and not dated:
                found |= {size, *(size / abs(it) for it in pushes.values() if it)}
    return found


def _judged(policy: Policy, clause: Condition) -> list[Determination]:
    """The determinations that a condition names."""
    named = fact_names(clause.when)
    return [it for it in policy.determinations if fact_of(it) in named]


def _risks(policy: Policy, clause: ResidualRisk) -> list[Risk]:
    return [it for it in policy.risks if it.id == clause.risk]


def _dated(clause: Clause) -> bool:
    """Whether it goes by a date: what a sentence says of time may be worked into that."""
    compared = compares(clause.when) if isinstance(clause, Condition) else ()
    return isinstance(clause, Moratorium | Obligation) or any(
        {name for name in net(it) if not name.startswith(PARAMETER)} == {"now"} for it in compared
    )


def _counts(expr: Expr) -> Iterator[tuple[int, int]]:
    if isinstance(expr, AtLeast):
        yield expr.k, len(expr.items)
    for item in children(expr):
        yield from _counts(item)


def _compare(said: Iterable[tuple[str, Any]], known: set[Any], show: Callable[[Any], str]) -> Iterator[tuple[str, str]]:
    """What is said first, if nothing that is said is known."""
    found = dict(said) if known else {}
    if found and not known & set(found.values()):
        yield next(iter(found)), " and ".join(show(it) for it in sorted(known))


def _growing(policy: Policy, clause: Clause) -> set[Fraction]:
    """The factors that a clause is decided by."""
    if isinstance(clause, Cadence):
        return set(map(Fraction, all_values(policy, clause.every))) if clause.every is not None else set()
    if isinstance(clause, ScaleCap):
        return set(map(Fraction, all_values(policy, clause.past)))
    if isinstance(clause, ResidualRisk):
        budget = {Fraction(10)} if clause.per == "tenfold" else set()
        return budget | {it.carries for it in _risks(policy, clause) if it.carries is not None}
    if isinstance(clause, Condition):
        return {it.carries for it in _judged(policy, clause) if it.carries is not None} | {
            abs(one / other)
            for compare in compares(in_figures(policy, clause.when))
            for one, other in permutations([it for it in net(compare).values() if it], 2)
            if (one > 0) is not (other > 0) and abs(one) > abs(other)
        }
    domains = [it for it in policy.domains if isinstance(clause, Capability) and it.id == clause.domain]
    return {factor for it in domains for factor in (it.buffer, it.margin, it.buffer / it.margin)}


def _factors(policy: Policy, but: type[Clause] | tuple[()] = ()) -> set[Fraction]:
    """All that any clause is decided by, `but` of one kind: a sentence may name another's."""
    return {factor for clause in policy.clauses if not isinstance(clause, but) for factor in _growing(policy, clause)}


def _lasting(policy: Policy, clause: Clause) -> set[int]:
    if isinstance(clause, Cadence):
        return set(all_values(policy, clause.within)) if clause.within is not None else set()
    if isinstance(clause, Obligation):
        return {it for it in (clause.each, clause.within) if it is not None}
    if isinstance(clause, Witnessed):
        return set(all_values(policy, clause.within))
    if isinstance(clause, ResidualRisk):
        return {it.valid_for for it in _risks(policy, clause)}
    if isinstance(clause, Condition):
        periods = {
            int(it) for it in _constants(in_figures(policy, clause.when), Kind.INSTANT, policy) if it.denominator == 1
        }
        return periods | {it.valid_for for it in _judged(policy, clause) if it.valid_for is not None}
    level = policy.level(clause.level) if isinstance(clause, Safeguards) else None
    if level is None:
        return set()
    return {it.valid_for for it in (*level.safeguards, level.approvals) if it is not None and it.valid_for is not None}


def _signing(policy: Policy, clause: Clause) -> set[tuple[int, int]]:
    """How many are to sign, or to have adopted it, of how many."""
    if isinstance(clause, Condition):
        judged = {(it.decided_by.at_least, len(policy.signers(it.decided_by))) for it in _judged(policy, clause)}
        return judged | set(_counts(clause.when))
    if isinstance(clause, ResidualRisk):
        return {(it.claimed_by.at_least, len(policy.signers(it.claimed_by))) for it in _risks(policy, clause)}
    if isinstance(clause, Witnessed):
        return {(clause.at_least, len(clause.witnesses))}
    if isinstance(clause, Obligation | UndefinedTest):
        own = clause.kept_by if isinstance(clause, Obligation) else clause.test.approved_by
        return {(own.at_least, len(policy.signers(own)))}
    tiers = {(tier.binds_at, len(set(tier.parties))) for tier in policy.tiers if tier.id == clause.tier}
    level = policy.level(clause.level) if isinstance(clause, Safeguards) else None
    quorum = level.approvals if level is not None else None
    return tiers | ({(quorum.at_least, len(policy.signers(quorum)))} if quorum else set())
