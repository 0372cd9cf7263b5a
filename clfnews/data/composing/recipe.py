"""The recipe by which the shipped splits are made from their parts (`data/compose.yaml`)."""

from __future__ import annotations

import gzip
import io
import json
import random
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from pydantic import BaseModel, ConfigDict, ValidationError

from clfnews.config.yaml_text import read_yaml
from clfnews.data.composing.articles import Article, articles_from_source, load_articles
from clfnews.data.composing.cells import TextCell, make_cells
from clfnews.data.composing.layout import Layout, load_layouts
from clfnews.data.composing.pages import NoisePool, compose
from clfnews.data.composing.templates import Template, load_templates
from clfnews.data.composing.web import WebCell, WebPage, compose_web, load_wording, make_web_cells
from clfnews.errors import UserError
from clfnews.files import numbered_rows, read_rows, replacing
from clfnews.labels import GUIDELINES_VERSION


class SplitRecipe(BaseModel):
    """One split: its share of articles and layouts, the cells and the pages."""

    model_config = ConfigDict(extra="forbid")
    share: float
    cells: int
    pages: int
    web: WebSplit | None = None


class WebSplit(BaseModel):
    """The pages of a split that are drawn as HTML: the share of the templates, the cells and the pages."""

    model_config = ConfigDict(extra="forbid")
    templates: float
    cells: int
    alone: int = 0
    """Cells that share no article with the text pages: groups of their own."""
    pages: int


class WebRecipe(BaseModel):
    """What pages drawn as HTML are made of, beside the articles: folders of articles (`XX.jsonl`), templates and wording."""

    model_config = ConfigDict(extra="forbid")
    articles: str
    templates: str
    wording: str


class Recipe(BaseModel):
    """What `clfnews data compose` makes. Paths are relative to the recipe."""

    model_config = ConfigDict(extra="forbid")
    seed: int
    articles: str
    columns: dict[str, str] = {}
    layouts: str
    noise: str | None = None
    stance_lines: str | None = None
    seed_pages: str | None = None
    web: WebRecipe | None = None
    splits: dict[str, SplitRecipe]


@dataclass(frozen=True, slots=True)
class Parts:
    """What one split is made of."""

    articles: list[Article]
    layouts: list[Layout]
    noise: NoisePool
    stance_lines: list[dict[str, Any]]


def load_recipe(path: Path) -> Recipe:
    """A recipe file; raises `UserError` naming the key that is wrong."""
    try:
        return Recipe.model_validate(read_yaml(path)[0])
    except ValidationError as error:
        problem = error.errors()[0]
        raise UserError(f"{path}: {'.'.join(map(str, problem['loc']))}: {problem['msg']}") from error


def build(recipe_path: Path, out: Path) -> dict[str, int]:
    """Write every split as JSONL under `out`; returns file -> number of rows.

    `pages/SPLIT.jsonl` are composed pages. `stance/SPLIT.jsonl` are the articles
    of the split as pages of their own, and the single stance lines; the seed
    pages' articles are `stance/test.jsonl`. Equal recipes give equal bytes.
    """
    recipe = load_recipe(recipe_path)
    written = {}
    for name, parts in split_parts(recipe, recipe_path.parent).items():
        split = recipe.splits[name]
        cells = make_cells(name, parts.articles, parts.layouts, split.cells, recipe.seed)
        pages = compose(name, cells, parts.noise, split.pages, recipe.seed)
        written[f"pages/{name}.jsonl"] = _write(out / "pages" / f"{name}.jsonl", (page.as_row() for page in pages))
        if recipe.web and split.web:
            found = web_pages(recipe, recipe_path.parent, name, cells)
            written[f"pages/{name}-web.jsonl.gz"] = _write(out / "pages" / f"{name}-web.jsonl.gz", (p.as_row() for p in found))
        if recipe.stance_lines:
            rows = [_article_row(article) for article in parts.articles] + parts.stance_lines
            written[f"stance/{name}.jsonl"] = _write(out / "stance" / f"{name}.jsonl", rows)
    if recipe.seed_pages:
        rows = [_without_noise(row) for row in read_rows(recipe_path.parent / recipe.seed_pages)]
        written["stance/test.jsonl"] = _write(out / "stance" / "test.jsonl", rows)
    return written


def web_pages(recipe: Recipe, folder: Path, name: str, cells: Sequence[TextCell]) -> Iterator[WebPage]:
    """The pages of a split that are drawn as HTML; `cells` are those of its text pages.

    Raises `UserError` for parts that are missing or broken.
    """
    web, split = recipe.web, recipe.splits[name].web
    if web is None or split is None:
        return iter(())
    of_web = web_cells(recipe, folder, name, cells)
    return compose_web(name, of_web, load_wording(folder / web.wording), split.pages, recipe.seed)


def web_cells(recipe: Recipe, folder: Path, name: str, cells: Sequence[TextCell]) -> list[WebCell]:
    """The cells of the pages of a split that are drawn as HTML; none without such pages. Raises as `web_pages` does."""
    web, split = recipe.web, recipe.splits[name].web
    if web is None or split is None:
        return []
    shares = {key: part.share for key, part in recipe.splits.items()}
    more: list[Article] = []
    for path in sorted((folder / web.articles).glob("*.jsonl")):
        more += _deal(sorted(load_articles(path), key=lambda a: a.id), shares, f"{recipe.seed}-{path.stem}")[name]
    of_templates = {key: part.web.templates for key, part in recipe.splits.items() if part.web}
    templates: list[Template] = []
    for listing in (False, True):
        some = sorted((t for t in load_templates(folder / web.templates) if t.listing == listing), key=lambda t: t.name)
        templates += _deal(some, of_templates, f"{recipe.seed}-templates-{listing}")[name]
    return make_web_cells(name, cells, more, templates, split.cells, split.alone, recipe.seed)


def behind(folder: Path) -> list[str]:
    """Splits of a data folder that are not what its recipe and parts make, such as `pages/train.jsonl`."""
    recipe = folder / "compose.yaml"
    if not recipe.is_file():
        return []
    with tempfile.TemporaryDirectory() as fresh:
        made = {name: (Path(fresh) / name).read_bytes() for name in build(recipe, Path(fresh))}
    return [name for name, data in made.items() if not (folder / name).is_file() or (folder / name).read_bytes() != data]


def split_parts(recipe: Recipe, folder: Path) -> dict[str, Parts]:
    """Articles, layouts, noise strings and stance lines dealt to the splits by their shares."""
    source = folder / recipe.articles
    own = source.is_file() and not recipe.columns
    articles = load_articles(source) if own else articles_from_source(_path_or_id(source, recipe.articles), recipe.columns)
    layouts = load_layouts(folder / recipe.layouts)
    noise = _noise_rows(folder / recipe.noise) if recipe.noise else []
    lines = list(read_rows(folder / recipe.stance_lines)) if recipe.stance_lines else []
    shares = {name: split.share for name, split in recipe.splits.items()}
    dealt = {
        "articles": _deal(sorted(articles, key=lambda a: a.id), shares, f"{recipe.seed}-articles"),
        "layouts": _deal(sorted(layouts, key=lambda x: x.site), shares, f"{recipe.seed}-layouts"),
        "noise": _deal(noise, shares, f"{recipe.seed}-noise"),
        "lines": _deal(lines, shares, f"{recipe.seed}-lines"),
    }
    return {
        name: Parts(
            dealt["articles"][name],
            dealt["layouts"][name],
            _by_type(dealt["noise"][name]),
            [row | {"guidelines": GUIDELINES_VERSION} for row in dealt["lines"][name]],
        )
        for name in shares
    }


def _path_or_id(path: Path, text: str) -> str:
    return str(path) if path.exists() else text


def _deal(items: Sequence[Any], shares: dict[str, float], seed: str) -> dict[str, list[Any]]:
    """Items shuffled and cut by share; the last split gets what is left."""
    shuffled = list(items)
    random.Random(seed).shuffle(shuffled)
    out, start, names = {}, 0, list(shares)
    for name in names:
        end = len(shuffled) if name == names[-1] else start + round(len(shuffled) * shares[name])
        out[name], start = shuffled[start:end], end
    return out


def _noise_rows(path: Path) -> list[dict[str, Any]]:
    rows = []
    for number, row in numbered_rows(path):
        if not (isinstance(row.get("text"), str) and isinstance(row.get("type"), str)):
            raise UserError(f"{path}: row {number}: needs 'text' and 'type'")
        rows.append(row)
    return rows


def _by_type(rows: Iterable[dict[str, Any]]) -> NoisePool:
    pool: NoisePool = {}
    for row in rows:
        pool.setdefault(row["type"], []).append(row["text"])
    return pool


def _article_row(article: Article) -> dict[str, Any]:
    """An article as a page of its own: the stance task's unit."""
    return {
        "id": article.id,
        "origin": "authored",
        "site": None,
        "layout": None,
        "article": article.id,
        "group": article.id,
        "date": article.date,
        "guidelines": GUIDELINES_VERSION,
        "lines": [_line_row(line.text, line.type, line.stance) for line in article.lines if line.stance],
    }


def _without_noise(row: dict[str, Any]) -> dict[str, Any]:
    lines = [_line_row(line["text"], line["type"], line["stance"]) for line in row["lines"] if line["stance"]]
    return row | {"lines": lines}


def _line_row(text: str, kind: str | None, stance: str | None) -> dict[str, Any]:
    return {"text": text, "type": kind, "stance": stance}


@contextmanager
def _opened(place: Path, packed: bool) -> Iterator[TextIO]:
    """A text file to write; packed by gzip without the time, so that equal rows are equal bytes."""
    if not packed:
        with place.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        return
    with place.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", filename="", mtime=0) as binary:
        text = io.TextIOWrapper(binary, encoding="utf-8", newline="\n")
        yield text
        text.detach()


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    n = 0
    with replacing(path) as place:
        with _opened(place, path.suffix == ".gz") as file:
            for row in rows:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                n += 1
        if not n:
            raise UserError(f"{path}: nothing to write; the share of this split is too small")
    return n
