"""Two trainings at once on a new store, ten times; and a training in a folder whose name addresses have to encode.

Run: python experiments/012-safety/trainings.py [--times 10]
"""

from __future__ import annotations

import argparse
import json
from contextlib import ExitStack
from pathlib import Path

import yaml
from common import ROOT, command, make_data, new_folder, run, started, tiny_config

MODELS = {"type": {"rules": {}}, "stance": {"lexicon": {}, "linear": {"min_df": 1}}}
NAME = "dự án #1 50% tin"
SEED = ROOT / "seeds" / "001_0965331b62c00476.txt"


def make_project(folder: Path) -> Path:
    """A few rows of the shipped data and a configuration that trains in seconds."""
    make_data(folder / "data")
    values = tiny_config()
    for task, models in MODELS.items():
        values[task]["models"] = dict.fromkeys(values[task]["models"]) | models
    (folder / "tiny.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    return folder


def two_at_once(folder: Path) -> bool:
    """Both end well, each has its version, one is the champion, and nothing is left half done."""
    make_project(folder)
    with ExitStack() as stack:
        both = [stack.enter_context(started(*command("train", "tiny.yaml"), cwd=folder)) for _ in range(2)]
        said = [process.communicate(timeout=900) for process in both]
    codes = [process.returncode for process in both]
    versions = {number for number in (1, 2) if any(f"models:/clfnews/{number}" in out.decode() for out, _ in said)}
    filtered = run("filter", SEED, "-q", cwd=folder)
    listed = run("runs", cwd=folder)
    good = codes == [0, 0] and versions == {1, 2} and filtered.code == 0 and listed.code == 0
    if not good:
        print(codes, versions, filtered, listed, *(err.decode()[-500:] for _, err in said))
    return good and not list(folder.glob(".mlflow.db.new*"))


def odd_name(folder: Path) -> dict[str, int]:
    """Exit code of every command that uses the store of a training there, and of those after the folder has moved."""
    make_project(folder / NAME)
    codes = {}
    for words in ("train tiny.yaml", "runs", "promote models:/clfnews/1", "report last -o r.html", "card", f"filter {SEED} -q"):
        codes[words.partition(" ")[0]] = run(*words.split(), cwd=folder / NAME).code
    codes["stray folders"] = len(list(folder.iterdir())) - 1
    (folder / NAME).rename(folder / "moved %20 #2")
    codes["filter, moved"] = run("filter", SEED, "-q", cwd=folder / "moved %20 #2").code
    return codes


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=10)
    times = parser.parse_args().times
    good = 0
    for i in range(times):
        with new_folder() as folder:
            good += two_at_once(folder)
        print(f"two at once, {i + 1}: {good} good so far", flush=True)
    print(f"| two trainings at once on a new store | {good} of {times} times both ended with exit code 0 |")
    with new_folder() as folder:
        print(f"| `{NAME}/` | {json.dumps(odd_name(folder))} |")


if __name__ == "__main__":
    main()
