"""Panels to HTML. Whatever comes from a file is escaped here, once."""

import base64
import html
import re
from collections.abc import Mapping, Sequence
from numbers import Number
from typing import Any

import numpy as np
import plotly.graph_objects as go

from ganlens.images import animation_bytes, as_rgb, png_bytes
from ganlens.panels import AnimationPanel, FigurePanel, ImagePanel, Panel, cell

REASON = "_reason"  # ends the name of an entry that says why another one is undefined
# A film holds still where the reader asks for little motion, and its switch does the opposite; no
# script is needed, so it works wherever the page is shown.
FILM_STYLE = """<style>
.film img.still, .film .play { display: none }
.film:has(:checked) img.still { display: block }
.film:has(:checked) img.moving { display: none }
.film img { display: block; image-rendering: pixelated; max-width: none }
.film label { display: inline-block; margin-top: .5rem; cursor: pointer; font-size: .9rem }
@media (prefers-reduced-motion: reduce) {
  .film img.still, .film:has(:checked) img.moving, .film .play { display: block }
  .film img.moving, .film:has(:checked) img.still, .film .pause { display: none }
  .film .play { display: inline }
}
@media print {
  .film img.still { display: block !important }
  .film img.moving, .film label { display: none !important }
}
</style>"""


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
    elif isinstance(content, AnimationPanel):
        body = animation(content)
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
    one = _pixels(content, pixels, "image/png", png_bytes(pixels, content.recipe))
    return f'<div class="scroll picture" tabindex="0">{one}</div>'


def animation(content: AnimationPanel) -> str:
    """Embed an animation, its first frame beside it for who wants no motion, and a switch."""
    first = as_rgb(content.frames)[0]
    film = animation_bytes(content.frames, milliseconds=content.milliseconds, recipe=content.recipe)
    return (
        f'{FILM_STYLE}<div class="scroll picture film" tabindex="0">'
        f"{_pixels(content, first, 'image/webp', film, ' moving')}"
        f"{_pixels(content, first, 'image/png', png_bytes(first), ' still')}"
        '<label><input type="checkbox"> <span class="pause">Hold still</span>'
        '<span class="play">Play</span></label></div>'
    )


def _pixels(
    content: ImagePanel | AnimationPanel, shape: np.ndarray, kind: str, data: bytes, role: str = ""
) -> str:
    """Return the img element of encoded pixels that are as large as ``shape``, (H, W, 3)."""
    height, width = shape.shape[:2]
    scale = max(1, int(content.scale))
    return (
        f'<img class="pixels{role}" alt="{text(content.alt or content.title)}" '
        f'width="{width * scale}" height="{height * scale}" data-width="{width}" '
        f'data-height="{height}" data-scale="{scale}" '
        f'src="data:{kind};base64,{base64.b64encode(data).decode()}">'
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
    """Draw nested settings or a summary as rows of name and value; see ``flat``."""
    rows = "".join(
        f'<tr><th scope="row">{text(name)}</th><td>{text(value)}</td></tr>'
        for name, value in flat(content)
    )
    return (
        f'<div class="scroll" tabindex="0"><table class="pairs"><tbody>{rows}</tbody></table></div>'
    )


def flat(content: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Flatten nested mappings to (readable name, formatted value).

    An undefined value has its reason beside the dash, wherever the content gives it: in an entry
    "<name>_reason", in a mapping "reasons", or in "undefined", as ``findings.strict`` adds it.
    """
    undefined = content.get("undefined")
    known = undefined if isinstance(undefined, Mapping) else {}
    return _rows({k: v for k, v in content.items() if k != "undefined" or not known}, known)


def _rows(
    content: Mapping[str, Any], known: Mapping[str, str], at: str = ""
) -> list[tuple[str, str]]:
    """Return (readable name, formatted value) of every leaf, but for reasons given elsewhere."""
    rows: list[tuple[str, str]] = []
    content = {str(key): value for key, value in content.items()}
    reasons = _reasons(content)
    explained = {name for name in reasons if content.get(name, "") is None}
    for key, value in content.items():
        path, name = f"{at}.{key}".lstrip("."), key.removesuffix(REASON)
        if name != key and (name in explained or value is None):
            continue
        if isinstance(value, Mapping):
            rest = {k: v for k, v in value.items() if key != "reasons" or k not in explained}
            rows += _rows(rest, known, path)
        else:
            why = known.get(path) or (reasons[key] if key in explained else "")
            words = path.replace("_", " ").replace(".", " · ")
            rows.append((words, f"{_value(value)} ({why})" if why else _value(value)))
    return rows


def _reasons(content: Mapping[str, Any]) -> dict[str, str]:
    """Return the reasons that a mapping gives for values of its own that are undefined."""
    listed = content.get("reasons")
    beside = {k.removesuffix(REASON): v for k, v in content.items() if k.endswith(REASON) and v}
    return {**(listed if isinstance(listed, Mapping) else {}), **beside}


def _value(value: Any) -> str:
    if isinstance(value, list | tuple) and any(isinstance(one, Mapping) for one in value):
        entries = "entry" if len(value) == 1 else "entries"
        return f"{len(value)} {entries}: see the tables, or --json"
    if isinstance(value, list | tuple) and value:  # a long list keeps its start
        shown = [_value(v) for v in value[:12]]
        return ", ".join(shown) + (f" … ({len(value)} in all)" if len(value) > 12 else "")
    return cell(value if value != [] and value != () else None)
