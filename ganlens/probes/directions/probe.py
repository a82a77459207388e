"""Directions probe: directions by several methods, each with a report card."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Literal, get_args

import numpy as np

from ganlens import images
from ganlens.attributes import AttributeClassifier, attribute_classifier
from ganlens.data import ImageSet
from ganlens.directions import Direction, duplicates, random_directions
from ganlens.edits import Edit
from ganlens.errors import GanlensError, one_of
from ganlens.latents import Seeds
from ganlens.limits import MAX_SEED, Count, Limits, Seed
from ganlens.probes.base import Needs, Progress, Steps, images_for
from ganlens.probes.directions.card import cards_of
from ganlens.probes.directions.claims import Claims, claims_of
from ganlens.probes.directions.found import (
    choose,
    default_layer,
    known_methods,
    supervised,
    unsupervised,
)
from ganlens.probes.directions.panels import panels
from ganlens.probes.directions.result import DirectionsResult, Strip
from ganlens.probes.directions.scores import fit_scorer
from ganlens.probes.directions.settings import DirectionSettings
from ganlens.probes.exemplars import extractor_name
from ganlens.probes.identity import identity
from ganlens.recipe import Recipe, draw
from ganlens.subject import Subject

Method = Literal["boundary", "means", "sefa", "ganspace"]
METHODS: tuple[Method, ...] = get_args(Method)
AMOUNTS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
SUPERVISED = ("boundary", "means")


@dataclass(frozen=True)
class Directions(DirectionSettings):
    """Find directions in latent space, and say of each what it changes and what else it changes.

    Boundaries (InterFaceGAN) and differences of means are fitted to samples that linear probes on
    the discriminator's features have scored; SeFa and GANSpace need no labels. Every direction is
    measured on fresh samples by a network on pixels that had no part in finding it, beside random
    directions of the same length.

    Attributes:
        methods: some of boundary, means, sefa, ganspace, in the order of the report.
        attributes: what boundaries and means are about: names of attributes, expressions such as
            "glasses=dark", or "auto" for the best predicted value of each attribute.
        layer: generator layer of GANSpace; auto takes the second block's last one.
        count: directions per method, best first; what is wanted by name is never left out.
        samples: samples that boundaries and means are fitted to, and GANSpace too.
        extreme: share of the samples at either end that a boundary is fitted to, up to 0.5; at
            least 10 samples per latent coordinate are taken. The paper's 2 % are of 500,000; of a
            few thousand, wide ends are better, above all for a value between two others.
        measured: fresh samples that every direction is measured on; 5 times as many for an AUC.
        distance: how far the measured samples are moved, in standard deviations of the prior.
        conditional: also keep the other attributes still: n - N^T (N N^T)^-1 N n.
        random: random directions, for comparison.
        amounts: steps of the pictures, in standard deviations of the prior.
        seeds: samples in the pictures.
        shown: directions per method that are drawn; one that repeats an earlier one is not.
        probe_images: training images that the linear probes are fitted to, at most.
        feature_pool: the discriminator's maps are max-pooled to this many cells a side.
        seed: of the splits, the choice of images and the random directions.
        batch_size: images at a time.
    """

    title = "Latent directions"
    group = "Latent space"
    help = "what moves a sample which way, with report cards"
    headline = (
        "{best_boundary}: AUC {best_boundary_auc}",
        "moved by {distance} sigma, {best_boundary_turned_on:.0%} of the samples without it have "
        "it",
        "{duplicates} of {n_directions} directions repeat an earlier one",
    )
    reading = (
        "A good direction changes what it claims in most samples and little else; compare each "
        "report card with those of the random directions."
    )
    papers = (
        ("Shen 2020", "https://arxiv.org/abs/1907.10786"),
        ("Shen and Zhou 2021", "https://arxiv.org/abs/2007.06600"),
        ("Härkönen 2020", "https://arxiv.org/abs/2004.02546"),
    )
    demo = MappingProxyType({"samples": 2000})
    renamed = MappingProxyType({"judged": "measured"})

    methods: Annotated[tuple[Method, ...], Limits(length=(1, None))] = METHODS
    attributes: Annotated[tuple[str, ...], Limits(length=(1, None))] = ("auto",)
    layer: str = "auto"
    count: Count = 6
    samples: Annotated[int, Limits(low=100)] = 4000
    extreme: Annotated[float, Limits(above=0, high=0.5)] = 0.25
    measured: Count = 100
    distance: Annotated[float, Limits(above=0)] = 3.0
    conditional: bool = True
    random: Annotated[int, Limits(low=0)] = 5
    amounts: Annotated[tuple[float, ...], Limits(length=(1, None))] = AMOUNTS
    seeds: Annotated[tuple[int, ...], Limits(0, MAX_SEED)] = (0, 1, 2)
    shown: Annotated[int, Limits(low=0)] = 3
    probe_images: Count = 3000
    feature_pool: Count = 4
    seed: Seed = 0
    batch_size: Count = 64

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "seeds", Seeds(self.seeds).seeds)

    def needs(self) -> Needs:
        """Return what it cannot do without: SeFa and GANSpace need no data, the others do."""
        if set(self.methods) <= set(SUPERVISED):
            return Needs(frozenset({"generator", "discriminator"}), "required", labels=True)
        return Needs(frozenset({"generator"}), "optional")

    def steps(self, subject: Subject, data: ImageSet | None = None) -> Steps[DirectionsResult]:
        """Find, measure, draw."""
        layer = default_layer(subject) if self.layer == "auto" else self.layer
        if "ganspace" in self.methods and layer not in subject.layers("generator"):
            raise one_of("generator layer", layer, ("auto", *subject.layers("generator")))
        if data is not None:
            images_for(subject, data, "a search for directions")
        yield Progress(0, 1, "attributes")
        wanted, every, reason = self._claims(subject, data)
        methods, why = known_methods(subject, self.methods)
        reason = "; ".join(one for one in (reason, why) if one)
        classifier = yield from self._classifier(subject, data)
        known, scorer, chosen = subject.provenance, None, list[Direction]()
        about = {
            **{name: known.get(name) for name in ("checkpoint", "hash", "weights")},
            "trained_on": (known.get("data") or {}).get("fingerprint"),
            "samples": self.samples,
        }
        if every and data is not None:
            scorer = yield from fit_scorer(subject, data, list(every), self)
            found = yield from supervised(subject, scorer, list(every), self, about)
            chosen = choose(found, wanted, every, self)
        chosen += yield from unsupervised(subject, methods, layer, self, about)
        if not chosen:
            raise GanlensError(f"no direction was found: {reason}; add sefa or ganspace to methods")
        every_one = (*chosen, *random_directions(subject.prior, self.random, self.seed))
        cards = yield from cards_of(subject, classifier, every_one, self)
        strips = yield from self._strips(subject, every_one[: len(chosen) + 1])  # and a random one
        return DirectionsResult(
            directions=every_one,
            cards=tuple(cards),
            units=np.stack([one.unit for one in every_one]),
            names=every,
            strips=strips,
            amounts=np.array(self.amounts),
            distance=self.distance,
            measured=self.measured,
            probe_auc=scorer.auc if scorer else {},
            reason=reason,
            draw=panels,
            about={
                **identity(subject, data),
                **(classifier.about() if classifier else {"classifier": None}),
                "samples": self.samples,
                "n_measured": self.measured,
                "distance": self.distance,
                "extreme": self.extreme,
                "ganspace_layer": layer if "ganspace" in self.methods else None,
                "extractor": extractor_name(self.feature_pool) if scorer else None,
                "n_probe_fit": scorer.n_fit if scorer else None,
                "n_probe_held_out": scorer.n_held_out if scorer else None,
                "seed": self.seed,
            },
        )

    def _strips(
        self, subject: Subject, directions: Sequence[Direction]
    ) -> Steps[tuple[Strip, ...]]:
        """Draw the first directions of each method, the first GANSpace one as an offset too.

        A direction on the line of an earlier one is left out: its picture would be the same.
        """
        drawn, found = Counter[str](), []
        for index, (one, same) in enumerate(zip(directions, duplicates(directions), strict=True)):
            drawn[one.method] += same is None
            if same is not None or drawn[one.method] > self.shown:
                continue
            yield Progress(index, len(directions), "pictures")
            edits: dict[str, Edit] = {"move": one.move(subject.prior, self.amounts)}
            if one.offset is not None and drawn[one.method] == 1:
                edits["offset"] = one.offset_edit(self.amounts)
            for name, edit in edits.items():
                columns = len(self.amounts)
                recipe = Recipe.of(subject, Seeds(self.seeds), columns=columns, edits=[edit])
                tiles = images.to_uint8(draw(subject, recipe))
                found.append(Strip(index, name, tiles, recipe.to_json()))
        return tuple(found)

    def _claims(self, subject: Subject, data: ImageSet | None) -> tuple[Claims, Claims, str]:
        """Return the claims that are wanted, all claims, and why there are none."""
        methods = [method for method in self.methods if method in SUPERVISED]
        if not methods:
            return {}, {}, ""
        left_out = f"{' and '.join(methods)} left out: "
        if data is None:
            return {}, {}, left_out + "no data were given, so no attribute has a name"
        if data.labels is None and not data.attributes:
            return {}, {}, left_out + f"the data {data.spec!r} has neither attributes nor classes"
        if subject.discriminator is None:
            why = "samples are scored by linear probes on the discriminator's features, and this "
            return {}, {}, f"{left_out}{why}checkpoint has none"
        return *claims_of(data, self.attributes), ""

    def _classifier(
        self, subject: Subject, data: ImageSet | None
    ) -> Steps[AttributeClassifier | None]:
        if data is None or (data.labels is None and not data.attributes):
            return None
        try:
            return (yield from attribute_classifier(data, device=subject.device))
        except GanlensError:  # nothing but numbers: no classifier to be trained
            return None
