"""Conditional DCGAN: shapes, formulas of both ways, and conditions that are obeyed."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import ganlens
from ganlens.checkpoints import Header, save_checkpoint
from ganlens.errors import GanlensError
from ganlens.initialisation import seeded
from ganlens.models import MODELS, build
from ganlens.models.conditional_dcgan import (
    ConditionalConfig,
    ConditionalDiscriminator,
    ConditionalGenerator,
    ConditionalNorm,
)
from ganlens.models.conditions import Attributes, Classes
from ganlens.models.losses import LOSSES
from ganlens.training import Trainer, TrainingData, configure, trainable

WAYS = ("projection", "concatenation")
SMALL = {"size": 16, "channels": 3, "width": 8, "latent_dim": 6, "condition_dim": 2}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [16, 17, 28, 32, 45])
@pytest.mark.parametrize("kernel", [4, 5])
@pytest.mark.parametrize("first", ["conv", "linear"])
def test_shapes(way: str, size: int, kernel: int, first: str) -> None:
    arguments = SMALL | {
        "size": size, "channels": 1, "kernel": kernel, "condition_dim": 5, "conditioning": way,
        "projection": first,
    }  # fmt: skip
    nets: Any = build("conditional-dcgan", arguments, 0)
    rows = torch.eye(5)[[0, 4, 2]]
    images = nets["generator"](torch.randn(3, 6), rows)
    assert images.shape == (3, 1, size, size)
    assert nets["discriminator"](images, rows).shape == (3,)
    assert nets["generator"].prior.dim == 6
    assert nets["generator"].condition_dim == nets["discriminator"].condition_dim == 5


def test_the_norm_is_batch_norm_with_the_gain_and_shift_of_each_row() -> None:
    with seeded(0):
        norm = ConditionalNorm(nn.BatchNorm2d(4), 3)
        nn.init.normal_(norm.gain.weight)
        nn.init.normal_(norm.shift.weight)
        x = torch.randn(5, 4, 6, 6)
    rows = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 0, 0]])
    found = norm(x, rows)
    plain = nn.functional.batch_norm(x, None, None, training=True)
    gain, shift = norm.gain.weight.detach().T, norm.shift.weight.detach().T  # (3, 4)
    gains = torch.stack([gain[0], gain[1], gain[2], gain[0] + gain[1], torch.zeros(4)])
    shifts = torch.stack([shift[0], shift[1], shift[2], shift[0] + shift[1], torch.zeros(4)])
    expected = plain * (1 + gains)[:, :, None, None] + shifts[:, :, None, None]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def config(**changes: Any) -> ConditionalConfig:
    return ConditionalConfig(**{**SMALL, **changes})


def test_the_projection_is_the_paper_s_inner_product() -> None:
    """Miyato and Koyama 2018, equation 3: psi(phi(x)) + <embed(y), phi(x)>, phi summed."""
    with seeded(1):
        network = ConditionalDiscriminator(config()).eval()
        x, rows = torch.randn(4, 3, 16, 16), torch.eye(2)[[0, 1, 1, 0]]
    maps = x
    for name, block in network.named_children():
        if name.startswith("block"):
            maps = block(maps)
    embedded = network.embed.weight.T[rows.argmax(1)]
    expected = network.score(maps).flatten() + (embedded * maps.sum((2, 3))).sum(1)
    torch.testing.assert_close(network(x, rows), expected)
    unconditional = network(x, torch.zeros(4, 2))
    torch.testing.assert_close(unconditional, network.score(maps).flatten())


def test_concatenation_adds_constant_planes_and_coordinates() -> None:
    with seeded(1):
        discriminator = ConditionalDiscriminator(config(conditioning="concatenation")).eval()
        generator = ConditionalGenerator(config(conditioning="concatenation")).eval()
    assert discriminator.block1.conv.weight.shape[1] == 5
    assert generator.project.conv.weight.shape[0] == 8
    kernel = discriminator.block1.conv.weight
    with torch.no_grad():
        kernel[:, :3] = 0
    x, rows = torch.randn(2, 3, 16, 16), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    first = discriminator.block1.conv(
        torch.cat([x, rows[:, :, None, None].expand(2, 2, 16, 16)], 1)
    )
    inner = first[:, :, 1:-1, 1:-1]
    torch.testing.assert_close(inner, inner[:, :, :1, :1].expand_as(inner))
    assert not torch.allclose(first[0], first[1])


@pytest.mark.parametrize("way", WAYS)
def test_the_initial_weights_are_dcgan_s(way: str) -> None:
    nets = build("conditional-dcgan", SMALL | {"width": 32, "conditioning": way}, 0)
    for net in nets.values():
        for module in net.requires_grad_(False).modules():
            if isinstance(module, nn.BatchNorm2d):
                assert module.weight.std() > 0
                assert module.weight.mean() == pytest.approx(1, abs=0.03)
            elif isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                assert module.weight.std() == pytest.approx(0.02, rel=0.4)


def brightness_by_class(loss: str, way: str, condition: Any, labels: torch.Tensor) -> np.ndarray:
    """Train on images whose class is their brightness; return the mean of samples by class."""
    first = labels[:, 0].numpy().astype(bool)
    images = np.where(first[:, None, None, None], 230, 25).astype(np.uint8)
    images = np.broadcast_to(images, (len(first), 16, 16, 3)).copy()
    preset = trainable("conditional-dcgan").preset("default", loss=loss)
    arguments = asdict(preset.config) | SMALL | {
        "conditioning": way, "condition_dim": condition.dim,
    }  # fmt: skip
    settings = configure(
        "conditional-dcgan", loss=loss, batch_size=32, epochs=60, lr=2e-3, critic_steps=1
    )
    made = Trainer(
        "conditional-dcgan", arguments, settings, TrainingData(images, labels, None, condition)
    )
    for _ in range(120):
        made.advance()
    generator = made.trained.learning["generator"].eval()
    z = generator.prior.sample_batch(64, 0)
    with torch.no_grad():
        return np.array([
            float(generator(z, labels[int(np.argmax(first == wanted))].expand(64, -1)).mean())
            for wanted in (False, True)
        ])  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_planted_class_is_obeyed(loss: str, way: str) -> None:
    classes = Classes.of(np.arange(64) % 2, ["bright", "dark"])
    dark, bright = brightness_by_class(loss, way, classes, classes.labels(np.arange(64) % 2))
    assert bright > dark + 0.2


def test_attributes_are_a_condition_too() -> None:
    columns = {
        "tone": np.array(["bright", "dark"] * 32),
        "side": np.array(["left", "left", "right", "right"] * 16),
    }
    values = {"tone": ("bright", "dark"), "side": ("left", "right")}
    attributes = Attributes.of(columns, values)
    assert attributes.dim == 4
    dark, bright = brightness_by_class(
        "non-saturating", "projection", attributes, attributes.encode(columns)
    )
    assert bright > dark + 0.2


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("changes", [{}, {"rotation": 1.0, "spectral_norm": True}])
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(
    way: str, changes: dict[str, Any]
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (32, 16, 16, 3), dtype=np.uint8)
    classes = Classes.of(np.arange(32) % 2, ["a", "b"])
    data = TrainingData(images, classes.labels(np.arange(32) % 2), None, classes)

    def run() -> Trainer:
        settings = configure("conditional-dcgan", batch_size=16, epochs=3, **changes)
        return Trainer("conditional-dcgan", SMALL | {"conditioning": way}, settings, data)

    whole, first, second = run(), run(), run()
    for _ in range(6):
        whole.advance()
    for _ in range(3):
        first.advance()
    second.restore({k: v.clone() for k, v in first.state().items()})
    for _ in range(3):
        second.advance()
    a, b = whole.state(), second.state()
    assert a.keys() == b.keys()
    assert all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize("way", WAYS)
def test_a_checkpoint_draws_what_it_is_asked_for_by_words(way: str, tmp_path: Path) -> None:
    classes = Classes.of(np.arange(8) % 2, ["cat", "dog"])
    arguments = asdict(config(conditioning=way))
    nets: Any = build("conditional-dcgan", arguments, 0)
    header = Header(
        family="conditional-dcgan",
        arguments=arguments,
        prior={"kind": "normal", "dim": 6},
        condition=classes.to_json(),
    )
    folder = save_checkpoint(tmp_path / "it", header, nets, {})
    subject = ganlens.load(folder, "cpu")
    z = subject.latents(range(3))
    drawn = {word: subject.generate(z, word) for word in ("cat", "dog")}
    expected = nets["generator"].eval()(z, torch.eye(2)[[1, 1, 1]]).detach()
    torch.testing.assert_close(drawn["dog"], expected)
    assert not torch.equal(drawn["cat"], drawn["dog"])
    with pytest.raises(GanlensError, match="cow"):
        subject.generate(z, "cow")
    control = subject.untrained()
    assert control.generate(z, "dog").isfinite().all()


def test_data_without_labels_are_refused() -> None:
    images = np.zeros((32, 16, 16, 3), np.uint8)
    with pytest.raises(GanlensError, match="takes classes or attributes"):
        Trainer("conditional-dcgan", SMALL, configure("conditional-dcgan", batch_size=16), images)


def test_the_family_is_registered() -> None:
    assert MODELS["conditional-dcgan"].roles["generator"] == "generator"


def test_the_shipped_digits_are_read_as_what_was_asked_for() -> None:
    """By a linear reader of real digits, which reads about nine in ten of those."""
    from sklearn.linear_model import LogisticRegression

    subject, data = ganlens.load("mnist10k-conditional", "cpu"), ganlens.open_data("mnist10k")
    train = data.part("train")
    rows = np.sort(np.random.default_rng(0).permutation(len(train))[:2000])
    reader = LogisticRegression(max_iter=300).fit(pixels(train.batch(rows)), train.classes[rows])
    assert subject.condition is not None
    asked = [name for name in subject.condition.names for _ in range(40)]
    samples = subject.generate(subject.latents(range(len(asked))), asked)
    read = reader.predict(pixels(samples))
    assert np.mean(read == np.array(asked)) > 0.85


def pixels(x: torch.Tensor) -> np.ndarray:
    return (x.flatten(1).numpy() + 1) / 2
