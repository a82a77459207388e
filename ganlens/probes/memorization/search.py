"""Search of the nearest train images: in features, or in pixels over shifts and flips."""

from collections.abc import Iterator
from dataclasses import dataclass

import faiss
import numpy as np
import scipy  # its parts are loaded at their first use

from ganlens.stats import nearest
from ganlens.stats.authenticity import NEIGHBORS, calibrated

SPARE = 16  # candidates beyond those, for their order by low frequencies is not the final one
PER_VIEW = 8  # candidates from each shifted or mirrored view
FINALISTS = 3  # train images that every view of a query is compared with
FREQUENCIES = 8  # of the cosine transform, per axis
CHUNK = 2048  # images turned into float at a time


@dataclass(frozen=True)
class Neighborhood:
    """The nearest train images of each of N images in one space.

    Attributes:
        distance: (N, k) float64, root mean squared difference per coordinate, ascending.
        index: (N, k) rows of the train images, each at most once.
    """

    distance: np.ndarray
    index: np.ndarray

    @property
    def first(self) -> np.ndarray:
        """(N,) distance to the nearest."""
        return self.distance[:, 0]

    @property
    def ratio(self) -> np.ndarray:
        """(N,) nearest over second nearest, 0 to 1: far below 1 singles one train image out."""
        second = self.distance[:, 1]
        return np.divide(self.first, second, out=np.ones_like(second), where=second > 0)

    @property
    def calibrated(self) -> np.ndarray:
        """(N,) nearest over half the mean of all k: see ``ganlens.stats.authenticity``."""
        return calibrated(self.distance)

    def split(self, sizes: dict[str, int]) -> dict[str, "Neighborhood"]:
        """Cut into consecutive parts by name."""
        ends = np.cumsum(list(sizes.values()))[:-1]
        parts = zip(np.split(self.distance, ends), np.split(self.index, ends), strict=True)
        return {name: Neighborhood(*part) for name, part in zip(sizes, parts, strict=True)}


def feature_neighbors(views: list[np.ndarray], base: np.ndarray) -> Neighborhood:
    """Find the nearest rows of ``base``, exactly; of several views of a query the nearest counts.

    Args:
        views: arrays (N, D): the queries as they are and, for instance, mirrored.
        base: (M, D), M at least 2; min(50, M) neighbours are kept.
    """
    k = min(NEIGHBORS, len(base))
    found = [nearest(view, base, k) for view in views]
    distance, index = (np.concatenate(part, axis=1) for part in zip(*found, strict=True))
    if len(found) > 1:
        picks = np.stack([_distinct(d, i, k) for d, i in zip(distance, index, strict=True)])
        distance, index = (np.take_along_axis(a, picks, axis=1) for a in (distance, index))
    return Neighborhood(distance / base.shape[1] ** 0.5, index)


def pixel_neighbors(
    queries: np.ndarray, base: np.ndarray, shifts: int = 0, flips: bool = False,
    frequencies: int = FREQUENCIES,
) -> Neighborhood:  # fmt: skip
    """Find the nearest train images in pixels, over shifts and flips of the query.

    The middle of each train image, without ``shifts`` pixels on every side, is compared with every
    window of that size in the query. Whatever moved in at the border of a shifted copy is then
    left out, and every shift is compared on equally many pixels. Candidates come from the
    lowest frequencies of each window's cosine transform and the norm of the rest, a distance that
    never exceeds the true one, so that a copy is always among them; the distance to each
    candidate is then exact, from integers. With shifts or flips another train image than the
    nearest may be named, or a shift short of the best (on faces 1 image in 20, by at most 3 %),
    for images that are no copies: never nearer than the truth, and held-out images go the same way.

    Args:
        queries: (N, H, W, C) uint8.
        base: (M, H, W, C) uint8, M at least 2; min(50, M) neighbours are kept.
        shifts: pixels in each direction, less than half the side.
        flips: compare the mirrored query as well.
        frequencies: of the cosine transform, per axis: fewer are quicker and order worse.

    Returns:
        Distances in parts of the full brightness range.
    """
    middle = np.ascontiguousarray(_window(base, shifts, 0, 0))
    points = _low_frequencies(middle, frequencies)
    index = faiss.IndexFlatL2(points.shape[1])
    index.add(points)
    views = list(_views(queries, shifts, flips))
    k, most = min(NEIGHBORS, len(base)), min(NEIGHBORS + SPARE, len(base))
    # The view as it is alone has enough candidates, however alike those of the others are.
    counts = [most, *[min(PER_VIEW, most)] * (len(views) - 1)]
    found = [
        index.search(_low_frequencies(v, frequencies), n)
        for v, n in zip(views, counts, strict=True)
    ]
    near, rows = (np.concatenate(part, axis=1) for part in zip(*found, strict=True))
    view_of = np.repeat(np.arange(len(views)), counts)
    distance = np.empty((len(queries), k))
    indices = np.empty((len(queries), k), np.int64)
    for query in range(len(queries)):
        pick = _distinct(near[query], rows[query], most)
        windows = np.stack([v[query] for v in views])
        row = rows[query, pick]
        squared = _exact(windows[view_of[pick]], middle[row])
        if len(views) > 1:  # the best view by low frequencies need not be the best: try them all
            for i in np.argsort(squared, kind="stable")[:FINALISTS]:
                every = _exact(windows, np.broadcast_to(middle[row[i]], windows.shape))
                squared[i] = every.min()
        order = np.argsort(squared, kind="stable")[:k]
        distance[query], indices[query] = np.sqrt(squared[order]), row[order]
    return Neighborhood(distance / (255 * middle[0].size ** 0.5), indices)


def _views(images: np.ndarray, shifts: int, flips: bool) -> Iterator[np.ndarray]:
    """Yield the windows of the images, the middle first, then all shifts, then the mirrored."""
    moves = [(y, x) for y in range(-shifts, shifts + 1) for x in range(-shifts, shifts + 1)]
    moves.sort(key=lambda move: (abs(move[0]) + abs(move[1]), move))
    for way in (images, images[:, :, ::-1]) if flips else (images,):
        for down, right in moves:
            yield _window(way, shifts, down, right)


def _window(images: np.ndarray, shifts: int, down: int, right: int) -> np.ndarray:
    height, width = images.shape[1] - shifts, images.shape[2] - shifts
    return images[:, shifts + down : height + down, shifts + right : width + right]


def _low_frequencies(images: np.ndarray, frequencies: int) -> np.ndarray:
    """Project (N, h, w, C) uint8 onto the lowest frequencies: (N, D) float32.

    The last coordinate is the norm of what the projection leaves out: by the triangle inequality
    the distance of two rows is at most that of their images.
    """
    height, width, channels = images.shape[1:]
    rows, across = (
        scipy.fft.dct(np.eye(size, dtype=np.float32), axis=0, norm="ortho")[:frequencies]
        for size in (height, width)
    )
    columns = np.kron(across.T, np.eye(channels, dtype=np.float32))
    found = []
    for start in range(0, len(images), CHUNK):
        part = images[start : start + CHUNK].astype(np.float32) / 255
        part = part.reshape(len(part), height, -1)
        low = np.matmul(rows, part @ columns).reshape(len(part), -1)
        energy = np.einsum("nhw,nhw->n", part, part) - np.einsum("nd,nd->n", low, low)
        found.append(np.concatenate([low, np.sqrt(energy.clip(min=0))[:, None]], axis=1))
    return np.concatenate(found)


def _distinct(distance: np.ndarray, rows: np.ndarray, count: int) -> np.ndarray:
    """Positions of the nearest candidate for each of the ``count`` nearest different rows."""
    order = np.argsort(distance, kind="stable")
    _, first = np.unique(rows[order], return_index=True)
    return order[np.sort(first)[:count]]


def _exact(windows: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Squared distances of corresponding uint8 pictures: whole numbers, so float64 is exact."""
    difference = (windows.astype(np.int16) - images).reshape(len(images), -1).astype(np.float64)
    return np.einsum("nd,nd->n", difference, difference)
