"""A plane between four latents, as a grid of pictures."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.interpolation import Mode, plane, resolve_mode
from ganlens.latents.checks import check_at_least, check_count
from ganlens.latents.corners import Corners, check_mode
from ganlens.models.prior import Prior


@dataclass(frozen=True)
class Patch(Corners):
    """A patch of the latent space between four corners: two walks across, and walks between them.

    By lerp it is bilinear, and its middle is the mean of four latents: half as long as they are
    (4.98 of 9.99 for a normal prior of 100 dimensions), where a generator was never trained. Slerp
    and the gaussian route keep the length.

    Attributes:
        seeds: 4 corners: top left, top right, bottom left, bottom right.
        rows: or these 4 spelled out, (4, d) numbers.
        down: pictures from top to bottom, both edges included, at least 2.
        across: pictures from left to right, both edges included, at least 2.
        mode: "lerp", "slerp", "gaussian" (uniform prior), or "auto": what suits the prior,
            of one of several parts each part by itself.
    """

    kind: ClassVar[str] = "patch"
    down: int = 7
    across: int = 7
    mode: Mode = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self) != 4:
            raise GanlensError(f"a patch has 4 corners, not {len(self)}: give 4 seeds or rows")
        check_at_least(self.down, 2, "down")
        check_at_least(self.across, 2, "across")
        check_mode(self.mode)
        check_count(self.down * self.across)

    @property
    def count(self) -> int:
        """Number of latents."""
        return self.down * self.across

    def latents(self, prior: Prior) -> Tensor:
        """Return (down * across, d) latents, row by row."""
        mode = resolve_mode(self.mode, prior.kind)
        return plane(self.corners(prior), self.down, self.across, mode, prior.parts)
