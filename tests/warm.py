"""Commands without the start of Python: a process that has all packages loaded forks for each of them.

Starting `clfnews` takes one to three seconds, most of it imports; the tests start it hundreds of times. A command from
here is a process of its own in every other way: arguments, folder, environment, standard streams, exit code, and what
it leaves in memory. What it shares with the others is what Python reads at its start (`COLD`) and the seed of `hash`;
tests of these, of signals and of limits start their own Python (`helpers.run(..., fresh=True)`, `helpers.started`).
"""

from __future__ import annotations

import atexit
import gc
import importlib
import itertools
import json
import os
import pkgutil
import runpy
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NoReturn

COLD = (
    "PYTHONHASHSEED", "PYTHONSAFEPATH", "PYTHONIOENCODING", "PYTHONUTF8", "OMP_", "OPENBLAS_", "LD_", "LC_", "LANG", "HF_",
    "HOME", "TMPDIR",
)  # fmt: skip
"""Beginnings of variables that Python and its packages read once, at their start."""
PACKAGES = """
    numpy scipy.sparse scipy.special sklearn.linear_model sklearn.feature_extraction.text sklearn.ensemble sklearn.metrics
    sklearn.model_selection skops.io pandas pyarrow.parquet pyarrow.dataset datasets jinja2 selectolax.lexbor fasttext fastapi
    uvicorn mlflow mlflow.pyfunc mlflow.store.db.utils mlflow.store.tracking.sqlalchemy_store mlflow.store.tracking.file_store
    mlflow.store.model_registry.sqlalchemy_store mlflow.tracing.processor.otel"""
"""What commands import; one that is not installed is left to the command."""
_FIRST = 3
"""So many commands of a session start cold, so that a test run alone does not wait for the server; with `-n` none does."""
_MESSAGE = 1 << 20
_asked = itertools.count()


def serves(extra: Mapping[str, str]) -> bool:
    """True if a command with these variables may be forked; on Linux only, and not where `CLFNEWS_TESTS_COLD` is set."""
    if "CLFNEWS_TESTS_COLD" in os.environ or sys.platform != "linux" or any(name.startswith(COLD) for name in extra):
        return False
    return next(_asked) >= (0 if "PYTEST_XDIST_WORKER" in os.environ else _FIRST)


def warm_command(
    arguments: list[str], cwd: Path, stdin: bytes, environment: dict[str, str], timeout: float
) -> tuple[int, bytes, bytes]:
    """Exit code, standard output and error of `python -m clfnews.cli ARGUMENTS`; raises `subprocess.TimeoutExpired`."""
    read_in, write_in = os.pipe()
    read_out, write_out = os.pipe()
    read_err, write_err = os.pipe()
    reply, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    request = json.dumps({"arguments": arguments, "cwd": str(cwd), "environment": environment}).encode()
    with reply:
        fds = [read_in, write_out, write_err, theirs.fileno()]
        try:
            socket.send_fds(_server()[0], [request], fds)
        except BrokenPipeError:  # somebody has ended the server
            _server.cache_clear()
            socket.send_fds(_server()[0], [request], fds)
        theirs.close()
        for fd in (read_in, write_out, write_err):
            os.close(fd)
        found: dict[int, bytes] = {}
        streams = [threading.Thread(target=_read, args=(fd, found), daemon=True) for fd in (read_out, read_err)]
        streams.append(threading.Thread(target=_write, args=(write_in, stdin), daemon=True))
        for stream in streams:
            stream.start()
        reply.settimeout(timeout)
        process = int(reply.recv(16))
        try:
            code = int(reply.recv(16))
        except TimeoutError as error:
            os.kill(process, signal.SIGKILL)
            raise subprocess.TimeoutExpired(arguments, timeout) from error
        for stream in streams:
            stream.join()
    return code, found[read_out], found[read_err]


def warm_shell() -> tuple[str, tuple[int, ...]]:
    """What a shell script has to run for `clfnews` to be forked too, and the descriptors that the shell has to inherit."""
    if not serves({}):
        return f'"{sys.executable}" -m clfnews.cli', ()
    requests = _server()[0].fileno()
    return f'"{sys.executable}" -IS "{__file__}" ask {requests}', (requests,)


def _ask(requests: socket.socket, arguments: list[str]) -> int:
    """Exit code of a command with the streams, folder and environment of this process."""
    reply, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    request = {"arguments": arguments, "cwd": str(Path.cwd()), "environment": dict(os.environ)}
    socket.send_fds(requests, [json.dumps(request).encode()], [0, 1, 2, theirs.fileno()])
    theirs.close()
    reply.recv(16)  # the number of its process
    return int(reply.recv(16))


def _read(fd: int, found: dict[int, bytes]) -> None:
    with open(fd, "rb") as file:
        found[fd] = file.read()


def _write(fd: int, data: bytes) -> None:
    with suppress(BrokenPipeError), open(fd, "wb", buffering=0) as file:
        while data:
            data = data[file.write(data) :]


@cache
def _server() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """The server of this test process, which ends with it, and the socket to it."""
    from helpers import environment

    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MESSAGE)
    command = [sys.executable, __file__, str(theirs.fileno())]
    # Pipes, since what Python knows of its streams is from its start.
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    process = subprocess.Popen(command, env=environment(), pass_fds=[theirs.fileno()], **streams)  # type: ignore[call-overload]
    theirs.close()
    return ours, process


def _serve(requests: socket.socket) -> dict[str, object]:
    """Fork for each request; returns its request in the process that is to run the command."""
    while True:
        message, fds, _, _ = socket.recv_fds(requests, _MESSAGE, 4)
        if not message:
            sys.exit()
        if os.fork() == 0:
            # The first child waits for the second, so that several commands can run at once.
            child = os.fork()
            if child == 0:
                requests.close()
                for place, fd in enumerate(fds[:3]):
                    os.dup2(fd, place)
                for fd in fds:
                    os.close(fd)
                return dict(json.loads(message))
            _report(child, fds)
        for fd in fds:
            os.close(fd)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _report(child: int, fds: list[int]) -> NoReturn:
    for fd in fds[:3]:
        os.close(fd)
    os.write(fds[3], str(child).encode())
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.write(fds[3], str(code).encode())
    os._exit(0)


def _load() -> None:
    import clfnews
    from clfnews.record.language import language_of
    from clfnews.tracking.store import SETTINGS

    os.environ.update(SETTINGS)  # MLflow reads some when it is imported
    own = (module.name for module in pkgutil.walk_packages(clfnews.__path__, "clfnews.") if "__main__" not in module.name)
    for name in (*PACKAGES.split(), *own):
        with suppress(ImportError):
            importlib.import_module(name)
    language_of(["A sentence that is long enough to be looked at."])  # reads the model of languages


def main() -> None:
    """The server."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends the server without a word
    _load()
    gc.freeze()
    request = _serve(socket.socket(fileno=int(sys.argv[1])))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request["environment"])  # type: ignore[call-overload]
    os.chdir(str(request["cwd"]))
    # The folders of `python -m`.
    sys.path[:1] = [str(Path.cwd()), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    importlib.invalidate_caches()
    sys.argv = ["clfnews", *request["arguments"]]  # type: ignore[misc]
    code = 0
    try:
        runpy.run_module("clfnews.cli", run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    # What Python does at its end, but for taking all modules apart: that takes longer than most commands.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    if sys.argv[1] == "ask":
        sys.exit(_ask(socket.socket(fileno=int(sys.argv[2])), sys.argv[3:]))
    main()
