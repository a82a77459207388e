"""What a probe found, in half a line: the same words on the page and in the terminal."""

from collections.abc import Mapping
from string import Formatter
from typing import Any

from ganlens.panels import cell
from ganlens.report.findings import Finding, strict

NUMBERS = 3  # shown of a probe that has no templates


class _Undefined(Exception):
    """A template names a value that is not there."""


class _Cells(Formatter):
    """Formats values as tables do, unless the template has a format of its own."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        try:
            value, key = super().get_field(field_name, args, kwargs)
        except (KeyError, TypeError) as error:
            raise _Undefined from error
        if value is None:
            raise _Undefined
        return value, key

    def format_field(self, value: Any, format_spec: str) -> str:
        return format(value, format_spec) if format_spec else cell(value)


def headline(finding: Finding) -> str:
    """Say in half a line what a probe found, or why it was left out; the report has the rest."""
    if finding.result is None:
        return f"left out: {finding.reason}"
    summary = strict(finding.result.summary())
    templates = finding.probe.headline or _numbers(summary, finding.probe.settings())
    return ", ".join(piece for t in templates if (piece := fill(t, summary)))


def fill(template: str, summary: Mapping[str, Any]) -> str:
    """Fill a template from a summary; empty where it names a value that is undefined or absent."""
    try:
        return _Cells().vformat(template, (), summary)
    except _Undefined:
        return ""


def _numbers(summary: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    """Templates of the first numbers that are neither settings nor counts ("n_...")."""
    found = [
        f"{key.replace('_', ' ')} {{{key}}}"
        for key, value in summary.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
        if key not in settings and "n" not in key.split("_")
    ]
    return found[:NUMBERS]
