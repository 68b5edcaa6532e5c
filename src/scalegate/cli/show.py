"""How a decision looks in a terminal: that the policy is inadequate, the verdict, why, the findings and the way out."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable

from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.padding import Padding
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


def limits_view(decision: Decision, shown: Limits | None = None, head: RenderableType | None = None) -> RenderableType:
    """What the decision does not say: cannot be switched off. `head`: what stands between its headline and the rest.

    `shown` are the limits of a decision that stand in full further up in the same output. If these have the same
    reasons, one line says so, and only surprises that are new are told again.
    """
    limits = decision.limits
    between = [] if head is None else [head]
    if shown is not None and limits.inadequate and _same(limits, shown):
        new = [surprise for surprise in limits.surprises if surprise not in shown.surprises]
        reasons = count(len(limits.inadequate), "reason")
        short = Text.assemble((HEADLINE, "bold white on red"), f": {reasons}, all in the box above")
        return Group(short, *between, *_surprises(new))
    headline = [Text(HEADLINE, style="bold white on red")] if limits.inadequate else []
    lines = [Text(f"- {reason}") for reason in limits.inadequate]
    lines.append(Text(f"Enforcement is {ENFORCEMENT[limits.enforcement]}."))
    assumed, unmeasured = len(limits.assumptions), len(limits.not_measured)
    are = "is" if unmeasured == 1 else "are"
    lines.append(Text(f"Rests on {count(assumed, 'assumption')}; {count(unmeasured, 'thing')} {are} not measured."))
    box = Panel(Group(*lines, *_surprises(limits.surprises)), border_style="red")
    return Group(*headline, *between, box)


def _same(limits: Limits, shown: Limits) -> bool:
    return (limits.inadequate, limits.enforcement) == (shown.inadequate, shown.enforcement)


def _surprises(surprises: Iterable[str]) -> list[Text]:
    return [Text(f"! {surprise}", style="bold red") for surprise in surprises]


def decision_view(
    decision: Decision,
    shown: Limits | None = None,
    known: Known | None = None,
    *,
    ended: bool = False,
    since: Iterable[RenderableType] = (),
) -> RenderableType:
    """The whole decision. `shown`: limits that this output has in full already.

    `known`: of the project, to name the commands that would release it; None: they are not named. `ended`: whether its
    permit has; `since`: what more is so now.
    """
    way_out = decision.resumption
    head = Group(_head(decision, ended), *since)
    parts: list[RenderableType] = [limits_view(decision, shown, head)]
    if ended:
        # What was met then may be due by now.
        parts.append(Text(f"As it was decided at {format_instant(decision.now)}, and not as it is now:", style="bold"))
    parts.append(findings_view(decision))
    if decision.exception:
        parts.insert(0, exception_line(decision, ended))
    if permit := decision.reach:
        kind = "Permit" if decision.permit else "Exception permit"
        parts.append(
            Text(
                f"{kind}{', which has ended' if ended else ''}:"
                f" up to {format_flop(permit.compute)} (ended by {', '.join(permit.compute_ends_by)}) and up to"
                f" {format_instant(permit.time)} (ended by {', '.join(permit.time_ends_by)});"
                f" renewed every {format_duration(permit.lease)}."
            )
        )
    if way_out:
        parts.append(resumption_view(way_out))
        if known is not None:
            parts += [Text(line, no_wrap=True, overflow="ignore") for line in to_release(decision, known)]
    return Group(*parts)


def _head(decision: Decision, ended: bool) -> Text:
    """What was decided, on what; of a permit that has ended, that it has."""
    proceed, due = decision.verdict == "PROCEED", decision.evaluation_due
    word = "PROCEED" if proceed else "STOP" if decision.resumption and decision.resumption.stop else "HOLD"
    asked = f"{decision.action} run `{decision.run}` to {format_flop(decision.compute)}"
    rest = f"at {format_instant(decision.now)}, under {decision.policy_name} (decision {decision.digest()[:12]})"
    if proceed and ended:
        told = f"  it may not go on until it is decided again. The permit to {asked} was granted {rest}"
        return Text.assemble((" PERMIT ENDED ", "bold black on yellow"), told)
    style = "bold white on green" if proceed else "bold black on yellow" if due else "bold white on red"
    return Text.assemble((f" {word} ", style), " evaluation due: " if due else "  ", f"{asked} {rest}")


def exception_line(decision: Decision, ended: bool = False) -> Text:
    """That somebody lets a HOLD go on: first, wherever a decision is shown."""
    if decision.exception is None:
        return Text()
    named = ", ".join(f"`{it}`" for it in decision.exception.exceptions)
    over = f"EXCEPTION {named}: its permit has ended; it may not go on until it is decided again."
    return Text(over if ended else told(decision.exception), style="bold white on magenta")


class _Findings:
    """A table of findings; where a clause's name would be broken in it, each finding under its name."""

    def __init__(self, rows: list[tuple[str, Text, str]]) -> None:
        self.rows = rows

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[RenderableType]:
        if max((len(clause) for clause, _, _ in self.rows), default=0) * 3 > options.max_width:
            for clause, status, detail in self.rows:
                yield Text.assemble(clause, "  ", status)
                yield Padding(Text(detail), (0, 0, 0, 4))
            return
        table = Table(box=None, pad_edge=False)
        for name in ("clause", "finding", "because"):
            table.add_column(name, overflow="fold")
        for clause, status, detail in self.rows:
            table.add_row(Text(clause), status, Text(detail))
        yield table


def findings_view(decision: Decision) -> RenderableType:
    quiet = [f for f in decision.findings if f.kind == "standing" and f.status == "met"]
    # What holds comes first: of many clauses that are met it would be lost.
    found = sorted(decision.findings, key=lambda it: it.status not in ("violated", "not shown"))
    rows = [(it.clause, Text(it.status, style=COLOURS[it.status]), it.detail) for it in found if it not in quiet]
    names = ", ".join(f.clause.removeprefix("standing.") for f in quiet)
    if quiet:
        rows.append((f"standing ({len(quiet)})", Text("met", style="green"), f"as it must be: {names}"))
    return _Findings(rows)
