"""The face of the demo: progress all along, each decision as it is taken, and at the end what happened."""

from __future__ import annotations

import shutil
import sys
import time
from fractions import Fraction
from pathlib import Path

import torch
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.rule import Rule
from torch import nn

from scalegate.cli.show import console, decision_view, emit
from scalegate.evidence import upper_bound
from scalegate.gate import Decision, Limits, replay
from scalegate.gate.project import Project
from scalegate.report import write_report
from scalegate.training.demo import RUN, DemoResult, Watcher, run_demo
from scalegate.training.evaluation import EvaluationRequest, Measured
from scalegate.units import format_flop

__all__ = ["show_demo"]

SHOWN_ALPHA = Fraction(5, 1200)
"""Alpha of the bound shown beside a score: the example policy's 5% over 12 evaluations."""
QUIET_SECONDS = 5.0
"""Without a terminal, a line of progress this often."""


class Terminal(Watcher):
    """Shows the demo as it runs."""

    def __init__(self) -> None:
        self.progress = Progress(
            TextColumn("  training"),
            BarColumn(bar_width=30),
            TextColumn("{task.description}"),
            console=console,
            transient=True,
        )
        self.task: TaskID | None = None
        self.last = time.monotonic()
        self.first = True
        self.shown: Limits | None = None
        """The limits that the terminal shows in full already: they are the same at each hold of a demo."""

    def opened(self, project: Project, model: nn.Module, step_flops: int, rule_of_thumb: int) -> None:
        parameters = sum(parameter.numel() for parameter in model.parameters())
        if self.first:
            console.print(f"Project made in {project.folder}: policy.yaml, ledger.db, keys/")
            console.print(
                f"Model: {parameters:,} parameters. One step: {step_flops:,} FLOP as metered;"
                f" 6ND says {rule_of_thumb:,} ({rule_of_thumb / step_flops:.3f} of it)."
            )
            self.first = False
        else:
            console.print("Training resumes from checkpoint.pt.")
        self.progress.start()
        self.task = self.progress.add_task("", total=None)

    def stepped(self, step: int, trained: int, loss: float, permit_end: int) -> None:
        text = f"step {step}, {format_flop(trained)} of a permit to {format_flop(permit_end)}, loss {loss:.3f}"
        if self.task is not None:
            self.progress.update(self.task, total=permit_end, completed=trained, description=text)
        now = time.monotonic()
        if not console.is_terminal and now - self.last > QUIET_SECONDS:
            self.last = now
            console.print(f"  training: {text}")

    def evaluating(self, request: EvaluationRequest) -> None:
        how = "as it is" if request.elicitation == "none" else "a copy, fine-tuned"
        spend = f" with {format_flop(request.elicitation_flops)}" if request.elicitation_flops else ""
        console.print(f"  Evaluation announced at {format_flop(request.compute)}: {how}{spend} ...")

    def evaluated(self, request: EvaluationRequest, measured: Measured) -> None:
        bound = float(upper_bound(measured.successes, measured.completed, SHOWN_ALPHA))
        console.print(
            f"    {measured.successes} of {measured.completed} right; upper bound {bound:.3f}"
            f"{f', {measured.errors} errors' if measured.errors else ''}"
        )

    def decided(self, decision: Decision) -> None:
        permit = decision.permit
        if permit is not None:
            ends = ", ".join(permit.compute_ends_by)
            console.print(f"[green]PROCEED[/] to {format_flop(permit.compute)}, where these end the permit: {ends}.")
            return
        self.progress.stop()
        console.print(Rule("the gate holds", style="red"))
        console.print(decision_view(decision, self.shown))
        self.shown = decision.limits

    def released(self, step: str) -> None:
        console.print(f"  -> {step}", markup=False)


def show_demo(out: Path, *, cadence: int, seed: int, as_json: bool) -> None:
    """Run the demo, write its report, verify its ledger, and say what happened."""
    torch.set_num_threads(2)
    started = time.monotonic()
    watcher = Watcher() if as_json else Terminal()
    try:
        result = run_demo(out, cadence=cadence, seed=seed, watcher=watcher)
    finally:
        if isinstance(watcher, Terminal):
            watcher.progress.stop()
    report = write_report(result.project.ledger, out / "report.html", run=RUN)
    replayed = replay(result.project.ledger)
    document = summary(result, report, replayed.decisions, time.monotonic() - started)
    emit(as_json, document, lambda: closing(result, document))


def summary(result: DemoResult, report: Path, decisions: int, seconds: float) -> dict[str, object]:
    """What happened, as data."""
    share = (result.evaluation + result.elicitation) / result.trained if result.trained else 0.0
    return {
        "steps": result.steps,
        "training_flops": str(result.trained),
        "elicitation_flops": str(result.elicitation),
        "evaluation_flops": str(result.evaluation),
        "evaluation_share_percent": f"{100 * share:.2f}",
        "holds": [list(d.resumption.because) if d.resumption else [] for d in result.holds],
        "surprises": list(result.final.limits.surprises) if result.final else [],
        "seconds": {name: f"{value:.1f}" for name, value in result.seconds.items()} | {"all": f"{seconds:.1f}"},
        "decisions_verified": decisions,
        "weights": result.final_weights,
        "report": str(report),
        "ledger": str(result.project.ledger),
    }


def closing(result: DemoResult, document: dict[str, object]) -> str:
    """What happened, in words."""
    holds = "; then ".join(", ".join(d.resumption.because) for d in result.holds if d.resumption)
    surprises = result.final.limits.surprises if result.final else ()
    lines = [
        "",
        f"What happened: {result.steps} steps, {format_flop(result.trained)} of training; held by {holds}.",
        f"Evaluation and elicitation cost {document['evaluation_share_percent']}% of training compute.",
        *(f"About the policy: {surprise}" for surprise in surprises),
        f"It took {document['seconds']['all']} s.",  # type: ignore[index]
        f"Report:  {document['report']}",
        f"Verify:  {(shutil.which('scalegate') and 'scalegate') or sys.argv[0]} verify {document['ledger']}",
    ]
    return "\n".join(lines)
