"""How situation tests look: each situation, what came out otherwise and why, and what no situation shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from scalegate.cli.show import HEADLINE, count
from scalegate.cli.tried import NO_DECISION
from scalegate.errors import Place
from scalegate.gate.adequacy import inadequate
from scalegate.gate.trials import Covered, Trial
from scalegate.policy import Policy

__all__ = ["tests_document", "tests_view"]

Files = Sequence[tuple[Path, Sequence[Trial]]]


def tests_document(policy: Policy, files: Files, coverage: Sequence[Covered]) -> dict[str, object]:
    trials = [trial for _, of in files for trial in of]
    return {
        "what_if": NO_DECISION,
        "policy": f"{policy.policy} {policy.version}",
        "policy_digest": policy.digest(),
        "passed": sum(trial.passed for trial in trials),
        "failed": sum(not trial.passed for trial in trials),
        "files": [{"file": str(path), "situations": [_trial(trial) for trial in of]} for path, of in files],
        "coverage": [{"clause": it.clause, "met": it.met, "held": it.held, "gap": it.gap} for it in coverage],
        "inadequate": list(inadequate(policy)),
    }


def tests_view(policy: Policy, files: Files, coverage: Sequence[Covered], *, whole: bool) -> RenderableType:
    """`whole`: with what shows each clause, and not only with the clauses that something is lacking of."""
    trials = [trial for _, of in files for trial in of]
    failed = sum(not trial.passed for trial in trials)
    lines: list[RenderableType] = [Text(NO_DECISION, style="bold")]
    for path, of in files:
        lines.append(Text(f"{path}: {count(len(of), 'situation')} under {policy.policy} {policy.version}"))
        for trial in of:
            lines += _trial_view(trial)
    summary = f"{count(len(trials), 'situation')}: {len(trials) - failed} as expected, {failed} not."
    lines.append(Text(summary, style="bold red" if failed else "bold green"))
    lines += _coverage_view(coverage, whole=whole)
    reasons = count(len(inadequate(policy)), "reason")
    return Group(
        *lines,
        Text.assemble((HEADLINE, "bold white on red"), f": {reasons}, which `scalegate policy check` lists."),
        Text("That it says what these situations expect of it makes it no better."),
    )


def _trial(trial: Trial) -> dict[str, object]:
    return {
        "name": trial.expected.name,
        "line": trial.place.line,
        "source": trial.expected.source,
        "action": trial.expected.action,
        "passed": trial.passed,
        "verdict": "PROCEED" if trial.came.proceeds else "HOLD",
        "held_by": list(trial.came.holding),
        "mismatches": [
            {"line": it.place.line, "expected": it.expected, "came": it.came, "why": list(it.why)}
            for it in trial.mismatches
        ],
    }


def _trial_view(trial: Trial) -> Iterator[RenderableType]:
    word, style = (" ok  ", "green") if trial.passed else ("FAIL ", "bold red")
    yield Text.assemble("  ", (word, style), f" {trial.expected.name}")
    if not trial.passed and trial.expected.source:
        yield _indented(trial.expected.source, 9)
    for it in trial.mismatches:
        yield _indented(f"{_where(it.place)}: expected {it.expected}; it came to {it.came}", 9)
        yield from (_indented(line, 11) for line in it.why)


def _indented(text: str, columns: int) -> RenderableType:
    return Padding(Text(text), (0, 0, 0, columns))


def _where(place: Place) -> str:
    return f"{Path(place.file or '').name}:{place.line}"


def _coverage_view(coverage: Sequence[Covered], *, whole: bool) -> Iterator[Text]:
    gaps = [it for it in coverage if it.gap]
    if not coverage:
        yield Text("No clause of this policy gates anything.", style="yellow")
    elif not gaps:
        yield Text("Every clause that gates is met in some situation, and holds in another.")
    else:
        yield Text(f"Not shown from both sides: {count(len(gaps), 'clause')} of the {len(coverage)} that gate.")
    for it in coverage if whole else gaps:
        shown = it.gap or f"met in {it.met}, holds in {it.held}"
        yield Text(f"  {it.clause}: {shown}", style="yellow" if it.gap else "")
