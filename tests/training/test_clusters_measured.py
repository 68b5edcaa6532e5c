"""A training run under a policy that counts by clusters: held without them or with too few, going on with enough."""

from __future__ import annotations

import pickle
from collections.abc import Hashable, Sequence
from pathlib import Path

import pytest

from clustered_support import Clustered, found
from scalegate.errors import InputError
from scalegate.gate import replay
from scalegate.ledger import strict_json
from scalegate.training.evaluation import Measured
from support import POLICY_TEXT, Model


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
