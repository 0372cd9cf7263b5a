"""The configuration: YAML files, checked key by key.

`configs/base.yaml` shows every key with its default; a test holds it to this
module and `options`. `extends: other.yaml` starts from another file; `--set a.b=value`
overrides one key.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from clfnews.errors import UserError, nearest


class Section(BaseModel):
    """Keys that are known, and nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)


SectionT = TypeVar("SectionT", bound=Section)


def load_section(path: str | Path, kind: type[SectionT]) -> SectionT:
    """A YAML file of another kind (such as a sweep), checked key by key like a configuration.

    Raises `UserError` that names file, line and key.
    """
    values, lines = _read(Path(path), ())
    return _validated(kind, values, Path(path), lines)


def _validated(kind: type[SectionT], values: dict[str, Any], path: Path, lines: dict[tuple[str, ...], str]) -> SectionT:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise UserError(_explain(error, str(path), lines, kind)) from error


def _read(path: Path, seen: tuple[Path, ...]) -> tuple[dict[str, Any], dict[tuple[str, ...], str]]:
    """Merged values of a file and those it extends, and where each key stands."""
    if path.resolve() in seen:
        raise UserError(f"{path}: extends itself: {' -> '.join(map(str, seen))}")
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such configuration file (clfnews init brings the shipped ones)") from error
    except IsADirectoryError as error:
        raise UserError(f"{path}: is a folder; give a YAML file") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a UTF-8 text file") from error
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise UserError(f"{where}: not YAML: {getattr(error, 'problem', error)}") from error
    if not isinstance(values, dict):
        raise UserError(f"{path}: expected keys and values, found {type(values).__name__}")
    lines = _key_lines(node, path)
    parent = values.pop("extends", None)
    if parent is None:
        return values, lines
    if not isinstance(parent, str):
        raise UserError(f"{lines['extends',]}: extends: expected the name of one file (given: {parent!r})")
    base, base_lines = _read(path.parent / parent, (*seen, path.resolve()))
    return _merge(base, values), base_lines | lines


def _key_lines(node: Any, path: Path, prefix: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    lines: dict[tuple[str, ...], str] = {}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name, where = (*prefix, str(key.value)), f"{path}:{key.start_mark.line + 1}"
            if name in lines:
                raise UserError(f"{where}: {'.'.join(name)!r} stands here twice, first in line {lines[name].rsplit(':', 1)[1]}")
            lines[name] = where
            lines |= _key_lines(value, path, name)
    return lines


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = _merge(out[key], value) if both else value
    return out


def _set(values: dict[str, Any], keys: list[str], value: Any, what: str) -> None:
    for key in keys[:-1]:
        if values.get(key) is None:
            values[key] = {}
        values = values[key]
        if not isinstance(values, dict):
            raise UserError(f"{what}: {key!r} is a value, not a section")
    values[keys[-1]] = value


def _yaml_value(text: str, what: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"{what}: the value is not YAML") from error


def _explain(error: ValidationError, path: str, lines: dict[tuple[str, ...], str], root: type[BaseModel]) -> str:
    """The first problem of a configuration: where, which key, what is wrong, nearest name."""
    problem = error.errors()[0]
    keys = _key_path(problem["loc"], root)
    where = next((lines[keys[:end]] for end in range(len(keys), 0, -1) if keys[:end] in lines), path)
    name = ".".join(keys)
    if problem["type"] == "extra_forbidden":
        return f"{where}: unknown key {name!r}{_suggestion(keys, root)}"
    return f"{where}: {name}: {problem['msg'].removeprefix('Value error, ')} (given: {problem['input']!r})"[:300]


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
    field = section.model_fields.get(key)
    annotation = field.annotation if field else None
    options = [annotation, *getattr(annotation, "__args__", ())]
    return next((option for option in options if isinstance(option, type) and issubclass(option, BaseModel)), None)
