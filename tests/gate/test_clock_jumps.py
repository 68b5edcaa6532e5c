"""Machines whose clocks jump by years, both ways: none of them is granted anything by it, against a plain model."""

from __future__ import annotations

import os
import random

import pytest
from book import Book

from scalegate.gate import decide
from scalegate.ledger import entries as kinds
from support import DAY, START

STEPS = int(os.environ.get("SCALEGATE_STEPS", "10000")) // 100
JUMPS = (-400 * DAY, -DAY, -3600, -1, 1, 3600, DAY, 400 * DAY)


@pytest.mark.parametrize("seed", range(1, 2))
def test_clocks_that_jump_gain_nothing(seed: int) -> None:
    """The model is one number, the latest time that anything was written with. What is granted at an earlier one counts
    for nothing, and what is decided at an earlier one holds."""
    chance = random.Random(seed)
    book = Book.adopted()
    book.trained(10**9)
    clocks, latest = [START + 10] * 3, book.fold.time
    for step in range(STEPS):
        machine = chance.randrange(len(clocks))
        clocks[machine] = max(0, clocks[machine] + (chance.choice(JUMPS) if chance.random() < 0.2 else 1))
        now = clocks[machine]
        if chance.random() < 0.5:
            fields = {"until": now + 9 * DAY, "statement": f"seen at step {step}"}
            record = book.put(kinds.Attestation, time=now, **fields)
            assert (record.refused is None) is (now >= latest), f"seed {seed}, step {step}: {record.refused}"
        else:
            situation = book.fold.situation("r", now=now, compute=2 * 10**9)
            assert book.fold.policy is not None
            decision = decide(book.fold.policy, situation, "train")
            behind = "standing.clock" in {it.clause for it in decision.findings if it.status != "met"}
            assert behind is (now < latest), f"seed {seed}, step {step}"
            assert decision.verdict == "HOLD" or not behind
            book.put(kinds.DecisionMade, time=now, decision=decision.to_json())
        latest = max(latest, now)
        assert book.fold.time == latest
