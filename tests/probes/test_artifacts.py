"""The artifacts probe: predicted overlap, and doctored generators whose layer must be named."""

import copy
import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from fake_subject import fake_subject, hooks
from torch import nn

import ganlens
from ganlens.checkpoints import Header, save_checkpoint
from ganlens.data import open_data
from ganlens.errors import GanlensError
from ganlens.models.dcgan import DCGANConfig
from ganlens.probes.artifacts import Artifacts
from ganlens.probes.artifacts.blame import Verdict, blame
from ganlens.probes.artifacts.measure import (
    Real,
    _grey_levels,
    _worst,
    measure,
    stage_power,
)
from ganlens.probes.artifacts.stages import even_taps, evened, find_stages, overlap_of, unevenness
from ganlens.progress import finish
from ganlens.stats.excess import Excess, local_power, nyquist_points
from ganlens.stats.spectrum import whitening
from ganlens.subject import Subject

ASKED = {"seeds": range(40), "batch_size": 32, "least": 1.0}


def doctored(subject, layer: str, strength: float, *, how: str = "phase") -> Subject:
    """Copy a subject and plant a checkerboard in one layer's kernel.

    "phase" adds to one phase of all kernels what it takes from the others; "taps" scales the even
    taps.
    """
    generator = copy.deepcopy(subject.generator)
    weight = generator.get_submodule(layer).weight.data
    if how == "taps":
        weight[..., ::2, ::2] *= strength
    else:
        change = torch.full_like(weight, -1.0)
        change[..., ::2, ::2] = 3.0
        weight += strength * float(weight.std()) * change
    return Subject({"generator": generator}, subject.provenance)


def clean(config: DCGANConfig) -> Subject:
    """An untrained generator with every kernel evened: it draws noise without checkerboards."""
    subject = fake_subject(config)
    for stage in find_stages(subject):
        subject = Subject({"generator": evened(subject, stage.layer)}, subject.provenance)
    return subject


def as_real(subject: Subject) -> Real:
    x = subject.generate(subject.latents(range(5000, 5128))).numpy()
    mean, std = whitening(x)
    return Real((x - mean) / std, mean, std)


@pytest.mark.parametrize(("size", "kernel"), [(32, 4), (32, 5), (64, 4), (64, 5)])
def test_the_layer_where_a_checkerboard_was_planted_is_named(size, kernel):
    subject = clean(DCGANConfig(size=size, channels=1, width=4, latent_dim=16, kernel=kernel))
    real = as_real(subject)
    untouched = finish(measure(subject, real, **ASKED))
    assert untouched.verdict.layer is None
    assert "no layer" in untouched.verdict.reason.lower()
    for stage in find_stages(subject):
        found = finish(measure(doctored(subject, stage.layer, 0.5), real, **ASKED)).verdict
        assert (found.layer, found.period, found.confirmed) == (stage.layer, stage.period, True)


@pytest.fixture(scope="module")
def faces():
    x = open_data("pixelfaces", split="test").batch(slice(0, 512)).numpy()
    mean, std = whitening(x)
    return ganlens.load("pixelfaces", "cpu"), Real((x - mean) / std, mean, std)


@pytest.mark.parametrize("layer", ["block1.conv", "block2.conv", "out.conv"])
def test_a_layer_of_the_shipped_generator_is_named_when_it_was_doctored(layer, faces):
    subject, real = faces
    found = finish(measure(doctored(subject, layer, 0.2), real, **ASKED)).verdict
    assert (found.layer, found.confirmed) == (layer, True)


def test_scaled_taps_of_the_last_layer_are_found(faces):
    subject, real = faces
    found = finish(measure(doctored(subject, "out.conv", 1.5, how="taps"), real, **ASKED)).verdict
    assert (found.layer, found.confirmed) == ("out.conv", True)


def test_a_pattern_that_no_kernel_makes_is_named_by_its_period_only(faces):
    subject, real = faces
    generator = copy.deepcopy(subject.generator)
    generator.out.act = Tinted(generator.out.act)
    found = finish(
        measure(Subject({"generator": generator}, subject.provenance), real, **ASKED)
    ).verdict
    assert (found.layer, found.confirmed) == ("out.conv", False)
    assert "no single kernel" in found.reason


class Tinted(nn.Module):
    def __init__(self, act: nn.Module) -> None:
        super().__init__()
        self.act = act

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.act(x)
        return (y + 0.05 * (-1.0) ** torch.arange(y.shape[-1])).clamp(-1, 1)


def test_a_bar_is_on_what_stands_out_of_real_images():
    """At 1.5 dB over real images a peak counts by a bar of 1, and not by one of 2."""
    stages = find_stages(fake_subject(DCGANConfig(size=32, width=4, latent_dim=8)))
    high, some = [Excess(6, 0.1)] * 3, [Excess(1.5, 0.1)] * 3
    assert blame(stages, high, some, [], 1).layer == "block1.conv"
    assert blame(stages, high, some, [], 2).layer is None


@pytest.mark.parametrize("period", [2, 4])
def test_the_amplitude_is_in_grey_levels(period):
    """Waves of 0.02 in [-1, 1], 2.55 of 255, at every point of a period; whitened by 0.5."""
    y, x = np.mgrid[:32, :32]
    waves = [np.cos(2 * np.pi * (a * y + b * x)) for a, b in nyquist_points(period)]
    power = local_power(0.02 * np.sum(waves, 0)[None, None] / 0.5, period, 8)
    assert _grey_levels(power, 32, period, 0.5) == pytest.approx(2.55, rel=0.02)


def test_the_samples_that_show_it_most_come_first():
    stages = find_stages(fake_subject(DCGANConfig(size=32, width=4, latent_dim=8)))
    noise = np.random.default_rng(0).standard_normal((12, 1, 32, 32))
    strengths = 1.5 ** np.array([-9, -8, 0, -7, -1, -6, -2, -5, -3, -9, -9, -9])
    images = noise + strengths[:, None, None, None] * (-1.0) ** np.arange(32)
    verdict = Verdict("out.conv", 2, False, "", (1, 1, 0))
    found = _worst(stage_power(images, stages), stages, verdict)
    assert len(found) == 8
    assert found[:4].tolist() == [2, 4, 6, 8]


def test_both_sets_of_real_images_are_held_out_and_have_none_in_common(attribute_images):
    data = open_data(str(attribute_images))
    real, other, _ = Artifacts(samples=20)._real(data)
    first, second = ({one.round(3).tobytes() for one in part} for part in (real.images, other))
    held_out = {one.round(3).tobytes() for one in real.whiten(data.part("test").batch(slice(None)))}
    assert len(first) == len(second) == 20
    assert not first & second
    assert first | second <= held_out


def test_predicted_overlap_has_its_closed_form():
    """k = 5, stride 2: rows are stamped 3 and 2 times by turns: 9, 6, 6, 4; k = 4: 4 everywhere."""
    five, four = (nn.ConvTranspose2d(3, 2, k, 2, 1, bias=False) for k in (5, 4))
    assert sorted(set(overlap_of(five, even=True).flatten().tolist())) == [4, 6, 9]
    assert overlap_of(five, even=True)[0, :2, :2].tolist() == [[9, 6], [6, 4]]
    expected = ((1 + 1 / 25) ** 2 - 1) ** 0.5
    assert unevenness(overlap_of(five, even=True)) == pytest.approx(expected, rel=1e-5)
    assert unevenness(overlap_of(four, even=True)) == 0
    assert unevenness(overlap_of(nn.Upsample(scale_factor=2), even=True)) == 0


def test_predicted_overlap_of_weights_is_that_of_a_map_of_ones():
    layer = nn.ConvTranspose2d(3, 2, 5, 2, 2, output_padding=1, bias=False)
    with torch.no_grad():
        layer.weight.copy_(layer.weight.abs())
        made = layer(torch.ones(1, 3, 12, 12))[0, :, 6:18, 6:18]
    assert unevenness(overlap_of(layer, even=False)[:, :12, :12]) == pytest.approx(
        unevenness(made), rel=1e-4
    )


@pytest.mark.parametrize("kernel", [4, 5])
def test_evened_taps_answer_a_constant_map_evenly_and_keep_its_mean(kernel):
    weight = torch.randn(3, 2, kernel, kernel, generator=torch.Generator().manual_seed(0))
    even = even_taps(weight, 2)
    made = nn.functional.conv_transpose2d(torch.ones(1, 3, 9, 9), even, stride=2)[..., 6:12, 6:12]
    assert made.std((2, 3)).max() < 1e-5
    before = nn.functional.conv_transpose2d(torch.ones(1, 3, 9, 9), weight, stride=2)
    assert made.mean((2, 3)) == pytest.approx(before[..., 6:12, 6:12].mean((2, 3)), abs=1e-5)
    assert torch.allclose(even_taps(even, 2), even, atol=1e-6)


def test_stages_are_found_in_every_kind_of_generator():
    config = DCGANConfig(size=32, width=4, latent_dim=8)
    layers = ["block1.conv", "block2.conv", "out.conv"]
    for changes in ({}, {"kernel": 5}, {"projection": "linear"}):
        stages = find_stages(fake_subject(replace(config, **changes)))
        assert [stage.layer for stage in stages] == layers
        assert [stage.period for stage in stages] == [8, 4, 2]
        assert [stage.coarsest for stage in stages] == [2, 4, 8]
    stages = find_stages(fake_subject(replace(config, upsample="resize")))
    assert [s.layer for s in stages] == ["block1.resize", "block2.resize", "out.resize"]
    assert [s.unevenness for s in stages] == [0, 0, 0]


def test_the_verdict_takes_the_first_layer_that_stands_out_and_needs_both_excesses():
    stages = find_stages(fake_subject(DCGANConfig(size=32, width=4, latent_dim=8)))
    high, none = Excess(6, 0.2), Excess(0, 0.2)
    removed = [[high if k == s else none for s in range(3)] for k in range(3)]
    assert blame(stages, [none, high, high], [none, high, high], removed, 1).layer == "block2.conv"
    assert blame(stages, [high] * 3, [none] * 3, removed, 1).layer is None
    below = Excess(-1, 0.2)
    assert blame(stages, [below] * 3, [high] * 3, removed, 1).layer is None
    harmonic = [[none, none, high], [none] * 3, [none] * 3]
    assert blame(stages, [none, none, high], [high] * 3, harmonic, 1).layer == "block1.conv"
    assert not blame(stages, [high] * 3, [high] * 3, [[none] * 3] * 3, 1).confirmed
    assert blame((), [], [], [], 1).layer is None


@pytest.fixture(scope="module")
def result(attribute_images):
    subject = fake_subject()
    found = Artifacts(samples=32).run(subject, open_data(str(attribute_images)))
    assert hooks(subject.generator) == 0
    return found


def test_summary_and_panels(result):
    summary = json.loads(json.dumps(result.summary(), allow_nan=False))
    assert set(summary["layers"]) == {"block1.conv", "out.conv"}
    assert summary["n_real"] == 32
    assert summary["beside"] == {}
    assert result.panels()[0].title == "Spectra of real and generated images"


def test_a_batch_size_changes_nothing(result, attribute_images):
    data = open_data(str(attribute_images))
    other = Artifacts(samples=32, batch_size=7).run(fake_subject(), data)
    for a, b in zip(
        result.own.alone + result.own.maps, other.own.alone + other.own.maps, strict=True
    ):
        assert (a.value, a.error) == pytest.approx((b.value, b.error), abs=1e-3)


@pytest.fixture
def alike(attribute_images, tmp_path, monkeypatch):
    """Three shipped generators with other layers: two trained on these images, one on others."""
    data, folders = open_data(str(attribute_images)), []
    for name, changes, seen in (
        ("upsampling-5x5", {"kernel": 5}, data.fingerprints["train"]),
        ("upsampling-resize", {"upsample": "resize"}, data.fingerprints["train"]),
        ("upsampling-other", {}, "other"),
    ):
        config = DCGANConfig(size=16, width=4, latent_dim=8, **changes)
        fake = fake_subject(config)
        prior = {"kind": fake.prior.kind, "dim": fake.prior.dim}
        header = Header("dcgan", asdict(config), prior, data={"fingerprint": seen})
        networks = {"generator": fake.generator, "discriminator": fake.discriminator}
        folders.append((save_checkpoint(tmp_path / name, header, networks, {}), header))
    monkeypatch.setattr("ganlens.probes.artifacts.probe.list_checkpoints", lambda: folders)
    return data


def test_generators_trained_alike_on_the_same_data_are_shown_beside(alike):
    found = Artifacts(samples=32).run(fake_subject(), alike)
    assert [one.name for one in found.beside] == ["upsampling-5x5", "upsampling-resize"]
    assert [one.stages[-1].unevenness > 0 for one in found.beside] == [True, False]
    assert set(found.summary()["beside"]) == {"upsampling-5x5", "upsampling-resize"}
    assert {"Three ways of upsampling, trained alike", "Samples of each"} <= {
        panel.title for panel in found.panels()
    }
    alone = Artifacts(samples=32, beside="none").run(fake_subject(), alike)
    assert alone.beside == ()
    assert np.array_equal(alone.own.samples, found.own.samples)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"beside": "5x5"}, "auto, none"),
        ({"samples": 3}, "samples 3"),
        ({"least": -1.0}, "least"),
        ({"batch_size": 0}, "batch_size"),
    ],
)
def test_bad_settings_are_refused(changes, words):
    with pytest.raises(GanlensError, match=words):
        Artifacts(**changes)


def test_data_is_needed_in_the_right_shape(attribute_images):
    with pytest.raises(GanlensError, match="needs data"):
        Artifacts().run(fake_subject())
    with pytest.raises(GanlensError, match="do not fit"):
        Artifacts().run(fake_subject(), open_data("pixelfaces"))
