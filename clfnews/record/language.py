"""The language of a text, by py3langid (naive Bayes over bytes, 97 languages; Lui and Baldwin 2012)."""

from __future__ import annotations

import io
import lzma
from array import array
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

ENOUGH, _FEW, _LONG = 400, 20, 40
"""Characters of a text that are looked at; a shorter one tells nothing; lines from this length on are sentences."""
_UNSURE = 0.6
"""Below this probability what the page says of itself decides."""
_SAME = {"nb": "no", "iw": "he", "in": "id", "tl": "fil"}
"""Codes that mean one language here."""
_NEAR = [
    set(near.split())
    for near in (
        "no nn da sv", "zu xh ss nr nd", "id ms jv", "hr bs sr", "cs sk", "es gl ca an", "nl af li", "de lb", "ru uk be bg",
        "sw rw", "hi mr ne", "pt gl", "fa ps ur", "is fo", "fi et", "kl da", "st tn nso",
    )
]  # fmt: skip
"""Languages so close that what a page says of itself decides between them."""


def language_of(lines: Iterable[str], declared: str | None = None) -> tuple[str | None, float | None]:
    """The language of a text (ISO 639) and its probability, both None for a text that is too short.

    Parameters: `declared`, what the page says (`vi`, `en-GB`): it stands where
    the text is too short or py3langid is not installed, without a probability,
    and it decides between languages that are close.
    """
    own = code_of(declared)
    text = _sample(lines)
    identifier = _identifier() if len(text) >= _FEW else None
    if identifier is None:
        return own, None
    ranked = [(_SAME.get(code, code), p) for code, p in identifier.rank(text)[:8]]
    best, p = ranked[0]
    if own and own != best and (p < _UNSURE or any({own, best} <= near for near in _NEAR)):
        best, p = own, next((share for code, share in ranked if code == own), 0.0)
    return best, round(p, 4)


def code_of(declared: str | None) -> str | None:
    """The language of a tag such as `en-GB` or `vi_VN`; None if it is none."""
    code = (declared or "").strip().lower().replace("_", "-").partition("-")[0]
    return _SAME.get(code, code) if code.isascii() and code.isalpha() and 2 <= len(code) <= 3 else None


def _sample(lines: Iterable[str]) -> str:
    """The first sentences of a text; all lines, if it has few."""
    long: list[str] = []
    short: list[str] = []
    size = 0
    for line in lines:
        if len(line) >= _LONG:
            long.append(line[:ENOUGH])
            size += len(long[-1])
            if size >= ENOUGH:
                break
        elif len(short) < 100:
            short.append(line)
    return "\n".join(long if size >= 200 else [*long, *short])[:ENOUGH]


@lru_cache(maxsize=1)
def _identifier() -> Any:
    """The model, read once a process (half a second); None if the package is not there.

    The package unpacks its model into a temporary file. Here it is unpacked in
    memory: a full disk for temporary files must not end a run for its language.
    """
    try:
        from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier
    except ImportError:
        return None
    import numpy as np

    with lzma.open(MODEL_DIR / MODEL_FILE) as packed, np.load(io.BytesIO(packed.read()), allow_pickle=False) as data:
        stored = {name: data[name] for name in data.files}
    del data  # its 65 MB are not to stand beside the copies below
    steps, rows = (_as_array(stored.pop(name)) for name in ("nextmove", "nextmove_row"))
    features, classes = stored["out_feat"].tolist(), stored["classes"].tolist()
    return LanguageIdentifier(stored["ptc"], stored["pc"], classes, steps, features, norm_probs=True, tk_row=rows)


def _as_array(numbers: Any) -> array[int]:
    """The same numbers in the type of the standard library, whose single items are read faster."""
    found = array({2: "H", 4: "I"}[numbers.dtype.itemsize])
    found.frombytes(memoryview(numbers).cast("B"))
    return found
