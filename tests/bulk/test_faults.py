"""What goes wrong in long runs, with real parts: killed processes, full disks, broken and hostile files."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import zstandard
from helpers import ROOT, Cli, command, on_a_terminal, run, started, wait_for
from test_scale import TEXTS, manifest, shards

FILES, PAGES = 12, 80


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that keep two workers busy for a while."""
    folder = tmp_path_factory.mktemp("many") / "in"
    folder.mkdir()
    for i in range(FILES):
        rows = (json.dumps({"id": f"{i}-{j}", "text": TEXTS[(i + j) % len(TEXTS)]}, ensure_ascii=False) for j in range(PAGES))
        (folder / f"{i:02}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def clean(many: Path, rules_filter: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a run without trouble writes."""
    out = tmp_path_factory.mktemp("clean")
    assert run("filter", many, "-o", "out", "-m", rules_filter, cwd=out).code == 0
    return shards(out / "out")


def filter_command(many: Path, model: Path, *more: object) -> list[str]:
    return command("filter", many, "-o", "out", "-m", model, "--workers", 2, *more)


def workers(process: Any) -> list[psutil.Process]:
    """The worker processes of a run, in their order of start."""
    children = psutil.Process(process.pid).children(recursive=True)
    return [child for child in children if child.is_running() and "spawn_main" in " ".join(child.cmdline())]


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def assert_whole(out: Path, clean: dict[str, bytes]) -> None:
    """No record lost or doubled: the bytes are those of a run without trouble."""
    assert shards(out) == clean
    assert manifest(out)["totals"]["records"] == FILES * PAGES == manifest(out)["totals"]["pages"]


# --- killed processes --------------------------------------------------------------------


@pytest.mark.slow
def test_a_killed_worker_is_one_clear_error_and_a_rerun_completes(
    many: Path, rules_filter: Path, clean: Any, tmp_path: Path
) -> None:
    with started(*filter_command(many, rules_filter), cwd=tmp_path) as process:
        wait_for(lambda: bool(list((tmp_path / "out").glob("*.jsonl"))), "a first shard")
        workers(process)[-1].kill()
        _, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    last = err.decode().splitlines()[-1]
    assert last == "clfnews: out: a worker was killed (out of memory?); what is finished is kept, go on with --resume"
    assert 0 < len(shards(tmp_path / "out")) < FILES and not list((tmp_path / "out").glob(".*.tmp"))
    again = run("filter", many, "-o", "out", "-m", rules_filter, "--resume", "-w", 2, cwd=tmp_path)
    assert again.code == 0 and "of them by an earlier run" in again.out
    assert_whole(tmp_path / "out", clean)


@pytest.mark.slow
def test_a_killed_main_process_leaves_no_workers_and_no_half_shards(
    many: Path, rules_filter: Path, clean: Any, tmp_path: Path
) -> None:
    with started(*filter_command(many, rules_filter), cwd=tmp_path) as process:
        wait_for(lambda: bool(list((tmp_path / "out").glob("*.jsonl"))), "a first shard")
        children = workers(process)
        assert children
        process.kill()
        wait_for(lambda: all(is_gone(child) for child in children), "the workers to end", 20)
    found = shards(tmp_path / "out")
    whole = {name: data for name, data in found.items() if not name.startswith(".")}
    assert 0 < len(whole) < FILES and whole.items() <= clean.items()
    assert run("filter", many, "-o", "out", "-m", rules_filter, "--resume", cwd=tmp_path).code == 0
    assert_whole(tmp_path / "out", clean)


@pytest.mark.slow
def test_random_kills_lose_and_double_nothing(many: Path, rules_filter: Path, clean: Any, tmp_path: Path) -> None:
    rng = random.Random(7)
    for _ in range(4):
        with started(*filter_command(many, rules_filter, "--resume"), cwd=tmp_path) as process:
            try:
                process.wait(rng.uniform(1.0, 6.0))
            except subprocess.TimeoutExpired:
                rng.choice([psutil.Process(process.pid), *workers(process)]).kill()
            process.communicate(timeout=60)
    assert run("filter", many, "-o", "out", "-m", rules_filter, "--resume", "-w", 2, cwd=tmp_path).code == 0
    assert_whole(tmp_path / "out", clean)


@pytest.mark.slow
def test_ctrl_c_stops_at_once_and_says_so(many: Path, rules_filter: Path, clean: Any, tmp_path: Path) -> None:
    with started(*filter_command(many, rules_filter), cwd=tmp_path) as process:
        wait_for(lambda: bool(list((tmp_path / "out").glob("*.jsonl"))), "a first shard")
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all processes
        begin = time.monotonic()
        _, err = process.communicate(timeout=60)
        assert time.monotonic() - begin < 30
    assert process.returncode == 130 and b"Traceback" not in err
    assert err.decode().splitlines()[-1] == "clfnews: stopped; what is finished is kept, go on with --resume"
    assert not list((tmp_path / "out").glob(".*.tmp"))
    assert run("filter", many, "-o", "out", "-m", rules_filter, "--resume", cwd=tmp_path).code == 0
    assert_whole(tmp_path / "out", clean)


def test_ctrl_c_while_workers_start_is_one_line(many: Path, rules_filter: Path, tmp_path: Path) -> None:
    for i, pause in enumerate((0.0, 0.05, 0.2, 0.5)):
        (tmp_path / str(i)).mkdir()
        with started(*filter_command(many, rules_filter), cwd=tmp_path / str(i)) as process:
            wait_for(lambda: bool(workers(process)), "a first worker")
            time.sleep(pause)
            os.killpg(process.pid, signal.SIGINT)
            _, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert err.decode() == "clfnews: stopped; what is finished is kept, go on with --resume\n"


@pytest.mark.slow
@pytest.mark.ray
def test_ray_replaces_a_killed_worker_by_itself(many: Path, rules_filter: Path, clean: Any, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    with started(*filter_command(many, rules_filter, "--engine", "ray"), cwd=tmp_path) as process:

        def busy() -> list[psutil.Process]:
            family = psutil.Process(process.pid).children(recursive=True)
            return [child for child in family if child.cmdline()[:1] == ["ray::_ray_work"]]

        wait_for(lambda: len(list((tmp_path / "out").glob("*.jsonl"))) >= 2 and bool(busy()), "work on Ray")
        busy()[0].kill()
        _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert_whole(tmp_path / "out", clean)


# --- disks --------------------------------------------------------------------------------


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A file system of its own, if this user may mount one."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("may not mount a small tmpfs")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_full_disk_is_one_line_and_a_rerun_completes(
    n_workers: int, many: Path, rules_filter: Path, clean: Any, tmp_path: Path
) -> None:
    size = sum(map(len, clean.values())) // 2**20 // 2
    with small_disk(tmp_path / "disk", size):
        full = run("filter", many, "-o", "disk/out", "-m", rules_filter, "-w", n_workers, cwd=tmp_path)
        assert full.code == 3
        assert full.err.splitlines()[-1] == (
            "clfnews: disk/out: cannot be written: No space left on device; what is finished is kept, go on with --resume"
        )
        kept = shards(tmp_path / "disk/out")
        assert kept and kept.items() <= clean.items(), "only whole shards"
        subprocess.run(["mount", "-o", "remount,size=200m", str(tmp_path / "disk")], check=True)
        assert run("filter", many, "-o", "disk/out", "-m", rules_filter, "--resume", cwd=tmp_path).code == 0
        assert_whole(tmp_path / "disk/out", clean)


def test_a_limit_on_file_sizes_is_one_line(many: Path, rules_filter: Path, tmp_path: Path) -> None:
    """What a quota does, for users who cannot mount."""
    done = subprocess.run(
        command("filter", many, "-o", "out", "-m", rules_filter, "-w", 1),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    assert done.returncode == 3 and "Traceback" not in done.stderr
    assert "out: cannot be written: File too large; what is finished is kept" in done.stderr.splitlines()[-1]
    assert shards(tmp_path / "out") == {}


def test_a_file_that_cannot_be_read_stops_nothing(cli: Cli, rules_filter: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/good.txt").write_text(TEXTS[0], encoding="utf-8")
    if os.geteuid():
        (tmp_path / "in/bad.txt").write_text("x")
        (tmp_path / "in/bad.txt").chmod(0)
    else:  # root may read everything that can be read
        (tmp_path / "in/bad.txt").symlink_to("/proc/self/mem")
    done = cli("filter", "in", "-o", "out", "-m", rules_filter)
    assert done.code == 1 and "1 page in 2 files" in done.out
    [error] = (tmp_path / "out/__run__/errors/bad.errors.jsonl").read_text().splitlines()
    assert json.loads(error)["reason"] in ("Input/output error", "Permission denied")


# --- broken and hostile files -----------------------------------------------------------------


def hostile_files(folder: Path) -> dict[str, str]:
    """Files that are broken or made to break; name -> part of the reason in the error file, or ``."""
    good = [json.dumps({"id": f"g{i}", "text": text}, ensure_ascii=False).encode() for i, text in enumerate(TEXTS[:30])]
    packed = gzip.compress(b"\n".join(good))
    packer = zstandard.ZstdCompressor().compressobj()
    bomb = b"".join(packer.compress(bytes(1 << 24)) for _ in range(70)) + packer.flush()
    warc = b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 12\r\n\r\n"
    contents: dict[str, tuple[bytes, str]] = {
        "good.jsonl": (b"\n".join(good), ""),
        "cut.jsonl.gz": (packed[: len(packed) // 2], "cut off"),
        "nested.html": (b"<div>" * 1_000_000 + b"x", "took longer than"),
        "attributes.html": (b"<p " + b"a " * 3_000_000 + b">x", ""),
        "long.txt": (b"x" * 10_000_000, ""),
        "long.jsonl": (b'{"text": "' + b"x" * 10_000_000 + b'"}\n' + good[0], ""),
        "endless.jsonl": (b"[" * 40_000_000, "is larger than 32 MiB"),
        "lines.txt": (b"x\n" * 1_000_000, "more than 50,000 lines"),
        "latin.txt": ("café\n".encode("latin-1") * 10, ""),
        "utf16.txt": (TEXTS[0].encode("utf-16"), ""),
        "hopes.txt": (b"<!---->" * 300, ""),
        "marks.txt": (("a" + "\u0315" * 80_000 + "\u0334" * 80_000).encode(), ""),
        "digits.warc": (warc.replace(b": 12", b": " + b"9" * 5_000), "no valid Content-Length"),
        "open.csv": (('id,text\n1,"mở\n' + "2,hai\n" * 2_000).encode(), "not closed"),
        "image.txt": (b"\x89PNG\r\n\x1a\n\0\0", "binary"),
        "broken.warc": (warc + b"no http at all\r\n" * 3 + b"junk\n" * 100 + warc, "holds no HTTP response"),
        "bomb.jsonl.zst": (bomb, "decompression bomb"),
        "fake.parquet": (b"PAR1" + b"\0" * 100 + b"PAR1", "Parquet"),
        "markup.html": (b"<p>\x1b[2J&#27;]0;owned&#7; &lt;script&gt;alert(1)&lt;/script&gt; \xe2\x80\xae</p>" * 30, ""),
    }
    for name, (content, _) in contents.items():
        (folder / name).write_bytes(content)
    return {name: reason for name, (_, reason) in contents.items()}


@pytest.mark.slow
def test_every_hostile_file_is_told_and_the_good_one_is_whole(cli: Cli, rules_filter: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    reasons = hostile_files(tmp_path / "in")
    done = cli("filter", "in", "-o", "out", "-m", rules_filter, "-w", 2)
    assert done.code == 1 and "Traceback" not in done.err
    out = shards(tmp_path / "out")
    for name, reason in reasons.items():
        stem = name.split(".")[0] if sum(other.split(".")[0] == name.split(".")[0] for other in reasons) == 1 else name
        errors = out.get(f"__run__/errors/{stem}.errors.jsonl", b"").decode()
        assert (reason in errors and bool(errors)) if reason else not errors, (name, errors)
    assert out["good.jsonl"].count(b"\n") == 30
    totals = manifest(tmp_path / "out")["totals"]
    assert totals["records"] == totals["pages"] + totals["errors"] and totals["warnings"] == 3, "bad bytes, and two long lines"
    # Nothing that steers a terminal or a browser leaves the package as such.
    text = json.loads(out["markup.jsonl"].splitlines()[0])["text"] + "".join(data.decode() for data in out.values())
    assert not any((ord(c) < 32 and c != "\n") or c == "\u202e" for c in text)
    again = cli("filter", "in", "-o", "out", "-m", rules_filter, "-w", 2, "--resume")
    assert again.code == 1 and shards(tmp_path / "out") == out


def test_what_pages_hold_does_not_steer_the_terminal(rules_filter: Path, tmp_path: Path) -> None:
    """Text, ids and file names of others, shown on a real terminal: only our own sequences are there."""
    hostile = "\x1b[2J\x1b]0;owned\x07 \u202e"
    rows = [{"id": hostile, "text": f"{hostile} {TEXTS[0]}"}, {"id": hostile, "text": 5}]
    (tmp_path / f"{hostile}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    shown = on_a_terminal("filter", ".", "-m", rules_filter, cwd=tmp_path, code=1)
    # Colours, and what moves and hides the line of progress.
    text = re.sub(r"\x1b\[(?:[0-9;]*m|2K|1A|\?25[lh])|[\r\n]", "", shown)
    assert "could not be read" in text and "stance:" in text
    assert [c for c in text if not c.isprintable()] == []


@pytest.mark.slow
def test_memory_of_a_worker_is_bounded_by_the_largest_pages(page_filter_folder: Path, tmp_path: Path) -> None:
    """Its bounds are those of a page and of a batch; the input has pages of the largest size between ordinary ones."""
    long_line = "Bộ trưởng Ngoại giao hai nước đã gặp nhau tại Hà Nội và nhất trí nối lại đối thoại."
    largest = ["\n".join([long_line] * 47_000), "\n".join(["Tin mới nhất"] * 49_999)]
    with (tmp_path / "big.jsonl").open("w", encoding="utf-8") as file:
        for text in (*TEXTS, largest[0], *TEXTS, largest[1], *TEXTS):
            file.write(json.dumps({"text": text}) + "\n")
    # The peak of this program alone; `getrusage` also tells that of the process which started it.
    script = (
        "import re, sys\nfrom pathlib import Path\nfrom clfnews.bulk.job import filter_to_folder\n"
        "report = filter_to_folder(['big.jsonl'], Path('out'), Path(sys.argv[1]))\n"
        "print(report.counts.pages, re.search(r'VmHWM:\\s+(\\d+) kB', Path('/proc/self/status').read_text())[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(page_filter_folder)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    pages, kilobytes = map(int, done.stdout.split())
    assert pages == 3 * len(TEXTS) + 2 and kilobytes <= 600 * 1024


@pytest.fixture(scope="module")
def page_filter_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The models that a full training chooses, fitted on a few pages."""
    from clfnews.data.gold import load_gold
    from clfnews.filtering.filter import PageFilter
    from clfnews.labels import TASKS
    from clfnews.models import make_model
    from clfnews.models.calibration import FittedTask

    corpus = load_gold(ROOT / "data/pages/test.jsonl")
    options: dict[str, dict[str, Any]] = {"page": {"epochs": 1, "copies": 0, "trees": 5}, "cues": {}}
    fitted = {
        task: FittedTask(make_model(kind, task, TASKS[task], options[kind]).fit(corpus.pages, corpus.groups), options[kind])
        for task, kind in (("type", "page"), ("stance", "cues"))
    }
    folder = tmp_path_factory.mktemp("page") / "filter"
    PageFilter(fitted["type"], fitted["stance"]).save(folder)
    return folder


# --- models ---------------------------------------------------------------------------------------


def test_a_model_of_another_schema_is_refused_before_anything_is_written(cli: Cli, rules_filter: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(rules_filter, tmp_path / "model")
    meta = json.loads((tmp_path / "model/filter.json").read_text()) | {"schema": 2, "clfnews": "9.9"}
    (tmp_path / "model/filter.json").write_text(json.dumps(meta))
    done = cli("filter", ROOT / "seeds", "-o", "out", "-m", "model")
    assert done.code == 2 and "made by clfnews 9.9 (schema 2)" in done.error and "train again" in done.error
    assert not (tmp_path / "out").exists()


def without_checksums(folder: Path) -> None:
    """As who makes a model folder on purpose could leave it, and as filters were saved before."""
    meta = json.loads((folder / "filter.json").read_text(encoding="utf-8"))
    del meta["files"]
    (folder / "filter.json").write_text(json.dumps(meta), encoding="utf-8")


@pytest.mark.slow
def test_a_model_with_options_of_another_version_is_refused(cli: Cli, page_filter_folder: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(page_filter_folder, tmp_path / "model")
    without_checksums(tmp_path / "model")
    meta = json.loads((tmp_path / "model/stance/model.json").read_text())
    (tmp_path / "model/stance/model.json").write_text(json.dumps(meta | {"options": {"tone": 3}}))
    done = cli("filter", ROOT / "seeds", "-m", "model")
    assert done.code == 2 and "options that this version does not know (tone); train again" in done.error


@pytest.mark.slow
def test_a_model_file_cannot_bring_code_along(tmp_path: Path) -> None:
    """A pickle, and a skops file with a foreign type, in the place of a model are refused and not run."""
    import pickle

    import skops.io
    from sklearn.preprocessing import FunctionTransformer

    from clfnews.data.gold import load_gold
    from clfnews.filtering.filter import PageFilter
    from clfnews.labels import TASKS
    from clfnews.models import make_model
    from clfnews.models.calibration import FittedTask

    class Payload:
        def __reduce__(self) -> Any:
            return (os.mkdir, (str(tmp_path / "owned"),))

    corpus = load_gold(ROOT / "data/pages/test.jsonl")
    tasks = {
        task: FittedTask(make_model(kind, task, TASKS[task], options).fit(corpus.pages, corpus.groups), options)
        for task, kind, options in (
            ("type", "fasttext", {"dim": 4, "epoch": 1, "bucket": 100}),
            ("stance", "linear", {"min_df": 1}),
        )
    }
    PageFilter(tasks["type"], tasks["stance"]).save(tmp_path / "model")
    without_checksums(tmp_path / "model")
    files = [path for path in (tmp_path / "model").rglob("*") if path.is_file() and path.suffix not in (".json", ".md")]
    assert len(files) == 3
    for path in files:
        before = path.read_bytes()
        path.write_bytes(pickle.dumps(Payload()))
        done = subprocess.run(
            command("filter", ROOT / "seeds", "-m", "model"), cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2 and str(path.relative_to(tmp_path)) in done.stderr, done.stderr
        assert not (tmp_path / "owned").exists(), path
        path.write_bytes(before)
    skops.io.dump(FunctionTransformer(os.mkdir), tmp_path / "model/stance/model.skops")
    done = subprocess.run(
        command("filter", ROOT / "seeds", "-m", "model"), cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "holds types that could run code, not loaded" in done.stderr
    assert not (tmp_path / "owned").exists()
