"""Top images and guided backpropagation: the search, the statistics, and the probes."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import ganlens
from ganlens.activations import TopPositions, capture, run_to
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.features import DataImages
from ganlens.images import as_rgb, to_uint8
from ganlens.panels import ImagePanel
from ganlens.probes.layer_statistics import neighbour_correlation
from ganlens.probes.units import GuidedBackprop, TopImages
from ganlens.probes.units.gradients import as_pictures, concentration, per_unit
from ganlens.probes.units.pictures import LABEL, cut, sheet
from ganlens.probes.units.scan import last_block, scan
from ganlens.progress import finish
from ganlens.stats.auc import auc
from ganlens.subject import Samples, Subject


@pytest.fixture(scope="module")
def subject(tiny_checkpoint: Path) -> Subject:
    return ganlens.load(tiny_checkpoint, "cpu")


@pytest.fixture(scope="module")
def data(tiny_images: Path) -> ImageSet:
    return ganlens.open_data(str(tiny_images))


@given(seed=st.integers(0, 50), size=st.integers(1, 13), k=st.integers(1, 30))
@settings(max_examples=40, deadline=None)
def test_the_search_finds_what_sorting_everything_finds(seed: int, size: int, k: int) -> None:
    """Small integers: ties everywhere; they go to the earlier input and the earlier position."""
    maps = np.random.default_rng(seed).integers(0, 4, (20, 3, 2, 3)).astype(np.float32)
    top = TopPositions(k)
    highest = torch.cat([top.update(part) for part in torch.from_numpy(maps).split(size)])
    assert np.array_equal(highest.numpy(), maps.max((2, 3)))
    assert top.seen == 20
    for unit in range(3):
        flat = maps[:, unit].reshape(20, -1)
        order = np.argsort(-flat.max(1), kind="stable")[:k]
        assert top.inputs[unit].tolist() == order.tolist()
        assert top.scores[unit].tolist() == flat.max(1)[order].tolist()
        places = [divmod(int(p), 3) for p in flat.argmax(1)[order]]
        assert list(zip(top.rows[unit].tolist(), top.columns[unit].tolist(), strict=True)) == places


def test_a_search_needs_room_for_one() -> None:
    with pytest.raises(GanlensError, match="k 0 is too small"):
        TopPositions(0)


def test_what_a_scan_keeps_does_not_grow(subject: Subject, data: ImageSet) -> None:
    sizes = []
    for count in (40, 108):
        source = DataImages.draw(data, count, 0)
        layer = last_block(subject)
        found = finish(scan(subject, "discriminator", layer, source, 5, 16))
        sizes.append([one.shape for one in (found.top.scores, found.top.inputs, found.top.rows)])
        assert found.top.seen == count
    assert sizes[0] == sizes[1] == [(8, 5)] * 3


def test_the_concentration_has_its_closed_forms() -> None:
    one = np.zeros((3, 5, 5))
    one[:, 2, 2] = 7, -1, 3
    assert concentration(one) == pytest.approx(1)
    assert concentration(np.full((3, 5, 5), -2.0)) == pytest.approx(0)
    half = np.zeros((1, 4, 4))
    half[:, :2] = 1
    assert concentration(half) == pytest.approx((4 - 8**0.5) / 3)
    assert concentration(1e-9 * half) == pytest.approx(concentration(half))
    wider = np.full((1, 6, 6), np.nan)
    wider[:, 1:5, 2:] = half
    assert concentration(wider) == pytest.approx(concentration(half))
    assert concentration(np.zeros((3, 4, 4))) is None


def test_the_smoothness_has_its_closed_forms() -> None:
    board = np.indices((6, 6)).sum(0)[None] % 2
    assert neighbour_correlation(torch.tensor(board * 1.0)) == pytest.approx(-1)
    ramp = np.broadcast_to(np.linspace(-1, 1, 50), (1, 50, 50))
    assert neighbour_correlation(torch.tensor(ramp.copy())) == pytest.approx(1, abs=0.01)
    noise = np.random.default_rng(0).normal(size=(3, 60, 60))
    assert neighbour_correlation(torch.tensor(noise)) == pytest.approx(0, abs=0.03)
    assert neighbour_correlation(torch.ones(1, 4, 4)) is None
    found = per_unit(np.stack([np.stack([np.zeros((1, 4, 4)), np.eye(4)[None]])] * 2))
    np.testing.assert_allclose(found[:, 0], concentration(np.eye(4)[None]))
    assert np.isnan(per_unit(np.zeros((1, 2, 1, 4, 4)))).all()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sheets_show_the_colours_of_pictures_of_any_number_of_channels(channels: int) -> None:
    tiles = np.random.default_rng(0).integers(0, 255, (2, 3, 5, 5, channels)).astype(np.uint8)
    shown = sheet([0, 1], tiles, padding=0)[:, LABEL:]
    assert shown.shape == (10, 15, 3)
    assert np.array_equal(shown[5:, 10:], as_rgb(tiles[1, 2]))


def test_windows_over_the_edge_are_cut_with_grey() -> None:
    picture = np.arange(16, dtype=np.uint8).reshape(4, 4, 1)
    found = cut(picture, np.array([-1, 2, 2, 5]), 3, 127)[..., 0]
    assert found.tolist() == [[127, 127, 127], [2, 3, 127], [6, 7, 127]]
    assert as_pictures(np.array([[[[[0.0, 2], [-1, np.nan]]]]])).ravel().tolist() == [
        128,
        255,
        64,
        128,
    ]


def test_top_images_are_those_with_the_highest_activation(subject: Subject, data: ImageSet) -> None:
    found = TopImages(layer="block1.act", units=(3, 1), k=4, split="all").run(subject, data)
    with capture(subject.discriminator, "block1.act") as outputs:
        subject.discriminate(data.batch(slice(None)), batch_size=120)
    maps = outputs["block1.act"].numpy()
    shown = found.trained.gallery
    for row, unit in enumerate((3, 1)):
        highest = maps[:, unit].max((1, 2))
        assert shown.numbers[row].tolist() == np.argsort(-highest, kind="stable")[:4].tolist()
        np.testing.assert_allclose(shown.scores[row], np.sort(highest)[::-1][:4], rtol=1e-5)
        assert np.array_equal(shown.pictures[row], data.images[shown.numbers[row]])
        y, x = np.unravel_index(maps[shown.numbers[row, 0], unit].argmax(), (8, 8))
        assert shown.boxes[row, 0].tolist() == [2 * y - 1, 2 * y + 3, 2 * x - 1, 2 * x + 3]
    assert shown.patches().shape == (2, 4, 4, 4, 3)


def test_the_label_that_a_unit_tells_is_found(subject: Subject, data: ImageSet) -> None:
    """The classes of the data differ in brightness, which any unit tells."""
    found = TopImages(split="all").run(subject, data)
    summary = json.loads(json.dumps(found.summary(), allow_nan=False))
    assert summary["best_auc_trained"] > 0.95
    assert summary["best_label"] in ("class=0", "class=2")
    best = found.trained
    assert best.base == pytest.approx(1 / 3, abs=0.01)
    assert best.purity[0] == pytest.approx(
        np.mean(data.labels[best.gallery.numbers[0]] == int(best.labels[best.gallery.units[0]][-1]))
    )
    kinds = [type(panel).__name__ for panel in found.panels()]
    assert kinds == ["ImagePanel"] * 3 + ["FigurePanel", "TablePanel"]


def test_labels_are_those_of_the_images_that_were_scanned(subject: Subject, data: ImageSet) -> None:
    """Half of the images, so that a picture's place in the scan is not its row in the data."""
    found = TopImages(split="all", images=60, units=(0,), k=4).run(subject, data)
    rows = np.sort(np.random.default_rng(0).permutation(120)[:60])
    with capture(subject.discriminator, "block2.act") as outputs:
        subject.discriminate(data.batch(rows), batch_size=60)
    highest = outputs["block2.act"][:60, 0].amax((1, 2)).numpy()
    side = found.trained
    truth = data.labels[rows] == int(side.labels[0][-1])
    assert side.auc[0] == pytest.approx(auc(highest, truth), abs=0.005)
    assert side.base[0] == truth.mean()
    assert side.gallery.numbers[0].tolist() == rows[np.argsort(-highest)[:4]].tolist()


@pytest.mark.parametrize("network", ["discriminator", "generator"])
def test_generated_samples_are_drawn_again_by_their_seeds(subject: Subject, network: str) -> None:
    probe = TopImages(network=network, source="generated", images=50, k=3, seed=5, batch_size=7)
    found = probe.run(subject)
    shown = found.trained.gallery
    assert shown.numbers.min() >= 5
    assert shown.numbers.max() < 55
    again = to_uint8(subject.generate(subject.latents(shown.numbers[0].tolist())))
    assert np.abs(shown.pictures[0].astype(int) - again).max() <= 1
    other = TopImages(**{**probe.settings(), "batch_size": 50}).run(subject).trained.gallery
    assert np.array_equal(other.numbers, shown.numbers)
    np.testing.assert_allclose(other.scores, shown.scores, rtol=1e-4)
    assert found.summary()["best_unit"] is None
    assert probe.needs().data == "no"


def test_every_layer_of_both_networks_has_top_images(subject: Subject) -> None:
    for network in ("generator", "discriminator"):
        for layer in subject.layers(network):
            source = Samples(subject, 0, 9)
            found = finish(scan(subject, network, layer, source, 2, 9))
            shown = found.gallery(source, np.array([0]))
            assert shown.patches().shape[:2] == (1, 2), layer
            assert shown.framed().shape == (1, 2, 64, 64, 3)


@pytest.mark.parametrize("kind", [TopImages, GuidedBackprop])
def test_what_does_not_exist_is_an_error_that_lists_what_does(
    kind: type, subject: Subject, data: ImageSet
) -> None:
    with pytest.raises(GanlensError, match=r"layer 'block9' is not known: choose from block"):
        kind(layer="block9").run(subject, data)
    with pytest.raises(GanlensError, match=r"unit 8 is not known: .* has units 0 to 7"):
        kind(units=(0, 8)).run(subject, data)
    with pytest.raises(GanlensError, match=r"unit -1 is not known"):
        kind(units=(-1,)).run(subject, data)
    with pytest.raises(GanlensError, match="needs data"):
        kind().run(subject)
    for wrong in ({"k": 0}, {"images": 0}, {"batch_size": 0}, {"split": "x"}, {"seed": -1}):
        with pytest.raises(GanlensError, match=next(iter(wrong)).replace("_", ".")):
            kind(**wrong)


def test_without_labels_the_units_are_evenly_spaced(subject: Subject, data: ImageSet) -> None:
    from dataclasses import replace

    found = TopImages(k=2).run(subject, replace(data, labels=None, class_names=()))
    assert found.trained.gallery.units.tolist() == [0, 1, 3, 4, 6, 7]
    assert found.summary()["selectivity_note"]


def test_guided_backpropagation_shows_both_networks(subject: Subject, data: ImageSet) -> None:
    found = GuidedBackprop(k=3, images=60, measured=4).run(subject, data)
    assert found.trained.guided.shape == (6, 3, 3, 10, 10)
    assert found.trained.statistics.shape == (2, 4, 2)
    assert found.measured.tolist() == [0, 2, 5, 7]
    outside = np.isnan(found.trained.guided).any(2)
    boxes = found.trained.gallery.boxes
    assert np.array_equal(outside.any((2, 3)), ((boxes < 0) | (boxes > 16)).any(2))
    assert sum(isinstance(panel, ImagePanel) for panel in found.panels()) == 3
    top, bottom, left, right = boxes[0, 0].clip(0, 16)
    x = data.batch(found.trained.gallery.numbers[0, :1]).requires_grad_()
    with torch.enable_grad():
        run_to(subject.discriminator, "block2.act", x)[0, 0].max().backward()
    plain = found.trained.plain[0, 0]
    plain = plain[:, ~np.isnan(plain[0]).all(1)][:, :, ~np.isnan(plain[0]).all(0)]
    assert x.grad is not None
    wanted = x.grad[0, :, top:bottom, left:right].numpy()
    np.testing.assert_allclose(plain, wanted, rtol=1e-3, atol=1e-6)
    again = GuidedBackprop(k=3, images=60, measured=4, batch_size=7).run(subject, data)
    np.testing.assert_allclose(again.trained.guided, found.trained.guided, rtol=1e-3, atol=1e-6)


@pytest.mark.slow
def test_guided_gradients_tell_a_trained_network_from_a_random_one() -> None:
    """The shipped faces: 16 units, two measures, guided and plain."""
    subject, data = ganlens.load("pixelfaces", "cpu"), ganlens.open_data("pixelfaces")
    found = GuidedBackprop(images=200, measured=16, k=3).run(subject, data)
    for kind in ("guided", "plain"):
        for measure in ("concentration", "smoothness"):
            compared = found.compare(kind, measure)
            assert compared["units_trained"] == compared["units_untrained"] == 16
            assert compared["auc"] > 0.95
            assert compared["p"] < 1e-4
