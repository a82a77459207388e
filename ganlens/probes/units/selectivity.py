"""How well a unit's highest activation tells a label: area under the ROC curve."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ganlens.data import ImageSet

LEAST = 20  # images with a label, and without it, for its curve to mean anything


@dataclass(frozen=True)
class Labels:
    """What is known about some images, one column for each value of each label.

    Attributes:
        names: L of them: "class=cat", "hair=long".
        truth: (N, L) bool.
    """

    names: tuple[str, ...]
    truth: np.ndarray

    @classmethod
    def of(cls, part: "ImageSet", rows: np.ndarray) -> "Labels":
        """Return the classes and categorical attributes of (N,) rows; may be none."""
        columns: dict[str, np.ndarray] = {}
        if part.labels is not None:
            columns = {
                f"class={name}": part.labels[rows] == index
                for index, name in enumerate(part.class_names)
            }
        for name, values in part.attributes.items():
            if values.dtype.kind in "UO":
                own = values[rows].astype(str)
                columns |= {f"{name}={value}": own == value for value in np.unique(own) if value}
        truth = np.stack(list(columns.values()), 1) if columns else np.empty((len(rows), 0), bool)
        return cls(tuple(columns), truth)

    def common(self) -> "Labels":
        """Return those that LEAST images have and LEAST have not."""
        count = self.truth.sum(0)
        keep = (count >= LEAST) & (len(self.truth) - count >= LEAST)
        names = tuple(name for name, kept in zip(self.names, keep, strict=True) if kept)
        return Labels(names, self.truth[:, keep])


def auc_table(scores: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the area under the ROC curve of every score for every label.

    Args:
        scores: (N, U); ties count half.
        truth: (N, L) bool, with both values in each column.

    Returns:
        (U, L): how often an image with the label scores above one without.
    """
    from scipy.stats import rankdata

    ranks = rankdata(scores, axis=0)
    positive = truth.sum(0).astype(np.float64)
    sums = ranks.T @ truth.astype(np.float64)
    return (sums - positive * (positive + 1) / 2) / (positive * (len(truth) - positive))
