"""Sample and walk: pictures of any seed, and of the way from one seed to another."""

import random
import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

import show
import streamlit as st
from choices import MAX_SEED, Choice, number_from_address
from conditions import chosen, usual
from roles import Sheet, changed_sheet, held_out, needs, sample_sheet, sources
from store import picture, subject_of

from ganlens.images import png_bytes
from ganlens.interpolation import Mode, in_words, resolve_mode
from ganlens.latents import Rows, Walk
from ganlens.panels import ROOM
from ganlens.probes.latent import Interpolation
from ganlens.recipe import Recipe
from ganlens.report import command, conditions_said, enlargement, image_to_image
from ganlens.subject.sources import training_spec

if TYPE_CHECKING:
    from ganlens.subject import Subject

SEEDS = (
    "A seed decides a latent, the list of numbers that the generator turns into a picture: the "
    "same seed gives the same picture at any time, on any machine."
)
PICTURES = (
    "This model turns pictures into other pictures: each one stands on the left of what became of "
    "it. Look for what changed, what stayed, and what was invented."
)
COUNTS = (1, 4, 9, 16, 25, 36, 64, 100, 144, 256)


def page(choice: Choice, spec: str) -> None:
    """Draw the page."""
    subject = subject_of(choice.folder)
    generates = subject.generator is not None
    st.title("Sample and walk" if generates else "Pictures and results", anchor=False)
    st.markdown(SEEDS if generates else PICTURES)
    if needs(subject, {"sample"}):
        return
    subject = chosen(subject)
    number_from_address("seed", 0, 0, MAX_SEED)
    if generates:
        _samples(choice, subject, spec)
        st.divider()
    if image_to_image(subject):
        _pictures(choice, subject, spec)
    if generates:
        if image_to_image(subject):
            st.divider()
        number_from_address("from", 0, 0, MAX_SEED)
        number_from_address("to", 1, 0, MAX_SEED)
        _walk(choice, usual(subject))


@st.fragment
@show.guarded
def _samples(choice: Choice, subject: "Subject", spec: str) -> None:
    st.subheader("Samples", anchor=False)
    controls, view = st.columns([1, 3], gap="large")
    with controls:
        seed = _seed("First seed", "seed", "The following pictures have the following seeds.")
        count = st.select_slider("Pictures", COUNTS, 64, key="n", bind="query-params")
        st.button("Any other seed", on_click=_another("seed"), icon=":material/casino:")
    with view:
        across = min(count, 8 if count <= 64 else 16)
        scale = enlargement(across * (subject.image_shape[2] + 2))
        sheet = sample_sheet(subject, choice.source, spec, seed, count, scale, across)
        look = "Look for flaws, and for variety: many that look alike are mode collapse."
        _sheet(choice, subject, sheet, f"{sheet.caption} {look}", "samples")


@st.fragment
@show.guarded
def _pictures(choice: Choice, subject: "Subject", spec: str) -> None:
    """Show pictures beside what a translator, or the encoder and the generator, make of them."""
    names, offered = image_to_image(subject), sources()
    if subject.generator is not None:
        st.subheader("Pictures and their reconstructions", anchor=False)
    controls, view = st.columns([1, 3], gap="large")
    with controls:
        name = names[0]
        if len(names) > 1:
            name = st.selectbox("Network", names, key="network", bind="query-params")
        wanted = training_spec(subject.provenance, name)
        start = next((one for one in (wanted, spec) if one in offered), offered[0])
        source = st.selectbox(
            "Pictures of", offered, offered.index(start), key=f"pictures-{name}",
            help="The held-out ones of these data, cropped to squares and scaled as the network "
            "takes them.",
        )  # fmt: skip
        images = held_out(source, subject, name)
        first = int(st.number_input("First picture", 0, len(images) - 1, 0, key=f"of-{source}"))
        count = st.select_slider("How many", COUNTS[:6], 16, key="pairs", bind="query-params")
    with view:
        scale = enlargement(8 * (subject.image_shape[2] + 2))
        sheet = changed_sheet(subject, choice.source, name, images, first, count, scale)
        _sheet(choice, subject, sheet, sheet.caption, "pairs")


def _sheet(choice: Choice, subject: "Subject", sheet: Sheet, caption: str, what: str) -> None:
    _picture(subject, sheet.recipe, f"{choice.label} {sheet.alt}", caption, what)
    code = show.recipe_code(choice.source, sheet.recipe)
    show.code(shlex.join(sheet.command), code)


@st.fragment
@show.guarded
def _walk(choice: Choice, subject: "Subject") -> None:
    st.subheader("Walk between two seeds", anchor=False)
    st.markdown(
        "Every picture on the way should be a plausible sample and change a little at a time "
        "([Radford 2015](https://arxiv.org/abs/1511.06434), section 6.1)."
    )
    chosen = _walk_controls(subject)
    start, end = chosen.seeds
    way = resolve_mode(chosen.mode, subject.prior.kind)
    route = in_words(way, subject.prior.parts)
    walk = replace(chosen, mode=way)  # a recipe says what was done, not "auto"
    width = subject.image_shape[2] + 2
    scale = enlargement(walk.steps * width, ROOM)
    strip = Recipe.of(subject, walk, columns=walk.steps, enlargement=scale)
    caption = f"From seed {start} on the left to seed {end} on the right, by {route}."
    caption += conditions_said(strip)
    _picture(subject, strip, f"{choice.label} walk {start} to {end}", caption, "walk")
    one, slide = st.columns([1, 2], gap="large", vertical_alignment="center")
    key = f"place-{walk.steps}"  # of another walk the place may not exist
    place = slide.slider("Where on the way", 1, walk.steps, (walk.steps + 1) // 2, key=key)
    latent = walk.latents(subject.prior)[place - 1]
    scale = enlargement(width, 260)
    recipe = Recipe.of(subject, Rows.of(latent[None]), columns=1, enlargement=scale)
    with one:
        show.picture(picture(subject, recipe), f"Picture {place} of {walk.steps}")
    slide.caption(
        f"Picture {place} of {walk.steps}; its latent has length {latent.norm():.2f}, and a usual "
        f"one about {(subject.prior.mean_square * subject.prior.dim) ** 0.5:.1f}."
    )
    probe = Interpolation(seeds=walk.seeds, per_leg=walk.steps, mode=chosen.mode)
    show.code(command("interpolate", probe, choice.source), show.recipe_code(choice.source, strip))


def _walk_controls(subject: "Subject") -> Walk:
    first, second, third, fourth = st.columns([1, 1, 1, 2])
    with first:
        start = _seed("From seed", "from", "Where the walk starts.")
    with second:
        end = _seed("To seed", "to", "Where the walk ends.")
    with third:
        steps = st.number_input("Pictures", 3, 16, 9, key="steps", bind="query-params")
    with fourth:
        mode: Mode = st.segmented_control(
            "Path",
            [m for m in get_args(Mode) if m != "gaussian" or subject.prior.kind == "uniform"],
            default="auto",
            required=True,
            key="path",
            bind="query-params",
            help="lerp is the straight line, slerp the arc that keeps the latent's usual length; "
            "auto takes what suits the prior, of one of several parts each by itself.",
        )
    st.button("Any other end", on_click=_another("to"), icon=":material/casino:")
    return Walk((start, end), int(steps), mode)


def _picture(subject: "Subject", recipe: Recipe, name: str, caption: str, what: str) -> None:
    """Show a recipe's picture and offer the very same bytes, with the recipe inside.

    The button says which of the page's pictures it is: who hears the page may hear only that.
    """
    pixels = picture(subject, recipe)
    show.picture(pixels, name)
    st.caption(show.escape(caption))
    st.download_button(
        f"Download the {what} as PNG",
        png_bytes(pixels, recipe.to_json()),
        file_name=f"{name.replace('/', '-').replace(' ', '-')}.png",
        mime="image/png",
        **show.QUIET,
        help="With its recipe: `ganlens replay FILE` draws the identical picture again.",
    )


def _seed(label: str, key: str, help_text: str) -> int:
    start = st.session_state[key]
    value = st.number_input(
        label, 0, MAX_SEED, start, key=key, help=help_text, persist_state="session"
    )
    st.query_params[key] = str(value)
    return int(value)


def _another(key: str) -> Callable[[], None]:
    def draw() -> None:
        st.session_state[key] = random.SystemRandom().randrange(100_000)

    return draw
