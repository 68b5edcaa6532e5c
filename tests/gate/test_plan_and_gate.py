"""What `evidence plan` counts is what the gate asks for: by so many evaluations a lab comes to the end of its run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from book import PEOPLE, POLICY_TEXT, Book, digest, key_of

from foreseen import ASKED, SAMPLES, put
from scalegate.cli.main import run
from scalegate.gate.facts import effective
from scalegate.gate.measures import elicitation_due
from scalegate.ledger import entries as kinds
from scalegate.policy import Policy
from scalegate.policy.reader import fill_keys, parse_policy

END = 6 * 10**12
CHANGES = {
    "a buffer": (),
    "a forecast": ((SAMPLES, SAMPLES + ASKED),),
    "much elicitation": ((SAMPLES, SAMPLES + ASKED), ("share: 1%", "share: 1.4%")),
    "a short cadence": (("every: 4x", "every: 1.5x"),),
    "techniques": ((SAMPLES, SAMPLES + ASKED), ("factor: 1x", "factor: 2x"), ("share: 1%", "share: 0.5%")),
}


def text_of(*changes: tuple[str, str]) -> str:
    text = fill_keys(POLICY_TEXT, {who: key_of(who).verify_key.to_text() for who in PEOPLE})
    # Nothing else than evaluations is in the way.
    for old, new in (*changes, ("at: 5e12 FLOP", "at: 5e13 FLOP"), ("evaluations: 12", "evaluations: 60")):
        assert old in text
        text = text.replace(old, new)
    return text


def planned(path: Path, capsys: pytest.CaptureFixture[str]) -> list[int]:
    assert run(["evidence", "plan", "--policy", str(path), "--planned", f"{END} FLOP", "--json"]) == 0
    found: list[int] = json.loads(capsys.readouterr().out)["evaluations_at"]
    return found


def evaluated(book: Book, policy: Policy, trained: int) -> None:
    """The weights as they now are, with as much elicitation as a hold would ask for, and without a success."""
    name, weights = digest(f"e{trained}"), digest(f"w{trained}")
    due = elicitation_due(policy, policy.domains[0], effective(policy, trained), int(END / policy.factor))
    book.put(kinds.WeightsRecorded, weights=weights, trained=trained)
    book.put(kinds.EvaluationAnnounced, weights=weights, evaluation=name)
    book.put(kinds.ComputeReserved, flops=due, evaluation=name)
    of = {"weights": weights, "evaluation": name, "successes": 0, "elicitation_flops": due}
    assert book.put(kinds.EvaluationFinished, **of).refused is None


@pytest.mark.parametrize("changes", CHANGES.values(), ids=CHANGES)
def test_a_run_that_is_evaluated_where_its_permits_end_takes_as_many(
    changes: tuple[tuple[str, str], ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text_of(*changes), encoding="utf-8")
    policy = parse_policy(path.read_text(encoding="utf-8"))
    at = planned(path, capsys)
    book = Book.adopted(policy)
    book.put(kinds.TierStatus)
    book.put(kinds.RunOpened, planned=END)
    asked = policy.domains[0].forecast
    early = [int(it / policy.factor) for it in at[: asked.at_least - 1]] if asked is not None else []
    trained, count = 0, 0
    while True:
        made = book.decide(compute=book.situation().compute + 1)
        if made.permit is None:
            assert not early, "it comes to where the first is due with what a forecast takes"
            end = None
        else:
            spent = book.situation().lineage.compute - trained
            end = min(int(made.permit.compute / policy.factor), int(END / policy.factor)) - spent
            if early:
                end = min(end, early.pop(0))
        if end is not None and end > trained:
            book.put(kinds.ComputeReserved, use="training", flops=end - trained)
            trained = end
        if effective(policy, book.situation().lineage.compute) >= END:
            break
        evaluated(book, policy, trained)
        count += 1
        if asked is not None and count >= asked.at_least:
            assert put(book) is None
        assert count <= len(at) + 5, "it goes on for ever"
    assert count == len(at)
