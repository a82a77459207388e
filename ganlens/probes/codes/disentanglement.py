"""Disentanglement of codes from known factors: MIG (Chen 2018) and DCI (Eastwood 2018)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

BINS = 20  # of equal probability, that a continuous code or factor is cut into
TREES = 50  # of each random forest


@dataclass(frozen=True)
class Disentanglement:
    """Scores of the codes against the factors.

    Attributes:
        codes: names of the D codes.
        factors: names of the K factors.
        information: (D, K) mutual information in nats of every code and factor.
        importance: (D, K) importance of every code for every factor; each column sums to 1.
        gap: the mutual information gap, 0 to 1; None below two codes, or where no factor varies.
        disentanglement: of DCI, 0 to 1; None below two factors.
        completeness: of DCI, 0 to 1; None below two codes.
        informativeness: factor -> held-out share of right answers of the forest; of a number R^2.
    """

    codes: tuple[str, ...]
    factors: tuple[str, ...]
    information: np.ndarray
    importance: np.ndarray
    gap: float | None
    disentanglement: float | None
    completeness: float | None
    informativeness: dict[str, float]


def disentangled(
    codes: Mapping[str, np.ndarray], factors: Mapping[str, np.ndarray], seed: int = 0
) -> Disentanglement:
    """Score N samples.

    Args:
        codes: code -> (N,): int64 of a categorical one, float of a continuous one.
        factors: factor -> (N,): int64 of a category, float of a number.
        seed: of the forests.
    """
    known = {name: value for name, value in factors.items() if len(np.unique(value)) > 1}
    levels = [discrete(value) for value in codes.values()]
    classes = [discrete(value) for value in known.values()]
    information = np.array([[mutual_information(c, v) for v in classes] for c in levels])
    entropies = np.array([mutual_information(v, v) for v in classes])
    columns, right = list[np.ndarray](), dict[str, float]()
    for name, value in known.items():
        weights, right[name] = importances(codes, value, seed)
        columns.append(weights)
    importance = np.stack(columns, 1) if columns else np.zeros((len(codes), 0))
    return Disentanglement(
        tuple(codes),
        tuple(known),
        information.reshape(len(codes), len(known)),
        importance,
        mutual_information_gap(information, entropies) if len(known) else None,
        disentanglement(importance),
        completeness(importance),
        right,
    )


def discrete(values: np.ndarray) -> np.ndarray:
    """Return (N,) int64 levels: of numbers with more than BINS values, bins of equal counts."""
    kinds, index = np.unique(values, return_inverse=True)
    if np.asarray(values).dtype.kind != "f" or len(kinds) <= BINS:
        return index.astype(np.int64)
    edges = np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1])
    return np.searchsorted(edges, values, side="right").astype(np.int64)


def mutual_information(a: np.ndarray, b: np.ndarray) -> float:
    """Return the mutual information of (N,) levels in nats, by their counts."""
    from sklearn.metrics import mutual_info_score

    return float(mutual_info_score(a, b))


def mutual_information_gap(information: np.ndarray, entropies: np.ndarray) -> float | None:
    """Return the mean over factors of the gap between the two best codes, over the entropy.

    MIG = 1/K sum_k (I(c_1; v_k) - I(c_2; v_k)) / H(v_k), where c_1 and c_2 are the codes with the
    most and the second most information on factor v_k (Chen 2018, equation 6). 1 where one code
    alone tells each factor, 0 where two tell as much. None below two codes.

    Args:
        information: (D, K) in nats.
        entropies: (K,) of the factors in nats, above 0.
    """
    if len(information) < 2 or not len(entropies):
        return None
    ordered = np.sort(information, axis=0)
    return float(((ordered[-1] - ordered[-2]) / entropies).mean())


def disentanglement(importance: np.ndarray) -> float | None:
    """Return DCI's disentanglement of (D, K) importances: does each code tell one factor only?

    D_i = 1 - H_K(P_i), P_i the importances of code i over the factors, of sum 1, and H_K the
    entropy to base K; the mean over codes, each weighted by its share of all importance. None
    below two factors, or where nothing is important.
    """
    return _peaked(importance, importance.sum(1))


def completeness(importance: np.ndarray) -> float | None:
    """Return DCI's completeness of (D, K) importances: is each factor told by one code only?

    C_k = 1 - H_D(Q_k), Q_k the importances of the codes for factor k, of sum 1; the mean over the
    factors. None below two codes, or without factors.
    """
    return _peaked(importance.T, (importance.sum(0) > 0).astype(np.float64))


def _peaked(rows: np.ndarray, weights: np.ndarray) -> float | None:
    if rows.shape[0] < 1 or rows.shape[1] < 2 or weights.sum() <= 0:
        return None
    shares = rows / np.maximum(rows.sum(1, keepdims=True), np.finfo(float).tiny)
    logs = np.log(np.where(shares > 0, shares, 1))
    entropies = -(shares * logs).sum(1) / np.log(rows.shape[1])
    return float(((1 - entropies) * weights).sum() / weights.sum())


def importances(
    codes: Mapping[str, np.ndarray], factor: np.ndarray, seed: int
) -> tuple[np.ndarray, float]:
    """Fit a random forest on the first half of the samples (as Eastwood 2018); score the second.

    Returns:
        (D,) importances of sum 1, those of a categorical code's values added up, and the share of
        right answers, or R^2 of a number.
    """
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    table, owner = _table(list(codes.values()))
    number = np.asarray(factor).dtype.kind == "f"
    kind = RandomForestRegressor if number else RandomForestClassifier
    half = len(factor) // 2
    forest = kind(TREES, min_samples_leaf=5, max_features=None, random_state=seed)
    forest.fit(table[:half], factor[:half])
    found = np.bincount(owner, forest.feature_importances_, len(codes))
    return found / max(found.sum(), 1e-12), float(forest.score(table[half:], factor[half:]))


def _table(codes: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return (N, F) columns, one for each value of a categorical code, and whose each is."""
    columns, owner = list[np.ndarray](), list[int]()
    for i, values in enumerate(codes):
        if np.asarray(values).dtype.kind == "f":
            made = [values]
        else:
            made = [(values == kind).astype(np.float64) for kind in range(int(values.max()) + 1)]
        columns += made
        owner += [i] * len(made)
    return np.stack(columns, 1), np.array(owner)
