"""Exact nearest neighbours beside scikit-learn's brute force and a plain faiss IndexFlatL2.

Random images as float32 rows in [0, 1], and among the queries planted near-duplicates of base rows,
whose distance is known. Rounds alternate between the methods, so that a busy machine slows all;
times are medians over the rounds and include building the index.

    python benchmarks/neighbors.py [--queries 10000] [--base 50000] [--d 3072] [--threads 1]
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import faiss
import numpy as np
import sklearn
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from ganlens.runs import machine
from ganlens.stats import nearest

PLANTED = 100
Found = tuple[np.ndarray, np.ndarray]
Method = Callable[[np.ndarray, np.ndarray], Found]


def data(queries: int, base: int, d: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw queries and base; the first queries are base rows with one number changed a little."""
    generator = np.random.default_rng(0)
    points = generator.random((base, d), dtype=np.float32)
    asked = generator.random((queries, d), dtype=np.float32)
    asked[:PLANTED] = points[:PLANTED]
    asked[:PLANTED, 0] += np.float32(0.0045)
    changed = asked[:PLANTED].astype(np.float64) - points[:PLANTED]
    return asked, points, np.sqrt((changed**2).sum(axis=1))


def by_ganlens(queries: np.ndarray, base: np.ndarray) -> Found:
    """Proposals in float32, decided in float64."""
    return nearest(queries, base, 1)


def by_sklearn(queries: np.ndarray, base: np.ndarray) -> Found:
    """scikit-learn, which searches float32 rows by float64 products."""
    return NearestNeighbors(n_neighbors=1, algorithm="brute").fit(base).kneighbors(queries)


def by_faiss(queries: np.ndarray, base: np.ndarray) -> Found:
    """Plain faiss: float32 products."""
    index = faiss.IndexFlatL2(base.shape[1])
    index.add(base)
    squared, indices = index.search(queries, 1)
    return np.sqrt(squared), indices


METHODS: dict[str, Method] = {
    "ganlens.stats.nearest": by_ganlens,
    "sklearn NearestNeighbors(brute)": by_sklearn,
    "faiss IndexFlatL2": by_faiss,
}


def main() -> None:
    """Print times, agreement and the error on the planted near-duplicates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--queries", type=int, default=10_000)
    parser.add_argument("--base", type=int, default=50_000)
    parser.add_argument("--d", type=int, default=3072)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    queries, base, truth = data(asked.queries, asked.base, asked.d)
    print(
        f"{machine()}; {asked.threads} threads; Python {platform.python_version()}, numpy"
        f" {np.__version__}, scikit-learn {sklearn.__version__}, faiss {faiss.__version__}\n"
        f"{asked.queries:,} queries against {asked.base:,} x {asked.d:,}\n"
    )
    seconds: dict[str, list[float]] = {name: [] for name in METHODS}
    found: dict[str, Found] = {}
    faiss.omp_set_num_threads(asked.threads)
    with threadpool_limits(asked.threads):
        for _ in range(asked.rounds):
            for name, method in METHODS.items():
                began = time.perf_counter()
                found[name] = method(queries, base)
                seconds[name].append(time.perf_counter() - began)
    ours = next(iter(METHODS))
    print(
        "| method | s | times ganlens (min - max) | same neighbour | error on planted, relative |"
    )
    print("| --- | ---: | ---: | ---: | ---: |")
    for name in METHODS:
        distances, indices = found[name]
        median = statistics.median(seconds[name])
        ratios = [b / a for a, b in zip(seconds[ours], seconds[name], strict=True)]
        ratio = f"{statistics.median(ratios):.1f} ({min(ratios):.1f} - {max(ratios):.1f})"
        same = float((indices == found[ours][1]).mean())
        error = float(np.abs(distances[:PLANTED, 0] / truth - 1).max())
        print(f"| {name} | {median:.1f} | {ratio} | {same:.2%} | {error:.1e} |")


if __name__ == "__main__":
    main()
