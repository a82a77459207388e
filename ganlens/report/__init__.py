"""Reports: what probes (analyses of a model) found, as one HTML page, PDF, JSON and NPZ."""

from ganlens.panels import enlargement
from ganlens.report.about import networks_in_words, provenance_panel
from ganlens.report.curve import curve_panels, family_of, read_metrics
from ganlens.report.findings import (
    Finding,
    comparison_document,
    document,
    missing,
    missing_networks,
    run_probes,
    strict,
    unusual_shape,
)
from ganlens.report.gallery import conditions_recipe, gallery, samples_panel
from ganlens.report.headline import headline
from ganlens.report.pdf import find_browser, write_pdf
from ganlens.report.reproduce import command, default, purpose, python_code
from ganlens.report.translated import (
    conditions_said,
    image_to_image,
    sources_of,
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
    "conditions_said",
    "curve_panels",
    "default",
    "document",
    "enlargement",
    "family_of",
    "find_browser",
    "gallery",
    "headline",
    "image_to_image",
    "missing",
    "missing_networks",
    "networks_in_words",
    "provenance_panel",
    "purpose",
    "python_code",
    "read_metrics",
    "run_probes",
    "samples_panel",
    "sources_of",
    "strict",
    "translated_recipe",
    "translated_words",
    "unusual_shape",
    "write_pdf",
    "write_report",
]
