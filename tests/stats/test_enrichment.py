"""The permutation test of the lowest values: its law, what it finds, what it refuses."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from ganlens.errors import GanlensError
from ganlens.stats.enrichment import enrichment, fewest_found


def test_honest_p_values_are_uniform() -> None:
    """Two dependent statistics, one law for both sides."""
    rng, p = np.random.default_rng(0), []
    for seed in range(300):
        first = rng.normal(size=400)
        values = np.stack([first, first + rng.normal(size=400)])
        p.append(enrichment(values[:, :100], values[:, 100:], permutations=99, seed=seed).p)
    assert scipy_stats.kstest(p, "uniform").pvalue > 0.01
    for a in (0.01, 0.05, 0.2):
        assert np.mean(np.array(p) <= a) <= a + 3 * np.sqrt(a / 300)


@pytest.mark.parametrize("copies", [4, 6, 10])
@pytest.mark.parametrize(("n", "m"), [(500, 2000), (300, 3000)])
def test_a_few_copies_are_found_that_a_test_of_all_distances_misses(
    copies: int, n: int, m: int
) -> None:
    rng = np.random.default_rng(copies)
    ours, null = rng.random(n), rng.random(m)
    ours[:copies] = 1e-6 * rng.random(copies)
    found = enrichment(ours, null)
    assert found.p <= 0.02
    assert found.below[0] >= copies
    assert scipy_stats.mannwhitneyu(ours, null, alternative="less").pvalue > 0.02


def test_one_depth_has_the_hypergeometric_p_value() -> None:
    """10 values in all are looked at in one depth, the 2 lowest: both are of the 5 samples."""
    found = enrichment(np.arange(5.0), np.arange(5.0) + 10, permutations=20_000)
    assert found.p == pytest.approx(5 / 10 * 4 / 9, abs=0.01)
    assert found.below.tolist() == [5]


def test_what_is_near_on_either_side_is_no_evidence() -> None:
    """The data hold duplicates: held-out images and samples alike are train images at times."""
    rng = np.random.default_rng(0)
    p = []
    for seed in range(200):
        values = np.where(rng.random(500) < 0.05, 0.0, rng.random(500))
        p.append(enrichment(values[:100], values[100:], permutations=99, seed=seed).p)
    for a in (0.02, 0.05, 0.2):
        assert np.mean(np.array(p) <= a) <= a + 3 * np.sqrt(a / 200)
    assert enrichment(np.zeros(50), np.zeros(100)).p == 1
    assert enrichment(np.zeros(50), np.ones(100)).p < 0.01


def test_the_order_of_the_values_and_their_scale_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    ours, null = rng.random(50), rng.random(150)
    one = enrichment(ours, null, seed=3)
    other = enrichment(1e-9 * rng.permutation(ours), 1e-9 * rng.permutation(null), seed=3)
    assert one.p == other.p
    assert one.p == enrichment(ours[None], null[None], seed=3).each[0]


@pytest.mark.parametrize(("n", "m"), [(500, 2000), (500, 500), (20, 10), (3, 1)])
def test_the_fewest_that_can_be_found_follow_from_the_counts(n: int, m: int) -> None:
    fewest = fewest_found(n, m, 0.05)
    law = scipy_stats.hypergeom(n + m, n, np.arange(1, n + 1)).pmf(np.arange(1, n + 1))
    expected = next((k + 1 for k, p in enumerate(law) if p <= 0.05), n + 1)
    assert fewest == expected


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: enrichment([], [1.0]), "values of samples"),
        (lambda: enrichment([1.0], [np.nan]), "values of the null holds NaN"),
        (lambda: enrichment(np.ones((2, 3)), np.ones((1, 3))), "2 and 1 statistics"),
        (lambda: enrichment([1.0], [1.0], permutations=0), "0 permutations"),
        (lambda: enrichment([1.0], [1.0], seed=-1), "from seed -1"),
        (lambda: fewest_found(0, 5), "n 0, m 5"),
        (lambda: fewest_found(5, 5, 1.5), "level 1.5"),
        (lambda: fewest_found(5, 5, float("nan")), "level nan"),
    ],
)
def test_bad_input_is_one_line(call, message) -> None:
    with pytest.raises(GanlensError, match=message):
        call()
