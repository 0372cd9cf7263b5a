"""Attacks on bulk runs, stores and models that once succeeded: name -> check, as in `case_list.py`."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import time
from functools import partial
from pathlib import Path

import hostile
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from case_list import Check, problem, rows
from common import command, environment, jsonl, make_data, manifest, run, started, texts, tiny_config, written
from memory import LIMIT_MB, measured


def bounded(name: str, folder: Path, model: Path) -> str | None:
    """An input that takes time or memory: ends, in seconds of work, below the limit."""
    (folder / name).write_bytes((hostile.TIME | hostile.MEMORY)[name]())
    own, child, _, code = measured(["filter", name, "-o", "out", "-m", model, "-w", 1], folder)
    return None if code in (0, 1) and max(own, child) < LIMIT_MB else f"exit code {code}, {own} MB, child {child} MB"


def child_ends(folder: Path, model: Path) -> str | None:
    """The child for HTML ends with its parent."""
    import psutil

    (folder / "a.html").write_bytes(b"<div>" * 3_000_000)
    with started(*command("filter", "a.html", "-m", model), cwd=folder) as process:
        found: list[psutil.Process] = []
        while not found and process.poll() is None:
            family = psutil.Process(process.pid).children()
            found = [child for child in family if "html.guard" in " ".join(child.cmdline())]
        process.kill()
    time.sleep(2)
    return None if found and not any(child.is_running() and child.status() != "zombie" for child in found) else "still there"


def pipes(folder: Path, model: Path) -> str | None:
    (folder / "a.jsonl").write_text(jsonl(texts(2)), encoding="utf-8")
    shell = ["bash", "-c", 'exec "$@" <(cat a.jsonl)', "-", *command("filter", "-m", model, "-o", "out")]
    done = subprocess.run(shell, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    refused = run("filter", "/dev/zero", "-o", "out2", "-m", model, cwd=folder)
    return problem(done.returncode == 0 and "2 pages" in done.stdout and refused.code == 2, refused)


def bad_records(folder: Path, model: Path) -> str | None:
    """Records that once ended the run: it goes on, also with Parquet, and can be resumed."""
    (folder / "in").mkdir()
    digits = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n"
    (folder / "in/a.warc").write_bytes(digits)
    invalid = pa.array([b"M\xe1t", b"b"], pa.binary()).view(pa.string())
    far = pa.array([10**15, 0], pa.int64()).view(pa.timestamp("ms", tz="No/Where"))
    pq.write_table(pa.table({"text": invalid, "date": far}), folder / "in/b.parquet")
    cues = {"tag": "p", "link_density": 10**400, "region": "", "depth": 1}
    lines = [[{"text": "a", "n": 3 * 10**9}], [{"text": "a", "n": True}], [{"text": "a", "cues": cues}]]
    (folder / "in/c.jsonl").write_text("".join(json.dumps({"lines": line}) + "\n" for line in lines))
    (folder / "in" / ("x" * 251 + ".txt")).write_text("a")
    first = run("filter", "in", "-o", "out", "-f", "parquet", "-m", model, cwd=folder)
    again = run("filter", "in", "-o", "out", "--resume", "-m", model, cwd=folder)
    return problem(first.code == again.code == 1 and manifest(folder / "out")["totals"]["pages"] == 5, first)


def names(folder: Path, model: Path) -> str | None:
    for name in ("x.txt", "x.jsonl/a.txt", "x.part-00000.txt", "X.txt"):
        (folder / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "in" / name).write_text(texts(1)[0], encoding="utf-8")
    done = run("filter", "in", "-o", "out", "-m", model, cwd=folder)
    return problem(done.code == 0 and sum(data.count(b"\n") for data in written(folder / "out").values()) == 4, done)


def lost_rows(folder: Path, model: Path) -> str | None:
    """A quote left open costs its row; a false length loses no record."""
    response = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>a"
    head = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: %d\r\n\r\n"
    record = response + b"\r\n\r\n"
    archive = head % (len(response) + 40) + record + head % len(response) + record
    done = rows(folder, model, {"a.csv": b'id,text\n1,"a\n' + b"2,b\n" * 2_000, "b.warc": archive})
    return problem(done.code == 1 and len(done.rows) == 2_002, done)


def emptied(folder: Path, model: Path) -> str | None:
    (folder / "a.jsonl").write_text("{}\n" + jsonl(texts(1)), encoding="utf-8")
    run("filter", "a.jsonl", "-o", "out", "-m", model, cwd=folder)
    clean = written(folder / "out")
    (folder / "out/__run__/errors/a.errors.jsonl").write_text("")
    for marker in (folder / "out/.clfnews").glob("*.json"):
        marker.write_text("[5]")
    done = run("filter", "a.jsonl", "-o", "out", "--resume", "-m", model, cwd=folder)
    return problem(written(folder / "out") == clean, done)


def refused_before(folder: Path, model: Path) -> str | None:
    """What a training or a report would fail on late is told at once, in one line."""
    make_data(folder / "data")
    (folder / "t.yaml").write_text(yaml.safe_dump(tiny_config()), encoding="utf-8")
    slash = run("train", "t.yaml", "--set", 'tracking.registered_model="tin tức/mới"', cwd=folder)
    return problem(slash.code == 2 and "registered_model" in slash.error and "TRACKING_URI" not in slash.err, slash)


def broken_store(folder: Path, model: Path) -> str | None:
    (folder / "mlflow.db").write_bytes(b"SQLite format 3\0" + b"x" * 5_000)
    done = run("runs", cwd=folder)
    return problem(done.code == 2 and len(done.err.splitlines()) == 1, done)


def imports(folder: Path, model: Path) -> str | None:
    for name in ("json", "pickle", "struct", "signal", "gzip", "numpy", "selectolax"):
        (folder / f"{name}.py").write_text(f"open('OWNED', 'a').write('{name} ')\nraise SystemExit(1)\n")
    (folder / "bin").mkdir()
    (folder / "bin/start.py").write_text("from clfnews.cli import main\nif __name__ == '__main__':\n    main()\n")
    for i in range(2):
        (folder / f"in{i}.jsonl").write_text(jsonl(texts(1)), encoding="utf-8")
    (folder / "in2.html").write_text("<p>a" * 30_000)
    given = [command()[0], "bin/start.py", "filter", "in0.jsonl", "in1.jsonl", "in2.html", "-o", "out", "-m", model, "-w", "2"]
    done = subprocess.run(given, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    return None if done.returncode == 0 and not (folder / "OWNED").exists() else f"{done.returncode} {done.stderr[-300:]}"


def formulas(folder: Path, model: Path) -> str | None:
    (folder / "a.jsonl").write_text(json.dumps({"id": "@a", "text": "=1+1\n+2 hai\n-3 ba\n@bốn"}) + "\n", encoding="utf-8")
    done = run("annotate", "queue", "rules", "a.jsonl", "-o", "t.tsv", "-n", 1, cwd=folder)
    table = csv.reader(io.StringIO((folder / "t.tsv").read_text("utf-8-sig")), delimiter="\t")
    cells = [cell for row in table for cell in row]
    return problem(len(cells) > 8 and not any(cell[:1] in tuple("=+-@") for cell in cells), done)


def steering(folder: Path, model: Path) -> str | None:
    (folder / "in").mkdir()
    (folder / "in/z\x1b[31m.jsonl").symlink_to("nowhere")
    (folder / "in/a.txt").write_text("a")
    done = [run("filter", "in", "-m", model, cwd=folder), run("filter", "--\x1b[31m\u202e", cwd=folder)]
    return problem(not any(set(one.err) & {"\x1b", "\x9b", "\u202e"} for one in done), done[1])


def damaged_models(folder: Path, model: Path) -> str | None:
    """Every file of a model cut, emptied or with another byte: one line, exit code 2."""
    import shutil

    for path in [path for path in model.rglob("*") if path.is_file()]:
        for damage in (lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"\xff" + data[1:]):
            copy = Path(shutil.copytree(model, folder / "m", dirs_exist_ok=True)) / path.relative_to(model)
            copy.write_bytes(damage(path.read_bytes()))
            done = run("filter", os.devnull, "-m", "m", cwd=folder)
            if done.code != 2 or len(done.err.splitlines()) != 1:
                return problem(False, done)
    return None


def configurations(folder: Path, model: Path) -> str | None:
    bombs = ["a: &a {b: 1}\n" + "".join(f"k{i}: &k{i} {{x: *{'a' if not i else f'k{i - 1}'}, y: *a}}\n" for i in range(28))]
    bombs += [
        "a: &a [*a]",
        "data: {x: 2001-99-99}",
        f"folds: {'9' * 5_000}",
        "[" * 10_000,
        "\0",
        "a: !!python/object:os.system x",
    ]
    for text in bombs:
        (folder / "c.yaml").write_text(text)
        done = run("train", "c.yaml", cwd=folder)
        if done.code != 2 or len(done.err.splitlines()) != 1:
            return problem(False, done)
    return None


def small_errors(folder: Path, model: Path) -> str | None:
    (folder / "a.jsonl.gz").write_bytes(hostile.MEMORY["empty-rows.jsonl.gz"]()[:3_000])
    done = run("filter", "a.jsonl.gz", "-o", "out", "-m", model, cwd=folder)
    return problem(done.code == 1 and len(written(folder / "out")["__run__/errors/a.errors.jsonl"]) < 2_000_000, done)


ATTACKS: list[tuple[str, Check]] = [
    *((f"attack 1, 2 {name}", partial(bounded, name)) for name in hostile.TIME),
    ("attack 4 the child outlives its parent", child_ends),
    ("attack 5 pipes and devices", pipes),
    ("attack 6, 7 records and names that ended a run", bad_records),
    ("attack 8 outputs that overwrite each other", names),
    ("attack 11 rows and records that others take along", lost_rows),
    ("attack 13 emptied error files and foreign markers", emptied),
    ("case 21 a name that the store refuses", refused_before),
    ("attack 17 a broken store", broken_store),
    ("attack 18 code from the current folder", imports),
    ("attack 19 formulas for spreadsheets", formulas),
    ("attack 20 escape sequences", steering),
    ("attack 21 damaged model folders", damaged_models),
    ("attack 23 hostile configurations", configurations),
    ("attack 25 small input, large error file", small_errors),
]
"""3 is memory.py, 15 trainings.py, 14 case 24, 22 case 16; tests hold 9, 10, 12, 16 and 24 (see README.md)."""
