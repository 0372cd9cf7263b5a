"""Suspicious HTML, parsed in a process of its own that limits of time and memory can end.

A parser in C cannot be interrupted inside a process; a process can.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

from clfnews.page import Cues
from clfnews.readers.html.blocks import Parsed, Row, parsed
from clfnews.readers.html.scan import has_huge_tag, without_unseen

MANY_TAGS, LARGE = 20_000, 2 * 1024 * 1024
"""A document with more tags or bytes is parsed in the child."""
MEMORY_BYTES = 1 << 30
"""Address space of the child."""
_PATIENCE = 15
"""The child may wait for a core of a busy machine this many times as long as it may work."""
_KEPT = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "LANG", "LC_ALL", "TMPDIR", "TEMP")
"""Variables that Python may need to start; the child of a foreign page is told no others."""
# It imports from where this process does (a wheel, a checkout, the working folder of a Ray job), in the
# same order, and never from the current folder.
_START = "import sys; sys.path[:] = sys.argv[2:]; from clfnews.readers.html.guard import child; sys.exit(child(sys.argv[1]))"


def guarded(utf8: bytes, seconds: float, hidden: bool = False) -> Parsed:
    """`parsed` in bounded time and memory, whatever the document is.

    Parameters: `seconds` of work that a suspicious document may take.
    Raises `ValueError` if it takes longer, or too much memory.
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
    """`parsed` in a child; raises `ValueError` if it needs more time or memory than it may have."""
    told = json.dumps({"parent": os.getpid(), "seconds": math.ceil(seconds), "hidden": hidden})
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _START, told, *(path for path in sys.path if Path(path).is_absolute())],
            input=utf8,
            capture_output=True,
            timeout=_PATIENCE * seconds + 60,
            env={name: os.environ[name] for name in _KEPT if name in os.environ},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"took longer than {error.timeout:g} s to parse") from error
    if done.returncode == -getattr(signal, "SIGXCPU", 0):
        raise ValueError(f"took longer than {seconds:g} s to parse")
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["too much memory"]
        raise ValueError(reason[0] if done.returncode == 3 else f"cannot be parsed ({reason[0][:200]})")
    answer = json.loads(done.stdout)
    paths = answer["paths"]
    rows = [Row(text, Cues(*cues)._replace(path=paths[cues[5]])) for text, cues in answer["rows"]]
    return Parsed(rows, answer["marked"])


def child(told: str) -> int:
    """What the child does: read HTML, write its rows and facts, within limits; returns its exit code."""
    options = json.loads(told)
    _limit(options["parent"], options["seconds"])
    try:
        rows, marked = parsed(sys.stdin.buffer.read(), options["hidden"])
    except ValueError as error:
        print(error, file=sys.stderr)
        return 3
    paths: dict[str, int] = {}  # each is told once: they are most of the bytes, and the same for many lines
    numbered = [(text, cues._replace(path=paths.setdefault(cues.path, len(paths)))) for text, cues in rows]  # type: ignore[arg-type]
    sys.stdout.write(json.dumps({"rows": numbered, "paths": list(paths), "marked": marked}))
    return 0


def _limit(parent: int, seconds: int) -> None:
    """End this process when its work takes too long, and when its parent is gone."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    except (ImportError, ValueError, OSError):  # not on this system, or the user's own limit is lower
        pass
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:  # it ended before that
            os._exit(1)
