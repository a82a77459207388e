"""Probes on a pretended GPU: each finds what it finds on the CPU, and mixes no devices."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pretended_gpu import DeviceMistake, pretended_gpu
from three_families import FAMILIES, Shape

from ganlens.cli import main
from ganlens.data import ImageSet, open_data
from ganlens.edits import Blend, Move, Offset, Project, Silence, Truncate
from ganlens.errors import GanlensError
from ganlens.initialisation import seeded
from ganlens.latents import Seeds, Walk
from ganlens.models.conditions import Classes
from ganlens.probes import PROBES
from ganlens.probes.base import Probe, Progress, Steps
from ganlens.recipe import Recipe, render
from ganlens.report import missing
from ganlens.subject import Subject, load

LINEAR = {"n_train": 100, "c_grid": (1.0,)}
FEW = {"pool": 200, "probe_images": 100}  # of probes that label samples by a linear classifier
WAYS: list[tuple[str, dict[str, Any]]] = [
    ("interpolate", {"path_pairs": 20}),
    ("arithmetic", FEW),
    ("arithmetic-score", {**FEW, "draws": 10}),
    ("turn", FEW),
    ("directions", {"samples": 200, "measured": 10, "probe_images": 100}),
    ("codes", {"n": 80, "reader_samples": 100, "samples": 4, "controls": 20}),
    ("filters", {}),
    ("activations", {"layer": "all"}),
    ("activations", {"source": "data"}),
    ("top-images", {"images": 100}),
    ("top-images", {"network": "generator", "layer": "block1.conv", "images": 40}),
    ("guided-backprop", {"images": 100, "measured": 8}),
    ("maximize", {"iterations": 4, "n": 64, "channels": 1, "classes": 1}),
    ("maximize", {"iterations": 4, "n": 64, "position": "centre", "control": False}),
    ("health", {"n": 64}),
    ("artifacts", {"samples": 64}),
    ("forget", {"pool": 200, "samples": 40, "probe_images": 100, "search_steps": 5}),
    ("forget", {"pool": 200, "samples": 40, "probe_images": 100, "choose": "weights",
                "mode": "drop", "place": "everywhere"}),
    ("forget", {"pool": 200, "samples": 40, "probe_images": 100, "search_steps": 5,
                "mode": "insert"}),
    ("dissect", {"samples": 100, "shuffles": 20}),
    ("conditions", {"n": 60, "unseen": 20, "latents": 8, "pairs": 1}),
    ("fid", {"n": 100, "extractor": "discriminator"}),
    ("neighbors", {"n": 60, "flips": True}),
    ("linear-probe", {**LINEAR, "kmeans_k": 8, "supervised_epochs": 1}),
    ("linear-probe", {**LINEAR, "mirror": True, "shift": 1, "half": True}),
    ("invert", {"n": 3, "evaluations": 4, "restarts": 2}),
    ("useful", {"n": 40, "n_train": 80, "n_test": 40, "few": 2, "ratios": (1.0,), "few_ratios": (),
                "repeats": 2, "training_steps": 3}),
]  # fmt: skip


@pytest.fixture(autouse=True)
def device() -> Iterator[torch.device]:
    with pretended_gpu() as there:
        yield there


@pytest.fixture(scope="module")
def data(attribute_images: Path) -> ImageSet:
    return open_data(str(attribute_images))


def close(found: Any, expected: Any, path: str = "") -> None:
    """Compare two summaries: numbers nearly, and all else exactly but for the device."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys(), path
        for key in expected.keys() - {"device", "classifier_hash"}:
            close(found[key], expected[key], f"{path}.{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), path
        for i, (one, other) in enumerate(zip(found, expected, strict=True)):
            close(one, other, f"{path}[{i}]")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-3, abs=1e-4), path
    else:
        assert found == expected, path


def test_every_probe_is_here() -> None:
    assert {name for name, _ in WAYS} == set(PROBES)


@pytest.mark.parametrize(
    ("name", "settings"), WAYS, ids=[f"{name}-{i}" for i, (name, _) in enumerate(WAYS)]
)
def test_a_probe_finds_on_the_device_what_it_finds_on_the_cpu(
    name: str,
    settings: dict[str, Any],
    data: ImageSet,
    places: dict[str, Path],
) -> None:
    probe, place = PROBES[name](**settings), places[name]
    subject = load(place, "pretended")
    assert {p.device.type for p in subject.generator.parameters()} == {"pretended"}
    result = probe.run(subject, data)
    found = result.summary()
    assert found["device"] == "pretended"
    assert result.panels()
    close(found, probe.run(load(place, "cpu"), data).summary())


CONDITION = Classes.of(np.array([0, 1, 1, 2]), ["a", "b", "c"])


def made(family: str, device: str) -> Subject:
    """A model of another kind, untrained."""
    conditional = family == "toy-conditional"
    config = Shape(condition_dim=3 if conditional else 0)
    with seeded():
        networks = FAMILIES[family].networks(config)
    for part in (part for network in networks.values() for part in network.modules()):
        if isinstance(part, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            part.running_var.fill_(0.05)  # as calibration would: keeps the signal alive
    known = {"checkpoint": "toy", "hash": "0" * 64, "weights": "raw", "family": family,
             "arguments": asdict(config)}  # fmt: skip
    condition = CONDITION if conditional else None
    return Subject(networks, known, device, roles=FAMILIES[family].roles, condition=condition)


def ways(subject: Subject, data: ImageSet) -> dict[str, dict[str, Any]]:
    """The first way of each probe that a model has the networks for."""
    first = dict(reversed(WAYS))
    return {name: how for name, how in first.items() if not missing(PROBES[name](), subject, data)}


@pytest.mark.parametrize("family", FAMILIES)
def test_models_of_other_kinds(family: str, data: ImageSet) -> None:
    subject, here = made(family, "pretended:0"), made(family, "cpu")
    if "translator" in subject.roles.values():
        subject.sources = here.sources = data.part("test")
    x = subject.sample(range(5))
    torch.testing.assert_close(x, here.sample(range(5)))
    tried = ways(subject, data)
    assert {"fid", "neighbors"} <= set(tried)
    for name, settings in tried.items():
        try:
            found = PROBES[name](**settings).run(subject, data).summary()
        except GanlensError:  # what it cannot answer it cannot answer on the CPU
            with pytest.raises(GanlensError):
                PROBES[name](**settings).run(here, data)
        else:
            assert found["device"] == "pretended", name


EDITS = (
    Truncate(1.0), Project(), Move((1.0,) * 8, (0.0, 1.0)), Silence("block1.act", (0, 2)),
    Blend("block1.act", (0, 3), levels=(2.0,), box=(0.0, 0.0, 0.5, 1.0)),
    Offset.of("block1.act", torch.linspace(-1, 1, 4 * 8 * 8), (0.0, 1.0)),
)  # fmt: skip


@pytest.mark.parametrize("edit", EDITS, ids=lambda one: one.kind)
def test_a_recipe_is_drawn_alike(edit: Any, tiny_checkpoint: Path) -> None:
    subject, here = (load(tiny_checkpoint, device) for device in ("pretended", "cpu"))
    for source in (Seeds((3, 1, 4)), Walk((1, 2), steps=3)):
        found, expected = (
            render(one, Recipe.of(one, source, edits=(edit,))) for one in (subject, here)
        )
        np.testing.assert_allclose(found.astype(int), expected.astype(int), atol=1)


def test_commands_take_the_device(tiny_checkpoint: Path, tiny_images: Path, tmp_path: Path) -> None:
    model, there = str(tiny_checkpoint), ["--device", "pretended"]
    out = tmp_path / "grid.png"
    assert main(["sample", model, "--n", "6", "--out", str(out), *there]) == 0
    assert main(["replay", str(out), "--checkpoint", model, *there]) == 0
    assert main(["check", model, *there]) in (0, 1)
    moments = tmp_path / "moments.npz"
    few = ["--n", "60", "--extractor", "pixels"]
    assert main(["moments", str(tiny_images), *few, "--out", str(moments), *there]) == 0
    assert main(["fid", str(tiny_images), str(tiny_images), *few, *there]) == 0
    invert = [
        "invert",
        model,
        "--image",
        str(out),
        "--evaluations",
        "2",
        "--data",
        str(tiny_images),
    ]
    assert main([*invert, *there]) == 0


@dataclass(frozen=True)
class Planted(Probe):
    """A probe with a mistake.

    Attributes:
        mistake: which.
    """

    mistake: str = "mixing"

    def steps(self, subject: Subject, data: ImageSet | None = None) -> Steps[Any]:
        z = subject.latents([0, 1]).to(subject.device)
        x = subject.generator(z)
        yield Progress(0, 1, "planted")
        return {
            "mixing": lambda: x + subject.generate(subject.latents([0, 1])),
            "networks": lambda: subject.generator(subject.latents([0])),
            "new tensor": lambda: x * torch.arange(16.0),
            "numpy": lambda: x.numpy(),
            "array": lambda: np.asarray(x),
            "generator": lambda: torch.randn(
                3, device=x.device, generator=torch.Generator().manual_seed(0)
            ),
            "in place": lambda: z.normal_(generator=torch.Generator().manual_seed(0)),
            "unseeded": lambda: torch.randn_like(x),
            "dropout": lambda: torch.nn.functional.dropout(x),
            "index": lambda: torch.zeros(5)[x.flatten(1).argmax(1) * 0],
            "gather": lambda: x.flatten(1).gather(1, torch.zeros(2, 1, dtype=torch.long)),
            "select": lambda: x.index_select(0, torch.tensor([0])),
            "histogram": lambda: torch.histogram(x, 4),
        }[self.mistake]()


MISTAKES = (
    "mixing", "networks", "new tensor", "numpy", "array", "generator", "in place",
    "unseeded", "dropout", "index", "gather", "select", "histogram",
)  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_that_is_planted_in_a_probe_is_seen(mistake: str, tiny_checkpoint: Path) -> None:
    with pytest.raises(DeviceMistake):
        Planted(mistake).run(load(tiny_checkpoint, "pretended"))


def test_what_cuda_takes_is_no_mistake(device: torch.device) -> None:
    x = torch.arange(12.0, device=device).view(3, 4)
    assert (x * torch.tensor(2.0)).sum() == 132  # a number of the CPU
    assert x[torch.tensor([2, 0])].shape == (2, 4)  # indices of the CPU
    assert x[torch.tensor([True, False, True])].shape == (2, 4)
    x[torch.tensor([0])] = 5.0
    x[1] = torch.zeros(4)  # a copy between devices
    assert x.tolist()[:2] == [[5.0] * 4, [0.0] * 4]
    assert torch.where(x > 4, x, torch.tensor(0.0)).device == device
    assert x.cpu().numpy().shape == x.numpy(force=True).shape
    assert float(x[0, 0]) == 5
    assert x.new_zeros(2).device == torch.eye(2, device=device).device == device
    with seeded(3, device):
        first = torch.rand(4, device=device), torch.nn.functional.dropout(x)
    with seeded(3, device):
        again = torch.rand(4, device=device), torch.nn.functional.dropout(x)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
