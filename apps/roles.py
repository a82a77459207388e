"""Models by their roles: which samples there are, what they are told, what a page lacks."""

from collections.abc import Set
from typing import TYPE_CHECKING

import streamlit as st

from ganlens.errors import GanlensError
from ganlens.models.conditions import Classes
from ganlens.recipe import Recipe
from ganlens.report import lacking

if TYPE_CHECKING:
    from ganlens.subject import Subject

EACH = "as the training data had it"  # of a condition: every seed has one of its own


def needs(subject: "Subject", roles: Set[str]) -> bool:
    """Say in one sentence what a page needs and the model lacks; tell whether it lacks anything."""
    if reason := lacking(roles, subject):
        st.info(f"This page {reason}.")
    return bool(reason)


def seeds_of(subject: "Subject", first: int, count: int) -> range:
    """Return the seeds of a sheet: of a translator, as far as it has source pictures.

    Raises:
        GanlensError: the first is beyond the last source picture.
    """
    most = subject.samples_at_most
    if most is None:
        return range(first, first + count)
    if first >= most:
        raise GanlensError(f"picture {first} is not there: choose 0 to {most - 1}")
    return range(first, min(first + count, most))


def grid_recipe(
    subject: "Subject", seed: int, count: int, enlargement: int, columns: int = 8
) -> Recipe:
    """Return the recipe of a sheet of consecutive seeds, one sample each."""
    seeds = seeds_of(subject, seed, count)
    return Recipe.of_samples(subject, seeds, columns=columns, enlargement=enlargement)


def what_they_are(subject: "Subject", seeds: range) -> str:
    """Say what a sheet shows, for the beginning of a caption."""
    ends = f"{seeds[0]} to {seeds[-1]}"
    if subject.generator is None:
        spec = subject.sources.spec
        return f"Held-out pictures {ends} of {spec}, translated, row by row."
    if subject.condition is None:
        return f"Seeds {ends}, row by row."
    if subject.is_told:
        return f"Seeds {ends}, row by row, all under {subject.provenance['condition']!r}."
    return f"Seeds {ends}, row by row, each under a condition of its own, as often as in the data."


def told(subject: "Subject") -> "Subject":
    """Offer a widget for the condition of a conditional model; return the model, told the choice.

    Raises:
        GanlensError: words that the model does not know.
    """
    condition = subject.condition
    if condition is None:
        return subject
    if isinstance(condition, Classes):
        words = st.selectbox(
            "Condition", (EACH, *condition.names), key="condition", bind="query-params",
            help="The class that the generator is told.",
        )  # fmt: skip
        return subject if words == EACH else subject.told(str(words))
    usual = condition.name(condition.usual)
    words = st.text_input(
        "Condition", key="condition", bind="query-params", placeholder=EACH, max_chars=500,
        help=f"What the generator is told, in words such as {usual!r}; what is left out takes its "
        "most frequent value. Empty: every seed has one of its own, as the training data had it.",
    )  # fmt: skip
    return subject.told(words) if words else subject
