"""The Inception score, from logits (Salimans et al. 2016, arXiv 1606.03498)."""

from itertools import pairwise
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_softmax

from ganlens.errors import GanlensError
from ganlens.stats.arrays import feature_array

SPLITS = 10  # as in the paper
SEED = 2020  # torch-fidelity's


def inception_score(
    logits: ArrayLike, *, splits: int = SPLITS, seed: int = SEED
) -> tuple[float, float]:
    """Inception score: exp of the mean KL(p(label | image) || p(label)), in float64.

    Args:
        logits: (N, classes) before the softmax, N at least ``splits``; those of the Inception
            network give the published score, those of another a score of its own.
        splits: parts of the shuffled rows, each of which is scored by itself.
        seed: of the shuffling; the default gives torch-fidelity's parts.

    Returns:
        Mean over the splits, 1 to the number of classes, and their standard deviation (divisor:
        the number of splits). The score grows with the images per split: compare at equal N only.

    Raises:
        GanlensError: fewer rows than splits, no splits, a seed out of range, NaN or infinity.
    """
    if not isinstance(splits, Integral) or splits < 1:
        raise GanlensError(f"{splits} splits: give a whole number of at least 1")
    if not 0 <= seed < 2**32:
        raise GanlensError(f"seed {seed} of an inception score: give 0 to {2**32 - 1}")
    logits = feature_array(logits, "the logits", splits)
    # The legacy generator, as torch-fidelity has it: another shuffle would be another value.
    order = np.random.RandomState(seed).permutation(len(logits))
    edges = [at * len(logits) // splits for at in range(splits + 1)]
    scores = [
        _score(logits[order[start:stop]].astype(np.float64)) for start, stop in pairwise(edges)
    ]
    return float(np.mean(scores)), float(np.std(scores))


def _score(logits: np.ndarray) -> float:
    log_p = log_softmax(logits, axis=1)
    p = np.exp(log_p)
    marginal = p.mean(axis=0)
    # A class that no image has at all adds 0, not 0 log 0.
    log_marginal = np.log(marginal, out=np.zeros_like(marginal), where=marginal > 0)
    return float(np.exp((p * (log_p - log_marginal)).sum(axis=1).mean()))
