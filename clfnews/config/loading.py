"""The configuration: YAML files, checked key by key.

`configs/base.yaml` shows every key with its default; a test holds it to this
module and `options`. `extends: other.yaml` starts from another file; `--set a.b=value`
overrides one key.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from clfnews.config.yaml_text import parse_yaml, read_yaml
from clfnews.errors import UserError, nearest

_LONGEST_CHAIN = 20


class Section(BaseModel):
    """Keys that are known, and nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


SectionT = TypeVar("SectionT", bound=Section)


def load_section(path: str | Path, kind: type[SectionT]) -> SectionT:
    """A YAML file of another kind (such as a sweep), checked key by key like a configuration.

    Raises `UserError` that names file, line and key.
    """
    values, lines = read_chain(Path(path), ())
    return validated(kind, values, Path(path), lines)


class Named(Section):
    """Stands for sections under names of the user's own."""

    kind: ClassVar[type[Section]] = Section


def validated(kind: type[SectionT], values: dict[str, Any], path: Path, lines: dict[tuple[str, ...], str]) -> SectionT:
    """A section of its values; raises `UserError` that names the line, from `read_chain`, of what is wrong."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise UserError(_explain(error, str(path), lines, kind)) from error


def read_chain(path: Path, seen: tuple[Path, ...]) -> tuple[dict[str, Any], dict[tuple[str, ...], str]]:
    """Merged values of a file and those it extends, and where each key stands."""
    real = Path(os.path.realpath(path))
    if real in seen:
        raise UserError(f"{path}: extends itself: {' -> '.join(map(str, seen))}")
    if len(seen) > _LONGEST_CHAIN:
        raise UserError(f"{path}: the {len(seen)}th file in a row that extends another; that is too many")
    values, node = read_yaml(path)
    values = {} if values is None else values
    if not isinstance(values, dict):
        raise UserError(f"{path}: expected keys and values, found {type(values).__name__}")
    lines = _key_lines(node, path)
    parent = values.pop("extends", None)
    if parent is None:
        return values, lines
    if not isinstance(parent, str):
        raise UserError(f"{lines['extends',]}: extends: expected the name of one file (given: {parent!r})")
    base, base_lines = read_chain(path.parent / parent, (*seen, real))
    return merged(base, values), base_lines | lines


def _key_lines(node: Any, path: Path, prefix: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    lines: dict[tuple[str, ...], str] = {}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            name, where = (*prefix, str(key.value)), f"{path}:{key.start_mark.line + 1}"
            if name in lines:
                raise UserError(f"{where}: {'.'.join(name)!r} stands here twice, first in line {lines[name].rsplit(':', 1)[1]}")
            lines[name] = where
            lines |= _key_lines(value, path, name)
    return lines


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """A section with the values of another over its own."""
    out = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = merged(out[key], value) if both else value
    return out


def set_key(values: dict[str, Any], keys: list[str], value: Any, what: str) -> None:
    """Set the value that a path of keys leads to, with the sections on the way; `what` names it in errors."""
    for key in keys[:-1]:
        if values.get(key) is None:
            values[key] = {}
        values = values[key]
        if not isinstance(values, dict):
            raise UserError(f"{what}: {key!r} is a value, not a section")
    values[keys[-1]] = value


def yaml_value(text: str, what: str) -> Any:
    """The value of a text in YAML; `what` names it in errors."""
    try:
        return parse_yaml(text, what)[0]
    except UserError as error:
        raise UserError(f"{what}: the value is {str(error).removeprefix(f'{what}:').lstrip('1234567890: ')}"[:300]) from error


def _explain(error: ValidationError, path: str, lines: dict[tuple[str, ...], str], root: type[BaseModel]) -> str:
    """The first problem of a configuration: where, which key, what is wrong, nearest name."""
    problem = error.errors()[0]
    keys = _key_path(problem["loc"], root)
    where = next((lines[keys[:end]] for end in range(len(keys), 0, -1) if keys[:end] in lines), path)
    name = ".".join(keys)
    if problem["type"] == "extra_forbidden":
        return f"{where}: unknown key {name!r}{_suggestion(keys, root)}"
    given = repr(problem["input"])
    given = f"{given[:97]}..." if len(given) > 100 else given
    return f"{where}: {name}: {problem['msg'].removeprefix('Value error, ')} (given: {given})"


def _suggestion(keys: tuple[str, ...], root: type[BaseModel]) -> str:
    """The key that was meant: of the same name one section further down, or the nearest beside it."""
    known = _known_keys(keys[:-1], root)
    for section in known:
        if keys[-1] in _known_keys((*keys[:-1], section), root):
            return f" (did you mean {'.'.join((*keys[:-1], section, keys[-1]))!r}?)"
    return nearest(keys[-1], known if keys[:-1] else [*known, "extends"])


def _key_path(loc: tuple[int | str, ...], root: type[BaseModel]) -> tuple[str, ...]:
    """The keys of a pydantic location, without the list positions and union members below them."""
    keys: list[str] = []
    section: type[BaseModel] | None = root
    for key in loc:
        if section is None:
            break
        keys.append(str(key))
        section = _section_at(section, str(key))
    return tuple(keys)


def _known_keys(keys: tuple[str, ...], root: type[BaseModel]) -> list[str]:
    """Names allowed in the section that `keys` leads to."""
    section: type[BaseModel] | None = root
    for key in keys:
        section = section and _section_at(section, key)
    return list(section.model_fields) if section else []


def _section_at(section: type[BaseModel], key: str) -> type[BaseModel] | None:
    """The section that a key holds, if it holds one."""
    if issubclass(section, Named):
        return section.kind
    field = section.model_fields.get(key)
    if field and get_origin(field.annotation) is dict:  # names of the user's own, each with a section
        return type("Named", (Named,), {"__module__": __name__, "kind": get_args(field.annotation)[1]})
    annotation = field.annotation if field else None
    options = [annotation, *getattr(annotation, "__args__", ())]
    return next((option for option in options if isinstance(option, type) and issubclass(option, BaseModel)), None)
