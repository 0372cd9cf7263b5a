"""The page browser of the HTML report: whole pages with right and wrong lines coloured."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import groupby

from clfnews.evaluate import article_probability
from clfnews.labels import ARTICLE
from clfnews.page import Line
from clfnews.predictions import Part

PAGES_SHOWN = 80
KINDS = {
    "type": {"noise-kept": "noise kept", "article-lost": "article lost", "wrong-type": "only the type wrong"},
    "stance": {"swap": "conciliatory and hostile swapped", "side-missed": "side missed", "false-side": "side where none is"},
}
"""Task -> kind of error -> how it is called."""
_CLASSES = {
    "noise-kept": "bad", "article-lost": "lost", "wrong-type": "kind",
    "swap": "bad", "side-missed": "lost", "false-side": "bad",
}  # fmt: skip
_WEIGHT = {"wrong-type": 0.01}
"""How much an error counts in the order of the pages; others count 1."""


def page_blocks(part: Part) -> Iterator[str]:
    """The pages of a part as HTML, worst first."""
    scored = []
    decided = part.decisions()
    for i, page in enumerate(part.corpus.pages):
        kinds = [error_kind(part.task, line, found) for line, found in zip(page.lines, decided[i], strict=True)]
        scored.append((-sum(_WEIGHT.get(kind, 1) for kind in kinds if kind), i, kinds))
    scored.sort(key=lambda row: row[:2])
    for _, i, kinds in scored[:PAGES_SHOWN]:
        yield _page(part, i, decided[i], kinds)


def error_kind(task: str, line: Line, found: str) -> str | None:
    """What is wrong with the label of a line (a key of `KINDS`); None if it is right or not labelled."""
    gold = getattr(line, task)
    if gold is None or gold == found:
        return None
    if task == "type":
        if (gold in ARTICLE) == (found in ARTICLE):
            return "wrong-type"
        return "article-lost" if gold in ARTICLE else "noise-kept"
    if gold == "neutral":
        return "false-side"
    return "side-missed" if found == "neutral" else "swap"


def _page(part: Part, i: int, decided: list[str], kinds: list[str | None]) -> str:
    page = part.corpus.pages[i]
    p = article_probability(part.p[i]) if part.task == "type" else part.p[i].max(axis=1)
    rows = list(zip(page.lines, decided, kinds, p.tolist(), strict=True))
    blocks = []
    is_type = part.task == "type"
    for folded, group in groupby(rows, key=lambda row: is_type and row[1] not in ARTICLE and row[2] != "article-lost"):
        lines = [_line(part.task, *row) for row in group]
        if folded:
            word = "line" if len(lines) == 1 else "lines"
            blocks.append(f'<details class="fold"><summary>{len(lines)} dropped {word}</summary>{"".join(lines)}</details>')
        else:
            blocks.extend(lines)
    found = [kind for kind in kinds if kind]
    said = ", ".join(f"{found.count(kind)} {title}" for kind, title in KINDS[part.task].items() if kind in found) or "all right"
    where = " · ".join(filter(None, (page.id, page.site, f"{len(page.lines)} lines", said)))
    known = " ".join(sorted(set(found)))
    return (
        f'<details class="page" data-set="{part.task}-{escape(part.set)}" data-kinds="{known}">'
        f'<summary>{escape(where)}</summary><div class="lines">{"".join(blocks)}</div></details>'
    )


def _line(task: str, line: Line, found: str, kind: str | None, p: float) -> str:
    gold = getattr(line, task)
    if kind:
        style, mark = _CLASSES[kind], f"✗ {KINDS[task][kind]}: {gold}, not {found}"
    elif task == "type":
        style, mark = ("ok", f"✓ {found}") if found in ARTICLE else ("", found)
    else:
        style, mark = ("ok", f"✓ {found}") if gold else ("", f"not labelled: {found}")
    name = f' class="{style}"' if style else ""
    data = f' data-kind="{kind}"' if kind else ""
    return f"<p{name}{data}><i>{line.n}</i><b>{escape(mark)} {p:.2f}</b>{escape(line.text)}</p>"
