"""Exact quantities: FLOP, seconds, instants and factors, read from text and written back.

Inside a verdict there is no float. Compute is an `int` of FLOP, durations and instants are `int` seconds
(instants since 1970-01-01T00:00:00Z), factors, shares and scores are `Fraction`.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

from scalegate import meant
from scalegate.errors import InputError

__all__ = [
    "DAY",
    "MAX_FLOP",
    "MAX_LOOKS",
    "MAX_SAMPLES",
    "MAX_SECONDS",
    "exact_decimal",
    "exact_flop",
    "format_chance",
    "format_duration",
    "format_end",
    "format_factor",
    "format_flop",
    "format_instant",
    "format_last",
    "format_share",
    "parse_chance",
    "parse_duration",
    "parse_end",
    "parse_factor",
    "parse_flop",
    "parse_instant",
    "parse_score",
    "parse_share",
    "parse_until",
    "round_down",
    "round_up",
]

DAY = 86_400
MAX_FLOP = 10**40
MAX_SAMPLES = 10**5
"""Most samples of an evaluation that may rule out: what comes out of more is not worked out."""
MAX_LOOKS = 2000
"""Most samples of an evaluation that may stop early: its chances after each of them are worked out exactly."""
SCORE_DECIMALS = 9
"""Most decimals of a score: a power of it, as high as there are samples, is worked out exactly."""
CHANCE_DECIMALS = 30
"""Most decimals of a chance: many are added up exactly."""
MAX_SHOWN = 14
"""Most characters of a figure that is shown exactly where people read it."""
MAX_SECONDS = 1000 * 365 * DAY
"""Longest duration."""
_FLOP_SCALES = {"": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18, "Z": 21, "Y": 24}
_DURATIONS = {
    "second": 1,
    "minute": 60,
    "hour": 3_600,
    "day": DAY,
    "week": 7 * DAY,
    "month": 30 * DAY,
    "year": 365 * DAY,
}
_NUMBER = r"(?P<number>[0-9]{1,400}(?:\.[0-9]{1,400})?(?:[eE]\+?[0-9]{1,3})?)"


def _exact(number: str) -> Fraction:
    return Fraction(number.replace("+", ""))


def parse_flop(text: str) -> int:
    """FLOP from "1e13 FLOP" or "2.5 TFLOP": an exact whole number.

    Raises InputError when the unit is missing or wrong, or when the amount is not a whole number of FLOP.
    """
    match = re.fullmatch(_NUMBER + r" ?(?P<scale>[kMGTPEZY]?)FLOP", text)
    if not match:
        raise InputError(
            f"`{text}` is not an amount of compute{_separated(text)}",
            fix=meant.fix("write a number and its unit", meant.as_flop(text), "... FLOP"),
        )
    amount = _exact(match["number"]) * 10 ** _FLOP_SCALES[match["scale"]]
    if amount > MAX_FLOP:
        raise InputError(f"`{text}` is more than 1e40 FLOP", fix="check the exponent")
    if amount.denominator != 1:
        raise InputError(f"`{text}` is not a whole number of FLOP", fix="write a whole number")
    return int(amount)


def parse_duration(text: str) -> int:
    """Seconds from "3 months"; a month is 30 days and a year is 365 days, the shorter reading of each.

    What is written back is a number of seconds, so the upper bound is one of seconds too: 1000 years.
    """
    match = re.fullmatch(r"(?P<number>[0-9]{1,11}) (?P<unit>[a-z]+)", text)
    unit = match["unit"].removesuffix("s") if match else ""
    if not match or unit not in _DURATIONS:
        raise InputError(
            f"`{text}` is not a duration",
            fix=meant.fix(
                "write a whole number and its unit, second, minute, hour, day, week, month or year",
                meant.as_duration(text, _DURATIONS, MAX_SECONDS),
            ),
        )
    seconds = int(match["number"]) * _DURATIONS[unit]
    if seconds > MAX_SECONDS:
        raise InputError(f"`{text}` is more than 1000 years", fix="write a shorter time")
    return seconds


def parse_factor(text: str) -> Fraction:
    """A factor of compute from "4x" or "1.5x"; at least zero, exact."""
    match = re.fullmatch(_NUMBER + "x", text)
    if not match:
        how = meant.percent_of_growth(text) or meant.fix(
            "write a number and `x` with no space", meant.as_factor(text), "...x"
        )
        raise InputError(f"`{text}` is not a factor{_separated(text)}", fix=how)
    return _exact(match["number"])


def parse_share(text: str) -> Fraction:
    """A share from "1%" or "0.5%", between 0 and 1."""
    match = re.fullmatch(_NUMBER + "%", text)
    value = _exact(match["number"]) / 100 if match else Fraction(2)
    if value > 1:
        how = meant.fix("write a percentage of at most 100", meant.as_share(text), "...%")
        raise InputError(f"`{text}` is not a share", fix=how)
    return value


def parse_chance(text: str) -> Fraction:
    """A chance from "0.01%", "1e-4" or "0.0001": more than 0, at most 1, exact."""
    number = r"(?P<number>[0-9]{1,40}(?:\.[0-9]{1,40})?)(?:[eE](?P<exponent>[-+]?[0-9]{1,2}))?(?P<share>%?)"
    match = re.fullmatch(number, text)
    value = Fraction(match["number"]) * Fraction(10) ** int(match["exponent"] or 0) if match else Fraction(0)
    value = value / 100 if match and match["share"] else value
    if not 0 < value <= 1:
        how = meant.fix("write more than 0 and at most 1", meant.as_chance(text), "...%")
        raise InputError(f"`{text}` is not a chance", fix=how)
    if (value * 10**CHANCE_DECIMALS).denominator != 1:
        raise InputError(
            f"`{text}` has more than {CHANCE_DECIMALS} decimals",
            fix="write fewer of them",
        )
    return value


def parse_score(text: str) -> Fraction:
    """A score between 0 and 1, from "0.20"."""
    match = re.fullmatch(r"[0-9](?:\.([0-9]{1,400}))?", text)
    value = Fraction(text) if match else Fraction(2)
    if match and len(match[1] or "") > SCORE_DECIMALS:
        raise InputError(
            f"`{text}` has more than {SCORE_DECIMALS} decimals",
            fix="round it to what the samples can tell",
        )
    if value > 1:
        how = meant.fix("write a decimal between 0 and 1", meant.as_score(text), "0...")
        raise InputError(f"`{text}` is not a score", fix=how)
    return value


def _separated(text: str) -> str:
    """That a number is written with what separates its digits, where it is."""
    return ": what separates its digits is not read" if re.search("[0-9][,_ '][0-9]", text) else ""


def parse_instant(text: str) -> int:
    """Seconds since 1970 UTC from "2026-11-23" (its first second, in UTC) or "2026-11-23T12:00:00Z"."""
    match = _INSTANT.fullmatch(text)
    try:
        if match is not None:
            year, month, day, *clock = (int(part) for part in match.groups() if part is not None)
            hour, minute, second = clock or (0, 0, 0)
            return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())
    except ValueError as error:
        raise InputError(f"`{text}` is not a date: {_wrong(text)}", fix=f"write {_wrong(text, fix=True)}") from error
    date, form = meant.as_date(text), "YYYY-MM-DD"
    lacks = [what for what, pattern in _LACKS.items() if date is None and re.fullmatch(pattern, text)]
    why = f": {lacks[0]}" if lacks else ""
    if re.fullmatch(_NO_ZONE, text):
        at = re.sub("[ t]", "T", text)
        how = f"write it in UTC, with seconds and `Z`: `{at}{'' if at.count(':') > 1 else ':00'}Z` if that is its time"
    else:
        how = meant.fix("write it as year, month and day", date, form)
    raise InputError(f"`{text}` is not a date{why}", fix=how)


_INSTANT = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T([0-9]{2}):([0-9]{2}):([0-9]{2})Z)?")
_NO_ZONE = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?"
_LACKS = {
    "it has no day": "[0-9]{4}-[0-9]{1,2}",
    "it has no month and no day": "[0-9]{4}",
    "whether the day or the month comes first is not said": "[0-9]{1,2}[-/][0-9]{1,2}[-/][0-9]{4}",
    "its time has no zone": _NO_ZONE,
}
"""What is wrong with a text that is nearly a date."""


def _wrong(text: str, *, fix: bool = False) -> str:
    """Which part of a date there is not."""
    month, day, clock = int(text[5:7]), int(text[8:10]), text[11:19]
    if text[:4] == "0000":
        return "a year from 0001" if fix else "there is no year 0"
    if not 1 <= month <= 12:
        return "a month from 01 to 12" if fix else f"there is no month {month}"
    try:
        datetime(int(text[:4]), month, day, tzinfo=UTC)
    except ValueError:
        return "a day that there is" if fix else "its month has no such day"
    return "a time of day up to `23:59:59`" if fix else f"there is no time {clock}"


def parse_until(text: str) -> int:
    """As `parse_instant`, but a day stands for its last second."""
    instant = parse_instant(text)
    return instant if "T" in text else instant + DAY - 1


def parse_end(text: str) -> int:
    """As `parse_instant`, but a day stands for the first instant after it: for what ends with the day."""
    instant = parse_instant(text)
    if "T" not in text and text.startswith("9999-12-31"):
        raise InputError("a day after it has no date", fix="leave it out, or write a day up to `9999-12-30`")
    return instant if "T" in text else instant + DAY


def exact_decimal(value: Fraction) -> str:
    """Exact decimal text. Raises InputError where there is none; what came from decimal text has one."""
    digits = 0
    while (value * 10**digits).denominator != 1:
        digits += 1
        if digits > 400:
            raise InputError(f"{value} has no finite decimal form")
    text = str(int(value * 10**digits)).rjust(digits + 1, "0")
    return f"{text[:-digits]}.{text[-digits:]}" if digits else text


def format_flop(amount: int, *, up: bool = False) -> str:
    """Short for people: 3 significant digits, "1.23e+13 FLOP". Not exact; never parsed back into a verdict.

    `up`: no less than the amount, for what is to be reached at least.
    """
    if amount < 1000:
        return f"{amount} FLOP"
    shown = round_up(amount) if up else amount
    # A float's exponent has two digits; a Decimal's is for what no float holds.
    return f"{float(shown) if shown < 10**300 else Decimal(shown):.2e} FLOP"


def exact_flop(amount: int) -> str:
    """Exact: short where nothing is lost by it, else all digits."""
    return format_flop(amount) if round_up(amount) == amount else f"{amount} FLOP"


def round_up(amount: int) -> int:
    """The least amount of 3 significant digits that is no less; amounts under 1000 as they are."""
    return -round_down(-amount)


def round_down(amount: int) -> int:
    """The largest amount of 3 significant digits that is no more; amounts under 1000 as they are."""
    unit: int = 10 ** max(len(str(abs(amount))) - 3, 0)
    return amount // unit * unit


def format_instant(seconds: int) -> str:
    """ "2026-11-23T12:00:00Z"; a time past year 9999 is said to be so."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s since 1970 (past year 9999)"


def format_last(seconds: int) -> str:
    """The last instant at which something still is: "the end of 2026-11-23", or the instant."""
    return f"the end of {format_instant(seconds)[:10]}" if seconds % DAY == DAY - 1 else format_instant(seconds)


def format_end(seconds: int) -> str:
    """The first instant at which something no longer is: "the end of 2026-11-22", or the instant."""
    return format_last(seconds - 1) if seconds % DAY == 0 else format_instant(seconds)


def format_duration(seconds: int) -> str:
    """The largest unit that divides the amount: "90 days", "10 minutes"."""
    for unit in ("day", "hour", "minute"):
        size = _DURATIONS[unit]
        if seconds and seconds % size == 0:
            count = seconds // size
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return f"{seconds} second{'s' if seconds != 1 else ''}"


def format_wait(seconds: int) -> str:
    """About how long to wait, rounded up: "2 days", "3 hours", "40 seconds"."""
    for unit in ("day", "hour", "minute"):
        size = _DURATIONS[unit]
        if seconds >= 2 * size:
            return f"{-(-seconds // size)} {unit}s"
    return format_duration(seconds)


def format_factor(value: Fraction) -> str:
    """ "4x", "1.5x"; exact where that is short enough to read, else "about 0.3333x"."""
    return _short(value, "x")


def format_share(value: Fraction) -> str:
    """ "1%", "0.5%"; exact where that is short enough to read, else "about 33.33%"."""
    return _short(value * 100, "%")


def _short(value: Fraction, unit: str) -> str:
    with suppress(InputError):
        shown = exact_decimal(value)
        if len(shown) <= MAX_SHOWN:
            return f"{shown}{unit}"
    return f"about {float(value):.4g}{unit}"


def format_chance(value: Fraction) -> str:
    """Exact, and as one in how many, rounded against who claims it: "0.01% (1 in 10,000)"."""
    try:
        shown = f"{exact_decimal(value * 100)}%"
    except InputError:
        shown = format_share(value)
    if not 0 < value <= Fraction(1, 2):
        return shown
    times = value.denominator // value.numerator
    return f"{shown} ({'' if value.numerator == 1 else 'about '}1 in {times:,})"
