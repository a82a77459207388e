"""ganlens: what did this GAN learn?

The names below are loaded when they are first used, so that ``import ganlens`` costs nothing:

    subject = ganlens.load("pixelfaces")
    data = ganlens.open_data("pixelfaces")
    x = subject.generate(subject.latents(range(64)))
    ganlens.PROBES["fid"]().run(subject, data).summary()
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganlens import stats
    from ganlens.checkpoints import list_checkpoints
    from ganlens.data import ImageSet, open_data
    from ganlens.directions import load_directions, save_directions
    from ganlens.errors import GanlensError
    from ganlens.models import MODELS
    from ganlens.probes import PROBES
    from ganlens.probes.labelled import fit_concept
    from ganlens.recipe import Recipe, render
    from ganlens.subject import Subject, load
    from ganlens.training import TrainConfig, train

__version__ = "0.1.0"
__all__ = [
    "MODELS",
    "PROBES",
    "GanlensError",
    "ImageSet",
    "Recipe",
    "Subject",
    "TrainConfig",
    "fit_concept",
    "list_checkpoints",
    "load",
    "load_directions",
    "open_data",
    "render",
    "save_directions",
    "stats",
    "train",
]

_HOME = {
    "MODELS": "ganlens.models",
    "PROBES": "ganlens.probes",
    "GanlensError": "ganlens.errors",
    "ImageSet": "ganlens.data",
    "Recipe": "ganlens.recipe",
    "Subject": "ganlens.subject",
    "TrainConfig": "ganlens.training",
    "fit_concept": "ganlens.probes.labelled",
    "list_checkpoints": "ganlens.checkpoints",
    "load": "ganlens.subject",
    "load_directions": "ganlens.directions",
    "open_data": "ganlens.data",
    "render": "ganlens.recipe",
    "save_directions": "ganlens.directions",
    "train": "ganlens.training",
}


def __getattr__(name: str) -> Any:
    if name == "stats":
        value = import_module("ganlens.stats")
    elif name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    else:
        raise AttributeError(f"module 'ganlens' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
