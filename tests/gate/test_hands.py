"""Keys change hands by entries, from their position on: who signs is who they were, and a revoked key is nobody's."""

from __future__ import annotations

from typing import Any

import pytest
from book import Book, digest, key_of, policy_of
from hypothesis import given, settings
from hypothesis import strategies as st

from effort import examples
from scalegate.gate.fold import Fold, Record
from scalegate.gate.journal import sealed
from scalegate.gate.witnessing import Log, Witnessing
from scalegate.ledger import entries as kinds
from scalegate.ledger.keys import SigningKey
from scalegate.policy import Policy
from support import DAY
from witnessed_support import LOG, ORIGIN

SECOND = ('version: "1.0"', 'version: "2.0"')


def vkey(name: str) -> str:
    return key_of(name).verify_key.to_text()


def rotation(book: Book, who: str, old: str, new: str, *also: SigningKey, **fields: Any) -> bytes:
    """A statement that a key is replaced, signed by the old one and whatever else."""
    book.time += 1
    given = {"actor": who, "time": book.time, "policy": book.fold.policy_digest, "ledger": book.fold.identity}
    entry = kinds.KeyRotated(**{**given, "before": vkey(old), "after": vkey(new), **fields})
    return sealed(entry, (key_of(old), *(also or (key_of(new),))))


def rotate(book: Book, who: str, new: str, old: str = "", **fields: Any) -> Record:
    return book.fold.add(rotation(book, who, old or who, new, **fields))


def revoke(book: Book, whose: str, who: str, key: str = "", by: str = "", since: int | None = None) -> Record:
    given = {"ledger": book.fold.identity, "person": whose, "revoked": vkey(key or whose), "because": "lost"}
    return book.put(kinds.KeyRevoked, who, by or None, since=since, **given)


def measured(book: Book, successes: int = 3, by: str = "evaluator") -> None:
    book.trained(10**11)
    book.put(kinds.EvaluationAnnounced, key=by)
    book.put(kinds.ComputeReserved, use="elicitation", flops=10**10, evaluation=digest("e"))
    book.put(kinds.EvaluationFinished, key=by, successes=successes, elicitation_flops=10**10)


def open_level(book: Book) -> str:
    """An alarm is reached, so that approvals and an attestation are asked for; the digest of the hold."""
    measured(book, 390)
    return book.decide(compute=11 * 10**10).digest()


def approve(book: Book, who: str, seen: str, key: str = "") -> Record:
    return book.put(kinds.Approval, who, key or None, decision=seen, until=book.time + 50 * DAY)


def test_the_new_key_signs_and_the_old_one_does_not() -> None:
    book = Book.adopted()
    assert rotate(book, "security", "security2").refused is None
    refused = book.put(kinds.Attestation).refused
    assert refused == "the signature is not by the key that `security` put in place of the one that the policy names"
    assert book.put(kinds.Attestation, key="security2").refused is None
    assert book.fold.policy_digest == policy_of().digest()


def test_the_new_key_shows_that_it_is_there() -> None:
    book = Book.adopted()
    alone = rotation(book, "ada", "ada", "ada2", key_of("grace"))
    refused = book.fold.add(alone).refused
    assert refused == "the new key has not signed it too, so nobody knows whose it is"
    only_new = sealed(
        kinds.KeyRotated(
            actor="ada",
            time=book.time,
            policy=book.fold.policy_digest or "",
            ledger=book.fold.identity,
            before=vkey("ada"),
            after=vkey("ada2"),
        ),
        (key_of("ada2"),),
    )
    assert "not by the key" in (book.fold.add(only_new).refused or "")
    assert "not by the key" in (book.put(kinds.PolicyAdopted, "ada", "ada2", document={}, supersedes=None,
                                         enforcement="cooperative").refused or "")  # fmt: skip


def test_nobody_rotates_to_a_key_that_somebody_has_or_had() -> None:
    book = Book.adopted()
    said = "the new key is, or was, a key of `{}`: make one that nobody has had"
    assert rotate(book, "ada", "grace").refused == said.format("grace")
    assert rotate(book, "ada", "ada2").refused is None
    assert rotate(book, "grace", "ada").refused == said.format("ada")
    assert rotate(book, "ada", "ada", "ada2").refused == said.format("ada")
    assert rotate(book, "ada", "ada3", "ada2").refused is None
    assert approve(book, "ada", open_level(book), "ada3").refused is None


def test_a_statement_is_of_one_ledger_and_counts_once() -> None:
    book, other = Book.adopted(), Book.adopted(policy_of(SECOND))
    other.time = book.time
    said = rotation(book, "ada", "ada", "ada2")
    twin = Book()
    twin.time = book.time - 9
    twin.adopt(policy_of())
    assert twin.fold.add(said).refused == "it is for another ledger"
    assert "another policy" in (other.fold.add(said).refused or "")
    assert book.fold.add(said).refused is None
    assert book.fold.add(said).refused is not None
    assert rotate(book, "ada", "ada3", "ada2").refused is None
    assert book.fold.add(said).refused is not None
    gone = Book.adopted()
    asked = revoke(gone, "ada", "ada")
    assert asked.refused is None
    elsewhere = twin.put(
        kinds.KeyRevoked,
        "ada",
        ledger=gone.fold.identity,
        person="ada",
        revoked=vkey("ada"),
        since=None,
        because="lost",
    )
    assert elsewhere.refused == "it is for another ledger"


def test_two_logs_that_begin_alike_are_two_ledgers() -> None:
    """All of a log is public: whoever keeps another one may begin it with the same entries."""
    logs = (LOG, SigningKey(ORIGIN, bytes(32)))
    one, two = (Book(fold=Fold(witnessing=Witnessing(Log(ORIGIN, it.verify_key)))) for it in logs)
    one.adopt(policy_of())
    two.adopt(policy_of())
    assert one.fold.genesis == two.fold.genesis
    assert len({one.fold.identity, two.fold.identity, one.fold.genesis}) == 3
    said = one.sealed(kinds.Attestation, ledger=one.fold.identity)
    assert two.fold.add(said).refused == "it is for another ledger"
    assert one.fold.add(said).refused is None
    assert two.fold.add(rotation(one, "ada", "ada", "ada2")).refused == "it is for another ledger"


def test_it_names_the_key_that_it_replaces() -> None:
    book = Book.adopted()
    refused = rotate(book, "ada", "ada2", before=vkey("grace")).refused
    assert refused == f"it replaces another key than that of `ada`, which is {vkey('ada')}"


def test_who_rotates_has_signed_already() -> None:
    """One person by two keys is one of the two that amend."""
    book = Book.adopted()
    assert book.adopt(policy_of(SECOND)).refused is None
    assert rotate(book, "ada", "ada2").refused is None
    again = book.put(kinds.PolicyAdopted, "ada", "ada2", **_adopting(book, policy_of(SECOND)))
    assert again.refused == "`ada` has signed for it already"
    assert book.fold.policy_digest == policy_of().digest()
    assert book.adopt(policy_of(SECOND), "grace").refused is None
    assert book.fold.policy_digest == policy_of(SECOND).digest()


def test_who_rotates_has_approved_already() -> None:
    book = Book.adopted()
    seen = open_level(book)
    book.put(kinds.Attestation, until=book.time + 50 * DAY)
    approve(book, "ada", seen)
    rotate(book, "ada", "ada2")
    assert approve(book, "ada", seen, "ada2").refused is None
    assert book.decide(compute=11 * 10**10).verdict == "HOLD"
    approve(book, "grace", seen)
    assert book.decide(compute=11 * 10**10).verdict == "PROCEED"


def test_who_did_the_work_did_it_by_any_key_and_any_name_since() -> None:
    kept = "approvals: {role: officer, at_least: 2, valid_for: 3 months"
    apart = (f"{kept}}}", f"{kept}, apart_from: [evaluator]}}")
    renamed = (
        ("id: evaluator, name: Evaluation team, roles: [evaluator]", "id: newcomer, name: New, roles: [officer]"),
        ("name: Alan Officer, roles: [officer]", "name: Alan Officer, roles: [evaluator]"),
        (vkey("evaluator"), vkey("evaluator2")),
    )
    book = Book.adopted(policy_of(apart))
    measured(book)
    rotate(book, "evaluator", "evaluator2")
    assert book.situation("r").apart(("evaluator",)) == {"evaluator": "evaluator"}
    for who in ("ada", "grace"):
        assert book.adopt(policy_of(apart, SECOND, *renamed), who).refused is None
    assert book.situation("r").apart(("evaluator",)) == {"newcomer": "evaluator"}


@pytest.mark.parametrize("whose", ["ada", "grace"])
def test_who_revokes_and_who_does_not(whose: str) -> None:
    book = Book.adopted()
    assert revoke(book, whose, whose).refused is None
    assert revoke(book, whose, "alan").refused == "that key was revoked by entry 1 already"
    assert approve(book, whose, open_level(book)).refused == f"the key of `{whose}` is revoked"


def test_others_revoke_it_by_as_many_as_amend_and_its_owner_does_not_count() -> None:
    book = Book.adopted()
    # Whose key it once was, by a key of another line: an amendment gave it.
    other = (vkey("ada"), vkey("ada-new"))
    for who in ("ada", "grace"):
        assert book.adopt(policy_of(SECOND, other), who).refused is None
    assert revoke(book, "ada", "ada", by="ada-new").refused == (
        "`ada` is whose key it was, and does not count towards revoking it"
    )
    assert revoke(book, "ada", "evaluator").refused == (
        "`evaluator` does not have the role `officer`, which revokes somebody else's key"
    )
    assert revoke(book, "ada", "mallory").refused == "`mallory` is not named by the policy"
    assert revoke(book, "nobody", "alan", "ada").refused == "the ledger has no such key of `nobody`"
    assert revoke(book, "evaluator", "alan").refused is None
    assert revoke(book, "evaluator", "alan").refused == "`alan` has signed for it already"
    assert not book.fold.hands.revoked
    assert revoke(book, "evaluator", "grace").refused is None
    assert [it.by for it in book.fold.hands.revoked.values()] == [("alan", "grace")]


def test_who_is_revoked_meets_no_quorum() -> None:
    book = Book.adopted()
    assert revoke(book, "evaluator", "ada").refused is None
    assert revoke(book, "ada", "ada").refused is None
    assert revoke(book, "evaluator", "grace").refused is None
    assert "evaluator" not in {it.person for it in book.fold.hands.revoked.values()}
    assert revoke(book, "evaluator", "alan").refused is None
    assert "evaluator" in {it.person for it in book.fold.hands.revoked.values()}


def test_without_a_procedure_for_amending_each_revokes_their_own_alone() -> None:
    book = Book.adopted(policy_of(("amendment: {role: officer, at_least: 2}\n", "")))
    assert "no procedure" in (revoke(book, "evaluator", "ada").refused or "")
    assert revoke(book, "evaluator", "evaluator").refused is None


def test_a_revoked_key_signs_for_nothing_and_no_version_names_it() -> None:
    book = Book.adopted()
    revoke(book, "ada", "ada")
    assert rotate(book, "ada", "ada2").refused == "the key of `ada` is revoked"
    refused = book.adopt(policy_of(SECOND), "grace").refused
    assert refused == (
        "the key that it names for `ada` was revoked by entry 1: write a new one under `key:` of `ada`"
        " (`scalegate key new ada`), or `key: unset`"
    )
    anew = policy_of(SECOND, (vkey("ada"), vkey("ada-new")))
    for who in ("grace", "alan"):
        assert book.adopt(anew, who).refused is None
    assert approve(book, "ada", open_level(book), "ada-new").refused is None


def test_a_version_that_waits_is_refused_once_a_key_of_it_is_revoked() -> None:
    book = Book.adopted()
    assert book.adopt(policy_of(SECOND), "grace").refused is None
    assert revoke(book, "ada", "ada").refused is None
    assert "was revoked by entry 2" in (book.adopt(policy_of(SECOND), "alan").refused or "")


def test_an_amendment_goes_by_the_keys_that_it_names_and_says_so() -> None:
    book = Book.adopted()
    rotate(book, "ada", "ada2")
    (told,) = book.fold.hands.forgotten(policy_of(SECOND))
    assert told == (
        "It names the key of `ada` that entry 1 put out of use: once it is in force, that one signs again and the new"
        f" one does not. To keep the new one, write `key: {vkey('ada2')}`"
    )
    kept = policy_of(SECOND, (vkey("ada"), vkey("ada2")))
    assert not list(book.fold.hands.forgotten(kept))
    for who in ("grace", "alan"):
        assert book.adopt(policy_of(SECOND), who).refused is None
    assert approve(book, "ada", open_level(book), "ada2").refused is not None
    assert rotate(book, "ada", "ada4").refused is None


def test_no_version_makes_two_people_of_one() -> None:
    book = Book.adopted()
    rotate(book, "ada", "ada2")
    two = policy_of(SECOND, (vkey("grace"), vkey("ada2")))
    refused = book.adopt(two, "alan").refused
    assert refused == (
        "the keys that it names for `ada` and `grace` were put in place of one another, so they are one person's: name"
        " a key of their own for each"
    )


def test_what_stood_before_a_revocation_stays() -> None:
    book = Book.adopted()
    seen = open_level(book)
    book.put(kinds.Attestation, until=book.time + 50 * DAY)
    approve(book, "ada", seen)
    approve(book, "grace", seen)
    revoke(book, "ada", "ada")
    revoke(book, "evaluator", "evaluator")
    assert book.decide(compute=11 * 10**10).verdict == "PROCEED"


def test_the_gate_s_revoked_key_makes_the_ledger_unsound() -> None:
    book = Book.adopted()
    book.put(kinds.RunOpened)
    assert revoke(book, "gatekeeper", "gatekeeper").refused is None
    assert not book.fold.unsound
    book.put(kinds.ComputeReserved)
    assert book.fold.unsound == ("entry 3 (ComputeReserved): the key of `gatekeeper` is revoked",)


def test_the_gate_goes_on_by_a_key_of_its_own() -> None:
    book = Book.adopted()
    book.trained(10**11)
    assert rotate(book, "gatekeeper", "gatekeeper2").refused is None
    book.put(kinds.ComputeReserved, key="gatekeeper2", flops=1)
    assert not book.fold.unsound
    assert not book.faults()


KEYS = ("ada", "ada2", "ada3", "grace", "mallory")
ACTS = st.tuples(
    st.sampled_from(("rotate", "revoke", "adopt", "approve")),
    st.sampled_from(("ada", "grace")),
    *[st.sampled_from(KEYS)] * 2,
)


@settings(max_examples=examples(50), deadline=None)
@given(st.lists(ACTS, max_size=12))
def test_one_who_has_many_keys_is_one(acts: list[tuple[str, str, str, str]]) -> None:
    """Whatever somebody signs with one named key, and with as many others as they make, they are one of two."""
    book = Book.adopted()
    seen = open_level(book)
    mine = [name for name in KEYS if name != "grace"]
    for act, who, key, other in acts:
        if key == "grace" or (act == "rotate" and key == other):
            continue
        match act:
            case "rotate":
                rotate(book, who, other if other in mine else "ada4", key)
            case "revoke":
                revoke(book, "grace", who, by=key, since=0)
            case "adopt":
                book.put(kinds.PolicyAdopted, who, key, **_adopting(book, policy_of(SECOND)))
            case _:
                approve(book, who, seen, key)
    assert book.fold.policy_digest == policy_of().digest()
    assert {it.by for _, _, it in book.fold.signatures} <= {"ada"}
    assert not book.fold.hands.revoked
    assert all(set(ballot.signed) <= {"ada"} for ballot in book.fold.votes.values())
    assert not book.fold.unsound


def _adopting(book: Book, new: Policy) -> dict[str, Any]:
    return {
        "document": new.document(),
        "supersedes": book.fold.policy_digest,
        "enforcement": "cooperative",
        "policy": new.digest(),
    }
