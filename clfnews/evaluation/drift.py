"""Whether new outputs of the filter still look like those of a reference, without labels.

A measure counts things of pages in cells, such as the stances of pages. How far
two sides are apart is the Jensen-Shannon divergence of their shares in bits
(0: equal, 1: nothing in common; Lin 1991, "Divergence measures based on the
Shannon entropy"); unlike the population stability index it is finite for empty
cells, and for small changes it is that index divided by 8 ln 2. Whether it is
more than chance is tested by permutation: the pages of both sides are mixed and
dealt again (Good 2005, "Permutation, parametric and bootstrap tests of
hypotheses"), with Holm's correction (1979) for the number of measures. What is
shown of a measure, such as a mean, has an interval of the change by a bootstrap
of pages. Pages of one site are alike: read the sites too before you believe a p-value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from clfnews.errors import UserError, counted
from clfnews.evaluation.drift_measures import Measure, measures_of, site_measure
from clfnews.evaluation.outputs import Output, read_output
from clfnews.evaluation.resampling import holm, permutation_test, ratio, resampled

LIMIT = 0.02
"""Bits from which on a change matters: a population stability index of about 0.1, by custom a moderate change."""
ALPHA = 0.01
"""Corrected p-value below which a change is more than chance."""
MIN_PAGES = 30
"""Fewer pages of a side are not compared; fewer than `MIN_SITE_PAGES` of a site not by themselves."""
MIN_SITE_PAGES = 20
MAX_SITES = 50
"""Sites with the most pages that are compared one by one."""
DRAWS, SITE_DRAWS = 2000, 10_000
"""Deals of a permutation test, and of a site's: there are more of those to correct for."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of both sides that people read."""

    name: str
    reference: float
    new: float
    low: float
    high: float
    """95% interval of new - reference."""


@dataclass(frozen=True, slots=True)
class Change:
    """How far the sides are apart in one measure, or on one site."""

    name: str
    divergence: float
    """Jensen-Shannon, bits."""
    p: float
    """Of the permutation test, corrected by Holm for all measures (or sites)."""
    figures: tuple[Figure, ...]

    @property
    def drifts(self) -> bool:
        """Whether it is more than chance and large enough to matter."""
        return self.p < ALPHA and self.divergence >= LIMIT


@dataclass(frozen=True, slots=True)
class Drift:
    """New outputs against a reference."""

    reference: Output
    new: Output
    measures: tuple[Change, ...]
    sites: tuple[Change, ...]
    """Of the sites that both have, those that changed most first."""
    new_sites: tuple[tuple[str, int], ...]
    """Sites that the reference does not have, with their pages."""
    missing_sites: tuple[tuple[str, int], ...]

    @property
    def drifted(self) -> bool:
        return any(change.drifts for change in (*self.measures, *self.sites))

    def notes(self) -> Iterator[str]:
        """What has to be known to read the numbers."""
        if self.reference.models != self.new.models:
            models = (", ".join(side.models) for side in (self.reference, self.new))
            yield "not the same model ({} / {}): a change may be the model's".format(*models)
        for side in (self.reference, self.new):
            if len(side.pages) < side.total:
                yield f"{side.name}: a sample of {len(side.pages):,} of {counted(side.total, 'page')}"
        for found, where in ((self.new_sites, "only in the new pages"), (self.missing_sites, "no longer there")):
            if found:
                few = ", ".join(f"{name} ({n:,})" for name, n in found[:5]) + ", ..." * (len(found) > 5)
                yield f"{counted(len(found), 'site')} {where}: {few}"

    def as_row(self) -> dict[str, Any]:
        """The JSON object of the comparison."""

        def side(output: Output) -> dict[str, Any]:
            known = {"name": output.name, "pages": output.total, "compared": len(output.pages)}
            return known | {"models": list(output.models), "errors": output.errors}

        return {
            "verdict": "drift" if self.drifted else "no drift",
            "method": f"Jensen-Shannon divergence in bits, permutation of pages, Holm; drift: p < {ALPHA} and >= {LIMIT} bits",
            "reference": side(self.reference),
            "new": side(self.new),
            "measures": [asdict(change) | {"drifts": change.drifts} for change in self.measures],
            "sites": [asdict(change) | {"drifts": change.drifts} for change in self.sites],
            "new_sites": dict(self.new_sites),
            "missing_sites": dict(self.missing_sites),
            "notes": list(self.notes()),
        }


def compare_outputs(reference: Path, new: Path, seed: int = 0) -> Drift:
    """Compare two outputs of `clfnews filter`, each a file or a folder; the same files and seed give the same numbers.

    Raises `UserError` for what is no output, or has fewer than `MIN_PAGES` pages.
    """
    sides = read_output(reference, seed), read_output(new, seed)
    for side in sides:
        if len(side.pages) < MIN_PAGES:
            raise UserError(
                f"{side.name}: has {counted(len(side.pages), 'page')}; {MIN_PAGES} are needed to tell drift from chance"
            )
    rng = np.random.default_rng(seed)
    measures = _corrected([_change(measure, rng, DRAWS) for measure in measures_of(*sides, rng)])
    of_sites = [dict(Counter(page.site for page in side.pages if page.site)) for side in sides]
    sites = sorted(_corrected(list(_site_changes(sides, of_sites, rng))), key=lambda change: (change.p, -change.divergence))
    only = [
        tuple(sorted(((name, n) for name, n in mine.items() if name not in other), key=lambda row: (-row[1], row[0])))
        for mine, other in (of_sites[::-1], of_sites)
    ]
    return Drift(*sides, tuple(measures), tuple(sites), only[0], only[1])


def _change(measure: Measure, rng: np.random.Generator, draws: int) -> Change:
    bits, p = permutation_test(*measure.cells, rng, draws)
    figures = tuple(_figures(measure, rng)) if all(map(len, measure.cells)) else ()
    return Change(measure.name, round(bits, 4), p, figures)


def _figures(measure: Measure, rng: np.random.Generator) -> Iterator[Figure]:
    samples = [resampled(shown, rng) for shown in measure.shown]
    for name, above, below in measure.figures:
        values = [ratio(shown.sum(axis=0)[None], above, below)[0] for shown in measure.shown]
        changes = ratio(samples[1], above, below) - ratio(samples[0], above, below)
        low, high = np.quantile(changes, [0.025, 0.975])
        yield Figure(name, *(round(float(value), 4) for value in (*values, low, high)))


def _corrected(changes: Sequence[Change]) -> list[Change]:
    """The changes with p-values corrected for their number."""
    p = holm([change.p for change in changes])
    return [replace(change, p=round(value, 4)) for change, value in zip(changes, p, strict=True)]


def _site_changes(sides: tuple[Output, Output], of_sites: Sequence[dict[str, int]], rng: np.random.Generator) -> Iterator[Change]:
    """What became of the pages of each site: no article, or how sure the filter is."""
    smaller = {name: min(n, of_sites[1].get(name, 0)) for name, n in of_sites[0].items()}
    names = sorted((name for name, n in smaller.items() if n >= MIN_SITE_PAGES), key=lambda name: (-smaller[name], name))
    for name in names[:MAX_SITES]:
        pages = [[page for page in side.pages if page.site == name] for side in sides]
        yield _change(site_measure(name, *pages), rng, SITE_DRAWS)
