"""Agreement of units with concepts: areas under the ROC curve, and IoU with masks."""

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from ganlens.stats.auc import auc_table


def permuted_threshold(
    levels: np.ndarray, truths: np.ndarray, draws: int, seed: int, level: float = 0.05
) -> float:
    """Return the |AUC - 0.5| that no unit and no concept exceeds in 1 - level of permutations.

    The samples' labels are shuffled as whole rows; the largest value over all units and concepts
    bounds the chance of a single false finding (Westfall and Young 1993, max statistic).
    """
    rng = np.random.default_rng(seed)
    largest = [
        float(np.abs(auc_table(levels, truths[rng.permutation(len(truths))]) - 0.5).max())
        for _ in range(draws)
    ]
    return float(np.quantile(largest, 1 - level, method="higher"))


def unit_mask(maps: Tensor, share: float, size: tuple[int, int]) -> np.ndarray:
    """Return (N, H, W) bool: the share of positions at which one unit is most active.

    Its (N, h, w) maps are upsampled bilinearly first (Bau 2019, 3.1), and it is the upsampled
    values that the threshold leaves a share of: upsampling lowers peaks, and those of a rough map
    (an untrained network's) below nearly any threshold on the map itself.
    """
    large = F.interpolate(maps[:, None], size=size, mode="bilinear", align_corners=False)[:, 0]
    values = large.numpy()
    return np.asarray(values > np.quantile(values, 1 - share))


def unit_ious(maps: Tensor, share: float, masks: np.ndarray) -> np.ndarray:
    """Return the (C,) intersections over unions of units' masks with a concept's (N, H, W) masks.

    Both are summed over all samples, as in Network Dissection (Bau 2017, arXiv 1704.05796). A
    share of the positions in a unit's (N, C, h, w) activations counts as active.
    """
    found = []
    for unit in maps.unbind(1):
        active = unit_mask(unit, share, masks.shape[1:])
        found.append((active & masks).sum() / max((active | masks).sum(), 1))
    return np.array(found)
