"""Overview: what this checkpoint is and what it draws."""

import show
import streamlit as st
from choices import Choice
from glance import findings
from page_sample import grid_recipe
from store import picture, subject_of

from ganlens.report import curve_panels, enlargement, provenance_panel, read_metrics


def page(choice: Choice, spec: str) -> None:
    """Draw the page."""
    subject = subject_of(choice.folder)
    st.title(show.escape(choice.label), anchor=False)
    st.markdown(
        "What this generator draws, how it was trained, and where it comes from. The pages on the "
        "left look further: each asks one question of the network and shows its evidence."
    )
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader("Samples", anchor=False)
        scale = enlargement(8 * (subject.image_shape[2] + 2), 560)
        recipe = grid_recipe(subject, seed=0, count=64, enlargement=scale)
        show.picture(picture(subject, recipe), "64 generated images in 8 rows")
        st.caption("Seeds 0 to 63, row by row: none left out and none chosen.")
    with right:
        st.subheader("Where it comes from", anchor=False)
        facts = provenance_panel(subject)
        show.pairs({name: _short(value) for name, value in facts.rows})
        st.caption(facts.caption)
    findings(subject, spec)
    curves = curve_panels(read_metrics(choice.folder), subject.provenance.get("step"))
    if curves:
        st.header("Training", anchor=False)
    for row in range(0, len(curves), 2):
        for column, curve in zip(st.columns(2, gap="large"), curves[row : row + 2], strict=False):
            with column:
                show.panel(curve, f"curve-{curve.title}")


def _short(value: str) -> str:
    """Keep the start of a hash: enough to tell two apart at a glance."""
    return f"{value[:16]}…" if len(value) >= 32 and " " not in value else value
