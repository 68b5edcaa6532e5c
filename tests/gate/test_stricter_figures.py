"""Figures that read as stricter close nothing that looser ones leave open:."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from book import Book, digest, key_of, policy_of

from scalegate.gate.facts import derive_facts
from scalegate.gate.judge import Judge
from scalegate.ledger import entries as kinds
from scalegate.policy import Policy, load_policy, policy_from_json
from support import DAY, START

FLOORS = Path(__file__).parent.parent / "policy" / "floors"
FLOPS = 10**11
EARLY = ("first_evaluation_at: 1e20 FLOP", "first_evaluation_at: 1e12 FLOP")


def on_floor(folder: Path, *changes: tuple[str, str]) -> tuple[Book, Policy]:
    """A lab on the floor that measures, with some figures of its own; and the floor alone."""
    for name, wanted in (("measured.yaml", (EARLY,)), ("lab_on_measured.yaml", (EARLY, *changes))):
        text = (FLOORS / name).read_text(encoding="utf-8")
        for old, new in wanted:
            assert old in text
            text = text.replace(old, new)
        (folder / name).write_text(text, encoding="utf-8")
    document: Any = load_policy(folder / "lab_on_measured.yaml").document()
    for person in document["people"]:
        person["key"] = key_of(person["id"]).verify_key.to_text()
    policy, book = policy_from_json(document), Book()
    assert book.adopt(policy, "ada", document=policy.document()).refused is None
    alone = policy.floors[0].document
    return book, alone.model_copy(update={"effective_compute": policy.effective_compute})


def run(book: Book, name: str, trained: int = 0) -> None:
    session = digest(f"session of {name}")
    start = digest(f"start of {name}")
    book.put(kinds.RunOpened, "gate", run=name, session=session, start_weights=start, planned=10**13)
    if trained:
        book.put(kinds.ComputeReserved, "gate", run=name, session=session, use="training", flops=trained)
        book.put(kinds.WeightsRecorded, "gate", run=name, session=session, weights=digest(name), trained=trained)
        # Nothing had permitted it: what a permit says is not what this is about.
        book.fold.runs[name].faults.clear()


def evaluated(book: Book, name: str, successes: int, flops: int, label: str = "e", samples: int = 400) -> None:
    of: dict[str, Any] = {"evaluation": digest(label), "domain": "bio", "weights": digest(name)}
    session = digest(f"session of {name}")
    book.put(kinds.EvaluationAnnounced, "gate", run=name, samples=samples, **of)
    spent = {"use": "elicitation", "flops": flops, "evaluation": digest(label)}
    book.put(kinds.ComputeReserved, "gate", run=name, session=session, **spent)
    book.put(kinds.EvaluationFinished, "gate", successes=successes, completed=samples, elicitation_flops=flops, **of)


def statuses(policy: Policy, book: Book, name: str, prefix: str = "", compute: int = 1) -> dict[str, str]:
    situation = book.fold.situation(name, now=book.time, compute=compute)
    facts = derive_facts(policy, situation, "train")
    tests = (it for it in Judge.of(policy, "train").tests if it.id in {f"{prefix}{own}" for own in ("bio", "level")})
    return {it.id.removeprefix(prefix): it.status(facts) for it in tests}


def both(book: Book, alone: Policy, name: str, compute: int = 1) -> list[dict[str, str]]:
    assert book.fold.policy is not None
    return [statuses(alone, book, name, compute=compute), statuses(book.fold.policy, book, name, "measured/", compute)]


HELD = {"bio": "not shown", "level": "not shown"}


@pytest.mark.parametrize("asked", ["1e9", "3e12"])
def test_what_a_policy_asks_to_be_elicited_covers_no_more_for_its_floor(asked: str, tmp_path: Path) -> None:
    book, alone = on_floor(tmp_path, ("at_least: 1e9 FLOP", f"at_least: {asked} FLOP"))
    run(book, "small", 10**10)
    evaluated(book, "small", 3, 3 * 10**12)
    run(book, "two")
    assert both(book, alone, "two") == [HELD, HELD]


@pytest.mark.parametrize(
    "change", [(), (("first_evaluation_at: 1e12", "first_evaluation_at: 1e11"),), (("1x", "10x"),)]
)
def test_what_is_early_for_a_floor_is_early_here(change: tuple[tuple[str, str], ...], tmp_path: Path) -> None:
    """Where a first evaluation has to come sooner, or a FLOP counts for more, what was reached is no later."""
    book, alone = on_floor(tmp_path, *change)
    run(book, "small", 5 * 10**11)
    evaluated(book, "small", 300, 5 * 10**9)
    run(book, "two")
    there, here = both(book, alone, "two")
    assert here == HELD
    assert there == HELD or change == (("1x", "10x"),)


@pytest.mark.parametrize("samples", ["400", "2000"])
def test_more_samples_than_a_floor_asks_for_close_nothing_that_its_own_leave_open(samples: str, tmp_path: Path) -> None:
    book, alone = on_floor(tmp_path, ("samples: 400", f"samples: {samples}"))
    run(book, "r", 2 * 10**12)
    evaluated(book, "r", 75, 3 * 10**10)
    evaluated(book, "r", 3, 3 * 10**10, "f", 2000)
    there, here = both(book, alone, "r", 2 * 10**12 + 7 * 10**10)
    assert there["level"] == here["level"] == "not shown"


def small(book: Book, label: str, successes: int, completed: int, announced: int, **said: Any) -> None:
    book.put(kinds.EvaluationAnnounced, evaluation=digest(label), samples=announced)
    book.put(kinds.ComputeReserved, use="elicitation", flops=2 * 10**9, evaluation=digest(label))
    spent = {"elicitation_flops": 2 * 10**9} | said
    book.put(kinds.EvaluationFinished, evaluation=digest(label), successes=successes, completed=completed, **spent)


def lineage(*changes: tuple[str, str]) -> Book:
    book = Book.adopted(policy_of(("first_evaluation_at: 2e11 FLOP", "first_evaluation_at: 1e11 FLOP"), *changes))
    book.trained(FLOPS)
    return book


@pytest.mark.parametrize("amended", [False, True])
def test_a_version_that_asks_for_more_samples_closes_nothing_that_was_left_open(amended: bool) -> None:
    book = lineage()
    small(book, "e", 75, 400, 400)
    if amended:
        first = ("first_evaluation_at: 2e11 FLOP", "first_evaluation_at: 1e11 FLOP")
        more = policy_of(first, ("samples: 400", "samples: 2000"), ('version: "1.0"', 'version: "2.0"'))
        assert [book.adopt(more, who).refused for who in ("ada", "grace")][-1] is None
        assert book.fold.policy == more
    book.put(kinds.TierStatus, until=START + 90 * DAY)
    small(book, "f", 5, 2000, 2000)
    held = book.decide(compute=FLOPS + 10**10)
    assert held.resumption is not None
    assert held.resumption.because == ("safeguards.level-2",)


def test_a_smoke_test_after_more_samples_are_asked_for_is_filled_up_to_these() -> None:
    book = lineage(("samples: 400", "samples: 2000"))
    small(book, "e", 75, 400, 400)
    book.put(kinds.TierStatus, until=START + 90 * DAY)
    small(book, "f", 5, 2000, 2000)
    assert book.decide(compute=FLOPS + 10**10).verdict == "PROCEED"


@pytest.mark.parametrize(("announced", "status"), [(400, "completed"), (2000, "aborted")])
def test_samples_that_were_announced_and_not_done_close_nothing(announced: int, status: str) -> None:
    book = lineage()
    small(book, "e", 79, 400, announced, status=status)
    book.put(kinds.TierStatus, until=START + 90 * DAY)
    small(book, "f", 3, 400, 400)
    held = book.decide(compute=FLOPS + 10**10)
    assert held.resumption is not None
    assert held.resumption.because == ("safeguards.level-2",)
