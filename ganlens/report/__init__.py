"""Reports: what probes found, as one self-contained HTML page, JSON and arrays."""

from ganlens.report.about import enlargement, provenance_panel, samples_panel
from ganlens.report.curve import curve_panels, read_metrics
from ganlens.report.findings import (
    Finding,
    comparison_document,
    document,
    missing,
    run_probes,
    strict,
    unfit,
)
from ganlens.report.guide import GUIDES, Guide
from ganlens.report.headline import headline
from ganlens.report.pdf import find_browser, write_pdf
from ganlens.report.reproduce import command, default, purpose, python_code
from ganlens.report.write import REPORT_FILES, write_report

__all__ = [
    "GUIDES",
    "REPORT_FILES",
    "Finding",
    "Guide",
    "command",
    "comparison_document",
    "curve_panels",
    "default",
    "document",
    "enlargement",
    "find_browser",
    "headline",
    "missing",
    "provenance_panel",
    "purpose",
    "python_code",
    "read_metrics",
    "run_probes",
    "samples_panel",
    "strict",
    "unfit",
    "write_pdf",
    "write_report",
]
