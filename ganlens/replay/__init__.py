"""Pictures drawn again from what they carry.

A picture of samples carries a ``Recipe``. A picture that shows more than samples (filters, feature
maps, training images) carries a ``PanelRecipe``: which panel of which probe it was, with every
setting, so that running the probe again gives it again.
"""

from ganlens.replay.panel import VERSION, PanelRecipe, signed
from ganlens.replay.redrawing import (
    AnyRecipe,
    Files,
    PanelPictures,
    compare,
    elsewhere,
    read,
    redraw,
    specs_of,
    takes_pictures,
)

__all__ = [
    "VERSION",
    "AnyRecipe",
    "Files",
    "PanelPictures",
    "PanelRecipe",
    "compare",
    "elsewhere",
    "read",
    "redraw",
    "signed",
    "specs_of",
    "takes_pictures",
]
