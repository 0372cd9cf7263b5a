"""Stance: pages, explanations, events and challenge pairs."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest
from helpers import ROOT, Cli

from clfnews.data.corpus import share_of_groups
from clfnews.data.folder import load_split
from clfnews.errors import UserError
from clfnews.evaluation.challenge import load_pairs, score_challenge
from clfnews.filtering.decisions import page_stance
from clfnews.labels import STANCES
from clfnews.models import make_model
from clfnews.models.calibration import FittedTask
from clfnews.models.cues import StanceCues
from clfnews.models.features.characters import char_table
from clfnews.models.features.events import event_classes, event_phrases
from clfnews.page import Line, Page

DATA = ROOT / "data"


@pytest.fixture(scope="module")
def cues() -> StanceCues:
    model = make_model("cues", "stance", STANCES, {})
    return model.fit(load_split(DATA, "stance", "train").pages)  # type: ignore[return-value]


def lines_of(*texts: str) -> list[Line]:
    return [Line(text, n, "title" if n == 1 else "body") for n, text in enumerate(texts, 1)]


def events_of(text: str) -> list[str]:
    return [event_classes()[kind] for kind in event_phrases(char_table([text]))[1]]


# --- events -------------------------------------------------------------------------


def test_the_longest_phrase_wins() -> None:
    assert events_of("Hai bên đạt thỏa thuận ngừng bắn.") == ["agree", "ease"]
    assert events_of("Ông từ chối bình luận.") == ["comment"]
    assert events_of("Ông từ chối đàm phán.") == ["refuse", "talk"]


def test_both_places_of_the_tone_mark_are_one_phrase() -> None:
    assert events_of("bình thường hóa quan hệ") == events_of("bình thường hoá quan hệ") == ["cooperate"]


def test_phrases_do_not_run_over_lines() -> None:
    table = char_table(["Nga từ", "chối đàm phán"])
    assert [event_classes()[kind] for kind in event_phrases(table)[1]] == ["talk"]


# --- explanations -------------------------------------------------------------------


@pytest.mark.slow
def test_an_explanation_names_what_turned_the_line(cues: StanceCues) -> None:
    why = cues.explain("Nga đe dọa tấn công nếu Mỹ không rút tên lửa.", most=8)
    assert any("threaten" in name or "đe" in name for name, part in why if part > 0)
    assert [abs(part) for _, part in why] == sorted((abs(part) for _, part in why), reverse=True)
    assert not any(name == "?" for name, _ in why)


def test_the_parts_of_an_explanation_add_up_to_the_score() -> None:
    cues = make_model("cues", "stance", STANCES, {})
    assert isinstance(cues, StanceCues)
    cues.fit(share_of_groups(load_split(DATA, "stance", "validation"), 0.2, seed=1).pages)
    text = "Hai nước nhất trí nối lại đàm phán, song Ankara vẫn phản đối việc mở cửa khẩu."
    p = cues.predict_texts([text])[0]
    best = int(p.argmax())
    log_odds = np.log(p[best]) - np.log(np.delete(p, best)).mean()
    bias = cues._bias[best] - np.delete(cues._bias, best).mean()
    assert sum(part for _, part in cues.explain(text, most=10_000)) + bias == pytest.approx(log_odds, abs=2e-2)


def test_linear_explains_itself_with_exact_parts() -> None:
    model = make_model("linear", "stance", STANCES, {})
    model.fit(load_split(DATA, "stance", "validation").pages)
    text = "Bộ Ngoại giao lên án vụ tấn công và cảnh báo sẽ đáp trả."
    p = model.predict_texts([text])[0]  # type: ignore[attr-defined]
    best = int(p.argmax())
    classifier = model._pipeline["classifier"]  # type: ignore[attr-defined]
    bias = classifier.intercept_[best] - np.delete(classifier.intercept_, best).mean()
    parts = sum(part for _, part in model.explain(text, most=10_000))  # type: ignore[attr-defined]
    assert parts + bias == pytest.approx(np.log(p[best]) - np.log(np.delete(p, best)).mean(), abs=2e-2)


def test_the_keyword_list_names_its_keywords() -> None:
    why = make_model("lexicon", "stance", STANCES).explain("Nga phản đối Mỹ, nhưng không từ chối đàm phán.")  # type: ignore[attr-defined]
    assert [word for word, _ in why] == ["không từ chối", "đàm phán", "phản đối"]
    assert [part for _, part in why] == [2.0, 2.0, -1.0]


# --- the stance of a page -----------------------------------------------------------


def test_a_page_takes_a_side_and_names_the_lines_that_carry_it() -> None:
    lines = lines_of("Nga trừng phạt Anh", "Một câu nền về lịch sử.", "Anh trục xuất nhà ngoại giao Nga.", "Hai bên từng gặp.")
    p = np.array([[0.05, 0.9, 0.05], [0.1, 0.1, 0.8], [0.02, 0.96, 0.02], [0.6, 0.1, 0.3]])
    stance = page_stance(lines, p)
    assert (stance.label, stance.reason) == ("hostile", "side")
    assert set(stance.lines) == {1, 3}
    assert stance.shares == {"conciliatory": 0.25, "hostile": 0.5, "neutral": 0.25}


def test_a_page_that_is_not_about_relations_is_neutral_for_want_of_coverage() -> None:
    lines = lines_of("Giá cà phê tăng", "Nông dân thu hoạch sớm.", "Xuất khẩu sang Đức tăng 3%.")
    stance = page_stance(lines, np.array([[0.05, 0.05, 0.9]] * 3))
    assert (stance.label, stance.reason, stance.lines) == ("neutral", "coverage", ())
    assert stance.coverage == pytest.approx(0.1)


def test_two_sides_of_equal_weight_are_neutral_by_balance() -> None:
    lines = lines_of("Câu thứ nhất dài bằng", "Câu thứ hai dài bằng.", "Câu thứ ba dài bằng..")
    stance = page_stance(lines, np.array([[0.45, 0.45, 0.1]] * 3))
    assert (stance.label, stance.reason) == ("neutral", "balance")


def test_a_page_without_article_has_no_stance() -> None:
    nothing = page_stance([], np.zeros((0, 3)))
    assert nothing.label is None and nothing.as_row()["lines"] == []
    with pytest.raises(FrozenInstanceError):
        nothing.label = "neutral"  # type: ignore[misc]


# --- challenge pairs ----------------------------------------------------------------


def test_challenge_scores_count_pairs(tmp_path: Path) -> None:
    def side(text: str, stance: str) -> dict[str, str]:
        return {"text": text, "stance": stance}

    rows = [
        {"kind": "swap", "a": side("Nga lên án Mỹ.", "hostile"), "b": side("Peru lên án Chile.", "hostile")},
        {"kind": "minimal", "a": side("Nga lên án Mỹ.", "hostile"), "b": side("Nga cảm ơn Mỹ.", "conciliatory")},
        {"kind": "minimal", "a": side("Nga lên án Mỹ.", "hostile"), "b": side("Trời mưa.", "hostile")},
    ]
    file = tmp_path / "pairs.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    lexicon = FittedTask(make_model("lexicon", "stance", STANCES), {})
    values = score_challenge(lexicon, load_pairs(file)).values
    assert values["challenge/invariance"] == values["challenge/swap_accuracy"] == 1
    assert values["challenge/minimal_accuracy"] == 0.75 and values["challenge/minimal_both"] == 0.5


@pytest.mark.parametrize(
    "row", [{"kind": "swap", "a": {"text": "x"}, "b": {}}, {"kind": "other", "a": {"text": "x", "stance": "hostile"}}, {"a": 1}]
)
def test_a_row_that_is_no_pair_is_named(row: dict[str, object], tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(UserError, match="row 1: not a challenge pair"):
        load_pairs(file)


def test_evaluate_reads_challenge_pairs(cli: Cli, rules_filter: Path) -> None:
    scores = json.loads(cli("evaluate", rules_filter, DATA / "challenge" / "pairs.jsonl", "--json").out)
    assert 0 <= scores["challenge/minimal_accuracy_low"] <= scores["challenge/minimal_accuracy"] <= 1
    assert 0 < scores["challenge/invariance"] <= 1


def test_tag_explain_gives_kept_lines_their_reasons(cli: Cli, cues: StanceCues, rules_filter: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.txt"
    text = "Bộ Ngoại giao Nga hôm 12/3 lên án lệnh trừng phạt mới của Mỹ và cảnh báo sẽ đáp trả tương xứng trong vài tuần tới."
    page.write_text(f"Trang chủ\n{text}\n{text.replace('Nga', 'Iran')}\n", encoding="utf-8")
    from clfnews.filtering.filter import PageFilter

    rules = PageFilter.load(rules_filter).type_task
    PageFilter(rules, FittedTask(cues, {})).save(tmp_path / "filter")
    row = json.loads(cli("tag", "--explain", "--model", tmp_path / "filter", page).out)
    kept = [line for line in row["lines"] if line["keep"]]
    assert kept and all(line["why"] for line in kept)
    assert all("why" not in line for line in row["lines"] if not line["keep"])
    fasttext = make_model("fasttext", "stance", STANCES, {"epoch": 1})
    fasttext.fit(load_split(DATA, "stance", "validation").pages[:40])
    PageFilter(rules, FittedTask(fasttext, {"epoch": 1})).save(tmp_path / "fasttext")
    refused = cli("tag", "--explain", "--model", tmp_path / "fasttext", page)
    assert refused.code == 2 and "cannot explain itself" in refused.err


def test_a_stance_of_a_text_in_python(cues: StanceCues) -> None:
    p = cues.predict_proba([Page.from_lines(["Nga và Iran ký thỏa thuận hợp tác."])])[0][0]
    assert STANCES[int(p.argmax())] == "conciliatory"


# --- pretrained word vectors ----------------------------------------------------------

VECTORS = ROOT / "tests" / "files" / "vectors.vec"


def fasttext_on(vectors: Path | None) -> np.ndarray:
    options = {"epoch": 1, "word_ngrams": 1, "pretrained_vectors": str(vectors) if vectors else None, "dim": 8}
    model = make_model("fasttext", "stance", STANCES, options)
    pages = load_split(DATA, "stance", "validation").pages[:40]
    return np.concatenate(model.fit(pages).predict_proba(pages))


def test_fasttext_starts_from_word_vectors_as_text_or_binary(tmp_path: Path) -> None:
    import fasttext

    corpus = tmp_path / "corpus.txt"
    corpus.write_text("\n".join(["nga mỹ đàm phán hòa bình", "nga mỹ trừng phạt đe dọa"] * 20), encoding="utf-8")
    fasttext.train_unsupervised(str(corpus), dim=8, minCount=1, bucket=0, maxn=0, thread=1, verbose=0).save_model(
        str(tmp_path / "vectors.bin")
    )
    plain, text, binary = fasttext_on(None), fasttext_on(VECTORS), fasttext_on(tmp_path / "vectors.bin")
    assert not np.allclose(plain, text) and not np.allclose(plain, binary)


@pytest.mark.parametrize("name", ["none.vec", "none.bin", "broken.bin", "broken.vec"])
def test_vectors_that_cannot_be_read_are_named(name: str, tmp_path: Path) -> None:
    if name.startswith("broken"):
        (tmp_path / name).write_bytes(b"no vectors")
    with pytest.raises(UserError, match=f"pretrained_vectors: .*{name}"):
        fasttext_on(tmp_path / name)
