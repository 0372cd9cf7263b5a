"""`clfnews serve`."""

from __future__ import annotations

from typing import Annotated

import typer

import clfnews
from clfnews.cli.options import Model
from clfnews.cli.terminal import echo


def serve(
    model: Model = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0: all of this machine.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any that is free.")] = 8000,
    max_mb: Annotated[float, typer.Option(min=0.01, max=64, help="Largest request, MiB.")] = 8.0,
    max_seconds: Annotated[float, typer.Option(min=1, max=600, help="Longest time of a request.")] = 30.0,
) -> None:
    """Serve a page to look at, and a JSON API: paste a text or upload HTML, see what is kept and why.

    POST /tag takes one row or a list, as JSON; GET /health, /version, /openapi.json.

    Example: clfnews serve --port 8000
    Example: clfnews serve --model models:/clfnews/1 --host 0.0.0.0
    """
    clfnews.serve(model, host=host, port=port, megabytes=max_mb, seconds=max_seconds, echo=echo)
