"""YAML of a bounded size, and nothing in it that Python, a file or a terminal cannot hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from clfnews.errors import UserError
from clfnews.files import not_readable

MAX_BYTES = 256 * 1024
"""The largest file that is read."""
MAX_NODES, MAX_DEPTH = 20_000, 50
"""Keys, values and sections, with those behind aliases counted wherever they are used; sections within each other."""
_LARGEST = 1 << 63
_NO_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class _Loader(yaml.SafeLoader):
    """Refuses values that are none, such as the 99th day of a month, with their place in the file."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep)
        except (ValueError, ArithmeticError, LookupError, AttributeError) as error:  # as int, date and bool of yaml raise them
            problem = f"{str(node.value)[:40]!r} cannot be read as {node.tag.rsplit(':', 1)[-1]}"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from error
        if isinstance(value, int) and abs(value) >= _LARGEST:
            raise yaml.constructor.ConstructorError(None, None, "a number is too large", node.start_mark)
        if isinstance(value, str) and _NO_TEXT.search(value):
            raise yaml.constructor.ConstructorError(None, None, "a text holds control characters", node.start_mark)
        return value


def read_yaml(path: Path) -> tuple[Any, yaml.Node | None]:
    """What a YAML file holds, and its tree with the lines; raises `UserError` that names file and line."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        missing = "no such configuration file (clfnews init brings the shipped ones)"
        raise not_readable(path, error, "a YAML file", missing) from error
    if len(data) > MAX_BYTES:
        raise UserError(f"{path}: is larger than {MAX_BYTES // 1024} KiB; a configuration is small")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a UTF-8 text file") from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, place: str) -> tuple[Any, yaml.Node | None]:
    """`read_yaml` of a text; `place` names it in errors."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None, None
        _measured(node, {}, 0)
        return loader.construct_document(node), node
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise UserError(f"{f'{place}:{mark.line + 1}' if mark else place}: not YAML: {problem}"[:300]) from error
    except RecursionError as error:
        raise UserError(f"{place}: not YAML: more than {MAX_DEPTH} sections within each other") from error


def _measured(node: yaml.Node, known: dict[int, tuple[int, int]], depth: int) -> tuple[int, int]:
    """How many nodes there are with all aliases written out, and how deep they go; each node is looked at once."""
    if id(node) in known:
        size, height = known[id(node)]
    else:
        below = node.value if isinstance(node, yaml.SequenceNode) else []
        below = [part for pair in node.value for part in pair] if isinstance(node, yaml.MappingNode) else below
        size, height = 1, 0
        if depth <= MAX_DEPTH:  # else too deep already: an alias may hold itself
            for part in below:
                part_size, part_height = _measured(part, known, depth + 1)
                size, height = size + part_size, max(height, part_height + 1)
    if depth + height > MAX_DEPTH:
        problem = f"more than {MAX_DEPTH} sections within each other, or one that holds itself"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
    if size > MAX_NODES:
        problem = f"more than {MAX_NODES:,} values (aliases count each time)"
        raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
    known[id(node)] = size, height
    return size, height
