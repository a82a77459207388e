"""Other people's GANs: their files read without running anything, recognised and built."""

from ganlens.foreign.card import import_card
from ganlens.foreign.imported import Imported
from ganlens.foreign.opening import open_foreign
from ganlens.foreign.readers import READERS

__all__ = ["READERS", "Imported", "import_card", "open_foreign"]
