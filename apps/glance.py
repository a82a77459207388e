"""Findings at a glance: what this server has found of a checkpoint, each with its evidence."""

from typing import TYPE_CHECKING

import show
import streamlit as st
from choices import NO_DATA
from running import run_probe
from store import Stored, images_of, shelf

from ganlens.errors import GanlensError
from ganlens.probes import PROBES
from ganlens.report import Finding, headline, missing

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject

PAGES = "probe-pages"  # in the session: the page of each probe, which the navigation knows


def findings(subject: "Subject", spec: str) -> None:
    """List the probes with what they found of this checkpoint."""
    st.header("Findings at a glance", anchor=False)
    known = _known(subject)
    left, right = st.columns([3, 1], vertical_alignment="center")
    left.markdown(
        "One line per question; the link leads to the evidence. *Nothing yet*: it was not measured."
    )
    if right.button(
        "Ask what is missing",
        icon=":material/play_arrow:",
        width="stretch",
        help="Runs every probe below that has no answer yet, but for those that take minutes by "
        "themselves: several minutes. It can be stopped, and what was found stays.",
    ):
        _ask(subject, spec, known)
        known = _known(subject)
    pages = st.session_state.get(PAGES, {})
    for name, kind in PROBES.items():
        link, found = st.columns([1, 3], vertical_alignment="center")
        if name in pages:
            link.page_link(pages[name], label=kind.title or name)
        if name in known:
            one = known[name]
            found.markdown(show.escape(headline(Finding(name, one.probe, one.result))))
        else:
            found.caption(f"Nothing yet{_why(name, subject, spec)}")


def _known(subject: "Subject") -> dict[str, Stored]:
    """Return the newest result of each probe about this checkpoint."""
    digest = subject.provenance.get("hash")
    every = [value for _, value in shelf().items() if isinstance(value, Stored)]
    return {one.name: one for one in every if one.checkpoint == digest}


def _why(name: str, subject: "Subject", spec: str) -> str:
    probe = PROBES[name]()
    reason = missing(probe, subject, _data(subject, spec)) or probe.on_request
    return f": this probe {show.escape(reason)}" if reason else ""


def _data(subject: "Subject", spec: str) -> "ImageSet | None":
    if spec == NO_DATA:
        return None
    channels, size, _ = subject.image_shape
    return images_of(spec, size, channels)


def _ask(subject: "Subject", spec: str, known: dict[str, Stored]) -> None:
    """Run what can be run at default settings; what is found stays if the visitor stops it."""
    for name, kind in PROBES.items():
        probe, data = kind(), _data(subject, spec)
        if name in known or probe.on_request or missing(probe, subject, data):
            continue
        st.caption(show.escape(kind.title or name))
        try:
            run_probe(name, probe, subject, data if probe.needs().data != "no" else None)
        except GanlensError as error:
            st.caption(show.escape(f"left out: {error}"))
