"""Linear models: what the discriminator's features say of labels and attributes.

Those of one data set share one Gram matrix, so a dozen attributes cost little more than one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise, starmap

import numpy as np

from ganlens.errors import GanlensError

Pair = tuple[np.ndarray, np.ndarray]  # of training images, and of held-out ones
BIAS = 10.0  # a constant feature this large is an intercept that the penalty hardly touches


@dataclass(frozen=True)
class LinearClassifier:
    """A linear probe for one attribute, with its quality on images that it was not fitted to.

    Attributes:
        name: attribute, "class", or an expression.
        classes: its values.
        accuracy: share of held-out images predicted correctly.
        balanced_accuracy: mean over the values of the share predicted correctly.
        majority: held-out share of the most frequent value: what guessing it gives.
        recalls: share predicted correctly for each value, NaN where the held-out images have none.
        n_fit: training images that it was fitted to.
        n_held_out: images behind the accuracies.
    """

    name: str
    classes: tuple[str, ...]
    accuracy: float
    balanced_accuracy: float
    majority: float
    recalls: tuple[float, ...]
    n_fit: int
    n_held_out: int

    def index(self, value: str) -> int:
        """Return the column of a value; a GanlensError if no training image has it."""
        if value not in self.classes:
            raise GanlensError(
                f"no training image that it was fitted to has {self.name}={value}: "
                f"choose from {', '.join(self.classes)}"
            )
        return self.classes.index(value)


@dataclass(frozen=True)
class LinearRegressor:
    """A linear probe for a numeric attribute.

    Attributes:
        name: the attribute.
        correlation: Pearson correlation of its prediction with the truth, on held-out images.
    """

    name: str
    correlation: float


@dataclass(frozen=True)
class LinearModels:
    """Fitted classifiers and regressors of one feature space.

    Attributes:
        classifiers: attribute -> its classifier.
        regressors: numeric attribute -> its regressor.
        center: (D,) mean of the features that they were fitted to.
        weights: (D, T) float32, columns of all classifiers' values and then of all regressors.
        bias: (T,).
    """

    classifiers: dict[str, LinearClassifier]
    regressors: dict[str, LinearRegressor]
    center: np.ndarray
    weights: np.ndarray
    bias: np.ndarray

    @property
    def places(self) -> dict[str, slice]:
        """The columns of each attribute's values among the T."""
        stops = np.cumsum([0, *(len(one.classes) for one in self.classifiers.values())]).tolist()
        return dict(zip(self.classifiers, starmap(slice, pairwise(stops)), strict=True))

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Map (N, D) features to (N, T) raw outputs."""
        return (features - self.center) @ self.weights + self.bias

    def margins(self, scores: np.ndarray) -> dict[str, np.ndarray]:
        """Return each attribute's (N, K) margins: each value's lead over all others."""
        return {name: lead(scores[:, place]) for name, place in self.places.items()}

    def numbers(self, scores: np.ndarray) -> dict[str, np.ndarray]:
        """Return each numeric attribute's (N,) predictions, in the data's units."""
        first = scores.shape[1] - len(self.regressors)
        return {name: scores[:, first + i] for i, name in enumerate(self.regressors)}


def lead(scores: np.ndarray) -> np.ndarray:
    """Turn (N, K) scores, K at least 2, into each value's lead over the best of the others."""
    ordered = np.sort(scores, axis=1)
    best, second = ordered[:, -1:], ordered[:, -2:-1]
    return scores - np.where(scores == best, second, best)


def fit_linear_models(
    features: Pair, columns: Mapping[str, Pair], numbers: Mapping[str, Pair], ridge: float = 0.1
) -> LinearModels:
    """Fit ridge regressions of one-against-the-rest targets on standardised features.

    Values of an attribute are weighted equally, however rare. In the dual form all share the
    features' Gram matrix K: a = (K + ridge n W^-1)^-1 y, weights = X^T a (Hastie, Tibshirani and
    Friedman, The Elements of Statistical Learning, 2nd edition, section 18.3.5).

    Args:
        features: (n, D) of training images and (m, D) of held-out ones.
        columns: attribute -> (n,) and (m,) strings.
        numbers: numeric attribute -> (n,) and (m,) numbers; NaN is left out.
        ridge: strength of the penalty per training image.

    Raises:
        GanlensError: an attribute has one value in all the training images.
    """
    train, held_out = features
    center, scale = train.mean(0), train.std(0)
    scale = np.where(scale > 0, scale, 1).astype(np.float32)
    x = (train - center) / scale
    gram = (x @ x.T).astype(np.float64) + BIAS**2
    penalty = ridge * len(x)
    duals = [_dual(gram, penalty, name, values) for name, (values, _) in columns.items()]
    duals += [_dual_number(gram, penalty, values) for values, _ in numbers.values()]
    stacked = np.concatenate(duals, axis=1) if duals else np.zeros((len(x), 0))
    found = LinearModels(
        {}, {}, center, ((x.T @ stacked.astype(np.float32)) / scale[:, None]),
        (BIAS**2 * stacked.sum(0)).astype(np.float32),
    )  # fmt: skip
    scores, start = found.scores(held_out), 0
    for name, (values, truth) in columns.items():
        classes = tuple(map(str, np.unique(values)))
        own = scores[:, start : start + len(classes)]
        found.classifiers[name] = _judged(name, classes, own, truth, len(values))
        start += len(classes)
    for name, (values, truth) in numbers.items():
        known = np.isfinite(values)
        mean, std = values[known].mean(), values[known].std()
        found.weights[:, start] *= std
        found.bias[start] = found.bias[start] * std + mean
        found.regressors[name] = LinearRegressor(name, _correlation(scores[:, start], truth))
        start += 1
    return found


def _dual(gram: np.ndarray, penalty: float, name: str, values: np.ndarray) -> np.ndarray:
    from scipy.linalg import solve

    classes, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    if len(classes) < 2:
        raise GanlensError(
            f"attribute {name!r} has one value in {len(values)} training images, so nothing can be "
            "learned: choose another one"
        )
    weights = len(values) / (len(classes) * counts[place])
    targets = np.where(place[:, None] == np.arange(len(classes)), 1.0, -1.0)
    return solve(gram + np.diag(penalty / weights), targets, assume_a="pos")


def _dual_number(gram: np.ndarray, penalty: float, values: np.ndarray) -> np.ndarray:
    from scipy.linalg import solve

    known = np.isfinite(values)
    y = (values[known] - values[known].mean()) / values[known].std()
    part = gram[np.ix_(known, known)] + penalty * np.eye(len(y))
    dual = np.zeros((len(values), 1))
    dual[known, 0] = solve(part, y, assume_a="pos")
    return dual


def _judged(
    name: str, classes: tuple[str, ...], scores: np.ndarray, truth: np.ndarray, n_fit: int
) -> LinearClassifier:
    right = np.array(classes)[scores.argmax(1)] == truth
    members = [truth == value for value in classes]
    recalls = tuple(float(right[one].mean()) if one.any() else float("nan") for one in members)
    return LinearClassifier(
        name=name,
        classes=classes,
        accuracy=float(right.mean()),
        balanced_accuracy=float(np.nanmean(recalls)),
        majority=float(max(one.mean() for one in members)),
        recalls=recalls,
        n_fit=n_fit,
        n_held_out=len(right),
    )


def _correlation(predicted: np.ndarray, truth: np.ndarray) -> float:
    """Return the correlation over the images whose truth is known; NaN where either is constant."""
    predicted, truth = predicted[np.isfinite(truth)], truth[np.isfinite(truth)]
    varied = len(truth) > 1 and np.ptp(truth) > 0 and np.ptp(predicted) > 0
    return float(np.corrcoef(predicted, truth)[0, 1]) if varied else float("nan")
