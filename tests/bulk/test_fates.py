"""What becomes of every input of a bulk run: names of any kind, changes meanwhile, trouble of the machine, markers."""

from __future__ import annotations

import gzip
import json
import os
import shlex
import signal
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import psutil
import pytest
from helpers import Cli, Project, command, environment, make_data, on_a_terminal, started, tiny_config, wait_for
from hypothesis import given, settings
from hypothesis import strategies as st
from test_faults import small_disk
from test_scale import TEXTS, manifest, shards

from clfnews.bulk.folder import STATE
from clfnews.bulk.job import filter_to_folder
from clfnews.bulk.names import error_name, part_name, shard_names
from clfnews.bulk.report import Report
from clfnews.bulk.units import list_inputs
from clfnews.bulk.writers import ERROR_BYTES, SHARD_SUFFIXES
from clfnews.errors import UserError
from clfnews.readers.base import ReadOptions

Run = Callable[..., Report]
ODD = "b\udce1o s\udce1ng.txt"
"""A name in Latin-1 bytes."""


@pytest.fixture
def run(rules_filter: Path, tmp_path: Path) -> Run:
    """`filter_to_folder` of `in` into `out`."""
    (tmp_path / "in").mkdir()

    def run(out: str = "out", **options: Any) -> Report:
        return filter_to_folder([str(tmp_path / "in")], tmp_path / out, rules_filter, **options)

    return run


def jsonl(*texts: str) -> str:
    return "".join(json.dumps({"id": str(i), "text": text}, ensure_ascii=False) + "\n" for i, text in enumerate(texts))


# --- names --------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["jsonl", "parquet", "text"])
def test_names_of_any_bytes_and_length_get_an_output(format: str, run: Run, tmp_path: Path) -> None:
    for name in (ODD, "x" * 251 + ".txt", "ế" * 83 + ".html", "a\nb.txt"):
        (tmp_path / "in" / name).write_text(TEXTS[0], encoding="utf-8")
    (tmp_path / "in" / ("e" * 249 + ".jsonl")).write_text(jsonl(TEXTS[0]) + "{}\n", encoding="utf-8")
    report = run(format=format)
    assert (report.counts.pages, report.counts.errors, report.shards) == (5, 1, 5)
    names = [row["shard"] for row in manifest(tmp_path / "out")["shards"]]
    assert len(set(names)) == 5 and all((tmp_path / "out" / name).is_file() for name in names)
    assert all(name.encode().decode() == name for name in names)
    assert run(format=format, resume=True).resumed == 5


def test_odd_names_are_valid_text_in_the_output(rules_filter: Path, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / ODD).write_text(TEXTS[0], encoding="utf-8")
    done = cli("filter", ODD, "-f", "jsonl", "-m", rules_filter)
    assert done.code == 0 and done.rows[0]["source"] == "b\ufffdo s\ufffdng.txt" and done.rows[0]["id"] == "b\ufffdo s\ufffdng"


def test_a_path_longer_than_a_system_takes_gets_a_short_one(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    for part in "abcdefgh":
        folder = folder / (part * 200)
    folder.mkdir(parents=True)
    (folder / "page.txt").write_text("x")
    [(_, name)] = list_inputs([str(tmp_path / "in")], ReadOptions(), tmp_path / "out")
    assert name.startswith("page-") and len(name) < 20


def test_no_two_inputs_share_an_output(run: Run, tmp_path: Path) -> None:
    """Parts, folders, error files, the other spelling of a letter."""
    folder = tmp_path / "in"
    for name in ("x.jsonl", "X.txt", "y.txt", "z.txt", "é.txt", "e\u0301.txt", "y.jsonl/a.txt", "_z.errors.jsonl/b.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(jsonl(*TEXTS[:8]) if name == "x.jsonl" else TEXTS[0], encoding="utf-8")
    for k in range(3):
        (folder / f"x.part-0000{k}.txt").write_text(TEXTS[0], encoding="utf-8")
    report = run(split_bytes=10_000)
    assert report.counts.pages == 18 == sum(data.count(b"\n") for data in shards(tmp_path / "out").values())
    assert sum("x.jsonl.part-" in name for name in shards(tmp_path / "out")) > 1


_STEMS = ["x", "X", "y", "é", "e\u0301", "_x", "x.errors", "x.part-00000", "x.part-1", "ß", "ss"]
_STEMS += ["b\udce1o", "b\udce2o", "n" * 249, "n" * 250]
_ENDS = ["", ".txt", ".html", ".jsonl", ".jsonl.gz", ".parquet", ".errors.jsonl", ".jsonl.jsonl"]
_name = st.builds(str.__add__, st.sampled_from(_STEMS), st.sampled_from(_ENDS))
_file = st.lists(_name, min_size=1, max_size=3).map("/".join)


@settings(max_examples=200, deadline=None)
@given(st.sets(_file, min_size=1, max_size=8))
def test_outputs_of_any_inputs_are_told_apart(inside: set[str]) -> None:
    found = {Path("in", name): name for name in inside if not any(other.startswith(f"{name}/") for other in inside)}
    outputs: set[str] = set()
    folders: set[str] = set()
    for name in shard_names(found).values():
        mine = [part for shard in (name, part_name(name, 0), part_name(name, 99_999)) for part in files_of(shard)]
        assert all(len(part.encode()) <= 255 for path in mine for part in path.split("/"))
        mine = [unicodedata.normalize("NFC", path).casefold() for path in mine]
        assert outputs.isdisjoint(mine)
        outputs.update(mine)
        folders.update(parent.as_posix() for path in mine for parent in PurePosixPath(path).parents)
    assert outputs.isdisjoint(folders)


def files_of(shard: str) -> list[str]:
    """All files that the results of an input may be written to."""
    return [error_name(shard), *(f"{shard}{suffix}" for suffix in SHARD_SUFFIXES.values())]


def test_standard_input_and_a_file_of_its_name(rules_filter: Path, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "stdin.txt").write_text(TEXTS[0], encoding="utf-8")
    done = cli("filter", "-", "stdin.txt", "-o", "out", "-m", rules_filter, stdin=jsonl(*TEXTS[:2]).encode())
    assert done.code == 0 and "3 pages in 2 files" in done.out and len(shards(tmp_path / "out")) == 2


def test_pipes_are_read_once_and_devices_are_refused(rules_filter: Path, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(jsonl(*TEXTS[:3]), encoding="utf-8")
    done = subprocess.run(
        ["bash", "-c", f"{shlex.join(command('filter', '-o', 'out', '-m', rules_filter))} <(cat rows.jsonl) rows.jsonl"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "6 pages in 2 files" in done.stdout, done.stderr
    refused = cli("filter", "/dev/zero", "-o", "new", "-m", rules_filter)
    assert (refused.code, refused.error) == (2, "clfnews: /dev/zero: is a device; give a file, or - for standard input")


# --- fates ----------------------------------------------------------------------------------


def test_a_file_that_is_replaced_between_its_parts_is_told_and_read_again(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "in/rows.jsonl"
    path.write_text(jsonl(*TEXTS[:30]), encoding="utf-8")
    (tmp_path / "in/z.jsonl").write_text(jsonl(TEXTS[0]), encoding="utf-8")
    replaced: list[bool] = []

    def replace(report: Report) -> None:
        if not replaced:
            replaced.append(True)
            (tmp_path / "new").write_text(jsonl(*reversed(TEXTS[:30])), encoding="utf-8")
            (tmp_path / "new").replace(path)

    report = run(split_bytes=20_000, progress=replace)
    assert report.unfinished and {row["reason"] for row in report.unfinished} == {f"{path}: has changed while it was read"}
    assert manifest(tmp_path / "out")["unfinished"] == json.loads(json.dumps(report.unfinished))
    assert (tmp_path / "out/z.jsonl").is_file(), "the others go on"
    again = run(split_bytes=20_000, resume=True)
    assert again.unfinished == [] and again.counts.pages == 31
    run("clean", split_bytes=20_000)
    assert shards(tmp_path / "out").items() >= shards(tmp_path / "clean").items()


def test_an_input_that_was_not_finished_is_told_with_an_exit_code_of_its_own(
    rules_filter: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk for temporary files says nothing of a file: it is no bad record, and the next run reads it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"text": TEXTS}), tmp_path / "a.parquet")
    packed = gzip.compress((tmp_path / "a.parquet").read_bytes() + bytes(3 << 20))
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.parquet.gz").write_bytes(gzip.compress((tmp_path / "a.parquet").read_bytes()))
    (tmp_path / "in/b.txt").write_text(TEXTS[0], encoding="utf-8")
    (tmp_path / "in/c.parquet.gz").write_bytes(packed)
    with small_disk(tmp_path / "disk", 1):
        done = cli("filter", "in", "-o", "out", "-q", "-m", rules_filter, env={"TMPDIR": str(tmp_path / "disk")})
    assert done.code == 3 and "61 pages in 2 files" in done.out
    assert "1 input not finished (the first: in/c.parquet.gz: cannot be read now: No space left on device)" in done.error
    monkeypatch.chdir(tmp_path)
    again = filter_to_folder(["in"], Path("out"), rules_filter, resume=True)
    assert (again.resumed, again.unfinished, again.counts.errors) == (2, [], 1), "now it is told that the file is none"


def test_hidden_files_are_counted(run: Run, tmp_path: Path) -> None:
    for name in ("a.txt", ".b.txt", ".git/c.txt", "d/.e/f.txt", "_a.errors.jsonl"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_text(TEXTS[0], encoding="utf-8")
    report = run()
    assert (report.counts.pages, report.set_aside, report.passed_over) == (1, 4, [])
    assert manifest(tmp_path / "out")["set_aside"] == 4
    (tmp_path / "in/d/.e").rename(tmp_path / "in/d/e")
    assert run("in/out").set_aside == 3, "its own folder is none of the input"


@pytest.mark.slow
def test_a_killed_child_of_a_worker_is_no_bad_record(rules_filter: Path, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    html = "".join(f"<p>Dòng thứ {i} của một bài dài.</p>" for i in range(40_000))
    (tmp_path / "in/long.html").write_text(html, encoding="utf-8")
    (tmp_path / "in/rows.jsonl").write_text(jsonl(*TEXTS[:3]), encoding="utf-8")
    with started(*command("filter", "in", "-o", "out", "-m", rules_filter, "-w", 1), cwd=tmp_path) as process:

        def children() -> list[psutil.Process]:
            family = psutil.Process(process.pid).children(recursive=True)
            return [child for child in family if "clfnews.readers.html.guard" in " ".join(child.cmdline())]

        wait_for(lambda: bool(children()), "the child for HTML")
        children()[0].kill()
        _, err = process.communicate(timeout=120)
    assert process.returncode == 3 and "the process that parses HTML cannot work: it was killed" in err.decode()
    again = cli("filter", "in", "-o", "out", "-m", rules_filter, "--resume")
    assert again.code == 0 and "4 pages in 2 files (1 of them by an earlier run)" in again.out


def test_error_files_stay_small_and_count_every_record(run: Run, tmp_path: Path) -> None:
    number = 60_000
    (tmp_path / "in/rows.jsonl.gz").write_bytes(gzip.compress(b"{}\n" * number + b"[]\n" + jsonl(TEXTS[0]).encode()))
    report = run()
    assert (report.counts.errors, report.counts.pages) == (number + 1, 1)
    data = shards(tmp_path / "out")["__run__/errors/rows.errors.jsonl"]
    rows = [json.loads(line) for line in data.splitlines()]
    assert len(data) < 1.1 * ERROR_BYTES and sum(row.get("records", 1) for row in rows) == number + 1
    assert rows[0]["record"] == "row 1" and rows[-2]["record"].endswith(f"to row {number}") and rows[-1]["records"] == 1
    assert run(resume=True).resumed == 1


# --- resuming -------------------------------------------------------------------------------


def test_an_emptied_error_file_is_written_again(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in/rows.jsonl").write_text("{}\n" + jsonl(TEXTS[0]), encoding="utf-8")
    run()
    clean = shards(tmp_path / "out")
    (tmp_path / "out/__run__/errors/rows.errors.jsonl").write_text("")
    assert run(resume=True).resumed == 0 and shards(tmp_path / "out") == clean


def test_a_shard_without_a_marker_is_written_again(run: Run, tmp_path: Path) -> None:
    """What is left when a worker is killed between the two, in a run that finished nothing else."""
    (tmp_path / "in/a.jsonl").write_text(jsonl(TEXTS[0]), encoding="utf-8")

    def stop(report: Report) -> None:
        [marker] = (tmp_path / "out" / STATE).glob("*.json")
        marker.unlink()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(progress=stop)
    assert list(shards(tmp_path / "out")) == ["a.jsonl"]
    report = run(resume=True)
    assert (report.resumed, report.counts.pages) == (0, 1)


@pytest.mark.parametrize(
    "text",
    ["[]", "null", "5", '{"key": 1}', '{"shards": {}}', "[" * 100_000, '{"key": "KEY", "shards": [{"shard": 5}], "sha256": "0"}'],
)
def test_markers_that_hold_something_else_are_no_markers(text: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "in/a.jsonl").write_text(jsonl(TEXTS[0]), encoding="utf-8")
    run()
    [marker] = (tmp_path / "out" / STATE).glob("*.json")
    known = json.loads(marker.read_text())
    marker.write_text(text.replace("KEY", known["key"]))
    assert run(resume=True).resumed == 0
    assert run(resume=True).resumed == 1
    changed = json.loads(marker.read_text())
    changed["shards"][0]["counts"]["records"] = "many"
    marker.write_text(json.dumps(changed))
    assert run(resume=True).resumed == 0, "a marker answers for itself"


# --- processes ------------------------------------------------------------------------------

STUCK = "import ctypes, os\nfrom clfnews.processes import Spawning, end_with_parent, spawning\n"
HOLD = "def hold():\n    end_with_parent()\n    print(os.getpid(), flush=True)\n    ctypes.PyDLL(None).sleep(600)\n"
"""A function in C that lets no other Python run, as an endless search of a pattern does."""


def test_workers_end_with_their_parent_whatever_they_are_at(tmp_path: Path) -> None:
    start = (
        "if __name__ == '__main__':\n    with spawning():\n        p = Spawning().Process(target=hold)\n"
        "        p.start()\n    p.join()\n"
    )
    (tmp_path / "main.py").write_text(STUCK + HOLD + start)
    with started(sys.executable, "main.py", cwd=tmp_path) as process:
        worker = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        wait_for(
            lambda: not Path(f"/proc/{worker}/cmdline").exists() or not Path(f"/proc/{worker}/cmdline").read_bytes(), "its end"
        )


def test_workers_can_be_ended_whatever_they_are_at(tmp_path: Path) -> None:
    start = (
        "if __name__ == '__main__':\n    import sys, time\n    context = Spawning()\n    p = context.Process(target=hold)\n"
        "    p.start()\n    sys.stdin.readline()\n    context.kill()\n    p.join(30)\n    print(p.exitcode)\n"
    )
    (tmp_path / "main.py").write_text(STUCK + HOLD + start)
    with started(sys.executable, "main.py", cwd=tmp_path, stdin=subprocess.PIPE) as process:
        process.stdout.readline()
        out, _ = process.communicate(b"\n", timeout=60)
    assert int(out) == -signal.SIGKILL


def hostile_folder(folder: Path) -> Path:
    """Modules of the current folder that say that they were run."""
    for name in ("pickle", "signal", "threading", "json", "struct", "uvicorn", "mlflow", "numpy", "gzip", "selectolax"):
        (folder / f"{name}.py").write_text(f"open({str(folder / 'OWNED')!r}, 'a').write({name!r})\nraise SystemExit(1)\n")
    (folder / "bin").mkdir()
    # As the installed command: its first place for modules is its own folder.
    script = "import sys\nfrom clfnews.cli import main\nif __name__ == '__main__':\n    main()\n"
    (folder / "bin/start.py").write_text(script)
    return folder


def from_hostile_folder(folder: Path, script: str, *arguments: object) -> str:
    """What a script prints that is run in such a folder; no module of the folder has been imported."""
    command_line = [sys.executable, script, *map(str, arguments)]
    done = subprocess.run(command_line, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not (folder / "OWNED").exists()
    return done.stdout


def test_workers_run_nothing_from_the_current_folder(rules_filter: Path, tmp_path: Path) -> None:
    hostile_folder(tmp_path)
    (tmp_path / "in").mkdir()
    for i in range(3):
        (tmp_path / f"in/{i}.jsonl").write_text(jsonl(*TEXTS[:2]), encoding="utf-8")
    out = from_hostile_folder(tmp_path, "bin/start.py", "filter", "in", "-o", "out", "-m", rules_filter, "--workers", "2")
    assert "6 pages in 3 files" in out


@pytest.mark.slow
def test_a_training_runs_nothing_from_the_current_folder(tmp_path: Path) -> None:
    import yaml

    make_data(tmp_path / "data")
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(tiny_config()), encoding="utf-8")
    hostile_folder(tmp_path)
    script = "import clfnews\nif __name__ == '__main__':\n    clfnews.train('tiny.yaml', track=False)\n"
    (tmp_path / "bin/train.py").write_text(script)
    from_hostile_folder(tmp_path, "bin/train.py")


@pytest.mark.slow
@pytest.mark.ray
def test_ray_runs_nothing_from_the_current_folder(rules_filter: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    hostile_folder(tmp_path)
    (tmp_path / "a.jsonl").write_text(jsonl(*TEXTS[:2]), encoding="utf-8")
    command_line = ["filter", "a.jsonl", "-o", "out", "--engine", "ray", "-w", "1", "-m"]
    assert "2 pages in 1 file" in from_hostile_folder(tmp_path, "bin/start.py", *command_line, rules_filter)


@pytest.mark.slow
def test_the_ui_runs_nothing_from_the_current_folder(project: Project, tmp_path: Path) -> None:
    import socket
    import urllib.request

    hostile_folder(tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [sys.executable, "bin/start.py", "ui", "--port", port]
    env = {"MLFLOW_TRACKING_URI": project.store}
    with (tmp_path / "log").open("wb") as log, started(*arguments, cwd=tmp_path, env=env, stderr=log, stdout=log) as server:

        def answers() -> bool:
            assert server.poll() is None, (tmp_path / "log").read_text()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as reply:
                    return b"<title>" in reply.read()
            except OSError:
                return False

        wait_for(answers, "the user interface")
    assert not (tmp_path / "OWNED").exists()


LONG = (
    "import unicodedata\nfrom clfnews.cli.interrupts import answered_interrupts\nwith answered_interrupts():\n"
    "    print(flush=True)\n    WORK\n"
)


@pytest.mark.parametrize(
    ("work", "code"),
    [
        ("unicodedata.normalize('NFC', 'a' + '\\u0315' * 300_000 + '\\u0334' * 300_000)", -signal.SIGKILL),
        ("__import__('hashlib').pbkdf2_hmac('sha256', b'', b'', 10**9)", -signal.SIGKILL),
        ("__import__('time').sleep(600)", -signal.SIGINT),
    ],
    ids=["in C, with all of Python held", "in C", "in Python"],
)
def test_ctrl_c_is_answered_whatever_the_process_is_at(work: str, code: int, tmp_path: Path) -> None:
    with started(sys.executable, "-c", LONG.replace("WORK", work), cwd=tmp_path) as process:
        process.stdout.readline()
        if code == -signal.SIGKILL:
            begun = psutil.Process(process.pid)
            wait_for(lambda: begun.cpu_times().user > 0.5, "the long step")
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all processes
        process.communicate(timeout=60)
    assert process.returncode == code


def test_cleaning_up_after_ctrl_c_may_take_its_time(tmp_path: Path) -> None:
    sleep = "print(flush=True); __import__('time').sleep(600)"
    clean = "__import__('time').sleep(4); print('clean')"
    work = f"try:\n        {sleep}\n    except KeyboardInterrupt:\n        {clean}"
    with started(sys.executable, "-c", LONG.replace("WORK", work), cwd=tmp_path) as process:
        process.stdout.read(2)
        os.killpg(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, b"clean\n")


# --- terminals ------------------------------------------------------------------------------


def test_names_and_ids_do_not_steer_a_terminal(rules_filter: Path, tmp_path: Path) -> None:
    """Pages, warnings and errors on a real terminal."""
    hostile = "\x1b[31m\x9b31m\u202e\u2066"
    (tmp_path / "in").mkdir()
    (tmp_path / f"in/z{hostile}.jsonl").symlink_to("nowhere")
    rows = [{"id": hostile, "url": f"http://a/{hostile}", "text": TEXTS[0]}]
    (tmp_path / "in/a.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    options = ("-m", rules_filter, "-q")
    tagged = on_a_terminal("tag", "in", *options, cwd=tmp_path)
    assert "not read" in tagged.splitlines()[0] and "# in/a.jsonl: \\u001b[31m\\u009b31m" in tagged
    missing = on_a_terminal("tag", f"in/{hostile}", *options, cwd=tmp_path, code=2)
    assert missing == "clfnews: in/\\u001b[31m\\u009b31m\\u202e\\u2066: no file matches this pattern\r\n"
    assert all(c.isprintable() or c in "\r\n" for c in missing)
    assert not any(mark in tagged for mark in ("\x1b[31m", "\x9b", "\u202e", "\u2066")), "only the table's own styles"


def test_a_filter_with_another_threshold_leaves_the_first_as_it_is(rules_filter: Path) -> None:
    from clfnews.filtering.filter import PageFilter

    first = PageFilter.load(rules_filter)
    second = first.with_threshold(0.9)
    assert (first.threshold, second.threshold, second.name) == (0.5, 0.9, first.name)
    assert first.with_threshold(None) is first


def test_an_output_folder_that_may_not_be_written_is_the_users_mistake(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in/a.txt").write_text(TEXTS[0], encoding="utf-8")
    with pytest.raises(UserError, match="cannot be written: File name too long"):
        run("x" * 300)
