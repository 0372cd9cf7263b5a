"""Characters and words of many lines at once, as numpy arrays.

All lines are joined into one array of code points; what a Python loop would ask
of each character is a table look-up, what it would count is a `bincount`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

# Classes of characters. The order is that of the columns of `CharTable.counts`.
CLASSES = (
    "newline",
    "space",
    "lower",
    "upper",
    "digit",
    "stop",
    "comma",
    "colon",
    "quote",
    "dash",
    "bar",
    "slash",
    "bracket",
    "other",
)
_CODE = {name: i for i, name in enumerate(CLASSES)}
_MEMBERS = {
    "newline": "\n",
    "space": " ",
    # Sentence_Terminal of the Unicode database, as far as news use it: CJK and its narrow and wide forms, Devanagari, Arabic,
    # Urdu, Ethiopic, Armenian, Khmer, Burmese, Tibetan.
    "stop": ".!?…。！？｡．।॥؟۔።፧፨։។៕၊။།‼⁇⁈⁉",
    "comma": ",;，、；،؛､",
    "colon": ":：",
    "quote": "\"'“”„‚‘’‹›「」『』《》〈〉«»",
    "dash": "-–—•*+·▪■►▶→»›",
    "bar": "|",
    "slash": "/\\",
    "bracket": "()[]{}<>（）【】［］〔〕",
}
WORD_BITS = 18
"""Words are hashed into 2**18 buckets."""
HAN, SYLLABLE = 2.5, 2.0
"""How many Latin letters tell as much as one sign: news of equal content in parallel has about these ratios."""
_LONGEST_WORD = 32
_PIECE = 1 << 16
"""Characters that are looked at in one go: the arrays stay in the processor's cache, and memory is bounded."""


@dataclass(frozen=True, slots=True)
class CharTable:
    """Counts and ends of N lines, and their W words."""

    counts: np.ndarray
    """N x classes: characters of each class (int32)."""
    length: np.ndarray
    """N: characters in a unit that means the same in every script (`HAN`, `SYLLABLE`)."""
    chars: np.ndarray
    """N: characters."""
    alone: np.ndarray
    """N: letters of scripts that set no space between words (Han, kana, Thai, Lao, Khmer, Burmese)."""
    first: np.ndarray
    """N: class of the first character (`other` for an empty line)."""
    last: np.ndarray
    """N: class of the last character."""
    capitals: np.ndarray
    """N: words that begin with a capital."""
    number_joints: np.ndarray
    """N x 3: digit-slash-digit (dates), digit-colon-digit (clocks), digit-stop/comma-digit (amounts)."""
    sentence_ends: np.ndarray
    """N: sentence marks followed by a space."""
    word_line: np.ndarray
    """W: line of each word; a mark of punctuation is a word of its own."""
    word_bucket: np.ndarray
    """W: hash of the word in lower case, 0 to 2**WORD_BITS - 1."""
    word_text: np.ndarray
    """W: whether the word is letters or digits, not a mark."""
    word_upper: np.ndarray
    """W: whether the word begins with a capital."""
    word_capital: np.ndarray
    """W: whether the word begins with a capital and is not the first of its line."""


def char_table(texts: Sequence[str]) -> CharTable:
    """The table of normalised lines (they hold no newline)."""
    ends = np.cumsum([len(text) + 1 for text in texts]) if texts else np.zeros(1, dtype=np.int64)
    cuts = np.searchsorted(ends, np.arange(_PIECE, ends[-1], _PIECE)).tolist()
    parts = [_char_table(texts[start:end]) for start, end in pairwise([0, *cuts, len(texts)]) if start < end or not texts]
    if len(parts) == 1:
        return parts[0]
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in CharTable.__slots__}
    first_line = np.repeat(np.cumsum([0, *(len(part.length) for part in parts[:-1])]), [len(part.word_line) for part in parts])
    return CharTable(**joined | {"word_line": joined["word_line"] + first_line})


def _char_table(texts: Sequence[str]) -> CharTable:
    n = len(texts)
    classes, lower, width, alone = _tables()
    codes = np.frombuffer(("\n".join(texts) + "\n").encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    codes = np.minimum(codes, 0xFFFF)  # beyond the basic plane: symbols, all of one class
    kind = classes[codes]
    ends = np.flatnonzero(kind == 0)[:n] if n else np.zeros(0, dtype=np.int64)
    starts = np.concatenate(([0], ends[:-1] + 1)) if n else ends
    chars = ends - starts
    line = np.repeat(np.arange(n), chars + 1) if n else np.zeros(0, dtype=np.int64)
    kind, codes = kind[: len(line)], codes[: len(line)]
    single = alone[codes]
    if single.any() or (width[codes] > 1).any():
        length = np.rint(np.bincount(line, width[codes], minlength=n)).astype(np.int64) - 1
    else:
        length = chars
    k = len(CLASSES)
    counts = np.bincount(line * k + kind, minlength=n * k).reshape(n, k).astype(np.int32)
    before = np.concatenate((np.zeros(1, dtype=np.uint8), kind[:-1]))
    after = np.concatenate((kind[1:], np.zeros(1, dtype=np.uint8)))
    between = np.flatnonzero((before == _CODE["digit"]) & (after == _CODE["digit"]))
    joint, joint_line = kind[between], line[between]
    joints = np.stack(
        [
            np.bincount(joint_line[np.isin(joint, [_CODE[name] for name in names])], minlength=n)
            for names in (("slash", "dash"), ("colon",), ("stop", "comma"))
        ],
        axis=1,
    )
    # Marks of scripts without spaces need none behind them to end a sentence.
    sentence_end = line[(kind == _CODE["stop"]) & ((after == _CODE["space"]) | (codes > 0x2E00))]
    word_line, bucket, text, word_upper, n_capitals = _words(codes, kind, before, line, lower, single, n)
    some = chars > 0
    return CharTable(
        counts=counts,
        length=length,
        chars=chars,
        alone=np.bincount(line[single], minlength=n),
        first=np.where(some, kind[starts], _CODE["other"]) if n else length,
        last=np.where(some, kind[np.maximum(ends - 1, 0)], _CODE["other"]) if n else length,
        capitals=n_capitals,
        number_joints=joints,
        sentence_ends=np.bincount(sentence_end, minlength=n),
        word_line=word_line,
        word_bucket=bucket,
        word_text=text,
        word_upper=word_upper,
        word_capital=word_upper & np.concatenate(([False], word_line[1:] == word_line[:-1]))[: len(word_line)],
    )


def class_code(name: str) -> int:
    """Column of a class in `CharTable.counts`, and its value in `first` and `last`."""
    return _CODE[name]


def _words(
    codes: np.ndarray, kind: np.ndarray, before: np.ndarray, line: np.ndarray, lower: np.ndarray, single: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Line, bucket, text and capital flag of every word, and the capitalised words of each line."""
    inside = (kind >= _CODE["lower"]) & (kind <= _CODE["digit"])
    mark = kind > _CODE["digit"]
    starts = mark | (inside & ~((before >= _CODE["lower"]) & (before <= _CODE["digit"])))
    if single.any():  # every sign is a word; marks above and below a letter stay with it
        starts |= single | (inside & ~_is_mark()[codes] & np.concatenate(([False], single[:-1])))
    at = np.flatnonzero(starts)
    if not len(at):
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty, empty.astype(bool), empty.astype(bool), np.zeros(n, dtype=np.int64)
    # Words are runs among the characters that are not space: where each run begins there.
    chars = np.flatnonzero(inside | mark)
    first = np.flatnonzero(starts[chars])
    size = np.diff(first, append=len(chars))
    position = np.arange(len(chars), dtype=np.int32) - np.repeat(first.astype(np.int32), size)
    # A polynomial hash: sum of (code + 1) * p**position, wrapping at 2**64, as
    # differences of one running sum, which wraps alike.
    value = lower[codes[chars]]
    value *= np.take(_powers(), position, mode="clip")
    total = np.cumsum(value)
    hashed = np.diff(total[first + size - 1], prepend=np.uint64(0))
    hashed ^= hashed >> np.uint64(29)
    hashed *= np.uint64(0x9E3779B97F4A7C15)
    bucket = (hashed >> np.uint64(64 - WORD_BITS)).astype(np.int64)
    word_line = line[at]
    upper = kind[at] == _CODE["upper"]
    return word_line, bucket, inside[at], upper, np.bincount(word_line, upper, minlength=n).astype(np.int64)


@lru_cache(maxsize=1)
def _powers() -> np.ndarray:
    return np.array([pow(0x100000001B3, i, 2**64) for i in range(_LONGEST_WORD)], dtype=np.uint64)


_PLANE = "".join(map(chr, range(0x10000)))
"""All code points of the basic plane."""


def _marks() -> np.ndarray:
    """Whether a code point of the basic plane is a combining mark."""
    return np.array([category[0] == "M" for category in map(unicodedata.category, _PLANE)])


@lru_cache(maxsize=1)
def _is_mark() -> np.ndarray:
    """The same below the surrogates: marks of scripts."""
    return _marks() & (np.arange(0x10000) < 0xD800)


_NO_SPACES = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3005, 0x3007),
    (0x3040, 0x30FF),
    (0x3400, 0x9FFF),
    (0xF900, 0xFAFF),
)
"""Thai and Lao, Burmese, Khmer, signs of repetition, kana, Han."""


@lru_cache(maxsize=1)
def _tables() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of every code point of the basic plane: class, one more than the lower-case code point (digits as 0), width, alone."""
    classes = np.full(0x10000, _CODE["other"], dtype=np.uint8)
    lower = np.arange(0x10000, dtype=np.uint64)
    alone = np.zeros(0x10000, dtype=bool)
    digit, alpha, upper = (
        np.fromiter(map(test, _PLANE), dtype=bool, count=0x10000) for test in (str.isdigit, str.isalpha, str.isupper)
    )
    letter = alpha & ~digit
    classes[letter | _marks()] = _CODE["lower"]  # vowel signs and tones are parts of words
    classes[letter & upper] = _CODE["upper"]
    classes[digit], lower[digit] = _CODE["digit"], ord("0")
    lower[letter] = [ord(_PLANE[code].lower()[0]) for code in np.flatnonzero(letter).tolist()]
    for first, last in _NO_SPACES:
        alone[first : last + 1] = letter[first : last + 1]
    for name, members in _MEMBERS.items():
        for char in members:
            if ord(char) < 0x10000 and classes[ord(char)] == _CODE["other"]:
                classes[ord(char)] = _CODE[name]
    width = np.ones(0x10000, dtype=np.float32)
    width[0x3400:0xA000] = width[0xF900:0xFB00] = HAN
    width[0x3040:0x3100] = width[0xAC00:0xD7A4] = SYLLABLE
    return classes, lower + np.uint64(1), width, alone
