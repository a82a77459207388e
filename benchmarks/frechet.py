"""The Fréchet solve at d = 2048 beside scipy's sqrtm and numpy's eigvals of the product.

Features with the spectrum of real ones (variances over five decades). Rounds alternate between the
methods, so that a busy machine slows all; times are medians over the rounds. At N = 4000 every
method starts from the same covariances. At N = 1000 ganlens starts from the features (the nuclear
norm of their products), the others from covariances that are given to them for nothing.

    python benchmarks/frechet.py [--rounds 3] [--threads 1] [--d 2048]
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import numpy as np
import scipy
from scipy import linalg
from threadpoolctl import threadpool_info, threadpool_limits

from ganlens.runs import machine
from ganlens.stats import frechet_distance, frechet_distance_from_features, mean_cov


def features(n: int, d: int, seed: int) -> np.ndarray:
    """Draw (n, d) correlated rows; another seed, a slightly other Gaussian."""
    generator = np.random.default_rng(seed)
    mix = np.eye(d) + np.random.default_rng(99).normal(size=(d, d)) / np.sqrt(d)
    rows = generator.normal(size=(n, d)) * np.logspace(0, -2.5, d)
    return rows @ mix + 0.02 * generator.normal(size=d)


def through_eigvals(mean_a, cov_a, mean_b, cov_b) -> float:
    """As several reimplementations do: roots of the eigenvalues of the product."""
    roots = np.sqrt(np.linalg.eigvals(cov_a @ cov_b).astype(complex)).real
    return float(((mean_a - mean_b) ** 2).sum() + np.trace(cov_a + cov_b) - 2 * roots.sum())


def through_sqrtm(mean_a, cov_a, mean_b, cov_b) -> float:
    """As pytorch-fid, torch-fidelity and clean-fid do."""
    root = linalg.sqrtm(cov_a @ cov_b)
    return float(((mean_a - mean_b) ** 2).sum() + np.trace(cov_a + cov_b - 2 * root.real))


def exact(a: np.ndarray, b: np.ndarray) -> float:
    """Return the distance in extended precision, for N below d: from the N x N inner products.

    The eigenvalues of ``K_a^(1/2) K_ab K_ab^T K_a^(-1/2)`` are those of the product of covariances;
    here as singular values of the centred inner products, refined in long double by one-sided
    Jacobi rotations, which need no tridiagonal form and lose no digits.
    """
    x, y = (s.astype(np.longdouble) for s in (a, b))
    delta = x.mean(axis=0) - y.mean(axis=0)
    x, y = (x - x.mean(axis=0)) / np.sqrt(len(x) - 1), (y - y.mean(axis=0)) / np.sqrt(len(y) - 1)
    norms = jacobi_singular_values(x @ y.T)
    return float(delta @ delta + (x * x).sum() + (y * y).sum() - 2 * norms.sum())


def jacobi_singular_values(matrix: np.ndarray) -> np.ndarray:
    """Singular values by one-sided Jacobi rotations of disjoint pairs of columns."""
    # Columns nearly orthogonal from the start: a float64 SVD saves most of the sweeps.
    start = linalg.svd(matrix.astype(np.float64))[2].T.astype(np.longdouble)
    for _ in range(2):  # orthogonal to long double, not only to float64
        start = start @ (3 * np.eye(len(start), dtype=np.longdouble) - start.T @ start) / 2
    columns = (matrix @ start).T.copy()
    n = len(columns) + len(columns) % 2
    columns = np.concatenate([columns, np.zeros((n - len(columns), columns.shape[1]))])
    order = np.arange(n)
    for _ in range(3 * (n - 1)):  # a round robin: three sweeps over all pairs
        i, j = order[: n // 2], order[n // 2 :][::-1]
        p, q = columns[i], columns[j]
        alpha, beta, gamma = (p * p).sum(1), (q * q).sum(1), (p * q).sum(1)
        angle = np.arctan2(2 * gamma, alpha - beta) / 2
        c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
        columns[i], columns[j] = c * p + s * q, c * q - s * p
        order = np.concatenate([order[:1], np.roll(order[1:], 1)])
    return np.sqrt((columns * columns).sum(axis=1))


Method = Callable[[], float]


def compare(title: str, methods: dict[str, Method], rounds: int) -> None:
    """Run all methods in turns, and print medians, ratios and values."""
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    values = {}
    for _ in range(rounds):
        for name, method in methods.items():
            began = time.perf_counter()
            values[name] = method()
            seconds[name].append(time.perf_counter() - began)
    ours = next(iter(methods))
    print(f"\n{title}\n\n| method | s | times ganlens (min - max) | value | relative difference |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name in methods:
        median = statistics.median(seconds[name])
        ratios = [b / a for a, b in zip(seconds[ours], seconds[name], strict=True)]
        ratio = f"{statistics.median(ratios):.1f} ({min(ratios):.1f} - {max(ratios):.1f})"
        difference = abs(values[name] / values[ours] - 1)
        print(
            f"| {name} | {median:.2f} | {ratio} | {values[name]:.9g} | {difference:.1e} |",
            flush=True,
        )


def rank_deficient(n: int, d: int) -> None:
    """Print what each method gets wrong where N < d, against extended precision."""
    a, b = features(n, d, 0), features(n, d, 1)
    reference = exact(a, b)
    both = (*mean_cov(a), *mean_cov(b))
    print(f"\nRank-deficient, N = {n}, d = {d}; in extended precision {reference:.12g}\n")
    print("| method | value | relative error |\n| --- | ---: | ---: |")
    for name, value in (
        ("ganlens, features", frechet_distance_from_features(a, b)),
        ("ganlens, covariances", frechet_distance(*both)),
        ("numpy eigvals(S1 @ S2)", through_eigvals(*both)),
        ("scipy sqrtm(S1 @ S2)", through_sqrtm(*both)),
    ):
        print(f"| {name} | {value:.12g} | {abs(value / reference - 1):.1e} |", flush=True)


def main() -> None:
    """Print three tables: N = 4000, N = 1000, and accuracy where N < d."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--d", type=int, default=2048)
    asked = parser.parse_args()
    d = asked.d
    with threadpool_limits(asked.threads):
        blas = {f"{i['internal_api']} {i['version']}" for i in threadpool_info() if i["version"]}
        print(
            f"{machine()}; {asked.threads} threads; Python {platform.python_version()}, numpy"
            f" {np.__version__}, scipy {scipy.__version__}, {', '.join(sorted(blas))}"
        )
        for n in (4000, 1000):
            a, b = features(n, d, 0), features(n, d, 1)
            both = (*mean_cov(a), *mean_cov(b))
            ours: Method = (
                (lambda both=both: frechet_distance(*both))
                if n > d
                else (lambda a=a, b=b: frechet_distance_from_features(a, b))
            )
            methods = {
                "ganlens": ours,
                "numpy eigvals(S1 @ S2)": lambda both=both: through_eigvals(*both),
                "scipy sqrtm(S1 @ S2)": lambda both=both: through_sqrtm(*both),
            }
            compare(f"N = {n}, d = {d}", methods, asked.rounds)
        rank_deficient(100, 256)


if __name__ == "__main__":
    main()
