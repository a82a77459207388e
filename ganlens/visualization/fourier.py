"""An image as its spectrum: a step of gradient ascent moves all frequencies alike.

In pixels the gradient of a network is mostly high frequencies, and ascent ends in noise that
excites the unit and shows nothing. Weighted by 1/f, as natural images are, shapes come first
(Olah, Mordvintsev and Schubert 2017, "Feature Visualization"; ``lucid/optvis/param/spatial.py``).
"""

import torch
from torch import Generator, Tensor

from ganlens.errors import GanlensError
from ganlens.visualization.colours import Colours

START = 0.01  # standard deviation of the first coefficients, as in Lucid: an almost even image
CONTRAST = 0.25  # of the sum of all frequencies, as in Lucid


def spectral_scale(height: int, width: int) -> Tensor:
    """Return the (height, width // 2 + 1) weights 1/f of the coefficients of a real FFT.

    f is in cycles per pixel; the constant term is weighted as the lowest frequency is.
    """
    down = torch.fft.fftfreq(height)[:, None]
    across = torch.fft.rfftfreq(width)[None, :]
    f = torch.sqrt(down**2 + across**2)
    return 1 / f.clamp(min=1 / max(height, width))


def draw_spectrum(shape: tuple[int, int, int], generator: Generator) -> Tensor:
    """Draw the (C, H, W // 2 + 1, 2) real and imaginary parts from which an ascent starts.

    Args:
        shape: (C, H, W) of the image.
        generator: of the CPU; no global seed is used.

    Raises:
        GanlensError: a side below 2 pixels.
    """
    channels, height, width = shape
    if min(height, width) < 2:
        raise GanlensError(f"an image of {height} x {width} has no frequencies: give 2 or more")
    return START * torch.randn(channels, height, width // 2 + 1, 2, generator=generator)


def to_pixels(spectrum: Tensor, width: int, colours: Colours) -> Tensor:
    """Turn spectra into images in the data's colours.

    Args:
        spectrum: (N, C, H, width // 2 + 1, 2) real and imaginary parts.
        width: of the image: an even and an odd one have spectra of one shape.
        colours: of the data.

    Returns:
        (N, C, H, width) float32 in (-1, 1), differentiable.
    """
    return colours.squash(colours.correlate(CONTRAST * _plain(spectrum, width)))


def draw_noise(
    count: int, shape: tuple[int, int, int], colours: Colours, generator: Generator
) -> Tensor:
    """Draw images of noise with a 1/f amplitude and the data's colours and contrast: the control.

    Returns:
        (count, C, H, W) float32 in (-1, 1).
    """
    drawn = [draw_spectrum(shape, generator) for _ in range(count)]
    plain = _plain(torch.stack(drawn), shape[2])
    size = plain.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
    return colours.squash(colours.correlate(plain / size))


def _plain(spectrum: Tensor, width: int) -> Tensor:
    height = spectrum.shape[2]
    scaled = torch.view_as_complex(spectrum) * spectral_scale(height, width).to(spectrum)
    return torch.fft.irfft2(scaled, s=(height, width), norm="ortho")
