"""Concepts: attribute expressions, what arithmetic with them should give, and whether it did."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ganlens.attributes import Predictions
from ganlens.data import ImageSet
from ganlens.data.select import select
from ganlens.errors import GanlensError

ENOUGH = 20  # training images that a value, or a pair of values, needs to be chosen automatically
_OUTSIDE_QUOTES = r"(?=(?:[^\"']|\"[^\"]*\"|'[^']*')*$)"
_EQUALS = re.compile(
    r"""\s*(?P<name>"[^"]*"|'[^']*'|[^=<>!&|()]+?)\s*==?\s*(?P<value>[^=<>]+?)\s*"""
)


@dataclass(frozen=True)
class AttributeValue:
    """One part of a concept: that attribute ``name`` has ``value``.

    What is not of the form ``name=value`` on a categorical attribute (``tilt>10``, ``!(a | b)``) is
    an attribute of its own: ``name`` is its text and ``value`` is "yes".

    Attributes:
        name: attribute, "class", or the text of an expression.
        value: the value that it should have.
        text: as it stands in the expression.
    """

    name: str
    value: str
    text: str


def parse(expression: str, data: ImageSet) -> tuple[AttributeValue, ...]:
    """Take an expression such as ``mouth=smile & hair=long`` apart at its ``&``.

    Raises:
        GanlensError: it does not fit the data; see ``ImageSet.select``.
    """
    data.select(expression)  # says what is wrong with it and what is valid
    parts = [expression]
    if not re.search(rf"[|!(]{_OUTSIDE_QUOTES}", expression):
        parts = re.split(rf"&{_OUTSIDE_QUOTES}", expression)
    return tuple(_condition(part.strip(), data) for part in parts)


def split_formula(formula: str) -> tuple[str, str, str]:
    """Split ``A - B + C`` into its three expressions; the signs stand between spaces.

    Raises:
        GanlensError: not of that form.
    """
    parts = re.split(rf"\s([-+])\s{_OUTSIDE_QUOTES}", formula)
    if parts[1::2] != ["-", "+"] or not all(part.strip() for part in parts[::2]):
        raise GanlensError(
            f"formula {formula!r} must be A - B + C, for example "
            '"mouth=smile & hair=long - mouth=neutral & hair=long + mouth=neutral & hair=short"'
        )
    a, b, c = (part.strip() for part in parts[::2])
    return a, b, c


def _condition(text: str, data: ImageSet) -> AttributeValue:
    match = _EQUALS.fullmatch(text)
    name = match["name"].strip("\"'") if match else ""
    if match and name in categorical(data):
        return AttributeValue(name, match["value"].strip("\"'"), text)
    return AttributeValue(text, "yes", text)


def categorical(data: ImageSet) -> dict[str, np.ndarray]:
    """Return every categorical column, the class among them: name -> (N,) strings."""
    columns = {name: column for name, column in data.attributes.items() if column.dtype.kind != "f"}
    if data.labels is not None:
        columns["class"] = data.classes
    return columns


def column(name: str, data: ImageSet) -> np.ndarray:
    """Return the (N,) values that a classifier learns; an expression has yes or no."""
    columns = categorical(data)
    if name in columns:
        return columns[name]
    answers = np.full(len(data), "no", dtype="<U3")
    answers[data.select(name)] = "yes"
    return answers


def quoted(word: str) -> str:
    """Return a name or value, in quotes if it holds a sign of the expression language."""
    return f'"{word}"' if set(word) & set("&|!()<>='") else word


def equals(name: str, value: str) -> AttributeValue:
    """Return the condition that an attribute has a value, quoted where it must be."""
    return AttributeValue(name, value, f"{quoted(name)}={quoted(value)}")


def text(concept: Sequence[AttributeValue]) -> str:
    """Write a concept as an expression that ``parse`` reads back."""
    return " & ".join(one.text for one in concept)


def numeric(data: ImageSet, rows: np.ndarray | None = None) -> list[str]:
    """Return the numeric attributes that vary among (these rows of) the training images."""
    train = data.part("train")
    chosen = slice(None) if rows is None else rows
    columns = {k: v[chosen] for k, v in train.attributes.items() if v.dtype.kind == "f"}
    return [k for k, v in columns.items() if np.isfinite(v).sum() >= ENOUGH and np.nanstd(v) > 0]


def candidates(data: ImageSet) -> dict[str, tuple[AttributeValue, AttributeValue]]:
    """Return attributes to try where none is named, with a rarer and a commoner value each.

    Of a categorical attribute these are its two most frequent values; a numeric one is cut at its
    median. Classes are taken only where there are no attributes.
    """
    train, found = data.part("train"), {}
    columns = categorical(train)
    if set(columns) != {"class"} or train.attributes:
        columns.pop("class", None)
    for name, values in columns.items():
        kinds, counts = np.unique(values[values != ""], return_counts=True)  # "" is not given
        order = np.argsort(-counts)[:2]
        if len(order) == 2 and counts[order[1]] >= ENOUGH:
            common, rare = (equals(name, str(kinds[i])) for i in order)
            found[name] = (rare, common)
    for name, values in train.attributes.items():
        if values.dtype.kind == "f" and len(values) >= 2 * ENOUGH and np.nanstd(values) > 0:
            cut = f"{quoted(name)} > {float(np.nanmedian(values)):g}"
            high, low = parse(cut, train)[0], AttributeValue(cut, "no", f"!({cut})")
            if ENOUGH <= len(train.select(cut)) <= len(train) - ENOUGH:
                found[cut] = (high, low)
    return found


Concept = tuple[AttributeValue, ...]


def expected(a: Concept, b: Concept, c: Concept) -> Concept:
    """Tell what A - B + C should show: what B and A share gives way to C; what sets A apart stays.

    Smiling woman - neutral woman + neutral man = smiling man (Radford 2015, section 6.3.2). An
    attribute that differs between all three has no expected value and is left out.
    """
    of_a, of_b, of_c = ({one.name: one for one in concept} for concept in (a, b, c))
    found = []
    for name in dict.fromkeys([*of_a, *of_c]):
        here, there, base = (known.get(name) for known in (of_a, of_b, of_c))
        values = [one.value if one else None for one in (here, there, base)]
        if values[0] == values[1]:
            found.append(base)
        elif values[2] in (values[1], None):
            found.append(here)
    return tuple(one for one in found if one is not None)


def meets(predictions: Predictions, conditions: Iterable[AttributeValue]) -> np.ndarray:
    """Return (N, E) bool: which images meet each condition, by the likeliest values.

    Raises:
        GanlensError: a condition on an attribute or a value that the classifier does not know.
    """
    columns: dict[str, np.ndarray] = {
        name: np.array(values)[predictions.probabilities[name].argmax(1)]
        for name, values in predictions.classes.items()
    }
    columns |= {name: values.astype(np.float64) for name, values in predictions.numbers.items()}
    answers = [select(one.text, columns, predictions.classes) for one in conditions]
    n = len(next(iter(columns.values())))
    return np.stack(answers, axis=1) if answers else np.ones((n, 0), dtype=bool)


def share(hits: np.ndarray) -> tuple[float, float, float]:
    """Return the share of (N,) successes, N at least 1, with its 95 % interval (Wilson 1927)."""
    from scipy.stats import binomtest

    test = binomtest(int(np.sum(hits)), len(hits))
    low, high = test.proportion_ci(method="wilson")
    return float(test.statistic), float(low), float(high)
