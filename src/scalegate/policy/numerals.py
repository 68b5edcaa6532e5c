"""Whole numbers up to a hundred as a sentence may write them: `12`, `twelve`, `twenty-four`, `a dozen`, `thirtieth`."""

from __future__ import annotations

__all__ = ["COUNT", "NTH", "SEVERAL", "count", "nth"]

_TO_NINETEEN = (
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_NTHS = (
    *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh"),
    *("twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth"),
)
_LONGEST_FIRST = "|".join(sorted(_TO_NINETEEN, key=len, reverse=True))
_NTHS_LONGEST_FIRST = "|".join(sorted(_NTHS, key=len, reverse=True))
_TEN = "|".join(_TENS)
SEVERAL = (
    rf"(?:(?:{_TEN})(?:[- ](?:{'|'.join(_TO_NINETEEN[:9])})\b)?"
    rf"|{'|'.join(sorted(_TO_NINETEEN[1:], key=len, reverse=True))})"
)
"""In words, from two on."""
COUNT = (
    rf"((?:{_TEN})(?:[- ](?:{'|'.join(_TO_NINETEEN[:9])})\b)?|{_LONGEST_FIRST}|(?:an? |one )?hundred|a dozen"
    r"|[1-9][0-9]{0,2})"
)
"""One group. Where it is matched, letters of either case are meant."""
NTH = (
    rf"((?:{_TEN})[- ](?:{'|'.join(_NTHS[:9])})|(?:{'|'.join(it.removesuffix('y') for it in _TENS)})ieth"
    rf"|{_NTHS_LONGEST_FIRST})"
)


def count(word: str) -> int:
    """Of what `COUNT` matches."""
    lower = word.lower().replace("-", " ")
    if lower.isdigit():
        return int(lower)
    if lower.endswith("hundred"):
        return 100
    if lower == "a dozen":
        return 12
    return sum(_value(it) for it in lower.split())


def nth(word: str) -> int:
    """Of what `NTH` matches."""
    *tens, last = word.lower().replace("-", " ").split()
    if last.endswith("ieth"):
        return _value(f"{last.removesuffix('ieth')}y")
    return sum(map(_value, tens)) + _NTHS.index(last) + 1


def _value(word: str) -> int:
    return 10 * (_TENS.index(word) + 2) if word in _TENS else _TO_NINETEEN.index(word) + 1
