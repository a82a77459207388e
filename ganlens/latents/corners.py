"""The corners between which walks and planes go: seeds, or latents spelled out."""

from dataclasses import dataclass, field

from torch import Tensor

from ganlens.errors import GanlensError, one_of
from ganlens.interpolation import MODES
from ganlens.latents.checks import check_seeds, put
from ganlens.latents.rows import check_rows, spelled
from ganlens.models.prior import Prior


@dataclass(frozen=True)
class Corners:
    """Base of what lies between latents: exactly one of ``seeds`` and ``rows`` is given.

    Attributes:
        seeds: one corner per seed.
        rows: or the corners spelled out, (K, d) numbers: latents that were found, not drawn.
    """

    seeds: tuple[int, ...] = ()
    rows: tuple[tuple[float, ...], ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        put(self, "seeds", check_seeds(self.seeds))
        put(self, "rows", check_rows(self.rows))
        if self.seeds and self.rows:
            raise GanlensError("corners are given as seeds or as rows: leave out one of them")

    def __len__(self) -> int:
        """Return how many corners there are."""
        return len(self.seeds or self.rows)

    def corners(self, prior: Prior) -> Tensor:
        """Return the (K, d) latents of the corners; an error if d is not the prior's."""
        return spelled(self.rows, prior) if self.rows else prior.sample(self.seeds)


def check_mode(mode: str) -> None:
    """Raise a GanlensError that lists the modes if this is none."""
    if mode not in MODES:
        raise one_of("mode", mode, MODES)
