"""How often the interval of the Fréchet distance holds the expected distance, by simulation.

    python benchmarks/coverage.py [--pairs 400] [--width 24]

One line per law and N: the share of nominal 95 % intervals that hold the mean distance of all pairs
of samples, the median standard error over the true deviation, and how often heavy tails are said.
"""

import argparse

import numpy as np

from ganlens.stats import frechet_interval

LAWS = ("Gaussian", "rectified", "t5 rows", "t3 rows", "t3 columns")


def rows(law: str, n: int, mix: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return (n, d) rows of a law, mixed by a (d, d) matrix."""
    x = rng.normal(size=(n, len(mix)))
    if law in ("t5 rows", "t3 rows"):
        freedom = int(law[1])
        x /= np.sqrt(rng.chisquare(freedom, (n, 1)) / freedom)
    elif law == "t3 columns":
        x = rng.standard_t(3, x.shape)
    found = x @ mix
    return np.maximum(found, 0) if law == "rectified" else found


def line(law: str, alike: bool, n: int, pairs: int, mix: np.ndarray) -> str:
    """Simulate one case."""
    rng = np.random.default_rng([LAWS.index(law), alike, n])
    scale, shift = (1.0, 0.0) if alike else (1.4, 0.3)
    found = [
        frechet_interval(rows(law, n, mix, rng), scale * rows(law, n, mix, rng) + shift)
        for _ in range(pairs)
    ]
    values = np.array([one.value for one in found])
    held = np.mean([one.low <= values.mean() <= one.high for one in found])
    ratio = np.median([one.standard_error for one in found]) / values.std(ddof=1)
    heavy = np.mean([one.heavy_tailed for one in found])
    sides = "alike" if alike else "different"
    return f"| {law} | {sides} | {n // len(mix)} d | {held:.0%} | {ratio:.2f} | {heavy:.0%} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=400)
    parser.add_argument("--width", type=int, default=24)
    given = parser.parse_args()
    mix = np.random.default_rng(1).normal(size=(given.width, given.width)) / given.width**0.5
    print("| features | sides | N | held | error / deviation | heavy tails said |")
    print("| --- | --- | --- | --- | --- | --- |")
    for law in LAWS:
        for alike in (False, True):
            for factor in (2, 10, 40):
                print(line(law, alike, factor * given.width, given.pairs, mix), flush=True)


if __name__ == "__main__":
    main()
