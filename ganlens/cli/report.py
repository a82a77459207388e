"""``ganlens report`` and ``ganlens demo``: every probe, one HTML page."""

import json as jsonlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from rich.console import Console
from tyro.conf import arg

from ganlens.cli.flags import Checkpoint, Condition, Device, Force, Json, OptionalData, Sources
from ganlens.cli.opening import OptionalFit, check_fit, fitted, open_images, open_subject
from ganlens.cli.terminal import (
    check_file,
    check_free,
    check_free_folder,
    console,
    progress_bar,
    rows_table,
    write_json,
)
from ganlens.errors import GanlensError, one_of
from ganlens.probes import PROBES
from ganlens.probes.base import Probe, Progress
from ganlens.report import (
    REPORT_FILES,
    Finding,
    find_browser,
    headline,
    missing,
    run_probes,
    unusual_shape,
    write_pdf,
    write_report,
)
from ganlens.report.findings import NO_DATA
from ganlens.subject import Subject

Out = Annotated[Path, arg(metavar="DIR")]


def report(
    checkpoint: Checkpoint,
    out: Out,
    data: OptionalData = None,
    probes: tuple[str, ...] = (),
    pdf: bool = False,
    condition: Condition = None,
    sources: Sources = None,
    fit: OptionalFit = None,
    device: Device = "auto",
    json: Json = None,
    force: Force = False,
) -> None:
    """Run the probes at their default settings and write one HTML page that needs nothing else.

    Args:
        out: folder for report.html, findings.json and arrays.npz.
        probes: only these, in this order; by default all but what takes minutes: {probes}. One
            that does not run says why; where none can, nothing is written.
        pdf: print it as report.pdf too, with a Chromium found on the PATH.
    """
    browser = find_browser() if pdf else None
    for file in (*REPORT_FILES, *(["report.pdf"] if pdf else [])):
        check_free(out / file, force)
    check_free(json, force)
    check_fit(fit, data, sources)
    data, sources = fitted(data, fit), fitted(sources, fit)
    probes = tuple(name for word in probes for name in word.split(","))
    for name in probes:
        if name not in PROBES:
            raise one_of("probe", name, PROBES)
    chosen = {name: PROBES[name]() for name in probes or PROBES}
    subject = open_subject(checkpoint, device, condition=condition, sources=sources)
    if probes:
        _refuse_a_page_of_nothing(subject, chosen, data)
    screen = _write(subject, checkpoint, data, chosen, out, json, on_request=bool(probes))
    if browser is not None:
        screen.print(f"wrote {write_pdf(out / REPORT_FILES[0], browser)}", soft_wrap=True)


report.__doc__ = (report.__doc__ or "").replace("{probes}", ", ".join(PROBES))


def demo(out: Out = Path("runs/demo"), device: Device = "auto", json: Json = None) -> None:
    """Probe the GAN that travels with ganlens, on the faces that travel with it: a first look.

    Args:
        out: folder for the report; one from an earlier demo is replaced.
    """
    check_free_folder(out, force=True)
    check_file(json)
    chosen = {name: probe(**probe.demo) for name, probe in PROBES.items()}
    subject = open_subject("pixelfaces", device)
    screen = _write(subject, "pixelfaces", "pixelfaces", chosen, out, json)
    screen.print("play with it: ganlens explore (in a clone: make app)")


def _refuse_a_page_of_nothing(
    subject: Subject, probes: Mapping[str, Probe], data: str | None
) -> None:
    """Refuse probes that were named where this model, or no data at all, lets none of them run."""
    reasons = {name: missing(probe, subject, None) for name, probe in probes.items()}
    if all(why and not (why == NO_DATA and data is not None) for why in reasons.values()):
        raise GanlensError("; ".join(f"{name} {why}" for name, why in reasons.items()))


def _write(
    subject: Subject,
    checkpoint: str,
    spec: str | None,
    probes: Mapping[str, Probe],
    out: Path,
    json: str | None,
    *,
    on_request: bool = False,
) -> Console:
    """Run, write, and print the table of findings; return where it was printed."""
    start = time.perf_counter()
    # Of images that no data set fits, each probe says why it does not run.
    fits = spec is not None and not unusual_shape(subject.image_shape)
    data = open_images(str(spec), subject) if fits else None
    with progress_bar() as bar:
        task = bar.add_task("starting", total=None)

        def show(name: str, step: Progress) -> None:
            what = f"{name}: {step.what}"
            bar.update(task, description=what, completed=step.done, total=step.total)

        findings = run_probes(subject, data, probes, show, on_request=on_request)
    page = write_report(out, subject, data, findings, checkpoint=checkpoint)
    write_json(json, jsonlib.loads((page.parent / "findings.json").read_text("utf-8")))
    screen = console(json)
    screen.print(_table(f"What {subject.title} learned", findings))
    seconds = time.perf_counter() - start
    screen.print(f"\nwrote {page} in {seconds:.0f} s: open it in a browser", soft_wrap=True)
    if failed := next((one for one in findings if one.error), None):
        assert failed.error is not None
        raise failed.error
    return screen


def _table(title: str, findings: Sequence[Finding]) -> Any:
    rows = [(f.probe.title or f.name, headline(f), f"{f.seconds:.1f} s") for f in findings]
    return rows_table(title, ("probe", "finding", "time"), rows)
