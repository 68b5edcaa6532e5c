"""What shows that something was ruled out wrongly is seen at once, by what its domain counts by, however declared."""

from __future__ import annotations

from typing import Any

import pytest
from book import Book, digest, policy_of
from test_clusters_judged import CLUSTERS
from test_track import ASKS, FLOPS, HEAD, begun, child, evaluated, grown, incident, shown, track
from test_track_dodges import ALAN, MISSED, SPENT, another, version, with_control
from test_track_later import adopted, saved

from foreseen import SAMPLES
from scalegate.gate.clustering import words_of_clusters
from scalegate.gate.facts import derive_facts
from scalegate.gate.recorded import record_of
from scalegate.gate.since import latest_decision, since
from scalegate.ledger import entries as kinds
from scalegate.policy import Policy

RECORD = policy_of((HEAD, MISSED))
CLUSTERED = policy_of((HEAD, MISSED), (SAMPLES, SAMPLES + CLUSTERS))
Told = tuple[tuple[int, int, int], ...]
SINGLE: Told = ((0, 1, 200), (1, 1, 200))


# One set of weights stands up to a check once.


def test_weights_that_two_ruled_out_and_each_again_are_one_set() -> None:
    twice = ASKS.replace("1 <= arithmetic.upheld", "2 <= arithmetic.upheld")
    book = begun(policy_of(ALAN, (HEAD, twice)))
    another(book)
    evaluated(book, "e2", who="alan")
    assert track(book) == (3, 0, 1)
    evaluated(book, "e3", flops=2 * FLOPS // 10)
    evaluated(book, "e4", who="alan", flops=4 * FLOPS // 10)
    assert track(book) == (3, 0, 1)
    assert book.decide("s", 2 * FLOPS).verdict == "HOLD"
    assert {row.evaluator: row.upheld for row in record_of(book.fold)} == {("evaluator",): 1, ("alan",): 1}
    evaluated(book, "e5", run="s", weights=digest("ws"), who="alan")
    assert track(book) == (4, 0, 2)
    assert book.decide("s", 2 * FLOPS).verdict == "PROCEED"


# What a run starts from that says it comes from weights.


def declared(book: Book, start: str, *parents: tuple[str, str], run: str = "c") -> int:
    of = tuple({"weights": digest(weights), "relation": relation} for weights, relation in parents)
    fields: dict[str, Any] = {"from_scratch": False, "parents": of, "start_weights": digest(start)}
    return book.put(kinds.RunOpened, run=run, session=digest(f"session of {run}"), **fields).index


@pytest.mark.parametrize("relation", ["merge", "adapter", "initialisation"])
@pytest.mark.parametrize("how", ["shown", "control", "incident", "shown before"])
def test_what_is_shown_on_a_start_that_nobody_recorded_counts_against_what_it_comes_from(
    relation: str, how: str
) -> None:
    book = begun(RECORD)
    another(book)
    if how == "shown before":
        shown(book, "x", 390)
        assert track(book) == (2, 0, 0)
        assert book.decide("s", FLOPS + SPENT + 2).verdict == "PROCEED"
    index, _ = latest_decision(book.fold, "s", "train") or (0, None)
    declared(book, "x", ("w", relation))
    if how == "shown":
        shown(book, "x", 390)
    elif how == "control":
        with_control(book, "x", 390)
    elif how == "incident":
        incident(book, run="c", weights=digest("x"))
    assert track(book) == (2, 1, 0)
    assert not book.fold.permitted("s", book.time + 1)
    assert book.decide("s", 2 * FLOPS).verdict == "HOLD"
    if how == "shown before":
        assert str(since(book.fold, "s", index)) == "1 opening of a run that makes a miss"
    missed = track(book)
    saved(book, "c", "x")
    assert track(book) == missed


@pytest.mark.parametrize("relation", ["initialisation", "merge"])
def test_what_goes_on_from_such_a_start_counts_too(relation: str) -> None:
    book = begun(RECORD)
    another(book)
    declared(book, "x", ("w", "merge"))
    declared(book, "y", ("x", relation), run="d")
    shown(book, "y", 390)
    assert track(book) == (2, 1, 0)


def test_the_base_that_an_adapter_was_put_on_says_nothing_of_the_adapter() -> None:
    """`ws` is another run's: it grew from nothing that was declared beside it."""
    book = begun(RECORD)
    another(book)
    declared(book, "ws", ("ws", "initialisation"), ("w", "adapter"))
    shown(book, "ws", 390)
    assert [(it.weights, bool(it.shown_by)) for it in book.fold.tracks.claims] == [
        (digest("w"), False),
        (digest("ws"), True),
    ]


@pytest.mark.parametrize("parents", [(("w", "teacher"),), (("w", "merge"), ("ws", "merge"))])
def test_a_start_that_comes_from_more_than_the_weights_makes_them_no_miss(parents: Any) -> None:
    book = begun(RECORD)
    another(book)
    declared(book, "x", *parents)
    shown(book, "x", 390)
    assert track(book) == (2, 0, 0)


# The mean over clusters.


def of_clusters(book: Book, name: str, told: Told, *, announced: bool = True, **fields: Any) -> None:
    """An evaluation of all its samples, or a result that nobody announced, that tells its clusters."""
    policy, run = book.fold.policy, fields.pop("run", "r")
    assert policy is not None
    samples, errors = sum(size * count for _, size, count in told), fields.pop("errors", 0)
    successes = sum(hits * count for hits, _, count in told) - errors
    of = {"evaluation": digest(name), "weights": digest("w"), "domain": "arithmetic"} | fields
    if announced:
        stopping = words_of_clusters(policy.domains[0])
        book.put(kinds.EvaluationAnnounced, run=run, samples=samples, stopping=stopping, **of)
        session = digest("session" if run == "r" else f"session of {run}")
        spent: dict[str, Any] = {"use": "elicitation", "flops": SPENT, "evaluation": digest(name), "session": session}
        book.put(kinds.ComputeReserved, run=run, **spent)
    counts: dict[str, Any] = {
        "successes": successes,
        "completed": samples - errors,
        "errors": errors,
        "clusters": tuple(sorted(told)),
    }
    book.put(kinds.EvaluationFinished, elicitation_flops=SPENT if announced else 0, **counts, **of)


def clustered(policy: Policy = CLUSTERED) -> Book:
    book = Book.adopted(policy)
    book.trained(FLOPS)
    of_clusters(book, "e", ((0, 1, 397), (1, 1, 3)))
    book.put(kinds.RunOpened, run="s", session=digest("session of s"), start_weights=digest("start of s"))
    book.decide("s", FLOPS)
    grown(book, FLOPS, "ws", "s")
    of_clusters(book, "es", ((0, 1, 397), (1, 1, 3)), run="s", weights=digest("ws"))
    assert track(book) == (2, 0, 0)
    assert book.decide("s", 2 * FLOPS).verdict == "PROCEED"
    return book


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize(
    ("told", "errors"),
    [
        (SINGLE, 0),
        ((*SINGLE, (0, 5000, 1)), 0),
        ((*SINGLE, (250, 2000, 1)), 250),
        (((0, 1, 320), (1, 1, 80)), 0),
    ],
)
def test_an_alarm_that_the_mean_over_clusters_reaches_is_a_miss(told: Told, errors: int, *, announced: bool) -> None:
    book = clustered()
    of_clusters(book, "e2", told, announced=announced, errors=errors)
    assert derive_facts(CLUSTERED, book.situation(), "train")["arithmetic.reached"] is True
    assert track(book)[1] == 1
    assert book.decide("s", 2 * FLOPS).verdict == "HOLD"


@pytest.mark.parametrize(
    "told",
    [((0, 1, 321), (1, 1, 79)), ((0, 1, 320), (0, 5000, 1), (1, 1, 80)), ((0, 1, 320), (0, 1, 5000), (1, 1, 80))],
)
def test_a_mean_under_the_alarm_is_no_miss(told: Told) -> None:
    book = clustered()
    of_clusters(book, "e2", told, announced=False)
    assert track(book)[1] == 0


def test_past_the_margin_the_mean_shows_the_threshold_too() -> None:
    for hits, missed in ((201, 1), (200, 0)):
        book = clustered()
        grown(book, 4 * FLOPS)
        told = ((0, 1, 400 - hits), (0, 5000, 1), (1, 1, hits))
        of_clusters(book, "e2", told, announced=False, weights=digest("later"))
        assert track(book)[1] == missed


def test_where_no_version_counts_by_clusters_the_record_goes_by_items() -> None:
    book = begun(RECORD)
    of_clusters(book, "e2", (*SINGLE, (0, 5000, 1)), announced=False)
    assert track(book) == (1, 0, 0)


@pytest.mark.parametrize("first", ["asked for", "shown"])
def test_clusters_that_a_version_asks_for_count_from_then_on_and_stay(first: str) -> None:
    book = begun(RECORD)
    if first == "shown":
        of_clusters(book, "e2", (*SINGLE, (0, 5000, 1)), announced=False)
    adopted(book, version("1.1", (HEAD, MISSED), (SAMPLES, SAMPLES + CLUSTERS)))
    if first == "asked for":
        adopted(book, version("1.2", (HEAD, MISSED)))
        of_clusters(book, "e2", (*SINGLE, (0, 5000, 1)), announced=False)
    assert track(book) == (1, 1, 0)


def test_what_the_mean_reaches_takes_support_away() -> None:
    asks = policy_of(ALAN, (HEAD, ASKS), (SAMPLES, SAMPLES + CLUSTERS))
    for padding, upheld in ((0, 0), (5000, 0), (None, 1)):
        book = Book.adopted(asks)
        book.trained(FLOPS)
        of_clusters(book, "e", ((0, 1, 397), (1, 1, 3)))
        evaluation = {"evaluation": digest("e2"), "weights": digest("w"), "domain": "arithmetic"}
        stopping = words_of_clusters(asks.domains[0])
        book.put(kinds.EvaluationAnnounced, "alan", samples=400, stopping=stopping, **evaluation)
        book.put(kinds.ComputeReserved, use="elicitation", flops=SPENT, evaluation=digest("e2"))
        told: dict[str, Any] = {
            "successes": 3,
            "completed": 400,
            "clusters": ((0, 1, 397), (1, 1, 3)),
            "elicitation_flops": SPENT,
        }
        book.put(kinds.EvaluationFinished, "alan", **told, **evaluation)
        assert track(book) == (2, 0, 1)
        if padding is not None:
            of_clusters(book, "e3", (*SINGLE, *(((0, padding, 1),) if padding else ())), announced=False)
        assert track(book)[2] == upheld


# Weights of which nobody knows where they come from.


@pytest.mark.parametrize("decoy", ["own parent", "unpaid", "saved before"])
def test_an_incident_on_weights_that_were_recorded_as_they_cannot_be_holds_every_run(decoy: str) -> None:
    book = begun(RECORD)
    another(book)
    if decoy == "unpaid":
        book.put(kinds.RunOpened, run="z", session=digest("session of z"), start_weights=digest("start of z"))
        saved(book, "z", "leaked", 5)
    elif decoy == "saved before":
        # Nobody is at fault: one says that it is a random start, and the other that it goes on from that.
        book.put(kinds.RunOpened, run="y", session=digest("session of y"), start_weights=digest("leaked"))
        saved(book, "y", "leaked")
    if decoy != "unpaid":
        declared(book, "leaked", ("leaked", "initialisation"), run="z")
        saved(book, "z", "leaked")
    assert bool(book.fold.runs["z"].faults) == (decoy != "saved before")
    incident(book, weights=digest("leaked"))
    for run in ("r", "s"):
        assert book.decide(run, 2 * FLOPS).verdict == "HOLD"
        assert derive_facts(RECORD, book.situation(run), "train")["arithmetic.reached"] is True
    assert track(book) == (2, 2, 0)


@pytest.mark.parametrize("made", ["trained", "merged", "adapted", "at fault for something else", "claimed by another"])
def test_an_incident_on_weights_that_somebody_made_holds_nobody_else(made: str) -> None:
    book = begun(RECORD)
    another(book)
    if made in ("merged", "adapted"):
        child(book, "t", "start of t", SPENT, "wt", parents=())
        child(book, "u", "start of u", SPENT, "wu", parents=())
        relation = "merge" if made == "merged" else "adapter"
        declared(book, "made", ("wt", relation), ("wu", "merge"))
        saved(book, "c", "made")
    else:
        child(book, "c", "start of c", SPENT, "made", parents=())
    if made == "at fault for something else":
        book.put(kinds.MeterFault, run="c")
    if made == "claimed by another":
        declared(book, "made", ("made", "initialisation"), run="z")
        saved(book, "z", "made")
    incident(book, weights=digest("made"))
    assert derive_facts(RECORD, book.situation("s"), "train")["arithmetic.reached"] is False
    assert track(book) == (2, 0, 0)
    assert book.decide("s", 2 * FLOPS).verdict == "PROCEED"
