"""The images of a training run: what is learned from, evaluated against and translated."""

from dataclasses import dataclass, replace
from typing import Any

from ganlens.cli.opening import decode, open_to_train, say_opened
from ganlens.cli.train_flags import RunFlags
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.models.family import Family


@dataclass(frozen=True, eq=False)
class RunData:
    """The sets of images of a run.

    Attributes:
        all: what --data names, with every split.
        train: the training images.
        held_out: images that the networks never see, which samples are evaluated against.
        others: training images of the second set; None for a family that learns from one.
        sources: held-out images that a translator translates; None without a second set.
    """

    all: ImageSet
    train: ImageSet
    held_out: ImageSet
    others: ImageSet | None = None
    sources: ImageSet | None = None


def check_flags(run: RunFlags, family: Family) -> None:
    """Refuse flags that a family has no use for, and ask for those that it needs.

    Raises:
        GanlensError: --others or --condition-on without use, or --others missing.
    """
    if family.domains == 1 and run.others is not None:
        raise GanlensError(f"family {run.family!r} learns from one set of images: leave out"
                           " --others")  # fmt: skip
    if family.domains == 2 and run.others is None:
        raise GanlensError(f"family {run.family!r} learns from two sets of images: add --others"
                           " SPEC")  # fmt: skip
    if run.condition_on and "attributes" not in family.conditions:
        raise GanlensError(f"family {run.family!r} takes no attributes: leave out"
                           " --condition-on")  # fmt: skip


def open_all(run: RunFlags) -> RunData:
    """Open the images of a run; say what was left out.

    Raises:
        GanlensError: as ``open_data``; or no images to evaluate samples against.
    """
    options: dict[str, Any] = {"strict": run.strict, "upscale": run.upscale}
    what = f"family {run.family!r}"
    data = open_to_train(run.data, what, run.size, channels=run.channels, **options)
    say_opened(data)
    channels, size, _ = data.image_shape
    options |= {"size": size, "channels": channels}
    if run.held_out is None:
        opened = RunData(data, data.part("train"), _held_out(data, run.data))
    else:
        held_out = decode(run.held_out, **options)
        say_opened(held_out)
        declared = held_out.split_source == "declared"
        train = data.part("train") if data.split_source == "declared" else data
        opened = RunData(data, train, held_out.part("test") if declared else held_out)
    if run.others is not None:
        opened = _with_others(opened, run, options)
    if run.withhold is not None:
        opened = replace(opened, train=opened.train.without(run.withhold))
    return opened


def _with_others(opened: RunData, run: RunFlags, options: dict[str, Any]) -> RunData:
    """Open --others: samples are translations of held-out images of --data, to be like these."""
    assert run.others is not None
    others = decode(run.others, **options)
    say_opened(others)
    data = opened.all
    return replace(
        opened,
        train=data.part("train"),
        held_out=opened.held_out if run.held_out else _held_out(others, run.others),
        others=others.part("train"),
        sources=_held_out(data, run.data),
    )


def _held_out(data: ImageSet, spec: str) -> ImageSet:
    first, last = data.bounds["test"]
    if first == last:
        raise GanlensError(
            f"{spec} has {len(data)} images and none to evaluate samples against: give more"
            " images, or others with --held-out"
        )
    return data.part("test")
