"""Ctrl-C is answered within seconds, whatever the process is at.

Python hears a signal between two of its own instructions. A call into C, such
as the training of fastText, can last minutes, and holds all of Python as long.
"""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from clfnews.processes import end_with_parent

SECONDS = 2.0
"""How long Python may take to hear Ctrl-C."""


@contextmanager
def answered_interrupts(seconds: float = SECONDS) -> Iterator[None]:
    """In this block a process that does not hear Ctrl-C is ended; one that hears it has all the time it needs.

    A second process waits for the signal, of which the system tells it whatever
    Python does. Nothing is lost by the end that was not lost by a power cut.
    Where there is no `fork`, or another handler, nothing is done.
    """
    if (
        not hasattr(os, "fork")
        or threading.active_count() > 1  # a fork of a process with threads can hang
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return
    came, tell_came = os.pipe()
    heard, tell_heard = os.pipe()
    watcher = os.fork()
    if watcher == 0:
        os.close(tell_came)
        os.close(tell_heard)
        _watch(came, heard, seconds)
    os.close(came)
    os.close(heard)
    os.set_blocking(tell_came, False)
    before = signal.set_wakeup_fd(tell_came, warn_on_full_buffer=False)

    def hear(number: int, frame: FrameType | None) -> None:
        os.write(tell_heard, b"\0")
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.set_wakeup_fd(before)
        os.close(tell_came)
        os.close(tell_heard)
        os.kill(watcher, signal.SIGKILL)
        os.waitpid(watcher, 0)


def _watch(came: int, heard: int, seconds: float) -> None:
    """What the second process does: end the first one if it hears no Ctrl-C; never returns."""
    try:
        parent = os.getppid()
        end_with_parent()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)  # who reads the output of the first process waits for nobody else
        os.dup2(nothing, 1)
        while signals := os.read(came, 4096):
            if signal.SIGINT not in signals:
                continue
            answered, _, _ = select.select([heard], [], [], seconds)
            if answered:
                if not os.read(heard, 4096):
                    break  # it has ended
            elif os.getppid() == parent:
                os.write(2, b"clfnews: stopped in the middle of a long step\n")
                os.kill(parent, signal.SIGKILL)
    finally:
        os._exit(0)
