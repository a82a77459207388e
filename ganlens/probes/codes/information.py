"""Lower bounds of the mutual information of a code and the image (Barber and Agakov 2003).

For any distribution q that reads the code c off the image x, I(c; x) >= H(c) + E[ln q(c | x)]. A
bound below 0 says that q is worse than not looking; the information itself is never below 0, so
such a bound says nothing. The numbers are given as they are.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ganlens.models.prior import Part
from ganlens.probes.codes.parts import Codes

LEAST = 1e-38  # probability that a reader is taken to give: float32 rounds smaller ones to 0
EVEN = 1e-3  # by which the probabilities of a reader may miss a sum of 1


@dataclass(frozen=True)
class Read:
    """What a reader says of N images.

    Attributes:
        probabilities: categorical code -> (N, K).
        means: continuous coordinate -> (N,).
    """

    probabilities: Mapping[str, np.ndarray]
    means: Mapping[str, np.ndarray]


def entropy(part: Part) -> float:
    """Return the entropy of one coordinate in nats; of a categorical part that of its value.

    ln K of K values, ln 2 of U(-1, 1), ln(2 pi e) / 2 of N(0, 1). The last two are differential
    entropies: the information of a continuous code is not bounded by them.
    """
    if part.kind == "categorical":
        return math.log(part.dim)
    return math.log(2) if part.kind == "uniform" else 0.5 * math.log(2 * math.pi * math.e)


def categorical_bound(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Return ln K minus the cross-entropy, in nats; at most ln K, the code's entropy.

    Args:
        truth: (N,) int64 values of the code.
        probabilities: (N, K) of the reader, rows of sum 1.
    """
    said = probabilities[np.arange(len(truth)), truth].astype(np.float64)
    return math.log(probabilities.shape[1]) + float(np.log(np.maximum(said, LEAST)).mean())


def gaussian_bound(truth: np.ndarray, means: np.ndarray, part: Part) -> float | None:
    """Return the entropy minus a Gaussian's negative log-likelihood, in nats.

    The variance is that of the residuals of the first half, the likelihood that of the second.

    Args:
        truth: (N,) values of the coordinate.
        means: (N,) of the reader.
        part: that the coordinate belongs to.

    Returns:
        The bound; None where every residual of the first half is 0, so that there is no Gaussian.
    """
    squares = (np.asarray(truth, np.float64) - np.asarray(means, np.float64)) ** 2
    half = len(squares) // 2
    variance = float(squares[:half].mean())
    if variance <= 0:
        return None
    unlikely = 0.5 * math.log(2 * math.pi * variance) + squares[half:].mean() / (2 * variance)
    return entropy(part) - float(unlikely)


def bounds(codes: Codes, truth: Mapping[str, np.ndarray], read: Read) -> dict[str, float | None]:
    """Return the bound of each code that was read, by its name, all on the second half.

    Args:
        codes: of the prior.
        truth: code -> (N,), as ``Codes.values``.
        read: what a reader says of the N images.
    """
    found = dict[str, float | None]()
    for part in codes.categorical:
        if (said := read.probabilities.get(part.name)) is not None:
            half = len(said) // 2
            found[part.name] = categorical_bound(truth[part.name][half:], said[half:])
    for one in codes.continuous:
        if (means := read.means.get(one.name)) is not None:
            found[one.name] = gaussian_bound(truth[one.name], means, one.part)
    return found


def own_reading(codes: Codes, encoded: np.ndarray) -> tuple[Read, str]:
    """Take apart what the model's own encoder says: (N, d) in the layout of the latents.

    Returns:
        What it says of each code, and a sentence on what could not be used ("" if nothing).
    """
    probabilities, unused = dict[str, np.ndarray](), []
    for part in codes.categorical:
        rows = encoded[:, codes.prior.columns(part.name)]
        if (rows >= 0).all() and np.abs(rows.sum(1) - 1).max() < EVEN:
            probabilities[part.name] = rows
        else:
            unused.append(part.name)
    means = {one.name: encoded[:, one.column] for one in codes.continuous}
    said = f"the encoder gives no probabilities of {', '.join(unused)}" if unused else ""
    return Read(probabilities, means), said
