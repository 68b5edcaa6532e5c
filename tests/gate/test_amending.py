"""A new version is in force once its quorum signed and its notice is over, and what is new is said to be."""

from __future__ import annotations

import pytest
from book import Book, policy_of

from scalegate.gate import decide
from scalegate.gate.adequacy import inadequate
from support import DAY

QUORUM = "amendment: {role: officer, at_least: 2}"
NOTICED = (QUORUM, "amendment: {role: officer, at_least: 2, notice: 30 days, cooling_off: 10 days}")
OLD, NEW = policy_of(NOTICED), policy_of(NOTICED, ('"1.0"', '"1.1"'))


def test_the_last_signature_brings_it_into_force_only_once_notice_is_over() -> None:
    book = Book.adopted(OLD)
    assert book.adopt(NEW).refused is None
    first = book.time
    assert book.adopt(NEW, "grace", time=first + 30 * DAY).refused is None
    assert book.fold.policy == NEW


def test_signed_before_its_time_it_waits_and_then_takes_one_of_them_once_more() -> None:
    book = Book.adopted(OLD)
    book.adopt(NEW)
    first = book.time
    assert book.adopt(NEW, "grace").refused is None
    assert book.fold.policy == OLD
    again = book.adopt(NEW, "grace", time=first + 30 * DAY - 1)
    assert "notice of it runs until" in (again.refused or "")
    assert book.fold.policy == OLD
    assert book.adopt(NEW, "ada", time=first + 30 * DAY).refused is None
    assert book.fold.policy == NEW


def test_nobody_signs_twice_for_two() -> None:
    book = Book.adopted(OLD)
    book.adopt(NEW)
    again = book.adopt(NEW, time=book.time + 40 * DAY)
    assert again.refused == "`ada` has signed for it already"
    assert book.fold.policy == OLD


@pytest.mark.parametrize(("days", "told"), [(9, True), (10, False)])
def test_for_a_while_each_decision_says_that_the_policy_is_new(days: int, told: bool) -> None:
    book = Book.adopted(OLD)
    assert not any("amended" in line for line in decide(OLD, book.situation(), "train").limits.surprises)
    book.adopt(NEW)
    book.adopt(NEW, "grace", time=book.time + 30 * DAY)
    amended = book.fold.amended
    assert amended is not None
    given = book.fold.situation("r", now=amended + days * DAY)
    surprises = decide(NEW, given, "train").limits.surprises
    assert any(line.startswith("The policy was amended on ") for line in surprises) is told


def test_without_notice_the_banner_says_that_nobody_sees_it_before() -> None:
    said = "A new version of it is in force as soon as it is signed: nobody outside sees it before (`notice`)."
    assert said in inadequate(policy_of())
    assert said not in inadequate(OLD)
    assert OLD.amendment is not None
    for notice, short in ((DAY - 1, True), (DAY, False)):
        amendment = OLD.amendment.model_copy(update={"notice": notice})
        assert (said in inadequate(OLD.model_copy(update={"amendment": amendment}))) is short


def test_a_version_that_drops_the_time_in_which_it_is_new_is_told_to_be_new_all_the_same() -> None:
    book = Book.adopted(OLD)
    for version in ("1.1", "1.2"):
        # Neither notice nor a time in which it is new; the second comes while the first would have been new.
        new = policy_of(('"1.0"', f'"{version}"'))
        book.adopt(new)
        book.time += 30 * DAY if version == "1.1" else 0
        book.adopt(new, "grace")
        assert book.fold.policy == new
        told = decide(new, book.fold.situation("r", now=book.fold.time + 60), "train").limits.surprises
        assert any(line.startswith("The policy was amended on ") for line in told)
