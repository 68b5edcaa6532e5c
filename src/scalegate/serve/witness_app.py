"""A witness over HTTP, as C2SP tlog-witness has it: `add-checkpoint`, and the last checkpoint for monitors."""

from __future__ import annotations

import logging
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scalegate.errors import ScalegateError
from scalegate.ledger.witness import MAX_REQUEST, Answer, Witness

__all__ = ["witness_app"]

LOG = logging.getLogger(__name__)


def witness_app(witness: Witness) -> Starlette:
    """The application; it may be mounted under any prefix."""

    async def add_checkpoint(request: Request) -> Response:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MAX_REQUEST:
                return _response(Answer(413, f"a request is at most {MAX_REQUEST:,} bytes\n"))
        return await _answered(lambda: witness.add_checkpoint(bytes(body)))

    async def checkpoint(request: Request) -> Response:
        return await _answered(lambda: witness.checkpoint(request.path_params["origin"]))

    async def _answered(make: Callable[[], Answer]) -> Response:
        try:
            return _response(await run_in_threadpool(make))
        except ScalegateError as error:
            # What went wrong on this machine is for whoever keeps it.
            LOG.error("%s", error)
            return _response(Answer(500, "the witness cannot use what it remembers\n"))

    return Starlette(
        routes=[
            Route("/add-checkpoint", add_checkpoint, methods=["POST"]),
            Route("/{origin:str}/checkpoint", checkpoint, methods=["GET"]),
        ]
    )


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, headers={"content-type": answer.media_type})
