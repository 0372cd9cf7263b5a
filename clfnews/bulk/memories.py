"""Memories of sites in a run into a folder: given, or learnt in a first pass over the inputs.

The memory of a run lies in the state of its output folder, where every worker
finds it. A first pass leaves a part for each unit, named by all that decides
it; the parts are merged in the order of the units. So the memory, and with it
every shard, is the same whatever the number of workers, and a run that was
stopped takes up the parts that are there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from clfnews.bulk.folder import STATE
from clfnews.errors import MachineError
from clfnews.sites.memory import SiteMemory

AUTO = "auto"
"""In the place of a file: learn the memory from the inputs."""
_FILE = "sites.npz"
_PARTS = "sites"


def part_of(out: Path, key: str) -> Path:
    """The file of a part, by the hash of all that decides it."""
    folder = out / STATE / _PARTS
    folder.mkdir(exist_ok=True)
    return folder / f"{key}.npz"


def keep_merged(out: Path, parts: Sequence[Path]) -> str:
    """Merge the parts in their order into the memory of the run; its hash."""
    memory = SiteMemory()
    for path in parts:
        memory.merge(SiteMemory.load(path))
    return keep(out, memory)


def keep(out: Path, memory: SiteMemory) -> str:
    """Write the memory of the run where its workers find it; its hash."""
    memory.save(out / STATE / _FILE)
    return hashlib.sha256((out / STATE / _FILE).read_bytes()).hexdigest()


@lru_cache(maxsize=1)
def memory_of(out: Path, digest: str) -> SiteMemory:
    """The memory of the run, read once a process; raises `MachineError` if it is not the one that the run began with."""
    path = out / STATE / _FILE
    if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        raise MachineError(f"{path}: has changed during the run")
    return SiteMemory.load(path)
