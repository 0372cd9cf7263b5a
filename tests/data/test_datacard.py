"""The dataset card says what the data holds, and the realism experiment finds what gives pages away."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers import ROOT, Cli, environment, write_rows

from clfnews.data.card import refresh_card, replace_blocks
from clfnews.data.card_tables import BLOCKS
from clfnews.data.composing.recipe import build
from clfnews.data.markdown import markdown_table
from clfnews.errors import UserError
from clfnews.labelling.agreement import agreement
from clfnews.labels import STANCES, TYPES

DATA = ROOT / "data"
EXPERIMENT = ROOT / "experiments" / "006-realism"

Row = dict[str, Any]


def rows_of(name: str, folder: Path = DATA) -> list[Row]:
    data = (folder / name).read_bytes()
    return [json.loads(line) for line in (gzip.decompress(data) if name.endswith(".gz") else data).decode().splitlines()]


def block(card: Path, name: str) -> str:
    found = re.findall(rf"<!-- clfnews: {name} -->\n(.*?)\n<!-- /clfnews -->", card.read_text(encoding="utf-8"), re.DOTALL)
    assert len(found) == 1, name
    return str(found[0])


def table(text: str, first_column: str) -> dict[str, dict[str, str]]:
    """Rows of the Markdown table whose first column has this name, by their first cell."""
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith(f"| {first_column} |"))
    rows = []
    for line in lines[at:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return {row[0].strip("*"): dict(zip(rows[0], row, strict=True)) for row in rows[2:]}


def number(cell: str) -> int:
    return int(cell.split()[0].replace(",", ""))


def listed(cell: str) -> dict[str, int]:
    """`war 32, trade 1,017` as a dict."""
    found = re.findall(r"(.+?) ([\d,]+)(?:, |$)", cell)
    return {name: number(n) for name, n in found}


@pytest.fixture
def folder(tiny_data: Path, tmp_path: Path) -> Path:
    """A small data folder with a filled card, which a test may change."""
    copy = Path(shutil.copytree(tiny_data, tmp_path / "data"))
    refresh_card(copy)
    return copy


# --- the shipped card ---------------------------------------------------------------


@pytest.mark.slow
def test_shipped_card_is_what_the_command_writes(cli: Cli) -> None:
    result = cli("data", "card", "--check", cwd=ROOT)
    assert (result.code, result.out.strip()) == (0, "data/README.md: up to date")


def test_shipped_card_shows_every_block() -> None:
    for name in BLOCKS:
        assert block(DATA / "README.md", name)


def test_counts_of_pages_types_and_stances() -> None:
    text = block(DATA / "README.md", "pages")
    pages, types, stances = table(text, "split"), table(text, "type"), table(text, "stance")
    for path in sorted(DATA.glob("*/*.jsonl")):
        if path.parent.name not in ("pages", "stance"):
            continue
        name, rows = f"{path.parent.name}/{path.stem}", rows_of(f"{path.parent.name}/{path.name}")
        lines = [line for row in rows for line in row["lines"]]
        shown = pages[name]
        assert [number(shown[key]) for key in ("pages", "lines", "articles", "layouts", "groups")] == [
            len(rows),
            len(lines),
            *(len({row[key] for row in rows} - {None}) for key in ("article", "layout", "group")),
        ]
        for task, labels, shown_labels in (("type", TYPES, types), ("stance", STANCES, stances)):
            count = Counter(line[task] for line in lines)
            assert {label: number(shown_labels[label][name]) for label in labels} == {label: count[label] for label in labels}


def test_counts_of_articles() -> None:
    text, rows = block(DATA / "README.md", "articles"), rows_of("articles.jsonl")
    shown = table(text, "articles by")
    assert listed(shown["topic"][""]) == Counter(row["topic"] for row in rows)
    assert listed(shown["register"][""]) == Counter(row["register"] for row in rows)
    assert listed(shown["decade"][""]) == Counter(f"{row['date'][:3]}0s" for row in rows)
    pairs = {tuple(sorted(row["actors"][:2])) for row in rows if len(row["actors"]) > 1}
    actors = {actor for row in rows for actor in row["actors"]}
    assert text.startswith(f"{len(rows):,} articles ")
    assert f" {len(pairs):,} pairs " in text and f" {len(actors):,} actors." in text
    assert f"{sum(len(row['related']) for row in rows):,} further stories" in text


def test_counts_of_layouts_noise_lines_and_pairs() -> None:
    card = DATA / "README.md"
    layouts = [path.read_text(encoding="utf-8") for path in (DATA / "layouts").glob("*.layout")]
    listing = sum(bool(re.search(r"^kind:\s*listing", text, re.MULTILINE)) for text in layouts)
    shown = table(block(card, "layouts"), "layouts by")
    assert block(card, "layouts").startswith(f"{len(layouts):,} layouts ")
    assert number(shown["shows an article"][""]) == len(layouts) - listing

    noise = {(row["type"], row["text"]) for row in rows_of("noise.jsonl")}
    for kind, of_kind in table(block(card, "noise"), "distinct texts of").items():
        assert number(of_kind["noise strings"]) == sum(pair[0] == kind for pair in noise)
        assert number(of_kind["together"]) >= number(of_kind["noise strings"])

    pairs = [row for path in (DATA / "challenge").glob("*.jsonl") for row in rows_of(f"challenge/{path.name}")]
    kinds = table(block(card, "challenge"), "kind")
    assert {kind: number(shown["pairs"]) for kind, shown in kinds.items()} == Counter(pair["kind"] for pair in pairs)

    summary = {name: number(shown["number"]) for name, shown in table(block(card, "summary"), "what").items()}
    assert summary["site layouts"] == len(layouts) and summary["challenge pairs"] == len(pairs)
    files = [f"pages/{split}{end}" for split in ("train", "validation") for end in (".jsonl", "-web.jsonl.gz")]
    assert summary["composed pages"] == sum(len(rows_of(name)) for name in files)


def test_counts_of_stance_lines_and_hard_shares() -> None:
    text, rows = block(DATA / "README.md", "stance-lines"), rows_of("stance_lines.jsonl")
    lines = [(row["case"], line["stance"]) for row in rows for line in row["lines"]]
    shown = table(text, "case")
    total = shown.pop("together")
    assert {(case, s): number(row[s]) for case, row in shown.items() for s in STANCES if number(row[s])} == Counter(lines)
    assert number(total["lines"]) == len(lines)
    shares = re.findall(r"(\d+)% of the (\w+)[^(]*\(([^)]*)\)", text)
    assert len(shares) == 2
    for share, which, cases in shares:
        side = [case for case, stance in lines if (stance == "neutral") == (which == "neutral")]
        assert int(share) == round(100 * sum(case in cases.split(", ") for case in side) / len(side))


# --- filling ------------------------------------------------------------------------


def test_card_follows_its_data_and_keeps_its_words(folder: Path, cli: Cli) -> None:
    card = folder / "README.md"
    before = card.read_text(encoding="utf-8")
    assert cli("data", "card", folder, "--check").code == 0
    rows = rows_of("pages/train.jsonl", folder)
    write_rows(folder / "pages" / "train.jsonl", rows[1:])
    behind = cli("data", "card", folder, "--check")
    assert behind.code == 1 and f"clfnews data card {folder}" in behind.out
    assert card.read_text(encoding="utf-8") == before  # --check changes nothing
    assert cli("data", "card", folder).code == 0
    assert number(table(block(card, "pages"), "split")["pages/train"]["pages"]) == len(rows) - 1
    empty = re.compile(r"(<!-- clfnews: [\w-]+ -->\n).*?(<!-- /clfnews -->)", re.DOTALL)
    after, digest = card.read_text(encoding="utf-8"), re.compile(r"(?<=description: content )\w+")
    assert digest.findall(after)[0] != digest.findall(before)[0]
    assert digest.sub("", empty.sub(r"\1\2", after)) == digest.sub("", empty.sub(r"\1\2", before))


def test_filled_card_loads_with_datasets(folder: Path, tmp_path: Path) -> None:
    script = (
        "import datasets, json, sys\n"
        "tables = {c: datasets.load_dataset(sys.argv[1], c) for c in ('pages', 'stance')}\n"
        "print(json.dumps({c: {s: len(t) for s, t in parts.items()} for c, parts in tables.items()}))"
    )
    env = environment(HF_HOME=str(tmp_path / "hf"), HF_DATASETS_OFFLINE="1")
    done = subprocess.run([sys.executable, "-c", script, str(folder)], env=env, capture_output=True, check=True)
    loaded = json.loads(done.stdout.splitlines()[-1])
    splits = ("train", "validation", "test")
    assert loaded == {c: {s: len(rows_of(f"{c}/{s}.jsonl", folder)) for s in splits} for c in ("pages", "stance")}


def test_front_matter_names_files_that_exist() -> None:
    front = yaml.safe_load((DATA / "README.md").read_text(encoding="utf-8").split("\n---\n")[0])
    paths = [part["path"] for config in front["configs"] for part in config["data_files"]]
    files = [name for path in paths for name in ([path] if isinstance(path, str) else path)]
    assert files and [name for name in files if not (DATA / name).is_file()] == []
    assert [info["config_name"] for info in front["dataset_info"]] == [config["config_name"] for config in front["configs"]]


def test_a_folder_without_parts_says_so(folder: Path) -> None:
    assert block(folder / "README.md", "articles") == "There is no `articles.jsonl`."
    assert block(folder / "README.md", "agreement").startswith("Not measured yet")
    assert block(folder / "README.md", "realism").startswith("Not measured yet")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("<!-- clfnews: pages -->", "<!-- clfnews: page -->"), "unknown block 'page'.*pages"),
        (lambda text: text.replace("<!-- /clfnews -->", "", 1), "a block has to be"),
        (lambda text: text.split("<!--")[0], "nothing to fill"),
    ],
)
def test_a_broken_card_is_told(folder: Path, change: Any, message: str) -> None:
    card = folder / "README.md"
    broken = change(card.read_text(encoding="utf-8"))
    card.write_text(broken, encoding="utf-8")
    with pytest.raises(UserError, match=message):
        refresh_card(folder)
    assert card.read_text(encoding="utf-8") == broken


def test_bad_parts_are_told(folder: Path, cli: Cli) -> None:
    assert "no README.md" in cli("data", "card", folder / "nowhere").error
    write_rows(folder / "articles.jsonl", [{"id": "a", "lines": []}, {"id": "b"}])
    assert "articles.jsonl: row 2: no 'lines'" in cli("data", "card", folder).error
    (folder / "articles.jsonl").unlink()
    (folder / "votes").mkdir()
    (folder / "votes" / "agreement.json").write_text('{"seeds": {"pages": 1}}', encoding="utf-8")
    assert "clfnews data agreement --json" in cli("data", "card", folder).error


def test_agreement_and_votes_that_are_copies(folder: Path) -> None:
    first, votes = rows_of("pages/test.jsonl"), folder / "votes"
    second = json.loads(json.dumps(first))
    line = next(line for line in second[0]["lines"] if line["type"] == "body")
    line["stance"] = next(stance for stance in STANCES if stance != line["stance"])
    a, b = (write_rows(votes / f"{name}.jsonl", rows) for name, rows in (("a", first), ("b", second)))
    found = agreement(a, b)
    row = found.as_row()
    del row["disagreements"]
    (votes / "agreement.json").write_text(json.dumps({"relabel": {"stance": row, "cases": ["rule 6"]}}), encoding="utf-8")
    refresh_card(folder)
    text = block(folder / "README.md", "agreement")
    shown = table(text, "task")["stance"]
    assert (shown["labelled differently"], shown["kappa"]) == ("1", f"{found.tasks['stance'].kappa:.3f}")
    assert "**relabel, stance**: " in text and "\n- rule 6" in text and "byte for byte" not in text
    shutil.copy(a, b)
    refresh_card(folder)
    assert "`votes/b.jsonl`: it is `votes/a.jsonl` again" in block(folder / "README.md", "agreement")


# --- realism --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def realism(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Row]]:
    """Results of telling composed pages from each other, of which some got a sign in front of their teasers."""
    out = tmp_path_factory.mktemp("realism")
    pages = [row | {"lines": row["lines"][:40]} for row in rows_of("pages/train.jsonl") if row["article"]]
    groups = sorted({row["group"] for row in pages})
    plain, marked = ([row for row in pages if row["group"] in part][:40] for part in (groups[:5], groups[8:13]))
    marked = json.loads(json.dumps(marked))
    for row in marked:
        for line in row["lines"]:
            line["text"] = f"© {line['text']}" if line["type"] == "teaser" else line["text"]
    real, composed = write_rows(out / "real.jsonl", plain), write_rows(out / "composed.jsonl", marked)
    options = ["--composed", composed, "--repeats", "1", "--samples", "10", "--out", out]
    env = environment(OMP_NUM_THREADS="1")
    subprocess.run([sys.executable, EXPERIMENT / "realism.py", real, *options], env=env, capture_output=True, check=True)
    return out / "results.json", plain


@pytest.mark.slow
def test_realism_finds_a_planted_giveaway(realism: tuple[Path, list[Row]]) -> None:
    results = json.loads(realism[0].read_text(encoding="utf-8"))
    assert results["giveaways"][0]["feature"] == "teaser lines with a copyright sign"
    first = results["line_giveaways"]["teaser"][0]
    assert first["auc"] > 0.9 and first["composed"] > first["real"]
    assert results["lines_by_type"]["teaser"][0] > 0.9 > results["lines_by_type"]["body"][0]
    for part in ("pages", "families", "lines", "lines_by_type"):
        assert all(0 <= low <= high <= 1 and 0 <= value <= 1 for value, low, high in results[part].values())


@pytest.mark.slow
def test_realism_keeps_no_text_of_the_real_pages(realism: tuple[Path, list[Row]]) -> None:
    text = realism[0].read_text(encoding="utf-8")
    assert [line["text"] for row in realism[1] for line in row["lines"] if len(line["text"]) > 20 and line["text"] in text] == []


def test_realism_readme_and_card_show_its_results(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(EXPERIMENT)
    from tables import card_block, realism_tables

    results = json.loads((EXPERIMENT / "results.json").read_text(encoding="utf-8"))
    readme = (EXPERIMENT / "README.md").read_text(encoding="utf-8")
    assert replace_blocks(readme, realism_tables(results), "README.md") == readme
    assert json.loads((DATA / "realism.json").read_text(encoding="utf-8")) == card_block(results)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The shipped data, which a test may change."""
    return Path(shutil.copytree(DATA, tmp_path / "data"))


@pytest.fixture
def small(copy: Path) -> Path:
    """Few pages of the shipped parts, with their card."""
    recipe = copy / "compose.yaml"
    text = re.sub(r"(cells: (\d+),.*? )?pages: \d+", lambda found: found[0].rpartition(" ")[0] + " 48", recipe.read_text("utf-8"))
    recipe.write_text(text, encoding="utf-8")
    build(recipe, copy)
    refresh_card(copy)
    return copy


@pytest.mark.slow
def test_what_was_measured_on_other_pages_says_so(copy: Path) -> None:
    (copy / "pages/train.jsonl").write_text((copy / "pages/test.jsonl").read_text(encoding="utf-8"), encoding="utf-8")
    refresh_card(copy)
    told = block(copy / "README.md", "realism").rpartition("Measured on an earlier version of")[2]
    assert "train.jsonl" in told


@pytest.mark.slow
@pytest.mark.parametrize(("name", "text"), [("realism.json", "[]"), ("realism.json", "{}"), ("hard_cases.yaml", "neutral: 3")])
def test_broken_files_beside_the_card_are_told(copy: Path, cli: Cli, name: str, text: str) -> None:
    (copy / name).write_text(text, encoding="utf-8")
    done = cli("data", "card", copy)
    assert done.code == 2 and done.error.startswith(f"clfnews: {copy / name}: ")


@pytest.mark.slow
def test_stance_lines_without_hard_cases(copy: Path) -> None:
    (copy / "hard_cases.yaml").unlink()
    assert refresh_card(copy)
    text = block(copy / "README.md", "stance-lines")
    assert table(text, "case") and "Hard by their case" not in text


def test_a_sign_of_tables_inside_a_cell_is_escaped() -> None:
    assert markdown_table(["a", "b"], [["x|y", 1]]) == "| a | b |\n|---|---|\n| x\\|y | 1 |"
    assert markdown_table(["a", "b"], [], numbers_from=1).splitlines()[1] == "| :--- | ---: |"


@pytest.mark.slow
def test_the_check_tells_of_pages_and_numbers_that_are_behind_their_parts(small: Path, cli: Cli) -> None:
    with (small / "challenge/pairs.jsonl").open("a", encoding="utf-8") as file:
        pair = {"id": "new", "kind": "swap", "a": {"text": "A gặp B.", "stance": "conciliatory"}}
        file.write(json.dumps(pair | {"b": {"text": "B gặp A.", "stance": "conciliatory"}}, ensure_ascii=False) + "\n")
    done = cli("data", "check", small)
    assert done.code == 1 and done.out.startswith(f"README.md: behind its data; run: clfnews data card {small}\n")
    recipe = small / "compose.yaml"
    recipe.write_text(recipe.read_text("utf-8").replace("seed: 11", "seed: 12"), encoding="utf-8")
    done = cli("data", "check", small)
    assert done.code == 1 and ".jsonl: not what compose.yaml and its parts make; run: clfnews data compose" in done.out


@pytest.mark.slow
def test_new_data_changes_the_front_matter_by_which_datasets_keeps_its_cache(copy: Path, cli: Cli, tmp_path: Path) -> None:
    import datasets

    def rows() -> int:
        return len(datasets.load_dataset(str(copy), "pages", split="test", cache_dir=str(tmp_path / "cache")))

    assert rows() == 5
    pages = copy / "pages/test.jsonl"
    pages.write_text("".join(pages.read_text(encoding="utf-8").splitlines(keepends=True)[:4]), encoding="utf-8")
    assert cli("data", "card", copy).code == 0
    assert rows() == 4
