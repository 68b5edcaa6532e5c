"""`scalegate witness`: cosign the logs of others, so that their owners show everybody the same one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(help="Cosign the logs of others.", no_args_is_help=True)


@app.callback()
def witness() -> None:
    """Cosign the logs of others."""


@app.command("serve")
def serve(
    key: Annotated[Path, typer.Option("--key", help="The witness's key: `scalegate key new NAME --witness`.")],
    trust: Annotated[Path, typer.Option("--trust", help="Trust file: its `log` lines are what is cosigned.")],
    state: Annotated[
        Path, typer.Option("--state", help="File with what was cosigned last: never put it back from a copy.")
    ] = Path("witness.db"),
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to listen on.", min=0, max=65535)] = 8091,
) -> None:
    """Serve the witness protocol of C2SP (tlog-witness).

    Logs post their checkpoints to /add-checkpoint and get a cosignature where the new one is a growth of the last.
    Put a server that speaks TLS in front of it. It looks at no entry, and cosigning says nothing of what they hold.
    """
    from scalegate.cli.passphrases import load
    from scalegate.errors import InputError, Place, lacking
    from scalegate.ledger.keys import COSIGNATURE
    from scalegate.ledger.trust_file import read_trust
    from scalegate.ledger.witness import Witness

    try:
        import uvicorn

        from scalegate.serve import witness_app
    except ModuleNotFoundError as error:
        raise lacking("a server", error.name, "serve") from error
    known = read_trust(trust)
    if not known.logs:
        raise InputError("it lists no log to cosign", place=Place(file=str(trust)), fix="add a line: `log VKEY`")
    made = Witness(state, load(key, COSIGNATURE), known.logs)
    logs = ", ".join(sorted({it.name for it in known.logs}))
    typer.echo(f"Witness {made.verify_key.to_text()}\nof {logs}", err=True)
    uvicorn.run(witness_app(made), host=host, port=port, log_level="warning", server_header=False)
