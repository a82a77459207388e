"""GANSpace: principal components of a layer's activations, and what moves along them in latents."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ganlens.activations import run_to
from ganlens.directions.direction import Direction, fixed_sign, unit_of
from ganlens.errors import GanlensError
from ganlens.progress import Progress, Steps

if TYPE_CHECKING:
    from sklearn.decomposition import IncrementalPCA

    from ganlens.subject import Subject

CHUNK = 256  # rows per step of the PCA: fixed, so that the batch size changes nothing
KEPT = 32  # components behind the regression; the authors take 80 of BigGAN


def ganspace(
    subject: "Subject",
    layer: str,
    count: int,
    seeds: Sequence[int],
    fresh: Sequence[int],
    *,
    kept: int = KEPT,
    batch_size: int = 64,
    provenance: dict[str, Any] | None = None,
) -> Steps[list[Direction]]:
    """Find the directions of largest variance at a generator layer (Härkönen 2020, 2004.02546).

    All latents are drawn first; their activations at the layer stream through an incremental PCA;
    with fresh latents Z, lstsq(coordinates, Z) says which latent goes with each component. Two
    edits come of it. ``Direction.move`` moves the latent. ``Direction.offset_edit`` leaves the
    latent alone and adds the component, scaled by its standard deviation, to the layer's output:
    these are the paper's edits by layer range. In a feed-forward DCGAN the latent enters only at
    the first layer, so an offset at layer L changes only what L and later layers decide; what
    earlier layers decided (their activations) stays as it is.

    Args:
        subject: a loaded GAN.
        layer: name of a generator layer.
        count: how many directions, at most ``kept``.
        seeds: latents of the PCA.
        fresh: latents of the regression; the paper takes other ones than for the PCA.
        kept: components of the PCA.
        batch_size: latents at a time; does not change the result.
        provenance: is put into each Direction.

    Yields:
        Progress.

    Returns:
        Directions by falling explained variance; strength is its share, metrics["std"] the
        standard deviation of the coordinate, metrics["r2"] the share of the coordinate's variance
        that a straight line in the latent explains (1 at a linear layer).

    Raises:
        GanlensError: an unknown layer, or too few samples for so many components.
    """
    from sklearn.decomposition import IncrementalPCA

    kept = min(max(kept, count), len(seeds))
    if count < 1 or count > kept or len(fresh) <= kept:
        raise GanlensError(
            f"{count} GANSpace directions need more than {max(kept, count)} samples for the PCA "
            f"and for the regression, not {len(seeds)} and {len(fresh)}"
        )
    z, again = subject.latents(seeds), subject.latents(fresh)
    total, done = len(z) + len(again), 0
    parts = np.array_split(np.arange(len(z)), max(1, len(z) // max(CHUNK, kept)))
    pca: Any = None
    for rows in parts:
        yield Progress(done, total, f"activations of {layer}")
        found = activations(subject, layer, z[rows], batch_size)
        if pca is None:
            pca = IncrementalPCA(min(kept, found.shape[1]))
        pca.partial_fit(found)
        done += len(rows)
    coordinates = []
    for part in again.split(CHUNK):
        yield Progress(done, total, f"activations of {layer}")
        coordinates.append(pca.transform(activations(subject, layer, part, batch_size)))
        done += len(part)
    return list(
        _directions(pca, np.concatenate(coordinates), again, layer, count, provenance or {})
    )


def _directions(
    pca: "IncrementalPCA",
    coordinates: np.ndarray,
    z: Tensor,
    layer: str,
    count: int,
    provenance: dict[str, Any],
) -> Iterator[Direction]:
    latents = z.double().numpy()
    x, y = coordinates - coordinates.mean(0), latents - latents.mean(0)
    rows = np.linalg.lstsq(x.astype(np.float64), y, rcond=None)[0]
    lines = np.linalg.lstsq(y, x.astype(np.float64), rcond=None)[0]
    left = ((x - y @ lines) ** 2).sum(0) / np.maximum((x**2).sum(0), 1e-300)
    for i in range(min(count, len(rows))):
        unit = unit_of(rows[i])
        sign, std = fixed_sign(unit), float(pca.explained_variance_[i]) ** 0.5
        yield Direction(
            name=f"ganspace {i + 1}",
            method="ganspace",
            unit=unit * sign,
            strength=float(pca.explained_variance_ratio_[i]),
            layer=layer,
            offset=(sign * std * pca.components_[i]).astype(np.float32),
            metrics={"std": std, "r2": float(1 - left[i])},
            provenance={**provenance, "layer": layer, "samples": int(pca.n_samples_seen_)},
        )


@torch.inference_mode()
def activations(subject: "Subject", layer: str, z: Tensor, batch_size: int = 64) -> np.ndarray:
    """Return what a generator layer puts out for (N, d) latents: (N, D) float32, flattened.

    Raises:
        GanlensError: an unknown layer.
    """
    found = []
    for part in z.split(batch_size):
        # Filled up as in ``Subject.generate``: the same bits for a latent in any company.
        filled = F.pad(part, (0, 0, 0, -len(part) % 8)).to(subject.device)
        output = run_to(subject.unconditional("generator"), layer, filled)
        found.append(output[: len(part)].flatten(1).float().cpu())
    return torch.cat(found).numpy()
