"""``ganlens train``: train a DCGAN on images, or resume a run."""

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, fields, make_dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any, Literal

from lightning_fabric import Fabric
from tyro.conf import arg

from ganlens.checkpoints import Checkpoint, load_checkpoint
from ganlens.cli.flags import NONE, Data, Device, Json
from ganlens.cli.following import conclude, follow, stopping
from ganlens.cli.opening import decode, open_to_train, say_skipped
from ganlens.cli.terminal import check_file, note
from ganlens.data import ImageSet
from ganlens.errors import GanlensError, one_of
from ganlens.models.dcgan import PRESETS, DCGANConfig, arguments_of, preset
from ganlens.precision import resolved
from ganlens.runs import Run, RunConfig, check_place, judge
from ganlens.training import (
    TRAIN_PRESETS,
    TrainConfig,
    Trainer,
    arguments_of_start,
    check_start,
    quiet_fabric,
)

FROM_DATA = ("size", "channels")  # fields of the networks that the images decide

# The networks' settings without those that the images decide: one flag each, help included.
Network = make_dataclass(
    "Network",
    [
        (f.name, f.type, field(default=f.default))
        for f in fields(DCGANConfig)
        if f.name not in FROM_DATA
    ],
    namespace={"__doc__": DCGANConfig.__doc__},
    frozen=True,
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What to train on, where to, and how.

    Attributes:
        data: the images.
        out: folder of the run; the same command resumes a run that it holds.
        start: checkpoint of a DCGAN to train on (fine-tuning): the run begins with its weights and
            has its networks. To resume, the same command needs it still.
        preset: defaults of the flags below: "paper" is Radford et al. 2015, "torch" what PyTorch
            users know as DCGAN.
        size: pixels a side, 16 to 256; by default that of the images, up to 64, or of the start.
        channels: 1 or 3; by default as in the images, or the start.
        held_out: SPEC of images to judge samples against; by default the test split of the data,
            or a tenth of it set aside by content.
        judge: features in which samples are judged: auto, inception, classifier (trained on the
            data's labels or attributes first), pixels, or a checkpoint.
        precision: auto takes bfloat16 where the hardware multiplies it; samples are judged in
            float32 all the same.
        device: where to compute.
        upscale: enlarge images that are smaller than the size instead of leaving them out.
        strict: stop at an image that cannot be read instead of leaving it out.
        json: file for the last evaluation.
    """

    data: Data
    out: Annotated[Path, arg(metavar="DIR")]
    start: Annotated[str | None, arg(metavar="CHECKPOINT")] = None
    preset: Literal["paper", "torch"] = "torch"
    size: int | None = None
    channels: Literal[1, 3] | None = None
    held_out: Annotated[str | None, arg(metavar="SPEC")] = None
    judge: str = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    device: Device = "auto"
    upscale: bool = False
    strict: bool = False
    json: Json = None


def prepare(words: Sequence[str]) -> Callable[..., int]:
    """Return the command with the defaults of the preset and the start that the words name.

    Raises:
        GanlensError: an unknown preset, or a start that cannot be trained on.
    """
    name = _value(words, "--preset") or "torch"
    if name not in PRESETS:
        raise one_of("preset", name, PRESETS)
    networks, training, start = asdict(preset(name)), TRAIN_PRESETS[name], None
    if (place := _value(words, "--start")) is not None and place not in NONE:
        start = _begin(place)
        networks = arguments_of_start(start, "dcgan")
    network = Network(**{f.name: networks[f.name] for f in fields(Network)})

    def run(
        asked: Asked,
        network: Network = network,  # type: ignore[valid-type]
        training: TrainConfig = training,
        keeping: RunConfig = RunConfig(),  # noqa: B008 frozen
    ) -> int:
        return train(asked, asdict(network), training, keeping, start)

    run.__doc__ = "Train a DCGAN on images; the same command resumes a run that was interrupted."
    return run


def command() -> None:
    """Stand for the command in the table; ``prepare`` makes it once the words are known."""


command.prepare = prepare  # type: ignore[attr-defined]


def _value(words: Sequence[str], flag: str) -> str | None:
    """Return what a flag is given, the last time as tyro does; defaults depend on it."""
    found = None
    for word, after in zip_longest(words, words[1:]):
        if word == flag or word.startswith(f"{flag}="):
            found = after if word == flag else word.removeprefix(f"{flag}=")
    return found


def _begin(place: str) -> Checkpoint:
    if not place:
        raise GanlensError(
            "--start '' is no checkpoint: give a folder or the name of a shipped one, or leave"
            " --start out; 'ganlens list' shows what there is"
        )
    return load_checkpoint(place)


def train(
    asked: Asked,
    network: dict[str, Any],
    training: TrainConfig,
    keeping: RunConfig,
    start: Checkpoint | None = None,
) -> int:
    """Open the data, build or resume the run, and follow it to its end."""
    check_place(asked.out)
    check_file(asked.json)
    if start:
        asked = _sized(asked, network, start)
    fabric = make_fabric(asked)
    data, train_data, held_out = open_both(asked)
    channels, size, _ = train_data.image_shape
    arguments = arguments_of(DCGANConfig(**network, size=size, channels=channels))
    trainer = Trainer("dcgan", arguments, training, train_data.images, fabric, start)
    with fabric.rank_zero_first():  # the first rank may train a classifier, the others open it
        extractor = judge(asked.judge, data, asked.out, note)
    command = shlex.join(["ganlens", "train", *sys.argv[2:]])
    run = Run(asked.out, trainer, train_data, held_out, extractor, keeping, command)
    if fabric.is_global_zero:
        note(_introduction(train_data, held_out, trainer))
    with stopping() as caught:
        row = follow(run, lambda: bool(caught))
    if fabric.is_global_zero:
        conclude(run, row, asked.data, asked.json)
    return 128 + caught[0] if caught else 0


def _sized(asked: Asked, network: dict[str, Any], start: Checkpoint) -> Asked:
    """Ask for images of the start's shape; refuse flags that ask for other networks."""
    given = {name: getattr(asked, name) for name in FROM_DATA}
    shape = {name: value for name, value in given.items() if value is not None}
    check_start(start, "dcgan", network | shape)
    known = arguments_of_start(start, "dcgan")
    return replace(asked, **{name: known[name] for name in FROM_DATA})


def make_fabric(asked: Asked) -> Fabric:
    """Return the device, precision and ranks; under torchrun as many ranks as it started."""
    ranks = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    nodes = int(os.environ.get("WORLD_SIZE", "1")) // ranks
    accelerator = asked.device if asked.device in ("auto", "cpu") else "cuda"
    devices: Any = ranks
    try:
        if asked.device.startswith("cuda:"):
            devices = [int(asked.device.removeprefix("cuda:"))]
        fabric = quiet_fabric(
            accelerator=accelerator,
            devices=devices,
            num_nodes=nodes,
            strategy="ddp" if ranks * nodes > 1 else "auto",
            precision=resolved(asked.precision, None if asked.device == "auto" else asked.device),
        )
    except (RuntimeError, ValueError) as error:
        raise GanlensError(
            f"device {asked.device!r} is not available: choose auto or cpu"
        ) from error
    fabric.launch()
    return fabric


def open_both(asked: Asked) -> tuple[ImageSet, ImageSet, ImageSet]:
    """Open the data, its training part and the held-out images; say what was left out."""
    options: dict[str, Any] = {"strict": asked.strict, "upscale": asked.upscale}
    data = open_to_train(asked.data, "a DCGAN", asked.size, channels=asked.channels, **options)
    say_skipped(data)
    if asked.held_out is None:
        first, last = data.bounds["test"]
        if first == last:
            raise GanlensError(
                f"{asked.data} has {len(data)} images and none to judge samples against: give more"
                " images, or others with --held-out"
            )
        return data, data.part("train"), data.part("test")
    channels, pixels, _ = data.image_shape
    held_out = decode(asked.held_out, size=pixels, channels=channels, **options)
    say_skipped(held_out)
    declared = held_out.split_source == "declared"
    train = data.part("train") if data.split_source == "declared" else data
    return data, train, held_out.part("test") if declared else held_out


def _introduction(data: ImageSet, held_out: ImageSet, trainer: Trainer) -> str:
    begun = f", begun from {trainer.start.name}" if trainer.start else ""
    weights = sum(p.numel() for p in trainer.generator.parameters())
    weights_d = sum(p.numel() for p in trainer.discriminator.parameters())
    return (
        f"training on {len(data):,} images of {data.spec} at {data.image_shape[1]} px, judged on"
        f" {len(held_out):,} held-out ones ({data.split_source} split); generator {weights:,},"
        f" discriminator {weights_d:,} weights{begun}; {trainer.total_steps:,} steps on"
        f" {trainer.fabric.device} in {trainer.fabric._precision.precision}"
    )
