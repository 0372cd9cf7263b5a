"""The dataset card (`data/README.md`): its words are written by hand, its numbers by `clfnews data card`.

A card holds blocks that are filled from the data, each between two comments
that no reader sees:

    <!-- clfnews: pages -->
    (tables)
    <!-- /clfnews -->

Everything outside the blocks, such as the YAML front matter, stays as it is.
`cardblocks.BLOCKS` has the names; `clfnews data card --check` tells a card that is behind its data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from clfnews.cardblocks import BLOCKS
from clfnews.errors import UserError, nearest

_BLOCK = re.compile(r"<!-- clfnews: ([\w-]+) -->\n(.*?)<!-- /clfnews -->", re.DOTALL)
_OPENING = re.compile(r"<!--\s*clfnews:")


def refresh_card(folder: Path, write: bool = True) -> bool:
    """Fill the blocks of the folder's card; returns whether that changed it.

    With `write=False` the file stays as it is. Raises `UserError` for a folder
    without a card, a card without blocks, an unknown block, or data that cannot be read.
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
    named = {name for name, _ in _BLOCK.findall(before)}
    texts = {name: block(folder) for name, block in BLOCKS.items() if name in named}
    after = replace_blocks(before, texts, str(path))
    if write and after != before:
        try:
            path.write_text(after, encoding="utf-8", newline="\n")
        except OSError as error:
            raise UserError(f"{path}: cannot be written: {error.strerror}") from error
    return after != before


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
