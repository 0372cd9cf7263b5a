"""From the text of a line to words; used by every model that reads text."""

from __future__ import annotations

import re

# One-letter words ("ở", "Ý") are words; scikit-learn's default pattern drops them.
TOKEN_PATTERN = r"(?u)\w+|[^\w\s]"

_TOKEN = re.compile(TOKEN_PATTERN)
_DIGITS = re.compile(r"\d")


def words(text: str) -> list[str]:
    """Lower-case words and punctuation marks of a normalised line, digits as 0."""
    return _TOKEN.findall(shape_digits(text))


def shape_digits(text: str) -> str:
    """The line in lower case with every digit as 0: amounts and dates have a form, not a value."""
    return _DIGITS.sub("0", text.lower())
