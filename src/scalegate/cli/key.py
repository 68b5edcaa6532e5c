"""`scalegate key`: a person makes their own key, and says which one it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scalegate.cli.options import AsJson

if TYPE_CHECKING:
    from scalegate.ledger import SigningKey

__all__ = ["app"]

app = typer.Typer(help="Make your own signing key, and show its public half.", no_args_is_help=True)


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Your id, as the policy names you.")],
    out: Annotated[Path | None, typer.Option("--out", help="File to write; default: NAME.key, here.")] = None,
    witness: Annotated[
        bool, typer.Option("--witness", help="A key that cosigns checkpoints of logs, and signs nothing else.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a signing key, on the machine where it is to stay.

    The file is unencrypted and readable by you alone: whoever can read it can sign as you. It never overwrites a
    file. What it prints is the public half, which belongs under `key:` of your entry in the policy.
    """
    from scalegate.cli.wording import plain
    from scalegate.ledger import SigningKey
    from scalegate.ledger.keys import COSIGNATURE, ED25519
    from scalegate.policy.scalars import identifier

    with plain("NAME"):
        key = SigningKey.generate(name if witness else identifier(name), COSIGNATURE if witness else ED25519)
    file = out or Path(f"{name.replace('/', '-')}.key")
    key.save(file)
    _say(key, file, as_json)


@app.command("show")
def show(file: Annotated[Path, typer.Argument(help="A signing key.")], as_json: AsJson = False) -> None:
    """Show the public half of a signing key."""
    from scalegate.errors import InputError
    from scalegate.ledger import SigningKey
    from scalegate.ledger.keys import COSIGNATURE

    try:
        key = SigningKey.load(file)
    except InputError as error:
        try:
            key = SigningKey.load(file, COSIGNATURE)
        except InputError:
            raise error from None
    _say(key, file, as_json)


def _say(key: SigningKey, file: Path, as_json: bool) -> None:
    from scalegate.cli.show import emit
    from scalegate.ledger.keys import ED25519

    public = key.verify_key.to_text()
    document = {"key": public, "name": key.name, "file": str(file)}
    where = f"In the policy: key: {public}"
    if key.verify_key.algorithm != ED25519:
        where = f"In a trust file: witness NAME {public} https://ITS.ADDRESS"
    emit(as_json, document, lambda: f"Signing key of `{key.name}`: {file}\n{where}")
