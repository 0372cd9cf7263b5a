"""The look that the report of a run and other pages share."""

from __future__ import annotations

from importlib.resources import files


def shared_style() -> str:
    """The style sheet with colours (light and dark), text and marked lines; `report.html` holds the same."""
    return (files("clfnews.reports") / "templates" / "style.css").read_text(encoding="utf-8")
