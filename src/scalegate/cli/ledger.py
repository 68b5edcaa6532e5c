"""`scalegate ledger`: what somebody outside is given of a ledger, and how they check it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalegate.cli.options import HERE, As, AsJson, KeyFile, ProjectDir

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalegate.ledger.receipt import Shown

__all__ = ["app"]

app = typer.Typer(help="Give others what they verify a ledger by.", no_args_is_help=True)
LedgerFile = Annotated[str, typer.Argument(help="The ledger file, or the address of one in PostgreSQL.")]
Entry = Annotated[int, typer.Argument(help="Number of the entry, from 0.", min=0)]
TrustFile = Annotated[Path, typer.Option("--trust", help="Trust file: keys of logs and witnesses, and the quorum.")]
Out = Annotated[Path | None, typer.Option("--out", help="Write it into a file, and not to standard output.")]


@app.callback()
def ledger() -> None:
    """Give others what they verify a ledger by."""


@app.command("export")
def export_log(
    file: LedgerFile,
    folder: Annotated[Path, typer.Argument(help="Folder for the files: a new one, or one of this log.")],
    cosigned: Annotated[
        Path | None, typer.Option("--cosigned", help="The checkpoint with cosignatures, as a witness gave it back.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a ledger as files for any web server.

    They are those of C2SP tlog-tiles, which others' programs read: the signed checkpoint, tiles of hashes, and the
    entries. Again into the same folder adds what is new. What is in it is all that the ledger holds: look before you
    publish it.
    """
    from scalegate.cli.show import emit
    from scalegate.errors import InputError, Place
    from scalegate.ledger import Ledger
    from scalegate.ledger.export import export
    from scalegate.ledger.note import lines_of, read_note

    with Ledger.open(file) as opened:
        lines: tuple[str, ...] = ()
        if cosigned is not None:
            note, latest = read_note(cosigned), opened.checkpoint() or ""
            lines = lines_of(note)
            if note[: note.rfind("\n\n")] != latest[: latest.rfind("\n\n")]:
                fix = "have the ledger's latest checkpoint cosigned: `scalegate ledger checkpoint`"
                raise InputError("it is not of the latest checkpoint", place=Place(file=str(cosigned)), fix=fix)
        done = export(opened, folder, lines, progress=_progress(as_json))
    document = {"folder": str(folder), "size": done.size, "root": done.root.hex(), "written": done.written}
    emit(
        as_json,
        document,
        lambda: (
            f"Exported: {done.size} entries, {done.written} files written into {folder}\n"
            f"Check it with the key that you know: scalegate verify {folder} --trust FILE"
        ),
    )


@app.command("checkpoint")
def show_checkpoint(file: LedgerFile, out: Out = None, as_json: AsJson = False) -> None:
    """Print the latest signed checkpoint, for somebody to keep.

    Whoever holds it sees with `scalegate verify --checkpoint` whether the ledger is a growth of what it was.
    """
    from scalegate.errors import InputError, Place
    from scalegate.ledger import Ledger

    with Ledger.open(file) as opened:
        note = opened.checkpoint()
        place = Place(file=opened.name)
    if note is None:
        raise InputError("the ledger has no entries yet", place=place)
    _give(note, out, {"checkpoint": note}, as_json)


@app.command("cosign")
def ask(
    file: LedgerFile,
    trust: TrustFile,
    out: Annotated[Path | None, typer.Option("--out", help="File for the checkpoint with its cosignatures.")] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Write it into the ledger, as a policy may ask: signed by `--as`.")
    ] = False,
    who: Annotated[str | None, typer.Option("--as", help="With `--record`: id of whoever signs.")] = None,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Have the latest checkpoint cosigned.

    Each witness of the trust file that has an address is asked. What was given is written into a file (`--out`) or into
    the ledger (`--record`); exit 4 if it is not the quorum that the file asks for.
    """
    from scalegate.cli.show import emit
    from scalegate.cli.witnessed import project_of, recorded, told
    from scalegate.errors import InputError, NotVerified, Place
    from scalegate.ledger import Ledger
    from scalegate.ledger.cosigners import ask_witnesses
    from scalegate.ledger.named import shown
    from scalegate.ledger.trust_file import read_trust

    if out is None and not record:
        raise InputError("it is not said where to", fix="give `--out FILE`, or `--record --as NAME`")
    if record is (who is None):
        what = "it is recorded by somebody" if record else "`--as` is for `--record`"
        raise InputError(what, fix="give `--record --as NAME`, or neither")
    known = read_trust(trust)
    with Ledger.open(file) as opened:
        asked = ask_witnesses(opened, known)
    by = [it.name for it, _ in asked.cosigned]
    without = "".join(f"\nWithout {name}: {why}" for name, why in asked.refused)
    document: dict[str, object] = {"cosigned": by, "refused": dict(asked.refused)}
    words = f"Cosigned by {', '.join(by) or 'nobody'}."
    if out is not None:
        _write(asked.note, out)
        document["written"], words = str(out), f"{words} Written: {out}"
    if who is not None and by:
        found = recorded(project_of(file), asked.note, who, key)
        document |= found
        words = f"{words}\n{told(found, project_of(file), who)}"
    emit(as_json, document, lambda: f"{words}{without}")
    if record and not by:
        raise NotVerified("nobody cosigned it, and nothing was recorded", place=Place(file=shown(file)))
    if not known.enough([it for it, _ in asked.cosigned]):
        raise NotVerified(f"these are not the {known.asks()}", place=Place(file=str(out) if out else shown(file)))


@app.command("record-cosigned")
def record_note(
    note: Annotated[Path, typer.Argument(help="The checkpoint with cosignatures, as a witness gave it back.")],
    who: As,
    proof: Annotated[
        bool, typer.Option("--proof", help="Also one that proves two histories: the ledger is then unsound, for good.")
    ] = False,
    project: ProjectDir = HERE,
    key: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Record what witnesses cosigned.

    Whoever the policy names may. What counts is what the witnesses signed, by the keys that the policy in force names,
    and only of this very ledger: an older cosignature counts by its own time. Exit 4 if it proves two histories.
    """
    from scalegate.cli.show import emit
    from scalegate.cli.witnessed import recorded, told
    from scalegate.gate.project import Project
    from scalegate.ledger.note import read_note

    place = Project(project)
    document = recorded(place, read_note(note), who, key, proof=proof)
    emit(as_json, document, lambda: told(document, place, who))


@app.command("entry")
def show_entry(file: LedgerFile, number: Entry, out: Out = None, as_json: AsJson = False) -> None:
    """Print an entry, as it is signed.

    It is a DSSE envelope around an in-toto statement: what a receipt is for.
    """
    from scalegate.ledger import Ledger

    with Ledger.open(file) as opened:
        envelope = opened.entry(number).decode("utf-8", "replace")
    _give(envelope, out, {"entry": number, "envelope": envelope}, as_json)


@app.command("receipt")
def make_receipt(
    file: LedgerFile,
    number: Entry,
    checkpoint: Annotated[
        Path | None,
        typer.Option("--checkpoint", help="A checkpoint of this ledger, perhaps cosigned; default: its latest."),
    ] = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Print a receipt: that an entry is in the ledger.

    In the form of C2SP tlog-proof; keep it as NAME.tlog-proof, with the entry (`scalegate ledger entry`).
    """
    from scalegate.ledger import Ledger
    from scalegate.ledger.note import read_note
    from scalegate.ledger.receipt import receipt_for

    with Ledger.open(file) as opened:
        made = receipt_for(opened, number, read_note(checkpoint) if checkpoint is not None else None).to_text()
    _give(made, out, {"entry": number, "receipt": made}, as_json)


@app.command("check-receipt")
def check_receipt(
    receipt: Annotated[Path, typer.Argument(help="The receipt.")],
    entry: Annotated[Path, typer.Argument(help="The entry, byte for byte.")],
    trust: TrustFile,
    as_json: AsJson = False,
) -> None:
    """Check that an entry is in a log that you trust.

    Offline, and without the ledger. Exit 4 if it is not shown.
    """
    from scalegate.cli.show import emit
    from scalegate.errors import InputError, NotVerified, Place
    from scalegate.ledger.note import read_note
    from scalegate.ledger.receipt import PROVES, Receipt, verify_receipt
    from scalegate.ledger.trust_file import read_trust

    data, known = read_note(entry).encode(), read_trust(trust)
    try:
        shown = verify_receipt(Receipt.from_text(read_note(receipt)), data, known)
    except (InputError, NotVerified) as error:
        at = error.place.entry if error.place else None
        raise type(error)(error.message, place=Place(file=str(receipt), entry=at), fix=error.fix) from error
    said = _said(data)
    document = {
        "verified": True,
        "entry": shown.index,
        "log": shown.log.to_text(),
        "size": shown.checkpoint.size,
        "root": shown.checkpoint.root.hex(),
        "cosigned": [{"witness": key.to_text(), "time": at} for key, at in shown.cosigned],
        "kind": said[0],
        "actor": said[1],
    }
    emit(as_json, document, lambda: f"{_found(shown, said)}\n{PROVES}")


def _found(shown: Shown, said: tuple[str, str]) -> str:
    from scalegate.units import format_instant

    by = ", ".join(f"{key.name} on {format_instant(at)}" for key, at in shown.cosigned)
    return (
        f"VERIFIED: entry {shown.index} of the {shown.checkpoint.size} of {shown.checkpoint.origin}, `{said[0]}`, which"
        f" says that it is by `{said[1]}`\nCosigned by {by or 'nobody whom the trust file names'}."
    )


def _said(entry: bytes) -> tuple[str, str]:
    """The kind of an entry, and who it says it is by: that is not verified by a receipt."""
    from scalegate.ledger import dsse
    from scalegate.ledger.entries import read_statement
    from scalegate.ledger.predicate import PREFIX

    statement = read_statement(dsse.parse(entry).payload)
    return statement.type_uri.removeprefix(PREFIX), statement.actor


def _write(text: str, out: Path) -> None:
    from scalegate.errors import InputError, Place

    try:
        out.write_bytes(text.encode())
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", place=Place(file=str(out))) from error


def _give(text: str, out: Path | None, document: dict[str, object], as_json: bool) -> None:
    """Print it as it is, without another newline, or write it into a file."""
    from scalegate.cli.show import emit

    if out is not None:
        _write(text, out)
        emit(as_json, document | {"written": str(out)}, lambda: f"Written: {out}")
    elif as_json:
        emit(True, document, lambda: "")
    else:
        typer.echo(text, nl=False)


def _progress(as_json: bool) -> Callable[[int, int], None] | None:
    import sys

    if as_json or not sys.stderr.isatty():
        return None
    return lambda done, whole: typer.echo(f"\r{done} of {whole} entries", nl=done == whole, err=True)
