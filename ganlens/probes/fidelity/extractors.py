"""Extractors of a comparison: from the word in its settings to features, and what to call them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ganlens.checkpoints import MODEL_FILE, find_checkpoint, read_model_file
from ganlens.classifier import load_classifier
from ganlens.errors import GanlensError
from ganlens.features import (
    ClassifierExtractor,
    DiscriminatorExtractor,
    Extractor,
    FeatureStore,
    ImageSource,
    PixelExtractor,
    fetch_inception_weights,
    find_inception_weights,
    shared_features_of,
)
from ganlens.foreign import open_checkpoint
from ganlens.models.classifier import FAMILY
from ganlens.precision import FLOAT32
from ganlens.probes.base import Progress, Steps
from ganlens.progress import relayed
from ganlens.subject import Subject

REQUESTED = "chosen by its name"
FID = "FID"  # the distance's name with the published Inception weights, and with nothing else
TORCHVISION = "torchvision:"
WORDS = ("auto", "inception", "vgg16", "discriminator", "pixels")
NO_OBJECTS = "Pixels hold colour and layout but no objects: a blurred image costs little here."
PIXEL_SIDE = 16  # 768 numbers in colour: a covariance that a few thousand images determine


@dataclass(frozen=True)
class ChosenExtractor:
    """An extractor and how it came to be chosen.

    Attributes:
        extractor: what turns images into features.
        reason: why this one, in a clause.
        caveat: what its numbers must not be taken for, in a sentence.
        source: name of the checkpoint that its network comes from, None for a published network
            or none.
        batch_size: images at a time.
        precision: in which the network runs, "32-true" or "bf16-mixed".
    """

    extractor: Extractor
    reason: str
    caveat: str
    source: str | None = None
    batch_size: int = 128
    precision: str = FLOAT32

    @property
    def metric(self) -> str:
        """What a Fréchet distance on its features is called."""
        published = getattr(self.extractor, "published", False)
        return FID if published else f"FD-{self.extractor.name}"

    def describe(self) -> dict[str, Any]:
        """Return what decides the features: the extractor's own description and the precision."""
        return {**self.extractor.describe(), "precision": self.precision}

    def features(
        self, source: ImageSource, before: int, total: int, what: str
    ) -> Steps[np.ndarray]:
        """Return (N, D) features of images, ``before`` of ``total`` being done already."""
        steps = shared_features_of(
            self.extractor,
            source,
            store=FeatureStore() if self.extractor.hash else None,  # pixels cost nothing
            batch_size=self.batch_size,
            precision=self.precision,
        )
        return (yield from relayed(steps, lambda done: Progress(before + done, total, what)))


def choose_extractor(
    word: str,
    subject: Subject | None = None,
    inception_weights: str | Path | None = None,
    weights: str | Path | None = None,
    device: torch.device | str = "cpu",
) -> Steps[ChosenExtractor]:
    """Return the extractor that a word names; only Inception's weights are fetched if need be.

    Args:
        word: one of WORDS, "torchvision:NAME", or the path of a checkpoint.
        subject: the GAN that is evaluated, where one is.
        inception_weights: path of Inception's weights.
        weights: path of the weights of vgg16 or of torchvision:NAME.
        device: where to run where there is no subject.

    Raises:
        GanlensError: the word means nothing, what it calls for is not there, or weights are given
            that it does not use.
    """
    place = device if subject is None else subject.device
    reason = REQUESTED
    if word == "auto":
        word, reason = _best(subject, inception_weights)
    _refuse_idle_weights(word, inception_weights, weights)
    if word == "inception":
        if inception_weights is None:
            try:
                find_inception_weights()
            except GanlensError:
                for done, total in fetch_inception_weights():
                    yield Progress(
                        done, max(total, done), "bytes of Inception's weights downloaded"
                    )
        return _inception(place, inception_weights, reason)
    if word == "discriminator":
        return _discriminator(subject, reason)
    if word == "pixels":
        return _plain(PixelExtractor(PIXEL_SIDE), reason, NO_OBJECTS)
    if word == "vgg16":
        from ganlens.features.vgg import VGG16Extractor

        return _plain(VGG16Extractor(weights, place), reason)
    if word.startswith(TORCHVISION):
        name = word.removeprefix(TORCHVISION)
        if weights is None:
            raise GanlensError(f"extractor {word!r} comes without weights: add --weights FILE")
        from ganlens.features.torchvision_models import TorchvisionExtractor

        return _plain(TorchvisionExtractor(name, weights, place), reason)
    return _from_checkpoint(word, place)


def _refuse_idle_weights(
    word: str, inception_weights: str | Path | None, weights: str | Path | None
) -> None:
    if inception_weights is not None and word != "inception":
        raise GanlensError(
            f"--inception-weights are of no use to the extractor {word!r}: leave them out, or "
            "choose --extractor inception"
        )
    if weights is not None and word != "vgg16" and not word.startswith(TORCHVISION):
        raise GanlensError(
            f"--weights are of no use to the extractor {word!r}: they are for vgg16 and "
            f"{TORCHVISION}NAME"
        )


def _best(subject: Subject | None, weights: str | Path | None) -> tuple[str, str]:
    """Return the word of the most widely comparable extractor available, and why."""
    if weights is not None:
        return "inception", "Inception's weights were given"
    try:
        find_inception_weights()
    except GanlensError:
        absent = "Inception's weights are not here"
    else:
        return "inception", "Inception's weights are in torch's hub folder"
    if subject is None:
        return "pixels", f"{absent}, and no checkpoint brings a discriminator"
    if subject.discriminator is not None:
        return "discriminator", f"{absent}, and the checkpoint has a discriminator"
    return "pixels", f"{absent}, and the checkpoint has no discriminator"


def _inception(
    device: torch.device | str, weights: str | Path | None, reason: str
) -> ChosenExtractor:
    from ganlens.features.inception import InceptionExtractor

    extractor = InceptionExtractor(weights, device)
    caveat = (
        "Inception was trained on ImageNet's photographs; on small or drawn images its features "
        "follow texture more than content."
        if extractor.published
        else "These are not the weights behind published FIDs, so the number is not called FID."
    )
    return ChosenExtractor(extractor, reason, caveat)


def _discriminator(subject: Subject | None, reason: str) -> ChosenExtractor:
    if subject is None or subject.discriminator is None:
        name = "what is evaluated" if subject is None else subject.name
        raise GanlensError(
            f"{name} has no discriminator: choose --extractor inception, pixels, or the "
            "folder of another checkpoint"
        )
    return ChosenExtractor(
        # The checkpoint's hash covers the generators too, so the extractor's is taken of D alone.
        DiscriminatorExtractor(subject.unconditional("discriminator")),
        reason,
        "This discriminator was trained against this very generator: good for comparing samples, "
        "epochs or settings under the same weights, not for comparing models with each other.",
        subject.name,
    )


def _plain(extractor: Extractor, reason: str, caveat: str = "") -> ChosenExtractor:
    caveat = caveat or f"The features are those of {extractor.name}: compare only these numbers."
    return ChosenExtractor(extractor, reason, caveat)


def _from_checkpoint(path: str, device: torch.device | str) -> ChosenExtractor:
    try:
        folder = find_checkpoint(path)
        family = read_model_file(folder / MODEL_FILE, tensors=False)[0].family
    except GanlensError:
        return _from_weights(path, device)  # says what is wrong with it, if it is none either
    if family != FAMILY:
        return _from_weights(path, device)
    model, _, digest = load_classifier(folder)
    caveat = (
        f"The features were trained to tell {', '.join(model.config.targets)} apart, and hold "
        "little else."
    )
    model.to(device)
    return ChosenExtractor(ClassifierExtractor(model, digest), REQUESTED, caveat, _named(folder))


def _named(folder: Path) -> str:
    return folder.parent.name if folder.name == "best" else folder.name


def _from_weights(path: str, device: torch.device | str) -> ChosenExtractor:
    """Return the features of the discriminator of a checkpoint, or of other people's weights."""
    try:
        checkpoint = open_checkpoint(path)
    except GanlensError as error:
        raise GanlensError(
            f"extractor {path!r} is neither {', '.join(WORDS)}, {TORCHVISION}NAME nor a "
            f"checkpoint: {error}"
        ) from error
    network, source = checkpoint.networks.get("discriminator"), _named(checkpoint.path)
    if not isinstance(network, nn.Module):
        raise GanlensError(f"extractor {path!r} holds no discriminator: choose another checkpoint")
    caveat = f"The features are those of the discriminator of {source}."
    extractor = DiscriminatorExtractor(network.to(device))
    return ChosenExtractor(extractor, REQUESTED, caveat, source)
