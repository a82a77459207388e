"""From a path or name to a Subject: ``load``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ganlens.checkpoints import Checkpoint, Header
from ganlens.devices import pick_device
from ganlens.errors import GanlensError, one_of
from ganlens.foreign import open_checkpoint
from ganlens.foreign.recognition import Answers
from ganlens.models import MODELS
from ganlens.models.conditions import Classes, Condition, from_json
from ganlens.models.imported.trust import Trust, trusted, trusting
from ganlens.subject.subject import Subject


def load(
    path_or_name: str | Path,
    device: str = "auto",
    *,
    weights: str = "ema",
    answers: Answers | None = None,
    module: str | None = None,
    trust: bool = False,
) -> Subject:
    """Open a checkpoint for probing, ganlens's own or a foreign one. No code from it is run.

    Args:
        path_or_name: a checkpoint folder, a run's folder (its best checkpoint), a shipped name, or
            weights that another project saved (see ``ganlens import``).
        device: "auto" takes a GPU where there is one; see ``ganlens.devices``.
        weights: "ema" takes the moving averages where there are some, "raw" what was trained.
        answers: what a foreign file cannot tell.
        module: "package.module:callable" that returns the networks, or a Family; needs ``trust``.
        trust: lets ``module``, and the programs in TorchScript and torch.export archives, run.

    Raises:
        GanlensError: see ``load_checkpoint`` and ``open_foreign``; or a device that is not there.
    """
    if weights not in ("ema", "raw"):
        raise one_of("weights", weights, ("ema", "raw"))
    wanted = Trust(trust, module) if trust or module else trusted()
    with trusting(wanted):
        return from_checkpoint(
            open_checkpoint(path_or_name, answers or Answers()), pick_device(device), weights
        )


def from_checkpoint(checkpoint: Checkpoint, device: torch.device, weights: str = "ema") -> Subject:
    """Make a Subject of a loaded checkpoint.

    Raises:
        GanlensError: it holds no network, or lacks the weights that are asked for.
    """
    header, held = checkpoint.header, checkpoint.networks
    networks, averaged = chosen(held, weights)
    absent = [n.removeprefix("ema.") for n in held if n.removeprefix("ema.") not in networks]
    if absent or not networks:
        what = absent[0] if absent else "network"
        raise GanlensError(
            f"{checkpoint.path} lacks the {weights} {what}, it holds"
            f" {', '.join(held) or 'no network'}: take another checkpoint or other weights"
        )
    provenance = {
        "checkpoint": checkpoint.name,
        "path": str(checkpoint.path),
        "hash": checkpoint.hash,
        "family": header.family,
        "arguments": header.arguments,
        "prior": header.prior,
        "step": header.step,
        "weights": "ema" if averaged else "raw",
        "data": header.data,
        **({"others": header.others} if header.others else {}),
        "training": header.training,
        "metrics": header.metrics,
        "calibration": header.calibration,
        "made": header.made,
        "versions": header.versions,
    }
    roles = MODELS[header.family].roles if header.family in MODELS else {}
    return Subject(
        networks, provenance, device, roles=roles, condition=_condition(header, networks)
    )


def chosen(held: Mapping[str, nn.Module], weights: str) -> tuple[dict[str, nn.Module], bool]:
    """Choose between networks and their moving averages.

    Args:
        held: networks by name, moving averages as "ema.NAME".
        weights: "ema" takes the average where there is one, "raw" what was trained.

    Returns:
        Networks by name, and whether an average is among them.
    """
    found, averaged = {}, False
    for name in dict.fromkeys(key.removeprefix("ema.") for key in held):
        average = held.get(f"ema.{name}")
        if weights == "ema" and average is not None:
            found[name], averaged = average, True
        elif name in held:
            found[name] = held[name]
    return found, averaged


def _condition(header: Header, networks: Mapping[str, Any]) -> Condition | None:
    widths = {name: getattr(net, "condition_dim", 0) for name, net in networks.items()}
    conditional = {name: width for name, width in widths.items() if width}
    if header.condition:
        condition = from_json(header.condition)
        for name, width in conditional.items():
            if width != condition.dim:
                raise GanlensError(
                    f"the header's condition has {condition.dim} numbers and network {name!r}"
                    f" takes {width}: the file is damaged, copy it again"
                )
        # Labels may serve a loss alone: such networks have no condition.
        return condition if conditional else None
    made_elsewhere = (net for net in networks.values() if getattr(net, "classes", None))
    for network in made_elsewhere:
        return Classes.numbered(network.classes, network.label)
    for name, width in conditional.items():
        raise GanlensError(
            f"network {name!r} takes {width} numbers of a condition, and the header has no"
            " condition that says which: the file is damaged, copy it again"
        )
    return None
