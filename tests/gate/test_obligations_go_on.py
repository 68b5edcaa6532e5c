"""Obligations over versions: which goes on as which, what a later version may bring, and what a lineage has left."""

from __future__ import annotations

from typing import Any

import pytest
from book import Book, digest
from hypothesis import given
from test_dodges_obliged import DUE, STEPS, TWINS, version
from test_obligations import ONCE, STANDS, amend, ask, book_of, clause, day, keep, obliged, status, told

from scalegate.gate.duties import Duties, Grid, owed
from scalegate.gate.goes_on import refused_of
from scalegate.ledger import entries as kinds
from support import DAY, START

OTHER = "Something else is done."
LATER = (f"by: {day(90)}", "late: stands")
OPEN: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "decoy": (
        (clause(*STANDS),),
        (clause(*LATER, name="audit"), clause(*LATER, text=OTHER)),
        "the obligation `report` might go on as `audit` or as `report`, by its id or its sentence",
    ),
    "one becomes two": (
        (clause(*ONCE, at_least=2),),
        (clause(*ONCE, name="x"), clause(*ONCE, name="y", at_least=2)),
        "the obligation `report` might go on as `x` or as `y`",
    ),
    "two become one": (TWINS, (clause(*ONCE, name="both"),), "the obligation `both` might be `report` or `audit`"),
    "one of two is renamed": (
        TWINS,
        (TWINS[0], clause(*ONCE, name="outside-audit", at_least=2)),
        "",
    ),
    "both are renamed": (
        TWINS,
        (clause(*ONCE, name="x"), clause(*ONCE, name="y", at_least=2)),
        "the obligation `report` might go on as `x` or as `y`",
    ),
    "their sentences change places": (
        (clause(*STANDS), clause(*LATER, name="audit", text=OTHER)),
        (clause(*STANDS, text=OTHER), clause(*LATER, name="audit")),
        "the obligation `report` might go on as `report` or as `audit`",
    ),
    "one takes the sentence of one that goes": (
        (clause(*STANDS), clause(*LATER, name="audit", text=OTHER)),
        (clause(*LATER, name="audit"),),
        "the obligation `audit` might be `report` or `audit` of the version in force",
    ),
}


@pytest.mark.parametrize("case", OPEN)
def test_a_version_that_leaves_open_which_obligation_goes_on_as_which_does_not_come_into_force(case: str) -> None:
    before, after, why = OPEN[case]
    book = book_of(*before)
    if not why:
        amend(book, obliged(*after, version="1.1"))
        return
    for who in ("ada", "grace", "alan"):
        refused = book.adopt(obliged(*after, version="1.1"), who).refused
        assert refused is not None
        assert refused.startswith(why)
    assert book.fold.policy == obliged(*before)


def test_one_of_two_with_one_sentence_is_renamed_and_its_word_goes_with_it_alone() -> None:
    book = book_of(*TWINS)
    assert keep(book, START + 10 * DAY) is None
    amend(book, obliged(TWINS[0], clause(*ONCE, name="outside-audit", at_least=2), version="1.1"))
    book.time += 20 * DAY
    assert status(ask(book)) == "met"
    assert status(ask(book), "outside-audit") == "violated"
    assert keep(book, START + 10 * DAY, "ada", obligation="outside-audit") is None
    assert keep(book, START + 10 * DAY, "grace", obligation="outside-audit") is None
    assert status(ask(book), "outside-audit") == "met"


def test_one_that_becomes_two_in_two_versions_takes_what_was_kept_with_it_and_the_new_one_owes_its_own() -> None:
    book = book_of(clause(*ONCE))
    assert keep(book, START + 10 * DAY) is None
    amend(book, obliged(clause(*ONCE, name="x"), version="1.1"))
    amend(book, obliged(clause(*ONCE, name="x"), clause(*ONCE, name="y", at_least=2), version="1.2"))
    book.time = START + 12 * DAY
    assert [status(ask(book), it) for it in ("x", "y")] == ["met", "violated"]


PAST: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "another sentence": ((clause(*STANDS, text="A report on risk is published."),), (f"by: {day(10)}",)),
    "a rhythm before": ((clause("each: 30 days", f"from: {day(0)}", "late: stands"),), (f"by: {day(10)}",)),
    "none before": ((), (f"by: {day(10)}",)),
    "its date was still to come": ((clause(f"by: {day(60)}", "late: stands"),), (f"by: {day(5)}",)),
    "its time was still to come": (
        (clause("within: 900 days", "after: policy.adopted", "late: counts"),),
        (f"by: {day(5)}",),
    ),
}


@pytest.mark.parametrize("late", ["counts", "stands"])
@pytest.mark.parametrize("case", PAST)
def test_what_would_be_late_from_the_first_moment_does_not_come_into_force(case: str, late: str) -> None:
    was, due = PAST[case]
    book = book_of(*was)
    book.time = START + 20 * DAY
    refused = book.adopt(obliged(clause(*due, f"late: {late}"), version="1.1")).refused
    assert refused is not None
    assert "which is past, and" in refused
    assert "it would be late from the first moment" in refused
    amend(book, obliged(clause(*LATER), version="1.2"))
    assert book.fold.policy == obliged(clause(*LATER), version="1.2")


@pytest.mark.parametrize("before", [(), (clause("each: 7 days", f"from: {day(0)}", "late: stands", name="audit"),)])
def test_a_rhythm_that_a_later_version_brings_begins_with_it(before: tuple[str, ...]) -> None:
    """Also under another id and sentence: then it is another obligation, and the one before ended."""
    book = book_of(*before)
    book.time = START + 20 * DAY
    rhythm = clause("each: 7 days", f"from: {day(0)}", "late: stands", text=OTHER)
    amend(book, obliged(rhythm, version="1.1"))
    made = ask(book)
    assert (status(made), made.permit and made.permit.time) == ("met", START + 21 * DAY)
    for number in range(2):
        amend(
            book,
            obliged(clause("each: 7 days", f"from: {day(0)}", "late: stands", text=OTHER), version=f"1.{number + 2}"),
        )
    assert status(ask(book, START + 21 * DAY + 1)) == "violated"


def test_a_promise_that_is_to_come_is_not_ended_by_a_date_that_was_kept() -> None:
    book = book_of(clause(*STANDS))
    assert keep(book, START + 10 * DAY) is None
    book.time = START + 12 * DAY
    amend(book, obliged(clause(f"by: {day(60)}", "late: stands"), version="1.1"))
    assert book.adopt(obliged(clause(*STANDS), version="1.2")).refused is not None
    assert status(ask(book, START + 61 * DAY)) == "violated"


LINEAGE = ("within: 10 days", "after: lineage.opened", "late: stands")


def old_lineage(*was: str) -> tuple[Book, int]:
    """A run that was opened some days ago; with when."""
    book = book_of(*was)
    opened = book.fold.runs["r"].first.time
    if was:
        assert keep(book, opened + 10 * DAY, run="r") is None
    book.time = opened + 20 * DAY
    return book, opened


@pytest.mark.parametrize("case", ["typo", "new", "reworded and shorter"])
def test_a_lineage_that_is_older_than_a_new_time_has_it_from_the_adoption_on(case: str) -> None:
    book, _ = old_lineage(*(() if case == "new" else (clause(*LINEAGE),)))
    text = "A report of risks is published."
    duty = clause("within: 9 days" if "shorter" in case else LINEAGE[0], *LINEAGE[1:], text=text)
    for number in range(3):
        amend(book, obliged(duty, version=f"1.{number + 1}"))
        book.time += DAY
    first = book.fold.duties.versions[1].since
    due = first + (9 if "shorter" in case else 10) * DAY
    made = ask(book)
    assert (status(made), made.permit and made.permit.time) == ("met", due)
    assert status(ask(book, due + 1)) == "violated"
    assert keep(book, due, run="r") is None
    assert status(ask(book, due + 1)) == "met"


def test_a_time_made_shorter_or_reworded_puts_off_nothing_that_was_still_to_come() -> None:
    book = book_of(clause("within: 60 days", "after: lineage.opened", "late: stands"))
    due = book.fold.runs["r"].first.time + 60 * DAY
    for number in range(10):
        book.time = due - (11 - number) * DAY // 2
        text = f"A report on risks is published ({number})."
        amend(book, obliged(clause(f"within: {20 - number} days", *LINEAGE[1:], text=text), version=f"1.{number + 1}"))
        made = ask(book)
        assert made.permit is not None
        assert made.permit.time <= due
    assert status(ask(book, due + 1)) == "violated"


@pytest.mark.parametrize("late", ["counts", "stands"])
def test_versions_that_are_dated_alike_are_not_taken_for_one(late: str) -> None:
    """The clock may stand, and an id be used again: who signs for the one keeps nothing of the other."""
    was = clause(f"by: {day(10)}", f"late: {late}", at_least=2)
    new = clause(f"by: {day(40)}", f"late: {late}", text=OTHER)
    book = book_of(was)
    now = book.time
    moved = clause(f"by: {day(10)}", f"late: {late}", at_least=2, name="y")
    for number, duties in enumerate(((moved,), (moved, new))):
        for who in ("ada", "grace"):
            assert book.adopt(obliged(*duties, version=f"1.{number + 1}"), who, time=now).refused is None
    origins = book.fold.duties.origins
    assert len(set(origins.values())) == 2
    assert keep(book, START + 40 * DAY) is None
    assert keep(book, START + 10 * DAY) is not None
    assert [status(ask(book, START + 50 * DAY), it) for it in ("report", "y")] == ["met", "violated"]


@pytest.mark.parametrize("kind", [(f"by: {day(30)}",), ("within: 30 days", "after: policy.adopted")])
def test_of_a_model_of_two_runs_each_owes_what_it_would_owe_alone(kind: tuple[str, ...]) -> None:
    """A version that asks the developer stands between two that ask each run."""
    book = book_of(clause(*LINEAGE))
    opened = book.fold.runs["r"].first.time
    book.decide("r", 1)
    book.put(kinds.ComputeReserved, use="training", flops=1)
    book.put(kinds.WeightsRecorded, weights=digest("w"), trained=1)
    parents = (kinds.Parent(weights=digest("w"), relation="initialisation"),)
    about: dict[str, Any] = {"from_scratch": False, "parents": parents, "start_weights": digest("w")}
    book.put(kinds.RunOpened, run="s", session=digest("s"), **about)
    for run in ("r", "s"):
        assert keep(book, book.fold.runs[run].first.time + 10 * DAY, run=run) is None
    book.time = START + 2 * DAY
    amend(book, obliged(clause(*kind, "late: stands"), version="1.1"))
    book.time = START + 25 * DAY
    amend(book, obliged(clause(*LINEAGE, text=OTHER), version="1.2"))
    duties, policy = book.fold.duties, book.fold.policy
    assert policy is not None
    [duty] = policy.obligations
    for run in ("r", "s"):
        open_ = [due for due, grid in duties.open(duty, book.fold.runs, run) if grid.run == run]
        for due in open_:
            assert keep(book, due, run=run) is None
    for due, _ in duties.open(duty, book.fold.runs, None):
        assert keep(book, due) is None
    assert opened
    for at in (26, 31, 36, 400):
        assert status(ask(book, START + at * DAY, run="s")) == "met"


RUNS_OF_TWO = {"r": START, "s": START + 3 * DAY}


@given(DUE, STEPS)
def test_what_two_runs_owe_together_is_what_each_owes_alone(due: Any, steps: Any) -> None:
    duties, now, policy = Duties(), START, version(due, "counts", "one", 0)
    duties.adopted(policy, now)
    for number, step in enumerate(steps, 1):
        match step:
            case ("wait", days):
                now += days * DAY
            case ("amend", new, late, text):
                now += 1
                policy = version(new, late, text, number)
                duties.adopted(policy, now)
    [duty] = policy.obligations
    origin = duties.origins[duty.id]

    def owes(names: tuple[str, ...]) -> set[Grid]:
        openings = {name: RUNS_OF_TWO[name] for name in names}
        return set(owed(duty, origin, duties.spans(openings), duties.since, openings))

    assert owes(("r", "s")) == owes(("r",)) | owes(("s",))


def test_a_breach_of_what_each_adoption_owed_is_told_also_when_it_is_dropped() -> None:
    duty = clause("within: 30 days", "after: policy.adopted", "late: stands")
    book = book_of(duty)
    book.time += 29 * DAY
    amend(book, obliged(duty, version="1.1"))
    book.time += 10 * DAY
    assert status(ask(book)) == "violated"
    amend(book, obliged(version="1.2"))
    assert any("an amendment took it away since" in line for line in told(ask(book)))


def test_what_was_kept_once_ends_no_promise_that_is_to_come_for_a_lineage() -> None:
    book, opened = old_lineage(clause(*LINEAGE))
    amend(book, obliged(clause("within: 60 days", *LINEAGE[1:]), version="1.1"))
    amend(book, obliged(clause(*LINEAGE), version="1.2"))
    assert status(ask(book, opened + 61 * DAY)) == "violated"


@pytest.mark.parametrize("late", ["counts", "stands"])
def test_a_floor_that_comes_later_with_a_past_date_is_signed_for_late_where_that_counts(late: str) -> None:
    duty = clause(f"by: {day(10)}", f"late: {late}")
    after = obliged(duty, version="1.1")
    [own] = after.obligations
    theirs = own.model_copy(update={"id": "law/report"})
    new = after.model_copy(update={"clauses": (*after.clauses[:-1], theirs)})
    why = refused_of(obliged(), new, START + 20 * DAY)
    assert (why is None) is (late == "counts")
    assert why is None or why.endswith("First keep one of your own with this sentence, by a date to come")
