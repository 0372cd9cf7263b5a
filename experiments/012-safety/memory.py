"""Peak memory of a worker, and of the child in which it parses HTML, for each hostile input.

Run: python experiments/012-safety/memory.py [--model FOLDER]

The worker is `clfnews filter INPUT -o out --workers 1` with a model (default: the rules, which take least; give the
folder of a trained filter to count it in).
"""

from __future__ import annotations

import argparse
import re
import subprocess
import time
from pathlib import Path

import psutil
from common import command, environment, new_folder, rules_model
from hostile import MEMORY

LIMIT_MB = 600
_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


def peak(process: int) -> int:
    """Most memory that a process has had so far, in kB; 0 if it is gone."""
    try:
        found = _PEAK.search(Path(f"/proc/{process}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) if found else 0


def measured(arguments: list[object], folder: Path) -> tuple[int, int, float, int]:
    """Peaks in MB of a command and of its largest child, its seconds and its exit code."""
    begun, own, children = time.monotonic(), 0, 0
    process = subprocess.Popen(
        command(*arguments), cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while process.poll() is None:
        own = max(own, peak(process.pid))
        try:
            children = max([children, *(peak(child.pid) for child in psutil.Process(process.pid).children())])
        except psutil.Error:
            break
        time.sleep(0.01)
    return own // 1024, children // 1024, time.monotonic() - begun, process.wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path)
    parser.add_argument("names", nargs="*", help="only these inputs")
    options = parser.parse_args()
    largest = 0
    print("| input | bytes | worker, MB | child, MB | s | exit code |\n|---|---|---|---|---|---|")
    with new_folder() as folder:
        model = options.model.resolve() if options.model else rules_model(folder / "model")
        for name, make in MEMORY.items():
            if options.names and name not in options.names:
                continue
            (folder / name).write_bytes(make())
            size = (folder / name).stat().st_size
            own, child, seconds, code = measured(["filter", name, "-o", f"out-{name}", "-m", model, "-w", 1, "-q"], folder)
            largest = max(largest, own, child)
            shown = child if child > 40 else "-"  # below it is the process that waits for Ctrl-C
            print(f"| {name} | {size:,} | {own} | {shown} | {seconds:.1f} | {code} |", flush=True)
            (folder / name).unlink()
    print(f"\nlargest: {largest} MB, {'below' if largest < LIMIT_MB else 'NOT BELOW'} {LIMIT_MB} MB")


if __name__ == "__main__":
    main()
