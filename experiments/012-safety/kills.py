"""A hundred random kills: is a record lost or doubled?

Run: python experiments/012-safety/kills.py [--kills 100] [--ray]

Runs that write JSONL and Parquet in turn are killed at random moments: the
main process, a worker, or the child in which a worker parses HTML. Each is
started again with --resume until it ends; then all its bytes are compared with
those of a run that nothing disturbed.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
from common import command, jsonl, manifest, new_folder, rules_model, run, started, texts, written

FILES, PAGES = 12, 80
MARKS = {"worker": "spawn_main", "child": "html.guard", "ray": "ray::_ray_work"}
"""Kind of process -> what its command line holds."""


def make_inputs(folder: Path) -> int:
    """Rows for two workers, and pages that are parsed in a child; returns the number of records."""
    folder.mkdir()
    for i in range(FILES):
        (folder / f"{i:02}.jsonl").write_text(jsonl(texts(PAGES), f"{i}-"), encoding="utf-8")
        html = json.dumps({"html": "".join(f"<p>Dòng thứ {n} của một bài dài.</p>" for n in range(12_000 + i))})
        (folder / f"long-{i:02}.jsonl").write_text(html)
    return FILES * (PAGES + 1)


def targets(process: Any) -> dict[str, list[psutil.Process]]:
    """The processes of a run by what they are."""
    found: dict[str, list[psutil.Process]] = {"parent": [psutil.Process(process.pid)], "worker": [], "child": []}
    for one in found["parent"][0].children(recursive=True):
        try:
            line = " ".join(one.cmdline())
        except psutil.Error:
            continue
        for kind, mark in MARKS.items():
            if mark in line:
                found.setdefault(kind, []).append(one)
    return found


def kill_one(process: Any, rng: random.Random, wanted: str) -> str:
    """Kill a process of the wanted kind, or of another if there is none now; returns what it was."""
    found = targets(process)
    kind = next(kind for kind in (wanted, "worker", "parent") if found.get(kind))
    rng.choice(found[kind]).kill()
    return kind


def disturbed(folder: Path, out: str, arguments: list[Any], rng: random.Random, left: int) -> Counter[str]:
    """Start a run again and again, killed each time, until it ends by itself or there are enough kills."""
    killed: Counter[str] = Counter()
    while killed.total() < left:
        before = set((folder / out).rglob(".*.tmp"))
        with started(*command(*arguments, "--resume"), cwd=folder) as process:
            # Most kills come while files are written, some while the run starts.
            while rng.random() > 0.02 and process.poll() is None and not set((folder / out).rglob(".*.tmp")) - before:
                time.sleep(0.05)
            try:
                process.wait(rng.uniform(0.0, 2.0))
                break
            except subprocess.TimeoutExpired:
                killed[kill_one(process, rng, rng.choice(["parent", "worker", "child"]))] += 1
            process.communicate(timeout=120)
    return killed


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--ray", action="store_true", help="once more on Ray, where a killed task is repeated by itself")
    options = parser.parse_args()
    rng, total, wrong, runs = random.Random(options.seed), Counter[str](), 0, 0
    with new_folder() as folder:
        model, records = rules_model(folder / "model"), make_inputs(folder / "in")
        clean = {}
        for form in ("jsonl", "parquet"):
            assert run("filter", "in", "-o", f"clean-{form}", "-m", model, "-f", form, cwd=folder).code == 0
            clean[form] = written(folder / f"clean-{form}")

        def is_whole(out: Path, form: str) -> bool:
            totals = manifest(out)["totals"]
            return written(out) == clean[form] and totals["records"] == totals["pages"] == records

        while total.total() < options.kills:
            form, out = ("jsonl", "parquet")[runs % 2], f"out-{runs}"
            arguments = ["filter", "in", "-o", out, "-m", model, "-f", form, "--workers", 2]
            total += disturbed(folder, out, arguments, rng, options.kills - total.total())
            ended = run(*arguments, "--resume", cwd=folder)
            runs, good = runs + 1, ended.code == 0 and is_whole(folder / out, form)
            wrong += not good
            print(f"{out}: {form}, {total.total()} kills so far: {'same bytes' if good else 'DIFFERS ' + ended.err}", flush=True)
        print(f"| {options.kills} kills | {dict(total)} | {runs} runs of {records:,} records | {wrong} runs with other bytes |")
        if options.ray:
            arguments = ["filter", "in", "-o", "ray", "-m", model, "--workers", 2, "--engine", "ray"]
            with started(*command(*arguments), cwd=folder) as process:
                while len(list((folder / "ray").glob("*.jsonl"))) < 2 or not targets(process).get("ray"):
                    time.sleep(0.05)
                    assert process.poll() is None
                kind = kill_one(process, rng, "ray")
                _, err = process.communicate(timeout=600)
            good = process.returncode == 0 and is_whole(folder / "ray", "jsonl")
            print(f"| Ray, {kind} killed | exit code {process.returncode} | {'same bytes' if good else err} |")


if __name__ == "__main__":
    main()
