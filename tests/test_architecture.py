"""The dependency directions of the design, read from the source, and what starting costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import ROOT, Cli, environment

PACKAGE = ROOT / "clfnews"
FILES = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sorted(PACKAGE.rglob("*.py"))}
MODULES = {name.removesuffix(".__init__"): path for name, path in FILES.items()}


def imports(path: Path, lazy: bool = True) -> set[str]:
    """Full names that a module imports; without `lazy` only those of its import time."""
    return set(_found(ast.parse(path.read_text(encoding="utf-8")).body, lazy))


def _found(body: list[ast.stmt], lazy: bool) -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not lazy:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                yield f"{node.module}.{alias.name}"
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from _found(getattr(node, part, []), lazy)


def modules_of(path: Path, lazy: bool = True) -> set[str]:
    """Modules of the package that a module imports."""
    names = {name for name in imports(path, lazy) if name.split(".")[0] == "clfnews"}
    return {name if name in MODULES else name.rpartition(".")[0] for name in names}


def importers(package: str) -> set[str]:
    """Files that import a third-party package, also lazily."""
    return {path.name for path in FILES.values() if any(name.split(".")[0] == package for name in imports(path))}


def test_nothing_imports_the_command_line() -> None:
    assert [name for name, path in MODULES.items() if "clfnews.cli" in modules_of(path)] == ["clfnews.__main__"]


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("clfnews.models")] + ["clfnews.features"])
def test_models_know_pages_and_nothing_of_files_configuration_or_tracking(name: str) -> None:
    seen = {module.removeprefix("clfnews.") for module in modules_of(MODULES[name])}
    assert not seen & {"cli", "config", "readers", "dataset", "articles", "build", "compose", "quality", "html", "warc", "tables"}
    assert not seen & {"train", "tracking", "packaged", "filter", "evaluate", "scoring", "report"}


def test_records_and_labels_depend_on_nothing() -> None:
    for name in ("page", "labels", "errors"):
        assert modules_of(MODULES[f"clfnews.{name}"]) == set()


def test_filtering_does_not_need_training() -> None:
    seen = {
        module.removeprefix("clfnews.")
        for name in ("filter", "readers", "packaged")
        for module in modules_of(MODULES[f"clfnews.{name}"])
    }
    assert not seen & {"train", "config", "tracking", "articles", "compose", "build"}


def test_one_place_for_mlflow_and_one_for_datasets() -> None:
    assert importers("mlflow") == {"tracking.py", "packaged.py"}
    assert importers("datasets") == {"dataset.py", "articles.py"}


def test_heavy_packages_are_imported_when_they_are_needed() -> None:
    heavy = {"mlflow", "datasets", "sklearn", "scipy", "pandas", "matplotlib", "fasttext", "skops", "pyarrow", "ray"}
    at_once = {
        name: found
        for name, path in MODULES.items()
        if name != "clfnews.packaged" and (found := {i.split(".")[0] for i in imports(path, lazy=False)} & heavy)
    }
    assert at_once == {}


def test_modules_do_not_import_each_other_in_a_circle() -> None:
    graph = {name: modules_of(path, lazy=False) - {name} for name, path in MODULES.items()}
    done: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail, name))
        if name not in done:
            for other in graph[name]:
                walk(other, (*trail, name))
            done.add(name)

    for name in graph:
        walk(name, ())


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


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["filter", "--help"], ["data", "--help"]])
def test_help_starts_without_the_heavy_packages(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STARTED, *arguments], env=environment(), capture_output=True, text=True, check=True
    )
    loaded = set(done.stderr.split("|"))
    assert not loaded & {"mlflow", "datasets", "sklearn", "numpy", "pandas", "fasttext"}
    assert "clfnews" in done.stdout


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = "import sys, clfnews; clfnews.read_pages, clfnews.read_html; print('|'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True)
    assert not {name.split(".")[0] for name in done.stdout.strip().split("|")} & {"numpy", "selectolax", "mlflow", "typer"}


def test_every_command_has_help_with_an_example() -> None:
    import typer

    from clfnews.cli import app

    root = typer.main.get_command(app)
    commands = dict(root.commands)  # type: ignore[attr-defined]
    for group in ("data", "annotate"):
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
