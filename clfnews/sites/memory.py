"""`SiteMemory`: what many pages say about the sites that they are of. One pass, bounded memory, no code in its files."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.errors import UserError
from clfnews.files import replacing
from clfnews.page import Page
from clfnews.sites.history import History
from clfnews.sites.keys import PageKeys, page_keys
from clfnews.sites.site import OWN, Site

SCHEMA = 1
"""Version of the saved file; `SiteMemory.load` refuses another one."""
SITE_BYTES = 200_000
"""The most that a site takes in memory; the tests hold it."""
TEXTS, TEXT_CHARS = 20, 100
"""Repeated lines of a site whose words are kept to be shown, and the characters of each."""
_ARRAYS = tuple(f.name for f in fields(Site) if f.name not in ("stories", "pages"))


@dataclass
class Known:
    """A site with what is only told of it, not used to read its pages."""

    site: Site = field(default_factory=Site)
    history: History = field(default_factory=History)
    texts: dict[int, str] = field(default_factory=dict)
    """Key -> words of the lines that came back most."""


class SiteMemory:
    """Per site: how often lines, shapes of lines and boxes came back over its stories. It grows with `fit` and `merge`.

    A page belongs to `page.site` (the host of its address); pages without one are
    left out. A story that several pages tell counts once, and when a page is read
    with the memory, the stories that it tells itself are left out: no page
    vouches for its own lines. Every site takes at most `SITE_BYTES`.

    Counts are whole numbers. As long as no site has more than `site.STORIES`
    stories or `site.ENTRIES` keys, those of parts that share no story add up to
    the same in any order; the bytes of a saved file are the same for the same
    pages and merges in the same order.
    """

    def __init__(self) -> None:
        self._sites: dict[str, Known] = {}

    def __len__(self) -> int:
        return len(self._sites)

    def __repr__(self) -> str:
        return f"SiteMemory({len(self)} sites, {sum(known.site.pages for known in self._sites.values())} pages)"

    @property
    def names(self) -> list[str]:
        """The sites, by name."""
        return sorted(self._sites)

    def __getitem__(self, name: str) -> Known:
        return self._sites[name]

    @property
    def bytes(self) -> int:
        """Bytes of the counts of all sites."""
        return sum(known.site.bytes + known.history.rows.nbytes for known in self._sites.values())

    @classmethod
    def fit(cls, pages: Iterable[Page], memory: SiteMemory | None = None) -> SiteMemory:
        """A memory of pages, each looked at once; a `memory` that is given grows by them."""
        memory = cls() if memory is None else memory
        for page in pages:
            memory.add(page)
        return memory

    def add(self, page: Page, article: np.ndarray | None = None, confidence: float | None = None) -> None:
        """Take in a page; `article` has p(article) of each line and `confidence` its expected F1, if a model has read it."""
        if not page.site or not page.lines:
            return
        known = self._sites.setdefault(page.site, Known())
        keys = page_keys(page)
        _note(known, page, keys, confidence)
        if known.site.add(keys, article):
            _keep_texts(known, page, keys)

    def merge(self, other: SiteMemory) -> None:
        """Take in what another memory knows, whose pages come after one's own."""
        for name, theirs in other._sites.items():
            known = self._sites.setdefault(name, Known())
            known.site.merge(theirs.site)
            known.history.merge(theirs.history)
            known.texts = _most_seen(known.site, known.texts | theirs.texts)

    def fade(self) -> None:
        """Halve all counts: what is read from now on weighs twice as much. A site of many stories does so by itself."""
        for known in self._sites.values():
            known.site.fade()

    def site(self, page: Page) -> Site | None:
        """What is known of the site of a page; None if nothing is."""
        known = self._sites.get(page.site or "")
        return known.site if known else None

    # --- storage --------------------------------------------------------------

    def save(self, path: Path | str) -> None:
        """Write the memory as one `.npz` file of numbers (`load`); equal memories give equal bytes."""
        names = self.names
        meta = {"schema": SCHEMA, "sites": [_row(name, self._sites[name]) for name in names]}
        text = json.dumps(meta, ensure_ascii=False).encode(errors="replace")
        arrays: dict[str, np.ndarray] = {"meta": np.frombuffer(text, np.uint8)}
        sites = [self._sites[name] for name in names]
        for part in _ARRAYS:
            arrays |= _joined(part, [getattr(known.site, part) for known in sites], getattr(Site(), part))
        arrays |= _joined("history", [known.history.rows for known in sites], History().rows)
        with replacing(Path(path)) as place, place.open("wb") as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path | str) -> SiteMemory:
        """The memory that `save` wrote; raises `UserError` if it is none, of another version, or damaged."""
        path = Path(path)
        try:
            arrays = _read(path.read_bytes())
            meta = json.loads(arrays["meta"].tobytes())
            if meta["schema"] != SCHEMA:
                other = f"{meta['schema']!r:.20}, not {SCHEMA}"
                raise UserError(f"{path}: a memory of sites of another version ({other}); fit it again")
            return cls._of(meta["sites"], arrays)
        except FileNotFoundError as error:
            raise UserError(f"{path}: no such file; make one: clfnews sites fit INPUT -o {path}") from error
        except OSError as error:
            raise UserError(f"{path}: cannot be read: {error.strerror or error}") from error
        except _DAMAGED as error:
            again = f"make it again: clfnews sites fit INPUT -o {path}"
            raise UserError(f"{path}: no memory of sites, or damaged; {again}") from error

    @classmethod
    def _of(cls, rows: list[dict[str, Any]], arrays: Mapping[str, np.ndarray]) -> SiteMemory:
        memory = cls()
        parts = {part: _cut(part, arrays, getattr(Site(), part), len(rows)) for part in _ARRAYS}
        history = _cut("history", arrays, History().rows, len(rows))
        for i, row in enumerate(rows):
            site = Site(**{part: parts[part][i] for part in _ARRAYS}, stories=_count(row["stories"]), pages=_count(row["pages"]))
            sizes = {len(getattr(site, name)) for name in ("keys", "seen", "judged", "article")}
            if len(sizes) > 1 or len(site.sketches) != len(site.addresses) or (site.keys[1:] <= site.keys[:-1]).any():
                raise ValueError("its parts do not fit")
            memory._sites[str(row["name"])] = Known(site, History(history[i]), {int(k): str(v) for k, v in row["texts"].items()})
        return memory


_DAMAGED = (ValueError, KeyError, TypeError, AttributeError, EOFError, IndexError, RecursionError, NotImplementedError)


def _read(data: bytes) -> dict[str, np.ndarray]:
    import zipfile
    import zlib

    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (zipfile.BadZipFile, zlib.error, OSError) as error:
        raise ValueError("damaged") from error


def _row(name: str, known: Known) -> dict[str, Any]:
    texts = {str(key): known.texts[key] for key in sorted(known.texts)}
    return {"name": name, "stories": known.site.stories, "pages": known.site.pages, "texts": texts}


def _count(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError(f"no count: {value!r:.40}")
    return value


def _joined(name: str, parts: list[np.ndarray], empty: np.ndarray) -> dict[str, np.ndarray]:
    sizes = np.array([len(part) for part in parts], np.int64)
    return {name: np.concatenate([empty, *parts]), f"{name}_sizes": sizes}


def _cut(name: str, arrays: Mapping[str, np.ndarray], empty: np.ndarray, n: int) -> list[np.ndarray]:
    array, sizes = arrays[name], arrays[f"{name}_sizes"]
    fits = array.dtype == empty.dtype and array.shape[1:] == empty.shape[1:] and len(sizes) == n
    if not fits or (sizes < 0).any() or sizes.sum() != len(array):
        raise ValueError(f"{name} does not fit")
    return [part.copy() for part in np.split(array, np.cumsum(sizes)[:-1])] if n else []


def _note(known: Known, page: Page, keys: PageKeys, confidence: float | None) -> None:
    """Write down how the page looks to what is known before it."""
    site = known.site
    chars = np.array([len(line.text) for line in page.lines], np.int64)
    own = site.counts(keys.shapes).seen >= OWN
    familiar = None
    if site.stories >= OWN:
        # Places are boxes; text has none, of it the standing lines have to do.
        places = np.unique(keys.places[keys.places > 0])
        if len(places):
            familiar = float((site.counts(places).seen > 0).mean())
        else:
            standing = site.keys[site.seen >= max(OWN, site.stories / 2)]
            familiar = float(np.isin(standing, keys.counted).mean()) if len(standing) else None
    known.history.add(confidence, familiar, int(chars.sum()), int(chars[own].sum()))


def _keep_texts(known: Known, page: Page, keys: PageKeys) -> None:
    """Keep the words of the lines that have come back most often."""
    seen = known.site.counts(keys.lines).seen
    least = min(known.site.counts(np.array(list(known.texts), np.uint64)).seen) if len(known.texts) >= TEXTS else 1
    new = {
        int(keys.lines[i]): page.lines[i].text[:TEXT_CHARS]
        for i in np.flatnonzero(seen > least).tolist()
        if int(keys.lines[i]) not in known.texts
    }
    if new:
        known.texts = _most_seen(known.site, known.texts | new)


def _most_seen(site: Site, texts: dict[int, str]) -> dict[int, str]:
    keys = np.array(sorted(texts), np.uint64)
    seen = site.counts(keys).seen
    order = np.argsort(-seen, kind="stable")[:TEXTS]
    return {int(keys[i]): texts[int(keys[i])] for i in order.tolist() if seen[i] > 1}
