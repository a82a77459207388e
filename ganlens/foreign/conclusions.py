"""What is concluded of a numbered generator, and what is assumed of it, with the figures."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from ganlens.foreign.fitting import (
    ACTIVATIONS,
    CLEAR,
    FITS,
    NEAR,
    Reading,
    Stage,
    explained,
    prior_discrepancies,
)
from ganlens.foreign.measurements import geometries, readings
from ganlens.foreign.recognition import Notes, Weights
from ganlens.foreign.sequence import Layer
from ganlens.models.imported.layers import Geometry

LARGEST_LAG = 0.01  # discrepancy at the first norm, which only the prior decides
MOMENTUM = 0.1  # of torch's batch norm, where nobody chose another
TINY = 1e-4  # discrepancies that differ by less are alike: so much is chance
Activation = tuple[str, float]


@dataclass(frozen=True)
class Conclusions:
    """How a generator is run.

    Attributes:
        prior: "normal" or "uniform".
        activation: name and slope.
        geometry: stride, padding and output padding of every convolution but the first.
        told: for each of these, whether running statistics fit it and no other.
        others: further activations that are worth drawing, the likeliest first.
    """

    prior: str
    activation: Activation
    geometry: tuple[Geometry, ...]
    told: tuple[bool, ...]
    others: tuple[Activation, ...]


def stages_of(weights: Weights, layers: Sequence[Layer]) -> list[Stage]:
    """Return the layers from the first on that have batch norm with statistics of training.

    Of few batches, running statistics still hold a share of what they began with, which is taken
    out where the first norm then fits better.
    """
    stages = _stored(weights, layers)
    settled = [_settled(one, weights, layer) for one, layer in zip(stages, layers, strict=False)]
    if not stages:
        return []
    return min((stages, settled), key=lambda some: min(prior_discrepancies(some[0]).values()))


def _settled(stage: Stage, weights: Weights, layer: Layer) -> Stage:
    """Take out what is left of mean 0 and variance 1, with which statistics begin."""
    name = layer.norm.get("num_batches_tracked")
    batches = float(weights[name].double().mean()) if name else 0.0
    left = (1 - MOMENTUM) ** batches if batches >= 1 else 0.0
    variance = ((stage.variance - left) / (1 - left)).clamp_min(1e-8)
    return replace(stage, mean=stage.mean / (1 - left), variance=variance)


def _stored(weights: Weights, layers: Sequence[Layer]) -> list[Stage]:
    stages = []
    for layer in layers:
        norm = {key: weights[name].float() for key, name in layer.norm.items()}
        if not {"running_mean", "running_var"} <= norm.keys():
            break
        mean, variance = norm["running_mean"], norm["running_var"]
        if not mean.any() and bool((variance == 1).all()):
            break  # never updated
        kernel = weights[layer.conv["weight"]].float()
        bias = weights[layer.conv["bias"]].float() if "bias" in layer.conv else None
        gain, shift = norm.get("weight", torch.ones_like(mean)), norm.get("bias", mean * 0)
        tensors = [mean, variance, gain, shift, *([] if bias is None else [bias])]
        sound = all(one.shape == (kernel.shape[1],) for one in tensors)
        if not sound or not all(one.isfinite().all() for one in [kernel, *tensors]):
            break  # said where the network takes its weights
        stages.append(Stage(kernel, bias, mean, variance, gain, shift))
    return stages


def conclude(
    stages: Sequence[Stage], usual: Sequence[Geometry], eps: float, notes: Notes
) -> Conclusions:
    """Decide by statistics what these can tell, by answers what was answered, else as is usual.

    Args:
        stages: layers with statistics, from the first on; none where the file has none.
        usual: geometry of every convolution but the first.
        eps: what batch norm adds to the variance.
        notes: where everything is said.
    """
    prior, lag = _prior(stages, notes)
    given = _given(notes)
    unknown = Conclusions(
        prior, given or ACTIVATIONS[0], tuple(usual), (False,) * len(usual), _others(given, ())
    )
    if len(stages) < 2 or lag > LARGEST_LAG:
        if given is None:
            why = "the file has no statistics that could tell" if len(stages) < 2 else (
                f"running statistics do not fit the weights, {lag:.2g} apart at the first norm,"
                " and tell nothing"
            )  # fmt: skip
            _assume_activation(notes, why)
        return unknown
    tried = ACTIVATIONS if given is None else (given,)
    count = len(stages) - 1
    found = readings(stages, prior, eps, tried, usual[:count], search=True)
    best = found[0]
    if given is None:
        best = _activation(found, count, notes)
    if best.discrepancy > FITS:
        return unknown
    geometry, told = _geometry(stages, prior, eps, best, notes)
    return Conclusions(
        prior,
        best.activation,
        (*geometry, *usual[count:]),
        (*told, *(False,) * (len(usual) - count)),
        _others(best.activation, found),
    )


def _prior(stages: Sequence[Stage], notes: Notes) -> tuple[str, float]:
    """Return the prior, and how far the first norm's statistics are from what it gives."""
    if not stages:
        return notes.prior(), float("inf")
    apart = prior_discrepancies(stages[0])
    best, other = sorted(apart, key=apart.__getitem__)
    if notes.answers.prior is not None:
        prior = notes.prior()
        return prior, apart[prior]
    if apart[best] <= LARGEST_LAG and explained(apart[best], apart[other]):
        notes.inferred.append(
            f"prior {best}: statistics of the first batch norm fit it ({apart[best]:.2g} apart;"
            f" {other}: {apart[other]:.2g})"
        )
        return best, apart[best]
    prior = notes.prior()
    return prior, apart[prior]


def _given(notes: Notes) -> Activation | None:
    name = notes.answers.activation
    if name is None:
        return None
    notes.inferred.append(f"activation {name}, as you said")
    slope = notes.setting("activation_slope", 0.2) if name == "leaky-relu" else 0.0
    return name, slope


def _assume_activation(notes: Notes, why: str) -> None:
    notes.assumed.append(f"activation relu of the generator: {why} (--activation changes it)")


def _activation(found: list[Reading], count: int, notes: Notes) -> Reading:
    """Take the activation that fits, if one does; else the usual one, which is said."""
    best = found[0]
    alike = [one for one in found if one.discrepancy <= NEAR * best.discrepancy + TINY]
    others = [one for one in found if one not in alike]
    next_ = others[0].discrepancy if others else float("inf")
    usual = next(one for one in found if one.activation == ACTIVATIONS[0])
    figures = ", ".join(f"{shown(one.activation)} {one.discrepancy:.2g}" for one in found[:3])
    if explained(best.discrepancy, max(next_, TINY)):
        same = [shown(one.activation) for one in alike if one is not best]
        notes.inferred.append(
            f"activation {shown(best.activation)}: statistics of the {count} later batch norms fit"
            f" it ({figures} apart)" + (f"; {', '.join(same)} fits as well" if same else "")
        )
        return best
    if best.discrepancy <= FITS and usual.discrepancy >= CLEAR * best.discrepancy:
        notes.assumed.append(
            f"activation {shown(best.activation)} of the generator, which statistics fit best, and"
            f" others hardly worse ({figures} apart) (--activation changes it)"
        )
        return best
    _assume_activation(notes, f"statistics fit no activation alone ({figures} apart)")
    return usual


def _geometry(
    stages: Sequence[Stage], prior: str, eps: float, best: Reading, notes: Notes
) -> tuple[list[Geometry], list[bool]]:
    told = []
    for i, tried in enumerate(geometries(stages, prior, eps, best)):
        apart = dict(tried)
        chosen = best.geometry[i]
        others = [value for one, value in tried if one != chosen]
        told.append(explained(apart[chosen], max([TINY, *others[:1]])))
    if all(told):
        shapes = ", ".join(f"{stride}/{padding}" for stride, padding, _ in best.geometry)
        notes.inferred.append(
            f"stride/padding {shapes} of the layers before the later batch norms, whose statistics"
            f" fit ({best.discrepancy:.2g} apart)"
        )
    return list(best.geometry), told


def _others(chosen: Activation | None, found: Sequence[Reading]) -> tuple[Activation, ...]:
    """Return two more activations, the likeliest by statistics, or the most usual ones."""
    chosen = chosen or ACTIVATIONS[0]
    order = [one.activation for one in found] or list(ACTIVATIONS[:4])
    return tuple(one for one in order if one != chosen)[:3]


def shown(activation: Activation) -> str:
    """Return the words for an activation, such as "leaky-relu 0.2"."""
    name, slope = activation
    return f"{name} {slope:g}" if name == "leaky-relu" else name
