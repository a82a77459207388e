"""Agreement of units with concepts: areas under the ROC curve, and IoU with masks."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def unit_aucs(levels: np.ndarray, truths: np.ndarray) -> np.ndarray:
    """Tell how well each unit's mean activation separates samples with and without each concept.

    Args:
        levels: (N, C) mean activations.
        truths: (N, K) bool; each concept is shown by some samples and lacked by others.

    Returns:
        (C, K) areas under the ROC curve (Mann-Whitney; ties count half): below 0.5 where the unit
        is active where the concept is absent.
    """
    from scipy.stats import rankdata

    ranks = rankdata(levels, axis=0)  # (N, C)
    positive = truths.sum(0)  # (K,)
    negative = len(truths) - positive
    sums = ranks.T @ truths.astype(np.float64)
    return (sums - positive * (positive + 1) / 2) / (positive * negative)


def permuted_threshold(
    levels: np.ndarray, truths: np.ndarray, draws: int, seed: int, level: float = 0.05
) -> float:
    """Return the |AUC - 0.5| that no unit and no concept exceeds in 1 - level of permutations.

    The samples' labels are shuffled as whole rows; the largest value over all units and concepts
    bounds the chance of a single false finding (Westfall and Young 1993, max statistic).
    """
    rng = np.random.default_rng(seed)
    largest = [
        float(np.abs(unit_aucs(levels, truths[rng.permutation(len(truths))]) - 0.5).max())
        for _ in range(draws)
    ]
    return float(np.quantile(largest, 1 - level, method="higher"))


def thresholds(maps: Tensor, share: float) -> Tensor:
    """Return the (C,) levels that a share of each unit's activations exceeds (Bau 2019, 3.1)."""
    flat = maps.transpose(0, 1).flatten(1)
    return flat.quantile(1 - share, dim=1) if flat.shape[1] < 2**24 else _by_sorting(flat, share)


def _by_sorting(flat: Tensor, share: float) -> Tensor:
    kept = max(1, int(share * flat.shape[1]))
    return flat.topk(kept, dim=1).values[:, -1]


def unit_masks(maps: Tensor, levels: Tensor, size: tuple[int, int]) -> Tensor:
    """Return (N, C, H, W) bool: where units, upsampled bilinearly, exceed their levels."""
    large = F.interpolate(maps, size=size, mode="bilinear", align_corners=False)
    return large > levels[None, :, None, None]


def unit_ious(maps: Tensor, levels: Tensor, masks: np.ndarray, batch: int = 32) -> np.ndarray:
    """Return the (C,) intersections over unions of units' masks with a concept's masks.

    Both are summed over all samples, as in Network Dissection (Bau 2017, arXiv 1704.05796).

    Args:
        maps: (N, C, h, w) activations.
        levels: (C,) thresholds.
        masks: (N, H, W) bool.
        batch: samples at a time.
    """
    both = torch.zeros(maps.shape[1])
    either = torch.zeros(maps.shape[1])
    truth = torch.from_numpy(masks)[:, None]
    for start in range(0, len(maps), batch):
        found = unit_masks(maps[start : start + batch], levels, masks.shape[1:])
        own = truth[start : start + batch]
        both += (found & own).sum((0, 2, 3))
        either += (found | own).sum((0, 2, 3))
    return (both / either.clamp(min=1)).numpy()
