"""The last layer of other people's generators: whatever they put out, images in [-1, 1]."""

import math
from collections.abc import Sequence

from torch import Tensor, nn

from ganlens.errors import GanlensError, one_of

ACTIVATIONS = ("tanh", "sigmoid", "none")


class Pixels(nn.Module):
    """Any values to the pixel contract.

    Args:
        activation: "tanh"; "sigmoid", whose [0, 1] is stretched to [-1, 1]; or "none": values in
            the range are stretched to [-1, 1], and clipped to it.
        output_range: lowest and highest value that "none" expects.
    """

    def __init__(
        self, activation: str = "tanh", output_range: Sequence[float] = (-1.0, 1.0)
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise one_of("activation", activation, ACTIVATIONS)
        self.activation = activation
        self.low, self.high = output_range

    def forward(self, x: Tensor) -> Tensor:
        """Map values of any shape to [-1, 1]."""
        if self.activation == "tanh":
            return x.tanh()
        if self.activation == "sigmoid":
            return x.sigmoid() * 2 - 1
        return ((x - self.low) * (2 / (self.high - self.low)) - 1).clamp(-1, 1)


def stretched(x: Tensor, low: float, high: float) -> Tensor:
    """Map values in [-1, 1] to [low, high]: the inverse of ``Pixels`` with "none"."""
    return (x + 1) * ((high - low) / 2) + low


def leaky(slope: float) -> nn.Module:
    """Return a ReLU, leaky where the slope below 0 is not 0."""
    return nn.LeakyReLU(slope) if slope else nn.ReLU()


def check_range(values: Sequence[float]) -> tuple[float, float]:
    """Return (low, high) of pixel values.

    Raises:
        GanlensError: not two finite numbers in rising order.
    """
    low, high = (*values, math.nan, math.nan)[:2]
    if len(values) != 2 or not (math.isfinite(low) and math.isfinite(high) and low < high):
        shown = " ".join(map(str, values))
        raise GanlensError(f"output range {shown} is none: give low and high, such as -1 1 or 0 1")
    return float(low), float(high)
