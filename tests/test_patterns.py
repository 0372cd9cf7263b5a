"""No regular expression of the package takes more than linear time, whatever text it meets."""

from __future__ import annotations

import ast
import importlib
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from helpers import ROOT, environment

LIMIT = 100
"""Seconds of work. All strings together take a tenth of it; one pattern that tries bytes again takes hours."""
COMMON = ("a", "A", " ", "1", "<", "(", ".", "=", '"', "\n", "<a ", "x=", "\u0301")
LENGTH = 8_000


Pattern = re.Pattern[str] | re.Pattern[bytes]


def package_patterns() -> dict[str, Pattern]:
    """Every compiled pattern of every module, and every pattern that is written inside a call."""
    found: dict[str, Pattern] = {}
    for path in sorted((ROOT / "clfnews").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        source = path.read_text(encoding="utf-8")
        if name.endswith(("__main__", "tracking.pyfunc")) or "import re\n" not in source:
            continue
        module = importlib.import_module(name)
        for key, value in vars(module).items():
            patterns = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else [value]
            uses = set(re.findall(rf"\b{key}\.(\w+)\(", source))
            how = "match" if uses and uses <= {"match", "fullmatch"} else ""
            found |= {f"{name}.{key} {i} {how}": x for i, x in enumerate(patterns) if isinstance(x, re.Pattern)}
        found |= {f"{name} {call}": pattern for call, pattern in written_in_calls(path)}
    from clfnews import page
    from clfnews.models import augment, lexicon

    found["page._many_marks"] = page._many_marks()
    found["augment._credit"] = augment._credit()
    return found | {f"lexicon._patterns {i}": pattern for i, pattern in enumerate(lexicon._patterns())}


def written_in_calls(path: Path) -> Iterator[tuple[str, Pattern]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re.") and node.args:
            call, pattern = ast.unparse(node.func), node.args[0]
            if call != "re.compile" and isinstance(pattern, ast.Constant) and isinstance(pattern.value, str | bytes):
                yield f"{node.lineno} {call}", re.compile(pattern.value)


def hostile(pattern: Pattern) -> Iterator[str]:
    """Long texts of the pieces that the pattern itself is made of: they keep it hoping."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    own = re.findall(r"[^\W\d_]{2,}|[^\w\s\\]", source)
    atoms = list(dict.fromkeys([*own[:12], *COMMON]))
    for first, second in product(atoms, atoms):
        yield first + second * (LENGTH // len(second))
        yield (first + second) * (LENGTH // len(first + second)) + "!"


def attack() -> None:
    for name, pattern in package_patterns().items():
        print(name, flush=True)
        for text in hostile(pattern):
            data = text if isinstance(pattern.pattern, str) else text.encode()
            pattern.match(data)  # type: ignore[arg-type]
            if not name.endswith("match"):  # the call tries one place only
                pattern.sub(data[:0], data)  # type: ignore[arg-type]


@pytest.mark.slow
def test_every_pattern_is_linear() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import test_patterns; test_patterns.attack()"],
        env=environment() | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT)),
        check=False,
    )
    names = done.stdout.splitlines()
    assert done.returncode == 0, f"{names[-1:]}: {done.stderr[-500:]}"
    assert len(names) > 40
