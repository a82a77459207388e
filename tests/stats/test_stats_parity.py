"""Every metric on features of real images, beside the function that made it known."""

import numpy as np
import pytest
import torch

from ganlens import stats
from ganlens.data import open_data


@pytest.fixture(scope="module")
def faces() -> tuple[np.ndarray, np.ndarray]:
    """Real images and a worse set: 500 faces, and 420 others that noise has spoilt, as 8 x 8 px."""
    images = open_data("pixelfaces").images
    rng = np.random.default_rng(0)
    order = rng.permutation(len(images))[:920]
    small = images[np.sort(order)].astype(np.float64)[rng.permutation(920)]
    step = small.shape[1] // 8
    pooled = small.reshape(920, 8, step, 8, step, -1).mean((2, 4)).reshape(920, -1) / 127.5 - 1
    return pooled[:500], pooled[500:] + rng.normal(0, 0.05, pooled[500:].shape)


def test_frechet_distance_equals_pytorch_fid(faces, monkeypatch):
    from pytorch_fid import fid_score

    root = fid_score.linalg.sqrtm  # pytorch-fid passes ``disp``, which newer scipy has no more
    monkeypatch.setattr(fid_score.linalg, "sqrtm", lambda m, disp=True: (root(m), 0.0))
    moments = [m for x in faces for m in (x.mean(axis=0), np.cov(x, rowvar=False))]
    expected = fid_score.calculate_frechet_distance(*moments)
    assert stats.frechet_distance(*moments) == pytest.approx(expected, rel=1e-6)
    assert stats.frechet_distance_from_features(*faces) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("size", [400, 60])
def test_kernel_distance_equals_torch_fidelity(faces, size):
    from torch_fidelity.metric_kid import kid_features_to_metric

    theirs = kid_features_to_metric(
        *map(torch.from_numpy, faces), kid_subsets=12, kid_subset_size=size, verbose=False
    )
    ours = stats.kernel_distance(*faces, subsets=12, subset_size=size)
    assert ours.mean == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-8)
    assert ours.std == pytest.approx(theirs["kernel_inception_distance_std"], rel=1e-6)


def test_precision_and_recall_equal_torch_fidelity(faces):
    from torch_fidelity.metric_prc import prc_features_to_metric

    real, fake = map(torch.from_numpy, faces)
    theirs = prc_features_to_metric(fake, real, verbose=False, save_cpu_ram=False)
    ours = stats.precision_recall(*faces)
    assert ours == pytest.approx((theirs["precision"], theirs["recall"]), rel=1e-4)
    assert 0.05 < min(ours) < 0.95


def test_density_and_coverage_equal_prdc(faces):
    from prdc import compute_prdc

    theirs = compute_prdc(*faces, nearest_k=5)
    ours = stats.density_coverage(*faces)
    assert ours == pytest.approx((theirs["density"], theirs["coverage"]), rel=1e-9)
    assert 0.05 < ours[1] < 0.99
