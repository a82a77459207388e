"""Strides and paddings that make images of a given size."""

from collections.abc import Iterator, Sequence
from itertools import combinations, product

from ganlens.errors import GanlensError
from ganlens.foreign.fitting import candidates
from ganlens.models.imported.layers import Geometry, enlarged, reduced

CHANGED = 2  # at most so many layers are unusual at a time
Kernels = Sequence[Sequence[int]]


def usual(kernel: Sequence[int]) -> Geometry:
    """Return the stride, padding and output padding with which a kernel doubles a map."""
    side = min(kernel)
    if side == 1:
        return (1, 0, 0)
    return (2, (side - 1) // 2, side % 2)


def fitting_up(
    kernels: Kernels, geometry: Sequence[Geometry], told: Sequence[bool], wanted: Sequence[int]
) -> list[Geometry]:
    """Change as few strides and paddings as possible, so that a generator draws a size.

    Args:
        kernels: (height, width) of every one, the first makes the first map.
        geometry: of every layer but the first.
        told: which of these are known.
        wanted: height and width of the images.

    Raises:
        GanlensError: none does.
    """
    for tried in _changes(kernels[1:], geometry, told):
        sides = list(kernels[0])
        for kernel, one in zip(kernels[1:], tried, strict=True):
            sides = [enlarged(s, k, one) for s, k in zip(sides, kernel, strict=True)]
        if sides == list(wanted):
            return tried
    raise GanlensError(
        f"image shape {' x '.join(map(str, wanted))} does not fit: no stride and padding of these"
        " kernels draws it; name the class that made them, with --module"
    )


def fitting_down(kernels: Kernels, wanted: Sequence[int]) -> list[Geometry]:
    """Return strides and paddings with which a discriminator takes a size to one logit.

    Args:
        kernels: (height, width) of every one.
        wanted: height and width of the images.

    Raises:
        GanlensError: none does.
    """
    halving = [(2, (min(kernel) - 1) // 2, 0) for kernel in kernels[:-1]]
    for tried in _changes(kernels, [*halving, (1, 0, 0)], [False] * len(kernels)):
        sides = list(wanted)
        for kernel, one in zip(kernels, tried, strict=True):
            sides = [reduced(s, k, one) for s, k in zip(sides, kernel, strict=True)]
            if min(sides) < 1:
                break
        if sides == [1, 1] and all(extra == 0 for _, _, extra in tried):
            return tried
    raise GanlensError(
        f"discriminator takes no images of {' x '.join(map(str, wanted))} to one logit, whatever"
        " its strides: import the generator alone, or name the class with --module"
    )


def _changes(
    kernels: Kernels, geometry: Sequence[Geometry], told: Sequence[bool]
) -> Iterator[list[Geometry]]:
    """Yield geometries with none, one and two layers changed, the last ones first."""
    free = [i for i in reversed(range(len(geometry))) if not told[i]]
    for count in range(CHANGED + 1):
        for places in combinations(free, count):
            options = [candidates(kernels[i], geometry[i]) for i in places]
            for chosen in product(*options):
                tried = list(geometry)
                for place, one in zip(places, chosen, strict=True):
                    tried[place] = one
                yield tried
