"""TorchScript and ``torch.export`` archives: programs, opened only when they are trusted.

A TorchScript archive is compiled and its ``__setstate__`` runs while it is loaded, and its
operators can write files (``aten::save``, ``aten::from_file``); ``torch.export`` evaluates
expressions and unpickles. So neither is touched without ``--trust``. Where the weights inside have
the names of a known family and it draws the same, the family's own network takes them, and nothing
of the program is kept.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ganlens.checkpoints import Checkpoint, Header
from ganlens.errors import GanlensError
from ganlens.foreign.imported import Imported, digest
from ganlens.foreign.named import wrapped_drawing
from ganlens.foreign.reading import kind
from ganlens.foreign.recognition import Answers, Notes, Read

SAME = 1e-4  # largest difference, in [-1, 1], between a program and the network that replaces it
PROGRAM = "program"  # what the header of one calls its family: MODELS has none of the name


class Program(nn.Module):
    """A loaded archive. It stays in the mode in which it was exported."""

    def __init__(self, program: Any) -> None:
        super().__init__()
        self.program = program

    def forward(self, *inputs: Tensor) -> Tensor:
        """Run it."""
        return self.program(*inputs)

    def train(self, mode: bool = True) -> "Program":
        """Stay as it is: an exported program knows no modes."""
        self.training = mode
        return self


def open_archive(
    file: Path, answers: Answers, known: Callable[[dict[str, dict[str, Tensor]]], Imported]
) -> Imported:
    """Open a trusted archive: as a known family where it is one, else as a program.

    Args:
        file: the archive.
        answers: what it cannot tell.
        known: turns dicts of tensors into an Imported, or raises GanlensError.

    Raises:
        GanlensError: it cannot be loaded, or is no generator.
    """
    program = _load(file)
    reading: Any = Read(answers)
    notes = Notes(reading)
    state = {name: value.detach().clone() for name, value in program.state_dict().items()}
    try:
        imported = known({file.stem: state})
        if _draws_the_same(program, imported.checkpoint.networks):
            return imported
        notes.assumed.append("its names are known and its forward pass is another: kept a program")
    except GanlensError as error:
        why = str(error)
    else:
        why = ""
    try:
        name, settings, network = wrapped_drawing(Program(program), notes)
    except GanlensError as error:
        raise GanlensError(f"{file} is no generator that can be run: {error} {why}") from error
    Read(answers).refuse_unread(file, reading.names)
    prior = settings.get("prior", {})
    header = Header(PROGRAM, {}, prior, image_shape=network.image_shape)
    networks: dict[str, nn.Module] = {name: network.requires_grad_(False).eval()}
    checkpoint = Checkpoint(file, header, digest([file]), networks)
    shown = {"script": "a TorchScript program", "export": "a torch.export program"}[kind(file)]
    return Imported(checkpoint, shown, tuple(notes.inferred), tuple(notes.assumed), saveable=False)


def _load(file: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations of formats that others still write
            if kind(file) == "script":
                return torch.jit.load(str(file), map_location="cpu").eval()
            return torch.export.load(str(file)).module()
    except Exception as error:  # a damaged archive can raise anything
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise GanlensError(f"{file} cannot be opened ({why:.200}): export it again") from error


@torch.no_grad()
def _draws_the_same(program: Any, networks: dict[str, Any]) -> bool:
    """Compare a program with the network that would take its weights, on two inputs."""
    if (network := networks.get("generator")) is not None:
        inputs = network.prior.sample((0, 1))
        forms = [inputs[:, :, None, None], inputs]
    else:
        network = networks["discriminator"]
        forms = [torch.linspace(-1, 1, 2 * int(torch.tensor(network.image_shape).prod()))
                 .reshape(2, *network.image_shape)]  # fmt: skip
    for form in forms:
        try:
            drawn = program(form)
        except Exception:  # another shape is tried next
            continue
        expected = network(form)
        if drawn.ndim != 4:  # logits, through a sigmoid or not
            drawn, expected = drawn.flatten(), expected.flatten()
            if drawn.shape == expected.shape and drawn.min() >= 0 and drawn.max() <= 1:
                expected = expected.sigmoid()
        return drawn.shape == expected.shape and bool((drawn - expected).abs().max() < SAME)
    return False
