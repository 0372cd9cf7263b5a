"""The folder of a saved filter: what its `filter.json` says, and whether the files are those that were saved."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from clfnews.errors import UserError
from clfnews.filtering.risk import RiskCurve
from clfnews.labels import TASKS, Task
from clfnews.models import load_model, save_model
from clfnews.models.calibration import FittedTask
from clfnews.sites.weights import FILE as SITES
from clfnews.sites.weights import SiteWeights
from clfnews.version import __version__

META = "filter.json"
SCHEMA = 1
"""Version of the saved folder; `read_meta` refuses another one."""
TEMPERATURES = 0.01, 100.0
"""Training chooses from a far smaller range (`models.calibration.fit_temperature`)."""


def read_meta(folder: Path) -> dict[str, Any]:
    """What `filter.json` of a saved filter holds, each value checked; raises `UserError` if it is none, or of another schema."""
    path = folder / META
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UserError(f"{folder}: not a clfnews filter (no filter.json); train one: clfnews train CONFIG") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: broken (not JSON); train again") from error
    if not isinstance(meta, dict):
        raise UserError(f"{path}: broken (not a JSON object); train again")
    if meta.get("schema") != SCHEMA:
        raise UserError(
            f"{folder}: made by clfnews {meta.get('clfnews')} (schema {meta.get('schema')}), "
            f"this is {__version__} (schema {SCHEMA}); train again or install that version"
        )
    problem = _problem(meta)
    if problem:
        raise UserError(f"{path}: broken ({problem}); train again")
    return meta


def _problem(meta: Mapping[str, Any]) -> str | None:
    for key, kind in (("name", str), ("info", dict), ("temperature", dict)):
        if not isinstance(meta.get(key), kind):
            return f"no {key!r}" if key not in meta else f"{key!r} is {meta[key]!r:.80}"
    for key in ("threshold", "min_confidence"):
        if not _is_number(meta.get(key), 0, 1):
            return f"no {key!r}" if key not in meta else f"{key!r} is not a number from 0 to 1: {meta[key]!r:.80}"
    tasks = meta["temperature"]
    own = meta.get("tasks", {})
    if not isinstance(own, dict) or not all(_is_task(name, about) for name, about in own.items()):
        return "'tasks' does not say what its tasks are"
    if not tasks or not set(tasks) <= {*TASKS, *own}:
        return f"'temperature' is of {', '.join(map(repr, tasks)) or 'nothing'}; expected 'type', 'stance' or one of 'tasks'"
    least = meta.get("least", {})
    if not isinstance(least, dict) or not all(_is_number(value, 0, 1) for value in least.values()):
        return "'least' is not of numbers from 0 to 1"
    wrong = next((value for value in tasks.values() if not _is_number(value, *TEMPERATURES)), None)
    if wrong is not None or None in tasks.values():
        return f"a temperature is {wrong!r:.80}"
    needs, encoders = meta.get("needs", {}), meta.get("encoders", {})
    if not isinstance(needs, dict) or not all(isinstance(version, str) for version in needs.values()):
        return "'needs' is not of packages with their versions"
    if not isinstance(encoders, dict) or not all(_is_encoder(about) for about in encoders.values()):
        return "'encoders' does not say how often they are asked"
    if "risk" in meta:
        try:
            RiskCurve.from_json(meta["risk"])
        except ValueError as error:
            return f"'risk' {error}"
    files = meta.get("files", {})
    if not isinstance(files, dict) or not all(isinstance(value, str) for value in files.values()):
        return "'files' has no checksums"
    return None


def _is_task(name: str, about: Any) -> bool:
    """Whether this says of what a task is and which labels filter; its name is that of a folder."""
    if not isinstance(about, dict) or not name.isidentifier() or about.get("of") not in ("lines", "kept lines", "pages"):
        return False
    return isinstance(about.get("keep"), list) and all(isinstance(label, str) for label in about["keep"])


def _is_encoder(about: Any) -> bool:
    return isinstance(about, dict) and all(_is_number(about.get(key), 0, math.inf) for key in ("unsure", "asked", "asked_a_page"))


def _is_number(value: Any, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and low <= value <= high


def write_filter(folder: Path, tasks: Mapping[str, FittedTask], meta: Mapping[str, Any]) -> None:
    """Write the models of a filter, and what `meta` says of it; that comes last, so that a folder with it is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / META).unlink(missing_ok=True)
    for task, fitted in tasks.items():
        save_model(fitted.model, folder / task, fitted.options)
        if fitted.sites:
            fitted.sites.save(folder / task)
        else:
            (folder / task / SITES).unlink(missing_ok=True)  # of another filter that was saved here
    whole = {**meta, "files": checksums(folder, tasks)}
    (folder / META).write_text(json.dumps(whole, indent=1, ensure_ascii=False), encoding="utf-8")


def read_tasks(folder: Path, meta: Mapping[str, Any]) -> dict[str, FittedTask]:
    """The models of a saved filter by task; raises `UserError` for files that are not as they were saved."""
    check_files(folder, meta)
    tasks = {}
    for task, temperature in meta["temperature"].items():
        model, options = load_model(folder / task, task, known=f"{task}/model.bin" in meta.get("files", {}))
        about = meta.get("tasks", {}).get(task)
        spec = Task(task, model.labels, about["of"], frozenset(about["keep"])) if about else None
        tasks[task] = FittedTask(model, options, temperature, spec, SiteWeights.load(folder / task))
    return tasks


def reads_hidden(folder: Path) -> bool:
    """`PageFilter.reads_hidden` of a saved filter, without loading its models; False if there is none."""
    try:
        return bool(read_meta(folder).get("reads_hidden"))
    except UserError:
        return False  # what is wrong with it is told when it is loaded


def checksums(folder: Path, tasks: Iterable[str]) -> dict[str, str]:
    """SHA-256 of every file of the models, by its path in the folder."""
    paths = sorted(path for task in tasks for path in (folder / task).rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): _sha256(path) for path in paths}


def check_files(folder: Path, meta: Mapping[str, Any]) -> None:
    """Raise `UserError` that names the first file which is missing or not as it was saved; old folders have no checksums."""
    for name, wanted in meta.get("files", {}).items():
        path = folder / name
        try:
            found = _sha256(path)
        except OSError as error:
            raise UserError(
                f"{path}: cannot be read ({error.strerror}); the model is not whole, copy it or train again"
            ) from error
        if found != wanted:
            raise UserError(f"{path}: is not as it was saved (its checksum differs); copy the model again, or train again")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
