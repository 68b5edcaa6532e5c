"""Cosignatures that a policy asks for: what counts, up to when, and what proves two histories."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from book import PEOPLE, Book, digest, key_of, policy_of
from hypothesis import given
from hypothesis import strategies as st

from scalegate.gate import Decision
from scalegate.gate.adoption import read_against
from scalegate.gate.fold import Fold, Record
from scalegate.gate.journal import sealed
from scalegate.gate.witnessing import Log, Witnessing, witness_keys
from scalegate.ledger import SigningKey
from scalegate.ledger import entries as kinds
from scalegate.ledger.keys import COSIGNATURE
from scalegate.ledger.note import MAX_TIME, cosign, joined
from scalegate.policy import Policy, PolicyFaults, parse_policy
from scalegate.policy.reader import fill_keys
from support import DAY, POLICY_TEXT, START
from witnessed_support import LOG, ORIGIN, WITNESSES, cosigned, witnessed_clause

LAST = POLICY_TEXT.rstrip().splitlines()[-1]
ONE, TWO, THREE, _ = WITNESSES
FLOPS = 10**10


def asking(*clauses: str, version: str = "1.0") -> Policy:
    clauses = clauses or (witnessed_clause(),)
    return policy_of(('version: "1.0"\ntitle', f'version: "{version}"\ntitle'), (LAST, LAST + "".join(clauses)))


def book_of(policy: Policy) -> Book:
    """A run that is opened, in a ledger of which it is known whose it is."""
    book = Book(fold=Fold(witnessing=Witnessing(Log(ORIGIN, LOG.verify_key))))
    assert book.adopt(policy, document=policy.document()).refused is None
    book.put(kinds.TierStatus, until=START + 900 * DAY)
    book.put(kinds.RunOpened)
    return book


def note_of(book: Book, at: Mapping[SigningKey, int], size: int | None = None, **of: Any) -> str:
    size = book.fold.size if size is None else size
    return cosigned(size, book.fold.witnessing.roots[size], at, **of)


def record(book: Book, note: str, who: str = "grace") -> Record:
    return book.put(kinds.CheckpointWitnessed, who, note=note)


def held_by(decision: Decision) -> tuple[str, ...]:
    return tuple(it.clause for it in decision.findings if it.status in ("violated", "not shown"))


def detail(decision: Decision, clause: str = "seen") -> str:
    return next(it.detail for it in decision.findings if it.clause == clause)


@pytest.fixture
def book() -> Book:
    return book_of(asking())


def test_enough_who_cosigned_lately_let_it_go_on_and_the_permit_ends_with_that(book: Book) -> None:
    assert held_by(book.decide(compute=FLOPS)) == ("seen",)
    at = book.time + 1
    assert record(book, note_of(book, {ONE: at, TWO: at - 30})).refused is None
    decision = book.decide(compute=FLOPS)
    assert decision.verdict == "PROCEED"
    assert decision.permit is not None
    assert decision.permit.time == at - 30 + DAY, "the later of two is of no use alone"
    assert decision.permit.time_ends_by == ("seen",)
    book.time = at - 30 + DAY - 1
    assert book.decide(compute=FLOPS).verdict == "PROCEED"
    late = book.decide(compute=FLOPS)
    assert (late.verdict, held_by(late)) == ("HOLD", ("seen",))
    assert "enough witnesses vouch for the ledger up to" in detail(late)
    assert late.resumption is not None
    assert [[it.concerns for it in way] for way in late.resumption.sets] == [[("witnessed", "seen")]]
    record(book, note_of(book, {TWO: book.time, THREE: book.time}))
    assert book.decide(compute=FLOPS).verdict == "PROCEED"


def test_a_key_that_was_in_wrong_hands_takes_back_nothing_that_witnesses_said(book: Book) -> None:
    """All entries are taken anew then, and what they cosigned speaks for itself, whoever recorded it."""
    at = book.time + 1
    assert record(book, note_of(book, {ONE: at, TWO: at})).refused is None
    held, before = book.fold.situation("r", now=book.time).witnessed, list(book.fold.witnessing.clocks)
    of = {"ledger": book.fold.identity, "person": "grace", "revoked": key_of("grace").verify_key.to_text()}
    assert book.put(kinds.KeyRevoked, "grace", since=1, because="stolen", **of).refused is None
    assert book.fold.situation("r", now=book.time).witnessed == held
    assert book.fold.witnessing.clocks[: len(before)] == before
    assert book.fold.faults == []
    assert book.decide(compute=FLOPS).verdict == "PROCEED"
    assert record(book, note_of(book, {ONE: book.time, THREE: book.time}), "ada").refused is None


def test_too_few_are_told_and_hold(book: Book) -> None:
    decision = book.decide(compute=FLOPS)
    assert "0 of the 2 witnesses that are asked for have cosigned this ledger" in detail(decision)
    record(book, note_of(book, {ONE: book.time}))
    decision = book.decide(compute=FLOPS)
    assert (decision.verdict, held_by(decision)) == ("HOLD", ("seen",))
    assert "1 of the 2 witnesses" in detail(decision)
    assert decision.resumption is not None
    way = decision.resumption.sets[0][0]
    assert way.text.startswith("2 of the witnesses `w0.example/w`, `w1.example/w`, `w2.example/w` cosign the ledger")
    record(book, note_of(book, {TWO: book.time}))
    assert book.decide(compute=FLOPS).verdict == "PROCEED", "two notes count as one does"


def test_what_was_cosigned_long_ago_counts_by_its_own_time_whenever_it_is_recorded(book: Book) -> None:
    note = note_of(book, {ONE: book.time, TWO: book.time})
    book.time += DAY
    assert record(book, note).refused is None
    decision = book.decide(compute=FLOPS)
    assert (decision.verdict, held_by(decision)) == ("HOLD", ("seen",))


def test_an_old_checkpoint_that_is_cosigned_again_vouches_for_nothing_since(book: Book) -> None:
    """A witness cosigns the same tree as often as it is asked: what came after it may be written anew."""
    size = book.fold.size
    book.put(kinds.TierStatus, until=START + 900 * DAY, statement="later")
    first = book.time
    book.time += DAY - 5
    record(book, note_of(book, {ONE: book.time, TWO: book.time}, size))
    decision = book.decide(compute=FLOPS)
    assert decision.permit is not None
    assert decision.permit.time == first + DAY, "it ends a day after the first entry that they have not seen"
    book.time += 10
    record(book, note_of(book, {ONE: book.time, TWO: book.time}, size))
    assert held_by(book.decide(compute=FLOPS)) == ("seen",)
    record(book, note_of(book, {ONE: book.time, TWO: book.time}))
    assert book.decide(compute=FLOPS).verdict == "PROCEED"


def test_recorded_twice_is_once(book: Book) -> None:
    note = note_of(book, {ONE: book.time})
    assert [record(book, note).refused, record(book, note, "ada").refused] == [None, None]
    assert "1 of the 2 witnesses" in detail(book.decide(compute=FLOPS))
    again = book.sealed(kinds.CheckpointWitnessed, "ada", note=note)
    assert book.fold.add(again).refused is None
    assert book.fold.add(again).refused == "the same statement is in the ledger already"


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("stranger", "no witness that the policy in force names"),
        ("signs", "no witness that the policy in force names"),
        ("origin", "its checkpoint is of the log example.com/other"),
        ("unsigned", "its checkpoint is not signed by the key of this log"),
        ("changed", "is wrong"),
        ("text", "its note does not check out"),
        ("extension", "its note does not check out"),
    ],
)
def test_what_does_not_check_out_counts_for_nothing(book: Book, what: str, why: str) -> None:
    at, other = book.time, SigningKey("w0.example/w", b"o" * 32, COSIGNATURE)
    good = note_of(book, {ONE: at, TWO: at})
    notes = {
        "stranger": lambda: note_of(book, {other: at}),
        "signs": lambda: note_of(book, {}),
        "origin": lambda: note_of(book, {ONE: at, TWO: at}, origin="example.com/other"),
        "unsigned": lambda: note_of(book, {ONE: at, TWO: at}, log=SigningKey(ORIGIN, bytes(32))),
        "changed": lambda: joined(note_of(book, {ONE: at}), [cosign(note_of(book, {}, 1), TWO, at)]),
        "text": lambda: "no note",
        "extension": lambda: good.replace("\n\n", "\nmore\n\n", 1),
    }
    put = record(book, notes[what]())
    assert put.refused is not None
    assert why in put.refused
    assert not book.fold.faults
    assert held_by(book.decide(compute=FLOPS)) == ("seen",)


def test_of_an_unknown_log_nothing_counts() -> None:
    book = Book.adopted(asking())
    book.put(kinds.TierStatus, until=START + 900 * DAY)
    book.put(kinds.RunOpened)
    put = record(book, note_of(book, {ONE: book.time, TWO: book.time}))
    assert put.refused == "it is not known here whose log this is"
    assert held_by(book.decide(compute=FLOPS)) == ("seen",)


def test_one_key_under_two_names_is_one_witness() -> None:
    again = SigningKey("other.example/w", bytes(32), COSIGNATURE).verify_key
    with pytest.raises(PolicyFaults, match="one key stands twice"):
        asking(witnessed_clause(*(it.verify_key.to_text() for it in (ONE, TWO)), again.to_text()))
    assert again.public == ONE.verify_key.public


def test_nobody_witnesses_what_they_write() -> None:
    person = SigningKey("w0.example/w", _seed("ada"), COSIGNATURE).verify_key
    with pytest.raises(PolicyFaults, match="this is the key of `ada`"):
        asking(witnessed_clause(person.to_text(), at_least=1))
    own = SigningKey("w0.example/w", bytes(range(32)), COSIGNATURE)
    keys = [own.verify_key.to_text(), *(it.verify_key.to_text() for it in (ONE, TWO))]
    log = Book(fold=Fold(witnessing=Witnessing(Log(ORIGIN, LOG.verify_key))))
    refused = log.adopt(asking(witnessed_clause(*keys))).refused
    assert refused is not None
    assert "names the key of this ledger's log as a witness" in refused


def _seed(who: str) -> bytes:
    """As `book.key_of` has it."""
    seed = hashlib.sha256(who.encode()).digest()
    assert SigningKey(who, seed).verify_key == key_of(who).verify_key
    return seed


@pytest.mark.parametrize("witnessing", [True, False])
def test_another_tree_of_this_log_is_the_proof_of_two_histories(book: Book, witnessing: bool) -> None:
    """Whoever signed it: the log's own signature alone says that."""
    size = book.fold.size
    note = cosigned(size, b"x" * 32, {ONE: book.time, TWO: book.time} if witnessing else {})
    put = record(book, note)
    assert put.refused is None, "it counts: against"
    fault = book.fold.faults[-1]
    assert fault.startswith(f"entry {put.index} proves two histories: the log signed another tree of {size} entries")
    assert f"(root {(b'x' * 8).hex()}...)" in fault
    record(book, note_of(book, {ONE: book.time, TWO: book.time}))
    decision = book.decide(compute=FLOPS)
    assert (decision.verdict, held_by(decision)) == ("HOLD", ("standing.ledger",))


def test_a_checkpoint_of_more_than_there_is_is_an_older_copy_that_was_written_on(book: Book) -> None:
    longer = book_of(asking())
    for number in range(3):
        longer.put(kinds.TierStatus, until=START + 900 * DAY, statement=f"{number}")
    size = longer.fold.size
    note = note_of(longer, {ONE: book.time, TWO: book.time})
    record(book, note)
    assert f"the log signed a tree of {size} entries" in book.fold.faults[-1]
    assert "an older copy that was written on" in book.fold.faults[-1]
    assert held_by(book.decide(compute=FLOPS)) == ("seen", "standing.ledger")[::-1]


def test_an_old_checkpoint_of_this_very_tree_proves_nothing_against_it(book: Book) -> None:
    for size in range(1, book.fold.size + 1):
        assert record(book, note_of(book, {ONE: book.time}, size)).refused is None
    assert not book.fold.faults


def test_a_checkpoint_of_no_entries_vouches_for_nothing(book: Book) -> None:
    at = book.time + 1
    refused = record(book, note_of(book, {ONE: at, TWO: at}, 0)).refused
    assert refused == "its checkpoint is of no entries, so it vouches for nothing"
    assert book.decide(compute=FLOPS).verdict == "HOLD"
    assert not book.fold.faults


def rotated(book: Book, who: str, new: SigningKey) -> str | None:
    book.time += 1
    keys = {"before": key_of(who).verify_key.to_text(), "after": new.verify_key.to_text()}
    common = {"actor": who, "time": book.time, "policy": book.fold.policy_digest, "ledger": book.fold.identity}
    entry = kinds.KeyRotated.model_validate(common | keys)
    return book.fold.add(sealed(entry, (key_of(who), new))).refused


def as_person(number: int) -> SigningKey:
    """A key that signs entries, with the secret of a witness."""
    return SigningKey("ada", bytes(31) + bytes([number]))


def test_nobody_rotates_to_the_key_of_a_witness(book: Book) -> None:
    refused = "the new key is that of a witness, and nobody witnesses what they write: make another"
    assert rotated(book, "ada", as_person(0)) == refused
    assert rotated(book, "ada", as_person(3)) is None, "whom the policy does not name"


def test_no_version_names_as_a_witness_whoever_signs_by_that_key_or_did() -> None:
    book = book_of(policy_of())
    assert rotated(book, "ada", as_person(0)) is None
    new = asking(version="2.0")
    for who in ("grace", "alan"):
        refused = book.adopt(new, who, document=new.document()).refused
        assert refused is not None
        assert refused.startswith("it names as a witness whoever has a key that is, or was, of `ada`")
    assert book.fold.policy_digest == policy_of().digest()


def test_the_key_by_which_somebody_signs_now_is_none_of_a_witness(book: Book) -> None:
    policy = book.fold.policy
    assert policy is not None
    people = [it.with_key(as_person(0).verify_key.to_text(), it.root) if it.id == "ada" else it for it in policy.people]
    now = policy.model_copy(update={"people": tuple(people)})
    assert [it.public for it in witness_keys(now)] == [it.verify_key.public for it in (TWO, THREE)]


def test_one_who_lies_about_the_time_neither_stops_nor_licenses_anything(book: Book) -> None:
    far = book.time + 1000 * DAY
    record(book, note_of(book, {ONE: book.time, TWO: far}))
    now = book.time
    decision = book.decide(compute=FLOPS)
    assert decision.permit is not None
    assert decision.permit.time <= now + DAY
    book.time += DAY + 10
    assert held_by(book.decide(compute=FLOPS)) == ("seen",), "nobody has seen what came since"
    record(book, note_of(book, {THREE: book.time}))
    assert held_by(book.decide(compute=FLOPS)) == ("seen",), "a time to come vouches for nothing that came after it"
    record(book, note_of(book, {ONE: book.time}))
    assert book.decide(compute=FLOPS).verdict == "PROCEED"
    book.time += DAY + 10
    record(book, note_of(book, {TWO: book.time, THREE: book.time}))
    decision = book.decide(compute=FLOPS)
    assert decision.verdict == "PROCEED", "a witness whose clock was wrong once counts again"


@pytest.mark.parametrize("many", [1, 2])
def test_a_time_beyond_all_dates_is_one_like_any_that_is_to_come(book: Book, many: int) -> None:
    record(book, note_of(book, dict.fromkeys(WITNESSES[:many], MAX_TIME) | {THREE: book.time}))
    decision = book.decide(compute=FLOPS)
    assert held_by(decision) == (() if many == 1 else ("standing.clock",))
    if many == 1:
        assert decision.permit is not None
        assert decision.permit.time <= book.time + DAY


def test_a_floor_asks_for_its_own_witnesses_and_nobody_of_the_policy_is_one(tmp_path: Path) -> None:
    own = SigningKey("w3.example/w", _seed("ada"), COSIGNATURE)
    keys = [it.verify_key.to_text() for it in (ONE, TWO, own)]
    people = "people:\n  - {id: gatekeeper, name: Gate machine, roles: [gate], key: unset}\n"
    head = 'scalegate: 1\npolicy: watchers\nversion: "1"\ntitle: Watched\ndeveloper: All\nabout: Ledgers.\n'
    (tmp_path / "floor.yaml").write_text(f"{head}{people}clauses:{witnessed_clause(*keys)}\n", encoding="utf-8")
    text = POLICY_TEXT.replace("\neffective_compute:", "\nfloors:\n  - {file: floor.yaml}\n\neffective_compute:", 1)
    filled = fill_keys(text, {who: key_of(who).verify_key.to_text() for who in PEOPLE})
    book = book_of(parse_policy(filled, beside=tmp_path))
    record(book, note_of(book, {ONE: book.time, own: book.time}))
    decision = book.decide(compute=FLOPS)
    assert held_by(decision) == ("watchers/seen",)
    assert "1 of the 2 witnesses" in detail(decision, "watchers/seen")
    record(book, note_of(book, {TWO: book.time}))
    assert book.decide(compute=FLOPS).verdict == "PROCEED"


def test_where_enough_say_that_it_is_later_the_clock_is_behind(book: Book) -> None:
    record(book, note_of(book, {ONE: book.time, TWO: book.time}))
    allowed = book.decide(compute=FLOPS)
    assert allowed.verdict == "PROCEED"
    assert book.fold.permitted("r", book.time)
    ahead = book.time + DAY // 2
    record(book, note_of(book, {THREE: ahead}))
    assert book.decide(compute=FLOPS).verdict == "PROCEED"
    record(book, note_of(book, {TWO: ahead + 5}))
    assert not book.fold.permitted("r", book.time), "what was permitted before is decided again"
    decision = book.decide(compute=FLOPS)
    assert (decision.verdict, held_by(decision)) == ("HOLD", ("standing.clock",))
    book.time = ahead
    assert book.decide(compute=FLOPS).verdict == "PROCEED"


def test_an_aim_asks_for_nothing_and_stops_no_clock() -> None:
    book = book_of(asking(witnessed_clause(modality="aim")))
    record(book, note_of(book, {ONE: book.time + DAY, TWO: book.time + DAY}))
    assert book.decide(compute=FLOPS).verdict == "PROCEED"


def test_what_counts_is_by_the_witnesses_of_the_policy_in_force(book: Book) -> None:
    record(book, note_of(book, {ONE: book.time, TWO: book.time}))
    keys = [it.verify_key.to_text() for it in (TWO, THREE)]
    new = asking(witnessed_clause(*keys), version="1.1")
    assert book.adopt(new).refused is None
    assert book.fold.policy != new
    assert book.adopt(new, "grace").refused is None
    book.put(kinds.TierStatus, until=START + 900 * DAY)
    assert "1 of the 2 witnesses" in detail(book.decide(compute=FLOPS))
    record(book, note_of(book, {ONE: book.time, THREE: book.time}))
    assert book.decide(compute=FLOPS).verdict == "PROCEED"


def test_what_was_cosigned_is_looked_at_before_a_policy_is_adopted(book: Book) -> None:
    record(book, note_of(book, {ONE: book.time, TWO: book.time}))
    keys = [it.verify_key.to_text() for it in (TWO, THREE)]
    new = asking(witnessed_clause(at_least=1), witnessed_clause(*keys, name="others"), version="1.1")
    outlook = next(it for it in read_against(book.fold, new, book.time).outlooks if it.run == "r")
    assert (outlook.clauses["seen"], outlook.clauses["others"]) == ("met", "expected")


def test_only_who_the_policy_names_records_it(book: Book) -> None:
    note = note_of(book, {ONE: book.time, TWO: book.time})
    assert record(book, note, "mallory").refused == "`mallory` is not named by the policy"
    assert book.put(kinds.CheckpointWitnessed, "ada", "grace", note=note).refused
    assert held_by(book.decide(compute=FLOPS)) == ("seen",)
    assert record(book, note, "gatekeeper").refused is None


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["cosign", "cosign", "wait", "entry"]),
        st.sets(st.sampled_from([0, 1, 2]), min_size=1),
        st.sampled_from([-2 * DAY, -DAY, -100, -1, 0, 0, 5, 3 * DAY]),
        st.integers(0, 6),
    ),
    max_size=12,
)


@given(STEPS, st.integers(1, 3))
def test_no_entry_takes_a_permit_further_than_the_witnesses_allow(steps: list[Any], at_least: int) -> None:
    """The permit's end against the definition: of each witness the furthest that any note of it reaches."""
    book = book_of(asking(witnessed_clause(at_least=at_least)))
    given_: dict[int, list[tuple[int, int]]] = {0: [], 1: [], 2: []}
    for kind, who, by, back in steps:
        if kind == "wait":
            book.time += DAY // 3
        elif kind == "entry":
            book.put(kinds.TierStatus, until=START + 900 * DAY, statement=digest(str(book.time))[:9])
        else:
            size = max(book.fold.size - back, 1)
            at = max(book.time + by, 1)
            record(book, note_of(book, {WITNESSES[number]: at for number in who}, size))
            for number in who:
                given_[number].append((at, size))
        decision = book.decide(compute=FLOPS)
        times = [max(it.entry.time for it in book.fold.records[: at + 1]) for at in range(book.fold.size - 1)]
        reach = [max((min(at, times[size]) for at, size in those), default=0) for those in given_.values()]
        allowed = sorted(reach, reverse=True)[at_least - 1] + DAY
        assert not book.fold.faults
        if decision.permit is not None:
            assert decision.now <= decision.permit.time <= allowed
        elif held_by(decision) == ("seen",):
            most = [max((it[::-1] for it in those), default=(0, 0)) for those in given_.values()]
            upto = sorted((min(at, times[size]) for size, at in most if at), reverse=True)
            assert len(upto) < at_least or upto[at_least - 1] + DAY < decision.now
