"""The dependency directions of the design, read from the source, and what starting costs."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import ROOT, Cli, environment

PACKAGE = ROOT / "clfnews"
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
LEAVES = {"page", "labels", "errors", "version", "processes", "lexicons", "files", "record"}
"""The ground floor: what every room may import. Leaves import only each other."""
BELOW_FACE = {
    "training", "serving", "tracking", "reports", "labelling", "evaluation", "bulk", "filtering", "data", "readers", "config",
    "sites",
}  # fmt: skip
ROOMS = {
    "cli": {"face", "events", *BELOW_FACE},
    "face": {"models", *BELOW_FACE},  # the estimators
    "training": {"tracking", "reports", "evaluation", "filtering", "models", "data", "config", "sites"},
    "tracking": {"reports", "evaluation", "filtering", "readers", "config"},  # the served model reads rows as the CLI does
    "serving": {"reports", "filtering", "readers"},  # the look of the report
    "reports": {"evaluation", "filtering", "models", "events", "data"},
    "labelling": {"evaluation", "filtering", "models", "data", "readers", "config"},
    "evaluation": {"filtering", "models", "data", "config", "sites"},
    "bulk": {"filtering", "readers", "sites"},
    "filtering": {"models", "events", "readers", "sites"},  # frames are read as rows are
    "data": {"config", "readers"},  # composed pages are read back by the reader that will read the web
    "models": {"sites"},
    "sites": set(),
    "events": set(),
    "readers": set(),
    "config": set(),
}
"""Room -> the other rooms that it may import, as in CONTRIBUTING.md."""


def imports(path: Path, *, at_once: bool = False) -> set[str]:
    """Full names that a module imports anywhere: at its top, inside functions, for type checking.

    `at_once`: only those that run when the module is imported.
    """
    return set(_found(ast.parse(path.read_text(encoding="utf-8")).body, at_once))


def _found(body: list[ast.stmt], at_once: bool) -> Iterator[str]:
    for node in body:
        if at_once and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if at_once and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                yield f"{node.module}.{alias.name}"
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from _found(getattr(node, part, []), at_once)


def modules_of(path: Path) -> set[str]:
    """Modules of the package that a module imports."""
    names = {name for name in imports(path) if name.split(".")[0] == "clfnews"}
    return {name if name in MODULES else name.rpartition(".")[0] for name in names}


def room_of(module: str) -> str:
    """The room of a module; `face` for `clfnews` itself and `python -m clfnews`."""
    parts = module.split(".")
    return "face" if len(parts) == 1 or parts[1] == "__main__" else parts[1]


def importers(package: str) -> set[str]:
    """Modules that import a third-party package, also inside functions."""
    return {name for name, path in MODULES.items() if any(found.split(".")[0] == package for found in imports(path))}


def test_the_package_has_the_rooms_of_the_plan() -> None:
    assert {room_of(name) for name in MODULES} == {*ROOMS, *LEAVES}
    loose = [path.name for path in PACKAGE.glob("*.py")]
    assert len(loose) <= 12, loose


@pytest.mark.parametrize("name", MODULES)
def test_a_room_imports_only_the_rooms_below_it(name: str) -> None:
    room = room_of(name)
    allowed = LEAVES if room in LEAVES else LEAVES | {room} | ROOMS[room]
    if name == "clfnews.__main__":
        allowed = allowed | {"cli"}
    wrong = {module for module in modules_of(MODULES[name]) - {name} if room_of(module) not in allowed}
    assert not wrong, f"{name} ({room}) may not import {sorted(wrong)}"


def test_no_module_imports_itself_over_others() -> None:
    graph = {name: modules_of(path) - {name} for name, path in MODULES.items()}
    done: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for other in sorted(graph[name]):
                walk(other, (*trail, name))
            done.add(name)

    for name in graph:
        walk(name, ())


NAMED_TUPLE = {"_asdict", "_replace", "_fields", "_field_defaults", "_make"}
"""Public in spite of their names: https://docs.python.org/3/library/collections.html#collections.namedtuple"""


def private_names(path: Path, nodes: list[ast.AST], defined: set[str]) -> set[str]:
    """Private names that a module takes from others: imported, or as attributes that only another one defines."""
    taken = {name for name in imports(path) if name.startswith("clfnews.") and is_private(name.rpartition(".")[2])}
    known = private_definitions(nodes) | NAMED_TUPLE
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute) and is_private(node.attr)}
    return taken | ((used - known) & defined)


def private_definitions(nodes: list[ast.AST]) -> set[str]:
    """Private functions, classes, variables and attributes that a module defines."""
    names = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    names |= {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}
    names |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return {name for name in names if is_private(name)}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def test_no_module_takes_private_names_of_another() -> None:
    nodes = {name: list(ast.walk(ast.parse(path.read_text(encoding="utf-8")))) for name, path in MODULES.items()}
    defined = set().union(*map(private_definitions, nodes.values()))
    taken = {name: found for name, path in MODULES.items() if (found := private_names(path, nodes[name], defined))}
    assert taken == {}


def test_one_room_for_mlflow_and_one_for_datasets() -> None:
    assert {room_of(name) for name in importers("mlflow")} == {"tracking"}
    assert {room_of(name) for name in importers("datasets")} == {"data"}


DERIVED = {"clfnews.tracking.pyfunc", "clfnews.tracking.label_pyfunc", "clfnews.models.estimators"}
"""Modules whose classes derive from those of a heavy package; no other imports them at its top."""


def test_heavy_packages_are_imported_when_they_are_needed() -> None:
    heavy = {"mlflow", "datasets", "sklearn", "scipy", "pandas", "matplotlib", "fasttext", "skops", "pyarrow", "ray"}
    at_once = {
        name: found
        for name, path in MODULES.items()
        if name not in DERIVED and (found := {i.split(".")[0] for i in imports(path, at_once=True)} & heavy)
    }
    assert at_once == {}


STARTED = """
import sys
sys.argv = ["clfnews", *sys.argv[1:]]
from clfnews.cli import main
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
print("|".join(sorted({name.split(".")[0] for name in sys.modules})), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["train", "--help"], ["filter", "--help"], ["events", "--help"], ["serve", "--help"], ["data", "--help"]],
)
def test_help_starts_without_the_heavy_packages(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STARTED, *arguments], env=environment(), capture_output=True, text=True, check=True
    )
    loaded = set(done.stderr.split("|"))
    assert not loaded & {"mlflow", "datasets", "sklearn", "numpy", "pandas", "fasttext", "fastapi", "uvicorn"}
    assert "clfnews" in done.stdout


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = "import sys, clfnews; clfnews.read_pages, clfnews.read_html; print('|'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True)
    assert not {name.split(".")[0] for name in done.stdout.strip().split("|")} & {"numpy", "selectolax", "mlflow", "typer"}


def test_every_command_has_help_with_an_example() -> None:
    import typer

    from clfnews.cli.app import app

    root = typer.main.get_command(app)
    commands = dict(root.commands)  # type: ignore[attr-defined]
    for group in ("data", "annotate", "sites"):
        commands |= {f"{group} {name}": command for name, command in commands.pop(group).commands.items()}
    missing = [name for name, command in commands.items() if f"Example: clfnews {name}" not in (command.help or "")]
    assert missing == []


def test_init_brings_what_a_first_training_needs_and_overwrites_nothing(cli: Cli, tmp_path: Path) -> None:
    done = cli("init", "news")
    assert done.code == 0 and "cd news && clfnews train configs/base.yaml" in done.out
    for path in ("configs/base.yaml", "data/pages/train.jsonl", "seeds"):
        assert (tmp_path / "news" / path).exists()
    again = cli("init", "news")
    assert again.code == 2 and "news/configs: is there already; give another folder" in again.err


def test_scripts_beside_the_package_import_what_there_is() -> None:
    """No linter follows their imports: a module that is moved would be missed when somebody runs them."""
    scripts = [path for folder in (".ci", "benchmarks", "experiments") for path in sorted((ROOT / folder).rglob("*.py"))]
    assert len(scripts) > 10
    for path in scripts:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "clfnews":
                module = importlib.import_module(str(node.module))
                missing = [name.name for name in node.names if not hasattr(module, name.name)]
                assert not [name for name in missing if f"{node.module}.{name}" not in MODULES], f"{path}: {node.module}"
