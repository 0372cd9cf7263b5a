"""Pages of files, of HTML, and lines as a model reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from clfnews.errors import BadRecord
from clfnews.face.arguments import Names, as_names, read_options, warn_user
from clfnews.page import READERS, Page, normalise


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
    from clfnews.readers.inputs import read_pages as read
    from clfnews.readers.searching import check_inputs

    names, options = as_names(inputs), read_options(format, columns, hidden)
    check_inputs(names, options)
    return read(names, warn_user, options)


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
