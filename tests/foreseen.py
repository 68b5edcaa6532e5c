"""A lineage in a book with results at several amounts of compute, under a policy that asks for a forecast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from book import POLICY, Book, digest, policy_of

from scalegate.gate.foreseeing import foresee
from scalegate.ledger import entries as kinds
from scalegate.ledger.entries import ForecastMade
from scalegate.policy import Policy

SAMPLES = "    samples: 400\n"
ASKED = "    forecast: {confidence: 95%, at_least: 3}\n"
FORECAST = policy_of((SAMPLES, SAMPLES + ASKED))
PLAIN = POLICY
RESULTS = ((5 * 10**10, 3), (10**11, 4), (18 * 10**10, 6))
"""Training FLOP, and successes of 400."""


def measured(
    policy: Policy = FORECAST, results: Sequence[tuple[int, int]] = RESULTS, run: str = "r", **finished: Any
) -> Book:
    """A run that was trained and evaluated so."""
    book = Book.adopted(policy)
    book.put(kinds.TierStatus)
    book.put(kinds.RunOpened, run=run)
    before = 0
    for flops, successes in results:
        go_on(book, flops, before, successes, run=run, **finished)
        before = flops
    return book


def go_on(book: Book, flops: int, before: int, successes: int, run: str = "r", **finished: Any) -> str:
    """The run trains on to so much, and is evaluated. Returns the evaluation's name."""
    weights, name = digest(f"w{run}{flops}"), digest(f"e{run}{flops}")
    book.decide(run, book.situation(run).lineage.compute + flops - before)
    book.put(kinds.ComputeReserved, run=run, use="training", flops=flops - before)
    book.put(kinds.WeightsRecorded, run=run, weights=weights, trained=flops)
    book.put(kinds.EvaluationAnnounced, run=run, weights=weights, evaluation=name)
    book.put(kinds.ComputeReserved, run=run, flops=5 * 10**9, evaluation=name)
    said = {"successes": successes, "elicitation_flops": 5 * 10**9} | finished
    assert book.put(kinds.EvaluationFinished, weights=weights, evaluation=name, **said).refused is None
    return name


def fields(book: Book, run: str = "r", **options: Any) -> dict[str, Any]:
    """What a forecast of the run has in it."""
    policy = book.fold.policy
    assert policy is not None
    found = foresee(policy, book.situation(run), policy.domains[0], **options)
    return {key: value for key, value in found.fields.items() if key != "policy"}


def put(book: Book, who: str = "evaluator", key: str | None = None, **changed: Any) -> str | None:
    """Record a forecast of run `r`, with these fields put otherwise. Returns why it counts for nothing."""
    return book.put(ForecastMade, who, key, **(fields(book) | changed)).refused
