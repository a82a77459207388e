"""Checks of a family before it trains, and of what its phases return.

A family may be a file of the user's: what is wrong in it is said at once, in a line, and not by
torch in the middle of a run, or never.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ganlens.activations import find_layer
from ganlens.devices import place_of
from ganlens.errors import GanlensError, one_of
from ganlens.initialisation import seeded
from ganlens.models.arguments import FROM_DATA
from ganlens.models.conditions import CONDITIONS
from ganlens.models.family import Family, Phase
from ganlens.models.guard import guarded
from ganlens.models.prior import Prior
from ganlens.models.roles import check_role

# Names in a row of metrics.jsonl that a phase's numbers must leave alone: whoever reads a run
# tells rows of steps from evaluations by them.
RESERVED = ("step", "epoch", "images_per_second", "seconds", "warning", "fd", "precision",
            "recall", "density", "coverage")  # fmt: skip
TRIED = 3  # inputs in a trial run of a network


def check_family(name: str, family: Family, shared: Collection[str]) -> None:
    """Refuse a family whose settings cannot be flags, or that asks for data there cannot be.

    Args:
        name: key of MODELS.
        family: the family.
        shared: names of the settings that every family has.

    Raises:
        GanlensError: names what is wrong in its class.
    """
    taken = dict.fromkeys(shared, "every family has")
    for kind in ("Config", "Training"):
        cls = getattr(family, kind, None)
        if not (isinstance(cls, type) and is_dataclass(cls)):
            raise GanlensError(f"family {name!r} has no dataclass {kind}: give its class one")
        for field in fields(cls):
            if field.name in FROM_DATA and kind == "Config":
                continue
            if field.default is MISSING:
                raise GanlensError(f"family {name!r} has a setting {field.name!r} without a"
                                   " default: give it one, its flag shows it")  # fmt: skip
            if field.name in taken:
                raise GanlensError(f"family {name!r} has a setting {field.name!r}, which"
                                   f" {taken[field.name]}: call it otherwise")  # fmt: skip
            taken[field.name] = f"its {kind} has too"
    if unknown := [kind for kind in family.conditions if kind not in CONDITIONS]:
        raise one_of(f"condition of family {name!r}", unknown[0], CONDITIONS)
    if family.domains not in (1, 2):
        raise one_of(f"number of domains of family {name!r}", family.domains, (1, 2))


def check_networks(name: str, family: Family, built: Any) -> None:
    """Refuse networks that a checkpoint could not hold or give back; see ``Family.networks``.

    Raises:
        GanlensError: names the first that is wrong.
    """
    made = built if isinstance(built, Mapping) else {}
    if not made or not all(isinstance(net, nn.Module) for net in made.values()):
        raise GanlensError(f"family {name!r} builds no networks: return torch modules by name")
    check_role(made, family.roles)
    if not {family.roles[key] for key in made} & {"generator", "translator"}:
        raise GanlensError(f"family {name!r} has no generator and no translator: a run could not"
                           " evaluate its samples")  # fmt: skip
    for key, network in made.items():
        # Tensors are saved as "NAME.KEY", and those of averages as "ema.NAME.KEY".
        if "." in key or key == "ema" or hasattr(nn.ModuleDict(), key):
            raise GanlensError(
                f"network {key!r} of family {name!r} cannot be saved under this name:"
                " choose another"
            )
        if family.roles[key] == "discriminator":
            check_feature_layers(key, network)
        shape = getattr(network, "image_shape", None)
        if not isinstance(shape, Sequence) or len(shape) != 3:
            raise GanlensError(f"network {key!r} of family {name!r} does not say what images it is"
                               " for: set its image_shape, (C, H, W)")  # fmt: skip
        if family.roles[key] == "generator" and not isinstance(
            getattr(network, "prior", None), Prior
        ):
            raise GanlensError(f"generator {key!r} of family {name!r} does not say what latents it"
                               " maps: set its prior, a Prior")  # fmt: skip
    if unknown := [key for key in family.averaged if key not in made]:
        raise one_of(f"averaged network of family {name!r}", unknown[0], made)


def check_feature_layers(key: str, network: nn.Module) -> None:
    """Refuse a discriminator that does not say which of its layers features are read from.

    Raises:
        GanlensError: no tuple of names, or a name that no layer has.
    """
    layers = getattr(network, "feature_layers", None)
    if not isinstance(layers, tuple | list):
        raise GanlensError(
            f"discriminator {key!r} does not say which layers features are read from: set its"
            " feature_layers, a tuple of names, as in ('act',)"
        )
    for layer in layers:
        find_layer(network, layer)


def check_phases(name: str, phases: Any, networks: Collection[str]) -> tuple[Phase, ...]:
    """Return a family's phases; refuse none at all, two of a name, and unknown networks.

    Raises:
        GanlensError: names the first that is wrong.
    """
    found = tuple(phases) if isinstance(phases, list | tuple) else ()
    if not found or not all(isinstance(one, Phase) for one in found):
        raise GanlensError(f"family {name!r} has no phases: return a list of Phase")
    names = [one.name for one in found]
    for phase in found:
        if names.count(phase.name) > 1 or f"{phase.name}_adam" in networks:
            raise GanlensError(
                f"phase {phase.name!r} of family {name!r} shares its name: each optimizer is saved"
                " under its own"
            )
        for network in phase.learns:
            if network not in networks:
                known = list(networks)
                raise one_of(f"network that learns in phase {phase.name!r}", network, known)
    return found


def check_learning(name: str, family: Family, phases: Iterable[Phase], networks: Any) -> None:
    """Refuse phases that train no generator or translator with weights: it would stay noise.

    Raises:
        GanlensError: names the first that nothing trains.
    """
    learned = {network for phase in phases for network in phase.learns}
    for key, network in networks.items():
        draws = family.roles.get(key) in ("generator", "translator")
        if draws and key not in learned and any(w.requires_grad for w in network.parameters()):
            raise GanlensError(
                f"no phase of family {name!r} trains its {family.roles[key]} {key!r}: name it in"
                " what one learns, or freeze it (requires_grad_(False))"
            )


def check_outputs(
    name: str, family: Family, networks: Mapping[str, Any], labels: Tensor | None
) -> None:
    """Run each network on a few inputs; refuse outputs of another shape than its role has.

    Raises:
        GanlensError: a network that fails, or whose outputs have the wrong shape.
    """
    for key, network in networks.items():
        what = f"its network {key!r}"
        with guarded(family, name, what), torch.no_grad(), seeded(0):
            found = _tried(network, family.roles[key], labels)
        shape = tuple(getattr(found, "shape", ()))
        draws = family.roles[key] in ("generator", "translator")
        wanted = (TRIED, *network.image_shape) if draws else (TRIED, *shape[1:])
        if shape != wanted:
            raise GanlensError(
                f"network {key!r} of family {name!r} gives {shape or type(found).__name__} for"
                f" {TRIED} inputs: its role, {family.roles[key]}, asks for"
                f" {wanted if draws else f'({TRIED}, ...)'}"
            )


def _tried(network: Any, role: str, labels: Tensor | None) -> Any:
    device = place_of(network)
    shape = getattr(network, "source_shape", network.image_shape)
    inputs = [network.prior.sample_batch(TRIED, 0) if role == "generator"
              else torch.zeros(TRIED, *shape)]  # fmt: skip
    if getattr(network, "condition_dim", 0) and labels is not None:
        inputs.append(labels[:1].expand(TRIED, -1))
    was = network.training
    try:
        found = network.eval()(*(part.to(device) for part in inputs))
    finally:
        network.train(was)
    return found[0] if isinstance(found, tuple) else found


def checked_loss(family: str, phase: str, found: Any) -> tuple[Tensor, dict[str, Tensor]]:
    """Return what a phase's loss gave: what is minimised, and the numbers to show.

    Raises:
        GanlensError: something else than one number with a gradient, and numbers by name.
    """
    loss, numbers = found if isinstance(found, tuple) and len(found) == 2 else (found, None)
    scalar = isinstance(loss, Tensor) and loss.numel() == 1 and loss.requires_grad
    if not scalar or not isinstance(numbers, Mapping):
        raise GanlensError(
            f"phase {phase!r} of family {family!r} must return a loss, one number with a gradient,"
            f" and what to show, numbers by name: it returned {_described(found)}"
        )
    shown = {}
    for name, value in numbers.items():
        if name in RESERVED:
            raise GanlensError(f"phase {phase!r} of family {family!r} shows a number {name!r}, a"
                               " name that ganlens uses itself: call it otherwise")  # fmt: skip
        number = torch.as_tensor(value) if isinstance(value, Tensor | float | int) else None
        if number is None or number.numel() != 1:
            raise GanlensError(f"phase {phase!r} of family {family!r} shows {name!r} as"
                               f" {_described(value)}: give one number")  # fmt: skip
        shown[name] = number
    return loss, shown


def _described(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_described, value))})"
    if isinstance(value, Tensor):
        without = "" if value.requires_grad else " without a gradient"
        return f"a tensor of shape {tuple(value.shape)}{without}"
    return type(value).__name__
