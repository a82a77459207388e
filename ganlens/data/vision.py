"""``torchvision:NAME``: any of torchvision's image data sets, downloaded where it may be.

Splits: where the class has ``train`` or ``split`` arguments, its training part (``train``, else
``trainval`` or ``train-standard``) and its held-out part (``test``, else ``val`` or ``valid``) are
declared splits. EMNIST is opened as "balanced".
"""

import difflib
import hashlib
import importlib
import inspect
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from ganlens.data.annotations import Annotations, Listing
from ganlens.data.encoded import Unusable
from ganlens.data.sources import Source
from ganlens.data.trees import Remember, stamp
from ganlens.errors import GanlensError

PREFIX = "torchvision:"
SPLIT_VALUES = {
    "train": ("train", "trainval", "train-standard"),
    "test": ("test", "val", "valid"),
}
ARGUMENTS: dict[str, dict[str, Any]] = {"EMNIST": {"split": "balanced"}}  # what has no default
# Bases, folders (give the path itself), and what holds videos, pairs or flow instead of images.
NOT_OFFERED = frozenset(
    {"VisionDataset", "DatasetFolder", "ImageFolder", "LFWPairs", "LSUNClass", "PhotoTour"}
    | {"HMDB51", "Kinetics", "MovingMNIST", "UCF101", "KittiFlow", "HD1K", "Sintel"}
    | {"FlyingChairs", "FlyingThings3D", "CREStereo", "CarlaStereo", "ETH3DStereo", "InStereo2k"}
    | {"FallingThingsStereo", "Kitti2012Stereo", "Kitti2015Stereo", "Middlebury2014Stereo"}
    | {"SceneFlowStereo", "SintelStereo"}
)


class TorchvisionSource(Source):
    """One of torchvision's data sets, with its own folder in the cache.

    It is keyed by its name, torchvision's version, and name, size and times of the files in its
    folder, so that a second opening need not load it at all. It is read by one thread: some of its
    classes change the global random state to draw an image, or share one file handle.
    """

    workers = 1

    def __init__(self, spec: str, folder: Path) -> None:
        super().__init__(spec)
        self.name = spec.removeprefix(PREFIX)
        self.root = folder / self.name
        self._parts: list[tuple[str | None, Any]] = []

    def content(self, remember: Remember) -> str:
        """Return a digest of the content; see Source."""
        found = sorted(path for path in self.root.rglob("*") if path.is_file())
        stamps = [stamp(path.relative_to(self.root).as_posix(), path) for path in found]
        key = ("torchvision", self.name, version("torchvision"), stamps)
        return hashlib.sha256(repr(key).encode()).hexdigest()

    def listing(self) -> Listing:
        """Return what there is; see Source."""
        self._parts = _open_parts(_dataset_class(self.name), self.name, self.root)
        self._rows = [(p, i) for p, (_, data) in enumerate(self._parts) for i in range(len(data))]
        self._targets: list[Any] = [None] * len(self._rows)
        prefixes = [f"{split}/" if split else "" for split, _ in self._parts]
        names = [f"{prefixes[part]}{index:06d}" for part, index in self._rows]
        splits = [str(self._parts[part][0]) for part, _ in self._rows]
        if not names:
            raise GanlensError(f"found 0 images in {self.spec!r}: give another data set")
        return Listing(names, splits if len(self._parts) > 1 else None)

    def read(self, index: int) -> Image.Image:
        """Open an image; see Source."""
        part, row = self._rows[index]
        item = self._parts[part][1][row]
        image, target = (
            item[:2] if isinstance(item, tuple | list) and len(item) > 1 else (item, None)
        )
        self._targets[index] = target
        return _to_image(image)

    def annotations(self) -> Annotations:
        """Return labels and attributes; see Source."""
        data = self._parts[0][1]
        known = next((target for target in self._targets if target is not None), None)
        if _is_integer(known):
            labels = np.array([-1 if t is None else int(t) for t in self._targets], np.int64)
            names = [_class_name(name) for name in getattr(data, "classes", None) or ()]
            names += [str(number) for number in range(len(names), int(labels.max()) + 1)]
            return Annotations(labels, tuple(names))
        header = getattr(data, "attr_names", None)  # CelebA
        if header and isinstance(known, torch.Tensor) and known.ndim == 1:
            rows = np.array([known * 0 if t is None else t for t in self._targets])
            answers = np.where(rows > 0, "yes", "no")
            return Annotations(attributes={n: answers[:, i] for i, n in enumerate(header) if n})
        return Annotations()


def _is_integer(target: Any) -> bool:
    if isinstance(target, torch.Tensor):
        return target.ndim == 0 and not target.is_floating_point()
    return isinstance(target, int | np.integer)


def _class_name(name: Any) -> str:
    return ", ".join(map(str, name)) if isinstance(name, tuple | list) else str(name)


def _to_image(image: Any) -> Image.Image:
    if isinstance(image, torch.Tensor):
        image = image.numpy().transpose(1, 2, 0) if image.ndim == 3 else image.numpy()
    if isinstance(image, np.ndarray) and image.dtype == np.uint8:
        image = Image.fromarray(image[..., 0] if image.shape[2:] == (1,) else image)
    if not isinstance(image, Image.Image):
        raise Unusable(f"a {type(image).__name__} instead of an image")
    return image


def _dataset_class(name: str) -> type:
    datasets = importlib.import_module("torchvision.datasets")
    offered = [n for n in datasets.__all__ if n[0].isupper() and n not in NOT_OFFERED]
    if name in offered:
        return getattr(datasets, name)
    lower = {n.lower(): n for n in offered}
    near = [lower[n] for n in difflib.get_close_matches(name.lower(), lower, 3, 0.5)]
    hint = f"did you mean {' or '.join(near)}?" if near else "that is none of its image data sets;"
    raise GanlensError(
        f"torchvision has no image data set {name!r}: {hint} it has {', '.join(offered)}"
    )


def _arguments(dataset: type) -> dict[str, inspect.Parameter]:
    """Return the arguments that a class takes, through every ``**kwargs`` on to its bases."""
    found: dict[str, inspect.Parameter] = {}
    for base in dataset.__mro__:
        own = inspect.signature(base.__init__).parameters  # type: ignore[misc]
        found = {**own, **found}
        if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in own.values()):
            break
    return found


def _open_parts(dataset: type, name: str, root: Path) -> list[tuple[str | None, Any]]:
    taken = _arguments(dataset)
    fixed = ARGUMENTS.get(name, {})
    common = {**fixed, **({"root": str(root)} if "root" in taken else {})}
    if "download" in taken:
        common["download"] = True
    choices: dict[str, list[dict[str, Any]]] = {}
    if "train" in taken:
        choices = {"train": [{"train": True}], "test": [{"train": False}]}
    elif "split" in taken and "split" not in fixed:
        choices = {part: [{"split": v} for v in values] for part, values in SPLIT_VALUES.items()}
    root.mkdir(parents=True, exist_ok=True)
    if not choices:
        return [(None, _construct(dataset, name, root, [common]))]
    return [
        (part, _construct(dataset, name, root, [{**common, **option} for option in options]))
        for part, options in choices.items()
    ]


def _construct(dataset: type, name: str, root: Path, options: list[dict[str, Any]]) -> Any:
    """Open a data set with the first arguments that it does not refuse."""
    refusal: Exception = ValueError("no arguments")
    for arguments in options:
        try:
            return dataset(**arguments)
        except ValueError as error:  # torchvision's answer to a split that it does not have
            refusal = error
        except TypeError as error:
            raise GanlensError(
                f"torchvision:{name} needs arguments that a SPEC cannot give ({error}): save its "
                "images into a folder and give that"
            ) from error
        except Exception as error:  # no network, a moved address, a bad checksum, a missing package
            refusal = error
            break
    raise GanlensError(
        f"torchvision:{name} could not be opened ({type(refusal).__name__}: {refusal}): connect "
        f"to the network and try again, or put its files, as torchvision lays them out, into {root}"
    ) from refusal
