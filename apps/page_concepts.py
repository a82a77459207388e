"""Concepts: label samples by clicking; get a scorer, a boundary, and what both are worth."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import board
import numpy as np
import show
import sliders
import streamlit as st
from choices import MAX_SEED, Choice
from roles import needs
from store import own_copy, picture, samples, shelf, subject_of
from working import under_a_bar

from ganlens.directions import SUFFIX, directions_bytes
from ganlens.images import enlarge, grid, to_uint8
from ganlens.latents import Seeds
from ganlens.panels import file_stem
from ganlens.probes.labelled import LEAST, LabelledConcept, fit_concept_steps
from ganlens.recipe import Recipe

if TYPE_CHECKING:
    from ganlens.subject import Subject

COUNT, COLUMNS = 48, 12
CYCLE = ("", "yes", "no")
AMOUNTS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
FRESH, SHOWN = 240, 12  # samples that are scored, and the extremes that are shown
FIRST_FRESH = 500_000  # seed of the first of them: far from those that people label


@dataclass(frozen=True)
class Learned:
    """A concept on the shelf, with what is drawn of it once.

    Attributes:
        concept: what was learned.
        extremes: two sheets, (H, W, 3) uint8: the samples with the most of it, and the least.
    """

    concept: LabelledConcept
    extremes: tuple[np.ndarray, np.ndarray]


def page(choice: Choice) -> None:
    """Draw the page."""
    subject = subject_of(choice.folder)
    st.title("Concepts", anchor=False)
    st.markdown(
        "Show the network by examples what you mean, say *looks angry* or *has a hat*: click a "
        "sample once if it shows it (**yes**), twice if it does not (**no**), and once more to "
        "take the mark away; 20 to 50 in all. You get a scorer of pictures, a direction in latent "
        "space ([Shen 2020](https://arxiv.org/abs/1907.10786)), and how far either can be trusted."
    )
    if needs(subject, {"generator", "discriminator"}):
        return
    name = st.text_input("Name of the concept", "my concept", key="concept-name", max_chars=60)
    marks = _labels(subject)
    yes = tuple(sorted(seed for seed, mark in marks.items() if mark == "yes"))
    no = tuple(sorted(seed for seed, mark in marks.items() if mark == "no"))
    st.caption(f"{len(yes)} yes, {len(no)} no; at least {LEAST} of either are needed.")
    ready = min(len(yes), len(no)) >= LEAST
    wanted = st.button("Learn it", type="primary", disabled=not ready, icon=":material/school:")
    st.button("Forget all labels", on_click=_clear, type="tertiary", icon=":material/delete:")
    key = f"concept {subject.provenance.get('hash')} {name} {yes} {no}"
    if wanted:
        own = own_copy(subject)
        steps = fit_concept_steps(own, yes, no, name=name or "my concept")
        found = under_a_bar(steps, "concept-stop")
        shelf().put(key, Learned(found, _extremes(own, found)))
    learned: Learned | None = shelf().get(key)
    if learned is not None:
        _report(choice, subject, learned, (yes, no))


def _labels(subject: "Subject") -> dict[int, str]:
    """Draw the board; labels of all its pages are kept, seed by seed."""
    kept: dict[int, str] = st.session_state.setdefault(_kept(subject), {})
    first = int(
        st.number_input(
            "First seed shown", 0, MAX_SEED - COUNT, 0, key="concept-first", step=COUNT,
            help="Labels stay when you turn the page.",
        )
    )  # fmt: skip
    seeds = range(first, first + COUNT)
    scale = max(1, 64 // subject.image_shape[2])
    tiles = board.Tiles(samples(subject, seeds), [f"seed {s}" for s in seeds], COLUMNS, scale)
    turn = st.session_state.get("concept-turn", 0)
    before = [kept.get(seed, "") for seed in seeds]
    marks = board.mark(tiles, f"concept-board-{first}-{turn}", CYCLE, before)
    kept.update(zip(seeds, marks, strict=True))
    return kept


def _kept(subject: "Subject") -> str:
    return f"concept-marks-{subject.provenance.get('hash')}"


def _clear() -> None:
    for key in list(st.session_state):
        if str(key).startswith("concept-marks-"):
            del st.session_state[key]
    st.session_state["concept-turn"] = st.session_state.get("concept-turn", 0) + 1


def _report(choice: Choice, subject: "Subject", learned: Learned, labels: tuple[Any, Any]) -> None:
    found = learned.concept
    st.subheader(f"What was learned of {show.escape(found.name)}", anchor=False)
    left, right = st.columns(2)
    left.metric("Scorer, held-out AUC", f"{found.auc:.2f}")
    boundary = "unknown" if found.boundary_auc is None else f"{found.boundary_auc:.2f}"
    right.metric("Direction, held-out AUC", boundary)
    st.caption(
        f"Of {found.n_positive} yes and {found.n_negative} no, each scored by a model that was not "
        "fitted to it (5 folds): AUC 1 is always right, 0.5 is guessing. With so few labels it is "
        "uncertain by about 0.1: look at the pictures, then label more where it errs."
    )
    for sheet, word in zip(learned.extremes, ("most", "least"), strict=True):
        show.picture(sheet, f"the {SHOWN} samples with the {word} of it")
        st.caption(
            f"{word.capitalize()} of it, among {FRESH} fresh samples, as the scorer sees them."
        )
    st.markdown("**Moved along the direction**")
    seeds = (0, 1, 2)
    move = found.boundary.move(subject.prior, AMOUNTS)
    recipe = Recipe.of(
        subject, Seeds(seeds), edits=[move], columns=len(AMOUNTS),
        enlargement=max(1, 64 // subject.image_shape[2]),
    )  # fmt: skip
    show.picture(picture(subject, recipe), "three samples along the direction")
    st.caption(
        f"Seeds 0 to 2, moved by {show.amounts(AMOUNTS)} sigma of the prior: from left to right "
        "the concept should appear, and nothing else should change."
    )
    one, two = st.columns(2)
    one.button(
        "Give it a slider", on_click=partial(sliders.add, found.boundary), icon=":material/tune:",
        help="It then comes first on the page `Move a picture`.",
    )  # fmt: skip
    two.download_button(
        "Download the direction", directions_bytes([found.boundary]),
        file_name=f"{file_stem(found.name)}{SUFFIX}", **show.QUIET,
        help="For `ganlens sample --direction FILE` and `ganlens invert --direction FILE`.",
    )  # fmt: skip
    show.code(_command(choice, found), _python(choice, found, labels))


def _extremes(own: "Subject", found: LabelledConcept) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples with the most of a concept, and those with the least, as two sheets."""
    x = own.generate(own.latents(range(FIRST_FRESH, FIRST_FRESH + FRESH)))
    order = np.argsort(found.score(own, x), kind="stable")
    scale = max(1, 64 // own.image_shape[2])
    most, least = (
        enlarge(grid(to_uint8(x[rows.tolist()]), SHOWN), scale)
        for rows in (order[::-1][:SHOWN], order[:SHOWN])
    )
    return most, least


def _command(choice: Choice, found: LabelledConcept) -> str:
    file = f"{file_stem(found.name)}{SUFFIX}"
    return f"ganlens sample {choice.source} --n 3 --direction {file} --out moved.png"


def _python(choice: Choice, found: LabelledConcept, labels: tuple[Any, Any]) -> str:
    yes, no = labels
    return "\n".join(
        [
            "import ganlens",
            "",
            f"subject = ganlens.load({choice.source!r})",
            f"concept = ganlens.fit_concept(subject, {list(yes)}, {list(no)}, name={found.name!r})",
            "print(concept.auc, concept.boundary_auc)",
        ]
    )
