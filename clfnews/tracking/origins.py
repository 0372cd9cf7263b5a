"""Where a filter came from that MLflow has kept: the registered version, and the run that logged it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from clfnews.filtering.origin import Origin, of_folder

FILTER = Path("artifacts", "filter")
"""Place of the filter in the folder of a logged model."""
_ABOUT, _REGISTERED = "MLmodel", "registered_model_meta"
"""What MLflow writes into that folder: when it is logged, and when a registered version of it is fetched."""


def of_version(version: Any) -> Origin:
    """The origin of a registered version, as the MLflow client gives it."""
    return Origin(f"models:/{version.name}/{version.version}", version.run_id or None)


def of_filter(folder: Path) -> Origin:
    """The origin of a filter that was named by its folder; the run is known if that belongs to a logged model."""
    root = folder.resolve()
    logged = root.parents[1] if root.parts[-2:] == FILTER.parts else None
    return of_folder(folder, run=_said(logged / _ABOUT).get("run_id") if logged else None)


def of_logged(root: Path, uri: str | None = None) -> Origin:
    """The origin of a model in the folder that MLflow gave for it.

    `uri` is what was asked for, if that means one model for ever (`runs:/...`);
    None: the version that MLflow has fetched there, or else the logged model.
    """
    about, registered = _said(root / _ABOUT), _said(root / _REGISTERED)
    if uri is None and registered.get("model_name"):
        uri = f"models:/{registered['model_name']}/{registered.get('model_version')}"
    if uri is None and about.get("model_id"):
        uri = f"models:/{about['model_id']}"
    run = about.get("run_id")
    return Origin(uri, run) if uri else of_folder(root / FILTER, run=run)


def _said(path: Path) -> dict[str, Any]:
    """What a small YAML file of MLflow says; nothing if it is not there or says nothing."""
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}
