"""Everything that is measured of the codes of one checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from ganlens.attributes import AttributeClassifier
from ganlens.errors import GanlensError, one_of
from ganlens.probes.base import Progress, Steps
from ganlens.probes.codes.disentanglement import Disentanglement, disentangled
from ganlens.probes.codes.effects import Effects, Looked, effects
from ganlens.probes.codes.information import Read, bounds, own_reading
from ganlens.probes.codes.matching import Matched, matched, normalised_information
from ganlens.probes.codes.moments import MOMENTS, moments
from ganlens.probes.codes.parts import Codes
from ganlens.probes.codes.reader import fresh_reader, reading
from ganlens.subject import Subject

NO_ENCODER = "the model has no encoder"


@dataclass(frozen=True)
class Settings:
    """What of the probe's settings is needed here; see ``Codes`` in probe.py."""

    n: int
    reader_samples: int
    samples: int
    positions: int
    controls: int
    attribute: str
    seed: int
    batch_size: int


@dataclass(frozen=True)
class Looker:
    """Measures images: moments, and what a classifier reads, where there is one.

    Attributes:
        ground: brightness of the background, 0 to 1.
        classifier: of the data's labels and attributes, or None.
        spread: measure -> standard deviation over the real images.
    """

    ground: float
    classifier: AttributeClassifier | None
    spread: Mapping[str, float]

    def __call__(self, x: Tensor) -> Looked:
        """Measure (N, C, H, W) images in [-1, 1]."""
        found = moments(x.numpy(), self.ground)
        if self.ground in (0, 1):  # on black brightness is the ink, and on white what it leaves
            del found["brightness"]
        if self.classifier is None:
            return Looked(found, {})
        said = self.classifier.predict(x)
        numbers = {_apart(k): v.astype(np.float64) for k, v in said.numbers.items()}
        kinds = {k: v.argmax(1) for k, v in said.probabilities.items()}
        return Looked({**found, **numbers}, kinds)

    @classmethod
    def of(cls, real: Tensor, ground: float, classifier: AttributeClassifier | None) -> "Looker":
        """Return one that knows how much each measure varies over real images."""
        bare = cls(ground, classifier, {})
        columns = bare(real).measures.items()
        return replace(bare, spread={name: _deviation(values) for name, values in columns})


@dataclass(frozen=True)
class Match:
    """A categorical code against an attribute.

    Attributes:
        attribute: what the classifier reads.
        found: how well they match.
        untrained: the same of the untrained twin; None where there is none.
    """

    attribute: str
    found: Matched
    untrained: Matched | None = None


@dataclass(frozen=True)
class Measured:
    """What was found of one checkpoint.

    Attributes:
        name: of the checkpoint.
        hash: of its weights.
        matches: categorical code -> its match; empty without a classifier.
        own: code -> bound in nats by the model's own encoder.
        own_reason: why there is none, or what could not be used.
        fresh: code -> bound in nats by a fresh reader.
        fresh_reason: why there is none.
        effects: of the continuous codes.
        scores: disentanglement from the attributes; None without a classifier.
    """

    name: str
    hash: str | None
    matches: Mapping[str, Match]
    own: Mapping[str, float | None]
    own_reason: str
    fresh: Mapping[str, float | None]
    fresh_reason: str
    effects: Effects
    scores: Disentanglement | None

    @property
    def accuracy(self) -> float | None:
        """Matched accuracy of the first categorical code; None where there is none."""
        first = next(iter(self.matches.values()), None)
        return None if first is None else first.found.accuracy[0]


def measure(
    subject: Subject, codes: Codes, look: Looker, settings: Settings, twin: Subject | None
) -> Steps[Measured]:
    """Draw samples, read their codes, and sweep the continuous ones.

    Args:
        subject: the checkpoint.
        codes: of its prior.
        look: what measures images.
        settings: of the probe.
        twin: the untrained network beside it, or None.
    """
    yield Progress(0, 1, "samples")
    z = subject.latents(range(settings.seed, settings.seed + settings.n))
    x = subject.generate(z, batch_size=settings.batch_size)
    truth = {name: value.numpy() for name, value in codes.values(z).items()}
    seen = look(x)
    matches = _matches(codes, truth, seen, look, settings)
    if twin is not None and matches:
        yield Progress(0, 1, "samples of the untrained network")
        matches = _beside(matches, codes, twin, z, look, settings)
    own, own_reason = _own(subject, codes, truth, x, settings)
    fresh, fresh_reason = yield from _fresh(subject, codes, truth, x, settings)
    first = settings.seed + settings.n + settings.reader_samples
    moved = yield from effects(
        subject, look, codes.continuous, codes.noise, range(first, first + settings.samples),
        positions=settings.positions, controls=settings.controls, spread=look.spread,
        batch_size=settings.batch_size,
    )  # fmt: skip
    return Measured(
        str(subject.provenance.get("checkpoint", subject.name)),
        subject.provenance.get("hash"),
        matches, own, own_reason, fresh, fresh_reason, moved,
        _scores(truth, seen, look, settings.seed),
    )  # fmt: skip


def _apart(attribute: str) -> str:
    """Return what a numeric attribute is called among the measures, one of which it may be like."""
    return f"{attribute} (attribute)" if attribute in MOMENTS else attribute


def _deviation(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.std()) if len(known) > 1 else float("nan")


def _matches(
    codes: Codes, truth: Mapping[str, np.ndarray], seen: Looked, look: Looker, settings: Settings
) -> dict[str, Match]:
    if look.classifier is None:
        return {}
    known, found = look.classifier.classes, dict[str, Match]()
    if settings.attribute not in ("auto", *known):
        raise one_of("attribute", settings.attribute, ("auto", *known))
    for part in codes.categorical:
        code, half = truth[part.name], settings.n // 2
        name = settings.attribute
        if name == "auto":  # by the half that the match is found on, never by the one that scores
            told = {k: normalised_information(code[:half], v[:half]) for k, v in seen.kinds.items()}
            name = max(told, key=lambda one: told[one])
        result = matched(code, seen.kinds[name], known[name], part.dim, settings.seed)
        found[part.name] = Match(name, result)
    return found


def _beside(
    matches: Mapping[str, Match],
    codes: Codes,
    twin: Subject,
    z: Tensor,
    look: Looker,
    settings: Settings,
) -> dict[str, Match]:
    seen = look(twin.generate(z, batch_size=settings.batch_size))
    found = dict[str, Match]()
    for part in codes.categorical:
        one, code = matches[part.name], codes.index(z, part).numpy()
        blank = matched(code, seen.kinds[one.attribute], one.found.classes, part.dim, settings.seed)
        found[part.name] = replace(one, untrained=blank)
    return found


def _own(
    subject: Subject, codes: Codes, truth: Mapping[str, np.ndarray], x: Tensor, settings: Settings
) -> tuple[dict[str, float | None], str]:
    if subject.encoder is None:
        return {}, NO_ENCODER
    encoded = subject.encode(x, batch_size=settings.batch_size).numpy()
    if encoded.shape[1] != codes.prior.dim:
        return {}, f"the encoder gives {encoded.shape[1]} numbers for {codes.prior.dim} coordinates"
    read, reason = own_reading(codes, encoded)
    return bounds(codes, truth, read), reason


def _fresh(
    subject: Subject, codes: Codes, truth: Mapping[str, np.ndarray], x: Tensor, settings: Settings
) -> Steps[tuple[dict[str, float | None], str]]:
    first = settings.seed + settings.n
    z = subject.latents(range(first, first + settings.reader_samples))
    drawn = subject.generate(z, batch_size=settings.batch_size)
    try:
        model = yield from fresh_reader(codes, z, drawn, subject.device, settings.seed)
    except GanlensError as error:
        return {}, f"no fresh reader: {error}"
    read: Read = reading(model, codes, x, subject.device)
    return bounds(codes, truth, read), ""


def _scores(
    truth: Mapping[str, np.ndarray], seen: Looked, look: Looker, seed: int
) -> Disentanglement | None:
    if look.classifier is None:
        return None
    numbers = {k: seen.measures[_apart(k)] for k in look.classifier.model.config.numbers}
    return disentangled(truth, {**seen.kinds, **numbers}, seed)
