"""The interpolation probe: the walk, its lengths, its pictures, the settings that it refuses."""

import json

import numpy as np
import pytest
import torch
from fake_subject import TINY, FakeSubject, fake_subject, hooks
from torch import nn

from ganlens.errors import GanlensError
from ganlens.models import MODELS
from ganlens.models.dcgan import DCGANConfig
from ganlens.models.prior import Prior
from ganlens.panels import ImagePanel
from ganlens.probes.arithmetic import Arithmetic
from ganlens.probes.feature_maps import Activations
from ganlens.probes.filters import Filters
from ganlens.probes.latent import Interpolation, expected_norm, rmse
from ganlens.recipe import Recipe, render
from ganlens.subject import Subject


class Linear(nn.Module):
    """A generator whose pictures move exactly as the latents do."""

    image_shape = (1, 2, 2)

    def __init__(self, kind: str = "normal") -> None:
        super().__init__()
        self.prior = Prior(kind, 4)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return 0.1 * z.view(-1, 1, 2, 2)


@pytest.fixture(scope="module")
def result():
    return Interpolation(seeds=(0, 1, 2), per_leg=5).run(fake_subject())


def test_defaults_are_the_papers_nine_points():
    assert len(Interpolation().seeds) == 9


def test_the_walk_starts_turns_and_ends_at_its_seeds(result):
    corners = fake_subject().latents([0, 1, 2]).numpy()
    np.testing.assert_allclose(result.latents[[0, 4, 5, 9]], corners[[0, 1, 1, 2]], atol=1e-6)
    np.testing.assert_allclose(result.positions[[0, 4, 5, 9]], [0, 1, 1, 2])
    assert result.mode == "slerp"
    assert result.pictures.shape == (10, 16, 16, 3)


def test_auto_is_lerp_for_a_uniform_prior():
    subject = fake_subject(DCGANConfig(size=16, width=4, latent_dim=8, prior="uniform"))
    assert Interpolation((0, 1), 3).run(subject).mode == "lerp"
    assert Interpolation((0, 1), 3, mode="gaussian").run(subject).mode == "gaussian"


def test_steps_of_a_linear_generator_are_all_equally_long():
    found = Interpolation((0, 1), per_leg=6, mode="lerp").run(FakeSubject(Linear(), None))
    a, b = Prior("normal", 4).sample([0, 1])
    expected = float((0.1 * (a - b)).square().mean().sqrt() / 2)
    np.testing.assert_allclose(found.step_rmse, expected / 5, rtol=1e-4)
    assert found.jump == pytest.approx(1, abs=1e-4)
    assert found.unrelated_rmse == pytest.approx(expected, rel=1e-5)
    norms = torch.stack([a + t * (b - a) for t in torch.linspace(0, 1, 6)]).norm(dim=1)
    np.testing.assert_allclose(found.norms, norms, rtol=1e-5)


def test_a_generator_that_never_moves_has_no_ratio():
    frozen = Linear()
    frozen.forward = lambda z: torch.zeros(len(z), 1, 2, 2)
    summary = Interpolation((0, 1), 3).run(FakeSubject(frozen, None)).summary()
    assert summary["max_over_mean_step"] is None
    assert summary["max_over_mean_step_reason"]
    json.dumps(summary, allow_nan=False)


@pytest.mark.parametrize("dim", [1, 8, 100])
@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_expected_norms_are_those_of_samples(kind, dim):
    sampled = Prior(kind, dim).sample_batch(40_000, 0).norm(dim=1).mean()
    tolerance = 0.1 if (kind, dim) == ("uniform", 1) else 0.01
    assert expected_norm(Prior(kind, dim)) == pytest.approx(float(sampled), rel=tolerance)


def test_rmse_is_in_parts_of_the_range():
    black, white = -torch.ones(1, 3, 2, 2), torch.ones(1, 3, 2, 2)
    assert rmse(black, white) == pytest.approx([1.0])


def test_every_picture_replays_from_its_recipe(result):
    subject = fake_subject()
    pictures = [p for p in result.panels() if isinstance(p, ImagePanel)]
    assert len(pictures) == 2
    for panel in pictures:
        recipe = Recipe.from_json(json.dumps(panel.recipe))
        assert np.array_equal(render(subject, recipe), panel.image)


def test_the_pair_shows_the_dip_of_lerp_above_slerp(result):
    half = result.pair_norms[:, 2]
    assert half[0] < 0.85 * half[1]
    ends = result.pair_norms[0, [0, -1]].mean()
    assert result.norm_dip == pytest.approx(result.pair_norms[0].min() / ends)
    assert f"{result.norm_dip:.0%}" in result.panels()[1].caption


def test_the_summary_is_json_and_names_the_checkpoint(result):
    summary = result.summary()
    json.dumps(summary, allow_nan=False)
    assert summary["hash"] == "f" * 64
    assert summary["n_pictures"] == 10


def test_batch_size_does_not_matter():
    one, seven = (Interpolation((0, 1, 2), 4, batch_size=n).run(fake_subject()) for n in (1, 7))
    assert np.abs(one.pictures.astype(int) - seven.pictures).max() <= 1


def test_settings_survive_json():
    probe = Interpolation((3, 1), 4, "lerp")
    assert Interpolation(**json.loads(json.dumps(probe.settings()))) == probe


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"seeds": (1,)}, "at least 2"),
        ({"seeds": (1, -1)}, "seed -1"),
        ({"per_leg": 1}, "steps 1"),
        ({"mode": "bezier"}, "mode 'bezier'"),
        ({"batch_size": 0}, "batch size 0"),
    ],
)
def test_bad_settings_fail_before_anything_runs(settings, says):
    with pytest.raises(GanlensError, match=says):
        Interpolation(**settings)


def test_gaussian_mode_needs_a_uniform_prior():
    assert TINY.prior == "normal"
    with pytest.raises(GanlensError, match="uniform prior"):
        Interpolation(mode="gaussian").run(fake_subject())


def test_a_real_subject_end_to_end():
    """All four probes of these rooms on ganlens.subject.Subject instead of the stand-in."""
    arguments = {"size": 16, "width": 4, "latent_dim": 8}
    known = {"checkpoint": "new", "hash": "a" * 64, "weights": "raw", "family": "dcgan"}
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        pair = [
            getattr(MODELS["dcgan"], part)(**arguments) for part in ("generator", "discriminator")
        ]
    subject = Subject(*pair, {**known, "arguments": arguments})
    probes = [
        Interpolation((0, 1, 2), 4),
        Arithmetic(seeds_a=(1, 2, 3), seeds_b=(4, 5, 6), seeds_c=(7, 8, 9)),
        Filters(),
        Activations(samples=16, channels=2, layer="all"),
    ]
    for probe in probes:
        result = probe.run(subject)
        json.dumps(result.summary(), allow_nan=False)
        for panel in result.panels():
            if isinstance(panel, ImagePanel) and panel.recipe:
                assert np.array_equal(render(subject, Recipe.from_json(panel.recipe)), panel.image)
    assert hooks(subject.generator, subject.discriminator) == 0
    assert not subject.generator.training
