"""Kernel distance and Inception score against torch-fidelity, brute force and closed forms."""

import numpy as np
import pytest
import torch

from ganlens import stats
from ganlens.errors import GanlensError


def features(n, d, seed, shift=0.0):
    return np.maximum(np.random.default_rng(seed).normal(shift, 1, size=(n, d)), 0)


def reference(x, y, **settings):
    from torch_fidelity.metric_kid import kid_features_to_metric

    named = {f"kid_{key}": value for key, value in settings.items()}
    found = kid_features_to_metric(
        torch.from_numpy(x), torch.from_numpy(y), verbose=False, rng_seed=2020, **named
    )
    return found["kernel_inception_distance_mean"], found["kernel_inception_distance_std"]


@pytest.mark.parametrize(
    ("n", "m", "subsets", "size"), [(1100, 700, 20, 300), (900, 1300, 3, 50)],
    ids=["all pairs", "subset by subset"],
)  # fmt: skip
def test_kernel_distance_equals_torch_fidelity(n, m, subsets, size):
    x, y = features(n, 32, 1), features(m, 32, 2, 0.1)
    ours = stats.kernel_distance(x, y, subsets=subsets, subset_size=size)
    expected = reference(x, y, subsets=subsets, subset_size=size)
    assert (ours.mean, ours.std) == pytest.approx(expected, rel=1e-9)
    assert (ours.subsets, ours.subset_size) == (subsets, size)


def test_the_defaults_are_torch_fidelitys_also_in_float32():
    x = features(1050, 16, 3).astype(np.float32)
    y = features(1020, 16, 4, 0.2).astype(np.float32)
    ours = stats.kernel_distance(x, y)
    # torch-fidelity computes in the float32 that it is given.
    assert (ours.mean, ours.std) == pytest.approx(reference(x, y), rel=1e-4)


def test_another_kernel_and_seed_equal_brute_force():
    x, y = features(30, 5, 5), features(30, 5, 6, 0.5)
    ours = stats.kernel_distance(
        x, y, subsets=4, subset_size=30, degree=2, gamma=0.3, coef0=0.5, seed=9
    )

    def k(a, b):
        return (0.3 * a @ b + 0.5) ** 2

    own = [
        sum(k(s[i], s[j]) for i in range(30) for j in range(30) if i != j) / (30 * 29)
        for s in (x, y)
    ]
    cross = np.mean([k(a, b) for a in x for b in y])
    assert ours.mean == pytest.approx(sum(own) - 2 * cross, rel=1e-10)
    assert ours.std == pytest.approx(0, abs=1e-12)  # every subset is the whole set


def test_kernel_distance_of_equal_populations_is_within_its_standard_error():
    found = [
        stats.kernel_distance(features(200, 8, seed), features(300, 8, seed + 100), subset_size=200)
        for seed in range(30)
    ]
    means, errors = (
        np.array([getattr(f, key) for f in found]) for key in ("mean", "standard_error")
    )
    assert means.min() < 0 < means.max()  # unbiased around 0
    assert abs(means.mean()) < 4 * means.std() / np.sqrt(30)
    assert np.mean(np.abs(means) < 2 * errors) > 0.8
    assert np.mean(errors) < 3 * means.std()


def test_kernel_distance_standard_error_is_the_spread_over_new_samples():
    for size in (150, 50):  # both ways to compute it
        found = [
            stats.kernel_distance(
                features(300, 8, s), features(250, 8, s + 500, 0.4), subsets=10, subset_size=size
            )
            for s in range(60)
        ]
        spread = np.std([f.mean for f in found])
        assert np.mean([f.standard_error for f in found]) == pytest.approx(spread, rel=0.3)


def test_kernel_distance_names_the_minimum():
    few, many = features(10, 3, 1), features(1000, 3, 1)
    with pytest.raises(GanlensError, match=r"at least 1,000 rows on either side and got 10:"):
        stats.kernel_distance(few, many)
    with pytest.raises(GanlensError, match="at least 1 subset, 2 rows"):
        stats.kernel_distance(few, few, subset_size=1)
    with pytest.raises(GanlensError, match="3 and 4 dimensions"):
        stats.kernel_distance(few, features(10, 4, 1), subset_size=5)


# Inception score


@pytest.mark.parametrize(("n", "splits"), [(103, 10), (40, 1), (7, 7)])
def test_inception_score_equals_torch_fidelity(n, splits):
    from torch_fidelity.metric_isc import isc_features_to_metric

    logits = 4 * np.random.default_rng(n).normal(size=(n, 50)).astype(np.float32)
    found = isc_features_to_metric(torch.from_numpy(logits), splits=splits)
    expected = found["inception_score_mean"], found["inception_score_std"]
    assert stats.inception_score(logits, splits=splits) == pytest.approx(expected, rel=1e-9)


def test_inception_score_of_certain_labels_is_their_number():
    # Certain and evenly spread: as many as there are classes. Always the same label: 1.
    logits = np.tile(1e4 * np.eye(5), (20, 1))
    assert stats.inception_score(logits, splits=1) == pytest.approx((5, 0))
    assert stats.inception_score(logits[::5], splits=4) == pytest.approx((1, 0))


def test_inception_score_needs_an_image_per_split():
    with pytest.raises(GanlensError, match="9 rows: at least 10"):
        stats.inception_score(np.zeros((9, 4)))
    with pytest.raises(GanlensError, match="0 splits"):
        stats.inception_score(np.zeros((9, 4)), splits=0)
