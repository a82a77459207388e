"""Features of k-means on image patches: what one layer learns without any network.

Coates, Ng and Lee (2011), An analysis of single-layer networks in unsupervised feature learning
(AISTATS), with the constants of their published code, but for fewer patches, 20 of its 50 rounds of
k-means, and faiss's way to begin them: patches are normalised in contrast and whitened (ZCA),
k-means learns K centroids, and each patch of an image is described by how much nearer than the
average it lies to each of them, summed over the image's four quadrants.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ganlens.errors import GanlensError

SIDE = 6  # pixels of a patch's edge
CONTRAST = 10 / 127.5**2  # added to a patch's variance: 10 on the scale of 0 to 255
ZCA = 0.1  # added to the eigenvalues of the whitening
PATCHES = 100_000  # about as many are learned from: equally many of each image, at least 1
ROUNDS = 20  # of k-means
BATCH = 4  # images at a time: at K = 400 their maps stay in the cache; 16 took 1.5 times as long


@dataclass(frozen=True)
class PatchFeatures:
    """What was learned from patches; called on (N, C, H, W) images, it gives (N, K * 4) features.

    Attributes:
        mean: (P,) of the normalised patches, P = C * 6 * 6.
        whiten: (P, P) symmetric ZCA matrix.
        centroids: (K, P) in whitened space.
    """

    mean: Tensor
    whiten: Tensor
    centroids: Tensor

    @torch.inference_mode()
    def __call__(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) images in [-1, 1], 6 px a side or more, to (N, K * 4) float32, >= 0.

        Feature 4 k + q is centroid k's sum over quadrant q: top left, top right, bottom left,
        bottom right.
        """
        return torch.cat([self._pooled(part) for part in x.split(BATCH)])

    def _pooled(self, x: Tensor) -> Tensor:
        rows, columns = (side - SIDE + 1 for side in x.shape[2:])
        near = triangle(self.whitened(patches_of(x)), self.centroids)
        maps = near.view(len(x), rows, columns, -1)
        top, left = -(-rows // 2), -(-columns // 2)
        quadrants = [
            maps[:, y, z].sum((1, 2))
            for y in (slice(0, top), slice(top, None))
            for z in (slice(0, left), slice(left, None))
        ]
        return torch.stack(quadrants, 2).flatten(1)

    def whitened(self, patches: Tensor) -> Tensor:
        """Map (M, P) normalised patches to whitened ones."""
        return (patches - self.mean) @ self.whiten


def patches_of(x: Tensor) -> Tensor:
    """Return all patches of (N, C, H, W) images, each normalised: (N * (H - 5) * (W - 5), P)."""
    found = F.unfold(x, SIDE).transpose(1, 2).flatten(0, 1)
    centred = found - found.mean(1, keepdim=True)
    return (
        centred / (centred.square().sum(1, keepdim=True) / (found.shape[1] - 1) + CONTRAST).sqrt()
    )


def triangle(patches: Tensor, centroids: Tensor) -> Tensor:
    """Return the triangle encoding of (M, P) patches by (K, P) centroids (Coates 2011).

    That is (M, K): max(0, mean distance - distance).
    """
    distance = torch.cdist(patches, centroids, compute_mode="use_mm_for_euclid_dist")
    return (distance.mean(1, keepdim=True) - distance).clamp_min_(0)


def learn_patches(images: Tensor, k: int, seed: int = 0) -> PatchFeatures:
    """Learn K centroids from patches at random places of images.

    Args:
        images: (N, C, H, W) float32 in [-1, 1]; some thousands are plenty.
        k: number of centroids.
        seed: of the places and of k-means.

    Raises:
        GanlensError: no images or smaller ones than a patch, no centroid, or more than patches.
    """
    import faiss

    if not len(images) or min(images.shape[2:]) < SIDE:
        raise GanlensError(
            f"images of shape {tuple(images.shape)} have no patches: give some of {SIDE} px or more"
        )
    drawn = _draw(images, torch.Generator().manual_seed(seed))
    if not 1 <= k <= len(drawn):
        raise GanlensError(f"k-means with k {k} is out of range: give 1 to {len(drawn):,}")
    mean = drawn.mean(0)
    values, vectors = torch.linalg.eigh(torch.cov(drawn.T))
    whiten = (vectors * (values.clamp_min(0) + ZCA).rsqrt()) @ vectors.T
    white = ((drawn - mean) @ whiten).numpy()
    kmeans = faiss.Kmeans(
        white.shape[1], k, niter=ROUNDS, seed=seed, max_points_per_centroid=len(white),
        min_points_per_centroid=1,
    )  # fmt: skip
    kmeans.train(white)
    return PatchFeatures(mean, whiten, torch.tensor(kmeans.centroids))


def _draw(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return (M, P) normalised patches, the same number of every image."""
    each = max(1, PATCHES // len(images))
    found = []
    for image in images.split(1):
        every = patches_of(image)
        found.append(every[torch.randperm(len(every), generator=generator)[:each]])
    return torch.cat(found)
