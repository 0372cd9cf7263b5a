"""The classes of events: root codes of CAMEO under the names of PLOVER.

CAMEO: Schrodt (2012), "Conflict and Mediation Event Observations: Codebook".
PLOVER: Open Event Data Alliance (2018), which names and joins CAMEO's roots.
Quad classes are CAMEO's: words or deeds, of cooperation or of conflict.
PLOVER has one class for requests; CAMEO tells appeals (02, cooperation) from
demands (10, conflict), and so do we.
"""

from __future__ import annotations

from typing import NamedTuple


class EventClass(NamedTuple):
    """What one actor does to another."""

    name: str
    cameo: str
    """Root code, two digits."""
    plover: str
    quad: str
    """One of `QUADS`."""


QUADS = ("verbal-cooperation", "material-cooperation", "verbal-conflict", "material-conflict")

CLASSES: dict[str, EventClass] = {
    row[0]: EventClass(row[0], row[1], row[2], QUADS[row[3]])
    for row in (
        ("APPEAL", "02", "REQUEST", 0),
        ("AGREE", "03", "AGREE", 0),
        ("CONSULT", "04", "CONSULT", 0),
        ("SUPPORT", "05", "SUPPORT", 0),
        ("COOPERATE", "06", "COOPERATE", 1),
        ("AID", "07", "AID", 1),
        ("YIELD", "08", "RETREAT", 1),
        ("DEMAND", "10", "REQUEST", 2),
        ("ACCUSE", "11", "ACCUSE", 2),
        ("REJECT", "12", "REJECT", 2),
        ("THREATEN", "13", "THREATEN", 2),
        ("MOBILIZE", "15", "MOBILIZE", 3),
        ("SANCTION", "16", "SANCTION", 3),
        ("COERCE", "17", "COERCE", 3),
        ("ASSAULT", "19", "ASSAULT", 3),
    )
}
"""Name -> class."""


def quad_of(name: str) -> str:
    """The quad class of a class by its name."""
    return CLASSES[name].quad
