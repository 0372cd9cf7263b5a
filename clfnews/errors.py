"""The errors a user can cause, and records that could not be read."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from difflib import get_close_matches


class UserError(Exception):
    """A mistake in what the user gave (file, option, label, model).

    The message is one line: what was wrong, where, what to do. The command
    line prints it without a traceback and exits with code 2.
    """


class MachineError(Exception):
    """Trouble of the machine and of no input: a full disk, no memory, a killed worker, a file that changes while it is read.

    A later try may do. The message is one line that says how; the command line
    prints it and exits with code 3.
    """


_PASSING = {errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EAGAIN, errno.EMFILE, errno.ENFILE, errno.ESTALE, errno.ETIMEDOUT}


def is_passing(error: OSError) -> bool:
    """Whether an error says something of the machine as it is now (disk, memory, open files, network), not of a file."""
    return error.errno in _PASSING


class Stopped(Exception):
    """Ctrl-C in work that can go on later; the message tells how."""


@dataclass(frozen=True, slots=True)
class BadRecord:
    """One input record that could not be read; the others go on."""

    source: str
    record: str
    reason: str

    def __str__(self) -> str:
        return f"{self.source}: {self.record}: {self.reason}"


def counted(number: int, what: str) -> str:
    """`1 page`, `2,000 pages`."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def nearest(name: str, known: list[str] | tuple[str, ...]) -> str:
    """` (did you mean 'x'?)` for the closest known name, in upper or lower case, else the choices."""
    lower = {choice.lower(): choice for choice in reversed(known)}
    close = get_close_matches(name.lower(), list(lower), n=1, cutoff=0.5)
    return f" (did you mean {lower[close[0]]!r}?)" if close else f" (known: {', '.join(known)})"
