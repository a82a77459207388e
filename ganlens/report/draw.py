"""Panels to HTML. Whatever comes from a file is escaped here, once."""

import base64
import html
import re
from collections.abc import Mapping, Sequence
from numbers import Number
from typing import Any

import plotly.graph_objects as go

from ganlens.images import as_rgb, png_bytes
from ganlens.panels import FigurePanel, ImagePanel, Panel, cell


def text(value: Any) -> str:
    """Escape a value for HTML text and for quoted attributes."""
    return html.escape(str(value), quote=True)


def prose(value: str) -> str:
    """Escape a caption and set its ``code`` spans; nothing else is interpreted."""
    return re.sub(r"`{1,2}([^`]+)`{1,2}", r"<code>\1</code>", text(value))


def panel(content: Panel) -> str:
    """Draw one panel as a ``figure`` element with its title and caption."""
    if isinstance(content, ImagePanel):
        body = image(content)
    elif isinstance(content, FigurePanel):
        body = chart(content)
    else:
        body = f'<div class="scroll" tabindex="0">{table(content.columns, content.rows)}</div>'
    kind = type(content).__name__.removesuffix("Panel").lower()
    return (
        f'<figure class="panel {kind}"><h3>{text(content.title)}</h3>{body}'
        f"<figcaption>{prose(content.caption)}</figcaption></figure>"
    )


def image(content: ImagePanel) -> str:
    """Embed a picture at one pixel per pixel; the page enlarges it by whole numbers."""
    pixels = as_rgb(content.image)
    height, width = pixels.shape[:2]
    data = base64.b64encode(png_bytes(pixels, content.recipe)).decode()
    scale = max(1, int(content.scale))
    return (
        '<div class="scroll picture" tabindex="0"><img class="pixels" '
        f'alt="{text(content.alt or content.title)}" '
        f'width="{width * scale}" height="{height * scale}" data-width="{width}" '
        f'data-height="{height}" data-scale="{scale}" src="data:image/png;base64,{data}"></div>'
    )


def chart(content: FigurePanel) -> str:
    """Embed a plotly figure as inert JSON; the page draws it in the reader's colours."""
    height = int(content.figure.layout.height or 340)
    return (
        f'<div class="plot" role="img" aria-label="{text(content.title)}. {text(content.caption)}" '
        f'style="height:{height}px"><script type="application/json">'
        f"{inert(content.figure)}</script></div>"
    )


def inert(figure: go.Figure) -> str:
    """Return a figure's JSON that cannot end its script element or open another."""
    return figure.to_json().replace("<", "\\u003c").replace(">", "\\u003e")


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Draw a table as ``panels.cell`` writes its values; numbers are set to the right."""
    kinds = [_kind([row[i] for row in rows if i < len(row)]) for i in range(len(columns))]
    head = "".join(
        f'<th scope="col"{kind}>{text(c)}</th>' for c, kind in zip(columns, kinds, strict=True)
    )
    cells = ([f"<td{k}>{text(cell(v))}</td>" for v, k in zip(r, kinds, strict=False)] for r in rows)
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in cells)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _kind(values: Sequence[Any]) -> str:
    """Return the class of a column: mostly numbers, short texts that should not wrap, or prose."""
    given = [value for value in values if value is not None]
    numbers = sum(isinstance(v, Number) and not isinstance(v, bool) for v in given)
    if given and numbers * 2 > len(given):
        return ' class="number"'
    return ' class="short"' if all(len(cell(v)) <= 28 for v in given) else ""


def pairs(content: Mapping[str, Any]) -> str:
    """Draw nested settings or a summary as rows of name and value.

    A "undefined" entry, as ``findings.strict`` adds it, gives the reasons beside the dashes.
    """
    rows = "".join(
        f'<tr><th scope="row">{text(name)}</th><td>{text(value)}</td></tr>'
        for name, value in flat(content)
    )
    return (
        f'<div class="scroll" tabindex="0"><table class="pairs"><tbody>{rows}</tbody></table></div>'
    )


def flat(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Flatten nested mappings to (readable name, formatted value)."""
    reasons = content.get("undefined", {})
    known = reasons if isinstance(reasons, Mapping) else {}
    rest = {key: value for key, value in content.items() if key != "undefined" or not known}
    return [
        (name, f"{value} ({known[path]})" if path in known else value)
        for path, name, value in _rows(rest)
    ]


def _rows(content: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str, str]]:
    """Return (path, readable name, formatted value) of every leaf."""
    rows: list[tuple[str, str, str]] = []
    for key, value in content.items():
        path = f"{prefix}.{key}".lstrip(".")
        if isinstance(value, Mapping):
            rows += _rows(value, path)
        else:
            rows.append((path, path.replace("_", " ").replace(".", " · "), _value(value)))
    return rows


def _value(value: Any) -> str:
    if isinstance(value, list | tuple) and value:  # a long list keeps its start
        shown = [_value(v) for v in value[:12]]
        return ", ".join(shown) + (f" … ({len(value)} in all)" if len(value) > 12 else "")
    return cell(value if value != [] and value != () else None)
