"""The families of networks that ganlens builds: ``MODELS[family].generator(**arguments)``."""

from threading import Lock
from typing import Any

import torch

from ganlens.models.base import Family
from ganlens.models.dcgan import DCGAN

_GLOBAL_STREAM = Lock()  # torch initialises layers from one stream that all threads share
MODELS: dict[str, Family] = {"dcgan": DCGAN()}


def build(family: str, arguments: dict[str, Any], seed: int) -> tuple[Any, Any]:
    """Build an untrained pair of a family from a seed; global random streams are left alone.

    Two threads that build at once get what each would get alone.
    """
    with _GLOBAL_STREAM, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return MODELS[family].generator(**arguments), MODELS[family].discriminator(**arguments)
