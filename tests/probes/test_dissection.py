"""Dissection: planted units are found; areas and overlaps are those of the definitions."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from ganlens.activations import capture
from ganlens.attributes import attribute_classifier
from ganlens.data import open_data
from ganlens.errors import GanlensError
from ganlens.probes.dissection import Dissect
from ganlens.probes.dissection.agreement import (
    permuted_threshold,
    unit_ious,
    unit_mask,
)
from ganlens.probes.dissection.probe import EDGE, _chosen, _labels, _tops
from ganlens.progress import finish
from ganlens.stats.auc import auc_table
from ganlens.subject import load


def test_areas_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    levels = np.round(rng.normal(size=(60, 5)), 1)  # with ties
    truths = rng.random((60, 3)) < 0.4
    wanted = [[roc_auc_score(truths[:, k], levels[:, c]) for k in range(3)] for c in range(5)]
    np.testing.assert_allclose(auc_table(levels, truths), wanted)


def test_shuffled_labels_bound_what_chance_gives():
    rng = np.random.default_rng(0)
    truths = rng.random((200, 4)) < 0.5
    over = 0
    for seed in range(20):
        levels = np.random.default_rng(seed).normal(size=(200, 10))
        bound = permuted_threshold(levels, truths, 40, seed)
        over += bool((np.abs(auc_table(levels, truths) - 0.5) > bound).any())
    assert over <= 4  # 1 expected; 5 or more has probability 0.003
    planted = rng.normal(size=(200, 10))
    planted[:, 3] += 2 * truths[:, 1]
    found = np.abs(auc_table(planted, truths) - 0.5) > permuted_threshold(planted, truths, 40, 0)
    assert found[3, 1]


@pytest.mark.parametrize("size", [(10, 10), (40, 40)])
def test_a_unit_is_active_at_the_share_of_pixels_that_was_asked_for(size):
    """However rough its maps are: upsampling lowers single peaks, and the threshold with them."""
    maps = torch.rand(20, 10, 10, generator=torch.Generator().manual_seed(0))
    assert unit_mask(maps, 0.05, size).mean() == pytest.approx(0.05, abs=1e-3)


def test_the_overlap_with_a_mask_is_its_closed_form():
    masks = np.zeros((2, 4, 4), dtype=bool)
    masks[:, :2] = True  # 8 of 16 positions
    maps = torch.rand(2, 3, 4, 4, generator=torch.Generator().manual_seed(0)) / 10
    maps[:, 0, :2] += 1  # the mask itself
    maps[:, 1, 1:3] += 1  # half inside, half outside: 4 / 12
    maps[:, 2, 2:] += 1
    np.testing.assert_allclose(unit_ious(maps, 0.5, masks), [1, 1 / 3, 0])


@pytest.fixture(scope="module")
def result(tiny_checkpoint, attribute_images):
    data = open_data(str(attribute_images))
    return Dissect(samples=80, shuffles=20).run(load(tiny_checkpoint, "cpu"), data)


def test_it_compares_every_unit_with_every_value_and_the_untrained_network(result):
    units, concepts = result.aucs.shape
    assert units == 4
    assert concepts == len(result.concepts) >= 1
    assert result.untrained.shape == result.aucs.shape
    assert np.isfinite(result.aucs).all()
    assert result.tops.shape[0] == len(result.top_units)
    summary = json.loads(json.dumps(result.summary(), allow_nan=False))
    assert summary["units"] == 4
    assert len(result.panels()) == 4


def test_what_is_not_there_is_listed(tiny_checkpoint, attribute_images):
    subject, data = load(tiny_checkpoint, "cpu"), open_data(str(attribute_images))
    with pytest.raises(GanlensError, match="'top' is not known: choose from"):
        Dissect(layer="top", samples=20, shuffles=20).run(subject, data)
    with pytest.raises(GanlensError, match="give --data"):
        Dissect().run(subject)


@pytest.mark.parametrize(
    ("settings", "says"),
    [({"samples": 5}, "samples 5"), ({"shuffles": 3}, "shuffles 3"), ({"share": 1.0}, "share 1")],
)
def test_bad_settings_fail_before_anything_runs(settings, says):
    with pytest.raises(GanlensError, match=says):
        Dissect(**settings)


def test_areas_are_those_of_mean_activations_trained_and_untrained(
    result, tiny_checkpoint, attribute_images
):
    subject, data = load(tiny_checkpoint, "cpu"), open_data(str(attribute_images))
    z = subject.latents(range(80))
    _, truths, _ = _labels(finish(attribute_classifier(data)).predict(subject.generate(z)))
    for network, found in ((subject, result.aucs), (subject.untrained(0), result.untrained)):
        with capture(network.generator, result.layer) as outputs:
            network.generate(z, batch_size=80)
        means = outputs[result.layer].mean((2, 3)).numpy()
        wanted = [[roc_auc_score(t, one) for t in truths.T] for one in means.T]
        np.testing.assert_allclose(found, wanted, atol=0.01)  # rounding moves close ranks
    assert not np.allclose(result.aucs, result.untrained, atol=0.01)
    middle = float(np.median(np.abs(result.aucs - 0.5).max(1)))  # of 4 units: 2 lie above it
    summary = replace(result, threshold=middle).summary()
    assert summary["units_that_agree"] == 0.5
    bare = np.abs(result.untrained - 0.5).max(1)
    assert summary["units_that_agree_untrained"] == (bare > middle).mean()


def test_the_best_unit_of_each_concept_is_shown_and_no_unit_twice():
    aucs = np.array([[0.9, 0.8, 0.5], [0.1, 0.2, 0.7], [0.5, 0.6, 0.4]])
    found = _chosen(aucs, ("a", "b", "c"))
    assert list(found.items()) == [(0, "a, AUC 0.90"), (1, "c, AUC 0.70")]


def test_the_samples_that_excite_a_unit_most_come_first_and_its_place_is_outlined():
    x = torch.linspace(-1, 1, 12)[:, None, None, None].expand(12, 3, 8, 8)
    maps = torch.zeros(12, 2, 4, 4)
    maps[:, 1, 1, 2] = torch.arange(12.0)  # in the order of their brightness
    (row,) = _tops(x, maps, (1,), share=0.05)
    assert [int(one[-1, 0, 0]) for one in row] == sorted(int(o[-1, 0, 0]) for o in row)[::-1]
    outlined = (row[0] == EDGE).all(-1)
    rows, columns = np.nonzero(outlined)
    assert abs(rows.mean() / 24 - 1.5 / 4) < 0.05  # about the cell at row 1, column 2
    assert abs(columns.mean() / 24 - 2.5 / 4) < 0.05


def test_overlaps_with_boxes_stand_beside_the_untrained_ones_and_what_is_possible(
    tiny_checkpoint, attribute_images, tmp_path
):
    seeds = list(range(16))
    given = {"size": [16, 16], "seeds": seeds,
             "boxes": [{"seed": s, "box": [0, 0, 8, 4]} for s in seeds[:12]]}  # fmt: skip
    (tmp_path / "boxes.json").write_text(json.dumps(given))
    probe = Dissect(samples=20, shuffles=20, share=0.02, boxes=tmp_path / "boxes.json")
    found = probe.run(load(tiny_checkpoint, "cpu"), open_data(str(attribute_images)))
    marked = 12 / 16 * 32 / 256
    assert found.marked == pytest.approx(marked)
    assert found.highest_possible_iou == pytest.approx(0.02 / marked)
    assert found.ious.shape == found.untrained_ious.shape == (4,)
    assert not np.array_equal(found.ious, found.untrained_ious)
    summary = found.summary()
    assert summary["best_iou_untrained"] == found.untrained_ious.max()
    table = found.panels()[-1]
    assert table.rows[0][1] == found.ious.max()
    assert table.rows[0][3] == found.untrained_ious.max()
