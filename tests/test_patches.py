"""k-means features of patches: their constants, their geometry and what they tell apart."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from sklearn.feature_extraction.image import extract_patches_2d

from ganlens import patches
from ganlens.errors import GanlensError


def images(n: int = 40, channels: int = 3, side: int = 16, seed: int = 0) -> torch.Tensor:
    stream = torch.Generator().manual_seed(seed)
    return torch.rand(n, channels, side, side, generator=stream) * 2 - 1


def reference(image: np.ndarray, learned: patches.PatchFeatures) -> np.ndarray:
    """The formula of the paper, one image (H, W, C) in [0, 255], in float64."""
    cut = extract_patches_2d(image.astype(np.float64), (6, 6))
    flat = cut.reshape(len(cut), 6, 6, -1).transpose(0, 3, 1, 2).reshape(len(cut), -1)
    flat = flat - flat.mean(1, keepdims=True)
    flat = flat / np.sqrt(flat.var(1, ddof=1, keepdims=True) + 10)
    white = (flat - learned.mean.numpy()) @ learned.whiten.numpy()
    z = cdist(white, learned.centroids.numpy())
    f = np.maximum(0, z.mean(1, keepdims=True) - z)
    rows = image.shape[0] - 5
    maps, half = f.reshape(rows, rows, -1), (rows + 1) // 2
    parts = [maps[a, b].sum((0, 1)) for a in _halves(half) for b in _halves(half)]
    return np.stack(parts, 1).ravel()


def _halves(half: int) -> tuple[slice, slice]:
    return slice(0, half), slice(half, None)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [16, 19])
def test_equals_the_formula(channels: int, side: int) -> None:
    x = images(20, channels, side)
    learned = patches.learn_patches(x, 7)
    got = learned(x)
    assert got.shape == (20, 28)
    for image, row in zip(x[:3], got, strict=False):
        grey = ((image.double() + 1) * 127.5).permute(1, 2, 0).numpy()
        np.testing.assert_allclose(row.numpy(), reference(grey, learned), rtol=2e-3, atol=2e-2)


def test_whitened_patches_are_white() -> None:
    x = images(30)
    learned = patches.learn_patches(x, 3)
    drawn = patches.patches_of(x)
    values = torch.linalg.eigvalsh(torch.cov(learned.whitened(drawn).T))
    before = torch.linalg.eigvalsh(torch.cov(drawn.T))
    expected = before / (before + patches.ZCA)  # each eigenvalue, damped
    np.testing.assert_allclose(values[3:], expected[3:], rtol=0.02)


def test_a_flat_image_has_no_contrast_to_normalise() -> None:
    learned = patches.learn_patches(images(), 5)
    flat = learned(torch.full((2, 3, 16, 16), 0.3))
    assert torch.isfinite(flat).all()
    torch.testing.assert_close(flat[0], flat[1])


def test_a_batch_does_not_change_an_image() -> None:
    x = images(patches.BATCH + 3)
    learned = patches.learn_patches(x, 5)
    torch.testing.assert_close(learned(x)[-1:], learned(x[-1:]), rtol=1e-4, atol=1e-4)


def test_the_same_seed_learns_the_same() -> None:
    a, b, c = (patches.learn_patches(images(), 5, seed) for seed in (0, 0, 1))
    assert torch.equal(a.centroids, b.centroids)
    assert not torch.equal(a.centroids, c.centroids)


def test_directions_of_strokes_are_told_apart() -> None:
    """Horizontal and vertical stripes at random phases: no pixel and no mean tells them apart."""
    rng = np.random.default_rng(0)
    phase = torch.from_numpy(rng.uniform(0, 6.28, 60)).float()
    wave = torch.sin(torch.arange(16.0) * 1.5 + phase[:, None])
    lying = wave[:, None, :, None].expand(60, 1, 16, 16).clone()
    lying[30:] = lying[30:].transpose(2, 3).clone()
    noise = 0.1 * torch.from_numpy(rng.normal(size=lying.shape)).float()
    features = patches.learn_patches(lying + noise, 8)(lying + noise)
    means = torch.stack([features[:15].mean(0), features[30:45].mean(0)])
    guess = torch.cdist(features, means).argmin(1)
    assert (guess[15:30] == 0).all()
    assert (guess[45:] == 1).all()


@pytest.mark.parametrize("k", [0, 10**6])
def test_a_wrong_k_is_one_line(k: int) -> None:
    with pytest.raises(GanlensError, match=f"k {k} is out of range: give 1 to"):
        patches.learn_patches(images(4), k)
