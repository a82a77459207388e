"""Opening what a command is about: a checkpoint, and images under a progress bar."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import arg

from ganlens.cli.terminal import follow, note
from ganlens.data import (
    Fit,
    ImageSet,
    open_steps,
    overlap,
    remarks,
    shared_in_words,
    with_fit,
)
from ganlens.errors import GanlensError

if TYPE_CHECKING:
    from ganlens.subject import Subject

FIT_HELP = (
    "How images that are not square become so: crop keeps the centre, pad adds black bars, squash "
    "changes their shape. By default as the SPEC says, which may end in ,fit=FIT; else crop."
)
OptionalFit = Annotated[Fit | None, arg(help=FIT_HELP)]
LARGE = 64  # px; larger images are shrunk to it unless a size is asked for


def open_subject(
    checkpoint: str,
    device: str,
    *,
    condition: str | None = None,
    sources: str | None = None,
    weights: str = "ema",
) -> "Subject":
    """Load a checkpoint, under a condition and with images to translate where these are given.

    Args:
        checkpoint: path or shipped name.
        device: where to compute.
        condition: in words of the data; it holds where no other is given.
        sources: SPEC of the images that a translator takes.
        weights: "ema" or "raw".

    Raises:
        GanlensError: as ``load``; a condition or images that the model does not take.
    """
    from ganlens.subject import load

    subject = load(checkpoint, device=device, weights=weights)
    if condition is not None:
        subject = subject.with_condition(condition)
    if sources is not None:
        subject.sources = open_sources(sources, subject.network("translator"))
    return subject


def open_sources(spec: str, network: Any) -> ImageSet:
    """Open source pictures as a network takes them; say what was left out.

    Raises:
        GanlensError: the network takes no squares of 1 or 3 channels; as ``open_data``.
    """
    from ganlens.models.base import source_shape

    return _open_at(spec, source_shape(network))


def open_images(spec: str, subject: "Subject") -> ImageSet:
    """Open data at the size and channels of a subject's images; say what was left out."""
    return _open_at(spec, subject.image_shape)


def _open_at(spec: str, shape: tuple[int, int, int]) -> ImageSet:
    from ganlens.report import unusual_shape

    if reason := unusual_shape(shape):
        raise GanlensError(f"{spec} cannot be used: data sets are opened as {reason}")
    channels, size, _ = shape
    data = decode(spec, size=size, channels=channels)
    say_opened(data)
    return data


def decode(spec: str, **options: Any) -> ImageSet:
    """Do what ``open_data`` does, under a bar while images are decoded for the first time."""
    return follow(open_steps(spec, **options))


def open_to_train(spec: str, network: str, size: int | None, **options: Any) -> ImageSet:
    """Open data to train a network on: at the size asked for, or the images' own up to 64 pixels.

    Args:
        spec: the data.
        network: what is to be trained, for the error: "a DCGAN".
        size: pixels a side, or None.
        **options: as for ``open_data``.

    Raises:
        GanlensError: a size out of range, smaller images, or images that are for evaluation only;
            as ``open_data``.
    """
    from ganlens.data import check_trainable
    from ganlens.models.base import SIZES

    check_trainable(spec)
    low, high = SIZES
    takes = f"{network} takes {low} to {high}"
    if size is not None and not low <= size <= high:
        raise GanlensError(f"size {size} is out of range: {takes} pixels")
    data = decode(spec, size=size, **options)
    if size is None and data.image_shape[1] > LARGE:
        data = decode(spec, size=LARGE, **options)
    if data.image_shape[1] < low:
        raise GanlensError(
            f"{spec} has images of {data.image_shape[1]} pixels and {takes}: add --size {low}"
            " --upscale"
        )
    return data


def fitted(spec: str | None, fit: Fit | None) -> str | None:
    """Return a SPEC that says how its images are made square; None where there is none."""
    return None if spec is None else with_fit(spec, fit)


def check_fit(fit: Fit | None, *specs: str | None) -> None:
    """Refuse a fit that nothing reads.

    Raises:
        GanlensError: there are no images to make square.
    """
    if fit is not None and not any(specs):
        raise GanlensError(
            f"--fit {fit} is of no use without images: give some (--data SPEC), or leave it out"
        )


def say_shared(ours: ImageSet, theirs: ImageSet, who: str, whose: str) -> None:
    """Say how many images of one side the other one holds too, where there are some."""
    if said := shared_in_words(overlap(ours, theirs), who, whose):
        note(f"beware: {said}")


def say_opened(data: ImageSet, before: Sequence[str] = ()) -> None:
    """Say what was concluded about data, done to images and left out, but for what was said."""
    for said in remarks(data):
        if said not in before:
            note(f"{data.spec}: {said}")
