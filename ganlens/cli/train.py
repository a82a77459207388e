"""``ganlens train``: train a family's networks on images, or resume a run."""

import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import MISSING, asdict, field, fields, is_dataclass, make_dataclass, replace
from itertools import zip_longest
from typing import Any

from ganlens.checkpoints import Checkpoint
from ganlens.cli.flags import NONE
from ganlens.cli.following import conclude, follow, stopping
from ganlens.cli.opening import fitted, say_shared
from ganlens.cli.terminal import check_file, note
from ganlens.cli.train_data import RunData, check_flags, open_all
from ganlens.cli.train_flags import USUAL, RunFlags
from ganlens.data import with_fit, with_upscale
from ganlens.errors import GanlensError
from ganlens.foreign import ADOPTING, adopted, open_checkpoint
from ganlens.models import register_trusted, trained_here
from ganlens.models.arguments import FROM_DATA, from_data
from ganlens.runs import Run, RunConfig, check_place, run_extractor
from ganlens.training import (
    TrainConfig,
    Trainer,
    arguments_of_start,
    check_start,
    configure,
    launched,
    trainable,
    training_data,
)

SHAPE = ("size", "channels")


def prepare(words: Sequence[str]) -> Callable[..., int]:
    """Return the command with the flags of the family that the words name, and its defaults.

    Raises:
        GanlensError: an unknown family or preset, or a start that cannot be trained on.
    """
    register_trusted()  # --module may name a family, or a file that adds one to MODELS
    name = _value(words, "--family") or USUAL
    family = trainable(name)
    chosen = {name: _value(words, f"--{name.replace('_', '-')}") for name in family.decisive}
    preset = family.preset(
        _value(words, "--preset") or family.default_preset,
        **{name: value for name, value in chosen.items() if value is not None},
    )
    networks, start = asdict(preset.config), None
    if (place := _value(words, "--start")) is not None and place not in NONE:
        start = _begin(place, name)
        networks = arguments_of_start(start, name)
    network_flags, objective_flags = (
        _flags("Network", family.Config), _flags("Objective", family.Training)
    )  # fmt: skip
    network = network_flags(**_of(network_flags, networks))
    objective = objective_flags(**_of(objective_flags, asdict(preset.objective)))
    shared_flags = _flags("Training", TrainConfig)
    shared = shared_flags(**_of(shared_flags, {**asdict(TrainConfig()), **preset.run}))

    _check_flags(name, network_flags, objective_flags)

    def made(
        run: RunFlags,
        network: network_flags = network,  # type: ignore[valid-type]
        training: shared_flags = shared,  # type: ignore[valid-type]
        objective: objective_flags = objective,  # type: ignore[valid-type]
        saving: RunConfig = RunConfig(),  # noqa: B008 frozen
    ) -> int:
        settings = asdict(training) | asdict(objective)
        return train(run, asdict(network), configure(name, run.preset, **settings), saving, start)

    made.__doc__ = f"""Train networks on images; the same command resumes an interrupted run.

    Families: {", ".join(trained_here())}. These are the flags of {name}.
    """
    return made


def _flags(name: str, cls: type[Any]) -> type[Any]:
    """Return a dataclass of the settings that flags give: those that no data decide."""
    free = [f for f in fields(cls) if f.name not in (*FROM_DATA, "objective")]
    return make_dataclass(
        name,
        [
            (f.name, f.type, field() if f.default is MISSING else field(default=f.default))
            for f in free
        ],
        namespace={"__doc__": _documented(cls)},
        frozen=True,
    )


def _documented(cls: type[Any]) -> str:
    """Return a dataclass's docstring with the fields that its bases describe."""
    mark, (own, *bases) = "\n\n    Attributes:\n", cls.__mro__
    texts = [base.__doc__ or "" for base in bases if is_dataclass(base)]
    inherited = "".join(text.rstrip().partition(mark)[2] + "\n" for text in reversed(texts))
    said, _, fields_of = (own.__doc__ or "").rstrip().partition(mark)
    return f"{said}{mark}{inherited}{fields_of}"


def _check_flags(family: str, *own: type[Any]) -> None:
    """Refuse settings of a family that are flags of every family's already."""
    taken = {f.name for cls in (RunFlags, RunConfig) for f in fields(cls)}
    for cls in own:
        if clash := sorted(taken & {f.name for f in fields(cls)}):
            raise GanlensError(f"family {family!r} has a setting {clash[0]!r}, which is a flag of"
                               " every family: call it otherwise")  # fmt: skip


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


def _begin(place: str, family: str) -> Checkpoint:
    """Open what training starts from; imported networks become those of the family if they can."""
    if not place:
        raise GanlensError(
            "--start '' is no checkpoint: give a folder or the name of a shipped one, or leave"
            " --start out; 'ganlens list' shows what there is"
        )
    found = open_checkpoint(place)
    imported = "imported" in found.header.made and found.header.family != family
    return adopted(found) if imported and family == ADOPTING else found


def train(
    run: RunFlags,
    network: dict[str, Any],
    training: TrainConfig,
    saving: RunConfig,
    start: Checkpoint | None = None,
) -> int:
    """Open the data, build or resume the run, and follow it to its end.

    Args:
        run: the flags that every family has.
        network: fields of the family's Config that no data decide.
        training: how to train.
        saving: when to evaluate and save.
        start: the checkpoint that is trained on, if any.

    Returns:
        The exit code: 0, or 128 and the signal that stopped it.
    """
    check_place(run.out)
    check_file(run.json)
    run = _fitted(run)
    family = trainable(run.family)
    check_flags(run, family)
    if start:
        run = _sized(run, network, start)
    fabric = launched(run.device, run.precision)
    data = open_all(run)
    learned = training_data(data.train, family.conditions, run.condition_on, data.others)
    arguments = asdict(from_data(family.Config, network, **learned.arguments))
    trainer = Trainer(run.family, arguments, training, learned, fabric, start)
    with fabric.rank_zero_first():  # the first rank may train a classifier, the others open it
        extractor = run_extractor(run.extractor, data.all, run.out, note, fabric.device)
    command = shlex.join(["ganlens", "train", *sys.argv[2:]])
    made = Run(
        run.out, trainer, data.train, data.held_out, extractor, saving, command, data.others,
        data.sources,
    )  # fmt: skip
    if fabric.is_global_zero:
        note(_introduction(data, trainer))
        learned_from = data.train if data.others is None else data.others
        say_shared(data.held_out, learned_from, "held-out images", "training images")
    with stopping() as caught:
        row = follow(made, lambda: bool(caught))
    if fabric.is_global_zero:
        # Of two domains, what is drawn belongs to the second.
        spec = run.others or run.data
        conclude(made, row, with_upscale(spec) if run.upscale else spec, run.json)
    return 128 + caught[0] if caught else 0


def _fitted(run: RunFlags) -> RunFlags:
    """Let the SPECs say themselves how images become square."""
    return replace(
        run,
        data=with_fit(run.data, run.fit),
        held_out=fitted(run.held_out, run.fit),
        others=fitted(run.others, run.fit),
        fit=None,
    )


def _sized(run: RunFlags, network: dict[str, Any], start: Checkpoint) -> RunFlags:
    """Ask for images of the start's shape; refuse flags that ask for other networks."""
    given = {name: getattr(run, name) for name in SHAPE}
    shape = {name: value for name, value in given.items() if value is not None}
    check_start(start, run.family, network | shape)
    known = arguments_of_start(start, run.family)
    return replace(run, **{name: known[name] for name in SHAPE})


def _introduction(data: RunData, trainer: Trainer) -> str:
    begun = f", begun from {trainer.start.name}" if trainer.start else ""
    sizes = ", ".join(
        f"{name} {sum(p.numel() for p in trainer.trained.learning[name].parameters()):,}"
        for name in trainer.trained.saved
    )
    withheld = f" (without {data.train.withheld})" if data.train.withheld else ""
    return (
        f"training {trainer.family} on {len(data.train):,} images of {data.train.spec}{withheld} at"
        f" {data.train.image_shape[1]} px, evaluated on {len(data.held_out):,} held-out ones"
        f" ({data.train.split_source} split); weights: {sizes}{begun};"
        f" {trainer.total_steps:,} steps on {trainer.fabric.device} in"
        f" {trainer.fabric._precision.precision}"
    )
