"""A command that is forked from a process with the packages loaded does what one does that starts anew."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from helpers import SEED_PAGE, environment, run
from warm import serves, warm_command


@pytest.mark.skipif(sys.platform != "linux" or "CLFNEWS_TESTS_COLD" in os.environ, reason="commands are not forked")
def test_exit_code_streams_folder_and_environment_are_its_own(rules_filter: Path, tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_text(SEED_PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    page = json.dumps({"text": "Một dòng"}).encode() + b"\n{broken"
    piped = ["tag", "-", "--quiet", "-m", str(rules_filter)]
    for arguments, stdin in ((["filter", "page.txt", "-m", str(rules_filter)], b""), (["no-such"], b""), (piped, page)):
        started = run(*arguments, cwd=tmp_path, stdin=stdin, env={"COLUMNS": "60"}, fresh=True)
        code, out, err = warm_command(arguments, tmp_path, stdin, environment(COLUMNS="60"), 60)
        assert (code, out.decode(), err.decode()) == (started.code, started.out, started.err), arguments
    assert not serves({"PYTHONHASHSEED": "1"}), "what Python reads at its start"
