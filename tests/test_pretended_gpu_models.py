"""Models of all origins on a pretended GPU: other projects' files, any modules, priors of parts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import other_projects as op
import pytest
import torch
from fake_subject import save_tiny
from pretended_gpu import pretended_gpu
from torch import Tensor, nn

from ganlens.classifier import save_classifier, train_classifier
from ganlens.data import open_data
from ganlens.foreign import open_foreign
from ganlens.initialisation import seeded
from ganlens.interpolation import plane, walk
from ganlens.models.conditions import Attributes
from ganlens.models.prior import Prior
from ganlens.probes import PROBES
from ganlens.progress import finish
from ganlens.subject import Subject, from_checkpoint, load

FORMATS: dict[str, tuple[Any, Any]] = {
    "pytorch-dcgan": (
        lambda: op.examples_generator(6, 4, 3, 32), lambda: op.examples_discriminator(4, 3, 32)
    ),
    "mimicry": (lambda: op.mimicry_generator(32), lambda: op.mimicry_discriminator(32)),
    "studiogan": (op.studiogan_generator, op.studiogan_discriminator),
    "torchgan": (op.torchgan_generator, op.torchgan_discriminator),
    "ganzoo-dcgan": (op.zoo_generator, op.zoo_discriminator),
    "ganzoo-progressive": (op.progressive_generator, op.progressive_discriminator),
}  # fmt: skip
KNOWN = {"checkpoint": "made", "hash": "0" * 64}
PLACES = ("pretended:0", "cpu")


@pytest.fixture(autouse=True)
def device() -> Iterator[torch.device]:
    with pretended_gpu() as there:
        yield there


def compare(there: Subject, here: Subject) -> Tensor:
    """Check that two models draw, score and see alike; return the images."""
    seeds = range(4)
    x = here.sample(seeds)
    torch.testing.assert_close(there.sample(seeds), x, rtol=1e-4, atol=1e-5)
    if here.discriminator is not None:
        expected = here.discriminate(x)
        torch.testing.assert_close(there.discriminate(x), expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(there.features(x), here.features(x), rtol=1e-4, atol=1e-4)
    return x


@pytest.mark.parametrize("name", FORMATS)
def test_other_projects_networks(name: str, tmp_path: Path) -> None:
    paths = [tmp_path / "netG.pth", tmp_path / "netD.pth"]
    for path, make in zip(paths, FORMATS[name], strict=True):
        torch.save(make(), path)  # noqa: TID251 (what others do)
    there, here = (
        from_checkpoint(open_foreign(paths).checkpoint, torch.device(place)) for place in PLACES
    )
    compare(there, here)
    torch.testing.assert_close(
        there.untrained(1).sample([0]), here.untrained(1).sample([0]), rtol=1e-4, atol=1e-5
    )


class Labelled(nn.Module):
    """Latents and labels to images."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.draw = nn.Embedding(3, 4), nn.Linear(9, 3 * 8 * 8)

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        return self.draw(torch.cat([z, self.embed(labels)], 1)).view(-1, 3, 8, 8).tanh()


class Rows(nn.Module):
    """The same with one-hot rows."""

    def __init__(self) -> None:
        super().__init__()
        self.draw = nn.Linear(8, 3 * 8 * 8)

    def forward(self, z: Tensor, rows: Tensor) -> Tensor:
        return self.draw(torch.cat([z, rows], 1)).view(-1, 3, 8, 8).tanh()


class Read(nn.Module):
    """Images to a mean and a log variance."""

    def __init__(self) -> None:
        super().__init__()
        self.read = nn.Linear(3 * 64, 5)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean = self.read(x.flatten(1))
        return mean, mean + 1


def judge() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 4), nn.Sigmoid()
    )


@pytest.mark.parametrize("kind", [Labelled, Rows])
@pytest.mark.parametrize("begun", PLACES)
def test_any_modules_wherever_they_are(kind: type[nn.Module], begun: str) -> None:
    """They may be on the device, as while they are trained, or beside it, and so may the result."""
    with seeded():
        modules = kind(), judge(), Read()
    given = [one.to(begun) for one in modules]
    there, here = (
        Subject.from_modules(*given[:2], Prior("normal", 5), classes=3, label=1, device=place,
                             encoder=given[2])
        for place in PLACES
    )  # fmt: skip
    x = compare(there, here)
    torch.testing.assert_close(there.encode(x), here.encode(x))
    z = here.latents(range(2))
    labels = torch.tensor([0, 2])
    torch.testing.assert_close(there.generate(z, labels), here.generate(z, labels))


def test_a_translator_of_any_kind() -> None:
    with seeded():
        module = nn.Sequential(nn.Conv2d(3, 4, 3, 1, 1), nn.ReLU(), nn.Conv2d(4, 3, 3, 1, 1))
    x = torch.linspace(-1, 1, 2 * 3 * 8 * 8).view(2, 3, 8, 8)
    there, here = (
        Subject.from_modules(module, image_shape=(3, 8, 8), device=place) for place in PLACES
    )
    torch.testing.assert_close(there.translate(x), here.translate(x))


class Parts(nn.Module):
    """A generator of latents of three kinds."""

    def __init__(self) -> None:
        super().__init__()
        self.prior, self.image_shape = Prior.of("normal 3, categorical 3, uniform 2"), (3, 16, 16)
        self.draw = nn.Linear(8, 3 * 16 * 16)

    def forward(self, z: Tensor) -> Tensor:
        return self.draw(z).view(-1, 3, 16, 16).tanh()


def test_priors_of_parts(attribute_images: Path, device: torch.device) -> None:
    with seeded():
        there, here = (Subject({"generator": Parts()}, KNOWN, place) for place in PLACES)
    there.generator.load_state_dict(here.generator.state_dict())
    compare(there, here)
    a, b = (here.latents([i])[0] for i in (0, 1))
    for one in (there.prior.project, lambda z: there.prior.truncate(z, 1.0)):
        z = torch.stack([a, b])
        torch.testing.assert_close(one(z.to(device)).cpu(), one(z))
    z, parts = here.latents(range(4)), here.prior.parts
    for go in (lambda z: walk(z, 3, "auto", parts=parts), lambda z: plane(z, 3, 2, "auto", parts)):
        torch.testing.assert_close(go(z.to(device)).cpu(), go(z))
    data = open_data(str(attribute_images))
    for name, how in (("interpolate", {"path_pairs": 4}), ("invert", {"n": 3, "evaluations": 2})):
        assert PROBES[name](**how).run(there, data).summary()["device"] == "pretended"


def test_a_condition_of_attributes() -> None:
    columns = {"mouth": np.array(["smile", "flat", "smile"]), "tilt": np.array([1.0, 2.0, 4.0])}
    condition = Attributes.of(columns, {})

    class Told(nn.Module):
        prior, image_shape, condition_dim = Prior("normal", 5), (3, 8, 8), condition.dim

        def __init__(self) -> None:
            super().__init__()
            self.draw = nn.Linear(5 + condition.dim, 3 * 64)

        def forward(self, z: Tensor, rows: Tensor) -> Tensor:
            return self.draw(torch.cat([z, rows], 1)).view(-1, 3, 8, 8).tanh()

    with seeded():
        networks = {place: Told() for place in PLACES}
    networks["cpu"].load_state_dict(networks["pretended:0"].state_dict())
    there, here = (
        Subject({"generator": networks[place]}, KNOWN, place, condition=condition)
        for place in PLACES
    )
    compare(there, here)
    words = "mouth=flat & tilt=2"
    compare(there.with_condition(words), here.with_condition(words))


@pytest.mark.parametrize("kind", ["classifier", "gan"])
def test_an_extractor_that_is_a_folder(kind: str, tiny_checkpoint: Path, tiny_images: Path,
                                       tmp_path: Path) -> None:  # fmt: skip
    data = open_data(str(tiny_images))
    if kind == "gan":
        folder = save_tiny(tmp_path / "other", seed=3)
    else:
        trained = finish(train_classifier(data, epochs=1, width=4))
        folder = save_classifier(tmp_path / "classifier", trained)
    there, here = (
        PROBES["fid"](n=40, extractor=str(folder)).run(load(tiny_checkpoint, where), data).summary()
        for where in ("pretended", "cpu")
    )
    assert there["value"] == pytest.approx(here["value"], rel=1e-3)
