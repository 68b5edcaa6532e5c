"""Claims of the risk that remains from the command line, against a real ledger that verifies; a policy's faces."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from cli_support import Command

from scalegate.cli.way_out import in_order
from scalegate.gate.journal import reading
from scalegate.gate.project import Project
from scalegate.policy import parse_policy
from scalegate.training.held import Held
from support import POLICY_TEXT, STEP, Model, new_project, open_gate, train

RISK = """risks:
  - id: harm
    about: A catastrophe from it within a year.
    claimed_by: {role: officer, at_least: 2}
    valid_for: 30 days
    carries: 4x
    years_from: 2026-01-01
levels:
"""
CLAUSES = "".join(
    f"""
  - id: harm.{per}
    kind: residual_risk
    risk: harm
    at_most: {at_most}
    per: {per}
    text: The risk that remains stays within what we said.
    source: {{document: this policy}}
    actions: [train]
    modality: will"""
    for per, at_most in (("action", "1e-4"), ("year", "0.025%"), ("tenfold", "0.1%"))
)
TEXT = POLICY_TEXT.replace("levels:\n", RISK).rstrip("\n") + CLAUSES + "\n"
FILLED = {"BOUND": "1e-4", "DATE": "2999-01-01", "TEXT": "worked out"}


@pytest.fixture
def risky(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return new_project(tmp_path / "p", TEXT)


def held(project: Project, run: str = "r", steps: int = 3) -> Model:
    """A run that trains until it is held, or for some steps."""
    model = Model(flops=0 if run == "r" else 7)
    try:
        with open_gate(project, model, run=run) as gate:
            train(gate, model, steps)
    except Held:
        pass
    return model


def commands(shown: str) -> list[list[str]]:
    lines = re.findall(r"^  scalegate (.*)$", shown, re.MULTILINE)
    return [[FILLED.get(word, word) for word in shlex.split(line, comments=True)] for line in lines]


def test_the_commands_under_a_hold_release_it_and_the_ledger_verifies(scalegate: Command, risky: Project) -> None:
    assert held(risky).flops == 0
    shown = scalegate("status", "-p", "p").out
    *signed, decide = commands(shown)
    assert [command[:2] for command in signed] == [["claim-risk", "harm"]] * 2
    for command in signed:
        assert scalegate(*decide).code == 3
        ran = scalegate(*command)
        assert ran.code == 0
        assert "The policy lets" in ran.out or "lets it count no longer" in ran.out
    done = scalegate(*decide)
    assert done.code == 0
    [first, *_] = scalegate("decide", "--run", "r", "-p", "p", "--json").json["limits"]["assumptions"]
    assert first.startswith("Claimed by `ada` on ")
    assert first.endswith("of the risk `harm`, at most 0.01% (1 in 10,000). A catastrophe from it within a year.")
    assert held(risky).flops == 3 * STEP
    status = scalegate("status", "-p", "p")
    assert "`harm.year`: of the risk `harm`, 0.01% (1 in 10,000) is spent since 2026-01-01" in status.out.replace(
        "\n", " "
    )
    assert scalegate("status", "-p", "p", "--json").json["risk_budgets"][0]["spent"] == "0.0001"
    # Two more runs: the budget of the year takes one.
    for run, code in (("s", 0), ("t", 3)):
        held(risky, run)
        for who in ("ada", "grace"):
            about = ["--run", run, "--bound", "0.01%", "--as", who, "--until", "2999-01-01", "--statement", "t"]
            assert scalegate("claim-risk", "harm", *about, "-p", "p").code == 0
        assert scalegate("decide", "--run", run, "-p", "p").code == code
    assert scalegate("verify", "p/ledger.db").code == 0
    assert scalegate("report", "-p", "p").code == 0
    [made] = Path().rglob("*.html")
    assert "Risk claimed: harm, at most 0.01%" in made.read_text(encoding="utf-8")
    with reading(Path("p") / "ledger.db") as journal:
        assert {key[1]: it.bound.denominator for key, it in journal.fold.spending.spent.items()} == {
            "r": 10**4,
            "s": 10**4,
        }


def test_who_cannot_bound_it_says_so_and_that_holds(scalegate: Command, risky: Project) -> None:
    held(risky)
    given = ["--run", "r", "--until", "2999-01-01", "--statement", "t", "-p", "p"]
    ran = scalegate("claim-risk", "harm", "--unbounded", "--as", "ada", *given)
    assert "It counts until you sign otherwise." in ran.out
    for who in ("grace", "alan"):
        assert scalegate("claim-risk", "harm", "--bound", "1e-9", "--as", who, *given).code == 0
    ran = scalegate("decide", "--run", "r", "-p", "p")
    assert ran.code == 3
    assert "cannot be bounded" in ran.out


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "no bound is claimed"),
        (["--bound", "1e-4", "--unbounded"], "a bound is claimed, and that there is none"),
        (["--bound", "0"], "`0` is not a chance"),
        (["--bound", "2"], "`2` is not a chance"),
        (["--bound", "1e-4", "--action", "deploy"], "is not an action"),
        (["--bound", "1e-4", "--action", "deploy_external"], "is of a deployment configuration"),
        (["--bound", "1e-4", "--weights", "0" * 64], "`--weights`: a digest of zeros names no weights"),
        (["--bound", "1e-4", "--weights", "9" * 64], "the ledger does not know these weights"),
    ],
)
def test_what_cannot_be_claimed_is_said(scalegate: Command, risky: Project, given: list[str], message: str) -> None:
    held(risky)
    rest = ["--run", "r", "--as", "ada", "--until", "2999-01-01", "--statement", "t", "-p", "p"]
    ran = scalegate("claim-risk", "harm", *given, *rest)
    assert ran.code == 2
    assert message in ran.err


def test_no_risk_of_that_name_is_said(scalegate: Command, risky: Project) -> None:
    held(risky)
    rest = ["--run", "r", "--as", "ada", "--until", "2999-01-01", "--statement", "t", "-p", "p", "--bound", "1e-4"]
    assert "`arm` is not a risk of the policy in force" in scalegate("claim-risk", "arm", *rest).err


def test_the_policy_tells_of_its_numbers_in_every_form(scalegate: Command, tmp_path: Path) -> None:
    path = tmp_path / "risky.yaml"
    path.write_text(TEXT, encoding="utf-8")
    shown = " ".join(scalegate("policy", "show", str(path)).out.split())
    assert "Training is held unless 2 of 3 have claimed a bound on the risk harm" in shown
    assert "within the year of the budget, that comes to at most 0.025%" in shown
    assert "A risk that is claimed, not measured." in shown
    explained = scalegate("policy", "explain", str(path)).out
    assert "risk.harm.bound <= 0.0001" in explained
    assert "risk.harm.year <= 0.00025" in explained
    assert "residual-risk" not in scalegate("policy", "check", str(path)).out
    before = parse_policy(TEXT).digest()
    assert scalegate("policy", "fmt", str(path)).code == 0
    assert parse_policy(path.read_text(encoding="utf-8")).digest() == before
    made = tmp_path / "p.md"
    assert scalegate("policy", "show", str(path), "--markdown", str(made)).code == 0
    assert "A risk that is claimed, not measured." in made.read_text(encoding="utf-8")


def test_a_what_if_names_the_bound_that_would_release_it(scalegate: Command, tmp_path: Path) -> None:
    path = tmp_path / "risky.yaml"
    path.write_text(TEXT, encoding="utf-8")
    stated: dict[str, Any] = {
        "compute": "1e11 FLOP",
        "now": "2026-12-01",
        "*.reached": "no",
        "risk.harm.*.until": "2026-12-20",
        "risk.harm.*.compute": "1e11 FLOP",
        "risk.harm.year": "0.01%",
        "risk.harm.tenfold": "0.01%",
        "tier.*.adopters": "0",
        "tier.*.until": "2027-01-01",
    }
    facts = [word for name, value in stated.items() for word in ("--set", f"{name}={value}")]
    proceeds = scalegate("policy", "try", str(path), *facts, "--set", "risk.harm.bound=0.01%")
    assert proceeds.code == 0, proceeds.out + proceeds.err
    holds = scalegate("policy", "try", str(path), *facts, "--set", "risk.harm.bound=0.02%")
    assert "It would proceed if: `risk.harm.bound` at most 0.01%" in " ".join(holds.out.split())


def test_approvals_stand_after_a_decision_on_what_was_signed_before_them() -> None:
    """Whoever approves has read a decision: what was determined or claimed since would be refused."""
    again, approve = "scalegate decide --run r", "scalegate approve --run r --level 2 --as ada"
    attest, said = "scalegate attest locked --as security", "scalegate determine public --as ada"
    claimed = "scalegate claim-risk harm --as ada"
    assert list(in_order([approve, said], again)) == [said, again, approve]
    assert list(in_order([claimed, approve], again)) == [claimed, again, approve]
    assert list(in_order([attest, approve], again)) == [attest, approve]
    assert list(in_order([said], again)) == [said]


def test_the_commands_for_another_run_let_the_next_one_start(scalegate: Command, risky: Project) -> None:
    """Run `r` was claimed of early and evaluated at its end, and the next is held by what nobody claimed of it."""

    def claim(*about: str) -> None:
        for who in ("ada", "grace"):
            rest = ["--bound", "1e-5", "--as", who, "--until", "2999-01-01", "--statement", "t", "-p", "p"]
            assert scalegate("claim-risk", "harm", *about, *rest).code == 0

    model = held(risky)
    for _ in range(2):
        claim("--run", "r")
        with open_gate(risky, model) as gate:
            try:
                train(gate, model, 60 - model.flops // STEP)
                gate.evaluate()
            except Held:
                pass
    assert model.flops == 60 * STEP
    held(risky, "s")
    claim("--run", "s")
    shown = scalegate("decide", "--run", "s", "-p", "p")
    assert shown.code == 3
    assert "2 of Ada" in shown.out
    *signed, decide = commands(shown.out)
    about = ["claim-risk", "harm", "--run", "r", "--weights", model.digest(), "--bound", "1e-4", "--as", "WHO"]
    assert [command[: len(about)] for command in signed] == [about] * 2
    for command, who in zip(signed, ("ada", "alan"), strict=True):
        assert scalegate(*decide).code == 3
        assert scalegate(*(who if word == "WHO" else "1e-5" if word == "1e-4" else word for word in command)).code == 0
    assert scalegate(*decide).code == 0
    assert scalegate("verify", "p/ledger.db").code == 0


def test_status_tells_who_says_that_it_cannot_be_bounded(scalegate: Command, risky: Project) -> None:
    held(risky)
    about = ["--run", "r", "--unbounded", "--as", "ada", "--until", "2999-01-01", "--statement", "t"]
    assert scalegate("claim-risk", "harm", *about, "-p", "p").code == 0
    shown = " ".join(scalegate("status", "-p", "p").out.split())
    assert "Signed by `ada` on " in shown
    assert "cannot be bounded. It stands until it is bounded again." in shown
    [said] = scalegate("status", "-p", "p", "--json").json["unbounded"]
    assert (said["risk"], said["action"], said["by"]) == ("harm", "train", "ada")
    # Of weights that nobody saved too, and it is taken back in the same way.
    of = ["--run", "r", "--weights", "a" * 64, "--as", "grace", "--until", "2999-01-01", "--statement", "t"]
    assert scalegate("claim-risk", "harm", *of, "--bound", "0.01%", "-p", "p").code == 2
    assert scalegate("claim-risk", "harm", *of, "--unbounded", "-p", "p").code == 0
    assert scalegate("claim-risk", "harm", *of, "--bound", "0.01%", "-p", "p").code == 0
    assert len(scalegate("status", "-p", "p", "--json").json["unbounded"]) == 1
