"""Networks saved as one sequence of numbered layers, under any name: what stands in which place."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.foreign.recognition import Weights, shape

_KEY = re.compile(r"(?:([A-Za-z_][\w.]*?)\.)?(\d+(?:\.\d+)*)\.([A-Za-z_].*)")
_STATISTICS = ("running_mean", "running_var")
Place = tuple[int, ...]
OWN = "main"  # the name in pytorch/examples: there a stray key is named, elsewhere it decides
ADVICE = "name the class that made it, with --module package.module:callable --trust"


@dataclass
class Layer:
    """A convolution with the norm behind it.

    Attributes:
        conv: names of the convolution's tensors, under "weight" and "bias".
        place: numbers of the convolution in the sequence.
        norm: names of the norm's tensors, empty without one.
        norm_place: numbers of the norm.
        extras: layers without weights up to the next convolution; -1 where names do not tell.
    """

    conv: dict[str, str]
    place: Place
    norm: dict[str, str] = field(default_factory=dict)
    norm_place: Place = ()
    extras: int = -1

    @property
    def has_statistics(self) -> bool:
        """Whether its norm keeps running statistics, some of them at least."""
        return any(name in self.norm for name in _STATISTICS)


@dataclass(frozen=True)
class Numbered:
    """What was found.

    Attributes:
        part: "generator", where kernels are those of transposed convolutions, or "discriminator".
        layers: in order.
        stray: names of tensors that are no convolution's and no norm's.
    """

    part: Literal["generator", "discriminator"]
    layers: tuple[Layer, ...]
    stray: tuple[str, ...]


def parsed(weights: Weights) -> Numbered | None:
    """Read names such as ``main.0.weight``, ``net.0.1.bias`` or ``3.running_mean``.

    Returns:
        None where other names are among them, or layers other than convolutions and norms.

    Raises:
        GanlensError: the names are those of pytorch/examples and the shapes do not fit them.
    """
    prefixes: set[str] = set()
    modules: dict[Place, dict[str, str]] = {}
    stray: list[str] = []
    for name in weights:
        if match := _KEY.fullmatch(name):
            place = tuple(int(number) for number in match[2].split("."))
            modules.setdefault(place, {})[match[3]] = name
            prefixes.add(match[1] or "")
        else:
            stray.append(name)
    if len(prefixes) != 1 or not modules:
        return None
    known = prefixes == {OWN}
    try:
        layers = _layers(dict(sorted(modules.items())), weights, stray)
        if len(layers) < 2:
            return None
        part = _part(layers, weights)
    except GanlensError:
        if known:
            raise
        return None
    if stray and not known:
        return None
    return Numbered(part, tuple(layers), tuple(stray))


def _layers(
    modules: Mapping[Place, dict[str, str]], weights: Weights, stray: list[str]
) -> list[Layer]:
    layers: list[Layer] = []
    last: Place = ()
    for place, names in modules.items():
        rank = weights[names["weight"]].ndim if "weight" in names else 0
        if rank == 4:
            if layers:
                layers[-1].extras = _between(last, place)
            layers.append(Layer({k: n for k, n in names.items() if k in ("weight", "bias")}, place))
            stray += [n for k, n in names.items() if k not in ("weight", "bias")]
        elif rank > 1:
            name, found = names["weight"], tuple(weights[names["weight"]].shape)
            raise GanlensError(f"weights have {name} of shape {found}: a kernel has 4 dimensions")
        elif (rank and "bias" in names) or any(name in names for name in _STATISTICS):
            _add_norm(layers, place, names, stray)
        elif rank:
            raise GanlensError(
                f"network has a layer with weights and no bias ({names['weight']}), such as PReLU,"
                f" which this family does not read: {ADVICE}"
            )
        else:
            stray += names.values()
            continue
        last = place
    return layers


def _add_norm(layers: list[Layer], place: Place, names: dict[str, str], stray: list[str]) -> None:
    if not layers or layers[-1].norm:
        first = next(iter(names.values()))
        also = f"; {stray[0]} is not known" if stray else ""
        raise GanlensError(f"weights have a norm ({first}) where a convolution was expected{also}")
    known = ("weight", "bias", *_STATISTICS, "num_batches_tracked")
    layers[-1].norm = {k: n for k, n in names.items() if k in known}
    layers[-1].norm_place = place
    stray += [n for k, n in names.items() if k not in known]


def _between(last: Place, place: Place) -> int:
    return place[0] - last[0] - 1 if len(last) == len(place) == 1 else -1


def _part(layers: list[Layer], weights: Weights) -> Literal["generator", "discriminator"]:
    """Tell transposed kernels, (in, out, ...), from others, (out, in, ...), by what follows."""
    shapes = [shape(weights, layer.conv["weight"], 4) for layer in layers]
    if layers[-1].norm:
        name = next(iter(layers[-1].norm.values()))
        raise GanlensError(f"weights end with a norm ({name}): a convolution was expected after it")
    fits = {axis: _follow(layers, weights, shapes, axis) for axis in (1, 0)}
    if not any(fits.values()):
        names = [layer.conv["weight"] for layer in layers]
        i = next(i for i in range(len(shapes) - 1) if shapes[i][1] != shapes[i + 1][0])
        raise GanlensError(
            f"weights have {names[i]} of shape {shapes[i]} and {names[i + 1]} of shape"
            f" {shapes[i + 1]}, which do not follow each other"
        )
    if all(fits.values()):  # every width is alike
        return "discriminator" if shapes[-1][0] == 1 else "generator"
    return "generator" if fits[1] else "discriminator"


def _follow(
    layers: list[Layer], weights: Weights, shapes: list[tuple[int, ...]], axis: int
) -> bool:
    """Tell whether each layer takes what the one before puts out, which lies on an axis."""
    widths = [found[axis] for found in shapes]
    chained = all(shapes[i + 1][1 - axis] == width for i, width in enumerate(widths[:-1]))
    norms = [
        weights[name].shape[:1] == (width,)
        for layer, width in zip(layers, widths, strict=True)
        for key, name in layer.norm.items()
        if key == "weight" and axis == 1
    ]
    return chained and (axis == 0 or sum(norms) * 2 >= len(norms))


def renamed(weights: Weights, found: Numbered, norms: Sequence[str]) -> dict[str, Tensor]:
    """Return tensors under the names of the family: convolution, norm, activation, and again.

    Args:
        weights: under the file's names; stray ones keep theirs.
        found: what stands where.
        norms: name of the norm after each convolution.
    """
    named: dict[str, Tensor] = {}
    at = 0
    for layer, norm in zip(found.layers, norms, strict=True):
        named |= {f"main.{at}.{key}": weights[name] for key, name in layer.conv.items()}
        at += 1
        if norm != "none":
            named |= {f"main.{at}.{key}": weights[name] for key, name in layer.norm.items()}
            at += 1
        at += 1
    return named | {name: weights[name] for name in found.stray}
