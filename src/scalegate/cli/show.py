"""How a decision looks in a terminal: its limits first, then the verdict, the findings and the way out."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from scalegate.cli.way_out import Known, resumption_view, to_release
from scalegate.gate import Decision, Limits
from scalegate.gate.exceptions import told
from scalegate.units import format_duration, format_flop, format_instant

__all__ = [
    "COLOURS",
    "HEADLINE",
    "banner",
    "console",
    "count",
    "decision_view",
    "emit",
    "exception_line",
    "limits_view",
]

HEADLINE = "THIS POLICY IS INADEQUATE TO ENSURE SAFETY"
DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def visible(text: str) -> str:
    """Control and direction characters written out: what somebody put into a ledger must not move the cursor."""
    return "".join(
        f"\\u{ord(c):04x}" if c in DIRECTIONS or (c != "\n" and unicodedata.category(c) == "Cc") else c for c in text
    )


class _Visible(Console):
    """A console on which texts cannot act as commands; colours are put around them after this."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else visible(text), style, control)


console = _Visible(highlight=False, soft_wrap=False)
COLOURS = {
    "met": "green",
    "violated": "bold red",
    "not shown": "yellow",
    "not binding": "dim",
    "not applicable": "dim",
}
ENFORCEMENT = {
    "cooperative": "cooperative: a script that removes the call is not stopped",
    "launcher": "launcher: the command starts only after a PROCEED",
    "registry": "registry: a regulator's registry checks the developer's ledger",
}


def emit(as_json: bool, document: object, view: Callable[[], RenderableType]) -> None:
    """Print a JSON document, or what `view` makes for people; plain text is neither wrapped nor read as markup."""
    shown = json.dumps(document, indent=2, ensure_ascii=False) if as_json else view()
    if isinstance(shown, str):
        console.file.write(f"{visible(shown)}\n")
    else:
        console.print(shown, crop=False)  # what is to be typed is wider than a window may be


def count(number: int, one: str, several: str | None = None) -> str:
    """A number with its noun."""
    return f"{number} {one if number == 1 else several or f'{one}s'}"


def banner(reasons: Iterable[str]) -> RenderableType:
    """Why a policy is inadequate to ensure safety, where there is no decision that says so."""
    lines = [Text(HEADLINE, style="bold white on red"), *(Text(f"- {reason}") for reason in reasons)]
    return Panel(Group(*lines), border_style="red")


def limits_view(decision: Decision, shown: Limits | None = None) -> RenderableType:
    """What the decision does not say: cannot be switched off.

    `shown` are the limits of a decision that stand in full further up in the same output. If these have the same
    reasons, one line says so, and only surprises that are new are told again.
    """
    limits = decision.limits
    if shown is not None and limits.inadequate and _same(limits, shown):
        new = [surprise for surprise in limits.surprises if surprise not in shown.surprises]
        reasons = count(len(limits.inadequate), "reason")
        short = Text.assemble((HEADLINE, "bold white on red"), f": {reasons}, all in the box above")
        return Group(short, *_surprises(new))
    lines = [Text(HEADLINE, style="bold white on red")] if limits.inadequate else []
    lines += [Text(f"- {reason}") for reason in limits.inadequate]
    lines.append(Text(f"Enforcement is {ENFORCEMENT[limits.enforcement]}."))
    assumed, unmeasured = len(limits.assumptions), len(limits.not_measured)
    are = "is" if unmeasured == 1 else "are"
    lines.append(Text(f"Rests on {count(assumed, 'assumption')}; {count(unmeasured, 'thing')} {are} not measured."))
    return Panel(Group(*lines, *_surprises(limits.surprises)), border_style="red")


def _same(limits: Limits, shown: Limits) -> bool:
    return (limits.inadequate, limits.enforcement) == (shown.inadequate, shown.enforcement)


def _surprises(surprises: Iterable[str]) -> list[Text]:
    return [Text(f"! {surprise}", style="bold red") for surprise in surprises]


def decision_view(decision: Decision, shown: Limits | None = None, known: Known | None = None) -> RenderableType:
    """The whole decision. `shown`: limits that this output has in full already.

    `known`: of the project, to name the commands that would release it; None: they are not named.
    """
    proceed = decision.verdict == "PROCEED"
    way_out = decision.resumption
    word = "PROCEED" if proceed else "STOP" if way_out and way_out.stop else "HOLD"
    due = decision.evaluation_due
    head = Text.assemble(
        (f" {word} ", "bold white on green" if proceed else "bold black on yellow" if due else "bold white on red"),
        (" evaluation due: " if due else "  ")
        + f"{decision.action} run `{decision.run}` to {format_flop(decision.compute)}"
        f" at {format_instant(decision.now)}, under {decision.policy_name} (decision {decision.digest()[:12]})",
    )
    parts: list[RenderableType] = [limits_view(decision, shown), head, findings_view(decision)]
    if decision.exception:
        parts.insert(0, exception_line(decision))
    if permit := decision.reach:
        kind = "Permit" if decision.permit else "Exception permit"
        parts.append(
            Text(
                f"{kind}: up to {format_flop(permit.compute)} (ended by {', '.join(permit.compute_ends_by)}) and up to"
                f" {format_instant(permit.time)} (ended by {', '.join(permit.time_ends_by)});"
                f" renewed every {format_duration(permit.lease)}."
            )
        )
    if way_out:
        parts.append(resumption_view(way_out))
        if known is not None:
            parts += [Text(line, no_wrap=True, overflow="ignore") for line in to_release(decision, known)]
    return Group(*parts)


def exception_line(decision: Decision) -> Text:
    """That somebody lets a HOLD go on: first, wherever a decision is shown."""
    return Text(told(decision.exception), style="bold white on magenta") if decision.exception else Text()


def findings_view(decision: Decision) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("clause", "finding", "because"):
        table.add_column(name, overflow="fold")
    quiet = [f for f in decision.findings if f.kind == "standing" and f.status == "met"]
    # What holds comes first: of many clauses that are met it would be lost.
    for finding in sorted(decision.findings, key=lambda it: it.status not in ("violated", "not shown")):
        if finding not in quiet:
            colour = COLOURS[finding.status]
            table.add_row(escape(finding.clause), f"[{colour}]{finding.status}[/]", escape(finding.detail))
    names = ", ".join(f.clause.removeprefix("standing.") for f in quiet)
    if quiet:
        table.add_row(f"standing ({len(quiet)})", "[green]met[/]", f"as it must be: {escape(names)}")
    return table
