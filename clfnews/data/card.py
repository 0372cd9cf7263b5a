"""The dataset card (`data/README.md`): its words are written by hand, its numbers by `clfnews data card`.

A card holds blocks that are filled from the data, each between two comments
that no reader sees:

    <!-- clfnews: pages -->
    (tables)
    <!-- /clfnews -->

Everything outside the blocks stays as it is, but for the digests of the files in
the YAML front matter (`description: content 3f2a...` of a configuration):
`datasets` keeps its cache of a folder by the folder's name and this front
matter, so that new data would be answered with the old rows.
`card_tables.BLOCKS` has the names; `clfnews data card --check` tells a card that is behind its data.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from clfnews.data.card_tables import BLOCKS
from clfnews.errors import UserError, nearest
from clfnews.files import jsonl_files, write_text

_BLOCK = re.compile(r"<!-- clfnews: ([\w-]+) -->\n((?:(?!<!-- clfnews:).)*?)<!-- /clfnews -->", re.DOTALL)
_OPENING = re.compile(r"<!--\s*clfnews:")
_DIGEST = re.compile(r"^(- config_name: (\w+)\n(?:  default: true\n)?  description: content )\w*$", re.MULTILINE)


def refresh_card(folder: Path, write: bool = True) -> bool:
    """Fill the blocks of the folder's card; returns whether that changed it.

    With `write=False` the file stays as it is. Raises `UserError` for a folder without a card, a card without blocks, an
    unknown block, or data that cannot be read.
    """
    path = folder / "README.md"
    try:
        before = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(f"{folder}: not a data folder (no README.md dataset card in it)") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as text") from error
    if not _OPENING.search(before):
        raise UserError(f"{path}: nothing to fill; a block is '<!-- clfnews: {next(iter(BLOCKS))} -->', then '<!-- /clfnews -->'")
    present = {name for name, _ in _BLOCK.findall(before)}
    texts = {name: block(folder) for name, block in BLOCKS.items() if name in present}
    after = with_digests(replace_blocks(before, texts, str(path)), folder)
    if write and after != before:
        write_text(path, after)
    return after != before


def stale(folder: Path) -> list[str]:
    """What is behind the parts of a data folder: splits that were not composed again, and the numbers of the card."""
    from clfnews.data.composing.recipe import behind

    try:
        problems = [f"{name}: not what compose.yaml and its parts make; run: clfnews data compose" for name in behind(folder)]
        card = folder / "README.md"
        if not problems and _OPENING.search(card.read_text(encoding="utf-8")) and refresh_card(folder, write=False):
            problems.append(f"README.md: behind its data; run: clfnews data card {folder}")
    except UserError as error:
        problems = [str(error)]
    return problems


def with_digests(text: str, folder: Path) -> str:
    """A card whose front matter tells the content of each configuration's files."""

    def filled(match: re.Match[str]) -> str:
        sha = hashlib.sha256()
        for path in jsonl_files(folder / match[2]):
            sha.update(path.read_bytes())
        return f"{match[1]}{sha.hexdigest()[:12]}"

    return _DIGEST.sub(filled, text)


def replace_blocks(text: str, blocks: Mapping[str, str], source: str) -> str:
    """The text with its blocks filled; raises `UserError` for an unknown or unclosed one."""
    if len(_OPENING.findall(text)) != len(_BLOCK.findall(text)):
        raise UserError(f"{source}: a block has to be '<!-- clfnews: NAME -->', its text, and '<!-- /clfnews -->'")

    def filled(match: re.Match[str]) -> str:
        name = match[1]
        if name not in blocks:
            raise UserError(f"{source}: unknown block {name!r}{nearest(name, sorted({*blocks, *BLOCKS}))}")
        return f"<!-- clfnews: {name} -->\n{blocks[name].strip()}\n<!-- /clfnews -->"

    return _BLOCK.sub(filled, text)
