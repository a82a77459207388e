"""From what a file holds, nested or under prefixes, to flat dicts of tensors by network."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

# Names that projects give to the networks of one file, where these stand before every key of one;
# upper and lower case are alike.
ROLES = {
    "netg", "netd", "netc", "netg_ema", "net_g", "net_d", "g_net", "d_net",
    "generator", "discriminator", "generator_ema", "ema_generator", "avg_generator",
    "g_ema", "g_avg", "avgg", "gen_ema", "ema_model", "online_model",
    "model_g", "model_d", "g_model", "d_model", "gan_g", "gan_d",
}  # fmt: skip
# These are parts of one network too: alone beside other layers they name no network.
WEAK_ROLES = {"gen", "dis", "disc", "g", "d", "ema", "critic"}
# Put before every key, or between two parts of it, by DataParallel, AveragedModel, torch.compile,
# FSDP, activation checkpointing and Lightning's Fabric.
WRAPPERS = ("module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module",
            "_forward_module")  # fmt: skip
BOOKKEEPING = ("n_averaged", "initted", "step")  # of averages of a model, beside its weights
DEEPEST = 3
MOST = 10_000  # dicts and lists that are looked into: references can make more out of few
_ASIDE = ("optim", "scheduler", "scaler")


def states_of(content: Any, label: str, whole: bool) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yield (label, flat dict of tensors) of every network, optimizers left out.

    A dict may hold both: networks, and beside them a step or a loss that is a tensor.

    Args:
        content: what ``torch.load`` or safetensors gave.
        label: what stands before the labels of several files.
        whole: yield a dict of several networks too as it is, for a class that holds them.
    """
    left = [MOST]
    for found, state in _nested(content, label, 0, left):
        yield from _by_role(state, found, whole)


def holds_an_optimizer(content: Any) -> bool:
    """Tell whether an optimizer's state is among what a file holds."""
    if not isinstance(content, Mapping):
        return False
    return is_optimizer(content) or any(
        _is_aside(str(key)) or (isinstance(value, Mapping) and is_optimizer(value))
        for key, value in content.items()
    )


def is_optimizer(content: Mapping[Any, Any]) -> bool:
    """Tell an optimizer's state by its parameter groups."""
    return "param_groups" in content


def _is_aside(key: str) -> bool:
    lower = key.lower()
    return any(word in lower for word in _ASIDE) or lower.startswith("loss")


def _nested(
    content: Any, label: str, depth: int, left: list[int]
) -> Iterator[tuple[str, dict[str, Tensor]]]:
    left[0] -= 1
    if depth > DEEPEST or left[0] < 0:
        return
    if isinstance(content, Sequence) and not isinstance(content, str | bytes):
        content = {i: v for i, v in enumerate(content) if isinstance(v, Mapping | list | tuple)}
    if not isinstance(content, Mapping) or is_optimizer(content):
        return
    items = {str(key): value for key, value in content.items()}
    if flat := {key: value for key, value in items.items() if isinstance(value, Tensor)}:
        yield label, flat
    for key, value in items.items():
        if not _is_aside(key):
            yield from _nested(value, f"{label}.{key}" if label else key, depth + 1, left)


def _by_role(
    state: dict[str, Tensor], label: str, whole: bool
) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Split a dict in which keys begin with the names of networks; other keys stand aside."""
    state, averaged = _without_wrappers(state)
    label = f"{label}.avg" if averaged and label else "avg" if averaged else label
    groups = _grouped(state)
    roles = _roles(groups)
    if not roles:
        inner = next(iter(groups.values()), {})
        if len(groups) == 1 and _roles(_grouped(inner)):
            yield from _by_role(inner, label, whole)  # one module around both networks
        else:
            yield label, state
        return
    if whole:
        yield label, state
    for role in sorted(roles):
        inner, averaged = _without_wrappers(groups[role])
        name = f"{label}.{role}" if label else role
        yield (f"{name}.avg" if averaged else name), inner
    for first in groups.keys() - set(roles):
        aside = {f"{first}.{k}" if k else first: v for k, v in groups[first].items()}
        yield (f"{label}.{first}" if label else first), aside


def _grouped(state: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    groups: dict[str, dict[str, Tensor]] = {}
    for key, value in state.items():
        first, _, rest = key.partition(".")
        groups.setdefault(first, {})[rest] = value
    return groups


def _roles(groups: Mapping[str, Mapping[str, Tensor]]) -> list[str]:
    """Return which first parts of keys are networks of their own."""
    strong = [first for first in groups if first.lower() in ROLES]
    weak = [first for first in groups if first.lower() in WEAK_ROLES]
    kernels = any(
        value.ndim > 2
        for first in groups.keys() - set(strong + weak)
        for value in groups[first].values()
    )
    return strong + weak if strong or len(weak) > 1 or not kernels else []


def _without_wrappers(state: dict[str, Tensor]) -> tuple[dict[str, Tensor], bool]:
    """Take off what wrappers put into keys; tell whether the wrapper averages a model."""
    # torch.compile's stands wherever a compiled part does.
    state = {key.replace("_orig_mod.", ""): value for key, value in state.items()}
    averaged = "n_averaged" in state and any(key.startswith("module.") for key in state)
    if averaged or {"initted", "step"} <= state.keys():
        state = {k: v for k, v in state.items() if k not in BOOKKEEPING}
    while state and any(all(k.startswith(f"{w}.") for k in state) for w in WRAPPERS):
        state = {key.partition(".")[2]: value for key, value in state.items()}
    return state, averaged
