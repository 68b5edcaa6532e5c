"""`scalegate evidence record`: who ruled out what, and how often that turned out wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scalegate.cli.options import HERE, AsJson, ProjectDir

if TYPE_CHECKING:
    from rich.console import RenderableType

    from scalegate.gate import Fold

__all__ = ["miss_lines", "record", "record_document"]


def record(project: ProjectDir = HERE, as_json: AsJson = False) -> None:
    """Show how often what was ruled out turned out wrong.

    Of each evaluator and method: on how many sets of weights an alarm was ruled out, how many of these claims were
    scored since, and how many were wrong. A claim is upheld once another evaluator, or twice the elicitation, rules
    the same out again on the same weights. It is missed once a result or an incident shows the capability there.
    """
    from scalegate.cli.project import reader
    from scalegate.cli.show import emit
    from scalegate.gate.project import Project

    with reader(Project(project)) as journal:
        rows = record_document(journal.fold)
    emit(as_json, {"record": rows}, lambda: _view(rows))


def record_document(fold: Fold) -> list[dict[str, Any]]:
    """A row for each evaluator, method and domain."""
    from scalegate.gate.recorded import record_of

    return [
        {
            "domain": row.domain,
            "evaluator": list(row.evaluator),
            "method": row.method,
            "claims": row.claims,
            "scored": row.scored,
            "upheld": row.upheld,
            "missed": len(row.missed),
            "miss_rate_at_most": row.bound_text if row.scored else None,
            "misses": [
                {
                    "weights": miss.weights,
                    "configuration": miss.configuration,
                    "run": miss.run,
                    "ruled_out_by": list(miss.ruled_out_at),
                    "shown_by": list(miss.shown_by),
                }
                for miss in row.missed
            ],
        }
        for row in record_of(fold)
    ]


def miss_lines(rows: list[dict[str, Any]]) -> list[str]:
    """A line for each miss."""
    return [
        f"MISSED: `{row['domain']}` was ruled out by {' or '.join(f'`{it}`' for it in row['evaluator'])}"
        f" ({row['method']}) on weights {miss['weights'][:12]}...{_behind(miss['configuration'])} of run"
        f" `{miss['run']}`, entry"
        f" {_entries(miss['ruled_out_by'])}. That it is there is shown by entry {_entries(miss['shown_by'])}."
        for row in rows
        for miss in row["misses"]
    ]


def _behind(configuration: str | None) -> str:
    return "" if configuration is None else f" in configuration {configuration[:12]}..."


def _entries(found: list[int]) -> str:
    return ", ".join(map(str, found))


def _view(rows: list[dict[str, Any]]) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from scalegate.gate.recorded import ALPHA_ONLY

    if not rows:
        return Text("No alarm was ruled out yet: there is no record.")
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold")
    for name in ("domain", "evaluator", "method"):
        table.add_column(name)
    for name in ("ruled out", "scored", "missed", "misses at most"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        amounts = [str(row[name]) for name in ("claims", "scored", "missed")]
        names = Text(" or ".join(row["evaluator"]))
        table.add_row(Text(row["domain"]), names, row["method"], *amounts, row["miss_rate_at_most"] or "not scored")
    words = f"misses at most: the upper bound of their rate, 95%, one-sided. {ALPHA_ONLY}"
    lines = [Text(line, style="bold red") for line in miss_lines(rows)]
    return Group(table, Text(""), *lines, Text(words, style="dim"))
