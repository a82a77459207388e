"""Concepts: attribute expressions, and linear probes that read them off D's features."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ganlens.errors import GanlensError

if TYPE_CHECKING:
    from ganlens.data import ImageSet

_OUTSIDE_QUOTES = r"(?=(?:[^\"']|\"[^\"]*\"|'[^']*')*$)"
_EQUALS = re.compile(
    r"""\s*(?P<name>"[^"]*"|'[^']*'|[^=<>!&|()]+?)\s*==?\s*(?P<value>[^=<>]+?)\s*"""
)


@dataclass(frozen=True)
class Condition:
    """One part of a concept: that attribute ``name`` has ``value``.

    What is not of the form ``name=value`` on a categorical attribute (``tilt>10``, ``!(a | b)``) is
    a question of its own: ``name`` is its text and ``value`` is "yes".

    Attributes:
        name: attribute, "class", or the text of a question.
        value: the value that is asked for.
        text: as it stands in the expression.
    """

    name: str
    value: str
    text: str


def parse(expression: str, data: "ImageSet") -> tuple[Condition, ...]:
    """Take an expression such as ``mouth=smile & hair=long`` apart at its ``&``.

    Raises:
        GanlensError: it does not fit the data; see ``ImageSet.select``.
    """
    data.select(expression)  # says what is wrong with it and what is valid
    parts = [expression]
    if not re.search(rf"[|!(]{_OUTSIDE_QUOTES}", expression):
        parts = re.split(rf"&{_OUTSIDE_QUOTES}", expression)
    return tuple(_condition(part.strip(), data) for part in parts)


def _condition(text: str, data: "ImageSet") -> Condition:
    match = _EQUALS.fullmatch(text)
    name = match["name"].strip("\"'") if match else ""
    if match and name in categorical(data):
        return Condition(name, match["value"].strip("\"'"), text)
    return Condition(text, "yes", text)


def categorical(data: "ImageSet") -> dict[str, np.ndarray]:
    """Return every categorical column, the class among them: name -> (N,) strings."""
    columns = {name: column for name, column in data.attributes.items() if column.dtype.kind != "f"}
    if data.labels is not None:
        columns["class"] = np.array(data.class_names)[data.labels]
    return columns


def column(name: str, data: "ImageSet") -> np.ndarray:
    """Return the (N,) strings that a probe for this name learns; a question gives yes or no."""
    columns = categorical(data)
    if name in columns:
        return columns[name]
    answers = np.full(len(data), "no", dtype="<U3")
    answers[data.select(name)] = "yes"
    return answers


Concept = tuple[Condition, ...]


def expected(a: Sequence[Condition], b: Sequence[Condition], c: Sequence[Condition]) -> Concept:
    """Tell what A - B + C should show: what B and A share gives way to C; what sets A apart stays.

    Smiling woman - neutral woman + neutral man = smiling man (Radford 2015, section 6.3.2). An
    attribute that differs between all three has no expected value and is left out.
    """
    of_a, of_b, of_c = ({one.name: one for one in side} for side in (a, b, c))
    found = []
    for name in dict.fromkeys([*of_a, *of_c]):
        here, there, base = (side.get(name) for side in (of_a, of_b, of_c))
        values = [one.value if one else None for one in (here, there, base)]
        if values[0] == values[1]:
            found.append(base)
        elif values[2] in (values[1], None):
            found.append(here)
    return tuple(one for one in found if one is not None)


@dataclass(frozen=True)
class Reader:
    """A linear probe that reads one attribute from features.

    Attributes:
        name: the attribute or question.
        classes: its values, in the order of the columns of ``margins``.
        estimator: the fitted scikit-learn pipeline.
        accuracy: share of held-out images that it reads correctly.
        balanced_accuracy: mean over the values of the share read correctly; guessing
            gives 1 over their number.
        majority: share of held-out images with the most frequent value: what guessing it gives.
        recalls: share read correctly for each value, NaN where the held-out images have none.
        n_fit: training images that it was fitted to.
        n_held_out: images behind the accuracies.
    """

    name: str
    classes: tuple[str, ...]
    estimator: Any
    accuracy: float
    balanced_accuracy: float
    majority: float
    recalls: tuple[float, ...]
    n_fit: int
    n_held_out: int

    def margins(self, features: np.ndarray) -> np.ndarray:
        """Score (N, D) features: (N, K), each value's lead over all others (above 0: read)."""
        scores = self.estimator.decision_function(features)
        if scores.ndim == 1:  # two values share one score
            return np.stack([-scores, scores], axis=1)
        ordered = np.sort(scores, axis=1)
        best, second = ordered[:, -1:], ordered[:, -2:-1]
        return scores - np.where(scores == best, second, best)

    def index(self, value: str) -> int:
        """Return the column of a value; a GanlensError if no training image has it."""
        if value not in self.classes:
            raise GanlensError(
                f"no training image that was looked at has {self.name}={value}: "
                f"choose from {', '.join(self.classes)}"
            )
        return self.classes.index(value)


def fit_reader(
    name: str,
    train: tuple[np.ndarray, np.ndarray],
    held_out: tuple[np.ndarray, np.ndarray],
    ridge: float = 0.1,
) -> Reader:
    """Fit a ridge classifier on standardised features, values weighted equally.

    Args:
        name: the attribute.
        train: (N, D) features and (N,) values.
        held_out: the same for images that it never sees.
        ridge: strength of the penalty per training image.

    Raises:
        GanlensError: the training images all have the same value.
    """
    from sklearn.linear_model import RidgeClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = train
    if len(np.unique(y)) < 2:
        raise GanlensError(
            f"attribute {name!r} has one value in {len(y)} training images, so nothing can be "
            "learned: choose another one"
        )
    ridge_classifier = RidgeClassifier(ridge * len(y), class_weight="balanced")
    estimator = make_pipeline(StandardScaler(), ridge_classifier).fit(x, y)
    classes = tuple(map(str, estimator.classes_))
    right = estimator.predict(held_out[0]) == held_out[1]
    members = [held_out[1] == value for value in classes]
    recalls = tuple(float(right[one].mean()) if one.any() else float("nan") for one in members)
    return Reader(
        name=name,
        classes=classes,
        estimator=estimator,
        accuracy=float(right.mean()),
        balanced_accuracy=float(np.nanmean(recalls)),
        majority=float(max(one.mean() for one in members)),
        recalls=recalls,
        n_fit=len(y),
        n_held_out=len(right),
    )
