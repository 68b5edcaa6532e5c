"""What a text that is no figure seems to mean, as it should have been written; None where that is not certain.

What these return reads as the very number that was meant: whoever obeys a message must not loosen a policy by it. Where
there are two readings, neither is offered.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

__all__ = [
    "as_chance",
    "as_count",
    "as_date",
    "as_duration",
    "as_factor",
    "as_flop",
    "as_score",
    "as_share",
    "decimal",
    "fix",
    "percent_of_growth",
]

_GROUPED = r"[0-9]{1,3}(?:([,_ '])[0-9]{3})(?:\1[0-9]{3})*(?:\.[0-9]{1,40})?"
_POWER = r"(?:([0-9]{1,9}(?:\.[0-9]{1,9})?) ?[x×*·] ?)?10(?:\^|\*\*)([0-9]{1,3})"
_DOTTED = r"[1-9][0-9]{0,2}\.[0-9]{3}"
"""Ten thousand, to some, and to others ten."""
_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_TIMES_AS_MUCH = dict.fromkeys(("double", "doubling", "twice", "twofold"), "2x")
_TIMES_AS_MUCH |= dict.fromkeys(("triple", "tripling", "thrice", "threefold"), "3x")
_TIMES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_PREFIXES = {
    name: 1000**power
    for power, name in enumerate(
        ("kilo", "mega", "giga", "tera", "peta", "exa", "zetta", "yotta", "ronna", "quetta"), start=1
    )
}
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october"),
    *("november", "december"),
)
_UNITS = {"sec": "second", "min": "minute", "hr": "hour", "wk": "week", "mth": "month", "mnth": "month", "yr": "year"}
_SURE = 0.8
"""How like a unit a word must be to be one that is misspelt: no more than a letter or two are amiss."""
_COUNTED = re.compile(
    "samples?|evaluations?|people|persons?|officers?|members?|signatures?|tasks?|questions?|items?|attempts?|tests?"
)
"""What may stand behind a count. Any other word may multiply it, as dozens do."""
MAX_MEANT = 10**40
FIRST_YEAR = 1970
"""No date of a policy is before it."""


def fix(how: str, meant: str | None, form: str = "") -> str:
    """How to write it: what was meant, or the form of it. That has no figure: one that is copied may permit more."""
    return f"{how}: `{meant}`" if meant is not None else how + (f", as `{form}`" if form else "")


def _number(text: str, *, sums: bool = False) -> tuple[Fraction, str] | None:
    """The number that a text begins with, and what stands after it. `sums`: it may be one in so many."""
    match = re.fullmatch(r"(?P<number>.*[0-9.]) ?(?P<unit>[^0-9.]*)", text.strip())
    if match is None:
        return None
    number, value = match["number"], None
    if re.fullmatch(_DOTTED, number):
        return None
    if power := re.fullmatch(_POWER, number):
        value = Fraction(power[1] or 1) * 10 ** int(power[2])
    elif re.fullmatch(r"[0-9]{0,40}\.?[0-9]{1,40}(?:[eE][-+]?[0-9]{1,2})?|[0-9]{1,40}\.", number):
        value = Fraction(number.rstrip(".") if number.startswith(tuple("0123456789")) else f"0{number}")
    elif re.fullmatch(r"[0-9]{1,40}(?:_[0-9]{1,40})+", number) or _sure_groups(number):
        value = Fraction(re.sub(r"[,_ ']", "", number))
    elif re.fullmatch(r"(?:0|[0-9]{1,9}),[0-9]{1,2}|0,[0-9]{1,40}", number):
        value = Fraction(number.replace(",", "."))
    elif sums and (ratio := re.fullmatch(r"([0-9][0-9.,_ ]*?)(?: in | out of | ?/ ?)([0-9][0-9.,_ ]*)", number)):
        top, under = _whole(ratio[1]), _whole(ratio[2])
        value = top / under if top is not None and under else None
    return (value, match["unit"].strip()) if value is not None and value <= MAX_MEANT else None


def _in_digits(text: str) -> str:
    """A text that begins with a number in words, with that in digits."""
    match = re.match(rf"({'|'.join(_WORDS)})(?=[ -]|fold)", text.strip().lower())
    return f"{_WORDS.index(match[1]) + 1}{text.strip()[match.end() :]}" if match else text


def _whole(text: str) -> Fraction | None:
    """A number alone; a comma between three digits and three groups them, for what is under a line is no small part."""
    grouped = re.fullmatch(r"[0-9]{1,40}|[0-9]{1,3}([,_ '])[0-9]{3}(?:\1[0-9]{3})*", text.strip())
    return Fraction(re.sub("[,_ ']", "", grouped[0])) if grouped else None


def _sure_groups(number: str) -> bool:
    """One comma may stand for a point; several, or another sign, do not."""
    match = re.fullmatch(_GROUPED, number)
    return match is not None and (match[1] != "," or number.count(",") > 1 or "." in number)


def decimal(value: Fraction) -> str | None:
    """Exact decimal text, a large round number with an exponent; None where there is none."""
    places = next((n for n in range(61) if (value * 10**n).denominator == 1), None)
    if places is None:
        return None
    digits = str(int(value * 10**places)).rjust(places + 1, "0")
    if places:
        return f"{digits[:-places]}.{digits[-places:]}"
    mantissa = digits.rstrip("0")
    if len(digits) - len(mantissa) < 7 or not mantissa:
        return digits
    return f"{mantissa[0]}{'.' if len(mantissa) > 1 else ''}{mantissa[1:]}e{len(digits) - 1}"


def _with(value: Fraction, unit: str) -> str | None:
    shown = decimal(value)
    return f"{shown}{unit}" if shown is not None else None


def as_flop(text: str) -> str | None:
    plain = _number(text)
    found = plain or _number(text.replace(",", "_") if text.count(",") == 1 else "")
    unit = "([kKMGTPEZY]?)(?i:flops?)?|(?i:ops|operations)"
    spelt = rf"(?P<prefix>(?i:{'|'.join(_PREFIXES)}))[ -]?(?i:flops?)"
    match = re.fullmatch(rf"(?:({'|'.join(_TIMES)})(?: |$))?(?:{unit}|{spelt})", found[1]) if found else None
    # A comma may stand for a point where a part of the unit is an amount as well.
    if found is None or match is None or (plain is None and (match[1] or match[2] or match["prefix"])):
        return None
    whole = found[0] * _PREFIXES.get((match["prefix"] or "").lower(), 1)
    whole = whole * _TIMES.get(match[1], 1) * 10 ** (3 * " kMGTPEZY".index((match[2] or " ").replace("K", "k")))
    return _with(whole, " FLOP") if whole.denominator == 1 and whole <= MAX_MEANT else None


def as_duration(text: str, units: Mapping[str, int], most: int) -> str | None:
    """`units`: how many seconds each is. Which one is meant by a letter that begins two of them is not guessed."""
    text = re.sub(r"^(?:(?:a|one) )?fortnight$", "2 weeks", text.strip().lower())
    found = _number(text)
    match = re.fullmatch(rf"({'|'.join(_WORDS)}) ([a-z]+)", text)
    if match:
        found = Fraction(_WORDS.index(match[1]) + 1), match[2]
    if found is None:
        return None
    unit = _unit(found[1].lower(), units)
    if len(unit) != 1 or found[0] * units[unit[0]] > most:
        return None
    seconds = found[0] * units[unit[0]]
    if seconds.denominator != 1:
        return None
    smaller = [name for name in ("day", "hour", "minute", "second") if seconds % units[name] == 0]
    name = unit[0] if found[0].denominator == 1 else smaller[0]
    return f"{int(seconds / units[name])} {name}s"


def _unit(text: str, units: Mapping[str, int]) -> list[str]:
    """The units that a word may stand for."""
    written = re.fullmatch(r"-?([a-z]+)\.?", text)
    word = (written[1].removesuffix("s") or written[1]) if written else ""
    if word in _UNITS:
        return [_UNITS[word]]
    near = difflib.get_close_matches(word, units, 1, _SURE)
    return [it for it in near if it[0] == word[0]] or [it for it in units if word and it.startswith(word)]


def as_factor(text: str) -> str | None:
    text = _TIMES_AS_MUCH.get(text.strip().lower(), text)
    found = _number(_in_digits(re.sub(r"^[x×] ?(?=[0-9])", "", text.strip())))
    if found is None or found[1].lower().strip("-") not in ("", "x", "×", "times", "fold"):
        return None
    return _with(found[0], "x")


def percent_of_growth(text: str) -> str | None:
    """How a factor is written that somebody wrote as a percentage: as growth, or as a part."""
    found = _number(text)
    if found is None or found[1] not in ("%", "percent"):
        return None
    more, of, shown = _with(1 + found[0] / 100, "x"), _with(found[0] / 100, "x"), decimal(found[0])
    return f"write a number and `x` with no space: {shown}% more is `{more}`, and {shown}% of it is `{of}`"


def as_share(text: str) -> str | None:
    """A number without `%` is a part where it has a point, and percent where it is over 1; 1 may be either."""
    found = _number(_in_digits(text), sums=True)
    if found is None or found[1].lower().replace(" ", "") not in ("", "%", "percent", "percents"):
        return None
    value = found[0]
    if found[1]:
        return _with(value, "%") if value <= 100 else None
    if value < 1 and re.search("[./,]| in | out of ", text):
        return _with(value * 100, "%")
    return _with(value, "%") if 1 < value <= 100 and not _ratio(text) else None


def _ratio(text: str) -> bool:
    return re.search("/| in | out of ", text) is not None


def as_chance(text: str) -> str | None:
    under = rf"( in | out of )(?:an?|one) ({'|'.join(_TIMES)})$"
    text = re.sub(under, lambda it: f"{it[1]}{_TIMES[it[2]]}", text.strip())
    found = _number(_in_digits(text), sums=True)
    if found is None or found[1].lower() not in ("", "%", "percent"):
        return None
    value = found[0] if found[1] else found[0] * 100
    return _with(value, "%") if 0 < value <= 100 else None


def as_score(text: str) -> str | None:
    found = _number(text, sums=True)
    if found is None or found[1].lower() not in ("", "%", "percent"):
        return None
    # What is over 1 is a number of percent: no score is.
    value = found[0] / 100 if found[1] or (found[0] > 1 and not _ratio(text)) else found[0]
    shown = decimal(value) if value <= 1 else None
    return f"{shown}00"[:4] if shown and "." in shown and len(shown) < 4 else shown


def as_count(text: str) -> str | None:
    word = text.strip().lower()
    if word in _WORDS:
        return str(_WORDS.index(word) + 1)
    part = re.fullmatch(r"([0-9]{1,3}) (?:out )?of (?:the |all )?([0-9]{1,3})", word)
    if part is not None and 1 <= int(part[1]) <= int(part[2]):
        return str(int(part[1]))
    found = _number(text) or _number(text.replace(",", "_") if text.count(",") == 1 else "")
    counted = found is not None and (not found[1] or _COUNTED.fullmatch(found[1].lower()))
    if found is None or not counted or found[0].denominator != 1 or not 1 <= found[0] < 10**9:
        return None
    return str(int(found[0]))


def as_date(text: str) -> str | None:
    """The day, or the instant in UTC, where only one can be meant."""
    text = text.strip()
    named = "|".join(f"{month[:3]}(?:{month[3:]})?" for month in _MONTHS).replace("sep(?:", "sept?(?:")
    found: tuple[str, str, str] | None = None
    if match := re.fullmatch(r"([0-9]{4})([-/. ]?)([0-9]{1,2})\2([0-9]{1,2})", text):
        found = (match[1], match[3], match[4]) if match[2] or len(text) == 8 else None
    elif match := re.fullmatch(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})", text):
        found = match[3], match[2], match[1]
    elif match := re.fullmatch(r"([0-9]{1,2})[-/]([0-9]{1,2})[-/]([0-9]{4})", text):
        one, other = int(match[1]), int(match[2])
        # Some write the day first and some the month: only a number that is no month tells which.
        if one > 12 or one == other:
            found = match[3], match[2], match[1]
        elif other > 12:
            found = match[3], match[1], match[2]
    elif match := re.fullmatch(rf"(?i:({named})\.? ([0-9]{{1,2}})(?:st|nd|rd|th)?,? ([0-9]{{4}}))", text):
        found = match[3], _month(match[1]), match[2]
    elif match := re.fullmatch(rf"(?i:([0-9]{{1,2}})(?:st|nd|rd|th|\.)? ({named})\.?,? ([0-9]{{4}}))", text):
        found = match[3], _month(match[2]), match[1]
    try:
        if found is not None and all(map(str.isascii, found)):
            year, month, day = map(int, found)
            return datetime(year, month, day, tzinfo=UTC).date().isoformat() if year >= FIRST_YEAR else None
        return _as_instant(text)
    except (ValueError, OverflowError):
        return None


def _month(name: str) -> str:
    return str(next(at for at, month in enumerate(_MONTHS, 1) if month.startswith(name.lower()[:3])))


def _as_instant(text: str) -> str | None:
    parts = r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})"
    match = re.fullmatch(parts + r" ?(?:([zZ]|UTC)|([+-])([0-9]{2}):?([0-9]{2}))", text)
    if match is None:
        return None
    zone = UTC
    if match[8]:
        ahead = timedelta(hours=int(match[9]), minutes=int(match[10]))
        zone = timezone(-ahead if match[8] == "-" else ahead)
    year, month, day, hour, minute, second = (int(match[n]) for n in range(1, 7))
    at = datetime(year, month, day, hour, minute, second, tzinfo=zone)
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at.timestamp() >= 0 else None
