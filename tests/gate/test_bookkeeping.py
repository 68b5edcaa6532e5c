"""Sessions and checkpoints as they are taken in, one entry at a time."""

from __future__ import annotations

from typing import Any

import pytest
from book import GATE, POLICY, Book, digest

from scalegate.gate.bookkeeping import further, opened, recording_faults
from scalegate.gate.lineage import Run
from scalegate.ledger.entries import ComputeReserved, Parent, RunOpened, WeightsRecorded


def opening(session: str, **changes: Any) -> RunOpened:
    given: dict[str, Any] = {
        "actor": GATE,
        "time": 1,
        "policy": POLICY.digest(),
        "run": "r",
        "session": digest(session),
        "from_scratch": True,
        "parents": (),
        "planned": None,
        "start_weights": digest("start"),
    }
    return RunOpened(**(given | changes))


ELSEWHERE = {"from_scratch": False, "parents": (Parent(weights=digest("b"), relation="initialisation"),)}


def test_a_fresh_run_may_be_declared_otherwise_and_counts_from_there() -> None:
    runs: dict[str, Run] = {}
    assert opened(runs, 3, opening("one")) is False
    run = runs["r"]
    assert (run.opened_at, run.tip, run.starts) == (3, digest("start"), {digest("start")})
    assert opened(runs, 4, opening("two", planned=7)) is False
    assert (run.opened_at, run.first.planned, run.latest.session) == (3, 7, digest("two"))
    assert opened(runs, 5, opening("three", **ELSEWHERE)) is True
    assert (run.opened_at, run.first, run.starts) == (5, opening("three", **ELSEWHERE), {digest("start")})
    assert opened(runs, 6, opening("four", **ELSEWHERE, start_weights=digest("other"))) is True
    assert (run.tip, run.starts, run.faults) == (digest("other"), {digest("other")}, [])


def test_a_run_that_saved_its_start_keeps_what_it_declared() -> None:
    runs: dict[str, Run] = {}
    opened(runs, 0, opening("one"))
    run = runs["r"]
    run.weights = {digest("start"): 0}
    assert opened(runs, 1, opening("two", planned=9)) is False
    assert run.first.planned == 9
    assert opened(runs, 2, opening("three", **ELSEWHERE)) is False
    assert (run.first.session, run.latest.session, run.opened_at) == (digest("two"), digest("three"), 0)


def test_a_run_that_trained_keeps_its_first_opening_and_every_start() -> None:
    runs: dict[str, Run] = {}
    opened(runs, 0, opening("one"))
    run = runs["r"]
    run.weights = {digest("w"): 5}
    assert opened(runs, 1, opening("two", start_weights=digest("w"))) is False
    assert (run.first, run.tip, run.opened_at) == (opening("one"), digest("w"), 0)
    assert run.starts == {digest("start"), digest("w")}
    opened(runs, 2, opening("two", start_weights=digest("w")))
    assert run.faults == ["entry 2 opens a session for the second time"]


def test_a_start_that_is_not_stated_is_no_start() -> None:
    runs: dict[str, Run] = {}
    opened(runs, 0, opening("one", start_weights=None))
    assert (runs["r"].starts, runs["r"].tip) == (set(), None)


def recording(weights: str, trained: int) -> WeightsRecorded:
    return WeightsRecorded(
        actor=GATE,
        time=1,
        policy=POLICY.digest(),
        run="r",
        session=digest("one"),
        weights=digest(weights),
        trained=trained,
    )


def trained_run(reserved: int = 100) -> dict[str, Run]:
    runs: dict[str, Run] = {}
    opened(runs, 0, opening("one"))
    runs["r"].reserved = {(digest("one"), "training"): reserved}
    return runs


@pytest.mark.parametrize(
    ("weights", "count", "fault"),
    [
        ("new", 50, None),
        ("new", 100, None),
        ("new", 101, "claims more training in its weights than was reserved"),
        ("new", 0, "records weights without training that are new to it"),
        ("start", 0, None),
        ("start", 50, None),
    ],
)
def test_what_may_be_recorded(weights: str, count: int, fault: str | None) -> None:
    runs = trained_run()
    assert recording_faults(runs, runs["r"], recording(weights, count)) == ([] if fault is None else [fault])


def test_weights_of_others_are_named_by_the_first_who_trained_them() -> None:
    runs = trained_run()
    for name, held in (("first", 3), ("second", 3)):
        runs[name] = Run(name, opening(name, run=name), opening(name, run=name), weights={digest("theirs"): held})
    stolen = "records weights of run `first`, which it did not start from"
    assert recording_faults(runs, runs["r"], recording("theirs", 50)) == [stolen]
    # What others only started from is a stranger's still, to whoever claims to have trained it, and to nobody else.
    runs["first"].weights = runs["second"].weights = {digest("theirs"): 0}
    assert recording_faults(runs, runs["r"], recording("theirs", 50)) == [stolen]
    assert stolen not in recording_faults(runs, runs["r"], recording("theirs", 0))


def test_what_a_session_lost_by_going_back_is_not_in_its_weights() -> None:
    runs = trained_run()
    run = runs["r"]
    run.weights = {digest("w"): 60}
    assert recording_faults(runs, run, recording("w", 80)) == []
    run.lost = {digest("one"): 30}
    assert recording_faults(runs, run, recording("w", 80)) == [
        "comes to weights that hold more training than it counts"
    ]
    run.lost = {digest("another session"): 30}
    assert recording_faults(runs, run, recording("w", 80)) == []


def test_weights_further_on_than_those_at_hand_are_named() -> None:
    book = Book.adopted()
    book.put(RunOpened)
    assert further(book.fold.runs, "nobody") is None
    assert further(book.fold.runs, "r") is None
    book.put(ComputeReserved, use="training", flops=5 * 10**9)
    book.put(WeightsRecorded, trained=5 * 10**9)
    assert further(book.fold.runs, "r") is None
    book.put(RunOpened, session=digest("again"))
    told = further(book.fold.runs, "r")
    assert told is not None
    assert told.startswith(f"run `r` is opened again from weights {digest('w')[:12]}..., which hold 5.00e+09 FLOP")
