"""Keys: one text form, files that are private, and no way to see a private key by accident."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest

from scalegate.errors import InputError
from scalegate.ledger import SigningKey, VerifyKey, _base64

# The worked example of the C2SP signed-note specification.
SPEC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"


def test_the_key_of_the_specification_reads_and_writes_back() -> None:
    key = VerifyKey.from_text(SPEC_KEY)
    assert key.name == "example.com/foo"
    assert key.key_id.hex() == "530d903a"
    assert key.to_text() == SPEC_KEY


def test_key_id_covers_name_type_and_key(signer: SigningKey) -> None:
    public = signer.verify_key.public
    expected = hashlib.sha256(b"example.com/ada\n\x01" + public).digest()[:4]
    assert signer.verify_key.key_id == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        SPEC_KEY + "\n",
        " " + SPEC_KEY,
        SPEC_KEY.replace("530d903a", "530d903b"),
        SPEC_KEY.replace("530d903a", "530D903A"),
        SPEC_KEY.replace("foo", "bar"),
        SPEC_KEY.replace("foo", "f o"),
        SPEC_KEY.replace("foo", "f\u2003o"),
        SPEC_KEY.replace("+Aeky", "+Beky"),
        SPEC_KEY.replace("+Aeky", "+Aek-"),
        SPEC_KEY[:-1],
        SPEC_KEY[:-4],
        SPEC_KEY + "AAAA",
        SPEC_KEY[len("example.com/foo") :],
    ],
)
def test_malformed_verify_keys_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        VerifyKey.from_text(text)


def test_a_saved_key_is_private_and_signs_the_same(tmp_path: Path, signer: SigningKey) -> None:
    file = tmp_path / "ada.key"
    signer.save(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]
    again = SigningKey.load(file)
    assert again.verify_key == signer.verify_key
    assert signer.verify_key.verifies(again.sign(b"message"), b"message")


def test_a_key_file_is_never_overwritten(tmp_path: Path, signer: SigningKey) -> None:
    file = tmp_path / "ada.key"
    file.write_text("precious")
    with pytest.raises(InputError, match="already"):
        signer.save(file)
    assert file.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [file]


def test_a_damaged_key_file_is_refused_without_showing_it(tmp_path: Path, signer: SigningKey) -> None:
    file = tmp_path / "ada.key"
    signer.save(file)
    text = file.read_text()
    secret = text.rstrip().rsplit("+", 1)[1]
    for damaged in (text[:-6], text.replace("PRIVATE", "PUBLIC"), text + text, text.replace("+AQ", "+AB"), ""):
        file.write_text(damaged)
        with pytest.raises(InputError) as caught:
            SigningKey.load(file)
        assert secret[4:20] not in str(caught.value)
        assert caught.value.place is not None
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError):
        SigningKey.load(file)
    with pytest.raises(InputError, match="cannot be read"):
        SigningKey.load(tmp_path / "none.key")


def test_a_private_key_is_not_shown() -> None:
    seed = bytes(range(1, 33))
    shown = repr(SigningKey("example.com/ada", seed)) + str(SigningKey("example.com/ada", seed))
    assert seed.hex() not in shown
    assert repr(seed) not in shown
    assert _base64.encode(seed)[4:] not in shown


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\tb", "a\nb", "\u00a0", "x" * 256, "\ud800"])
def test_names_that_a_note_cannot_carry_are_refused(name: str) -> None:
    with pytest.raises(InputError):
        SigningKey.generate(name)


def test_generated_keys_differ_and_wrong_signatures_fail() -> None:
    one, two = SigningKey.generate("a"), SigningKey.generate("a")
    assert one.verify_key != two.verify_key
    signature = one.sign(b"m")
    assert one.verify_key.verifies(signature, b"m")
    assert not one.verify_key.verifies(signature, b"n")
    assert not two.verify_key.verifies(signature, b"m")
    assert not one.verify_key.verifies(b"", b"m")
