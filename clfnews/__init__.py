"""clfnews: find the article's lines on news pages, and their stance.

>>> import clfnews
>>> page_filter = clfnews.load()                              # doctest: +SKIP
>>> page_filter.keep([clfnews.Page.from_text(open("page.txt").read())])  # doctest: +SKIP
>>> pages = clfnews.read_pages("pages/", hidden=page_filter.reads_hidden)  # doctest: +SKIP
>>> [page.lines[0].text for page in [clfnews.read_html("<h1>Tin</h1><p>Bài</p>")]]
['Tin']

Every command is one call: `train`, `evaluate`, `compare`, `filter_folder`. Nothing
heavy is imported before it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clfnews.errors import BadRecord, UserError
from clfnews.page import READERS, Line, Page, normalise
from clfnews.version import __version__

if TYPE_CHECKING:
    from clfnews.bulk.job import Report
    from clfnews.config.schema import Config
    from clfnews.evaluation.compare import Comparison
    from clfnews.evaluation.drift import Drift
    from clfnews.evaluation.results import TrainResult
    from clfnews.evaluation.scores import Scores
    from clfnews.filtering.filter import PageFilter
    from clfnews.filtering.tagged import TaggedPage
    from clfnews.models.estimators import LineClassifier, PageTagger
    from clfnews.sites.memory import SiteMemory

__all__ = [
    "BadRecord",
    "Line",
    "LineClassifier",
    "Page",
    "PageFilter",
    "PageTagger",
    "SiteMemory",
    "TaggedPage",
    "UserError",
    "__version__",
    "compare",
    "drift",
    "evaluate",
    "fasttext_text",
    "filter_folder",
    "load",
    "load_config",
    "read_html",
    "read_pages",
    "serve",
    "train",
]

Names = str | Path | Iterable[str | Path]
"""Files, folders and patterns (`"*.txt"`), or `-` for standard input: one, or many."""


def load(uri_or_dir: str | Path | None = None) -> PageFilter:
    """The trained filter: a folder, a run's model or a registry URI.

    Default: `models:/clfnews@champion` of the tracking store in use, or else the
    filter that came with clfnews, which is logged once, as a warning of the logger
    `clfnews`. Raises `UserError` if there is no such model yet.
    """
    from clfnews.tracking.registry import load_filter

    return load_filter(_text(uri_or_dir))


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """The configuration of a YAML file, with overrides such as `"folds=3"` or `"type.models.linear.C=2"`.

    Raises `UserError` that names file, line and key of what is wrong.
    """
    from clfnews.config.schema import load_config as read

    return read(path, list(overrides))


def train(
    config: Config | str | Path,
    overrides: Sequence[str] = (),
    *,
    track: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> TrainResult:
    """Train, score, compare and register the models of a configuration (`clfnews train`).

    Parameters: `config`, a file, or what `load_config` gives; `overrides` of the
    file; `track`, whether the run is logged to MLflow and the filter registered;
    `progress`, such as `print`, is called with a line when a step begins or ends.

    The result has every model with its scores (`results`), the best of each task
    (`champions`) and the two joined (`page_filter`). Raises `UserError` for a
    configuration, data or a store that cannot be used.
    """
    from clfnews.training.train import train as run

    if not isinstance(config, str | Path):
        if overrides:
            raise TypeError("overrides are for a file; give them to load_config()")
        return run(config, progress=progress, track=track)
    return run(
        load_config(config, overrides),
        config_path=str(config),
        changed=[item for item in overrides if not item.startswith("tracking.")],
        progress=progress,
        track=track,
    )


def evaluate(
    model: PageFilter | str | Path | None,
    file: str | Path,
    *,
    sites: SiteMemory | str | Path | None = None,
    warn: Callable[[str], None] | None = None,
) -> dict[str, Scores]:
    """Score a filter on labelled pages, stance rows or challenge pairs (`clfnews evaluate`).

    Parameters: `model`, a filter or what `load` takes; `file`, JSONL;
    `sites`, what is known of the pages' sites: a memory, its file, or `auto`, the
    other pages of the file; `warn` is called if the model was trained on this file (default: a `UserWarning`).
    Returns task -> scores with intervals, as far as the file has labels: `type`,
    `stance`, `end_to_end`; or `challenge`. Raises `UserError` for a file or a
    model that cannot be used.
    """
    from clfnews.data.corpus import load_gold
    from clfnews.evaluation.challenge import is_challenge, load_pairs, score_challenge
    from clfnews.evaluation.predictions import evaluate_filter, trained_on

    path = Path(file)
    if is_challenge(path):
        pairs = load_pairs(path)
        return {"challenge": score_challenge(_filter(model).stance_model(), pairs)}
    page_filter = _filter(model)
    corpus = load_gold(path, page_filter.tasks)
    if trained_on(page_filter, corpus):
        told = f"the model was trained on {path}: it knows these pages, and its scores on new ones are lower"
        (warn or _warn)(told)
    return evaluate_filter(page_filter, corpus, sites=_memory(sites, corpus.pages))


def compare(a: str | Path, b: str | Path, *, on: str | Path | None = None, experiment: str = "clfnews") -> Comparison:
    """Two runs side by side: settings, paired differences of every score, lines on which they disagree (`clfnews compare`).

    Parameters: `a` and `b`, each the id or name of a run, `best`, `last`, or a
    `runs:/` or `models:/` URI, looked up in `experiment`; with `on`, a file of
    labelled pages, both filters are scored on it now, and may be folders too.
    Raises `UserError` for runs, models and files that are not there.
    """
    from clfnews.evaluation.compare import compare_filters, compare_runs
    from clfnews.tracking.runs import filter_of, load_run

    one, other = str(a), str(b)
    if on is None:
        return compare_runs(load_run(one, experiment), load_run(other, experiment))
    return compare_filters((one, other), filter_of(one, experiment), filter_of(other, experiment), Path(on))


def drift(reference: str | Path, new: str | Path, *, seed: int = 0) -> Drift:
    """Whether new outputs of the filter still look like those of a reference, without labels (`clfnews drift`).

    Parameters: `reference` and `new`, each a file or a folder of `clfnews filter`
    or `filter_folder`, JSONL or Parquet; `seed` of samples and tests. Returns
    measures and sites with their changes; `drifted` is the verdict. Raises
    `UserError` for what is no such output, or has fewer than 30 pages.
    """
    from clfnews.evaluation.drift import compare_outputs

    return compare_outputs(Path(reference), Path(new), seed)


def filter_folder(
    inputs: Names,
    output: str | Path,
    *,
    model: str | Path | None = None,
    workers: int | None = None,
    resume: bool = False,
    format: str | None = None,
    threshold: float | None = None,
    sites: str | Path | None = None,
    input_format: str | None = None,
    columns: Mapping[str, str] | None = None,
    engine: str = "local",
    address: str | None = None,
    events: bool = False,
    duplicates: str | None = None,
    progress: Callable[[Report], None] = lambda _: None,
    warn: Callable[[str], None] | None = None,
) -> Report:
    """Filter any number of files into a folder, in many processes (`clfnews filter -o FOLDER`).

    Parameters: `model`, what `load` takes; `workers`, processes (default: one a
    core); `resume`, go on in a folder that an earlier run has left; `format`,
    `text`, `jsonl` or `parquet` (default: that of the run to go on with, else
    `jsonl`); `threshold` on p(article) (default: the model's); `sites`, a file of
    what is known of the pages' sites, or `auto` (two passes); `input_format` and
    `columns` as in `read_pages`; `engine`, `local` or `ray`, with the `address` of
    a cluster; `events`, whether rows get who does what to whom; `duplicates`, `mark`
    (rows tell the first page as `duplicate_of` and `duplicate_source`) or `drop` the
    pages whose kept text an earlier page has, exactly or nearly; `progress` is called
    as files are finished; `warn` with what was
    read only in part (default: a `UserWarning`).

    Every input file becomes a file in `output`, beside a manifest and the records
    that could not be read. Returns the counts. Raises `UserError` for inputs,
    models and folders that cannot be used; what is finished then is kept.
    """
    from clfnews.bulk.folder import earlier_format
    from clfnews.bulk.job import filter_to_folder
    from clfnews.filtering.filter import reads_hidden
    from clfnews.processes import cores
    from clfnews.tracking.registry import find_filter

    if threshold is not None and not 0 <= threshold <= 1:
        raise UserError(f"threshold {threshold}: expected a number from 0 to 1")
    out, folder = Path(output), find_filter(_text(model))
    return filter_to_folder(
        _names(inputs),
        out,
        folder,
        workers=workers or cores(),
        format=format or (earlier_format(out) if resume else None) or "jsonl",
        threshold=threshold,
        sites=_text(sites),
        options=_read_options(input_format, columns, reads_hidden(folder)),
        resume=resume,
        engine=engine,
        duplicates=duplicates,
        address=address,
        events=events,
        progress=progress,
        warn=warn or _warn,
    )


def serve(
    model: PageFilter | str | Path | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    megabytes: float = 8.0,
    seconds: float = 30.0,
    echo: Callable[[str], object] = print,
) -> None:
    """Serve a page to look at and a JSON API, until the process is stopped (`clfnews serve`).

    Parameters: `model`, a filter or what `load` takes; `host` and `port` (0: any
    that is free) to listen on; `megabytes` of a request's body and `seconds` that
    it may take; `echo` is told the address. Raises `UserError` for a model or an
    address that cannot be used.
    """
    from clfnews.serving.limits import Limits
    from clfnews.serving.server import bound, serve_filter

    with bound(host, port) as taken:  # before the models, which take seconds
        serve_filter(_filter(model), taken, Limits(megabytes=megabytes, seconds=seconds), echo)


def read_pages(
    inputs: Names, *, format: str | None = None, columns: Mapping[str, str] | None = None, hidden: bool = False
) -> Iterator[Page | BadRecord]:
    """The pages of text, HTML, JSON, CSV, Parquet, WET and WARC files (also .gz, .zst), in order, one at a time.

    Parameters: `inputs`, files, folders and patterns (`"*.txt"`), `-` for
    standard input; `format` of all of them (default: by their names);
    `columns`, such as `{"text": "body"}`: role (text, html, lines, id or a fact
    of the page such as url, date, authors) -> name; `hidden`, also what HTML hides: give
    `page_filter.reads_hidden`, since a filter should see what it learnt from.

    What cannot be read comes as a `BadRecord` between the pages; a page that
    could be read only in part is a `UserWarning`. Raises `UserError` for an
    input that does not exist, before any is read.
    """
    from clfnews.readers.inputs import check_inputs
    from clfnews.readers.inputs import read_pages as read

    names, options = _names(inputs), _read_options(format, columns, hidden)
    check_inputs(names, options)
    return read(names, _warn, options)


def read_html(html: str | bytes, id: str = "page", *, url: str | None = None, hidden: bool = False) -> Page:
    """The page of an HTML document: one line a block that a reader can see, with what the markup says about it.

    Parameters: `html`, a text or bytes (whose encoding is found out); `url`, else
    the canonical one of the document; `hidden`, also what is hidden: see
    `read_pages`. Raises `ValueError` for what is too large, binary, or made to
    take long, and `UserError` if selectolax is not installed.
    """
    from clfnews.readers.html.document import read_html as read

    if isinstance(html, str) and "<" not in html:
        raise ValueError(f"no markup in {html!r:.80}; clfnews.read_pages reads files, Page.from_text extracted text")
    return read(html, id, url=url, hidden=hidden).page


READERS["html"] = read_html


def fasttext_text(text: str) -> str:
    """A line as the fastText models read it: what `predict` of a logged file (`type/model.bin` in the filter's folder) expects.

    Normalised, in lower case, digits as one sign, words with spaces between;
    `fasttext.load_model(path).predict(clfnews.fasttext_text(line))` then is the
    model of clfnews before its calibration.
    """
    from clfnews.models.fasttext import tokens

    return tokens(normalise(text))


def _filter(model: PageFilter | str | Path | None) -> PageFilter:
    return load(model) if model is None or isinstance(model, str | Path) else model


def _memory(sites: SiteMemory | str | Path | None, pages: Iterable[Page]) -> SiteMemory | None:
    if not isinstance(sites, str | Path):
        return sites
    from clfnews.sites.memory import SiteMemory

    return SiteMemory.fit(pages) if str(sites) == "auto" else SiteMemory.load(sites)


def _text(name: str | Path | None) -> str | None:
    return None if name is None else str(name)


def _names(inputs: Names) -> list[str]:
    return [str(name) for name in ([inputs] if isinstance(inputs, str | Path) else inputs)]


def _read_options(format: str | None, columns: Mapping[str, str] | None, hidden: bool) -> Any:
    from clfnews.readers.base import ReadOptions, parse_columns

    return ReadOptions(format, parse_columns(f"{role}={name}" for role, name in (columns or {}).items()), hidden=hidden)


def _warn(message: str) -> None:
    import warnings

    warnings.warn(message, stacklevel=3)


def __getattr__(name: str) -> Any:
    if name == "PageFilter":  # imports numpy, as TaggedPage does: only when asked for
        from clfnews.filtering.filter import PageFilter

        return PageFilter
    if name == "SiteMemory":
        from clfnews.sites.memory import SiteMemory

        return SiteMemory
    if name == "TaggedPage":
        from clfnews.filtering.tagged import TaggedPage

        return TaggedPage
    if name in ("LineClassifier", "PageTagger"):  # derive from classes of scikit-learn
        from clfnews.models import estimators

        return getattr(estimators, name)
    raise AttributeError(f"module 'clfnews' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
