"""Files of ``torch.save``, from anybody: read as data, within stated budgets, nothing run."""

from ganlens.pickles.protocols import LARGEST, lowered
from ganlens.pickles.reading import check_sizes, read_pickle

__all__ = ["LARGEST", "check_sizes", "lowered", "read_pickle"]
