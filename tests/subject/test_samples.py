"""Samples of a Subject as an image source, and the probes that need nothing but samples."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fake_subject import fake_subject
from torch import Tensor, nn

import ganlens
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.features import DataImages, ImageSource, all_images
from ganlens.images import to_uint8
from ganlens.probes import PROBES
from ganlens.probes.layer_statistics import outputs_over
from ganlens.progress import finish
from ganlens.recipe import Pictures, Recipe
from ganlens.report import missing
from ganlens.subject import Samples, Subject


class Darker(nn.Module):
    """Darken images."""

    image_shape = (3, 16, 16)

    def forward(self, x: Tensor) -> Tensor:
        return x * 0.5 - 0.5


def translator(pictures: Tensor, discriminator: Any = None) -> Subject:
    """A translator: image 17 is source picture 17, darkened."""
    networks = {"translator": Darker(), "discriminator": discriminator}
    subject = Subject(networks, {"checkpoint": "translating", "hash": "a" * 64})
    rows = to_uint8(pictures)
    subject.sources = ImageSet(
        "pictures", rows, None, (), {}, np.arange(len(rows)).astype(str), "all",
        {"test": (0, len(rows))}, "declared", "f" * 64,
    )  # fmt: skip
    return subject


@pytest.fixture(scope="module")
def data(tiny_images: Path) -> ImageSet:
    return ganlens.open_data(str(tiny_images))


@pytest.fixture(scope="module")
def translating(data: ImageSet) -> Subject:
    return translator(data.batch(slice(0, 40)))


def test_samples_are_those_of_their_seeds_in_any_company() -> None:
    subject = fake_subject()
    source = Samples.draw(subject, 20, 5)
    assert isinstance(source, ImageSource)
    assert (source.count, source.cap_reason, source.classes) == (20, "", None)
    expected = subject.sample(range(5, 25))
    assert torch.equal(expected, subject.generate(subject.latents(range(5, 25))))
    assert torch.equal(source.tensors(slice(None)), expected)
    rows = np.array([0, 7, 19])
    assert torch.equal(source.tensors(rows), expected[rows])
    np.testing.assert_array_equal(source.images(rows), to_uint8(expected[rows]))
    np.testing.assert_array_equal(all_images(source, 7), to_uint8(expected))
    assert source.numbers(rows).tolist() == [5, 12, 24]
    assert source.titles(rows) == ["5", "12", "24"]
    assert source.identity() != Samples.draw(subject, 20, 6).identity()
    with pytest.raises(IndexError):
        source.tensors(np.array([20]))
    with pytest.raises(GanlensError, match="takes no condition"):
        subject.sample([0], torch.zeros(1, 2))


def test_a_translator_has_as_many_samples_as_pictures(translating: Subject) -> None:
    assert Samples.draw(translating, 10, 3).count == 10
    capped = Samples.draw(translating, 100, 3)
    assert capped.count == 37
    assert capped.cap_reason == "translating has 40 source pictures, from 3 on"
    assert capped.titles(slice(-1, None)) == ["39"]
    with pytest.raises(GanlensError, match=r"seed 40 .*give a seed from 0 to 39"):
        Samples.draw(translating, 1, 40)


def test_probes_that_need_only_samples_take_a_translator(
    translating: Subject, data: ImageSet
) -> None:
    for name in PROBES:
        probe = PROBES[name]()
        able = probe.needs().networks <= {"sample"}
        assert (missing(probe, translating, data) == "") == able, name
    fid = PROBES["fid"](extractor="pixels", n=60, split="all").run(translating, data)
    summary = fid.summary()
    assert summary["n_fake"] == summary["n_real"] == 40
    assert "40 source pictures" in summary["n_reason"]
    recipe = Recipe.from_json(fid.shown.recipe)
    assert isinstance(recipe.latents, Pictures)
    assert fid.panels()
    copies = PROBES["neighbors"](n=60).run(translating, data)
    assert copies.summary()["n_generated"] == 40
    assert "40 source pictures" in copies.summary()["n_reason"]
    assert copies.panels()


def test_a_discriminator_looks_at_what_a_translator_draws(data: ImageSet) -> None:
    both = translator(data.batch(slice(0, 40)), fake_subject().discriminator)
    maps = PROBES["activations"](samples=60, layer="all").run(both)
    assert maps.summary()["samples"] == 40
    assert {row["network"] for row in maps.layers} == {"discriminator"}
    top = PROBES["top-images"](source="generated", k=3).run(both)
    assert top.summary()["images"] == 40
    shown = top.trained.gallery
    expected = to_uint8(both.sample(shown.numbers[0].tolist()))
    np.testing.assert_array_equal(shown.pictures[0], expected)


def test_a_translator_may_be_compared_with_a_model_as_well() -> None:
    fake = fake_subject()
    translating = translator(fake.sample(range(30)) * 0.9)
    for pair in ((translating, fake), (fake, translating)):
        probe = PROBES["fid"](extractor="pixels", n=60)
        summary = finish(probe.between(*pair)).summary()  # type: ignore[attr-defined]
        assert summary["n_fake"] == summary["n_real"] == 30
        assert "30 source pictures" in summary["n_reason"]


def test_what_a_model_lacks_is_said_in_the_words_of_roles(translating: Subject) -> None:
    alone = translator(fake_subject().sample(range(3)), fake_subject().discriminator)
    both = "needs a generator and a discriminator; this checkpoint has: translator"
    assert missing(PROBES["arithmetic"](), translating, None) == both
    assert missing(PROBES["guided-backprop"](), translating, None) == (
        "needs a discriminator; this checkpoint has: translator"
    )
    assert missing(PROBES["health"](), alone, None) == (
        "needs a generator; this checkpoint has: translator, discriminator"
    )
    judge = Subject({"discriminator": fake_subject().discriminator}, {"checkpoint": "judge"})
    assert missing(PROBES["fid"](), judge, None) == (
        "needs a generator or a translator; this checkpoint has: discriminator"
    )


def test_the_outputs_of_a_generator_are_those_behind_its_samples(data: ImageSet) -> None:
    """Whatever a sample is beside its latent: here the latent is doubled."""

    class Doubling(Subject):
        def sample(self, seeds: Iterable[int], *_: object, batch_size: int = 64) -> Tensor:
            return self.generate(self.latents(seeds) * 2, batch_size=batch_size)

    fake = fake_subject()
    subject = Doubling({"generator": fake.generator}, fake.provenance)
    layer = subject.layers("generator")[-1]
    source = Samples(subject, 3, 11)
    found = outputs_over(subject, "generator", [layer], source, slice(2, 7))[layer]
    assert torch.equal(found.flatten(1), source.tensors(slice(2, 7)).flatten(1))
    for other in (Samples(fake, 3, 11), DataImages.whole(data)):
        with pytest.raises(GanlensError, match="look at its own samples"):
            outputs_over(subject, "generator", [layer], other, slice(0, 2))
