"""What a client is told where there is no other answer: one form for every fault."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from scalegate.errors import ScalegateError
from scalegate.gate.submitted import NotTaken
from scalegate.serve.desk import Busy
from scalegate.serve.reading import Missing
from scalegate.serve.shapes import Fault, Problem, Reason

__all__ = ["answer_faults", "fault", "problems"]

LOG = logging.getLogger(__name__)
_STATUS = {"malformed": 400, "kind": 403, "signer": 403, "counts for nothing": 409}
_WORDS = {
    400: "It is not understood.",
    403: "It is not taken from whoever sent it.",
    404: "There is none.",
    408: "It came too slowly.",
    409: "As the ledger stands it would count for nothing.",
    413: "It is too large.",
    415: "It is not JSON.",
    422: "A parameter is not as it is described.",
    429: "Too many came from there.",
    503: "The ledger cannot be read, or too much waits for it.",
}


def problems(*codes: int) -> dict[int | str, dict[str, Any]]:
    """The faults of a path, as its description has them."""
    return {code: {"model": Problem, "description": _WORDS[code]} for code in codes}


def answer_faults(app: FastAPI) -> None:
    """Every fault becomes one answer of the same form."""

    async def ours(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, ScalegateError)
        entry = error.place.entry if error.place else None
        if isinstance(error, NotTaken):
            return fault(_STATUS[error.why], error.why, error.message, error.fix)
        if isinstance(error, Missing):
            return fault(404, "not there", error.message, error.fix)
        if isinstance(error, Busy):
            return fault(503, "too many", error.message, error.fix, headers={"retry-after": "5"})
        # Where it is on this machine is for whoever keeps it.
        LOG.error("%s", error)
        return fault(503, "ledger", error.message, error.fix, entry=entry)

    async def unread(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = ".".join(str(it) for it in first["loc"])
        return fault(422, "malformed", f"`{where}`: {first['msg']}", "see /openapi.json")

    async def other(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        headers = dict(error.headers or {})
        if error.status_code == 405:
            # Of all that is served at this path, and not of the first alone.
            taken = [
                it for it in app.routes if isinstance(it, Route) and it.matches(request.scope)[0] is not Match.NONE
            ]
            headers["allow"] = ", ".join(sorted({name for it in taken for name in it.methods or ()}))
        return fault(error.status_code, "no such request", error.detail, "see /openapi.json", headers=headers)

    handlers: dict[type[Exception], Callable[[Request, Exception], Awaitable[JSONResponse]]] = {
        ScalegateError: ours,
        RequestValidationError: unread,
        HTTPException: other,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def fault(
    status: int,
    reason: Reason,
    message: str,
    fix: str | None,
    *,
    entry: int | None = None,
    headers: dict[str, str] | None = None,
) -> JSONResponse:
    """An answer that says what is wrong."""
    problem = Problem(error=Fault(reason=reason, message=message, fix=fix, entry=entry))
    return JSONResponse(problem.model_dump(), status, headers)
