"""Remarks: what may make the readings mean something else than that the condition is ignored."""

from collections.abc import Sequence

import numpy as np

from ganlens.probes.concepts import share
from ganlens.probes.conditions.accuracy import Accuracies
from ganlens.probes.conditions.reading import Readings
from ganlens.probes.conditions.result import Confusion

WEAK = 0.9  # accuracy on held-out images below which the classifier is no good judge
MOST = 8  # pairs of values that are named
LEAST = 0.15  # of [-1, 1]: a difference of brightness that is remarkable, at the least
CONTRAST = (0.5, 2.0)  # of samples over that of real images


def remarks(
    accuracies: Accuracies, confusions: Sequence[Confusion], samples: Readings, real: Readings
) -> tuple[str, ...]:
    """Return a sentence for each thing that a reader should know before the numbers."""
    found = [_weak(accuracies), *map(_exchanged, confusions), _brightness(samples, real)]
    return tuple(filter(None, found))


def _weak(accuracies: Accuracies) -> str:
    one = accuracies.real.every
    if one is None or one[0] >= WEAK:
        return ""
    return (
        f"The classifier reads only {one[0]:.1%} of held-out images rightly: samples that show what"
        " was asked for may be counted as wrong, and the other way round."
    )


def _exchanged(one: Confusion) -> str:
    """Tell values that are mostly read as each other, in pairs or in a ring: mixed-up labels."""
    ring = _ring(one.counts[:, : len(one.rows)], one.counts.sum(1))
    if not ring:
        return ""
    total, right = int(one.counts.sum()), int(np.trace(one.counts))
    renamed = right + sum(one.counts[a, b] - one.counts[a, a] for a, b in ring.items())
    pairs = [f"{one.rows[a]} as {one.columns[b]}" for a, b in ring.items()]
    more = ", ..." if len(pairs) > MOST else ""
    return (
        f"The condition is obeyed under other names: of {one.name}, {', '.join(pairs[:MOST])}{more}"
        f" ({renamed / total:.1%} agree if these are renamed, {right / total:.1%} as they stand)."
        " Were labels mixed up, in training or here?"
    )


def _ring(square: np.ndarray, totals: np.ndarray) -> dict[int, int]:
    """Return which row is read as which other one, of those that are exchanged among themselves.

    A row counts whose share has an interval above one half. One value that all are read as is no
    exchange: it closes no ring.
    """
    mostly = {
        row: int(counts.argmax())
        for row, (counts, n) in enumerate(zip(square, totals.tolist(), strict=True))
        if n and share(np.arange(n) < counts.max())[1] > 0.5
    }
    found: dict[int, int] = {}
    for start in mostly:
        ring, at = dict[int, int](), start
        while at in mostly and at not in ring:
            ring[at] = mostly[at]
            at = mostly[at]
        if at == start and len(ring) > 1:
            found |= ring
    return found


def _brightness(samples: Readings, real: Readings) -> str:
    """Tell samples of another range than the classifier's images: they would be misread."""
    (ours, contrast), (theirs, usual) = samples.levels.mean(0), real.levels.mean(0)
    apart = abs(ours - theirs)
    far = apart > max(real.levels[:, 0].std(), LEAST)  # as far as single real images mostly are
    ratio = contrast / max(usual, 1e-6)
    if not far and CONTRAST[0] <= ratio <= CONTRAST[1]:
        return ""
    return (
        f"Samples are not as bright or as rich in contrast as held-out images (mean {ours:.2f}"
        f" against {theirs:.2f}, deviation {contrast:.2f} against {usual:.2f}, black -1 and white"
        " 1): a generator of another range, or of inverted colours, is misread."
    )
