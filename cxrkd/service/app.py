"""The service: which requests there are, and what each answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException as AnyHTTPException

from cxrkd import __version__
from cxrkd.answers.verdict import Standing
from cxrkd.config import Member
from cxrkd.images.read import ACCEPTED
from cxrkd.runs.panel import Panel
from cxrkd.service import schema
from cxrkd.service.answering import Answering, FlaggedError
from cxrkd.service.page import page
from cxrkd.service.receiving import MOST_BYTES, Slots, film_bytes

NOT_FOR = "Research software: not for clinical use."
ABOUT = (
    "Teacher and student answer a chest radiograph. A film is sent as it is, as the body of one request; it stays in "
    f"memory, and nothing of it is kept or logged. {NOT_FOR}"
)
STATUSES = {
    400: "the film was broken off before its end",
    401: "a token is missing",
    403: "the request comes from a page of another site",
    408: "the film arrived too slowly",
    413: f"it has more than {MOST_BYTES / 1e6:,.0f} MB",
    415: f"it is no {ACCEPTED}",
    422: "it cannot be read as a radiograph, or the gate flags it; the sentence says why",
    429: "too many films at once; try again after Retry-After seconds",
    500: "the networks cannot answer it",
    503: "no film can be read now, or the service ends; try again",
}
NOT_ASKED = "Expected POST /classify with a film, or GET /labels, /health or /openapi.json; / tells more."
TAKES = ("image/png", "image/jpeg", "application/dicom", "application/octet-stream")
_FILE = {"schema": {"type": "string", "format": "binary"}}
_BODY = {"requestBody": {"required": True, "content": dict.fromkeys(TAKES, _FILE)}}


def service(panel: Panel, standings: Mapping[Member, Standing], slots: Slots | None = None) -> FastAPI:
    """The service of loaded networks, without its guard.

    Args:
        panel: the networks.
        standings: how far each can be relied on.
        slots: how many films are taken at once.
    """
    # The pages of FastAPI fetch their scripts from elsewhere; traces and metrics would say who asks what.
    app = FastAPI(
        title="cxrkd",
        version=__version__,
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False},
    )
    app.state.answering, app.state.slots = Answering(panel), slots or Slots()
    app.state.standings = standings
    app.get("/", include_in_schema=False)(_page)
    app.get("/health", response_model=schema.Health)(_health)
    app.get("/labels", response_model=schema.Known)(_labels)
    refused: dict[int | str, dict[str, Any]] = {
        status: {"model": schema.Problem, "description": why} for status, why in STATUSES.items()
    }
    app.post("/classify", response_model=schema.FilmAnswer, responses=refused, openapi_extra=_BODY)(_classify)
    app.exception_handler(AnyHTTPException)(_problem)
    app.exception_handler(RequestValidationError)(_wrong_request)
    return app


async def _classify(
    request: Request, force: Annotated[bool, Query(description="true answers what the gate flags, too")] = False
) -> JSONResponse:
    """What teacher and student say about one film, sent as the body of the request."""
    app = request.app
    with app.state.slots.one():
        try:
            data = await film_bytes(request)
            answer = await run_in_threadpool(app.state.answering.answer, data, force)
        except HTTPException:
            raise
        except asyncio.CancelledError:
            raise HTTPException(503, "The service ends. Send the film again when it is back.") from None
        except Exception as error:  # its own words may be of the film
            raise HTTPException(500, f"Something unexpected went wrong ({type(error).__name__}).") from None
    return JSONResponse(answer)


def _health(request: Request) -> schema.Health:
    """Whether the service answers; needs no token."""
    panel, slots = request.app.state.answering.panel, request.app.state.slots
    engines = {str(member): engine.name for member, engine in panel.engines.items()}
    return schema.Health(status="ok", run=panel.run.id, engines=engines, at_work=slots.taken, at_most=slots.at_most)


def _labels(request: Request) -> schema.Known:
    """Which labels are answered, and how good each network is at them."""
    run = request.app.state.answering.panel.run
    standing = {str(member): known.to_dict() for member, known in request.app.state.standings.items()}
    return schema.Known.model_validate(
        {"run": run.id, "labels": run.labels, "standing": standing, "accepts": ACCEPTED, "not_for": NOT_FOR}
    )


def _page(request: Request) -> HTMLResponse:
    return HTMLResponse(page(request.app.openapi(), str(request.base_url).rstrip("/")))


async def _problem(request: Request, error: Exception) -> JSONResponse:
    """Any refusal as a `Problem`."""
    status = getattr(error, "status_code", 500)
    gate = error.gate if isinstance(error, FlaggedError) else None
    detail = NOT_ASKED if status in (404, 405) else str(getattr(error, "detail", ""))
    document = {"detail": detail, "gate": gate}
    return JSONResponse(document, status, getattr(error, "headers", None))


async def _wrong_request(request: Request, error: Exception) -> JSONResponse:
    """A parameter that is none, without what was sent."""
    assert isinstance(error, RequestValidationError)
    where = ", ".join(sorted({str(one["loc"][-1]) for one in error.errors()}))
    return JSONResponse({"detail": f"Expected true or false for {where}.", "gate": None}, 422)
