"""Every probe as a command, built from its settings: a probe that is added needs no code here."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, TypeVar

from tyro.conf import arg

from ganlens.cli.files import write_files, write_panels
from ganlens.cli.flags import (
    Checkpoint,
    Condition,
    Device,
    Folder,
    Force,
    Json,
    OptionalData,
    Sources,
    SourcesOnly,
)
from ganlens.cli.opening import OptionalFit, check_fit, fitted, open_images, open_subject
from ganlens.cli.terminal import (
    check_places,
    console,
    follow,
    pairs_table,
    write_json,
)
from ganlens.errors import GanlensError
from ganlens.features import together, world
from ganlens.panels import Panel
from ganlens.probes.base import Probe
from ganlens.probes.result import Result
from ganlens.replay import signed
from ganlens.report import document, missing
from ganlens.subject import Subject


@dataclass(frozen=True)
class Common:
    """What every probe command takes.

    Attributes:
        data: images to look at, where the settings call for some.
        condition: of a conditional model, in words.
        sources: images that a translator translates.
        fit: how images that are not square become so.
        out: folder for the panels.
        json: file for the numbers.
        device: where to compute.
        force: replace files that exist.
    """

    checkpoint: Checkpoint
    data: OptionalData = None
    condition: Condition = None
    sources: Sources = None
    fit: OptionalFit = None
    out: Folder = None
    json: Json = None
    device: Device = "auto"
    force: Force = False


@dataclass(frozen=True)
class WithSource(Common):
    """The same beside a setting that is called "source"."""

    sources: SourcesOnly = None


C = TypeVar("C", bound=Common)


def as_command(name: str, target: type[Probe]) -> Callable[..., int | None]:
    """Turn a Probe class into a function whose parameters are the flags."""

    def command(settings: Any, common: Common) -> int:
        return run(name, settings, common)

    names = {field.name for field in fields(target)}  # type: ignore[arg-type]
    # The empty help keeps tyro from repeating each class docstring above its options.
    kinds = {"settings": target, "common": WithSource if "source" in names else Common}
    command.__annotations__ = {key: Annotated[kind, arg(help="")] for key, kind in kinds.items()}
    command.__doc__ = description(target)
    return command


def description(probe: type[Probe]) -> str:
    """Return a class docstring up to its list of attributes."""
    return (inspect.getdoc(probe) or "").split("\nAttributes:")[0].strip()


def run(name: str, probe: Probe, common: Common) -> int:
    """Load, run a probe under a progress bar, and write what was asked for."""
    check_places(common.out, common.json, common.force)
    common = fit_applied(common)
    _check_data(name, probe, common.data)
    subject = opened(common.checkpoint, common)
    data = None if common.data is None else open_images(common.data, subject)
    if reason := missing(probe, subject, data):
        raise GanlensError(f"{name} {reason}")
    with together(subject.device):
        result = follow(probe.steps(subject, data))
    content = document(name, probe, subject, data, result)
    panels = signed(result.panels(), name, probe, subject, data)
    return show(f"{probe.title or name}: {subject.title}", content, panels, result, common)


def fit_applied(common: C) -> C:
    """Return the flags with the fit said by the SPECs themselves.

    Raises:
        GanlensError: a fit without images.
    """
    check_fit(common.fit, common.data, common.sources)
    data, sources = fitted(common.data, common.fit), fitted(common.sources, common.fit)
    return replace(common, data=data, sources=sources, fit=None)


def opened(checkpoint: str, common: Common) -> Subject:
    """Load a checkpoint as the flags say."""
    return open_subject(
        checkpoint, common.device, condition=common.condition, sources=common.sources
    )


def show(
    title: str, content: dict[str, Any], panels: Sequence[Panel], result: Result, common: Common
) -> int:
    """Print what was found, and write what was asked for; under torchrun the first rank does."""
    if world().rank:
        return 0
    write_json(common.json, content)
    screen = console(common.json)
    shown = {key: value for key, value in content["summary"].items() if key != "versions"}
    screen.print(pairs_table(title, shown))
    if common.out is not None:
        written = write_panels(common.out, panels) + write_files(common.out, result)
        screen.print("", *(f"wrote {path}" for path in written), sep="\n", soft_wrap=True)
    if common.json not in (None, "-"):
        screen.print(f"wrote {common.json}", soft_wrap=True)
    return 0


def _check_data(name: str, probe: Probe, spec: str | None) -> None:
    """Say that data is missing, or that nothing would look at it, before anything is loaded."""
    wanted = probe.needs().data
    if wanted == "required" and spec is None:
        raise GanlensError(f"{name} needs images: add --data SPEC, for example --data pixelfaces")
    if wanted == "no" and spec is not None:
        raise GanlensError(f"{name} looks at no data with these settings: leave out --data {spec}")
