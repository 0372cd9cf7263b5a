"""Where units are filtered: in this process, in a pool of processes, or on a Ray cluster.

An engine takes the units and gives what they became, in any order. It holds
only a few units at a time, so their number is no limit.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, contextmanager
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clfnews.bulk.units import Unit
from clfnews.bulk.worker import Done, Job, work
from clfnews.errors import MachineError, UserError
from clfnews.filtering.filter import PageFilter
from clfnews.filtering.origin import Origin
from clfnews.processes import (
    Spawning,
    end_with_parent,
    few_collections,
    ignore_interrupts,
    safe_path,
    settle,
    spawning,
    variable,
)

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

AHEAD = 2
"""Units a worker that are handed out in advance."""

_RAY_SETTING = "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"
"""With 0 Ray leaves the variables of graphics cards alone, and does not warn of them."""

Engine = Callable[[Iterator[Unit], Job, Path, PageFilter, int, str | None], Iterator[Done]]


def run_local(
    units: Iterator[Unit], job: Job, model: Path, page_filter: PageFilter, workers: int, address: str | None
) -> Iterator[Done]:
    """Here, or in a pool of processes if there is work for more than one."""
    first = list(islice(units, 2))
    units = chain(first, units)
    if workers > 1 and len(first) > 1:
        yield from _run_pool(units, job, model, workers)
        return
    from threadpoolctl import threadpool_limits

    # Sums over several threads differ in the last bit from sums over one.
    with threadpool_limits(1), few_collections():
        for unit in units:
            yield work(unit, job, page_filter)


_worker: tuple[PageFilter | None, Job] | None = None


def _run_pool(units: Iterator[Unit], job: Job, model: Path, workers: int) -> Iterator[Done]:
    from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
    from concurrent.futures.process import BrokenProcessPool

    # Spawned, not forked: a fork of a process with threads (OpenMP, MLflow) can hang.
    context = Spawning()
    # Nothing is ever sent: the pipe closes when this process ends, however it ends.
    until, alive = context.Pipe(duplex=False)
    with spawning():  # its locks have a process of their own that clears them away
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(model, job, until))
    running: set[Future[Done]] = set()
    try:
        for unit in units:
            running.add(_submitted(pool, unit, job))
            if len(running) >= AHEAD * workers:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
        pool.shutdown()
    except BrokenProcessPool as error:
        raise MachineError(
            f"{job.out}: a worker was killed (out of memory?); what is finished is kept, go on with --resume"
            f"{' and fewer --workers' if workers > 2 else ''}"
        ) from error
    finally:
        alive.close()
        context.kill()  # whatever they are at: code in C hears nothing else
        pool.shutdown(cancel_futures=True)


def _submitted(pool: Executor, unit: Unit, job: Job) -> Future[Done]:
    try:
        with spawning():  # a worker is started when there is work for it
            return pool.submit(_work, unit)
    except OSError as error:
        raise MachineError(
            f"{job.out}: no worker could be started ({error.strerror}); what is finished is kept, go on with --resume"
            " and fewer --workers"
        ) from error


def _start_worker(model: Path, job: Job, until: Any) -> None:
    """Load the model, once a process."""
    global _worker
    ignore_interrupts()
    end_with_parent()
    threading.Thread(target=_exit_after, args=(until,), daemon=True).start()
    _worker = None if job.fits else _load(model, job.origin, job.threshold, job.risk), job


def _load(model: Path, origin: Origin, threshold: float | None, risk: float | None) -> PageFilter:
    """The filter of a worker, whose process is ours: what is set for it stays until it ends."""
    from threadpoolctl import threadpool_limits

    page_filter = PageFilter.load(model, origin).with_threshold(threshold).with_risk(risk)
    threadpool_limits(1)
    settle()
    return page_filter


def _exit_after(until: Any) -> None:
    """End at once when the main process is done or dead; a worker by itself would wait for work for ever."""
    try:
        until.recv()
    except (EOFError, OSError):
        os._exit(1)


def _work(unit: Unit) -> Done:
    assert _worker is not None
    page_filter, job = _worker
    return work(unit, job, page_filter)


def run_ray(
    units: Iterator[Unit], job: Job, model: Path, page_filter: PageFilter, workers: int, address: str | None
) -> Iterator[Done]:
    """One task a unit on a Ray cluster, or on a local one if there is no address.

    All machines have to see the inputs, the output folder and the current one
    under the same paths. Ray repeats the tasks of a worker or machine that dies.
    """
    try:
        import ray
    except ImportError as error:
        raise UserError("--engine ray needs Ray: pip install 'clfnews[ray]'") from error
    own = not ray.is_initialized()
    here = ExitStack()
    try:
        if own:
            if _RAY_SETTING not in os.environ:
                here.enter_context(variable(_RAY_SETTING, "0"))
            _connect(ray, address, workers)
        shipped = ray.put(_files(model))
        task = ray.remote(max_retries=5)(_ray_work)
        running: list[Any] = []
        for unit in units:
            running.append(task.remote(unit, job, [shipped], str(Path.cwd())))
            if len(running) >= AHEAD * workers:
                done, running = ray.wait(running)
                yield from ray.get(done)
        while running:
            done, running = ray.wait(running)
            yield from ray.get(done)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None  # what the task raised, without Ray's long text
    except ray.exceptions.RayError as error:
        raise MachineError(
            f"{job.out}: Ray gave up ({type(error).__name__}); what is finished is kept, go on with --resume"
        ) from error
    finally:
        if own:
            ray.shutdown()
        here.close()


def _connect(ray: Any, address: str | None, workers: int) -> None:
    options: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False, "configure_logging": True}
    if address is None:
        options |= {"address": "local", "num_cpus": workers, "include_dashboard": False}
    else:
        options |= {"address": address}
    try:
        with _without_current_folder():
            ray.init(**options)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise UserError(f"--address {address}: no Ray cluster there ({str(error).splitlines()[0][:200]})") from error


@contextmanager
def _without_current_folder() -> Iterator[None]:
    """Ray has its workers look for modules in the folder in which it is started, before all others: not in ours.

    Where this package itself lies there (a checkout), workers of this machine are told.
    """
    here, path = Path(__file__).parents[2], os.environ.get("PYTHONPATH")
    with ExitStack() as around:
        if not (here / "ray").is_dir():
            around.enter_context(variable("PYTHONPATH", f"{here}{os.pathsep}{path}" if path else str(here)))
        around.enter_context(safe_path())
        around.enter_context(chdir(Path.cwd().anchor))
        yield


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def _ray_work(unit: Unit, job: Job, shipped: list[Any], folder: str) -> Done:
    os.chdir(folder)  # paths are as the user has given them
    return work(
        unit, job, None if job.fits else _shipped_filter(job.fingerprint, job.origin, job.threshold, job.risk, shipped[0])
    )


@lru_cache(maxsize=1)
def _shipped_filter(fingerprint: str, origin: Origin, threshold: float | None, risk: float | None, shipped: Any) -> PageFilter:
    """The filter from the object store, once a worker process."""
    import ray

    with tempfile.TemporaryDirectory(prefix="clfnews-") as folder:
        for name, data in ray.get(shipped).items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return _load(Path(folder), origin, threshold, risk)


ENGINES: dict[str, Engine] = {"local": run_local, "ray": run_ray}
