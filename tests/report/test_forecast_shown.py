"""The report draws the forecast that counts, and says how far it lets training go, or why none counts."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

from scalegate.gate.forecasts import forecast_fact, forecast_facts
from scalegate.gate.project import Project
from scalegate.report import write_report
from scalegate.training.gate import Gate
from scalegate.units import format_flop
from support import POLICY_TEXT, STEP, Model, new_project, open_gate

SAMPLES = "    samples: 400\n"
ASKED = SAMPLES + "    forecast: {confidence: 95%, at_least: 3}\n"


def train_to(gate: Gate, model: Model, flops: int) -> None:
    while model.flops < flops:
        gate.step(STEP)
        model.flops += STEP


def page(project: Project, out: Path) -> str:
    write_report(project.ledger, out)
    return " ".join(out.read_text(encoding="utf-8").split())


def test_the_bound_is_drawn_with_where_it_ends(tmp_path: Path) -> None:
    project, model = new_project(tmp_path / "p", POLICY_TEXT.replace(SAMPLES, ASKED)), Model(lambda _: 0.01)
    with open_gate(project, model) as gate:
        for flops in (4 * 10**10, 8 * 10**10):
            train_to(gate, model, flops)
            gate.evaluate()
        shown = page(project, tmp_path / "before.html")
        assert "No forecast was made." in shown
        assert "upper bound of the forecast" not in shown
        train_to(gate, model, 16 * 10**10)
        gate.evaluate()
        train_to(gate, model, 17 * 10**10)
    with project.journal() as journal:
        situation = journal.fold.situation("r", now=journal.now())
        domain = journal.policy.domains[0]
        end = forecast_facts(journal.policy, situation, domain)[forecast_fact(domain)]
    assert isinstance(end, int)
    shown = page(project, tmp_path / "after.html")
    assert "upper bound of the forecast" in shown
    assert f"stays under the alarm up to {format_flop(end)}" in shown
    assert "stroke-dasharray" in shown
