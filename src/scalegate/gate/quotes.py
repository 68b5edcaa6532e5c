"""Figures in a clause's sentence beside those that it is decided by: people sign for the sentence.

Only what is plainly written is read: amounts with an exponent or many digits, factors as `4x`, durations in digits, and
a quorum as `two of three`. Whatever else a sentence says is for people to compare.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any

from scalegate.policy.document import Cadence, Capability, Clause, Policy, Safeguards
from scalegate.units import exact_flop, format_duration, format_factor, parse_duration

__all__ = ["misquotes"]


def misquotes(policy: Policy, clause: Clause) -> Iterator[tuple[str, str]]:
    """What the sentence says, and what it is decided by instead; nothing where they agree or it names no figure."""
    amounts = {Fraction(value) for name in ("at", "above") if (value := getattr(clause, name, None)) is not None}
    yield from _compare(_amounts(clause.text), amounts, lambda it: exact_flop(int(it)))
    yield from _compare(_durations(clause.text), _lasting(policy, clause), lambda it: format_duration(int(it)))
    yield from _compare(_quorums(clause.text), _signing(policy, clause), lambda it: f"{it[0]} of {it[1]}")
    own, any_of = _growing(policy, clause), _factors(policy)
    said = {f"{text}x": Fraction(text.replace(",", "")) for text in _FACTOR.findall(clause.text)} if own else {}
    other = [text for text, value in said.items() if value not in own | any_of]
    if said and (other or not own & set(said.values())):
        yield (other or list(said))[0], " and ".join(format_factor(it) for it in sorted(own))


def _compare(said: Iterable[tuple[str, Any]], known: set[Any], show: Callable[[Any], str]) -> Iterator[tuple[str, str]]:
    """What is said first, if nothing that is said is known."""
    found = dict(said) if known else {}
    if found and not known & set(found.values()):
        yield next(iter(found)), " and ".join(show(it) for it in sorted(known))


def _growing(policy: Policy, clause: Clause) -> set[Fraction]:
    """The factors that a clause is decided by."""
    if isinstance(clause, Cadence):
        return {clause.every} if clause.every is not None else set()
    domains = [it for it in policy.domains if isinstance(clause, Capability) and it.id == clause.domain]
    return {factor for it in domains for factor in (it.buffer, it.margin, it.buffer / it.margin)}


def _factors(policy: Policy) -> set[Fraction]:
    """All that any clause is decided by: a sentence may name another's."""
    return {factor for clause in policy.clauses for factor in _growing(policy, clause)}


def _lasting(policy: Policy, clause: Clause) -> set[int]:
    if isinstance(clause, Cadence):
        return {clause.within} if clause.within is not None else set()
    level = policy.level(clause.level) if isinstance(clause, Safeguards) else None
    if level is None:
        return set()
    return {it.valid_for for it in (*level.safeguards, level.approvals) if it is not None and it.valid_for is not None}


def _signing(policy: Policy, clause: Clause) -> set[tuple[int, int]]:
    """How many are to sign, of how many."""
    level = policy.level(clause.level) if isinstance(clause, Safeguards) else None
    quorum = level.approvals if level is not None else None
    return {(quorum.at_least, len(policy.with_role(quorum.role)))} if quorum else set()


_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_COUNT = rf"({'|'.join(_WORDS)}|[1-9][0-9]?)"
_QUORUM = re.compile(rf"\b{_COUNT} of (?:the |our )?{_COUNT}\b", re.IGNORECASE)
_DURATION = re.compile(r"(?<![\w.])([1-9][0-9]{0,2}) (second|minute|hour|day|week|month|year)s?\b")
_FACTOR = re.compile(r"(?<![\w.,])[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?(?=x\b)")
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


def _durations(text: str) -> Iterator[tuple[str, int]]:
    for found in _DURATION.finditer(text):
        yield found[0], parse_duration(f"{found[1]} {found[2]}s")


def _quorums(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    for found in _QUORUM.finditer(text):
        yield found[0], (_count(found[1]), _count(found[2]))


def _count(word: str) -> int:
    return _WORDS.index(word.lower()) + 1 if word.lower() in _WORDS else int(word)
