"""Images of stripes whose attributes a small classifier learns in seconds."""

import numpy as np

from ganlens.data import ImageSet


def striped(n=160, train=120, size=16, seed=0):
    """Images whose stripes lie (direction) and shine (brightness) as their attributes say."""
    generator = np.random.default_rng(seed)
    flat, bright = generator.integers(0, 2, (2, n))
    stripes = np.tile([0, 0, 1, 1], size // 4)
    pattern = np.where(flat[:, None, None], stripes[:, None], stripes[None, :])
    pixels = (
        60 + 60 * pattern + 70 * bright[:, None, None] + generator.integers(0, 20, (n, size, size))
    )
    images = pixels[..., None].repeat(3, -1).astype(np.uint8)
    bounds = {"train": (0, train), "test": (train, n)}
    return ImageSet(
        spec="stripes", images=images, labels=flat.astype(np.int64), class_names=("upright",
        "flat"), attributes={ "light": np.array(["dim", "bright"])[bright], "tilt":
        generator.normal(size=n), "constant": np.full(n, "same"), }, names=np.arange(n).astype(str),
        split="all", bounds=bounds, split_source="declared", fingerprint="all", fingerprints={"all":
        "all", "train": "tr", "test": "te"}, )  # fmt: skip
