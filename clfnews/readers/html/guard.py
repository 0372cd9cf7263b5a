"""Suspicious HTML, parsed in a process of its own that time and memory limits can end.

A parser in C cannot be interrupted inside a process; a process can.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

from clfnews.page import Cues
from clfnews.readers.html.blocks import LARGE, MANY_TAGS, Row, html_rows

MEMORY_BYTES = 2 * 1024**3


def rows_in_child(utf8: bytes, seconds: float, hidden: bool = False) -> list[Row]:
    """`html_rows` in a child; raises `ValueError` if it does not end in time or in memory."""
    # The child finds the package where this process found it (a wheel, a
    # checkout, the working folder of a Ray job).
    env = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "clfnews.readers.html.guard", *["hidden"] * hidden],
            input=utf8,
            capture_output=True,
            timeout=seconds,
            env=env,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ValueError(f"took longer than {seconds:g} s to parse") from error
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["too much memory"]
        raise ValueError(reason[0] if done.returncode == 3 else f"cannot be parsed ({reason[0][:200]})")
    return [Row(text, Cues(*cues)) for text, cues in json.loads(done.stdout)]


def _main() -> int:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    except (ImportError, ValueError, OSError):  # not on this system, or the user's own limit is lower
        pass
    try:
        rows = html_rows(sys.stdin.buffer.read(), "hidden" in sys.argv[1:])
    except ValueError as error:
        print(error, file=sys.stderr)
        return 3
    sys.stdout.write(json.dumps(rows))
    return 0


if __name__ == "__main__":
    sys.exit(_main())
_HUGE_TAG = re.compile(rb"<[A-Za-z/!?][^>]{16384}")


def _is_harmless(utf8: bytes) -> bool:
    """True if time and memory of parsing are bounded whatever the markup is.

    The parser's work is at worst the square of the number of open elements, or
    of the attributes of one tag: 20,000 tags are a second.
    """
    return len(utf8) <= LARGE and utf8.count(b"<") <= MANY_TAGS and not (len(utf8) > 16384 and _HUGE_TAG.search(utf8))
