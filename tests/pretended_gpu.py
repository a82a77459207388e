"""A GPU that is not there: its tensors hold CPU tensors, and refuse what those of CUDA refuse.

Inside ``pretended_gpu()`` "pretended" is a torch device. It computes what a CPU computes, and it
raises ``DeviceMistake`` where CUDA would raise or where a run on it could not be repeated:

- tensors of both devices in one operation, but for numbers without dimensions and CPU indices;
- indices on the device for a tensor on the CPU, and CPU indices in ``index_select`` and ``gather``;
- ``.numpy()`` and ``np.asarray`` of a tensor on the device;
- a generator of the CPU for draws on the device;
- draws from the device's own stream where nothing has seeded it;
- operations that CUDA does not have.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
import torch.nn.functional as F
from pretended_fabric import NAME, pretended_fabric
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map

from ganlens import devices
from ganlens.training import ranks

aten = torch.ops.aten

COPIES = {aten.copy_.default, aten.copy.default, aten._to_copy.default}
INDEXING = {  # takes indices of the CPU too
    aten.index.Tensor, aten.index_put.default, aten.index_put_.default,
    aten._index_put_impl_.default, aten._unsafe_index.Tensor,
}  # fmt: skip
FILLS = {aten.fill_.Tensor, aten.fill.Tensor, aten.masked_fill.Tensor, aten.masked_fill_.Tensor}
CPU_ALONE = ("histogram", "_histogramdd", "mkldnn", "to_mkldnn", "_to_dense")  # begin such names
# What autocast multiplies in bfloat16. The mode below sees operations only after autograd has
# recorded them, too late for a cast.
MULTIPLIED = {
    F.conv1d, F.conv2d, F.conv_transpose2d, F.linear, F.bilinear, torch.conv2d, torch.matmul,
    torch.mm, torch.bmm, torch.addmm, torch.einsum, torch.conv_transpose2d, Tensor.matmul,
    Tensor.mm, Tensor.bmm, Tensor.addmm, Tensor.__matmul__, Tensor.__rmatmul__,
}  # fmt: skip


class DeviceMistake(RuntimeError):
    """What CUDA would refuse, or what could not be repeated on it."""


class Stream:
    """The device's own random stream, which draws without a generator come from."""

    def __init__(self) -> None:
        self.state, self.seeded = torch.Generator().get_state(), False

    def manual_seed(self, seed: int) -> None:
        self.state, self.seeded = torch.Generator().manual_seed(seed).get_state(), True

    @contextmanager
    def drawing(self) -> Iterator[None]:
        """Let what draws on the CPU inside draw from here."""
        if not self.seeded:
            raise DeviceMistake("a draw from the device's own stream, which nothing has seeded")
        before = torch.get_rng_state()
        torch.set_rng_state(self.state)
        try:
            yield
        finally:
            self.state = torch.get_rng_state()
            torch.set_rng_state(before)


class Backend:
    """What torch asks a module of the device's name, as torch.cuda is."""

    default_generators = (Stream(),)

    def is_initialized(self) -> bool:
        return True

    def is_available(self) -> bool:
        return True

    def current_device(self) -> int:
        return 0

    def device_count(self) -> int:
        return 1

    def _is_in_bad_fork(self) -> bool:
        return False

    def manual_seed_all(self, seed: int) -> None:
        """Do nothing: torch calls it whenever somebody seeds the CPU."""

    def synchronize(self, device: Any = None) -> None:
        """Do nothing: there is nothing to wait for."""

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16, torch.float16]

    def get_rng_state(self, device: Any = None) -> tuple[Tensor, bool]:
        return self.default_generators[0].state, self.default_generators[0].seeded

    def set_rng_state(self, state: Any, device: Any = None) -> None:
        stream = self.default_generators[0]
        stream.state, stream.seeded = state


class OnDevice(Tensor):
    """A tensor that says it is on the device, and holds one of the CPU."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> "OnDevice":
        return Tensor._make_wrapper_subclass(
            cls, held.size(), strides=held.stride(), storage_offset=held.storage_offset(),
            dtype=held.dtype, layout=held.layout, device=torch.device(NAME, 0),
        )  # fmt: skip

    def __init__(self, held: Tensor) -> None:
        self.held = held

    def __repr__(self, **_: Any) -> str:
        return f"OnDevice({self.held})"

    def __deepcopy__(self, memo: dict[int, Any]) -> "OnDevice":
        if id(self) not in memo:
            new = OnDevice(self.held.detach().clone()).requires_grad_(self.requires_grad)
            if getattr(self, "_is_param", False):
                new._is_param = True
            memo[id(self)] = new
        return memo[id(self)]

    def numpy(self, *, force: bool = False) -> np.ndarray:
        if force:
            return self.held.detach().numpy()
        raise DeviceMistake("numpy() of a tensor on the device: it needs cpu() first")

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise DeviceMistake("an array of a tensor on the device: it needs cpu() first")

    def tolist(self) -> Any:
        return self.held.tolist()

    @classmethod
    def __torch_function__(cls, func: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if name in ("numpy", "__array__", "tolist"):
            return getattr(args[0], name)(*args[1:], **kwargs)
        if func == Tensor.data.__set__:  # type: ignore[attr-defined]
            args[0].held = _held(args[1])
            return None
        if func in MULTIPLIED and torch.is_autocast_enabled(NAME):
            args, kwargs = tree_map(_rounded, (args, kwargs))
        with torch._C.DisableTorchFunctionSubclass():
            return func(*args, **kwargs)

    @classmethod
    def __torch_dispatch__(cls, func: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


def _rounded(one: Any) -> Any:
    wide = isinstance(one, OnDevice) and one.dtype == torch.float32
    return one.to(torch.get_autocast_dtype(NAME)) if wide else one


class _Mode(TorchDispatchMode):
    """Sees what makes a tensor on the device of none."""

    def __torch_dispatch__(self, func: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    leaves = tree_leaves((args, kwargs))
    inside = [one for one in leaves if isinstance(one, OnDevice)]
    device = kwargs.get("device")
    there = device is not None and torch.device(device).type == NAME
    if not inside and not there:
        return func(*args, **kwargs)
    _check(func, args, leaves)
    if func is aten._local_scalar_dense.default:
        return args[0].held.item()
    if func is aten.copy_.default and not isinstance(args[0], OnDevice):
        args[0].copy_(args[1].held)
        return args[0]
    plain_args, plain = tree_map(_held, (args, kwargs))
    if device is not None:
        plain["device"] = torch.device("cpu")
    draws = torch.Tag.nondeterministic_seeded in func.tags
    stream = Backend.default_generators[0].drawing() if draws else nullcontext()
    with stream:
        found = func(*plain_args, **plain)
    if device is None or there:
        found = tree_map(_placed, found)
    if func in COPIES and func is aten._to_copy.default:
        return found
    return return_and_correct_aliasing(func, args, kwargs, found)


def _check(func: Any, args: Any, leaves: list[Any]) -> None:
    """Refuse what CUDA refuses."""
    name = func.name().removeprefix("aten::")
    if name.startswith(CPU_ALONE):
        raise DeviceMistake(f"{name} does not exist on the device")
    if func in COPIES:
        return
    if any(isinstance(one, torch.Generator) for one in leaves):
        raise DeviceMistake(f"{name} draws on the device from a generator of the CPU")
    outside = [one for one in leaves if isinstance(one, Tensor) and not isinstance(one, OnDevice)]
    if func in INDEXING:
        if not isinstance(args[0], OnDevice):
            raise DeviceMistake(f"{name} of a tensor on the CPU with indices on the device")
        outside = [one for one in outside if not any(one is index for index in args[1])]
    numbers = torch.Tag.pointwise in func.tags or func in FILLS or func in INDEXING
    mixed = [one for one in outside if one.ndim or not numbers]
    if mixed:
        shapes = ", ".join(str(tuple(one.shape)) for one in mixed)
        raise DeviceMistake(f"{name} mixes tensors on the device with tensors on the CPU: {shapes}")


def _held(one: Any) -> Any:
    return one.held if isinstance(one, OnDevice) else one


def _placed(one: Any) -> Any:
    return OnDevice(one) if isinstance(one, Tensor) and not isinstance(one, OnDevice) else one


def _copied(source: Tensor, target: Tensor, non_blocking: bool = False) -> Tensor:
    _held(target).copy_(_held(source))
    return target


def _registered() -> list[torch.library.Library]:
    """Make torch know the device, once in a process; what no mode sees is made here."""
    from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

    _setup_privateuseone_for_python_backend(NAME, Backend())
    made = torch.library.Library("aten", "IMPL")

    def empty(size: Any, *, dtype: Any = None, **_: Any) -> Tensor:
        return OnDevice(torch.empty(size, dtype=dtype))

    def strided(size: Any, stride: Any, *, dtype: Any = None, **_: Any) -> Tensor:
        return OnDevice(torch.empty_strided(size, stride, dtype=dtype))

    made.impl("empty.memory_format", empty, "PrivateUse1")
    made.impl("empty_strided", strided, "PrivateUse1")
    made.impl("_copy_from", _copied, "PrivateUse1")
    made.impl("_copy_from_and_resize", _copied, "PrivateUse1")
    rest = torch.library.Library("_", "IMPL")
    rest.fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")
    return [made, rest]


# When a test's file is collected, before any test runs: torch counts devices at the first backward
# pass of a process and never again. The process cannot fork any more after that.
_KEPT = _registered()


@contextmanager
def pretended_gpu() -> Iterator[torch.device]:
    """Give a device that computes as a CPU and refuses what CUDA refuses; ganlens can pick it.

    Modules that move to it get new parameters there. Inference mode, which tensors that hold others
    do not survive, is as ``no_grad`` meanwhile.
    """
    overwrite = torch.__future__.get_overwrite_module_params_on_conversion()

    def enter(self: Any) -> None:
        self._pretended = torch.no_grad() if self.mode else nullcontext()
        self._pretended.__enter__()

    def leave(self: Any, *error: Any) -> None:
        self._pretended.__exit__(*error)

    with ExitStack() as stack:
        stack.enter_context(patch.object(devices, "KINDS", (*devices.KINDS, NAME)))
        stack.enter_context(patch.object(ranks, "quiet_fabric", pretended_fabric))
        stack.enter_context(patch.object(torch.inference_mode, "__enter__", enter))
        stack.enter_context(patch.object(torch.inference_mode, "__exit__", leave))
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        stack.callback(torch.__future__.set_overwrite_module_params_on_conversion, overwrite)
        stack.enter_context(_Mode())
        yield torch.device(NAME, 0)
