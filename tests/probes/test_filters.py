"""The filters probe: which weights are shown, on which scale, beside which control."""

import json

import numpy as np
import pytest
import torch
from fake_subject import FakeSubject, fake_subject
from torch import nn

from ganlens.errors import GanlensError
from ganlens.models.dcgan import DCGANConfig
from ganlens.panels import ImagePanel
from ganlens.probes.filters import Filters
from ganlens.probes.filters.weights import first_layer, last_layer
from ganlens.probes.layer_statistics import neighbour_correlation


@pytest.fixture(scope="module")
def result():
    return Filters().run(fake_subject())


def test_each_filter_is_shown_on_its_own_scale(result):
    weight = fake_subject().discriminator.block1.conv.weight.detach()
    assert result.names == ("block1.conv", "out.conv")
    assert result.first.shape == (4, 4, 4, 3)
    for tile, w in zip(result.first, weight, strict=True):
        expected = ((w / w.abs().max()).permute(1, 2, 0) + 1) * 127.5
        assert np.abs(tile - expected.numpy()).max() <= 0.5001
        assert tile.min() == 0 or tile.max() == 255


def test_the_generators_stamps_are_one_per_map(result):
    assert result.last.shape == (4, 4, 4, 3)
    resize = fake_subject(DCGANConfig(size=16, width=4, latent_dim=8, upsample="resize"))
    assert Filters().run(resize).last.shape == (4, 3, 3, 3)


def test_the_untrained_control_is_another_network(result):
    assert result.first_untrained.shape == result.first.shape
    assert not np.array_equal(result.first, result.first_untrained)


def test_grey_pictures_and_missing_generators_work():
    grey = fake_subject(DCGANConfig(size=16, width=4, latent_dim=8, channels=1))
    assert Filters().run(grey).first.shape == (4, 4, 4, 1)
    found = Filters().run(NoGenerator(None, fake_subject().discriminator))
    assert len(found.last) == 0
    assert [type(panel).__name__ for panel in found.panels()] == ["ImagePanel", "TablePanel"]
    assert {row["network"] for row in found.layers} == {"discriminator"}
    json.dumps(found.summary(), allow_nan=False)


class NoGenerator(FakeSubject):
    @property
    def prior(self):
        return None

    def untrained(self, seed: int = 0, images=None, *, calibrated: bool = True):
        raise GanlensError("fake does not say how to build it untrained")


def test_what_cannot_be_built_untrained_is_said():
    found = Filters().run(NoGenerator(None, fake_subject().discriminator))
    assert "does not say how" in found.panels()[0].caption
    assert found.smoothness["first untrained"] is None


def test_no_discriminator_is_an_error():
    with pytest.raises(GanlensError, match="no discriminator"):
        Filters().run(FakeSubject(fake_subject().generator, None))


def test_neighbours_of_noise_do_not_correlate_and_those_of_gradients_do():
    noise = torch.randn(200, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    assert abs(neighbour_correlation(noise)) < 0.03
    ramp = torch.linspace(-1, 1, 50)[:, None, None, None].expand(50, 3, 4, 4)
    assert neighbour_correlation(ramp) == pytest.approx(1)
    checkers = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(1, 1, 2, 2)
    assert neighbour_correlation(checkers) == pytest.approx(-1)
    assert neighbour_correlation(torch.ones(4, 1, 3, 3)) is None
    assert neighbour_correlation(torch.randn(4, 1, 1, 1)) is None


def test_the_table_has_every_weight_and_the_receptive_fields(result):
    subject = fake_subject()
    for network in ("generator", "discriminator"):
        module = getattr(subject, network)
        counted = sum(row["parameters"] for row in result.layers if row["network"] == network)
        assert counted == sum(p.numel() for p in module.parameters())
    rows = {row["layer"]: row for row in result.layers if row["network"] == "discriminator"}
    assert [rows[f"block{i}.conv"]["receptive field (px)"] for i in (1, 2)] == [4, 10]
    weight = subject.discriminator.block2.conv.weight
    assert rows["block2.conv"]["shape"] == "8 x 4 x 4 x 4"
    assert rows["block2.conv"]["mean"] == pytest.approx(weight.mean().item(), abs=1e-6)
    assert rows["block2.conv"]["std"] == pytest.approx(weight.std(correction=0).item(), rel=1e-5)
    assert rows["block2.conv"]["norm"] == pytest.approx(weight.norm().item(), rel=1e-5)


def test_panels_and_summary(result):
    pictures = [panel for panel in result.panels() if isinstance(panel, ImagePanel)]
    assert len(pictures) == 2
    assert pictures[0].image.shape == (2 * 5 - 1, 2 * (2 * 5 - 1) + 8, 3)
    summary = json.loads(json.dumps(result.summary(), allow_nan=False))
    assert summary["filters"] == 4
    assert summary["hash"] == "f" * 64


def test_ends_are_found_by_kind():
    assert first_layer(nn.Sequential(nn.Identity(), nn.Conv2d(1, 2, 3))) == "1"
    assert last_layer(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh())) == "0"
    with pytest.raises(GanlensError, match="no convolution"):
        first_layer(nn.Linear(2, 2))


def test_settings_survive_json():
    assert Filters(**json.loads(json.dumps(Filters(seed=3).settings()))) == Filters(seed=3)
