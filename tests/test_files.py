"""Files that are whole whenever they have their name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers import Cli, Project

from clfnews.errors import UserError
from clfnews.files import replacing, valid, write_json, write_text


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_a_file_is_the_old_one_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "old\n")
    path.chmod(0o600)
    with pytest.raises(UserError), replacing(path) as place:
        place.write_text("half")
        assert path.read_text() == "old\n"
        raise UserError("stopped")
    assert path.read_text() == "old\n" and names(tmp_path) == ["a.txt"]
    write_text(path, "new\n")
    assert path.read_text() == "new\n" and path.stat().st_mode & 0o777 == 0o600 and names(tmp_path) == ["a.txt"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("elsewhere/real.txt")
    write_text(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink() and (tmp_path / "elsewhere/real.txt").read_text() == "new"


@pytest.mark.parametrize("name", ["x" * 255, "ế" * 85, "b\udce1o.txt"])
def test_names_of_any_bytes_and_of_full_length(name: str, tmp_path: Path) -> None:
    write_text(tmp_path / name, "a \ud83d b")
    write_json(tmp_path / name, {"name": name})
    assert names(tmp_path) == [name]
    assert json.loads((tmp_path / name).read_text(encoding="utf-8")) == {"name": valid(name)}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x" * 300, "cannot be written: File name too long"),
        ("nowhere/a.txt", "cannot be written: the folder {0}/nowhere does not exist"),
        (".", "is a folder; give the name of a file"),
        ("file/a.txt", "cannot be written: the folder {0}/file does not exist"),
        ("/dev/full", "cannot be written: No space left on device"),
    ],
)
def test_places_that_do_not_do(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError) as error:
        write_text(tmp_path / name, "text")
    assert str(error.value) == f"{tmp_path / name}: {said.format(tmp_path)}"
    assert names(tmp_path) == ["file"]


@pytest.mark.slow
def test_a_report_that_cannot_be_written_is_one_line(project: Project, cli: Cli, tmp_path: Path) -> None:
    for name, said in (
        ("/dev/full", "No space left on device"),
        ("x" * 300, "File name too long"),
        ("no/r.html", "does not exist"),
    ):
        done = cli("report", "last", "-o", name, env={"MLFLOW_TRACKING_URI": project.store})
        assert done.code == 2 and done.error.startswith(f"clfnews: {name}: cannot be written: ") and said in done.error
    assert Path("/dev/full").is_char_device()


def test_output_to_a_device_is_written_to_it(rules_filter: Path, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Tin\n")
    done = cli("tag", "a.txt", "-m", rules_filter, "-o", "/dev/stdout")
    assert done.code == 0 and [row["id"] for row in done.rows] == ["a"]
