"""Sources: what a data SPEC stands for, before anything is decoded."""

import hashlib
import os

import numpy as np
from PIL import Image

from ganlens.data.annotations import Annotations, Listing
from ganlens.data.boundary import readable
from ganlens.data.encoded import open_bytes
from ganlens.data.imageset import Skipped
from ganlens.data.kinds import IMAGE_EXTENSIONS
from ganlens.data.layout import describe
from ganlens.data.trees import MAX_FILE, Remember, Tree
from ganlens.errors import GanlensError

WORKERS = min(16, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4)


class Source:
    """Images that can be listed and read one by one.

    Attributes:
        spec: the data SPEC as given.
        default_size: size in pixels where none is asked for; None means the native size.
        enlarges: whether enlarging needs no permission.
        workers: threads that may call ``read`` at once.
    """

    default_size: int | None = None
    enlarges: bool = False
    workers: int = WORKERS

    def __init__(self, spec: str) -> None:
        self.spec = spec

    def content(self, remember: Remember) -> str:
        """Return a digest of everything that the images and annotations depend on; quick."""
        raise NotImplementedError

    def listing(self) -> Listing:
        """Return what there is; fetches it first if need be.

        Raises:
            GanlensError: there is nothing, or it cannot be used.
        """
        raise NotImplementedError

    def read(self, index: int) -> Image.Image:
        """Open image ``index`` of the listing; any exception means that it cannot be used."""
        raise NotImplementedError

    def weight(self, index: int) -> int:
        """Return the bytes that ``read`` holds beside the pixels: those of the encoded file."""
        return 0

    def annotations(self) -> Annotations:
        """Return labels and attributes, row by row of the listing; valid once all were read."""
        raise NotImplementedError

    def close(self) -> None:
        """Release what is open."""


class FileSource(Source):
    """A folder or an archive of images."""

    def __init__(self, spec: str, tree: Tree) -> None:
        super().__init__(spec)
        self.tree = tree
        self._described: tuple[Listing, Annotations] | None = None

    def content(self, remember: Remember) -> str:
        """Return a digest of the content; see Source."""
        return f"files:{self.tree.content(remember)}"

    def _describe(self) -> tuple[Listing, Annotations]:
        if self._described is None:
            with readable(f"{self.spec}: it cannot be read", "copy it again, or mend that file"):
                self._described = describe(self.tree, self.spec)
            listing, _ = self._described
            if not listing.names:
                raise GanlensError(
                    f"found 0 images in {self.spec!r}: looked in it and its sub-folders for files "
                    f"ending in {' '.join(IMAGE_EXTENSIONS)}{_first(listing.skipped)}; give a "
                    "folder, zip or tar that holds some"
                )
        return self._described

    def listing(self) -> Listing:
        """Return what there is; see Source."""
        return self._describe()[0]

    def read(self, index: int) -> Image.Image:
        """Open an image; see Source."""
        name = self.listing().names[index]
        return open_bytes(self.tree.read(name), name)

    def weight(self, index: int) -> int:
        """Return the bytes of an encoded file; see Source."""
        return min(self.tree.sizes[self.listing().names[index]], MAX_FILE)

    def annotations(self) -> Annotations:
        """Return labels and attributes; see Source."""
        return self._describe()[1]

    def close(self) -> None:
        """Release what is open."""
        self.tree.close()


def _first(skipped: list[Skipped]) -> str:
    if not skipped:
        return ""
    return f" ({len(skipped)} files left out, such as {skipped[0].name}: {skipped[0].reason})"


class DigitsSource(Source):
    """scikit-learn's 1,797 hand-written digits: 8x8, 17 grey levels, labels 0 to 9.

    Enlarged to 16 px, the smallest size that ganlens trains, unless another is asked for. From the
    "Optical Recognition of Handwritten Digits" of the UCI repository (Alpaydin and Kaynak 1998).
    """

    default_size = 16
    enlarges = True

    def content(self, remember: Remember) -> str:
        """Return a digest of the content; see Source."""
        return "digits"  # never changes

    def listing(self) -> Listing:
        """Return what there is; see Source."""
        from sklearn.datasets import load_digits  # slow to import, and needed once

        digits = load_digits()
        self._images = np.rint(digits.images * (255 / 16)).astype(np.uint8)
        self._labels = digits.target.astype(np.int64)
        return Listing([f"{index:04d}" for index in range(len(self._images))])

    def read(self, index: int) -> Image.Image:
        """Open an image; see Source."""
        return Image.fromarray(self._images[index])

    def annotations(self) -> Annotations:
        """Return labels and attributes; see Source."""
        return Annotations(self._labels, tuple("0123456789"))


class JoinedSource(Source):
    """``train=SPEC1,test=SPEC2``: two sources as declared splits.

    Of a source that declares splits itself only the one of that name is taken, else all of it.
    Classes and attributes are merged by name; labels need both. An attribute that one of them lacks
    is "" or NaN there.
    """

    def __init__(self, spec: str, train: Source, test: Source) -> None:
        super().__init__(spec)
        self.sources = {"train": train, "test": test}
        self.default_size = train.default_size or test.default_size
        self.enlarges = train.enlarges and test.enlarges
        self.workers = min(train.workers, test.workers)
        self._rows: list[tuple[Source, int]] = []

    def content(self, remember: Remember) -> str:
        """Return a digest of the content; see Source."""
        parts = [source.content(remember) for source in self.sources.values()]
        return hashlib.sha256(b"joined:" + ":".join(parts).encode()).hexdigest()

    def listing(self) -> Listing:
        """Return what there is; see Source."""
        joined = Listing([], [], notes=[])
        self._rows, self._taken = [], {}
        for split, source in self.sources.items():
            found = source.listing()
            taken = [
                i for i in range(len(found.names)) if not found.splits or found.splits[i] == split
            ]
            if not taken:
                raise GanlensError(
                    f"{source.spec!r} has no {split} images: give another {split}=SPEC"
                )
            self._taken[split] = np.array(taken)
            self._rows += [(source, index) for index in taken]
            joined.names.extend(f"{split}/{found.names[index]}" for index in taken)
            joined.splits.extend([split] * len(taken))  # type: ignore[union-attr]
            joined.notes.extend(f"{split}: {note}" for note in found.notes)
            joined.skipped.extend(Skipped(f"{split}/{s.name}", s.reason) for s in found.skipped)
        return joined

    def read(self, index: int) -> Image.Image:
        """Open an image; see Source."""
        source, row = self._rows[index]
        return source.read(row)

    def weight(self, index: int) -> int:
        """Return the bytes of an encoded file; see Source."""
        source, row = self._rows[index]
        return source.weight(row)

    def annotations(self) -> Annotations:
        """Return labels and attributes; see Source."""
        found = [source.annotations() for source in self.sources.values()]
        rows = list(self._taken.values())
        names = tuple(dict.fromkeys(name for a in found for name in a.class_names))
        attributes = {
            key: _stack([_take(a.attributes.get(key), r) for a, r in zip(found, rows, strict=True)])
            for key in dict.fromkeys(key for a in found for key in a.attributes)
        }
        if any(a.labels is None for a in found):
            return Annotations(attributes=attributes)
        labels = [
            np.array([*(names.index(name) for name in a.class_names), -1])[a.labels[r]]
            for a, r in zip(found, rows, strict=True)
            if a.labels is not None
        ]
        return Annotations(np.concatenate(labels), names, attributes)

    def close(self) -> None:
        """Release what is open."""
        for source in self.sources.values():
            source.close()


def _take(column: np.ndarray | None, rows: np.ndarray) -> np.ndarray | int:
    return len(rows) if column is None else column[rows]


def _stack(parts: list[np.ndarray | int]) -> np.ndarray:
    """Join the parts of a column; a number stands for that many missing values."""
    kinds = {part.dtype.kind for part in parts if not isinstance(part, int)}
    missing: float | str = float("nan") if kinds == {"f"} else ""
    filled = [np.full(part, missing) if isinstance(part, int) else part for part in parts]
    return np.concatenate([part if kinds == {"f"} else _texts(part) for part in filled])


def _texts(part: np.ndarray) -> np.ndarray:
    """Return a column as strings: whole numbers as tables write them, "" for NaN."""
    if part.dtype.kind != "f":
        return part.astype(np.str_)
    return np.array(["" if np.isnan(v) else f"{v:.17g}" for v in part.tolist()], np.str_)
