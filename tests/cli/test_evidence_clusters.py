"""Results whose samples come in clusters, on the command line: announced, added, imported and planned for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_support import Amended, Command, Ran
from test_evidence_import import LOGS, SAID, announce
from test_evidence_stopped import amend

from logs_made import begun_now

ASKS = ("    samples: 400\n", '    samples: 400\n    clusters: {below: "0.05", at_least: 60}\n')
NEXT = ('version: "1.0"', 'version: "2.0"')


@pytest.fixture
def name(scalegate: Command, in_force: Amended, weights: str) -> str:
    in_force(ASKS, NEXT)
    return announce(scalegate, weights, samples=400)


def add(scalegate: Command, weights: str, name: str, clusters: object, hits: int = 0) -> Ran:
    document: dict[str, object] = {"evaluation": name, "weights": weights, "domain": "arithmetic"}
    document |= {"outcomes": [at < hits for at in range(400)], "assumptions": ["the task is about it"]}
    document |= {"elicitation_flops": "10000000000"} | ({"clusters": clusters} if clusters is not None else {})
    Path("result.json").write_text(json.dumps(document), encoding="utf-8")
    return scalegate("evidence", "add", "result.json", "--as", "evaluator", "-p", "p", "--json")


def of(size: int) -> list[str]:
    return [f"passage-{at // size}" for at in range(400)]


def test_what_is_announced_says_that_clusters_count(scalegate: Command, in_force: Amended, weights: str) -> None:
    in_force(ASKS, NEXT)
    asked = ("--domain", "arithmetic", "--task", "add", "--task-version", "3", "--dataset", "d" * 64, "--samples", 400)
    who = ("-p", "p", "--run", "r", "--weights", weights, "--as-is", "--as", "evaluator")
    said = " ".join(scalegate("evidence", "announce", *who, *asked).out.split())
    assert "What counts is clusters: each is one observation, with a bet for 0.05. Every sample is taken." in said


@pytest.mark.parametrize(
    ("clusters", "hits", "out", "why"),
    [
        (of(5), 0, True, None),
        (of(5), 45, False, None),
        (of(8), 0, False, "50 clusters, 60 are due"),
        (["all"] * 400, 0, False, "1 clusters, 60 are due"),
    ],
)
def test_only_enough_clusters_rule_out(
    scalegate: Command, weights: str, name: str, clusters: object, hits: int, out: bool, why: str | None
) -> None:
    added = add(scalegate, weights, name, clusters, hits)
    assert added.code == 0, added.err
    lacking = " ".join(added.json["lacking"])
    # The weights may lack something else: what is looked at here is what is said of clusters.
    assert (why in lacking) if why else ("cluster" not in lacking)
    assert added.json["ruled_out"] is (out and not lacking)
    assert added.json.get("clusters") == (len(set(clusters)) if isinstance(clusters, list) else None)
    assert scalegate("verify", "p/ledger.db").code == 0


@pytest.mark.parametrize(
    ("clusters", "why"),
    [
        (of(5)[:-1], "`clusters`: 399 of them, and 400 outcomes"),
        ([1] * 400, "`clusters.0`"),
        ("passage", "`clusters`"),
        (None, "`clusters` is missing: by what was announced, `arithmetic` counts by clusters"),
    ],
)
def test_a_file_that_does_not_say_it_of_each_outcome_is_refused(
    scalegate: Command, weights: str, name: str, clusters: object, why: str
) -> None:
    added = add(scalegate, weights, name, clusters)
    assert added.code == 2
    assert why in added.err
    assert scalegate("status", "-p", "p", "--json").json["open"]


def test_epochs_of_an_announced_evaluation_count_only_where_clusters_do(
    scalegate: Command, project: object, weights: str
) -> None:
    """Ten samples that are taken twice are not twenty."""
    amend(scalegate, ("samples: 400", "samples: 14"), ("alpha: 5%", "alpha: 60%"), NEXT)
    evaluation = announce(scalegate, weights)
    log = begun_now(LOGS / "epochs.eval", Path("log.eval").absolute())
    spent = ("--elicitation-flops", "1e10 FLOP")
    refused = scalegate("evidence", "import", log, *SAID, "--evaluation", evaluation, *spent)
    assert refused.code == 2
    assert "each sample was taken 2 times, and `arithmetic` has no `clusters`" in refused.err
    assert scalegate("status", "-p", "p", "--json").json["open"]
    beside = scalegate("evidence", "import", log, *SAID, "--weights", weights, "--domain", "arithmetic")
    assert (beside.code, "It can rule nothing out" in beside.out) == (0, True)


def test_each_epoch_of_a_sample_is_of_its_cluster(scalegate: Command, project: object, weights: str) -> None:
    clustered = 'samples: 15\n    clusters: {below: "0.01", at_least: 15}'
    amend(scalegate, ("samples: 400", clustered), ("alpha: 5%", "alpha: 60%"), NEXT)
    evaluation = announce(scalegate, weights)
    log = begun_now(LOGS / "epochs.eval", Path("log.eval").absolute())
    spent = ("--elicitation-flops", "1e10 FLOP")
    wrong = scalegate("evidence", "import", log, *SAID, "--evaluation", evaluation, *spent, "--cluster-by", "passage")
    assert (wrong.code, "does not say its `passage`" in wrong.err) == (2, True)
    added = scalegate("evidence", "import", log, *SAID, "--evaluation", evaluation, *spent, "--json")
    assert added.code == 0, added.err
    assert added.json["clusters"] == 10
    assert "10 clusters, 15 are due" in added.json["lacking"]


def test_a_plan_says_how_many_clusters_it_takes(scalegate: Command, in_force: Amended) -> None:
    in_force(ASKS, NEXT)
    found = scalegate("evidence", "plan", "--policy", "p/policy.yaml", "--json")
    assert found.code == 0, found.err
    assert found.json["clusters"] == {"below": "0.05", "at_least": 60, "fewest": 32}
    told = " ".join(scalegate("evidence", "plan", "--policy", "p/policy.yaml").out.split())
    assert "Without a success it takes 32 clusters to rule the alarm out (a bet for 0.05)" in told
    assert "at least 60." in told
