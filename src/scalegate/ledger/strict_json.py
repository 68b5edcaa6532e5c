"""JSON with one meaning: what two readers could read differently is refused, and there is one way to write.

Source: RFC 8259 for the grammar, RFC 7493 (I-JSON) for what is refused: duplicate keys, lone surrogates,
integers beyond 2^53. Floats are refused altogether, so a replayed verdict never hangs on how one was
printed. A quantity beyond 2^53 (FLOP, for one) travels as a string.
"""

from __future__ import annotations

import json
import re
from typing import NoReturn, TypeAlias

from scalegate.errors import InputError, Place

__all__ = ["MAX_DEPTH", "MAX_INT", "JsonValue", "dumps", "loads"]

JsonValue: TypeAlias = "bool | int | str | list[JsonValue] | dict[str, JsonValue] | None"

MAX_INT = 2**53
MAX_DEPTH = 64

_NO_FLOATS = "write an integer in a declared unit, or a decimal as a string"
_SURROGATE = re.compile("[\ud800-\udfff]")
# Possessive, and an unterminated string matches up to the end: linear time on hostile input.
_TOKENS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


def loads(data: bytes) -> JsonValue:
    """Read one JSON value from UTF-8 bytes.

    Raises:
        InputError: for anything but one well-formed value without duplicate keys, floats, NaN or Infinity,
            `-0`, integers beyond +-2^53, lone surrogates, or nesting deeper than `MAX_DEPTH`.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"JSON is not UTF-8: byte {error.start} cannot be read") from error
    _refuse_deep(text)
    try:
        value: JsonValue = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_no_float,
            parse_constant=_no_float,
        )
    except json.JSONDecodeError as error:
        place = Place(line=error.lineno, column=error.colno)
        raise InputError(f"not JSON: {error.msg}", place=place) from error
    # All else that `_check` refuses was refused on the way; and text that is UTF-8 has a surrogate only by an escape.
    if "\\u" in text:
        _check(value, 0)
    return value


def dumps(value: object) -> bytes:
    """Write `value` canonically: keys sorted by code point, no white space, UTF-8 without escapes.

    Raises:
        InputError: if `value` holds anything that `loads` would refuse, or a type that JSON does not have.
            Subclasses (an `IntEnum`, say) are refused too: their text depends on the Python version.
    """
    _check(value, 0)
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()


def _refuse_deep(text: str) -> None:
    # Before parsing: the parser's own recursion limit depends on the interpreter and on the caller's stack.
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for token in _TOKENS.finditer(text):
        if token[0] in ("[", "{"):
            depth += 1
            if depth > MAX_DEPTH:
                raise InputError(f"JSON is nested deeper than {MAX_DEPTH} levels")
        elif token[0] in ("]", "}"):
            depth -= 1


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    for key, value in pairs:
        if key in found:
            raise InputError(f"JSON object has the key {key!r} twice", fix="keep one of them")
        found[key] = value
    return found


def _integer(text: str) -> int:
    # The length first: int() refuses very long texts with an error of its own.
    if text == "-0" or len(text) > 17 or abs(int(text)) > MAX_INT:
        raise InputError(f"JSON integer {text[:24]} is negative zero or beyond +-2^53", fix="write it as a string")
    return int(text)


def _no_float(text: str) -> NoReturn:
    raise InputError(f"JSON number {text[:24]} is not an integer", fix=_NO_FLOATS)


def _check(value: object, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InputError(f"JSON is nested deeper than {MAX_DEPTH} levels")
    kind = type(value)
    if kind is str:
        _check_text(value)
    elif kind is int:
        if abs(value) > MAX_INT:  # type: ignore[arg-type]
            raise InputError("JSON integer is beyond +-2^53", fix="write it as a string")
    elif isinstance(value, list) and kind is list:
        for item in value:
            _check(item, depth + 1)
    elif isinstance(value, dict) and kind is dict:
        for key, item in value.items():
            if type(key) is not str:
                raise InputError(f"JSON object key {key!r} is not a string")
            _check_text(key)
            _check(item, depth + 1)
    elif kind is float:
        raise InputError(f"JSON number {value!r} is a float", fix=_NO_FLOATS)
    elif value is not None and kind is not bool:
        raise InputError(f"{kind.__name__} has no JSON form here", fix="convert it to str, int, list or dict")


def _check_text(text: object) -> None:
    if _SURROGATE.search(str(text)):
        raise InputError("JSON string holds a lone surrogate, which UTF-8 cannot carry")
