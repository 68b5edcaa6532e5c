"""`scalegate weights`: the digest of the files that a model is loaded from, and whether they are what was recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalegate.cli.options import AsJson

if TYPE_CHECKING:
    from scalegate.gate import Fold
    from scalegate.weights import Manifest

__all__ = ["app", "hashing", "named_by", "weights_of"]

app = typer.Typer(help="Hash the files of a model, and check them.", no_args_is_help=True)
Files = Annotated[Path, typer.Argument(metavar="FOLDER", help="What the model is loaded from: a folder, or one file.")]
Threads = Annotated[int | None, typer.Option("--threads", help="How many files are hashed at once.", min=1)]


@app.callback()
def weights() -> None:
    """Hash the files of a model, and check them."""


@app.command("digest")
def digest(
    folder: Files,
    out: Annotated[Path | None, typer.Option("--manifest", help="Write the manifest into this file.")] = None,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Print the digest of the files that a model is loaded from.

    It is the SHA-256 of their manifest: name, size and SHA-256 of each. Every file counts; links, pipes and names that
    collide by case or Unicode form are refused, as is what changes meanwhile.
    """
    from scalegate.cli.show import count, emit
    from scalegate.errors import InputError, Place
    from scalegate.ledger import _files
    from scalegate.weights import manifest_of

    if out is not None and out.resolve().is_relative_to(folder.resolve()):
        fix = "write it elsewhere: in the folder it is one of its files"
        raise InputError("the manifest would be one of the files that it lists", place=Place(file=str(out)), fix=fix)
    made = manifest_of(folder, threads=threads, progress=hashing(as_json))
    if out is not None:
        try:
            _files.replace(out, made.to_bytes(), mode=0o644)
        except OSError as error:
            raise InputError(f"cannot be written: {error.strerror}", place=Place(file=str(out))) from error
    document = _document(made) | ({"manifest": str(out)} if out is not None else {})
    written = f"\nManifest: {out}" if out is not None else ""
    emit(
        as_json,
        document,
        lambda: (
            f"{made.digest}\nof {count(len(made.files), 'file')}, {made.size:,} bytes, in {folder}{written}\n"
            f"OpenSSF model signing names the same files {made.openssf_root}, where nothing is ignored"
        ),
    )


@app.command("check")
def check(
    folder: Files,
    manifest: Annotated[Path | None, typer.Option("--manifest", help="The manifest that was recorded.")] = None,
    recorded: Annotated[str | None, typer.Option("--digest", help="The digest that was recorded.")] = None,
    threads: Threads = None,
    as_json: AsJson = False,
) -> None:
    """Check that what lies in a folder is what was recorded.

    Exit 4 if it is not: another file, one more, one less, a link, or what cannot be read. A script that loads it does
    so inside `scalegate.weights.loading`, which checks again afterwards.
    """
    from scalegate.cli.show import count, emit
    from scalegate.errors import InputError, NotVerified, Place
    from scalegate.weights import check as checked
    from scalegate.weights import read_manifest

    if manifest is None and recorded is None:
        raise InputError("it is not said what was recorded", fix="give `--manifest FILE` or `--digest DIGEST`")
    listed = read_manifest(manifest) if manifest is not None else None
    if listed is not None and recorded is not None and listed.digest != recorded:
        what = f"the manifest has the digest {listed.digest}, and `--digest` is {recorded}"
        raise NotVerified(what, place=Place(file=str(manifest)))
    found = checked(folder, listed or recorded or "", threads=threads, progress=hashing(as_json))
    emit(
        as_json,
        {"checked": True, **_document(found)},
        lambda: f"CHECKED: {count(len(found.files), 'file')}, {found.size:,} bytes, are those of {found.digest}",
    )


def weights_of(given: str, project: Path, *, as_json: bool = False) -> str:
    """The digest that weights are named by: as it was given, or by the files that were, which are hashed here.

    What was hashed, and what the ledger calls it, is told on standard error. Raises InputError for a digest of nothing,
    for files that cannot be hashed, and for those of which the ledger has several weights.
    """
    from scalegate.cli.project import reader
    from scalegate.errors import InputError, Place
    from scalegate.gate.project import Project
    from scalegate.weights import manifest_of
    from scalegate.weights.manifest import names_nothing

    if len(given) == 64 and set(given) <= set("0123456789abcdef"):
        if nothing := names_nothing(given):
            raise InputError(f"`--weights`: {nothing} names no weights", fix="name the files, and they are hashed")
        return given
    path = Path(given)
    if not path.exists() and not path.is_symlink():
        what = f"`{given}` is not a digest, and no file or folder is called so"
        fix = "write the 64 characters of 0-9 and a-f, or name what the model is loaded from"
        raise InputError(f"`--weights`: {what}", fix=fix)
    made = manifest_of(path, progress=hashing(as_json))
    with reader(Project(project)) as journal:
        known = named_by(made, journal.fold)
    if len(known) > 1:
        what = f"the ledger has these files as weights {known[0]} and as {known[1]}"
        raise InputError(what, place=Place(file=given), fix="say which: `--weights DIGEST`")
    found = known[0] if known else made.digest
    if not as_json:
        said = f"the ledger has them as {found}" if known else "the ledger does not have them"
        typer.echo(f"`--weights`: {len(made.files)} files, {made.size:,} bytes, {made.digest}: {said}", err=True)
    return found


def named_by(made: Manifest, fold: Fold) -> tuple[str, ...]:
    """The recorded weights that these files are: recorded with them, or by their digest, or by that of their sums."""
    from scalegate.gate.bookkeeping import weights_in
    from scalegate.gate.lineage import holders

    one = (made.files[0].sha256,) if len(made.files) == 1 and "/" not in made.files[0].name else ()
    own = {it for it in (made.digest, made.sums_digest, *one) if any(holders(fold.runs, it))}
    return tuple(sorted({*weights_in(fold.runs, made.digest), *own}))


def hashing(as_json: bool) -> Callable[[int, int], None] | None:
    """Shows on a terminal how far hashing has come."""
    import sys

    if as_json or not sys.stderr.isatty():
        return None
    shown = -1

    def show(done: int, whole: int) -> None:
        nonlocal shown
        part = 100 * done // whole if whole else 100
        if part != shown:
            shown = part
            typer.echo(f"\rhashed {part} % of {whole:,} bytes", nl=done == whole, err=True)

    return show


def _document(made: Manifest) -> dict[str, Any]:
    return {
        "digest": made.digest,
        "files": [{"name": it.name, "size": it.size, "sha256": it.sha256} for it in made.files],
        "bytes": made.size,
        "openssf_root": made.openssf_root,
    }
