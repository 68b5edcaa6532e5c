"""Scalar types of the policy document: read from exact text, written back to exact text.

Every scalar of a policy is text with one grammar, in YAML and in the canonical JSON alike, so one reader
serves both and nothing passes through a float.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from scalegate import meant, units
from scalegate.errors import InputError
from scalegate.policy.syntax import PARAMETER, Expr, from_json, to_json
from scalegate.text import unshowable

__all__ = [
    "FIGURES",
    "Chance",
    "Count",
    "Duration",
    "DurationOrNamed",
    "End",
    "EndOrNamed",
    "Factor",
    "FactorOrNamed",
    "Figure",
    "FigureKind",
    "FigureOf",
    "Flop",
    "FlopOrNamed",
    "Identifier",
    "Instant",
    "Last",
    "Line",
    "Named",
    "Role",
    "Score",
    "Share",
    "Stated",
    "Text",
    "When",
    "identifier",
]

MAX_TEXT = 2_000
MAX_CONDITION = 10_000
MAX_WORD = 300
"""Longest text of a scalar other than prose; a verification key is the longest of them."""
MAX_FACTOR = 10**9
_ID = re.compile(r"(?=.{1,64}\Z)[a-z][a-z0-9_]*(?:[.-][a-z0-9_]+)*")
FigureKind: TypeAlias = Literal["factor", "flop", "duration", "share", "instant", "count"]


def _read(parse: Callable[[str], Any]) -> BeforeValidator:
    def validate(value: object) -> Any:
        if not isinstance(value, str):
            shape = "a list" if isinstance(value, list) else "a set of fields" if isinstance(value, dict) else "this"
            raise ValueError(f"{shape} is not plain text | write one value, in quotes if it holds brackets or braces")
        if len(value) > (MAX_TEXT if parse in (_text, _line, _prose) else MAX_WORD):
            raise ValueError("the value is too long | shorten it")
        try:
            return parse(value)
        except InputError as error:
            raise ValueError(f"{error.message} | {error.fix or ''}") from error

    return BeforeValidator(validate)


def _write(show: Callable[[Any], str]) -> PlainSerializer:
    return PlainSerializer(show, return_type=str)


def identifier(text: str) -> str:
    """The name of a part or a person of a policy. Raises InputError for what cannot be one."""
    if not _ID.fullmatch(text):
        likely = re.sub("[ _]+", "-", text.strip().lower())
        offered = f"write `{likely}`; else " if likely != text and _ID.fullmatch(likely) else ""
        raise InputError(
            f"`{text}` is not an identifier",
            fix=f"{offered}start with a letter; use a-z, 0-9, `_`, and single `-` or `.` between them; 64 at most",
        )
    return text


def _role(text: str) -> str:
    """A role of the policy, or one of a floor, by the floor's name."""
    floor, sign, role = text.partition("/")
    return f"{identifier(floor)}/{identifier(role)}" if sign else identifier(text)


def _line(text: str) -> str:
    """One line: what begins a line of its own could pass for what the program says."""
    shown = _text(text)
    if "\n" in text.strip():
        raise InputError("the text has more than one line", fix="write it in one, or after `>-`, which joins its lines")
    if text.strip() != text:
        raise InputError("the text begins or ends with space", fix="remove it")
    return shown


def _prose(text: str) -> str:
    """What people read: a word that answers a question says nothing where none was asked."""
    if text.strip().lower() in ("yes", "no", "true", "false"):
        raise InputError(f"`{text.strip()}` is no sentence", fix="say it in words")
    return _text(text)


def _text(text: str) -> str:
    if not text.strip():
        raise InputError("the text is empty", fix="write what is meant")
    if text.strip() in ("...", "\u2026"):
        raise InputError(f"`{text.strip()}` is a blank", fix="say it")
    hidden = unshowable(text, lines=True)
    if hidden and unicodedata.category(hidden) == "Zs":
        raise InputError(f"the text has the character U+{ord(hidden):04X}, which is no plain space", fix="write one")
    if hidden:
        raise InputError(f"the text has the character U+{ord(hidden):04X}, which cannot be shown", fix="remove it")
    return text


def _factor(text: str) -> Fraction:
    value = units.parse_factor(text)
    if value > MAX_FACTOR:
        raise InputError(f"`{text}` is more than a billion", fix="write a smaller factor")
    return value


def _instant(text: str, parse: Callable[[str], int] = units.parse_instant) -> int:
    value = parse(text)
    if value < 0:
        raise InputError(f"`{text}` is before 1970", fix="write a later date")
    return value


def _last(text: str) -> int:
    return _instant(text, units.parse_until)


def _end(text: str) -> int:
    return _instant(text, units.parse_end)


def _second(text: str) -> int:
    """An instant that conditions compare with: which end of a day is meant, is not for us to say."""
    day = meant.as_date(text)
    text = day if day and "T" not in day else text
    value = _instant(text)
    if "T" not in text:
        after = units.format_instant(value + units.DAY)
        fix = f"write `{text}T00:00:00Z` for when the day begins, `{after}` for when it is over"
        raise InputError(f"`{text}` is a whole day, and a value of the kind `instant` is one second", fix=fix)
    return value


def _chance(text: str) -> Fraction:
    value = units.parse_chance(text)
    if value == 1:
        raise InputError(f"`{text}` limits nothing", fix="write a smaller chance")
    return value


def _count(text: str) -> int:
    if re.fullmatch("-?0+", text):
        raise InputError(f"`{text}` is not a whole number of at least 1", fix="write at least 1")
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        fix = meant.fix("write digits only", meant.as_count(text))
        raise InputError(f"`{text}` is not a whole number of at least 1", fix=fix)
    return int(text)


def _shape(pattern: str, *examples: str, also: str = "") -> WithJsonSchema:
    """What an editor checks of the text; `also`: what YAML takes such a text for, where it is not quoted."""
    of = ["string", also] if also else "string"
    return WithJsonSchema(
        {"type": of, "pattern": f"^(?:{pattern})$", "maxLength": MAX_WORD, "examples": list(examples)}
    )


_DAY = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_NUMBER = r"[0-9]+(?:\.[0-9]+)?(?:[eE]\+?[0-9]{1,3})?"
_PATTERNS: Mapping[FigureKind, str] = {
    "factor": f"{_NUMBER}x",
    "flop": f"{_NUMBER} ?[kMGTPEZY]?FLOP",
    "duration": "[0-9]{1,11} (?:second|minute|hour|day|week|month|year)s?",
    "share": f"{_NUMBER}%",
    "instant": f"{_DAY}T{_CLOCK}Z",
    "count": "[1-9][0-9]{0,8}",
}
_PROSE = {"type": ["string", "number", "boolean"], "minLength": 1, "maxLength": MAX_TEXT, "pattern": r"\S"}
_ONE_LINE = _PROSE | {"pattern": r"^\S(?:.*\S)?$"}
_NAME = r"(?=.{1,64}$)[a-z][a-z0-9_]*(?:[.-][a-z0-9_]+)*"
_SCORE = r"[01](?:\.[0-9]{1,9})?"

Flop = Annotated[int, _read(units.parse_flop), _write(lambda v: f"{v} FLOP"), _shape(_PATTERNS["flop"], "1e26 FLOP")]
Duration = Annotated[
    int, _read(units.parse_duration), _write(lambda v: f"{v} seconds"), _shape(_PATTERNS["duration"], "3 months")
]
_DATE = f"{_DAY}(?:T{_CLOCK}Z)?"
Instant = Annotated[int, _read(_instant), _write(units.format_instant), _shape(_DATE, "2027-01-31")]
"""When something begins: a day, with its first second."""
Last = Annotated[int, _read(_last), _write(units.format_instant), _shape(_DATE, "2027-01-31")]
"""The last instant at which something still is: a day, with its last second."""
End = Annotated[int, _read(_end), _write(units.format_instant), _shape(_DATE, "2027-01-31")]
"""The first instant at which something no longer is: a day stands for the one after it, so that it lasts all day."""
Factor = Annotated[
    Fraction, _read(_factor), _write(lambda v: f"{units.exact_decimal(v)}x"), _shape(_PATTERNS["factor"], "4x")
]
Share = Annotated[
    Fraction,
    _read(units.parse_share),
    _write(lambda v: f"{units.exact_decimal(v * 100)}%"),
    _shape(_PATTERNS["share"], "5%"),
]
Chance = Annotated[
    Fraction,
    _read(_chance),
    _write(lambda v: f"{units.exact_decimal(v * 100)}%"),
    _shape(r"[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][-+]?[0-9]{1,2})?%?", "0.01%", also="number"),
]
Score = Annotated[
    Fraction, _read(units.parse_score), _write(units.exact_decimal), _shape(_SCORE, "0.20", also="number")
]
Count = Annotated[int, _read(_count), _write(str), _shape(_PATTERNS["count"], "2", also="integer")]
Identifier = Annotated[str, _read(identifier), _shape(_NAME, "my-id")]
Role = Annotated[str, _read(_role), _shape(r"(?:[a-z][a-z0-9_.-]*/)?[a-z][a-z0-9_.-]*", "officer")]
Text = Annotated[str, _read(_prose), WithJsonSchema(_PROSE)]
Stated = Annotated[str, _read(_text), WithJsonSchema(_PROSE)]
"""The value of a fact, which may be `yes`."""
Line = Annotated[str, _read(_line), WithJsonSchema(_ONE_LINE)]
"""A name, or what else stands in the sentences of others: in one line, without space around it."""


@dataclass(frozen=True)
class Named:
    """A figure of a clause that is a parameter of the policy: which one."""

    id: str

    def __str__(self) -> str:
        return PARAMETER + self.id


def _read_or_named(kind: FigureKind, read: Callable[[str], Any] | None = None) -> BeforeValidator:
    """Reads a figure, or the parameter that stands for it. `read`: where the place says more than the figure does."""

    def either(text: str) -> Any:
        named = text.startswith(PARAMETER)
        return Named(identifier(text.removeprefix(PARAMETER))) if named else (read or FIGURES[kind][0])(text)

    return _read(either)


def _write_or_named(kind: FigureKind) -> PlainSerializer:
    return _write(lambda value: str(value) if isinstance(value, Named) else FIGURES[kind][1](value))


def _shape_or_named(kind: FigureKind, pattern: str = "") -> WithJsonSchema:
    return _shape(f"(?:{pattern or _PATTERNS[kind]})|parameter\\.[a-z][a-z0-9_-]*", FIGURES[kind][2], "parameter.my-id")


@dataclass(frozen=True)
class FigureOf:
    """An exact number with what it is a number of; durations and instants are in seconds."""

    kind: FigureKind
    value: Fraction

    def __str__(self) -> str:
        return FIGURES[self.kind][1](self.value)


FIGURES: Mapping[FigureKind, tuple[Callable[[str], int | Fraction], Callable[[Any], str], str]] = {
    "factor": (_factor, lambda v: f"{units.exact_decimal(v)}x", "4x"),
    "flop": (units.parse_flop, lambda v: f"{v} FLOP", "1e26 FLOP"),
    "duration": (units.parse_duration, lambda v: f"{v} seconds", "3 months"),
    "share": (units.parse_share, lambda v: f"{units.exact_decimal(v * 100)}%", "20%"),
    "instant": (_second, lambda v: units.format_instant(int(v)), "2027-01-31T00:00:00Z"),
    "count": (_count, str, "3"),
}
"""How a figure of each kind is read and written, and an example. No text is a figure of two kinds."""

FlopOrNamed = Annotated[int | Named, _read_or_named("flop"), _write_or_named("flop"), _shape_or_named("flop")]
DurationOrNamed = Annotated[
    int | Named, _read_or_named("duration"), _write_or_named("duration"), _shape_or_named("duration")
]
EndOrNamed = Annotated[
    int | Named, _read_or_named("instant", _end), _write_or_named("instant"), _shape_or_named("instant", _DATE)
]
FactorOrNamed = Annotated[
    Fraction | Named, _read_or_named("factor"), _write_or_named("factor"), _shape_or_named("factor")
]


def _figure(text: str) -> FigureOf:
    likely: InputError | None = None
    for kind, (parse, _, _) in FIGURES.items():
        try:
            return FigureOf(kind, Fraction(parse(text)))
        except InputError as error:
            if re.search(_LIKE[kind], text):
                likely = error
    growth = meant.percent_of_growth(text)
    if growth is not None and meant.as_share(text) is None:
        fix = f"a share is `100%` at most; for a factor {growth}"
        raise InputError(f"`{text}` is more than all there is", fix=fix)
    fix = (
        "write a number with its unit, as `...x`, `... FLOP`, `... days` or `...%`, a whole number or an instant in UTC"
    )
    raise likely or InputError(f"`{text}` is not a figure", fix=fix)


_LIKE: Mapping[FigureKind, str] = {
    "factor": r"^[0-9.]+ ?[xX]$",
    "flop": r"(?i)flops?$",
    "duration": r"^[0-9.]+ [a-z]{2,}$",
    "share": r"%$",
    "instant": r"^[0-9]{4}-",
    "count": r"^-?[0-9]+$",
}
"""What a text that cannot be read was most likely meant to be."""

Figure = Annotated[
    FigureOf,
    _read(_figure),
    _write(str),
    _shape("|".join(_PATTERNS.values()), *(example for _, _, example in FIGURES.values()), also="integer"),
]
"""A figure of any kind: its unit says of which."""


def _when(value: object) -> Expr | str:
    try:
        if isinstance(value, str):
            if len(value) > MAX_CONDITION:
                raise InputError("the condition is too long", fix=f"write at most {MAX_CONDITION} characters")
            return _text(value)
        return value if isinstance(value, Expr) else from_json(value)
    except InputError as error:
        raise ValueError(f"{error.message} | {_joined(value) or error.fix or ''}") from error


_TREES = ("fact", "undefined", "<=", "<", "not", "all", "any", "at_least")
"""What the tree of a condition begins with."""
_JOINING = {**dict.fromkeys(("and", "all", "all_of"), "and"), **dict.fromkeys(("or", "any", "any_of"), "or")}


def _joined(value: object) -> str | None:
    """How conditions in a list, or under `and:` and its like, are written as one; None: they are no such."""
    word: str | None = "and"
    if isinstance(value, dict) and len(value) == 1:
        ((name, value),) = value.items()
        word = _JOINING.get(str(name))
    if word is None or not isinstance(value, list) or not value or value[0] in _TREES:
        return None
    if not all(isinstance(it, str) and it.strip() for it in value):
        return None
    parts = [f"({it})" if len(value) > 1 and re.search(r"\b(?:and|or)\b", it) else it for it in value]
    return f"write the condition as one text: `{f' {word} '.join(parts)}`"


_EITHER = {
    "anyOf": [
        {"type": "string", "minLength": 1, "maxLength": MAX_CONDITION, "examples": ["compute <= 1e26 FLOP"]},
        {"type": "array", "minItems": 1},
    ]
}
When = Annotated[
    Any,
    BeforeValidator(_when),
    PlainSerializer(lambda it: it if isinstance(it, str) else to_json(it)),
    WithJsonSchema(_EITHER),
]
"""A condition as text, or as its tree."""
