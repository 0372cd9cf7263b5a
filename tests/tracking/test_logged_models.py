"""Every model of a training is an MLflow model of its own, used as its users use MLflow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from helpers import Project

import clfnews
from clfnews.models.fasttext import tokens

# Of MLflow and what it calls.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def logged(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[tuple[str, str], str]]:
    """The models of the project's own training by task and name, as URIs; other tests train in its store too."""
    import mlflow

    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(project.store)
    first = ["attributes.start_time ASC"]
    parents = mlflow.search_runs(
        search_all_experiments=True, filter_string="tags.`clfnews.kind` = 'train'", order_by=first, max_results=1
    )
    own = f"tags.mlflow.parentRunId = '{parents['run_id'][0]}'"
    runs = mlflow.search_runs(search_all_experiments=True, filter_string=own)
    yield {(run["tags.task"], run["tags.model"]): f"runs:/{run['run_id']}/model" for _, run in runs.iterrows()}
    mlflow.set_tracking_uri(before)


def lines(path: Path, task: str) -> pd.DataFrame:
    """The labelled lines of a split: a row a line."""
    rows = [json.loads(row) for row in path.read_text(encoding="utf-8").splitlines()]
    found = [(line["text"], row["id"], line[task]) for row in rows for line in row.get("lines", [row]) if line.get(task)]
    return pd.DataFrame(found, columns=["text", "page", "label"])


def accuracy(uri: str, frame: pd.DataFrame) -> float:
    import mlflow

    done = mlflow.models.evaluate(uri, frame, targets="label", model_type="classifier")
    return float(done.metrics["accuracy_score"])


def test_every_run_of_a_model_has_it_and_mlflow_evaluates_it(project: Project, logged: dict[tuple[str, str], str]) -> None:
    assert set(logged) == {
        ("type", "majority"), ("type", "rules"), ("type", "fasttext"),
        ("stance", "majority"), ("stance", "lexicon"), ("stance", "linear"),
    }  # fmt: skip
    stances = lines(project.data / "stance" / "test.jsonl", "stance")
    scores = {name: accuracy(logged["stance", name], stances) for name in ("majority", "linear")}
    assert scores["majority"] == pytest.approx((stances["label"] == "neutral").mean()) and scores["linear"] > scores["majority"]
    # Lines of one page are read together: else each is a page of one line, in which `rules` finds no article.
    types = lines(project.data / "pages" / "test.jsonl", "type")
    whole, single, unknown = (
        accuracy(logged["type", "rules"], frame) for frame in (types, types.drop(columns="page"), types.assign(page=None))
    )
    assert whole > 0.6 > single == unknown


def test_a_filter_is_evaluated_by_a_column_of_its_rows(project: Project, logged: dict[tuple[str, str], str]) -> None:
    import mlflow

    texts = ["Hai nước ký hiệp định hợp tác sau cuộc hội đàm.", "Nga không kích Ukraine."]
    frame = pd.DataFrame({"text": texts, "label": ["conciliatory", "hostile"]})
    rows = mlflow.pyfunc.load_model("models:/clfnews@champion").predict(frame[["text"]])
    done = mlflow.models.evaluate(
        data=frame.assign(stance=rows["stance"]), targets="label", predictions="stance", model_type="classifier"
    )
    assert done.metrics["accuracy_score"] == (rows["stance"] == frame["label"]).mean()


def test_labels_and_probabilities_are_those_of_the_model_itself(project: Project, logged: dict[tuple[str, str], str]) -> None:
    import mlflow

    texts = ["Nga không kích Ukraine.", "", "Hai nước ký hiệp định."]
    model = mlflow.pyfunc.load_model(logged["stance", "linear"])
    labels = model.predict(pd.DataFrame({"text": texts})).tolist()
    shares = model.predict(pd.DataFrame({"text": texts}, index=[5, 6, 7]), params={"probabilities": True})
    alone = clfnews.load(logged["stance", "linear"])
    said = alone.stance([texts[0], texts[2]])
    assert [labels[0], labels[2]] == [row["label"] for row in said] and labels[1] == ""
    assert shares.index.tolist() == [5, 6, 7] and shares.loc[6].isna().all()
    assert shares.loc[5].to_dict() == pytest.approx(said[0]["p"], abs=1e-4)
    (page,) = alone.tag(["Nga không kích Ukraine."])
    assert page.lines[0].keep and page.lines[0].type is None, "a model of stances alone keeps all lines"


def test_fasttext_opens_the_logged_file_and_says_the_same(project: Project, logged: dict[tuple[str, str], str]) -> None:
    import fasttext
    import mlflow

    uri, text = logged["type", "fasttext"], "Nga  KHÔNG KÍCH Ukraine\u200b, 3 người chết."
    path = mlflow.artifacts.download_artifacts(f"{uri}/artifacts/filter/type/model.bin")
    (label,), _ = fasttext.load_model(path).predict(tokens(text))
    assert label.removeprefix("__label__") == mlflow.pyfunc.load_model(uri).predict(pd.DataFrame({"text": [text]}))[0]
