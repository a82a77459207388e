"""Edits: what can be done to latents and inside a generator on the way to a picture."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from ganlens.errors import GanlensError


@dataclass(frozen=True)
class Project:
    """Edit: bring every latent back to where the prior has its mass."""

    kind: ClassVar[str] = "project"


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
        if not isinstance(self.layer, str):
            raise GanlensError(f"layer {self.layer!r} must be a name")
        for channel in self.channels:
            if not isinstance(channel, int) or isinstance(channel, bool) or channel < 0:
                raise GanlensError(f"channel {channel!r} must be a whole number from 0")
        object.__setattr__(self, "channels", tuple(self.channels))

    def __call__(self, output: Tensor) -> Tensor:
        """Return the (N, C, h, w) maps with the chosen ones at zero."""
        if self.channels and max(self.channels) >= output.shape[1]:
            raise GanlensError(
                f"layer {self.layer!r} has no map {max(self.channels)}: "
                f"choose from 0 to {output.shape[1] - 1}"
            )
        edited = output.clone()
        edited[:, list(self.channels)] = 0
        return edited


Edit = Project | Silence
EDITS: dict[str, type[Project] | type[Silence]] = {cls.kind: cls for cls in (Project, Silence)}
