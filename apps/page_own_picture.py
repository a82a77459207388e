"""Your own picture: find its latent, and put it on the canvas (a tool of the Latent page)."""

import hashlib
from functools import partial
from typing import TYPE_CHECKING

import canvas
import numpy as np
import show
import streamlit as st
import uploads
from store import own_copy, picture, shelf
from torch import Tensor
from working import under_a_bar

from ganlens.images import as_rgb, enlarge, to_uint8
from ganlens.inversion import Settings, invert
from ganlens.latents import Rows
from ganlens.recipe import Recipe

if TYPE_CHECKING:
    from ganlens.inversion import Inversion
    from ganlens.subject import Subject


def own_picture(subject: "Subject") -> None:
    """Draw the tool."""
    channels, size, _ = subject.image_shape
    st.markdown(
        "Drop a picture and the latent is searched whose picture comes nearest "
        "([Zhu 2016](https://arxiv.org/abs/1609.03552)). What comes back is what this generator "
        f"can say about it; it is cropped to a square and scaled to {size} x {size} "
        f"{'grey' if channels == 1 else 'colour'} pixels first."
    )
    upload = st.file_uploader(
        "Picture", uploads.KINDS, key="own-upload", max_upload_size=uploads.MOST_BYTES // 2**20
    )
    if upload is None:
        return
    x, prepared = uploads.as_input(upload, subject.image_shape)
    st.caption(f"Your picture: {prepared}.")
    key = f"invert {subject.provenance.get('hash')} {_digest(x)}"
    found = shelf().get(key)
    if found is None:
        found = under_a_bar(invert(own_copy(subject), x, Settings()), "own-stop")
        shelf().put(key, found)
    _found(subject, x, found)


def _digest(x: Tensor) -> str:
    return hashlib.sha256(x.numpy().tobytes()).hexdigest()


def _found(subject: "Subject", x: Tensor, found: "Inversion") -> None:
    scale = max(1, 160 // subject.image_shape[2])
    latents = Rows.of(found.latents)
    recipe = Recipe.of(subject, latents, enlargement=scale)
    drawn = picture(subject, recipe)
    given = enlarge(as_rgb(to_uint8(x))[0], scale)
    gap = np.abs(drawn.astype(np.int16) - given).astype(np.uint8)
    names = ("As the network sees it", "Nearest picture of the generator", "Difference")
    for column, name, pixels in zip(st.columns(3), names, (given, drawn, gap), strict=True):
        with column:
            show.picture(pixels, name)
            st.caption(name)
    rmse = float(found.pixel_mse[0]) ** 0.5 / 2
    st.caption(
        f"Pixels differ by {rmse:.1%} of the range (root mean square); the latent is "
        f"{float(found.shell[0]) ** 0.5:.2f} times as long as a usual one. `Inversion` on the left "
        "compares this with held-out images."
    )
    st.button(
        "Put it on the canvas",
        key="own-use",
        on_click=partial(canvas.start_from, latents),
        icon=":material/north:",
    )
