"""Overview: what this checkpoint is and what it draws."""

from typing import TYPE_CHECKING

import show
import streamlit as st
from choices import NO_DATA, Choice
from glance import PAGES, findings
from roles import changed_sheet, pictures_of, sample_sheet
from store import images_of, picture, subject_of

from ganlens.data import remarks
from ganlens.report import enlargement, image_to_image, provenance_panel, read_metrics
from ganlens.runs.card import curve_svg
from ganlens.runs.folder import is_row

if TYPE_CHECKING:
    from ganlens.subject import Subject

SAMPLES, PAIRS = 64, 16


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
        _samples(choice, subject, spec)
    with right:
        st.subheader("Where it comes from", anchor=False)
        facts = provenance_panel(subject)
        show.pairs({name: _short(value) for name, value in facts.rows})
        st.caption(facts.caption)
        _real_images(subject, spec)
    findings(subject, spec)
    _curve(choice, subject.provenance.get("step"))


@show.guarded
def _samples(choice: Choice, subject: "Subject", spec: str) -> None:
    """Show what it draws; without a generator, pictures beside what it makes of them."""
    scale = enlargement(8 * (subject.image_shape[2] + 2), 560)
    samples = bool({"generator", "translator"} & set(subject.roles.values()))
    if samples:
        st.subheader("Samples", anchor=False)
        sheet = sample_sheet(subject, choice.source, spec, 0, SAMPLES, scale)
        shown = f"{sheet.recipe.latents.count} generated images in rows of 8"
        show.picture(picture(subject, sheet.recipe), shown)
        st.caption(show.escape(sheet.caption))
    if subject.generator is not None and (names := image_to_image(subject)):
        st.subheader("Pictures and their reconstructions", anchor=False)
        (name, *_) = names
        images = pictures_of(subject, name, spec)
        sheet = changed_sheet(subject, choice.source, name, images, 0, PAIRS, scale)
        show.picture(picture(subject, sheet.recipe), sheet.alt)
        st.caption(show.escape(sheet.caption))
    if not samples:
        st.info("It draws nothing by itself; it looks at pictures.")


@show.guarded
def _real_images(subject: "Subject", spec: str) -> None:
    """Say which images the findings rest on, what was concluded about them and done to them."""
    if spec == NO_DATA:
        return
    channels, size, _ = subject.image_shape
    data = images_of(spec, size, channels)
    st.subheader("The real images beside it", anchor=False)
    said = "".join(f"\n- {show.escape(line)}" for line in remarks(data))
    st.markdown(f"{len(data):,} images of {show.escape(spec)}, {size} x {size} px.\n{said}")


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
