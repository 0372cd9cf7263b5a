"""A trained filter: loaded, over files, into a folder, as a server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from clfnews.errors import BadRecord, UserError
from clfnews.face.arguments import Names, as_filter, as_names, as_text, read_options, warn_user

if TYPE_CHECKING:
    from clfnews.bulk.report import Report
    from clfnews.filtering.files import TaggedFiles
    from clfnews.filtering.filter import PageFilter


def load(uri_or_dir: str | Path | None = None) -> PageFilter:
    """The trained filter: a folder, a run's model or a registry URI.

    Default: `models:/clfnews@champion` of the tracking store in use, or else the
    filter that came with clfnews, which is logged once, as a warning of the logger
    `clfnews`. Raises `UserError` if there is no such model yet.
    """
    from clfnews.tracking.find import load_filter

    return load_filter(as_text(uri_or_dir))


def tag_files(
    inputs: Names,
    *,
    model: PageFilter | str | Path | None = None,
    threshold: float | None = None,
    risk: float | None = None,
    sites: str | Path | None = None,
    input_format: str | None = None,
    columns: Mapping[str, str] | None = None,
    events: bool = False,
    progress: Callable[[str], None] = lambda _: None,
    warn: Callable[[str], None] | None = None,
    bad: Callable[[BadRecord], None] | None = None,
    note: Callable[[str], None] | None = None,
) -> TaggedFiles:
    """The pages of files with every line tagged, one at a time (`clfnews tag`, `clfnews filter`).

    Parameters: `inputs`, `input_format` and `columns` as in `read_pages`; `model`, a
    filter or what `load` takes; `threshold` on p(article) (default: the model's); `risk`,
    the share of wrong stances that is borne (default: the model's confidence);
    `sites`, a file of what is known of the pages' sites, or `auto`: the inputs are
    read twice; `events`, whether pages get who does what to whom. `progress` is
    called with what is done before the first page; `warn` with what was read only
    in part, `bad` with records that are no pages, `note` if there can be no events
    (default of these: a `UserWarning`).

    Iterating gives `TaggedPage`s: `for tagged in clfnews.tag_files("pages/")`; what
    it counts is in the fields of `TaggedFiles`. Raises `UserError` for inputs and
    models that cannot be used, before any page is read.
    """
    from clfnews.filtering.files import AUTO, TaggedFiles, memory_of
    from clfnews.readers.searching import check_inputs

    names, options, warn = as_names(inputs), read_options(input_format, columns, False), warn or warn_user
    check_inputs(names, options)
    progress("loading the model")
    page_filter = as_filter(model).with_threshold(threshold).with_risk(risk)
    if events and page_filter.no_events:
        (note or warn_user)(f"--events: {page_filter.no_events}")
    if as_text(sites) == AUTO:
        progress("reading the sites")
    memory = memory_of(as_text(sites), names, options, page_filter)
    return TaggedFiles(page_filter, names, options, memory, events, warn, bad or (lambda record: warn_user(str(record))))


def filter_folder(
    inputs: Names,
    output: str | Path,
    *,
    model: str | Path | None = None,
    workers: int | None = None,
    resume: bool = False,
    format: str | None = None,
    threshold: float | None = None,
    risk: float | None = None,
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
    `jsonl`); `threshold` on p(article) (default: the model's); `risk`, the
    share of wrong stances that is borne (default: the model's confidence); `sites`, a file of
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
    from clfnews.filtering.saved import reads_hidden
    from clfnews.processes import cores
    from clfnews.tracking.find import find_filter

    if threshold is not None and not 0 <= threshold <= 1:
        raise UserError(f"threshold {threshold}: expected a number from 0 to 1")
    out, (folder, origin) = Path(output), find_filter(as_text(model))
    return filter_to_folder(
        as_names(inputs),
        out,
        folder,
        origin=origin,
        workers=workers or cores(),
        format=format or (earlier_format(out) if resume else None) or "jsonl",
        threshold=threshold,
        risk=risk,
        sites=as_text(sites),
        options=read_options(input_format, columns, reads_hidden(folder)),
        resume=resume,
        engine=engine,
        duplicates=duplicates,
        address=address,
        events=events,
        progress=progress,
        warn=warn or warn_user,
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
        serve_filter(as_filter(model), taken, Limits(megabytes=megabytes, seconds=seconds), echo)
