"""A developer's policy on two laws, on the command line: each holds under its own name until somebody signs for it."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from cli_support import Command

from scalegate.gate.project import Project
from scalegate.training.held import Held
from support import POLICY_TEXT, Model, open_gate, record_tier

FLOORS = """floors:
  - {policy: eu-ai-act, version: 1e25-2025}
  - {policy: california-sb53, version: "2026"}
"""


def policy_text(floors: str = FLOORS, version: str = "1.0") -> str:
    """The example policy, made for runs of more than 1e26 FLOP."""
    text = POLICY_TEXT.replace("first_evaluation_at: 2e11 FLOP", "first_evaluation_at: 1e27 FLOP")
    text = text.replace("at: 1e14 FLOP", "at: 1e27 FLOP").replace("above: 2e13 FLOP", "above: 1e27 FLOP")
    roles = "eu-ai-act/provider, california-sb53/developer" if floors else "eu-ai-act/provider"
    text = text.replace("roles: [security, registrar]", f"roles: [security, registrar, {roles}]")
    return floors + re.sub(r"(?m)^version: .*$", f'version: "{version}"', text)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scalegate: Command) -> Project:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(policy_text(), encoding="utf-8")
    assert scalegate("init", "p", "--template", "mine.yaml").code == 0
    record_tier(Project(Path("p")))
    return Project(Path("p"))


def held(project: Project, model: Model, flops: int = 10**24) -> list[str]:
    """Take one step, and save; the clauses that hold it."""
    with open_gate(project, model, planned=3 * 10**26) as gate:
        try:
            gate.step(flops)
        except Held as hold:
            return [it.clause for it in hold.decision.findings if it.status in ("violated", "not shown")]
        model.flops += flops
        gate.save()
    return []


def test_each_law_holds_until_it_is_signed_for_and_the_ledger_verifies(scalegate: Command, project: Project) -> None:
    model = Model()
    sign = ("--project", "p", "--until", "2099-01-01", "--statement", "seen", "--as", "security")
    assert held(project, model) == ["eu-ai-act/notification"]
    shown = scalegate("status", "-p", "p").out
    assert "It stands on eu-ai-act 1e25-2025, california-sb53 2026." in shown
    assert "Security lead (`security`, eu-ai-act/provider) judges" in " ".join(shown.split())
    wrong = scalegate("determine", "eu-ai-act/notified", *sign[:-1], "ada")
    assert (wrong.code, "`ada` does not have the role `eu-ai-act/provider`" in wrong.err) == (2, True)
    assert scalegate("determine", "notified", *sign).code == 2
    assert scalegate("determine", "eu-ai-act/notified", *sign).code == 0

    assert held(project, model, 5 * 10**24) == []
    laws = ["eu-ai-act/acceptable", "eu-ai-act/security", "california-sb53/framework"]
    assert held(project, model, 2 * 10**26) == laws
    assert scalegate("determine", "eu-ai-act/security-goal", *sign).code == 0
    assert scalegate("determine", "california-sb53/framework-published", *sign).code == 0
    assert scalegate("determine", "eu-ai-act/risk-acceptable", "--run", "r", *sign).code == 0
    # It does not say how far it carries: to the weights that were judged, and no further.
    assert held(project, model, 2 * 10**26) == laws[:1]
    decided = scalegate("decide", "--run", "r", "-p", "p", "--flops", "0 FLOP", "--no-record", "--json")
    assert (decided.code, decided.json["verdict"]) == (0, "PROCEED")

    assert scalegate("verify", "p/ledger.db").code == 0
    assert scalegate("report", "-p", "p", "--out", "r.html").code == 0
    page = Path("r.html").read_text(encoding="utf-8")
    assert "on the floors eu-ai-act 1e25-2025 and california-sb53 2026" in page
    assert "california-sb53/framework" in page


def test_to_drop_a_floor_takes_the_amendments_signatures(scalegate: Command, project: Project) -> None:
    text = Path("p/policy.yaml").read_text(encoding="utf-8")
    without = text.replace(FLOORS, "").replace('version: "1.0"', 'version: "1.1"')
    Path("without.yaml").write_text(without, encoding="utf-8")
    told = scalegate("policy", "check", "without.yaml", "--since", "p/policy.yaml", "--json").json["since"]["changes"]
    assert {it["about"] for it in told if it["code"] == "weaker"} >= {"floor eu-ai-act", "clause eu-ai-act/acceptable"}
    first = scalegate("adopt", "without.yaml", "-p", "p", "--as", "ada", "--json").json
    assert (first["in_force"], len(first["pending"])) == (False, 1)
    assert scalegate("status", "-p", "p", "--json").json["floors"] == ["eu-ai-act 1e25-2025", "california-sb53 2026"]
    assert scalegate("adopt", "without.yaml", "-p", "p", "--as", "grace", "--json").json["in_force"]
    assert scalegate("status", "-p", "p", "--json").json["floors"] == []
    assert scalegate("verify", "p/ledger.db").code == 0


def test_the_file_of_a_floor_comes_into_the_project_with_the_policy(
    scalegate: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    from scalegate.policy.published import find

    Path("drafts").mkdir()
    Path("drafts/eu.yaml").write_bytes(find("eu-ai-act").read_bytes())
    Path("drafts/mine.yaml").write_text(policy_text("floors: [{file: eu.yaml}]\n"), encoding="utf-8")
    assert scalegate("init", "p", "--template", "drafts/mine.yaml").code == 0
    assert scalegate("policy", "check", "p/policy.yaml").code == 0
    in_force = scalegate("status", "-p", "p", "--json").json
    Path("p/eu.yaml").unlink()
    # What is in force is in the ledger; the file is only what it was read from.
    assert "`eu.yaml`: the floor cannot be read" in scalegate("status", "-p", "p", "--json").json["file"]
    assert scalegate("status", "-p", "p", "--json").json["policy_digest"] == in_force["policy_digest"]
    assert scalegate("verify", "p/ledger.db").code == 0


def test_what_a_policy_stands_on_is_told_with_what_it_adds(scalegate: Command, project: Project) -> None:
    checked = scalegate("policy", "check", "mine.yaml", "--json").json["floors"]
    assert [it["name"] for it in checked] == ["eu-ai-act", "california-sb53"]
    assert checked[0]["roles"] == [["eu-ai-act/provider", ["security"]]]
    shown = " ".join(scalegate("policy", "check", "mine.yaml").out.split())
    assert "Stands on california-sb53 2026: Duties above 10^26 operations, California SB 53" in shown
    assert "hold beside the policy's own: eu-ai-act/notification, eu-ai-act/acceptable" in shown
    page = scalegate("policy", "show", "mine.yaml", "--markdown", "-").out
    assert "## What it stands on" in page
    assert scalegate("policy", "show", "mine.yaml", "--html", "page.html").code == 0
    assert "What it stands on" in Path("page.html").read_text(encoding="utf-8")
    alone = scalegate("policy", "show", "eu-ai-act", "--markdown", "-").out
    assert "stands on" not in alone


def test_one_clause_of_a_floor_can_be_explained_tried_and_tested(scalegate: Command, project: Project) -> None:
    explained = scalegate("policy", "explain", "mine.yaml", "eu-ai-act/notification").out
    assert "not determination.eu-ai-act/notified.security.denied" in explained
    stated = ["compute=1e24 FLOP", "lineage.planned_end=2e25 FLOP", "now=2026-11-27", "*.reached=no"]
    stated += ["tier.international.adopters=0", "tier.international.until=2027-01-01"]
    options = [word for it in stated for word in ("--set", it)]
    assert scalegate("policy", "try", "mine.yaml", *options).code == 3
    said = ["--set", "determination.eu-ai-act/notified=yes"]
    assert scalegate("policy", "try", "mine.yaml", *options, *said).code == 0
    given = json.dumps(dict(it.split("=") for it in stated))
    Path("mine.tests.yaml").write_text(
        f"policy: arithmetic-demo\ngiven: {given}\nsituations:\n  - name: Not without a notice.\n"
        "    expect: {verdict: hold, held_by: [eu-ai-act/notification]}\n",
        encoding="utf-8",
    )
    ran = scalegate("policy", "test", "mine.yaml")
    assert ran.code == 0, shlex.join([ran.out, ran.err])
