"""``ganlens train``: train a family's networks on images, or resume a run."""

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields, make_dataclass, replace
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
from ganlens.errors import GanlensError
from ganlens.models import register_trusted, trained_here
from ganlens.models.family import FROM_DATA, Family, arguments_of, from_data
from ganlens.precision import resolved
from ganlens.runs import Run, RunConfig, check_place, judge
from ganlens.training import (
    TrainConfig,
    Trainer,
    arguments_of_start,
    check_start,
    configure,
    launch,
    quiet_fabric,
    trainable,
    training_data,
)

USUAL = "dcgan"  # the family that is trained where none is named
SHAPE = ("size", "channels")


@dataclass(frozen=True)
class Asked:
    """What to train, on what, where to, and how.

    Attributes:
        data: the images.
        out: folder of the run; the same command resumes a run that it holds.
        family: what to train; each has flags of its own, which --family NAME --help shows.
        others: images of the second domain, for a family that learns from two; unpaired.
        start: checkpoint of the same family to train on (fine-tuning): the run begins with its
            weights and has its networks. To resume, the same command needs it still.
        preset: defaults of the flags below: of dcgan "paper" is Radford et al. 2015, "torch" what
            PyTorch users know as DCGAN.
        size: pixels a side, 16 to 256; by default that of the images, up to 64, or of the start.
        channels: 1 or 3; by default as in the images, or the start.
        condition_on: the attributes that a family that learns from attributes is told; by default
            all.
        held_out: SPEC of images to judge samples against; by default the test split of the data
            (of --others, for a family that learns from two), or a tenth of it set aside by content.
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
    family: str = USUAL
    others: Annotated[str | None, arg(metavar="SPEC")] = None
    start: Annotated[str | None, arg(metavar="CHECKPOINT")] = None
    preset: str | None = None
    size: int | None = None
    channels: Literal[1, 3] | None = None
    condition_on: Annotated[tuple[str, ...], arg(metavar="NAME")] = ()
    held_out: Annotated[str | None, arg(metavar="SPEC")] = None
    judge: str = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    device: Device = "auto"
    upscale: bool = False
    strict: bool = False
    json: Json = None


def prepare(words: Sequence[str]) -> Callable[..., int]:
    """Return the command with the flags of the family that the words name, and its defaults.

    Raises:
        GanlensError: an unknown family or preset, or a start that cannot be trained on.
    """
    register_trusted()  # --module may name a family, or a file that adds one to MODELS
    name = _value(words, "--family") or USUAL
    family = trainable(name)
    preset = family.preset(_value(words, "--preset") or family.default_preset)
    networks, start = asdict(preset.config), None
    if (place := _value(words, "--start")) is not None and place not in NONE:
        start = _begin(place)
        networks = arguments_of_start(start, name)
    network_flags, objective_flags = _flags("Network", family.Config), family.Training
    network = network_flags(**_of(network_flags, networks))
    shared = _flags("Shared", TrainConfig)
    usual = shared(**_of(shared, {**asdict(TrainConfig()), **preset.run}))

    def run(
        asked: Asked,
        network: network_flags = network,  # type: ignore[valid-type]
        shared: shared = usual,  # type: ignore[valid-type]
        objective: objective_flags = preset.objective,  # type: ignore[valid-type]
        keeping: RunConfig = RunConfig(),  # noqa: B008 frozen
    ) -> int:
        settings = asdict(shared) | asdict(objective)
        training = configure(name, asked.preset, **settings)
        return train(asked, asdict(network), training, keeping, start)

    run.__doc__ = f"""Train networks on images; the same command resumes a run that was interrupted.

    Families: {", ".join(trained_here())}. These are the flags of {name}.
    """
    return run


def _flags(name: str, cls: type[Any]) -> type[Any]:
    """Return a dataclass of the settings that flags give: those that no data decide."""
    kept = [f for f in fields(cls) if f.name not in (*FROM_DATA, "objective")]
    return make_dataclass(
        name,
        [
            (f.name, f.type, field() if f.default is MISSING else field(default=f.default))
            for f in kept
        ],
        namespace={"__doc__": cls.__doc__},
        frozen=True,
    )


def _of(cls: type[Any], values: dict[str, Any]) -> dict[str, Any]:
    return {f.name: values[f.name] for f in fields(cls)}


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
    family = trainable(asked.family)
    _check_domains(asked, family)
    if start:
        asked = _sized(asked, network, start)
    fabric = make_fabric(asked)
    data, train_data, held_out = open_both(asked)
    others, sources = None, None
    if asked.others is not None:
        others, sources, held_out = _second_domain(asked, train_data, held_out)
    learned = training_data(train_data, family.conditions, asked.condition_on, others)
    arguments = arguments_of(from_data(family.Config, network, **learned.arguments))
    trainer = Trainer(asked.family, arguments, training, learned, fabric, start)
    with fabric.rank_zero_first():  # the first rank may train a classifier, the others open it
        extractor = judge(asked.judge, data, asked.out, note)
    command = shlex.join(["ganlens", "train", *sys.argv[2:]])
    run = Run(
        asked.out, trainer, train_data, held_out, extractor, keeping, command, others, sources
    )
    if fabric.is_global_zero:
        note(_introduction(train_data, held_out, trainer))
    with stopping() as caught:
        row = follow(run, lambda: bool(caught))
    if fabric.is_global_zero:
        # Of two domains, what is drawn belongs to the second.
        conclude(run, row, asked.others or asked.data, asked.json)
    return 128 + caught[0] if caught else 0


def _check_domains(asked: Asked, family: Family) -> None:
    if family.domains == 1 and asked.others is not None:
        raise GanlensError(f"family {asked.family!r} learns from one set of images: leave out"
                           " --others")  # fmt: skip
    if family.domains == 2 and asked.others is None:
        raise GanlensError(f"family {asked.family!r} learns from two sets of images: add --others"
                           " SPEC")  # fmt: skip
    if asked.condition_on and "attributes" not in family.conditions:
        raise GanlensError(f"family {asked.family!r} is not told attributes: leave out"
                           " --condition-on")  # fmt: skip


def _second_domain(
    asked: Asked, train_data: ImageSet, held_out: ImageSet
) -> tuple[ImageSet, ImageSet, ImageSet]:
    """Open --others: its training images, the sources to translate, what results shall be like."""
    channels, size, _ = train_data.image_shape
    assert asked.others is not None
    options: dict[str, Any] = {"strict": asked.strict, "upscale": asked.upscale}
    others = decode(asked.others, size=size, channels=channels, **options)
    say_skipped(others)
    sources, wanted = held_out, held_out
    if asked.held_out is None:
        wanted = _judged(others, asked.others, "--held-out")
    elif train_data.split_source == "declared":
        sources = _judged(decode(asked.data, size=size, channels=channels, **options), asked.data,
                          "--held-out")  # fmt: skip
    return others.part("train"), sources, wanted


def _judged(data: ImageSet, spec: str, flag: str) -> ImageSet:
    first, last = data.bounds["test"]
    if first == last:
        raise GanlensError(
            f"{spec} has {len(data)} images and none to judge samples against: give more"
            f" images, or others with {flag}"
        )
    return data.part("test")


def _sized(asked: Asked, network: dict[str, Any], start: Checkpoint) -> Asked:
    """Ask for images of the start's shape; refuse flags that ask for other networks."""
    given = {name: getattr(asked, name) for name in SHAPE}
    shape = {name: value for name, value in given.items() if value is not None}
    check_start(start, asked.family, network | shape)
    known = arguments_of_start(start, asked.family)
    return replace(asked, **{name: known[name] for name in SHAPE})


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
    launch(fabric)
    return fabric


def open_both(asked: Asked) -> tuple[ImageSet, ImageSet, ImageSet]:
    """Open the data, its training part and the held-out images; say what was left out."""
    options: dict[str, Any] = {"strict": asked.strict, "upscale": asked.upscale}
    what = f"family {asked.family!r}"
    data = open_to_train(asked.data, what, asked.size, channels=asked.channels, **options)
    say_skipped(data)
    if asked.held_out is None:
        held = _judged(data, asked.data, "--held-out")
        return data, data.part("train"), held
    channels, pixels, _ = data.image_shape
    held_out = decode(asked.held_out, size=pixels, channels=channels, **options)
    say_skipped(held_out)
    declared = held_out.split_source == "declared"
    train = data.part("train") if data.split_source == "declared" else data
    return data, train, held_out.part("test") if declared else held_out


def _introduction(data: ImageSet, held_out: ImageSet, trainer: Trainer) -> str:
    begun = f", begun from {trainer.start.name}" if trainer.start else ""
    sizes = ", ".join(
        f"{name} {sum(p.numel() for p in trainer.trained.learning[name].parameters()):,}"
        for name in trainer.trained.kept
    )
    return (
        f"training {trainer.family} on {len(data):,} images of {data.spec} at"
        f" {data.image_shape[1]} px, judged on {len(held_out):,} held-out ones"
        f" ({data.split_source} split); weights: {sizes}{begun}; {trainer.total_steps:,} steps on"
        f" {trainer.fabric.device} in {trainer.fabric._precision.precision}"
    )
