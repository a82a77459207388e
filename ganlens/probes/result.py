"""Results of probes: numbers stated once, and what tables, headlines and JSON derive from them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from ganlens.data.preparation import UNCHANGED
from ganlens.panels import Panel, TablePanel
from ganlens.plain import plain

__all__ = ["Number", "Result", "arrays"]

# Entries of ``about`` that say what was done to images -> which ones.
PREPARED = {
    "generated_prepared": "Generated images",
    "prepared": "Images of the data",
    "own_prepared": "Your pictures",
}


@dataclass(frozen=True)
class Number:
    """One entry of a result's summary; with a label it is a row of the table of numbers too.

    Attributes:
        key: its name in the summary and in JSON.
        value: a number, a text, or lists and mappings of them; None where it is undefined.
        label: what it is, in words, for the table; empty: it stands in the summary only. With "{}"
            in it, a mapping has a row for each of its entries, whose name stands there.
        unit: of the value, for the table: "%", "sigma", "px". Shares (0 to 1) whose unit is "%"
            are shown times 100.
        reason: why it is None.
    """

    key: str
    value: Any
    label: str = ""
    unit: str = ""
    reason: str = ""

    @classmethod
    def each(
        cls, values: Mapping[str, Any], reasons: Mapping[str, str] = MappingProxyType({})
    ) -> list["Number"]:
        """Return a number for each value by its key, for the summary only.

        The reasons, by the same keys, say why values are None; those of others are ignored.
        """
        return [cls(key, value, reason=reasons.get(key, "")) for key, value in values.items()]

    def rows(self) -> list[tuple[str, Any]]:
        """Return what it adds to a table: label and unit, and the value."""
        if not self.label:
            return []
        given = plain(self.value)
        values = given.items() if isinstance(given, dict) and "{}" in self.label else [("", given)]
        unit = f" ({self.unit})" if self.unit else ""
        return [(self.label.replace("{}", key) + unit, self._shown(one)) for key, one in values]

    def _shown(self, value: Any) -> Any:
        return 100 * value if self.unit == "%" and isinstance(value, int | float) else value


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a probe found: a frozen dataclass of CPU arrays and plain values.

    A result states each of its numbers once, in ``numbers``; the summary, the table and the
    headline derive from there. It knows no drawer: the probe hands it the function that draws it.

    Attributes:
        about: what makes it comparable: checkpoint, data, N, extractor, seed.
        draw: draws a result as panels, in the order of the report.
    """

    about: Mapping[str, Any]
    draw: Callable[[Any], Sequence[Panel]] = field(
        default=lambda result: (), repr=False, compare=False
    )

    def numbers(self) -> Sequence[Number]:
        """Return every number of the summary, in its order."""
        raise NotImplementedError

    def summary(self) -> dict[str, Any]:
        """Return ``about`` and the numbers as JSON-able values.

        What is undefined or not finite is None, and "reasons" says why, by its path.

        Raises:
            ValueError: a key stands there twice, so that one value would hide the other.
        """
        found, undefined = self.numbers(), dict[str, str]()
        keys = [*self.about, *(one.key for one in found)]
        if doubled := [key for key in dict.fromkeys(keys) if keys.count(key) > 1]:
            raise ValueError(f"{type(self).__name__} states {doubled[0]!r} twice")
        content = plain({**self.about, **{n.key: n.value for n in found}}, undefined)
        reasons = {n.key: n.reason for n in found if n.reason and content[n.key] is None}
        reasons = undefined | reasons
        return content | ({"reasons": reasons} if reasons else {})

    def __getitem__(self, key: str) -> Any:
        """Return one number by its key, as the summary has it.

        Raises:
            KeyError: the summary has no such entry.
        """
        return self.summary()[key]

    def table(self, title: str, caption: str, more: Sequence[Sequence[Any]] = ()) -> TablePanel:
        """Return the numbers that have a label, as rows of label and value, and ``more`` rows."""
        rows = [row for number in self.numbers() for row in number.rows()]
        return TablePanel(title, caption, ("quantity", "value"), [*rows, *more])

    def panels(self) -> list[Panel]:
        """Return the captioned panels that the report and the explorer draw.

        Where images were cropped, resized or converted, or two sides share some, the first caption
        says so.
        """
        found = list(self.draw(self))
        if found and (said := self._prepared()):
            found[0] = replace(found[0], caption=f"{found[0].caption} {said}")
        return found

    def _prepared(self) -> str:
        said = [(who, self.about.get(key, UNCHANGED)) for key, who in PREPARED.items()]
        found = [f"{who}: {how}." for who, how in said if not how.startswith(UNCHANGED)]
        if shared := self.about.get("shared"):
            found.append(f"Beware: {shared}.")
        return " ".join(found)


def arrays(result: Any) -> dict[str, np.ndarray]:
    """Return the array fields of a result by name, for the NPZ beside a report.

    A field that is a dataclass itself contributes its arrays as "field_name".
    """
    found: dict[str, np.ndarray] = {}
    for one in fields(result):
        value = getattr(result, one.name)
        if isinstance(value, np.ndarray) and value.dtype != object:
            found[one.name] = value
        elif is_dataclass(value):
            found |= {f"{one.name}_{name}": part for name, part in arrays(value).items()}
    return found
