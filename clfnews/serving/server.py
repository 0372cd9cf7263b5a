"""A server on one address, until it is stopped."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress

from clfnews.errors import UserError
from clfnews.filtering.filter import PageFilter
from clfnews.serving.headers import LOCAL_HOSTS
from clfnews.serving.limits import Limits

_CONNECTIONS = 256
"""More connections at a time are answered with 503."""


def serve_filter(page_filter: PageFilter, taken: socket.socket, limits: Limits, echo: Callable[[str], object]) -> None:
    """Serve the page and the API on a socket of `bound`, until the process is told to stop (Ctrl-C, SIGTERM).

    `echo` is told the address, once the server is about to listen.
    """
    import uvicorn

    from clfnews.serving.app import make_app

    name, number = taken.getsockname()[:2]
    local = name in ("127.0.0.1", "::1")
    app = make_app(page_filter, limits, hosts=LOCAL_HOSTS if local else None)
    # No access log: who reads what is nobody's business.
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=10, timeout_graceful_shutdown=5, ws="none", lifespan="off",
    )  # fmt: skip
    echo(f"http://{f'[{name}]' if ':' in name else name}:{number}/")
    if not local:
        echo("open to every machine that can reach this one, without a password; limits are the only guard")
    with suppress(KeyboardInterrupt):  # uvicorn stops in order and passes it on
        uvicorn.Server(config).run(sockets=[taken])


def bound(host: str, port: int) -> socket.socket:
    """A socket that has the address; port 0 is any that is free. Raises `UserError` if it cannot be had."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (OSError, UnicodeError) as error:
        raise UserError(f"--host {host}: no address of this machine (such as 127.0.0.1, or 0.0.0.0 for all)") from error
    taken = socket.socket(family, kind)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind(address)
        taken.listen()
    except OSError as error:
        taken.close()
        said = f"--host {host} --port {port}: cannot be used ({error.strerror}); give another, such as --port 0"
        raise UserError(said) from error
    return taken
