"""What the scripts of this folder share: the command line as a process, a model that starts fast, pages to read."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from helpers import Result, command, environment, make_data, run, started, tiny_config  # noqa: E402

__all__ = ["ROOT", "Result", "command", "environment", "make_data", "run", "started", "tiny_config"]


@contextmanager
def new_folder() -> Iterator[Path]:
    """An empty folder that goes at the end."""
    folder = Path(mkdtemp(prefix="clfnews-safety-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def rules_model(folder: Path) -> Path:
    """A filter of the two models without training."""
    from clfnews.filtering.filter import PageFilter
    from clfnews.labels import TASKS
    from clfnews.models import make_model
    from clfnews.models.calibration import FittedTask

    rules, lexicon = make_model("rules", "type", TASKS["type"]), make_model("lexicon", "stance", TASKS["stance"])
    PageFilter(FittedTask(rules, {}), FittedTask(lexicon, {}), name="rules+lexicon").save(folder)
    return folder


def texts(number: int) -> list[str]:
    """Pages of the project as text, over and over."""
    lines = (ROOT / "data/pages/validation.jsonl").read_text(encoding="utf-8").splitlines()[:60]
    pages = ["\n".join(line["text"] for line in json.loads(row)["lines"]) for row in lines]
    return [pages[i % len(pages)] for i in range(number)]


def jsonl(pages: list[str], prefix: str = "") -> str:
    """Pages as rows with an id."""
    return "".join(json.dumps({"id": f"{prefix}{i}", "text": text}, ensure_ascii=False) + "\n" for i, text in enumerate(pages))


def written(out: Path) -> dict[str, bytes]:
    """What a run has written for its user, but for the manifest."""
    files = (path for path in out.rglob("*") if path.is_file() and ".clfnews" not in path.parts and path.name != "manifest.json")
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def manifest(out: Path) -> dict[str, Any]:
    """The manifest of a run."""
    found: dict[str, Any] = json.loads((out / "__run__" / "manifest.json").read_text(encoding="utf-8"))
    return found
