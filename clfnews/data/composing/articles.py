"""Articles from which pages are composed: the project's own, or any `datasets` source."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from clfnews.errors import UserError
from clfnews.files import numbered_rows
from clfnews.page import Line, normalise

DENSE = ("zh", "ja", "ko")
"""Languages that say more with a character."""
_SENTENCES = re.compile(r"[.!?…。！？।؟۔][\"'”»’)」』]{0,2}$")


@dataclass(frozen=True, slots=True)
class Story:
    """Another story as a page shows it: headline, maybe summary, section."""

    title: str
    summary: str
    section: str
    paragraphs: tuple[str, ...] = ()
    """Whole paragraphs of it, for boxes that tell it in the middle of another story."""


@dataclass(frozen=True, slots=True)
class ArticleLine:
    """A line of an article with its place in the markup."""

    type: str
    text: str
    form: str
    """`p`, `lede`, `h2`, `h3`, `li`, `quote`, `row`, `time`, `question`, `answer`, `verse`."""
    stance: str | None = None


@dataclass(frozen=True, slots=True)
class Article:
    """A labelled article without a page around it."""

    id: str
    lines: tuple[Line, ...]
    """In order: title, body lines, with captions, read-also links and credits in the flow."""
    related: tuple[Story, ...] = ()
    date: str = ""
    """`YYYY-MM-DD HH:MM`."""
    section: str = ""
    author: str = ""
    tags: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    """What each line is in the markup (`ArticleLine.form`), in order."""
    language: str = "vi"
    shape: str = "article"

    @property
    def parts(self) -> list[ArticleLine]:
        """The lines with their forms."""
        forms = self.forms or ("p",) * len(self.lines)
        return [
            ArticleLine(line.type or "body", line.text, form, line.stance) for line, form in zip(self.lines, forms, strict=True)
        ]

    @property
    def title(self) -> str:
        return next((line.text for line in self.lines if line.type == "title"), "")

    @property
    def lede(self) -> str:
        return next((line.text for line in self.lines if line.type == "body"), "")

    def after(self, prefix: str) -> Article:
        """The article whose first paragraph begins with a prefix (the site's name), if it begins with a paragraph."""
        first = next((i for i, line in enumerate(self.lines) if line.type == "body"), None)
        if not prefix or first is None or (self.forms and self.forms[first] not in ("p", "lede")):
            return self
        line = replace(self.lines[first], text=prefix + self.lines[first].text)
        return replace(self, lines=(*self.lines[:first], line, *self.lines[first + 1 :]))

    def brief(self) -> Article:
        """Its headline and first paragraph alone, as pages of a video or of an agency's alert have it."""
        first = next((i for i, line in enumerate(self.lines) if line.type == "body"), None)
        if first is None:
            return self
        kept = [i for i, line in enumerate(self.lines) if line.type == "title" or i == first]
        forms = tuple(self.forms[i] for i in kept) if self.forms else ()
        return replace(self, lines=tuple(self.lines[i] for i in kept), forms=forms, shape="brief")

    def with_line_again(self, rng: random.Random) -> Article:
        """One of its paragraphs word for word a second time, further down: a lede that the story repeats, a sentence set large
        as a quote, an editor's mistake. An article with fewer than four plain paragraphs stays as it is.
        """
        forms = self.forms or ("p",) * len(self.lines)
        plain = [i for i, form in enumerate(forms) if self.lines[i].type == "body" and form in ("p", "lede")]
        if len(plain) < 4:
            return self
        at = plain[0] if rng.random() < 0.5 else rng.choice(plain[:-1])
        after = rng.choice([i for i in plain if i > at])
        form = "p" if at == plain[0] else rng.choice(("p", "quote"))
        again = replace(self.lines[at], stance=None)
        return replace(
            self,
            lines=(*self.lines[: after + 1], again, *self.lines[after + 1 :]),
            forms=(*forms[: after + 1], form, *forms[after + 1 :]),
        )

    def with_long_paragraphs(self, size: int, rng: random.Random) -> Article:
        """Neighbouring paragraphs joined to about `size` characters each, some shorter, some longer.

        What is no plain paragraph of whole sentences stays alone. For text written with few
        characters (Chinese, Japanese, Korean) it is half of the size.
        """
        dense = self.language in DENSE
        size, between = (size // 2 if dense else size), ("" if dense and self.language != "ko" else " ")
        kept: list[Line] = []
        forms: list[str] = []
        wanted = 0.0
        for line, form in zip(self.lines, self.forms or ("p",) * len(self.lines), strict=True):
            last = kept[-1] if kept else None
            if (
                last is not None
                and (last.type, forms[-1]) == (line.type, form) == ("body", "p")
                and last.stance == line.stance
                and len(last.text) < wanted
                and len(last.text) + len(line.text) < 2.2 * size
                and _SENTENCES.search(last.text)
                and _SENTENCES.search(line.text)
            ):
                kept[-1] = replace(last, text=f"{last.text}{between}{line.text}")
            else:
                kept.append(line)
                forms.append(form)
                wanted = 0.8 * size * rng.lognormvariate(0, 0.5)
        return replace(self, lines=tuple(kept), forms=tuple(forms))

    def as_story(self) -> Story:
        """The article as a teaser on another page."""
        return Story(self.title, self.lede, self.section)


def load_articles(path: Path) -> list[Article]:
    """Articles of a JSONL file (`data/articles.jsonl`); raises `UserError` for a row that is none."""
    articles = []
    for number, row in numbered_rows(path):
        if not isinstance(row.get("lines"), list):
            raise UserError(f"{path}: row {number}: no 'lines'; for a file of titles and texts name its columns with `columns:`")
        articles.append(article_of(row, f"{path.stem}-{number}"))
    return articles


def article_of(row: Mapping[str, Any], default_id: str) -> Article:
    """An article from its row."""
    lines = tuple(
        Line(normalise(item["text"]), n, item.get("type"), item.get("stance")) for n, item in enumerate(row["lines"], 1)
    )
    related = tuple(
        Story(s["title"], s.get("summary") or "", s.get("section") or "", tuple(s.get("paragraphs") or ()))
        for s in row.get("related") or []
    )
    return Article(
        id=str(row.get("id") or default_id),
        lines=lines,
        related=related,
        date=row.get("date") or "",
        section=row.get("section") or "",
        author=row.get("author") or "",
        tags=tuple(row.get("tags") or ()),
        forms=tuple(item.get("as") or "p" for item in row["lines"]),
        language=row.get("language") or "vi",
        shape=row.get("shape") or row.get("register") or "article",
    )


def articles_from_source(source: str, columns: Mapping[str, str], split: str = "train", limit: int = 2000) -> list[Article]:
    """Articles from a local file or hub dataset, read with `datasets`.

    Parameters: `columns` maps `title`, `text` (paragraphs separated by
    newlines) and optionally `summary`, `section`, `author`, `date` to the
    source's columns. Such articles carry types but no stance.
    """
    import datasets

    datasets.disable_progress_bars()
    path = Path(source)
    loaders = {".jsonl": "json", ".json": "json", ".csv": "csv", ".parquet": "parquet"}
    try:
        if path.exists():
            loader = loaders.get(path.suffix)
            if path.is_file() and loader is None:
                raise UserError(f"{source}: expected .jsonl, .json, .csv or .parquet")
            table = (
                datasets.load_dataset(loader, data_files=str(path), split="train")
                if loader
                else datasets.load_dataset(source, split=split)
            )
        elif path.suffix in loaders or source.count("/") != 1:
            raise UserError(f"{source}: no such file, and not a hub id (owner/name)")
        else:
            table = datasets.load_dataset(source, split=split, streaming=True)
    except (ValueError, OSError, datasets.exceptions.DatasetsError) as error:
        raise UserError(f"{source}: cannot be read: {str(error).splitlines()[0]}") from error
    names = {"title": "title", "text": "text"} | dict(columns)
    articles = []
    for i, row in enumerate(table):
        if i >= limit:
            break
        missing = [name for name in ("title", "text") if names[name] not in row]
        if missing:
            raise UserError(f"{source}: no column {names[missing[0]]!r} for {missing[0]} (columns: {', '.join(row)})")
        articles.append(_from_columns(row, names, f"{path.stem}-{i}"))
    return [article for article in articles if article.title and len(article.lines) >= 3]


def _from_columns(row: Mapping[str, Any], names: Mapping[str, str], article_id: str) -> Article:
    def text(name: str) -> str:
        return str(row.get(names.get(name, "")) or "")

    summary = normalise(text("summary"))
    paragraphs = [normalise(part) for part in text("text").split("\n")]
    body = [part for part in ([summary] if summary else []) + paragraphs if part]
    lines = [Line(normalise(text("title")), 1, "title")] + [Line(part, n, "body") for n, part in enumerate(body, 2)]
    return Article(
        article_id, tuple(lines), date=text("date")[:16].replace("T", " "), section=text("section"), author=text("author")
    )


def split_cells(ids: Iterable[str], n_cells: int, rng: random.Random) -> list[list[str]]:
    """The ids dealt into cells, shuffled, sizes as even as possible."""
    shuffled = sorted(ids)
    rng.shuffle(shuffled)
    return [shuffled[i::n_cells] for i in range(n_cells)]
