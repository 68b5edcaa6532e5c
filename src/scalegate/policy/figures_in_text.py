"""Figures as a sentence may write them: amounts of compute, factors, durations, shares, chances and quorums.

Only what is plainly written is read: amounts with an exponent, many digits or a unit, factors as `4x`, durations in
digits, a chance as `0.1%`, and a quorum as `two of three` or `at least 2 officers`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from fractions import Fraction

from scalegate.units import parse_duration, parse_flop

__all__ = [
    "amounts",
    "bounding",
    "bounding_growth",
    "chances",
    "counted",
    "durations",
    "figures",
    "grown",
    "leasts",
    "named_growth",
    "quorums",
    "recurring",
]


def figures(text: str) -> tuple[str, ...]:
    """What is read as a figure in a text, of any kind."""
    plain = (it for it, _ in (*amounts(text), *durations(text), *quorums(text), *grown(text)))
    return (*plain, *_SHARE.findall(text))


_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_COUNT = rf"({'|'.join(_WORDS)}|[1-9][0-9]?)"
_QUORUM = re.compile(rf"\b{_COUNT} of (?:the |our )?{_COUNT}\b", re.IGNORECASE)
_LEAST = re.compile(rf"\b(?:at least|by|from) {_COUNT} (?:of (?:the|our) )?([a-z]+)\b", re.IGNORECASE)
_SIGNERS = frozenset({"people", "person", "them", "member", "signature", "signatory", "officer", "director"})
_DURATION = re.compile(r"(?<![\w.])([1-9][0-9]{0,2}) (second|minute|hour|day|week|month|year)s?\b")
_FACTOR = re.compile(r"(?<![\w.,])[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?(?=x\b)")
_NAMED = re.compile(
    rf"\b(?P<name>buffer|margin),?(?: (?:is|of|at))* \(?(?P<of>{_FACTOR.pattern})x"
    rf"|(?P<before>{_FACTOR.pattern})x (?:safety )?(?P<called>buffer|margin)\b",
    re.IGNORECASE,
)
"""`a buffer of 6x`, `the margin (1.5x)`, `a 6x buffer`."""
_SHARE = re.compile(r"(?<![\w.,])[0-9]+(?:\.[0-9]+)? ?%")
_ONE_IN = re.compile(r"\b(?:1|one) in (?P<many>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)\b", re.IGNORECASE)
_RAISED = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"
_AMOUNT = re.compile(
    r"(?<![\w.^/])(?:"
    r"(?P<number>[0-9]+(?:\.[0-9]+)?)[eE]\+?(?P<exponent>[0-9]{1,2})"
    r"|(?:(?P<times>[0-9]+(?:\.[0-9]+)?) ?[x*\u00d7\u00b7] ?)?10"
    rf"(?: ?(?:\^|\*\*) ?\{{?(?P<power>[0-9]{{1,2}})\}}?|(?P<raised>[{_RAISED}]{{1,2}}))"
    r"|(?P<scaled>[0-9]+(?:\.[0-9]+)?) ?(?P<unit>[kMGTPEZY]FLOP)s?"
    r"|(?P<plain>[0-9]{1,3}(?:[,_ ][0-9]{3}){2,}|[0-9]{7,})"
    r")(?![\w^])"
)
"""1e15, 10^15, 1.5 x 10^15, 1 PFLOP, 1,000,000: what a sentence may write for an amount of compute."""
_BOUND = re.compile(
    r"\b(?:past|above|over|beyond|under|below|within|exceed(?:s|ing)?|(?:more|less|further) than|up to|at most)"
    r" (?:the |our |a |an )?$",
    re.IGNORECASE,
)


def amounts(text: str) -> Iterator[tuple[str, Fraction]]:
    for found in _AMOUNT.finditer(text):
        yield found[0], _amount(found)


def bounding(text: str) -> Iterator[tuple[str, Fraction]]:
    """Those amounts that a sentence says something is to stay on one side of: `past 1e24 FLOP`."""
    for found in _AMOUNT.finditer(text):
        if _BOUND.search(text[: found.start()]):
            yield found[0], _amount(found)


def _amount(found: re.Match[str]) -> Fraction:
    if found["plain"]:
        return Fraction(re.sub("[,_ ]", "", found["plain"]))
    if found["scaled"]:
        return Fraction(found["scaled"]) * parse_flop(f"1 {found['unit']}")
    if found["power"] or found["raised"]:
        power = found["power"] or "".join(str(_RAISED.index(it)) for it in found["raised"])
        return Fraction(found["times"] or 1) * Fraction(10) ** int(power)
    return Fraction(found["number"]) * Fraction(10) ** int(found["exponent"])


def grown(text: str) -> Iterator[tuple[str, Fraction]]:
    for found in _FACTOR.findall(text):
        yield f"{found}x", Fraction(found.replace(",", ""))


def named_growth(text: str) -> Iterator[tuple[str, str, Fraction]]:
    """Factors that a sentence calls a buffer or a margin, each with that name."""
    for found in _NAMED.finditer(text):
        yield (found["name"] or found["called"]).lower(), *next(grown(found[0]))


def bounding_growth(text: str) -> Iterator[tuple[str, Fraction]]:
    """Factors that a sentence says something stays within, and has no name for: `at most 4x`."""
    unnamed = _NAMED.sub(lambda found: "-" * len(found[0]), text)
    for found in _FACTOR.finditer(unnamed):
        if _BOUND.search(unnamed[: found.start()]):
            yield from grown(f"{found[0]}x")


def durations(text: str) -> Iterator[tuple[str, int]]:
    for found in _DURATION.finditer(text):
        yield found[0], parse_duration(f"{found[1]} {found[2]}s")


def counted(text: str) -> Iterator[tuple[str, int]]:
    """Those durations for which it says that something counts: `each claim counts for 2 years`."""
    for found in re.finditer(rf"\b(?:counts?|valid|stands?|holds?)\b[^.;]{{0,30}}?({_DURATION.pattern})", text):
        yield from durations(found[1])


def recurring(text: str) -> Iterator[str]:
    """Durations within which, or at each of which, something is done: `reviewed every 6 months`."""
    before = r"\b(?:within|every|each|for|last|past)(?: the (?:last|past))?"
    for found in re.finditer(rf"{before} ({_DURATION.pattern})", text):
        yield found[1]


def chances(text: str) -> Iterator[tuple[str, Fraction]]:
    for share in _SHARE.findall(text):
        yield share, Fraction(share.rstrip(" %")) / 100
    for found in _ONE_IN.finditer(text):
        many = int(found["many"].replace(",", ""))
        if many:
            yield found[0], Fraction(1, many)


def quorums(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    for found in _QUORUM.finditer(text):
        yield found[0], (_count(found[1]), _count(found[2]))


def leasts(text: str, roles: Collection[str]) -> Iterator[tuple[str, int]]:
    """How many are to sign, where it is not said of how many: `at least 3 officers`."""
    for found in _LEAST.finditer(text):
        if found[2].lower().removesuffix("s") in _SIGNERS | set(roles) or found[2].lower() in _SIGNERS:
            yield found[0], _count(found[1])


def _count(word: str) -> int:
    return _WORDS.index(word.lower()) + 1 if word.lower() in _WORDS else int(word)
