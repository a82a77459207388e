"""A few copies among many real pictures are found, honest ones are not accused."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats as scipy_stats

from ganlens.data import ImageSet, open_data
from ganlens.probes.memorization.few import essence, find_few, mirror_twins
from ganlens.stats.enrichment import enrichment

TRAIN = 1500


@pytest.fixture(scope="module")
def faces() -> tuple[np.ndarray, np.ndarray]:
    """1,500 train and 2,000 held-out faces."""
    data: ImageSet = open_data("pixelfaces")
    return data.part("train").images[:TRAIN], np.asarray(data.part("test").images)


def test_five_copies_among_500_honest_faces_are_found_of_every_kind(
    faces: tuple[np.ndarray, np.ndarray],
) -> None:
    """The planted kinds are the probe's own controls, judged among held-out faces as samples."""
    train, held = faces
    rows = np.random.default_rng(1).permutation(len(held))
    found = find_few(train, held[rows[:500]], held[rows[500:]], shifts=2, seed=0)
    assert found.n_planted == 5
    assert len(found.planted) == 7
    assert {"exact", "mirrored", "moved by up to 2 pixels", "JPEG at quality 50"} <= {
        *found.planted
    }
    assert max(found.planted.values()) <= 0.025  # twice that is at most 0.05
    assert found.p > 0.05
    assert found.flips
    assert found.fewest <= 5
    # Random splits of these 2,000 faces: p-values are uniform.
    pooled, rng = np.concatenate([found.relative, found.null], 1), np.random.default_rng(2)
    assert len(pooled) == 2
    p = []
    for seed in range(200):
        one = pooled[:, rng.permutation(pooled.shape[1])]
        p.append(enrichment(one[:, :500], one[:, 500:], permutations=99, seed=seed).p)
    assert scipy_stats.kstest(p, "uniform").pvalue > 0.01
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_the_copies_themselves_are_named(faces: tuple[np.ndarray, np.ndarray]) -> None:
    train, held = faces
    samples = held[:100].copy()
    samples[[7, 50, 93]] = train[[3, 4, 5], :, ::-1]
    found = find_few(train, samples, held[100:700], shifts=0, seed=0)
    assert sorted(found.nearer[:3]) == [7, 50, 93]
    assert found.relative[:, [7, 50, 93]].max() < 1e-6
    assert found.p <= 0.02
    assert "moved by up to 2 pixels" not in found.planted


@pytest.mark.parametrize("channels", [1, 3])
def test_the_essence_does_not_change_with_brightness_and_contrast(channels: int) -> None:
    x = np.random.default_rng(0).integers(40, 200, (5, 16, 12, channels)).astype(np.uint8)
    plain = essence(x).astype(int)
    for other in (x // 2, x + 50, 255 - (255 - x) // 2):
        assert np.abs(essence(other.astype(np.uint8)) - plain).max() <= 3
    assert np.abs(essence(255 - x) - plain).max() > 50
    assert (essence(np.full_like(x, 7)) == 128).all()


def test_averaging_leaves_a_copy_near_its_image_where_noise_alone_parted_them(
    faces: tuple[np.ndarray, np.ndarray],
) -> None:
    """Noise of neighbouring pixels is independent, what a picture shows is not."""
    train, _ = faces
    noise = np.random.default_rng(0).normal(0, 15, train[:50].shape)
    noisy = np.clip(train[:50] + noise, 0, 255).astype(np.uint8)

    def apart(side: int) -> float:
        plain, other, next_one = (
            essence(x, side).astype(float) for x in (train[:50], noisy, train[50:100])
        )
        return float(np.square(plain - other).mean() / np.square(plain - next_one).mean())

    assert apart(3) < 0.5 * apart(1)
    assert essence(train[:2], 3).shape == (2, 30, 30, 3)


def test_noisy_copies_are_nearer_where_they_are_averaged(
    faces: tuple[np.ndarray, np.ndarray],
) -> None:
    train, held = faces
    noise = np.random.default_rng(0).normal(0, 15, train[:20].shape)
    noisy = np.clip(train[:20] + noise, 0, 255).astype(np.uint8)
    as_they_are, averaged = find_few(train[:500], noisy, held[:100], shifts=0, seed=0).relative
    assert np.mean(averaged < 0.8 * as_they_are) > 0.9


def test_images_too_small_to_be_averaged_are_compared_as_they_are() -> None:
    x = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 3)).astype(np.uint8)
    assert len(find_few(x[:40], x[40:50], x[50:], shifts=1, seed=0).relative) == 2
    assert len(find_few(x[:40], x[40:50], x[50:], shifts=2, seed=0).relative) == 1


def test_colour_noise_is_smoothed_and_structure_is_not() -> None:
    x = np.random.default_rng(0).integers(60, 190, (4, 16, 16, 3)).astype(np.uint8)
    moved = x.astype(int)
    checker = 20 * (-1) ** np.add.outer(np.arange(16), np.arange(16))[..., None]
    colour = np.array([0.587, -0.299, 0.0])  # leaves the luma as it is
    changed = np.clip(moved + checker * colour / 0.587, 0, 255).astype(np.uint8)
    brighter = np.clip(moved + checker, 0, 255).astype(np.uint8)
    plain = essence(x).astype(int)
    assert np.abs(essence(changed) - plain).mean() < 0.3 * np.abs(essence(brighter) - plain).mean()


def test_data_that_are_mirrored_by_nature_are_recognised() -> None:
    x = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 3)).astype(np.uint8)
    symmetric = np.concatenate([x, x[:, :, ::-1]], axis=2)
    assert mirror_twins(x) == 0
    assert mirror_twins(symmetric) == 1
    assert mirror_twins(np.concatenate([x, x[:, :, ::-1]])) == 1
    assert mirror_twins(np.concatenate([x, x[:20, :, ::-1]])) == pytest.approx(40 / 80)
    found = find_few(symmetric, symmetric[:20], symmetric[20:40], shifts=0, seed=0)
    assert not found.flips
    assert "mirrored" not in found.planted


def test_few_held_out_images_cannot_show_a_few_copies_and_that_is_said() -> None:
    x = np.random.default_rng(0).integers(0, 256, (140, 8, 8, 1)).astype(np.uint8)
    samples = x[100:130].copy()
    samples[0] = x[0]
    found = find_few(x[:100], samples, x[130:], shifts=0, seed=0)
    assert found.fewest > found.n_planted
    assert found.p > 0.05
    assert replace(found, null=np.ones((1, 10_000))).fewest <= 2
