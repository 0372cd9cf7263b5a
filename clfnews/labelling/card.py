"""The dataset card of a data folder of the user's, and the configuration that trains on it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from clfnews.labelling.tasks import Tasks, of_lines, of_pages
from clfnews.labels import SHIPPED, TASKS

MARK = "<!-- made by clfnews data import -->"
"""In cards that may be written again."""


def card_text(splits: Sequence[str], tasks: Tasks, keys: Sequence[str], how: str) -> str:
    """A card that `datasets` reads: the files of the splits, the keys of pages that are texts, and the names of the labels.

    Parameters: `how`, what it says to its reader.
    """
    files = "\n".join(f"  - {{split: {name}, path: pages/{name}.jsonl}}" for name in splits)
    columns = "\n".join(f"  - {{name: {key}, dtype: string}}" for key in keys)
    pages = "".join(_feature(tasks, name, "  ") for name in of_pages(tasks))
    lines = "".join(_feature(tasks, name, "    ") for name in of_lines(tasks))
    return f"""---
configs:
- config_name: pages
  default: true
  data_files:
{files}
dataset_info:
- config_name: pages
  features:
{columns}{pages}
  - name: lines
    list:
    - {{name: text, dtype: string}}{lines}
---
{MARK}

{how}"""


def _feature(tasks: Tasks, name: str, indent: str) -> str:
    """The `class_label` feature of a task; the shipped names need no quotation marks."""
    own = tasks != SHIPPED
    labels = ", ".join(f"'{i}': {_quoted(label) if own else label}" for i, label in enumerate(tasks[name].labels))
    step = f"\n{indent}  "
    return f"\n{indent}- name: {name}{step}dtype:{step}  class_label:{step}    names: {{{labels}}}"


def config_text(folder: Path, splits: Sequence[str], tasks: Tasks) -> str:
    """The configuration that trains on the folder: every key that it leaves out is as in configs/base.yaml."""
    missing = "".join(f"  {name}: null\n" for name in ("validation", "test") if name not in splits)
    kept = [label for label in tasks["type"].labels if label in tasks["type"].keep] if "type" in tasks else []
    keep = ", ".join(map(_quoted, kept))
    types = f"\ntype:\n  keep: [{keep}]                # the labels of lines that are the article\n" if keep else ""
    own = "".join(f"  {name}: {{of: {tasks[name].of}}}\n" for name in [*of_pages(tasks), *of_lines(tasks)] if name not in TASKS)
    section = f"\ntasks:                        # of lines, kept lines or pages\n{own}" if own else ""
    return f"""# Written by clfnews data import; configs/base.yaml has all keys with their defaults.

data:
  folder: .                   # where this file is, whatever the working directory
{missing}{types}{section}
tracking:
  registered_model: {_quoted("_".join(folder.resolve().name.split()))}
"""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
