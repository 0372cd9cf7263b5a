"""How sites word what stands around a story: names, sections, times, captions and credits, long and broken paragraphs.

The words themselves are in `words.toml`.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from importlib import resources

from clfnews.page import Line

_WORDS: dict[str, list[str]] = tomllib.loads((resources.files(__package__) / "words.toml").read_text(encoding="utf-8"))
WEEKDAYS = tuple(_WORDS["weekdays"])
AGENCIES = tuple(_WORDS["agencies"])
AUTHORS = tuple(_WORDS["authors"])
SECTIONS = tuple(_WORDS["sections"])
BOX_HEADINGS = tuple(_WORDS["box_headings"])
_PHOTO_CREDITS = tuple(_WORDS["photo_credits"])

CREDIT = re.compile(r"(?<![\s.(–-])[\s.(–-]*+((?:" + "|".join(_WORDS["credit_marks"]) + r")\s*+:.+?)\)?$")
_SENTENCES = re.compile(r"(?=[“\"‘«]?[^\W\d_])(?!\w+ *:)(?:.{60,})[.!?…][”\"’»]?$")
CAPTION_HABITS = ("as written", "as written", "stop", "no stop", "no credit", "no credit, stop", "credit line")
"""What a site does to all its captions."""
BOX_MARKS = ("", "", "", "• ", "- ", ">> ", "» ", "* ")
"""What stands before each link of a box between paragraphs."""
_TIME_FORMATS = {
    "clock": ("%H:%M", "%H:%M'", "%Hh%M"),
    "date": ("%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d/%m"),
    "datetime": ("%H:%M %d/%m/%Y", "%H:%M' - %d/%m/%Y", "%d/%m/%Y %H:%M", "%H:%M, %d/%m/%Y", "%d-%m-%Y | %H:%M"),
    "short": ("%d/%m", "%H:%M %d/%m", "(%d/%m)"),
}


def time_text(when: datetime, style: str, rng: random.Random) -> str:
    """The time of another story, up to a month before, in one of `layout.TIME_STYLES`."""
    then = when - timedelta(minutes=rng.randrange(3, 60 * 24 * 30))
    if style == "ago":
        n = rng.randrange(2, 24)
        return rng.choice(_WORDS["ago"]).format(n=n)
    return then.strftime(rng.choice(_TIME_FORMATS[style]))


def photo_credit(agency: str, rng: random.Random) -> str:
    """The credit line of a picture, to an agency or a photographer."""
    photographer = rng.choice(AUTHORS).split(" (")[0]
    return rng.choice(_PHOTO_CREDITS).format(a=rng.choice((photographer, photographer.upper())), g=agency)


def caption_text(text: str, habit: str) -> str:
    """A caption in the habit of its site: with or without credit and full stop."""
    if habit.startswith("no credit"):
        text = CREDIT.sub("", text).strip() or text
    if habit == "no stop":
        return text.rstrip(".")
    return f"{text}." if habit in ("stop", "no credit, stop") and text[-1:].isalnum() else text


def long_paragraphs(lines: Sequence[Line], size: int) -> list[Line]:
    """Neighbouring paragraphs of one stance joined until they have `size` characters, as longer articles run.

    Sub-headings, list items and questions stay alone: only whole sentences join,
    and only where stances are labelled; paragraphs of one's own corpus are as long as they are.
    """
    out: list[Line] = []
    for line in lines:
        last = out[-1] if out else None
        if (
            last is not None
            and last.type == line.type == "body"
            and last.stance == line.stance is not None
            and len(last.text) < size
            and _SENTENCES.match(last.text)
            and _SENTENCES.match(line.text)
        ):
            out[-1] = replace(last, text=f"{last.text} {line.text}")
        else:
            out.append(line)
    return out


def break_at_name(text: str, rng: random.Random) -> list[str]:
    """The paragraph cut around one capitalised name, as an inline link does."""
    names = [
        m for m in re.finditer(r"(?<=[\w,] )([A-ZĐÂÊÔƠƯÁÀ]\w+(?: [A-ZĐÂÊÔƠƯÁÀ]\w+)*)", text) if 8 < m.start() < len(text) - 12
    ]
    if not names:
        return [text]
    name = rng.choice(names)
    return [text[: name.start()].rstrip(), name[0], text[name.end() :].lstrip()]
