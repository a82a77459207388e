"""Weights for networks of a class that the user names: ``--module package.module:callable``."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from ganlens.errors import GanlensError
from ganlens.foreign.recognising import Recognition
from ganlens.foreign.recognition import SIGNED, Answers, Notes, Read
from ganlens.models.imported.named import FAMILY, networks_of
from ganlens.models.imported.trust import trusted
from ganlens.models.imported.wrapped import (
    WrappedDiscriminator,
    WrappedGenerator,
    WrappedTranslator,
    wrap,
)
from ganlens.models.weights import assign_checked

States = Mapping[str, Mapping[str, Tensor]]


def open_named(
    states: States, answers: Answers, shown: str
) -> tuple[Recognition, dict[str, nn.Module]]:
    """Build the trusted module's networks, give each its weights, and wrap them.

    Raises:
        GanlensError: the weights do not fit, or the networks do not draw or score images.
    """
    target = trusted().module
    assert target is not None
    reading: Any = Read(answers)
    asked, answers = answers, reading
    drawing, discriminator = _filled(target, states, shown)
    notes = Notes(answers)
    arguments: dict[str, Any] = {"module": target}
    networks: dict[str, nn.Module] = {}
    image_shape = answers.image_shape
    if drawing is not None:
        name, arguments_of_it, wrapped = wrapped_drawing(drawing, notes)
        arguments[name], networks[name] = arguments_of_it, wrapped
        image_shape = wrapped.image_shape
    if discriminator is not None:
        if image_shape is None:
            raise GanlensError(
                f"{shown} has weights of {target}'s discriminator alone: give its generator's too,"
                " which tells the shape of the images, or --image-shape"
            )
        output = answers.output_range or SIGNED
        facts = {"image_shape": list(image_shape), "output_range": list(output)}
        arguments["discriminator"] = facts
        networks["discriminator"] = WrappedDiscriminator.of(discriminator, facts)
    Read(asked).refuse_unread(shown, reading.names)
    ready = {part: network.requires_grad_(False).eval() for part, network in networks.items()}
    return Recognition(
        FAMILY, target, arguments, {}, tuple(notes.inferred), tuple(notes.assumed)
    ), ready


def _filled(target: str, states: States, shown: str) -> tuple[nn.Module | None, nn.Module | None]:
    """Return the module's two networks, filled; None where the source has no weights of one."""
    found: list[nn.Module | None] = [None, None]
    for i, network in enumerate(networks_of(target)):
        if network is not None and (weights := _nearest(network, states)):
            assign_checked(network, weights, shown, ("generator", "discriminator")[i], target)
            found[i] = network
    if found == [None, None]:
        raise GanlensError(f"{shown} has no weights of {target}: their names have none in common")
    return found[0], found[1]


def wrapped_drawing(
    network: nn.Module, notes: Notes
) -> tuple[str, dict[str, Any], WrappedGenerator | WrappedTranslator]:
    """Wrap a network that draws, by what was answered and what running it tells.

    Returns:
        "generator" or "translator", its wrapper's arguments as a header holds them, the wrapper.

    Raises:
        GanlensError: it is neither.
    """
    answers = notes.answers
    common: dict[str, Any] = {"classes": answers.classes, "label": answers.label}
    output = answers.output_range or SIGNED
    found = wrap(
        network, answers.prior or "normal", output, latent_dim=answers.latent_dim,
        image_shape=answers.image_shape, **common,
    )  # fmt: skip
    if isinstance(found, WrappedGenerator):
        said = ", as you said" if answers.latent_dim else ""
        given: dict[str, Any] = {"prior": {"kind": notes.prior(), "dim": found.prior.dim}}
        notes.inferred.append(f"latent dim {found.prior.dim}{said}")
    else:
        given = {"source_shape": list(found.source_shape)}
        notes.inferred.append(f"maps images to images, from {_shown(found.source_shape)}")
    notes.setting("output_range", SIGNED, "--output-range")
    name = "generator" if isinstance(found, WrappedGenerator) else "translator"
    return name, {**given, "output_range": list(output), **common}, found


def _shown(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _nearest(network: nn.Module, states: States) -> dict[str, Tensor]:
    """Return the dict that shares most names with a network; empty where none shares any."""
    expected = set(network.state_dict())
    best = max(states.values(), key=lambda state: len(expected & state.keys()), default={})
    return dict(best) if expected & best.keys() else {}
