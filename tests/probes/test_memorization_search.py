"""The search over shifts and flips against brute force; duplicates that were planted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_memorization import blobs, image_set

from ganlens.probes.memorization import hashing
from ganlens.probes.memorization.controls import shifted
from ganlens.probes.memorization.duplicates import find_duplicates
from ganlens.probes.memorization.search import feature_neighbors, pixel_neighbors


def noise(n: int, size: int = 16, channels: int = 3, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, size, size, channels)).astype(np.uint8)


def brute(queries: np.ndarray, base: np.ndarray, shifts: int, flips: bool) -> np.ndarray:
    """(N, M) least root mean squared difference over all shifts of each query."""
    size = base.shape[1]
    inner = base[:, shifts : size - shifts, shifts : size - shifts].astype(float) / 255
    best = np.full((len(queries), len(base)), np.inf)
    for way in (queries, queries[:, :, ::-1]) if flips else (queries,):
        for y in range(2 * shifts + 1):
            for x in range(2 * shifts + 1):
                side = size - 2 * shifts
                view = way[:, y : y + side, x : x + side].astype(float) / 255
                d = ((view[:, None] - inner) ** 2).mean(axis=(2, 3, 4))
                best = np.minimum(best, np.sqrt(d))
    return best


def test_without_shifts_small_sets_are_searched_as_by_brute_force() -> None:
    base, queries = noise(30), noise(12, seed=1)
    found = pixel_neighbors(queries, base)
    order = np.argsort(brute(queries, base, 0, False), axis=1)
    np.testing.assert_array_equal(found.index, order)  # each train image once
    expected = np.take_along_axis(brute(queries, base, 0, False), order, axis=1)
    np.testing.assert_allclose(found.distance, expected, rtol=1e-12)


@pytest.mark.parametrize(("shifts", "flips", "channels"), [(1, True, 1), (2, False, 3)])
def test_over_shifts_no_distance_is_too_small_and_few_are_too_large(
    shifts: int, flips: bool, channels: int
) -> None:
    """White noise, of which the low frequencies tell least, is the hardest case."""
    base, queries = noise(30, channels=channels), noise(40, channels=channels, seed=1)
    expected = brute(queries, base, shifts, flips)
    found = pixel_neighbors(queries, base, shifts, flips)
    assert found.distance.shape == (40, 30)
    assert (found.first >= expected.min(axis=1) * (1 - 1e-9)).all()
    assert (found.first <= expected.min(axis=1) * 1.05).all()
    assert all(len(set(row)) == 30 for row in found.index)
    assert (np.diff(found.distance, axis=1) >= 0).all()


def test_shifted_and_mirrored_copies_lie_at_distance_zero() -> None:
    base = blobs(300)
    moved = shifted(base[:50], 2, np.random.default_rng(0))
    assert (moved != base[:50]).any(axis=(1, 2, 3)).mean() > 0.9
    found = pixel_neighbors(moved[:, :, ::-1], base, shifts=2, flips=True)
    assert found.first.max() == 0
    np.testing.assert_array_equal(found.index[:, 0], np.arange(50))
    assert (pixel_neighbors(moved, base, shifts=0).first > 0).mean() > 0.9


def test_calibrated_distances_use_fifty_rivals() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=(80, 5))
    near = feature_neighbors([rng.normal(size=(9, 5))], base)
    assert near.distance.shape == (9, 50)
    np.testing.assert_allclose(near.calibrated, near.first / (0.5 * near.distance.mean(axis=1)))


def test_planted_duplicates_are_found_and_random_pairs_are_not() -> None:
    images = noise(400)
    images[:300] = blobs(300)
    images[250:255] = images[:5]  # within train
    images[390:395] = images[10:15]  # held-out copies of train images
    data = image_set(images, 300)
    samples = np.concatenate([images[20:23], blobs(27, seed=9)])
    found, pairs = find_duplicates(data.part("train"), data.part("test"), samples, seed=0)
    assert found["train"]["same_bytes"] == found["train"]["same_hash"] == 10
    assert found["held-out"]["same_bytes"] == 5
    assert found["generated"]["same_bytes"] == found["generated"]["same_hash"] == 3
    equal, near = (found[f"planted_found_{how}"] for how in ("by_equal_hash", "within_radius"))
    assert equal["the same again"] == near["the same again"] == 1
    assert near["2% noise"] >= equal["2% noise"]
    assert 0 <= found["radius_bits"] <= 64
    # 10 of 300 are twins: two of 300 * 299 ordered pairs for each of the 5.
    assert 0 < found["random_pairs_within_radius"] < 0.01
    np.testing.assert_array_equal(pairs[0, :5], pairs[1, :5])


def test_the_hash_is_kept_per_data_and_made_anew_when_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANLENS_CACHE", str(tmp_path))
    images = blobs(64)
    first = hashing.hasher(images, "one", 0)(images)
    files = list((tmp_path / "hashes").iterdir())
    assert len(files) == 1
    monkeypatch.setattr(hashing, "train_hasher", None)
    np.testing.assert_array_equal(hashing.hasher(images, "one", 0)(images), first)
    monkeypatch.undo()
    monkeypatch.setenv("GANLENS_CACHE", str(tmp_path))
    files[0].write_bytes(b"damaged")
    np.testing.assert_array_equal(hashing.hasher(images, "one", 0)(images), first)
    hashing.hasher(images, "two", 0)
    assert len(list((tmp_path / "hashes").iterdir())) == 2


def test_a_data_set_of_two_images_has_duplicates_counted() -> None:
    data = replace(image_set(blobs(5), 2))
    found, _ = find_duplicates(data.part("train"), data.part("test"), blobs(3, seed=4), seed=0)
    assert found["train"]["same_bytes"] == 0
    assert found["n_random_pairs"] > 0
