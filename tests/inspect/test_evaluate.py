"""`scalegate evaluate` with Inspect itself. Opt-in (`make inspect`): Inspect is no dependency."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("inspect_ai")

from scalegate.cli.main import run
from scalegate.evidence.inspect_log import read_inspect
from scalegate.evidence.inspect_run import load_task
from scalegate.gate.project import Project
from scalegate.gate.situation import Piece
from scalegate.gate.stopping import shuffled
from scalegate.training.held import Held
from support import POLICY_TEXT, Model, new_project, open_gate, train

TASK = f"{Path(__file__).parent / 'sums.py'}@sums"
BETS = POLICY_TEXT.replace("    samples: 400\n", "    samples: 400\n    stopping: {rule: betting}\n")
CLUSTERS = POLICY_TEXT.replace("    samples: 400\n", '    samples: 400\n    clusters: {below: "0.05", at_least: 60}\n')
Evaluate = Callable[..., tuple[int, str, str]]


@pytest.fixture
def of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[str], Any]:
    """A project under a policy, with a run that is held before its first evaluation; and how to evaluate it."""
    monkeypatch.chdir(tmp_path)

    def make(text: str) -> tuple[Project, Evaluate]:
        model = Model()
        project = new_project(Path("p"), text)
        with pytest.raises(Held), open_gate(project, model, evaluate=None) as gate:
            train(gate, model)
        with project.journal() as journal:
            weights = list(journal.fold.runs["r"].weights)[-1]

        def evaluate(*options: object, task: str = TASK) -> tuple[int, str, str]:
            capsys.readouterr()
            about = ("--model", "mockllm/model", "--run", "r", "--weights", weights, "--domain", "arithmetic")
            spent = ("--elicitation-flops", "1e11 FLOP", "--elicitation-method", "fine-tuning")
            said = ("--assumption", "the task is about it", "--as", "evaluator", "-p", "p")
            code = run(["evaluate", task, *about, *spent, *said, *map(str, options)])
            out, err = capsys.readouterr()
            return code, " ".join(out.split()), " ".join(err.split())

        return project, evaluate

    return make


def pieces(project: Project) -> list[Piece]:
    with project.journal() as journal:
        return list(journal.fold.situation("r", now=journal.now()).pieces)


def test_all_samples_are_taken_where_there_is_no_rule(of: Any) -> None:
    project, evaluate = of(POLICY_TEXT)
    code, out, err = evaluate("-T", "right=5")
    assert code == 0, err
    assert "5 of 400, 0 errors" in out
    [piece] = pieces(project)
    assert (piece.completed, piece.successes, piece.stopping) == (400, 5, None)


@pytest.mark.parametrize("at_once", [1, 10])
def test_it_stops_where_the_rule_ends_and_what_it_shows_is_conclusive(of: Any, at_once: int) -> None:
    project, evaluate = of(BETS)
    code, out, err = evaluate("--max-samples", at_once)
    assert code == 0, err
    assert "It can rule nothing out" not in out
    [piece] = pieces(project)
    assert piece.errors == 0
    assert 30 <= piece.completed <= 30 + at_once
    assert run(["status", "-p", "p"]) == 0
    [log] = Path("p/logs").glob("*.eval")
    with zipfile.ZipFile(log) as archive:
        taken = [name for name in archive.namelist() if name.startswith("samples/")]
    assert len(taken) == piece.completed


def test_the_slow_ones_are_not_left_out(of: Any) -> None:
    """Half of them are right, and these take longest: by what had ended alone it would be ruled out."""
    project, evaluate = of(BETS)
    code, _, err = evaluate("-T", "right=200", "--max-samples", 40)
    assert code == 0, err
    [piece] = pieces(project)
    assert piece.successes > 0.3 * piece.completed
    assert piece.completed > 60


def test_what_errors_stays_in_flight_and_rules_nothing_out(of: Any) -> None:
    project, evaluate = of(BETS)
    code, out, err = evaluate("-T", "fails=3")
    assert code == 0, err
    assert "It can rule nothing out" in out or not pieces(project)[0].errors
    [piece] = pieces(project)
    assert piece.errors + piece.completed <= 400


def test_each_is_taken_once_where_a_rule_may_stop_it(of: Any) -> None:
    _, evaluate = of(BETS)
    code, _, err = evaluate("-T", "epochs=2")
    assert code == 2
    assert "takes each sample 2 times, and a rule that stops early counts each once" in err
    assert not list(Path("p").glob("logs/*"))


def test_a_field_of_the_samples_says_which_are_alike(of: Any) -> None:
    project, evaluate = of(CLUSTERS)
    code, _, err = evaluate("--cluster-by", "passage")
    assert (code, "sample s0 does not say its `passage`" in err) == (2, True)
    assert not pieces(project)
    code, out, err = evaluate("-T", "right=5", "--cluster-by", "page")
    assert code == 0, err
    assert "It can rule nothing out" not in out
    [piece] = pieces(project)
    assert piece.clusters == ((0, 5, 79), (5, 5, 1))


def test_epochs_are_clusters_or_nothing_is_announced(of: Any) -> None:
    project, evaluate = of(POLICY_TEXT)
    code, _, err = evaluate("-T", "epochs=2")
    assert code == 2
    assert "takes each sample 2 times, and `arithmetic` has no `clusters`" in err
    assert not pieces(project)


def test_of_a_task_that_takes_each_sample_twice_one_sample_is_one_cluster(of: Any) -> None:
    project, evaluate = of(CLUSTERS)
    code, _, err = evaluate("-T", "epochs=2", "-T", "samples=200", "-T", "right=1")
    assert code == 0, err
    [piece] = pieces(project)
    assert piece.clusters == ((0, 2, 199), (2, 2, 1))


def test_a_log_that_leaves_others_out_than_the_last_ones_is_refused(of: Any) -> None:
    """Somebody deletes what succeeded, and says that the rule left it out."""
    project, evaluate = of(BETS)
    code, _, err = evaluate("--max-samples", 1)
    assert code == 0, err
    [log] = Path("p/logs").glob("*.eval")
    with zipfile.ZipFile(log) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with project.journal() as journal:
        announced = next(it.announced for it in journal.fold.attempts.values())
    assert announced is not None
    order = shuffled(announced.evaluation, [f"s{i}" for i in range(400)])
    header = json.loads(members["header.json"])
    # The first of the order goes, and one more is taken in its place.
    del members[f"samples/{order[0]}_epoch_1.json"]
    stops = header["results"]["early_stopping"]["early_stops"]
    last = next(it for it in stops if it["id"] == order[30])
    last["id"] = order[0]
    sample = json.loads(next(data for name, data in members.items() if name.startswith("samples/")))
    members[f"samples/{order[30]}_epoch_1.json"] = json.dumps(sample | {"id": order[30]}).encode()
    members["header.json"] = json.dumps(header).encode()
    forged = Path("forged.eval")
    with zipfile.ZipFile(forged, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    about = ("--evaluation", announced.evaluation, "--assumption", "a", "--as", "evaluator", "-p", "p")
    assert run(["evidence", "import", str(forged), *about, "--elicitation-flops", "1e11 FLOP"]) == 2


WRONG = {
    "no such file": ("nowhere.py", "there is no such file"),
    "no such task": (TASK.replace("@sums", "@sum"), "there is no task `sum` in it; there is sums, chat, empty"),
    "several": (TASK.removesuffix("@sums"), "it has 3 tasks: sums, chat, empty"),
    "one id twice": (TASK.replace("@sums", "@empty"), "two of its samples have one id"),
    "no package": ("nobody/nothing", "the task cannot be made"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_no_task_is_refused_before_anything_is_announced(of: Any, case: str) -> None:
    project, evaluate = of(POLICY_TEXT)
    task, why = WRONG[case]
    code, _, err = evaluate(task=task)
    assert (code, why in err) == (2, True), err
    assert pieces(project) == []


def test_arguments_that_a_task_does_not_take_are_refused(of: Any) -> None:
    _, evaluate = of(POLICY_TEXT)
    assert "unexpected keyword argument" in evaluate("-T", "wrong=1")[2]
    assert "`-T`: `wrong` is not `name=value`" in evaluate("-T", "wrong")[2]


def test_its_log_names_the_evaluation_and_has_the_samples_that_were_announced(of: Any) -> None:
    _, evaluate = of(POLICY_TEXT)
    code, out, err = evaluate()
    assert code == 0, err
    assert "it calls its model `mockllm/model`: which weights these were is the evaluator's word" in out
    assert "that it is this one" not in out
    assert "Success rate: at most 0.0" in out
    [log] = Path("p/logs").glob("*.eval")
    read = read_inspect(log)
    assert read.dataset == load_task(TASK, {}).dataset
    with Project(Path("p")).journal() as journal:
        assert [read.evaluation] == list(journal.fold.attempts)


def test_json_is_all_that_is_printed(of: Any) -> None:
    _, evaluate = of(POLICY_TEXT)
    code, out, err = evaluate("--json")
    assert (code, json.loads(out)["completed"]) == (0, 400), err
    assert "Running 1 tasks" in err


def test_what_is_asked_has_one_digest_each_time_it_is_loaded() -> None:
    """Inspect draws names for messages anew; they are no part of what is asked."""
    chat = TASK.replace("@sums", "@chat")
    assert load_task(chat, {}).dataset == load_task(chat, {}).dataset


def test_of_another_provider_nobody_can_tell_what_it_loads(of: Any, tmp_path: Path) -> None:
    project, evaluate = of(POLICY_TEXT)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_text("w")
    assert "`--from`: nobody can tell what `mockllm/model` loads" in evaluate("--from", tmp_path / "model")[2]
    other = evaluate("--from", tmp_path / "model", "--model", "hf/local", "-M", "model_path=elsewhere")
    assert "`-M model_path` and `--from` are both given" in other[2]
    wrong = evaluate("--from", tmp_path / "model", "--model", "hf/local", "--as-is")
    assert "the files have the digest" in wrong[2]
    assert pieces(project) == []


def test_files_that_change_while_it_runs_leave_it_open(
    of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model of `hf/` that is none stands in for one: what is told of here is the folder."""
    project, evaluate = of(POLICY_TEXT)
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "weights").write_text("w")
    monkeypatch.setattr("scalegate.cli.evaluate.PROVIDERS", ("mockllm/",))
    code, _, err = evaluate("--from", folder, "-T", f"writes={folder / 'weights'}")
    assert (code, "the files changed while it ran" in err) == (2, True), err
    assert [it.status for it in pieces(project)] == ["open"]


def test_a_model_that_there_is_not_leaves_it_open_and_says_so(of: Any) -> None:
    project, evaluate = of(POLICY_TEXT)
    code, _, err = evaluate("--model", "nobody/nothing")
    assert code == 2
    assert "is announced, and holds the run until it has a result" in err
    assert [it.status for it in pieces(project)] == ["open"]
