"""Reader of the DCGAN of pytorch/examples and of the PyTorch tutorial, and of its kin.

Names are ``main.N.weight``, or those of any one sequence of convolutions and norms.
"""

from dataclasses import replace
from typing import Any

from ganlens.errors import GanlensError
from ganlens.foreign.conclusions import Conclusions, conclude, stages_of
from ganlens.foreign.geometry import fitting_down, fitting_up, usual
from ganlens.foreign.norms import norms_of
from ganlens.foreign.numbered import (
    other_activations,
    other_norms,
    other_strides,
    sides_of,
    with_statistics,
)
from ganlens.foreign.recognition import Answers, Match, Notes, Weights, shape
from ganlens.foreign.sequence import OWN, Numbered, parsed, renamed
from ganlens.foreign.spectral import divided
from ganlens.models.imported.layers import Geometry
from ganlens.models.imported.sequential_dcgan import DOUBLING, KERNEL

FORMAT = "DCGAN of pytorch/examples or the PyTorch tutorial"
KIN = "generator and discriminator of numbered convolutions, as DCGAN's"


def recognise(weights: Weights, answers: Answers) -> Match | None:
    """Read a sequence whose kernels follow each other as a generator's or a discriminator's do."""
    if not any(key[-1:].isalpha() and any(c.isdigit() for c in key) for key in weights):
        return None
    weights = divided(weights)
    if (found := parsed(weights)) is None:
        return None
    notes = Notes(answers)
    if found.part == "generator":
        return _generator(weights, notes, found)
    return _discriminator(weights, notes, found)


def _format(weights: Weights) -> str:
    return FORMAT if all(name.startswith(f"{OWN}.") for name in weights) else KIN


def _generator(weights: Weights, notes: Notes, found: Numbered) -> Match:
    shapes = [shape(weights, layer.conv["weight"], 4) for layer in found.layers]
    norms, calibrate = norms_of(found, notes)
    kernels = [one[2:] for one in shapes]
    arguments: dict[str, Any] = {
        "latent_dim": notes.latent_dim(shapes[0][0]),
        "widths": [one[1] for one in shapes[:-1]],
        "channels": shapes[-1][1],
        "start": list(kernels[0]),
        "bn_eps": notes.setting("bn_eps", 1e-5),
    }
    default = [usual(kernel) for kernel in kernels[1:]]
    stages = stages_of(weights, found.layers)
    if any(layer.extras > 1 for layer in found.layers):  # dropout changes the later statistics
        stages = stages[:1]
    told = conclude(stages, default, arguments["bn_eps"], notes)
    geometry = _sized(told, kernels, arguments["channels"], found, notes)
    arguments |= {"prior": told.prior, "output": notes.output("tanh")}
    arguments |= _unusual(found, kernels[1:], geometry, norms, ["batch"] * len(default) + ["none"])
    if told.activation != ("relu", 0.0):
        arguments |= dict(zip(("activation", "slope"), told.activation, strict=True))
    sides = sides_of(kernels, geometry)
    ready = with_statistics(renamed(weights, found, norms), found, norms)
    match = notes.match(_format(weights), "generator", ready, arguments, *sides)
    return replace(
        match,
        calibrate=calibrate,
        image_shape=(arguments["channels"], *sides),
        alternatives=[
            *other_activations(arguments, ready, told, calibrate),
            *other_strides(arguments, ready, kernels, geometry, told, calibrate),
            *other_norms(arguments, weights, found, norms),
        ],
    )


def _sized(
    told: Conclusions, kernels: list[Any], channels: int, found: Numbered, notes: Notes
) -> list[Geometry]:
    """Return strides: told by statistics or by the size of the images; else assumed, and said."""
    geometry, wanted = list(told.geometry), notes.answers.image_shape
    names = [layer.conv["weight"].rpartition(".")[0] for layer in found.layers[1:]]
    if wanted is not None:
        if wanted[0] != channels:
            raise GanlensError(f"image shape {wanted} does not fit: the weights give {channels}"
                               " channels")  # fmt: skip
        geometry = fitting_up(kernels, geometry, told.told, wanted[1:])
        notes.inferred.append(
            f"stride {geometry[-1][0]}, padding {geometry[-1][1]} of {names[-1]}, the last layer:"
            f" they give images of {wanted[1]} x {wanted[2]}, as you said"
        )
        return geometry
    guessed = [i for i, sure in enumerate(told.told) if not sure]
    for i in guessed:
        if tuple(kernels[i + 1]) != KERNEL:
            raise GanlensError(
                f"weights have {names[i]}.weight with a kernel of {kernels[i + 1][0]} x"
                f" {kernels[i + 1][1]}: 4x4 kernels were expected, others do not tell their stride;"
                " say the size of the images, --image-shape C H W, or name the class that made"
                " them with --module"
            )
    height, width = sides_of(kernels, geometry)
    which = "the last layer" if guessed == [len(geometry) - 1] else f"{len(guessed)} layers"
    notes.assumed.append(
        f"stride {geometry[guessed[-1]][0]}, padding {geometry[guessed[-1]][1]} of {which}"
        f" ({', '.join(names[i] for i in guessed)}), so images of {height} x {width}"
        " (--image-shape changes it)"
    )
    return geometry


def _unusual(
    found: Numbered, kernels: list[Any], geometry: list[Geometry], norms: list[str],
    usual_norms: list[str],
) -> dict[str, Any]:  # fmt: skip
    """Return the arguments that differ from those of pytorch/examples."""
    biases = ["bias" in layer.conv for layer in found.layers]
    every = {
        "kernels": ([list(one) for one in kernels], [list(KERNEL)] * len(kernels)),
        "geometry": ([list(one) for one in geometry], [list(DOUBLING)] * len(geometry)),
        "biases": (biases, [False] * len(biases)),
        "norms": (norms, usual_norms),
    }
    return {key: value for key, (value, default) in every.items() if value != default}


def _discriminator(weights: Weights, notes: Notes, found: Numbered) -> Match:
    shapes = [shape(weights, layer.conv["weight"], 4) for layer in found.layers]
    if shapes[-1][0] != 1:
        raise GanlensError(f"discriminator gives {shapes[-1][0]} decisions, and one is read")
    norms, calibrate = norms_of(found, notes)
    kernels = [one[2:] for one in shapes]
    arguments: dict[str, Any] = {
        "widths": [one[0] for one in shapes[:-1]],
        "channels": shapes[0][1],
        "start": list(kernels[-1]),
        "bn_eps": notes.setting("bn_eps", 1e-5),
        "slope": notes.setting("activation_slope", 0.2),
    }
    count = len(kernels) - 1
    usual_geometry = [*[DOUBLING] * count, (1, 0, 0)]
    sides = tuple(side * 2**count for side in kernels[-1])
    geometry = list(usual_geometry)
    wanted = notes.answers.image_shape
    if wanted is not None and wanted[1:] != sides:
        geometry, sides = fitting_down(kernels, wanted[1:]), wanted[1:]
        arguments["size"] = list(sides)
        notes.assumed.append(f"discriminator: strides that take {sides[0]} x {sides[1]} to a logit")
    elif odd := [tuple(one) for one in kernels[:-1] if tuple(one) != KERNEL]:
        raise GanlensError(
            f"weights have a kernel of {odd[0][0]} x {odd[0][1]}: 4x4 kernels were expected, others"
            " do not tell their stride; say the size of the images, --image-shape C H W, or name"
            " the class that made them with --module"
        )
    usual_norms = ["none", *["batch"] * (count - 1), "none"]
    arguments |= _unusual(found, kernels[:-1], geometry, norms, usual_norms)
    if geometry == usual_geometry:
        arguments.pop("geometry", None)
    ready = with_statistics(renamed(weights, found, norms), found, norms)
    match = notes.match(_format(weights), "discriminator", ready, arguments, *sides)
    shape_ = (arguments["channels"], sides[0], sides[1])
    return replace(match, calibrate=calibrate, image_shape=shape_)
