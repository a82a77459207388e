"""``Imported``: a source of somebody else's, opened."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ganlens.checkpoints import Checkpoint
from ganlens.foreign.recognition import Alternative


@dataclass(frozen=True)
class Imported:
    """A foreign source, ready to be probed or saved.

    Attributes:
        checkpoint: its networks, and a header as ganlens would have written it.
        format: what it was recognised as.
        inferred: what the file shows, one phrase each.
        assumed: what it could not tell, and the option that changes it.
        left_aside: names inside the file that nothing recognised.
        saveable: False for a program, which no checkpoint of ganlens holds.
        alternatives: other readings of the generator's weights.
    """

    checkpoint: Checkpoint
    format: str
    inferred: tuple[str, ...]
    assumed: tuple[str, ...]
    left_aside: tuple[str, ...] = ()
    saveable: bool = True
    alternatives: tuple[Alternative, ...] = ()


def digest(files: Sequence[Path]) -> str:
    """Return the SHA-256 of files, one after another."""
    found = hashlib.sha256()
    for file in files:
        with open(file, "rb") as opened:
            while block := opened.read(1 << 16):
                found.update(block)
    return found.hexdigest()
