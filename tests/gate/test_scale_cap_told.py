"""Where people see how far a scale cap lets a run go, and the commands that a hold prints for it."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

import pytest
from test_scale_cap import CAP, FIRST, POLICY, Lab, capped, init

from scalegate.cli.scale_caps import scale_cap_lines, scale_caps_of
from scalegate.cli.way_out import Known, to_release
from scalegate.gate import replay
from scalegate.gate.journal import reading
from scalegate.policy import PolicyFaults, policy_from_json
from scalegate.policy.lints import changed_since, check_policy
from scalegate.policy.to_yaml import policy_to_yaml
from scalegate.report.context import Context
from scalegate.report.measured import gates
from scalegate.training.held import Held
from support import POLICY_TEXT, START, STEP, Model, new_project, open_gate, train


def told(lab: Lab, run: str) -> list[str]:
    return list(scale_cap_lines({"run": run, "scale_caps": scale_caps_of(lab.book.fold, run, lab.book.time)}))


def test_status_says_how_far_it_goes_and_by_what() -> None:
    lab = Lab()
    lab.finished("a")
    lab.open("b")
    assert told(lab, "a") == ["a: `scale` lets it go to 2.00e+11 FLOP (no earlier generation was shown)."]
    assert told(lab, "b") == ["b: `scale` lets it go to 1.00e+12 FLOP (1.00e+11 FLOP was shown)."]


def test_the_report_has_it_on_the_axis_of_compute() -> None:
    lab = Lab()
    lab.finished("a")
    lab.open("b")
    for run, limit in (("a", FIRST), ("b", 10**12)):
        assert {gate.label: gate.at for gate in gates(Context.of(lab.book.fold, run))}["scale"] == limit


def test_a_hold_prints_the_commands_that_evaluate_the_model() -> None:
    lab = Lab()
    lab.open("a")
    weights = lab.train("a", 10**11)
    lab.open("b", planned=9 * 10**11)
    lab.evaluate("b", lab.train("b", 5 * 10**11))
    lines = list(to_release(lab.decided("b", 6 * 10**11), Known(Path(), POLICY)))
    assert any(f"--run a --domain arithmetic --weights {weights}" in it for it in lines)
    assert any("evidence add FILE" in it for it in lines)


def test_what_was_shown_by_a_model_that_is_gone_on_from_elsewhere_stays() -> None:
    lab = Lab()
    weights = lab.finished("a")
    lab.open("b")
    lab.open("a2", init(weights))
    lab.train("a2", 10**10)
    assert lab.shown("b") == 10**11


def test_it_is_written_out_and_compared_between_versions() -> None:
    assert policy_from_json(POLICY.document()).digest() == POLICY.digest()
    assert "past: 10x" in policy_to_yaml(POLICY)
    looser = capped(("past: 10x", "past: 20x"), ('version: "1.0"', 'version: "1.1"'))
    assert ("weaker", "clause scale") in {(it.rule.code, it.about) for it in changed_since(POLICY, looser)}


def test_another_figure_beside_it_is_told() -> None:
    second = capped(
        (
            "\n  - id: publish\n",
            "\n  - id: scale.more\n    kind: scale_cap\n    past: 20x\n    first: 2e11 FLOP\n    text: Another.\n"
            '    source: {document: Policy, section: "8"}\n    actions: [train]\n    modality: will\n'
            "\n  - id: publish\n",
        )
    )
    found = [it for it in check_policy(second, START) if it.rule.code == "two-figures" and "scale" in it.about]
    assert [it.about for it in found] == ["clause scale.more"]
    assert "the growth is 10x in `scale` and 20x here; what binds is 10x of `scale`" in found[0].what


def test_its_figures_may_be_parameters() -> None:
    values = (
        "values: [{from: 2026-01-01, value: 10x, reference: {document: Board}, review_by: 2030-01-01},"
        " {from: 2026-06-01, value: 1.5x, reference: {document: Board}, review_by: 2030-01-01}]"
    )
    parameters = f"\nparameters:\n  - id: past\n    about: Growth.\n    kind: factor\n    {values}\n\nclauses:\n"
    policy = capped(("past: 10x", "past: parameter.past"), ("\nclauses:\n", parameters))
    assert "parameter.past" in policy_to_yaml(policy)
    with pytest.raises(PolicyFaults, match="as large as the one before"):
        capped(("past: 10x", "past: parameter.past"), ("\nclauses:\n", parameters.replace("1.5x", "0.5x")))


class Salted(Model):
    """A model whose weights are no other's."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def digest(self) -> str:
        return hashlib.sha256(f"{self.name} {self.flops}".encode()).hexdigest()


def test_an_honest_developer_goes_from_one_generation_to_the_next(tmp_path: Path) -> None:
    """Through the gate itself: each run evaluated to its end, and a ledger that verifies."""
    text = POLICY_TEXT.replace("\n  - id: publish\n", CAP.replace("past: 10x", "past: 3x"))
    project = new_project(tmp_path / "p", text)
    reached = []
    for name, planned in (("a", 15 * STEP), ("b", 40 * STEP), ("c", 100 * STEP)):
        model = Salted(name)
        with open_gate(project, model, run=name, planned=planned) as gate:
            with suppress(Held):
                train(gate, model, planned // STEP)
            gate.evaluate()
        reached.append(model.flops)
    assert reached[0] == 15 * STEP
    # Evaluations are of the lineage too, so the cap comes a little before three times what was shown.
    assert reached[0] < reached[1] <= 3 * reached[0]
    assert reached[1] < reached[2] <= 3 * reached[1]
    with reading(project.ledger) as journal:
        assert journal.fold.faults == []
        assert not any(run.faults for run in journal.fold.runs.values())
    assert replay(project.ledger).decisions > 0
