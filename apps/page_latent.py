"""Move a picture: one picture and its sliders; arithmetic and your own picture as ways to one."""

import random
import time
from functools import partial
from typing import TYPE_CHECKING

import board
import canvas
import numpy as np
import show
import sliders
import streamlit as st
from choices import MAX_SEED, Choice, number_from_address
from conditions import chosen, usual
from page_arithmetic import arithmetic
from page_own_picture import own_picture
from roles import needs
from store import picture, subject_of

from ganlens.directions import Direction
from ganlens.images import png_bytes
from ganlens.latents import Seeds
from ganlens.packing import pack
from ganlens.recipe import Recipe
from ganlens.report import conditions_said, enlargement

if TYPE_CHECKING:
    from ganlens.subject import Subject

AMOUNTS = (-3.0, -1.5, 0.0, 1.5, 3.0)
STRIPS = "canvas-strips"  # in the session: the latent that the strips show
ACROSS = 4  # strips in a row
SIDE = 170  # CSS pixels of each of the three views
TOOLS = ("Calculate with samples", "Your own picture")


def page(choice: Choice) -> None:
    """Draw the page."""
    subject = subject_of(choice.folder)
    st.title("Move a picture", anchor=False)
    st.markdown(
        "A latent is the list of numbers that the generator turns into a picture. Move it along a "
        "direction, by as many standard deviations (sigmas) as the slider says, and watch what "
        "changes and what stays: a direction that means one thing changes one thing "
        "([Shen 2020](https://arxiv.org/abs/1907.10786), "
        "[Radford 2015](https://arxiv.org/abs/1511.06434), section 6)."
    )
    if needs(subject, {"generator"}):
        return
    number_from_address("seed", 0, 0, MAX_SEED)
    directions = sliders.directions_of(choice.folder, subject)
    canvas.restore(subject, directions, int(st.session_state.seed))
    subject = usual(chosen(subject))
    st.session_state[canvas.CONDITION] = subject.provenance.get("condition")
    st.session_state[STRIPS] = st.session_state[canvas.BASE]
    _canvas(choice, subject, directions)
    _strips(subject, directions)
    st.subheader("Other ways to a latent", anchor=False)
    tool = st.segmented_control(
        "Tool", TOOLS, key="tool", bind="query-params", label_visibility="collapsed"
    )
    if tool == TOOLS[0]:
        arithmetic(subject)
    elif tool == TOOLS[1]:
        own_picture(subject)


@st.fragment
@show.guarded
def _canvas(choice: Choice, subject: "Subject", directions: list[Direction]) -> None:
    controls, views = st.columns([1, 2], gap="large")
    with controls:
        _start(subject)
        for one in directions:
            _slider(one)
        _others()
        st.button(
            "Reset all",
            on_click=partial(_reset, subject, directions),
            icon=":material/restart_alt:",
            help="Back to seed 0, without truncation and edits.",
        )
    scale = enlargement(subject.image_shape[2], SIDE)
    recipe = canvas.current(subject, directions, scale)
    canvas.publish(recipe)
    under = st.session_state[canvas.CONDITION], subject.provenance.get("condition")
    if st.session_state[STRIPS] != st.session_state[canvas.BASE] or under[0] != under[1]:
        st.rerun()  # another latent: the strips, which no slider changes, are of the old one
    with views, st.container(key="canvas-views"):
        _views(choice, subject, recipe)
        _history(subject, directions)
    show.code(_command(choice, recipe), show.recipe_code(choice.source, recipe))


def _start(subject: "Subject") -> None:
    left, right = st.columns([5, 4], vertical_alignment="bottom")
    left.number_input(
        "Seed",
        0,
        MAX_SEED,
        st.session_state[canvas.SEED],
        key=canvas.SEED,
        on_change=_seeded,
        placeholder=canvas.describe(st.session_state[canvas.BASE]),
        help="A seed decides a latent: the same seed gives the same picture on any machine.",
    )
    right.button("Other seed", on_click=_any_other, width="stretch")
    most = canvas.widest(subject)
    _with_reset(
        "Truncation",
        canvas.TRUNCATION,
        (0.1, most, most, 0.05),
        f"Fewer extremes, less variety: latents beyond this many "
        f"{'halves of the range' if most == 1 else 'sigmas'} are pulled in "
        f"([Brock 2019](https://arxiv.org/abs/1809.11096)). {most:g} changes nothing.",
    )


def _slider(direction: Direction) -> None:
    limits = (-canvas.FARTHEST, canvas.FARTHEST, 0.0, canvas.STEP)
    name = sliders.label(direction)
    _with_reset(name, canvas.slider_key(direction), limits, sliders.help_text(direction))


def _with_reset(
    label: str, key: str, limits: tuple[float, float, float, float], help_text: str
) -> None:
    low, high, usual, step = limits
    row = st.container(horizontal=True, vertical_alignment="bottom")
    value = st.session_state[key]  # as the default, too: apps/.streamlit/config.toml says why
    row.slider(label, low, high, value, step=step, key=key, help=help_text, format="%.2f")
    row.button(
        f"Reset {show.escape(label)}",  # heard, not seen: a style of the page hides the words
        key=f"{key}-reset",
        on_click=partial(_put, key, usual),
        icon=":material/undo:",
        type="tertiary",
        help=f"Reset {show.escape(label)}",
        disabled=st.session_state[key] == usual,
    )


def _others() -> None:
    """List the edits that no slider stands for; they came with a link."""
    for index, edit in enumerate(st.session_state[canvas.OTHERS]):
        name = getattr(edit, "name", "") or getattr(edit, "layer", "")
        st.button(
            f"Remove {show.escape(f'{edit.kind} {name}'.strip())}",
            key=f"canvas-other-{index}",
            on_click=partial(_remove, index),
            icon=":material/close:",
        )


def _views(choice: Choice, subject: "Subject", recipe: Recipe) -> None:
    start = time.perf_counter()
    edited = picture(subject, recipe)
    seconds = time.perf_counter() - start
    original = picture(subject, canvas.plain(recipe))
    gap = np.abs(edited.astype(np.int16) - original).astype(np.uint8)
    names = ("Original", "Edited", "Difference")
    alts = ("the picture without edits", "the canvas", "how much each pixel changed")
    for column, name, pixels, alt in zip(
        st.columns(3), names, (original, edited, gap), alts, strict=True
    ):
        with column:
            show.picture(pixels, alt)
            st.caption(name)
    where = canvas.describe(recipe.latents)
    words = show.escape(conditions_said(recipe))
    edits = "1 edit" if len(recipe.edits) == 1 else f"{len(recipe.edits)} edits"
    st.caption(
        f"From {where}, with {edits}.{words} Pixels changed by {gap.mean() / 2.55:.1f} % of the "
        f"range on average; black in the difference is unchanged. Drawn in {1000 * seconds:.0f} ms."
    )
    name = f"{choice.label}-{where}".replace("/", "-").replace(" ", "-")
    st.download_button(
        "Download PNG",
        png_bytes(edited, recipe.to_json()),
        file_name=f"{name}.png",
        mime="image/png",
        **show.QUIET,
        help="With its recipe: `ganlens replay FILE` draws the identical picture again.",
    )


def _history(subject: "Subject", directions: list[Direction]) -> None:
    steps = canvas.history(subject)
    if len(steps) < 2:
        return
    tiles = np.stack([picture(subject, one) for one in steps])
    labels = [f"{n} steps ago: {canvas.describe(one.latents)}" for n, one in enumerate(steps, 1)]
    st.caption("Earlier pictures, newest first: click one to go back to it.")
    board.pick(
        board.Tiles(tiles, labels, columns=canvas.REMEMBERED, scale=max(1, 48 // tiles.shape[2])),
        "canvas-steps",
        lambda index: canvas.take(steps[index], subject, directions),
    )


def _strips(subject: "Subject", directions: list[Direction]) -> None:
    """Show what every direction does to the latent that the canvas starts from."""
    if not directions:
        return
    with st.expander("What each direction does to the original", expanded=True):
        st.caption(
            f"Moved by {show.amounts(AMOUNTS)} sigma of the prior, from left to right. The middle "
            "picture is the original."
        )
        original = Recipe.of(subject, st.session_state[canvas.BASE])
        for start in range(0, len(directions), ACROSS):
            row = directions[start : start + ACROSS]
            for column, one in zip(st.columns(ACROSS), row, strict=False):
                with column:
                    moved = canvas.strip(original, one, subject, AMOUNTS)
                    show.picture(
                        picture(subject, moved),
                        f"five pictures along {sliders.label(one)}",
                    )
                    st.caption(show.escape(sliders.label(one)))


def _seeded() -> None:
    if (seed := st.session_state[canvas.SEED]) is not None:
        canvas.start_from(Seeds((int(seed),)))


def _any_other() -> None:
    canvas.start_from(Seeds((random.SystemRandom().randrange(100_000),)))


def _put(key: str, value: float) -> None:
    st.session_state[key] = value


def _remove(index: int) -> None:
    kept = list(st.session_state[canvas.OTHERS])
    del kept[index]
    st.session_state[canvas.OTHERS] = tuple(kept)


def _reset(subject: "Subject", directions: list[Direction]) -> None:
    canvas.take(Recipe.of(subject, Seeds((0,))), subject, directions)


def _command(choice: Choice, recipe: Recipe) -> str:
    return f"ganlens draw {pack(recipe)} --checkpoint {choice.source} --out picture.png"
