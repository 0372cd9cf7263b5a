"""fastText as a line classifier: the fast single-line baseline."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from errno import ENOENT
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.errors import MachineError, UserError
from clfnews.models.base import Probabilities, labelled_lines, normalised, of_distinct, reading, split_back
from clfnews.models.features.tokens import words
from clfnews.page import Page

_PREFIX = "__label__"


class FastText:
    """Bag of word n-grams with hashed subwords and a softmax (Joulin et al. 2017).

    Parameters are those of `fasttext.train_supervised`; `thread` stays 1, since
    more threads make the result change from run to run. `autotune_seconds` > 0
    lets fastText search its own parameters on a tenth of the training lines;
    `quantize` makes the file about 30 times smaller for little accuracy.
    Raises `UserError` if training diverges ("Encountered NaN").
    """

    kind = "fasttext"

    def __init__(
        self,
        task: str,
        labels: tuple[str, ...],
        *,
        dim: int = 32,
        epoch: int = 20,
        lr: float = 0.4,
        word_ngrams: int = 2,
        minn: int = 0,
        maxn: int = 0,
        min_count: int = 1,
        bucket: int = 100_000,
        balance: bool = False,
        pretrained_vectors: str | None = None,
        autotune_seconds: int = 0,
        quantize: bool = False,
        seed: int = 7,
    ) -> None:
        self.task, self.labels, self.seed = task, labels, seed
        self.balance, self.quantize, self.autotune_seconds = balance, quantize, autotune_seconds
        self.pretrained_vectors = pretrained_vectors
        self.options: dict[str, Any] = {
            "dim": dim, "epoch": epoch, "lr": lr, "wordNgrams": word_ngrams, "minn": minn, "maxn": maxn,
            "minCount": min_count, "bucket": bucket if max(word_ngrams - 1, maxn) > 0 else 0,
        }  # fmt: skip
        self._model: Any = None

    def fit(self, pages: Sequence[Page], groups: Sequence[str] | None = None) -> FastText:
        lines, labels = labelled_lines(pages, self.task)
        return self.fit_texts([line.text for line in lines], labels)

    def fit_texts(self, texts: Sequence[str], labels: Sequence[str]) -> FastText:
        """Learn from texts alone; what `fit` does with the labelled lines of pages."""
        import fasttext

        rows = [f"{_named(label)} {tokens(text)}" for text, label in zip(texts, labels, strict=True)]
        if self.balance:
            rows = _balanced(rows, labels)
        # fastText reads in file order; a shuffled file keeps one site's lines apart.
        order = np.random.default_rng(self.seed).permutation(len(rows))
        with tempfile.TemporaryDirectory() as folder:
            train, options = Path(folder) / "train.txt", dict(self.options)
            shuffled = [rows[i] for i in order]
            if self.autotune_seconds > 0:
                held = Path(folder) / "held.txt"
                cut = max(1, len(rows) // 10)
                held.write_text("\n".join(shuffled[:cut]) + "\n", encoding="utf-8")
                shuffled = shuffled[cut:]
                options = {"autotuneValidationFile": str(held), "autotuneDuration": self.autotune_seconds}
            train.write_text("\n".join(shuffled) + "\n", encoding="utf-8")
            if self.pretrained_vectors:
                vectors = vectors_file(Path(self.pretrained_vectors), Path(folder))
                options |= {"pretrainedVectors": str(vectors), "dim": vector_dim(vectors)}
            try:
                self._model = fasttext.train_supervised(
                    input=str(train), label=_PREFIX, thread=1, seed=self.seed, verbose=0, **options
                )
            except RuntimeError as error:
                raise UserError(f"fastText {self.task}: {error}; lower its lr (now {self.options['lr']})") from error
            if self.quantize:
                self._model.quantize(input=str(train), thread=1, verbose=0)
        return self

    def predict_proba(self, pages: Sequence[Page]) -> Probabilities:
        return split_back(of_distinct([line.text for page in pages for line in page.lines], self.predict_texts), pages)

    def predict_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Texts x labels, rows summing to 1."""
        p = np.zeros((len(texts), len(self.labels)))
        if not texts:
            return p
        column = {_named(label): j for j, label in enumerate(self.labels)}
        names, values = self._model.predict([tokens(text) for text in texts], k=len(self.labels))
        k = max(map(len, names), default=0)
        if k and all(len(row) == k for row in names):
            index = np.array([[column[name] for name in row] for row in names])
            np.put_along_axis(p, index, np.asarray(values, dtype=np.float64), axis=1)
        else:
            for i, (row, value) in enumerate(zip(names, values, strict=True)):
                p[i, [column[name] for name in row]] = value
        # fastText returns up to 1.00001, and nothing for a text without tokens.
        return normalised(p)

    def save(self, folder: Path) -> None:
        self._model.save_model(str(folder / "model.bin"))

    def __getstate__(self) -> dict[str, Any]:
        """What pickle and `copy.deepcopy` take: the file of the model in the place of what fastText holds in memory."""
        state = self.__dict__.copy()
        if self._model is not None:
            with tempfile.TemporaryDirectory() as folder:
                self.save(Path(folder))
                state["_model"] = (Path(folder) / "model.bin").read_bytes()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state
        if isinstance(self._model, bytes):
            import fasttext

            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "model.bin"
                path.write_bytes(self._model)
                self._model = fasttext.load_model(str(path))

    @classmethod
    def load(cls, folder: Path, task: str, labels: tuple[str, ...], **options: Any) -> FastText:
        import fasttext

        model, path = cls(task, labels, **options), folder / "model.bin"
        if not path.is_file():
            raise FileNotFoundError(ENOENT, "no such file", str(path))
        with reading(path):
            model._model = fasttext.load_model(str(path))
            unknown = set(model._model.get_labels()) - set(map(_named, labels))
            if unknown:
                raise ValueError(f"it has the label {min(unknown)!r:.80}")
        return model


_TRIAL = """
import sys, fasttext
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[4]), int(sys.argv[4]) + 1))
    resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]), int(sys.argv[2])))
except (ImportError, ValueError, OSError):  # not on this system, or the user's own limit is lower
    pass
model = fasttext.load_model(sys.argv[1])
model.get_word_vector("một"), model.get_words()
if sys.argv[3] == "classifier":
    model.predict(["một hai ba"], k=3)
"""


def check_in_child(path: Path, kind: str = "classifier", seconds: int = 900) -> None:
    """Open a fastText file (`kind`: `classifier` or `vectors`) in a process of its own, for so many seconds of work.

    fastText believes what a file says of sizes and places: a damaged one may end the process that reads it.
    Raises `UserError` for such a file, and `MachineError` if no process can be started.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; copy it again")
    memory = 2 * 1024**3 + 4 * path.stat().st_size
    # -P: modules of the current folder are not imported.
    command = [sys.executable, "-P", "-c", _TRIAL, str(path.absolute()), str(memory), kind, str(seconds)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=4 * seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise MachineError(f"{path}: fastText does not come to an end with it in {error.timeout:g} s; is it whole?") from error
    except OSError as error:
        raise MachineError(f"{path}: no process can be started to try it: {error.strerror}") from error
    if done.returncode == -getattr(signal, "SIGXCPU", 0):
        raise UserError(f"{path}: broken (fastText does not come to an end with it); copy it again")
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["fastText crashes"]
        raise UserError(f"{path}: broken ({said[0][:200]}); copy it again")


def vectors_file(path: Path, folder: Path) -> Path:
    """The word vectors as text, which is all that fastText starts from: a `.vec` as it is, a `.bin` written into `folder`."""
    if path.suffix != ".bin":
        return path
    import fasttext

    try:
        check_in_child(path, "vectors")
    except UserError as error:
        raise UserError(f"pretrained_vectors: {error}") from error
    model = fasttext.load_model(str(path))
    names, out = model.get_words(), folder / "vectors.vec"
    with out.open("w", encoding="utf-8") as file:
        file.write(f"{len(names)} {model.get_dimension()}\n")
        file.writelines(f"{name} {' '.join(f'{x:.5f}' for x in model.get_word_vector(name))}\n" for name in names)
    return out


def vector_dim(path: Path) -> int:
    """Dimension of a `.vec` file, from its first line; raises `UserError` if it has none."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return int(file.readline().split()[1])
    except FileNotFoundError as error:
        raise UserError(f"pretrained_vectors: {path}: no such file") from error
    except (IndexError, ValueError) as error:
        raise UserError(f"pretrained_vectors: {path}: not a .vec text file (first line: count and dimension)") from error


def tokens(text: str) -> str:
    """What fastText is given for a line: its words with spaces between, without what it takes for a label or a line's end."""
    # A word of a page that looks like a label would be learnt as one.
    return " ".join(words(text)).replace(_PREFIX, " ")


def _named(label: str) -> str:
    """A label as fastText writes it, where a space ends it."""
    return _PREFIX + "_".join(label.split())


def _balanced(rows: list[str], labels: Sequence[str]) -> list[str]:
    """Rows of rarer labels repeated up to the size of the largest (fastText has no weights)."""
    by_label: dict[str, list[str]] = {}
    for row, label in zip(rows, labels, strict=True):
        by_label.setdefault(label, []).append(row)
    most = max(map(len, by_label.values()))
    return [row for group in by_label.values() for row in group * max(1, round(most / len(group)))]
