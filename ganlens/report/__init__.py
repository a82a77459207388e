"""Reports: what probes found, as one self-contained HTML page, JSON and arrays."""

from ganlens.panels import enlargement
from ganlens.report.about import kind_of_model, provenance_panel
from ganlens.report.curve import curve_panels, family_of, read_metrics
from ganlens.report.findings import (
    Finding,
    comparison_document,
    document,
    lacking,
    missing,
    run_probes,
    strict,
    unfit,
)
from ganlens.report.gallery import conditions_recipe, gallery, samples_panel
from ganlens.report.headline import headline
from ganlens.report.pdf import find_browser, write_pdf
from ganlens.report.reproduce import command, default, purpose, python_code
from ganlens.report.translated import (
    image_to_image,
    sources_of,
    told_words,
    translated_recipe,
    translated_words,
)
from ganlens.report.write import REPORT_FILES, write_report

__all__ = [
    "REPORT_FILES",
    "Finding",
    "command",
    "comparison_document",
    "conditions_recipe",
    "curve_panels",
    "default",
    "document",
    "enlargement",
    "family_of",
    "find_browser",
    "gallery",
    "headline",
    "image_to_image",
    "kind_of_model",
    "lacking",
    "missing",
    "provenance_panel",
    "purpose",
    "python_code",
    "read_metrics",
    "run_probes",
    "samples_panel",
    "sources_of",
    "strict",
    "told_words",
    "translated_recipe",
    "translated_words",
    "unfit",
    "write_pdf",
    "write_report",
]
