"""Other people's GANs: their files read without running anything, recognised and built."""

from ganlens.foreign.adopting import ADOPTING, adopted
from ganlens.foreign.card import import_card
from ganlens.foreign.imported import Imported
from ganlens.foreign.opening import open_checkpoint, open_foreign
from ganlens.foreign.readers import READERS
from ganlens.foreign.reading import holds_weights

__all__ = [
    "ADOPTING",
    "READERS",
    "Imported",
    "adopted",
    "holds_weights",
    "import_card",
    "open_checkpoint",
    "open_foreign",
]
