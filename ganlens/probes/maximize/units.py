"""What can be maximised: feature maps, the discriminator's logit, and what a classifier reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganlens.activations import find_layer, run_to, trace
from ganlens.devices import place_of
from ganlens.errors import GanlensError, one_of

LOGIT = "logit"  # the discriminator's output
DISCRIMINATOR, CLASSIFIER = "discriminator", "classifier"


@dataclass(frozen=True)
class Unit:
    """One number that an image has in a network.

    Attributes:
        name: as the user writes it: "logit", "block3.act:17", "glasses=dark", "tilt".
        network: "discriminator" or "classifier".
        layer: the layer whose output is read; "" is the output of the network.
        index: channel of the layer; of an output, the place of the class.
        target: what the classifier is asked: "glasses"; "" elsewhere.
    """

    name: str
    network: str
    layer: str = ""
    index: int = 0
    target: str = ""


def parse(text: str, networks: dict[str, nn.Module]) -> Unit:
    """Read a unit as the user writes it.

    Args:
        text: "logit"; "LAYER:CHANNEL" of the discriminator, "classifier.LAYER:CHANNEL";
            "TARGET=CLASS" or the name of a number that the classifier predicts.
        networks: "discriminator" and "classifier", as far as they are there.

    Raises:
        GanlensError: what the text names is not there; the message lists what is.
    """
    if text == LOGIT:
        _there(text, DISCRIMINATOR, networks)
        return Unit(text, DISCRIMINATOR)
    if ":" in text:
        return _channel(text, networks)
    classifier = _there(text, CLASSIFIER, networks)
    config: Any = classifier.config
    targets, numbers = config.targets, config.numbers
    target, _, value = text.partition("=")
    if target in targets and value in targets[target]:
        return Unit(text, CLASSIFIER, "", list(targets[target]).index(value), target)
    if target in targets:
        raise one_of(f"class of {target!r}", value, (f"{target}={one}" for one in targets[target]))
    if text in numbers:
        return Unit(text, CLASSIFIER, target=text)
    valid = [LOGIT, "LAYER:CHANNEL", *(f"{t}={v[0]}" for t, v in targets.items()), *numbers]
    raise one_of("unit", text, valid)


def _there(text: str, network: str, networks: dict[str, nn.Module]) -> nn.Module:
    if network in networks:
        return networks[network]
    have = f"the {next(iter(networks))} only" if networks else "no network"
    raise GanlensError(
        f"unit {text!r} needs a {network} and there is {have}: "
        + ("choose another checkpoint" if network == DISCRIMINATOR else "name a --classifier")
    )


def _channel(text: str, networks: dict[str, nn.Module]) -> Unit:
    layer, _, number = text.rpartition(":")
    network = CLASSIFIER if layer.startswith(f"{CLASSIFIER}.") else DISCRIMINATOR
    module = _there(text, network, networks)
    layer = before_activation(module, layer.removeprefix(f"{network}."))
    count = channels(module, layer)
    if not number.isdecimal() or int(number) >= count:
        raise GanlensError(
            f"channel {number!r} of {text!r} is not known: layer {layer} has 0 to {count - 1}"
        )
    return Unit(text, network, layer, int(number))


def before_activation(module: nn.Module, layer: str) -> str:
    """Return the layer whose output an activation takes in; other layers are returned as they are.

    A unit that a rectifier holds at 0 passes no gradient on, so that its image would stay even
    grey. A forward pass is followed to see what an activation takes in, be it a layer or a
    function. A group such as "block1" is the leaf that makes its output.

    Raises:
        GanlensError: an unknown layer, or one that the forward pass does not reach.
    """
    find_layer(module, layer)
    passed = trace(module)
    point = passed.point(layer)
    own = point if point.name in passed.leaves else passed.made_by(passed.step_of(layer)) or point
    if not own.activates or own.step is None:
        return own.name
    inputs = passed.steps[own.step].inputs
    before = passed.made_by(inputs[0]) if inputs else None
    return own.name if before is None else before.name


def channels(module: nn.Module, layer: str) -> int:
    """Return how many channels a layer has, or how many units if it puts out vectors."""
    shape: Any = module.image_shape
    with torch.no_grad():
        return run_to(module, layer, torch.zeros(1, *shape, device=place_of(module))).shape[1]


def by_layer(units: Sequence[Unit]) -> list[tuple[Unit, ...]]:
    """Group units that one forward pass reads: those of one layer of one network."""
    key = attrgetter("network", "layer")
    return [tuple(group) for _, group in groupby(sorted(units, key=key), key)]


def activations(
    module: nn.Module, units: Sequence[Unit], x: Tensor, position: str = "mean"
) -> Tensor:
    """Return the (N, U) activations of units of one layer on (N, C, H, W) images in [-1, 1].

    ``position`` is "mean" over a map, or its "centre". Gradients flow where they are enabled.
    """
    first = units[0]
    if first.layer:
        maps = run_to(module, first.layer, x)
        if maps.ndim == 4:
            middle = maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2]
            maps = middle if position == "centre" else maps.mean(dim=(2, 3))
        return maps[:, [unit.index for unit in units]]
    found = module(x)
    if first.network == DISCRIMINATOR:
        return found.flatten(1).mean(1, keepdim=True) if found.ndim > 1 else found[:, None]
    outputs = [(found[unit.target], unit.index) for unit in units]
    return torch.stack([one if one.ndim == 1 else one[:, at] for one, at in outputs], dim=1)


def probabilities(module: nn.Module, units: Sequence[Unit], x: Tensor) -> np.ndarray:
    """Return the (U,) probabilities of class i that a classifier gives image i; NaN if none is."""
    if units[0].layer or units[0].network != CLASSIFIER:
        return np.full(len(units), np.nan)
    found = module(x)
    rows = [(found[unit.target][i], unit.index) for i, unit in enumerate(units)]
    return np.array([float(row.softmax(0)[at]) if row.ndim else np.nan for row, at in rows])
