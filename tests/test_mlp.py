"""The perceptrons: shapes at any size, layers by name, errors, and a planted task."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import ganlens
from ganlens.activations import layer_names
from ganlens.errors import GanlensError
from ganlens.models.mlp import MLPGAN, MLPConfig
from ganlens.training import Trainer, configure, quiet_fabric, train


@given(
    size=st.integers(16, 40),
    channels=st.sampled_from([1, 3]),
    layers=st.integers(1, 4),
    norm=st.sampled_from(["batch", "none"]),
)
@settings(max_examples=25, deadline=None)
def test_any_size_goes_there_and_back(size: int, channels: int, layers: int, norm: Any) -> None:
    config = MLPConfig(size, channels, latent_dim=5, width=3, layers=layers, norm=norm)
    nets: Any = MLPGAN().networks(config)
    z = nets["generator"].prior.sample(range(4))
    images = nets["generator"].eval()(z)
    assert images.shape == (4, channels, size, size)
    assert images.abs().max() <= 1
    assert nets["discriminator"].eval()(images).shape == (4,)
    assert len(nets["discriminator"].feature_layers) == layers


def test_layers_have_names_and_widths_double_to_the_image() -> None:
    nets: Any = MLPGAN().networks(MLPConfig(width=8, layers=3))
    assert MLPConfig(width=8, layers=4).widths == (8, 16, 32, 32)
    assert layer_names(nets["generator"]) == [
        "block1.fc", "block1.act", "block2.fc", "block2.norm", "block2.act",
        "block3.fc", "block3.norm", "block3.act", "out.fc", "out.act",
    ]  # fmt: skip
    assert nets["discriminator"].block1.fc.in_features == 28 * 28
    assert nets["discriminator"].feature_layers == ("block1.act", "block2.act", "block3.act")
    assert not any(isinstance(m, nn.BatchNorm1d) for m in nets["discriminator"].modules())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"size": 15}, "size 15.*16 to 256"),
        ({"channels": 2}, "channels 2.*1, 3"),
        ({"prior": "cauchy"}, "prior 'cauchy'.*normal, uniform"),
        ({"norm": "layer"}, "norm 'layer'.*batch, none"),
        ({"width": 0}, "width 0.*1 to 4,096"),
        ({"layers": 9}, "layers 9.*1 to 8"),
        ({"dropout": 1.0}, "dropout 1.0.*0 to below 1"),
    ],
)
def test_unusable_values_are_named(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(GanlensError, match=words):
        MLPConfig(**changes)


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
