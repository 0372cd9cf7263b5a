"""What the names that authors give to the elements of a page tell: class, id, role and itemprop."""

from __future__ import annotations

import re
from functools import lru_cache

from clfnews.lexicons import lexicon

_ROLES = {"main": "main", "article": "article", "navigation": "nav", "banner": "header", "contentinfo": "footer",
          "complementary": "aside", "search": "form", "form": "form"}  # fmt: skip
ABSENT = "\0"
"""In the place of an attribute that is not there; no value holds it."""
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]")
MAX_NAMES, LONGEST_NAME, LONGEST_VALUE = 80, 24, 32
"""Characters of an element's class and id words that its path tells, of one such word, and of a role."""


_LONGEST_ATTRIBUTE = 400
"""Characters of class and id together that are read."""
_KEPT = 1 << 14
"""Different elements whose names are kept: a batch of pages of many sites has about nine thousand, some 5 MB."""


def naming(classes: str | None, element_id: str | None) -> tuple[str, str]:
    """The first telling word of a class or id attribute, as the name of its list; and the first words of both."""
    return _naming(_start(classes), _start(element_id))


@lru_cache(maxsize=_KEPT)
def _naming(classes: str | None, element_id: str | None) -> tuple[str, str]:
    known = _hint_words()
    words = " ".join(_WORDS.findall(f"{classes or ''} {element_id or ''}"[:_LONGEST_ATTRIBUTE])).lower().split()
    hint = next((known[word] for word in words if word in known), "") if not known.keys().isdisjoint(words) else ""
    return hint, " ".join(dict.fromkeys([word for word in words if 1 < len(word) <= LONGEST_NAME]))[:MAX_NAMES]


def step_of(
    name: str, classes: str | None, element_id: str | None, role: str | None, itemprop: str | None
) -> tuple[str, str, str]:
    """Region and hint that an element's attributes name, if any, and its step of a path: tag and words.

    Parameters: the values of its attributes; `ABSENT` for a `role` or `itemprop` that is not there. The step tells these
    two beside the words of class and id.
    """
    role, itemprop = role and role[:LONGEST_VALUE], itemprop and itemprop[:LONGEST_VALUE]
    return _step_of(name, _start(classes), _start(element_id), role, itemprop)


def _start(value: str | None) -> str | None:
    # What the caches below keep stays small, whatever pages hold.
    return value if value is None or len(value) <= _LONGEST_ATTRIBUTE else value[:_LONGEST_ATTRIBUTE]


@lru_cache(maxsize=_KEPT)
def _step_of(
    name: str, classes: str | None, element_id: str | None, role: str | None, itemprop: str | None
) -> tuple[str, str, str]:
    hint, words = _naming(classes, element_id)
    step = f"{name} {words}" if words else name
    for value in (role, itemprop):
        if value != ABSENT:
            step += f" {value}"[:LONGEST_VALUE].replace("/", " ")
    return _ROLES.get(role or "", ""), hint, step


@lru_cache(maxsize=1)
def _hint_words() -> dict[str, str]:
    return {word: name[5:] for name, words in lexicon().items() if name.startswith("html_") for word in words}
