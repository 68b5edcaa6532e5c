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
    as_json: AsJson = False,
) -> None:
    """Make a signing key, on the machine where it is to stay.

    The file is unencrypted and readable by you alone: whoever can read it can sign as you. It never overwrites a
    file. What it prints is the public half, which belongs under `key:` of your entry in the policy.
    """
    from scalegate.cli.wording import plain
    from scalegate.ledger import SigningKey
    from scalegate.policy.scalars import identifier

    with plain("NAME"):
        identifier(name)
    key = SigningKey.generate(name)
    file = out or Path(f"{name}.key")
    key.save(file)
    _say(key, file, as_json)


@app.command("show")
def show(file: Annotated[Path, typer.Argument(help="A signing key.")], as_json: AsJson = False) -> None:
    """Show the public half of a signing key."""
    from scalegate.ledger import SigningKey

    _say(SigningKey.load(file), file, as_json)


def _say(key: SigningKey, file: Path, as_json: bool) -> None:
    from scalegate.cli.show import emit

    public = key.verify_key.to_text()
    document = {"key": public, "name": key.name, "file": str(file)}
    emit(as_json, document, lambda: f"Signing key of `{key.name}`: {file}\nIn the policy: key: {public}")
