"""Books of a run with results for a forecast, and how far a new forecast lets that run go."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from book import Book, digest

from foreseen import FORECAST, go_on, measured, put
from scalegate.errors import InputError
from scalegate.evidence.results import role_of
from scalegate.gate.facts import derive_facts
from scalegate.gate.forecasts import points_in
from scalegate.ledger import entries as kinds
from scalegate.ledger.forecast_entry import ForecastPoint
from scalegate.policy.semantics import Unknown

__all__ = [
    "DOMAIN",
    "FAR",
    "LAST",
    "SAVED",
    "G",
    "again",
    "as_it_is",
    "end",
    "four",
    "points",
    "roles",
    "saved",
    "spoiled",
    "unannounced",
]

G = 10**10
FAR = 3 * 10**11
DOMAIN = FORECAST.domains[0]
LAST = digest(f"wr{18 * G}")


def points(book: Book) -> tuple[ForecastPoint, ...]:
    return points_in(FORECAST, DOMAIN, book.situation())


def roles(book: Book) -> list[tuple[str, int]]:
    return [(role_of(it.within), it.successes) for it in points(book)]


def end(book: Book) -> int:
    """How far a new forecast lets the run go; 0: nowhere, or there is none."""
    with suppress(InputError):
        assert put(book) is None
    known = derive_facts(FORECAST, book.situation(), "train")["arithmetic.forecast.end"]
    return 0 if isinstance(known, Unknown) else int(known)  # type: ignore[call-overload]


def saved(*results: tuple[int, int]) -> Book:
    """A run that recorded weights at 1000 FLOP before it was first evaluated."""
    book = Book.adopted(FORECAST)
    book.put(kinds.TierStatus)
    book.put(kinds.RunOpened)
    book.decide("r", 1000)
    book.put(kinds.ComputeReserved, use="training", flops=1000)
    book.put(kinds.WeightsRecorded, weights=digest("wr1000"), trained=1000)
    before = 1000
    for flops, successes in results:
        go_on(book, flops, before, successes)
        before = flops
    return book


def as_it_is(book: Book, successes: int, flops: int = 1000) -> None:
    of = {"evaluation": digest(f"weak {book.time}"), "weights": digest(f"wr{flops}")}
    book.put(kinds.EvaluationAnnounced, elicitation="none", **of)
    assert book.put(kinds.EvaluationFinished, elicitation_flops=0, successes=successes, **of).refused is None


def again(book: Book, flops: int, successes: int) -> None:
    of = {"evaluation": digest(f"again {flops}"), "weights": digest(f"wr{flops}")}
    book.put(kinds.EvaluationAnnounced, **of)
    book.put(kinds.ComputeReserved, flops=4 * 10**9, evaluation=of["evaluation"])
    assert book.put(kinds.EvaluationFinished, successes=successes, elicitation_flops=4 * 10**9, **of).refused is None


def unannounced(book: Book, **more: Any) -> None:
    book.put(kinds.EvaluationFinished, **({"evaluation": digest("un"), "weights": LAST, "successes": 55} | more))


SAVED = ((2 * G, 0), (16 * G, 0), (17 * G, 0), (18 * G, 6))
"""None at first, and then some: what counts as less than it is, or is left out, is one of these."""


def four(skipped: int | None = None) -> Book:
    """Four that were recorded, of which one may be without a result."""
    book = measured(results=SAVED[:2])
    for flops, before, successes in ((17 * G, 16 * G, 0), (18 * G, 17 * G, 6)):
        if flops == skipped:
            book.decide("r", book.situation("r").lineage.compute + flops - before)
            book.put(kinds.ComputeReserved, use="training", flops=flops - before)
            book.put(kinds.WeightsRecorded, weights=digest(f"wr{flops}"), trained=flops)
        else:
            go_on(book, flops, before, successes)
    return book


def spoiled(book: Book, flops: int, name: str = "er") -> None:
    unannounced(book, evaluation=digest(f"{name}{flops}"), weights=digest(f"wr{flops}"), successes=0)
