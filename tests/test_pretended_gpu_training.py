"""Training on a pretended GPU: every option, every family, the run in its folder, classifiers."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pretended_gpu import DeviceMistake, pretended_gpu
from safetensors.torch import load_file
from three_families import FAMILIES, ConditionalGAN, Draw, See, Shape

from ganlens.attributes import open_classifier
from ganlens.classifier import train_classifier
from ganlens.cli import main
from ganlens.data import open_data
from ganlens.devices import place_of
from ganlens.models import MODELS
from ganlens.models.conditions import Classes
from ganlens.models.dcgan import preset
from ganlens.models.losses import LOSSES
from ganlens.progress import finish
from ganlens.runs import read_metrics
from ganlens.training import Trainer, TrainingData, configure, launched

IMAGES = np.random.default_rng(0).integers(0, 256, (32, 16, 16, 3), dtype=np.uint8)
SMALL = asdict(preset("torch", size=16, width=4, latent_dim=8))
SHORT: dict[str, Any] = {"batch_size": 16, "epochs": 2}  # four steps
OPTIONS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "alternate": {"schedule": "alternate", "weight_decay": 1e-5, "lr_discriminator": 1e-3},
    "r1": {"r1": 1.0, "r1_every": 2},
    "augment": {"augment": "color,translation,cutout"},
    "flip": {"flip": True},
    "noise": {"instance_noise": 0.2, "label_smoothing": 0.1},
    "spectral norm": {"spectral_norm": True},
    "rotation": {"rotation": 1.0},
    "no average": {"ema_decay": 0.0},
    "decay": {"decay_from": 0.25, "critic_steps": 2},
    **{loss: {"loss": loss} for loss in LOSSES if loss != "non-saturating"},
    "everything": {
        "rotation": 0.5, "spectral_norm": True, "r1": 1.0, "r1_every": 2, "augment": "color",
        "flip": True, "instance_noise": 0.1,
    },
}  # fmt: skip


@pytest.fixture(autouse=True)
def device() -> Iterator[torch.device]:
    with pretended_gpu() as there:
        yield there


def trained(where: str, precision: str = "float32", steps: int = 3, **changes: Any) -> Trainer:
    config = configure("dcgan", **{**SHORT, **changes})
    norm = "none" if config.objective.gradient_penalty else SMALL["discriminator_norm"]
    arguments = {**SMALL, "discriminator_norm": norm}
    made = Trainer("dcgan", arguments, config, IMAGES, launched(where, precision))
    for _ in range(steps):
        made.advance()
    return made


def state(run: Trainer) -> dict[str, torch.Tensor]:
    return {name: value.detach().cpu() for name, value in run.state().items()}


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_trains_as_on_the_cpu(name: str) -> None:
    here, there = trained("cpu", **OPTIONS[name]), trained("pretended", **OPTIONS[name])
    assert {p.device.type for p in there.trained.learning.parameters()} == {"pretended"}
    torch.testing.assert_close(state(there), state(here), rtol=1e-4, atol=1e-6)


def test_bfloat16_trains_too() -> None:
    run = trained("pretended", "bfloat16", **OPTIONS["everything"])
    assert run.fabric._precision.precision == "bf16-mixed"
    found = state(run)
    assert all(torch.isfinite(one).all() for one in found.values())
    assert not any(one.dtype == torch.bfloat16 for one in found.values())
    exact = state(trained("pretended", **OPTIONS["everything"]))
    assert not torch.equal(found["d_adam.0.exp_avg"], exact["d_adam.0.exp_avg"])


INFO = {k: v for k, v in SMALL.items() if k != "latent_dim"} | {"codes": "categorical 3, uniform 2"}
TOLD = {way: {**SMALL, "condition_dim": 2, "conditioning": way}
        for way in ("projection", "concatenation")}  # fmt: skip
MADE_OF = {
    "infogan": ("infogan", INFO),
    **{way: ("conditional-dcgan", arguments) for way, arguments in TOLD.items()},
}


@pytest.mark.parametrize("name", MADE_OF)
def test_codes_and_conditions_train_as_on_the_cpu(name: str) -> None:
    family, arguments = MADE_OF[name]
    classes = Classes.of(np.arange(len(IMAGES)) % 2, ["a", "b"])
    data = TrainingData(IMAGES, classes.labels(np.arange(len(IMAGES)) % 2), None, classes)
    found = []
    for where in ("cpu", "pretended"):
        config = configure(family, **SHORT, rotation=0.5)
        run = Trainer(family, arguments, config, data, launched(where, "float32"))
        for _ in range(3):
            run.advance()
        found.append(state(run))
    torch.testing.assert_close(found[1], found[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rank", [0, 1])
def test_either_rank_trains(rank: int) -> None:
    """The other rank is taken to have the same gradients: what is shared is the tensors' path."""
    fabric = launched("pretended", "float32")
    fabric._strategy.world_size, fabric._strategy.global_rank = 2, rank
    config = configure("dcgan", **SHORT, **OPTIONS["everything"])
    run = Trainer("dcgan", SMALL, config, IMAGES, fabric)
    step = run.advance()
    assert all(np.isfinite(value) for value in step.numbers.values())


class Dropping(torch.nn.Module):
    """A discriminator that draws in its layers."""

    def __init__(self, plain: torch.nn.Module) -> None:
        super().__init__()
        self.plain, self.drop = plain, torch.nn.Dropout(0.5)
        self.image_shape, self.feature_layers = plain.image_shape, ("plain.block1.act",)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.plain(self.drop(x))


class WithDropout(type(MODELS["dcgan"])):  # type: ignore[misc]
    def networks(self, config: Any) -> dict[str, torch.nn.Module]:
        nets = super().networks(config)
        return {**nets, "discriminator": Dropping(nets["discriminator"])}


def one_step(family: Any, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> dict[str, Any]:
    monkeypatch.setitem(MODELS, "planted", family)
    config = configure("planted", **SHORT, **changes)
    run = Trainer("planted", SMALL, config, IMAGES, launched("pretended", "float32"))
    run.advance()
    return state(run)


def test_what_layers_draw_on_the_device_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (one_step(WithDropout(), monkeypatch) for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


class Mixing(type(MODELS["dcgan"])):  # type: ignore[misc]
    def g_loss(self, nets: Any, how: Any, batch: Any, fake: torch.Tensor) -> Any:
        loss, numbers = super().g_loss(nets, how, batch, fake)
        return loss + (fake * torch.ones(len(fake), 1, 1, 1)).mean(), numbers


class ToNumpy(type(MODELS["dcgan"])):  # type: ignore[misc]
    def d_loss(self, nets: Any, how: Any, batch: Any, fake: torch.Tensor) -> Any:
        np.asarray(fake.detach())
        return super().d_loss(nets, how, batch, fake)


class CpuGenerator(type(MODELS["dcgan"])):  # type: ignore[misc]
    def forward(self, nets: Any, batch: Any) -> torch.Tensor:
        z = batch.latents(nets["generator"].prior)
        return nets["generator"](z.normal_(generator=batch.stream("noise")))


class CpuIndices(type(MODELS["dcgan"])):  # type: ignore[misc]
    def forward(self, nets: Any, batch: Any) -> torch.Tensor:
        rows = torch.randperm(len(batch.images), generator=batch.stream("rows"))
        return super().forward(nets, batch).index_select(0, rows)


class Unseeded(type(MODELS["dcgan"])):  # type: ignore[misc]
    def networks(self, config: Any) -> dict[str, torch.nn.Module]:
        torch.rand(3, device="pretended")
        return super().networks(config)


@pytest.mark.parametrize(
    ("family", "said"),
    [
        (Mixing, "mixes tensors"),
        (ToNumpy, "an array of a tensor on the device"),
        (CpuGenerator, "from a generator of the CPU"),
        (CpuIndices, "index_select mixes"),
        (Unseeded, "which nothing has seeded"),
    ],
)
def test_a_mistake_that_is_planted_in_training_is_seen(
    family: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Exception, match=said) as caught:
        one_step(family(), monkeypatch)
    assert isinstance(caught.value, DeviceMistake) or "DeviceMistake" in str(caught.value)


FLAGS = (
    "--width", "4", "--latent-dim", "8", "--batch-size", "16", "--epochs", "2", "--evaluate-n",
    "20", "--save-every", "2", "--device", "pretended",
)  # fmt: skip


def finished(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "state.safetensors")


@pytest.mark.parametrize("extractor", ["pixels", "classifier"])
def test_a_run_in_its_folder(extractor: str, tiny_images: Path, tmp_path: Path) -> None:
    words = ["train", "--data", str(tiny_images), "--extractor", extractor, *FLAGS]
    assert main([*words, "--out", str(tmp_path / "run")]) == 0
    assert main([*words, "--out", str(tmp_path / "run")]) == 0  # there is nothing left to do
    (row,) = (one for one in read_metrics(tmp_path / "run") if "fd" in one)
    assert row["fd"] > 0
    assert (row["network_precision"], row["device"]) == ("32-true", "pretended")
    assert "| device | pretended |" in (tmp_path / "run" / "best" / "card.md").read_text()


def test_the_first_of_two_ranks_runs_in_its_folder(
    tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    several = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}
    for name, value in several.items():
        monkeypatch.setenv(name, value)
    words = ["train", "--data", str(tiny_images), "--extractor", "pixels", *FLAGS]
    assert main([*words, "--out", str(tmp_path / "run")]) == 0
    assert "| device | pretended |" in (tmp_path / "run" / "best" / "card.md").read_text()


def test_a_run_goes_on_where_it_stopped_and_from_a_start(
    tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["train", "--data", str(tiny_images), "--extractor", "pixels", *FLAGS]
    whole, part = tmp_path / "whole", tmp_path / "part"
    assert main([*words, "--out", str(whole)]) == 0
    longer = list(words)
    assert main([*longer, "--out", str(part), "--epochs", "1"]) == 0
    assert main([*longer, "--out", str(part), "--epochs", "2"]) == 0
    one, other = finished(whole), finished(part)
    assert all(torch.equal(one[name], other[name]) for name in one)
    begun = ["--out", str(tmp_path / "begun"), "--start", str(whole)]
    assert main([*words, *begun]) == 0


class Normed(See):
    """A critic that is told the class and has statistics to be calibrated."""

    def __init__(self, c: Shape) -> None:
        super().__init__(c)
        self.act = torch.nn.Sequential(torch.nn.BatchNorm2d(c.width), torch.nn.LeakyReLU(0.2))


class NormedConditional(ConditionalGAN):
    def networks(self, config: Shape) -> dict[str, torch.nn.Module]:
        return {"generator": Draw(config), "discriminator": Normed(config)}


@pytest.mark.parametrize("family", [*FAMILIES, "normed"])
def test_families_of_other_kinds(
    family: str, tiny_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODELS, "normed", NormedConditional())
    words = ["train", "--data", str(tiny_images), "--family", family, "--extractor", "pixels"]
    words += ["--others", str(tiny_images)] if family == "toy-translator" else []
    words += ["--epochs", "1", "--batch-size", "16", "--evaluate-n", "20", "--device", "pretended"]
    assert main([*words, "--out", str(tmp_path / "run")]) == 0


def test_a_classifier_learns_on_the_device_what_it_learns_on_the_cpu(
    attribute_images: Path, tmp_path: Path
) -> None:
    data = open_data(str(attribute_images))
    settings = {"epochs": 2, "width": 4, "augment": True}
    here, there = (
        finish(train_classifier(data, device=device, **settings))
        for device in ("cpu", "pretended:0")
    )
    assert (here.device, there.device) == ("cpu", "pretended")
    assert {p.device.type for p in there.model.parameters()} == {"cpu"}  # as it is kept
    torch.testing.assert_close(
        there.model.state_dict(), here.model.state_dict(), rtol=1e-3, atol=1e-5
    )
    assert there.accuracies == pytest.approx(here.accuracies, abs=0.05)
    words = [
        "classifier",
        "train",
        "--data",
        str(attribute_images),
        "--epochs",
        "1",
        "--width",
        "4",
    ]
    assert main([*words, "--device", "pretended", "--out", str(tmp_path / "one")]) == 0
    assert "| device | pretended |" in (tmp_path / "one" / "card.md").read_text()
    classifier = open_classifier(tmp_path / "one", "pretended:0")
    assert place_of(classifier.model).type == "pretended"
    shown = open_classifier(tmp_path / "one").predict(data.batch(slice(0, 8)))
    found = classifier.predict(data.batch(slice(0, 8)))
    for name, share in shown.probabilities.items():
        np.testing.assert_allclose(found.probabilities[name], share, atol=1e-5)
