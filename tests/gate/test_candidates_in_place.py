"""What may stand in the place of an undefined test that a version gives up, and what of its candidates is told."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from book import Book, digest, key_of, policy_of
from test_candidates import (
    BLOCK,
    BY_NAME,
    CLAUSE,
    EXCUSED,
    GONE,
    NAME,
    NAMED,
    NEXT,
    SOURCE,
    TIERED,
    amend,
    approve,
    detail,
    lost,
    propose,
    tried,
)
from test_candidates import book as _book

from scalegate.gate import decide
from scalegate.gate.amending import pending, words
from scalegate.ledger import entries as kinds
from scalegate.policy.reader import policy_from_json
from scalegate.units import format_instant
from support import START

book = _book
Document = dict[str, Any]
PROTOCOL = digest("protocol")


def whole(book: Book) -> Book:
    """With a candidate that was passed and is approved."""
    propose(book)
    tried(book)
    for who in ("ada", "grace"):
        assert approve(book, who) is None
    return book


def named_by_an_old_clause(document: Document) -> None:
    clause = next(it for it in document["clauses"] if it["id"] == "cadence")
    clause["source"]["section"] = PROTOCOL


def said_again_under_another_id(document: Document) -> None:
    named_by_an_old_clause(document)
    next(it for it in document["clauses"] if it["id"] == "cadence")["id"] = "cadence.anew"


def over_long_ago(document: Document) -> None:
    ended = {"kind": "moratorium", "above": "0 FLOP", "until": "2020-01-01T00:00:00Z"}
    rest = {"id": "x", "text": "t", "source": {"document": PROTOCOL}, "actions": ["train"], "modality": "will"}
    document["clauses"].append(ended | rest)


def always_so(document: Document) -> None:
    clause = {"kind": "condition", "when": "now <= 2100-01-01 or 2000-01-01 <= now"}
    rest = {"id": "x", "text": "t", "source": {"document": PROTOCOL}, "actions": ["train"], "modality": "will"}
    document["clauses"].append(clause | rest)


def for_ten_minutes(document: Document) -> None:
    over_long_ago(document)
    document["clauses"][-1]["until"] = format_instant(START + 3600)


def softer_than_it_was(document: Document) -> None:
    clause = next(it for it in document["clauses"] if it["id"] == "cap.absolute")
    clause |= {"at": "200000000000000 FLOP", "source": {"document": PROTOCOL}, "text": "No run goes past 2e14 FLOP."}


def asked_for_anyway(document: Document) -> None:
    always_so(document)
    document["clauses"][-1]["when"] = "meter.sound"


@pytest.mark.parametrize(
    "change",
    [
        named_by_an_old_clause,
        said_again_under_another_id,
        over_long_ago,
        always_so,
        for_ten_minutes,
        softer_than_it_was,
        asked_for_anyway,
    ],
)
def test_it_asks_for_something_that_was_not_asked_and_is_not_always_so(
    book: Book, change: Callable[[Document], None]
) -> None:
    assert whole(book).fold.policy is not None
    document = copy.deepcopy(book.fold.policy.document()) | {"version": "1.1"} if book.fold.policy else {}
    document["clauses"] = [it for it in document["clauses"] if it["id"] != "last-gate"]
    change(document)
    assert not amend(book, policy_from_json(document))


def test_it_binds_whoever_the_test_bound() -> None:
    book = Book.adopted(policy_of(TIERED))
    book.trained(10**9)
    whole(book)
    tiered = (TIERED[1], f"{GONE[1]}    tier: international\n")
    later = policy_of(TIERED, tiered, (BLOCK, ""), NAMED, NEXT, ("binds_at: 2", "binds_at: 3"))
    assert not amend(book, later)
    assert amend(book, policy_of(TIERED, tiered, (BLOCK, ""), NAMED, ('"1.0"', '"1.2"')))


def test_nothing_excepts_it_that_could_not_stand_for_the_test(book: Book) -> None:
    terms = EXCUSED % "last-gate"
    excused = policy_of(GONE, (BLOCK, ""), NAMED, NEXT, ("clauses:\n", terms.replace("    undefined_tests: yes\n", "")))
    assert not amend(whole(book), excused)
    other = Book.adopted(policy_of(("clauses:\n", terms)))
    other.trained(10**9)
    assert amend(whole(other), excused)


def test_what_failed_comes_back_under_no_other_name(book: Book) -> None:
    propose(book)
    tried(book, passed=False, who="alan")
    assert propose(book, candidate="probe-b") == (
        "that document was put forward for `understanding` already, as `probe`: what came of it stands"
    )


def test_what_failed_is_told_beside_what_took_the_place(book: Book) -> None:
    propose(book, candidate="first", protocol=digest("first"))
    failed = NAME | {"candidate": "first", "protocol": digest("first"), "weights": digest("w"), "passed": False}
    assert book.put(kinds.CandidateTried, "alan", **failed, statement="ran it").refused is None
    new = policy_of(GONE, (BLOCK, ""), NAMED, NEXT)
    assert amend(whole(book), new)
    told = decide(new, book.situation(), "train").limits.surprises
    assert [
        line for line in told if "Of other candidates for it somebody said that they were not passed: `first`." in line
    ]


def test_no_number_of_newer_ones_hides_what_failed(book: Book) -> None:
    propose(book)
    tried(book, passed=False)
    for number in range(5):
        propose(book, candidate=f"c{number}", protocol=digest(f"c{number}"))
    assert "candidate `probe` of" in detail(book)
    assert "and 3 more candidates" in detail(book)


def test_who_swaps_ids_takes_nothing_back_of_what_another_said(book: Book) -> None:
    whole(book)
    tried(book, passed=False, who="alan")
    alan, grace = (key_of(it).verify_key.to_text() for it in ("alan", "grace"))
    swapped = policy_of((alan, "KEY"), (grace, alan), ("KEY", grace), NEXT)
    assert amend(book, swapped)
    ran = NAME | {"weights": digest("w"), "passed": True, "statement": "ran it"}
    assert book.put(kinds.CandidateTried, "alan", "grace", **ran).refused is None
    for who, key in (("ada", "ada"), ("grace", "alan")):
        assert book.put(kinds.CandidateApproved, who, key, **NAME, statement="read it").refused is None
    new = policy_of((alan, "KEY"), (grace, alan), ("KEY", grace), GONE, (BLOCK, ""), NAMED, ('"1.0"', '"1.2"'))
    for who, key in (("ada", "ada"), ("grace", "alan")):
        book.put(
            kinds.PolicyAdopted,
            who,
            key,
            policy=new.digest(),
            document=new.document(),
            supersedes=book.fold.policy_digest,
            enforcement="cooperative",
        )
    assert book.fold.policy == swapped
    # With his own key, under the id that he has now, he does.
    assert book.put(kinds.CandidateTried, "grace", "alan", **ran).refused is None
    assert book.adopt(new, "ada").refused is None
    assert book.fold.policy == new


FIGURES = "    values: [{from: 2026-01-01, value: 2e13 FLOP, reference: {document: d}, review_by: 2031-01-01}"


@pytest.mark.parametrize(("value", "kept"), [("2e13", True), ("1e13", True), ("3e13", False)])
def test_to_review_its_figure_gives_nothing_up(value: str, kept: bool) -> None:
    later = f"{FIGURES}, {{from: 2030-12-01, value: {value} FLOP, reference: {{document: e}}, review_by: 2032-01-01}}]"
    assert lost(policy_of(*BY_NAME), policy_of(*BY_NAME, (f"{FIGURES}]", later))) == ([] if kept else ["understanding"])


def test_a_clause_that_gates_less_takes_no_place(book: Book) -> None:
    deploys = (GONE[0], GONE[1])
    less = policy_of(deploys, (BLOCK, ""), NAMED, NEXT)
    clause = next(it for it in less.clauses if it.id == "last-gate")
    other = clause.model_copy(update={"actions": ("deploy_external",)})
    moved = less.model_copy(update={"clauses": tuple(other if it == clause else it for it in less.clauses)})
    assert not amend(whole(book), moved)
    assert CLAUSE not in str(moved)


@pytest.mark.parametrize(
    ("change", "less"),
    [
        (("at: 9e13 FLOP", "at: 2e14 FLOP"), True),
        (("at: 9e13 FLOP", "at: 8e13 FLOP"), False),
        (("at: 9e13 FLOP\n", "at: 9e13 FLOP\n    in_force: {from: 2099-01-01}\n"), True),
        (("at: 9e13 FLOP\n", "at: 9e13 FLOP\n    tier: international\n"), True),
        (("clauses:\n", EXCUSED.replace("    undefined_tests: yes\n", "") % "last-gate"), True),
        ((NAMED[1], SOURCE), True),
        (("id: last-gate", "id: instead"), False),
    ],
)
def test_whatever_a_later_version_asks_less_of_in_its_place_is_told(
    book: Book, change: tuple[str, str], less: bool
) -> None:
    assert amend(whole(book), policy_of(GONE, (BLOCK, ""), NAMED, NEXT))
    new = policy_of(GONE, (BLOCK, ""), NAMED, change, ('"1.0"', '"1.2"'))
    assert amend(book, new)
    told = decide(new, book.situation(), "train").limits.surprises
    assert any(line.startswith("Version 1.2 asks for less than the candidate `probe`") for line in told) is less


FIGURE: Document = {
    "id": "limit",
    "about": "The most.",
    "kind": "flop",
    "values": [{"from": "2020-01-01", "value": "9e13 FLOP", "reference": {"document": "d"}, "review_by": "2031-01-01"}],
}
SAYING: Document = {
    "id": "understood",
    "text": "The mechanism is understood.",
    "about": "developer",
    "decided_by": {"role": "officer", "at_least": "2"},
}
BY_CAP: Document = {"kind": "compute_cap", "at": "parameter.limit"}
BY_WORD: Document = {"kind": "condition", "when": "determination.understood"}
BY_SCORE: Document = {"kind": "condition", "when": "arithmetic.ruled_out"}


def _set(*path: Any, to: Any) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        *above, last = path
        at: Any = document
        for step in above:
            at = at[step]
        at[last] = to

    return change


@pytest.mark.parametrize(
    ("asks", "change", "less"),
    [
        (BY_CAP, _set("parameters", 0, "values", 0, "value", to="9e21 FLOP"), True),
        (BY_CAP, _set("parameters", 0, "values", 0, "value", to="8e13 FLOP"), False),
        (BY_CAP, _set("determinations", 0, "text", to="Something is understood."), False),
        (BY_CAP, _set("effective_compute", "factor", to="1x"), True),
        (BY_WORD, _set("determinations", 0, "text", to="The model was trained on a machine."), True),
        (BY_WORD, _set("determinations", 0, "decided_by", "at_least", to="1"), True),
        (BY_WORD, _set("determinations", 0, "decided_by", "at_least", to="3"), False),
        (BY_WORD, _set("parameters", 0, "values", 0, "value", to="9e21 FLOP"), False),
        (BY_SCORE, _set("domains", 0, "alarm", to="0.30"), True),
        (BY_SCORE, _set("error_budget", "alpha", to="6%"), True),
        (BY_SCORE, _set("domains", 0, "threshold", to="0.45"), False),
    ],
)
def test_what_it_rests_on_may_ask_for_no_less_either(
    asks: Document, change: Callable[[Document], None], less: bool
) -> None:
    doubled = policy_of(("factor: 1x", "factor: 2x")).document()
    base = doubled | {"parameters": [FIGURE], "determinations": [SAYING]}
    book = Book.adopted(policy_from_json(copy.deepcopy(base)))
    book.trained(10**9)
    whole(book)
    clause = {"id": "instead", "text": "t", "source": {"document": "d", "section": PROTOCOL}}
    clause |= {"actions": ["train"], "modality": "will", **asks}
    rest = [it for it in base["clauses"] if it["id"] != "last-gate"]
    after: Document = copy.deepcopy(base | {"version": "1.1", "clauses": [*rest, clause]})
    assert amend(book, policy_from_json(copy.deepcopy(after)))
    after["version"] = "1.2"
    change(after)
    new = policy_from_json(after)
    assert amend(book, new)
    told = decide(new, book.situation(), "train").limits.surprises
    assert any(line.startswith("Version 1.2 asks for less than the candidate `probe`") for line in told) is less


@pytest.mark.parametrize(("above", "told"), [("2e13", False), ("1e13", False), ("1e40", True)])
def test_of_the_test_itself_once_it_is_back_nothing_less_is_told(book: Book, above: str, told: bool) -> None:
    assert amend(whole(book), policy_of(GONE, (BLOCK, ""), NAMED, NEXT))
    back = policy_of(("above: 2e13 FLOP", f"above: {above} FLOP"), ('"1.0"', '"1.2"'))
    assert amend(book, back)
    lines = decide(back, book.situation(), "train").limits.surprises
    assert any("Version 1.2" in line for line in lines) is told


def test_the_amendment_that_waits_says_why_its_clause_may_not_stand_there(book: Book) -> None:
    less = (GONE[0], GONE[1] + "    in_force: {from: 2099-01-01}\n")
    assert not amend(whole(book), policy_of(less, (BLOCK, ""), NAMED, NEXT))
    [waits] = pending(book.fold)
    assert waits.why == ("`last-gate` is in force at other times",)
    assert "`last-gate` is in force at other times." in words(waits, ())


NARROWER = {
    "its sentence": ("Somebody else is about to do worse.", "Somebody else is about to do worse"),
    "its time": ("valid_for: 7 days", "valid_for: 3 days"),
    "its growth": ("growth: 1.5x", "growth: 1.2x"),
    "its source": (
        "text: Somebody else is about to do worse.\n    source: {document: d}",
        "text: S.\n    source: {document: e}",
    ),
    "its quorum": ("granted_by: {role: officer, at_least: 2}", "granted_by: {role: officer, at_least: 3}"),
}


@pytest.mark.parametrize("change", NARROWER.values(), ids=NARROWER.keys())
def test_an_exception_that_reaches_no_further_gives_nothing_up_and_the_way_back_does(change: tuple[str, str]) -> None:
    terms = EXCUSED % "last-gate"
    narrow = terms.replace(*change)
    assert narrow != terms
    old, new = policy_of(("clauses:\n", terms)), policy_of(("clauses:\n", narrow))
    assert lost(old, new) == []
    further = change in (NARROWER["its time"], NARROWER["its growth"], NARROWER["its quorum"])
    assert lost(new, old) == (["understanding"] if further else [])


def test_an_exception_that_stood_for_two_tests_may_stand_for_what_took_the_place_of_one() -> None:
    book = Book.adopted(policy_of(("clauses:\n", EXCUSED % "last-gate")))
    book.trained(10**9)
    kept = EXCUSED.replace("    undefined_tests: yes\n", "") % "last-gate"
    assert amend(whole(book), policy_of(GONE, (BLOCK, ""), NAMED, NEXT, ("clauses:\n", kept)))


def test_not_passed_on_weights_that_nobody_has_is_taken_back_and_passed_on_nothing(book: Book) -> None:
    whole(book)
    assert tried(book, passed=False, who="alan", weights=digest("typo")) is None
    assert (
        tried(book, weights=digest("typo"))
        == "the ledger does not know the weights that it was run on: they are saved first"
    )
    assert tried(book, who="alan", weights=digest("typo"), statement="a slip") is None
    assert amend(book, policy_of(GONE, (BLOCK, ""), NAMED, NEXT))
