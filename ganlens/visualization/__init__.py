"""Images made by gradient ascent: what excites a unit most (Olah 2017, and Lucid, its code)."""

from ganlens.visualization.ascent import Ascent, ascend
from ganlens.visualization.colours import Colours
from ganlens.visualization.fourier import draw_noise, draw_spectrum, spectral_scale, to_pixels
from ganlens.visualization.shake import Shake, affine

__all__ = [
    "Ascent",
    "Colours",
    "Shake",
    "affine",
    "ascend",
    "draw_noise",
    "draw_spectrum",
    "spectral_scale",
    "to_pixels",
]
