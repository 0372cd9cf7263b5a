"""What one request may ask for, and all requests together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from clfnews.processes import cores


class Refused(Exception):
    """A request that is answered with a status and one line."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the work of a server; whatever is sent, a request ends and memory stays bounded.

    `megabytes` of a request's body; `rows` of one list; `seconds` that a request
    may work: rows that come later get an error, and after twice the time the request
    does; requests that work `at_once`, and that wait.
    """

    megabytes: float = 8.0
    rows: int = 1000
    seconds: float = 30.0
    at_once: int = 0
    """0: one a core."""
    waiting: int = 32

    @property
    def bytes(self) -> int:
        return int(self.megabytes * 2**20)

    @property
    def too_large(self) -> str:
        return f"the request is larger than {self.megabytes:g} MiB; send fewer rows at once, or use clfnews filter"

    @property
    def too_slow(self) -> str:
        return f"not done within {self.seconds:g} s"


class Turns:
    """Lets requests work in threads, a few at once; refuses those beyond the ones that may wait."""

    def __init__(self, limits: Limits) -> None:
        self._limits, self._at_once = limits, limits.at_once or cores()
        self._free = asyncio.Semaphore(self._at_once)
        self._inside = 0

    async def run(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """What `work` returns, called in a thread. Raises `Refused` if there is no turn for it in time (503) or no end (504).

        The turn is given back when the work has ended, whether or not anyone waits for it:
        a thread cannot be stopped, so it must not be forgotten either.
        """
        if self._inside >= self._at_once + self._limits.waiting:
            raise Refused(503, "the server has too much to do; try again in a moment")
        self._inside += 1
        with ExitStack() as undo:
            undo.callback(self._leave)
            try:
                async with asyncio.timeout(self._limits.seconds):
                    await self._free.acquire()
            except TimeoutError as error:
                raise Refused(503, f"no turn within {self._limits.seconds:g} s; try again in a moment") from error
            undo.pop_all()  # from here on the turn ends with the work
        task = asyncio.get_running_loop().run_in_executor(None, work, *arguments)
        task.add_done_callback(self._done)
        try:
            async with asyncio.timeout(2 * self._limits.seconds):
                return await asyncio.shield(task)
        except TimeoutError as error:
            raise Refused(504, f"not done within {2 * self._limits.seconds:g} s; send less at once") from error

    def _done(self, _: object) -> None:
        self._leave()
        self._free.release()

    def _leave(self) -> None:
        self._inside -= 1
