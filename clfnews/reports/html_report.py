"""The report of a run as one HTML file: scores, curves and a browser of its pages.

The file needs nothing from the network. All text of pages is escaped; the only
script filters the pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from importlib.resources import files
from itertools import groupby
from string import Template

import numpy as np

from clfnews.evaluation.metrics import COLUMNS, HEADLINE
from clfnews.evaluation.predictions import END_TO_END, SETS, Part, RunData
from clfnews.evaluation.scores import Scores
from clfnews.filtering.decisions import article_probability
from clfnews.labels import ARTICLE, TASKS
from clfnews.page import Line
from clfnews.reports import charts

_TASK_TITLES = {"type": "Line types", "stance": "Stance of article lines", END_TO_END: "Stance end to end"}
Rows = Sequence[Sequence[str]]


def render(run: RunData) -> str:
    """The HTML text of a run's report; the same run gives the same text."""
    template = Template(files("clfnews").joinpath("templates/report.html").read_text(encoding="utf-8"))
    shown = dict(sorted(run.compared().items(), key=lambda item: _place(*item[0])))
    scored = {key: part.scores() for key, part in run.parts.items()}
    browsable = {key: part for key, part in shown.items() if key[0] in TASKS}
    return template.substitute(
        title=escape(f"clfnews: {run.name}"),
        subtitle=_subtitle(run),
        scores="".join(_leaderboard(run, task, scored) for task in _TASK_TITLES),
        labels="".join(_labels(part, scored[task, part.model, name]) for (task, name), part in browsable.items()),
        confusion=_row(_confusion(part) for part in browsable.values()),
        curves="".join(_curves(shown)),
        browser_note=escape(
            f"Worst pages first, at most {PAGES_SHOWN} a set, as the champion of the task sees them; dropped lines are folded. "
            "The number of a line is p(article); for stances, the confidence."
        ),
        set_options="".join(f'<option value="{t}-{s}">{escape(f"{t}, {s}")}</option>' for t, s in _test_first(browsable)),
        kind_options=_kind_options(),
        pages="".join(block for part in browsable.values() for block in page_blocks(part)),
        settings=_settings(run),
    )


def _settings(run: RunData) -> str:
    rows = [[escape(key), escape(value)] for key, value in sorted(run.params.items())]
    return _table(["setting", "value"], rows, "Settings", style="settings")


def _place(task: str, name: str) -> tuple[int, int]:
    """Order of tasks and sets, wherever the run was read from."""
    return list(_TASK_TITLES).index(task), SETS.index(name) if name in SETS else len(SETS)


def _test_first(keys: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted(keys, key=lambda key: (list(TASKS).index(key[0]), key[1] != "test"))


def _subtitle(run: RunData) -> str:
    champions = ", ".join(f"{task}: {name}" for task, name in run.champions.items())
    version, commit = (run.tags.get(f"clfnews.{key}", "unknown") for key in ("version", "git_commit"))
    return escape(f"Run {run.id}. Models shown: {champions}. clfnews {version}, commit {commit[:12]}.")


def _kind_options() -> str:
    options = ['<option value="">all pages</option>']
    for task, kinds in KINDS.items():
        options += [f'<option value="{kind}" data-task="{task}">{escape(title)}</option>' for kind, title in kinds.items()]
    return "".join(options)


def _table(header: Sequence[str], rows: Rows, label: str, marked: int | None = None, style: str = "") -> str:
    """A table that scrolls by itself on a narrow screen; cells are HTML already."""
    head = "".join(f'<th scope="col">{name}</th>' for name in header)
    styles = [' class="champion"' if i == marked else "" for i in range(len(rows))]
    cells = [f'<th scope="row">{row[0]}</th>' + "".join(f"<td>{cell}</td>" for cell in row[1:]) for row in rows]
    body = "".join(f"<tr{marking}>{row}</tr>" for marking, row in zip(styles, cells, strict=True))
    region = f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(label)}">'
    name = f' class="{style}"' if style else ""
    return f"{region}<table{name}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _row(blocks: Iterable[str]) -> str:
    return f'<div class="row">{"".join(blocks)}</div>'


def _with_interval(scores: Scores, name: str) -> str:
    if name not in scores.values:  # of a label that the set does not have
        return ""
    return f"{scores.values[name]:.3f} <small>[{scores.low[name]:.2f}, {scores.high[name]:.2f}]</small>"


def _leaderboard(run: RunData, task: str, scored: dict[tuple[str, str, str], Scores]) -> str:
    """One table a set: two sets have two signatures."""
    out = []
    for name in SETS:
        models = [model for t, model, s in scored if t == task and s == name]
        if not models:
            continue
        if task == END_TO_END:
            columns: tuple[tuple[str, str], ...] = (("macro-F1", "end_to_end/stance_macro_f1"),)
        else:
            columns = COLUMNS[task]
        metric = columns[0][1]
        models.sort(key=lambda model: (-scored[task, model, name].values[metric], model))
        oof = [run.metrics.get((task, m), {}).get(metric.replace("/", "_oof/", 1)) for m in models]
        rows = [
            [escape(model), *(_with_interval(scored[task, model, name], column) for _, column in columns)]
            + ([] if task == END_TO_END else [f"{value:.3f}" if value is not None else ""])
            for model, value in zip(models, oof, strict=True)
        ]
        header = ["model", *(escape(title) for title, _ in columns), *([] if task == END_TO_END else ["out of fold"])]
        champion = models.index(run.champions[task]) if run.champions.get(task) in models else None
        title = f"{_TASK_TITLES[task]}, {name}"
        signature = scored[task, models[0], name].signature
        out.append(f"<h3>{title}</h3>{_table(header, rows, title, champion)}<p class='sign'>{escape(signature)}</p>")
    return "".join(out)


def _labels(part: Part, scores: Scores) -> str:
    """Scores of each label and of each group of a part."""
    labels = TASKS[part.task]
    gold = [getattr(line, part.task) for page in part.corpus.pages for line in page.lines]
    rows = []
    for label in labels:
        values = [_with_interval(scores, f"{part.task}/{label}_{name}") for name in ("precision", "recall", "f1")]
        dropped = f"{part.task}/{label}_dropped"
        values += [f"{scores.values[dropped]:.3f}" if dropped in scores.values else ""] if part.task == "type" else []
        rows.append([label, str(gold.count(label)), *values])
    header = ["label", "lines", "precision", "recall", "F1", *(["dropped"] if part.task == "type" else [])]
    title = f"{_TASK_TITLES[part.task]}, {part.set}, {part.model}"
    return f"<h3>{escape(title)}</h3>{_table(header, rows, f'{title} by label')}{_sites(part, title)}"


def _sites(part: Part, title: str) -> str:
    if part.task != "type":  # stance groups are single articles
        return ""
    pages: dict[str, list[int]] = {}
    for i, page in enumerate(part.corpus.pages):
        pages.setdefault(page.site or part.corpus.groups[i], []).append(i)
    decided = part.decisions()
    rows = []
    for site, index in pages.items():
        pairs = [
            (line.type in ARTICLE, found in ARTICLE)
            for i in index
            for line, found in zip(part.corpus.pages[i].lines, decided[i], strict=True)
            if line.type
        ]
        hits = sum(gold and found for gold, found in pairs)
        kept, wanted = sum(found for _, found in pairs), sum(gold for gold, _ in pairs)
        f1 = 2 * hits / (kept + wanted) if kept + wanted else 1.0
        rows.append((f1, [escape(site), str(len(index)), str(len(pairs)), f"{f1:.3f}", str(kept - hits), str(wanted - hits)]))
    rows.sort(key=lambda row: (row[0], row[1][0]))
    header = ["site", "pages", "lines", "article F1", "noise kept", "article lost"]
    return "<p class='note'>By site, worst first; lines of noise that were kept, of the article that were lost</p>" + _table(
        header, [row for _, row in rows], f"{title} by site"
    )


def _confusion(part: Part) -> str:
    labels = TASKS[part.task]
    counts = np.zeros((len(labels), len(labels)), dtype=int)
    for page, decided in zip(part.corpus.pages, part.decisions(), strict=True):
        for line, found in zip(page.lines, decided, strict=True):
            label = getattr(line, part.task)
            if label:
                counts[labels.index(label), labels.index(found)] += 1
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    title = f"{part.task}, {part.set}, {part.model}"
    head = "".join(f'<th scope="col">{label}</th>' for label in labels)
    colour = "background: rgba(var(--heat), {:.2f})".format
    cells = [
        "".join(f'<td class="cell{"" if n else " none"}" style="{colour(0.6 * s)}">{n}</td>' for n, s in zip(*row, strict=True))
        for row in zip(counts, share, strict=True)
    ]
    body = "".join(f'<tr><th scope="row">{label}</th>{row}</tr>' for label, row in zip(labels, cells, strict=True))
    region = f'<div class="scroll" role="region" tabindex="0" aria-label="Confusion of {escape(title)}">'
    return (
        f"<figure><figcaption>{escape(title)} <small>(rows: gold, columns: predicted)</small></figcaption>"
        f'{region}<table class="heat"><thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table></div></figure>'
    )


def _curves(parts: dict[tuple[str, str], Part]) -> Iterable[str]:
    for task in HEADLINE:
        of_task = [parts[task, name] for name in reversed(SETS) if (task, name) in parts]
        if not of_task:
            continue
        lines = [(part.set, *_flat(part)) for part in of_task]
        model = of_task[0].model
        if task == "type":
            wanted = [(name, *charts.precision_recall(p, y)) for name, p, y, _, _ in lines]
            marks = [charts.operating_point(p, y, part.threshold) for (_, p, y, _, _), part in zip(lines, of_task, strict=True)]
            cut = f"threshold {of_task[0].threshold:.2f}"
            title = f"Precision and recall of article lines, {model}"
            yield charts.line_chart(title, "recall", "precision", wanted, marks=marks, mark_label=cut)
            curves = [(name, *charts.calibration(p, y)) for name, p, y, _, _ in lines]
            title = f"Calibration of p(article), {model}"
            yield charts.line_chart(title, "p(article)", "share of article lines", curves, ideal="ideal")
        else:
            curves = [(name, *charts.calibration(sure, ~wrong)) for name, _, _, sure, wrong in lines]
            title = f"Calibration of the stance, {model}"
            yield charts.line_chart(title, "confidence", "share of right stances", curves, ideal="ideal")
        curves = [(name, *charts.risk_coverage(sure, wrong)) for name, _, _, sure, wrong in lines]
        what = "types" if task == "type" else "stances"
        title = f"Risk and coverage of {what}, {model}"
        yield charts.line_chart(title, "share of lines covered, surest first", f"share of wrong {what}", curves, zoom=True)


def _flat(part: Part) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of all labelled lines: p(article), is article, confidence, is wrong."""
    gold = [getattr(line, part.task) for page in part.corpus.pages for line in page.lines]
    known = np.array([label is not None for label in gold], dtype=bool)
    decided = np.array([label for row in part.decisions() for label in row], dtype=object)[known]
    labels = np.array(gold, dtype=object)[known]
    p = np.concatenate(part.p)[known] if part.p else np.zeros((0, len(TASKS[part.task])))
    article = article_probability(p) if part.task == "type" else p.max(axis=1)
    return article, np.isin(labels.astype(str), list(ARTICLE)), p.max(axis=1), decided != labels


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
