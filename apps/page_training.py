"""Training: the curve of a run, live if it still runs, and the same latents step by step."""

import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import show
import streamlit as st
from choices import Choice, read_options
from PIL import Image

from ganlens.checkpoints import METRICS_FILE
from ganlens.errors import GanlensError
from ganlens.images import enlarge, read_frames
from ganlens.panels import ROOM
from ganlens.report import curve_panels, enlargement, family_of, read_metrics
from ganlens.runs.folder import SETTINGS_FILE

EVERY = 10  # seconds between two looks at a run that is still written
FRESH = 300  # seconds without a new line after which a run counts as ended
SAMPLES = "samples"  # folder of a run with one sheet per saved step, as `ganlens train` writes it


def page(choice: Choice) -> None:
    """Draw the page."""
    st.title("Training", anchor=False)
    st.markdown(
        "How a run went, or goes: scores against held-out images, losses, and what the same "
        "seeds gave at each saved step. The distance should fall and level off, quality and "
        "variety should rise; of a GAN, a discriminator that is always right leaves the generator "
        "nothing to learn from "
        "([Goodfellow 2014](https://arxiv.org/abs/1406.2661))."
    )
    found = runs(choice)
    name = st.selectbox(
        "Run", list(found), key="run", bind="query-params",
        help="The chosen checkpoint's own curve, and every run below the --root folders.",
    )  # fmt: skip
    folder = found[name]
    live = (folder / SETTINGS_FILE).is_file() and _age(folder) < FRESH
    st.fragment(_curves, run_every=timedelta(seconds=EVERY) if live else None)(folder, live)


def runs(choice: Choice) -> dict[str, Path]:
    """Return the folders that hold a training curve, by name: only below the --root folders."""
    found = {choice.label: choice.folder}
    for root in read_options().roots:
        for file in sorted(root.glob(f"*/{METRICS_FILE}")) + sorted(root.glob(METRICS_FILE)):
            found[f"{root.name}/{file.parent.relative_to(root).as_posix()}"] = file.parent
    return found


def _age(folder: Path) -> float:
    file = folder / METRICS_FILE
    return time.time() - file.stat().st_mtime if file.is_file() else float("inf")


@show.guarded
def _curves(folder: Path, live: bool) -> None:
    if live:
        st.caption(f":material/sync: Still running: looked at again every {EVERY} seconds.")
    records = read_metrics(folder)
    panels = curve_panels(records, family=family_of(folder))
    if not panels:
        st.info("This checkpoint came without a training curve.")
    for row in range(0, len(panels), 2):
        for column, one in zip(st.columns(2, gap="large"), panels[row : row + 2], strict=False):
            with column:
                show.panel(one, f"run-{one.title}")
    sheets = {
        int(one.stem): one for one in sorted((folder / SAMPLES).glob("*.png")) if one.stem.isdigit()
    }
    if not sheets:
        st.info("No sheets of samples lie beside this curve; choose its run above, if it is there.")
        return
    st.subheader("The same seeds, step by step", anchor=False)
    step = st.select_slider("Training step", list(sheets), max(sheets), key=f"step-{folder.name}")
    sheet = _sheet(sheets[step])
    scale = enlargement(sheet.shape[1], ROOM)
    show.picture(enlarge(sheet, scale), f"samples at step {step}")
    st.caption(
        f"After {step:,} steps. Every place in the sheet is one seed, of a translator one "
        "picture: watch a place while you move the slider. Places that all come to look alike are "
        "mode collapse."
    )


def _sheet(file: Path) -> np.ndarray:
    try:
        with Image.open(file) as image:
            image.verify()
        return read_frames(file)[0]
    except (OSError, SyntaxError) as error:
        raise GanlensError(f"{file.name} cannot be read ({error}): it is being written") from error
