"""The search for copies: neighbours, the null, its p-values, and copies that must be caught."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from fake_subject import TINY, FakeSubject, fake_subject, hooks
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.images import from_uint8
from ganlens.panels import FigurePanel, ImagePanel, TablePanel
from ganlens.probes.memorization import Neighbors, NeighborsResult
from ganlens.probes.memorization.comparison import compare
from ganlens.probes.memorization.search import feature_neighbors


def blobs(n: int, size: int = 16, seed: int = 0) -> np.ndarray:
    """(N, H, W, 3) uint8: smooth random pictures."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (n, 4, 4, 3)).astype(np.uint8)
    return np.repeat(np.repeat(coarse, size // 4, axis=1), size // 4, axis=2)


def image_set(images: np.ndarray, train: int) -> ImageSet:
    return ImageSet(
        spec="blobs",
        images=images,
        labels=None,
        class_names=(),
        attributes={},
        names=np.array([f"{i}.png" for i in range(len(images))]),
        split="all",
        bounds={"train": (0, train), "test": (train, len(images))},
        split_source="declared",
        fingerprint="all",
        fingerprints={"all": "all", "train": "tr", "test": "te"},
    )


class Copier(FakeSubject):
    """A generator that draws given pictures: the seed picks the row."""

    pictures: np.ndarray

    def latents(self, seeds: object) -> torch.Tensor:
        return torch.tensor(list(seeds), dtype=torch.float32)[:, None]  # type: ignore[call-overload]

    def generate(self, z: torch.Tensor, *_: object, batch_size: int = 64) -> torch.Tensor:
        return from_uint8(self.pictures[z[:, 0].long().numpy()])


def copier(pictures: np.ndarray) -> Copier:
    fake = fake_subject(TINY)
    found = Copier(fake.generator, fake.discriminator, config=TINY)
    found.pictures = pictures
    return found


@pytest.fixture(scope="module")
def mixed() -> NeighborsResult:
    """100 samples, of which rows 10 to 19 copy train rows 50 to 59."""
    data = image_set(blobs(500), 300)
    samples = blobs(100, seed=7)
    samples[10:20] = data.images[50:60]
    return Neighbors(n=100, shown=10).run(copier(samples), data)


def test_copies_are_found_named_and_put_first(mixed: NeighborsResult) -> None:
    assert sorted(mixed.order[:10]) == list(range(10, 20))
    for space in mixed.spaces:
        assert (space.near["generated"].index[10:20, 0] == np.arange(50, 60)).all()
        assert space.near["generated"].first[10:20].max() < 1e-6
        assert space.test.flagged[10:20].all()
        assert space.test.p_count < 1e-3  # the least that 100 held-out images allow
        assert (space.near["generated"].ratio[10:20] < 1e-5).all()
    assert mixed.summary()["pixels"]["exact_copies"] == 10
    pictures = mixed.pictures
    np.testing.assert_array_equal(pictures[0], pictures[1])  # the sample above what it copies
    np.testing.assert_array_equal(pictures[0], pictures[2])


def test_honest_samples_are_not_flagged() -> None:
    found = Neighbors(n=200).run(copier(blobs(200, seed=5)), image_set(blobs(500), 300))
    for space in found.spaces:
        assert space.test.p_count > 0.01
        assert space.test.p_shift > 0.01
        assert space.test.flagged.mean() < 0.05


def test_the_controls_are_caught(mixed: NeighborsResult) -> None:
    for space in mixed.spaces:
        assert {*space.tests} == {"generated", *mixed["controls_flagged"]}
        for kind in ("exact copies", "copies with 2% noise"):
            assert space.tests[kind].flagged.all()
    assert {*mixed["controls_flagged"]} == {
        "exact copies",
        "copies with 2% noise",
        "shifted copies",
    }
    assert mixed.missed == ()
    assert mixed.spaces[0].tests["shifted copies"].flagged.all()


def test_mirrored_copies_need_flips() -> None:
    data = image_set(blobs(500), 300)
    samples = blobs(60, seed=7)
    samples[:20] = data.images[:20, :, ::-1]
    subject = copier(samples)
    without = Neighbors(n=60, space="pixels").run(subject, data).spaces[0]
    with_flips = Neighbors(n=60, space="pixels", flips=True).run(subject, data).spaces[0]
    assert without.test.flagged[:20].mean() < 0.2
    assert with_flips.test.flagged[:20].all()
    assert with_flips.tests["mirrored copies"].flagged.all()
    assert (with_flips.near["generated"].index[:20, 0] == np.arange(20)).all()
    assert (
        with_flips.near["generated"].index[:, 0] != with_flips.near["generated"].index[:, 1]
    ).all()


def test_distances_are_per_coordinate_and_in_brightness() -> None:
    base = np.zeros((3, 4, 4, 3), np.uint8)
    base[1], base[2] = 51, 255
    points = base.reshape(3, -1) / np.float32(255)
    near = feature_neighbors([points[:1] + 0.05], points)
    np.testing.assert_allclose(near.distance[:, :2], [[0.05, 0.15]], rtol=1e-5)
    np.testing.assert_array_equal(near.index[:, :2], [[0, 1]])
    np.testing.assert_allclose(near.ratio, [1 / 3], rtol=1e-5)


def test_the_flagged_count_has_its_exact_law() -> None:
    """Samples and null from one law: P(p <= a) is at most a, and the expected share is right."""
    rng = np.random.default_rng(0)
    runs = [compare(rng.random(60), rng.random(150)) for _ in range(600)]
    p = np.array([run.p_count for run in runs])
    shift = np.array([run.p_shift for run in runs])
    for a in (0.01, 0.05, 0.2):
        assert (p <= a).mean() <= a + 3 * np.sqrt(a / 600)
        assert abs((shift <= a).mean() - a) < 4 * np.sqrt(a / 600)
    shares = np.array([run.flagged.mean() for run in runs])
    error = shares.std() / np.sqrt(len(shares))  # the null's own threshold varies, too
    assert abs(shares.mean() - runs[0].level) < 3 * error < runs[0].level / 3


def test_held_out_images_that_are_train_images_raise_no_alarm() -> None:
    """One held-out image in ten is an exact duplicate of a train image, and so is one sample."""
    rng = np.random.default_rng(0)

    def distances(count: int) -> np.ndarray:
        return np.where(rng.random(count) < 0.1, 0.0, rng.random(count))

    runs = [compare(distances(100), distances(200)) for _ in range(400)]
    p = np.array([run.p_count for run in runs])
    for a in (0.01, 0.05, 0.2):
        assert (p <= a).mean() <= a + 3 * np.sqrt(a / 400)
    assert abs(np.mean([r.flagged.mean() - r.level for r in runs])) < 0.01
    copies = compare(np.where(rng.random(100) < 0.4, 0.0, rng.random(100)), distances(200))
    assert copies.p_count < 1e-4
    assert compare(np.zeros(5), np.zeros(5)).p_count > 0.05


@given(st.integers(2, 40), st.integers(2, 300), st.integers(0, 5))
@settings(max_examples=30, deadline=None)
def test_percentiles_and_levels_stay_in_range(n: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = compare(rng.random(n), rng.random(m))
    assert 0 < found.level <= max(0.01, 1 / (m + 1))
    assert ((found.percentile >= 0) & (found.percentile <= 100)).all()
    assert 0 <= found.p_count <= 1
    order = np.sort(rng.random(m))
    assert compare(order, order).percentile[-1] == 100


def test_the_summary_is_json_and_comparable(mixed: NeighborsResult) -> None:
    summary = json.loads(json.dumps(mixed.summary(), allow_nan=False))
    assert summary["n_generated"] == summary["n_held_out"] == 100
    assert summary["n_train"] == 300
    assert {"hash", "data_fingerprint", "seed", "quantisation", "split", "flips"} <= {*summary}
    assert summary["network_precision"] == "32-true"
    assert summary["controls_caught"] is True
    assert summary["worst_seeds"][0] in range(10, 20)
    few = summary["few_copies"]
    assert few["n_held_out"] == 200  # the whole split, where the other tests take as many as n
    assert sorted(few["seeds_nearer_than_all_held_out"]) == list(range(10, 20))
    assert summary["p_copying"] == min(few["p"] / 0.9, summary["p_flagged"] / (1 - 0.9)) < 0.01


def test_networks_run_in_the_precision_that_is_recorded() -> None:
    data, probe = image_set(blobs(60), 40), Neighbors(n=20, duplicates=False)
    plain = probe.run(fake_subject(TINY), data)
    with torch.autocast("cpu", torch.bfloat16):
        again = probe.run(fake_subject(TINY), data)
    np.testing.assert_array_equal(plain.distances, again.distances)


def test_the_panels_show_pictures_distances_and_tables(mixed: NeighborsResult) -> None:
    panels = mixed.panels()
    kinds = [ImagePanel] * 2 + [TablePanel] * 6 + [FigurePanel] * 2
    assert [type(panel) for panel in panels] == kinds
    assert [panel.title for panel in panels[2:8]] == [
        "Worst offenders",
        "Is it copying?",
        "A few copies among many samples?",
        "Would a copy be caught?",
        "Whole sets against the training data",
        "Duplicates",
    ]
    assert panels[0].image.shape == (3 * 18 - 2, 10 * 18 - 2, 3)
    assert "the 10 generated images of 100" in panels[0].caption
    assert "the nearest of 100;" in panels[1].caption
    summary = mixed.summary()
    offenders, tests, few, controls, sets, duplicates = (
        [dict(zip(table.columns, row, strict=True)) for row in table.rows] for table in panels[2:8]
    )
    assert [row["seed"] for row in offenders] == summary["worst_seeds"]
    assert offenders[0]["pixels: train image"] == summary["worst_nearest"]["pixels"]
    assert offenders[0]["pixels: d1 (RMS, brightness range)"] == 0
    assert [row["space"] for row in tests] == ["pixels", "discriminator", "either"]
    assert tests[0]["flagged (%)"] == 100 * summary["too_near_in_pixels"]
    assert tests[0]["held-out d1"] == summary["pixels"]["median_distance_held_out"]
    assert tests[2]["p"] == summary["p_flagged"]
    assert few[0]["p"] == summary["few_copies"]["p"]
    planted = {row["set"].removeprefix("with copies, "): row["p"] for row in few[1:]}
    assert planted == summary["few_copies"]["p_with_planted_copies"]
    assert f"{summary['p_copying']:.2g}" in panels[4].caption
    assert {row["copies"]: row["caught (%)"] for row in controls} == {
        kind: 100 * share for kind, share in summary["controls_flagged"].items()
    }
    assert sets[0]["generated"] == summary["sets"]["generated"]["C_T"]
    assert duplicates[0]["same bytes"] == summary["duplicates"]["train"]["same_bytes"]
    axis = panels[-2].figure.layout.xaxis.title.text
    assert axis == "distance to the nearest train image (RMS, brightness range)"
    assert "not one verdict" in panels[3].caption


def test_few_held_out_images_are_used_and_counted() -> None:
    found = Neighbors(n=50, space="pixels").run(copier(blobs(50, seed=2)), image_set(blobs(60), 50))
    assert found.summary()["n_held_out"] == 10
    assert found.spaces[0].test.level == pytest.approx(1 / 11)
    assert found.held_out_pictures.shape[:2] == (2, 8)


def test_without_a_discriminator_pixels_remain() -> None:
    subject = copier(blobs(30, seed=2))
    del subject.networks["discriminator"]
    data = image_set(blobs(90), 60)
    assert [s.name for s in Neighbors(n=30).run(subject, data).spaces] == ["pixels"]
    with pytest.raises(GanlensError, match="has no discriminator: choose --space pixels"):
        Neighbors(n=30, space="discriminator").run(subject, data)


def test_the_same_seed_gives_the_same_result_and_leaves_nothing_behind() -> None:
    fake, data = fake_subject(TINY), image_set(blobs(90), 60)
    probe = Neighbors(n=20, shown=30, seed=3)
    a, b = probe.run(fake, data), probe.run(fake, data)
    np.testing.assert_array_equal(a.pictures, b.pictures)
    assert a.summary() == b.summary()
    assert a.pictures.shape[1] == 20
    assert hooks(fake.generator, fake.discriminator) == 0


def test_bad_input_is_one_line() -> None:
    fake, data = fake_subject(TINY), image_set(blobs(90), 60)
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"space": "taste"}, "space 'taste' is not known: choose from pixels"),
        ({"split": "val"}, "split 'val' is not known: choose from train, test"),
        ({"n": 1}, "n 1 is out of range: give 2 to 100,000"),
        ({"n": 10**13}, "n 10000000000000 is out of range: give 2 to 100,000"),
        ({"shown": 0}, "shown 0 is too small: give at least 1"),
        ({"shifts": 3}, "shifts 3: give 0 to 2 pixels"),
        ({"seed": -1}, "seed -1"),
        ({"seed": 2**63 - 9}, "seed 9223372036854775799 of 500"),
    )
    for changes, problem in cases:
        with pytest.raises(GanlensError, match=problem):
            Neighbors(**changes).run(fake, data)
    with pytest.raises(GanlensError, match="needs data"):
        Neighbors().run(fake)
    with pytest.raises(GanlensError, match="do not fit"):
        Neighbors().run(fake, image_set(blobs(90, 32), 60))
    with pytest.raises(GanlensError, match="no test images"):
        Neighbors().run(fake, replace(data, bounds={"train": (0, 90), "test": (90, 90)}))
