"""card.md: what a checkpoint is, how it was made, how it got there, and what it draws."""

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ganlens.checkpoints import Header
from ganlens.models import MODELS
from ganlens.models.conditions import from_json
from ganlens.models.prior import Prior
from ganlens.models.roles import named
from ganlens.panels import cell

LABELS = {"fd": "Fréchet distance", "coverage": "coverage (share)"}  # of the axes of the curve


def machine() -> str:
    """Describe the machine in a line: processor, cores, system."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        models = [
            line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
        ]
        name = models[0].split(":", 1)[1].strip() if models else name
    return f"{name}, {os.cpu_count()} cores, {platform.system()}"


def card(name: str, header: Header, rows: Sequence[Mapping[str, Any]]) -> str:
    """Write the card of a checkpoint as Markdown.

    Args:
        name: what the checkpoint is called.
        header: its header.
        rows: the evaluations of its run, in order.
    """
    made, size = header.made, header.arguments.get("size")
    facts = [
        ("family", f"{header.family}, {size}x{size} px, {header.arguments}"),
        ("networks", ", ".join(named(MODELS[header.family].roles))),
        *_inputs(header),
        *_trained_on("trained on", header.data),
        *(_trained_on("second domain (unpaired)", header.others) if header.others else ()),
        ("evaluated on", f"{header.metrics.get('held_out')}"),
        *_start(made),
        ("steps", f"{header.step:,} ({made.get('epoch')} epochs)"),
        ("precision", made.get("precision")),
        ("training time", f"{made.get('seconds', 0) / 60:.0f} minutes up to this step"),
        ("machine", made.get("machine")),
        *([("device", made["device"])] if "device" in made else []),
        ("versions", ", ".join(f"{k} {v}" for k, v in header.versions.items())),
    ]
    lines = [f"# {name}", "", f"A model of the family `{header.family}`, trained by ganlens.", ""]
    lines += ["```", str(made.get("command")), "```", "", "| | |", "| --- | --- |"]
    lines += [f"| {key} | {value} |" for key, value in facts]
    lines += ["", "## Samples", "", _samples(header), "", "![samples](samples.png)", ""]
    lines += ["## Training curve", ""]
    m = header.metrics
    lines += [
        f"Fréchet distance, precision, recall, density and coverage of {header.metrics.get('n'):,}"
        f" generated against {header.metrics.get('n'):,} held-out images in the features of"
        f" `{m.get('extractor')}`; k = {m.get('k')} for precision and recall,"
        f" {m.get('k_density')} for density and coverage. This checkpoint is the row in bold.",
        "",
        "![curve](curve.svg)",
        "",
    ]
    return "\n".join([*lines, *_table(rows, header.step), ""])


def _samples(header: Header) -> str:
    if not header.prior:
        return "The first held-out images, translated, not chosen."
    each = ", their conditions as frequent as in the data" if header.condition else ""
    return f"64 samples of the seeds 0 to 63{each}, not chosen."


def _inputs(header: Header) -> list[tuple[str, str]]:
    """Return what the generator maps from, and the conditions of the networks."""
    found = []
    if header.prior:
        found.append(("prior", str(Prior(**header.prior))))
    if header.condition:
        condition = from_json(header.condition)
        names = ", ".join(condition.names[:20]) + (" ..." if len(condition.names) > 20 else "")
        found.append(("condition", f"{condition.kind}: {names}"))
    return found


def _trained_on(what: str, data: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (what, f"{data.get('spec')}: {data.get('n'):,} images, {data.get('split')}"),
        *([("withheld from it", f"`{data['withheld']}`")] if "withheld" in data else []),
        *([("its images", data["prepared"])] if "prepared" in data else []),
        ("data fingerprint", f"`{data.get('fingerprint')}`"),
    ]


def _start(made: Mapping[str, Any]) -> list[tuple[str, str]]:
    start = made.get("start")
    return [("started from", f"{start['checkpoint']}, `{start['hash']}`")] if start else []


def _table(rows: Sequence[Mapping[str, Any]], step: int) -> list[str]:
    names = ("epoch", "step", "fd", "precision", "recall", "density", "coverage")
    lines = [f"| {' | '.join(names)} |", f"|{' ---: |' * len(names)}"]
    for row in rows:
        values = [cell(row[n]) for n in names]
        bold = "**" if row["step"] == step else ""
        lines.append(f"| {' | '.join(f'{bold}{v}{bold}' for v in values)} |")
    return lines


def curve_svg(rows: Sequence[Mapping[str, Any]], best: int, dark: bool = False) -> str:
    """Draw FD and coverage over the epochs as an SVG of two stacked axes.

    Args:
        rows: evaluations with "epoch", "step", "fd" and "coverage", in order.
        best: step of the checkpoint, marked.
        dark: write in white, without a ground, for a dark page.
    """
    text, ground = ("#fff", "none") if dark else ("#000", "#fff")
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 330" font-family="sans-serif"'
        f' font-size="12" fill="{text}"><rect width="640" height="330" fill="{ground}"/>'
    ]
    for index, (name, colour) in enumerate((("fd", "#0072B2"), ("coverage", "#D55E00"))):
        parts.append(_axis(rows, name, colour, top=20 + index * 155, best=best))
    return "".join([*parts, "</svg>\n"])


def _axis(rows: Sequence[Mapping[str, Any]], name: str, colour: str, top: int, best: int) -> str:
    rows = [r for r in rows if r[name] is not None]  # undefined for a handful of images
    epochs, values = [r["epoch"] for r in rows], [r[name] for r in rows]
    highest, last = max([*values, 1e-9]), max([*epochs, 1])
    points = [
        (60 + 560 * e / last, top + 115 * (1 - v / highest))
        for e, v in zip(epochs, values, strict=True)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    marked = [p for p, row in zip(points, rows, strict=True) if row["step"] == best]
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in marked)
    return (
        f'<line x1="60" y1="{top + 115}" x2="620" y2="{top + 115}" stroke="#888"/>'
        f'<text x="52" y="{top + 10}" text-anchor="end">{highest:.3g}</text>'
        f'<text x="52" y="{top + 119}" text-anchor="end">0</text>'
        f'<text x="620" y="{top + 132}" text-anchor="end">epoch {last}</text>'
        f'<text x="64" y="{top - 7}" fill="{colour}">{LABELS[name]}</text>'
        f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}'
    )
