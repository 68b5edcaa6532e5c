"""`scalegate bundle`: all that somebody outside needs to verify a ledger, in one file; and what is said of evidence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalegate.cli.options import HERE, AsJson, ProjectDir

if TYPE_CHECKING:
    from scalegate.gate.named_evidence import Found

__all__ = ["bundle", "evidence_lines"]


def bundle(
    out: Annotated[Path, typer.Argument(help="The file to make.")],
    project: ProjectDir = HERE,
    cosigned: Annotated[
        Path | None, typer.Option("--cosigned", help="The latest checkpoint with cosignatures of whom `--trust` names.")
    ] = None,
    trust: Annotated[
        Path | None, typer.Option("--trust", help="A trust file: what it says is put in. Default: the log's key.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Pack the ledger, its policy and its evidence for a regulator.

    It is verified first. What an entry says is withheld stays out; the words that begin a private key are refused where
    they stand as they are, not where they are compressed or escaped. The same ledger gives the same bytes: a tar file
    that `scalegate verify` takes. Every entry goes in: look before you give it away.
    """
    from scalegate.cli.project import ledger_of
    from scalegate.cli.show import count, emit
    from scalegate.errors import InputError, Place
    from scalegate.gate.bundle import bundle as packed
    from scalegate.gate.project import Project
    from scalegate.ledger.note import read_note

    note = read_note(cosigned) if cosigned is not None else None
    try:
        given = trust.read_bytes() if trust is not None else None
    except OSError as error:
        raise InputError(f"the trust file cannot be read: {error.strerror}", place=Place(file=str(trust))) from error
    made = packed(ledger_of(Project(project)), out, cosigned=note, trust=given)
    document = {"bundle": str(out), "files": made.files, "entries": made.replayed.entries}
    emit(
        as_json,
        document | {"evidence": made.evidence.document()},
        lambda: "\n".join(
            (
                f"Packed: {count(made.replayed.entries, 'entry', 'entries')} in {count(made.files, 'file')}: {out}",
                *evidence_lines(made.evidence),
                f"Check it: scalegate verify {out}",
            )
        ),
    )


def evidence_lines(found: Found) -> list[str]:
    """What is said of evidence: nothing where entries name none."""
    lines = []
    if found.right:
        lines.append(f"Evidence that is here and is what entries name: {len(found.right)}.")
    for it in found.withheld:
        at = ", ".join(map(str, it.withheld))
        lines.append(f"WITHHELD: {it.kind} {it.digest}, as is signed in entry {at}: what it says is not shown.")
    if found.missing:
        named = ", ".join(f"{it.digest[:12]} of entry {it.entries[0]}" for it in found.missing[:5])
        more = f" and {len(found.missing) - 5} more" if len(found.missing) > 5 else ""
        lines.append(
            f"MISSING: {len(found.missing)} that entries name, and that nobody who counts signed is withheld"
            f" ({named}{more})."
            " With `--whole` that is an error."
        )
    return lines
