"""Pages of a run whose kept text is that of an earlier page, found when all shards are finished.

A second pass over the shards in the order of the inputs, so the result is the
same whatever the number of workers and however often the run was stopped. The
shards of the first pass stay below the state folder, for a run with `resume`.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.bulk.shards import inspect
from clfnews.bulk.writers import SHARD_SUFFIXES, row_writer
from clfnews.files import Draft, publish
from clfnews.filtering.own_fields import own_names
from clfnews.labels import Task

MODES = ("mark", "drop")
_MARKS = ("duplicate_of", "duplicate_source")
NEAR = 0.8
"""Jaccard similarity of shingles, as MinHash estimates it, from which a text is a near-duplicate. `data check` takes .7; here a
page may be dropped for it."""
_PERMUTATIONS, _BANDS, _ROWS = 128, 25, 5
"""Of a signature; two texts are compared if one of the bands of so many rows is equal: at .8 all but one of 20,000 pairs are."""
_WORDS, _SIGNS = 3, 5
"""Words of a shingle, and characters where words have no spaces between them."""
_HEADS = 16
"""First pages of a band that later ones are compared with: boilerplate that thousands share costs no more."""
_WORD = re.compile(r"\w+")
# Thai, Lao, Burmese, Khmer, kana, Han.
_NO_SPACES = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")


def resolve(
    rows: Sequence[dict[str, Any]],
    found: Path,
    out: Path,
    format: str,
    mode: str,
    tasks: Mapping[str, Task],
    events: bool = False,
) -> list[dict[str, Any]]:
    """Write the shards of a run into `out`, with duplicates marked or dropped.

    Parameters: `rows`, what the manifest says of the JSONL shards below `found`,
    in the order of the inputs; `mode`, one of `MODES`; `tasks`
    of the filter; `events`, whether rows have some. Returns the rows of the
    new shards, with the number of duplicates in their counts.
    """
    first = first_of(page["text"] for row in rows for page in _pages(found / row["shard"]))
    firsts = set(first)
    numbered = enumerate(page for row in rows for page in _pages(found / row["shard"]))
    known = {i: (page["id"], page["source"]) for i, page in numbered if i in firsts}
    written, at = [], 0
    for row in rows:
        draft = Draft((out / row["shard"]).with_suffix(SHARD_SUFFIXES[format]))
        draft.path.parent.mkdir(parents=True, exist_ok=True)
        duplicates = 0
        try:
            writer = row_writer(draft.temporary, format, tasks, events, _MARKS if mode == "mark" else ())
            for page in _pages(found / row["shard"]):
                same = first[at]
                at += 1
                duplicates += same is not None
                if same is None or mode == "mark":
                    writer.write_row(_marked(page, known[same] if same is not None else (None, None)) if mode == "mark" else page)
            writer.close()
            size, digest, _ = inspect(draft.temporary, format)
            _copy_errors(row, found, out)
            publish([draft])
        finally:
            draft.discard()
        changed = {"shard": draft.path.relative_to(out).as_posix(), "bytes": size, "sha256": digest}
        written.append(row | changed | {"counts": row["counts"] | {"duplicates": duplicates}})
    return written


def _marked(page: dict[str, Any], first: tuple[Any, Any]) -> dict[str, Any]:
    """A row that tells which page it repeats, before its lines; the user's own fields give way, as elsewhere."""
    names = own_names([name for name in page if name in _MARKS], [*page, *_MARKS])
    lines = page.pop("lines")
    return (
        {names.get(name, name): value for name, value in page.items()} | dict(zip(_MARKS, first, strict=True)) | {"lines": lines}
    )


def first_of(texts: Iterable[str]) -> list[int | None]:
    """For each text the index of the first one that it repeats, exactly or nearly; None if it is the first, or empty.

    Texts are read once and not kept: a signature of 512 bytes stands for each.
    """
    first: list[int | None] = []
    exact: dict[bytes, int] = {}
    different, signatures = array("q"), bytearray()
    for i, text in enumerate(texts):
        key = hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
        same = exact.setdefault(key, i) if text else i
        first.append(None if same == i else same)
        if text and same == i:
            different.append(i)
            signatures += _signature(text).tobytes()
    del exact
    near = _near(different, np.frombuffer(signatures, dtype=np.uint32).reshape(-1, _PERMUTATIONS))
    for i, earlier in enumerate(first):
        # What repeats a copy repeats what that is a copy of.
        first[i] = near.get(i) if earlier is None else near.get(earlier, earlier)
    return first


def _near(different: Sequence[int], signatures: np.ndarray) -> dict[int, int]:
    """Texts that nearly repeat an earlier one, and that one; a text that does so stands for no other."""
    if not len(signatures):
        return {}
    groups = np.stack([_groups(signatures[:, at : at + _ROWS]) for at in range(0, _BANDS * _ROWS, _ROWS)], axis=1)
    heads: dict[tuple[int, int], list[int]] = {}
    near: dict[int, int] = {}
    for i in np.flatnonzero((groups >= 0).any(axis=1)).tolist():
        bands = [(band, group) for band, group in enumerate(groups[i].tolist()) if group >= 0]
        candidates = sorted({head for band in bands for head in heads.get(band, ())})
        if candidates:
            alike = (signatures[candidates] == signatures[i]).mean(axis=1) >= NEAR
            if alike.any():
                near[different[i]] = different[candidates[int(alike.argmax())]]
                continue
        for band in bands:
            if len(heads.setdefault(band, [])) < _HEADS:
                heads[band].append(i)
    return near


def _signature(text: str) -> np.ndarray:
    """The MinHash of the text's shingles (Broder 1997), of 32 bits each."""
    sketch = _blank().copy()
    sketch.update_batch([shingle.encode("utf-8", "replace") for shingle in _shingles(text)])
    return np.asarray(sketch.hashvalues, dtype=np.uint32)


@lru_cache(maxsize=1)
def _blank() -> Any:
    from datasketch import MinHash

    # SHA-1, the default, takes most of the time; nobody gains by texts that are taken for others.
    return MinHash(num_perm=_PERMUTATIONS, hashfunc=zlib.crc32)


def _groups(band: np.ndarray) -> np.ndarray:
    """Number of the texts that have the same rows in a band; -1 for a text that is alone."""
    _, group, count = np.unique(band, axis=0, return_inverse=True, return_counts=True)
    group = group.ravel()
    return np.where(count[group] > 1, group, -1).astype(np.int32)


def _shingles(text: str) -> set[str]:
    text = text.casefold()
    if 3 * len(_NO_SPACES.findall(text)) > len(text):
        signs = "".join(_WORD.findall(text))
        return {signs[i : i + _SIGNS] for i in range(max(1, len(signs) - _SIGNS + 1))}
    words = _WORD.findall(text)
    return {" ".join(words[i : i + _WORDS]) for i in range(max(1, len(words) - _WORDS + 1))}


def _pages(shard: Path) -> Iterator[dict[str, Any]]:
    with shard.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def _copy_errors(row: dict[str, Any], found: Path, out: Path) -> None:
    """The error file of a shard, if it has one."""
    if row["errors"] is not None:
        draft = Draft(out / row["errors"])
        draft.path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found / row["errors"], draft.temporary)
        publish([draft])
