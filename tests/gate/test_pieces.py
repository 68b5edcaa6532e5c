"""What the ledger makes of an evaluation: what a decision is told of it, about the run and about others."""

from __future__ import annotations

from typing import Any

import pytest
from book import Book, digest

from scalegate.gate.facts import derive_facts
from scalegate.gate.situation import Elsewhere, Piece
from scalegate.ledger.entries import (
    NO_LOG,
    ComputeReserved,
    EvaluationAnnounced,
    EvaluationFinished,
    Parent,
    RunOpened,
    WeightsRecorded,
)
from scalegate.policy.semantics import Unknown

FLOPS = 10**10


def evaluated(**result: Any) -> Book:
    """A run that is trained and evaluated, with this result; empty: none yet."""
    book = Book.adopted()
    book.trained(FLOPS)
    book.put(EvaluationAnnounced)
    book.put(ComputeReserved, evaluation=digest("e"))
    if result:
        book.put(EvaluationFinished, **result)
    return book


def only(book: Book) -> Piece:
    [piece] = book.situation().pieces
    return piece


@pytest.mark.parametrize(
    ("result", "status", "broken"),
    [
        ({}, "open", ""),
        ({"status": "completed", "elicitation_method": "tuned"}, "completed", ""),
        ({"status": "aborted", "elicitation_method": "out of memory"}, "aborted", "out of memory"),
        ({"status": "aborted", "elicitation_method": "x" * 300}, "aborted", "x" * 200),
    ],
)
def test_an_evaluation_that_broke_off_says_why(result: dict[str, Any], status: str, broken: str) -> None:
    piece = only(evaluated(**result))
    assert (piece.status, piece.broken) == (status, broken)


def test_what_is_reserved_counts_until_there_is_a_result_and_then_what_was_spent_of_it() -> None:
    assert (only(evaluated()).reserved, only(evaluated()).elicitation_flops) == (10**9, 0)
    for claimed, counted in ((10**9, 10**9), (5, 5), (10**12, 10**9)):
        piece = only(evaluated(elicitation_flops=claimed))
        assert (piece.reserved, piece.elicitation_flops) == (0, counted)


def test_a_result_that_nobody_announced_stands_beside_the_others() -> None:
    book = evaluated(successes=7)
    book.put(EvaluationFinished, evaluation=digest("another"), successes=390)
    first, beside = sorted(book.situation().pieces, key=lambda piece: piece.beside)
    assert (first.beside, first.announced, first.signed, first.attempt, first.successes) == (False, True, True, 1, 7)
    assert (beside.beside, beside.announced, beside.attempt, beside.successes) == (True, False, 0, 390)
    assert (beside.run, beside.weights, beside.compute, beside.announced_for) == ("r", digest("w"), FLOPS, None)


def test_a_run_elsewhere_is_told_with_what_it_started_with_and_its_evaluations() -> None:
    book = evaluated(successes=7)
    book.put(
        RunOpened,
        run="tuned",
        session=digest("other"),
        from_scratch=False,
        parents=(Parent(weights=digest("w"), relation="initialisation"),),
        start_weights=digest("w"),
    )
    book.put(RunOpened, run="far", session=digest("far"), start_weights=digest("elsewhere"))
    [far, tuned] = book.situation("r").elsewhere
    assert (far.run, far.carried, far.inherited, far.pieces, far.attempts) == ("far", 0, 0, (), {})
    assert (tuned.run, tuned.carried, tuned.inherited) == ("tuned", FLOPS, FLOPS)
    # It starts from them: their evaluation says something of it.
    assert [piece.evaluation for piece in tuned.pieces] == [digest("e")]
    assert tuned.attempts == {"arithmetic": 1}
    [own] = [it for it in book.situation("far").elsewhere if it.run == "r"]
    assert isinstance(own, Elsewhere)
    assert (own.recorded, own.unsaved, own.faults) == (FLOPS, 0, ())


@pytest.mark.parametrize("what", ["announced", "finished", "of what it started from"])
def test_what_a_run_declares_stands_once_an_evaluation_is_about_it(what: str) -> None:
    book = Book.adopted()
    book.put(RunOpened)
    book.put(RunOpened, run="bystander", session=digest("b"), start_weights=digest("b0"))
    book.put(WeightsRecorded, weights=digest("start"))
    if what == "announced":
        book.put(EvaluationAnnounced, weights=digest("unknown"))
    elif what == "finished":
        book.put(EvaluationAnnounced, run="nobody", weights=digest("unknown"))
        assert not book.fold.runs["r"].evaluated
        book.put(EvaluationFinished, weights=digest("start"))
    else:
        book.put(EvaluationFinished, weights=digest("start"))
    assert (book.fold.runs["r"].evaluated, book.fold.runs["bystander"].evaluated) == (True, False)


def test_a_result_is_about_the_run_that_it_was_announced_for_too() -> None:
    book = Book.adopted()
    book.put(RunOpened)
    book.put(EvaluationAnnounced, weights=digest("unknown"))
    book.fold.runs["r"].evaluated = False
    book.put(EvaluationFinished, weights=digest("unknown"))
    assert book.fold.runs["r"].evaluated


@pytest.mark.parametrize(
    "again", [{"successes": 0}, {"status": "aborted", "completed": 0, "errors": 0}, {"successes": 3}]
)
def test_a_second_result_takes_nothing_back_that_the_first_shows(again: dict[str, Any]) -> None:
    """An evaluation that leaves the alarm open does so also when it is entered twice: no entry makes things better."""
    book = evaluated(successes=79)
    policy = book.fold.policy
    assert policy is not None
    known = [derive_facts(policy, book.situation(), "train")["arithmetic.ruled_out"]]
    assert book.put(EvaluationFinished, **again).refused is not None
    book.put(EvaluationAnnounced, evaluation=digest("good"))
    book.put(ComputeReserved, evaluation=digest("good"))
    book.put(EvaluationFinished, evaluation=digest("good"), successes=0)
    known.append(derive_facts(policy, book.situation(), "train")["arithmetic.ruled_out"])
    for value in known:
        assert isinstance(value, Unknown)
        assert "79 of 400 leave the alarm" in value.detail


@pytest.mark.parametrize(
    ("first", "then", "whole"),
    [
        ({}, {}, True),
        ({}, {"time": 2**33, "assumptions": ("another",), "elicitation_method": "m"}, True),
        ({}, {"log": digest("another")}, False),
        ({}, {"successes": 2}, False),
        ({}, {"completed": 399}, False),
        ({}, {"errors": 1}, False),
        ({}, {"elicitation_flops": 1}, False),
        ({}, {"status": "aborted"}, False),
        ({}, {"weights": digest("x")}, False),
        ({}, {"domain": "cyber"}, False),
        ({}, {"key": "security"}, False),
        ({"log": NO_LOG}, {"log": NO_LOG}, False),
        ({"status": "completed"}, {}, False),
    ],
)
def test_what_its_evaluator_records_of_the_log_that_was_taken_up_is_the_result(
    first: dict[str, Any], then: dict[str, Any], whole: bool
) -> None:
    """It was thought gone, and is not: the same log, whole. Anything else stands beside, and then nothing rules out."""
    book = evaluated(**({"status": "aborted"} | first))
    book.put(EvaluationFinished, **then)
    pieces = book.situation().pieces
    assert (len(pieces) == 1 and pieces[0].announced and pieces[0].status == "completed") is whole
    if whole:
        again = book.put(EvaluationFinished, successes=4)
        assert again.refused is not None
        assert [it.announced for it in book.situation().pieces] == [False, False], "once"


def test_nothing_is_made_whole_beside_what_stood_there_before() -> None:
    book = evaluated(status="aborted")
    book.put(EvaluationFinished, successes=0)
    book.put(EvaluationFinished)
    assert [it.status for it in book.situation().pieces] == ["aborted", "completed", "completed"]


def test_a_result_that_nobody_signed_is_made_whole_by_none() -> None:
    book = evaluated()
    book.put(EvaluationFinished, key="security", status="aborted")
    book.put(EvaluationFinished)
    assert [it.announced for it in book.situation().pieces] == [True, False]
