"""Which arrays of an ``.npz`` are images and labels, of which split; and what labels may be.

Names as people and libraries write them: ``images``, ``x``, ``data`` or ``arr_0`` with ``labels``,
``y`` or ``arr_1``; with a split before or behind, as in ``train_images`` (MedMNIST) or ``x_test``
(Keras).
"""

import io
import re
import zipfile
from dataclasses import dataclass

import numpy as np

from ganlens.data.annotations import Annotations, class_labels
from ganlens.data.splits import split_word
from ganlens.errors import GanlensError

IMAGE_NAMES = ("images", "image", "x", "data", "imgs", "img", "samples", "arr_0")
LABEL_NAMES = ("labels", "label", "y", "targets", "target", "classes", "class", "arr_1")
RANGE = "range"
HEADER = 2**16  # bytes in which the header of an array must end
LABEL_BYTES = 256 * 2**20  # of all labels of one split
READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


@dataclass(frozen=True)
class Member:
    """An array in the file: its name, and what its header declares."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def nbytes(self) -> int:
        """Bytes that it takes in memory, as declared."""
        return int(np.prod([float(side) for side in self.shape]) * self.dtype.itemsize)


@dataclass(frozen=True)
class Part:
    """The arrays of one split; ``split`` is None where the file has no splits."""

    split: str | None
    images: Member
    labels: Member | None


def members(archive: zipfile.ZipFile) -> dict[str, Member]:
    """Return what the headers of all arrays declare; no array is read.

    Raises:
        ValueError: a header that cannot be read.
    """
    found = {}
    for entry in archive.namelist():
        if entry.endswith(".npy"):
            name = entry.removesuffix(".npy")
            with archive.open(entry) as packed:
                file = io.BytesIO(packed.read(HEADER))  # a header may declare to be gigabytes long
                version = np.lib.format.read_magic(file)
                if version not in READERS:
                    raise ValueError(f"array {name!r} is of .npy version {version}")
                shape, _, dtype = READERS[version](file)
            found[name] = Member(name, shape, dtype)
    return found


def parts(found: dict[str, Member], spec: str) -> list[Part]:
    """Tell images and labels apart by their names.

    Raises:
        GanlensError: no images, or several arrays that could be the images.
    """
    images = _by_split(found, IMAGE_NAMES, spec)
    labels = _by_split(found, LABEL_NAMES, spec)
    if not images:
        alone = [m for m in found.values() if len(m.shape) in (3, 4) and m.dtype.kind in "biuf"]
        if len(alone) != 1:
            raise GanlensError(
                f"{spec}: no array 'images' in it, only {', '.join(found) or 'nothing'}: save the "
                "images under that name"
            )
        images = {None: alone[0]}
    if None in images and len(images) > 1:
        names = ", ".join(member.name for member in images.values())
        raise GanlensError(
            f"{spec}: {names} could all be the images: save one of them as 'images', or the "
            "splits as 'train_images' and 'test_images'"
        )
    return [
        Part(split, images[split], labels.get(split))
        for split in sorted(images, key=lambda s: ("train", "val", "test").index(s) if s else 0)
    ]


def _by_split(
    found: dict[str, Member], names: tuple[str, ...], spec: str
) -> dict[str | None, Member]:
    """Return split -> the array of these names; where several compete, the first name wins."""
    taken: dict[str | None, Member] = {}
    ranks: dict[str | None, int] = {}
    for member in found.values():
        split, rest = split_of_array(member.name)
        if rest in names:
            rank = names.index(rest)
            if ranks.get(split) == rank:
                raise GanlensError(
                    f"{spec}: {taken[split].name!r} and {member.name!r} are both there: keep one"
                )
            if rank < ranks.get(split, len(names)):
                taken[split], ranks[split] = member, rank
    return taken


def split_of_array(name: str) -> tuple[str | None, str]:
    """Return the split that a name says, or None, and the name without it: "x_test" -> test, x."""
    words = [word for word in re.split(r"[_\-. /]+", name.lower()) if word]
    kinds = [split_word(word) for word in words]
    if sum(kind is not None for kind in kinds) != 1:
        return None, name.lower()
    at = next(index for index, kind in enumerate(kinds) if kind is not None)
    return kinds[at], "_".join(words[:at] + words[at + 1 :])


def labels_of(values: np.ndarray, count: int, spec: str) -> Annotations:
    """Return labels, or flags as attributes, of an array with one row per image.

    (N,) or (N, 1) integers, strings or whole floats are labels; (N, K) with a single 1 in each row
    likewise; other (N, K) integers of 0 and 1 become K attributes.

    Raises:
        GanlensError: anything else.
    """
    flat = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    if flat.dtype.kind == "S":
        flat = np.char.decode(flat, "utf-8", "replace")
    if flat.dtype.kind in "fb" and flat.size and (flat == np.rint(flat)).all():
        whole = np.abs(flat).max() < 2**53
        flat = flat.astype(np.int64) if whole and flat.ndim == 1 else flat
    if flat.shape == (count,) and flat.dtype.kind in "iuU":
        return class_labels(flat.tolist())
    if flat.ndim == 2 and len(flat) == count and np.isin(flat, (0, 1)).all():
        if (flat.sum(1) == 1).all():
            said = [f"labels of shape {flat.shape} are one-hot: taken as {flat.shape[1]} classes"]
            classes = tuple(map(str, range(flat.shape[1])))
            return Annotations(flat.argmax(1).astype(np.int64), classes, notes=said)
        if flat.dtype.kind in "biu":
            columns = {
                f"label{k}": flat[:, k].astype(int).astype(str) for k in range(flat.shape[1])
            }
            said = [f"labels of shape {flat.shape} are flags: taken as the attributes label0, ..."]
            return Annotations(attributes=columns, notes=said)
    raise GanlensError(
        f"{spec}: labels are {values.dtype} of shape {values.shape}: give {count} integers or "
        "strings, one per image"
    )
