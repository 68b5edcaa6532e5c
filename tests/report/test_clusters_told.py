"""What the report says of items that come in clusters: how many, or that the policy does not look at them."""

from __future__ import annotations

from pathlib import Path

import pytest

from clustered_support import TEXT, Clustered, found
from scalegate.gate import replay
from scalegate.report.gather import gather
from scalegate.training.evaluation import EvaluationRequest, Measured
from support import POLICY_TEXT


@pytest.mark.parametrize(
    ("text", "of", "told"),
    [
        (TEXT, 5, "0 of 400 in 80 clusters"),
        (POLICY_TEXT, 5, "0 of 400 in 80 clusters: clustered items are counted as if they were not"),
        (POLICY_TEXT, 1, "0 of 400 in 400 clusters"),
        (POLICY_TEXT, None, "0 of 400"),
    ],
)
def test_it_says_how_the_items_of_each_evaluation_were_counted(
    tmp_path: Path, text: str, of: int | None, told: str
) -> None:
    found(tmp_path, Clustered(of=of), text)
    report = gather(replay(tmp_path / "ledger.db"), run=None, checkpoint=None, file="ledger.db", waiting=())
    shown = {it.result for domain in report.domains for it in domain.evaluations if it.kind == "elicited"}
    assert shown == {told}


def test_one_that_has_too_few_clusters_says_so(tmp_path: Path) -> None:
    found(tmp_path, Clustered(of=8), TEXT)
    report = gather(replay(tmp_path / "ledger.db"), run=None, checkpoint=None, file="ledger.db", waiting=())
    [last] = [it for domain in report.domains for it in domain.evaluations if it.kind == "elicited"]
    assert "50 clusters, 60 are due" in last.why


class Padded(Clustered):
    """Sixty of a hundred samples that stand alone succeed; the others are one cluster of failures."""

    def evaluate(self, request: EvaluationRequest) -> Measured:
        return Measured.of(
            [at < 60 for at in range(request.suite.samples)],
            assumptions=["the skill function is honest"],
            elicitation_flops=request.elicitation_flops,
            elicitation_method=request.elicitation,
            clusters=[min(at, 100) for at in range(request.suite.samples)],
        )


def test_one_whose_clusters_reach_the_alarm_and_not_its_items_says_so(tmp_path: Path) -> None:
    found(tmp_path, Padded(), TEXT)
    report = gather(replay(tmp_path / "ledger.db"), run=None, checkpoint=None, file="ledger.db", waiting=())
    [last] = [it for domain in report.domains for it in domain.evaluations if it.kind == "elicited"]
    assert (last.result, last.why) == (
        "60 of 400 in 101 clusters",
        ("the mean over its clusters shows the alarm of 0.20 reached",),
    )
