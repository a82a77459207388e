"""What boundaries claim: attribute expressions, each true or false of an image."""

import re
from collections.abc import Sequence

import numpy as np

from ganlens.attributes import Predictions
from ganlens.data import ImageSet
from ganlens.data.kinds import LABELS_OR_A_TABLE
from ganlens.errors import GanlensError
from ganlens.probes.concepts import AttributeValue, categorical, meets, parse, quoted

ENOUGH = 20  # training images with either answer that a question needs
MOST_VALUES = 10  # an attribute with more is left to the user

# An attribute expression, true or false of an image ("glasses=dark", "tilt>10") -> the attributes
# that it is about.
Claims = dict[str, tuple[str, ...]]


def claims_of(data: ImageSet, attributes: Sequence[str]) -> tuple[Claims, Claims]:
    """Return the claims that are wanted and all that can be made; the second contain the first.

    There is one per value of a categorical attribute against its other values (a single one where
    there are two), and "above the median" of a numeric one, if enough training images have either
    answer. Classes are taken only where there are no attributes, unless they are named.

    Args:
        data: the whole ImageSet.
        attributes: attribute names (every value becomes a claim), expressions, or "auto".

    Raises:
        GanlensError: an expression that does not fit the data, an answer that hardly any training
            image has, or nothing to ask about.
    """
    train = data.part("train")
    every: Claims = {}
    for name in _columns(train):
        if name != "class" or not train.attributes:
            every |= _of_attribute(train, name)
    wanted: Claims = {}
    for text in attributes:
        wanted |= every if text == "auto" else _of_text(train, text)
    if not wanted:
        raise GanlensError(
            f"data {data.spec!r} has no attribute with at least {ENOUGH} training images of two "
            f"values: add {LABELS_OR_A_TABLE}"
        )
    return wanted, wanted | every


def _columns(data: ImageSet) -> dict[str, np.ndarray]:
    return {**categorical(data), **data.attributes}


def _of_text(train: ImageSet, text: str) -> Claims:
    if text in _columns(train):
        if found := _of_attribute(train, text):
            return found
        raise GanlensError(f"attribute {text!r} has no two values with {ENOUGH} images each")
    parse(text, train)  # says what is wrong with it and what is valid
    count = len(train.select(text))
    if not ENOUGH <= count <= len(train) - ENOUGH:
        raise GanlensError(
            f"{text!r} is true of {count:,} of {len(train):,} training images: at least {ENOUGH} "
            "with either answer are needed"
        )
    named = (n for n in _columns(train) if re.search(rf"(?<!\w){re.escape(n)}(?!\w)", text))
    return {text: tuple(named)}


def _of_attribute(train: ImageSet, name: str) -> Claims:
    values = _columns(train)[name]
    if values.dtype.kind == "f":
        texts = [f"{quoted(name)}>{float(np.nanmedian(values)):.4g}"]
    else:
        kinds, counts = np.unique(values[values != ""], return_counts=True)  # "" is not given
        order = np.argsort(-counts, kind="stable")
        frequent = [str(kinds[i]) for i in order if counts[i] >= ENOUGH]
        if not 2 <= len(kinds) <= MOST_VALUES:
            return {}
        if len(kinds) == 2:  # the rarer one: the boundary of the other is the same
            frequent = frequent[1:]
        texts = [f"{quoted(name)}={quoted(value)}" for value in frequent]
    found = {text: len(train.select(text)) for text in texts}
    return {text: (name,) for text, n in found.items() if ENOUGH <= n <= len(train) - ENOUGH}


def holds(predicted: Predictions, claim: str) -> np.ndarray | None:
    """Return (N,) bool: which images are predicted to fit a claim; None if none can be."""
    try:
        return meets(predicted, [AttributeValue(claim, "yes", claim)])[:, 0]
    except GanlensError:
        return None


def changed(before: Predictions, after: Predictions) -> dict[str, float]:
    """Return, per attribute, the share of images whose answer changed.

    The answer is the most probable value; a number counts as changed where it moved by more than
    one standard deviation of what the samples had before.
    """
    found = {
        name: old.argmax(1) != after.probabilities[name].argmax(1)
        for name, old in before.probabilities.items()
    }
    for name, number in before.numbers.items():
        found[name] = np.abs(after.numbers[name] - number) > max(float(number.std()), 1e-12)
    return {name: float(which.mean()) for name, which in found.items()}


def most_gained(before: Predictions, after: Predictions, name: str) -> str:
    """Return the claim about an attribute that became true of more images than any other did."""
    if name in before.numbers:
        middle, gain = np.median(before.numbers[name]), after.numbers[name] - before.numbers[name]
        return f"{quoted(name)}{'>' if gain.mean() > 0 else '<'}{float(middle):.4g}"
    values = before.classes[name]
    had, have = (
        np.bincount(found.probabilities[name].argmax(1), minlength=len(values))
        for found in (before, after)
    )
    return f"{quoted(name)}={quoted(values[int((have - had).argmax())])}"
