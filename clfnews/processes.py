"""What processes that work side by side have to agree on."""

from __future__ import annotations

import os
import signal


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ignore_interrupts() -> None:
    """Ctrl-C reaches every process of the terminal; the main one, which ends the others, answers it alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
