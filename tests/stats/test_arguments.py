"""Arguments out of range are refused in one line, by every public function that takes them."""

import re

import numpy as np
import pytest
import torch

from ganlens import interpolation, perceptual, stats
from ganlens.directions import direction
from ganlens.errors import GanlensError
from ganlens.stats import auc, authenticity, copying, effective_rank, excess, spectrum

X = np.random.default_rng(0).normal(size=(30, 4))
A, B, T = torch.ones(3), -torch.arange(3.0), torch.linspace(0, 1, 4)
NAN, INF = float("nan"), float("inf")

CALLS = [
    *((lambda g=g: stats.kernel_distance(X, X, subset_size=10, gamma=g), "gamma")
      for g in (-1.0, 0.0, NAN, INF)),
    *((lambda c=c: stats.kernel_distance(X, X, subset_size=10, coef0=c), "coef0")
      for c in (-0.1, NAN, INF)),
    *((lambda s=s: stats.kernel_distance(X, X, subset_size=s), "whole numbers")
      for s in (0, 1, 2.5)),
    (lambda: stats.kernel_distance(X, X, subset_size=10, subsets=0), "at least 1 subset"),
    (lambda: stats.kernel_distance(X, X, subset_size=10, degree=0), "degree 1"),
    (lambda: stats.kernel_distance(X, X, subset_size=10, degree=2.5), "whole numbers"),
    (lambda: stats.kernel_distance(X, X, subset_size=10, seed=-1), "seed -1"),
    *((lambda t=t: stats.memorization_informed(1.0, 0.05, t), "threshold")
      for t in (0.0, -1.0, 1.1, NAN)),
    *((lambda d=d: stats.memorization_informed(1.0, d), "distance") for d in (-0.1, 1.5, NAN)),
    *((lambda f=f: stats.memorization_informed(f, 0.1), "frechet") for f in (-1.0, NAN, INF)),
    *((lambda r=r: authenticity.spacing(X, r), "rows") for r in ([30], [-1], [0.5])),
    *((lambda t=t: copying.copying_score([1.0, 2.0], [1.0], tau=t), "tau")
      for t in (-0.1, -0.5, 1.5, NAN)),
    *((lambda n=n: stats.inception_score(X, splits=n), "splits") for n in (0, -1, 1.5)),
    (lambda: stats.inception_score(X, seed=-1), "seed -1"),
    *((lambda v=v: effective_rank.effective_rank(np.array(v)), "singular values")
      for v in ([-1.0, 2.0], [NAN], [INF, 1.0])),
    (lambda: effective_rank.participation_ratio(np.array([-1.0, 2.0])), "singular values"),
    (lambda: auc.auc(np.ones(3), np.ones(4, bool)), "shape"),
    (lambda: auc.auc_table(np.ones((3, 2)), np.ones((3, 1), bool)), "orders nothing"),
    (lambda: auc.auc_table(np.ones((3, 2)), np.ones((4, 1), bool)), "shape"),
    *((lambda n=n: stats.principal_axes(X, n), "principal axes") for n in (0, -2)),
    (lambda: spectrum.kaiser_window(0), "side 0"),
    (lambda: spectrum.kaiser_window(8, -1.0), "beta -1"),
    (lambda: spectrum.whitening(np.zeros((0, 1, 4, 4))), "0 images"),
    *((lambda p=p: spectrum.amplitude(1.0, 8, p), "period") for p in (0, 1, -2)),
    *((lambda p=p: excess.nyquist_points(p), "period") for p in (0, 1)),
    (lambda: excess.local_power(np.zeros((2, 1, 8, 8)), 4, 2), "coarsest 2"),
    (lambda: excess.excess(np.ones((1, 3, 9))), "1 images"),
    *((lambda p=p: excess.holm([0.1, p]), "p-values") for p in (-0.1, 1.1, NAN)),
    *((lambda k=k: stats.precision_recall(X, X, k), "k = ") for k in (0, -1, 30)),
    *((lambda k=k: stats.density_coverage(X, X, k), "k = ") for k in (0, 30)),
    *((lambda n=n: stats.frechet_interval(X, X, level=n), "level") for n in (0, 1, NAN)),
    (lambda: stats.frechet_infinity(X, X, points=2), "points"),
    *((lambda e=e: perceptual.path_lengths(
        A[None], B[None], T[:1], route=interpolation.lerp, embed=lambda z: z, epsilon=e), "epsilon")
      for e in (0.0, -0.1, 1.0, NAN)),
    *((lambda p=p: perceptual.mean_length(T, p), "percentiles")
      for p in ((-1, 50), (5, 101), (60, 40), (NAN, 50))),
    (lambda: perceptual.mean_length(torch.tensor([1.0, NAN])), "NaN"),
    *((lambda t=t: direction.duplicates([], t), "threshold") for t in (0.0, -1.0, 1.1, NAN)),
    *((lambda f=f: f(A, B[:2], T), "shapes") for f in (interpolation.lerp, interpolation.slerp)),
    *((lambda f=f: f(A * NAN, B, T), "NaN") for f in (interpolation.lerp, interpolation.slerp)),
    *((lambda n=n: interpolation.walk(torch.stack([A, B]), n, "lerp"), "steps") for n in (0, 1)),
    (lambda: interpolation.walk(A[None], 3, "lerp"), "corners"),
    (lambda: interpolation.plane(torch.stack([A, B]), 2, 2, "lerp"), "corners"),
    (lambda: interpolation.plane(torch.ones(4, 3), 0, 2, "lerp"), "0 by 2"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "word"), CALLS)
def test_an_argument_out_of_range_is_refused_and_named(call, word: str) -> None:
    with pytest.raises(GanlensError, match=word) as caught:
        call()
    assert re.search("give|choose|check|leave", str(caught.value))  # the next step


def test_what_is_at_the_ends_of_the_ranges_is_taken() -> None:
    assert stats.kernel_distance(X, X[:20], subset_size=2, coef0=0.0, degree=1).subset_size == 2
    assert stats.memorization_informed(1.0, 0.5, 1.0) == pytest.approx(2)
    assert perceptual.mean_length(T, (0, 100)).kept == 4
    assert direction.duplicates([], 1.0) == []
    assert effective_rank.participation_ratio(np.array([2.0, 2.0, 0.0])) == pytest.approx(2)


def test_slerp_is_shoemakes_of_the_unit_vectors_and_whites_where_norms_are_equal() -> None:
    a, b = torch.randn(2, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def white(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        angle = torch.arccos(a @ b / a.norm() / b.norm())
        t = T[:, None].double()
        return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)

    a = a / a.norm() * b.norm()
    torch.testing.assert_close(interpolation.slerp(a, b, T), white(a, b))
    ours, theirs = interpolation.slerp(3 * a, b, T), white(3 * a, b)
    torch.testing.assert_close(ours.norm(dim=1), b.norm() * torch.linspace(3, 1, 4).double())
    assert (theirs.norm(dim=1) - ours.norm(dim=1)).abs().max() > 0.1
