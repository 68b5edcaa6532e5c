"""No order of entries, however wrong, keeps a ledger from being asked: what cannot be so is a fault, and holds."""

from __future__ import annotations

from typing import Any

from book import Book, digest
from hypothesis import given
from hypothesis import strategies as st
from test_scale_cap import POLICY

from scalegate.gate import decide
from scalegate.ledger import entries as kinds
from scalegate.ledger.entries import Parent

RUNS, WEIGHTS, AMOUNTS = ("r", "s", "t"), tuple(map(digest, "abcd")), (0, 1, 10**10, 10**12)


@st.composite
def entry(draw: st.DrawFn) -> tuple[Any, dict[str, Any]]:
    """An entry about runs, weights or an evaluation, with whatever in it."""
    run, weights = draw(st.sampled_from(RUNS)), draw(st.sampled_from(WEIGHTS))
    session, amount = digest(f"session {draw(st.integers(0, 2))}"), draw(st.sampled_from(AMOUNTS))
    of = {"run": run, "session": session}
    evaluation = {"evaluation": digest(f"evaluation {draw(st.integers(0, 1))}"), "weights": weights}
    relations = st.sampled_from(["initialisation", "adapter", "merge", "teacher"])
    parents = draw(st.lists(st.builds(Parent, weights=st.sampled_from(WEIGHTS), relation=relations), max_size=2))
    opened: dict[str, Any] = {"parents": tuple(parents), "from_scratch": not parents or draw(st.booleans())}
    opened |= {
        "start_weights": draw(st.sampled_from([weights, None])),
        "planned": draw(st.sampled_from([None, amount])),
    }
    use = draw(st.sampled_from(["training", "elicitation"]))
    kinds_of: list[tuple[Any, dict[str, Any]]] = [
        (kinds.RunOpened, of | opened),
        (kinds.ComputeReserved, of | {"use": use, "flops": max(amount, 1)}),
        (kinds.ComputeSettled, of | {"unspent": max(amount, 1), "remaining": draw(st.sampled_from(AMOUNTS))}),
        (kinds.WeightsRecorded, of | {"weights": weights, "trained": amount}),
        (kinds.MeterFault, {"run": run}),
        (kinds.EvaluationAnnounced, {"run": run, **evaluation}),
        (kinds.EvaluationFinished, {**evaluation, "successes": draw(st.sampled_from([0, 400]))}),
    ]
    return draw(st.sampled_from(kinds_of))


@given(st.lists(entry(), max_size=14))
def test_no_order_of_entries_keeps_a_ledger_from_being_asked(found: list[tuple[Any, dict[str, Any]]]) -> None:
    book = Book.adopted(POLICY)
    for kind, fields in found:
        book.put(kind, **fields)
    for run in (*RUNS, "never opened"):
        decide(POLICY, book.situation(run), "train")


def test_weights_of_more_than_was_reserved_hold_and_are_shown() -> None:
    book = Book.adopted(POLICY)
    book.put(kinds.RunOpened)
    book.put(kinds.WeightsRecorded, weights=digest("start"), trained=1)
    assert book.situation().lineage.behind == 0
    assert decide(POLICY, book.situation(), "train").verdict == "HOLD"
