"""`scalegate key`: a person makes their own key, says which one it is, and puts another in its place or ends it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalegate.cli.hands import revoke, rotate
from scalegate.cli.options import AsJson

if TYPE_CHECKING:
    from scalegate.ledger import VerifyKey

__all__ = ["app"]

app = typer.Typer(help="Make, show, replace or revoke your signing key.", no_args_is_help=True)
app.command("rotate")(rotate)
app.command("revoke")(revoke)

NoPassphrase = Annotated[
    bool, typer.Option("--no-passphrase", help="Do not encrypt it: whoever can read the file can sign.")
]


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Your id, as the policy names you.")],
    out: Annotated[Path | None, typer.Option("--out", help="File to write; default: NAME.key, here.")] = None,
    witness: Annotated[
        bool, typer.Option("--witness", help="A key that cosigns checkpoints of logs, and signs nothing else.")
    ] = False,
    no_passphrase: NoPassphrase = False,
    as_json: AsJson = False,
) -> None:
    """Make a signing key, on the machine where it is to stay.

    It is encrypted under a passphrase that is asked for twice, and readable by you alone. A script names a file that
    has it: SCALEGATE_PASSPHRASE_FILE. It never overwrites a file. What it prints is the public half, which belongs
    under `key:` of your entry in the policy.
    """
    from scalegate.cli.passphrases import new_passphrase
    from scalegate.cli.wording import plain
    from scalegate.errors import InputError, Place
    from scalegate.ledger import SigningKey
    from scalegate.ledger.keys import COSIGNATURE, ED25519
    from scalegate.policy.scalars import identifier

    with plain("NAME"):
        key = SigningKey.generate(name if witness else identifier(name), COSIGNATURE if witness else ED25519)
    file = out or Path(f"{name.replace('/', '-')}.key")
    if file.exists() or file.is_symlink():
        # Before anybody types a passphrase for nothing.
        raise InputError("a file is there already", place=Place(file=str(file)), fix="choose another path")
    key.save(file, None if no_passphrase else new_passphrase(file))
    _say(key.verify_key, file, as_json, encrypted=not no_passphrase)


@app.command("show")
def show(file: Annotated[Path, typer.Argument(help="A signing key.")], as_json: AsJson = False) -> None:
    """Show the public half of a signing key. It takes no passphrase."""
    from scalegate.ledger.keys import is_encrypted

    _say(_public(file), file, as_json, encrypted=is_encrypted(file))


@app.command("passphrase")
def passphrase(
    file: Annotated[Path, typer.Argument(help="A signing key.")],
    new_file: Annotated[
        Path | None, typer.Option("--new-file", help="File, of mode 0600, with the new one; else it is asked for.")
    ] = None,
    no_passphrase: NoPassphrase = False,
    as_json: AsJson = False,
) -> None:
    """Change the passphrase of a signing key, or give it one.

    The key stays what it is. Copies of the file from before open with the passphrase from before.
    """
    from scalegate.cli.passphrases import asker, load, new_passphrase
    from scalegate.errors import InputError, Place
    from scalegate.ledger.passphrase import read_passphrases

    if new_file is not None and no_passphrase:
        raise InputError("it is to have a passphrase or none", fix="give `--new-file` or `--no-passphrase`")
    public = _public(file)
    if new_file is None and not no_passphrase and asker() is None:
        raise InputError(
            "nobody is here to be asked for the new passphrase",
            place=Place(file=str(file)),
            fix="`--new-file FILE` names a file that has it",
        )
    key = load(file, public.algorithm)
    if no_passphrase:
        secret = None
    else:
        secret = read_passphrases(new_file)[0] if new_file is not None else new_passphrase(file, stated_too=False)
    key.save(file, secret, replace=True)
    _say(public, file, as_json, encrypted=not no_passphrase)


def _public(file: Path) -> VerifyKey:
    """The public half of a key's file, of either kind."""
    from scalegate.errors import InputError
    from scalegate.ledger.keys import COSIGNATURE, public_half

    try:
        return public_half(file)
    except InputError as error:
        try:
            return public_half(file, COSIGNATURE)
        except InputError:
            raise error from None


def _say(key: VerifyKey, file: Path, as_json: bool, *, encrypted: bool) -> None:
    from scalegate.cli.show import emit
    from scalegate.ledger.keys import ED25519

    public = key.to_text()
    document = {"key": public, "name": key.name, "file": str(file), "encrypted": encrypted}
    where = f"In the policy: key: {public}"
    if key.algorithm == ED25519 and "/" in key.name:
        # Nobody is called so, and every log is.
        where = f"In a trust file: log {public}"
    elif key.algorithm != ED25519:
        where = f"In a trust file: witness NAME {public} https://ITS.ADDRESS"
    how = "under a passphrase" if encrypted else "unencrypted: whoever can read it can sign"
    emit(as_json, document, lambda: f"Signing key of `{key.name}`: {file}, {how}\n{where}")
