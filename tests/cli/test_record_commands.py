"""`scalegate incident` and `scalegate evidence record`, and what a status and a report say of both."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from cli_support import Command

from scalegate.cli.main import run
from support import STEP, Model, new_project, open_gate, train

BECAUSE = ("--because", "it added, see example.org", "-p", "p")


@pytest.fixture
def shown_under(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose run `r` was evaluated, and the alarm ruled out."""
    monkeypatch.chdir(tmp_path)
    model = Model()
    with open_gate(new_project(tmp_path / "p"), model) as gate:
        train(gate, model, steps=2 * 10**11 // STEP + 2)
    return tmp_path / "p"


def test_the_record_before_and_after_an_incident(scalegate: Command, shown_under: Path) -> None:
    [row] = scalegate("evidence", "record", "-p", "p", "--json").json["record"]
    assert (row["domain"], row["evaluator"]) == ("arithmetic", ["evaluator"])
    assert (row["claims"], row["scored"], row["missed"], row["miss_rate_at_most"]) == (1, 0, 0, None)
    assert "not scored" in scalegate("evidence", "record", "-p", "p").out
    assert "turned out wrong" not in scalegate("status", "-p", "p").out
    assert scalegate("decide", "--run", "r", "-p", "p").code == 0

    signed = scalegate("incident", "report", "arithmetic", "--run", "r", "--as", "grace", *BECAUSE)
    assert "The same was reported before" not in signed.out
    assert signed.code == 0
    assert "The alarm of `arithmetic` counts as reached, for good." in signed.out
    assert "A miss of `evaluator`, who ruled it out on weights" in signed.out

    assert scalegate("report", "-p", "p").code == 0
    page = (shown_under / "report.html").read_text(encoding="utf-8")
    assert page.index("<h3>An incident</h3>") < page.index('id="limits"'), "before any decision on it"
    assert "incident: the alarm counts as reached" in page

    status = scalegate("status", "-p", "p").out
    assert "Of 1 alarm ruled out, 1 turned out wrong: `scalegate evidence record` tells which." in status
    assert "1 later entry that could matter (1 incident)" in " ".join(status.split())
    [row] = scalegate("evidence", "record", "-p", "p", "--json").json["record"]
    assert (row["scored"], row["missed"], row["miss_rate_at_most"]) == (1, 1, "100.0%")
    assert len(row["misses"][0]["shown_by"]) == 1
    told = " ".join(scalegate("evidence", "record", "-p", "p").out.split())
    assert "MISSED: `arithmetic` was ruled out by `evaluator` (fine-tuning, every sample)" in told
    assert "Alpha is sampling error only" in told

    held = scalegate("decide", "--run", "r", "-p", "p")
    assert held.code == 3
    assert "An incident in `arithmetic` of run `r` was reported" in " ".join(held.out.split())
    assert scalegate("verify", "p/ledger.db").code == 0
    assert scalegate("report", "-p", "p").code == 0
    page = (shown_under / "report.html").read_text(encoding="utf-8")
    assert "INCIDENT in arithmetic" in page
    assert page.count("<h3>An incident</h3>") == 1
    assert "How often what was ruled out turned out wrong" in page
    assert "Alpha is sampling error only" in page
    # What is signed in one second in the same words is one statement: by now there is another second.
    again = scalegate("incident", "report", "arithmetic", "--run", "r", "--as", "grace", *BECAUSE)
    assert again.code == 0, again.err
    assert "The same was reported before, as entry " in again.out


def test_an_incident_of_exact_weights_and_of_any_run(scalegate: Command, shown_under: Path) -> None:
    digest = scalegate("status", "-p", "p", "--json").json["runs"][0]["weights"][0]["digest"]
    of = ("incident", "report", "arithmetic", "--as", "gatekeeper", *BECAUSE, "--json")
    assert scalegate(*of, "--run", "r", "--weights", digest).code == 0
    assert scalegate(*of, "--any-run").code == 0
    assert scalegate("verify", "p/ledger.db").code == 0


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("arithmetic",), "--any-run"),
        (("arithmetic", "--run", "r", "--any-run"), "of one run or of any"),
        (("arithmetic", "--any-run", "--weights", "a" * 64), "give `--run NAME`"),
        (("arithmetic", "--run", "r", "--weights", "a" * 64), "leave `--weights` out"),
        (("arithmetic", "--run", "other"), "`other`"),
        (("chemistry", "--run", "r"), "`arithmetic`"),
    ],
)
def test_what_is_not_clear_is_not_signed(
    scalegate: Command, shown_under: Path, given: tuple[str, ...], says: str
) -> None:
    before = hashlib.sha256((shown_under / "ledger.db").read_bytes()).hexdigest()
    ran = scalegate("incident", "report", *given, "--as", "grace", *BECAUSE)
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err
    assert hashlib.sha256((shown_under / "ledger.db").read_bytes()).hexdigest() == before


def test_a_ledger_without_claims_says_so(scalegate: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    new_project(tmp_path / "p")
    assert "there is no record" in scalegate("evidence", "record", "-p", "p").out
    assert run(["evidence", "record", "-p", "nowhere"]) == 2


def test_conditions_on_the_record_may_be_tried(scalegate: Command, shown_under: Path) -> None:
    tried = ("policy", "try", "p/policy.yaml", "--set", "compute=1e10 FLOP", "--set", "arithmetic.missed=1")
    assert scalegate(*tried, "--set", "*.upheld=2").code == 3
    assert "there is no fact" in scalegate("policy", "try", "p/policy.yaml", "--set", "arithmetic.mised=1").err
    explained = scalegate("policy", "explain", "p/policy.yaml")
    assert explained.code == 0
