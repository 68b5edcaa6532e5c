"""Whatever an amendment calls a part, a sentence or a person: what was said against stands until its signer takes it
back, of the sentence that was denied or of the one that is asked for."""

from __future__ import annotations

import copy
import hashlib
from fractions import Fraction
from typing import Any

import pytest
from book import Book, digest, key_of
from book import policy_of as measured_of
from test_determinations import FLOPS, JUDGED, RENAMED, ask, bio, book_of, policy_of, saved, say
from test_risk_claims import claim, risk_book

from scalegate.ledger import SigningKey
from scalegate.ledger import entries as kinds
from scalegate.policy.reader import policy_from_json
from scalegate.truth import Truth
from support import DAY

OLD = JUDGED[JUDGED.index("  - id: bio\n") : JUDGED.index("  - id: culture")]
SENTENCE = "The model does not come near the bio threshold."
HARMLESS = "The model was trained on a machine."


def version(number: int) -> tuple[str, str]:
    return 'version: "1"', f'version: "{number}"'


@pytest.fixture
def denied() -> Book:
    """Ada denied that run `r`, which has trained, is far from the threshold."""
    book = book_of()
    saved(book, "w", FLOPS)
    say(book, "ada")
    say(book, "ada", holds=False)
    return book


def test_a_denial_is_of_every_name_that_its_sentence_has(denied: Book) -> None:
    """Also where the old name, with the old sentence, is left behind as a decoy that nothing asks for."""
    decoy = OLD.replace("    level: 3\n    carries: 6x\n", "")
    both = ("determinations:\n", "determinations:\n" + OLD.replace("- id: bio\n", "- id: biology\n"))
    assert denied.adopt(policy_of(both, (OLD, decoy), RENAMED[1], version(2))).refused is None
    say(denied, "grace", determination="biology")
    assert ask(denied).verdict == "HOLD"
    # Her word on the very sentence takes it back, under each name that asks for it.
    say(denied, "ada", determination="biology")
    assert ask(denied).verdict == "PROCEED"


def test_a_denial_is_of_every_sentence_that_its_name_had(denied: Book) -> None:
    assert denied.adopt(policy_of((SENTENCE, "Bio is far off."), version(2))).refused is None
    assert denied.adopt(policy_of(*RENAMED, version(3))).refused is None
    say(denied, "grace", determination="biology")
    assert ask(denied).verdict == "HOLD"


def test_what_was_said_of_another_sentence_under_the_same_name_takes_nothing_back(denied: Book) -> None:
    assert denied.adopt(policy_of((SENTENCE, HARMLESS), version(2))).refused is None
    assert bio(denied) is Truth.FALSE
    say(denied, "ada")
    assert bio(denied) is Truth.TRUE
    assert denied.adopt(policy_of(version(3))).refused is None
    say(denied, "grace")
    assert bio(denied) is Truth.FALSE
    say(denied, "ada")
    assert bio(denied) is Truth.TRUE


def test_a_denial_that_was_taken_back_is_not_told_once_its_name_is_gone(denied: Book) -> None:
    assert denied.adopt(policy_of(*RENAMED, version(2))).refused is None
    say(denied, "ada", determination="biology")
    dropped = tuple((old, new.replace("biology", "plague")) for old, new in RENAMED)
    assert denied.adopt(policy_of(*dropped, (SENTENCE, HARMLESS), version(3))).refused is None
    assert not any("Denied by" in line for line in ask(denied).limits.assumptions)


def test_sentences_that_are_swapped_at_each_amendment_multiply_no_words(denied: Book) -> None:
    other = OLD.replace("- id: bio\n", "- id: other\n").replace(SENTENCE, HARMLESS)
    other = other.replace("    level: 3\n    carries: 6x\n", "")
    for number in range(2, 9):
        one, two = (OLD, other) if number % 2 else (OLD.replace(SENTENCE, HARMLESS), other.replace(HARMLESS, SENTENCE))
        assert denied.adopt(policy_of((OLD, one + two), version(number))).refused is None
    assert len(denied.fold.said) == 2
    assert len(denied.situation().statements) == 4


def called(book: Book, name: str) -> None:
    """Ada goes by another name, with the same key and roles."""
    assert book.fold.policy is not None
    document = book.fold.policy.document() | {"version": "2"}
    for person in document["people"]:
        person["id"] = name if person["id"] == "ada" else person["id"]
    assert book.adopt(policy_from_json(document), "grace").refused is None


def test_who_goes_by_another_name_has_denied_it_and_may_take_it_back(denied: Book) -> None:
    called(denied, "ada2")
    say(denied, "grace")
    decision = ask(denied)
    assert decision.verdict == "HOLD"
    assert not any("who may judge it no more" in line for line in decision.limits.assumptions)
    assert denied.fold.policy is not None
    say(denied, "ada2", key="ada")
    assert ask(denied).verdict == "PROCEED"


def test_what_they_said_cannot_be_bounded_nobody_bounds_in_their_place() -> None:
    book = risk_book()
    claim(book, None, "ada")
    called(book, "ada2")
    say(book, "grace")
    claim(book, who="grace")
    decision = ask(book)
    assert decision.verdict == "HOLD"
    assert any(line.startswith("Signed by `ada2`") for line in decision.limits.assumptions)
    claim(book, who="ada2", key="ada")
    assert ask(book).verdict == "PROCEED"


def test_a_bound_on_another_sentence_under_the_same_name_is_none_of_the_old_one() -> None:
    about, harmless = "A catastrophe from it within a year.", "Rain within a year."
    book = risk_book()
    document = book.fold.policy.document() if book.fold.policy else {}
    claim(book, None, "ada")
    for number, text in enumerate((harmless, about), 2):
        for risk in document["risks"]:
            risk["about"] = text
        assert book.adopt(policy_from_json(document | {"version": str(number)}), "grace").refused is None
        say(book, "grace")
        if text == harmless:
            claim(book, who="ada")
            claim(book, who="grace")
            assert ask(book).verdict == "PROCEED"
        claim(book, who="grace")
    assert ask(book).verdict == "HOLD"
    claim(book, who="ada")
    assert ask(book).verdict == "PROCEED"


LATE = ("first_evaluation_at: 2e11 FLOP", "first_evaluation_at: 1e11 FLOP")
ONE = 10**11


def evaluated(book: Book, name: str, successes: int, domain: str, **fields: Any) -> None:
    of = {"evaluation": digest(name), "domain": domain}
    book.put(kinds.EvaluationAnnounced, **(of | fields))
    book.put(kinds.ComputeReserved, use="elicitation", flops=2 * 10**9, evaluation=digest(name))
    book.put(kinds.EvaluationFinished, **of, successes=successes, elicitation_flops=2 * 10**9)


@pytest.mark.parametrize("about", [True, False])
def test_an_alarm_that_was_reached_counts_in_the_domain_of_another_name(about: bool) -> None:
    """Unless it is about something else: then it is told, and counts for nothing."""
    book = Book.adopted(measured_of(LATE))
    book.trained(ONE)
    evaluated(book, "e", 390, "arithmetic")
    policy = book.fold.policy
    assert policy is not None
    document = policy.document() | {"version": "2.0"}
    [domain], [clause] = document["domains"], [it for it in document["clauses"] if it["kind"] == "capability"]
    domain["id"] = clause["domain"] = "sums"
    domain["about"] = domain["about"] if about else "Something else."
    for who in ("ada", "grace"):
        assert book.adopt(policy_from_json(document), who).refused is None
    book.put(kinds.TierStatus)
    evaluated(book, "f", 0, "sums")
    decision = book.decide(compute=ONE + 10**10)
    assert decision.verdict == ("HOLD" if about else "PROCEED"), decision.resumption
    assert any("which this policy does not have" in line for line in decision.limits.surprises) is not about
    attempts = [piece.attempt for piece in book.situation().pieces if piece.domain == "sums"]
    assert attempts == ([1, 2] if about else [1])


def people(book: Book, number: int, *ids: tuple[str, str]) -> None:
    """A version in which whoever has the key of the first has the second's id; nobody, where there is none."""
    assert book.fold.policy is not None
    document = book.fold.policy.document() | {"version": str(number)}
    names = {key_of(key).verify_key.to_text(): name for key, name in ids}
    for person in document["people"]:
        person["id"] = names.get(person["key"], person["id"])
    document["people"] = [person for person in document["people"] if person["id"]]
    document["levels"][0]["approvals"]["at_least"] = "1"
    actor = next(it.id for it in book.fold.policy.people if it.key == key_of("grace").verify_key.to_text())
    assert book.adopt(policy_from_json(document), actor, key="grace").refused is None


@pytest.mark.parametrize("leaves", [False, True])
def test_nobody_takes_back_what_another_said_whose_id_they_had(leaves: bool) -> None:
    """Ada has the id that Grace had, and denies; Grace affirms under another. Then they go back, or Grace leaves."""
    book = book_of()
    saved(book, "w", FLOPS)
    people(book, 2, ("grace", "g"), ("ada", "grace"))
    say(book, "grace", holds=False, key="ada")
    say(book, "g", key="grace")
    assert ask(book).verdict == "HOLD"
    if leaves:
        people(book, 3, ("grace", ""))
    else:
        people(book, 3, ("grace", "grace"), ("ada", "ada"))
        say(book, "grace")
    assert bio(book) is Truth.FALSE


def of_the_developer(document: dict[str, Any]) -> dict[str, Any]:
    [item] = [it for it in document["determinations"] if it["id"] == "bio"]
    item["about"] = "developer"
    del item["carries"], item["level"]
    kept = [it for it in document["clauses"] if it["id"] != "capability.bio" and it["kind"] != "cadence"]
    return document | {"clauses": kept}


def test_nor_does_a_word_on_weights_take_back_what_was_denied_of_the_developer() -> None:
    book = book_of()
    saved(book, "w", FLOPS)
    assert book.fold.policy is not None
    of_weights = book.fold.policy.document()
    of_it = of_the_developer(copy.deepcopy(of_weights))
    assert book.adopt(policy_from_json(of_it | {"version": "2"})).refused is None
    say(book, "ada", holds=False, name=None)
    assert book.adopt(policy_from_json(of_weights | {"version": "3"})).refused is None
    say(book, "ada")
    assert book.adopt(policy_from_json(of_it | {"version": "4"})).refused is None
    say(book, "grace", name=None)
    assert bio(book) is Truth.FALSE


def test_a_word_of_the_developer_takes_no_denial_of_weights_back_once_weights_are_asked_for_again(denied: Book) -> None:
    assert denied.fold.policy is not None
    before = denied.fold.policy.document()

    changed = of_the_developer(copy.deepcopy(before)) | {"version": "2"}
    assert denied.adopt(policy_from_json(changed)).refused is None
    say(denied, "ada", name=None)
    assert denied.adopt(policy_from_json(before | {"version": "3"})).refused is None
    say(denied, "grace")
    assert bio(denied) is Truth.FALSE


def test_who_goes_by_another_name_takes_back_their_word_on_weights_that_nobody_saved() -> None:
    book = book_of()
    saved(book, "w", FLOPS)
    say(book, "ada", holds=False, name="unsaved", run="r")
    called(book, "ada2")
    assert say(book, "ada2", key="ada", name="unsaved", run="r") is None


@pytest.mark.parametrize("key", ["unset", SigningKey("laptop", hashlib.sha256(b"ada").digest()).verify_key.to_text()])
def test_what_its_signer_took_back_comes_back_by_no_change_of_their_key(denied: Book, key: str) -> None:
    say(denied, "ada")
    claimed = risk_book()
    claim(claimed, None)
    claim(claimed)
    for book in (denied, claimed):
        assert book.fold.policy is not None
        document = copy.deepcopy(book.fold.policy.document()) | {"version": "2"}
        for person in document["people"]:
            person["key"] = key if person["id"] == "ada" else person["key"]
            person["roles"] += ["rso"] if person["id"] == "security" else []
        assert book.adopt(policy_from_json(document), "grace").refused is None
        say(book, "grace")
        claim(book, who="grace")
        assert ask(book).verdict == "PROCEED"


def test_what_its_signer_took_back_with_one_new_key_stays_so_with_the_next(denied: Book) -> None:
    """Whatever their keys were, it was theirs when they took it back."""
    claimed = risk_book()
    claim(claimed, None)
    for book in (denied, claimed):
        for number, key in enumerate(("second", "third", "unset")):
            assert book.fold.policy is not None
            document = copy.deepcopy(book.fold.policy.document()) | {"version": f"{number + 2}"}
            for person in document["people"]:
                new = key if key == "unset" else key_of(key).verify_key.to_text()
                person["key"] = new if person["id"] == "ada" else person["key"]
                person["roles"] = sorted({*person["roles"], "rso"}) if person["id"] == "security" else person["roles"]
            assert book.adopt(policy_from_json(document), "grace").refused is None
            if key == "second":
                word = {"run": "r", "weights": digest("w"), "configuration": None, "until": book.time + 300 * DAY}
                said = word | {"determination": "bio", "holds": True, "statement": "seen again"}
                assert book.put(kinds.Determination, "ada", key, **said).refused is None
                bounded = word | {"risk": "harm", "action": "train", "bound": Fraction(1, 10**5), "statement": "again"}
                book.put(kinds.RiskClaimed, "ada", key, **bounded)
            say(book, "grace")
            claim(book, who="grace")
            assert ask(book).verdict == "PROCEED"


def test_who_borrows_an_id_for_a_version_takes_nothing_back_of_what_its_owner_denied(denied: Book) -> None:
    claimed = risk_book()
    claim(claimed, None)
    for book in (denied, claimed):
        assert book.fold.policy is not None
        first = book.fold.policy.document()
        lent = copy.deepcopy(first) | {"version": "2"}
        for person in lent["people"]:
            if person["id"] in ("ada", "security"):
                person["id"] = "ada2" if person["id"] == "ada" else "ada"
                person["roles"] = sorted({*person["roles"], "rso"})
        assert book.adopt(policy_from_json(lent), "grace").refused is None
        of = {
            "run": "r",
            "weights": digest("w"),
            "configuration": None,
            "until": book.time + 300 * DAY,
            "statement": "s",
        }
        book.put(kinds.Determination, "ada", "security", **of, determination="bio", holds=True)
        book.put(kinds.RiskClaimed, "ada", "security", **of, risk="harm", action="train", bound=Fraction(1, 10**5))
        assert ask(book).verdict == "HOLD"
        for number, document in enumerate((lent, first)):
            assert book.adopt(policy_from_json(document | {"version": f"{number + 3}"}), "grace").refused is None
            say(book, "grace")
            claim(book, who="grace")
            assert ask(book).verdict == "HOLD"
