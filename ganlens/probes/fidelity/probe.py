"""The Fidelity probe: a GAN's samples against real images."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import torch

from ganlens import stats
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.limits import Count, Limits, Seed
from ganlens.models.prior import check_seed
from ganlens.precision import named_precision, resolved
from ganlens.probes.base import Group, Needs, Probe, Progress, images_for
from ganlens.probes.fidelity.compare import Comparison
from ganlens.probes.fidelity.extractor import choose
from ganlens.probes.fidelity.materials import image_source, materials
from ganlens.probes.fidelity.measure import Ranks
from ganlens.probes.fidelity.reference import Split
from ganlens.probes.fidelity.result import FidelityResult

if TYPE_CHECKING:
    from ganlens.subject import Subject


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
    """

    title: ClassVar[str] = "Fidelity"
    group: ClassVar[Group] = "Against the data"
    help: ClassVar[str] = "Fréchet distance to held-out images"
    headline: ClassVar[tuple[str, ...]] = (
        "{metric} {value}",
        "{interval_level:.0%} interval {interval[0]} to {interval[1]}",
        "real against real {floor} (N {floor_n})",
        "coverage {coverage}",
        "N {n_fake}",
    )
    reading: ClassVar[str] = (
        "Small is good, but only beside the baseline (what real images score against each other) "
        "and with the same extractor, the same N and the same resize."
    )
    papers: ClassVar[tuple[tuple[str, str], ...]] = (
        ("Heusel 2017", "https://arxiv.org/abs/1706.08500"),
        ("Naeem 2020", "https://arxiv.org/abs/2002.09797"),
        ("Parmar 2022", "https://arxiv.org/abs/2104.11222"),
    )
    demo: ClassVar[Mapping[str, Any]] = MappingProxyType({"extractor": "discriminator"})

    extractor: str = "auto"
    n: Annotated[int, Limits(low=2)] = 10_000
    seed: Seed = 0
    split: Split = "auto"
    batch_size: Count = 128
    inception_weights: str | None = None
    weights: str | None = None
    precision: Literal["float32", "bfloat16", "auto"] = "float32"
    k: Count = 3
    k_density: Count = 5

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

    def steps(
        self, subject: "Subject", data: "ImageSet | None" = None
    ) -> Generator[Progress, None, FidelityResult]:
        """Run piecewise: yield Progress in images, return the FidelityResult.

        Raises:
            GanlensError: no data, images of another shape than the subject's, an extractor that is
                not there or does not take such images, or fewer than 2 real images.
        """
        data = images_for(subject, data, "a comparison with real images")
        return (yield from self.between(subject, data))

    def between(
        self,
        generated: "Subject | ImageSet",
        reference: "Subject | ImageSet | stats.ReferenceMoments",
        device: torch.device | str = "cpu",
    ) -> Generator[Progress, None, FidelityResult]:
        """Compare any two: GANs, images, or moments on the side of the reference.

        Args:
            generated: what is measured.
            reference: what it should be like; ``split`` says which of its images.
            device: where an extractor runs that comes from neither.

        Raises:
            GanlensError: as ``steps``, or images of different shapes.
        """
        self._check_split(reference, "the reference")
        chosen = materials(generated, reference, self.split, self.n, self.seed)
        comparison = yield from self._comparison(generated, device)
        chosen_extractor = comparison.extractor
        caveat = " ".join([chosen_extractor.caveat, *_other_kinds(generated, reference)])
        comparison = replace(comparison, extractor=replace(chosen_extractor, caveat=caveat))
        return (yield from comparison.steps(chosen))

    def moments(
        self, images: "Subject | ImageSet", device: torch.device | str = "cpu"
    ) -> Generator[Progress, None, stats.ReferenceMoments]:
        """Measure mean and covariance of the features of ``n`` images, to be kept as a file.

        Args:
            images: a GAN (its seeds from ``seed``) or images (of ``split``; "auto" is all).
            device: where an extractor runs that does not come with the GAN.

        Raises:
            GanlensError: as ``steps``.
        """
        self._check_split(images, "what is measured")
        source = image_source(images, self.split, self.n, self.seed)
        comparison = yield from self._comparison(images, device)
        return (yield from comparison.moments(source))

    def _check_split(self, images: object, role: str) -> None:
        if self.split not in ("auto", "all") and not isinstance(images, ImageSet):
            raise GanlensError(
                f"split {self.split!r}: {role} has no splits, as images have; leave it out"
            )

    def _comparison(
        self, generated: "Subject | ImageSet", device: torch.device | str
    ) -> Generator[Progress, None, Comparison]:
        subject = None if isinstance(generated, ImageSet) else generated
        weights = (self.inception_weights, self.weights)
        extractor = yield from choose(self.extractor, subject, *weights, device=device)
        extractor(torch.zeros(1, *generated.image_shape))  # fails here if it takes no such images
        return Comparison(
            extractor=extractor,
            ranks=Ranks(self.k, self.k_density),
            n_asked=self.n,
            seed=self.seed,
            batch_size=self.batch_size,
            precision=resolved(self.precision, extractor.network.device),
        )


def _other_kinds(generated: "Subject | ImageSet", reference: object) -> Iterator[str]:
    """Say where the two sides cannot be alike, however good the model is."""
    if isinstance(generated, ImageSet):
        return
    if (words := generated.provenance.get("condition")) is not None:
        yield (
            f"Every sample was drawn under the condition {words}: whatever else the reference holds"
            " counts against the samples, so compare with images of that kind alone."
        )
    translates = generated.generator is None
    if translates and isinstance(reference, ImageSet) and reference.spec == generated.sources.spec:
        yield (
            "The samples are translations of images of this very data: a small distance says that"
            " little was changed; compare them with images of what they should become."
        )
