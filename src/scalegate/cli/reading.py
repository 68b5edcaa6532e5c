"""`scalegate policy show` and `policy list`: what a policy says, for people who read no conditions."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalegate.cli.options import AsJson, PolicyName, policy_file

if TYPE_CHECKING:
    from rich.console import RenderableType

    from scalegate.policy.published import Published
    from scalegate.report.promises import Promises

__all__ = ["register"]

STDOUT = Path("-")


def register(app: typer.Typer) -> None:
    """Put the commands on `scalegate policy`."""
    app.command("show")(show)
    app.command("list")(list_published)
    app.command("fmt")(fmt)


def show(
    path: PolicyName,
    html: Annotated[Path | None, typer.Option("--html", help="Write one HTML file.")] = None,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Write Markdown into a file; `-`: to standard output.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", help="Say what is in force on this day (UTC): 2027-01-31; default: today.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a policy as a document for people.

    Each sentence is made from what is evaluated. The policy's own sentence stands beside it.
    """
    import time

    from scalegate.cli.show import emit
    from scalegate.cli.wording import plain
    from scalegate.policy import load_policy
    from scalegate.report.gather_policy import gather_policy
    from scalegate.report.markdown import markdown as as_markdown
    from scalegate.report.write_policy import write_html, write_markdown
    from scalegate.units import parse_instant

    with plain("--at"):
        instant = int(time.time()) if at is None else parse_instant(at)
    document = gather_policy(load_policy(policy_file(path, quiet=as_json)), instant)
    written = {}
    if html is not None:
        written["html"] = str(write_html(document, html))
    if markdown is not None and markdown != STDOUT:
        written["markdown"] = str(write_markdown(document, markdown))
    if written:
        emit(as_json, written, lambda: "\n".join(f"Written: {out}" for out in written.values()))
    elif markdown is not None and not as_json:
        emit(False, {}, lambda: as_markdown(document).rstrip("\n"))
    else:
        emit(as_json, asdict(document), lambda: _view(document))


def _view(document: Promises) -> RenderableType:
    """The Markdown, under a banner that a terminal shows as such."""
    from rich.console import Group
    from rich.markdown import Markdown
    from rich.panel import Panel
    from rich.text import Text

    from scalegate.report.markdown import banner, body
    from scalegate.report.promises import HEADLINE

    head = Text(document.headline, style="bold")
    warning = Text(HEADLINE, style="bold white on red")
    reasons = [Text(f"- {reason}") for reason in banner(document)]
    text = Markdown("\n".join(body(document)), hyperlinks=False)
    return Group(head, Panel(Group(warning, *reasons), border_style="red"), text)


def list_published(as_json: AsJson = False) -> None:
    """List the published policies that come with scalegate.

    Where a command takes a policy file, the name of one does as well.
    """
    from scalegate.cli.show import emit
    from scalegate.policy.published import published

    documents = [_document(it) for it in published()]
    emit(as_json, {"policies": documents}, lambda: _listed(documents))


def fmt(
    path: Annotated[Path, typer.Argument(help="The policy file.")],
    check: Annotated[bool, typer.Option("--check", help="Change nothing: exit 2 if it is laid out otherwise.")] = False,
    as_json: AsJson = False,
) -> None:
    """Lay out a policy file: fields in one order, one indentation.

    Comments stay, and so does the digest; where they could not, nothing is written.
    """
    from scalegate.cli.show import emit
    from scalegate.errors import InputError, Place
    from scalegate.policy import load_policy
    from scalegate.policy.layout import lay_out_file
    from scalegate.report.publish import publish

    load_policy(path)
    text = path.read_bytes().decode("utf-8")
    shown = lay_out_file(text, name=str(path), beside=path.parent)
    changed = shown != text
    if changed and check:
        command = shlex.join(["scalegate", "policy", "fmt", str(path)])
        raise InputError("it is laid out otherwise", place=Place(file=str(path)), fix=command)
    if changed:
        publish(path.resolve(), shown.encode(), b"")
    word = "Laid out" if changed else "As it should be"
    emit(as_json, {"policy": str(path), "changed": changed}, lambda: f"{word}: {path}")


def _document(it: Published) -> dict[str, object]:
    from scalegate.gate.adequacy import inadequate
    from scalegate.policy import load_policy
    from scalegate.report.gather_policy import unadoptable, undefined_parts

    policy = load_policy(it.path)
    gates = sum(clause.gates for clause in policy.clauses)
    return {
        "name": str(it),
        "title": policy.title,
        "developer": policy.developer,
        "gates": gates,
        "aims": len(policy.clauses) - gates,
        "undefined": list(undefined_parts(policy)),
        "inadequate": len(inadequate(policy)),
        "cannot_be_adopted": list(unadoptable(policy)),
        "file": str(it.path),
    }


def _listed(documents: list[dict[str, object]]) -> str:
    from scalegate.cli.show import HEADLINE, count

    lines = []
    for it in documents:
        undefined, lacks = it["undefined"], it["cannot_be_adopted"]
        assert isinstance(undefined, list)
        assert isinstance(lacks, list)
        adopt = f"not to be adopted as it stands: {'; '.join(lacks)}" if lacks else "can be adopted as it stands"
        aims = count(int(str(it["aims"])), "aim or illustration", "aims or illustrations")
        lines += [
            f"{it['name']}: {it['title']}, {it['developer']}",
            f"  {count(int(str(it['gates'])), 'clause')} that gate{'s' if it['gates'] == 1 else ''}, {aims},"
            f" {count(len(undefined), 'part')} undefined",
            f"  {adopt}",
            f"  {HEADLINE}: {count(int(str(it['inadequate'])), 'reason')}",
        ]
    return "\n".join(lines) if lines else "No published policy comes with this version."
