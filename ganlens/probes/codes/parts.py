"""Which coordinates of a prior of parts are codes, and which are noise."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ganlens.errors import GanlensError, one_of
from ganlens.models.prior import Part, Prior

REACH = 3**0.5  # standard deviations to either side: all of a uniform part, 92 % of a normal one
NONE = "none"
NOISE = "noise"  # what InfoGAN calls its part


@dataclass(frozen=True)
class Coordinate:
    """One continuous coordinate of the latent.

    Attributes:
        name: the part's name, with a number from 1 where the part has several coordinates.
        column: its index in the latent.
        part: the part that it belongs to.
    """

    name: str
    column: int
    part: Part

    def values(self, positions: int) -> Tensor:
        """Return (positions,) evenly spaced values over its range, REACH deviations either way."""
        return torch.linspace(-1, 1, positions) * (REACH * self.part.std)


@dataclass(frozen=True)
class Codes:
    """The codes of a prior, and the noise beside them.

    Attributes:
        prior: of all parts.
        categorical: the categorical parts, each a code.
        continuous: every coordinate of the continuous codes.
        noise: every coordinate of the noise; empty where there is none.
        decided: in words, how the noise was told from the codes.
    """

    prior: Prior
    categorical: tuple[Part, ...]
    continuous: tuple[Coordinate, ...]
    noise: tuple[Coordinate, ...]
    decided: str

    def values(self, z: Tensor) -> dict[str, Tensor]:
        """Return the (N,) codes of (N, d) latents by name; of a categorical one its index."""
        found = {part.name: self.index(z, part) for part in self.categorical}
        return found | {one.name: z[:, one.column] for one in self.continuous}

    def index(self, z: Tensor, part: Part) -> Tensor:
        """Return the (N,) int64 category of a part of (N, d) latents."""
        return z[:, self.prior.columns(part.name)].argmax(1)

    def with_category(self, z: Tensor, part: Part, category: int) -> Tensor:
        """Return (N, d) latents whose categorical part has one value, all else as it was."""
        made, columns = z.clone(), self.prior.columns(part.name)
        made[:, columns] = 0
        made[:, columns.start + category] = 1
        return made


def codes_of(prior: Prior, noise: str = "auto") -> Codes:
    """Tell codes from noise: the part called "noise", else the first continuous part, is noise.

    Args:
        prior: of the generator.
        noise: "auto", "none", or the name of the continuous part that is noise.

    Raises:
        GanlensError: the prior is of one kind, nothing in it is a code, or no continuous part is
            called so.
    """
    if prior.kind != "parts":
        raise GanlensError(
            f"the prior ({prior}) has no parts, so no codes to look at: take an InfoGAN, or another"
            " model whose latent has parts"
        )
    continuous = [part for part in prior.parts if part.kind != "categorical"]
    name, decided = _noise(continuous, noise)
    coordinates = {part.name: _coordinates(prior, part) for part in continuous}
    found = Codes(
        prior,
        tuple(p for p in prior.parts if p.kind == "categorical" and p.dim > 1),
        tuple(one for part in continuous if part.name != name for one in coordinates[part.name]),
        tuple(coordinates.get(name, ())),
        decided,
    )
    if not found.categorical and not found.continuous:
        raise GanlensError(
            f"the prior ({prior}) holds nothing but noise: say with --noise none that it is a code"
        )
    return found


def _noise(continuous: list[Part], noise: str) -> tuple[str, str]:
    names = [part.name for part in continuous]
    if noise == "auto":
        if NOISE in names:
            return NOISE, "the part that is called noise"
        if not names:
            return "", "the prior has no continuous part"
        return names[0], f"no part is called noise: the first continuous one, {names[0]}, is taken"
    if noise == NONE:
        return "", "every continuous part is taken as a code, as was asked"
    if noise not in names:
        raise one_of("noise", noise, ("auto", NONE, *names))
    return noise, "named by the setting"


def _coordinates(prior: Prior, part: Part) -> list[Coordinate]:
    first = prior.columns(part.name).start
    if part.dim == 1:
        return [Coordinate(part.name, first, part)]
    return [Coordinate(f"{part.name} {i + 1}", first + i, part) for i in range(part.dim)]
