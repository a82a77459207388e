"""Features on a pretended GPU: every extractor gives what it gives on the CPU."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fake_subject import fake_subject
from pretended_gpu import pretended_gpu
from random_networks import narrow_vgg16, random_inception, random_vgg16

from ganlens.features import (
    ClassifierExtractor,
    DiscriminatorExtractor,
    Extractor,
    FeatureStore,
    PixelExtractor,
    array_source,
    features_of,
)
from ganlens.features.inception import InceptionExtractor
from ganlens.features.torchvision_models import TorchvisionExtractor
from ganlens.features.vgg import VGG16Extractor
from ganlens.initialisation import seeded
from ganlens.models.classifier import Classifier, ClassifierConfig
from ganlens.progress import finish

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
Place = str | torch.device


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Random weights of the networks that others have trained."""
    from torchvision import models

    folder = tmp_path_factory.mktemp("weights")
    with seeded():
        mobile = models.mobilenet_v3_small(num_classes=7)
    torch.save(mobile.state_dict(), folder / "mobile.pth")  # noqa: TID251 the format of its files
    return {
        "inception": random_inception(folder / "inception.pth"),
        "vgg16": random_vgg16(folder / "vgg16.pth"),
        "torchvision": folder / "mobile.pth",
    }


def classifier() -> Classifier:
    with seeded():
        made = Classifier(ClassifierConfig(16, 3, {"a": ("x", "y")}, width=8, features=8))
    return made.requires_grad_(False)


def discriminator() -> torch.nn.Module:
    return fake_subject().discriminator


MADE: dict[str, Callable[[Place, dict[str, Path]], Extractor]] = {
    "pixels": lambda *_: PixelExtractor(),
    "pixels-4x4": lambda *_: PixelExtractor(4),
    "discriminator": lambda place, _: DiscriminatorExtractor(discriminator().to(place)),
    "discriminator-max": lambda place, _: DiscriminatorExtractor(
        discriminator().to(place), layers="all", pool=2, pooling="max"
    ),
    "classifier": lambda place, _: ClassifierExtractor(classifier().to(place)),
    "inception": lambda place, files: InceptionExtractor(files["inception"], place),
    "vgg16": lambda place, files: VGG16Extractor(files["vgg16"], place),
    "torchvision": lambda place, files: TorchvisionExtractor(
        "mobilenet_v3_small", files["torchvision"], place
    ),
}


@pytest.fixture(autouse=True)
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[torch.device]:
    monkeypatch.setattr("ganlens.features.vgg.vgg16", narrow_vgg16)
    with pretended_gpu() as there:
        yield there


@pytest.mark.parametrize("name", MADE)
def test_features_are_those_of_the_cpu(name: str, weights: dict[str, Path], tmp_path: Path) -> None:
    here, there = (MADE[name](place, weights) for place in ("cpu", "pretended:0"))
    if name.startswith("pixels"):
        assert there.device.type == "cpu"  # there is nothing to compute
    else:
        assert there.device.type == "pretended"
    assert here.describe() == there.describe()
    source, store = array_source(IMAGES), FeatureStore(tmp_path)
    expected = finish(features_of(here, source, batch_size=3))
    found = finish(features_of(there, source, batch_size=3, store=store))
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * expected.std())
    kept = finish(features_of(there, source, batch_size=3, store=store))
    np.testing.assert_array_equal(kept, found)


@pytest.mark.parametrize("name", ["discriminator", "classifier", "vgg16"])
def test_bfloat16_rounds_on_the_device(name: str, weights: dict[str, Path]) -> None:
    extractor, source = MADE[name]("pretended:0", weights), array_source(IMAGES)
    exact = finish(features_of(extractor, source))
    rounded: Any = finish(features_of(extractor, source, precision="bfloat16"))
    assert rounded.dtype == np.float32
    assert not np.array_equal(rounded, exact)
    np.testing.assert_allclose(rounded, exact, rtol=0.1, atol=0.1 * exact.std())


def test_heads_of_a_classifier_read_features() -> None:
    here = ClassifierExtractor(classifier())
    there = ClassifierExtractor(classifier().to("pretended:0"))
    rows = np.random.default_rng(0).normal(size=(4, here.network.feature_dim))
    np.testing.assert_allclose(there.logits(rows, "a"), here.logits(rows, "a"), rtol=1e-4)
