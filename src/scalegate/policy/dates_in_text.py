"""Dates in a part's sentence beside those that it is decided by: people sign for the sentence.

A date is a day, a month or a year with a word that bounds before it, as in `by 1 March 2027` or `until 2026-12-31`.
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
from scalegate.policy.syntax import compares, net
from scalegate.policy.vocabulary import Kind, vocabulary
from scalegate.units import DAY, format_end, format_instant, format_last, parse_instant

__all__ = ["Dated", "bounding_dates", "dates", "dates_of", "dates_of_policy", "in_force_dates", "misdated", "undecided"]

_MONTH = (
    "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?)"
)
_YEAR = "(?:19|20)[0-9]{2}"
_DAY = (
    rf"{_YEAR}-[0-9]{{2}}-[0-9]{{2}}(?=T[0-9]|[^\w-]|$)|[0-9]{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}\.?,? {_YEAR}"
    rf"|{_MONTH}\.? [0-9]{{1,2}}(?:st|nd|rd|th)?,? {_YEAR}"
)
_DATE = re.compile(
    rf"\b(?:(?P<day>{_DAY})|(?P<month>{_MONTH}\.? {_YEAR})|(?P<year>{_YEAR}))(?!(?!T[0-9]{{2}}:)[\w-]|\.[0-9])", re.I
)
_BOUND = re.compile(
    r"\b(?:by|until|till|before|through|after|from|since|(?:no|not) later than|ends?|ending|expires?|expiring|lapses?)"
    r"(?: on)?(?: or (?:before|after))?(?: the)?(?: (?:end|start|beginning) of)?(?: the)? $",
    re.IGNORECASE,
)


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


def dates(text: str) -> Iterator[tuple[str, _Said]]:
    """Days and months, and years where a word that bounds stands before them."""
    for found in _DATE.finditer(text):
        said = _read(found)
        if said is not None and not (found["year"] and not _BOUND.search(text[: found.start()])):
            yield found[0], said


def bounding_dates(text: str) -> Iterator[tuple[str, _Said]]:
    """Those by, until or from which something is said to be so."""
    for found in _DATE.finditer(text):
        said = _read(found)
        if said is not None and _BOUND.search(text[: found.start()]):
            yield found[0], said


def _read(found: re.Match[str]) -> _Said | None:
    if found["year"]:
        return _Said(_day(f"{found['year']}-01-01") - 1, _day(f"{found['year']}-12-31"))
    text = re.sub(" of ", " ", found[0], flags=re.IGNORECASE)
    if found["month"]:
        days = [_day(day) for at in (1, 31, 30, 29, 28) if (day := meant.as_date(f"{at} {text}"))]
        return _Said(days[0] - 1, days[1])
    written = meant.as_date(text)
    return _Said(_day(written), _day(written)) if written else None


def _day(text: str) -> int:
    return parse_instant(text) // DAY


def misdated(text: str, known: Iterable[Dated]) -> Iterator[tuple[str, str]]:
    """What a sentence says, and the dates that it is decided by instead; nothing where it has no date or they agree."""
    own = sorted(set(known))
    bounding = list(bounding_dates(text))
    other = [said for said, it in bounding if not any(it.means(date.at) for date in own)]
    plain = [] if bounding else list(dates(text))
    if plain and not any(it.means(date.at) for _, it in plain for date in own):
        other = [plain[0][0]]
    if own and other:
        yield other[0], " and ".join(it.shown for it in own)


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
