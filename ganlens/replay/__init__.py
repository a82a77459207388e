"""Pictures drawn again from what they carry.

A picture of samples carries a ``Recipe``. A picture that shows more than samples (filters, feature
maps, training images) carries a ``PanelRecipe``: which panel of which probe it was, with every
setting, so that running the probe again gives it again.
"""

from ganlens.replay.panel import VERSION, PanelRecipe, signed
from ganlens.replay.redrawing import (
    AnyRecipe,
    PanelPictures,
    compare,
    elsewhere,
    read,
    redraw,
    takes_pictures,
)

__all__ = [
    "VERSION",
    "AnyRecipe",
    "PanelPictures",
    "PanelRecipe",
    "compare",
    "elsewhere",
    "read",
    "redraw",
    "signed",
    "takes_pictures",
]
