"""The gate forecasts by itself, and stops where the bound meets the alarm; a forecast can be worked out again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from fractions import Fraction
from math import exp, log10
from pathlib import Path
from typing import Any

import pytest

from families import families
from scalegate.errors import InputError, NotVerified
from scalegate.gate import replay
from scalegate.gate.deep import recompute
from scalegate.gate.foreseeing import foresee, table_of
from scalegate.gate.project import Project
from scalegate.ledger.entries import ForecastMade
from scalegate.training.gate import Gate
from scalegate.training.held import Held
from support import POLICY_TEXT, STEP, Model, new_project, open_gate

SAMPLES = "    samples: 400\n"
ASKED = SAMPLES + "    forecast: {confidence: 95%, at_least: 3}\n"


def rising(at_start: float, rise: float) -> Callable[[int], float]:
    return lambda flops: 1 / (1 + exp(-(at_start + rise * log10(max(flops, 1) / 5e10))))


def train_to(gate: Gate, model: Model, flops: int) -> None:
    while model.flops < flops:
        gate.step(STEP)
        model.flops += STEP


def evaluated(project: Project, model: Model, **options: Any) -> None:
    """Three evaluations before the first is due."""
    with open_gate(project, model, **options) as gate:
        for at in (5, 10, 18):
            train_to(gate, model, at * 10**10)
            gate.evaluate()


def forecasts(project: Project) -> list[ForecastMade]:
    with project.journal() as journal:
        return [it.entry for it in journal.fold.records if isinstance(it.entry, ForecastMade) and not it.refused]


def test_the_gate_forecasts_and_the_run_ends_where_the_bound_meets_the_alarm(tmp_path: Path) -> None:
    def reached(text: str, folder: str) -> int:
        project, model = new_project(tmp_path / folder, text), Model(rising(-5, 1.6))
        evaluated(project, model)
        with pytest.raises(Held) as held, open_gate(project, model, evaluate=None) as gate:
            train_to(gate, model, 10**13)
        decision = held.value.decision
        assert decision is not None
        assert "capability.arithmetic" in {
            it.clause for it in decision.findings if it.status in ("violated", "not shown")
        }
        made = replay(project.ledger)
        assert not made.faults
        if "forecast" in text:
            (last,) = forecasts(project)
            end = max(row.compute for row in last.rows if row.bound < Fraction(1, 5))
            assert decision.compute > end
            assert recompute(made.fold, project.ledger) == 1
        return model.flops

    asked, plain = reached(POLICY_TEXT.replace(SAMPLES, ASKED), "asked"), reached(POLICY_TEXT, "plain")
    assert asked < plain, "the buffer reaches further"


def test_after_each_evaluation_there_is_a_new_one_and_the_run_goes_on(tmp_path: Path) -> None:
    project, model = new_project(tmp_path / "p", POLICY_TEXT.replace(SAMPLES, ASKED)), Model(lambda _: 0.01)
    evaluated(project, model)
    before = forecasts(project)[-1]
    with open_gate(project, model) as gate:
        train_to(gate, model, 2 * before.rows[-1].compute)
    after = forecasts(project)
    assert len(after) >= 2
    assert [len(it.points) for it in after] == sorted({len(it.points) for it in after}), "one for each set of results"


def test_a_table_that_is_given_is_used_kept_and_checked(tmp_path: Path) -> None:
    table = tmp_path / "others.csv"
    lines = (f"{it.family},{it.model},{it.compute / 1e11!r},{it.score!r}" for it in families(number=40, models=3))
    table.write_text("\n".join(("family,model,compute,score", *lines)) + "\n")
    text = POLICY_TEXT.replace(SAMPLES, ASKED)
    project, model = new_project(tmp_path / "p", text), Model(lambda _: 0.01)
    evaluated(project, model, reference=table)
    (made,) = forecasts(project)
    assert made.reference is not None
    assert [it.name for it in made.forms][-1] == "reference"
    kept, fold = table_of(project.ledger, made.reference.table), replay(project.ledger).fold
    assert kept.read_bytes() == table.read_bytes()
    assert recompute(fold, project.ledger) == 1
    kept.write_bytes(table.read_bytes() + b"x,y,1e11,0.9\n")
    with pytest.raises(NotVerified, match="is not the table"):
        recompute(fold, project.ledger)
    kept.unlink()
    with pytest.raises(NotVerified, match="that is not here"):
        recompute(fold, project.ledger)
    with pytest.raises(InputError, match="cannot be read"):
        open_gate(project, model, reference=tmp_path / "none.csv")


def test_what_cannot_be_forecast_holds_and_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    table = tmp_path / "others.csv"
    table.write_text("family,model,compute,score\na,b,1e20,0.1\n")
    project, model = new_project(tmp_path / "p", POLICY_TEXT.replace(SAMPLES, ASKED)), Model(lambda _: 0.01)
    with caplog.at_level(logging.ERROR):
        evaluated(project, model, reference=table)
    assert "`arithmetic` cannot be forecast: no forecast can be made: the reference has 0 generations" in caplog.text
    with pytest.raises(Held), open_gate(project, model, evaluate=None, reference=table) as gate:
        train_to(gate, model, 10**12)
    assert model.flops <= 20 * 10**10


def test_what_a_forecast_is_short_of_is_said_while_it_can_still_be_measured(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    project, model = new_project(tmp_path / "p", POLICY_TEXT.replace(SAMPLES, ASKED)), Model(lambda _: 0.01)
    with caplog.at_level(logging.WARNING), open_gate(project, model) as gate:
        train_to(gate, model, 5 * 10**10)
    told = "takes results at 3 more amounts of compute: evaluate at 2 (`gate.evaluate()`) before 1.84e+11 FLOP"
    assert caplog.text.count(told) == 1, "each is elicited with 1% of where it may carry to"


def test_without_the_table_that_the_policy_names_none_is_recorded_and_it_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    named = SAMPLES + "    forecast: {confidence: 95%, at_least: 1, reference_table: " + "a" * 64 + "}\n"
    project, model = new_project(tmp_path / "p", POLICY_TEXT.replace(SAMPLES, named)), Model(lambda _: 0.01)
    with caplog.at_level(logging.ERROR), open_gate(project, model) as gate:
        train_to(gate, model, 5 * 10**10)
        gate.evaluate()
        train_to(gate, model, 10**11)
        gate.evaluate()
    assert not forecasts(project)
    assert caplog.text.count("the policy names a table for it that was not given") == 1


@pytest.mark.parametrize("what", ["bound", "form"])
def test_a_bound_that_is_lower_than_its_results_give_is_named_by_its_entry(tmp_path: Path, what: str) -> None:
    project, model = new_project(tmp_path / "p", POLICY_TEXT.replace(SAMPLES, ASKED)), Model(rising(-5, 1.6))
    evaluated(project, model)
    with project.journal() as journal:
        found = foresee(journal.policy, journal.fold.situation("r", now=journal.now()), journal.policy.domains[0])
        given = {**found.fields, "actor": "evaluator", "time": journal.now()}
        if what == "bound":
            given["rows"] = [{**it, "bound": "0.04"} for it in given["rows"]]
            given["forms"] = [{**it, "bounds": ["0.04"] * len(it["bounds"])} for it in given["forms"]]
        else:
            given["forms"] = given["forms"][:1]
            given["rows"] = [
                {**row, "bound": bound} for row, bound in zip(given["rows"], given["forms"][0]["bounds"], strict=True)
            ]
        index = journal.grant(ForecastMade.model_validate(given), project.key("evaluator"))
    made = replay(project.ledger)
    with pytest.raises(NotVerified, match="records 0.04" if what == "bound" else "leaves out the form") as error:
        recompute(made.fold, project.ledger)
    assert error.value.place is not None
    assert error.value.place.entry == index
