"""Condition: widgets for the condition of a conditional model, in the data's own words.

The words go into the address; a recipe of one picture brings them back.
"""

from typing import TYPE_CHECKING

import show
import streamlit as st

from ganlens.errors import GanlensError
from ganlens.models.conditions import Attributes, Classes, Condition

if TYPE_CHECKING:
    from ganlens.subject import Subject

ADDRESS = "condition"
FOR = "condition-for"  # in the session: hash of the checkpoint that the widgets are about
ONE = "condition-one"  # of the widget that holds a class or a caption, or turns attributes on
EACH = "as the training data had it"  # nothing is chosen: every seed has a condition of its own
HELP = (
    "The condition of what is drawn. By default every seed has its own, as often as the training "
    "data had it; where one picture is shown, it is the most frequent one."
)


def chosen(subject: "Subject") -> "Subject":
    """Draw the widgets of a conditional model; return the model under what they say."""
    condition = subject.condition
    if condition is None:
        return subject
    _from_address(subject)
    try:
        words = _widgets(condition)
        subject = subject.with_condition(words) if words else subject
    except GanlensError as error:
        st.error(show.escape(str(error)), icon=":material/error:")
        words = ""
    if words:
        st.query_params[ADDRESS] = words
    else:
        st.query_params.pop(ADDRESS, None)
    return subject


def usual(subject: "Subject") -> "Subject":
    """Return a conditional model under one condition: the chosen one, or the most frequent."""
    condition = subject.condition
    if condition is None or subject.is_conditioned:
        return subject
    return subject.with_condition(condition.name(condition.usual))


def put(subject: "Subject", words: str) -> None:
    """Let the widgets of a conditional model say some words; "" chooses nothing.

    Raises:
        GanlensError: words that the model does not know, or one without conditions.
    """
    condition = subject.condition
    if condition is None:
        raise GanlensError(f"{subject.name} takes no condition: leave {words!r} out")
    st.session_state[FOR] = subject.provenance.get("hash")
    row = condition.read(words) if words else condition.usual
    if isinstance(condition, Attributes):
        st.session_state[ONE] = bool(words)
        pieces = row.split([one.dim for one in condition.attributes])
        for one, piece in zip(condition.attributes, pieces, strict=True):
            word = one.word(piece)
            st.session_state[_key(one.name)] = word if one.values else float(word)
    elif isinstance(condition, Classes):
        st.session_state[ONE] = condition.name(row) if words else EACH
    else:
        st.session_state[ONE] = words


def _from_address(subject: "Subject") -> None:
    """Begin with what the address says, where the widgets are not yet about this checkpoint."""
    digest = subject.provenance.get("hash")
    if st.session_state.get(FOR) == digest and ONE in st.session_state:
        return
    first = FOR not in st.session_state
    put(subject, "")
    if first and (words := st.query_params.get(ADDRESS)):
        try:
            put(subject, words)
        except GanlensError as error:
            st.warning(show.escape(f"The address asks for another model's condition: {error}."))


def _widgets(condition: Condition) -> str:
    """Draw them; return the words, or "" where nothing is chosen."""
    if isinstance(condition, Classes):
        word = st.selectbox(
            "Condition", (EACH, *condition.names), key=ONE, help=HELP, persist_state="session"
        )
        return "" if word == EACH else str(word)
    if isinstance(condition, Attributes):
        on = st.toggle("Choose the condition", key=ONE, help=HELP, persist_state="session")
        return _attributes(condition) if on else ""
    typed = st.text_input(
        "Condition", key=ONE, placeholder=EACH, max_chars=500, persist_state="session",
        help=f"{HELP} In the words of the training captions, such as"
        f" {show.escape(repr(condition.name(condition.usual)))}.",
    )  # fmt: skip
    return typed.strip()


def _attributes(condition: Attributes) -> str:
    clauses = []
    for one, column in zip(condition.attributes, _columns(len(condition.attributes)), strict=True):
        label, key = show.escape(one.name), _key(one.name)
        if one.values:
            word = column.selectbox(label, one.values, key=key, persist_state="session")
        else:
            number = column.number_input(
                label, key=key, step=None, format="%g", persist_state="session",
                help=f"Mean {one.mean:g}, standard deviation {one.std:g} in the training data.",
            )  # fmt: skip
            word = f"{number:g}"
        clauses.append(f"{one.name}={word}")
    return " & ".join(clauses)


def _columns(count: int, most: int = 4) -> list["st.delta_generator.DeltaGenerator"]:
    return [column for first in range(0, count, most) for column in st.columns(most)][:count]


def _key(name: str) -> str:
    return f"condition-of-{name}"
