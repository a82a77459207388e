"""Edits: what can be done to latents and inside a generator on the way to a picture.

An edit is a frozen dataclass of plain values, so it fits into the recipe of a picture. ``Move``
and ``Offset`` carry several amounts where a picture compares them: each latent is drawn once per
amount, side by side.
"""

import base64
import binascii
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.models.prior import Prior

MAX_OFFSET = 2**20  # values; a recipe from elsewhere must not fill the memory


@dataclass(frozen=True)
class Project:
    """Edit: bring every latent back to where the prior has its mass."""

    kind: ClassVar[str] = "project"

    def latents(self, z: Tensor, prior: Prior, column: int) -> Tensor:
        """Return the (N, d) latents, projected."""
        return prior.project(z)


@dataclass(frozen=True)
class Truncate:
    """Edit: draw from the prior cut off at a threshold, fewer extremes for less variety.

    The truncation trick of Brock 2019 (BigGAN, arXiv 1809.11096) draws a coordinate anew until it
    lies below the threshold. Here each is carried to the same distribution by its quantile, so a
    seed keeps its character and the picture changes continuously with the threshold.

    Attributes:
        threshold: in standard deviations of a normal prior, or in halves of a uniform prior's
            range (0 to 1); above 0.
    """

    kind: ClassVar[str] = "truncate"
    threshold: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "threshold", _finite(self.threshold, "threshold"))
        if self.threshold <= 0:
            raise GanlensError(f"threshold {self.threshold:g} must be above 0, for example 1")

    def latents(self, z: Tensor, prior: Prior, column: int) -> Tensor:
        """Return the (N, d) latents, truncated."""
        return prior.truncate(z, self.threshold)


@dataclass(frozen=True)
class Move:
    """Edit: move every latent along a vector, z + amount * vector.

    Attributes:
        vector: (d,) numbers.
        amounts: one or more.
        name: what it stands for, for the reader of the recipe.
    """

    kind: ClassVar[str] = "move"
    vector: tuple[float, ...]
    amounts: tuple[float, ...] = (1.0,)
    name: str = ""

    def __post_init__(self) -> None:
        for field in ("vector", "amounts"):
            object.__setattr__(self, field, _numbers(getattr(self, field), field))
        _text(self.name, "name")

    @classmethod
    def along(cls, vector: Tensor, amounts: Sequence[float] = (1.0,), name: str = "") -> "Move":
        """Make the edit of a (d,) tensor."""
        return cls(tuple(vector.tolist()), tuple(amounts), name)

    def latents(self, z: Tensor, prior: Prior, column: int) -> Tensor:
        """Return the (N, d) latents, moved by the amount of this column.

        Raises:
            GanlensError: the vector has another length than the latents.
        """
        if len(self.vector) != z.shape[1]:
            raise GanlensError(
                f"the direction has {len(self.vector)} coordinates: this generator takes "
                f"{z.shape[1]}"
            )
        return z + _at(self.amounts, column) * torch.tensor(self.vector, dtype=z.dtype)


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
        _text(self.layer, "layer")
        for channel in self.channels:
            if not isinstance(channel, int) or isinstance(channel, bool) or channel < 0:
                raise GanlensError(f"channel {channel!r} must be a whole number from 0")
        object.__setattr__(self, "channels", tuple(self.channels))

    def activations(self, output: Tensor, column: int) -> Tensor:
        """Return the (N, C, h, w) maps with the chosen ones at zero."""
        if self.channels and max(self.channels) >= output.shape[1]:
            raise GanlensError(
                f"layer {self.layer!r} has no map {max(self.channels)}: "
                f"choose from 0 to {output.shape[1] - 1}"
            )
        edited = output.clone()
        edited[:, list(self.channels)] = 0
        return edited


@dataclass(frozen=True)
class Offset:
    """Edit: add amount * offset to what one generator layer puts out (Härkönen 2020, GANSpace).

    An edit at a late layer changes only what that layer and those after it decide.

    Attributes:
        layer: as ``subject.layers("generator")`` names it.
        values: the offset, little-endian float32 in base64, as ``of`` writes it.
        amounts: one or more.
        name: what it stands for, for the reader of the recipe.
    """

    kind: ClassVar[str] = "offset"
    layer: str
    values: str
    amounts: tuple[float, ...] = (1.0,)
    name: str = ""

    def __post_init__(self) -> None:
        for field in ("layer", "values", "name"):
            _text(getattr(self, field), field)
        object.__setattr__(self, "amounts", _numbers(self.amounts, "amounts"))
        _ = self.offset  # fail early

    @classmethod
    def of(
        cls, layer: str, offset: Tensor, amounts: Sequence[float] = (1.0,), name: str = ""
    ) -> "Offset":
        """Make the edit of a tensor of the layer's output shape without the batch, or flattened."""
        flat = offset.detach().float().cpu().flatten().numpy().astype("<f4")
        text = base64.b64encode(flat.tobytes()).decode("ascii")
        return cls(layer, text, tuple(amounts), name)

    @cached_property
    def offset(self) -> Tensor:
        """The offset, flattened."""
        if len(self.values) > 6 * MAX_OFFSET:
            raise GanlensError(f"an offset of more than {MAX_OFFSET:,} values is not read")
        try:
            flat = np.frombuffer(base64.b64decode(self.values, validate=True), "<f4")
        except (binascii.Error, ValueError) as error:
            raise GanlensError(f"the offset is not float32 in base64: {error}") from error
        if not len(flat) or not np.isfinite(flat).all():
            raise GanlensError("the offset must hold finite numbers, at least one")
        return torch.from_numpy(flat.astype(np.float32))

    def activations(self, output: Tensor, column: int) -> Tensor:
        """Return what the layer put out, moved by the amount of this column.

        Raises:
            GanlensError: the offset has another size than the layer's output.
        """
        if len(self.offset) != output[0].numel():
            raise GanlensError(
                f"the offset has {len(self.offset)} values: layer {self.layer!r} puts out "
                f"{output[0].numel()}"
            )
        offset = self.offset.to(output).view(output.shape[1:])
        return output + _at(self.amounts, column) * offset


LatentEdit = Project | Truncate | Move
LayerEdit = Silence | Offset
Edit = LatentEdit | LayerEdit
EDITS: dict[str, Any] = {cls.kind: cls for cls in (Project, Truncate, Move, Silence, Offset)}


def columns(edits: Sequence[Edit]) -> int:
    """Return how often each latent is drawn: the number of amounts of the edit that has several.

    Raises:
        GanlensError: two edits have several amounts, and not equally many.
    """
    counts = {len(one.amounts) for one in edits if isinstance(one, Move | Offset)} - {1}
    if len(counts) > 1:
        raise GanlensError(
            f"edits with {' and '.join(map(str, sorted(counts)))} amounts do not fit beside each "
            "other: give each the same number, or one"
        )
    return counts.pop() if counts else 1


def _at(amounts: tuple[float, ...], column: int) -> float:
    return amounts[column % len(amounts)]


def _numbers(values: Any, what: str) -> tuple[float, ...]:
    if isinstance(values, str) or not isinstance(values, Sequence) or not values:
        raise GanlensError(f"{what} must be a list of at least one number")
    return tuple(_finite(value, what) for value in values)


def _finite(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise GanlensError(f"{what} holds {value!r}: only finite numbers are allowed")
    return float(value)


def _text(value: Any, what: str) -> None:
    if not isinstance(value, str):
        raise GanlensError(f"{what} {value!r} must be text")
