"""``open_foreign``: a source of somebody else's, recognised, built and filled."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ganlens.checkpoints import Checkpoint, Header, filled_network, find_checkpoint, load_checkpoint
from ganlens.errors import GanlensError
from ganlens.foreign.archives import open_archive
from ganlens.foreign.before_output import said_of_output
from ganlens.foreign.imported import Imported, digest
from ganlens.foreign.named import open_named
from ganlens.foreign.readers import READERS
from ganlens.foreign.reading import files_of, kind, read
from ganlens.foreign.recognising import Recognition, recognise
from ganlens.foreign.recognition import Answers
from ganlens.foreign.statistics import measured
from ganlens.models import register_trusted
from ganlens.models.imported.trust import trusted


def open_checkpoint(
    path_or_name: str | Path,
    answers: Answers = Answers(),  # noqa: B008 (it is frozen)
) -> Checkpoint:
    """Open ganlens's own checkpoint where there is one, else whatever weights lie there.

    Args:
        path_or_name: a checkpoint folder, a run's folder, a shipped name, or weights that another
            project saved.
        answers: what a foreign file cannot tell.

    Raises:
        GanlensError: as ``load_checkpoint`` and ``open_foreign``.
    """
    path = Path(path_or_name)
    try:
        find_checkpoint(path)
    except GanlensError:
        if not path.exists():
            raise
        return open_foreign([path], answers).checkpoint
    return load_checkpoint(path)


def open_foreign(
    sources: Sequence[str | Path],
    answers: Answers = Answers(),  # noqa: B008 (it is frozen)
) -> Imported:
    """Open weights that another project has saved. Nothing in them is run unless it is trusted.

    Args:
        sources: files or folders that belong together, such as netG.pth and netD.pth.
        answers: what the files cannot tell.

    Raises:
        GanlensError: a file is damaged, refers to code or is not recognised; weights are missing,
            surplus, of another shape or not finite.
    """
    places = [Path(source) for source in sources]
    files = [file for place in places for file in files_of(place)]
    shown = str(places[0]) if len(places) == 1 else " and ".join(map(str, places))
    if trusted().archives and len(files) == 1 and kind(files[0]) in ("script", "export"):
        return open_archive(files[0], answers, lambda states: _known(states, answers, files, shown))
    states = read(files, whole=trusted().module is not None)
    if trusted().module is not None and not _register():
        return _imported(open_named(states, answers, shown), files)
    return _known(states, answers, files, shown)


def _register() -> bool:
    """Register what ``--module`` names, its reader too; tell whether it is a family."""
    target, family = trusted().module, register_trusted()
    if target is not None and callable(recognise_ := getattr(family, "recognise", None)):
        READERS[target] = recognise_
    return family is not None


def _known(
    states: dict[str, dict[str, Tensor]], answers: Answers, files: Sequence[Path], shown: str
) -> Imported:
    found = recognise(states, answers, shown)
    states.clear()  # each tensor is held once, by ``found``, until the network takes it
    networks = {
        part: filled_network(found.family, found.arguments, part, weights, shown, found.format)
        for part, weights in found.weights.items()
    }
    return _imported((found, networks), files)


def _imported(pair: tuple[Recognition, dict[str, nn.Module]], files: Sequence[Path]) -> Imported:
    found, networks = pair
    place = files[0] if len(files) == 1 else files[0].parent
    shapes = {part: tuple(network.image_shape) for part, network in networks.items()}  # type: ignore[arg-type]
    if len(set(shapes.values())) > 1:
        each = ", ".join(f"{part} {' x '.join(map(str, shapes[part]))}" for part in shapes)
        raise GanlensError(
            f"{place} holds networks for images of different shapes ({each}): open one of the"
            " files by itself, or give those that were trained together"
        )
    used, said = measured(networks, found.lacking, place)
    generator = networks.get("ema.generator", networks.get("generator"))
    if generator is not None and (phrase := said_of_output(generator)):
        said.append(phrase)
    found = replace(found, assumed=(*found.assumed, *said))
    prior: Any = getattr(generator, "prior", None)
    header = Header(
        found.family,
        found.arguments,
        {} if prior is None else prior.to_json(),
        calibration=used,
        made={"imported": _origin(found, files)},
        image_shape=next(iter(shapes.values())),
    )
    checkpoint = Checkpoint(place, header, digest(files), networks)
    return Imported(
        checkpoint, found.format, found.inferred, found.assumed, found.left_aside,
        alternatives=found.alternatives,
    )  # fmt: skip


def _origin(found: Recognition, files: Sequence[Path]) -> dict[str, Any]:
    return {
        "format": found.format,
        "files": [file.name for file in files],
        "sha256": digest(files),
        "inferred": list(found.inferred),
        "assumed": list(found.assumed),
    }
