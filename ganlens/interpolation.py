"""Between two latents: straight lines, arcs, and walks through several of them."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, Protocol, cast, get_args

import torch
from torch import Tensor

from ganlens.errors import GanlensError, one_of

Mode = Literal["auto", "lerp", "slerp", "gaussian"]
MODES: tuple[str, ...] = get_args(Mode)
ROUTES: dict[str, Mode] = {"normal": "slerp", "uniform": "gaussian", "categorical": "lerp"}


class Part(Protocol):
    """Neighbouring coordinates that are drawn alike, as ``models.prior.Part`` describes them."""

    @property
    def name(self) -> str:
        """Return what captions call it."""
        ...

    @property
    def kind(self) -> str:
        """Return a key of ROUTES."""
        ...

    @property
    def dim(self) -> int:
        """Return how many coordinates it has."""
        ...


def lerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Walk the straight line from ``a`` to ``b``, both (d,), at (T,) positions in [0, 1]: (T, d).

    Halfway between two latents of a normal prior the norm falls to 0.71 of what the prior draws.
    """
    _check_ends(a, b, t)
    weight = t[:, None].to(a)
    return a + weight * (b - a)


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Walk the arc from ``a`` to ``b``: directions along the great circle, norms linearly.

    Shoemake's (1985) spherical interpolation of the unit vectors, times the norm between both. The
    code of White 2016 (arXiv 1609.04468), who brought it to latents, weights the latents themselves
    instead: the same where both norms are equal; where they differ, its norm is not linear and its
    direction turns unevenly, though in the same plane. Directions that are parallel, opposite or
    zero have no single arc and fall back to the straight line.

    Args:
        a: (d,) latent.
        b: (d,) latent.
        t: (T,) positions in [0, 1].

    Returns:
        (T, d).

    Raises:
        GanlensError: ends or positions of another shape, or values that are not finite.
    """
    _check_ends(a, b, t)
    start, end, where = a.double(), b.double(), t.double()[:, None]
    norms = start.norm(), end.norm()
    cosine = (start @ end / (norms[0] * norms[1]).clamp_min(1e-12)).clamp(-1, 1)
    angle = torch.arccos(cosine)
    if torch.sin(angle) < 1e-6 or min(norms) == 0:
        return lerp(a, b, t)
    arc = (
        torch.sin((1 - where) * angle) * start / norms[0]
        + torch.sin(where * angle) * end / norms[1]
    )
    length = (1 - where) * norms[0] + where * norms[1]
    return (arc / torch.sin(angle) * length).to(a)


def gaussian_slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Slerp for a uniform prior: U(-1, 1) through its CDF to N(0, 1), slerp there, and back.

    Unlike a straight line it stays where the uniform prior has its mass. Shapes as ``slerp``.
    """
    edge = 1 - 1e-6  # the normal quantile of exactly 0 or 1 is infinite
    normal_a, normal_b = (torch.erfinv(z.double().clamp(-edge, edge)) for z in (a, b))
    return torch.erf(slerp(normal_a, normal_b, t)).to(a)


def _check_ends(a: Tensor, b: Tensor, t: Tensor) -> None:
    if a.ndim != 1 or a.shape != b.shape or t.ndim != 1:
        shapes = ", ".join(str(tuple(one.shape)) for one in (a, b, t))
        raise GanlensError(f"ends and positions of shapes {shapes}: give (d,), (d,) and (T,)")
    if not all(bool(torch.isfinite(one).all()) for one in (a, b, t)):
        raise GanlensError("ends or positions hold NaN or infinity: give finite latents")


_WALKS = {"lerp": lerp, "slerp": slerp, "gaussian": gaussian_slerp}


def resolve_mode(mode: str, kind: str) -> Mode:
    """Turn "auto" into the mode that keeps to where the kind of prior has its mass.

    Normal: slerp. Uniform: gaussian. Halfway between two of its latents a straight line has 0.71 of
    their length, and each coordinate the triangular distribution, crowded around 0; slerp keeps the
    length, but 8.6 % of the coordinates, (2 - sqrt 2)^2 / 4, leave [-1, 1], where no latent ever
    was; the gaussian route keeps both the length and the uniform distribution. Of a prior of
    several parts "auto" stays as it is: each part goes by the route of its own kind (``ROUTES``),
    a one-hot one straight. Another mode takes all the coordinates as one vector.

    Raises:
        GanlensError: not a mode, or "gaussian" for a prior that is not uniform.
    """
    if mode not in MODES:
        raise one_of("mode", mode, MODES)
    if mode == "gaussian" and kind != "uniform":
        instead = (
            "one of several parts take 'auto'" if kind == "parts" else "a normal one take 'slerp'"
        )
        raise GanlensError(f"mode 'gaussian' is for a uniform prior: with {instead}")
    if mode != "auto" or kind == "parts":
        return cast(Mode, mode)
    return ROUTES[kind]


def in_words(mode: str, parts: Sequence[Part]) -> str:
    """Return a mode for a caption: "slerp", or "slerp (normal) and lerp (categorical)"."""
    if mode != "auto":
        return mode
    routes = [f"{ROUTES[part.kind]} ({part.name})" for part in parts]
    return " and ".join([", ".join(routes[:-1]), routes[-1]] if len(routes) > 1 else routes)


def between(a: Tensor, b: Tensor, t: Tensor, mode: str, parts: Sequence[Part] = ()) -> Tensor:
    """Go from ``a`` to ``b``, both (d,), to (T,) positions: (T, d).

    Args:
        a: start.
        b: end.
        t: positions in [0, 1].
        mode: "lerp", "slerp" or "gaussian"; or "auto", which takes each part by its own route.
        parts: of the latents, from left to right; needed by "auto".

    Raises:
        GanlensError: "auto" without parts, or another word that is no mode.
    """
    if mode == "auto" and parts:
        widths = [part.dim for part in parts]
        ends = zip(parts, a.split(widths), b.split(widths), strict=True)
        return torch.cat([_WALKS[ROUTES[p.kind]](start, end, t) for p, start, end in ends], dim=1)
    if mode not in _WALKS:
        raise one_of("mode", mode, _WALKS)
    return _WALKS[mode](a, b, t)


def walk(
    corners: Tensor, steps: int, mode: str, *, doubled: bool = True, parts: Sequence[Part] = ()
) -> Tensor:
    """Walk through (K, d) corners with ``steps`` latents per leg, both of its corners included.

    Args:
        corners: (K, d), K at least 2.
        steps: at least 2.
        mode: see ``between``.
        doubled: inner corners stand twice, as the end of one leg and the start of the next.
        parts: see ``between``.

    Returns:
        ((K - 1) * steps, d), or ((K - 1) * (steps - 1) + 1, d) where no corner is doubled.

    Raises:
        GanlensError: fewer than 2 corners or steps; or as ``between``.
    """
    if corners.ndim != 2 or len(corners) < 2 or steps < 2:
        raise GanlensError(
            f"corners of shape {tuple(corners.shape)} and {steps} steps: give (K, d) with K of at "
            "least 2, and at least 2 steps"
        )
    t = torch.linspace(0, 1, steps, dtype=torch.float64, device=corners.device)
    legs = [between(a, b, t, mode, parts) for a, b in pairwise(corners)]
    return torch.cat(legs if doubled else [legs[0], *(leg[1:] for leg in legs[1:])])


def plane(corners: Tensor, down: int, across: int, mode: str, parts: Sequence[Part] = ()) -> Tensor:
    """Fill the plane between (4, d) corners: top left, top right, bottom left, bottom right.

    The upper and the lower edge are walked first, then the columns between them. By "lerp" that is
    bilinear and the order does not matter; by the arcs it matters a little.

    Returns:
        (down * across, d), row by row.

    Raises:
        GanlensError: other than 4 corners, a side without positions; or as ``between``.
    """
    if corners.ndim != 2 or len(corners) != 4 or min(down, across) < 1:
        raise GanlensError(
            f"corners of shape {tuple(corners.shape)} and {down} by {across} positions: give (4, d)"
            " and at least 1 by 1"
        )
    device = corners.device
    s, t = (torch.linspace(0, 1, n, dtype=torch.float64, device=device) for n in (down, across))
    a, b, c, d = corners
    upper, lower = between(a, b, t, mode, parts), between(c, d, t, mode, parts)
    columns = [between(*ends, s, mode, parts) for ends in zip(upper, lower, strict=True)]
    return torch.stack(columns, 1).flatten(0, 1)
