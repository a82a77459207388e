"""Moments of features from a file, as a reference: the check of their network, and the scores."""

from contextlib import suppress
from typing import Any

import numpy as np

from ganlens import stats
from ganlens.errors import GanlensError
from ganlens.features import check_comparable
from ganlens.plain import loads
from ganlens.probes.fidelity.result import SCORES

EXTRACTOR = "extractor"  # the note that describes the features
UNKNOWN = (
    "The file does not say which network, resizing and precision its moments come from: the "
    "distance means something only if they were the same."
)
NO_IMAGES = "the reference is a file of moments: there are no real images to compare"


def check_same_network(moments: stats.ReferenceMoments, network: dict[str, Any]) -> None:
    """Check the description beside moments, where there is one, against a network.

    Raises:
        GanlensError: another network, or a note that is not ganlens's.
    """
    note = moments.notes.get(EXTRACTOR)
    if note is None:
        return None
    with suppress(ValueError, RecursionError):
        if isinstance(found := loads(note), dict):
            return check_comparable(found, network)
    raise GanlensError(
        f"the moments' note {EXTRACTOR!r} is not ganlens's ({note[:40]!r}): make the moments anew, "
        "or leave the note out"
    )


def scores_of_moments(
    moments: stats.ReferenceMoments, features: np.ndarray, k: int, k_density: int
) -> dict[str, Any]:
    """Return scores as ``stats.quality`` does: against moments the distance alone is defined.

    Raises:
        GanlensError: (N, D) features of another D.
    """
    if features.shape[1] != len(moments.mean):
        ours = features.shape[1]
        raise GanlensError(
            f"moments of {len(moments.mean)} features do not fit the extractor's {ours}: "
            "choose the extractor that they were made with"
        )
    return {
        "fd": stats.frechet_distance(moments.mean, moments.cov, *stats.mean_cov(features)),
        **dict.fromkeys((*SCORES, "kid_std", "kid_standard_error", "kid_subset_size")),
        "k": k,
        "k_density": k_density,
        "n_real": moments.n,
        "n_fake": len(features),
        "dimensions": features.shape[1],
        "reasons": dict.fromkeys(SCORES, NO_IMAGES),
    }
