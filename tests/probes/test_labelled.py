"""A concept from a few labels: a scorer of images and a boundary in latents, judged held out."""

import numpy as np
import pytest
import torch
from test_arithmetic import two_things

import ganlens
from ganlens.errors import GanlensError
from ganlens.probes.labelled import LEAST, fit_concept


def labelled(subject, count=20):
    z = subject.latents(range(400))
    bright = [seed for seed in range(400) if z[seed, 0] > 0.3][:count]
    dark = [seed for seed in range(400) if z[seed, 0] < -0.3][:count]
    return bright, dark


@pytest.fixture(scope="module")
def subject():
    return two_things()


@pytest.fixture(scope="module")
def concept(subject):
    return fit_concept(subject, *labelled(subject), name="bright", pool=600, grid=2)


def test_the_scorer_and_the_boundary_are_those_of_the_attribute(subject, concept):
    assert concept.auc > 0.95
    assert concept.boundary_auc > 0.9
    assert concept.boundary.unit[0] > 0.9
    assert abs(concept.boundary.intercept) < 0.3
    assert (concept.n_positive, concept.n_negative) == (20, 20)
    z = subject.latents(range(1000, 1200))
    seen = concept.score(subject, subject.generate(z)) > 0
    clear = (z[:, 0].abs() > 0.3).numpy()
    assert (seen == (z[:, 0] > 0).numpy())[clear].mean() > 0.9


def test_shuffled_labels_are_not_learned(subject):
    found = []
    for seed in range(4):
        seeds = np.random.default_rng(seed).permutation(400)[:60].tolist()
        found.append(fit_concept(subject, seeds[:30], seeds[30:], pool=200, grid=2).auc)
    assert 0.35 < np.mean(found) < 0.65, "held out: what was learned by heart does not count"


def test_seeds_latents_and_images_give_the_same_scorer(subject, concept):
    bright, dark = (subject.latents(seeds) for seeds in labelled(subject))
    by_latents = fit_concept(subject, bright, dark, name="bright", pool=600, grid=2)
    assert by_latents.auc == concept.auc
    assert by_latents.boundary_auc == concept.boundary_auc
    images = [subject.generate(z) for z in (bright, dark)]
    by_images = fit_concept(subject, *images, name="bright", pool=600, grid=2)
    assert by_images.auc == concept.auc
    assert by_images.boundary_auc is None
    np.testing.assert_allclose(by_images.boundary.unit, concept.boundary.unit, atol=1e-5)


def test_a_concept_can_be_saved_and_moved_along(subject, concept, tmp_path):
    ganlens.save_directions(tmp_path / "bright.safetensors", [concept.boundary])
    (again,) = ganlens.load_directions(tmp_path / "bright.safetensors")
    again.check(subject)
    moved = again.move(subject.prior, [3.0]).latents(subject.latents(range(50)), subject.prior, 0)
    assert (concept.score(subject, subject.generate(moved)) > 0).mean() > 0.9


@pytest.mark.parametrize(
    ("positives", "negatives", "says"),
    [
        ([1, 2], [3, 4, 5, 6], f"2 positives are too few: label at least {LEAST}"),
        ([1, 2, 3, 4, 5], [4, 8, 9, 6, 7], "seed 4 is labelled both ways"),
        ([1, 2, 3, 4, 5], torch.zeros(5, 6), "given alike"),
        (torch.zeros(5, 6), torch.zeros(5, 3, 16, 16), "must both be"),
    ],
)
def test_labels_that_do_not_fit_are_named(subject, positives, negatives, says):
    with pytest.raises(GanlensError, match=says):
        fit_concept(subject, positives, negatives)
