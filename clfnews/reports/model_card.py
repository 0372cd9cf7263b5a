"""The model card: what a trained filter is, what it was trained on and how it scored (`clfnews card`).

After Mitchell et al. 2019, "Model Cards for Model Reporting". Training keeps
the facts in the filter's `info`; the card is written from them, so that it has
no number that is not from the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clfnews.data.markdown import markdown_table
from clfnews.evaluation.metrics import FEW_GROUPS, SCORE_COLUMNS, headline, score_columns, short
from clfnews.filtering.risk import RiskCurve
from clfnews.filtering.saved import read_meta
from clfnews.labels import ARTICLE, GUIDELINES_VERSION, STANCES, TYPES

if TYPE_CHECKING:
    from clfnews.data.corpus import Corpus
    from clfnews.evaluation.results import TrainResult
    from clfnews.evaluation.scores import Scores

CARD = "README.md"
"""Name of the card in a saved filter: where people and model hubs look for it."""
_SETS = {"oof": "out of fold", "validation": "validation", "test": "test"}
_PACKAGES = ("numpy", "scipy", "scikit-learn", "fasttext-community", "skops")
_MORE = {
    "type": ("type/recall_at_p98", "type/pages_below_half"),
    "end_to_end": ("end_to_end/stance_macro_f1",),
}
_KEPT = " and ".join(label for label in TYPES if label in ARTICLE)
_ABOUT = {
    "type": f"The **type** of every line, one of {', '.join(TYPES)}; lines of {_KEPT} are the article and are kept.",
    "stance": f"The **stance** of every kept line between political actors: {', '.join(STANCES)}.",
}


def training_info(outcome: TrainResult) -> dict[str, Any]:
    """What the card says of a training, as JSON values; the same training gives the same values."""
    import platform
    from importlib.metadata import version

    scores = {task: {name: _scores(getattr(result, name), task) for name in _SETS} for task, result in outcome.champions.items()}
    if outcome.end_to_end is not None:
        scores["end_to_end"] = {"test": _scores(outcome.end_to_end, "end_to_end")}
    splits = {
        task: [_about(corpus) for corpus in (s.train, s.validation, s.test) if corpus] for task, s in outcome.splits.items()
    }
    return {
        "guidelines": GUIDELINES_VERSION,
        "versions": {"Python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        "level": outcome.config.bootstrap.level,
        "splits": splits,
        "scores": scores,
        "skipped": outcome.skipped,
    }


def _about(corpus: Corpus) -> dict[str, Any]:
    origins = {name: n for name, n in Counter(corpus.origins).most_common() if name}
    groups = len(set(corpus.groups))
    return {
        "name": corpus.name, "digest": corpus.digest, "pages": len(corpus), "lines": corpus.n_lines, "groups": groups,
        "origins": origins,
    }  # fmt: skip


def _scores(scores: Scores | None, task: str) -> dict[str, list[float | None]]:
    """Metric -> value and the ends of its interval; None where there are too few groups for one."""
    if scores is None:
        return {}
    known = [name for name in _columns(task) if name in scores.values]
    ends = [] if scores.few else [scores.low, scores.high]
    return {name: [round(float(of[name]), 6) for of in (scores.values, *ends)] + [None] * (2 - len(ends)) for name in known}


def _columns(task: str) -> tuple[str, ...]:
    """What the card says of a task; the measures of the shipped stance too where its labels are others."""
    if task == "end_to_end":
        return _MORE[task]
    both = (*SCORE_COLUMNS.get(task, ()), *score_columns(task, None if task == "type" else ()))
    return (*dict.fromkeys(name for _, name in both), *_MORE.get(task, ()))


def card_of(folder: Path) -> str:
    """The card kept with a saved filter; raises `UserError` if the folder is not one."""
    try:
        return (folder / CARD).read_text(encoding="utf-8")
    except FileNotFoundError:
        return render(read_meta(folder))  # saved before cards were kept, or no filter at all


def render(meta: Mapping[str, Any]) -> str:
    """The card, in Markdown, of what `PageFilter.save` writes as `filter.json`."""
    info = meta["info"]
    tasks, trained = list(meta["temperature"]), "splits" in info
    kinds = meta.get("models") or {task: info.get(task, {}).get("model", "unknown") for task in tasks}
    parts = [
        f"# {meta['name']}",
        "A filter of news pages, made by clfnews: it reads the lines of an extracted page and gives",
        "\n".join(f"- {_about_task(meta, task)} Model: `{kinds.get(task, 'unknown')}`." for task in tasks),
        *_decisions(meta, tasks, trained),
        "## Data",
        *(_data(info) if trained else ["It was not made by a training: there is no data to tell of."]),
        *_metrics(meta, info, tasks),
        *_risks(meta),
        "## Limits",
        "\n".join(f"- {limit}" for limit in _limits(info, tasks, meta.get("tasks", {}))),
        "## Use",
        "```python\nimport clfnews\n\npage_filter = clfnews.load(FOLDER)    # or models:/NAME@champion\n"
        "for page in page_filter.keep([clfnews.Page.from_text(text)]):\n    print(page.text)\n```",
        "Licence: Apache-2.0, as clfnews; who trained it on other data minds the terms of that data too.",
        f"Made with clfnews {meta['clfnews']}"
        + "".join(f", {name} {version}" for name, version in info.get("versions", {}).items())
        + (f"; labelling guidelines {info['guidelines']}" if "guidelines" in info else "")
        + (f"; seed {info['seed']}." if "seed" in info else "."),
    ]
    return "\n\n".join(parts) + "\n"


def _about_task(meta: Mapping[str, Any], task: str) -> str:
    """What is told of a line or page."""
    own = meta.get("tasks", {}).get(task)
    if own is None:
        return _ABOUT[task]
    of = {"lines": "every line", "kept lines": "every kept line", "pages": "every page, from its kept lines"}[own["of"]]
    kept = f"; lines of {' and '.join(own['keep'])} are kept" if own["keep"] else ""
    return f"The **{task}** of {of}, one of {', '.join(own['labels'])}{kept}."


def _decisions(meta: Mapping[str, Any], tasks: list[str], trained: bool) -> Iterator[str]:
    said = f"A line is kept from p(article) {meta['threshold']:g} on" if "type" in tasks else "All lines are kept"
    if "stance" in tasks:
        said += f"; a stance is given from a confidence of {meta['min_confidence']:g} on, below it the model abstains"
    if not trained:
        yield f"{said}."
        return
    temperatures = ", ".join(f"{value:g} ({task})" for task, value in meta["temperature"].items())
    needs = ", ".join(f"{package} {version}" for package, version in meta.get("needs", {}).items())
    said += f". It needs {needs}" * bool(needs)
    for task, about in meta.get("encoders", {}).items():
        said += (
            f". For the {task} the encoder is asked below a confidence of {about['unsure']:g} of the fast model: "
            f"of {about['asked']:.0%} of the lines it may be asked of, {about['asked_a_page']:g} a page"
        )
    yield f"{said}. Probabilities are calibrated out of fold; temperatures: {temperatures}."


def _data(info: Mapping[str, Any]) -> Iterator[str]:
    rows = [
        [part["name"], part["digest"], *(f"{part[key]:,}" for key in ("pages", "lines", "groups")), _listed(part["origins"])]
        for parts in info["splits"].values()
        for part in parts
    ]
    yield markdown_table(["split", "digest", "pages", "lines", "groups", "origin of the pages"], rows)
    yield "Pages of one group (a site, a layout or an article) never stand in two splits. The digest is of the labelled text."
    if info.get("skipped"):
        yield f"{info['skipped']}."


def _metrics(meta: Mapping[str, Any], info: Mapping[str, Any], tasks: list[str]) -> Iterator[str]:
    if "scores" not in info:
        return
    yield (
        f"## Scores\n\nWith {info['level']:.0%} intervals over resampled groups, - below {FEW_GROUPS} of them. "
        "Models were chosen by the column out of fold."
    )
    for task in (*tasks, "end_to_end"):
        sets = {name: values for name, values in info["scores"].get(task, {}).items() if values}
        metrics = dict.fromkeys(name for values in sets.values() for name in values)
        rows = [[short(name), *(_cell(values[name]) if name in values else "" for values in sets.values())] for name in metrics]
        if rows:
            yield markdown_table([task.replace("_", " "), *(_SETS[name] for name in sets)], rows)


def _risks(meta: Mapping[str, Any]) -> Iterator[str]:
    if "risk" not in meta:
        return
    curve = RiskCurve.from_json(meta["risk"])
    yield "## When the stance abstains"
    yield (
        f"Of {curve.lines:,} training lines that name two political actors or more, predicted by models that learnt from others "
        "(single lines from articles and articles from single lines, where there are both): how many keep a stance from a "
        "confidence on, and how many of these are wrong. `--risk` chooses the confidence by it."
    )
    rows = [[f"{cut:g}", f"{covered:.0%}", f"{risk:.3f}"] for covered, risk, cut in curve.table()]
    yield markdown_table(["confidence", "lines with a stance", "of them wrong"], rows)


def _limits(info: Mapping[str, Any], tasks: list[str], own: Container[str]) -> Iterator[str]:
    for task, parts in info.get("splits", {}).items():
        train, test = parts[0], parts[-1]
        if test["groups"] < FEW_GROUPS:
            few = f"{test['groups']} group{'s' * (test['groups'] != 1)}"
            yield f"{task}: the test split has only {few}: score pages of your own."
        strange = set(test["origins"]) - set(train["origins"])
        if strange and train["origins"]:
            seen, new = _listed(train["origins"]), ", ".join(sorted(strange))
            yield f"{task}: trained on pages of origin {seen}; scores on {new} pages tell more about the web than the others."
        found = info.get("scores", {}).get(task, {})
        if found.get("oof") and found.get("test"):
            a, b = found["oof"][headline(task)], found["test"][headline(task)]
            if b[2] is not None and b[2] < a[0]:
                yield f"{task}: the test score lies below the one out of fold, beyond its interval: expect it on new pages."
    yield "Sites, subjects and languages that the training pages do not have can be much worse than these scores."
    yield "A page is taken for one story: on lists of stories, forums and shops what is kept means little."
    if "stance" in tasks:
        yield "Stance is what a line reports, not what its author thinks, nor whether it is true: no basis for judging people."
    elif set(tasks) == {"type"} and "type" not in own:
        yield "It has no stance model: every stance is null."


def _cell(value: Sequence[float | None]) -> str:
    return f"{value[0]:.3f} -" if value[1] is None else f"{value[0]:.3f} [{value[1]:.2f}, {value[2]:.2f}]"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n:,}" for name, n in counts.items())
