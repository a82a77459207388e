"""Statistics against closed forms, reference implementations and brute force."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

from ganlens import stats
from ganlens.errors import GanlensError
from ganlens.stats.neighbors import exact_squared


def rng(seed=0):
    return np.random.default_rng(seed)


def correlated(n, d, seed=0, shift=0.0):
    generator = rng(seed)
    mix = generator.normal(size=(d, d)) / np.sqrt(d)
    return (generator.normal(size=(n, d)) @ mix + shift).astype(np.float32)


def distances(a, b):
    a, b = a.astype(np.float64), b.astype(np.float64)
    return np.stack([np.sqrt(np.square(row - b).sum(1)) for row in a])


# Moments


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(0, 9), min_size=1, max_size=6), seed=st.integers(0, 99))
def test_moments_in_batches_equal_numpy(sizes, seed):
    sizes = [*sizes, 2]
    x = rng(seed).normal(
        1e6, 1, size=(sum(sizes), 3)
    )  # a mean that would swallow raw outer products
    moments = stats.Moments()
    for part in np.split(x, np.cumsum(sizes)[:-1]):
        moments.update(part)
    assert moments.count == len(x)
    np.testing.assert_allclose(moments.mean, x.mean(0), rtol=1e-14)
    np.testing.assert_allclose(moments.cov, np.cov(x, rowvar=False), rtol=1e-7, atol=1e-9)


def test_mean_cov_is_float64_over_float32_rows_and_many_chunks():
    x = correlated(9000, 3, shift=1000)
    mean, cov = stats.mean_cov(x)
    assert mean.dtype == cov.dtype == np.float64
    np.testing.assert_allclose(cov, np.cov(x.astype(np.float64), rowvar=False), rtol=1e-9)


def test_moments_refuse_what_is_undefined():
    for bad in (lambda m: m.mean, lambda m: m.update(np.zeros((1, 2))).cov):
        with pytest.raises(GanlensError, match="undefined"):
            bad(stats.Moments())
    with pytest.raises(GanlensError, match="NaN"):
        stats.Moments().update(np.array([[np.nan, 0.0]]))
    with pytest.raises(GanlensError, match="3 dimensions after"):
        stats.Moments().update(np.zeros((2, 2))).update(np.zeros((2, 3)))


# Fréchet distance


def spd(d, seed):
    factor = rng(seed).normal(size=(d, d))
    return factor @ factor.T / d + 0.1 * np.eye(d)


def test_frechet_closed_forms():
    cov, mean = spd(6, 1), rng(2).normal(size=6)
    assert stats.frechet_distance(mean, cov, mean, cov) == pytest.approx(0, abs=1e-12)
    # Equal covariances: the squared distance of the means.
    shifted = stats.frechet_distance(mean, cov, mean + 3, cov)
    assert shifted == pytest.approx(54, rel=1e-12)
    # Commuting covariances: sum of (sd_a - sd_b)^2.
    a, b = np.array([1.0, 4.0, 9.0]), np.array([16.0, 1.0, 0.25])
    value = stats.frechet_distance(np.zeros(3), np.diag(a), np.ones(3), np.diag(b))
    assert value == pytest.approx(3 + ((np.sqrt(a) - np.sqrt(b)) ** 2).sum(), rel=1e-12)
    # One dimension, as plain numbers.
    assert stats.frechet_distance(0.0, 4.0, 1.0, 9.0) == pytest.approx(2, rel=1e-12)


def test_frechet_is_symmetric_and_equals_sqrtm():
    mean_a, mean_b = rng(3).normal(size=(2, 20))
    cov_a, cov_b = spd(20, 4), spd(20, 5)
    root = linalg.sqrtm(cov_a @ cov_b).real
    expected = ((mean_a - mean_b) ** 2).sum() + np.trace(cov_a + cov_b - 2 * root)
    assert stats.frechet_distance(mean_a, cov_a, mean_b, cov_b) == pytest.approx(expected, rel=1e-9)
    assert stats.frechet_distance(mean_b, cov_b, mean_a, cov_a) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("n", [400, 40], ids=["n>d", "n<d"])
def test_frechet_from_features_equals_torch_fidelity(n):
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    a, b = correlated(n, 64, 1), correlated(n, 64, 2, shift=0.2)
    both = [fid_features_to_statistics(torch.from_numpy(x)) for x in (a, b)]
    expected = fid_statistics_to_metric(*both, verbose=False)["frechet_inception_distance"]
    ours = stats.frechet_distance_from_features(a, b)
    assert ours == pytest.approx(expected, rel=1e-6 if n > 64 else 1e-4)
    through_moments = stats.frechet_distance(*stats.mean_cov(a), *stats.mean_cov(b))
    assert ours == pytest.approx(through_moments, rel=1e-9 if n > 64 else 1e-6)


@settings(max_examples=40, deadline=None)
@given(n=st.integers(2, 12), m=st.integers(2, 12), d=st.integers(1, 12), seed=st.integers(0, 99))
def test_both_forms_agree_at_every_shape(n, m, d, seed):
    a, b = rng(seed).normal(size=(n, d)), rng(seed + 1).normal(1, 2, size=(m, d))
    value = stats.frechet_distance_from_features(a, b)
    moments = stats.frechet_distance(*stats.mean_cov(a), *stats.mean_cov(b))
    assert value == pytest.approx(moments, rel=1e-6, abs=1e-6)
    assert stats.frechet_distance_from_features(a, a) == pytest.approx(0, abs=1e-9)


def test_frechet_of_singular_covariances_is_exact():
    # Rank 3 in 40 dimensions, rotated: the closed form is that of the 3 dimensions.
    turn = np.linalg.qr(rng(6).normal(size=(40, 40)))[0]
    a, b = np.zeros(40), np.zeros(40)
    a[:3], b[:3] = (1, 4, 9), (4, 4, 1)
    value = stats.frechet_distance(np.zeros(40), turn * a @ turn.T, np.zeros(40), turn * b @ turn.T)
    assert value == pytest.approx(((np.sqrt(a) - np.sqrt(b)) ** 2).sum(), rel=1e-9)


@pytest.mark.parametrize("smallest", [-4, -10, -18], ids=["mild", "harsh", "singular"])
def test_frechet_of_ill_conditioned_covariances_that_do_not_commute(smallest):
    # cov_b = m cov_a m with the transport map m: (cov_a cov_b)^(1/2) has the trace of cov_a m.
    turn, other = (np.linalg.qr(rng(seed).normal(size=(80, 80)))[0] for seed in (7, 8))
    cov_a = turn * np.logspace(0, smallest, 80) @ turn.T
    m = other * np.logspace(0.5, -2, 80) @ other.T
    cov_b = m @ cov_a @ m
    difference = m - np.eye(80)
    expected = np.trace(difference @ cov_a @ difference)
    zero = np.zeros(80)
    for first, second in ((cov_a, cov_b), (cov_b, cov_a)):
        assert stats.frechet_distance(zero, first, zero, second) == pytest.approx(
            expected, rel=1e-7
        )


def test_one_singular_covariance_is_enough_for_the_cholesky_form():
    thin, full = correlated(10, 64, 3), correlated(300, 64, 4)
    # The same by another road: singular values of factors, without any covariance.
    expected = stats.frechet_distance_from_features(thin, full)
    moments = (*stats.mean_cov(thin), *stats.mean_cov(full))
    assert stats.frechet_distance(*moments) == pytest.approx(expected, rel=1e-6)
    swapped = (*moments[2:], *moments[:2])
    assert stats.frechet_distance(*swapped) == pytest.approx(expected, rel=1e-6)


def test_constant_features_give_numbers():
    constant, other = np.full((10, 3), 0.1), rng(8).normal(size=(10, 3))
    assert stats.frechet_distance_from_features(constant, constant) == pytest.approx(0, abs=1e-12)
    expected = ((other.mean(0) - 0.1) ** 2).sum() + other.var(0, ddof=1).sum()
    value = stats.frechet_distance_from_features(constant, other)
    assert value == pytest.approx(expected, rel=1e-9)
    assert stats.frechet_distance_from_features(constant[:2], other) == pytest.approx(expected)
    column = stats.frechet_distance_from_features(other[:, 0], constant[:, 0])
    assert column == pytest.approx((other[:, 0].mean() - 0.1) ** 2 + other[:, 0].var(ddof=1))


def test_frechet_names_what_is_wrong():
    eye = np.eye(2)
    with pytest.raises(GanlensError, match="1 rows: at least 2"):
        stats.frechet_distance_from_features(np.zeros((1, 4)), np.zeros((5, 4)))
    with pytest.raises(GanlensError, match="3 and 4 dimensions"):
        stats.frechet_distance_from_features(np.zeros((5, 3)), np.zeros((5, 4)))
    with pytest.raises(GanlensError, match="NaN"):
        stats.frechet_distance(np.array([np.nan, 0]), eye, np.zeros(2), eye)
    with pytest.raises(GanlensError, match=r"\(2,\)"):
        stats.frechet_distance(np.zeros(2), np.eye(3), np.zeros(2), eye)
    with pytest.raises(GanlensError, match="asymmetric"):
        stats.frechet_distance(np.zeros(2), np.array([[1, 2], [0, 1.0]]), np.zeros(2), eye)


@pytest.mark.parametrize("other", ["definite", "singular"])
def test_frechet_refuses_an_indefinite_matrix(other):
    # Positive variances, but |covariance| above their product: no data has these moments.
    bad, zero = np.eye(30), np.zeros(30)
    bad[0, 1] = bad[1, 0] = 1.5
    good = spd(30, 1) if other == "definite" else np.diag([0.0] + [1.0] * 29)
    for covs in ((bad, good), (good, bad)):
        with pytest.raises(GanlensError, match=r"negative eigenvalue \(-.*is no covariance"):
            stats.frechet_distance(zero, covs[0], zero, covs[1])


def test_frechet_takes_covariances_rounded_to_float32():
    covs = [stats.mean_cov(correlated(n, 40, n))[1] for n in (20, 200)]
    mean = np.zeros(40)
    rounded = [cov.astype(np.float32) for cov in covs]
    expected = stats.frechet_distance(mean, covs[0], mean, covs[1])
    assert stats.frechet_distance(mean, rounded[0], mean, rounded[1]) == pytest.approx(
        expected, rel=1e-4
    )


@pytest.mark.parametrize("n", [30, 700], ids=["N<d", "N>d"])
def test_a_set_is_at_distance_zero_from_itself_and_from_a_shuffle(n):
    # As behind a ReLU: columns that never vary, large means, a spectrum over many decades.
    x = correlated(n, 200, 3) * np.logspace(2, -5, 200, dtype=np.float32)
    x = np.maximum(x, 0)
    for other in (x, x[::-1]):
        value = stats.frechet_distance_from_features(x, other)
        assert value == pytest.approx(0, abs=1e-6)


# Nearest neighbours


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(1, 30), m=st.integers(1, 60), d=st.integers(1, 8), seed=st.integers(0, 99),
    grid=st.booleans(),
)  # fmt: skip
def test_nearest_equals_brute_force_ties_included(n, m, d, seed, grid):
    generator = rng(seed)
    draw = (lambda s: generator.integers(0, 3, s).astype(float)) if grid else generator.normal
    queries = draw(size=(n, d)) if not grid else draw((n, d))
    base = draw(size=(m, d)) if not grid else draw((m, d))
    k = generator.integers(1, m + 1)
    found, indices = stats.nearest(queries, base, k)
    expected = distances(queries, base)
    order = np.argsort(expected, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_allclose(found, np.take_along_axis(expected, order, 1), rtol=1e-14)


def test_nearest_sees_a_copy_where_float32_products_do_not():
    base = (rng(1).normal(size=(3000, 300)) + 1000).astype(np.float32)
    queries = base[:40].copy()
    queries[:, 0] += 0.0045
    found, indices = stats.nearest(queries, base, 1)
    np.testing.assert_array_equal(indices[:, 0], np.arange(40))
    np.testing.assert_allclose(found[:, 0], 0.0045, rtol=0.02)  # float32 spacing at 1000 is 6e-5
    copies, _ = stats.nearest(base[:40], base, 1)
    assert (copies == 0).all()


def test_nearest_in_crowds_of_equal_distances():
    base = np.repeat(rng(2).normal(size=(5, 4)), 200, axis=0)  # 200 copies of 5 points
    found, indices = stats.nearest(base[::200], base, 3)
    assert (found == 0).all()
    np.testing.assert_array_equal(indices, np.arange(5)[:, None] * 200 + np.arange(3))
    found, indices = stats.nearest(base, base, 2, exclude_self=True)
    assert (found == 0).all()
    assert (indices != np.arange(1000)[:, None]).all()


def test_nearest_excludes_self_by_index():
    x = correlated(300, 10)
    full = distances(x, x)
    np.fill_diagonal(full, np.inf)
    found, indices = stats.nearest(x, x, 4, exclude_self=True)
    np.testing.assert_array_equal(indices, np.argsort(full, 1, kind="stable")[:, :4])
    np.testing.assert_allclose(found, np.sort(full, 1)[:, :4], rtol=1e-13)


def test_nearest_far_outliers_and_huge_values():
    base = rng(3).normal(size=(100, 3)) * 1e20
    queries = np.concatenate([base[:2] * 1e12, base[5:6]])
    expected = distances(queries, base)
    found, indices = stats.nearest(queries, base, 2)
    np.testing.assert_array_equal(indices, np.argsort(expected, 1, kind="stable")[:, :2])
    assert found[2, 0] == 0


def test_nearest_crosses_chunks_and_takes_memory_maps(tmp_path):
    base, queries = correlated(5000, 6, 4), correlated(2500, 6, 5)
    np.save(tmp_path / "base.npy", base)
    mapped = np.load(tmp_path / "base.npy", mmap_mode="r")
    found, indices = stats.nearest(queries, mapped, 2)
    rows = [0, 1023, 1024, 2499]
    expected = distances(queries[rows], base)
    np.testing.assert_array_equal(indices[rows], np.argsort(expected, 1, kind="stable")[:, :2])
    np.testing.assert_allclose(found[rows], np.sort(expected, 1)[:, :2], rtol=1e-13)


@pytest.mark.parametrize(("k", "own"), [(0, False), (6, False), (5, True)])
def test_nearest_names_the_valid_k(k, own):
    with pytest.raises(GanlensError, match=f"choose from 1 to {5 - own}"):
        stats.nearest(np.zeros((5, 2)), np.zeros((5, 2)), k, exclude_self=own)


def test_radii_among_many_copies_and_beside_an_outlier():
    # Copies leave faiss's bound without proof, and so does an outlier that stretches the scale.
    x = correlated(400, 6, 8)
    x[:100] = x[0]
    x[399] *= 1e7
    full = distances(x, x)
    np.fill_diagonal(full, np.inf)
    from ganlens.stats.neighbors import squared_nearest

    for ties in (True, False):
        squared, _ = squared_nearest(x, x, 5, exclude_self=True, ties=ties)
        np.testing.assert_allclose(np.sqrt(squared), np.sort(full, 1)[:, :5], rtol=1e-13)
    _, indices = stats.nearest(x, x, 5, exclude_self=True)
    np.testing.assert_array_equal(indices, np.argsort(full, 1, kind="stable")[:, :5])


def test_float64_search_crosses_groups(monkeypatch):
    base = np.round(correlated(500, 2, 9) * 2)  # a coarse grid: crowds of ties everywhere
    expected = stats.nearest(base, base, 3)
    order = np.argsort(distances(base, base), 1, kind="stable")[:, :3]
    np.testing.assert_array_equal(expected[1], order)
    monkeypatch.setattr("ganlens.stats.neighbors.ELEMENTS", 1200)
    np.testing.assert_array_equal(stats.nearest(base, base, 3)[1], order)


def test_exact_distances_do_not_depend_on_layout():
    # Ties are decided by equality, so the same pair must give the same bits everywhere.
    x, y = rng(5).normal(size=(2, 50, 300))
    batch = np.square(y[None].repeat(3, 0) - x).sum(-1)
    one_by_one = [exact_squared(x[i : i + 1], y[i : i + 1])[0] for i in range(50)]
    np.testing.assert_array_equal(batch[1], one_by_one)
    np.testing.assert_array_equal(exact_squared(y, x), one_by_one)


# Precision, recall, density, coverage


def brute_scores(real, fake, k, strict):
    def radii(x):
        full = distances(x, x)
        np.fill_diagonal(full, np.inf)
        return np.sort(full, 1)[:, k - 1]

    less = np.less if strict else np.less_equal
    cross = distances(fake, real)
    in_real, in_fake = less(cross, radii(real)), less(cross, radii(fake)[:, None])
    return (
        in_real.any(1).mean(), in_fake.any(0).mean(), in_real.sum(1).mean() / k,
        in_real.any(0).mean(),
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(n=st.integers(7, 40), m=st.integers(7, 40), d=st.integers(1, 6), seed=st.integers(0, 99),
       grid=st.booleans())  # fmt: skip
def test_manifold_scores_equal_brute_force_ties_included(n, m, d, seed, grid):
    real, fake = rng(seed).normal(size=(n, d)), rng(seed + 1).normal(0.3, 1, size=(m, d))
    if grid:  # squares of small whole numbers: equal distances everywhere, all exact
        real, fake = np.round(real * 1.5), np.round(fake * 1.5)
    precision, recall = stats.precision_recall(real, fake, k=3)
    density, coverage = stats.density_coverage(real, fake, k=5)
    assert (precision, recall) == pytest.approx(brute_scores(real, fake, 3, False)[:2])
    assert (density, coverage) == pytest.approx(brute_scores(real, fake, 5, True)[2:])
    both = stats.manifold_scores(real, fake)
    assert tuple(both.values()) == (precision, recall, density, coverage)


def test_precision_recall_equal_torch_fidelity():
    from torch_fidelity.metric_prc import prc_features_to_metric

    real, fake = correlated(500, 24, 1), correlated(400, 24, 1, shift=0.15)[:, ::-1].copy()
    reference = prc_features_to_metric(
        torch.from_numpy(fake), torch.from_numpy(real), verbose=False, save_cpu_ram=False
    )
    ours = stats.precision_recall(real, fake)
    assert ours == pytest.approx((reference["precision"], reference["recall"]), abs=1e-7)
    assert 0.05 < ours[0] < 0.999


def test_density_coverage_equal_prdc():
    from prdc import compute_prdc

    real, fake = correlated(500, 24, 1), correlated(400, 24, 1, shift=0.15)[:, ::-1].copy()
    reference = compute_prdc(real.astype(np.float64), fake.astype(np.float64), nearest_k=5)
    ours = stats.density_coverage(real, fake)
    assert ours == pytest.approx((reference["density"], reference["coverage"]), rel=1e-12)
    assert 0.05 < ours[1] < 0.999


def test_manifold_scores_cross_chunks(monkeypatch):
    real, fake = correlated(300, 5, 1), correlated(200, 5, 2)
    whole = stats.manifold_scores(real, fake)
    monkeypatch.setattr("ganlens.stats.manifold.ELEMENTS", 2000)
    assert stats.manifold_scores(real, fake) == whole


def test_manifold_scores_of_known_arrangements():
    x = rng(9).normal(size=(60, 4))
    same = stats.manifold_scores(x, x)
    assert same["precision"] == same["recall"] == same["coverage"] == 1
    far = stats.manifold_scores(x, x + 100)
    assert set(far.values()) == {0}
    # All points equal: distance and radius are 0, so "<=" holds and "<" does not.
    same = np.full((20, 3), 0.1)
    expected = {"precision": 1, "recall": 1, "density": 0, "coverage": 0}
    assert stats.manifold_scores(same, same) == expected
    # A mode-shrunk set is precise but covers little.
    shrunk = np.repeat(x[:3], 20, axis=0) + rng(10).normal(0, 1e-3, (60, 4))
    scores = stats.manifold_scores(x, shrunk)
    assert scores["precision"] == 1
    assert scores["coverage"] < 0.5
    assert scores["recall"] < 0.2


def test_quality_is_the_single_statistics_in_one_call():
    real, fake = correlated(80, 6, 1), correlated(50, 6, 2)
    scores = stats.quality(real, fake, subset_size=40)
    assert scores["fd"] == stats.frechet_distance_from_features(real, fake)
    assert (scores["precision"], scores["recall"]) == stats.precision_recall(real, fake, 3)
    assert (scores["density"], scores["coverage"]) == stats.density_coverage(real, fake, 5)
    kernel = stats.kernel_distance(fake, real, subset_size=40)
    assert (scores["kid"], scores["kid_std"]) == (kernel.mean, kernel.std)
    assert (scores["kid_standard_error"], scores["kid_subset_size"]) == (kernel.standard_error, 40)
    assert (scores["n_real"], scores["n_fake"], scores["dimensions"]) == (80, 50, 6)
    assert scores["reasons"] == {}


@pytest.mark.parametrize("name", stats.METRICS)
def test_quality_computes_only_what_is_asked(name, monkeypatch):
    real, fake = correlated(80, 6, 1), correlated(50, 6, 2)
    whole = stats.quality(real, fake, subset_size=40)
    others = {"fd": "frechet_distance_from_features", "kid": "kernel_distance"}
    for other, function in others.items():
        if other != name:
            monkeypatch.delitem(stats.quality.__globals__, function)
    scores = stats.quality(real, fake, subset_size=40, metrics=[name])
    assert set(stats.METRICS) & set(scores) == {name}
    assert scores.items() <= whole.items()


def test_quality_names_the_metrics():
    with pytest.raises(GanlensError, match="no metric fid: choose from fd, kid, precision"):
        stats.quality(np.zeros((5, 2)), np.zeros((5, 2)), metrics=["fid"])


@pytest.mark.parametrize(
    ("n", "missing"),
    [(1, {"fd", "kid", "precision", "recall", "density", "coverage"}),
     (3, {"kid", "precision", "recall", "density", "coverage"}),
     (5, {"kid", "density", "coverage"}), (6, {"kid"}), (12, set())],
)  # fmt: skip
def test_quality_says_why_a_value_is_undefined(n, missing):
    scores = stats.quality(correlated(n, 3), correlated(n, 3, 1), subset_size=12)
    assert {name for name in stats.METRICS if scores[name] is None} == missing
    assert missing == set(scores["reasons"])
    asked = stats.quality(correlated(n, 3), correlated(n, 3, 1), metrics=["fd"])
    assert set(asked["reasons"]) == missing & {"fd"}


# Principal axes


@pytest.mark.parametrize("n", [300, 6], ids=["n>d", "n<d"])
def test_principal_axes_equal_scikit_learn(n):
    from sklearn.decomposition import PCA

    x = correlated(n, 8)
    reference = PCA(2, svd_solver="full").fit(x.astype(np.float64))
    mean, axes, shares = stats.principal_axes(x)
    np.testing.assert_allclose(mean, reference.mean_, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(np.abs(axes @ reference.components_.T), np.eye(2), atol=1e-6)
    np.testing.assert_allclose(shares, reference.explained_variance_ratio_, rtol=1e-6)
    assert (np.take_along_axis(axes, np.abs(axes).argmax(1)[:, None], 1) > 0).all()


def test_principal_axes_of_one_dimension_and_of_nothing():
    mean, axes, shares = stats.principal_axes(np.array([1.0, 3.0]))
    assert (mean.tolist(), axes[:, 0].tolist(), shares.tolist()) == ([2], [1, 0], [1, 0])
    assert (stats.principal_axes(np.full((5, 3), 2.0))[2] == 0).all()


@pytest.mark.parametrize("value", [1e160, -1e300, np.inf, np.nan, 1j])
def test_numbers_whose_squares_overflow_are_refused(value: complex) -> None:
    good = np.random.default_rng(0).normal(size=(9, 3))
    bad = good * value
    for measure in (stats.frechet_distance_from_features, stats.precision_recall, stats.nearest):
        with pytest.raises(GanlensError, match="holds"):
            measure(bad, good)
    assert np.isfinite(stats.frechet_distance_from_features(good * 1e140, good))


@pytest.mark.parametrize("bad", [["a", "b"], [[1.0, 2.0], [3.0]], [None, object()]])
def test_what_is_no_array_of_numbers_is_one_line(bad: list) -> None:
    with pytest.raises(GanlensError, match=r"^features is .*numbers$"):
        stats.mean_cov(bad)


def test_numbers_at_the_ends_of_float64_are_right_or_refused() -> None:
    x = np.random.default_rng(0).normal(size=(20, 3))
    with pytest.raises(GanlensError, match="too large for float64"):
        stats.frechet_distance(np.full(3, 1e200), np.eye(3), np.zeros(3), np.eye(3))
    with pytest.raises(GanlensError, match="too large for float64"):
        stats.frechet_distance_from_features(x * 1e100, x * 1e100)
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(GanlensError, match="too large for float64"),
    ):
        stats.kernel_distance(x, x, subset_size=9, gamma=1e150)
    assert (stats.nearest(x * 1e-200, x * 1e-200, 1)[1][:, 0] < 20).all()
