"""One page per probe: its settings as widgets, a Run button, and the panels of its result."""

from typing import TYPE_CHECKING

import show
import streamlit as st
from choices import NO_DATA, Choice
from running import run_probe
from store import Stored, images_of, result_key, shelf, subject_of
from widgets import reset, settings_form

from ganlens.probes.base import Probe
from ganlens.report import command, missing, purpose, python_code, strict

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject


def page(name: str, kind: type[Probe], choice: Choice, spec: str) -> None:
    """Draw the page of one probe."""
    introduction(name, kind)
    experiment(name, kind, choice, spec)


def introduction(name: str, kind: type[Probe]) -> None:
    """Say what a probe shows, how to read it, and where to read more."""
    st.title(kind.title or name, anchor=False)
    st.markdown(show.escape(purpose(kind)))
    if kind.reading:
        papers = ", ".join(f"[{show.escape(name)}]({where})" for name, where in kind.papers)
        more = f" More: {papers}." if papers else ""
        st.markdown(f"**How to read it:** {show.escape(kind.reading)}{more}")


def experiment(name: str, kind: type[Probe], choice: Choice, spec: str) -> None:
    """Draw the settings of a probe, its button, and what came out."""
    subject = subject_of(choice.folder)
    if reason := missing(kind(), subject, _data(kind(), subject, spec)):
        st.info(f"This probe {reason}.")
        return
    with st.container(border=True):
        probe = settings_form(name, kind, subject)
        run, back = st.columns([1, 5], vertical_alignment="center")
        wanted = run.button(
            "Run", key=f"{name}-run", type="primary", icon=":material/play_arrow:", width="stretch"
        )
        back.button(
            "Reset settings",
            key=f"{name}-reset",
            on_click=reset,
            args=(name, kind),
            type="tertiary",
        )
    data = _data(probe, subject, spec)
    key = result_key(name, probe, subject, data)
    if wanted:
        run_probe(name, probe, subject, data)
        st.session_state[f"last-{name}"] = key
    _results(name, key)
    used = spec if data is not None else None
    show.code(command(name, probe, choice.source, used), python_code(probe, choice.source, used))


def _data(probe: Probe, subject: "Subject", spec: str) -> "ImageSet | None":
    if probe.needs().data == "no" or spec == NO_DATA:
        return None
    channels, size, _ = subject.image_shape
    return images_of(spec, size, channels)


def _results(name: str, key: str) -> None:
    """Show the result of these settings, or the last one of this session, and say so."""
    stored: Stored | None = shelf().get(key)
    if stored is None:
        stored = shelf().get(_last(name, key))
        if stored is None:
            st.caption("Press Run to see the result.")
            return
        st.warning("The settings have changed since this result: press Run for the new one.")
    outcome(stored, name)


def outcome(stored: Stored, key: str) -> None:
    """Draw what a probe found: how long it took, the panels, and every number."""
    st.caption(f"Took {stored.seconds:.1f} s.")
    show.panels(stored.panels, key)
    with st.expander("All numbers, and what they depend on", icon=":material/list:"):
        show.pairs(strict(stored.result.summary()))


def _last(name: str, key: str) -> str:
    """Return this session's last result of a probe if it is about the same network and data."""
    import json

    last = st.session_state.get(f"last-{name}", "")
    if not last:
        return ""
    now, then = json.loads(key), json.loads(last)
    same = all(now[part] == then[part] for part in ("checkpoint", "weights", "data"))
    return last if same else ""
