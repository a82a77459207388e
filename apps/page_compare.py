"""Compare: two checkpoints beside each other, drawn from the same recipe and measured alike."""

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import canvas
import show
import streamlit as st
from choices import MAX_SEED, NO_DATA, Choice, checkpoints, number_from_address, read_options
from looking import look
from store import images_of, picture, result_key, shelf, subject_of

from ganlens.errors import GanlensError
from ganlens.latents import Seeds, Walk
from ganlens.panels import TablePanel
from ganlens.probes.fidelity import Fidelity
from ganlens.recipe import Recipe
from ganlens.report import strict

if TYPE_CHECKING:
    from ganlens.subject import Subject

COUNT = 36
ROWS = {  # what of a summary goes into the table
    "value": "distance to held-out images",
    "interval": "its interval",
    "floor": "real against real",
    "kernel_distance": "kernel distance",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
}
ALIKE = ("metric", "extractor", "extractor_hash", "n_fake", "n_real", "resize", "quantise", "split")


def page(choice: Choice, spec: str) -> None:
    """Draw the page."""
    st.title("Compare two checkpoints", anchor=False)
    st.markdown(
        "The same seeds, drawn by both, and the same measurement of both. Seeds stand for the same "
        "latents only where both have the same prior; each network gives them its own meaning."
    )
    offered = checkpoints(read_options())
    others = [label for label in offered if label != choice.label]
    if not others:
        st.info(
            "There is one checkpoint only: start the explorer with --root and a folder of runs."
        )
        return
    other = offered[
        st.selectbox("Compare with checkpoint", others, key="other", bind="query-params")
    ]
    both = [(one, subject_of(one.folder)) for one in (choice, other)]
    number_from_address("seed", 0, 0, MAX_SEED)
    seed = int(st.number_input("First seed", 0, MAX_SEED - COUNT, key="seed"))
    st.query_params["seed"] = str(seed)
    _pictures(both, seed)
    _numbers(both, spec)


def _pictures(both: "list[tuple[Choice, Subject]]", seed: int) -> None:
    for column, (one, subject) in zip(st.columns(2, gap="large"), both, strict=True):
        with column:
            st.subheader(show.escape(one.label), anchor=False)
            scale = max(1, min(8, 380 // (6 * (subject.image_shape[2] + 2))))
            seeds = Seeds(tuple(range(seed, seed + COUNT)))
            sheet = Recipe.of(subject, seeds, columns=6, enlargement=scale)
            show.picture(picture(subject, canvas.text(sheet)), f"{COUNT} samples of {one.label}")
            st.caption(f"Seeds {seed} to {seed + COUNT - 1}, none left out.")
            way = Walk((seed, seed + 1), 8, "lerp")
            walk = Recipe.of(subject, way, columns=8, enlargement=1)
            show.picture(picture(subject, canvas.text(walk)), f"a walk of {one.label}")
            st.caption(f"A walk from seed {seed} to seed {seed + 1}.")
            words = ["ganlens", "sample", one.source, "--n", str(COUNT), "--seed", str(seed)]
            st.code(shlex.join(words), language="bash")


def _numbers(both: "list[tuple[Choice, Subject]]", spec: str) -> None:
    st.subheader("The same measurement", anchor=False)
    if spec == NO_DATA:
        st.info("Choose data on the left to measure both against.")
        return
    if both[0][1].image_shape != both[1][1].image_shape:
        st.info("Their images have different shapes: distances to data at two sizes say nothing.")
        return
    probe = Fidelity(extractor="pixels", n=2000)
    st.caption(
        "Fréchet distance of 2,000 samples to held-out images in the space of pixels: a judge that "
        "belongs to neither. It sees colours and layout, not meaning; `Fidelity` on the left and "
        "`ganlens fid` measure in other features, which must be the same for both."
    )
    wanted = st.button("Measure both", type="primary", icon=":material/play_arrow:")
    rows: list[Mapping[str, Any]] = []
    for one, subject in both:
        channels, size, _ = subject.image_shape
        data = images_of(spec, size, channels)
        kept = shelf().get(result_key("fid", probe, subject, data))
        if wanted and kept is None:
            st.caption(show.escape(one.label))
            kept = look("fid", probe, subject, data)
        if kept is not None:
            rows.append(strict(kept.result.summary()))
    if len(rows) == 2:
        _table(both, rows)


def _table(both: "list[tuple[Choice, Subject]]", rows: list[Mapping[str, Any]]) -> None:
    differing = [k for k in ALIKE if rows[0].get(k) != rows[1].get(k)]
    if differing:
        raise GanlensError(f"the two cannot be compared: they differ in {', '.join(differing)}")
    shown = [
        (words, *(_cell(row[key]) for row in rows))
        for key, words in ROWS.items()
        if all(key in row for row in rows)
    ]
    caption = (
        f"{rows[0].get('metric')} and its relatives, N = {rows[0].get('n_fake')} on either side. "
        "Of two distances the smaller is better where their intervals do not overlap."
    )
    columns = ("", *(one.label for one, _ in both))
    show.table(TablePanel("Both checkpoints", caption, columns, shown), "compare-table")


def _cell(value: Any) -> Any:
    return " to ".join(f"{v:.4g}" for v in value) if isinstance(value, list) else value
