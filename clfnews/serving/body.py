"""The body of a request, read within limits."""

from __future__ import annotations

import asyncio

from fastapi import Request
from starlette.requests import ClientDisconnect

from clfnews.serving.limits import Limits, Refused

_DRAINED = 16
"""A body up to this many times the limit is read to its end, and thrown away: a browser shows no answer before that."""


async def read_body(request: Request, limits: Limits) -> bytes:
    """The body; raises `Refused` if it is too large (413), or too slow (408)."""
    kept, size = bytearray(), 0
    try:
        async with asyncio.timeout(limits.seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size <= limits.bytes:
                    kept += chunk
                elif size > _DRAINED * limits.bytes:
                    break
                else:
                    kept.clear()
    except TimeoutError as error:
        raise Refused(408, f"the request did not arrive within {limits.seconds:g} s") from error
    except ClientDisconnect as error:
        raise Refused(400, "the client has gone") from error
    if size > limits.bytes:
        raise Refused(413, limits.too_large)
    return bytes(kept)
