"""The state of a training run as named tensors: what a resumed run needs to go on to the bit."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


def state_of(
    networks: Mapping[str, nn.Module], optimizers: Mapping[str, torch.optim.Adam]
) -> dict[str, Tensor]:
    """Return every tensor of networks and optimizers, as "name.key"; none is copied."""
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
    """Take over what ``state_of`` returned.

    Args:
        tensors: of a state; one from before networks had moving averages by name has a generator's
            as "ema.KEY".
        networks: by the names of their tensors.
        optimizers: likewise.

    Raises:
        RuntimeError: the tensors are those of other networks.
    """
    average = "ema.generator"
    if average in networks and not any(k.startswith(f"{average}.") for k in tensors):
        tensors = {_renamed(k): v for k, v in tensors.items()}
    for name, network in networks.items():
        network.load_state_dict(_under(tensors, name))
    for name, optimizer in optimizers.items():
        entries: dict[int, dict[str, Tensor]] = {}
        for key, value in _under(tensors, name).items():
            index, field = key.split(".", 1)
            entries.setdefault(int(index), {})[field] = value
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": entries, "param_groups": groups})
        _lay_out(optimizer)


def _lay_out(optimizer: torch.optim.Adam) -> None:
    """Give moments the memory layout of their weights: fused Adam pairs them by address."""
    for weight, entry in optimizer.state.items():
        for name in ("exp_avg", "exp_avg_sq"):
            entry[name] = torch.empty_like(weight).copy_(entry[name])


def _renamed(key: str) -> str:
    return f"ema.generator.{key.removeprefix('ema.')}" if key.startswith("ema.") else key


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k[len(prefix) + 1 :]: v for k, v in tensors.items() if k.startswith(f"{prefix}.")}
