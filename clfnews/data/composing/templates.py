"""Templates: how the pages of a site are built, as HTML in Jinja2.

Every text stands in an element with `data-l`, the type of its lines
(`data-l="teaser"`), or below one; `labels.py` reads it and strips it. What a
template may call is a method or attribute of `shown.Shown`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from clfnews.errors import UserError


@dataclass(frozen=True, slots=True)
class Template:
    """How the pages of a site are built."""

    name: str
    source: str = field(repr=False)
    languages: tuple[str, ...]
    """Languages it is written for; empty: any."""
    listing: bool
    """A page without an article: a section, a search, an error."""

    def filled(self, names: Mapping[str, Any]) -> str:
        """The HTML, with `data-l` on its elements."""
        return str(_compiled(self.source).render(names))


def load_templates(folder: Path) -> list[Template]:
    """All `*.html` of a folder but those that begin with `_`; their first line is a comment: `{# languages: any; listing #}`."""
    found = []
    for path in sorted(folder.glob("[!_]*.html")):
        source = path.read_text(encoding="utf-8")
        head = re.match(r"\{#(.{0,300}?)#\}", source)
        if not head:
            raise UserError(f"{path}: the first line is not a comment such as {{# languages: any #}}")
        named = re.search(r"languages:\s*([\w ,]+)", head[1])
        languages = tuple(re.findall(r"\w+", named[1])) if named and "any" not in named[1] else ()
        found.append(Template(path.stem, source, languages, "listing" in head[1]))
    if not found:
        raise UserError(f"{folder}: no *.html templates")
    return found


@lru_cache(maxsize=256)
def _compiled(source: str) -> Any:
    from jinja2 import Environment, StrictUndefined

    return Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(source)
