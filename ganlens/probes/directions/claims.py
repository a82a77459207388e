"""What boundaries claim: attribute expressions, each true or false of an image."""

import re
from collections.abc import Sequence

import numpy as np

from ganlens.attributes import Predictions
from ganlens.data import ImageSet
from ganlens.data.kinds import LABELS_OR_A_TABLE
from ganlens.errors import GanlensError
from ganlens.probes.concepts import AttributeValue, categorical, parse, quoted
from ganlens.probes.success import meets

ENOUGH = 20  # training images with either answer that a question needs
MOST_VALUES = 10  # an attribute with more is left to the user
NUMBER = "f"


# An attribute expression, true or false of an image ("glasses=dark", "tilt>10") -> the attributes
# that it is about.
Claims = dict[str, tuple[str, ...]]


def claims_of(data: ImageSet, attributes: Sequence[str]) -> tuple[Claims, Claims]:
    """Return the claims that are wanted and all that can be made of the data.

    Args:
        data: the whole ImageSet; its training images say which values are frequent enough.
        attributes: attribute names (every value becomes a claim), expressions, or "auto".

    Returns:
        The wanted ones, and all: one claim per value of a categorical attribute against
        its other values (a single one where there are two), and "above the median" of a numeric
        one. The second list contains the first.

    Raises:
        GanlensError: an expression that does not fit the data, an answer that hardly any training
            image has, or nothing to ask about.
    """
    train = data.part("train")
    every: Claims = {}
    for name in columns(train):
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


def columns(data: ImageSet) -> dict[str, np.ndarray]:
    """Return every column that can be claimed about; classes only where there are no attributes."""
    found = {**categorical(data), **data.attributes}
    if data.attributes:
        found.pop("class", None)
    return found


def _of_text(train: ImageSet, text: str) -> Claims:
    if text in columns(train) or text in categorical(train):
        found = _of_attribute(train, text)
        if not found:
            raise GanlensError(f"attribute {text!r} has no two values with {ENOUGH} images each")
        return found
    parse(text, train)  # says what is wrong with it and what is valid
    count = len(train.select(text))
    if not ENOUGH <= count <= len(train) - ENOUGH:
        raise GanlensError(
            f"{text!r} is true of {count:,} of {len(train):,} training images: at least {ENOUGH} "
            "with either answer are needed"
        )
    known = {**categorical(train), **train.attributes}
    return {text: tuple(n for n in known if re.search(rf"(?<!\w){re.escape(n)}(?!\w)", text))}


def _of_attribute(train: ImageSet, name: str) -> Claims:
    values = {**categorical(train), **train.attributes}[name]
    if values.dtype.kind == NUMBER:
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


def holds(read: Predictions, claim: str) -> np.ndarray | None:
    """Return (N,) bool: which images are predicted to fit a claim; None if none can be."""
    try:
        return meets(read, [AttributeValue(claim, "yes", claim)])[:, 0]
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
        np.bincount(read.probabilities[name].argmax(1), minlength=len(values))
        for read in (before, after)
    )
    return f"{quoted(name)}={quoted(values[int((have - had).argmax())])}"
