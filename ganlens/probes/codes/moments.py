"""Moments of images: how much ink there is, where it lies, how it leans, how thick it is."""

import numpy as np

SHARE = "0 to 1"  # of the brightness of white
MOMENTS = {  # name -> unit
    "ink": SHARE,
    "brightness": SHARE,
    "centre x": "px",
    "centre y": "px",
    "width": "px",
    "height": "px",
    "slant": "degrees",
    "thickness": "px",
}
FAINT = 0.02  # largest ink of an image below which it has no place and no shape
APART = 1e6  # pixels between the images of a stack, so that no distance reaches the next one


def background(x: np.ndarray) -> float:
    """Return the median brightness of the outermost pixels of (N, C, H, W) images, 0 to 1."""
    light = luminance(x)
    edge = np.concatenate([light[:, [0, -1], :].reshape(-1), light[:, :, [0, -1]].reshape(-1)])
    return float(np.median(edge))


def luminance(x: np.ndarray) -> np.ndarray:
    """Return the mean over the channels of (N, C, H, W) images in [-1, 1]: (N, H, W), 0 to 1."""
    light: np.ndarray = (np.asarray(x, dtype=np.float64).mean(1) + 1) / 2
    return light


def moments(x: np.ndarray, ground: float = 0.0) -> dict[str, np.ndarray]:
    """Measure (N, C, H, W) images in [-1, 1].

    Ink is the distance of a pixel's brightness from that of the background: white on black and
    black on white are measured alike. Of photographs, where no ink lies on a ground, it is what
    differs from the brightness of their edges, a coarse measure.

    Args:
        x: the images.
        ground: brightness of the background, 0 to 1; see ``background``.

    Returns:
        Name -> (N,) float64, NaN where an image has too little ink to have a place or a shape:
        "ink" and "brightness", means over the pixels; "centre x" and "centre y" of the ink in
        pixels from the middle, to the right and downwards; "width" and "height", the standard
        deviation of the ink's place in pixels; "slant", the angle in degrees by which the ink
        leans to the right of upright, by the shear of its second moments; "thickness" of strokes
        in pixels.
    """
    light = luminance(x)
    ink = np.abs(light - ground)
    faint = ink.max((1, 2)) < FAINT
    mass = np.where(faint, np.nan, ink.sum((1, 2)))
    height, width = ink.shape[1:]
    down, right = np.arange(height) - (height - 1) / 2, np.arange(width) - (width - 1) / 2
    x0 = (ink.sum(1) @ right) / mass
    y0 = (ink.sum(2) @ down) / mass
    xx = (ink.sum(1) @ right**2) / mass - x0**2
    yy = (ink.sum(2) @ down**2) / mass - y0**2
    xy = np.einsum("nhw,h,w->n", ink, down, right) / mass - x0 * y0
    return {
        "ink": ink.mean((1, 2)),
        "brightness": light.mean((1, 2)),
        "centre x": x0,
        "centre y": y0,
        "width": np.sqrt(np.maximum(xx, 0)),
        "height": np.sqrt(np.maximum(yy, 0)),
        "slant": np.degrees(np.arctan2(-xy, np.where(yy > 0, yy, np.nan))),
        "thickness": np.where(faint, np.nan, thickness(ink)),
    }


def thickness(ink: np.ndarray) -> np.ndarray:
    """Return the mean thickness of strokes in pixels of (N, H, W) ink: (N,).

    A pixel is in a stroke where its ink is above half of the image's largest. In a bar w pixels
    wide the mean distance to the next pixel outside is (w + 2) / 4 if w is even, and up to
    1 / (4 w) more if it is odd; solved for w. Where nothing or everything is in a stroke: NaN.
    """
    from scipy.ndimage import distance_transform_edt

    inside = ink > ink.max((1, 2), keepdims=True) / 2
    count = inside.sum((1, 2))
    known = (count > 0) & (count < inside[0].size)
    inside[~known] = False
    inside[~known, 0, 0] = True  # something to measure, which is thrown away
    distances = distance_transform_edt(inside, sampling=(APART, 1, 1))
    mean = distances.sum((1, 2)) / inside.sum((1, 2))
    return np.where(known, 4 * mean - 2, np.nan)
