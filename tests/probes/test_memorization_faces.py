"""The claims of the memorization panel on real input: the shipped faces and their GAN."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats as scipy_stats

import ganlens
from ganlens.data import ImageSet, open_data
from ganlens.images import from_uint8, to_uint8
from ganlens.probes.memorization import Neighbors, NeighborsResult
from ganlens.probes.memorization.comparison import HELD_OUT, compare
from ganlens.probes.memorization.controls import COLLAPSED, noisy, shifted
from ganlens.probes.memorization.search import pixel_neighbors
from ganlens.stats.copying import copying_score
from ganlens.subject import Subject

N, EACH, TRAIN = 400, 20, 1500  # 5 % of the samples are copies of each of three kinds


@pytest.fixture(scope="module")
def faces() -> ImageSet:
    """1,500 train and 2,000 held-out faces."""
    data = open_data("pixelfaces")
    train, test = data.part("train"), data.part("test")
    images = np.concatenate([train.images[:TRAIN], test.images])
    names = np.concatenate([train.names[:TRAIN], test.names])
    bounds = {"train": (0, TRAIN), "test": (TRAIN, len(images))}
    prints = {"all": "faces", "train": "faces-train", "test": "faces-test"}
    return replace(
        data, images=images, names=names, bounds=bounds, labels=None, attributes={},
        fingerprint="faces", fingerprints=prints,
    )  # fmt: skip


class Mixed(Subject):
    """The shipped GAN, some of whose samples are given pictures: the seed picks the row."""

    pictures: np.ndarray

    def latents(self, seeds: object) -> torch.Tensor:
        return torch.tensor(list(seeds), dtype=torch.float32)[:, None]  # type: ignore[call-overload]

    def generate(self, z: torch.Tensor, *_: object, batch_size: int = 64) -> torch.Tensor:
        return from_uint8(self.pictures[z[:, 0].long().numpy()])


@pytest.fixture(scope="module")
def found(faces: ImageSet) -> NeighborsResult:
    """60 copies among 340 samples of the GAN, in this order: exact, noisy, shifted, generated."""
    real = ganlens.load("pixelfaces", "cpu")
    rng = np.random.default_rng(11)
    rows = rng.permutation(TRAIN)[: 3 * EACH].reshape(3, EACH)
    exact, noise, moved = (faces.images[r] for r in rows)
    samples = to_uint8(real.generate(real.latents(range(N - 3 * EACH))))
    subject = Mixed(real.networks, real.provenance)
    subject.pictures = np.concatenate([exact, noisy(noise, rng), shifted(moved, 2, rng), samples])
    result = Neighbors(n=N, duplicates=False).run(subject, faces)
    pixels = result.spaces[0].near["generated"]
    np.testing.assert_array_equal(pixels.index[: 3 * EACH, 0], rows.ravel())
    return result


def test_copies_in_the_mixture_are_found_and_held_out_faces_are_not(found: NeighborsResult) -> None:
    flagged = found.test.flagged[: 3 * EACH].reshape(3, EACH).mean(axis=1)
    assert flagged[0] >= 0.99
    assert flagged[1] >= 0.99
    assert flagged[2] >= 0.95
    assert {*found.order[: 2 * EACH].tolist()} <= {*range(3 * EACH)}  # the worst offenders first
    distance = np.min([space.relative(HELD_OUT) for space in found.spaces], axis=0)
    assert (distance <= found.test.threshold).mean() <= 0.01
    assert found.test.flagged[3 * EACH :].mean() <= 0.01
    assert found.test.p_count < 1e-9
    assert found.missed == ()


def test_a_collapsed_copier_moves_coverage_and_c_t_the_right_way(found: NeighborsResult) -> None:
    null, few = found.sets[HELD_OUT], found.sets[COLLAPSED]
    assert few["coverage_of_train"] < 0.3 < null["coverage_of_train"]
    assert few["C_T"] < -5
    assert abs(null["C_T"]) < 3
    assert few["authentic_percent"] < 5 < 30 < null["authentic_percent"]
    assert few["memorization_distance"] < null["memorization_distance"] / 5
    written = json.loads(json.dumps(found.summary(), allow_nan=False))
    assert written["duplicates"] is None
    assert "--duplicates" in written["reasons"]["duplicates"]


def test_a_generator_of_shrunk_latents_loses_coverage_and_is_no_copier(faces: ImageSet) -> None:
    """A quarter of each latent: less variety, farther from every face, so C_T must not fall."""
    real = ganlens.load("pixelfaces", "cpu")
    layer = [real.discriminator.feature_layers[-1]]
    z = real.latents(range(300))
    held = faces.part("test").batch(slice(0, 300))
    train = real.features(faces.part("train").batch(slice(0, 600)), layer, 2).numpy()

    def scores(x: torch.Tensor) -> tuple[float, np.ndarray]:
        rows = real.features(x, layer, 2).numpy()
        coverage = ganlens.stats.density_coverage(train[:300], rows)[1]
        return coverage, ganlens.stats.nearest(rows, train)[0][:, 0]

    (whole, near), (shrunk, far) = scores(real.generate(z)), scores(real.generate(z / 4))
    assert shrunk < 0.5 < 0.9 < whole
    null = scores(held)[1]
    ours, theirs = copying_score(near, null).value, copying_score(far, null).value
    assert ours is not None
    assert theirs is not None
    assert theirs > ours + 2


def test_p_values_of_honest_faces_are_uniform_over_20_splits(faces: ImageSet) -> None:
    """Held-out faces split at random into samples and null: both tests, Kolmogorov-Smirnov."""
    held = np.asarray(faces.part("test").images)
    near = pixel_neighbors(held[:1200], faces.part("train").images[:700], shifts=1).first
    rng = np.random.default_rng(3)
    shift, count = [], []
    for _ in range(20):
        order = rng.permutation(len(near))
        ours, null = near[order[:500]], near[order[500:]]
        test = compare(ours, null)
        shift.append(test.p_shift)
        # The count is a whole number: its p-value is made continuous by drawing within the step.
        k = int(0.01 * (len(null) + 1))
        law = scipy_stats.betabinom(len(ours), k, len(null) + 1 - k)
        n = int(test.flagged.sum())
        assert test.p_count == pytest.approx(law.sf(n - 1))
        count.append(law.sf(n) + rng.random() * law.pmf(n))
    assert scipy_stats.kstest(shift, "uniform").pvalue > 0.05
    assert scipy_stats.kstest(count, "uniform").pvalue > 0.05
