"""No text in an entry steers the screen that it is read on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from scalegate.errors import InputError
from scalegate.ledger.entries import MeterFault, read_statement, write_statement
from scalegate.text import escaped, unshowable


def fault(reason: str) -> MeterFault:
    return MeterFault(actor="gate", time=1, policy="0" * 64, run="r", reason=reason)


@pytest.mark.parametrize("character", ["\x1b", "\x00", "\x7f", "\x9b", "\n", "\r", "\u2028", "\u202e", "\u2066"])
def test_what_moves_the_cursor_or_turns_the_line_is_refused(character: str) -> None:
    with pytest.raises(ValidationError, match="cannot be shown"):
        fault(f"zero{character}FLOP")
    payload = write_statement(fault("zeroXFLOP")).replace(b"zeroXFLOP", f"zero{character}FLOP".encode())
    with pytest.raises(InputError):
        read_statement(payload)


@pytest.mark.parametrize("reason", ["Zoë saw nought", "测量为零", "שלום", "🙂 x"])
def test_any_script_may_be_written(reason: str) -> None:
    assert read_statement(write_statement(fault(reason))) == fault(reason)


def test_an_unknown_kind_is_quoted_without_its_commands() -> None:
    payload = write_statement(fault("x")).replace(b"meter-fault", b"\\u001b[2Kfault")
    with pytest.raises(InputError) as caught:
        read_statement(payload)
    assert "\x1b" not in str(caught.value)


@given(st.text())
def test_what_is_written_out_can_be_shown_and_what_can_be_shown_is_left(text: str) -> None:
    assert unshowable(escaped(text), lines=False) is None
    if unshowable(text, lines=False) is None:
        assert escaped(text) == text
