"""The interpolation probe: the walk, its lengths, its pictures, the settings that it refuses."""

import json

import numpy as np
import pytest
import torch
from fake_subject import TINY, FakeSubject, fake_subject, hooks
from torch import nn

from ganlens.activations import capture
from ganlens.errors import GanlensError
from ganlens.models import MODELS
from ganlens.models.dcgan import DCGANConfig
from ganlens.models.prior import Prior
from ganlens.panels import AnimationPanel, FigurePanel, ImagePanel, TablePanel
from ganlens.probes.arithmetic import Arithmetic
from ganlens.probes.feature_maps import Activations
from ganlens.probes.filters import Filters
from ganlens.probes.latent import Interpolation, expected_norm
from ganlens.probes.latent.measures import PIXELS, perceptual_distance
from ganlens.probes.latent.probe import MAX_FRAMES
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
    return Interpolation(seeds=(0, 1, 2), per_leg=5, path_pairs=20).run(fake_subject())


@pytest.fixture(scope="module")
def full():
    """A loop through four corners, with all that can be drawn."""
    return Interpolation((0, 1, 2, 3), 4, loop=True, path_pairs=20).run(fake_subject())


def quick(*arguments, **settings):
    return Interpolation(*arguments, **{"frames": 0, "plane": 0, "path_pairs": 0} | settings)


def test_defaults_are_the_papers_nine_points():
    assert len(Interpolation().seeds) == 9


def test_the_walk_starts_turns_and_ends_at_its_seeds(result):
    corners = fake_subject().latents([0, 1, 2]).numpy()
    np.testing.assert_allclose(result.latents[[0, 4, 5, 9]], corners[[0, 1, 1, 2]], atol=1e-6)
    np.testing.assert_allclose(result.positions[[0, 4, 5, 9]], [0, 1, 1, 2])
    assert result.walk.mode == "slerp"
    assert result.pictures.shape == (10, 16, 16, 3)


def uniform_subject():
    return fake_subject(DCGANConfig(size=16, width=4, latent_dim=8, prior="uniform"))


@pytest.mark.parametrize(
    ("mode", "taken", "other", "curved"),
    [
        ("auto", "gaussian", "lerp", "gaussian"),
        ("lerp", "lerp", "gaussian", "gaussian"),
        ("slerp", "slerp", "lerp", "slerp"),
    ],
)
def test_a_uniform_prior_has_routes_of_its_own(mode, taken, other, curved):
    found = quick(range(6), 5, mode=mode).run(uniform_subject())
    assert (found.walk.mode, found.other.mode, found.curved.mode) == (taken, other, curved)
    inside = np.abs(found.latents).max() <= 1
    assert inside == (taken != "slerp")
    assert found.recipes["walk"]["latents"]["mode"] == taken, "a recipe says what was done"


def test_steps_of_a_linear_generator_are_all_equally_long():
    found = Interpolation((0, 1), per_leg=6, mode="lerp", path_pairs=40).run(
        FakeSubject(Linear(), None)
    )
    a, b = Prior("normal", 4).sample([0, 1])
    expected = float((0.1 * (a - b)).square().mean().sqrt() / 2)
    np.testing.assert_allclose(found.step_rmse, expected / 5, rtol=1e-4)
    assert found["max_over_mean_step"] == pytest.approx(1, abs=1e-4)
    assert found.unrelated_rmse == pytest.approx(expected, rel=1e-5)
    norms = torch.stack([a + t * (b - a) for t in torch.linspace(0, 1, 6)]).norm(dim=1)
    np.testing.assert_allclose(found.norms, norms, rtol=1e-5)


def test_a_generator_that_never_moves_has_no_ratio():
    frozen = Linear()
    frozen.forward = lambda z: torch.zeros(len(z), 1, 2, 2)
    found = Interpolation((0, 1), 3, path_pairs=20).run(FakeSubject(frozen, None))
    assert found.panels()
    summary = found.summary()
    assert summary["path_length"] == 0
    assert summary["max_over_mean_step"] is None
    assert summary["reasons"]["max_over_mean_step"]
    json.dumps(summary, allow_nan=False)


@pytest.mark.parametrize("dim", [1, 8, 100])
@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_expected_norms_are_those_of_samples(kind, dim):
    sampled = Prior(kind, dim).sample_batch(40_000, 0).norm(dim=1).mean()
    tolerance = 0.1 if (kind, dim) == ("uniform", 1) else 0.01
    assert expected_norm(Prior(kind, dim)) == pytest.approx(float(sampled), rel=tolerance)


def test_pixel_distance_is_rmse_in_parts_of_the_range():
    black, white = -torch.ones(1, 3, 2, 2), torch.ones(1, 3, 2, 2)
    vectors = PIXELS.embed(torch.cat([black, white, 0.5 * white]))
    assert float((vectors[0] - vectors[1]).norm()) == pytest.approx(1)
    assert float((vectors[1] - vectors[2]).norm()) == pytest.approx(0.25)


def test_the_discriminators_eye_sees_every_layer_at_unit_strength():
    subject = fake_subject()
    x = subject.generate(subject.latents(range(3)))
    names = subject.discriminator.feature_layers
    with capture(subject.discriminator, names) as found:
        subject.discriminate(x)
    expected = 0.0
    for name in names:
        maps = torch.nn.functional.adaptive_max_pool2d(found[name], 4)
        unit = maps / maps.norm(dim=1, keepdim=True)
        expected += float((unit[0] - unit[1]).square().sum(0).mean())
    vectors = perceptual_distance(subject).embed(x)
    assert float((vectors[0] - vectors[1]).square().sum()) == pytest.approx(expected, rel=1e-4)


def test_without_a_discriminator_steps_and_path_are_in_pixels():
    subject = FakeSubject(Linear(), None)
    found = Interpolation((0, 1, 2), 4, mode="lerp", path_pairs=60).run(subject)
    assert found.distance == "pixels (RMSE)"
    np.testing.assert_allclose(found.step_perceptual, found.step_rmse)
    assert [trace.name for trace in found.panels()[4].figure.data] == ["pixels"]
    a, b = Prior("normal", 4).sample(range(120)).view(60, 2, 4).unbind(1)
    lengths = (0.1 * (b - a) / 2).square().mean(1)
    assert found.path.kept == 60, "one percent of 60 is less than one"
    assert found.path.mean == pytest.approx(float(lengths.mean()), rel=1e-3)


def test_every_picture_replays_from_its_recipe(full):
    subject = fake_subject()
    shown = [p for p in full.panels() if isinstance(p, ImagePanel | AnimationPanel)]
    assert len(shown) == 4
    for panel in shown:
        recipe = Recipe.from_json(json.dumps(panel.recipe))
        still = isinstance(panel, ImagePanel)
        expected = panel.image if still else np.concatenate(panel.frames)
        assert np.array_equal(render(subject, recipe), expected)


def test_the_panels_are_these(full, result):
    kinds = [ImagePanel, AnimationPanel, ImagePanel, FigurePanel, FigurePanel]
    assert [type(p) for p in full.panels()] == [*kinds, ImagePanel, TablePanel]
    assert [type(p) for p in result.panels()] == [*kinds, TablePanel], "three corners: no plane"
    assert "fewer than four" in result.summary()["reasons"]["plane_middle_norm_over_corners"]
    left_out = quick((0, 1, 2, 3), 3).run(fake_subject())
    assert len(left_out.panels()) == 5
    assert left_out.summary()["reasons"]["path_length"]


def test_a_loop_returns_and_its_film_has_no_stop(full):
    z = fake_subject().latents([0, 1, 2, 3]).numpy()
    assert full.walk.legs == 4
    np.testing.assert_allclose(full.latents[[0, 3, 4, -4, -1]], z[[0, 1, 1, 3, 0]], atol=1e-6)
    assert len(full.film) == 4 * 12
    assert full.positions[-1] == 4
    assert "back to the first corner" in full.panels()[0].caption


def test_a_film_has_every_corner_once(result):
    corners = result.pictures[[0, 5, 9]]
    assert len(result.film) == 2 * 12 + 1
    assert np.abs(result.film[::12].astype(int) - corners).max() <= 1


@pytest.mark.parametrize(("corners", "frames"), [(2, 1000), (40, 12), (300, 12)])
def test_a_film_is_never_too_long(corners, frames):
    probe = quick(tuple(range(corners)), 2, frames=frames)
    film = probe._sources(Prior("normal", 4))["film"]
    assert MAX_FRAMES / 2 < len(film.latents(Prior("normal", 4))) <= MAX_FRAMES


def test_the_caption_of_a_plane_warns_of_short_latents(full):
    panel = full.panels()[5]
    assert full.plane.middle == pytest.approx(1, abs=0.05)
    assert full.plane.middle_by_lerp < 0.8
    assert f"would keep {full.plane.middle_by_lerp:.0%}" in panel.caption
    lerp = quick((0, 1, 2, 3), 2, mode="lerp", plane=3).run(fake_subject())
    assert "trust the edges more" in lerp.panels()[-2].caption


def test_corners_can_be_read_from_a_file(tmp_path, full):
    np.save(tmp_path / "z.npy", fake_subject().latents([0, 1, 2, 3]).numpy())
    settings = {"latents_file": str(tmp_path / "z.npy"), "per_leg": 4, "loop": True}
    found = Interpolation(path_pairs=20, **settings).run(fake_subject())
    assert np.array_equal(found.pictures, full.pictures)
    assert np.array_equal(found.film, full.film)
    summary = found.summary()
    json.dumps(summary, allow_nan=False)
    assert summary["seeds"] is None
    assert summary["reasons"]["seeds"]
    assert "given latents" in found.panels()[0].caption
    shown = [p for p in found.panels() if isinstance(p, ImagePanel)]
    for panel in shown:
        recipe = Recipe.from_json(json.dumps(panel.recipe))
        assert np.array_equal(render(fake_subject(), recipe), panel.image)


def test_lines_are_named_beside_the_plot_not_in_it(full):
    for panel in full.panels():
        if isinstance(panel, FigurePanel):
            assert not panel.figure.layout.annotations
            assert panel.figure.layout.legend.y > 1
            assert all(trace.name for trace in panel.figure.data)


def test_the_pair_shows_the_dip_of_lerp_above_slerp(result):
    half = result.pair_norms[:, 2]
    assert half[0] < 0.85 * half[1]
    ends = result.pair_norms[0, [0, -1]].mean()
    dip = result["shortest_norm_of_lerp_over_corners"]
    assert dip == pytest.approx(result.pair_norms[0].min() / ends)
    assert f"{dip:.0%}" in result.panels()[2].caption


def test_the_summary_is_json_and_names_the_checkpoint(result):
    summary = result.summary()
    json.dumps(summary, allow_nan=False)
    assert summary["hash"] == "f" * 64
    assert summary["n_pictures"] == 10


def test_batch_size_does_not_matter():
    settings = {"path_pairs": 9, "plane": 2, "frames": 3}
    probes = (Interpolation((0, 1, 2, 3), 4, batch_size=n, **settings) for n in (1, 7))
    one, seven = (probe.run(fake_subject()) for probe in probes)
    assert one.path.mean == pytest.approx(seven.path.mean, rel=1e-2)
    assert np.abs(one.pictures.astype(int) - seven.pictures).max() <= 1


def test_settings_survive_json():
    probe = Interpolation((3, 1), 4, "lerp")
    assert Interpolation(**json.loads(json.dumps(probe.settings()))) == probe


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"seeds": (1,)}, "at least 2"),
        ({"seeds": (1, -1)}, "seed -1"),
        ({"per_leg": 1}, "per_leg 1"),
        ({"mode": "bezier"}, "mode 'bezier'"),
        ({"batch_size": 0}, "batch_size 0"),
        ({"frames": -1}, "frames -1"),
        ({"plane": 1}, "plane 1"),
        ({"plane": 200}, "cannot be drawn"),
        ({"path_pairs": 1}, "path_pairs 1"),
        ({"path_pairs": 10**7}, "path_pairs 10000000"),
        ({"latents_file": "none.npy"}, "none.npy cannot be read"),
        ({"latents_file": "none.npy", "seeds": (1, 2)}, "leave out one"),
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
        pair = MODELS["dcgan"].build(arguments)
    subject = Subject(pair, {**known, "arguments": arguments})
    probes = [
        Interpolation((0, 1, 2, 3), 4, path_pairs=10),
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
