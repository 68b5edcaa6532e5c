"""Durations as a sentence may write them: `6 months`, `two weeks`, `within a hundred days`, `every fortnight`.

A month is 30 days and a year 365, as in the fields of a policy. `A year` alone is read only behind a word that says
how long or how often: elsewhere it is a phrase.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from scalegate.policy.numerals import COUNT, count
from scalegate.units import DAY, parse_duration

__all__ = ["counted", "durations", "lasting", "recurring", "rhythms"]

WEEK = 7 * DAY
_UNITS = {
    **{name: parse_duration(f"1 {name}s") for name in ("second", "minute", "hour", "day", "week", "month", "year")},
    "fortnight": 2 * WEEK,
    "quarter": parse_duration("3 months"),
    "decade": parse_duration("10 years"),
}
_UNIT = rf"(?:{'|'.join(_UNITS)})"
_DURATION = re.compile(
    r"(?<![\w.,/-])([1-9][0-9]{0,3})[ -](second|minute|hour|day|week|fortnight|month|year|decade)s?\b"
)
_RHYTHM = re.compile(
    rf"\b(?:every|each|once an?|once per|once every) (?:(?P<count>{COUNT}|other|second|couple of) )?(?P<unit>hour|day"
    r"|week|fortnight|month|quarter|year|decade)s?\b(?!['\u2019])"
    rf"|\b(?P<times>twice|{COUNT} times) (?:an?|per|each|every) (?P<of>day|week|month|quarter|year)\b"
    r"|\b(?P<adverb>hourly|daily|weekly|fortnightly|monthly|quarterly|half-yearly|semi-annually|yearly|annually)\b"
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
    "half-yearly": "6 months",
    "semi-annually": "6 months",
    "yearly": "1 year",
    "annually": "1 year",
}
_WORDED = re.compile(
    r"(?<!every )(?<!each )(?<!once )(?<!per )"
    r"\b(?:(?P<before>within|after|(?:older|longer|more|less) than|at most|up to"
    r"|(?:(?:within|in|over|of|during|for|from) )?the (?:last|past|next|previous|preceding|coming)) )?"
    rf"(?:(?P<count>{COUNT})|(?P<one>an?)|(?P<two>a couple of|couple of))[ -](?P<unit>{_UNIT})s?\b(?! and a half)",
    re.IGNORECASE,
)
"""`six months`, `within a fortnight`, `the last couple of weeks`."""
_WITHIN = re.compile(r"within (?!the )", re.IGNORECASE)
_FOR = re.compile(r"\bfor (?:an?|one) (?P<unit>hour|day|week|fortnight|month|year)\b", re.IGNORECASE)
_HALF = re.compile(
    rf"\b(?:(?P<every>every|each|once every) )?(?:half[ -](?:an? )?(?P<unit>{_UNIT})|six-month period)\b", re.IGNORECASE
)


def durations(text: str) -> Iterator[tuple[str, int]]:
    for found in _DURATION.finditer(text):
        yield found[0], int(found[1]) * _UNITS[found[2]]
    yield from _worded(text)
    yield from ((said, lasts) for said, lasts, every in _halves(text) if not every)
    yield from _worded_rhythms(text)


def _worded(text: str) -> Iterator[tuple[str, int]]:
    for found in _WORDED.finditer(text):
        one = found["one"] or (found["count"] or "").lower() == "one"
        digits = (found["count"] or "a")[0].isdigit()
        if not digits and (found["before"] or not one):
            many = 1 if one else 2 if found["two"] else count(found["count"])
            yield found[0], many * _UNITS[found["unit"].lower()]


def _halves(text: str) -> Iterator[tuple[str, int, bool]]:
    """Half a unit, each with whether it says how often. Half a year is six months, as people count."""
    six_months = parse_duration("6 months")
    for found in _HALF.finditer(text):
        unit = (found["unit"] or "year").lower()
        if found["every"] or found["unit"]:
            yield found[0], six_months if unit == "year" else _UNITS[unit] // 2, bool(found["every"])


def rhythms(text: str) -> Iterator[tuple[str, int]]:
    """Those of the durations at each of which something comes back: `every six weeks`."""
    for found in re.finditer(rf"\b(?:every|each) ({_DURATION.pattern})", text, re.IGNORECASE):
        yield from durations(found[1])
    yield from _worded_rhythms(text)


def _worded_rhythms(text: str) -> Iterator[tuple[str, int]]:
    yield from ((said, lasts) for said, lasts, every in _halves(text) if every)
    for found in _RHYTHM.finditer(text):
        many = (found["count"] or "one").lower()
        if found["adverb"]:
            yield found[0], parse_duration(_ADVERBS[found["adverb"].lower()])
        elif found["times"]:
            times = 2 if found["times"].lower() == "twice" else count(found["times"].rpartition(" ")[0])
            yield found[0], _so_often(times, found["of"].lower())
        elif not many[0].isdigit() or found["unit"].lower() == "quarter":
            times = 2 if many in ("other", "second", "couple of") else count(many)
            yield found[0], times * _UNITS[found["unit"].lower()]


def _so_often(times: int, unit: str) -> int:
    """Twice a year is every six months, as people count."""
    if unit == "year" and 12 % times == 0:
        return 12 // times * _UNITS["month"]
    return _UNITS[unit] // times


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
    answered = {said for said, _ in _worded(text) if _WITHIN.match(said)}
    yield from (it for it in durations(text) if it not in daily and it[0] not in answered)
    yield from ((found[0], _UNITS[found["unit"].lower()]) for found in _FOR.finditer(text))
