"""Figures in a clause's sentence beside those that it is decided by: people sign for the sentence.

Only what is plainly written is read: amounts with an exponent or many digits, factors as `4x`, durations in digits, and
a quorum as `two of three`. Whatever else a sentence says is for people to compare.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Set
from fractions import Fraction
from itertools import permutations
from typing import Any

from scalegate.policy.clause_figures import all_values
from scalegate.policy.dating import in_figures
from scalegate.policy.determined import fact_of
from scalegate.policy.document import (
    Cadence,
    Capability,
    Clause,
    Condition,
    Determination,
    Moratorium,
    Obligation,
    Policy,
    Safeguards,
    ScaleCap,
    UndefinedTest,
)
from scalegate.policy.syntax import PARAMETER, AtLeast, Expr, children, compares, fact_names, net
from scalegate.policy.vocabulary import Kind, vocabulary
from scalegate.units import exact_flop, format_duration, format_factor, parse_duration

__all__ = ["checked", "figures", "misquotes", "unchecked"]


def figures(text: str) -> tuple[str, ...]:
    """What is read as a figure in a text, of any kind."""
    plain = (it for it, _ in (*_amounts(text), *_durations(text), *_quorums(text), *_grown(text)))
    return (*plain, *_SHARE.findall(text))


def misquotes(policy: Policy, clause: Clause) -> Iterator[tuple[str, str]]:
    """What the sentence says, and what it is decided by instead; nothing where they agree or it names no figure."""
    for said, known, show in _readings(policy, clause):
        yield from _compare(said, known, show)
    own, any_of = _growing(policy, clause), _factors(policy)
    factors = dict(_grown(clause.text)) if own else {}
    other = [text for text, value in factors.items() if value not in own | any_of]
    if factors and (other or not own & set(factors.values())):
        yield (other or list(factors))[0], " and ".join(format_factor(it) for it in sorted(own))


def unchecked(policy: Policy, clause: Clause, elsewhere: Set[Any]) -> tuple[str, ...]:
    """Figures in the sentence of kinds that the clause is not decided by at all; of each kind the first.

    One that stands `elsewhere` in the policy (`checked`) is a reference to that.
    """
    kinds = [list(said) for said, known, _ in _readings(policy, clause) if not known]
    kinds = [[it for it in said if not (_dated(clause) and it in list(_durations(clause.text)))] for said in kinds]
    kinds += [] if _growing(policy, clause) else [list(_grown(clause.text))]
    first = (next((text for text, value in said if value not in elsewhere), None) for said in kinds)
    return tuple(it for it in first if it is not None)


def checked(policy: Policy) -> set[Any]:
    """Every figure of the policy that a sentence may name: FLOP, seconds, factors and quorums."""
    found: set[Any] = {policy.first_evaluation_at, policy.lease, *_factors(policy)}
    found |= {domain.elicitation.at_least for domain in policy.domains}
    quorums = [policy.amendment, *(it.decided_by for it in policy.determinations)]
    quorums += [it.granted_by for it in policy.exceptions]
    quorums += [it.test.approved_by for it in policy.clauses if isinstance(it, UndefinedTest)]
    found |= {(it.at_least, len(policy.signers(it))) for it in quorums if it}
    for clause in policy.clauses:
        for _, known, _ in _readings(policy, clause):
            found |= known
    return found


def _readings(policy: Policy, clause: Clause) -> Iterator[tuple[list[tuple[str, Any]], set[Any], Callable[[Any], str]]]:
    """For each kind of figure but factors: those in the sentence, those that it is decided by, and how one is shown."""
    own = [value for name in ("at", "above", "first") if (value := getattr(clause, name, None)) is not None]
    own += [clause.limit] if isinstance(clause, Moratorium) and clause.limit is not None else []
    amounts = {Fraction(it) for figure in own for it in all_values(policy, figure)}
    if isinstance(clause, Condition):
        amounts = _constants(in_figures(policy, clause.when), Kind.FLOP, policy)
    durations, quorums = _lasting(policy, clause), _signing(policy, clause)
    yield list(_amounts(clause.text)), amounts, lambda it: exact_flop(int(it))
    yield list(_durations(clause.text)), durations, lambda it: format_duration(int(it))
    yield list(_quorums(clause.text)), quorums, lambda it: f"{it[0]} of {it[1]}"


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
    if isinstance(clause, Condition):
        return {it.carries for it in _judged(policy, clause) if it.carries is not None} | {
            abs(one / other)
            for compare in compares(in_figures(policy, clause.when))
            for one, other in permutations([it for it in net(compare).values() if it], 2)
            if (one > 0) is not (other > 0) and abs(one) > abs(other)
        }
    domains = [it for it in policy.domains if isinstance(clause, Capability) and it.id == clause.domain]
    return {factor for it in domains for factor in (it.buffer, it.margin, it.buffer / it.margin)}


def _factors(policy: Policy) -> set[Fraction]:
    """All that any clause is decided by: a sentence may name another's."""
    return {factor for clause in policy.clauses for factor in _growing(policy, clause)}


def _lasting(policy: Policy, clause: Clause) -> set[int]:
    if isinstance(clause, Cadence):
        return set(all_values(policy, clause.within)) if clause.within is not None else set()
    if isinstance(clause, Obligation):
        return {it for it in (clause.each, clause.within) if it is not None}
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
    if isinstance(clause, Obligation):
        return {(clause.kept_by.at_least, len(policy.signers(clause.kept_by)))}
    tiers = {(tier.binds_at, len(set(tier.parties))) for tier in policy.tiers if tier.id == clause.tier}
    level = policy.level(clause.level) if isinstance(clause, Safeguards) else None
    quorum = level.approvals if level is not None else None
    return tiers | ({(quorum.at_least, len(policy.signers(quorum)))} if quorum else set())


_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_COUNT = rf"({'|'.join(_WORDS)}|[1-9][0-9]?)"
_QUORUM = re.compile(rf"\b{_COUNT} of (?:the |our )?{_COUNT}\b", re.IGNORECASE)
_DURATION = re.compile(r"(?<![\w.])([1-9][0-9]{0,2}) (second|minute|hour|day|week|month|year)s?\b")
_FACTOR = re.compile(r"(?<![\w.,])[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?(?=x\b)")
_SHARE = re.compile(r"(?<![\w.,])[0-9]+(?:\.[0-9]+)? ?%")
_AMOUNT = re.compile(
    r"(?<![\w.^/])(?:"
    r"(?P<number>[0-9]+(?:\.[0-9]+)?)[eE]\+?(?P<exponent>[0-9]{1,2})"
    r"|(?:(?P<times>[0-9]+(?:\.[0-9]+)?) ?[x*\u00d7\u00b7] ?)?10 ?(?:\^|\*\*) ?\{?(?P<power>[0-9]{1,2})\}?"
    r"|(?P<plain>[0-9]{1,3}(?:[,_ ][0-9]{3}){2,}|[0-9]{7,})"
    r")(?![\w^])"
)
"""1e15, 10^15, 1.5 x 10^15, 1,000,000: what a sentence may write for an amount of compute."""


def _amounts(text: str) -> Iterator[tuple[str, Fraction]]:
    for found in _AMOUNT.finditer(text):
        if found["plain"]:
            value = Fraction(re.sub("[,_ ]", "", found["plain"]))
        elif found["power"]:
            value = Fraction(found["times"] or 1) * 10 ** int(found["power"])
        else:
            value = Fraction(found["number"]) * 10 ** int(found["exponent"])
        yield found[0], value


def _grown(text: str) -> Iterator[tuple[str, Fraction]]:
    for found in _FACTOR.findall(text):
        yield f"{found}x", Fraction(found.replace(",", ""))


def _durations(text: str) -> Iterator[tuple[str, int]]:
    for found in _DURATION.finditer(text):
        yield found[0], parse_duration(f"{found[1]} {found[2]}s")


def _quorums(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    for found in _QUORUM.finditer(text):
        yield found[0], (_count(found[1]), _count(found[2]))


def _count(word: str) -> int:
    return _WORDS.index(word.lower()) + 1 if word.lower() in _WORDS else int(word)
