"""Panels in Streamlit: one picture of each kind, drawn the same on every page."""

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial, wraps
from numbers import Integral
from typing import Any, ParamSpec

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import plotly.graph_objects as go
import streamlit as st
from choices import read_options

from ganlens.errors import GanlensError
from ganlens.images import animation_bytes, enlarge, png_bytes
from ganlens.models.imported.trust import trust_words, trusting
from ganlens.packing import pack
from ganlens.panels import (
    ROOM,
    AnimationPanel,
    FigurePanel,
    ImagePanel,
    Panel,
    TablePanel,
    cell,
    csv_text,
    enlarged,
    file_stem,
)
from ganlens.recipe import Recipe
from ganlens.report import draw

P = ParamSpec("P")
ROWS = 25  # of a table that is shown whole; a longer one scrolls within a frame
WORDY = 40  # characters of a cell that is a sentence
# How a file is offered: the click on it reruns nothing.
QUIET: Any = {"on_click": "ignore", "type": "tertiary", "icon": ":material/download:"}
ROOMY = "12rem"  # of a column of sentences: on a phone it would be one word wide


def escape(text: str) -> str:
    r"""Escape what Markdown would interpret, but for `code` spans: names from files stay text."""
    parts = str(text).replace("``", "`").split("`")
    special = r"([\\*_{}\[\]()#+!|<>$:~])"
    for index in range(0, len(parts), 2):
        parts[index] = re.sub(special, r"\\\1", parts[index])
    if len(parts) % 2 == 0:  # an unpaired backtick opens nothing
        return re.sub(special, r"\\\1", str(text)).replace("`", r"\`")
    return "`".join(parts)


def guarded(draw: Callable[P, None]) -> Callable[P, None]:
    """Make a problem that a visitor can mend one line in the place of what is drawn.

    Fragments need it as well as pages: what they raise does not reach the page.
    """

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            draw(*args, **kwargs)
        except GanlensError as error:
            st.error(escape(str(error)), icon=":material/error:")

    return drawn


def panels(contents: Sequence[Panel], key: str) -> None:
    """Draw panels one under another."""
    for index, content in enumerate(contents):
        panel(content, f"{key}-{index}")


def panel(content: Panel, key: str) -> None:
    """Draw one panel with its title, caption and download."""
    st.subheader(escape(content.title), anchor=False)
    if isinstance(content, ImagePanel):
        image(content, key)
    elif isinstance(content, AnimationPanel):
        animation(content, key)
    elif isinstance(content, FigurePanel):
        chart(content.figure, key, f"{content.title}. {content.caption}")
        st.caption(escape(content.caption))
    else:
        table(content, key)


def image(content: ImagePanel, key: str) -> None:
    """Draw a picture at whole-number enlargement as PNG, and offer the file with its recipe."""
    height, width = content.image.shape[:2]
    scale = max(1, min(int(content.scale), ROOM // width))
    picture(enlarge(content.image, scale), content.alt or content.title)
    st.caption(escape(content.caption))
    st.download_button(
        "Download PNG",
        png_bytes(content.image, content.recipe),
        file_name=f"{file_stem(content.title)}.png",
        mime="image/png",
        key=f"{key}-png",
        **QUIET,
        help=f"{width} x {height} pixels, not enlarged"
        + (", with the recipe that draws it again" if content.recipe else ""),
    )


def animation(content: AnimationPanel, key: str) -> None:
    """Play an animation, with a switch that holds it still, and offer it as WebP and as GIF."""
    scale = max(1, min(int(content.scale), ROOM // content.frames.shape[2]))
    st.html(draw.animation(replace(content, scale=scale)))
    st.caption(escape(content.caption))
    about = {
        "webp": "lossless" + (", with the recipe that draws it again" if content.recipe else ""),
        "gif": "for what shows no WebP: 256 colours a frame",
    }
    row = st.container(horizontal=True)
    for kind, help_text in about.items():
        row.download_button(
            f"Download {'WebP' if kind == 'webp' else 'GIF'}",
            partial(_film, content, kind, scale),  # encoded when it is asked for
            file_name=f"{file_stem(content.title)}.{kind}",
            mime=f"image/{kind}",
            key=f"{key}-{kind}",
            **QUIET,
            help=f"{len(content.frames)} frames, {help_text}",
        )


def _film(content: AnimationPanel, kind: str, scale: int) -> bytes:
    recipe = enlarged(content.recipe, scale)
    return animation_bytes(
        content.frames, kind, content.milliseconds, enlargement=scale, recipe=recipe
    )


def amounts(values: Sequence[float]) -> str:
    """Write how far something is moved, each with its sign."""
    return ", ".join(f"{value:+g}" if value else "0" for value in values)


def picture(pixels: np.ndarray, alt: str) -> None:
    """Show (H, W, 3) bytes as they are: never as JPEG, which would change the evidence."""
    st.image(pixels, output_format="PNG", alt=alt)


def chart(figure: go.Figure, key: str, alt: str) -> None:
    """Draw a plotly figure in the visitor's theme."""
    themed = go.Figure(figure)
    themed.layout.template = None  # the visitor's theme brings its own
    if st.context.theme.type == "dark":
        themed = go.Figure(_lighter(themed.to_plotly_json()))
    config = {"displaylogo": False}
    st.plotly_chart(themed, key=key, theme="streamlit", config=config, alt=alt)


def _lighter(value: Any, key: str = "") -> Any:
    """Replace black, which a dark ground swallows, under the keys that hold colours."""
    if isinstance(value, Mapping):
        return {k: _lighter(v, k) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_lighter(v, key) for v in value]
    colour = re.search(r"colou?r(s|way)?$", key)
    dark = isinstance(value, str) and value.lower() in ("#000000", "#000", "black")
    return "#ffffff" if colour and dark else value


def table(content: TablePanel, key: str) -> None:
    """Draw a table and offer it as CSV; undefined is the dash of ``panels.cell``."""
    texts = [value for row in content.rows for value in row if isinstance(value, str)]
    if max(map(len, texts), default=0) > WORDY and len(content.rows) <= ROWS:
        _wrapped(content)
    else:
        _sortable(content, key)
    st.caption(escape(content.caption))
    st.download_button(
        "Download CSV",
        csv_text(content),
        file_name=f"{file_stem(content.title)}.csv",
        mime="text/csv",
        key=f"{key}-csv",
        **QUIET,
    )


def _wrapped(content: TablePanel) -> None:
    """Draw a table whose cells are sentences: they wrap, where others would be cut off."""
    rows = [[escape(cell(value)) for value in row] for row in content.rows]
    frame = pd.DataFrame(rows, columns=_distinct([escape(one) for one in content.columns]))
    wordy = [name for name in frame if frame[name].str.len().max() > WORDY]
    styled = frame.style.set_properties(subset=wordy, **{"min-width": ROOMY})
    st.table(styled, border="horizontal", hide_index=True, alt=content.title)


def _sortable(content: TablePanel, key: str) -> None:
    frame = pd.DataFrame([list(row) for row in content.rows], columns=_distinct(content.columns))
    formats = {}
    for index, column in enumerate(frame):
        if _whole([row[index] for row in content.rows]):
            frame[column] = frame[column].astype("Int64")  # a gap makes floats of whole numbers
        values = frame[column]
        if pd.api.types.is_float_dtype(values):
            formats[column] = st.column_config.NumberColumn(format="%.4g")
        elif not pd.api.types.is_integer_dtype(values):
            frame[column] = [cell(value) for value in values]
    st.dataframe(
        frame,
        height="content" if len(frame) <= ROWS else "auto",
        hide_index=True,
        column_config=formats,
        key=key,
        placeholder=cell(None),
        alt=content.title,
    )


def _whole(values: Sequence[Any]) -> bool:
    """Tell whether a column holds whole numbers, some of them undefined."""
    given = [value for value in values if value is not None]
    return bool(given) and all(
        isinstance(value, Integral) and not isinstance(value, bool) for value in given
    )


def pairs(content: Mapping[str, Any]) -> None:
    """Draw nested settings or a summary as rows of name and value."""
    rows = draw.flat(content)
    escaped = [(escape(name), escape(value)) for name, value in rows]
    frame = pd.DataFrame(escaped, columns=["name", "value"]).set_index("name")
    st.table(frame, hide_header=True, border="horizontal")


def code(command: str, python: str) -> None:
    """Offer what gives the same result in a terminal and in Python."""
    with st.expander("Copy as command or Python", icon=":material/content_copy:"):
        st.code(_trusting(command), language="bash", wrap_lines=True)
        st.code(_trusting(python), language="python", wrap_lines=True)


def _trusting(text: str) -> str:
    """Let commands and Python run the code that this explorer was started with, if any."""
    trust = read_options().trust  # a part that runs again by itself has no other way to know
    if not trust.archives:
        return text
    with trusting(trust):
        words = shlex.join(trust_words())
    given = f", module={trust.module!r}, trust=True" if trust.module else ", trust=True"
    text = re.sub(r"(ganlens\.load\((?:'[^']*'|\"[^\"]*\"))\)", rf"\1{given})", text)
    lines = text.split("\n")
    return "\n".join(
        f"{line} {words}" if line.startswith("ganlens ") and not line.endswith(words) else line
        for line in lines
    )


def recipe_code(source: str, recipe: Recipe) -> str:
    """Return the Python lines that draw a recipe's picture of a checkpoint and keep it."""
    return "\n".join(
        [
            "import ganlens",
            "from ganlens.images import write_png",
            "from ganlens.packing import unpack",
            "",
            f"subject = ganlens.load({source!r})",
            f"recipe = unpack({pack(recipe)!r})",
            'write_png("picture.png", ganlens.render(subject, recipe), recipe.to_json())',
        ]
    )


def _distinct(columns: Sequence[str]) -> list[str]:
    """Tell columns of the same name apart, as a data frame must."""
    seen: dict[str, int] = {}
    names = []
    for column in map(str, columns):
        seen[column] = seen.get(column, 0) + 1
        names.append(column + "\u200b" * (seen[column] - 1))
    return names
