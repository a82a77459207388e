"""The labels that units are compared with: classes and categorical attributes, one column each."""

from dataclasses import dataclass

import numpy as np

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
    def of(cls, part: ImageSet, rows: np.ndarray) -> "Labels":
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
