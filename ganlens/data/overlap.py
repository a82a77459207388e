"""Overlap: images that two sides of a comparison share, such as training and test images."""

from functools import lru_cache

from ganlens.data.imageset import ImageSet
from ganlens.stats import Shared, Thumbnails, shared_images, thumbnails

SAID = "{} of {:,} {} are {} too ({:,} byte for byte, {:,} nearly)"


def overlap(a: ImageSet, b: ImageSet) -> Shared:
    """Find the images of ``a`` that ``b`` holds too, as both were prepared; see ``shared_images``.

    Every image is read once in a process; 60,000 images of 32 px take some seconds.
    """
    return shared_images(_looked_at(_Same(a)), _looked_at(_Same(b)))


def shared_in_words(found: Shared, ours: str, theirs: str) -> str:
    """Say how much is shared: "12 of 500 test images are train images too (...)"; "" if nothing.

    Args:
        found: of the first set in the second.
        ours: what the first one holds, "test images".
        theirs: what the second one holds.
    """
    if not found.count:
        return ""
    return SAID.format(f"{found.count:,}", found.n, ours, theirs, found.equal, found.near)


def split_overlap(data: ImageSet) -> dict[str, int | str]:
    """Return how many test images are training images too, where the data have both.

    Returns:
        "shared_equal" and "shared_near", see ``Shared``, and where there are some "shared", a
        sentence.
    """
    sizes = [last - first for first, last in map(data.bounds.__getitem__, ("train", "test"))]
    if data.split != "all" or not all(sizes):
        return {}
    return shared_about(overlap(data.part("test"), data.part("train")),
                        "test images", "training images")  # fmt: skip


def shared_about(found: Shared, ours: str, theirs: str) -> dict[str, int | str]:
    """Return the same of two sets; see ``shared_in_words``."""
    words = shared_in_words(found, ours, theirs)
    counts = {"shared_equal": found.equal, "shared_near": found.near}
    return {**counts, **({"shared": words} if words else {})}


class _Same:
    """An image set that equals another one of the same pixels, to be remembered by."""

    def __init__(self, data: ImageSet) -> None:
        self.data, self.key = data, (data.fingerprint, data.split, data.images.shape)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.key == self.key


@lru_cache(maxsize=4)
def _looked_at(same: _Same) -> Thumbnails:
    return thumbnails(lambda rows: same.data.images[rows], len(same.data))
