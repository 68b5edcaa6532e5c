"""A ledger over HTTP: the log as others' programs read it (C2SP tlog-tiles), proofs, and what people send in, signed.

Reading checks what it gives (`reading`); writing goes through `gate.submitted`. The server holds the log's key, if it
takes anything, and nobody's own. What a client is told of a fault is its reason; the rest is logged here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Annotated, Any, TypeVar

from fastapi import FastAPI, Path, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import ClientDisconnect

from scalegate._version import __version__
from scalegate.gate import Journal
from scalegate.gate.submitted import NotTaken, Taken, seconds_ahead, submit
from scalegate.ledger import SigningKey, dsse
from scalegate.ledger.schema import published, published_schema
from scalegate.ledger.tiles import WIDTH
from scalegate.serve.desk import MOST_READING, Desk
from scalegate.serve.faults import answer_faults, fault, problems
from scalegate.serve.limits import Limits
from scalegate.serve.reading import Missing, Shelf
from scalegate.serve.shapes import (
    ENVELOPE,
    Consistency,
    DecisionPage,
    EntryPage,
    EntryShown,
    Health,
    Inclusion,
    SchemaList,
    Submitted,
)
from scalegate.serve.shown import decisions_on_record, shown
from scalegate.text import escaped
from scalegate.training.beside import kept_beside
from scalegate.training.left import waiting

__all__ = ["Served", "log_app"]

LOG = logging.getLogger(__name__)
T = TypeVar("T")
MOST_A_PAGE = 100
KEPT_S = 5
"""For how long what was told of runs is told again, while nothing is appended."""
BODY_S = 10
"""How long a client has to send a body."""
AHEAD_S = 5
"""A statement that is dated so little after this machine's clock waits for it: no entry is dated to come."""
Index = Annotated[int, Path(ge=0, le=2**53, description="Number of the entry, from 0.", examples=[0])]


@dataclass(frozen=True)
class Served:
    """What is served, and how much of it."""

    ledger: FilePath
    log_key: SigningKey | None = None
    """None: nothing is taken."""
    status: Callable[[Journal], dict[str, Any]] | None = None
    """What is told of runs and holds; None: nothing is."""
    limits: Limits = field(default_factory=Limits)


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Pages(_Asked):
    start: int = Field(0, ge=0, le=2**53)
    limit: int = Field(MOST_A_PAGE, ge=1, le=MOST_A_PAGE)


class _Decisions(_Pages):
    run: str | None = Field(None, max_length=128, description="Only of this run.", examples=["run-1"])


class _Size(_Asked):
    size: int = Field(ge=1, le=2**53, description="Entries of the tree.", examples=[1])


class _Sizes(_Asked):
    old: int = Field(ge=1, le=2**53, examples=[1])
    new: int = Field(ge=1, le=2**53, examples=[1])


_TEXT: dict[str, Any] = {"content": {"text/plain": {"schema": {"type": "string"}}}}
_BINARY: dict[str, Any] = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
_READ = problems(404, 422, 503)


def log_app(served: Served, *, desk: Desk | None = None) -> FastAPI:
    """The application. `desk`: the thread that writes; made if it is not given, and closed at the end."""
    shelf, desk = Shelf(served.ledger), desk or Desk(served.ledger, served.log_key)
    reader = Desk(served.ledger, None, now=desk.now, most_waiting=MOST_READING)
    told = _kept(served.status) if served.status is not None else None

    @asynccontextmanager
    async def living(_: FastAPI) -> AsyncIterator[None]:
        yield
        for it in (desk, reader):
            await asyncio.get_running_loop().run_in_executor(None, it.close)

    app = FastAPI(
        title="scalegate ledger",
        version=__version__,
        summary="A signed append-only log of a training run's compute, evaluations and decisions.",
        description="That an entry is in the log does not make it true, and a PROCEED means that the clauses of one"
        " policy were met by signed evidence: not that the model is without danger.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=living,
    )
    answer_faults(app)

    @app.get("/health", responses=problems(503))
    def health() -> Health:
        """Whether the ledger can be read, and how far it goes."""
        with shelf.view() as view:
            at, key = view.checkpoint, view.ledger.log_verify_key.to_text()
            return Health(
                ok=True, log=at.origin, key=key, size=at.size, root=at.root.hex(), takes=desk.takes, now=desk.now()
            )

    @app.get("/checkpoint", response_class=Response, responses=problems(404, 503) | {200: _TEXT})
    def checkpoint() -> PlainTextResponse:
        """The latest signed head of the tree (C2SP tlog-checkpoint)."""
        with shelf.view() as view:
            return PlainTextResponse(view.note, headers={"cache-control": "no-cache"})

    @app.get("/tile/{path:path}", response_class=Response, responses=_READ | {200: _BINARY})
    def tile(
        path: Annotated[
            str,
            Path(
                max_length=80,
                description="`<L>/<N>[.p/<W>]`, or `entries/<N>[.p/<W>]`.",
                examples=["0/000.p/1", "entries/000.p/1"],
            ),
        ],
    ) -> Response:
        """Hashes, or entries each with its length before it (C2SP tlog-tiles)."""
        with shelf.view() as view:
            found, data = view.tile(f"tile/{path}")
        # Only what is full never changes.
        kept = "public, max-age=31536000, immutable" if found.width == WIDTH else "no-cache"
        return Response(data, media_type="application/octet-stream", headers={"cache-control": kept})

    @app.get("/entries", responses=problems(422, 503))
    def entries(asked: Annotated[_Pages, Query()]) -> EntryPage:
        """Entries in order."""
        with shelf.view() as view:
            start = min(asked.start, view.size)
            stop = min(start + asked.limit, view.size)
            found = [shown(start + at, it) for at, it in enumerate(view.entries(start, stop))]
            return EntryPage(size=view.size, entries=found, next=stop if stop < view.size else None)

    @app.get("/entries/{index}", responses=_READ)
    def entry(index: Index) -> EntryShown:
        """One entry."""
        with shelf.view() as view:
            view.receipt(index)
            return shown(index, view.ledger.entry(index))

    @app.get("/entries/{index}/receipt", response_class=Response, responses=_READ | {200: _TEXT})
    def receipt(index: Index) -> PlainTextResponse:
        """That an entry is in the log, to be checked offline (C2SP tlog-proof)."""
        with shelf.view() as view:
            return PlainTextResponse(view.receipt(index).to_text())

    @app.get("/entries/{index}/inclusion", responses=_READ)
    def inclusion(index: Index, asked: Annotated[_Size, Query()]) -> Inclusion:
        """That an entry is in the tree of so many entries."""
        with shelf.view() as view:
            leaf, root, hashes = view.inclusion(index, asked.size)
        return Inclusion(
            index=index, size=asked.size, leaf=leaf.hex(), root=root.hex(), hashes=[it.hex() for it in hashes]
        )

    @app.get("/consistency", responses=_READ)
    def consistency(asked: Annotated[_Sizes, Query()]) -> Consistency:
        """That the tree of `new` entries grew from that of `old`."""
        with shelf.view() as view:
            before, after, hashes = view.consistency(asked.old, asked.new)
        named = {"old_root": before.hex(), "new_root": after.hex(), "hashes": [it.hex() for it in hashes]}
        return Consistency(old=asked.old, new=asked.new, **named)

    @app.get("/decisions", responses=problems(422, 503))
    async def decisions(asked: Annotated[_Decisions, Query()]) -> DecisionPage:
        """Decisions on record, holds too."""
        return await reader.do(lambda journal: decisions_on_record(journal, asked.start, asked.limit, asked.run))

    @app.get("/status", responses=problems(404, 503))
    async def status() -> dict[str, Any]:
        """The policy in force, each run with its latest decision, what waits for signatures, and what is at fault."""
        if told is None:
            raise Missing("it is not told here")
        return await reader.do(told)

    @app.get("/schemas")
    def schemas() -> SchemaList:
        """The JSON Schemas of what a statement may hold, one for each kind of entry."""
        return SchemaList(schemas=list(published()))

    @app.get(
        "/schemas/{name}",
        response_class=Response,
        responses=problems(404, 422) | {200: {"content": {"application/schema+json": {"schema": {"type": "object"}}}}},
    )
    def schema(name: Annotated[str, Path(max_length=80, examples=["approval.v0.1.schema.json"])]) -> Response:
        """One JSON Schema."""
        if name not in published():
            raise Missing("there is no such schema")
        return Response(published_schema(name), media_type="application/schema+json")

    @app.post(
        "/entries",
        status_code=201,
        response_model=Submitted,
        responses=problems(400, 403, 408, 409, 413, 415, 429, 503)
        | {200: {"model": Submitted, "description": "It was there already."}},
        openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": ENVELOPE}}}},
    )
    async def append(request: Request) -> JSONResponse:
        """Send in a statement that was signed elsewhere. Sent again, it is the same entry."""
        client = request.client.host if request.client else ""
        if wait := served.limits.wait(client):
            return fault(
                429, "too many", "too many came from there", "send it later", headers={"retry-after": f"{wait + 1:.0f}"}
            )
        if not desk.takes:
            return fault(403, "takes nothing", "nothing is taken here: this server only shows the ledger", None)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            return fault(415, "malformed", "the body is not said to be JSON", "send it as application/json")
        body = await _body(request)
        if isinstance(body, Response):
            return body
        ahead = seconds_ahead(body, desk.now())
        if 0 < ahead <= AHEAD_S:
            await asyncio.sleep(ahead)
        return await _taken(shelf, desk, body)

    return app


def _kept(status: Callable[[Journal], dict[str, Any]]) -> Callable[[Journal], dict[str, Any]]:
    """The same, worked out once for each size of the ledger and some seconds: it decides again on every run."""
    last: list[tuple[tuple[int, int], dict[str, Any]]] = []

    def told(journal: Journal) -> dict[str, Any]:
        at = journal.fold.size, journal.now() // KEPT_S
        if not last or last[0][0] != at:
            last[:] = [(at, status(journal))]
        return last[0][1]

    return told


async def _taken(shelf: Shelf, desk: Desk, body: bytes) -> JSONResponse:
    def write(journal: Journal) -> Taken:
        return submit(journal, body, lambda: waiting(journal, kept_beside(journal.ledger.path)))

    try:
        taken = await desk.do(write)
    except NotTaken as error:
        LOG.info("not taken (%s): %s", error.why, escaped(error.message))
        raise
    kind = taken.entry.type_uri
    if not taken.again:
        LOG.info("entry %d: %s, signed by %s", taken.index, kind, taken.entry.actor)

    def proof() -> str:
        with shelf.view() as view:
            return view.receipt(taken.index).to_text()

    answer = Submitted(
        entry=taken.index,
        statement=taken.statement,
        kind=kind,
        actor=taken.entry.actor,
        again=taken.again,
        refused=taken.refused,
        receipt=await asyncio.to_thread(proof),
    )
    return JSONResponse(answer.model_dump(), 200 if taken.again else 201)


async def _body(request: Request) -> bytes | JSONResponse:
    """The body of a request; or why it is not read to its end."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for part in request.stream():
                body += part
                if len(body) > dsse.MAX_ENVELOPE_BYTES:
                    what = f"a statement is at most {dsse.MAX_ENVELOPE_BYTES:,} bytes"
                    return fault(413, "too large", what, "keep bulk evidence in a file and name its digest")
    except ClientDisconnect:
        return fault(400, "malformed", "the body was cut off", "send it again")
    except TimeoutError:
        return fault(408, "too slow", f"the body took more than {BODY_S} s", "send it again")
    return bytes(body)
