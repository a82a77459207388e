"""Vocabulary of readers, which recognise weights that another project has saved.

A reader gets one flat dict of tensors at a time and answers with a Match, or with None where the
names are not known to it. It says what it inferred from the shapes and what it had to assume.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from torch import Tensor

from ganlens.errors import GanlensError, one_of
from ganlens.models.imported.layers import ACTIVATION_NAMES
from ganlens.models.imported.output import ACTIVATIONS, check_range
from ganlens.models.prior import PRIORS

Weights = Mapping[str, Tensor]
Part = Literal["generator", "discriminator"]
NORMS = ("batch", "instance", "none")
SIGNED, UNIT = (-1.0, 1.0), (0.0, 1.0)  # ranges of tanh and of a sigmoid


@dataclass(frozen=True)
class Answers:
    """What a file cannot tell; None leaves it to the usual assumption, which is said.

    Attributes:
        prior: distribution of the latents, "normal" or "uniform" on [-1, 1].
        output_range: lowest and highest value of the generator's images, such as -1 1 or 0 1.
        bn_eps: what batch norm adds to the variance.
        activation: of a generator of numbered layers; statistics in the file may tell it.
        activation_slope: slope of the leaky ReLUs below 0.
        norm: of numbered layers whose weights or places leave it open.
        output_activation: what the generator's last layer ends with.
        latent_dim: coordinates of a latent.
        image_shape: (C, H, W) of the images: of a generator of numbered layers, whose last stride
            it tells, of a translator, or of a lone discriminator.
        classes: number of labels that a class-conditional generator takes.
        label: the one that is drawn where none is named.
    """

    prior: Literal["normal", "uniform"] | None = None
    output_range: tuple[float, float] | None = None
    bn_eps: float | None = None
    activation: Literal["relu", "leaky-relu", "elu", "selu", "gelu", "silu", "tanh"] | None = None
    activation_slope: float | None = None
    norm: Literal["batch", "instance", "none"] | None = None
    output_activation: Literal["tanh", "sigmoid", "none"] | None = None
    latent_dim: int | None = None
    image_shape: tuple[int, int, int] | None = None
    classes: int | None = None
    label: int = 0

    def __post_init__(self) -> None:
        if self.prior not in (None, *PRIORS):
            raise one_of("prior", self.prior, PRIORS)
        if self.output_range is not None:
            check_range(self.output_range)
        for name, known in (("activation", ACTIVATION_NAMES), ("norm", NORMS),
                            ("output_activation", ACTIVATIONS)):  # fmt: skip
            if (value := getattr(self, name)) not in (None, *known):
                raise one_of(name.replace("_", " "), value, known)
        for name in ("bn_eps", "activation_slope"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < math.inf:
                raise GanlensError(f"{name.replace('_', ' ')} {value} is no size: give 0 or more")
        if self.latent_dim is not None and self.latent_dim < 1:
            raise GanlensError(f"latent dim {self.latent_dim} is too small: give at least 1")
        if self.image_shape is not None and min(self.image_shape) < 1:
            shown = " ".join(map(str, self.image_shape))
            raise GanlensError(f"image shape {shown} is none: give C H W, such as 3 64 64")


class Read:
    """Answers that remember which of them were looked at, so that none is given in vain.

    Args:
        answers: what was answered.
    """

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.names: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.names.add(name)
        return getattr(self._answers, name)

    def refuse_unread(self, shown: object, reading: set[str]) -> None:
        """Refuse answers that nothing has read.

        Args:
            shown: the source, for the error.
            reading: names of those that were read.

        Raises:
            GanlensError: names the first, and what it may be instead.
        """
        plain = Answers()
        for one in fields(Answers):
            value = getattr(self._answers, one.name)
            if value == getattr(plain, one.name) or one.name in reading:
                continue
            option = f"--{one.name.replace('_', '-')}"
            hint = _INSTEAD.get(one.name, "leave it out")
            raise GanlensError(f"{option} {_words(value)} changes nothing in {shown}: {hint}")


_INSTEAD = {
    "activation_slope": "a generator's leaky ReLU takes it with --activation leaky-relu; else"
                        " leave it out",
    "activation": "statistics or the project's code tell it, and --module names code of your own",
}  # fmt: skip


def _words(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


@dataclass(frozen=True)
class Match:
    """A network that a reader has recognised.

    Attributes:
        format: the project or file layout, for people.
        part: which network it is.
        arguments: those of the family's constructors; the other network's are added to them.
        weights: under the names of the family's own network.
        inferred: what the keys and shapes tell, one phrase each.
        assumed: what they cannot tell, one phrase each, with the option that changes it.
        calibrate: the file has no running statistics of batch norm: they are to be measured.
        image_shape: (C, H, W), where the reader knows it.
        alternatives: other readings of the same weights, drawn beside this one where asked.
    """

    format: str
    part: Part
    arguments: dict[str, Any]
    weights: dict[str, Tensor]
    inferred: Sequence[str] = ()
    assumed: Sequence[str] = ()
    calibrate: bool = False
    image_shape: tuple[int, int, int] | None = None
    alternatives: Sequence["Alternative"] = ()


@dataclass(frozen=True)
class Alternative:
    """Another reading of the same weights.

    Attributes:
        caption: in what it differs.
        arguments: of the family's generator.
        weights: under the names of that network.
        calibrate: batch norm is to be measured.
    """

    caption: str
    arguments: dict[str, Any]
    weights: dict[str, Tensor]
    calibrate: bool = False


# Tells what a dict of tensors is, or None where their names are not known to it. It raises
# GanlensError where the names are its own and the shapes do not fit them.
Reader = Callable[[Weights, Answers], Match | None]


@dataclass
class Notes:
    """Gathers what is inferred and assumed while a reader looks at a file."""

    answers: Answers
    inferred: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)

    def prior(self) -> str:
        """Return the prior: the one that was given, or a normal one."""
        return self.setting("prior", "normal", "--prior uniform")

    def setting(self, name: str, usual: Any, option: str = "") -> Any:
        """Return an answer, or the usual value, which then counts as assumed."""
        given = getattr(self.answers, name)
        words = name.replace("_", " ")
        if given is not None:
            self.inferred.append(f"{words} {given}, as you said")
            return given
        option = option or f"--{name.replace('_', '-')}"
        self.assumed.append(f"{words} {usual} ({option} changes it)")
        return usual

    def latent_dim(self, found: int) -> int:
        """Return the width of a latent that shapes tell.

        Raises:
            GanlensError: another one was given.
        """
        given = self.answers.latent_dim
        if given not in (None, found):
            raise GanlensError(f"latent dim {given} does not fit: the weights take {found}")
        self.inferred.append(f"latent dim {found}")
        return found

    def output(self, usual: str) -> dict[str, Any]:
        """Return the arguments of ``Pixels``: what the generator's last layer does.

        Args:
            usual: activation in the project's code: "tanh", "sigmoid", or "none", whose values are
                meant to lie in [-1, 1] and are clipped to it.
        """
        given, named = self.answers.output_range, self.answers.output_activation
        if named is not None:
            self.inferred.append(f"output {named}, as you said")
            low, high = given or (UNIT if named == "sigmoid" else SIGNED)
            return {"activation": named, "output_range": [low, high]}
        if given is None:
            found: Any = UNIT if usual == "sigmoid" else SIGNED
            shown = f"{found[0]:g} to {found[1]:g}"
            self.assumed.append(
                f"output {usual}, images in {shown} (--output-range, --output-activation change it)"
            )
            return {"activation": usual, "output_range": list(found)}
        low, high = given
        activation = {SIGNED: "tanh", UNIT: "sigmoid"}.get((low, high), "none")
        activation = "none" if usual == "none" else activation
        self.inferred.append(f"images in {low:g} to {high:g}, as you said: output {activation}")
        return {"activation": activation, "output_range": [low, high]}

    def match(
        self, format: str, part: Part, weights: Weights, arguments: dict[str, Any], *sides: int
    ) -> Match:
        """Return what was recognised, one network of a ``PairFamily``, with all that was noted.

        Args:
            format: the project or file layout, for people.
            part: which network it is.
            weights: under the names of the family's own network.
            arguments: of that network's class.
            *sides: height and width of the images, or both in one: noted, where the shapes tell
                them, with the "widths" and "channels" of the arguments.
        """
        if sides:
            images = f"{arguments['channels']} x {sides[0]} x {sides[-1]}"
            self.inferred.append(f"{part}: widths {arguments['widths']}, {images}")
        return Match(format, part, {part: arguments}, dict(weights), self.inferred, self.assumed)


def shape(weights: Weights, name: str, rank: int) -> tuple[int, ...]:
    """Return the shape of a tensor that must have a rank.

    Raises:
        GanlensError: it is not there, or has another rank, or is empty.
    """
    if name not in weights:
        raise GanlensError(f"weights lack {name}: take a complete checkpoint")
    found = tuple(weights[name].shape)
    if len(found) != rank or 0 in found:
        raise GanlensError(f"weights have {name} of shape {found}: {rank} dimensions were expected")
    return found


def numbered(weights: Weights, pattern: str) -> list[int]:
    """Return the numbers in the keys that a pattern with one group matches, in rising order."""
    found = (re.fullmatch(pattern, key) for key in weights)
    return sorted({int(match.group(1)) for match in found if match})


def refuse(weights: Weights, variants: Mapping[str, str]) -> None:
    """Refuse what computes something else than its family, by the names of its weights.

    Args:
        weights: what may be such a variant.
        variants: pattern that a name of it begins with -> what the network is, or has.

    Raises:
        GanlensError: it is one.
    """
    for pattern, what in variants.items():
        if name := next((name for name in weights if re.match(pattern, name)), ""):
            raise GanlensError(
                f"network has {what} ({name:.60}), which this family does not read: name the class"
                " that made it, with --module package.module:callable --trust"
            )


def ranked(weights: Weights, name: str) -> int:
    """Return the rank of a tensor, 0 where there is none of that name."""
    return weights[name].ndim if name in weights else 0
