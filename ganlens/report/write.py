"""Write a report: report.html, findings.json and arrays.npz, each replaced as a whole."""

import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ganlens.checkpoints import versions
from ganlens.files import write_bytes
from ganlens.probes.result import arrays
from ganlens.report.findings import Finding, describe_data, document, strict
from ganlens.report.page import page
from ganlens.report.reproduce import again

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject

PAGE, FINDINGS, ARRAYS = REPORT_FILES = ("report.html", "findings.json", "arrays.npz")


def write_report(
    out: str | Path,
    subject: "Subject",
    data: "ImageSet | None",
    findings: Sequence[Finding],
    *,
    checkpoint: str | Path | None = None,
    title: str | None = None,
) -> Path:
    """Write report.html, findings.json and arrays.npz into a folder.

    Each file is replaced as a whole, so an older report survives a failure.

    Args:
        out: the folder; created where it is missing.
        subject: the loaded model.
        data: the images it was compared with, or None.
        findings: what ``run_probes`` returned.
        checkpoint: path or name to put into the commands; by default the subject's name.
        title: heading of the page.

    Returns:
        The path of report.html.

    Raises:
        GanlensError: a file cannot be written.
    """
    folder = Path(out)
    source = str(checkpoint or subject.name)
    title = title or f"What {subject.name} learned"
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    content = _findings_json(title, made, subject, data, findings, source)
    write_bytes(folder / ARRAYS, _npz(findings))
    write_bytes(folder / FINDINGS, json.dumps(content, indent=1, allow_nan=False).encode())
    text = "".join(page(title, made, subject, data, findings, source))
    write_bytes(folder / PAGE, text.encode("utf-8", "xmlcharrefreplace"))
    return folder / PAGE


def _findings_json(
    title: str,
    made: str,
    subject: "Subject",
    data: "ImageSet | None",
    findings: Sequence[Finding],
    source: str,
) -> dict[str, Any]:
    return {
        "title": title,
        "made": made,
        **strict({"checkpoint": dict(subject.provenance), "data": describe_data(data)}),
        "versions": versions(),
        "findings": [_entry(finding, subject, data, source) for finding in findings],
    }


def _entry(
    finding: Finding, subject: "Subject", data: "ImageSet | None", source: str
) -> dict[str, Any]:
    extra = {"command": again(finding, source, data, subject), "seconds": round(finding.seconds, 2)}
    if finding.result is None:
        settings = strict({"settings": finding.probe.settings()})
        return {"probe": finding.name, **settings, "left_out": finding.reason, **extra}
    return document(finding.name, finding.probe, subject, data, finding.result) | extra


def _npz(findings: Sequence[Finding]) -> bytes:
    buffer = io.BytesIO()
    content = {
        f"{finding.name}/{key}": value
        for finding in findings
        if finding.result is not None
        for key, value in arrays(finding.result).items()
    }
    np.savez_compressed(buffer, **content)  # type: ignore[arg-type]
    return buffer.getvalue()
