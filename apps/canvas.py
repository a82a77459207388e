"""The canvas: one picture, what it is made of, and its address.

One recipe decides the picture. The widgets hold its parts, the address bar all of it, packed; so a
link, a step of the history and a reset are the same thing: a recipe that is taken apart again.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import conditions
import numpy as np
import streamlit as st

from ganlens.directions import Direction
from ganlens.edits import Edit, Move, Truncate
from ganlens.errors import GanlensError
from ganlens.latents import Latents, Seeds
from ganlens.packing import pack, unpack
from ganlens.recipe import Layout, Pictures, Recipe

if TYPE_CHECKING:
    from ganlens.subject import Subject

ADDRESS = "recipe"
BASE, OTHERS, DRAWN, HISTORY = "canvas-base", "canvas-others", "canvas-drawn", "canvas-history"
SEED, TRUNCATION = "canvas-seed", "canvas-truncation"
CONDITION = "canvas-condition"  # in the session: the condition that the page was drawn under
FARTHEST, STEP = 4.0, 0.25  # of a slider, in sigmas
REMEMBERED = 10


def slider_key(direction: Direction) -> str:
    """Return the key of a direction's slider."""
    return f"canvas-move-{direction.name}"


def widest(subject: "Subject") -> float:
    """Return the truncation that changes nothing: the edge of the truncation slider."""
    return 4.0 if any(part.kind == "normal" for part in subject.prior.parts) else 1.0


def restore(subject: "Subject", directions: Sequence[Direction], seed: int) -> None:
    """Bring the canvas to what the address says, or back to what it was before this visit.

    Raises:
        GanlensError: the address holds no recipe, or one of another checkpoint.
    """
    packed = st.query_params.get(ADDRESS)
    if packed is not None and packed != st.session_state.get(DRAWN):
        try:
            asked = unpack(packed)
            take(asked, subject, directions)
            if subject.condition is not None and not asked.condition:
                conditions.put(subject, "")
        except GanlensError:
            del st.query_params[ADDRESS]  # said once; then the page works again
            raise
        return
    drawn = st.session_state.get(DRAWN)
    if drawn is not None and (kept := unpack(drawn)).hash == subject.provenance.get("hash"):
        if TRUNCATION not in st.session_state:
            take(kept, subject, directions)
    else:
        take(Recipe.of(subject, Seeds((seed,))), subject, directions)


def take(recipe: Recipe, subject: "Subject", directions: Sequence[Direction]) -> None:
    """Take a recipe apart into the widgets; edits that no slider stands for are kept as they are.

    Raises:
        GanlensError: a recipe of another checkpoint, or of several pictures.
    """
    recipe.check(subject)
    if recipe.latents.count != 1:
        raise GanlensError(
            f"the recipe draws {recipe.latents.count} pictures: the canvas shows one"
        )
    if isinstance(recipe.latents, Pictures):
        raise GanlensError(
            "the recipe begins with pictures of a data set: the canvas shows latents; `ganlens"
            " draw` draws it"
        )
    recipe.latents.latents(subject.prior)  # says so if it has another width
    sliders = {slider_key(one): one for one in directions}
    values, truncation = dict.fromkeys(sliders, 0.0), widest(subject)
    others: list[Edit] = []
    for edit in recipe.edits:
        key = next((k for k, one in sliders.items() if _amount(edit, one, subject) is not None), "")
        if key and not values[key]:
            values[key] = _amount(edit, sliders[key], subject) or 0.0
        elif isinstance(edit, Truncate) and edit.threshold <= widest(subject) and not others:
            truncation = edit.threshold
        else:
            others.append(edit)
    if recipe.condition:
        conditions.put(subject, recipe.condition[0])
        st.session_state[CONDITION] = recipe.condition[0]
    st.session_state[BASE] = recipe.latents
    st.session_state[OTHERS] = tuple(others)
    st.session_state[TRUNCATION] = truncation
    st.session_state[SEED] = _seed(recipe.latents)
    for key, value in values.items():
        st.session_state[key] = value


def start_from(latents: Latents) -> None:
    """Put another latent on the canvas; the edits stay."""
    st.session_state[BASE] = latents
    st.session_state[SEED] = _seed(latents)


def current(subject: "Subject", directions: Sequence[Direction], enlargement: int) -> Recipe:
    """Put the recipe together from the widgets."""
    edits: list[Edit] = []
    if (threshold := st.session_state[TRUNCATION]) < widest(subject):
        edits.append(Truncate(threshold))
    for one in directions:
        if amount := st.session_state.get(slider_key(one), 0.0):
            edits.append(one.move(subject.prior, [amount]))
    edits += st.session_state[OTHERS]
    base = st.session_state[BASE]
    return Recipe.of(subject, base, edits=edits, columns=1, enlargement=enlargement)


def publish(recipe: Recipe) -> None:
    """Write a recipe to the address bar and to the history."""
    packed = pack(replace(recipe, layout=replace(recipe.layout, enlargement=1)))
    if packed != st.session_state.get(DRAWN) or ADDRESS not in st.query_params:
        st.session_state[DRAWN] = packed
        st.query_params[ADDRESS] = packed
    history: list[str] = st.session_state.setdefault(HISTORY, [])
    if packed not in history:
        st.session_state[HISTORY] = [packed, *history][:REMEMBERED]


def history(subject: "Subject") -> list[Recipe]:
    """Return the latest recipes of this checkpoint, newest first."""
    found = [_unpacked(packed) for packed in st.session_state.get(HISTORY, [])]
    return [one for one in found if one.hash == (subject.provenance.get("hash") or "")]


_unpacked = lru_cache(256)(unpack)


def plain(recipe: Recipe) -> Recipe:
    """Return the recipe of the same latent without its edits."""
    return replace(recipe, edits=())


def strip(
    original: Recipe, direction: Direction, subject: "Subject", amounts: Sequence[float]
) -> Recipe:
    """Return the recipe of a picture moved along a direction by several amounts."""
    move = direction.move(subject.prior, amounts)
    return replace(original, edits=(move,), layout=Layout(len(amounts)))


def describe(latents: Latents | Pictures) -> str:
    """Say in a few words what the canvas starts from."""
    if isinstance(latents, Seeds):
        return f"seed {latents.seeds[0]}"
    named = {"mix": "a sum of samples", "rows": "a latent that was found"}
    return {**named, "pictures": "a picture"}.get(latents.kind, "a latent on a way between others")


def _seed(latents: Latents) -> int | None:
    return latents.seeds[0] if isinstance(latents, Seeds) else None


def _amount(edit: Edit, direction: Direction, subject: "Subject") -> float | None:
    """Return how many sigmas an edit moves along a direction, or None if it does something else."""
    if not isinstance(edit, Move) or len(edit.amounts) != 1 or edit.name != direction.name:
        return None
    one = direction.move(subject.prior, [1.0])
    same = len(one.vector) == len(edit.vector) and np.array_equal(one.vector, edit.vector)
    amount = edit.amounts[0]
    return amount if same and abs(amount) <= FARTHEST else None
