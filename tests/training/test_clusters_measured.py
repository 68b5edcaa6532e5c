"""A training run under a policy that counts by clusters: held without them or with too few, going on with enough."""

from __future__ import annotations

import pickle
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from scalegate.errors import InputError
from scalegate.gate import replay
from scalegate.gate.project import Project
from scalegate.gate.situation import Piece
from scalegate.ledger import strict_json
from scalegate.training.evaluation import EvaluationRequest, Measured
from scalegate.training.held import Held
from support import POLICY_TEXT, Model, new_project, open_gate, train

TEXT = POLICY_TEXT.replace("    samples: 400\n", '    samples: 400\n    clusters: {below: "0.05", at_least: 60}\n')


@dataclass
class Clustered(Model):
    """One whose samples come in clusters of so many; None: it does not say so."""

    of: int | None = 5

    def evaluate(self, request: EvaluationRequest) -> Measured:
        self.requests.append(request)
        samples = request.suite.samples
        able = round(self.skill(self.flops) * samples)
        return Measured.of(
            [at < able for at in range(samples)],
            assumptions=["the skill function is honest"],
            elicitation_flops=request.elicitation_flops,
            elicitation_method=request.elicitation,
            clusters=None if self.of is None else [("passage", at // self.of) for at in range(samples)],
        )


def found(folder: Path, model: Model, text: str = TEXT) -> tuple[Project, list[Piece]]:
    project = new_project(folder, text)
    gate = open_gate(project, model, planned=3 * 10**12)
    with pytest.raises(Held), gate:
        train(gate, model)
    with project.journal() as journal:
        situation = journal.fold.situation("r", now=journal.now())
    return project, [it for it in situation.pieces if it.elicitation != "none"]


def test_it_goes_on_with_enough_clusters_and_is_held_without_them_or_with_too_few(tmp_path: Path) -> None:
    enough, few, silent, plain = Clustered(), Clustered(of=8), Clustered(of=None), Model()
    project, pieces = found(tmp_path / "enough", enough)
    found(tmp_path / "few", few)
    found(tmp_path / "silent", silent)
    found(tmp_path / "plain", plain, POLICY_TEXT)
    assert enough.flops == plain.flops
    assert few.flops == silent.flops < enough.flops
    assert {it.clusters for it in pieces} == {((0, 5, 80),)}
    assert {it.stopping for it in pieces} == {"clusters: each is one observation, with a bet for 0.05"}
    replayed = replay(project.ledger)
    assert replayed.proceeds > 1


def test_clusters_that_succeed_as_a_whole_hold_where_their_items_would_not(tmp_path: Path) -> None:
    able = lambda _: 0.11  # noqa: E731 - a constant skill
    by_clusters, by_items = Clustered(skill=able), Model(skill=able)
    found(tmp_path / "clusters", by_clusters)
    found(tmp_path / "items", by_items, POLICY_TEXT)
    assert by_clusters.flops < by_items.flops


def test_the_log_that_is_kept_says_which_samples_are_alike(tmp_path: Path) -> None:
    project, _ = found(tmp_path, Clustered())
    with project.journal() as journal:
        names = [it.finished.log for it in journal.fold.attempts.values() if it.finished]
    files = [it for it in project.folder.rglob("*") if it.is_file() and any(name in it.name for name in names)]
    told = [it["clusters"] for it in map(strict_json.loads, map(Path.read_bytes, files)) if isinstance(it, dict)]
    assert told
    assert all(it == [at // 5 for at in range(400)] for it in told)


@pytest.mark.parametrize(
    ("clusters", "why"),
    [
        (["a", "b"], "has 2 values, and there are 3 scores"),
        (["a", "a", ["b"]], "cannot be told apart"),
        ("abc", "give one for each score"),
    ],
)
def test_each_score_has_a_cluster_or_none_has(clusters: Sequence[Hashable], why: str) -> None:
    with pytest.raises(InputError) as refused:
        Measured.of([True, False, False], assumptions=["a"], clusters=clusters)
    assert why in str(refused.value)


def test_a_result_with_clusters_comes_whole_from_another_process() -> None:
    made = Measured.of([True, False, False], assumptions=["a"], clusters=["x", "y", "x"])
    assert made.clusters == (0, 1, 0)
    assert pickle.loads(pickle.dumps(made)) == made
