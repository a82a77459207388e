"""``ganlens train``: train a DCGAN on images, or resume a run."""

import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, make_dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any, Literal

from lightning_fabric import Fabric
from tyro.conf import arg

from ganlens.checkpoints import Checkpoint, load_checkpoint
from ganlens.cli.flags import Data, Device, Json
from ganlens.cli.opening import decode, open_to_train, say_skipped
from ganlens.cli.terminal import check_file, console, note, pairs_table, progress_bar, write_json
from ganlens.data import ImageSet
from ganlens.errors import GanlensError, one_of
from ganlens.models.dcgan import PRESETS, DCGANConfig, arguments_of, preset
from ganlens.panels import cell
from ganlens.precision import best_precision
from ganlens.runs import Event, Run, RunConfig, check_place, judge
from ganlens.training import TRAIN_PRESETS, TrainConfig, Trainer, check_start

FROM_DATA = ("size", "channels")  # fields of the networks that the images decide
PRECISIONS = {"float32": "32-true", "bfloat16": "bf16-mixed"}

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
            has its networks.
        preset: defaults of the flags below: "paper" is Radford et al. 2015, "torch" what PyTorch
            users know as DCGAN.
        size: pixels a side, 16 to 256; by default that of the images, up to 64, or of the start.
        channels: 1 or 3; by default as in the images, or the start.
        held_out: SPEC of images to judge samples against; by default the test split of the data,
            or a tenth of it set aside by content.
        judge: features in which samples are judged: auto, inception, classifier (trained on the
            data's labels or attributes first), pixels, or a checkpoint.
        precision: auto takes bfloat16 where the hardware multiplies it.
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
    """Return the command with the defaults of the preset that the words name."""
    name = _preset(words)
    network = Network(**{k: v for k, v in asdict(preset(name)).items() if k not in FROM_DATA})
    training = TRAIN_PRESETS[name]

    def run(
        asked: Asked,
        network: Network = network,  # type: ignore[valid-type]
        training: TrainConfig = training,
        keeping: RunConfig = RunConfig(),  # noqa: B008 frozen
    ) -> int:
        return train(asked, asdict(network), training, keeping)

    run.__doc__ = "Train a DCGAN on images; the same command resumes a run that was interrupted."
    return run


def command() -> None:
    """Stand for the command in the table; ``prepare`` makes it once the words are known."""


command.prepare = prepare  # type: ignore[attr-defined]


def _preset(words: Sequence[str]) -> str:
    for word, after in zip_longest(words, words[1:], fillvalue=""):
        name = word.removeprefix("--preset=") if word.startswith("--preset=") else after
        if word.startswith("--preset") and name:
            if name not in PRESETS:
                raise one_of("preset", name, PRESETS)
            return name
    return "torch"


def train(asked: Asked, network: dict[str, Any], training: TrainConfig, keeping: RunConfig) -> int:
    """Open the data, build or resume the run, and follow it to its end."""
    check_place(asked.out)
    check_file(asked.json)
    start = load_checkpoint(asked.start) if asked.start else None
    if start:
        asked, network = as_it_is(start, asked, network)
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
        _conclude(asked, run, row)
    return 128 + caught[0] if caught else 0


def as_it_is(
    start: Checkpoint, asked: Asked, network: dict[str, Any]
) -> tuple[Asked, dict[str, Any]]:
    """Ask for the networks of a checkpoint, where no flag asks for others.

    Raises:
        GanlensError: a flag does, or the checkpoint cannot be trained on.
    """
    usual = asdict(preset(asked.preset)) | dict.fromkeys(FROM_DATA)
    given = {**network, "size": asked.size, "channels": asked.channels}
    changed = {name: value for name, value in given.items() if value != usual[name]}
    check_start(start, "dcgan", changed)
    known = start.header.arguments
    asked = replace(asked, **{name: known[name] for name in FROM_DATA})
    return asked, {name: known[name] for name in network}


def make_fabric(asked: Asked) -> Fabric:
    """Return the device, precision and ranks; under torchrun as many ranks as it started."""
    precision = PRECISIONS.get(asked.precision) or best_precision()
    ranks = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    nodes = int(os.environ.get("WORLD_SIZE", "1")) // ranks
    accelerator = asked.device if asked.device in ("auto", "cpu") else "cuda"
    devices: Any = ranks
    try:
        if asked.device.startswith("cuda:"):
            devices = [int(asked.device.removeprefix("cuda:"))]
        fabric = Fabric(
            accelerator=accelerator,
            devices=devices,
            num_nodes=nodes,
            strategy="ddp" if ranks * nodes > 1 else "auto",
            precision=precision,  # type: ignore[arg-type]
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


@contextmanager
def stopping() -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM, so that the run can save and leave; a second stops at once."""
    caught: list[int] = []

    def remember(number: int, _frame: object) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)

    before = {s: signal.signal(s, remember) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def follow(run: Run, stop: Callable[[], bool]) -> dict[str, Any] | None:
    """Drive a run under a live bar with the time left; return its last evaluation."""
    last = None
    with progress_bar() as bar:
        task = bar.add_task("training", total=run.trainer.total_steps, completed=run.trainer.step)
        for event in run.events(stop):
            if event.step is not None:
                bar.update(task, completed=event.step.step, description=_status(event, last))
            elif event.evaluation is not None:
                last = event.evaluation
                note(_line(last))
            else:
                note((event.warning and f"warning: {event.warning}") or str(event.note))
    return last


def _status(event: Event, last: dict[str, Any] | None) -> str:
    step = event.step
    assert step is not None
    losses = [f"{n} {v:.2f}" for n, v in (("D", step.d_loss), ("G", step.g_loss)) if v is not None]
    found = f" FD {last['fd']:.2f}" if last else ""
    return f"epoch {step.epoch + 1} {' '.join(losses)} {step.images_per_second:.0f} img/s{found}"


def _line(row: dict[str, Any]) -> str:
    names = ("precision", "recall", "density", "coverage")
    scores = " ".join(f"{name} {cell(row[name])}" for name in names)
    judged = f"FD-{row['extractor']} {cell(row['fd'])} {scores}"
    return f"epoch {row['epoch']}: {judged} ({row['seconds']:.0f} s)"


def _conclude(asked: Asked, run: Run, row: dict[str, Any] | None) -> None:
    judged = [r for r in run.rows if "fd" in r]
    if row is None or not judged:
        return
    best = min(judged, key=lambda r: r["fd"])
    write_json(asked.json, {"best": best, "last": row, "folder": str(run.folder)})
    screen = console(asked.json)
    screen.print(pairs_table(f"best checkpoint: {run.folder / 'best'}", best))
    screen.print(f"next: ganlens report {run.folder} --data {asked.data}", soft_wrap=True)
