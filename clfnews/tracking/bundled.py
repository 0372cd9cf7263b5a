"""The filter that a wheel brings, for use before a first training (`make dist`, `.ci/bundle.py`).

It is a package of its own, `clfnews_model`, beside this one: all of this one travels with every logged model.
"""

from __future__ import annotations

import logging
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from clfnews.filtering.saved import META

PACKAGE = "clfnews_model"
FOLDER = "filter"


def bundled_filter() -> Path | None:
    """The folder of the filter that is installed with clfnews; None if there is none."""
    spec = find_spec(PACKAGE)  # finds without running anything
    if spec is None or spec.origin is None:  # a folder of that name is no package
        return None
    folder = Path(spec.origin).parent / FOLDER
    return folder if (folder / META).is_file() else None


@cache  # once a process
def tell_bundled() -> None:
    """Say on standard error that the installed filter is used."""
    logging.getLogger("clfnews").warning(
        "clfnews: no champion in the store in use, so the filter that came with clfnews is used (its card: clfnews card)"
    )
