"""InterFaceGAN: the boundary between samples that show an attribute and samples that do not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ganlens import svm
from ganlens.directions.direction import Direction, unit_of
from ganlens.errors import GanlensError
from ganlens.models.prior import Prior
from ganlens.stats.auc import auc

EXTREME = 0.02  # share of the samples taken from either end, as in the paper
PER_COORDINATE = (
    10  # ... but never fewer than this many per latent coordinate, if there are so many
)
HELD_OUT = 0.3


@dataclass(frozen=True)
class Extremes:
    """Which samples a boundary is fitted to and judged on.

    Attributes:
        fit: indices of the samples to fit to.
        held_out: indices of the others.
        positive: (N,) bool over all samples: which of them belong to the upper end.
    """

    fit: np.ndarray
    held_out: np.ndarray
    positive: np.ndarray


def extremes(
    scores: np.ndarray, *, share: float = EXTREME, least: int = 0, seed: int = 0
) -> Extremes:
    """Take both ends of (N,) scores and split them 70 to 30.

    Args:
        scores: higher where the attribute shows more.
        share: of all samples, taken from either end, above 0 and at most 0.5.
        least: samples from either end at least, as far as there are so many: with few samples 2 %
            are fewer than a boundary in d dimensions needs.
        seed: of the split.

    Raises:
        GanlensError: a share out of range, scores that are not finite or all equal, or too few.
    """
    if not 0 < share <= 0.5:
        raise GanlensError(f"extreme share {share:g} is out of range: give above 0, at most 0.5")
    if len(scores) < 20 or not np.isfinite(scores).all() or np.ptp(scores) == 0:
        raise GanlensError(
            f"a boundary needs at least 20 samples with finite scores that differ, not "
            f"{len(scores)}"
        )
    taken = min(max(round(share * len(scores)), least, 10), len(scores) // 2)
    order = np.argsort(scores, kind="stable")
    positive = np.zeros(len(scores), dtype=bool)
    positive[order[-taken:]] = True
    rng, cut = np.random.default_rng(seed), round(taken * (1 - HELD_OUT))
    # Either end is split by itself, so that both parts stay balanced.
    ends = [rng.permutation(end) for end in (order[:taken], order[-taken:])]
    fit = np.sort(np.concatenate([end[:cut] for end in ends]))
    return Extremes(fit, np.sort(np.concatenate([end[cut:] for end in ends])), positive)


def boundaries(
    z: np.ndarray,
    scores: np.ndarray,
    claims: Sequence[str],
    prior: Prior,
    *,
    share: float = EXTREME,
    least: int | None = None,
    c: float = 1.0,
    seed: int = 0,
    provenance: dict[str, Any] | None = None,
) -> list[Direction]:
    """Fit one linear SVM per attribute (InterFaceGAN, Shen 2020, arXiv 2005.09635).

    The samples are scored, the extremes of both ends are kept and split 70 to 30, a linear L2-SVM
    separates those of the larger part, and its normal is the direction. The other part says how
    good it is.

    Args:
        z: (N, d) latents.
        scores: (K, N), one row per claim.
        claims: K attribute expressions.
        prior: of the latents; the SVM sees them in sigmas.
        share: see ``extremes``.
        least: see ``extremes``; by default 10 samples per coordinate.
        c: the SVM's cost.
        seed: of the split.
        provenance: is put into each Direction.

    Returns:
        One Direction per claim, with the intercept; metrics has "accuracy" and "auc" on the
        held-out extremes, "n_fit" and "n_held_out". Its strength is that AUC.

    Raises:
        GanlensError: see ``extremes``.
    """
    least = PER_COORDINATE * prior.dim if least is None else least
    split = [extremes(row, share=share, least=least, seed=seed) for row in scores]
    signs = np.zeros((len(claims), len(z)), dtype=np.int8)
    for row, one in zip(signs, split, strict=True):
        row[one.fit] = np.where(one.positive[one.fit], 1, -1)
    x = np.asarray(z, np.float32) / np.float32(prior.std)
    found = svm.fit(x, signs, c, svm.scaling(x, "none"))
    weights = found.weights.double().cpu().numpy()
    about = {**(provenance or {}), "extreme_share": share, "least": least, "svm_c": c, "seed": seed}
    return [_boundary(weights[i], x, split[i], claim, about) for i, claim in enumerate(claims)]


def _boundary(
    weights: np.ndarray, x: np.ndarray, split: Extremes, claim: str, about: dict[str, Any]
) -> Direction:
    length = float(np.linalg.norm(weights[:-1]))
    unit, intercept = unit_of(weights[:-1]), float(weights[-1]) / length
    side = x[split.held_out] @ unit + intercept
    truth = split.positive[split.held_out]
    score = auc(side, truth)
    metrics = {
        "accuracy": float(((side > 0) == truth).mean()),
        "auc": score,
        "n_fit": len(split.fit),
        "n_held_out": len(split.held_out),
    }
    return Direction(claim, "boundary", unit, claim, intercept, score, None, None, metrics, about)


def conditional(direction: Direction, others: Sequence[Direction]) -> Direction:
    """Take out of a direction what lies along others: n - N^T (N N^T)^-1 N n (Shen 2020).

    Moving along the result leaves every ``z @ other.unit`` as it is, so that no other boundary is
    approached. Others that depend on each other linearly are no trouble (the inverse is a pseudo
    one). What is left has no boundary of its own, hence no intercept.

    Args:
        direction: n.
        others: rows of N; may be empty.

    Returns:
        A Direction of method "conditional"; metrics["kept"] is the length of what was left of n (1
        where nothing had to go).

    Raises:
        GanlensError: nothing is left: the direction lies in the span of the others.
    """
    n, left = direction.unit.astype(np.float64), direction.unit.astype(np.float64)
    if others:
        rows = np.stack([one.unit for one in others]).astype(np.float64)
        left = n - np.linalg.pinv(rows, rcond=1e-6) @ (rows @ n)
    kept = float(np.linalg.norm(left))
    if kept < 1e-3:
        raise GanlensError(
            f"nothing is left of direction {direction.name!r} without the {len(others)} others: "
            "condition on fewer"
        )
    return Direction(
        name=f"{direction.name}, others held",
        method="conditional",
        unit=unit_of(left),
        claim=direction.claim,
        strength=kept,
        metrics={"kept": kept},
        provenance={**direction.provenance, "held": [one.name for one in others]},
    )
