"""An append under an id is made once, whatever the ledger is kept in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kept import Kept, finish, kept_in, start

from scalegate.errors import InputError, NotVerified
from scalegate.ledger import Ledger, SigningKey, check

Make = Callable[[int], bytes]


@pytest.fixture(params=["file", "postgres"])
def kept(request: pytest.FixtureRequest, path: Path) -> Kept:
    server = request.getfixturevalue("postgres") if request.param == "postgres" else None
    return kept_in(request.param, path, server)


@pytest.fixture
def ledger(kept: Kept, log_key: SigningKey) -> Iterator[Ledger]:
    with kept.create(log_key) as made:
        yield made


def test_what_was_appended_under_an_id_is_not_appended_again(ledger: Ledger, path: Path, envelope: Make) -> None:
    ledger.append([envelope(5)])
    done = ledger.append([envelope(0), envelope(1)], once="order 17")
    ledger.append([envelope(2)])
    assert ledger.append([envelope(0), envelope(1)], once="order 17") == done
    assert ledger.append(lambda: [envelope(0), envelope(1)], once="order 17") == done
    assert (done.first, done.size, ledger.size) == (1, 3, 4)
    assert check(path).size == 4


def test_other_entries_under_an_id_are_refused(ledger: Ledger, envelope: Make) -> None:
    ledger.append([envelope(0), envelope(1)], once="a")
    for other in ([envelope(0)], [envelope(1), envelope(0)], [envelope(2)], [envelope(0), envelope(1), envelope(2)]):
        with pytest.raises(InputError, match="`a` is of other entries, 0 to 1"):
            ledger.append(other, once="a")
    assert ledger.size == 2


def test_equal_entries_are_appended_as_often_as_they_are_meant(ledger: Ledger, envelope: Make) -> None:
    ledger.append([envelope(0)])
    ledger.append([envelope(0)], once="a")
    ledger.append([envelope(0)], once="b")
    ledger.append([envelope(0)])
    assert [found for _, found in ledger.entries()] == [envelope(0)] * 4


def test_what_was_refused_leaves_its_id_free(ledger: Ledger, envelope: Make) -> None:
    with pytest.raises(InputError):
        ledger.append([b"{}"], once="a")
    assert ledger.append([envelope(0)], once="a").size == 1


@pytest.mark.parametrize("name", ["", "x" * 201, "two\nlines", "nul\0", "\ud800"])
def test_an_id_is_a_short_line(ledger: Ledger, envelope: Make, name: str) -> None:
    with pytest.raises(InputError, match="id"):
        ledger.append([envelope(0)], once=name)
    assert ledger.append([envelope(0)], once="é" * 200).size == 1


def test_a_forged_id_swallows_no_entry(kept: Kept, ledger: Ledger, envelope: Make) -> None:
    ledger.append([envelope(0)], once="a")
    kept.tamper("UPDATE sent SET id = 'b'")
    with pytest.raises(NotVerified, match="damaged"):
        ledger.append([envelope(0)], once="b")


def test_of_many_senders_of_one_statement_one_appends_it(
    ledger: Ledger, path: Path, tmp_path: Path, log_key: SigningKey
) -> None:
    ledger.close()
    log_key.save(tmp_path / "log.key")
    acks = [tmp_path / f"ack{number}" for number in range(3)]
    finish(*[start("_sender.py", path, tmp_path / "log.key", ack, 10) for ack in acks])
    said = {ack.read_text() for ack in acks}
    assert len(said) == 1
    assert len(set(said.pop().split())) == 10
    assert check(path).size == 15
