"""What a clause with an exception goes by besides evidence on the run: other models, and what was promised by a day."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import test_scale_cap
from book import Book, digest, policy_of
from test_exceptions import FLOPS, granted, hold, with_terms
from test_scale_cap import Lab, capped

from scalegate.gate import Decision
from scalegate.ledger import entries as kinds
from scalegate.units import parse_instant
from support import DAY, START

NAMED = "[capability.arithmetic, cadence, safeguards.level-2]"
FURTHER = 42 * 10**11
GROWN = ("growth: 2x", "growth: 3x")


@pytest.fixture
def past_its_base(monkeypatch: pytest.MonkeyPatch) -> Lab:
    """Run `r` stands past ten times the base `a`, and goes on by an exception."""
    monkeypatch.setattr(test_scale_cap, "POLICY", capped(with_terms((NAMED, "[scale]"), GROWN)))
    lab = Lab()
    lab.finished("a", 4 * 10**11)
    lab.open("r", planned=FURTHER)
    measured(lab, "r", lab.train("r", 2 * 10**12))
    assert goes_on(lab) is None
    let_go_on(lab)
    return lab


def measured(lab: Lab, run: str, weights: str, successes: int = 3, again: str = "") -> None:
    name, session = digest(f"{weights} {again}"), lab.book.fold.runs[run].latest.session
    lab.book.put(kinds.EvaluationAnnounced, evaluation=name, run=run, weights=weights)
    spent = {"use": "elicitation", "flops": 10**11, "evaluation": name}
    lab.book.put(kinds.ComputeReserved, run=run, session=session, **spent)
    said: dict[str, Any] = {"weights": weights, "successes": successes, "elicitation_flops": 10**11}
    lab.book.put(kinds.EvaluationFinished, evaluation=name, **said)
    lab.sound("a")
    lab.sound("r")


def decided(lab: Lab) -> Decision:
    return hold(lab.book, FURTHER)


def goes_on(lab: Lab) -> tuple[str, ...] | None:
    used = decided(lab).exception
    return used.clauses if used else None


def let_go_on(lab: Lab) -> None:
    seen = decided(lab)
    for who in ("ada", "grace"):
        assert granted(lab.book, who, seen) is None
    assert goes_on(lab) == ("scale",)


BASE = digest("a 400000000000")


def test_that_the_base_is_not_shown_any_more_ends_it(past_its_base: Lab) -> None:
    lab = past_its_base
    measured(lab, "a", BASE, again="well")
    assert goes_on(lab) == ("scale",)
    measured(lab, "a", BASE, 390, again="badly")
    assert goes_on(lab) is None
    told = [it for it in decided(lab).limits.surprises if "others-ahead" in it]
    assert "Ada Officer had not seen `developer.shown` unknown, the threshold of `arithmetic` reached in" in told[0]


def announced(lab: Lab) -> None:
    lab.book.put(kinds.EvaluationAnnounced, evaluation=digest("more"), run="a", weights=BASE)


def second(lab: Lab) -> None:
    said: dict[str, Any] = {"weights": BASE, "successes": 3, "elicitation_flops": 10**11}
    lab.book.put(kinds.EvaluationFinished, evaluation=digest(f"{BASE} badly"), **said)


def well(lab: Lab) -> None:
    measured(lab, "a", BASE, again="well")


@pytest.mark.parametrize("later", [announced, second, well])
def test_and_nothing_that_is_said_of_the_base_later_brings_it_back(
    past_its_base: Lab, later: Callable[[Lab], None]
) -> None:
    lab = past_its_base
    measured(lab, "a", BASE, 390, again="badly")
    later(lab)
    assert goes_on(lab) is None
    let_go_on(lab)


def test_nor_is_it_covered_by_an_evaluation_without_a_result_or_one_that_is_worthless(past_its_base: Lab) -> None:
    """While one is announced nothing is shown: who grants it then has not seen the result."""
    lab = past_its_base
    announced(lab)
    assert goes_on(lab) is None
    let_go_on(lab)
    bogus: dict[str, Any] = {"evaluation": digest("bogus"), "weights": BASE, "successes": 390}
    assert lab.book.put(kinds.EvaluationFinished, "evaluator", "mallory", **bogus).refused
    let_go_on(lab)
    measured(lab, "a", BASE, 390, again="badly")
    assert goes_on(lab) is None


DUE = parse_instant("2026-12-06")


def promised(late: str, each: str = "by: 2026-12-05") -> Book:
    """A condition goes by a report, and holds for another reason while that is not due."""
    duty = f"""
  - id: report
    kind: obligation
    {each}
    kept_by: {{role: officer, at_least: 1}}
    late: {late}
    text: A report on risks is published.
    source: {{document: Policy, section: "9"}}
    actions: [deploy_external]
    modality: will

  - id: reported
    kind: condition
    when: compute <= 1e11 FLOP and obligation.report
    text: Training goes on within limits, and with reports.
    source: {{document: Policy, section: "9"}}
    actions: [train]
    modality: will

  - id: publish
"""
    late_first = ("first_evaluation_at: 2e11 FLOP", "first_evaluation_at: 9e11 FLOP")
    book = Book.adopted(policy_of(with_terms((NAMED, "[reported]")), late_first, ("\n  - id: publish\n", duty)))
    book.trained(FLOPS)
    book.put(kinds.TierStatus, until=START + 90 * DAY)
    book.fold.runs["r"].faults.clear()
    return book


def grant(book: Book) -> Decision:
    seen = hold(book)
    for who in ("ada", "grace"):
        assert granted(book, who, seen) is None
    decision = hold(book)
    assert decision.exception is not None
    return decision


def keep(book: Book, deadline: int) -> None:
    said: dict[str, Any] = {"obligation": "report", "deadline": deadline, "run": None, "statement": "done"}
    assert book.put(kinds.ObligationKept, "ada", **said).refused is None


@pytest.mark.parametrize("late", ["counts", "stands"])
def test_a_deadline_that_passes_ends_it(late: str) -> None:
    """Its permit does not reach past that, and what is done late does not bring it back."""
    book = promised(late)
    used = grant(book).exception
    assert used is not None
    assert used.permit.time == DUE - 1
    book.time = DUE + 5
    decision = hold(book)
    assert decision.exception is None
    assert any("Ada Officer had not seen a deadline of `report` pass unkept" in it for it in decision.limits.surprises)
    keep(book, DUE - 1)
    assert hold(book).exception is None
    # They have seen it now.
    grant(book)


def test_what_was_done_in_time_does_not_end_it() -> None:
    book = promised("stands")
    grant(book)
    keep(book, DUE - 1)
    book.time = DUE + 5
    assert hold(book).exception is not None


def test_who_saw_one_deadline_missed_has_not_seen_the_next() -> None:
    book = promised("counts", "each: 10 days\n    from: 2026-11-01")
    used = grant(book).exception
    assert used is not None
    for _ in range(2):
        book.time = used.permit.time + 1
        assert hold(book).exception is None
        again = grant(book).exception
        assert again is not None
        assert used.permit.time < again.permit.time <= used.permit.time + 10 * DAY
        used = again
