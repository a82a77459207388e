"""Other people's GANs: their files read without running anything, recognised and built."""

from ganlens.foreign.card import import_card
from ganlens.foreign.opening import Imported, open_foreign

__all__ = ["Imported", "import_card", "open_foreign"]
