"""A probe's settings as widgets: one per dataclass field, so none can be forgotten or ignored."""

import inspect
import types
import typing
from dataclasses import Field, fields
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import docstring_parser
import streamlit as st

from ganlens.errors import GanlensError
from ganlens.limits import limits_of
from ganlens.paths import path_settings
from ganlens.probes.base import Probe
from ganlens.report import default

if TYPE_CHECKING:
    from ganlens.subject import Subject

COLUMNS = 3
MOST = 2**53 - 1  # JavaScript counts no further


def settings_form(name: str, kind: type[Probe], subject: "Subject") -> Probe:
    """Draw the widgets of a probe and return the probe with the values that they hold.

    Raises:
        GanlensError: a value that cannot be read, or that the probe refuses.
    """
    shown = [field for field in fields(kind) if not hidden(kind, field)]  # type: ignore[arg-type]
    helps = help_texts(kind)
    values: dict[str, Any] = {}
    for index, field in enumerate(shown):
        if index % COLUMNS == 0:  # a row of its own: a phone stacks the columns of each row
            columns = st.columns(COLUMNS)
        with columns[index % COLUMNS]:
            values[field.name] = _widget(name, kind, field, helps.get(field.name), subject)
    return kind(**values)


def reset(name: str, kind: type[Probe]) -> None:
    """Put every widget of a probe back to its default."""
    # A widget that is bound to the address can only be set: Streamlit then clears the address.
    for field in fields(kind):  # type: ignore[arg-type]
        if _key(name, field) in st.session_state:
            st.session_state[_key(name, field)] = _start(kind, field)


def _start(kind: type[Probe], field: Field[Any]) -> Any:
    """Return what the widget of a setting holds before anybody touches it."""
    hint, _ = _unwrap(typing.get_type_hints(kind)[field.name])
    start = default(field)
    if get_origin(hint) is tuple:
        return ", ".join(map(str, start or ()))
    return "" if hint is str and start is None else start


def help_texts(kind: type[Probe]) -> dict[str, str]:
    """Return the lines under "Attributes" in a probe's docstring, by field."""
    parsed = docstring_parser.parse(inspect.getdoc(kind) or "")
    return {p.arg_name: " ".join((p.description or "").split()) for p in parsed.params}


def hidden(kind: type[Probe], field: Field[Any]) -> bool:
    """Tell whether a setting is not for visitors: a path on the server, or one about a path."""
    if about := field.metadata.get("of"):
        return hidden(kind, next(one for one in fields(kind) if one.name == about))  # type: ignore[arg-type]
    mark = path_settings(kind).get(field.name)
    return mark is not None and not mark.words


def _key(name: str, field: Field[Any]) -> str:
    return f"{name}-{field.name.replace('_', '-')}"


def _widget(
    name: str, kind: type[Probe], field: Field[Any], help_text: str | None, subject: "Subject"
) -> Any:
    hint, optional = _unwrap(typing.get_type_hints(kind)[field.name])
    label = field.name.replace("_", " ")
    start = _start(kind, field)
    common: dict[str, Any] = {"key": _key(name, field), "help": help_text}
    kept: dict[str, Any] = common | {"bind": "query-params"}
    if choices := _choices(kind, field, hint, subject):
        return st.selectbox(label, choices, choices.index(start), **kept)
    if hint is bool:
        st.space("small")
        return st.toggle(label, bool(start), **kept)
    if hint in (int, float):
        step = {"step": 1} if hint is int else {"step": None, "format": "%g"}
        return st.number_input(label, value=start, **_span(kind, field, hint), **step, **kept)
    if get_origin(hint) is tuple:
        return _tuple(label, hint, start, optional, kept)
    text = st.text_input(label, value=start, max_chars=500, **kept)
    return (text or None) if optional else text


def _span(kind: type[Probe], field: Field[Any], number: type[int | float]) -> dict[str, Any]:
    """Return the least and the greatest value that a browser can count with, if there are such."""
    limits = limits_of(kind, field.name)
    low = 0 if limits.or_zero else limits.low
    high = limits.high if limits.high is None or limits.high <= MOST else None
    ends = {"min_value": low, "max_value": high}
    return {name: None if value is None else number(value) for name, value in ends.items()}


def _choices(
    kind: type[Probe], field: Field[Any], hint: Any, subject: "Subject"
) -> tuple[Any, ...]:
    """Return what may be chosen for a setting, or nothing where it is free."""
    if get_origin(hint) is Literal:
        return get_args(hint)
    if mark := path_settings(kind).get(field.name):  # a visitor types no paths
        return mark.words
    if hint is str and field.name == "layer":
        have = [n for n in ("generator", "discriminator") if getattr(subject, n) is not None]
        layers = dict.fromkeys(layer for network in have for layer in subject.layers(network))
        return tuple(dict.fromkeys([default(field), "all", *layers]))
    return ()


def _tuple(label: str, hint: Any, start: str, optional: bool, kept: dict[str, Any]) -> Any:
    """Ask for several values in one line, apart by commas."""
    kind = get_args(hint)[0]
    kind = str if get_origin(kind) is Literal else kind  # the probe says which words there are
    like = "a, b, c" if kind is str else "0, 1, 2"
    text = st.text_input(label, value=start, max_chars=500, placeholder=like, **kept)
    words = [word.strip() for word in text.split(",") if word.strip()]
    if optional and not words:
        return None
    try:
        return tuple(kind(word) for word in words)
    except ValueError:
        raise GanlensError(
            f"{label} {text!r} cannot be read: give {kind.__name__} values, apart by commas"
        ) from None


def _unwrap(hint: Any) -> tuple[Any, bool]:
    """Split ``X | None`` into X and True; anything else into itself and False."""
    if get_origin(hint) in (types.UnionType, typing.Union):
        inner = [part for part in get_args(hint) if part is not type(None)]
        if len(inner) < len(get_args(hint)):
            return inner[0], True
    return hint, False
