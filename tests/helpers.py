"""What the tests share: the command line as a subprocess, a tiny data folder, labelled pages."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from warm import serves, warm_command

ROOT = Path(__file__).resolve().parent.parent
SEED_PAGE = ROOT / "seeds" / "001_0965331b62c00476.txt"

# Rows x groups of each split of the tiny folder; enough groups for three folds.
SIZES = {
    "pages": {"train": (18, 6), "validation": (6, 2), "test": (5, 5)},
    "stance": {"train": (24, 24), "validation": (6, 6), "test": (5, 5)},
}
# Weak fastText beside the rules: a later training can be worse, and the champion does not depend on luck.
SMALL_FASTTEXT = {"dim": 8, "epoch": 1, "lr": 0.05, "bucket": 1000}
TINY_MODELS: dict[str, dict[str, Any]] = {
    "type": {"rules": {}, "fasttext": SMALL_FASTTEXT},
    "stance": {"lexicon": {}, "linear": {"min_df": 1}},
}


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Standard output as JSONL."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def error(self) -> str:
        """The one line that a user's mistake prints; fails if there are more."""
        lines = self.err.splitlines()
        assert len(lines) == 1, f"expected one line on standard error, got: {self.err!r}"
        return lines[0]


@dataclass(frozen=True)
class Project:
    """A working directory in which `clfnews train tiny.yaml` has run."""

    folder: Path
    trained: Result
    store: str
    """Tracking URI of the store that the training made by itself."""
    filter: Path
    """The trained filter as a folder; loads without MLflow."""
    untouched: Path
    """A copy of `folder` made right after the training: other tests train in the store, this one has one run for ever."""

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def config(self) -> Path:
        return self.folder / "tiny.yaml"


Cli = Callable[..., Result]


def environment(**extra: str) -> dict[str, str]:
    """The environment of a user who has set nothing, offline."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "CLFNEWS_", "HF_"))}
    return kept | {"HF_HUB_OFFLINE": "1", "PYTHONIOENCODING": "utf-8", "COLUMNS": "120"} | extra


def command(*arguments: object) -> list[str]:
    """`clfnews ARGUMENTS` in this interpreter."""
    return [sys.executable, "-m", "clfnews.cli", *map(str, arguments)]


def run(
    *arguments: object,
    cwd: Path,
    stdin: bytes = b"",
    env: dict[str, str] | None = None,
    timeout: float = 600,
    fresh: bool = False,
) -> Result:
    """Run the command line; whatever was given, it must never answer with a traceback.

    `fresh`: in a Python that starts anew, where the start is what counts; else in a fork of one that has all loaded.
    """
    variables = environment(**(env or {}))
    if not fresh and serves(env or {}):
        code, out, err = warm_command(list(map(str, arguments)), cwd, stdin, variables, timeout)
    else:
        done = subprocess.run(
            command(*arguments), cwd=cwd, input=stdin, env=variables, capture_output=True, timeout=timeout, check=False
        )
        code, out, err = done.returncode, done.stdout, done.stderr
    result = Result(code, out.decode("utf-8"), err.decode("utf-8", "replace"))
    assert "Traceback" not in result.err, result.err
    return result


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a Markdown page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def run_line(line: str, cwd: Path, env: dict[str, str] | None = None) -> Result:
    """Run a command of a page, which has to succeed."""
    name, *arguments = shlex.split(line)
    assert name == "clfnews"
    result = run(*arguments, cwd=cwd, env=env)
    assert result.code == 0, f"{line}\n{result.out}{result.err}"
    return result


def on_a_terminal(*arguments: object, cwd: Path, code: int = 0, **env: str) -> str:
    """What a command writes when its streams are a terminal."""
    main, terminal = os.openpty()
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), terminal)
    variables = environment(TERM="xterm-256color") | env
    with subprocess.Popen(command(*arguments), cwd=cwd, env=variables, **pipes) as process:
        os.close(terminal)
        out = b""
        with suppress(OSError):  # Linux's way of saying that the other end has been closed
            while data := os.read(main, 65536):
                out += data
        assert process.wait(300) == code, out.decode()
    os.close(main)
    return out.decode()


@contextmanager
def started(*command: object, cwd: Path, env: dict[str, str] | None = None, **pipes: Any) -> Iterator[Any]:
    """A process in a group of its own, where Ctrl-C is not ignored; the group ends with the block."""
    process = subprocess.Popen(
        list(map(str, command)),
        cwd=cwd,
        env=environment(PYTHONUNBUFFERED="1") | (env or {}),
        **({"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | pipes),
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 300) -> None:
    """Poll until something has happened; the limit only ends a test that hangs."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"waited {seconds:g} s in vain for {what}")
        time.sleep(0.05)


def cut_rows(source: Path, n_rows: int, n_groups: int) -> list[dict[str, Any]]:
    """The first rows of the first groups of a split."""
    rows = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    groups = sorted({row["group"] for row in rows})[:n_groups]
    return [row for row in rows if row["group"] in groups][:n_rows]


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Rows as JSONL."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def make_data(folder: Path) -> Path:
    """A few rows of every shipped split, under the shipped dataset card."""
    for config, splits in SIZES.items():
        for split, (n_rows, n_groups) in splits.items():
            rows = cut_rows(ROOT / "data" / config / f"{split}.jsonl", n_rows, n_groups)
            write_rows(folder / config / f"{split}.jsonl", rows)
    # The card without the files of pages drawn as HTML, which a tiny folder does not have.
    card = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    (folder / "README.md").write_text(re.sub(r"path: \[(\S+\.jsonl), [^\]]*\]", r"path: \1", card), encoding="utf-8")
    return folder


def pages_of_six_sites() -> list[Any]:
    """Composed pages with their labels: those of the first six sites of the training pages."""
    from clfnews.data.gold import load_gold

    pages = load_gold(ROOT / "data" / "pages" / "train.jsonl").pages
    sites = sorted({str(page.site) for page in pages})[:6]
    return [page for page in pages if page.site in sites]


def tiny_config(**changes: Any) -> dict[str, Any]:
    """Values of a configuration that trains in seconds; models that are not named are left out."""
    from clfnews.config.options import StanceModels, TypeModels

    values: dict[str, Any] = {"folds": 3, "bootstrap": {"samples": 100}}
    for task, section in (("type", TypeModels), ("stance", StanceModels)):
        values[task] = {"models": dict.fromkeys(section.model_fields) | TINY_MODELS[task]}
    return values | changes
