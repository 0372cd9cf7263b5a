"""Suspicious HTML, parsed in a process of its own that limits of time and memory can end.

A parser in C cannot be interrupted inside a process; a process can.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

from clfnews.errors import MachineError
from clfnews.page import Cues
from clfnews.readers.html.blocks import Parsed, RawLine, parsed
from clfnews.readers.html.scan import has_huge_tag, without_unseen

MANY_TAGS, LARGE = 20_000, 2 * 1024 * 1024
"""A document with more tags or bytes is parsed in the child."""
MEMORY_BYTES = 1 << 30
"""Address space of the child."""
_PATIENCE = 15
"""The child may wait for a core of a busy machine this many times as long as it may work."""
_START_SECONDS = 60
"""And so long to start."""
_COUNTS_WORK = importlib.util.find_spec("resource") is not None
"""Whether the system ends the child after its time of work. Where it does not, waiting for the child is all that can be done."""
_TOLD, _TOO_MUCH, _MACHINE = 3, 4, 5
"""Exit codes of the child: the document is none, takes more memory than it may have, or the machine was in the way."""
_READY = b"ready\n"
"""What the child writes before it reads the document: what ends it earlier is no fault of that."""
_KEPT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "LANG", "LC_ALL", "TMPDIR", "TEMP")
"""Variables that Python may need to start; the child of a foreign page is told no others."""
# It imports from where this process does (a wheel, a checkout, the working folder of a Ray job), in the
# same order, and never from the current folder.
_START = "import sys; sys.path[:] = sys.argv[2:]; from clfnews.readers.html.guard import child; sys.exit(child(sys.argv[1]))"


def guarded(utf8: bytes, seconds: float, hidden: bool = False) -> Parsed:
    """`parsed` in bounded time and memory, whatever the document is.

    Parameters: `seconds` of work that a suspicious document may take.
    Raises `ValueError` if it takes longer, or too much memory, and `MachineError`
    if the machine is what stops it.
    """
    if is_harmless(utf8):
        return parsed(utf8, hidden)
    # Inline scripts and comments look like huge tags, or like many. They are cut out before the document is
    # judged again, and what was judged is what is parsed.
    seen = without_unseen(utf8)
    return parsed(seen, hidden) if is_harmless(seen) else parsed_in_child(utf8, seconds, hidden)


def is_harmless(utf8: bytes) -> bool:
    """True if time and memory of parsing are bounded whatever the markup is.

    The parser's work is at worst the square of the number of open elements, or
    of the attributes of one tag: 20,000 tags are a second.
    """
    return len(utf8) <= LARGE and utf8.count(b"<") <= MANY_TAGS and not has_huge_tag(utf8)


def parsed_in_child(utf8: bytes, seconds: float, hidden: bool = False) -> Parsed:
    """`parsed` in a child; raises `ValueError` if it needs more time or memory than it may have.

    Raises `MachineError` if the child cannot be started, is killed, or gets no time on a busy machine.
    """
    told = json.dumps({"parent": os.getpid(), "seconds": math.ceil(seconds), "hidden": hidden})
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _START, told, *(path for path in sys.path if Path(path).is_absolute())],
            input=utf8,
            capture_output=True,
            timeout=_PATIENCE * seconds + _START_SECONDS,
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        if _COUNTS_WORK:  # it has not worked so long, so it has waited
            raise MachineError(f"the machine is too busy to parse HTML: {error.timeout:g} s of waiting") from error
        raise ValueError(f"took longer than {error.timeout:g} s to parse") from error
    except OSError as error:
        raise MachineError(f"no process can be started to parse HTML: {error.strerror}") from error
    _check(done, seconds)
    answer = json.loads(done.stdout.removeprefix(_READY))
    paths = answer["paths"]
    rows = [RawLine(text, Cues(*cues)._replace(path=paths[cues[5]])) for text, cues in answer["rows"]]
    return Parsed(rows, answer["marked"])


def _check(done: subprocess.CompletedProcess[bytes], seconds: float) -> None:
    """Raise `ValueError` if the document is why the child has no rows to give, `MachineError` if something else is."""
    code = done.returncode
    if code == 0:
        return
    if code == -getattr(signal, "SIGXCPU", 0):
        raise ValueError(f"took longer than {seconds:g} s to parse")
    said = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it crashed"])[-1][:200]
    if code in (_MACHINE, -getattr(signal, "SIGKILL", 0)) or not done.stdout.startswith(_READY):
        why = "it was killed (out of memory?)" if code < 0 else said
        raise MachineError(f"the process that parses HTML cannot work: {why}")
    reasons = {_TOLD: said, _TOO_MUCH: f"takes more than {MEMORY_BYTES >> 20:,} MiB of memory to parse"}
    raise ValueError(reasons.get(code, f"cannot be parsed ({said})"))


def child(told: str) -> int:
    """What the child does: read HTML, write its rows and facts, within limits; returns its exit code."""
    options = json.loads(told)
    memory_is_ours = _limit(options["parent"], options["seconds"])
    sys.stdout.buffer.write(_READY)
    sys.stdout.flush()
    try:
        rows, marked = parsed(sys.stdin.buffer.read(), options["hidden"])
        paths: dict[str, int] = {}  # each is told once: they are most of the bytes, and the same for many lines
        numbered = [(text, cues._replace(path=paths.setdefault(cues.path, len(paths)))) for text, cues in rows]  # type: ignore[arg-type]
        sys.stdout.write(json.dumps({"rows": numbered, "paths": list(paths), "marked": marked}))
        sys.stdout.flush()
    except ValueError as error:
        print(error, file=sys.stderr)
        return _TOLD
    except MemoryError:
        print("not enough memory", file=sys.stderr)
        return _TOO_MUCH if memory_is_ours else _MACHINE
    except OSError as error:
        print(error.strerror, file=sys.stderr)
        return _MACHINE
    return 0


def _limit(parent: int, seconds: int) -> bool:
    """End this process when its work takes too long, and when its parent is gone; whether its memory has our limit."""
    limited = False
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        limited = True
    except (ImportError, ValueError, OSError):  # not on this system, or the user's own limit is lower
        pass
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:  # it ended before that
            os._exit(1)
    return limited
