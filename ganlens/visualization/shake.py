"""Small random moves of an image: what a unit likes only at one exact place is no answer.

Lucid pads by 12, jitters by 8, scales and turns on images of 224 pixels; these are its moves for
images of 32 to 64. Beyond the edge the image is mirrored, which stands for Lucid's padding.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from ganlens.errors import GanlensError


@dataclass(frozen=True)
class Shake:
    """How far an image is moved at random.

    Attributes:
        jitter: whole pixels, each way.
        zoom: relative change of size, each way.
        degrees: of rotation, each way.
    """

    jitter: int = 3
    zoom: float = 0.05
    degrees: float = 5.0

    def __post_init__(self) -> None:
        if self.jitter < 0 or not 0 <= self.zoom < 1 or not 0 <= self.degrees <= 180:
            raise GanlensError(
                f"a shake by {self.jitter} px, {self.zoom:g} and {self.degrees:g} degrees is out "
                "of range: give at least 0 pixels, a zoom below 1 and up to 180 degrees"
            )

    def draw(self, size: int, generator: Generator) -> Tensor:
        """Draw one move of images of size x size pixels: the (2, 3) matrix of ``affine``."""
        jitter = torch.randint(-self.jitter, self.jitter + 1, (2,), generator=generator)
        zoom, turn = (2 * torch.rand(2, generator=generator, dtype=torch.float64) - 1).tolist()
        angle, scale = math.radians(turn * self.degrees), 1 + zoom * self.zoom
        cos, sin = math.cos(angle) / scale, math.sin(angle) / scale
        right, down = (2 * jitter.double() / size).tolist()
        return torch.tensor([[cos, -sin, -right], [sin, cos, -down]], dtype=torch.float32)


def affine(x: Tensor, matrix: Tensor) -> Tensor:
    """Move (N, C, H, W) images by a (2, 3) matrix from new to old places, in half sides.

    Bilinear, mirrored beyond the edge, differentiable.
    """
    places = F.affine_grid(matrix.to(x).expand(len(x), 2, 3), list(x.shape), align_corners=False)
    return F.grid_sample(x, places, padding_mode="reflection", align_corners=False)
