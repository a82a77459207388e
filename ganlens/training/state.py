"""The state of networks and optimizers as named tensors, for runs that go on bit for bit.

The step is kept by the trainer, and step sizes come from the run's settings.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


def state_of(
    networks: Mapping[str, nn.Module], optimizers: Mapping[str, torch.optim.Adam]
) -> dict[str, Tensor]:
    """Return every tensor of networks ("NAME.KEY") and of Adam ("NAME.INDEX.KEY"); none is copied.

    Args:
        networks: by name.
        optimizers: by name; no network has the name of one.
    """
    tensors = {f"{k}.{n}": t for k, net in networks.items() for n, t in net.state_dict().items()}
    for name, optimizer in optimizers.items():
        for index, entry in optimizer.state_dict()["state"].items():
            tensors |= {f"{name}.{index}.{k}": v for k, v in entry.items()}
    return tensors


def restore(
    tensors: Mapping[str, Tensor],
    networks: Mapping[str, nn.Module],
    optimizers: Mapping[str, torch.optim.Adam],
) -> None:
    """Load what ``state_of`` returned.

    Args:
        tensors: of a state. Those of version 0.1.0 have the generator's moving average as
            "ema.KEY", which is read as "ema.generator.KEY".
        networks: by the names that they had in ``state_of``.
        optimizers: by theirs.

    Raises:
        RuntimeError: the tensors are those of other networks.
    """
    average = "ema.generator"
    if average in networks and not any(k.startswith(f"{average}.") for k in tensors):
        tensors = {_renamed(k): v for k, v in tensors.items()}
    for name, network in networks.items():
        network.load_state_dict(_without_prefix(tensors, name))
    for name, optimizer in optimizers.items():
        entries: dict[int, dict[str, Tensor]] = {}
        for key, value in _without_prefix(tensors, name).items():
            index, field = key.split(".", 1)
            entries.setdefault(int(index), {})[field] = value
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": entries, "param_groups": groups})
        _match_layout(optimizer)


def _match_layout(optimizer: torch.optim.Adam) -> None:
    """Give Adam's moments the memory layout of their weights: fused Adam pairs them by address."""
    for weight, entry in optimizer.state.items():
        for name in ("exp_avg", "exp_avg_sq"):
            entry[name] = torch.empty_like(weight).copy_(entry[name])


def _renamed(key: str) -> str:
    return f"ema.generator.{key.removeprefix('ema.')}" if key.startswith("ema.") else key


def _without_prefix(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k[len(prefix) + 1 :]: v for k, v in tensors.items() if k.startswith(f"{prefix}.")}
