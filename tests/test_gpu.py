"""A real GPU against the CPU: training, classifiers, features and probes (``pytest -m gpu``).

Kernels add up in other orders, so that nothing is equal to the bit; each tolerance is stated.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from random_networks import narrow_vgg16
from test_pretended_gpu_features import IMAGES as FEW
from test_pretended_gpu_features import MADE, weights  # noqa: F401 (a fixture)
from test_pretended_gpu_probes import WAYS
from test_pretended_gpu_training import IMAGES, OPTIONS, SHORT, SMALL, WithDropout
from three_families import FAMILIES

from ganlens.classifier import train_classifier
from ganlens.cli import main
from ganlens.data import open_data
from ganlens.devices import pick_device
from ganlens.features import array_source, features_of
from ganlens.models import MODELS
from ganlens.probes import PROBES
from ganlens.progress import finish
from ganlens.subject import load
from ganlens.training import Trainer, configure, launched

pytestmark = pytest.mark.gpu
GPU = "cuda"
STEPS = 3
STEADY = {  # probes without a choice that a rounding could tip, and a number of each
    "interpolate": "mean_step_rmse",
    "fid": "value",
}


def trained(where: str, precision: str = "float32", family: str = "dcgan", **changes: Any) -> Any:
    config = configure(family, **{**SHORT, **changes})
    run = Trainer(family, SMALL, config, IMAGES, launched(where, precision))
    return run, [run.advance().numbers for _ in range(STEPS)]


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_trains_as_on_the_cpu(name: str) -> None:
    """Losses of the first step to 1e-4.

    Adam divides a gradient by its own size, so that a rounding of one near 0 moves a weight by up
    to two step sizes each time.
    """
    (here, expected), (there, found) = (trained(place, **OPTIONS[name]) for place in ("cpu", GPU))
    for key, value in expected[0].items():
        assert found[0][key] == pytest.approx(value, rel=1e-3 if "grad" in key else 1e-4, abs=1e-6)
    rate = max(2e-4, OPTIONS[name].get("lr_discriminator", 0))
    for network, own in here.trained.learning.items():
        other = there.trained.learning[network]
        for a, b in zip(own.parameters(), other.parameters(), strict=True):
            assert (a - b.cpu()).abs().max() <= 2.1 * rate * STEPS


def test_the_best_precision_trains_nearly_alike() -> None:
    """Losses of the first step to 5 %: bfloat16 has 8 bits."""
    (_, expected), (_, found) = trained("cpu"), trained(GPU, "auto")
    for key in ("d_loss", "g_loss"):
        assert found[0][key] == pytest.approx(expected[0][key], rel=0.05)


def test_a_state_comes_back_to_the_bit() -> None:
    run, _ = trained(GPU, **OPTIONS["everything"])
    kept = {name: value.detach().cpu().clone() for name, value in run.state().items()}
    other, _ = trained(GPU, **{**OPTIONS["everything"], "seed": 1})
    other.restore(kept)
    assert all(torch.equal(value.cpu(), kept[name]) for name, value in other.state().items())
    other.advance()


def test_dropout_draws_from_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODELS, "planted", WithDropout())
    first, second = (trained(GPU, family="planted")[1][0]["d_loss"] for _ in range(2))
    assert first == pytest.approx(second, rel=1e-4)


def test_float32_is_float32() -> None:
    """A convolution of 4,096 products to 1e-5; TF32 has 10 bits, an error near 1e-3."""
    device = pick_device(GPU)
    stream = torch.Generator().manual_seed(0)
    x, w = (torch.randn(size, generator=stream) for size in ((4, 256, 8, 8), (64, 256, 4, 4)))
    expected = torch.nn.functional.conv2d(x.double(), w.double())
    for found in (
        torch.nn.functional.conv2d(x.to(device), w.to(device)),
        (x.flatten(1).to(device) @ torch.eye(x[0].numel(), device=device)).view(x.shape),
    ):
        wanted = expected if found.shape == expected.shape else x.double()
        error = (found.cpu() - wanted).abs().max() / wanted.std()
        assert error < 1e-5


@pytest.mark.parametrize("name", MADE)
def test_features_are_those_of_the_cpu(
    name: str,
    weights: dict[str, Path],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To 1e-3 of a feature or of their spread."""
    monkeypatch.setattr("ganlens.features.vgg.vgg16", narrow_vgg16)
    device = pick_device(GPU)
    expected, found = (
        finish(features_of(MADE[name](place, weights), array_source(FEW)))
        for place in ("cpu", device)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3 * expected.std())


@pytest.mark.parametrize(
    ("name", "settings"), WAYS, ids=[f"{name}-{i}" for i, (name, _) in enumerate(WAYS)]
)
def test_every_probe_runs(
    name: str,
    settings: dict[str, Any],
    attribute_images: Path,
    tiny_checkpoint: Path,
    tiny_conditional: Path,
) -> None:
    """Numbers that no rounding can tip agree to 1 %."""
    data, probe = open_data(str(attribute_images)), PROBES[name](**settings)
    place = tiny_conditional if probe.needs().conditions else tiny_checkpoint
    result = probe.run(load(place, GPU), data)
    found = result.summary()
    assert found["device"].startswith(GPU)
    assert result.panels()
    json.dumps(found, allow_nan=False)
    if (key := STEADY.get(name)) is not None:
        expected = probe.run(load(tiny_checkpoint, "cpu"), data).summary()
        assert found[key] == pytest.approx(expected[key], rel=0.01)


def test_images_agree_to_a_grey_level(tiny_checkpoint: Path) -> None:
    there, here = (load(tiny_checkpoint, place) for place in (GPU, "cpu"))
    x = here.sample(range(64))
    assert (there.sample(range(64)) - x).abs().max() < 2 / 255 / 10
    torch.testing.assert_close(there.discriminate(x), here.discriminate(x), rtol=1e-3, atol=1e-3)


def test_a_classifier_learns_the_same(attribute_images: Path) -> None:
    """What can be seen is read in nine of ten held-out images on both."""
    data = open_data(str(attribute_images))
    for place in ("cpu", pick_device(GPU)):
        made = finish(train_classifier(data, epochs=6, width=8, device=place))
        assert min(made.accuracies.values()) > 0.9


@pytest.mark.parametrize("family", ["dcgan", *FAMILIES])
def test_a_run_and_its_report(family: str, tiny_images: Path, tmp_path: Path) -> None:
    run, there = tmp_path / "run", ["--device", GPU]
    words = ["train", "--data", str(tiny_images), "--family", family, "--extractor", "classifier"]
    words += ["--others", str(tiny_images)] if family == "toy-translator" else []
    words += ["--epochs", "2", "--batch-size", "16", "--evaluate-n", "20", "--out", str(run)]
    assert main([*words, *there]) == 0
    assert main([*words, *there]) == 0
    assert f"| device | {GPU}" in (run / "best" / "card.md").read_text()
    few = ["report", str(run), "--data", str(tiny_images), "--out", str(tmp_path / "report")]
    few += ["--probes", "activations", "health", "fid"]
    assert main([*few, *there]) == 0
