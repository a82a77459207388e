"""DCGAN: shapes at every size, the presets' layers, the paper's parameter counts."""

from dataclasses import asdict
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlens.activations import layer_names, run_to
from ganlens.errors import GanlensError
from ganlens.models import MODELS
from ganlens.models.base import Discriminator, Generator
from ganlens.models.dcgan import (
    DCGAN,
    DCGANConfig,
    DCGANDiscriminator,
    DCGANGenerator,
    preset,
)

PRESETS = {name: one.config for name, one in DCGAN.presets.items()}


@given(
    size=st.integers(16, 96),
    channels=st.sampled_from([1, 3]),
    name=st.sampled_from(sorted(PRESETS)),
    upsample=st.sampled_from(["transposed", "resize"]),
    norm=st.sampled_from(["batch", "none"]),
)
@settings(max_examples=40, deadline=None)
def test_any_size_goes_there_and_back(
    size: int, channels: int, name: str, upsample: str, norm: str
) -> None:
    config = preset(name, size=size, channels=channels, width=2, latent_dim=5, upsample=upsample,
                    discriminator_norm=norm)  # fmt: skip
    generator, discriminator = DCGANGenerator(config).eval(), DCGANDiscriminator(config).eval()
    images = generator(generator.prior.sample(range(3)))
    assert images.shape == (3, channels, size, size)
    assert images.abs().max() <= 1
    assert discriminator(images).shape == (3,)
    assert isinstance(generator, Generator)
    assert isinstance(discriminator, Discriminator)


@pytest.mark.parametrize("size", [16, 128, 255, 256])
def test_extreme_sizes(size: int) -> None:
    for name in PRESETS:
        config = preset(name, size=size, width=1, latent_dim=2)
        images = DCGANGenerator(config).eval()(torch.zeros(1, 2))
        assert images.shape == (1, 3, size, size)
        assert DCGANDiscriminator(config).eval()(images).shape == (1,)


def test_the_paper_preset_has_the_authors_layers() -> None:
    """Shapes after METHODS: 100 -> 1024x4x4, 512, 256, 128, 3, with 5x5 kernels and no bias."""
    config = PRESETS["paper"]
    assert (config.width, config.kernel, config.prior, config.projection) == (
        128,
        5,
        "uniform",
        "linear",
    )
    shapes = [
        tuple(v.shape) for k, v in DCGANGenerator(config).named_parameters() if "norm" not in k
    ]
    assert shapes == [
        (16384, 100),
        (1024, 512, 5, 5),
        (512, 256, 5, 5),
        (256, 128, 5, 5),
        (128, 3, 5, 5),
    ]
    shapes = [
        tuple(v.shape) for k, v in DCGANDiscriminator(config).named_parameters() if "norm" not in k
    ]
    assert shapes == [
        (128, 3, 5, 5),
        (256, 128, 5, 5),
        (512, 256, 5, 5),
        (1024, 512, 5, 5),
        (1, 1024, 4, 4),
    ]


def test_the_torch_preset_is_pytorchs_example() -> None:
    """Parameter counts of pytorch/examples' dcgan at nz 100, ngf 64, ndf 64, 64 px."""
    generator, discriminator = (
        DCGANGenerator(PRESETS["torch"]),
        DCGANDiscriminator(PRESETS["torch"]),
    )
    assert sum(p.numel() for p in generator.parameters()) == 3_576_704
    assert sum(p.numel() for p in discriminator.parameters()) == 2_765_568


def test_batch_norm_stands_where_the_paper_says() -> None:
    for name in PRESETS:
        config = preset(name, width=2)
        norms = [
            k for k, m in DCGANGenerator(config).named_modules() if "BatchNorm" in type(m).__name__
        ]
        assert norms == ["project.norm", "block1.norm", "block2.norm", "block3.norm"]
        norms = [
            k
            for k, m in DCGANDiscriminator(config).named_modules()
            if "BatchNorm" in type(m).__name__
        ]
        assert norms == ["block2.norm", "block3.norm", "block4.norm"]


def test_initial_weights_have_the_papers_deviation() -> None:
    generator = DCGANGenerator(preset("torch", width=32))
    weight, gain = generator.block1.conv.weight, generator.project.norm.weight
    assert weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert gain.mean().item() == pytest.approx(1, abs=0.01)
    assert gain.std().item() == pytest.approx(0.02, rel=0.25)


def test_layer_names_are_stable_and_features_are_the_paper_s() -> None:
    config = PRESETS["torch"]
    discriminator = DCGANDiscriminator(config)
    assert discriminator.feature_layers == ("block1.act", "block2.act", "block3.act", "block4.act")
    generator = DCGANGenerator(preset("torch", width=2))
    assert layer_names(generator)[:3] == ["project.conv", "project.norm", "project.act"]
    assert "out.conv" in layer_names(generator)
    maps = run_to(generator.eval(), "block1.conv", torch.zeros(1, 100))
    assert (maps.shape[1:], generator.block1.conv.weight.numel()) == ((8, 8, 8), 16 * 8 * 16)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"size": 15}, "15.*16 to 256"),
        ({"size": 257}, "257.*16 to 256"),
        ({"channels": 2}, "channels 2.*1, 3"),
        ({"kernel": 3}, "kernel 3.*4, 5"),
        ({"prior": "cauchy"}, "cauchy.*normal, uniform"),
        ({"width": 0}, "width 0.*1 to 1,024"),
        ({"latent_dim": 10_001}, "latent_dim 10001.*1 to 10,000"),
    ],
)
def test_unusable_values_are_named(changes: dict[str, object], words: str) -> None:
    with pytest.raises(GanlensError, match=words):
        DCGANGenerator(DCGANConfig(**changes))  # type: ignore[arg-type]


def test_families_build_from_plain_values() -> None:
    arguments = asdict(preset("paper", size=32, width=2))
    family = MODELS["dcgan"]
    built: Any = family.build(arguments)
    assert built["generator"].config == preset("paper", size=32, width=2)
    assert built["discriminator"].image_shape == (3, 32, 32)
    assert list(family.build(arguments, ["discriminator"])) == ["discriminator"]
    with pytest.raises(GanlensError, match=r"network 'encoder'.*generator, discriminator"):
        family.build(arguments, ["encoder"])
