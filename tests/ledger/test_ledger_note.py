"""Signed notes and checkpoints."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalegate.errors import InputError, NotVerified
from scalegate.ledger import Checkpoint, SigningKey, VerifyKey, _base64, open_note, sign_note

# The worked example of the C2SP signed-note specification.
SPEC_KEY = VerifyKey.from_text("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
SPEC_NOTE = (
    "This is an example message.\n\n\u2014 example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
ADA = SigningKey("example.com/ada", b"a" * 32)
BOB = SigningKey("example.com/bob", b"b" * 32)


def test_the_note_of_the_specification_opens() -> None:
    note = open_note(SPEC_NOTE, [SPEC_KEY])
    assert note.text == "This is an example message.\n"
    assert note.signers == (SPEC_KEY,)


@given(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"])).map(lambda text: text + "\n"))
def test_what_is_signed_opens_again(text: str) -> None:
    note = open_note(sign_note(text, [ADA, BOB]), [BOB.verify_key, ADA.verify_key])
    assert note.text == text
    assert note.signers == (ADA.verify_key, BOB.verify_key)


def test_text_with_empty_lines_is_split_at_the_last_one() -> None:
    text = "one\n\n\u2014 example.com/ada AAAA\n\ntwo\n"
    assert open_note(sign_note(text, [ADA]), [ADA.verify_key]).text == text


def test_unknown_keys_are_ignored_but_one_known_key_must_have_signed() -> None:
    note = sign_note("text\n", [ADA, BOB])
    assert open_note(note, [BOB.verify_key]).signers == (BOB.verify_key,)
    for known in ([], [SPEC_KEY], [SigningKey.generate("example.com/ada").verify_key]):
        with pytest.raises(NotVerified):
            open_note(note, known)


def test_one_wrong_signature_by_a_known_key_condemns_the_note() -> None:
    wrong = _base64.encode(BOB.verify_key.key_id + ADA.sign(b"text\n"))
    note = sign_note("text\n", [ADA]) + f"\u2014 {BOB.name} {wrong}\n"
    assert open_note(note, [ADA.verify_key]).signers == (ADA.verify_key,)
    with pytest.raises(NotVerified, match="bob"):
        open_note(note, [ADA.verify_key, BOB.verify_key])


def test_one_key_that_signs_twice_counts_once() -> None:
    note = sign_note("text\n", [ADA, ADA])
    assert len(open_note(note, [ADA.verify_key]).signers) == 1


def test_changed_text_is_not_verified() -> None:
    with pytest.raises(NotVerified):
        open_note(SPEC_NOTE.replace("example message", "exemple message"), [SPEC_KEY])


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        "text\n",
        "text\n\n",
        SPEC_NOTE[:-1],
        SPEC_NOTE + "x\n",
        SPEC_NOTE + "\n",
        SPEC_NOTE.replace("\u2014", "-"),
        SPEC_NOTE.replace("\u2014 ", "\u2014  "),
        SPEC_NOTE.replace("\n\u2014", "\u2014"),
        SPEC_NOTE.replace("example.com/foo", "example.com foo"),
        SPEC_NOTE.replace("example.com/foo", "example.com+foo"),
        SPEC_NOTE.replace("aQM=", "aQN="),
        SPEC_NOTE.replace("aQM=", "aQM"),
        SPEC_NOTE.replace("This", "Th\tis"),
        SPEC_NOTE.replace("This", "Th\ris"),
        SPEC_NOTE.replace("This", "Th\x00is"),
        SPEC_NOTE.replace("This", "Th\ud800is"),
        "text\n\n\u2014 example.com/foo AAAA\n",
        "text\n\n" + SPEC_NOTE.splitlines()[2] + "\n" + "\u2014 x AAAAAAAA\n" * 100,
        "x" * 1_000_001 + SPEC_NOTE,
    ],
)
def test_malformed_notes_are_refused(note: str) -> None:
    with pytest.raises(InputError):
        open_note(note, [SPEC_KEY])


@pytest.mark.parametrize("text", ["", "no newline", "tab\t\n", "bell\x07\n", "cr\r\n"])
def test_text_that_is_no_note_is_not_signed(text: str) -> None:
    with pytest.raises(InputError):
        sign_note(text, [ADA])


def test_sixteen_signatures_are_taken() -> None:
    keys = [SigningKey(f"example.com/{number}", bytes([number]) * 32) for number in range(16)]
    assert len(open_note(sign_note("text\n", keys), [key.verify_key for key in keys]).signers) == 16


ROOT_TEXT = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


@pytest.mark.parametrize("size", [0, 1, 9, 10, 2**63 - 1])
def test_a_checkpoint_survives_its_text(size: int) -> None:
    checkpoint = Checkpoint("example.com/log", size, bytes(32))
    assert checkpoint.to_text() == f"example.com/log\n{size}\n{ROOT_TEXT}\n"
    assert Checkpoint.from_text(checkpoint.to_text()) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"\n1\n{ROOT_TEXT}\n",
        f"log\n01\n{ROOT_TEXT}\n",
        f"log\n+1\n{ROOT_TEXT}\n",
        f"log\n-1\n{ROOT_TEXT}\n",
        f"log\n 1\n{ROOT_TEXT}\n",
        f"log\n1_0\n{ROOT_TEXT}\n",
        f"log\n\u0661\n{ROOT_TEXT}\n",
        f"log\n{2**63}\n{ROOT_TEXT}\n",
        f"log\n1\n{ROOT_TEXT}",
        f"log\n1\n{ROOT_TEXT}\nextension\n",
        f"log\n1\n{ROOT_TEXT[:-1]}\n",
        f"log\n1\n{ROOT_TEXT[:-2]}B=\n",
        f"log\n1\n{ROOT_TEXT.replace('A', '-', 1)}\n",
        f"log\r\n1\r\n{ROOT_TEXT}\r\n",
    ],
)
def test_malformed_checkpoints_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        Checkpoint.from_text(text)
