"""The concept that is to be forgotten: some values of one attribute."""

from dataclasses import dataclass

import numpy as np

from ganlens.data import ImageSet
from ganlens.data.kinds import LABELS_OR_A_TABLE
from ganlens.data.select import select
from ganlens.errors import GanlensError
from ganlens.probes.concepts import candidates, categorical, equals

AUTO = "auto"
ABSENT = ("none", "no", "absent", "without", "false")  # values that say that a thing is not there


@dataclass(frozen=True)
class Target:
    """Some of the values of one categorical attribute.

    Attributes:
        text: the expression.
        name: the attribute.
        classes: all of its values.
        wanted: (K,) bool, which of them are the concept.
    """

    text: str
    name: str
    classes: tuple[str, ...]
    wanted: tuple[bool, ...]

    def shown(self, answers: np.ndarray) -> np.ndarray:
        """Return (N,) bool for (N,) strings: which of them are the concept."""
        values = [value for value, one in zip(self.classes, self.wanted, strict=True) if one]
        return np.isin(answers, values)


def target_of(expression: str, data: ImageSet) -> Target:
    """Find the one attribute that an expression is about, and the values that meet it.

    "auto" takes what can be there or not: every value but "none" or "no" of such an attribute, of
    several the one whose images come nearest to a half. Without one it is the rarer of the two
    commonest values of the data's first attribute.

    Raises:
        GanlensError: an expression that the data do not understand, that is about several
            attributes or a number, or that all values or none meet.
    """
    columns = categorical(data.part("train"))
    text = _chosen(data) if expression == AUTO else expression
    data.part("train").select(text)  # says what is wrong with it and what is valid
    for name, column in columns.items():
        classes = tuple(map(str, np.unique(column)))
        try:
            wanted = select(text, {name: np.array(classes)}, {name: classes})
        except GanlensError:  # about another attribute
            continue
        if wanted.all() or not wanted.any():
            raise GanlensError(
                f"{text!r} is true of {'every' if wanted.any() else 'no'} value of {name}: choose "
                f"some of {', '.join(classes)}"
            )
        return Target(text, name, classes, tuple(wanted.tolist()))
    raise GanlensError(
        f"concept {text!r} must be about one categorical attribute: choose from "
        f"{', '.join(columns) or 'none, as these data have none'}"
    )


def _chosen(data: ImageSet) -> str:
    train = data.part("train")
    present = {
        " | ".join(equals(name, str(value)).text for value in np.unique(column) if value not in no)
        for name, column in categorical(train).items()
        if (no := {one for one in np.unique(column).tolist() if one.lower() in ABSENT})
    } - {""}
    if present:
        half = len(train) / 2
        return min(sorted(present), key=lambda text: abs(len(train.select(text)) - half))
    found = [rare for rare, _ in candidates(data).values() if not rare.text.startswith("!")]
    known = [one for one in found if one.name in categorical(data)]
    if not known:
        raise GanlensError(
            f"data {data.spec!r} has no categorical attribute to forget: add "
            f"{LABELS_OR_A_TABLE}, or give boxes"
        )
    return known[0].text
