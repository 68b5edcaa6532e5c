"""How a checked policy looks in a terminal: whether it reads, what it lacks, then where it is weak."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from scalegate.cli.show import banner, count

__all__ = ["adoption_lines", "check_view"]

Document = dict[str, Any]
_UNCLEAR = {"may-be-weaker": "may be weaker: read it"}
EXPECTED = (
    "Expected to pass, as what they still ask for is in the hands of the policy's own people, or came out so each time"
)
_COLOURS = {"met": "green", "expected": "cyan", "holds": "yellow", "stop": "bold red"}


def check_view(document: Document) -> RenderableType:
    """`document`: what `policy check --json` prints."""
    lints = document["lints"]
    weak = [it for it in lints if it["severity"] == "weakness"]
    notes = [it for it in lints if it["severity"] == "note"]
    told = [count(len(weak), "weakness", "weaknesses"), count(len(notes), "note")]
    head = Text.assemble(
        f"{document['policy']} reads without a fault ({document['digest'][:12]}): ",
        (told[0], "bold yellow" if weak else ""),
        f" and {told[1]}{', below' if lints else ''}.",
    )
    parts: list[RenderableType] = [head, banner(document["inadequate"]), *_floors(document), _clauses(document)]
    parts += _lints("Weaknesses: it promises less than it seems to", weak, "bold yellow")
    parts += _lints("Notes: to be known", notes, "bold")
    parts += _coverage(document)
    if "since" in document:
        parts += _since(document["since"])
    if "against" in document:
        parts += _against(document["against"])
    return Group(*parts)


def _floors(document: Document) -> Iterator[RenderableType]:
    for it in document["floors"]:
        said = f": {it['title']} ({it['digest'][:12]}). {it['text'].replace('`', '')}"
        yield Text.assemble("Stands on ", (f"{it['name']} {it['version']}", "bold"), said)
    if document["floors"]:
        yield Text("")


def _clauses(document: Document) -> Table:
    table = _table("clause", "kind", "gates", "says")
    for clause in document["clauses"]:
        gates = ", ".join(clause["actions"]) if clause["gates"] else f"nothing ({clause['modality']})"
        table.add_row(escape(clause["id"]), clause["kind"], gates, escape(clause["text"]))
    return table


def _lints(title: str, lints: list[Document], style: str) -> Iterator[RenderableType]:
    if not lints:
        return
    yield Text(f"\n{title}", style=style)
    for _, group in groupby(lints, key=lambda it: it["code"]):
        found = list(group)
        yield Text.assemble("\n", (found[0]["code"], "bold"), f": {found[0]['title']}. {found[0]['why']}")
        for it in found:
            place = f"{it['place']['file']}:{it['place']['line']}:{it['place']['column']}"
            yield Padding(Text.assemble((place, "dim"), f" {it['about']}: {it['what']}"), (0, 0, 0, 2))
        for fix in dict.fromkeys(it["fix"] for it in found if it["fix"]):
            yield Padding(Text(f"fix: {fix}"), (0, 0, 0, 4))


def _coverage(document: Document) -> Iterator[RenderableType]:
    yield Text(
        "\nWhat its parts speak to (the five components of METR); whether they are good is not looked at", "bold"
    )
    table = _table("component", "has", "has not")
    for it in document["coverage"]:
        lacks = "; ".join(it["lacks"])
        table.add_row(
            f"{it['component']}\n[dim]{it['question']}[/]", escape("; ".join(it["has"]) or "nothing"), escape(lacks)
        )
    yield table
    modalities = ", ".join(f"{number} {name}" for name, number in document["modalities"].items())
    yield Text(f"Clauses by modality: {modalities or 'none'}.")


def _since(document: Document) -> Iterator[RenderableType]:
    changes = document["changes"]
    counted = {word: sum(it["code"] == word for it in changes) for word in ("weaker", *_UNCLEAR, "stricter", "changed")}
    # What may be weaker is no word for nothing: it stands in the headline where there is any.
    shown = [
        f"{number} {_UNCLEAR.get(word, word)}" for word, number in counted.items() if number or word not in _UNCLEAR
    ]
    tally = ", ".join(shown)
    yield Text(f"\nSince {document['policy']}: {tally if changes else 'nothing is changed'}", style="bold")
    table = _table("", "part", "what")
    for it in changes:
        style = {"weaker": "bold red", "may-be-weaker": "bold yellow"}.get(it["code"], "")
        table.add_row(Text(_UNCLEAR.get(it["code"], it["code"]), style=style), escape(it["about"]), escape(it["what"]))
    yield from _refused(document)
    if changes:
        yield table


def _refused(document: Document) -> Iterator[Text]:
    if document["refused"]:
        yield Text(f"It would not come into force, whoever signs: {document['refused']}.", style="bold red")


def _against(document: Document) -> Iterator[RenderableType]:
    decisions, holds = document["decisions"], document["holds"]
    if not decisions:
        headline = "No decision is on record: whether this gate ever holds is not known."
    elif not holds:
        headline = f"THIS GATE HAS NEVER HELD: {count(decisions, 'decision')} on record, none of them a HOLD."
    else:
        headline = f"{count(decisions, 'decision')} on record, {holds} of them HOLD."
    yield Text("\nWere it adopted now" if document["starts_anew"] else "\nIn force there", style="bold")
    yield Text(headline, style="bold red" if decisions and not holds else "")
    yield from _refused(document)
    runs = document["runs"]
    table = _table("clause", *(f"{it['run']}: {it['verdict']}" for it in runs), "has held")
    for it in document["record"]:
        row = [_now(run["clauses"].get(it["clause"])) for run in runs]
        table.add_row(escape(it["clause"]), *row, _ever(it))
    yield table
    yield from adoption_lines(document)


def adoption_lines(document: Document) -> Iterator[Text]:
    """What of a policy is met already, expected to pass, or met by nothing, and what has never held."""
    runs, record = document["runs"], document["record"]
    said = [(it["clause"], {run["clauses"].get(it["clause"]) for run in runs}) for it in record]
    expected = [name for name, now in said if "expected" in now and "stop" not in now]
    always = [it["clause"] for it in record if runs and all(run["clauses"].get(it["clause"]) == "met" for run in runs)]
    never = [it["clause"] for it in record if it["decisions"] and not it["holds"]]
    gone = [it["clause"] for it in record if all(it["clause"] not in run["clauses"] for run in runs) and it["holds"]]
    told: Iterable[tuple[list[str], str]] = (
        (always, "Met already, for whoever asks"),
        (expected, EXPECTED),
        *(
            ([name for name, now in run["clauses"].items() if now == "stop"], f"Nothing meets them for {_who(run)}")
            for run in runs
        ),
        (never, "Have never held"),
        (gone, "Have held, and are not about training here or not in this policy"),
    )
    for names, words in told:
        if names:
            yield Text(f"{words}: {', '.join(names)}.")
    yield from (Text(f"{it}.") for it in document["keys"])
    if document["starts_anew"]:
        yield Text("Its adoption ends what was attested, approved and recorded before: that is counted as not there.")


def _who(run: Document) -> str:
    """A run of the ledger by its name, and one that nobody has opened by what it is."""
    return run["run"] if " " in run["run"] else f"run `{run['run']}`"


def _now(status: str | None) -> str:
    return f"[{_COLOURS.get(status or '', 'dim')}]{status or 'not in it'}[/]"


def _ever(held: Document) -> str:
    if not held["decisions"]:
        return "not decided on yet"
    return f"{held['holds'] or 'never'}, in {count(held['decisions'], 'decision')}"


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(escape(name), overflow="fold")
    return table
