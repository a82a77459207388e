"""Compare: two checkpoints beside each other, drawn from the same recipe and measured alike."""

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import show
import streamlit as st
from choices import MAX_SEED, NO_DATA, Choice, checkpoints, number_from_address, read_options
from conditions import usual
from roles import sample_sheet
from running import run_probe
from store import images_of, picture, result_key, shelf, subject_of

from ganlens.errors import GanlensError
from ganlens.features import check_comparable
from ganlens.latents import Walk
from ganlens.panels import TablePanel, cell
from ganlens.probes.fidelity import Fidelity
from ganlens.recipe import Recipe
from ganlens.report import command, conditions_said, python_code, strict

if TYPE_CHECKING:
    from ganlens.subject import Subject

COUNT = 36
ROWS = {  # what of a summary goes into the table
    "value": "distance to held-out images (0 is best)",
    "interval": "its interval",
    "floor": "real against real",
    "kid": "kernel distance (0 is best)",
    "precision": "precision (1 is best)",
    "recall": "recall (1 is best)",
    "density": "density (1 as real images)",
    "coverage": "coverage (1 is best)",
}
# What must be the same for the numbers to mean the same, besides the extractor's description.
ALIKE = (
    "metric",
    "data_fingerprint",
    "split",
    "n_fake",
    "n_real",
    "seed",
    "quantisation",
    "network_precision",
    "k",
    "k_density",
)


def page(choice: Choice, spec: str) -> None:
    """Draw the page."""
    st.title("Compare two checkpoints", anchor=False)
    st.markdown(
        "The same seeds, drawn by both, and the same measurement of both. Seeds stand for the same "
        "latents only where both have the same prior; each network gives them its own meaning. "
        "Look for flaws, for variety, and for how evenly the walk changes; the distance below puts "
        "a number to it ([Heusel 2017](https://arxiv.org/abs/1706.08500))."
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
    seed = int(st.number_input("First seed", 0, MAX_SEED, st.session_state.seed, key="seed"))
    st.query_params["seed"] = str(seed)
    _pictures(both, seed, spec)
    _numbers(both, spec)


def _pictures(both: "list[tuple[Choice, Subject]]", seed: int, spec: str) -> None:
    for column, (one, subject) in zip(st.columns(2, gap="large"), both, strict=True):
        with column:
            st.subheader(show.escape(one.label), anchor=False)
            scale = max(1, min(8, 380 // (6 * (subject.image_shape[2] + 2))))
            _sheets(one, subject, seed, spec, scale)


@show.guarded
def _sheets(one: Choice, subject: "Subject", seed: int, spec: str, scale: int) -> None:
    sheet = sample_sheet(subject, one.source, spec, seed, COUNT, scale, columns=6)
    show.picture(
        picture(subject, sheet.recipe), f"{sheet.recipe.latents.count} samples of {one.label}"
    )
    st.caption(show.escape(sheet.caption))
    show.code(shlex.join(sheet.command), show.recipe_code(one.source, sheet.recipe))
    if subject.generator is None:
        return
    way = Walk((seed, seed + 1), 8, "lerp")
    walk = Recipe.of(usual(subject), way, columns=8, enlargement=1)
    show.picture(picture(subject, walk), f"a walk of {one.label}")
    st.caption(show.escape(f"A walk from seed {seed} to seed {seed + 1}.{conditions_said(walk)}"))


def _numbers(both: "list[tuple[Choice, Subject]]", spec: str) -> None:
    st.subheader("The same measurement", anchor=False)
    if spec == NO_DATA:
        st.info("Choose real images on the left to measure both against.")
        return
    if both[0][1].image_shape != both[1][1].image_shape:
        st.info("Their images have different shapes: distances to data at two sizes say nothing.")
        return
    probe = Fidelity(extractor="pixels", n=2000)
    st.caption(
        "Fréchet distance of 2,000 samples to held-out images in the space of pixels: an extractor "
        "that belongs to neither. It sees colours and layout, not meaning; `Fidelity` on the left "
        "and `ganlens fid` measure in other features, which must be the same for both."
    )
    wanted = st.button("Measure both", type="primary", icon=":material/play_arrow:")
    rows: list[Mapping[str, Any]] = []
    for one, subject in both:
        channels, size, _ = subject.image_shape
        data = images_of(spec, size, channels)
        stored = shelf().get(result_key("fid", probe, subject, data))
        if wanted and stored is None:
            whose = st.empty()  # beside the bar, and gone with it
            whose.caption(show.escape(one.label))
            stored = run_probe("fid", probe, subject, data)
            whose.empty()
        if stored is not None:
            rows.append(strict(stored.result.summary()))
    if len(rows) == 2:
        show.table(beside([one.label for one, _ in both], rows), "compare-table")
    sources = [one.source for one, _ in both]
    show.code(
        "\n".join(command("fid", probe, source, spec) for source in sources),
        "\n\n".join(python_code(probe, source, spec) for source in sources),
    )


def beside(labels: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> TablePanel:
    """Put the summaries of two Fidelity probes beside each other.

    Raises:
        GanlensError: their numbers do not mean the same; the first difference is named.
    """
    check_comparable(*(_features(row) for row in rows))
    one, other = rows
    if differing := [key for key in ALIKE if one[key] != other[key]]:
        values = "; ".join(f"{key} {one[key]!r} against {other[key]!r}" for key in differing)
        raise GanlensError(
            f"the two cannot be compared ({values}): choose data that stands in the same relation "
            "to both"
        )
    about = one["extractor"]
    weights = f"weights {about['weights'][:16]}" if about["weights"] else "without weights"
    caption = (
        f"{one['metric']} and its relatives: N = {one['n_fake']:,} samples from seed {one['seed']} "
        f"on against {one['n_real']:,} real images of {one['data']} (split {one['split']}), by the "
        f"extractor {about['name']} ({weights}; resize: {about['resize']}; {one['quantisation']}). "
        "Of two distances the smaller is better where their intervals do not overlap; real against "
        "real is what other real images score. Precision and density ask whether samples look like "
        "real images, recall and coverage whether all kinds of real images are drawn."
    )
    shown = [(words, *(_cell(row, key) for row in rows)) for key, words in ROWS.items()]
    return TablePanel("Both checkpoints", caption, ("", *labels), shown)


def _features(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides an extractor's features; why it was chosen does not."""
    return {key: value for key, value in row["extractor"].items() if key != "chosen_because"}


def _cell(row: Mapping[str, Any], key: str) -> Any:
    value = row[key]
    if value is None and (why := row["reasons"].get(key)):
        return f"{cell(None)} ({why})"
    return " to ".join(f"{v:.4g}" for v in value) if isinstance(value, list) else value
