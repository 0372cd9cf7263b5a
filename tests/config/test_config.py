"""The configuration: the base file is the manual, and errors say where."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers import ROOT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clfnews.config.schema import Config, load_config
from clfnews.errors import UserError
from clfnews.training.sweep_spec import Choices, Search, Sweep, load_sweep

BASE = ROOT / "configs" / "base.yaml"
SWEEP = ROOT / "configs" / "sweep.yaml"


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted key -> value; an empty section is a value."""
    out: dict[str, Any] = {}
    for key, value in values.items():
        out |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) and value else {f"{prefix}{key}": value}
    return out


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Writes a configuration file and gives its path."""

    def file(text: str, name: str = "config.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return file


def message(path: Path, *overrides: str) -> str:
    """The error of loading a configuration, which is one line."""
    with pytest.raises(UserError) as error:
        load_config(path, list(overrides))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_base_shows_every_key_with_its_default() -> None:
    shown = flat(yaml.safe_load(BASE.read_text(encoding="utf-8")))
    defaults = flat(Config().model_dump(mode="json"))
    assert {key: shown.get(key, "not shown") for key in defaults} == defaults
    assert not shown.keys() - defaults.keys()


@pytest.mark.parametrize("path", [BASE, SWEEP], ids=lambda path: path.name)
def test_every_key_is_explained(path: Path) -> None:
    """A comment on the key's line or above it, where the name first stands (models repeat in both tasks)."""
    explained: dict[str, bool] = {}
    above = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        key = re.match(r"\s*(\w+):", line)
        if key:
            explained.setdefault(key[1], "#" in line or above.lstrip().startswith("#"))
        above = line
    own = {"type", "stance", "bigrams", "trigrams", "mine"} if path == SWEEP else set()  # names, not keys
    assert [key for key, said in explained.items() if not said and key not in own] == []


def test_the_example_of_a_sweep_shows_every_key_with_its_default() -> None:
    shown = yaml.safe_load(SWEEP.read_text(encoding="utf-8"))
    assert shown.keys() == Sweep.model_fields.keys() and shown["search"].keys() == Search.model_fields.keys()
    assert {key for choices in shown["search"]["space"].values() for key in choices} == Choices.model_fields.keys()
    spec = load_sweep(SWEEP)
    required = {"question", "base", "tasks", "variants", "evaluate", "search"}
    assert {name: getattr(spec, name) for name in shown.keys() - required} == {
        name: Sweep.model_fields[name].default for name in shown.keys() - required
    }
    for overrides in spec.variants.values():
        load_config(SWEEP.parent / spec.base, overrides)
    assert spec.search
    for key, choices in spec.search.space.items():
        value = choices.low if choices.choices is None else choices.choices[0]
        load_config(SWEEP.parent / spec.base, [f"{key}={value}"])


@pytest.mark.parametrize("path", sorted({*(ROOT / "configs").glob("*.yaml")} - {SWEEP}), ids=lambda path: path.name)
def test_every_shipped_configuration_loads(path: Path) -> None:
    load_config(path)


def test_extends_changes_only_what_is_named(write: Any) -> None:
    write("seed: 3\nfolds: 4\ntype: {threshold: 0.4, models: {linear: {C: 2.0, min_df: 3}}}\n", "parent.yaml")
    child = write("extends: parent.yaml\nfolds: 2\ntype: {models: {linear: {C: 9.0}}}\n")
    config = load_config(child)
    assert (config.seed, config.folds, config.type.threshold) == (3, 2, 0.4)
    assert config.type.models.linear and (config.type.models.linear.C, config.type.models.linear.min_df) == (9.0, 3)
    assert config.stance == Config().stance


def test_a_model_is_left_out_and_taken_back_in(write: Any) -> None:
    write("type: {models: {linear: null}}\n", "parent.yaml")
    assert load_config(write("extends: parent.yaml\n")).type.models.linear is None
    back = load_config(write("extends: parent.yaml\ntype: {models: {linear: {}}}\n"))
    assert back.type.models.linear == Config().type.models.linear
    one = load_config(write("type: {models: {linear: {C: 2.0}}}\n")).type.models.linear
    assert one and one.C == 2.0 and one.min_df == 8, "what base.yaml shows for this task"


def test_set_overrides_one_key(write: Any) -> None:
    path = write("folds: 3\n")
    config = load_config(path, ["folds=4", "type.models.linear.C=2", "stance.models.fasttext=null", "data.validation=null"])
    assert config.folds == 4 and config.type.models.linear and config.type.models.linear.C == 2
    assert config.stance.models.fasttext is None and config.data.validation is None
    assert load_config(path, ["type.models.linear.char_ngrams=[2, 5]"]).type.models.linear.char_ngrams == (2, 5)  # type: ignore[union-attr]


def test_set_reaches_into_a_model_that_the_file_left_out(write: Any) -> None:
    config = load_config(write("type: {models: {linear: null}}\n"), ["type.models.linear.C=2"])
    assert config.type.models.linear and config.type.models.linear.C == 2


def test_an_empty_file_is_the_defaults(write: Any) -> None:
    assert load_config(write("")) == load_config(write("# nothing\n")) == Config()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tracking: {registered_model: tin/mới}\n", "config.yaml:1: tracking.registered_model: must not contain / or : (given"),
        ("tracking: {registered_model: 'a:b'}\n", "tracking.registered_model: must not contain / or :"),
        ("tracking: {registered_model: a@b}\n", "tracking.registered_model: must not contain @ # ? or %"),
        ("tracking: {registered_model: ' '}\n", "tracking.registered_model: must be a name of one line"),
        ("tracking: {experiment: ''}\n", "tracking.experiment: must be a name of one line"),
        ('tracking: {experiment: "a\\nb"}\n', "tracking.experiment: must be a name of one line"),
        ("seed: 3\nfold: 4\n", "config.yaml:2: unknown key 'fold' (did you mean 'folds'?)"),
        ("type:\n  models:\n    linear:\n      c_ngrams: 1\n", "config.yaml:4: unknown key 'type.models.linear.c_ngrams'"),
        ("type:\n  models:\n    liner: {}\n", "config.yaml:3: unknown key 'type.models.liner' (did you mean 'linear'?)"),
        ("stance:\n  models:\n    rules: {}\n", "config.yaml:3: unknown key 'stance.models.rules'"),
        ("folds: 1\n", "config.yaml:1: folds: "),
        ("folds: many\n", "config.yaml:1: folds: "),
        ("\n\ntype:\n  threshold: 1.5\n", "config.yaml:4: type.threshold: "),
        ("type: {threshold: best}\n", "config.yaml:1: type.threshold: "),
        ("type:\n  models:\n    fasttext:\n      dim: 0\n", "config.yaml:4: type.models.fasttext.dim: "),
        ("type:\n  models:\n    linear:\n      word_ngrams: 2\n", "config.yaml:4: type.models.linear.word_ngrams: "),
        (
            "type:\n  models:\n    linear:\n      word_ngrams: [3, 1]\n",
            "config.yaml:4: type.models.linear.word_ngrams: the shortest",
        ),
        ("type:\n  models:\n    linear:\n      char_ngrams: [0, 2]\n", "config.yaml:4: type.models.linear.char_ngrams"),
        ("type: linear\n", "config.yaml:1: type: "),
        ("type:\n  models:\n    linear: 3\n", "config.yaml:3: type.models.linear: "),
        ("1: 2\n", "config.yaml:1: 1: Keys should be strings"),
        ("folds: [\n", "config.yaml:2: not YAML"),
        ("- a\n- b\n", "config.yaml: expected keys and values, found list"),
        ("a\n", "config.yaml: expected keys and values, found str"),
        ("seed: 1\nfolds: 2\nseed: 3\n", "config.yaml:3: 'seed' stands here twice, first in line 1"),
        ("type:\n  threshold: 0.5\n  models: {}\n  threshold: 0.6\n", "config.yaml:4: 'type.threshold' stands here twice"),
        ("extend: base.yaml\n", "config.yaml:1: unknown key 'extend' (did you mean 'extends'?)"),
        ("type:\n  linear: {}\n", "config.yaml:2: unknown key 'type.linear' (did you mean 'type.models.linear'?)"),
        ("extends: missing.yaml\n", "missing.yaml: no such configuration file"),
        ("extends: config.yaml\n", "config.yaml: extends itself"),
        ("extends: [a, b]\n", "config.yaml:1: extends"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_key(write: Any, text: str, said: str) -> None:
    assert said in message(write(text))


def test_two_files_that_extend_each_other(write: Any) -> None:
    write("extends: config.yaml\n", "other.yaml")
    assert "extends itself" in message(write("extends: other.yaml\n"))


def test_a_mistake_in_the_extended_file_is_told_there(write: Any) -> None:
    write("seed: 1\n\nfoldz: 3\n", "parent.yaml")
    assert "parent.yaml:3: unknown key 'foldz'" in message(write("extends: parent.yaml\nseed: 2\n"))


def test_no_model_left(write: Any) -> None:
    names = type(Config().type.models).model_fields
    nothing = "".join(f"    {name}: null\n" for name in names)
    assert "config.yaml:1: type: no model is left" in message(write(f"type:\n  models:\n{nothing}"))


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("folds", "--set folds: expected key=value"),
        ("=3", "--set =3: expected key=value"),
        ("fold=3", "--set fold=3: unknown key 'fold' (did you mean 'folds'?)"),
        ("folds=one", "--set folds=one: folds: "),
        ("folds=[", "--set folds=[: the value is not YAML"),
        ("seed.x=1", "--set seed.x=1"),
        ("type.models.linear.char_ngrams=[3,1]", "--set type.models.linear.char_ngrams=[3,1]: type.models.linear.char_ngrams: "),
        ("type.linear.C=2", "--set type.linear.C=2: unknown key 'type.linear' (did you mean 'type.models.linear'?)"),
        ("type.models.lineer.C=1", "--set type.models.lineer.C=1: unknown key 'type.models.lineer' (did you mean 'linear'?)"),
    ],
)
def test_a_wrong_override_is_told(write: Any, override: str, said: str) -> None:
    assert said in message(write("seed: 1\ntype: {threshold: 0.5}\n"), override)


def test_paths_that_are_no_configuration(tmp_path: Path, write: Any) -> None:
    assert "no such configuration file" in message(tmp_path / "missing.yaml")
    assert message(tmp_path) == f"{tmp_path}: is a folder; give a YAML file"
    (tmp_path / "image.yaml").write_bytes(b"\x89PNG\xff\xfe\x00")
    assert "not a UTF-8 text file" in message(tmp_path / "image.yaml")
    assert "cannot be read" in message(write("seed: 1\n") / "inside.yaml")


# --- hostile files ---------------------------------------------------------------------------


def bomb(levels: int, use: str) -> str:
    """Sections that each hold the one before twice."""
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} " + use.format(before=f"*a{n - 1}") for n in range(1, levels)]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (bomb(28, "{{x: {before}, y: {before}}}"), "not YAML: more than 20,000 values (aliases count each time)"),
        (bomb(28, "[{before}, {before}]"), "not YAML: more than 20,000 values"),
        (bomb(28, "{{<<: [{before}, {before}]}}"), "not YAML: more than 20,000 values"),
        (bomb(80, "[{before}]"), "not YAML: more than 50 sections within each other"),
        ("a: &a\n  b: *a\n", "not YAML: more than 50 sections within each other, or one that holds itself"),
        ("a: &a [*a, *a, *a]\n", "or one that holds itself"),
        ("a: " + "[" * 5_000, "sections within each other"),
        ("seed: 2001-99-99\n", "config.yaml:1: not YAML: '2001-99-99' cannot be read as timestamp"),
        (
            "folds: 3\nseed: " + "9" * 5_000,
            "config.yaml:2: not YAML: '9999999999",
        ),
        ("seed: 0x" + "f" * 5_000, "config.yaml:1: not YAML: a number is too large"),
        ("seed: 99999999999\n", "config.yaml:1: seed: Input should be less than"),
        ("bootstrap: {samples: 1000000000}\n", "bootstrap.samples: Input should be less than"),
        ("type: {models: {linear: {C: .inf}}}\n", "type.models.linear.C: Input should be "),
        ("type: {models: {linear: {C: .nan}}}\n", "type.models.linear.C: Input should be "),
        ("type: {models: {page: {trees: 100000000000}}}\n", "type.models.page.trees: Input should be less than"),
        ('data: {folder: "a\\0b"}\n', "config.yaml:1: not YAML: a text holds control characters"),
        ('extends: "\\ud800.yaml"\n', "not YAML"),
        ("seed: !!python/object/apply:os.system [ls]\n", "not YAML: could not determine a constructor"),
        ("? [a]\n: 1\n", "not YAML: found unhashable key"),
        ("seed: 1\n--- \nseed: 2\n", "not YAML"),
        ("a: \x01\n", "config.yaml: not YAML: unacceptable character"),
        ("# " + "x" * 300_000, "config.yaml: is larger than 256 KiB"),
    ],
)
def test_hostile_files_are_told_in_one_line(write: Any, text: str, said: str) -> None:
    told = message(write(text))
    assert said in told and len(told) < 500


def test_aliases_of_a_usual_size_are_taken(write: Any) -> None:
    text = "type: {models: {fasttext: &f {dim: 8}, linear: {C: 2}}}\nstance: {models: {fasttext: {<<: *f, epoch: 3}}}\n"
    config = load_config(write(text))
    assert config.stance.models.fasttext is not None and config.stance.models.fasttext.dim == 8


def test_a_long_chain_of_files(write: Any) -> None:
    for n in range(40):
        path = write(f"extends: {n - 1}.yaml\n" if n else "seed: 1\n", f"{n}.yaml")
    assert "file in a row that extends another" in message(path)


_SCALARS = """
0 1 -1 3.5 .inf -.inf .nan null true ~ ~~ abc 2001-99-99 2020-01-01 12:30:99 0x1f 0o9 1_000 1e400 9999999999999 *a << = % @ `
[1,2] [2,1] {} [] [{}] {1:2} [ { ' "\\0" "\\ud83d" !!binary !!int !!bool !!float !!timestamp !!omap &a
"""
_KEYS = """
seed folds data type stance bootstrap tracking models linear fasttext rules C dim word_ngrams threshold train_share samples
registered_model experiment extends folder 1 null << 2020-01-01 [a] "a\\nb" é
"""
_scalars = st.lists(st.sampled_from(_SCALARS.split()), min_size=1, max_size=2).map(" ".join)
_keys = st.sampled_from(["", "? a", *_KEYS.split()])


@st.composite
def _documents(draw: st.DrawFn, depth: int = 0) -> str:
    lines = []
    for key in draw(st.lists(_keys, max_size=4)):
        if depth < 3 and draw(st.booleans()):
            lines.append(f"{'  ' * depth}{key}:\n{draw(_documents(depth + 1))}")
        else:
            lines.append(f"{'  ' * depth}{key}: {draw(_scalars)}")
    return "\n".join(lines)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(_documents(), st.text(max_size=40)), st.lists(st.tuples(_keys, _keys, _scalars), max_size=2))
def test_any_configuration_is_taken_or_refused_in_one_line(write: Any, text: str, sets: list[tuple[str, str, str]]) -> None:
    path = write(text.encode("utf-8", "replace").decode())
    try:
        load_config(path, [f"{a}.{b}={value}" for a, b, value in sets])
    except UserError as error:
        assert "\n" not in str(error) and len(str(error)) < 600
