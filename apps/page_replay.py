"""Replay: drop a picture that ganlens wrote, and see it drawn again."""

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import show
import streamlit as st
import uploads
from choices import NO_DATA, Choice, checkpoints, data_specs, read_options
from roles import check_pictures
from store import images_of, own_copy, subject_of

from ganlens.checkpoints import MODEL_FILE
from ganlens.errors import GanlensError, one_of
from ganlens.images import read_frames, read_recipe
from ganlens.recipe import Recipe
from ganlens.replay import AnyRecipe, PanelRecipe, compare, read, redraw, specs_of

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject

MOST_SAMPLES = 2_000  # that a visitor may have drawn at once


def page(choice: Choice) -> None:
    """Draw the page."""
    st.title("Replay a picture", anchor=False)
    st.markdown(
        "Every picture that ganlens writes carries its recipe: which checkpoint drew it, from "
        "which latents, with which edits. Drop one here and it is drawn again, pixel by pixel."
    )
    upload = st.file_uploader(
        "Picture",
        ["png", "webp", "gif"],
        help="PNG, WebP or GIF.",
        max_upload_size=uploads.MOST_BYTES // 2**20,
    )
    if upload is None:
        return
    pixels, recipe = _opened(upload)
    subject = _subject(choice, recipe)
    _check_places(subject, recipe)
    with st.spinner("Drawing it again"):
        again = redraw(own_copy(subject), recipe, partial(_images, subject))
    verdict = compare(pixels, again)
    if verdict["identical"]:
        st.success("Identical, to the pixel.", icon=":material/check:")
    else:
        st.error(f"Not identical: {verdict['verdict']}.", icon=":material/error:")
    left, right = st.columns(2)
    with left:
        st.subheader("As dropped", anchor=False)
        show.picture(pixels, "the picture as dropped")
    with right:
        st.subheader("Drawn again", anchor=False)
        show.picture(again, "the picture drawn again")
    with st.expander("Its recipe", icon=":material/receipt_long:"):
        st.json(recipe.to_json(), expanded=2)


def _opened(upload: Any) -> tuple[np.ndarray, AnyRecipe]:
    """Return the pixels and the recipe of an upload, decoded within bounds."""
    recipe = read(read_recipe(uploads.content(upload)))
    if isinstance(recipe, Recipe) and recipe.latents.count > MOST_SAMPLES:
        raise GanlensError(
            f"the recipe draws {recipe.latents.count:,} samples and at most {MOST_SAMPLES:,} are "
            "drawn here: use `ganlens replay` in a terminal"
        )
    return np.concatenate(read_frames(uploads.content(upload), uploads.MOST_PIXELS)), recipe


def _subject(choice: Choice, recipe: AnyRecipe) -> "Subject":
    """Return the checkpoint that a recipe names, if it is among those on offer."""
    offered = checkpoints(read_options())
    for one in [choice, *offered.values()]:
        with open(one.folder / MODEL_FILE, "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == recipe.hash:
                return subject_of(one.folder)
    raise GanlensError(
        f"the recipe needs checkpoint {recipe.checkpoint!r} with hash "
        f"{recipe.hash[:12] or 'unknown'}, which is not among those offered here: start the "
        "explorer with --root and the folder that holds it"
    )


def _check_places(subject: "Subject", recipe: AnyRecipe) -> None:
    """Refuse a recipe that would open anything but what visitors may choose.

    What the checkpoint says of its own data is no permission either: it may come from anywhere.

    Raises:
        GanlensError: the same whether or not there is something at a place that it names.
    """
    offered = [spec for spec in data_specs(read_options()) if spec != NO_DATA]
    for spec in specs_of(recipe):
        if spec not in offered:
            raise GanlensError(
                f"{one_of('data of the recipe', spec, offered)}, or start the explorer with --data"
                " and the data that you trust"
            )
    if isinstance(recipe, PanelRecipe):
        probe = recipe.build()
        if not recipe.sources:
            check_pictures(probe, subject)


def _images(subject: "Subject", spec: str) -> "ImageSet":
    """Open data that ``_check_places`` let pass."""
    channels, size, _ = subject.image_shape
    return images_of(spec, size, channels)
