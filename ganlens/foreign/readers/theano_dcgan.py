"""Reader of the DCGAN authors' own parameters, as Theano left them: numbered arrays, a ``dcgan``.

github.com/Newmu/dcgan_code keeps each network as a list: kernels, then gain and shift of the batch
norm that follows, where one does. Theano convolves with flipped kernels, so they are flipped here;
its batch norm adds 1e-8 and has no running statistics, so they are measured.
"""

from typing import Any

from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.foreign.recognition import Answers, Match, Notes, Weights, shape

FORMAT = "the DCGAN authors' Theano parameters"
EPS = 1e-8


def recognise(weights: Weights, answers: Answers) -> Match | None:
    """Read arrays named "01", "02" ...; return None where there are others."""
    count = len(weights)
    if list(weights) != [f"{i:02d}" for i in range(1, count + 1)] or count < 5:
        return None
    first, notes = weights["01"].ndim, Notes(answers)
    if first == 2 and count % 3 == 1:
        return _generator(weights, notes)
    return _discriminator(weights, notes) if first == 4 and count % 3 == 2 else None


def _generator(weights: Weights, notes: Notes) -> Match:
    """Weight, gain, shift of the matrix and of every transposed convolution; the last weight."""
    count = len(weights)
    blocks = [f"{i:02d}" for i in range(4, count, 3)]
    kernels = [shape(weights, name, 4) for name in (*blocks, f"{count:02d}")]
    dim, units = shape(weights, "01", 2)
    _check(kernels, units)
    found: dict[str, Tensor] = {"project.fc.weight": weights["01"].T.contiguous()}
    found |= _norm(weights, 2, "project.norm")
    for i, name in enumerate(blocks, 1):
        found[f"block{i}.conv.weight"] = _flipped(weights[name])
        found |= _norm(weights, int(name) + 1, f"block{i}.norm")
    found["out.conv.weight"] = _flipped(weights[f"{count:02d}"])
    arguments = _arguments(notes, len(kernels), kernels[-1][0], kernels[-1][1])
    arguments |= {"latent_dim": notes.latent_dim(dim), "prior": notes.prior()}
    return Match(FORMAT, "generator", arguments, found, notes.inferred, notes.assumed, True)


def _discriminator(weights: Weights, notes: Notes) -> Match:
    """Weight of the first convolution; weight, gain, shift of others; (units, 1) for the logit."""
    count = len(weights)
    blocks = [f"{i:02d}" for i in (1, *range(2, count, 3))]
    kernels = [shape(weights, name, 4) for name in blocks]
    units, _ = shape(weights, f"{count:02d}", 2)
    maps = kernels[-1][0]
    _check(kernels, units)
    if units != maps * 16:
        raise GanlensError(f"weights have {count:02d} of {units} rows: {maps * 16} were expected")
    found = {"score.weight": weights[f"{count:02d}"].T.reshape(1, maps, 4, 4)}
    for i, name in enumerate(blocks, 1):
        found[f"block{i}.conv.weight"] = _flipped(weights[name])
        if i > 1:
            found |= _norm(weights, int(name) + 1, f"block{i}.norm")
    arguments = _arguments(notes, len(kernels), kernels[0][0], kernels[0][1])
    notes.assumed.append("discriminator's batch norm measured on samples: no real images here")
    return Match(FORMAT, "discriminator", arguments, found, notes.inferred, notes.assumed, True)


def _arguments(notes: Notes, layers: int, width: int, channels: int) -> dict[str, Any]:
    size = 4 * 2**layers
    notes.inferred.append(f"{channels} x {size} x {size} pixels, width {width}, 5x5 kernels")
    notes.inferred.append("kernels flipped; batch-norm statistics measured, the file has none")
    return {
        "size": size,
        "channels": channels,
        "width": width,
        "kernel": 5,
        "projection": "linear",
        "bn_eps": notes.setting("bn_eps", EPS),
    }


def _check(kernels: list[tuple[int, ...]], units: int) -> None:
    for found in kernels:
        if found[2:] != (5, 5):
            raise GanlensError(f"weights have a kernel of shape {found}: 5x5 were expected")
    if units % 16:
        raise GanlensError(f"weights have a matrix of {units} units: a multiple of 16 was expected")


def _norm(weights: Weights, first: int, name: str) -> dict[str, Tensor]:
    gain, shift = weights[f"{first:02d}"], weights[f"{first + 1:02d}"]
    (maps,) = shape(weights, f"{first:02d}", 1)
    return {
        f"{name}.weight": gain,
        f"{name}.bias": shift,
        f"{name}.running_mean": gain.new_zeros(maps),
        f"{name}.running_var": gain.new_ones(maps),
    }


def _flipped(kernel: Tensor) -> Tensor:
    return kernel.flip(2, 3)
