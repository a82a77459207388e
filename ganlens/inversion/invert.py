"""Inversion: the latents whose pictures come nearest to given images."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ganlens.errors import GanlensError
from ganlens.inversion.base import Inversion, Settings
from ganlens.inversion.lbfgs import minimise
from ganlens.inversion.objective import Coordinates, Loss, Residuals
from ganlens.inversion.start import (
    JACOBIANS,
    Encoder,
    inverse_hessian,
    mean_metric,
    nearest_of_pool,
)
from ganlens.progress import Progress, Steps

if TYPE_CHECKING:
    from ganlens.subject import Subject

DEFAULT = Settings()
SCOUT = 8  # evaluations after which only the best quarter of the starts goes on
KEPT = 4
# The pool has a stream that no sample's seed is likely to meet: a sample that is to be inverted
# must not lie in the pool already.
POOL_STREAM = 2**40
FILL = 8  # CPU kernels round odd batches differently: batches are filled up to a multiple of this


def invert(subject: "Subject", images: Tensor, settings: Settings = DEFAULT) -> Steps[Inversion]:
    """Search for the latents of images (Zhu 2016, arXiv 1609.03552; Lipton 2017, 1702.04782).

    A ridge encoder, fitted to generated pairs, gives the first guess; L-BFGS, started in the mean
    Gauss-Newton metric of generator and discriminator, does the rest. Several starts compete by
    successive halving. The same image gives the same latent in any company: nothing is drawn at
    random but the pool, and no row of a batch looks at another.

    Args:
        subject: its networks stay as they are: no gradients, no hooks, eval mode.
        images: (N, C, H, W) float in [-1, 1].
        settings: see ``Settings``.

    Yields:
        Progress, in images times evaluations.

    Returns:
        An Inversion.

    Raises:
        GanlensError: no images, images of another shape than the subject's, or not finite.
    """
    if tuple(images.shape[1:]) != tuple(subject.image_shape) or not len(images):
        raise GanlensError(
            f"images of shape {tuple(images.shape)} do not fit {subject.name}: give"
            f" (N, {', '.join(map(str, subject.image_shape))}), at least one"
        )
    if not bool(images.isfinite().all()) or images.abs().max() > 1:
        raise GanlensError("images must be finite and in [-1, 1]: see images.from_uint8")
    chunks = images.split(settings.batch_size)
    total = 2 + len(chunks)
    yield Progress(0, total, "generated images to start from")
    search = Search(subject, settings)
    yield Progress(1, total, "how latents move pictures")
    search.measure()
    found = []
    for number, chunk in enumerate(chunks):
        first = number * settings.batch_size
        what = f"latents of images {first + 1:,} to {first + len(chunk):,} are sought"
        yield Progress(2 + number, total, what)
        found.append(search(chunk))
    latents, losses, starts = (torch.cat(parts) for parts in zip(*found, strict=True))
    return search.result(images, latents, losses, starts)


class Search:
    """What the inversions of one subject share: the pool, the encoder, the metric.

    Args:
        subject: see ``invert``.
        settings: see ``Settings``.
    """

    def __init__(self, subject: "Subject", settings: Settings) -> None:
        self.subject, self.settings = subject, settings
        self.generator = subject.unconditional("generator")
        self.coordinates = Coordinates(subject.prior)
        z = subject.prior.sample_batch(settings.pool, POOL_STREAM + settings.seed)
        # Tensors made in inference mode cannot take part in gradients: clones can.
        self.pool = subject.generate(z).clone().to(subject.device)
        self.places = self.coordinates.of(z.to(subject.device))
        self.encoder = Encoder(self.pool, self.places)
        self.residuals = Residuals(subject, settings, self.pool)

    def measure(self) -> None:
        """Average the metric over the first latents of the pool."""
        u = self.places[:JACOBIANS]
        metric = mean_metric(self.generator, self.residuals, self.coordinates, u)
        self.inverse = inverse_hessian(metric)

    def __call__(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Invert one batch: (n, d) latents, (n,) losses and (n,) winning starts, on the CPU."""
        count = len(images)
        x = _filled(images.to(self.subject.device).clone())
        u, ranks = self._starts(x)
        while u.shape[1] > 1:
            u, values = self._run(x, u, min(SCOUT, self.settings.steps))
            order = values.argsort(dim=1, stable=True)[:, : -(-u.shape[1] // KEPT)]
            u, ranks = _pick(u, order), ranks.gather(1, order)
        u, values = self._run(x, u, self.settings.steps)
        z = self.coordinates.latents(u[:, 0]).float()
        return tuple(part[:count].cpu() for part in (z, values[:, 0], ranks[:, 0]))  # type: ignore[return-value]

    def _starts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return (n, K, d) coordinates to start from and (n, K) which they are."""
        guess = self.coordinates.inside(self.encoder(x)).double()[:, None]
        if self.settings.restarts > 1:
            near = nearest_of_pool(x, self.pool, self.settings.restarts - 1)
            guess = torch.cat([guess, self.places[near].double()], dim=1)
        return guess, torch.arange(guess.shape[1], device=x.device).expand(len(x), -1)

    def _run(self, x: Tensor, u: Tensor, steps: int) -> tuple[Tensor, Tensor]:
        """Run every start on: (n, K, d) to coordinates (n, K, d) and losses (n, K)."""
        best = []
        for k in range(u.shape[1]):
            loss = Loss(
                self.generator,
                self.residuals,
                self.coordinates,
                self.settings.prior_weight,
                x,
            )
            *_, last = minimise(loss, u[:, k], steps, self.inverse)
            best.append(last)
        points, values = zip(*best, strict=True)
        return torch.stack(points, 1), torch.stack(values, 1)

    def result(self, images: Tensor, z: Tensor, losses: Tensor, starts: Tensor) -> Inversion:
        """Measure what was reached."""
        drawn = self.subject.generate(z).clone()
        used = bool(self.residuals.layers)
        distance = torch.cat([self._distance(*p) for p in _pairs(drawn, images)]) if used else None
        scale = 1 / self.subject.prior.mean_square
        return Inversion(
            latents=z,
            losses=losses,
            pixel_mse=(drawn - images.cpu()).square().flatten(1).double().mean(1),
            feature_distance=distance,
            shell=z.double().square().mean(1) * scale,
            starts=starts,
            settings=self.settings,
        )

    @torch.no_grad()
    def _distance(self, drawn: Tensor, images: Tensor) -> Tensor:
        a, b = (
            self.residuals.features(_filled(part.to(self.subject.device)))
            for part in (drawn, images)
        )
        assert a is not None
        assert b is not None
        return (a - b).square().sum(1).double().cpu()[: len(images)]


def _pairs(a: Tensor, b: Tensor, size: int = 64) -> zip:
    return zip(a.split(size), b.split(size), strict=True)


def _filled(x: Tensor) -> Tensor:
    """Repeat the last image until the batch is a multiple of FILL."""
    return torch.cat([x, x[-1:].expand(-len(x) % FILL, *x.shape[1:])])


def _pick(u: Tensor, order: Tensor) -> Tensor:
    return u.gather(1, order[:, :, None].expand(-1, -1, u.shape[2]))
