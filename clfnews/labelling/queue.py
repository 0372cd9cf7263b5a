"""Which pages are most worth labelling (`clfnews annotate queue`), and their labels as the model sees them.

Three reasons to label a page, in the terms of active learning (Settles 2009,
"Active Learning Literature Survey"): the model is unsure of it (uncertainty
sampling), two models keep different lines of it (query by committee), or its
site is not among the labelled ones (coverage: pages of a site look alike, so
new sites teach more than further pages of old ones).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from clfnews.data.rows import registered_domain
from clfnews.errors import BadRecord, UserError
from clfnews.files import read_rows
from clfnews.filtering.filter import PageFilter
from clfnews.filtering.tagged import TaggedLine, TaggedPage
from clfnews.labelling.rows import GoldRow
from clfnews.labelling.tasks import Tasks, described, of_lines, of_pages, tasks_of_filter
from clfnews.labels import GUIDELINES_VERSION, SHIPPED, TASKS, TYPES
from clfnews.models.calibration import FittedTask
from clfnews.page import Page, normalise
from clfnews.readers.base import ReadOptions
from clfnews.readers.inputs import read_pages

RULES = "rules"
"""What stands for a model in the place of one: `rules_filter`."""
REASONS = ("new site", "unsure", "disagreement")
"""Why a page is chosen; each in turn takes the best page that is left."""
PER_SITE = 3
"""Pages of one site that are chosen at most."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A page that could be labelled."""

    tagged: TaggedPage
    site: str | None
    """Lower case; None if the page does not tell."""
    disagreement: float
    """Share of the lines kept by either model that only one keeps, 0 to 1."""
    tasks: Tasks = field(default_factory=lambda: SHIPPED, repr=False)
    """Whose labels the model gives."""

    @property
    def uncertainty(self) -> float:
        """1 minus the expected F1 of the kept lines; of a model that keeps all lines, 1 minus how sure it is of its labels."""
        return 1 - (self.tagged.confidence if "type" in self.tasks else self._sure)

    @property
    def _sure(self) -> float:
        """The probability of the most probable label of the page, of the task that is least sure."""
        found = [told["p"] for told in self.tagged.own.values() if told["p"]]
        return min((max(p.values()) for p in found), default=1.0)

    @property
    def worth(self) -> float:
        """By which pages of new sites are ranked."""
        return self.uncertainty + self.disagreement


@dataclass(frozen=True, slots=True)
class Choice:
    """A chosen page and what it was chosen for."""

    candidate: Candidate
    reason: str
    """One of `REASONS`."""

    @property
    def why(self) -> str:
        """The reason with its number, such as `unsure (expected F1 0.61)`."""
        found = self.candidate
        detail = {
            "new site": found.site,
            "unsure": f"{'expected F1' if 'type' in found.tasks else 'p'} {1 - found.uncertainty:.2f}",
            "disagreement": f"{found.disagreement:.0%} of the kept lines kept by one model only",
        }
        return f"{self.reason} ({detail[self.reason]})"


@dataclass(slots=True)
class Labelled:
    """What is labelled already: sites, page ids and texts."""

    sites: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)


def make_queue(
    page_filter: PageFilter,
    pages: Iterable[Page | BadRecord],
    n: int,
    *,
    against: PageFilter | None = None,
    labelled: Labelled | None = None,
    per_site: int = PER_SITE,
    progress: Callable[[int], None] = lambda _: None,
    on_bad: Callable[[BadRecord], None] = lambda _: None,
) -> list[Choice]:
    """The `n` pages most worth labelling, the best first; the same input gives the same queue.

    Parameters: `against`, the second model (default: the rules, which need no
    training); `labelled`, whose pages are left out and whose sites are not new;
    `per_site`, at most so many pages of a site (of pages without a site: any number).
    Pages without lines and second copies of a text are left out. All pages are
    held in memory. Raises `UserError` if no page is left to choose from.
    """
    known = labelled or Labelled()
    found = _candidates(page_filter, against or rules_filter(), pages, known, progress, on_bad)
    if not found:
        raise UserError("annotate queue: no page to choose from (empty inputs, or all of it is labelled already)")
    return _choose(found, n, known.sites, per_site)


def queue_of_files(
    page_filter: PageFilter,
    inputs: Sequence[str],
    n: int,
    *,
    options: ReadOptions | None = None,
    against: PageFilter | None = None,
    labelled: Labelled | None = None,
    per_site: int = PER_SITE,
    progress: Callable[[int], None] = lambda _: None,
    warn: Callable[[str], None] = lambda _: None,
    on_bad: Callable[[BadRecord], None] = lambda _: None,
) -> list[Choice]:
    """`make_queue` of the pages of files, folders and patterns; `warn` gets what is to be said of files."""
    pages = read_pages(inputs, warn, replace(options or ReadOptions(), hidden=page_filter.reads_hidden))
    return make_queue(
        page_filter, pages, n, against=against, labelled=labelled, per_site=per_site, progress=progress, on_bad=on_bad
    )


def rules_filter() -> PageFilter:
    """The filter without training: what a model is compared with if there is no other."""
    from clfnews.models import make_model

    return PageFilter(FittedTask(make_model("rules", "type", TASKS["type"]), {}), None, name="rules")


def known_pages(path: Path) -> Labelled:
    """Sites, ids and texts of the gold rows of a JSONL file, or of all in a data folder's `pages`.

    Raises `UserError` if there are none.
    """
    files = sorted((path / "pages").glob("*.jsonl")) if path.is_dir() else [path]
    if not files:
        raise UserError(f"{path}: no pages/*.jsonl in it; give a data folder or a JSONL file of labelled pages")
    known = Labelled()
    for file in files:
        for row in read_rows(file):
            lines = row.get("lines")
            known.sites |= {str(row["site"]).lower()} if row.get("site") else set()
            known.ids.add(str(row.get("id")))
            if isinstance(lines, list):
                known.texts.add(_digest(str(line.get("text")) for line in lines if isinstance(line, dict)))
    return known


def _candidates(
    page_filter: PageFilter,
    against: PageFilter,
    pages: Iterable[Page | BadRecord],
    known: Labelled,
    progress: Callable[[int], None],
    on_bad: Callable[[BadRecord], None],
) -> list[Candidate]:
    """Every page that is not labelled yet, once, with what both models say of it."""
    ids, texts = Counter(known.ids), set(known.texts)
    fresh: list[Page] = []
    for page in pages:
        if isinstance(page, BadRecord):
            on_bad(page)
            continue
        digest = _digest(line.text for line in page.lines)
        if not page.lines or digest in texts:
            continue
        texts.add(digest)
        # Files of different folders may share a name, but a labelling tool needs one id a page.
        name = normalise(page.id) or digest[:12]
        ids[name] += 1
        name = f"{name}~{digest[:6]}" if ids[name] > 1 else name
        fresh.append(Page(name, page.lines, page.url, page.site, page.date))
    out = []
    tasks = tasks_of_filter(page_filter)
    for number, (tagged, other) in enumerate(zip(page_filter.tag(fresh), against.tag(fresh), strict=True), 1):
        site = tagged.page.site.lower() if tagged.page.site else None
        out.append(Candidate(tagged, site, disagreement(tagged, other) if "type" in tasks else 0.0, tasks))
        progress(number)
    return out


def disagreement(a: TaggedPage, b: TaggedPage) -> float:
    """Share of the lines kept by either that only one keeps (1 minus Jaccard); 0 if neither keeps any."""
    pairs = [(x.keep, y.keep) for x, y in zip(a.lines, b.lines, strict=True) if x.keep or y.keep]
    return sum(x != y for x, y in pairs) / len(pairs) if pairs else 0.0


def _choose(candidates: Sequence[Candidate], n: int, seen: set[str], per_site: int) -> list[Choice]:
    """Each reason in turn takes its best page, until there are `n` or nothing is left."""
    ranked = {
        "new site": _ranked(candidates, lambda c: c.worth),
        "unsure": _ranked(candidates, lambda c: c.uncertainty),
        "disagreement": _ranked(candidates, lambda c: c.disagreement),
    }
    of_site: Counter[str] = Counter()
    taken: set[str] = set()
    chosen: list[Choice] = []

    def open_to(reason: str, candidate: Candidate) -> bool:
        site = candidate.site
        if candidate.tagged.page.id in taken or (site is not None and of_site[site] >= per_site):
            return False
        if reason == "new site":
            return site is not None and site not in seen and not of_site[site]
        return reason == "unsure" or candidate.disagreement > 0

    while len(chosen) < n:
        before = len(chosen)
        for reason in REASONS:
            # What is closed to a reason once stays so: the ranking can be consumed.
            ranking = ranked[reason]
            while ranking and not open_to(reason, ranking[-1]):
                ranking.pop()
            if ranking and len(chosen) < n:
                candidate = ranking.pop()
                taken.add(candidate.tagged.page.id)
                if candidate.site is not None:
                    of_site[candidate.site] += 1
                chosen.append(Choice(candidate, reason))
        if len(chosen) == before:
            break
    return chosen


def _ranked(candidates: Sequence[Candidate], key: Callable[[Candidate], float]) -> list[Candidate]:
    """Best last; equal ones by id, so that the order of the input does not matter."""
    return sorted(candidates, key=lambda c: (-key(c), c.tagged.page.id), reverse=True)


def queue_rows(choices: Sequence[Choice], types_only: bool = False) -> list[GoldRow]:
    """Gold rows of chosen pages with the model's labels, and in `chosen_for` and `model` where they come from.

    Rows of a model with labels of the user's have those, and their names in `tasks`.

    Parameters: `types_only`, without the labels of other tasks than `type`.
    Raises `UserError` for `types_only` if the model has no types.
    """
    if types_only and any("type" not in choice.candidate.tasks for choice in choices):
        raise UserError(f"--types-only: {choices[0].candidate.tagged.model} has no types of lines")
    return [_row(choice, types_only) for choice in choices]


def _row(choice: Choice, types_only: bool) -> GoldRow:
    tagged, site, tasks = choice.candidate.tagged, choice.candidate.site, choice.candidate.tasks
    page, group = tagged.page, registered_domain(site) if site else tagged.page.id
    chosen = {"chosen_for": choice.why, "model": tagged.model}
    if tasks != SHIPPED:
        tasks = {name: task for name, task in tasks.items() if name == "type" or not types_only}
    lines = [
        {"text": line.text, **{name: None if types_only and name != "type" else _label(line, name) for name in of_lines(tasks)}}
        for line in tagged.lines
    ]
    about = {"origin": "labelled", "layout": site or page.id, "guidelines": GUIDELINES_VERSION}
    if tasks == SHIPPED:
        return {
            "id": page.id, "origin": "labelled", "site": site, "layout": about["layout"], "group": group,
            "url": page.url, "date": page.date, "guidelines": GUIDELINES_VERSION, **chosen, "lines": lines,
        }  # fmt: skip
    return {
        "id": page.id, "site": site, "url": page.url, "date": page.date, "group": group,
        **(about if "type" in tasks and tasks["type"].labels == TYPES else {}),
        **{name: tagged.own[name]["label"] for name in of_pages(tasks)},
        **chosen, **described(tasks), "lines": lines,
    }  # fmt: skip


def _label(line: TaggedLine, task: str) -> str | None:
    if task in line.own:
        label: str | None = line.own[task]["label"]
        return label
    return line.type if task == "type" else line.stance


def _digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode("utf-8", "replace")).hexdigest()
