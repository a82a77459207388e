"""Who draws from torch's global stream of random numbers, which all threads share."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ganlens.initialisation import _STREAM as STREAM


class DrawsFromSeeds(TorchDispatchMode):
    """Fails where torch's global stream is drawn from outside ``seeded``, which threads await."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded in func.tags and kwargs.get("generator") is None:
            on_meta = any(getattr(one, "is_meta", False) for one in args)
            assert on_meta or STREAM._is_owned(), f"{func} draws from the global stream"
        return func(*args, **kwargs)
