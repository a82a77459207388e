"""The Codes probe: what each code of a prior of parts decides, and whether an image shows it."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import torch

from ganlens import images
from ganlens.attributes import AttributeClassifier, attribute_classifier
from ganlens.classifier import targets_of
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.features import DataImages
from ganlens.latents import Rows
from ganlens.limits import Count, Limits, Seed
from ganlens.models.prior import Part, check_seed
from ganlens.probes.base import Needs, Probe, Progress, Steps, images_for
from ganlens.probes.codes.measure import Looker, Measured, Settings, measure
from ganlens.probes.codes.moments import background
from ganlens.probes.codes.panels import panels
from ganlens.probes.codes.parts import Codes as Parts
from ganlens.probes.codes.parts import Coordinate, codes_of
from ganlens.probes.codes.reader import SAID
from ganlens.probes.codes.result import CodesResult, Shown
from ganlens.probes.identity import identity, untrained
from ganlens.recipe import Recipe, draw
from ganlens.subject import Subject, load

COLUMNS, STRIPS = 10, 4  # samples in the grid of values, and in each strip
MOST_ROWS, MOST_STRIPS = 20, 8  # values in a grid, and coordinates with a strip


@dataclass(frozen=True)
class Codes(Probe):
    """Measure what the categorical and continuous codes of a generator decide.

    For models whose latent has parts (InfoGAN). Categorical codes are matched to the classes that
    an independent classifier reads, on one half of the samples, and scored on the other. What an
    image says of each code is bounded from below by the model's own reader and by a fresh one.
    Continuous codes are swept, and named only by what they move more than noise does.

    Attributes:
        n: samples that are read; one half finds matches and variances, the other is scored.
        attribute: what categorical codes are matched to: auto (the attribute or class with the most
            information on the code, by the first half) or the name of one.
        noise: which continuous part is noise: auto (the one called noise, else the first), none,
            or a part's name.
        reader_samples: other samples that the fresh reader is trained on.
        samples: samples in which each continuous code is swept over its range.
        positions: values over the range, at least 3.
        controls: sweeps of noise coordinates, which an effect has to exceed.
        real: held-out real images, at most, whose spread is the unit of the effects.
        control: read the untrained generator's samples too.
        beside: further checkpoints of equal images and parts, such as other seeds of a training:
            all are measured, and median, best and worst are told.
        seed: the first seed of the samples, and of every draw.
        batch_size: images at a time.
    """

    title = "Codes"
    group = "Latent space"
    help = "what does each code of an InfoGAN decide, and can it be read?"
    headline = (
        "{matched_accuracy:.1%} of samples show the {matched_attribute} of their code",
        "shuffled codes {matched_accuracy_shuffled:.1%}",
        "{information_of_entropy}",
        "{continuous_in_words}",
        "over {checkpoints_n} checkpoints: median {matched_accuracy_median:.1%}, best "
        "{matched_accuracy_best:.1%}, worst {matched_accuracy_worst:.1%}",
    )
    reading = (
        "A good categorical code is one class for each value, far above shuffled codes; a good "
        "continuous code moves one thing more than noise does, and keeps the class."
    )
    papers = (
        ("Chen 2016", "https://arxiv.org/abs/1606.03657"),
        ("Barber 2003", "https://papers.nips.cc/paper/2410-information-maximization-in-noisy-channels"),
        ("Chen 2018", "https://arxiv.org/abs/1802.04942"),
        ("Eastwood 2018", "https://openreview.net/forum?id=By-7dz-AZ"),
    )  # fmt: skip
    requires = Needs(frozenset({"generator"}), "required")

    n: Annotated[int, Limits(low=40)] = 2000
    attribute: str = "auto"
    noise: str = "auto"
    reader_samples: Annotated[int, Limits(low=100)] = 4000
    samples: Annotated[int, Limits(low=4)] = 48
    positions: Annotated[int, Limits(low=3)] = 5
    controls: Annotated[int, Limits(low=0)] = 40
    real: Annotated[int, Limits(low=2)] = 2000
    control: bool = True
    beside: tuple[Path, ...] = ()
    seed: Seed = 0
    batch_size: Count = 64

    def __post_init__(self) -> None:
        """Check the settings before anything is loaded or drawn."""
        super().__post_init__()
        swept = self.samples * (1 + self.controls)
        check_seed(self.seed, self.n + self.reader_samples + swept)

    def follow(self, subject: Subject) -> None:
        """Say why a model without a prior of parts has no codes."""
        codes_of(subject.prior, self.noise)

    def steps(self, subject: Subject, data: ImageSet | None = None) -> Steps[CodesResult]:
        """Measure this checkpoint, and those beside it."""
        codes = codes_of(subject.prior, self.noise)
        data = images_for(subject, data, "codes")
        yield Progress(0, 1, "networks")
        others = _others(self.beside, subject, codes)
        held_out = DataImages.draw(data.part("test"), self.real, self.seed)
        if held_out.count < 2:
            raise GanlensError(f"data {data.spec!r} has no held-out images to compare with")
        network, no_network = yield from _classifier(data, subject.device)
        real = held_out.tensors(slice(None))
        look = Looker.of(real, background(real.numpy()), network)
        how = Settings(**{one.name: getattr(self, one.name) for one in fields(Settings)})
        twin, no_twin = untrained(subject, self.seed) if self.control else (None, "switched off")
        found = yield from measure(subject, codes, look, how, twin)
        beside = list[Measured]()
        for other in others:
            beside.append((yield from measure(other, codes, look, how, None)))
        return CodesResult(
            codes=codes,
            measured=found,
            beside=tuple(beside),
            no_classifier=no_network,
            no_twin=no_twin,
            grids=tuple(self._grid(subject, codes, part) for part in codes.categorical),
            strips=tuple(self._strip(subject, c) for c in codes.continuous[:MOST_STRIPS]),
            draw=panels,
            about={
                **identity(subject, data),
                **({} if network is None else network.about()),
                **self._about(codes, look, held_out.count),
            },
        )

    def _about(self, codes: Parts, look: Looker, real: int) -> dict[str, Any]:
        return {
            "noise": codes.noise[0].part.name if codes.noise else None,
            "noise_decided": codes.decided,
            "n": self.n,
            "n_scored": self.n - self.n // 2,
            "n_real": real,
            "split": "test",
            "interval_method": "Wilson, 95 %",
            "fresh_reader": SAID.format(self.reader_samples),
            "background": look.ground,
            "swept_samples": self.samples,
            "positions": self.positions,
            "seed": self.seed,
        }

    def _grid(self, subject: Subject, codes: Parts, part: Part) -> Shown:
        z = subject.latents(range(self.seed, self.seed + COLUMNS))
        rows = [codes.with_category(z, part, i) for i in range(min(part.dim, MOST_ROWS))]
        return _shown(subject, part.name, torch.cat(rows), COLUMNS)

    def _strip(self, subject: Subject, coordinate: Coordinate) -> Shown:
        places = coordinate.values(2 * self.positions - 1)
        z = subject.latents(range(self.seed, self.seed + STRIPS))
        swept = z.repeat_interleave(len(places), 0)
        swept[:, coordinate.column] = places.repeat(len(z))
        return _shown(subject, coordinate.name, swept, len(places))


def _shown(subject: Subject, name: str, z: torch.Tensor, columns: int) -> Shown:
    recipe = Recipe.of(subject, Rows.of(z), columns=columns)
    return Shown(name, images.to_uint8(draw(subject, recipe)), columns, recipe.to_json())


def _classifier(
    data: ImageSet, device: torch.device
) -> Steps[tuple[AttributeClassifier | None, str]]:
    """Return the classifier of the data's labels, or None and why there is none."""
    try:
        targets_of(data)
    except GanlensError as error:
        return None, str(error)
    return (yield from attribute_classifier(data, device=device)), ""


def _others(paths: tuple[Path, ...], subject: Subject, codes: Parts) -> list[Subject]:
    """Open the further checkpoints.

    Raises:
        GanlensError: one that does not fit, or is there twice: it would count twice.
    """
    found = [_other(path, subject, codes) for path in paths]
    known = {subject.provenance.get("hash")} - {None}
    for path, one in zip(paths, found, strict=True):
        digest = one.provenance.get("hash")
        if digest in known:
            raise GanlensError(
                f"checkpoint {str(path)!r} has the weights of one that is given already: name each"
                " once, and the first one not beside itself"
            )
        known |= {digest} - {None}
    return found


def _other(path: Path, subject: Subject, codes: Parts) -> Subject:
    """Open a further checkpoint, of the same images and parts.

    Raises:
        GanlensError: it has another shape or other parts; or as ``load``.
    """
    found = load(path, str(subject.device))
    if found.generator is None or found.prior.words != codes.prior.words:
        raise GanlensError(
            f"{found.name} has the latent {found.prior if found.generator else 'of no generator'}"
            f" and {subject.name} {codes.prior}: put checkpoints of equal parts beside each other"
        )
    if tuple(found.image_shape) != tuple(subject.image_shape):
        raise GanlensError(
            f"{found.name} draws images of shape {tuple(found.image_shape)} and {subject.name}"
            f" {tuple(subject.image_shape)}: put checkpoints of equal images beside each other"
        )
    return found
