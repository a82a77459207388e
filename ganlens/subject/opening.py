"""From a path or name to a Subject: ``load``."""

import os
from pathlib import Path

import torch

from ganlens.checkpoints import Checkpoint, find_checkpoint, load_checkpoint
from ganlens.errors import GanlensError, one_of
from ganlens.foreign import open_foreign
from ganlens.foreign.recognition import Answers
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
        device: "auto" takes a GPU where there is one; or any torch device.
        weights: "ema" takes the averaged generator, "raw" the one that was trained.
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
            _open(path_or_name, answers or Answers()), pick_device(device), weights
        )


def _open(path_or_name: str | Path, answers: Answers) -> Checkpoint:
    """Open ganlens's own checkpoint where there is one, else whatever lies there."""
    path = Path(path_or_name)
    try:
        find_checkpoint(path)
    except GanlensError:
        if not path.exists():
            raise
        return open_foreign([path], answers).checkpoint
    return load_checkpoint(path)


def from_checkpoint(checkpoint: Checkpoint, device: torch.device, weights: str = "ema") -> Subject:
    """Make a Subject of a loaded checkpoint."""
    header, networks = checkpoint.header, checkpoint.networks
    averaged = weights == "ema" and "ema" in networks
    if not averaged and "generator" not in networks and set(networks) != {"discriminator"}:
        held = ", ".join(networks) or "no network"
        raise GanlensError(
            f"{checkpoint.path} lacks the {weights} generator, it holds {held}: take another"
            " checkpoint or other weights"
        )
    generator = networks.get("ema" if averaged else "generator")
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
        "training": header.training,
        "metrics": header.metrics,
        "calibration": header.calibration,
        "made": header.made,
        "versions": header.versions,
    }
    return Subject(generator, networks.get("discriminator"), provenance, device)


def pick_device(device: str) -> torch.device:
    """Turn "auto" into the best device that is there, or check the one that was asked for.

    Under ``torchrun`` every process of a machine takes a GPU of its own.

    Raises:
        GanlensError: that one is not there.
    """
    if device == "auto":
        own = int(os.environ.get("LOCAL_RANK", "0"))
        return torch.device("cuda", own) if torch.cuda.device_count() > own else torch.device("cpu")
    try:
        there = torch.zeros(1, device=device)
        there.cpu()  # no number comes back from "meta"
    except (RuntimeError, AssertionError) as error:
        raise GanlensError(f"device {device!r} is not available: choose auto or cpu") from error
    return there.device
