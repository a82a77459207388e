"""Counterfactuals: which image each image of pixelfaces-pairs is another version of."""

from dataclasses import dataclass

import numpy as np

from ganlens.data.imageset import ImageSet
from ganlens.errors import GanlensError

COLUMNS = ("of", "attribute", "value")


@dataclass(frozen=True, eq=False)
class Counterfactuals:
    """What N images are counterfactuals of, row by row.

    Attributes:
        originals: (N,) int64 rows of the originals.
        attribute: (N,) names of the one attribute that was changed.
        before: (N,) values of that attribute in the originals.
        after: (N,) values of that attribute in the counterfactuals.
    """

    originals: np.ndarray
    attribute: np.ndarray
    before: np.ndarray
    after: np.ndarray


def counterfactuals(changed: ImageSet, originals: ImageSet) -> Counterfactuals:
    """Pair counterfactuals with their originals.

    ``originals.images[found.originals]`` are then the images before and ``changed.images`` the
    images after: the exact truth for what changes one attribute and nothing else.

    Args:
        changed: ``open_data("pixelfaces-pairs")``, or any images with the categorical attributes
            ``of`` (the original's name), ``attribute`` (what was changed) and ``value`` (to what).
        originals: ``open_data("pixelfaces").part("test")``, or any images of these names that have
            the changed attributes.

    Raises:
        GanlensError: attributes or originals that are not there.
    """
    _need(changed, COLUMNS, "pixelfaces-pairs")
    of, attribute, after = (changed.attributes[name] for name in COLUMNS)
    _need(originals, np.unique(attribute).tolist(), "pixelfaces")
    row = {name: index for index, name in enumerate(originals.names.tolist())}
    missing = sorted(set(of.tolist()) - row.keys())
    if missing:
        raise GanlensError(
            f"{len(missing)} originals of {changed.spec!r}, such as {missing[0]}, are not in the "
            f"{originals.split} split of {originals.spec!r}: give "
            "open_data('pixelfaces').part('test')"
        )
    rows = np.array([row[name] for name in of.tolist()], dtype=np.int64)
    before = [originals.attributes[a][r] for a, r in zip(attribute.tolist(), rows, strict=True)]
    return Counterfactuals(rows, attribute, np.array(before, dtype=np.str_), after)


def _need(data: ImageSet, names: tuple[str, ...] | list[str], usual: str) -> None:
    missing = [name for name in names if name not in data.attributes]
    if missing:
        raise GanlensError(
            f"data {data.spec!r} has no attribute {', '.join(map(repr, missing))}: give {usual}"
        )
