"""The difference of two means: the paper's turn vector."""

from dataclasses import replace
from typing import Any

import numpy as np

from ganlens.directions.boundary import Extremes
from ganlens.directions.direction import Direction, unit_of
from ganlens.errors import GanlensError
from ganlens.models.prior import Prior
from ganlens.stats.auc import auc


def difference_of_means(
    positive: np.ndarray,
    negative: np.ndarray,
    name: str,
    prior: Prior,
    *,
    provenance: dict[str, Any] | None = None,
) -> Direction:
    """Return mean(positive) - mean(negative): the turn vector of Radford 2015, section 6.3.2.

    With few samples it is noisier than a boundary, and with equal covariances of both groups it
    points the way that Fisher's discriminant does, since the prior's coordinates are independent.

    Args:
        positive: (P, d) latents of samples that show it.
        negative: (Q, d) latents of samples that do not.
        name: what it stands for, an attribute expression.
        prior: of the latents.
        provenance: is put into the Direction.

    Returns:
        A Direction whose strength is the distance of the means in sigmas, and whose intercept is
        such that the point half-way between them is at 0.

    Raises:
        GanlensError: an empty group, or means that coincide.
    """
    if not len(positive) or not len(negative):
        raise GanlensError(f"{name!r} has a group without samples: give some of either kind")
    means = [np.asarray(z, np.float64).mean(0) for z in (positive, negative)]
    unit = unit_of(means[0] - means[1])
    middle = float((means[0] + means[1]) @ unit / 2) / prior.std
    return Direction(
        name=name,
        method="means",
        unit=unit,
        claim=name,
        intercept=-middle,
        strength=float(np.linalg.norm(means[0] - means[1])) / prior.std,
        metrics={"n_fit": len(positive) + len(negative)},
        provenance=dict(provenance or {}),
    )


def means_of_extremes(
    z: np.ndarray,
    split: Extremes,
    claim: str,
    prior: Prior,
    *,
    provenance: dict[str, Any] | None = None,
) -> Direction:
    """Do the same with the extremes of a boundary, and judge it on the held-out ones.

    Returns:
        A Direction as of ``difference_of_means``; metrics has "accuracy" and "auc" too.
    """
    inside = split.positive[split.fit]
    found = difference_of_means(
        z[split.fit[inside]], z[split.fit[~inside]], claim, prior, provenance=provenance
    )
    side = z[split.held_out] @ found.unit / prior.std + (found.intercept or 0.0)
    truth = split.positive[split.held_out]
    metrics = {
        **found.metrics,
        "accuracy": float(((side > 0) == truth).mean()),
        "auc": auc(side, truth),
        "n_held_out": len(truth),
    }
    return replace(found, metrics=metrics)
