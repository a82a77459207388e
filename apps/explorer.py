"""The explorer: see what a generative network learned.

    streamlit run apps/explorer.py -- --root runs --data path/to/images

It opens only checkpoints below the folders it was started with (the shipped ones always), and only
the data it was started with (the embedded sets always). Everything it shows is computed by the
library: here are widgets, layout and caching.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import page_compare
import page_concepts
import page_forget
import page_latent
import page_overview
import page_probe
import page_replay
import page_sample
import page_training
import streamlit as st
from choices import Choice, choose, read_options
from glance import PAGES
from machine import leave_room, set_aside
from PIL import Image
from show import guarded

from ganlens.errors import GanlensError
from ganlens.images import enlarge
from ganlens.models import register_trusted
from ganlens.models.imported.trust import trusting
from ganlens.probes import PROBES
from ganlens.probes.base import GROUPS

# Pictures are evidence: whatever the browser does to fit one, it must not blur it.
STYLE = """<style>
[data-testid="stImage"] img { image-rendering: pixelated; border-radius: 0; }
[data-testid="stMainBlockContainer"] { max-width: 76rem; padding-top: 3.5rem; }
[data-testid="stMainBlockContainer"] h1 { font-size: 2rem; }
[data-testid="stMainBlockContainer"] h2 { font-size: 1.5rem; }
[data-testid="stMainBlockContainer"] h3 { font-size: 1.15rem; }
[data-testid="stTable"] td { overflow-wrap: anywhere; }
[class*="st-key-canvas-"][class*="-reset"] button [data-testid="stMarkdownContainer"] {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
@media (max-width: 640px) { /* the canvas stays in sight while its sliders move */
  [data-testid="stColumn"]:has(.st-key-canvas-views) {
    order: -1; position: sticky; top: 2.5rem; z-index: 5; background: Canvas; }
  .st-key-canvas-views [data-testid="stColumn"] { min-width: 0; flex: 1 1 0; }
}
</style>"""
FACE = (
    "........",
    ".######.",
    ".#.##.#.",
    ".######.",
    ".#....#.",
    ".##..##.",
    ".######.",
    "........",
)


def icon() -> Image.Image:
    """Draw the icon of the browser tab; one of Streamlit's would be fetched from the network."""
    face = np.array([[[11, 92, 173] if c == "#" else [255] * 3 for c in row] for row in FACE])
    return Image.fromarray(enlarge(face.astype(np.uint8), 8))


def pages(choice: Choice, spec: str) -> dict[str, list[st.Page]]:
    """Return the pages by section: those of the model, and the probes by their groups."""
    training = _page("Training", "training", partial(page_training.page, choice))
    found = {
        "": [
            _page("Overview", "overview", partial(page_overview.page, choice, spec), default=True),
            _page("Move a picture", "latent", partial(page_latent.page, choice)),
            _page("Sample and walk", "sample", partial(page_sample.page, choice, spec)),
            _page("Concepts", "concepts", partial(page_concepts.page, choice)),
            training,
            _page("Compare", "compare", partial(page_compare.page, choice, spec)),
            _page("Replay a picture", "replay", partial(page_replay.page, choice)),
        ]
    }
    probes = {
        name: _page(kind.title or name, name, partial(page_probe.page, name, kind, choice, spec))
        for name, kind in PROBES.items()
    }
    probes[page_forget.NAME] = _page(
        "Forgetting", page_forget.NAME, partial(page_forget.page, choice, spec)
    )
    st.session_state[PAGES] = {**probes, "training": training}
    for group in GROUPS:
        if known := [page for name, page in probes.items() if PROBES[name].group == group]:
            found[group] = known
    return found


def _page(title: str, path: str, draw: Callable[[], None], default: bool = False) -> st.Page:
    return st.Page(guarded(draw), title=title, url_path=path, default=default)


def main() -> None:
    """Draw the sidebar and the chosen page."""
    st.set_page_config("ganlens", page_icon=icon(), layout="wide")
    st.html(STYLE)
    leave_room()
    try:
        options = read_options()
        with trusting(options.trust):
            register_trusted()
            choice, spec = choose(options)
            st.navigation(pages(choice, spec), expanded=True).run()
    except GanlensError as error:
        st.error(str(error), icon=":material/error:")
        return
    set_aside()


main()
