"""The folder of a saved filter: damage of any kind is one line that names the file, and never a wrong answer."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import ROOT, SEED_PAGE, environment

from clfnews.data.gold import load_gold
from clfnews.errors import UserError
from clfnews.filtering.filter import PageFilter
from clfnews.labels import TASKS
from clfnews.models import make_model
from clfnews.models.calibration import FittedTask
from clfnews.page import Page

FILES = ROOT / "tests" / "files"
PAIRS = {
    "page": ("page", {"hidden": 4, "nets": 1, "epochs": 1, "copies": 0, "trees": 2}, "cues", {}),
    "fasttext": ("fasttext", {"dim": 4, "epoch": 1, "bucket": 100}, "linear", {"min_df": 1}),
    "majority": ("majority", {}, "majority", {}),
}
PAGE = Page.from_text(SEED_PAGE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def filters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A saved filter of each pair of models."""
    corpus, folder = load_gold(ROOT / "data/pages/test.jsonl"), tmp_path_factory.mktemp("filters")
    for name, (type_kind, type_options, stance_kind, stance_options) in PAIRS.items():
        tasks = [
            FittedTask(make_model(kind, task, TASKS[task], options).fit(corpus.pages, corpus.groups), options, 1.2)
            for task, kind, options in (("type", type_kind, type_options), ("stance", stance_kind, stance_options))
        ]
        PageFilter(*tasks, name=name).save(folder / name)
    return {name: folder / name for name in PAIRS}


def change(path: Path, **values: Any) -> None:
    """Other values in a JSON file; None removes a key."""
    found = json.loads(path.read_text(encoding="utf-8")) | values
    path.write_text(json.dumps({key: value for key, value in found.items() if value is not None}), encoding="utf-8")


def model_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*/*") if path.is_file())


def halved(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for at in range(len(data) // 3, len(data), max(len(data) // 40, 1)):
        data[at] ^= 0x5A
    path.write_bytes(bytes(data))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "halved": halved,
    "flipped": flipped,
    "something else": lambda path: path.write_bytes(b"<html>404 Not Found</html>\n"),
    "json of another kind": lambda path: path.write_text("[1, {}]"),
}


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("name", PAIRS)
def test_a_file_that_is_not_as_it_was_saved_is_named(
    name: str, damage: Callable[[Path], object], filters: dict[str, Path], tmp_path: Path
) -> None:
    for number, file in enumerate(model_files(filters[name])):
        folder = Path(shutil.copytree(filters[name], tmp_path / str(number)))
        broken = folder / file.relative_to(filters[name])
        damage(broken)
        with pytest.raises(UserError) as error:
            PageFilter.load(folder)
        assert str(broken) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("name", PAIRS)
def test_a_folder_without_checksums_is_loaded_or_refused(
    name: str, damage: Callable[[Path], object], filters: dict[str, Path], tmp_path: Path
) -> None:
    """As filters were saved before; a damaged fastText file may crash who opens it, so another process does."""
    for number, file in enumerate(model_files(filters[name])):
        folder = Path(shutil.copytree(filters[name], tmp_path / str(number)))
        change(folder / "filter.json", files=None)
        broken = folder / file.relative_to(filters[name])
        damage(broken)
        try:
            page_filter = PageFilter.load(folder)
        except UserError as error:
            assert str(broken.parent) in str(error) and "\n" not in str(error)
        else:
            assert damage is flipped, "only a few bytes can go unseen"
            list(page_filter.tag([PAGE]))


def test_a_folder_of_before_answers_as_it_did(filters: dict[str, Path], tmp_path: Path) -> None:
    for name, saved in filters.items():
        folder = Path(shutil.copytree(saved, tmp_path / name))
        change(folder / "filter.json", files=None)
        (wanted,), (found,) = PageFilter.load(saved).tag([PAGE]), PageFilter.load(folder).tag([PAGE])
        assert replace(found, model=wanted.model) == wanted


STARTED = """
import sys
import clfnews
page_filter = clfnews.load(sys.argv[1])
text = "".join(f"<p>Hai bên nhất trí nối lại đàm phán về điểm {n} vào ngày 3/4 tại thủ đô.</p>" for n in range(9))
page = clfnews.read_html(f"<article><h1>Tin</h1>{text}</article>")
(tagged,) = page_filter.tag([page])
assert tagged.page.language, "the language is measured too"
sys.argv = ["clfnews", "filter", "-m", sys.argv[1], sys.argv[2]]
from clfnews.cli import main
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
print("|".join(sorted({name.split(".")[0] for name in sys.modules})), file=sys.stderr)
"""


def test_a_page_is_read_without_the_packages_that_train(filters: dict[str, Path]) -> None:
    """Each of them takes longer to import than the page to be read."""
    done = subprocess.run(
        [sys.executable, "-c", STARTED, str(filters["page"]), str(SEED_PAGE)],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stderr.strip().split("|"))
    assert not loaded & {"sklearn", "scipy", "pandas", "mlflow", "skops", "pyarrow", "datasets", "fasttext"}
    assert {"numpy", "selectolax", "py3langid"} <= loaded


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"threshold": 5}, "'threshold' is not a number from 0 to 1: 5"),
        ({"threshold": float("nan")}, "'threshold' is not a number"),
        ({"threshold": "0.5"}, "'threshold' is not a number"),
        ({"min_confidence": True}, "'min_confidence' is not a number"),
        ({"temperature": {"type": 0.0}}, r"a temperature is 0\.0"),
        ({"temperature": {"type": 1.0, "tone": 1.0}}, "'temperature' is of 'type', 'tone'"),
        ({"temperature": {}}, "'temperature' is of nothing"),
        ({"temperature": [1]}, "'temperature' is"),
        ({"info": []}, "'info' is"),
        ({"name": 7}, "'name' is 7"),
        ({"files": {"type/model.json": 1}}, "'files' has no checksums"),
        ({"files": {"type/weights.bin": "00"}}, r"weights\.bin: cannot be read"),
    ],
)
def test_values_of_a_filter_that_cannot_be(values: dict[str, Any], said: str, filters: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(filters["majority"], tmp_path / "filter"))
    change(folder / "filter.json", **values)
    with pytest.raises(UserError, match=said) as error:
        PageFilter.load(folder)
    assert str(folder) in str(error.value)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"labels": list(reversed(TASKS["type"]))}, "its labels are not those"),
        ({"task": "stance"}, "is of the task 'stance', not of 'type'"),
        ({"kind": ["page"]}, "unknown model"),
        ({"options": []}, "no 'options'"),
        ({"options": {"hidden": "many"}}, "broken"),
        ({"options": {"hidden": 5, "nets": 1, "trees": 2}}, r"reader1_net_w1_0 is \(\d+, 4\), not \(\d+, 5\)"),
    ],
)
def test_a_model_of_something_else(values: dict[str, Any], said: str, filters: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(filters["page"], tmp_path / "filter"))
    change(folder / "filter.json", files=None)
    change(folder / "type" / "model.json", **values)
    with pytest.raises(UserError, match=said):
        PageFilter.load(folder)


def one_tree(inner: int, leaves: int | None = None) -> dict[str, np.ndarray]:
    """Arrays of a tree whose inner nodes are a chain of left children."""
    leaf = np.repeat([False, True], [inner, inner + 1 if leaves is None else leaves])
    column, nothing = -leaf.astype(np.int16), np.zeros(len(leaf))
    return {"reader1_tree_column": column, "reader1_tree_cut": 1 + column, "reader1_tree_nan_left": leaf} | {
        "reader1_tree_value": nothing
    }


@pytest.mark.parametrize(
    ("change_array", "said"),
    [
        (lambda a: a | {"reader1_net_w1_0": a["reader1_net_w1_0"] * np.nan}, "reader1_net_w1_0 holds what is not a number"),
        (lambda a: a | {"reader1_mean": a["reader1_mean"] + np.inf}, "mean holds what is not a number"),
        (lambda a: a | {"transitions": a["transitions"].astype("S8")}, "transitions holds what is not a number"),
        (lambda a: a | {"transitions": a["transitions"][:-1]}, r"transitions is \(7, 8\), not \(8, 8\)"),
        (lambda a: {name: array for name, array in a.items() if name != "idf"}, "no idf"),
        (lambda a: a | {"words_scorer_rows": a["words_scorer_rows"] + 2**30}, "the text scorer does not fit"),
        (lambda a: a | {"reader1_coded": a["reader1_coded"] + 10_000}, "broken"),
        (lambda a: a | {"reader1_columns": a["reader1_columns"] + 10_000}, "broken"),
        (lambda a: a | {"reader1_edges": a["reader1_edges"][:, ::-1]}, r"page\.npz: broken \(borders of bins do not ascend\)"),
        (lambda a: a | {"reader1_tree_column": a["reader1_tree_column"] + 200}, "a tree asks for a column that is not there"),
        (lambda a: a | {"reader1_tree_column": a["reader1_tree_column"] * 0.5}, "a tree asks for a column that is not there"),
        (lambda a: a | {"reader1_tree_column": a["reader1_tree_column"][:-1]}, r"reader1_tree_cut is \(\d+,\), not \(\d+,\)"),
        (lambda a: a | {"reader1_tree_cut": a["reader1_tree_cut"] * 0}, "a tree cuts where no bin ends"),
        (lambda a: a | {"reader1_tree_value": a["reader1_tree_value"] + np.inf}, "tree_value holds what is not a number"),
        (lambda a: a | {"reader1_tree_start": np.zeros(2)}, r"reader1_tree_start is \(2,\), not \(1,\)"),
        (lambda a: a | one_tree(inner=40), "a tree has more than 32 leaves"),
        (lambda a: a | one_tree(inner=40, leaves=40), "a tree is not whole"),
    ],
)
def test_numbers_that_cannot_be(change_array: Any, said: str, filters: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(filters["page"], tmp_path / "filter"))
    change(folder / "filter.json", files=None)
    path = folder / "type" / "page.npz"
    with np.load(path) as arrays:
        stored = change_array({name: arrays[name] for name in arrays.files})
    np.savez(path, **stored)
    with pytest.raises(UserError, match=said) as error:
        PageFilter.load(folder)
    assert str(folder / "type") in str(error.value)


def test_trees_of_an_earlier_version_are_refused_unread(filters: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(filters["page"], tmp_path / "filter"))
    (folder / "type" / "reader1.skops").write_bytes(b"no archive at all")
    with pytest.raises(UserError, match=r"filter/type: its trees are stored as an earlier version stored them; train again"):
        PageFilter.load(folder)


def test_a_folder_without_filter_json_was_not_saved_to_its_end(filters: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(filters["majority"], tmp_path / "filter"))
    (folder / "filter.json").unlink()
    with pytest.raises(UserError, match=r"not a clfnews filter \(no filter\.json\)"):
        PageFilter.load(folder)


def test_a_filter_saved_by_an_earlier_version_loads_and_tags_alike() -> None:
    """The folder was saved by clfnews 0.1 at commit d33254d; `tags.json` is what that version said of the seed pages."""
    folder = FILES / "filter-0.1"
    pages = load_gold(ROOT / "data/pages/test.jsonl").pages
    before = json.loads((folder / "tags.json").read_text(encoding="utf-8"))
    for row, tagged in zip(before, PageFilter.load(folder).tag(pages), strict=True):
        assert [line.type for line in tagged.lines] == row["types"]
        assert [line.n for line in tagged.lines if line.keep] == row["kept"]
        assert tagged.stance.label == row["stance"]


def test_a_model_that_is_gone_is_named(filters: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(filters["page"], tmp_path / "filter"))
    change(folder / "filter.json", files=None)
    change(folder / "type" / "model.json", kind="trees")
    with pytest.raises(UserError, match="'trees' is now part of 'page'; train again"):
        PageFilter.load(folder)
