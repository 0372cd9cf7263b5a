"""The tables of what `realism.py` found: for the README beside it, and for the dataset card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clfnews.data.markdown import markdown_table

SHOWN = 12
"""Giveaways that the dataset card shows; the README has all."""


def realism_tables(results: Mapping[str, Any], top: int | None = None) -> dict[str, str]:
    """Blocks `sample`, `auc`, `giveaways` and `lines` of `results.json`; `top` giveaways if given."""
    real, composed = results["real"], results["composed"]
    sample = (
        f"{real['pages']} real pages ({real['lines']:,} lines, {real['groups']} sites) against "
        f"{composed['pages']} composed ones ({composed['lines']:,} lines, {composed['groups']} cells)."
    )
    groups = (("whole pages", results["pages"]), ("pages by one family of features", results["families"]),
              ("lines", results["lines"]), ("lines of one type", results["lines_by_type"]))  # fmt: skip
    auc = [[what, name, f"{a:.3f}", f"{low:.3f} to {high:.3f}"] for what, part in groups for name, (a, low, high) in part.items()]
    giveaways = [_giveaway(item) for item in results["giveaways"][:top]]
    lines = [[kind, *_giveaway(item)] for kind, items in results["line_giveaways"].items() for item in items]
    header = ["feature (mean)", "real", "composed", "AUC", "real sites on this side"]
    return {
        "sample": sample,
        "auc": markdown_table(["what is told apart", "by", "AUC", "95% interval"], auc, numbers_from=2),
        "giveaways": markdown_table(header, giveaways, numbers_from=1),
        "lines": markdown_table(["type", *header], lines, numbers_from=2),
    }


def card_block(results: Mapping[str, Any]) -> dict[str, Any]:
    """What `data/realism.json` holds: the text of the dataset card, and the files it was measured on."""
    tables = realism_tables(results, SHOWN)
    return {
        "text": f"{tables['sample']}\n\n{tables['auc']}\n\n{tables['giveaways']}",
        "data": {f"pages/{name}": digest for name, digest in results["data"].items()},
    }


def _giveaway(item: Mapping[str, Any]) -> list[str]:
    values = [f"{v:.3g}" if abs(v) < 100 else f"{v:,.0f}" for v in (item["real"], item["composed"])]
    return [item["feature"], *values, f"{item['auc']:.3f}", f"{item['sites']:.0%}"]
