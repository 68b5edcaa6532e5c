"""Strict JSON: one meaning, one spelling, no crash."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalegate.errors import InputError
from scalegate.ledger import strict_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"a":1,"a":1}',
        b'{"a":1,"\\u0061":2}',
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"1.0",
        b"1e3",
        b"-0",
        b"-0.0",
        b"01",
        b"9007199254740993",
        b"-9007199254740993",
        b"9" * 10_000,
        b"1 2",
        b"{} x",
        b"[1,]",
        b"// no\n1",
        b"\xef\xbb\xbf1",
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\\ud800"',
        b'{"\\udfff":1}',
        b'"\n"',
        b'"\\x"',
        b"[" * 65 + b"]" * 65,
        b"[" * 1_000_000,
        b'{"a":' * 100_000,
        b'"' + b'\\"' * 500_000,
        b"true false",
        b"\x00",
    ],
)
def test_ambiguous_or_malformed_input_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        strict_json.loads(data)


@given(st.binary(max_size=60) | st.text('[]{}",:\\u0dE-.19 ntfa', max_size=40).map(str.encode))
def test_any_bytes_give_a_value_or_an_input_error(data: bytes) -> None:
    try:
        value = strict_json.loads(data)
    except InputError:
        return
    assert strict_json.loads(strict_json.dumps(value)) == value


@given(VALUES)
def test_what_is_written_reads_back_and_is_canonical(value: object) -> None:
    data = strict_json.dumps(value)
    again = strict_json.loads(data)
    assert again == value
    assert strict_json.dumps(again) == data


def test_keys_are_sorted_and_text_is_not_escaped() -> None:
    assert strict_json.dumps({"b": [1, None, True], "a": "é/—"}) == '{"a":"é/—","b":[1,null,true]}'.encode()


def test_brackets_inside_strings_are_not_nesting() -> None:
    text = "[" * 200 + '\\"' + "{" * 200
    assert strict_json.loads(strict_json.dumps([text])) == [text]


@pytest.mark.parametrize("value", [1.0, float("nan"), 2**53 + 1, "\ud800", {1: 2}, (1,), b"x", {"a": [1.5]}])
def test_values_without_a_strict_form_are_not_written(value: object) -> None:
    with pytest.raises(InputError):
        strict_json.dumps(value)


def test_a_value_that_contains_itself_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(InputError):
        strict_json.dumps(loop)
