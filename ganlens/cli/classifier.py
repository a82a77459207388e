"""``ganlens classifier train``: a network that reads labels and attributes off images."""

import shlex
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg

from ganlens.classifier import (
    ClassifierEpoch,
    ClassifierSettings,
    TrainedClassifier,
    load_classifier,
    save_classifier,
    targets_of,
    train_classifier,
)
from ganlens.cli.flags import Data, Device, Force, Json
from ganlens.cli.opening import OptionalFit, open_to_train, say_opened, say_shared
from ganlens.cli.terminal import (
    check_apart,
    check_file,
    check_free_folder,
    console,
    note,
    progress_bar,
    rows_table,
    write_json,
)
from ganlens.data import ImageSet, with_upscale
from ganlens.devices import pick_device
from ganlens.errors import GanlensError
from ganlens.progress import finish
from ganlens.runs.card import machine

ACTIONS = ("train",)
Action = Annotated[Positional[Literal["train"]], arg(help="What to do.")]


@dataclass(frozen=True)
class Asked:
    """What to train on and where to.

    Attributes:
        data: images with class folders, labels or attributes.
        out: folder of the classifier.
        size: pixels a side, 16 to 256; by default that of the images, up to 64.
        channels: 1 or 3; by default as in the images.
        fit: how images that are not square become so.
        upscale: enlarge images that are smaller than the size instead of leaving them out.
        strict: stop at an image that cannot be read instead of leaving it out.
        device: where to train.
        json: file for the held-out accuracies.
    """

    data: Data
    out: Annotated[Path, arg(metavar="DIR")]
    size: int | None = None
    channels: Literal[1, 3] | None = None
    fit: OptionalFit = None
    upscale: bool = False
    strict: bool = False
    device: Device = "auto"
    json: Json = None
    force: Force = False


def prepare(words: Sequence[str]) -> Callable[..., None]:
    """Return the command, which writes these words into what it makes."""
    if not words or words[0] not in (*ACTIONS, "-h", "--help"):
        what = f"classifier {words[0]!r} is not known" if words else "classifier needs an action"
        raise GanlensError(
            f"{what}: `ganlens classifier train --data SPEC --out DIR` trains one that reads the"
            " labels or attributes of the data; see ganlens classifier --help"
        )

    def run(
        action: Action,
        asked: Asked,
        settings: ClassifierSettings = ClassifierSettings(),  # noqa: B008 frozen
    ) -> None:
        train(asked, settings, shlex.join(["ganlens", "classifier", *words]))

    run.__doc__ = (
        "Train a classifier of labels or attributes, test it on held-out images, and keep it as a"
        " checkpoint for --extractor (ganlens fid, ganlens train)."
    )
    return run


def command() -> None:
    """Stand for the command in the table; ``prepare`` makes it once the words are known."""


command.prepare = prepare  # type: ignore[attr-defined]


def train(asked: Asked, settings: ClassifierSettings, line: str) -> None:
    """Open the data, train under a bar, save, and say what was found."""
    check_free_folder(asked.out, asked.force)
    check_file(asked.json)
    check_apart(asked.out, asked.json)
    device = pick_device(asked.device)
    data = open_to_train(
        asked.data,
        "a classifier",
        size=asked.size,
        channels=asked.channels,
        strict=asked.strict,
        upscale=asked.upscale,
        fit=asked.fit,
    )
    say_opened(data)
    names, train, test = ", ".join(targets_of(data)), data.part("train"), data.part("test")
    note(
        f"training on {len(train):,} images of {data.spec} at {data.image_shape[1]} px to read"
        f" {names}; tested on {len(test):,} held-out ones ({data.split_source} split),"
        f" on {device}"
    )
    say_shared(test, train, "test images", "training images")
    start = time.monotonic()
    trained = follow(train_classifier(data, settings, device), settings.epochs)
    made = {"command": line, "seconds": time.monotonic() - start, "machine": machine()}
    save_classifier(asked.out, trained, made)
    _conclude(asked, data)


def follow(
    steps: Generator[ClassifierEpoch, None, TrainedClassifier], epochs: int
) -> TrainedClassifier:
    """Drive the training under a bar, with a line for each epoch."""
    with progress_bar() as bar:
        task = bar.add_task("training", total=epochs)

        def see(now: ClassifierEpoch) -> None:
            bar.update(task, completed=now.epoch)
            note(f"epoch {now.epoch}: loss {now.loss:.3f}, {now.accuracy:.1%} right as it learns")

        return finish(steps, see)


def _undefined(metrics: Mapping[str, Any]) -> dict[str, str]:
    """Say why a number is null."""
    return {
        f"{kind}.{name}": "too few held-out images have a value, or all have the same"
        for kind in ("accuracies", "majority", "correlations")
        for name, value in metrics[kind].items()
        if value is None
    }


def _conclude(asked: Asked, data: ImageSet) -> None:
    model, header, digest = load_classifier(asked.out)
    content: dict[str, Any] = {
        "folder": str(asked.out),
        "hash": digest,
        "data": header.data,
        "training": header.training,
        "metrics": header.metrics,
        "undefined": _undefined(header.metrics),
        "made": header.made,
    }
    write_json(asked.json, content)
    found = header.metrics
    rows = [
        (name, len(classes), found["accuracies"][name], found["majority"][name])
        for name, classes in model.config.targets.items()
    ]
    columns = ("target", "classes", "right on held-out images", "always the commonest")
    screen = console(asked.json)
    screen.print(rows_table(f"classifier: {asked.out}", columns, rows))
    if found["correlations"]:
        screen.print(rows_table("", ("number", "correlation"), [*found["correlations"].items()]))
    spec = with_upscale(data.spec) if asked.upscale else data.spec  # the same pixels again
    screen.print(
        f"tested on {found['n']:,} images; next: ganlens fid CHECKPOINT --data {shlex.quote(spec)}"
        f" --extractor {asked.out}",
        soft_wrap=True,
    )
