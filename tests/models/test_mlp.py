"""The first GAN: its shapes, its layers, its errors, and that it learns."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import ganlens
from ganlens.activations import capture
from ganlens.errors import GanlensError
from ganlens.models import MODELS
from ganlens.models.family import Batch
from ganlens.models.mlp import MLPConfig, MLPDiscriminator, MLPGenerator
from ganlens.models.objective import Adversarial
from ganlens.models.prior import Prior
from ganlens.training import Trainer, configure, quiet_fabric, train

TINY = MLPConfig(size=16, latent_dim=4, width=8, layers=2, dropout=0.0)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [16, 17, 28, 37])
def test_shapes(size: int, channels: int) -> None:
    config = replace(TINY, size=size, channels=channels)
    generator, discriminator = MLPGenerator(config).eval(), MLPDiscriminator(config).eval()
    x = generator(generator.prior.sample(range(3)))
    assert x.shape == (3, channels, size, size) == (3, *generator.image_shape)
    assert x.abs().max() <= 1
    assert discriminator(x).shape == (3,)
    assert discriminator.image_shape == generator.image_shape


def test_widths_grow_to_the_image_and_shrink_from_it() -> None:
    config = replace(TINY, width=8, layers=4)
    assert config.widths == (8, 16, 32, 32)
    shapes = [tuple(p.shape) for n, p in MLPGenerator(config).named_parameters() if "fc.w" in n]
    assert shapes == [(8, 4), (16, 8), (32, 16), (32, 32), (256, 32)]
    shapes = [tuple(p.shape) for n, p in MLPDiscriminator(config).named_parameters() if p.ndim > 1]
    assert shapes == [(32, 256), (32, 32), (16, 32), (8, 16), (1, 8)]


def test_layers_have_names_that_can_be_looked_at() -> None:
    discriminator = MLPDiscriminator(TINY).eval()
    assert discriminator.feature_layers == ("block1.act", "block2.act")
    with capture(discriminator, discriminator.feature_layers) as found:
        discriminator(torch.zeros(2, 1, 16, 16))
    assert [tuple(found[name].shape) for name in found] == [(2, 16), (2, 8)]
    names = dict(MLPGenerator(TINY).named_modules())
    assert {"block1.fc", "block1.act", "block2.norm", "out.fc", "out.act"} <= set(names)
    assert "block1.norm" not in names  # not on the latents


def test_without_norm_and_dropout_there_are_none() -> None:
    config = replace(TINY, norm="none")
    modules = [*MLPGenerator(config).modules(), *MLPDiscriminator(config).modules()]
    assert not any(isinstance(m, torch.nn.BatchNorm1d | torch.nn.Dropout) for m in modules)
    dropped = MLPDiscriminator(replace(TINY, dropout=0.4)).modules()
    assert [m.p for m in dropped if isinstance(m, torch.nn.Dropout)] == [0.4, 0.4]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"size": 15}, "size 15 is out of range: give 16 to 256"),
        ({"channels": 2}, "channels 2"),
        ({"width": 0}, "width 0 is out of range: give 1 to 4,096"),
        ({"layers": 9}, "layers 9 is out of range: give 1 to 8"),
        ({"latent_dim": 0}, "latent_dim 0"),
        ({"prior": "cauchy"}, "cauchy"),
        ({"norm": "layer"}, "layer"),
        ({"dropout": 1.0}, "dropout 1.0 is out of range"),
    ],
)
def test_errors(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(GanlensError, match=words):
        MLPConfig(**wrong)


def test_presets_build() -> None:
    presets = MODELS["mlp"].presets
    assert set(presets) == {"default"}
    for preset in presets.values():
        networks = MODELS["mlp"].networks(preset.config)
        x = networks["generator"].eval()(Prior(preset.config.prior, 100).sample([0]))
        assert networks["discriminator"](x).shape == (1,)


def test_the_checkpoint_of_the_default_stays_small() -> None:
    networks = MODELS["mlp"].networks(MODELS["mlp"].presets["default"].config)
    sizes = {n: sum(p.numel() for p in net.parameters()) for n, net in networks.items()}
    assert 4 * (2 * sizes["generator"] + sizes["discriminator"]) < 6e6  # float32, and the average


def test_it_learns_a_planted_task() -> None:
    """Images that are all of one brightness: the samples' mean goes there from 0."""
    family, how = MODELS["mlp"], Adversarial(lr=2e-3)
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        nets = family.networks(TINY)
    real = torch.full((32, 1, 16, 16), 0.6)
    prior, phases = Prior("normal", 4), family.phases(nets, how)
    learning = [[p for name in phase.learns for p in nets[name].parameters()] for phase in phases]
    adams = [torch.optim.Adam(weights, 2e-3, (0.5, 0.999)) for weights in learning]
    before = float(nets["generator"](prior.sample_batch(64, 0)).detach().mean())
    for step in range(200):
        batch = Batch(
            images=real, labels=None, others=None, step=step, progress=0.0,
            stream=lambda name, step=step: torch.Generator().manual_seed(step),
            latents=lambda prior, step=step: prior.sample_batch(32, step),
        )  # fmt: skip
        made = family.forward(nets, batch)
        for phase, adam in zip(phases, adams, strict=True):
            loss, _ = phase.loss(batch, made)
            adam.zero_grad()
            loss.backward()
            adam.step()
    after = float(nets["generator"](prior.sample_batch(64, 0)).detach().mean())
    assert abs(after - 0.6) < 0.3 < abs(before - 0.6)


def test_dropout_draws_from_the_step_so_that_a_run_resumes_to_the_bit() -> None:
    images = np.random.default_rng(0).integers(0, 256, (48, 16, 16, 1), dtype=np.uint8)
    arguments = {"size": 16, "channels": 1, "width": 4, "latent_dim": 4, "dropout": 0.5}

    def fresh() -> Trainer:
        config = configure("mlp", epochs=3, batch_size=16)
        fabric = quiet_fabric(accelerator="cpu", devices=1, precision="32-true")
        return Trainer("mlp", arguments, config, images, fabric)

    whole, first, second = fresh(), fresh(), fresh()
    list(train(whole))
    [first.advance() for _ in range(4)]
    torch.rand(7)  # the global stream has no part in it
    second.restore({k: v.clone() for k, v in first.state().items()})
    list(train(second))
    again = second.state()
    assert all(torch.equal(value, again[name]) for name, value in whole.state().items())


def test_the_shipped_digits_are_read_as_digits() -> None:
    """A linear reader of real digits is sure of most samples, and every class is among them."""
    from sklearn.linear_model import LogisticRegression

    subject, data = ganlens.load("mnist10k-mlp", "cpu"), ganlens.open_data("mnist10k", "train")
    rows = np.random.default_rng(0).permutation(len(data))[:2000]
    real, labels = data.images[np.sort(rows)].reshape(2000, -1) / 255, data.labels
    assert labels is not None
    reader = LogisticRegression(max_iter=300).fit(real, labels[np.sort(rows)])
    samples = (subject.sample(range(300)).flatten(1).numpy() + 1) / 2
    sure = reader.predict_proba(samples)
    assert (sure.max(1) > 0.8).mean() > 0.5
    assert set(sure.argmax(1)) == set(range(10))
