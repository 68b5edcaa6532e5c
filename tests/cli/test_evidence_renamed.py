"""An evaluation that is open while an amendment renames its domain is closed all the same."""

from __future__ import annotations

import json
from pathlib import Path

from cli_support import Command

from scalegate.gate.project import Project


def test_its_result_is_added_under_the_name_that_was_announced(
    scalegate: Command, project: Project, weights: str
) -> None:
    asked = ("--domain", "arithmetic", "--task", "sums", "--task-version", "1", "--dataset", "d" * 64, "--samples", 400)
    spent = ("--elicitation-flops", "1e10 FLOP", "--as", "evaluator", "--json")
    made = scalegate("evidence", "announce", "-p", "p", "--run", "r", "--weights", weights, *asked, *spent)
    text = project.policy.read_text(encoding="utf-8").replace('version: "1.0"', 'version: "2.0"')
    renamed = text.replace("- id: arithmetic", "- id: sums").replace("domain: arithmetic", "domain: sums")
    project.policy.write_text(renamed, encoding="utf-8")
    for who in ("ada", "grace"):
        assert scalegate("adopt", project.policy, "-p", "p", "--as", who).code == 0
    result = {"evaluation": made.json["evaluation"], "weights": weights, "domain": "arithmetic"}
    result |= {"outcomes": [False] * 400, "assumptions": ["honest"], "elicitation_flops": str(10**10)}
    Path("r.json").write_text(json.dumps(result), encoding="utf-8")
    added = scalegate("evidence", "add", "r.json", "-p", "p", "--as", "evaluator")
    assert added.code == 0, added.err
    assert not scalegate("status", "-p", "p", "--json").json["open"]
