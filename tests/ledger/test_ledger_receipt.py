"""Receipts, trust files and cosignatures: what is enough, and that nothing less is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalegate.errors import InputError, NotVerified
from scalegate.ledger import Ledger, SigningKey, VerifyKey, dsse, open_note, sign_note
from scalegate.ledger.keys import COSIGNATURE
from scalegate.ledger.note import cosign, joined, lines_of
from scalegate.ledger.receipt import Receipt, receipt_for, verify_receipt
from scalegate.ledger.trust_file import Trust, parse_trust, read_trust

Make = Callable[[int], bytes]
WITNESSES = [SigningKey(f"witness.example/w{number}", bytes(31) + bytes([number]), COSIGNATURE) for number in (1, 2, 3)]
NAMED = "".join(f"witness w{number} {key.verify_key.to_text()}\n" for number, key in enumerate(WITNESSES, 1))
AT = 1_700_000_000


def trusting(log_key: SigningKey, quorum: str = "quorum none\n") -> Trust:
    return parse_trust(f"log {log_key.verify_key.to_text()}\n{NAMED}{quorum}".encode())


def test_a_receipt_is_written_read_back_and_proves_its_entry(
    ledger: Ledger, log_key: SigningKey, envelope: Make
) -> None:
    ledger.append([envelope(number) for number in range(300)])
    for index in (0, 1, 255, 256, 299):
        text = receipt_for(ledger, index).to_text()
        receipt = Receipt.from_text(text)
        assert receipt.to_text() == text
        shown = verify_receipt(receipt, envelope(index), trusting(log_key))
        assert (shown.index, shown.checkpoint.size, shown.log, shown.cosigned) == (index, 300, log_key.verify_key, ())
        with pytest.raises(NotVerified):
            verify_receipt(receipt, envelope(index + 1), trusting(log_key))


def test_a_receipt_under_an_older_checkpoint(ledger: Ledger, log_key: SigningKey, envelope: Make) -> None:
    ledger.append([envelope(0), envelope(1)])
    old = ledger.checkpoint()
    ledger.append([envelope(2)])
    receipt = receipt_for(ledger, 1, old)
    assert verify_receipt(receipt, envelope(1), trusting(log_key)).checkpoint.size == 2
    with pytest.raises(InputError, match="entry 2 is not under"):
        receipt_for(ledger, 2, old)
    with pytest.raises(InputError, match="entry 3 is not under"):
        receipt_for(ledger, 3)


def test_what_is_extra_is_kept_and_proves_nothing(ledger: Ledger, log_key: SigningKey, envelope: Make) -> None:
    ledger.append([envelope(0)])
    plain = receipt_for(ledger, 0)
    told = Receipt(plain.index, plain.proof, plain.checkpoint, b"anything")
    assert Receipt.from_text(told.to_text()) == told
    assert "extra YW55dGhpbmc=\n" in told.to_text()
    assert verify_receipt(told, envelope(0), trusting(log_key)).index == 0


def test_every_changed_character_is_refused_or_changes_nothing(
    ledger: Ledger, log_key: SigningKey, envelope: Make
) -> None:
    ledger.append([envelope(number) for number in range(5)])
    text = receipt_for(ledger, 3).to_text()
    trust = trusting(log_key)
    for at in range(len(text)):
        changed = text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :]
        with pytest.raises((InputError, NotVerified)):
            verify_receipt(Receipt.from_text(changed), envelope(3), trust)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "c2sp.org/tlog-proof@v1\n",
            "c2sp.org/tlog-proof@v2\nindex 0\n\nx",
            "c2sp.org/tlog-proof@v1\nindex 00\n\nx",
        ),
        *("c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nx", "c2sp.org/tlog-proof@v1\nindex 0\nextra AAAA\n\nx"),
        *(
            "c2sp.org/tlog-proof@v1\n\nx",
            "c2sp.org/tlog-proof@v1\nindex -1\n\nx",
            "\nc2sp.org/tlog-proof@v1\nindex 0\n\nx",
        ),
        "c2sp.org/tlog-proof@v1\nindex 0\n" + f"{'A' * 43}=\n" * 64 + "\nx",
    ],
)
def test_what_is_no_receipt_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        Receipt.from_text(text)


def cosigned(ledger: Ledger, *witnesses: SigningKey, at: int = AT) -> Receipt:
    plain = receipt_for(ledger, 0)
    lines = [cosign(plain.checkpoint, it, at) for it in witnesses]
    return Receipt(plain.index, plain.proof, joined(plain.checkpoint, lines))


def test_as_many_witnesses_as_the_quorum_asks_for(ledger: Ledger, log_key: SigningKey, envelope: Make) -> None:
    ledger.append([envelope(0)])
    one, two, three = WITNESSES
    two_of = trusting(log_key, "group g 2 w1 w2 w3\nquorum g\n")
    nested = trusting(log_key, "group g any w1 w2\ngroup h all g w3\nquorum h\n")
    for trust, enough, short in (
        (two_of, [(one, two), (two, three), (one, two, three)], [(), (one,), (one, one)]),
        (nested, [(one, three), (one, two, three)], [(one, two), (three,), ()]),
    ):
        for by in enough:
            shown = verify_receipt(cosigned(ledger, *by), envelope(0), trust)
            assert {key for key, _ in shown.cosigned} == {it.verify_key for it in by}
            assert {at for _, at in shown.cosigned} == {AT}
        for by in short:
            with pytest.raises(NotVerified, match="has not the cosignatures of 2 of"):
                verify_receipt(cosigned(ledger, *by), envelope(0), trust)
    stranger = SigningKey("witness.example/s", bytes(31) + b"s", COSIGNATURE)
    with pytest.raises(NotVerified, match="has not the cosignatures"):
        verify_receipt(cosigned(ledger, one, stranger), envelope(0), two_of)


def test_a_log_that_is_not_trusted_proves_nothing(ledger: Ledger, log_key: SigningKey, envelope: Make) -> None:
    ledger.append([envelope(0)])
    other = SigningKey("example.com/other", bytes(31) + b"o")
    renamed = SigningKey("example.com/renamed", bytes(range(32)))
    for key in (other, renamed):
        with pytest.raises(NotVerified):
            verify_receipt(cosigned(ledger, WITNESSES[0]), envelope(0), trusting(key))


def test_one_wrong_cosignature_of_a_known_witness_condemns_the_checkpoint(
    ledger: Ledger, log_key: SigningKey, envelope: Make
) -> None:
    ledger.append([envelope(0)])
    receipt = cosigned(ledger, WITNESSES[0])
    other = cosign(sign_note("example.com/safety-log\n7\n" + "A" * 43 + "=\n", [log_key]), WITNESSES[1], AT)
    bad = Receipt(receipt.index, receipt.proof, joined(receipt.checkpoint, [other]))
    with pytest.raises(NotVerified, match=r"signature by witness\.example/w2 on the note is wrong"):
        verify_receipt(bad, envelope(0), trusting(log_key))


@given(st.integers(1, 2**63 - 1))
def test_the_time_of_a_cosignature_is_signed(at: int) -> None:
    key = WITNESSES[0]
    note = sign_note("example.com/log\n1\n" + "A" * 43 + "=\n", [SigningKey("example.com/log", bytes(32))])
    whole = joined(note, [cosign(note, key, at)])
    assert open_note(whole, [key.verify_key]).cosigned == ((key.verify_key, at),)
    assert len(lines_of(whole)) == 2
    from scalegate.ledger import _base64

    line = lines_of(whole)[1]
    data = bytearray(_base64.decode(line.split()[-1]))
    data[11] ^= 1
    with pytest.raises(NotVerified, match="is wrong"):
        open_note(note + f"\u2014 {key.name} {_base64.encode(bytes(data))}\n", [key.verify_key])


def test_keys_do_only_what_they_are_for(log_key: SigningKey) -> None:
    witness = WITNESSES[0]
    note = sign_note("example.com/log\n1\n" + "A" * 43 + "=\n", [log_key])
    with pytest.raises(InputError, match="signs no note"):
        sign_note("text\n", [witness])
    with pytest.raises(InputError, match="signs no entry"):
        dsse.sign(b"{}", dsse.IN_TOTO, [witness])
    for key, at in ((log_key, AT), (witness, 0), (witness, 2**63)):
        with pytest.raises(InputError, match="cosigns nothing"):
            cosign(note, key, at)
    with pytest.raises(InputError, match=r"type 0x01.*cosigns checkpoints"):
        VerifyKey.from_text(witness.verify_key.to_text())
    with pytest.raises(InputError, match="type 0x04"):
        VerifyKey.from_text(log_key.verify_key.to_text(), COSIGNATURE)
    # The same 32 bytes by either name: the key id tells which it is.
    same = SigningKey(log_key.name, bytes(range(32)), COSIGNATURE)
    assert same.verify_key.public == log_key.verify_key.public
    assert same.verify_key.key_id != log_key.verify_key.key_id
    envelope = dsse.parse(dsse.sign(b"{}", dsse.IN_TOTO, [log_key]))
    assert dsse.verified_by(envelope, [same.verify_key]) == ()


LOG = f"log {SigningKey('example.com/log', bytes(32)).verify_key.to_text()}\n"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (LOG, None, "there is no `quorum` line"),
        (LOG + "quorum w1\n", 2, "`w1` is defined on no line before"),
        (LOG + "quorum none\nquorum none\n", 3, "a second quorum"),
        (LOG + LOG + "quorum none\n", 2, "is listed twice"),
        (NAMED + NAMED + "quorum none\n", 4, "the name `w1` is taken"),
        (NAMED + NAMED.replace("witness w", "witness v") + "quorum none\n", 4, "is listed twice"),
        (NAMED + "group g 4 w1 w2 w3\nquorum g\n", 4, "`4` of 3 members"),
        (NAMED + "group g 0 w1\nquorum g\n", 4, "`0` of 1 members"),
        (NAMED + "group g 01 w1\nquorum g\n", 4, "`01` of 1 members"),
        (NAMED + "group g some w1\nquorum g\n", 4, "`some` of 1 members"),
        (NAMED + "group g 1 w1 w1\nquorum g\n", 4, "`w1` is a member twice"),
        (NAMED + "group g 1 w1\ngroup h 1 w1\nquorum h\n", 5, "`w1` is a member twice"),
        (NAMED + "group g 1 g\nquorum g\n", 4, "`g` is defined on no line before"),
        (NAMED + "group g 1\nquorum g\n", 4, "`group` begins no line"),
        (NAMED + "group none 1 w1\nquorum none\n", 4, "the name `none` is taken"),
        (NAMED + "group g 1 none\nquorum g\n", 4, "`none` is defined on no line"),
        ("logs x\nquorum none\n", 1, "`logs` begins no line"),
        ("log x\nquorum none\n", 1, "not a verify key"),
        (LOG + "quorum none\r\n", 2, "control character"),
        (LOG.replace("log ", "log\u00a0", 1) + "quorum none\n", 1, "begins no line"),
    ],
)
def test_a_trust_file_that_is_wrong_says_in_which_line(text: str, line: int | None, says: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_trust(text.encode())
    assert says in caught.value.message
    assert caught.value.place is not None
    assert caught.value.place.line == line


def test_a_log_is_no_witness_of_its_own() -> None:
    key = SigningKey("example.com/log", bytes(32), COSIGNATURE).verify_key.to_text()
    for text in (f"{LOG}witness w {key}\nquorum w\n", f"witness w {key}\n{LOG}quorum w\n"):
        with pytest.raises(InputError, match="nobody witnesses themselves"):
            parse_trust(text.encode())


def test_comments_blanks_and_places_to_reach_are_taken(tmp_path: object) -> None:
    key = WITNESSES[0].verify_key.to_text()
    trust = parse_trust(
        f"\n# \u00fc\n\t {LOG.strip()}  https://log.example/ \nwitness w {key}\thttps://w.example\nquorum w".encode()
    )
    assert trust.urls == {trust.logs[0].to_text(): "https://log.example/", key: "https://w.example"}
    assert trust.asks() == "cosignatures of `w`"
    with pytest.raises(InputError, match="cannot be read"):
        read_trust(f"{tmp_path}/none")
