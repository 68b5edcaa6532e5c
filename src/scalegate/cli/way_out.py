"""What would release a hold, in a terminal, and the commands with which people sign for it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from scalegate.gate import Decision, Resumption, ResumptionFact
from scalegate.gate.since import to_decide

__all__ = ["resumption_view", "to_release"]

SETS = 4
"""Most alternatives that a terminal shows; a report and JSON have all."""
KINDS = {"act": "do", "measure": "measure", "time": "wait", "sign": "sign"}


def resumption_view(way_out: Resumption) -> RenderableType:
    if way_out.stop:
        return Text(
            f"No reachable condition: this is a stop, not a pause. Held by {', '.join(way_out.because)}.\n"
            "An amendment of the policy may decide otherwise; a fault of meter, lineage or ledger is for good.",
            style="bold",
        )
    lines: list[RenderableType] = []
    if way_out.first:
        lines += [Text("What would release it can be said after this; then decide again:", style="bold")]
        lines += [_facts([("", way_out.first)])]
    elif not way_out.sets:
        lines += [Text("What would release it could not be worked out.", style="bold")]
    if way_out.sets:
        always, rest = way_out.common()
        alternatives = [facts for facts in rest if facts]
        if always:
            head = "To release it, in any case:" if alternatives else "This would release it:"
            lines += [Text(head, style="bold"), _facts([("", always)])]
        if alternatives:
            head = "With that, any one of these:" if always else "Any one of these sets of facts would release it:"
            listed = [(f"{number}.", facts) for number, facts in enumerate(alternatives[:SETS], 1)]
            lines += [Text(head, style="bold"), _facts(listed)]
        hidden = len(alternatives) - SETS
        if hidden > 0:
            more = f"{hidden} more set{'s' * (hidden > 1)}"
            lines.append(Text(f"{more} that would: `scalegate report` and `--json` list all."))
        if way_out.more:
            lines.append(Text("There are more that were not worked out."))
    return Group(*lines)


def _facts(sets: Iterable[tuple[str, Iterable[ResumptionFact]]]) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right")
    table.add_column(justify="right", style="bold")
    table.add_column(overflow="fold")
    for number, facts in sets:
        for place, fact in enumerate(facts):
            table.add_row("" if place else number, KINDS[fact.kind], Text(fact.text))
    return table


def to_release(decision: Decision, project: Path) -> Iterator[str]:
    """The commands with which people bring about what would release a hold, and decide again; none if none does."""
    way_out = decision.resumption
    facts = [fact for facts in (way_out.first, *way_out.sets) for fact in facts] if way_out else []
    where = [] if project == Path() else ["--project", str(project)]
    commands: dict[str, list[str]] = {}
    for fact in facts:
        words, rest, who = _command(decision, fact)
        if words:
            commands.setdefault(f"{shlex.join([*words, *where])} {rest} --as", []).append(who)
    if commands:
        yield "Commands for that, with what stands in capitals filled in:"
        for command, people in commands.items():
            first, *others = dict.fromkeys(people)
            yield f"  {command} {first}" + (f"  (or {', '.join(others)})" if others else "")
        again = to_decide(decision.run, decision.action, decision.weights, decision.configuration, project=str(project))
        yield f"  {again}"


SIGNED = "--until DATE --statement TEXT"


def _command(decision: Decision, fact: ResumptionFact) -> tuple[list[str], str, str]:
    """The words of the command, what is to be filled in, and who gives it; none for what no command brings about."""
    match fact.concerns:
        case ("safeguard", safeguard):
            return ["scalegate", "attest", safeguard], SIGNED, "WHO"
        case ("approval", level, person):
            action = [] if decision.action == "train" else ["--action", decision.action]
            return ["scalegate", "approve", "--run", decision.run, *action, "--level", level], SIGNED, person
        case ("tier", tier):
            return ["scalegate", "adopters", tier], SIGNED, "WHO"
        case ("evaluation", domain, samples, flops):
            about = ["--run", decision.run, "--domain", domain, "--weights", decision.weights or "DIGEST"]
            size = ["--samples", samples, "--elicitation-flops", f"{flops} FLOP"]
            rest = "--task TEXT --task-version TEXT --dataset SHA256"
            return ["scalegate", "evidence", "announce", *about, *size], rest, "WHO"
        case _:
            return [], "", ""
