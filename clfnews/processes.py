"""What processes that work side by side have to agree on."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any

_PR_SET_PDEATHSIG = 1
"""Number of the option in `sys/prctl.h`."""
SAFE_PATH = "PYTHONSAFEPATH"
"""Python that is started with this variable looks for no module in the current folder."""

_RARELY = 100_000, 20, 20
"""How often cycles are looked for. Pages hold none, but a batch has so many objects that looking costs a fifth of the time."""
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Numbers of the options in `malloc.h`."""


class Spawning(SpawnContext):
    """Starts processes anew (no forks), and knows which it has started."""

    def __init__(self) -> None:
        super().__init__()
        self._started: list[SpawnProcess] = []

    def Process(self, *arguments: Any, **named: Any) -> SpawnProcess:  # type: ignore[override]
        """A process like that of `multiprocessing`."""
        process = SpawnProcess(*arguments, **named)
        self._started.append(process)
        return process

    def kill(self) -> None:
        """End all its processes at once."""
        for process in self._started:
            if process.is_alive():
                process.kill()


def end_with_parent() -> None:
    """Have the system end this process when its parent ends, whatever it is at then; on Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def safe_environment() -> dict[str, str]:
    """The environment for Python that this process starts: its modules do not come from the current folder."""
    return os.environ | {SAFE_PATH: "1"}


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ignore_interrupts() -> None:
    """Ctrl-C reaches every process of the terminal; the main one, which ends the others, answers it alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def settle() -> None:
    """Make a process of our own (a worker) ready for many batches that are alike: it stays so until it ends.

    It keeps freed memory for the next batch: else glibc gives the memory of a
    batch's arrays back and asks for it again, which is a tenth of the time.
    """
    gc.collect()
    gc.freeze()  # model and modules are not looked through again
    gc.set_threshold(*_RARELY)
    with suppress(OSError, AttributeError):  # not on this system
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(_MMAP_THRESHOLD, 32 << 20)
        libc.mallopt(_TRIM_THRESHOLD, 64 << 20)


@contextmanager
def few_collections() -> Iterator[None]:
    """In the process of a library call: look for garbage less often in the block, and not among what is there already.

    Afterwards all is as before. What the caller has frozen stays so.
    """
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    gc.collect()
    if not frozen:  # else the caller's objects would be let go with ours
        gc.freeze()
    gc.set_threshold(*_RARELY)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        if not frozen:
            gc.unfreeze()


@contextmanager
def spawning() -> Iterator[None]:
    """Processes that are started in this block ignore Ctrl-C from their birth on.

    By `ignore_interrupts` alone they would only once Python and its modules are
    loaded, and print a traceback until then. A Ctrl-C that comes in the block
    counts after it: one in the middle would cut a new process off from what it
    is told. Signals are left alone where they cannot be set, as in a thread.

    Nor do they look for modules in the current folder, whose `pickle.py` may be anybody's.
    """
    with safe_path(), _deaf():
        yield


def safe_path() -> AbstractContextManager[None]:
    """Python that is started in this block, by whatever package, looks for no modules in the current folder."""
    return variable(SAFE_PATH, "1")


@contextmanager
def variable(name: str, value: str) -> Iterator[None]:
    """An environment variable for the time of the block, for processes that are started in it."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before


@contextmanager
def _deaf() -> Iterator[None]:
    settable = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is not None
    if not settable or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # its start would unblock the signal
    came: list[Any] = []
    before = signal.signal(signal.SIGINT, lambda *arguments: came.append(arguments))
    # New processes inherit what is blocked, but no handler.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        signal.signal(signal.SIGINT, before)
        if came and callable(before):
            before(*came[0])
