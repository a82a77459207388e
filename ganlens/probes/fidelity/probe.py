"""Probe fid: features of generated and of real images in one pass each, then every number."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

import numpy as np
import torch

from ganlens import stats
from ganlens.checkpoints import versions
from ganlens.data import ImageSet
from ganlens.devices import in_words
from ganlens.errors import GanlensError
from ganlens.features import ImageSource
from ganlens.limits import Count, Limits, Seed
from ganlens.models.prior import check_seed
from ganlens.paths import OrPath
from ganlens.precision import named_precision, resolved
from ganlens.probes.base import Needs, Probe, Progress, Steps, images_for
from ganlens.probes.fidelity import measure
from ganlens.probes.fidelity.extractors import (
    FID,
    TORCHVISION,
    WORDS,
    ChosenExtractor,
    choose_extractor,
)
from ganlens.probes.fidelity.panels import panels
from ganlens.probes.fidelity.result import Baseline, FidelityResult
from ganlens.probes.fidelity.sources import Sources, Split, choose_sources, image_source, shared_by
from ganlens.subject import Subject

LIBRARIES = ("scipy", "faiss-cpu", "torch-fidelity")
QUANTISED = "both sides hold 8-bit images: generated ones are rounded to uint8 first, as in a PNG"


@dataclass(frozen=True)
class Fidelity(Probe):
    """Compare generated with real images as two sets of features.

    The Fréchet distance is called FID only in the features of the published Inception weights, else
    FD-<extractor>. Around it stand its interval, its value extrapolated to infinitely many images,
    the kernel distance (KID), precision, recall, density and coverage, and a baseline: what
    real images score against other real images.

    Attributes:
        extractor: what turns images into features: auto, inception, vgg16, discriminator, pixels,
            torchvision:NAME (with --weights), or the folder of a checkpoint (a classifier, or a GAN
            for its discriminator).
        n: images of either kind; at most as many as there are.
        seed: first latent seed (image i has seed + i), and of the draw of real images.
        split: real images to compare with; auto is the test split where the data declares one
            or the checkpoint was trained on the others, else all.
        batch_size: images at a time.
        inception_weights: path of torch-fidelity's Inception weights.
        weights: path of the weights of vgg16 or torchvision:NAME.
        precision: of the network. float32 gives the same number on every machine; auto takes
            bfloat16 where the hardware multiplies it. The number says which it was.
        k: neighbour that sets the radius for precision and recall.
        k_density: neighbour that sets the radius for density and coverage.
        kid_subset_size: images of either kind in each subset of the kernel distance. 1000 is what
            published KIDs use; fewer make it defined for smaller sets, and are recorded beside it.
    """

    title = "Fidelity"
    group = "Against the data"
    help = "Fréchet distance to held-out images"
    headline = (
        "{metric} {value}",
        "{interval_level:.0%} interval {interval[0]} to {interval[1]}",
        "real against real {floor} (N {floor_n})",
        "coverage {coverage}",
        "N {n_fake}",
    )
    reading = (
        "Small is good, but only beside the baseline (what real images score against each other) "
        "and with the same extractor, the same N and the same resize."
    )
    papers = (
        ("Heusel 2017", "https://arxiv.org/abs/1706.08500"),
        ("Naeem 2020", "https://arxiv.org/abs/2002.09797"),
        ("Parmar 2022", "https://arxiv.org/abs/2104.11222"),
    )
    demo = MappingProxyType({"extractor": "discriminator"})

    extractor: Annotated[str, OrPath(WORDS, (TORCHVISION,))] = "auto"
    n: Annotated[int, Limits(low=2)] = 10_000
    seed: Seed = 0
    split: Split = "auto"
    batch_size: Count = 128
    inception_weights: Path | None = None
    weights: Path | None = None
    precision: Literal["float32", "bfloat16", "auto"] = "float32"
    k: Count = 3
    k_density: Count = 5
    kid_subset_size: Annotated[int, Limits(low=2)] = stats.kernel.SUBSET_SIZE

    def __post_init__(self) -> None:
        # Pictures of 0.1 carry lightning-fabric's names.
        object.__setattr__(self, "precision", named_precision(self.precision))
        super().__post_init__()
        check_seed(self.seed, self.n)

    def needs(self) -> Needs:
        """Return what it cannot do without: the discriminator only where it is the extractor."""
        if self.extractor == "discriminator":
            return Needs(frozenset({"sample", "discriminator"}), "required")
        return Needs(frozenset({"sample"}), "required")

    def steps(self, subject: Subject, data: ImageSet | None = None) -> Steps[FidelityResult]:
        """Run piecewise: yield Progress in images, return the FidelityResult.

        Raises:
            GanlensError: no data, images of another shape than the subject's, an extractor that is
                not there or does not take such images, or fewer than 2 real images.
        """
        data = images_for(subject, data, "a comparison with real images")
        return (yield from self.between(subject, data))

    def between(
        self,
        generated: Subject | ImageSet,
        reference: Subject | ImageSet | stats.ReferenceMoments,
        device: torch.device | str = "cpu",
    ) -> Steps[FidelityResult]:
        """Compare any two: GANs, images, or moments as the reference.

        Args:
            generated: what is evaluated.
            reference: what it should be like; ``split`` says which of its images.
            device: where an extractor runs that comes from neither.

        Raises:
            GanlensError: as ``steps``, or images of different shapes.
        """
        self._check_split(reference, "the reference")
        sources = choose_sources(generated, reference, self.split, self.n, self.seed)
        chosen = yield from self._extractor(generated, device)
        if isinstance(sources.real, stats.ReferenceMoments):
            found = yield from self._against_moments(chosen, sources.fake, sources.real)
        else:
            found = yield from self._against_images(chosen, sources, sources.real)
        notes = (chosen.caveat, *_other_kinds(generated, reference), *found.pop("notes"))
        why = {"checkpoint": chosen.source, "chosen_because": chosen.reason}
        return FidelityResult(
            metric=chosen.metric,
            extractor={**chosen.extractor.describe(), **why},
            caveat=" ".join(notes),
            generated=sources.fake.name,
            reference=sources.reference,
            n_requested=self.n,
            cap_reason=sources.cap_reason,
            about={
                "device": in_words(chosen.extractor.device),  # unless a model says its own
                **sources.about,
                **found.pop("shared", {}),
                "seed": self.seed,
                "network_precision": chosen.precision,
                "quantisation": QUANTISED,
                "versions": _versions(),
            },
            draw=panels,
            **found,
        )

    def moments(
        self, images: Subject | ImageSet, device: torch.device | str = "cpu"
    ) -> Steps[stats.ReferenceMoments]:
        """Return mean and covariance of the features of ``n`` images, to be saved as a file.

        Args:
            images: a GAN (its seeds from ``seed``) or images (of ``split``; "auto" is all).
            device: where an extractor runs that does not come with the GAN.

        Raises:
            GanlensError: as ``steps``.
        """
        self._check_split(images, "what is measured")
        source = image_source(images, self.split, self.n, self.seed)
        chosen = yield from self._extractor(images, device)
        features = yield from chosen.features(source, 0, source.count, "images")
        notes = {"images": source.name, measure.EXTRACTOR: json.dumps(chosen.describe())}
        return stats.ReferenceMoments(*stats.mean_cov(features), len(features), notes)

    def _check_split(self, images: object, role: str) -> None:
        if self.split not in ("auto", "all") and not isinstance(images, ImageSet):
            raise GanlensError(
                f"split {self.split!r}: {role} has no splits, as images have; leave it out"
            )

    def _extractor(
        self, generated: Subject | ImageSet, device: torch.device | str
    ) -> Steps[ChosenExtractor]:
        subject = None if isinstance(generated, ImageSet) else generated
        weights = (self.inception_weights, self.weights)
        chosen = yield from choose_extractor(self.extractor, subject, *weights, device=device)
        chosen.extractor(torch.zeros(1, *generated.image_shape))  # fails early if it takes none
        precision = resolved(self.precision, chosen.extractor.device)
        return replace(chosen, batch_size=self.batch_size, precision=precision)

    def _against_images(
        self, chosen: ChosenExtractor, sources: Sources, real: ImageSource
    ) -> Steps[dict[str, Any]]:
        """Return what there is to say of two sets of images: fields of the result, and notes."""
        parts = {"real images": real, "generated images": sources.fake}
        if sources.others is not None:
            parts["other real images"] = sources.others
        found: list[np.ndarray] = []
        total, done = sum(part.count for part in parts.values()), 0
        for what, part in parts.items():
            found.append((yield from chosen.features(part, done, total, what)))
            done += part.count
        ours, fake, *others = found
        same = real.identity() == sources.fake.identity()
        yield Progress(0, 1, "comparison of the features")
        rest = others[0] if others else None
        score = partial(
            stats.quality, k=self.k, k_density=self.k_density, subset_size=self.kid_subset_size
        )
        scores = score(ours, fake)
        names, warning = (sources.reference, sources.other_name), ""
        if chosen.source is not None and names[0] != names[1]:
            warning = "; the extractor may know the train images, which could raise this baseline"
        shared = shared_by(sources.fake, real, "evaluated images")
        if sources.others is not None:
            twice = shared_by(sources.others, real, sources.other_name).get("shared")
            warning += f"; {twice}, which lowers this baseline" if twice else ""
        mifid = chosen.metric == FID and sources.trained_on
        interval = None if same else stats.frechet_interval(ours, fake)
        return {
            "notes": measure.cautions(ours, fake, interval),
            "shared": {} if same else shared,
            "scores": scores,
            "interval": interval,
            "infinity": None if same else measure.extrapolated(ours, fake, self.seed),
            # Its threshold was set for Inception. In features of a discriminator even held-out
            # images fall below it (pixelfaces: 1.2 became 13.9): honest samples would be punished.
            "informed": measure.memorization_informed(ours, fake, scores["fd"]) if mifid else None,
            "inception": measure.inception_score(chosen, fake),
            "baseline": measure.baseline(
                score, scores, ours, fake, rest, names, warning, self.seed
            ),
            "classes": measure.distances_by_class(ours, fake, real.classes, sources.fake.classes),
            "shown": measure.examples(ours, fake, sources.fake, self.seed),
        }

    def _against_moments(
        self, chosen: ChosenExtractor, fake: ImageSource, real: stats.ReferenceMoments
    ) -> Steps[dict[str, Any]]:
        """Return the same for images and a file of moments: the distance alone is defined."""
        measure.check_same_network(real, chosen.describe())
        features = yield from chosen.features(fake, 0, fake.count, "generated images")
        return {
            "notes": [] if measure.EXTRACTOR in real.notes else [measure.UNKNOWN],
            "scores": measure.scores_of_moments(real, features, self.k, self.k_density),
            "inception": measure.inception_score(chosen, features),
            "baseline": Baseline(None, 0, measure.NO_IMAGES, None),
            "classes": {},
        }


def _versions() -> dict[str, str]:
    """Return the versions of the libraries that the numbers depend on."""
    found = versions() | dict.fromkeys(LIBRARIES, "not installed")
    for name in LIBRARIES:
        with suppress(PackageNotFoundError):  # another distribution of the same module
            found[name] = version(name)
    return found


def _other_kinds(generated: Subject | ImageSet, reference: object) -> Iterator[str]:
    """Yield sentences on why the two sets cannot be alike, however good the model is."""
    if isinstance(generated, ImageSet):
        return
    if (words := generated.provenance.get("condition")) is not None:
        yield (
            f"Every sample was drawn under the condition {words}: whatever else the "
            "reference holds counts against the samples, so compare with images of that kind alone."
        )
    translates = generated.generator is None
    if translates and isinstance(reference, ImageSet) and reference.spec == generated.sources.spec:
        yield (
            "The samples are translations of images of this very data: a small distance says that"
            " little was changed; compare them with images of what they should become."
        )
