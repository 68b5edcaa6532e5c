"""`scalegate serve`: a project's ledger over HTTP, for others to read, and for people to send in what they signed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalegate.cli.options import HERE, ProjectDir

if TYPE_CHECKING:
    from scalegate.gate import Journal

__all__ = ["serve", "status_of"]

_MOST_AT_ONCE = 64
"""Connections and requests under way: with more, a client is told to come again."""


def serve(
    project: ProjectDir = HERE,
    host: Annotated[str, typer.Option("--host", help="Address to listen on; by default this machine alone.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option("--port", help="Port to listen on.", min=0, max=65535)] = 8092,
    read_only: Annotated[bool, typer.Option("--read-only", help="Show the ledger, and take nothing.")] = False,
) -> None:
    """Serve a project's ledger over HTTP.

    Anybody who can reach it reads all of the log. What people signed on their own machines is taken as if it were
    signed here, and anything else is refused; only the gate decides. It needs the log's key, and of nobody else's any.
    Put a server that speaks TLS in front of it. /openapi.json describes it.
    """
    from scalegate.cli.project import ledger_of
    from scalegate.errors import InputError, Place, lacking
    from scalegate.gate import Journal
    from scalegate.gate.project import Project

    try:
        import uvicorn

        from scalegate.serve.log_app import Served, log_app
        from scalegate.serve.reading import Once
    except ModuleNotFoundError as error:
        raise lacking("a server", error.name, "serve") from error
    place = Project(project)
    ledger, key_file = ledger_of(place), place.keys / "log.key"
    if not read_only and not key_file.is_file():
        fix = "put it back, or serve with `--read-only`"
        raise InputError(
            "the log's key is not here, and without it nothing is taken", place=Place(file=str(key_file)), fix=fix
        )
    log_key = None if read_only else place.key("log")
    with Journal.open(ledger, log_key=log_key) as journal:
        # All of it is read once before anybody is served a part.
        named = f"{journal.ledger.origin}, {journal.fold.size} entries, key {journal.ledger.log_verify_key.to_text()}"
    logging.getLogger("scalegate.ledger.store").addFilter(Once())
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.WARNING)
    logging.getLogger("scalegate.serve").setLevel(logging.INFO)
    takes = "it takes nothing" if read_only else "it takes what people signed"
    typer.echo(f"Log {named}\nat http://{host}:{port}; {takes}", err=True)
    uvicorn.run(
        log_app(Served(ledger, log_key, status_of)),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=_MOST_AT_ONCE,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=10,
    )


def status_of(journal: Journal) -> dict[str, Any]:
    from scalegate.cli.status import status_document

    document = status_document(journal)
    # Of a file that lies on this machine, and may be anybody's draft.
    del document["file"]
    return document
