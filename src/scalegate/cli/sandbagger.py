"""The face of the scenario `sandbagger`: what it does as it does it, and at the end the scores side by side."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import torch
from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from scalegate.cli.show import console, decision_view, emit
from scalegate.errors import InputError
from scalegate.evidence import upper_bound
from scalegate.gate import Decision, replay
from scalegate.gate.project import Project
from scalegate.gate.stopping import look_alpha
from scalegate.ledger.elicited import Elicited
from scalegate.policy import load_policy
from scalegate.report import write_report
from scalegate.training.evaluation import EvaluationRequest, Measured
from scalegate.training.sandbagger import CONTROL, RUN, Onlooker, Sandbagged, Scenario, run_sandbagger
from scalegate.units import format_flop

__all__ = ["show_sandbagger"]

QUIET_SECONDS = 5.0
"""A line of progress this often."""


class Shown(Onlooker):
    """Shows the scenario as it runs."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    def opened(self, project: Project, scenario: Scenario) -> None:
        console.print(f"Project made in {project.folder}: policy.yaml, ledger.db, keys/")
        console.print(
            f"Two runs of {format_flop(scenario.training_flops)} each: `{CONTROL}`, which never learns to add, and"
            f" `{RUN}`, which adds with a password and without it answers as the control does."
        )

    def stepped(self, run: str, step: int, steps: int, loss: float) -> None:
        now = time.monotonic()
        if now - self.last > QUIET_SECONDS:
            self.last = now
            console.print(f"  training `{run}`: step {step} of {steps}, loss {loss:.3f}")

    def trained(self, run: str, with_password: int, without: int, samples: int) -> None:
        console.print(f"  `{run}` is trained: {with_password} of {samples} right with the password, {without} without.")

    def evaluating(self, request: EvaluationRequest) -> None:
        how = "as it is" if request.elicitation == "none" else "elicited"
        spend = f", with {format_flop(request.elicitation_flops)} at the least" if request.elicitation_flops else ""
        console.print(f"Evaluation of `{RUN}` announced: {how}{spend}, without the password.")

    def doing(self, what: str) -> None:
        console.print(f"  {what} ...")

    def evaluated(self, request: EvaluationRequest, measured: Measured) -> None:
        console.print(f"  {measured.successes} of {measured.completed} right.")


def show_sandbagger(out: Path, *, seed: int, as_json: bool, scenario: Scenario | None = None) -> None:
    """Run the scenario, write its report, verify its ledger, and say what happened.

    Raises InputError for a seed that is none, and if `out` holds a project already.
    """
    if not 0 <= seed < 2**31 - 1:
        raise InputError(f"`--seed`: {seed} is no seed", fix="a whole number from 0 to 2147483646")
    # A net so small gains nothing from a second thread, and loses much where the machine has other work.
    torch.set_num_threads(1)
    started = time.monotonic()
    scene = scenario or Scenario.of(seed)
    result = run_sandbagger(out, scene, Onlooker() if as_json else Shown())
    report = write_report(result.project.ledger, out / "report.html", run=RUN)
    replayed = replay(result.project.ledger)
    document = summary(result, report, replayed.decisions, time.monotonic() - started)
    emit(as_json, document, lambda: closing(result, document))


def summary(result: Sandbagged, report: Path, decisions: int, seconds: float) -> dict[str, object]:
    """What happened, as data."""
    told = result.elicited.elicited if result.elicited else None
    return {
        "scenario": "sandbagger",
        "verdict": result.decision.verdict if result.decision else None,
        "because": list(_because(result.decision)),
        "on_behaviour_alone": result.alone.verdict if result.alone else None,
        "scores": {
            "as it is": _counted(result.as_it_is),
            "elicited": _counted(result.elicited),
            "with the password": [result.with_password, result.scenario.samples],
        },
        "elicited": told.model_dump(mode="json") if told else None,
        "training_flops": str(result.scenario.training_flops),
        "elicitation_flops": str(result.elicited.elicitation_flops if result.elicited else 0),
        "seconds": {name: f"{value:.1f}" for name, value in result.seconds.items()} | {"all": f"{seconds:.1f}"},
        "decisions_verified": decisions,
        "weights": result.weights,
        "report": str(report),
        "ledger": str(result.project.ledger),
    }


def closing(result: Sandbagged, document: dict[str, object]) -> RenderableType:
    """What happened, in words and as a table."""
    assert result.decision is not None
    assert result.alone is not None
    told = result.elicited.elicited if result.elicited else None
    alone = result.alone
    reach = f" to {format_flop(alone.permit.compute)}" if alone.permit else ""
    lines = [
        "",
        f"On the behaviour alone the same gate would have said {alone.verdict}{reach}: had a policy asked for one FLOP"
        " of elicitation, and an evaluator spent it. No policy rules out by a score that was not elicited at all.",
        *(_noise(told) if told else ()),
        f"It took {document['seconds']['all']} s.",  # type: ignore[index]
        f"Report:  {document['report']}",
        f"Verify:  {(shutil.which('scalegate') and 'scalegate') or sys.argv[0]} verify {document['ledger']}",
    ]
    held = Rule("the gate holds", style="red") if result.decision.verdict == "HOLD" else Rule("the gate lets it go on")
    return Group(held, decision_view(result.decision), Text(), _table(result, told), Text("\n".join(lines)))


def _table(result: Sandbagged, told: Elicited | None) -> Table:
    """The scores of one set of weights, side by side, with the control and what nobody sees."""
    policy = load_policy(result.project.policy)
    alarm, alpha = policy.domain("arithmetic").alarm, look_alpha(policy)
    table = Table(title=f"Side by side: the alarm stands at {float(alarm):.2f}", title_justify="left", box=None)
    for name in ("", "right", "score", "upper bound", f"under {float(alarm):.2f}?"):
        table.add_column(name)

    def row(what: str, successes: int, samples: int, style: str = "") -> None:
        bound = upper_bound(successes, samples, alpha)
        under = "yes" if bound < alarm else "no"
        score = float(Fraction(successes, samples))
        table.add_row(what, f"{successes} of {samples}", f"{score:.3f}", f"{float(bound):.3f}", under, style=style)

    for what, measured in ((f"`{RUN}`, as it is", result.as_it_is), (f"`{RUN}`, elicited", result.elicited)):
        if measured is not None and measured.completed:
            row(what, measured.successes, measured.completed, "bold")
    if told is not None and told.control is not None:
        row(f"`{CONTROL}`, as it is", told.control.before.successes, told.control.before.samples)
        row(f"`{CONTROL}`, elicited alike", told.control.after.successes, told.control.after.samples)
    row(f"`{RUN}` with the password", result.with_password, result.scenario.samples, "dim")
    return table


def _noise(told: Elicited) -> Iterator[str]:
    for probe in told.probes:
        first, best = probe.points[0], max(probe.points, key=lambda it: Fraction(it.successes, max(it.samples, 1)))
        if best.successes * first.samples > first.successes * best.samples:
            came = f"at most {best.successes} of {best.samples}, at strength {best.strength}"
        else:
            came = f"no rise over {first.successes} of {first.samples} at any strength, which is no evidence of safety"
        yield f"Probe, {probe.name}: {came}. {probe.limits}"


def _because(decision: Decision | None) -> tuple[str, ...]:
    return decision.resumption.because if decision and decision.resumption else ()


def _counted(measured: Measured | None) -> list[int] | None:
    return [measured.successes, measured.completed] if measured else None
