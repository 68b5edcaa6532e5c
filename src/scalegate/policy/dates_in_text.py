"""Dates in a part's sentence beside those that it is decided by: people sign for the sentence.

A date is a day, a month, a quarter or a year with a word that bounds before it, as in `by 1 March 2027`, `until
31/12/2026` or `through Q4 2027`. What may be two days is none: see `unread`.
Midnight is the end of one day and the beginning of the next: sentences write either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from scalegate import meant
from scalegate.policy.clause_figures import all_values
from scalegate.policy.dating import in_figures
from scalegate.policy.document import Clause, Condition, InForce, Moratorium, Obligation, Policy
from scalegate.policy.numerals import NTH, nth
from scalegate.policy.syntax import compares, net
from scalegate.policy.vocabulary import Kind, vocabulary
from scalegate.units import DAY, format_end, format_instant, format_last, parse_instant

__all__ = [
    "Dated",
    "begins_as_said",
    "bounding_dates",
    "dates",
    "dates_of",
    "dates_of_policy",
    "ends_as_said",
    "in_force_dates",
    "misdated",
    "read_dates",
    "undecided",
    "unheld_starts",
]

_MONTH = (
    "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?)"
)
_YEAR = "(?:19|20)[0-9]{2}"
_DAY = (
    rf"{_YEAR}-[0-9]{{2}}-[0-9]{{2}}(?=T[0-9]|[^\w-]|$)|[0-9]{{1,2}}(?:st|nd|rd|th|\.)?(?: of)? {_MONTH}\.?,? {_YEAR}"
    rf"|{_MONTH}\.? [0-9]{{1,2}}(?:st|nd|rd|th)?,? {_YEAR}|{NTH} of {_MONTH},? {_YEAR}"
    rf"|[0-9]{{1,2}}(?P<sign>[./-])[0-9]{{1,2}}(?P=sign){_YEAR}|{_YEAR}(?P<mark>[./])[0-9]{{1,2}}(?P=mark)[0-9]{{1,2}}"
)
_DATE = re.compile(
    rf"(?<![\w/])(?:(?P<day>{_DAY})|(?P<month>{_MONTH}\.? {_YEAR})|(?P<part>[QH])(?P<nth>[1-4])[ /-]?(?P<of>{_YEAR})"
    rf"|(?P<which>first|second|third|fourth) (?P<period>half|quarter) of (?P<within>{_YEAR})"
    rf"|mid[- ]?(?P<mid>{_YEAR})|(?<![.-])(?P<year>{_YEAR}))(?!(?!T[0-9]{{2}}:)[\w-]|[./][0-9])",
    re.I,
)
_OF = (
    r"(?: on)?(?: or (?:before|after))?(?: and including)?(?: the)?"
    r"(?: (?P<edge>end|start|beginning) of)?(?: the)?(?: (?:calendar )?year)? $"
)
_TO = (
    r"by|until|till|up to|before|(?P<through>through)|(?:no|not) later than|ends?|ending|expires?|expiring|lapses?"
    r"|(?<=[0-9] )(?:to|and)"
)
"""The last of it: `from 1 May 2027 to 30 June 2027`."""
_FROM = "after|from|between|as of|starting|beginning"
_BEGINS = re.compile(rf"\b(?:{_FROM}){_OF}", re.IGNORECASE)
_ENDS = re.compile(rf"\b(?:{_TO}){_OF}", re.IGNORECASE)
# What is so since a year is history.
_BOUND = re.compile(rf"\b(?:{_TO}|{_FROM}){_OF}", re.IGNORECASE)
_DENIES = re.compile(
    r"\b(?:no|not|never|nothing|nobody|none|neither|nor|pauses?|paused|stops?|halts?|moratorium)\b", re.IGNORECASE
)
_SPAN = re.compile(
    r"\b(?:in|during|throughout|for|through)(?: all(?: of)?)?(?: the)?(?: (?:whole|entire|full)(?: of)?)?(?: year)?"
    rf"(?: (?P<part>first|second|third|fourth) (?P<of>half|quarter) of)? (?P<year>{_YEAR})\b(?![-.][0-9])",
    re.IGNORECASE,
)
"""`in 2027`, `throughout the year 2027`, `in the first half of 2027`."""


class Dated(NamedTuple):
    """A date of a policy, as people read it."""

    at: int
    shown: str


class _Said(NamedTuple):
    """The days that a text may mean; what is before a month or a year, ends with the day before it."""

    first: int
    last: int

    def means(self, at: int) -> bool:
        return self.first <= at // DAY <= self.last or self.first <= (at - 1) // DAY <= self.last

    def begins(self) -> _Said:
        """Its first midnight, of a month or a year."""
        return _Said(self.first, self.first + 1)

    def ends(self) -> _Said:
        """Its last midnight, or the day after, which is no looser."""
        return _Said(self.last, self.last + 1)

    def cut_short(self, dates: Iterable[int]) -> bool:
        """Whether one of the dates, within it, is not the end of it, and no other is."""
        days = [at for at in dates if self.first <= at // DAY <= self.last]
        return bool(days) and not any(self.ends().means(at) for at in dates)


def dates(text: str) -> Iterator[tuple[str, _Said]]:
    """Days and months, and years where a word that bounds stands before them."""
    for found in _DATE.finditer(text):
        said = _read(found)
        if said is not None and not (found["year"] and not _BOUND.search(text[: found.start()])):
            yield found[0], said


def bounding_dates(text: str) -> Iterator[tuple[str, _Said]]:
    """Those by, until or from which something is said to be so."""
    for found in _DATE.finditer(text):
        bound = _BOUND.search(text[: found.start()])
        said = _read(found)
        if said is not None and bound:
            start = found.start() if found["day"] or not bound["edge"] else bound.start("edge")
            yield text[start : found.end()], said if found["day"] else _at(bound, said)


def read_dates(text: str) -> Iterator[str]:
    """The words of all that is read as a date."""
    yield from (said for said, _ in _spans(text))
    yield from (said for said, _ in (*dates(text), *bounding_dates(text)))


def begins_as_said(text: str, at: int) -> bool:
    """Whether a sentence says that it is so from then on: `from June 2027`, `after the end of February 2027`."""
    return any(said.means(at) for said in _bounded(text, _BEGINS, 1))


def ends_as_said(text: str, at: int) -> bool:
    """Whether a sentence says that it is so until then."""
    return any(said.means(at) for said in _bounded(text, _ENDS, 0))


def _bounded(text: str, bounds: re.Pattern[str], edge: int) -> Iterator[_Said]:
    for found in _DATE.finditer(text):
        bound, said = bounds.search(text[: found.start()]), _read(found)
        if bound and said:
            after = bound[0].lower().startswith("after")
            yield said if found["day"] else _at(bound, said) if bound["edge"] or after or not edge else said.begins()


def _at(bound: re.Match[str], said: _Said) -> _Said:
    """Which end of a month or a year is meant, where the words say so."""
    if bound["edge"]:
        return said.ends() if bound["edge"].lower() == "end" else said.begins()
    return said.ends() if bound.groupdict().get("through") else said


def _read(found: re.Match[str]) -> _Said | None:
    if found["part"] or found["period"]:
        many = 3 if (found["part"] or found["period"])[0] in "Qq" else 6
        before = int(found["nth"]) if found["part"] else nth(found["which"])
        return _months(int(found["of"] or found["within"]), many * (before - 1), many)
    if found["mid"]:
        # Half a month either way of the day in the middle.
        return _Said(_day(f"{found['mid']}-06-15"), _day(f"{found['mid']}-07-15"))
    if found["year"]:
        return _Said(_day(f"{found['year']}-01-01") - 1, _day(f"{found['year']}-12-31"))
    text = re.sub(f"^{NTH}(?= of )", lambda day: str(nth(day[0])), found[0], flags=re.IGNORECASE)
    text = re.sub(" of ", " ", text, flags=re.IGNORECASE)
    if found["month"]:
        days = [_day(day) for at in (1, 31, 30, 29, 28) if (day := meant.as_date(f"{at} {text}"))]
        return _Said(days[0] - 1, days[1])
    written = meant.as_date(text)
    return _Said(_day(written), _day(written)) if written else None


def _spans(text: str) -> Iterator[tuple[str, _Said]]:
    """The years, or parts of one, in which a sentence says that something is not so."""
    for sentence in re.split(r"(?<=[.!?;])\s+", text):
        for found in _SPAN.finditer(sentence) if _DENIES.search(sentence) else ():
            many = 12 if not found["part"] else 6 if found["of"].lower() == "half" else 3
            said = _months(int(found["year"]), many * (nth(found["part"]) - 1 if found["part"] else 0), many)
            if said is not None:
                yield found[0], _Said(said.first + 1, said.last)


def _months(year: int, before: int, many: int) -> _Said | None:
    """So many months of a year, after those before; None: it has not as many."""
    first, after = before + 1, before + many + 1
    if after > 13:
        return None
    end = f"{year + 1}-01-01" if after == 13 else f"{year}-{after:02}-01"
    return _Said(_day(f"{year}-{first:02}-01") - 1, _day(end) - 1)


def _day(text: str) -> int:
    return parse_instant(text) // DAY


def misdated(text: str, known: Iterable[Dated]) -> Iterator[tuple[str, str]]:
    """What a sentence says, and the dates that it is decided by instead; nothing where it has no date or they agree."""
    own = sorted(set(known))
    bounding = list(bounding_dates(text))
    spans = [] if any(it.means(date.at) for _, it in bounding for date in own) else list(_spans(text))
    short = [said for said, it in spans if it.cut_short([date.at for date in own])]
    if short:
        yield short[0], " and ".join(it.shown for it in own)
        return
    other = [said for said, it in bounding if not any(it.means(date.at) for date in own)]
    # What holds from now on is no looser than what is to hold from a day on: see `unheld_starts`.
    starts = {said for said, _, _ in unheld_starts(text, own)}
    other = sorted((it for it in other if it not in starts), key=_begun(text).__contains__)
    plain = [] if bounding or spans else list(dates(text))
    if plain and not any(it.means(date.at) for _, it in plain for date in own):
        other = [plain[0][0]]
    if own and other:
        yield other[0], " and ".join(it.shown for it in own)


def unheld_starts(text: str, known: Iterable[Dated]) -> list[tuple[str, int, int]]:
    """The days from which a sentence says something is so, of what is decided by an end alone that it names too.

    Each with the first and the last day that may be meant, as numbers of days.
    """
    own = list(known)
    bounding = list(bounding_dates(text))
    ends = [it for _, it in bounding if any(it.means(date.at) for date in own)]
    if not ends or any(begins_as_said(text, date.at) for date in own):
        return []
    begun, last = _begun(text), min(it.last for it in ends)
    return [(said, it.first, it.last) for said, it in bounding if said in begun and it not in ends and it.last < last]


def _begun(text: str) -> set[str]:
    """The words of the dates from which on something is said to be so."""
    found = [text[it.start() :] for it in _DATE.finditer(text) if _BEGINS.search(text[: it.start()])]
    return {said for said, _ in bounding_dates(text) if any(rest.startswith(said) for rest in found)}


def undecided(text: str, elsewhere: Iterable[Dated]) -> tuple[str, ...]:
    """The first date by, until or from which a sentence says something is so, and that stands nowhere in the policy."""
    known = list(elsewhere)
    return tuple(said for said, it in bounding_dates(text) if not any(it.means(date.at) for date in known))[:1]


def dates_of(policy: Policy, clause: Clause) -> Iterator[Dated]:
    """The dates that a clause is decided by."""
    yield from in_force_dates(clause.in_force)
    if isinstance(clause, Moratorium):
        yield from (Dated(it, format_end(it)) for it in all_values(policy, clause.until))
    if isinstance(clause, Obligation):
        yield from (Dated(clause.by, format_last(clause.by)),) if clause.by is not None else ()
        yield from (Dated(clause.from_, format_instant(clause.from_)),) if clause.from_ is not None else ()
    if isinstance(clause, Condition):
        known = vocabulary(policy)
        for compare in compares(in_figures(policy, clause.when)):
            pushes = net(compare)
            instants = sum(pushes.values())
            if instants and {known.get(name) for name in pushes} == {Kind.INSTANT}:
                at = int((compare.left.const - compare.right.const) / instants)
                yield Dated(at, format_instant(at))


def in_force_dates(dates: InForce | None) -> Iterator[Dated]:
    if dates is not None and dates.from_ is not None:
        yield Dated(dates.from_, format_instant(dates.from_))
    if dates is not None and dates.until is not None:
        yield Dated(dates.until, format_end(dates.until))


def dates_of_policy(policy: Policy) -> Iterator[Dated]:
    """Every date that a sentence of the policy may name."""
    for clause in policy.clauses:
        yield from dates_of(policy, clause)
    for terms in policy.exceptions:
        yield from in_force_dates(terms.in_force)
    for value in (it for parameter in policy.parameters for it in parameter.values):
        yield from (
            Dated(value.from_, format_instant(value.from_)),
            Dated(value.review_by, format_last(value.review_by)),
        )
    for risk in policy.risks:
        yield from (Dated(risk.years_from, format_instant(risk.years_from)),) if risk.years_from is not None else ()
