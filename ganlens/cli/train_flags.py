"""The flags of ``ganlens train`` that every family has: data, place, shape, features, device."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import arg

from ganlens.cli.flags import Data, Device, Json
from ganlens.cli.opening import OptionalFit

USUAL = "dcgan"  # the family that is trained where none is named


@dataclass(frozen=True)
class RunFlags:
    """What to train, on what, where to, and how.

    Attributes:
        data: the images.
        out: folder of the run; the same command resumes a run that it holds.
        family: what to train; each has flags of its own, which --family NAME --help shows.
        others: images of the second domain, for a family that learns from two; unpaired.
        start: checkpoint of the same family to train on (fine-tuning), or another project's DCGAN
            (a folder of netG.pth and netD.pth): the run begins with its weights and has its
            networks. To resume, the same command needs it still.
        preset: defaults of the flags below: of dcgan "paper" is Radford et al. 2015, "torch" what
            PyTorch users know as DCGAN.
        size: pixels a side, 16 to 256; by default that of the images, up to 64, or of the start.
        channels: 1 or 3; by default as in the images, or the start.
        condition_on: the attributes that a family with attributes is conditioned on; by default
            all.
        withhold: training images that satisfy this are left out, as in "hair_color=red &
            glasses=dark", to ask later for what training never had.
        held_out: SPEC of images to evaluate samples against; by default the test split of the data
            (of --others, for a family that learns from two), or a tenth of it set aside by content.
        extractor: of the features in which samples are evaluated: auto, inception, classifier
            (trained on the data's labels or attributes first), pixels, or a checkpoint.
        precision: auto takes bfloat16 where the hardware multiplies it; samples are evaluated
            in float32 all the same.
        device: where to compute.
        fit: how images that are not square become so, in all the data of the run.
        upscale: enlarge images that are smaller than the size instead of leaving them out.
        strict: stop at an image that cannot be read instead of leaving it out.
        json: file for the last evaluation.
    """

    data: Data
    out: Annotated[Path, arg(metavar="DIR")]
    family: str = USUAL
    others: Annotated[str | None, arg(metavar="SPEC")] = None
    start: Annotated[str | None, arg(metavar="CHECKPOINT")] = None
    preset: str | None = None
    size: int | None = None
    channels: Literal[1, 3] | None = None
    condition_on: Annotated[tuple[str, ...], arg(metavar="NAME")] = ()
    withhold: Annotated[str | None, arg(metavar="EXPRESSION")] = None
    held_out: Annotated[str | None, arg(metavar="SPEC")] = None
    extractor: Annotated[str, arg(aliases=["--judge"])] = "auto"  # as 0.1 called it
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    device: Device = "auto"
    fit: OptionalFit = None
    upscale: bool = False
    strict: bool = False
    json: Json = None
