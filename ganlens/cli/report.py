"""``ganlens report`` and ``ganlens demo``: every probe, one HTML page."""

import json as jsonlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Formatter
from typing import Annotated, Any

from rich.console import Console
from tyro.conf import arg

from ganlens.cli.flags import Checkpoint, Device, Force, Json, OptionalData
from ganlens.cli.probe import open_images, open_subject
from ganlens.cli.terminal import check_free, console, progress_bar, rows_table, write_json
from ganlens.errors import one_of
from ganlens.panels import cell
from ganlens.probes import PROBES
from ganlens.probes.base import Probe, Progress
from ganlens.report import Finding, run_probes, write_report

Out = Annotated[Path, arg(metavar="DIR")]

# Settings of the demo where they are not the defaults. Named, not found: Inception's weights on a
# machine that happens to have them would take the demo from a minute to many.
DEMO: dict[str, dict[str, Any]] = {"fid": {"extractor": "discriminator"}}

# What the table says of each probe: templates over its summary; one with an undefined value is left
# out, and a probe that has none shows its first three numbers.
HEADLINES: dict[str, tuple[str, ...]] = {
    "interpolate": (
        "the longest step is {max_over_mean_step} times the mean one",
        "{longest_step_over_unrelated} of the way to an unrelated sample",
    ),
    "arithmetic": (
        "({a}) - ({b}) + ({c})",
        "the share of pictures that show the result is {success_rate_of_9}",
        "of random samples {base_rate_of_random_samples}",
    ),
    "filters": ("{filters} filters in {first_layer_of_discriminator}",),
    "activations": ("{dead_units_total} of {units_total} units are dead",),
    "fid": ("{metric} {value}", "real against real {floor}", "coverage {coverage}", "N {n_fake}"),
    "neighbors": (
        "share flagged as too near a training image: {flagged_pixels} in pixels",
        "{flagged_discriminator} in features",
        "N {n_generated}",
    ),
    "invert": (
        "median residual {median_mse_held_out} held-out",
        "{median_mse_train} train",
        "{median_mse_generated} generated",
        "AUC {auc_train_smaller}",
    ),
    "linear-probe": (
        "accuracy {accuracy}",
        "untrained {accuracy_untrained}",
        "pixels {accuracy_pixels}",
        "guessing {accuracy_majority}",
    ),
}


def report(
    checkpoint: Checkpoint,
    out: Out,
    data: OptionalData = None,
    probes: tuple[str, ...] = (),
    device: Device = "auto",
    json: Json = None,
    force: Force = False,
) -> None:
    """Run every probe at its default settings and write one HTML page that needs nothing else.

    Args:
        out: folder for report.html, findings.json and arrays.npz.
        probes: only these, in this order; by default all. A probe that cannot run says why.
    """
    check_free(out / "report.html", force)
    check_free(json, force)
    for name in probes:
        if name not in PROBES:
            raise one_of("probe", name, PROBES)
    chosen = {name: PROBES[name]() for name in probes or PROBES}
    _write(checkpoint, data, chosen, out, device, json)


def demo(out: Out = Path("runs/demo"), device: Device = "auto", json: Json = None) -> None:
    """Probe the GAN that travels with ganlens, on the faces that travel with it: a first look.

    Args:
        out: folder for the report; one from an earlier demo is replaced.
    """
    chosen = {name: probe(**DEMO.get(name, {})) for name, probe in PROBES.items()}
    screen = _write("pixelfaces", "pixelfaces", chosen, out, device, json)
    screen.print("play with it: ganlens explore (in a clone: make app)")


def _write(
    checkpoint: str,
    spec: str | None,
    probes: Mapping[str, Probe],
    out: Path,
    device: str,
    json: str | None,
) -> Console:
    """Run, write, and print the table of findings; return where it was printed."""
    start = time.perf_counter()
    subject = open_subject(checkpoint, device)
    data = None if spec is None else open_images(spec, subject)
    with progress_bar() as bar:
        task = bar.add_task("starting", total=None)

        def show(name: str, step: Progress) -> None:
            what = f"{name}: {step.what}"
            bar.update(task, description=what, completed=step.done, total=step.total)

        findings = run_probes(subject, data, probes, show)
    page = write_report(out, subject, data, findings, checkpoint=checkpoint)
    write_json(json, jsonlib.loads((page.parent / "findings.json").read_text("utf-8")))
    screen = console(json)
    screen.print(_table(f"What {subject.name} learned", findings))
    seconds = time.perf_counter() - start
    screen.print(f"\nwrote {page} in {seconds:.0f} s: open it in a browser", soft_wrap=True)
    return screen


def _table(title: str, findings: Sequence[Finding]) -> Any:
    rows = [(f.probe.title or f.name, headline(f), f"{f.seconds:.1f} s") for f in findings]
    return rows_table(title, ("probe", "finding", "time"), rows)


def headline(finding: Finding) -> str:
    """Say in half a line what a probe found; the report has the rest."""
    if finding.result is None:
        return f"left out: {finding.reason}"
    summary = finding.result.summary()
    shown = {key: cell(value) for key, value in summary.items() if value is not None}
    pieces = HEADLINES.get(finding.name) or [f"{key} {{{key}}}" for key in _numbers(summary)[:3]]
    return ", ".join(p.format_map(shown) for p in pieces if set(_names(p)) <= shown.keys())


def _numbers(summary: Mapping[str, Any]) -> list[str]:
    kept = (int, float)
    return [k for k, v in summary.items() if isinstance(v, kept) and not isinstance(v, bool)]


def _names(template: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(template) if name]
