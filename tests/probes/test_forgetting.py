"""Forgetting: a planted concept is found, dropped and inserted; what does not fit is named."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from ganlens.attributes import Predictions
from ganlens.data import open_data
from ganlens.edits import EVERYWHERE, Blend
from ganlens.errors import GanlensError
from ganlens.panels import ImagePanel
from ganlens.probes.forgetting import Forget, read_marks
from ganlens.probes.forgetting.concept_maps import generator_layer, locate, maps_of
from ganlens.probes.forgetting.concept_source import fit_concept_source
from ganlens.probes.forgetting.effect import optimise
from ganlens.probes.forgetting.target import Target, target_of
from ganlens.probes.forgetting.trial import FIRST, Trial, _real, answers, held_out
from ganlens.probes.forgetting.unit_classifier import (
    cell_aucs,
    mean_levels,
    place_of_concept,
    split,
    unit_classifier,
)
from ganlens.probes.forgetting.unit_selection import FEWER, PAPER, PLACE, Material
from ganlens.progress import finish
from ganlens.recipe import Recipe, render
from ganlens.subject import Subject, load

CHANNELS, SIDE, PATCH = 6, 8, (slice(2, 4), slice(1, 7))  # the concept is map 2 in this patch


class Planted(nn.Module):
    """Draws z[0] > 0 as map 2 in a patch; the other maps are noise that fills the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.image_shape = (1, SIDE, SIDE)
        self.act = nn.ReLU()
        self.register_buffer("noise", torch.rand(8, CHANNELS, SIDE, SIDE, generator=_stream()))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        maps = torch.einsum("nd,dchw->nchw", z.abs(), self.noise) / 8
        maps[:, 2] *= 0.1
        maps[:, 2, *PATCH] += (z[:, 0] > 0).float()[:, None, None] * 2
        return self.act(maps).sum(1, keepdim=True)


def _stream() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@dataclass
class Watcher:
    """Stands in for the finder: the patch is the concept, all the rest is all the rest."""

    level: float = 3.9

    def scores(self, subject, x):
        inside = x[:, 0, *PATCH].mean((1, 2))
        return torch.stack([inside - self.level, (x.sum((1, 2, 3)) - inside * 12) / 52], 1)

    def lead(self, scores):
        return scores[:, 0]

    def others_moved(self, before, after):
        return ((before - after)[:, 1] ** 2).mean()


@pytest.fixture(scope="module")
def planted():
    net = Planted()
    z = torch.randn(200, 8, generator=_stream())
    subject = Subject({"generator": net}, {"checkpoint": "planted"})
    kept = []
    handle = net.act.register_forward_hook(lambda _m, _i, out: kept.append(out))
    net(z)
    handle.remove()
    return subject, z, kept[0], (z[:, 0] > 0).numpy()


def test_the_place_and_the_map_are_found_on_held_out_samples(planted):
    _, _, maps, shows = planted
    aucs, box, units = locate(maps, shows, None, seed=0)
    assert box == (1 / 8, 2 / 8, 7 / 8, 4 / 8)
    assert aucs[PATCH].min() == 1
    assert units.auc > 0.99
    assert units.weights.argmax() == 2


def test_shuffled_labels_are_known_nowhere(planted):
    _, _, maps, shows = planted
    shuffled = np.random.default_rng(0).permutation(shows)
    assert abs(cell_aucs(maps, shuffled).mean() - 0.5) < 0.1
    assert place_of_concept(np.full((4, 4), 0.5)) == EVERYWHERE


def test_the_unit_classifier_is_judged_on_samples_it_was_not_fitted_to(planted):
    """Labels that follow nothing separate the cells fitted to, never the held-out ones."""
    _, _, maps, _ = planted
    marked = np.random.default_rng(1).random((len(maps), SIDE, SIDE)) < 0.1
    units = unit_classifier(maps, marked, 0)
    assert abs(units.auc - 0.5) < 0.05
    assert units.held_out == 2 * marked[split(len(maps)) :].sum()
    only_fitted = marked.copy()
    only_fitted[split(len(maps)) :] = False
    assert unit_classifier(maps, only_fitted, 0).auc is None


@pytest.mark.parametrize("insert", [False, True])
def test_the_search_by_effect_finds_the_map_that_draws_the_concept(planted, insert):
    subject, z, maps, shows = planted
    _, box, _ = locate(maps, shows, None, 0)
    levels = mean_levels(maps[shows if insert else ~shows], box)
    how = {"steps": 60, "others_weight": 1.0, "sparse": 0.05, "seed": 0}
    start = z[torch.from_numpy(shows != insert)]
    material = Material("act", box, np.zeros(CHANNELS), levels, None, insert)
    strengths = finish(optimise(subject, Watcher(), start, material, **how))
    assert strengths.argmax() == 2
    assert strengths[2] > 0.5 > np.delete(strengths, 2).max()


def material(strengths=None, insert=False):
    weights = np.array([0.1, -1.0, 2.0, 0.5, -0.2, -0.1])
    return Material("act", (0, 0, 1, 0.5), weights, np.arange(6.0), strengths, insert)


def test_ways_choose_the_maps_that_they_say():
    ways = material()
    paper = ways.compared(FEWER, 0)[PAPER]
    assert (paper.channels, paper.levels, paper.box) == ((0, 2, 3), (0.0,), EVERYWHERE)
    assert material(insert=True).compared(FEWER, 0)[PAPER].levels == (0.0, 2.0, 3.0)
    assert list(ways.compared(FEWER, 2)) == [FEWER, PLACE, PAPER]  # that of the settings first
    assert ways.compared(PLACE, 2)[PLACE] == ways.replaced(np.array([3, 2]))
    assert ways.replaced(np.array([3, 2])).levels == (2.0, 3.0)
    by_effect = material(np.linspace(0, 1, 6))
    assert by_effect.order.tolist() == [5, 4, 3, 2, 1, 0]
    own = by_effect.compared("by effect", 2)["by effect"]
    assert (own.channels, own.strengths) == ((4, 5), pytest.approx((0.8, 1.0)))


def test_random_maps_are_equally_many_other_ones_changed_the_same_way():
    ways = material(np.linspace(0, 1, 6))
    own = ways.compared("by effect", 2)["by effect"]
    control = ways.random(own, np.random.default_rng(0))
    assert len(control.channels) == 2
    assert not set(control.channels) & {4, 5}
    assert control.strengths == own.strengths
    assert control.levels == tuple(float(one) for one in control.channels)
    assert control.box == own.box
    rng = np.random.default_rng(1)
    drawn = {ways.random(own, rng).channels for _ in range(40)}
    assert {one for channels in drawn for one in channels} == {0, 1, 2, 3}


# --- boxes and masks ---


def written(path, **changes):
    boxes = [{"seed": i, "box": [1, 2, 9, 6]} for i in range(12)]
    given = {"size": [16, 16], "seeds": list(range(30)), "boxes": boxes, **changes}
    path.write_text(json.dumps(given))
    return str(path)


def test_boxes_mark_the_cells_whose_centre_they_hold(tmp_path):
    marks = read_marks(written(tmp_path / "b.json"), (16, 16))
    assert marks.seeds == tuple(range(30))
    assert marks.masks.sum() == 12 * 8 * 4
    cells = marks.cells(8, 8)
    assert cells[0, 1:3, 0:4].all()  # a centre at pixel 1 lies in a box from 1 on
    assert cells[0].sum() == 8
    assert not cells[12:].any()
    np.savez(tmp_path / "m.npz", seeds=np.arange(30)[::-1], masks=marks.masks[::-1])
    again = read_marks(str(tmp_path / "m.npz"), (16, 16))
    assert again.seeds == marks.seeds
    assert np.array_equal(again.masks, marks.masks)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"size": [32, 32]}, r"size \[32, 32\]: this generator draws \[16, 16\]"),
        ({"boxes": []}, "marks 0 samples: mark at least 10"),
        ({"boxes": 3}, "boxes must be a list"),
        ({"extra": 1}, "key 'extra' is not known: choose from size, seeds, boxes"),
        ({"boxes": [{"seed": 1}]}, "a box lacks 'box'"),
        ({"boxes": [{"seed": -1, "box": [0, 0, 1, 1]}]}, "seed -1 must be"),
        ({"boxes": [{"seed": 1, "box": [0, 0, 17, 1]}]}, "inside 16 x 16"),
        ({"boxes": [{"seed": 1, "box": [4, 0, 4, 1]}]}, "inside 16 x 16"),
        ({"boxes": [{"seed": 1, "box": [0, 0, 1.5, 1]}]}, "whole pixels"),
        ({"seeds": ["a"]}, "seed 'a' must be"),
    ],
)
def test_boxes_that_do_not_fit_are_one_line(tmp_path, changes, says):
    with pytest.raises(GanlensError, match=says):
        read_marks(written(tmp_path / "b.json", **changes), (16, 16))


def test_files_that_are_no_boxes_are_one_line(tmp_path):
    (tmp_path / "b.json").write_text("{")
    (tmp_path / "m.npz").write_bytes(b"PK\x03\x04 broken")
    np.savez(tmp_path / "n.npz", seeds=np.arange(3), masks=np.zeros((3, 4, 4), dtype=bool))
    for name, says in (("b.json", "cannot be read"), ("m.npz", "cannot be read"),
                       ("n.npz", "do not fit"), ("o.csv", "choose from .json, .npz")):  # fmt: skip
        with pytest.raises(GanlensError, match=says):
            read_marks(str(tmp_path / name), (16, 16))


# --- the probe ---

QUICK = {"pool": 60, "samples": 12, "probe_images": 80, "search_steps": 3, "draws": 1}


@pytest.fixture(scope="module")
def subject(tiny_checkpoint):
    return load(tiny_checkpoint, "cpu")


@pytest.fixture(scope="module")
def data(attribute_images):
    return open_data(str(attribute_images))


def test_a_concept_is_some_values_of_one_attribute(data):
    target = target_of("hue=red", data)
    assert (target.name, target.classes, target.wanted) == ("hue", ("blue", "red"), (False, True))
    assert target.shown(np.array(["red", "blue"])).tolist() == [True, False]
    assert target_of("auto", data).name in ("hue", "shade")
    for text, says in (
        ("hat=yes", "hat"), ("hue=green", "green"), ("noise > 30", "about one categorical"),
        ("hue=red & shade=dark", "about one categorical"), ("hue=red | hue=blue", "every value"),
    ):  # fmt: skip
        with pytest.raises(GanlensError, match=says):
            target_of(text, data)


class Halves:
    """A classifier: is the left half of a picture light, and the right one, for this generator?"""

    def __init__(self, subject):
        self.level = subject.generate(subject.latents(range(100, 164))).mean((1, 2, 3)).median()

    def predict(self, x):
        light = [(half.mean((1, 2, 3)) > self.level).numpy() for half in x.chunk(2, dim=3)]
        names = ("left", "right")
        odds = {n: np.stack([~one, one], 1) for n, one in zip(names, light, strict=True)}
        return Predictions(dict.fromkeys(names, ("dark", "light")), odds, {})


DARK = Target("left=dark", "left", ("dark", "light"), (True, False))


@pytest.mark.parametrize("insert", [False, True])
def test_a_trial_counts_what_turned_what_else_changed_and_how_far_pixels_moved(subject, insert):
    """The left half is painted white: every sample loses its dark left half, and none its right."""
    seeds, box = tuple(range(24)), (0.0, 0.0, 0.5, 1.0)
    before = subject.generate(subject.latents(seeds))
    classifier = Halves(subject)
    known = classifier.predict(before)
    trial = Trial(subject, seeds, before, box, DARK, classifier, known, None, insert)
    left = trial.run("left", Blend("out.conv", (0, 1, 2), levels=(9.0,), box=box))
    assert left.turned == (0 if insert else 1)
    assert left.interval[0] <= left.turned <= left.interval[1]
    assert left.others == {"right": 0}
    assert left.outside == 0
    assert left.inside == pytest.approx(127.5 * float(1 - before[..., :8].mean()), rel=1e-3)
    right = trial.run("right", Blend("out.conv", (0, 1, 2), levels=(9.0,), box=(0.5, 0, 1, 1)))
    dark = {name: float((answers(known, name) == "dark").mean()) for name in ("left", "right")}
    assert right.turned == pytest.approx(dark["left"] if insert else 1 - dark["left"])
    assert right.others == pytest.approx({"right": dark["right"]})
    assert 0 < dark["right"] < 1
    assert right.inside == 0
    white = before.clone()
    white[..., :8] = 1
    change = subject.discriminate(white) - subject.discriminate(before)
    assert left.score == pytest.approx(float(change.mean()), rel=1e-3)


@pytest.mark.parametrize("insert", [False, True])
def test_held_out_samples_are_the_first_unseen_ones_with_the_concept(subject, insert, monkeypatch):
    monkeypatch.setattr("ganlens.probes.forgetting.trial._real", lambda *_: None)
    classifier = Halves(subject)
    measured = (None, DARK, classifier)
    trial = finish(held_out(subject, EVERYWHERE, 12, 64, insert=insert, measured=measured))
    seeds = range(FIRST, FIRST + 48)
    x = subject.generate(subject.latents(seeds))
    dark = (x[..., :8].mean((1, 2, 3)) <= classifier.level).numpy()
    wanted = np.flatnonzero(~dark if insert else dark)[:12]
    assert len(wanted) >= 10
    assert min(trial.seeds) >= 10 * Forget().pool  # none that maps are chosen by
    assert trial.seeds == tuple(FIRST + int(one) for one in wanted)
    torch.testing.assert_close(trial.before, x[wanted])
    assert (DARK.shown(answers(trial.predictions, "left")) != insert).all()


@pytest.mark.parametrize("insert", [False, True])
def test_distances_are_to_held_out_images_as_the_samples_should_become(data, insert, monkeypatch):
    monkeypatch.setattr(
        "ganlens.probes.forgetting.trial.ClassifierExtractor", lambda *_: lambda x: x.flatten(1)
    )
    target, classifier = target_of("hue=red", data), SimpleNamespace(model=None, hash="")
    found = _real(data, classifier, target, insert)
    part = data.part("test")
    rows = np.flatnonzero((part.attributes["hue"] == "red") == insert)
    np.testing.assert_array_equal(found, part.batch(rows).flatten(1).numpy())


def test_the_finder_s_gradients_are_of_its_own_readings(subject, data):
    finder = finish(
        fit_concept_source(
            subject, data, target_of("hue=red", data), limit=80, seed=0, batch_size=32
        )
    )
    x = subject.generate(subject.latents(range(5)))
    read = finder.models.scores(subject.features(x, "all", 4).numpy())
    scores = finder.scores(subject, x := x.clone().requires_grad_())
    np.testing.assert_allclose(scores.detach().numpy(), read, atol=1e-3)
    (slope,) = torch.autograd.grad(finder.lead(scores).sum(), x)
    assert slope.abs().max() > 0
    scores = scores.detach()
    assert float(finder.others_moved(scores, scores)) == 0
    only_own = scores.clone()
    only_own[:, finder.models.places[finder.target.name]] += 1
    assert float(finder.others_moved(scores, only_own)) == 0


def test_boxes_alone_are_enough_and_its_pictures_replay(subject, tmp_path):
    path = written(tmp_path / "b.json")
    result = Forget(boxes=path, choose="weights", **QUICK).run(subject)
    summary = result.summary()
    assert summary["turned"] is None
    assert summary["pixel_change_inside"] > 0
    assert result.box == (0.0, 0.125, 0.5, 0.375)
    few = 2 * result.outcomes[0].maps > len(result.weights)
    assert ("some of the same" in result.panels()[1].caption) == few
    every = replace(result, weights=result.weights[:1]).panels()[1].caption
    assert "some of the same" in every
    for panel in result.panels():
        if isinstance(panel, ImagePanel):
            assert np.array_equal(render(subject, Recipe.from_json(panel.recipe)), panel.image)
    json.dumps(summary, allow_nan=False)
    written_settings = json.loads(json.dumps(Forget(boxes=path).settings()))
    assert Forget(**written_settings) == Forget(boxes=path)
    with pytest.raises(GanlensError, match="--choose weights"):
        Forget(boxes=path).run(subject)


def test_what_is_not_there_is_listed(subject, data):
    with pytest.raises(GanlensError, match=r"'block9' is not known: choose from .*block1.act"):
        Forget(layer="block9", **QUICK).run(subject, data)
    with pytest.raises(GanlensError, match="'hat' is not known"):
        Forget(concept="hat=yes", **QUICK).run(subject, data)
    assert generator_layer(subject, "auto") == "block1.act"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"mode": "erase"}, "mode 'erase' is not known: choose from scale, drop, insert"),
        ({"choose": "luck"}, "choose from effect, weights"),
        ({"place": "there"}, "choose from concept, everywhere"),
        ({"pool": 3}, "pool 3 is too small"),
        ({"samples": 3}, "samples 3"),
        ({"maps": -1}, "maps -1"),
        ({"others_weight": float("nan")}, "others_weight nan"),
    ],
)
def test_bad_settings_fail_before_anything_runs(settings, says):
    with pytest.raises(GanlensError, match=says):
        Forget(**settings)


BOXES = Path(__file__).parents[1] / "glasses_boxes.json"


def test_the_boxes_of_the_glasses_find_their_place_on_the_shipped_checkpoint():
    """52 boxes on 150 samples of the shipped GAN, as many as the paper has.

    They are the smallest rectangles around the pixels that change when the mean activations of
    samples with glasses are moved to those without, and were looked at one by one; samples with
    glasses that have no box are not among the 150.
    """
    glasses = load("pixelfaces", "cpu")
    marks = read_marks(str(BOXES), (32, 32))
    assert (len(marks.seeds), int(marks.masks.any((1, 2)).sum())) == (150, 52)
    maps = finish(maps_of(glasses, "block2.act", glasses.latents(marks.seeds), 50))
    _, box, units = locate(maps, marks.masks.any((1, 2)), marks, 0)
    assert units.auc > 0.95  # 0.965 was measured
    left, top, right, bottom = box
    assert 0.1 < left < 0.3 < 0.7 < right < 0.9
    assert 0.2 < top < 0.35 < 0.45 < bottom < 0.6
