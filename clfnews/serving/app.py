"""The web application: its addresses, and what every answer has in common."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from clfnews.errors import MachineError
from clfnews.filtering.filter import PageFilter
from clfnews.serving import schemas
from clfnews.serving.body import read_body
from clfnews.serving.forms import Field, parse_form
from clfnews.serving.headers import Guard
from clfnews.serving.limits import Limits, Refused, Turns
from clfnews.serving.view import Templates
from clfnews.serving.work import RowOptions, Shown, Work
from clfnews.version import __version__

_DESCRIPTION = """Which lines of a news page are the article, and its stance.

A row is a page; it is read as `clfnews tag` reads a row of JSON. A row that cannot be read is answered by its `error`."""
_ROWS: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"anyOf": [row := {"$ref": "#/components/schemas/RowIn"}, {"type": "array", "items": row}]},
            "examples": {
                "text": {"value": {"text": "Headline\nFirst paragraph.\nRead more\nSubscribe"}},
                "rows": {"value": [{"id": 1, "html": "<h1>Headline</h1><p>First paragraph.</p>"}, {"text": "Headline"}]},
            },
        }
    },
}
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": schemas.Problem, "description": description}
    for status, description in {
        400: "The body is not JSON.",
        408: "The body did not arrive in time.",
        413: "The body is too large, or has too many rows.",
        415: "The body is not called JSON.",
        422: "The only row cannot be read, or a parameter is wrong.",
        503: "Too much to do; try again in a moment.",
        504: "The request took too long.",
    }.items()
}


def make_app(page_filter: PageFilter, limits: Limits | None = None, *, hosts: frozenset[str] | None = None) -> Guard:
    """The ASGI application that serves a filter.

    Parameters: `limits` of requests; `hosts`, names under which it may be asked for
    (None: any). A server of this machine alone names itself, so that a foreign site
    whose name leads here (DNS rebinding) is not answered.
    """
    limits = limits or Limits()
    # FastAPI's own pages of the description load scripts from the network.
    app = FastAPI(title="clfnews", version=__version__, description=_DESCRIPTION, docs_url=None, redoc_url=None)
    _add_errors(app)
    work, turns = Work(page_filter, limits), Turns(limits)
    _add_tag(app, work, turns)
    _add_facts(app, page_filter)
    _describe_rows(app)
    _add_page(app, work, turns, Templates(page_filter, limits))
    return Guard(app, hosts)


def _add_tag(app: FastAPI, work: Work, turns: Turns) -> None:
    limits, page_filter = work.limits, work.page_filter
    answer_row: Any = schemas.page_out(page_filter.tasks) | schemas.RowError

    @app.post(
        "/tag",
        summary="Tag one page, or a list of pages",
        response_model=answer_row | list[answer_row],
        responses=_PROBLEMS,
        openapi_extra={"requestBody": _ROWS},
    )
    async def tag(
        request: Request,
        lines: Annotated[str, Query(pattern="^(all|kept)$", description="`all`, as clfnews tag, or `kept`, as filter.")] = "all",
        threshold: Annotated[
            float | None, Query(ge=0, le=1, description="Keep lines from this p(article) on. Default: the model's.")
        ] = None,
        events: Annotated[bool, Query(description="Whether pages get `events`: who does what to whom.")] = False,
    ) -> Response:
        """An object gives an object, a list gives a list in its order."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refused(415, "send JSON, with the header Content-Type: application/json")
        if events and page_filter.no_events:
            raise Refused(422, f"events: {page_filter.no_events}")
        body, until = await read_body(request, limits), time.monotonic() + limits.seconds
        answer, bad = await turns.run(work.tag_json, body, RowOptions(lines == "all", threshold, events), until)
        return JSONResponse(answer, 422 if bad else 200)


def _add_facts(app: FastAPI, page_filter: PageFilter) -> None:
    """What a load balancer and a user ask of the server itself."""

    @app.head("/health", include_in_schema=False)
    @app.get("/health", summary="Whether the server is up", response_model=schemas.Health)
    async def health() -> Response:
        return JSONResponse({"status": "ok"})

    @app.get("/version", summary="Versions of package and model", response_model=schemas.Version)
    async def version() -> Response:
        meta = page_filter.meta()
        known = {"clfnews": __version__, **asdict(page_filter.origin)}
        known |= {key: meta[key] for key in ("name", "models", "threshold")}
        return JSONResponse(known)


def _describe_rows(app: FastAPI) -> None:
    described = app.openapi

    def with_rows() -> dict[str, Any]:
        """The description, with the schema of the rows that are read here and not by FastAPI."""
        found = described()
        found["components"]["schemas"]["RowIn"] = schemas.RowIn.model_json_schema()
        return found

    app.openapi = with_rows  # type: ignore[method-assign]


def _add_page(app: FastAPI, work: Work, turns: Turns, templates: Templates) -> None:
    limits = work.limits

    @app.head("/", include_in_schema=False)
    @app.get("/", include_in_schema=False)
    async def page(example: str | None = None) -> Response:
        return HTMLResponse(templates.empty(templates.example(example)))

    @app.post("/", include_in_schema=False)
    async def show(request: Request) -> Response:
        try:
            body, until = await read_body(request, limits), time.monotonic() + limits.seconds
            data, name, text = _chosen(parse_form(body, request.headers.get("content-type", "")))
            shown: Shown = await turns.run(work.tag_page, data, name, until)
        except Refused as refused:
            return HTMLResponse(templates.problem(refused.reason), refused.status)
        except ValueError as error:
            return HTMLResponse(templates.problem(str(error)), 400)
        if shown.tagged is None:
            return HTMLResponse(templates.problem(shown.problem or "", text), 422)
        return HTMLResponse(await turns.run(templates.result, work, shown, text))

    @app.get("/static/{name}", include_in_schema=False)
    async def static(name: str) -> Response:
        found = templates.static.get(name)
        if found is None:
            raise HTTPException(404)
        return Response(found[0], media_type=found[1], headers={"Cache-Control": "no-cache"})


def _chosen(fields: dict[str, Field]) -> tuple[bytes, str, str]:
    """Bytes and name of the page, and the text to show in the form again: a file that was chosen comes first."""
    file, pasted = fields.get("file", Field(b"")), fields.get("text", Field(b"")).value
    if file.filename:
        return file.value, file.filename, pasted.decode("utf-8", "replace")
    if not pasted.strip():
        raise ValueError("there is nothing to read: paste a text, or choose a file")
    return pasted, "pasted", pasted.decode("utf-8", "replace")


def _add_errors(app: FastAPI) -> None:
    """Every error is one line of JSON; what is not foreseen is in the log of the server only."""

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> Response:
        retry = {"Retry-After": "5"} if error.status == 503 else None
        return JSONResponse({"error": error.reason}, error.status, retry)

    @app.exception_handler(RequestValidationError)
    async def wrong_parameter(_: Request, error: RequestValidationError) -> Response:
        said = "; ".join(f"{problem['loc'][-1]}: {problem['msg']}" for problem in error.errors())
        return JSONResponse({"error": said}, 422)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        said = {404: "no such address; the API is described at /openapi.json", 405: f"{request.method} is not for this address"}
        return JSONResponse({"error": said.get(error.status_code, error.detail)}, error.status_code, error.headers)

    @app.exception_handler(MachineError)
    async def machine(_: Request, error: MachineError) -> Response:
        return JSONResponse({"error": str(error)}, 503)

    @app.exception_handler(MemoryError)
    async def memory(_: Request, __: MemoryError) -> Response:
        return JSONResponse({"error": "not enough memory; send less at once"}, 503)

    @app.exception_handler(Exception)
    async def unforeseen(_: Request, __: Exception) -> Response:
        return JSONResponse({"error": "a fault of the server; its log has more"}, 500)
