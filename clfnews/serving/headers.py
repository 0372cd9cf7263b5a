"""What every request has to name, and every answer says: who may ask, and what a browser may do with it."""

from __future__ import annotations

import json
from typing import Any

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""Nothing inline and nothing from elsewhere: text of a foreign page cannot become markup that does anything."""
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""Names under which a server of this machine alone is asked for."""


class Guard:
    """ASGI middleware: refuses foreign hosts, adds the headers; keeps answers out of caches unless they say otherwise."""

    def __init__(self, app: Any, hosts: frozenset[str] | None) -> None:
        self._app, self._hosts = app, hosts
        self._headers = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                known = {name for name, _ in message["headers"]}
                more = [] if b"cache-control" in known else [(b"cache-control", b"no-store")]
                message = {**message, "headers": [*message["headers"], *self._headers, *more]}
            await send(message)

        if self._hosts is not None and _host(scope) not in self._hosts:
            await _refuse(with_headers, "not a name of this server; it answers to 127.0.0.1 and localhost")
            return
        await self._app(scope, receive, with_headers)


def _host(scope: Any) -> str:
    """The name in the header Host, without the port."""
    value = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1").lower()
    name, colon, port = value.rpartition(":")
    return name if colon and port.isdigit() else str(value)


async def _refuse(send: Any, reason: str) -> None:
    body = json.dumps({"error": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": body})
