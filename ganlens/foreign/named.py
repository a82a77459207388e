"""Weights for networks of a class that the user names: ``--module package.module:callable``."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from ganlens.errors import GanlensError
from ganlens.foreign.recognising import Recognition
from ganlens.foreign.recognition import SIGNED, Answers, Notes
from ganlens.models.imported.named import FAMILY, networks_of
from ganlens.models.imported.trust import trusted
from ganlens.models.imported.wrapped import WrappedDiscriminator, WrappedGenerator, first_width
from ganlens.models.weights import assign_checked

States = Mapping[str, Mapping[str, Tensor]]


def open_named(
    states: States, answers: Answers, shown: str
) -> tuple[Recognition, dict[str, nn.Module]]:
    """Build the trusted module's networks, give each its weights, and wrap them.

    Raises:
        GanlensError: the weights do not fit, or the networks are no generator or discriminator.
    """
    target = trusted().module
    assert target is not None
    generator, discriminator = networks_of(target)
    notes = Notes(answers)
    arguments: dict[str, Any] = {"module": target}
    networks: dict[str, nn.Module] = {}
    output = answers.output_range or SIGNED
    for part, network in (("generator", generator), ("discriminator", discriminator)):
        if network is not None and (weights := _nearest(network, states)):
            assign_checked(network, weights, shown, part, target)
            networks[part] = network
    if "generator" in networks:
        given = generator_settings(networks["generator"], notes)
        wrapped = WrappedGenerator.of(networks["generator"], given)
        arguments["generator"], networks["generator"] = given, wrapped
    if "discriminator" in networks:
        if "generator" not in networks:
            raise GanlensError(
                f"{shown} has weights of {target}'s discriminator alone: give its generator's too,"
                " which tells the shape of the images"
            )
        facts: dict[str, Any] = {
            "image_shape": list(wrapped.image_shape),
            "output_range": list(output),
        }
        arguments["discriminator"] = facts
        networks["discriminator"] = WrappedDiscriminator(networks["discriminator"], **facts)
    if not networks:
        raise GanlensError(f"{shown} has no weights of {target}: their names have none in common")
    ready = {part: network.requires_grad_(False).eval() for part, network in networks.items()}
    return Recognition(
        FAMILY, target, arguments, {}, tuple(notes.inferred), tuple(notes.assumed)
    ), ready


def generator_settings(network: nn.Module, notes: Notes) -> dict[str, Any]:
    """Return the arguments of WrappedGenerator: what was answered, and what the weights tell."""
    answers = notes.answers
    prior = notes.prior()
    dim = answers.latent_dim or _latent_dim(network)
    notes.inferred.append(f"latent dim {dim}" + (", as you said" if answers.latent_dim else ""))
    output = notes.setting("output_range", SIGNED, "--output-range")
    return {
        "prior": {"kind": prior, "dim": dim},
        "output_range": list(output),
        "classes": answers.classes,
        "label": answers.label,
    }


def _latent_dim(network: nn.Module) -> int:
    """Return what the first layer takes."""
    if (width := first_width(network)) is None:
        raise GanlensError(
            "the generator has no matrix or kernel that tells its latent dim: give --latent-dim"
        )
    return width


def _nearest(network: nn.Module, states: States) -> dict[str, Tensor]:
    """Return the dict that shares most names with a network; empty where none shares any."""
    expected = set(network.state_dict())
    best = max(states.values(), key=lambda state: len(expected & state.keys()), default={})
    return dict(best) if expected & best.keys() else {}
