"""The command line as a person meets it: the whole story, and what each success prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from cli_support import Command

from scalegate.cli import main
from scalegate.examples import read_example
from scalegate.gate.project import Project
from support import Model, open_gate, train

UNTIL = ("--until", "2999-01-01", "--statement", "I looked.")
COMMANDS = [
    [], ["demo"], ["init"], ["status"], ["decide"], ["attest"], ["approve"], ["adopt"], ["adopters"], ["report"],
    ["verify"], ["policy"], ["policy", "check"], ["policy", "explain"],
    ["evaluate"], ["evidence"], ["evidence", "announce"], ["evidence", "add"], ["evidence", "import"],
    ["evidence", "plan"], ["evidence", "backtest"], ["evidence", "record"], ["incident"], ["incident", "report"],
    ["evidence", "forecast"], ["evidence", "match-loss"],
    ["candidate"], ["candidate", "propose"], ["candidate", "tried"], ["candidate", "approve"],
    ["ledger"], ["ledger", "export"], ["ledger", "checkpoint"], ["ledger", "entry"], ["ledger", "receipt"],
    ["ledger", "check-receipt"], ["ledger", "cosign"], ["witness"], ["witness", "serve"],
    ["assumption"], ["assumption", "list"], ["assumption", "break"], ["assumption", "restore"],
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: " ".join(words) or "scalegate")
def test_help(command: list[str], scalegate: Command) -> None:
    ran = scalegate(*command, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: {' '.join(['scalegate', *command])}")
    assert "..." not in ran.out.partition("Commands:")[2]
    groups = (["policy"], ["evidence"], ["candidate"], ["assumption"], ["incident"], ["ledger"], ["witness"])
    assert "--json" in ran.out or command in (*groups, ["witness", "serve"])


def test_from_init_to_a_flipped_byte(scalegate: Command, project: Project) -> None:
    def decide() -> int:
        return scalegate("decide", "--project", "p", "--run", "r", "--action", "train").code

    def approve(who: str) -> int:
        return scalegate("approve", "-p", "p", "--run", "r", "--level", 2, "--as", who, *UNTIL).code

    assert decide() == 3
    assert scalegate("attest", "weights-locked", "-p", "p", "--as", "security", *UNTIL).code == 0
    assert decide() == 3
    assert approve("ada") == 0
    assert decide() == 3
    assert approve("ada") == 0, "signing again is allowed"
    assert decide() == 3, "two signatures of one officer are not two officers"
    assert approve("grace") == 0
    assert decide() == 0
    model = Model(skill=lambda _flops: 0.5, flops=2 * 10**11)
    with open_gate(project, model) as gate:
        train(gate, model, steps=3)
    verified = scalegate("verify", "p/ledger.db")
    assert verified.code == 0
    assert verified.out.startswith("VERIFIED")

    data = bytearray(project.ledger.read_bytes())
    data[data.index(b'"payload":"') + 40] ^= 1
    Path("copy.db").write_bytes(data)
    flipped = scalegate("verify", "copy.db", "--json")
    assert (flipped.code, flipped.out) == (4, "")
    assert flipped.error["place"]["entry"] >= 0
    assert flipped.error["exit_code"] == 4
    assert "copy.db: entry " in scalegate("verify", "copy.db").err


def test_a_project_of_ones_own(scalegate: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert scalegate("init", "mine/scaling").code == 0
    folder = Path("mine/scaling")
    assert {path.name for path in folder.iterdir()} == {
        "policy.yaml",
        "policy.tests.yaml",
        "ledger.db",
        "ledger.db.head",
        "keys",
    }
    assert folder.joinpath("keys").stat().st_mode & 0o077 == 0
    assert scalegate("verify", folder / "ledger.db").code == 0
    assert scalegate("policy", "check", folder / "policy.yaml").code == 0
    assert "No run has been opened yet" in scalegate("status", "-p", folder).out

    policy = folder / "policy.yaml"
    policy.write_text(policy.read_text().replace('version: "0.1"', 'version: "0.2"').replace("every: 4x", "every: 3x"))
    first = scalegate("adopt", policy, "-p", folder, "--as", "officer-2", "--json")
    assert (first.code, first.json["in_force"]) == (0, False)
    time.sleep(1.1)  # the same statement twice in one second is one statement
    again = scalegate("adopt", policy, "-p", folder, "--as", "officer-2", "--json")
    assert again.code == 2, "one officer is not two"
    assert "has signed for it already" in again.err
    assert scalegate("adopt", policy, "-p", folder, "--as", "officer-1", "--json").json["in_force"] is True
    assert scalegate("status", "-p", folder, "--json").json["policy"] == "my-policy 0.2"
    assert scalegate("adopt", policy, "-p", folder, "--as", "officer-1").code == 2


def test_init_adds_to_a_folder_that_is_there(scalegate: Command, tmp_path: Path) -> None:
    tmp_path.joinpath("train.py").write_text("pass")
    assert scalegate("init", tmp_path, "--template", "arithmetic").code == 0
    assert {path.name for path in tmp_path.iterdir()} >= {"train.py", "policy.yaml", "keys"}
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_evidence(scalegate: Command, project: Project, weights: str) -> None:
    announced = scalegate(
        *("evidence", "announce", "-p", "p", "--run", "r", "--weights", weights, "--domain", "arithmetic"),
        *("--task", "sums", "--task-version", "1", "--dataset", "d" * 64, "--samples", 400, "--as", "evaluator"),
        *("--elicitation-flops", "1e10 FLOP", "--json"),
    )
    assert announced.code == 0
    text = " ".join(scalegate("status", "-p", "p").out.split())
    assert "r: open since 20" in text
    assert f"evaluation {announced.json['evaluation']}" in text
    assert "of `arithmetic`, 400 samples, announced by `evaluator`" in text
    result = {"evaluation": announced.json["evaluation"], "weights": weights, "domain": "arithmetic"}
    result |= {"outcomes": [True, False, None, False], "assumptions": ["it tried"], "elicitation_flops": "0"}
    Path("result.json").write_text(json.dumps(result))
    short = scalegate("evidence", "add", "result.json", "-p", "p", "--as", "evaluator")
    assert (short.code, "4 outcomes, and 400 samples were announced" in " ".join(short.err.split())) == (2, True)
    result |= {"outcomes": [True] + [False] * 398 + [None]}
    Path("result.json").write_text(json.dumps(result))
    added = scalegate("evidence", "add", "result.json", "-p", "p", "--as", "evaluator", "--json")
    assert added.code == 0
    assert {key: added.json[key] for key in ("successes", "completed", "errors")} == {
        "successes": 1,
        "completed": 399,
        "errors": 1,
    }
    assert added.json["lacking"] == [
        "0 FLOP of elicitation, 2000000000 are due",
        "1 samples errored, were cut off, or scored neither 0 nor 1",
        "399 of 400 samples were completed",
    ]
    before = project.ledger.read_bytes()
    twice = scalegate("evidence", "add", "result.json", "-p", "p", "--as", "evaluator")
    assert (twice.code, project.ledger.read_bytes()) == (2, before)
    assert "leave `evaluation` out" in twice.err
    Path("result.json").write_text(json.dumps(result | {"evaluation": None}))
    assert scalegate("evidence", "add", "result.json", "-p", "p", "--as", "evaluator").code == 0
    assert "open since" not in scalegate("status", "-p", "p").out
    assert scalegate("verify", project.ledger).code == 0


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("status", "-p", "p"), 0),
        (("decide", "-p", "p", "--run", "r"), 3),
        (("decide", "-p", "p", "--run", "r", "--no-record"), 3),
        (("decide", "-p", "p", "--run", "r", "--action", "deploy_external"), 3),
        (("verify", "p/ledger.db"), 0),
        (("policy", "check", "p/policy.yaml"), 0),
        (("policy", "explain", "p/policy.yaml"), 0),
        (("policy", "explain", "p/policy.yaml", "last-gate"), 0),
        (("attest", "weights-locked", "-p", "p", "--as", "security", *UNTIL), 0),
        (("adopters", "international", "-p", "p", "--as", "security", "--adopter", "Sample AI", *UNTIL), 0),
        (("approve", "-p", "p", "--run", "r", "--level", "2", "--as", "alan", *UNTIL), 0),
        (("report", "-p", "p"), 0),
        (("init", "new"), 0),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
@pytest.mark.usefixtures("project")
def test_json_is_one_document_and_text_is_not_empty(scalegate: Command, command: tuple[str, ...], code: int) -> None:
    if command[0] == "report":
        pytest.importorskip("jinja2")
        pytest.importorskip("matplotlib")
    ran = scalegate(*command, "--json")
    assert (ran.code, ran.err) == (code, "")
    assert isinstance(ran.json, dict)
    if command[0] != "init":
        # The same statement twice in one second is one statement.
        again = [f"{word} again" if before == "--statement" else word for before, word in pairwise(("", *command))]
        ran = scalegate(*again)
        assert (ran.code, ran.err) == (code, "")
        assert ran.out.strip()


@pytest.mark.usefixtures("project")
def test_every_page_about_a_policy_or_verdict_says_that_it_is_inadequate(scalegate: Command) -> None:
    for command in (["status", "-p", "p"], ["decide", "-p", "p", "--run", "r"], ["policy", "check", "p/policy.yaml"]):
        assert "THIS POLICY IS INADEQUATE TO ENSURE SAFETY" in scalegate(*command).out
    assert scalegate("decide", "-p", "p", "--run", "r", "--json").json["limits"]["inadequate"]
    assert scalegate("policy", "check", "p/policy.yaml", "--json").json["inadequate"]


def test_as_a_process_of_its_own(tmp_path: Path) -> None:
    def process(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "scalegate.cli.main", *arguments]
        env = os.environ | {"PYTHONPATH": str(Path(main.__file__).parents[2])}
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env, timeout=60, check=False)

    assert process("--version").stdout.startswith("scalegate ")
    bad = process("policy", "check", "missing.yaml", "--json")
    assert (bad.returncode, bad.stdout) == (2, "")
    assert json.loads(bad.stderr)["error"]["place"] == {"file": "missing.yaml"}
    assert process().returncode == 2


def test_a_clause_is_explained_by_the_condition_that_it_is_decided_by(scalegate: Command, project: Project) -> None:
    shown = scalegate("policy", "explain", "p/policy.yaml", "cap.absolute")
    assert shown.out.endswith(
        "  met if\n    lineage.planned_end <= 1e14 FLOP and compute + developer.others <= 1e14 FLOP\n"
    )
    [clause] = scalegate("policy", "explain", "p/policy.yaml", "international.cap", "--json").json["clauses"]
    assert clause["binds"] == "not (tier.international.adopters < 2 and now <= tier.international.until)"
    assert (clause["gates"], clause["source"]) == (True, "Draft agreement, 1")
    long = scalegate("policy", "explain", "p/policy.yaml", "safeguards.level-2").out
    assert "        at least 2 of these:\n          now <= approval.2.ada.until\n" in long
    wrong = scalegate("policy", "explain", "p/policy.yaml", "cap")
    assert (
        wrong.code,
        "no clause `cap` is about `train` (one of capability.arithmetic, " in " ".join(wrong.err.split()),
    ) == (2, True)
    none = scalegate("policy", "explain", "p/policy.yaml", "--action", "store")
    assert (none.code, "no clause is about `store`" in none.err) == (2, True)


def test_a_project_of_ones_own_policy_is_told_neither_to_adopt_nor_to_test_it(
    scalegate: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is adopted already, and what it must decide is in no file here."""
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(read_example("arithmetic"), encoding="utf-8")
    own = scalegate("init", "p", "--template", "mine.yaml").out
    assert "scalegate adopt" not in own
    assert "policy test" not in own
    assert "  1. scalegate policy check p/policy.yaml\n  2. call Gate.open" in own
    template = scalegate("init", "q", "--template", "arithmetic").out
    assert "  3. scalegate adopt q/policy.yaml" in template
    assert "then scalegate policy test q/policy.yaml\n" in template
