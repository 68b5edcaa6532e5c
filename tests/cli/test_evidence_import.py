"""`scalegate evidence import`: what Inspect wrote becomes a result, and what was met with in it is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_support import Command, Ran

from logs_made import begun_now

LOGS = Path(__file__).parent.parent / "evidence" / "logs"
SAID = ("--assumption", "The task is about the capability.", "--as", "evaluator", "-p", "p")
SPENT = ("--elicitation-flops", "1e10 FLOP")
FEW = ("samples: 400", 'samples: 15\n    clusters: {below: "0.01", at_least: 15}')
"""Of an evaluation that takes each sample twice, as these logs do, the samples are clusters."""


def announce(
    scalegate: Command,
    weights: str,
    task: str = "add",
    samples: int = 20,
    version: str = "3",
    dataset: str = "d" * 64,
    more: tuple[object, ...] = (),
) -> str:
    asked = ("--domain", "arithmetic", "--task", task, "--task-version", version, "--dataset", dataset)
    spent = ("--samples", samples, "--elicitation-flops", "1e10 FLOP", "--as", "evaluator", "--json")
    made = scalegate("evidence", "announce", "-p", "p", "--run", "r", "--weights", weights, *asked, *spent, *more)
    assert made.code == 0, made.err
    return str(made.json["evaluation"])


def bring(scalegate: Command, name: str, *more: object) -> Ran:
    """Add a log as if it had been made just now; `make.py` made them some day."""
    made = LOGS / name
    log = begun_now(made, Path(name).absolute()) if made.suffix == ".eval" else made
    return scalegate("evidence", "import", log, *SAID, *more)


@pytest.fixture
def few(scalegate: Command, project: object, weights: str) -> str:
    """Weights under a policy that asks for fewer samples than a log of these has."""
    amend(scalegate, FEW)
    return weights


@pytest.fixture
def ten(scalegate: Command, project: object, weights: str) -> str:
    """Weights under a policy that asks for ten samples."""
    amend(scalegate, ("samples: 400", "samples: 10"), ("evaluations: 12", "evaluations: 2"))
    return weights


def amend(scalegate: Command, *changes: tuple[str, str]) -> None:
    policy = Path("p/policy.yaml")
    text = policy.read_text(encoding="utf-8")
    for change in (*changes, ('version: "1.0"', 'version: "2.0"'), ("alpha: 5%", "alpha: 60%")):
        text = text.replace(*change)
    policy.write_text(text, encoding="utf-8")
    for who in ("ada", "grace"):
        made = scalegate("adopt", policy, "-p", "p", "--as", who)
        assert made.code == 0, made.err


def test_a_whole_log_of_what_was_announced_is_its_result(scalegate: Command, few: str) -> None:
    name = announce(scalegate, few)
    spent = ("--elicitation-flops", "1e10 FLOP", "--elicitation-method", "fine-tuning")
    added = bring(scalegate, "epochs.eval", "--evaluation", name, *spent)
    assert added.code == 0, added.err
    assert "8 of 20, 0 errors" in added.out
    assert "Success rate: at most " in added.out
    assert "after all 20 samples; the alarm at 0.2 is reached by this, for good" in added.out
    assert not scalegate("status", "-p", "p", "--json").json["open"]


def test_what_has_no_outcome_is_named_and_rules_nothing_out(scalegate: Command, few: str) -> None:
    name = announce(scalegate, few)
    added = bring(scalegate, "errored.eval", "--evaluation", name, "--elicitation-flops", "1e10 FLOP", "--json")
    assert added.code == 0, added.err
    assert "2 errored: s0, s0 (epoch 2)" in added.json["read"]
    assert (added.json["alarm"], added.json["ruled_out"]) == ("0.2", False)
    assert (added.json["successes"], added.json["completed"], added.json["errors"]) == (6, 18, 2)
    assert "2 samples errored, were cut off, or scored neither 0 nor 1" in added.json["lacking"]


@pytest.mark.parametrize(
    ("task", "samples", "log", "why"),
    [
        ("multiplication", 20, "epochs.eval", "it is a log of `add`, and `multiplication` was announced"),
        ("add", 16, "epochs.eval", "20 outcomes, and 16 samples were announced"),
        ("add", 20, "percent.eval", "sample s0 is scored 95"),
    ],
)
def test_a_log_of_something_else_than_was_announced_is_refused(
    scalegate: Command, few: str, task: str, samples: int, log: str, why: str
) -> None:
    name = announce(scalegate, few, task, samples)
    added = bring(scalegate, log, "--evaluation", name, "--elicitation-flops", "1e10 FLOP")
    assert added.code == 2
    assert why in added.err
    assert scalegate("status", "-p", "p", "--json").json["open"]


def test_what_was_not_announced_names_its_weights_and_may_only_count_against(scalegate: Command, few: str) -> None:
    nameless = bring(scalegate, "epochs.eval")
    assert nameless.code == 2
    assert "`weights` is missing" in " ".join(nameless.err.split())
    assert "`scalegate evidence import --help`" in " ".join(nameless.err.split())
    added = bring(scalegate, "epochs.eval", "--weights", few, "--domain", "arithmetic")
    assert added.code == 0, added.err
    assert "It can rule nothing out" in added.out


def test_an_evaluation_may_be_named_by_its_first_characters(scalegate: Command, few: str) -> None:
    name = announce(scalegate, few)
    nobody = "f" * 12 if name[0] != "f" else "0" * 12
    for wrong, why in (
        (nobody, "no evaluation of this name was announced"),
        (name[:4], "8 characters at the least name one"),
    ):
        refused = bring(scalegate, "epochs.eval", "--evaluation", wrong, *SPENT)
        assert (refused.code, f"`--evaluation {wrong}`: {why}" in refused.err) == (2, True)
        assert f"`{name[:12]}`" in refused.err
    assert bring(scalegate, "epochs.eval", "--evaluation", name[:12], *SPENT).code == 0
    about = ("--weights", few, "--domain", "arithmetic")
    again = scalegate("evidence", "import", Path("epochs.eval"), *SAID, *about)
    assert (again.code, "the same file was added before, as entry " in again.out) == (0, True)


def test_a_folder_of_another_harness_is_read_as_well(scalegate: Command, few: str) -> None:
    about = ("--weights", few, "--domain", "arithmetic")
    added = bring(scalegate, "lm_eval/whole", *about)
    assert added.code == 0, added.err
    assert "4 of 20, 0 errors" in added.out
    assert "its form tells of no sample that it was cut off or errored" in added.out
    several = bring(scalegate, "lm_eval/two_filters", *about)
    assert (several.code, "say which counts with `--score`" in several.err) == (2, True)
    other = bring(scalegate, "epochs.eval", *about, "--task", "add")
    assert (other.code, "`--task` is of a folder" in other.err) == (2, True)


@pytest.mark.parametrize("score", ["says", "match"])
def test_a_score_that_is_chosen_when_it_is_there_hides_nothing_that_another_shows(
    scalegate: Command, ten: str, score: str
) -> None:
    name = announce(scalegate, ten, samples=10)
    added = bring(scalegate, "two_scorers.eval", "--evaluation", name, "--score", score, *SPENT, "--json")
    assert added.code == 0, added.err
    why = "4 counted as successes: so by `match`, not by `says`, and neither was announced: s0, s1, s2, s3"
    assert why in added.json["read"]
    assert (added.json["successes"], added.json["completed"], added.json["errors"]) == (4, 10, 0)
    assert (added.json["reached"], added.json["ruled_out"]) == (True, False)


def test_a_score_that_was_announced_counts(scalegate: Command, ten: str) -> None:
    name = announce(scalegate, ten, samples=10, more=("--score", "match"))
    wrong = bring(scalegate, "two_scorers.eval", "--evaluation", name, "--score", "says", *SPENT)
    assert wrong.code == 2
    assert "its score `says` was read, and that `match` counts was announced" in wrong.err
    added = bring(scalegate, "two_scorers.eval", "--evaluation", name, *SPENT, "--json")
    assert added.code == 0, added.err
    assert (added.json["successes"], added.json["completed"], added.json["errors"]) == (4, 10, 0)


def test_a_few_outcomes_of_many_are_signed_as_reached_only_by_who_says_so(scalegate: Command, few: str) -> None:
    name = announce(scalegate, few, samples=20)
    said = {"evaluation": name, "weights": few, "domain": "arithmetic", "assumptions": ["It is about it."]}
    said |= {"elicitation_flops": "10000000000", "elicitation_method": "fine-tuning", "evaluation_flops": "0"}
    said |= {"clusters": [f"c{at}" for at in range(20)]}
    file = Path("result.json")
    for outcomes, asks in (([True, True, *[None] * 18], True), ([True, *[False] * 12, *[None] * 7], False)):
        file.write_text(json.dumps(said | {"outcomes": outcomes}), encoding="utf-8")
        added = scalegate("evidence", "add", file, "--as", "evaluator", "-p", "p")
        assert (added.code, "18 samples have no outcome, and 2 of the other 2 reach" in added.err) == (2 * asks, asks)
    again = announce(scalegate, few, samples=20)
    file.write_text(json.dumps(said | {"evaluation": again, "outcomes": [True, True, *[None] * 18]}), encoding="utf-8")
    signed = scalegate("evidence", "add", file, "--reached", "--as", "evaluator", "-p", "p")
    assert signed.code == 0, signed.err
    assert "is reached by this, for good" in " ".join(signed.out.split())
