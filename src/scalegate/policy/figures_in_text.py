"""Figures as a sentence may write them: amounts of compute, factors, durations, shares, chances and quorums.

Only what is plainly written is read: amounts with an exponent, many digits or a unit, or as `ten trillion FLOP`;
factors as `4x`, `tenfold` or `every doubling`; durations in digits, or as what comes back `every six weeks`; a chance
as `0.1%`; a quorum as `two of three`, `all three officers` or `at least 2 officers`; and a level as `level 3`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from fractions import Fraction

from scalegate.units import DAY, parse_duration, parse_flop

__all__ = [
    "amounts",
    "bounding",
    "bounding_growth",
    "chances",
    "counted",
    "durations",
    "everybody",
    "figures",
    "grown",
    "lasting",
    "leasts",
    "levels",
    "named_growth",
    "quorums",
    "recurring",
    "rhythms",
]


def figures(text: str) -> tuple[str, ...]:
    """What is read as a figure in a text, of any kind."""
    plain = (it for it, _ in (*amounts(text), *durations(text), *quorums(text), *grown(text)))
    return (*plain, *_SHARE.findall(text))


WEEK = 7 * DAY
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_COUNT = rf"({'|'.join(_WORDS)}|[1-9][0-9]?)"
_QUORUM = re.compile(rf"\b{_COUNT} of (?:the |our )?{_COUNT}\b", re.IGNORECASE)
_ALL = re.compile(rf"\ball (?:of )?(?:the |our )?{_COUNT} ([a-z]+)(?: ([a-z]+))?\b", re.IGNORECASE)
_LEAST = re.compile(rf"\b(?:at least|by|from) {_COUNT} (?:of (?:the|our) )?([a-z]+)\b", re.IGNORECASE)
_PLAIN = re.compile(
    rf"(?<!\bof )(?<!\bof the )(?<!\bof our )(?<!\ball )(?<!\ball the )(?<!\bthan )\b{_COUNT} ([a-z]+)(?: ([a-z]+))?\b",
    re.IGNORECASE,
)
"""`three officers`, `three board members`: no part of `two of three officers`."""
_ACT = re.compile(
    r"['\u2019]| (?:each |both |also |all )?(?:have|has|had|must|will|shall|may|let|need|are to|sign|agree|approve"
    r"|consent|authori[sz]e|decide|grant)",
    re.IGNORECASE,
)
"""That these people do something: of `a report on three officers` they are what it is about."""
_PARTIES = frozenset({"developer", "lab", "party", "company"})
_AGREED = re.compile(
    r" (?:(?:have|has|had|must|will|shall) )?(?:all |each |also )?"
    r"(?:sign|agree|approve|consent|authori[sz]e|adopt|join|ratif)(?:e?[ds]|ied|ies|y)?\b",
    re.IGNORECASE,
)
_BY = re.compile(
    r"\b(?:(?:signed|approved|agreed|adopted) by|(?:signatures?|approval|consent|agreement) (?:of|by|from)) $",
    re.IGNORECASE,
)
_EVERY = re.compile(
    r"\b(?:(?:every|each)(?: one)? of (?:the|our) (?P<many>[a-z]+s)|(?:every|each) (?P<one>[a-z]+))\b", re.IGNORECASE
)
"""`every officer`, `each of the officers`."""
_OF_A_KIND = frozenset({"signature", "signatory", "officer", "director"})
"""Who signs, where no word but the number says that it is about how many."""
_SIGNERS = frozenset({"people", "person", "them", "member", "signature", "signatory", "officer", "director"})
_DURATION = re.compile(r"(?<![\w.])([1-9][0-9]{0,2}) (second|minute|hour|day|week|month|year)s?\b")
_RHYTHM = re.compile(
    rf"\b(?:every|each|once an?|once per|once every) (?:(?P<count>{_COUNT}|other|second) )?(?P<unit>hour|day|week|month"
    r"|quarter|year)s?\b(?!['\u2019])"
    r"|\b(?P<twice>twice) (?:an?|per|each|every) (?P<half>day|month|year)\b"
    r"|\b(?P<adverb>hourly|daily|weekly|fortnightly|monthly|quarterly|yearly|annually)\b"
    r"(?=[,.;:)]|$| (?:and|or|as|by|at|in|on|after|from|during|with|for|whichever)\b)",
    re.IGNORECASE,
)
"""`every six weeks`, `once a year`, `quarterly`: of an adverb only what says no more of a noun, as in `weekly logs`."""
_ADVERBS = {
    "hourly": "1 hour",
    "daily": "1 day",
    "weekly": "1 week",
    "fortnightly": "2 weeks",
    "monthly": "1 month",
    "quarterly": "3 months",
    "yearly": "1 year",
    "annually": "1 year",
}
_WITHIN = re.compile(
    rf"\bwithin (?P<count>an?|{'|'.join(_WORDS)}) (?P<unit>hour|day|week|month|year)s?\b", re.IGNORECASE
)
_FOR = re.compile(r"\bfor (?:an?|one) (?P<unit>hour|day|week|month|year)\b", re.IGNORECASE)
_HALF_YEAR = re.compile(r"\b(?:every|each|once every) (?:half[ -](?:a )?year|six-month period)\b", re.IGNORECASE)
_HALVES = {"day": "12 hours", "month": "15 days", "year": "6 months"}
_TIMES = {"doubl": 2, "tripl": 3, "quadrupl": 4}
_GROWTH = re.compile(
    rf"\b(?:(?P<fold>{_COUNT}|hundred)-?fold\b|(?P<times>doubl|tripl|quadrupl)(?:ed|es|ing)\b"
    r"|(?P<magnitude>(?:every|each|per) order of magnitude)\b"
    rf"|(?P<twice>twice) (?:the|its|as)\b|{_COUNT} times (?:the|its|as|that|more)\b|a factor of {_COUNT}\b(?!\.[0-9]))",
    re.IGNORECASE,
)
"""`tenfold`, `every doubling`, `twice the evidence`, `four times as much`."""
_LEVEL = re.compile(rf"\blevel {_COUNT}\b(?!\.[0-9])", re.IGNORECASE)
_FACTOR = re.compile(r"(?<![\w.,])[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?(?=x\b)")
_SERIES = re.compile(rf"{_FACTOR.pattern}x(?:,? (?:and |or )?{_FACTOR.pattern}x){{2,}}")
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
_HUNDREDS = {"": 1, "hundred": 100, "thousand": 1000}
_ILLIONS = ("million", "billion", "trillion", "quadrillion", "quintillion", "sextillion", "septillion", "octillion")
_WORDED = re.compile(
    rf"(?<![\w.])(?:(?P<number>[0-9]+(?:\.[0-9]+)?|an?|{'|'.join(_WORDS)}) )?(?:(?P<hundred>hundred|thousand) )?"
    rf"(?P<illion>{'|'.join(_ILLIONS)}) (?:effective )?(?:FLOPs?|operations)\b",
    re.IGNORECASE,
)
"""`a hundred billion FLOP`."""
_BOUND = re.compile(
    r"\b(?:past|above|over|beyond|under|below|within|exceed(?:s|ing)?|(?:more|less|further) than|up to|at most)"
    r" (?:the |our |a |an )?$",
    re.IGNORECASE,
)


def amounts(text: str) -> Iterator[tuple[str, Fraction]]:
    yield from ((said, value) for _, said, value in _amounts(text))


def bounding(text: str) -> Iterator[tuple[str, Fraction]]:
    """Those amounts that a sentence says something is to stay on one side of: `past 1e24 FLOP`."""
    yield from ((said, value) for start, said, value in _amounts(text) if _BOUND.search(text[:start]))


def _amounts(text: str) -> Iterator[tuple[int, str, Fraction]]:
    """Each with where it begins."""
    for found in _AMOUNT.finditer(text):
        yield found.start(), found[0], _amount(found)
    for found in _WORDED.finditer(text):
        number, hundred = (found["number"] or "a").lower(), (found["hundred"] or "").lower()
        many = Fraction(number) if number[0].isdigit() else Fraction(1 if number in ("a", "an") else _count(number))
        power = 6 + 3 * _ILLIONS.index(found["illion"].lower())
        yield found.start(), found[0], many * _HUNDREDS[hundred] * 10**power


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
    for found in _FACTOR.findall(_SERIES.sub(_first_of, text)):
        yield f"{found}x", Fraction(found.replace(",", ""))
    for worded in _GROWTH.finditer(text):
        yield worded[0], Fraction(_times(worded))


def _first_of(listed: re.Match[str]) -> str:
    """Of `4x, 16x and 64x` the first: each is one more step of it."""
    factors = [Fraction(it.replace(",", "")) for it in _FACTOR.findall(listed[0])]
    steps = all(it == factors[0] ** (at + 1) for at, it in enumerate(factors))
    return f"{_FACTOR.findall(listed[0])[0]}x" if steps else listed[0]


def _times(found: re.Match[str]) -> int:
    if found["fold"]:
        return 100 if found["fold"].lower() == "hundred" else _count(found["fold"])
    if found["times"]:
        return _TIMES[found["times"].lower()]
    if found["magnitude"]:
        return 10
    return 2 if found["twice"] else _count(next(it for it in reversed(found.groups()) if it))


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
    for worded in _GROWTH.finditer(text):
        if _BOUND.search(text[: worded.start()]):
            yield worded[0], Fraction(_times(worded))


def durations(text: str) -> Iterator[tuple[str, int]]:
    for found in _DURATION.finditer(text):
        yield found[0], parse_duration(f"{found[1]} {found[2]}s")
    for found in _WITHIN.finditer(text):
        many = 1 if found["count"].lower() in ("a", "an") else _count(found["count"])
        yield found[0], parse_duration(f"{many} {found['unit'].lower()}s")
    yield from _worded_rhythms(text)


def rhythms(text: str) -> Iterator[tuple[str, int]]:
    """Those of the durations at each of which something comes back: `every six weeks`."""
    for found in re.finditer(rf"\b(?:every|each) ({_DURATION.pattern})", text, re.IGNORECASE):
        yield from durations(found[1])
    yield from _worded_rhythms(text)


def _worded_rhythms(text: str) -> Iterator[tuple[str, int]]:
    yield from ((found[0], parse_duration("6 months")) for found in _HALF_YEAR.finditer(text))
    for found in _RHYTHM.finditer(text):
        count = (found["count"] or "1").lower()
        if found["adverb"]:
            yield found[0], parse_duration(_ADVERBS[found["adverb"].lower()])
        elif found["twice"]:
            yield found[0], parse_duration(_HALVES[found["half"].lower()])
        elif found["unit"].lower() == "quarter":
            many = 2 if count in ("other", "second") else _count(count)
            yield found[0], many * parse_duration("3 months")
        elif not count[0].isdigit() or found["count"] is None:
            many = 2 if count in ("other", "second") else _count(count)
            yield found[0], parse_duration(f"{many} {found['unit'].lower()}s")


def counted(text: str) -> Iterator[tuple[str, int]]:
    """Those durations for which it says that something counts: `each claim counts for 2 years`."""
    for found in re.finditer(rf"\b(?:counts?|valid|stands?|holds?)\b[^.;]{{0,30}}?({_DURATION.pattern})", text):
        yield from durations(found[1])


def recurring(text: str) -> Iterator[str]:
    """Durations within which, or at each of which, something is done: `reviewed every 6 months`."""
    before = r"\b(?:within|every|each|for|last|past)(?: the (?:last|past))?"
    for found in re.finditer(rf"{before} ({_DURATION.pattern})", text):
        yield found[1]
    yield from (said for said, lasts in _worded_rhythms(text) if lasts >= WEEK)


def lasting(text: str) -> Iterator[tuple[str, int]]:
    """Durations for which a signature may be said to count. What happens `every day` is what was signed for."""
    daily = {it for it in _worded_rhythms(text) if it[1] < WEEK}
    # "Answered within a day" is what was signed for.
    answered = {found[0] for found in _WITHIN.finditer(text)}
    yield from (it for it in durations(text) if it not in daily and it[0] not in answered)
    yield from ((found[0], parse_duration(f"1 {found['unit'].lower()}")) for found in _FOR.finditer(text))


def chances(text: str) -> Iterator[tuple[str, Fraction]]:
    for share in _SHARE.findall(text):
        yield share, Fraction(share.rstrip(" %")) / 100
    for found in _ONE_IN.finditer(text):
        many = int(found["many"].replace(",", ""))
        if many:
            yield found[0], Fraction(1, many)


def quorums(text: str, roles: Collection[str] = ()) -> Iterator[tuple[str, tuple[int, int]]]:
    for found in _QUORUM.finditer(text):
        yield found[0], (_count(found[1]), _count(found[2]))
    for found in _ALL.finditer(text):
        people = _people(found[2], found[3], {*roles, "member"}) or _parties(found[2], text[found.end(2) :])
        if people:
            said = found[0][: found[0].rindex(people) + len(people)]
            yield said, (_count(found[1]), _count(found[1]))


def leasts(text: str, roles: Collection[str]) -> Iterator[tuple[str, int]]:
    """How many are to sign, where it is not said of how many: `at least 3 officers`, `three officers`."""
    for found in _LEAST.finditer(text):
        if found[2].lower().removesuffix("s") in _SIGNERS | set(roles) or found[2].lower() in _SIGNERS:
            yield found[0], _count(found[1])
    for found in _PLAIN.finditer(text):
        people = _people(found[2], found[3], roles)
        rest = text[found.start(2) + len(people) :]
        if people and (people.lower().startswith("signat") or _ACT.match(rest)):
            yield f"{found[1]} {people}", _count(found[1])


def _people(noun: str, after: str | None, roles: Collection[str]) -> str:
    """Those who sign, as two words name them or the first alone; empty: they name something else."""
    if _singular(noun) in _OF_A_KIND | set(roles) and _singular(after or "") != "member":
        return noun
    named = after is not None and (_singular(after) in _OF_A_KIND or (_singular(after) == "member" and noun in roles))
    return f"{noun} {after}" if named else ""


def everybody(text: str, roles: Collection[str]) -> Iterator[str]:
    """Where all of them are to sign, and it is not said how many these are: `all officers`."""
    for found in re.finditer(
        rf"\ball (?:of )?(?:the |our )?(?!{_COUNT}\b)(?P<one>[a-z]+)(?: (?P<more>[a-z]+))?\b", text, re.IGNORECASE
    ):
        people = _people(found["one"], found["more"], roles)
        people = people or _parties(found["one"], text[found.end("one") :])
        if people.endswith("s"):
            yield found[0][: found[0].rindex(people) + len(people)]
    for found in _EVERY.finditer(text):
        noun = _singular(found["one"] or found["many"])
        signs = _AGREED.match(text[found.end() :]) or _BY.search(text[: found.start()])
        if signs and noun in _OF_A_KIND | _PARTIES | set(roles):
            yield found[0]
    yield from (found[0] for found in re.finditer(r"\bunanimous(?:ly)?\b", text, re.IGNORECASE))


def _parties(noun: str, rest: str) -> str:
    """Developers who agree, as a tier counts them."""
    return noun if _singular(noun) in _PARTIES and _AGREED.match(rest) else ""


def levels(text: str) -> Iterator[tuple[str, int]]:
    for found in _LEVEL.finditer(text):
        yield found[0], _count(found[1])


def _singular(word: str) -> str:
    lower = word.lower()
    return f"{lower[:-3]}y" if lower.endswith("ies") else lower.removesuffix("s")


def _count(word: str) -> int:
    return _WORDS.index(word.lower()) + 1 if word.lower() in _WORDS else int(word)
