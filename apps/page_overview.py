"""Overview: what this checkpoint is and what it draws."""

import show
import streamlit as st
from choices import Choice
from glance import PAGES, findings
from roles import grid_recipe, seeds_of, what_they_are
from store import picture, subject_of

from ganlens.report import enlargement, provenance_panel, read_metrics
from ganlens.runs.card import curve_svg
from ganlens.runs.folder import is_row


def page(choice: Choice, spec: str) -> None:
    """Draw the page."""
    subject = subject_of(choice.folder)
    st.title(show.escape(choice.label), anchor=False)
    st.markdown(
        "What this model draws, how it was trained, and where it comes from. The pages on the "
        "left look further: each asks one question of the network and shows its evidence. Most are "
        "those of the paper that introduced the DCGAN "
        "([Radford 2015](https://arxiv.org/abs/1511.06434))."
    )
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader("Samples", anchor=False)
        scale = enlargement(8 * (subject.image_shape[2] + 2), 560)
        recipe = grid_recipe(subject, seed=0, count=64, enlargement=scale)
        seeds = seeds_of(subject, 0, 64)
        show.picture(picture(subject, recipe), f"{len(seeds)} generated images in rows of 8")
        st.caption(f"{what_they_are(subject, seeds)} None left out and none chosen.")
    with right:
        st.subheader("Where it comes from", anchor=False)
        facts = provenance_panel(subject)
        show.pairs({name: _short(value) for name, value in facts.rows})
        st.caption(facts.caption)
    findings(subject, spec)
    _curve(choice, subject.provenance.get("step"))


def _curve(choice: Choice, step: int | None) -> None:
    """Show how the scores went, as a small picture: charts would keep the samples waiting."""
    rows = [row for row in read_metrics(choice.folder) if "fd" in row and is_row(row)]
    if not rows:
        return
    st.header("Training", anchor=False)
    left, right = st.columns([3, 2], gap="large")
    alt = f"Fréchet distance and coverage over {rows[-1]['epoch']} epochs"
    dark = st.context.theme.type == "dark"
    left.image(curve_svg(rows, step or 0, dark), alt=alt, width="stretch")
    with right:
        st.caption(
            "Fréchet distance from held-out images, which should fall and level off, and the share "
            "of them that has a sample nearby (coverage), which should rise. The dots are this "
            "checkpoint."
        )
        st.page_link(st.session_state[PAGES]["training"], label="Every curve of the run")


def _short(value: str) -> str:
    """Keep the start of a hash: enough to tell two apart at a glance."""
    return f"{value[:16]}…" if len(value) >= 32 and " " not in value else value
