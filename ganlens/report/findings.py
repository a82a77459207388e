"""Run probes and turn what they found into JSON: the part of a report that machines read."""

import time
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ganlens.checkpoints import versions
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.models.roles import named
from ganlens.panels import Panel
from ganlens.plain import plain
from ganlens.probes.base import ROLES, Probe, Progress
from ganlens.probes.result import Result, arrays
from ganlens.progress import finish
from ganlens.stats import ReferenceMoments

if TYPE_CHECKING:
    from ganlens.subject import Subject


NO_DATA = "needs images to compare with: give a data set"


@dataclass(frozen=True)
class Finding:
    """What became of one probe.

    Attributes:
        name: its key in PROBES, which is also its command.
        probe: the settings it ran with.
        result: what it found; None where it could not run.
        reason: why there is no result, one line; empty where there is one.
        seconds: wall time that it took.
        error: what stopped it, where that was a fault of the program: the others are found all the
            same, and the caller raises it when they are written.
        panels: of the result, where they are made already.
    """

    name: str
    probe: Probe
    result: Result | None = None
    reason: str = ""
    seconds: float = 0.0
    error: Exception | None = None
    panels: tuple[Panel, ...] | None = None


def ignore_progress(name: str, progress: Progress) -> None:
    """Do nothing with the progress of a probe."""


def run_probes(
    subject: "Subject",
    data: "ImageSet | None",
    probes: Mapping[str, Probe],
    on_progress: Callable[[str, Progress], None] = ignore_progress,
    *,
    on_request: bool = True,
) -> list[Finding]:
    """Run probes one after the other; what cannot run becomes a finding that says why.

    Args:
        subject: the loaded model.
        data: the images to compare it with, whole ("all"); None where there are none.
        probes: name -> probe with its settings, in the order of the report.
        on_progress: called with the probe's name and each Progress that it yields.
        on_request: run those too that a report leaves out unless they are named.
    """
    found = []
    for name, probe in probes.items():
        reason = missing(probe, subject, data)
        if not reason and probe.on_request and not on_request:
            reason = f"{probe.on_request}: ask for it by --probes {name}"
        if reason:
            found.append(Finding(name, probe, reason=reason))
        else:
            found.append(_run(name, probe, subject, data, on_progress))
    return found


def _run(
    name: str,
    probe: Probe,
    subject: "Subject",
    data: "ImageSet | None",
    on_progress: Callable[[str, Progress], None],
) -> Finding:
    start = time.perf_counter()
    try:
        result = finish(probe.steps(subject, data), partial(on_progress, name))
        seconds = time.perf_counter() - start
        document(name, probe, subject, data, result)
        arrays(result)
        panels = tuple(result.panels())
    except GanlensError as error:
        return Finding(name, probe, reason=str(error), seconds=time.perf_counter() - start)
    except Exception as error:
        reason = f"it failed, which is a fault of the program: {type(error).__name__}: {error}"
        return Finding(name, probe, reason=reason, error=error)
    return Finding(name, probe, result, seconds=seconds, panels=panels)


def missing(probe: Probe, subject: "Subject", data: "ImageSet | None") -> str:
    """Say in one line what a probe needs and does not have here; empty when it can run."""
    needs = probe.needs()
    if reason := missing_networks(needs.networks, subject):
        return reason
    if reason := needs.lacking_condition(subject):
        return reason
    if needs.data == "required" and (reason := unusual_shape(subject.image_shape)):
        return f"needs images to compare with, and data sets are opened as {reason}"
    if needs.data == "required" and data is None:
        return NO_DATA
    if needs.labels and data is not None and data.labels is None and not data.attributes:
        return f"needs labels or attributes, and the data {data.spec!r} has none"
    return ""


def missing_networks(wanted: Set[str], subject: "Subject") -> str:
    """Say which wanted roles no network plays, and which networks there are; empty if all are.

    Args:
        wanted: of ROLES; "sample" is a generator or a translator.
        subject: the model.
    """
    present = set(subject.roles.values())
    said = [f"{'an' if role[0] in 'aeiou' else 'a'} {role}" for role in ROLES
            if role in wanted and role not in present]  # fmt: skip
    if "sample" in wanted and not {"generator", "translator"} & present:
        said = ["a generator or a translator", *said]
    if not said:
        return ""
    return f"needs {' and '.join(said)}; this checkpoint has: {', '.join(named(subject.roles))}"


def unusual_shape(image_shape: tuple[int, int, int]) -> str:
    """Say how images are unlike all data sets, after "opened as"; empty where they are not."""
    channels, height, width = image_shape
    if height == width and channels in (1, 3):
        return ""
    return f"squares of 1 or 3 channels; this one's images are {channels} x {height} x {width}"


def document(
    name: str, probe: Probe, subject: "Subject", data: "ImageSet | None", result: Result
) -> dict[str, Any]:
    """Describe one result as strict JSON: the number, and all that makes it comparable.

    Returns:
        A dict that ``json.dumps(..., allow_nan=False)`` takes. Values that are not finite are null,
        and "undefined" maps the path of each to the reason.
    """
    return strict(
        {
            "probe": name,
            "settings": probe.settings(),
            "checkpoint": dict(subject.provenance),
            "data": describe_data(data),
            "summary": result.summary(),
            "versions": versions(),
        }
    )


def comparison_document(
    probe: Probe, generated: Any, reference: Any, result: Result
) -> dict[str, Any]:
    """Describe a comparison of any two sets of images as ``document`` does a model."""
    return strict(
        {
            "probe": "fid",
            "settings": probe.settings(),
            "generated": _compared(generated),
            "reference": _compared(reference),
            "summary": result.summary(),
            "versions": versions(),
        }
    )


def _compared(images: "Subject | ImageSet | ReferenceMoments") -> dict[str, Any]:
    if isinstance(images, ImageSet):
        return describe_data(images) or {}
    if isinstance(images, ReferenceMoments):
        return {"moments": dict(images.notes), "n": images.n, "dimensions": len(images.mean)}
    return dict(images.provenance)


def describe_data(data: "ImageSet | None") -> dict[str, Any] | None:
    """Return what identifies a data set in a finding, or None where none was used."""
    if data is None:
        return None
    prepared = data.preparation
    return {
        "spec": data.spec,
        "fingerprint": data.fingerprint,
        "split": data.split,
        "split_source": data.split_source,
        "n": len(data),
        "image_shape": list(data.image_shape),
        "skipped": len(data.skipped),
        "notes": list(data.notes),
        **({"prepared": str(prepared), "preparation": prepared.to_json()} if prepared else {}),
    }


def strict(content: dict[str, Any]) -> dict[str, Any]:
    """Return ``content`` as strict JSON values; "undefined" lists what was not finite."""
    undefined: dict[str, str] = {}
    clean: dict[str, Any] = plain(content, undefined)
    return clean | {"undefined": undefined} if undefined else clean
