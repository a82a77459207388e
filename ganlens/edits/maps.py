"""Edits of single feature maps of a generator layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ganlens.edits.checks import at_column, channel_indices, numbers, text
from ganlens.errors import GanlensError

EVERYWHERE = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class Silence:
    """Edit: set some feature maps of one generator layer to zero.

    Attributes:
        layer: as ``subject.layers("generator")`` names it.
        channels: indices of the maps.
    """

    kind: ClassVar[str] = "silence"
    layer: str
    channels: tuple[int, ...]

    def __post_init__(self) -> None:
        text(self.layer, "layer")
        object.__setattr__(self, "channels", channel_indices(self.channels))

    def activations(self, output: Tensor, column: int) -> Tensor:
        """Return the (N, C, h, w) maps with the chosen ones at zero."""
        _check_maps(self.layer, self.channels, output)
        edited = output.clone()
        edited[:, list(self.channels)] = 0
        return edited


@dataclass(frozen=True)
class Blend:
    """Edit: bring maps x of one generator layer towards levels r, as x (1 - a) + r a in a box.

    The intervention of GAN Dissection (Bau 2019, arXiv 1811.10597, section 3.2): r = 0 drops what a
    map does, a map's high level inserts it, and a box keeps either to one place.

    Attributes:
        layer: as ``subject.layers("generator")`` names it.
        channels: indices of the maps.
        strengths: a, one for all maps or one for each; 0 leaves a map, 1 replaces it.
        levels: r, one for all maps or one for each.
        box: left, top, right, bottom in shares of the picture's side, 0 to 1: cells of the map
            whose centre lies inside are changed.
        amounts: one or more factors of the strengths.
    """

    kind: ClassVar[str] = "blend"
    layer: str
    channels: tuple[int, ...]
    strengths: tuple[float, ...] = (1.0,)
    levels: tuple[float, ...] = (0.0,)
    box: tuple[float, ...] = EVERYWHERE
    amounts: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        text(self.layer, "layer")
        object.__setattr__(self, "channels", channel_indices(self.channels))
        for name in ("strengths", "levels", "box", "amounts"):
            object.__setattr__(self, name, numbers(getattr(self, name), name))
        for name in ("strengths", "levels"):
            if len(getattr(self, name)) not in (1, len(self.channels)):
                raise GanlensError(
                    f"{len(getattr(self, name))} {name} do not fit {len(self.channels)} channels: "
                    "give one, or one for each"
                )
        _check_box(self.box)

    def activations(self, output: Tensor, column: int) -> Tensor:
        """Return the (N, C, h, w) maps with the chosen ones brought towards their levels."""
        _check_maps(self.layer, self.channels, output)
        inside = cells_in(self.box, *output.shape[2:]).to(output)
        amount = at_column(self.amounts, column)
        strength = amount * output.new_tensor(self.strengths)[:, None, None] * inside
        level = output.new_tensor(self.levels)[:, None, None]
        edited, chosen = output.clone(), list(self.channels)
        edited[:, chosen] = output[:, chosen] * (1 - strength) + level * strength
        return edited


def cells_in(box: Sequence[float], height: int, width: int) -> Tensor:
    """Return (height, width) bool: the cells of a map whose centre lies in a relative box."""
    left, top, right, bottom = box
    x = (torch.arange(width) + 0.5) / width
    y = (torch.arange(height) + 0.5) / height
    return ((y >= top) & (y < bottom))[:, None] & ((x >= left) & (x < right))[None]


def _check_box(box: tuple[float, ...]) -> None:
    if len(box) != 4 or not (0 <= box[0] < box[2] <= 1 and 0 <= box[1] < box[3] <= 1):
        raise GanlensError(
            f"box {list(box)} must be left, top, right, bottom in shares of the side: "
            "0 <= left < right <= 1, 0 <= top < bottom <= 1"
        )


def _check_maps(layer: str, channels: tuple[int, ...], output: Tensor) -> None:
    if output.ndim != 4:
        raise GanlensError(
            f"layer {layer!r} puts out {tuple(output.shape[1:])}, no maps: choose another one"
        )
    if channels and max(channels) >= output.shape[1]:
        raise GanlensError(
            f"layer {layer!r} has no map {max(channels)}: choose from 0 to {output.shape[1] - 1}"
        )
