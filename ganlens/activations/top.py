"""Which inputs activate a unit most: a streaming search whose memory does not grow."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ganlens.errors import GanlensError


@dataclass
class TopPositions:
    """Keeps, for every unit, the inputs with the highest activation, and where in the map it was.

    Each input counts once, with its highest position. Ties go to the earlier input, and within one
    input to the earlier position (row by row), so that the size of the batches changes nothing.

    Attributes:
        k: how many are kept.
        seen: inputs so far.
        scores: (U, m) activations, highest first; m is k, or the inputs so far if they are fewer.
        inputs: (U, m) int64: their running numbers from 0.
        rows: (U, m) int64.
        columns: (U, m) int64.
    """

    k: int
    seen: int = 0
    scores: Tensor = field(default_factory=lambda: torch.empty(0, 0))
    inputs: Tensor = field(default_factory=lambda: torch.empty(0, 0, dtype=torch.int64))
    rows: Tensor = field(default_factory=lambda: torch.empty(0, 0, dtype=torch.int64))
    columns: Tensor = field(default_factory=lambda: torch.empty(0, 0, dtype=torch.int64))

    def __post_init__(self) -> None:
        """Check k."""
        if self.k < 1:
            raise GanlensError(f"k {self.k} is too small: give at least 1")

    def update(self, maps: Tensor) -> Tensor:
        """Add the (N, U, h, w) maps of the next N inputs.

        Returns:
            (N, U) the highest activation of each unit in each input.
        """
        highest, place = highest_positions(maps)
        n, units = highest.shape
        numbers = torch.arange(self.seen, self.seen + n).expand(units, n)
        width = maps.shape[3]
        found = [highest.T, numbers, place.T // width, place.T % width]
        if self.seen:
            old = [self.scores, self.inputs, self.rows, self.columns]
            found = [torch.cat(pair, 1) for pair in zip(old, found, strict=True)]
        # Stable, and what is kept stands before what is new: a tie stays with the earlier input.
        order = found[0].sort(dim=1, descending=True, stable=True).indices[:, : self.k]
        kept = [values.gather(1, order) for values in found]
        self.scores, self.inputs, self.rows, self.columns = kept
        self.seen += n
        return highest


def highest_positions(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Return the highest value of every (N, U, h, w) map, and its first position row by row.

    Returns:
        (N, U) values and (N, U) int64 positions, y * w + x.
    """
    flat = maps.flatten(2)
    highest = flat.amax(2)
    # torch's own argmax promises no order among ties.
    everywhere = torch.arange(flat.shape[2], device=maps.device)
    beyond = torch.full_like(everywhere, flat.shape[2] - 1)
    return highest, torch.where(flat == highest[:, :, None], everywhere, beyond).amin(2)
