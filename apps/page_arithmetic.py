"""Calculate with pictures: pick exemplars, see A - B + C (a tool of the Latent page)."""

from functools import partial
from typing import TYPE_CHECKING

import board
import canvas
import show
import streamlit as st
from choices import MAX_SEED
from store import picture, samples

from ganlens.latents import Mix, Sum
from ganlens.recipe import Recipe

if TYPE_CHECKING:
    from ganlens.subject import Subject

COUNT, COLUMNS = 48, 12
CYCLE = ("", "A", "B", "C")
TURN = "sum-turn"  # in the session: how often all marks were taken away
SIGNS = {"A": 1.0, "B": -1.0, "C": 1.0}


def arithmetic(subject: "Subject") -> None:
    """Draw the tool."""
    st.markdown(
        "Click samples to mark them: once for **A**, twice for **B**, three times for **C**, once "
        "more for none. The latents of each letter are averaged, and the generator draws "
        "A - B + C: what A has and B lacks, put on C. Three exemplars each work far better than "
        "one ([Radford 2015](https://arxiv.org/abs/1511.06434), section 6.3.2)."
    )
    first = int(
        st.number_input(
            "First seed of the samples", 0, MAX_SEED - COUNT, 0, key="sum-first", step=COUNT
        )
    )
    seeds = tuple(range(first, first + COUNT))
    turn = st.session_state.get(TURN, 0)
    marks = board.mark(_tiles(subject, seeds), f"sum-board-{first}-{turn}", CYCLE)
    chosen = {
        letter: [seed for seed, mark in zip(seeds, marks, strict=True) if mark == letter]
        for letter in CYCLE[1:]
    }
    st.button("Take all marks away", on_click=_clear, type="tertiary", icon=":material/delete:")
    if not all(chosen.values()):
        missing = ", ".join(letter for letter, found in chosen.items() if not found)
        st.info(f"Mark at least one sample as {missing}.")
        return
    _result(subject, chosen)


def _clear() -> None:
    st.session_state[TURN] = st.session_state.get(TURN, 0) + 1


def _tiles(subject: "Subject", seeds: tuple[int, ...]) -> board.Tiles:
    labels = [f"seed {seed}" for seed in seeds]
    scale = max(1, 64 // subject.image_shape[2])
    return board.Tiles(samples(subject, seeds), labels, COLUMNS, scale)


def _result(subject: "Subject", chosen: dict[str, list[int]]) -> None:
    means = {letter: Sum.mean(found) for letter, found in chosen.items()}
    signed = [Sum.mean(found, SIGNS[letter]) for letter, found in chosen.items()]
    total = signed[0] + signed[1] + signed[2]
    scale = max(1, 128 // subject.image_shape[2])
    parts = zip(
        (*means.values(), total), ("mean of A", "mean of B", "mean of C", "A - B + C"), strict=True
    )
    for column, (one, name) in zip(st.columns(4), parts, strict=True):
        with column:
            recipe = Recipe.of(subject, Mix((one,)), enlargement=scale)
            show.picture(picture(subject, recipe), name)
            st.caption(name)
    counts = ", ".join(f"{len(found)} for {letter}" for letter, found in chosen.items())
    st.caption(
        f"{counts}. The result should show what A has and B lacks, on what C is. `Vector "
        "arithmetic` and `How often arithmetic works` on the left measure it."
    )
    st.button(
        "Put A - B + C on the canvas",
        key="sum-use",
        on_click=partial(canvas.start_from, Mix((total,))),
        icon=":material/north:",
    )
