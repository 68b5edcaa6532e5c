"""`scalegate serve` and `join`: a project's ledger over HTTP, for others to read, and for people to sign from afar."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalegate.cli.options import HERE, AsJson, ProjectDir

if TYPE_CHECKING:
    from scalegate.gate import Journal

__all__ = ["join", "serve", "status_of"]

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
    import os
    import socket

    from scalegate.cli.project import ledger_of
    from scalegate.errors import InputError, Place, lacking
    from scalegate.gate.project import Project

    try:
        import uvicorn

        from scalegate.serve.desk import Desk
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
    try:
        # Before it is said where it is: it is let go again, and taken by the server.
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except OSError as error:
        what = f"nothing can be served at {host}:{port}: {os.strerror(error.errno or 0)}"
        raise InputError(what, fix="choose another") from error
    desk = Desk(ledger, log_key)
    try:
        named = desk.begin(_called)
    except BaseException:
        desk.close()
        raise
    logging.getLogger("scalegate.ledger.store").addFilter(Once())
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.WARNING)
    logging.getLogger("scalegate.serve").setLevel(logging.INFO)
    takes = "it takes nothing" if read_only else "it takes what people signed"
    typer.echo(f"Log {named}\nat http://{host}:{port}; {takes}", err=True)
    uvicorn.run(
        log_app(Served(ledger, log_key, status_of), desk=desk),
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=_MOST_AT_ONCE,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=10,
    )


def _called(journal: Journal) -> str:
    return f"{journal.ledger.origin}, {journal.fold.size} entries, key {journal.ledger.log_verify_key.to_text()}"


def join(
    url: Annotated[str, typer.Argument(help="Address of the server: https://HOST, perhaps with a path.")],
    folder: Annotated[Path, typer.Argument(help="Folder to make, or to put it into.")],
    log: Annotated[str, typer.Option("--log", help="The log's key, as you got it from whoever keeps the ledger.")],
    as_json: AsJson = False,
) -> None:
    """Make a project of a ledger that is served elsewhere.

    `scalegate status` and the commands with which people sign take the folder. What the server says is checked by the
    log's key, and you sign with your own, which stays here: as FOLDER/keys/NAME.key, or wherever `--key` says.
    """
    from shlex import quote

    from scalegate.cli.show import emit
    from scalegate.errors import InputError, Place
    from scalegate.gate.project import Project
    from scalegate.ledger.keys import VerifyKey
    from scalegate.ledger.served import ServedLedger, Server

    try:
        known = VerifyKey.from_text(log)
    except InputError as error:
        fix = "write it as `scalegate key show` of the log's key prints it: NAME+8 digits of hex+base64"
        raise InputError(f"`--log`: {error.message}", fix=fix) from error
    server, place = Server(known, url), Project(folder)
    if place.ledger.exists() or place.ledger.is_symlink():
        at = Place(file=str(place.ledger))
        raise InputError("a project, or part of one, is here already", place=at, fix="choose another folder")
    made = [it for it in (folder, *folder.parents) if not it.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        head = ServedLedger(place.ledger, server).refresh()
        place.keys.mkdir(mode=0o700, exist_ok=True)
        place.ledger.write_text(server.to_text(), encoding="utf-8")
    except BaseException:
        for it in made:
            if it.is_dir() and not any(it.iterdir()):
                it.rmdir()
        raise
    document = {"ledger": str(place.ledger), "log": head.origin, "entries": head.size, "root": head.root.hex()}
    words = (
        f"Joined {head.origin}, {head.size} entries, as {folder}.\nNext: put your key at {place.keys}/NAME.key, then"
        f" scalegate status -p {quote(str(folder))}"
    )
    emit(as_json, document, lambda: words)


def status_of(journal: Journal) -> dict[str, Any]:
    """What is told of runs and holds: first of all why the policy is inadequate, last the latest training decisions."""
    from scalegate.cli.status import status_document
    from scalegate.gate.adequacy import inadequate

    document = status_document(journal)
    # Of a file that lies on this machine, and may be anybody's draft.
    del document["file"]
    decisions = [it.to_json() for it in journal.fold.latest.values()]
    return {"inadequate": list(inadequate(journal.policy)), **document, "decisions": decisions}
