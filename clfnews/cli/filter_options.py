"""What the ways of filtering share: checks of their options, and how they tell what was passed over."""

from __future__ import annotations

from collections.abc import Mapping

from clfnews.errors import UserError, counted


def check_threshold(threshold: float | None) -> None:
    """Raise `UserError` for what is no probability."""
    if threshold is not None and not 0 <= threshold <= 1:
        raise UserError(f"--threshold {threshold}: expected a number from 0 to 1")


def check_events(events: bool, has_rows: bool) -> None:
    """Raise `UserError` if events are asked for where there are no rows."""
    if events and not has_rows:
        raise UserError("--events: text and Markdown have no place for them; give --format jsonl, or clfnews events")


def told_skipped(skipped: Mapping[str, int]) -> str:
    """What was left out of web archives, by kind."""
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in sorted(skipped.items(), key=lambda item: (-item[1], item[0])))
    return f"{counted(sum(skipped.values()), 'record')} of web archives passed over: {kinds}"
