"""Commands ``fid A B`` (any two sets of images) and ``moments`` (one set, saved as a file)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from ganlens import stats
from ganlens.checkpoints import find_checkpoint
from ganlens.cli import probe
from ganlens.cli.flags import Device, Force
from ganlens.cli.opening import OptionalFit, check_fit, decode, open_subject, say_opened
from ganlens.cli.terminal import check_free, check_places, console, follow, note
from ganlens.data import EMBEDDED, ImageSet, remarks, with_fit
from ganlens.devices import pick_device
from ganlens.errors import GanlensError
from ganlens.features import together, world
from ganlens.foreign import holds_weights
from ganlens.probes.fidelity import Fidelity
from ganlens.report import comparison_document
from ganlens.subject import Subject

A_HELP = (
    "What is evaluated: a checkpoint (folder, run or shipped name), weights of another project, or "
    "the samples of any GAN (a folder, zip, tar or npz of images)."
)
B_HELP = (
    "What it is compared with, in place of --data: images, an .npz of mu and sigma, or a "
    "checkpoint."
)
SOURCE_HELP = "Images (folder, zip, tar, npz, pixelfaces ...) or a checkpoint."
NpzFile = Annotated[Path, arg(metavar="NPZ")]


@dataclass(frozen=True)
class FidFlags(probe.Common):
    """What ``ganlens fid`` takes beside the probe's settings."""

    checkpoint: Annotated[Positional[str], arg(metavar="A", help=A_HELP)]
    reference: Annotated[Positional[str | None], arg(metavar="[B]", help=B_HELP)] = None


def fid(
    settings: Annotated[Fidelity, arg(help="")], common: Annotated[FidFlags, arg(help="")]
) -> int:
    """Compare generated with real images as two sets of features.

    The Fréchet distance is called FID only in the features of the published Inception weights, else
    FD-<extractor>. Around it stand its interval, its value extrapolated to infinitely many images,
    the kernel distance (KID), precision, recall, density and coverage, and a baseline: what
    real images score against other real images.

    With `fid A B` either may be a checkpoint, images, or the samples of any other GAN; images
    are brought to the smaller of both sizes.
    """
    a, b = common.checkpoint, common.reference
    if b is not None and common.data is not None:
        raise GanlensError(
            f"fid was given {b!r} and {common.data!r} to compare {a!r} with: leave out one of them"
        )
    b = common.data if b is None else b
    if b is None or (_is_checkpoint(a) and _is_images(b)):
        return probe.run("fid", settings, replace(common, data=b))
    check_places(common.out, common.json, common.force)
    images = [word for word in (a, b) if _is_images(word)]
    check_fit(common.fit, *images)
    a, b = (with_fit(word, common.fit) if word in images else word for word in (a, b))
    generated, reference = _open_both(a, b, common)
    device = pick_device(common.device)
    with together(device):
        result = follow(settings.between(generated, reference, device))
    content = comparison_document(settings, generated, reference, result)
    if isinstance(generated, Subject):
        a += generated.title.removeprefix(generated.name)  # its condition
    title = f"{settings.title}: {a} and {b}"
    return probe.show(title, content, result.panels(), result, common)


def moments(
    source: Annotated[Positional[str], arg(metavar="SOURCE", help=SOURCE_HELP)],
    settings: Annotated[Fidelity, arg(help="")],
    out: NpzFile,
    fit: OptionalFit = None,
    device: Device = "auto",
    force: Force = False,
) -> None:
    """Save mean and covariance of features as mu and sigma, for fid, pytorch-fid and clean-fid.

    A name that is both, such as pixelfaces, means the images.

    Args:
        out: file to write.
    """
    check_free(out, force)
    scores = ("k", "k_density", "kid_subset_size")
    if any(getattr(settings, name) != getattr(Fidelity, name) for name in scores):
        raise GanlensError(
            "--k, --k-density and --kid-subset-size are of no use to moments: leave them out"
        )
    check_fit(fit, source if _is_images(source) else None)
    opened = _images(with_fit(source, fit)) if _is_images(source) else _open(source, device)
    place = pick_device(device)
    with together(place):
        found = follow(settings.moments(opened, place))
    if world().rank:
        return
    stats.write_moments(out, found)
    what = f"{found.n:,} {found.notes['images']}, {len(found.mean):,} features"
    console().print(f"wrote {out}: {what}", soft_wrap=True)


def _is_checkpoint(word: str) -> bool:
    """Return whether a word means networks: a checkpoint, or weights of another project."""
    try:
        find_checkpoint(word)
    except GanlensError:
        return holds_weights(Path(word))
    return True


def _is_images(word: str) -> bool:
    """Return whether a word means images; a name that is also a checkpoint's means the images."""
    return word in EMBEDDED or not (_is_moments(word) or _is_checkpoint(word))


def _is_moments(word: str) -> bool:
    return stats.holds_moments(Path(word))


def _open(word: str, device: str) -> Subject | ImageSet:
    if _is_moments(word):
        raise GanlensError(f"{word} holds moments, not images: it can only be B of ganlens fid A B")
    return open_subject(word, device) if _is_checkpoint(word) else _images(word)


def _open_both(
    a: str, b: str, common: FidFlags
) -> tuple[Subject | ImageSet, Subject | ImageSet | stats.ReferenceMoments]:
    """Return both as opened, images at the size of the other or the smaller of both sizes.

    The condition and the source pictures are those of A.
    """
    device = common.device
    generated = probe.opened(a, common) if _is_checkpoint(a) else _unconditional(a, common)
    if _is_moments(b):
        return generated, stats.read_moments(Path(b))
    reference = _images(b) if _is_images(b) else open_subject(b, device)
    shapes = [one.image_shape for one in (generated, reference)]
    if shapes[0] == shapes[1]:
        return generated, reference
    size, channels = min(shape[1] for shape in shapes), max(shape[0] for shape in shapes)
    sizes = " and ".join(f"{shape[1]} px" for shape in shapes)
    note(f"images of {sizes} are compared at {size} px, in {'colour' if channels == 3 else 'grey'}")
    fitted = [
        one if isinstance(one, Subject) else _images(word, size, channels, said=remarks(one))
        for one, word in ((generated, a), (reference, b))
    ]
    return fitted[0], fitted[1]


def _unconditional(word: str, common: FidFlags) -> Subject | ImageSet:
    flags = {"--condition": common.condition, "--sources": common.sources}
    if given := [flag for flag, value in flags.items() if value is not None]:
        raise GanlensError(f"{word} is no checkpoint and takes no {given[0]}: leave it out")
    return _open(word, common.device)


def _images(
    spec: str,
    size: int | None = None,
    channels: int | None = None,
    said: Sequence[str] = (),
) -> ImageSet:
    data = decode(spec, size=size, channels=channels)
    say_opened(data, said)
    return data
