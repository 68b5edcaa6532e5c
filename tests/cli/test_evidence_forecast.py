"""`scalegate evidence forecast` and `match-loss`, `verify --deep`, and what else tells of a forecast."""

from __future__ import annotations

import shutil
import time
from math import exp, log10
from pathlib import Path

import pytest
from cli_support import Command

from scalegate.gate.project import Project
from scalegate.ledger.entries import ForecastMade
from support import POLICY_TEXT, STEP, Model, new_project, open_gate

ASKED = POLICY_TEXT.replace("    samples: 400\n", "    samples: 400\n    forecast: {confidence: 95%, at_least: 3}\n")
ABOUT = ("evidence", "forecast", "--run", "r", "--domain", "arithmetic", "-p", "p")


@pytest.fixture(scope="session")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose run was evaluated three times, before its first evaluation was due."""
    folder = tmp_path_factory.mktemp("forecast") / "p"
    project, model = new_project(folder, ASKED), Model(lambda it: 1 / (1 + exp(5 - 1.6 * log10(max(it, 1) / 5e10))))
    with open_gate(project, model) as gate:
        for at in (5, 10, 18):
            while model.flops < at * 10**10:
                gate.step(STEP)
                model.flops += STEP
            gate.evaluate()
    return folder


@pytest.fixture
def project(evaluated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    shutil.copytree(evaluated, tmp_path / "p")
    monkeypatch.chdir(tmp_path)
    return Project(Path("p"))


def test_it_shows_every_form_and_records_only_with_a_name(scalegate: Command, project: Project) -> None:
    shown = scalegate(*ABOUT)
    assert shown.code == 0, shown.err
    for word in ("persistence", "steepest", "line", "counts", "Nothing was recorded", "stays under the alarm of 0.2"):
        assert word in shown.out
    assert "as long as that rises by no more than 16 for each tenfold" in " ".join(shown.out.split())
    before = scalegate("status", "-p", "p", "--json").json
    time.sleep(1.1)  # The gate may have signed the same in this very second, and then it is one statement.
    made = scalegate(*ABOUT, "--as", "evaluator", "--json")
    assert made.code == 0, made.err
    assert scalegate("status", "-p", "p", "--json").json["entries"] == before["entries"] + 1
    document = made.json
    assert [it["name"] for it in document["forms"]] == ["persistence", "steepest", "line"]
    assert document["still_due"] == 0
    under = [it["compute"] for it in document["rows"] if float(it["bound"]) < 0.2]
    assert document["end"] == under[-1]
    assert all(isinstance(it["bound"], str) for it in document["rows"]), "no float in what is recorded"


def test_the_permit_ends_there_and_status_says_so(scalegate: Command, project: Project) -> None:
    end = int(scalegate(*ABOUT, "--json").json["end"])
    decided = scalegate("decide", "--run", "r", "-p", "p", "--json").json
    assert int(decided["permit"]["compute"]) == end
    past = scalegate("decide", "--run", "r", "-p", "p", "--flops", f"{2 * 10**11} FLOP", "--no-record")
    assert past.code == 3
    assert "the forecast of `arithmetic` vouches for compute only up to" in " ".join(past.out.split())
    assert "Ada Officer (`ada`, officer) signs for level 2 of this run" in " ".join(past.out.split())


def test_it_is_drawn(scalegate: Command, project: Project) -> None:
    pytest.importorskip("matplotlib")
    assert scalegate(*ABOUT, "--plot", "f.svg").code == 0
    first = Path("f.svg").read_bytes()
    assert b"<svg" in first
    assert scalegate(*ABOUT, "--plot", "f.svg").code == 0
    assert Path("f.svg").read_bytes() == first
    refused = scalegate(*ABOUT, "--plot", "f.txt")
    assert refused.code == 2
    assert "give a name that ends in .svg, .png or .pdf" in refused.err


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (("--confidence", "40%"), "a level of 0.4 is none of a bound"),
        (("--confidence", "much"), "--confidence"),
        (("--reference", "none.csv"), "cannot be read"),
        (("--as", "ada"), "does not have the role `evaluator`"),
        (("--as", "nobody"), "not named by the policy"),
        (("--run", "s"), "no run `s`"),
        (("--domain", "bio"), "the policy has no domain `bio`"),
    ],
)
def test_bad_input_is_named(scalegate: Command, project: Project, more: tuple[str, ...], why: str) -> None:
    refused = scalegate(*ABOUT, *more)
    assert refused.code == 2
    assert why in " ".join(refused.err.split())


def test_verify_works_forecasts_out_again_only_where_it_is_asked_to(scalegate: Command, project: Project) -> None:
    deep = scalegate("verify", "p/ledger.db", "--deep", "--json")
    assert deep.code == 0, deep.err
    assert deep.json["forecasts"] == 1
    with project.journal() as journal:
        last = next(it.entry for it in journal.fold.records[::-1] if isinstance(it.entry, ForecastMade))
        low = last.model_dump(mode="json") | {"time": journal.now()}
        low["rows"] = [{**it, "bound": "0.04"} for it in low["rows"]]
        low["forms"] = [{**it, "bounds": ["0.04"] * len(it["bounds"])} for it in low["forms"]]
        index = journal.grant(ForecastMade.model_validate(low), project.key("evaluator"))
    plain = scalegate("verify", "p/ledger.db")
    assert plain.code == 0, "it replays what was signed"
    refused = scalegate("verify", "p/ledger.db", "--deep")
    assert refused.code == 4
    assert f"entry {index}" in refused.err


def test_what_it_takes_is_said_of_a_policy(scalegate: Command, project: Project) -> None:
    said = scalegate("policy", "explain", "p/policy.yaml").out
    assert "compute <= arithmetic.forecast.end" in said
    stated = (
        "compute=3e11 FLOP",
        "now=2026-12-01",
        "arithmetic.evidence.compute=2e11 FLOP",
        "arithmetic.ruled_out=yes",
    )
    stated += ("arithmetic.reached=no", "arithmetic.evidence.time=2026-11-30", "arithmetic.elicitation=1e10 FLOP")
    stated += ("tier.international.adopters=0", "tier.international.until=2027-12-01")
    tried = [word for it in stated for word in ("--set", it)]
    short = scalegate("policy", "try", "p/policy.yaml", *tried, "--set", "arithmetic.forecast.end=2.9e11 FLOP")
    assert short.code == 3
    far = scalegate("policy", "try", "p/policy.yaml", *tried, "--set", "arithmetic.forecast.end=4e11 FLOP", "--json")
    assert far.code == 0, far.out + far.err
    assert "400000000000" in far.out
    unstated = scalegate("policy", "try", "p/policy.yaml", *tried)
    assert unstated.code == 3


def test_a_policy_that_asks_for_less_is_told_to_be_weaker(scalegate: Command, project: Project) -> None:
    old, new = Path("p/policy.yaml"), Path("new.yaml")
    text = old.read_text(encoding="utf-8")
    asked = "forecast: {confidence: 95%, at_least: 3}"
    assert asked in text
    for other in ("", "forecast: {confidence: 90%, at_least: 3}"):
        new.write_text(text.replace(asked, other).replace('version: "1.0"', 'version: "2.0"'), encoding="utf-8")
        told = scalegate("policy", "check", "new.yaml", "--since", "p/policy.yaml", "--json").json["since"]["changes"]
        assert "weaker" in {it["code"] for it in told if "forecast" in it["path"] or "domains" in it["path"]}, told
    new.write_text(text.replace("at_least: 3}", "at_least: 4}").replace('version: "1.0"', 'version: "2.0"'))
    told = scalegate("policy", "check", "new.yaml", "--since", "p/policy.yaml", "--json").json["since"]["changes"]
    assert {it["code"] for it in told if "forecast" in it["path"]} == {"stricter"}


def test_compute_by_loss_gives_the_factor_and_its_basis(
    scalegate: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = Path("loss.csv")
    table.write_text("compute,loss\n1e20,4\n1e22,1\n", encoding="utf-8")
    found = scalegate("evidence", "match-loss", table, "--loss", "2", "--trained", "5e20 FLOP", "--json").json
    assert found["factor"] == "2.001", "rounded up"
    assert 10**21 <= int(found["effective_compute"]) < 1.000001 * 10**21
    assert found["basis"].startswith("The reference algorithm of loss.csv (")
    assert "2 models) takes 1.00e+21 FLOP for a loss of 2; this one took 5.00e+20 FLOP." in found["basis"]
    for loss in ("0.9", "4.1", "nan"):
        refused = scalegate("evidence", "match-loss", table, "--loss", loss)
        assert refused.code == 2
        assert "outside the reference" in refused.err
    less = scalegate("evidence", "match-loss", table, "--loss", "2", "--trained", "5e21 FLOP")
    assert "factor: 1x (a policy takes none under 1x" in " ".join(less.out.split())
    table.write_text("flop,loss\n1,2\n", encoding="utf-8")
    assert scalegate("evidence", "match-loss", table, "--loss", "2").code == 2
    table.write_text("compute,loss\n1e20,3\n1e21 FLOP,2\n", encoding="utf-8")
    assert "loss.csv:3: there is no number" in scalegate("evidence", "match-loss", table, "--loss", "2").err
