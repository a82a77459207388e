"""Columns of a table: which are categories, which numbers, and which only name their rows.

======================================  ==========================================================
values                                  taken as
======================================  ==========================================================
numbers, some left blank                numbers; blanks are NaN, and so are a few odd values
0 and 1; -1 and 1; in 20 rows or more   categories: flags
any two whole numbers
whole numbers in a column named class,  categories
label, target, ...
text, nearly every row with its own     names, no attribute: left out (captions stay)
anything else                           categories, "" where blank
======================================  ==========================================================
"""

import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np

CLASS_NAMES = ("class", "label", "labels", "target", "targets", "category", "categories", "classes")
_GROUPS = (
    "class_id label_id category_id class_name identity kind digit emotion gender sex race "
    "ethnicity species breed type group"
)
CLASS_WORDS = (*CLASS_NAMES, *_GROUPS.split())
ID_NAMES = ("id", "uid", "uuid", "index", "idx", "key", "row", "no", "nr", "unnamed: 0")
TEXTS = ("caption", "captions", "text", "prompt", "description", "sentence")
_BLANKS = (
    "na n/a n.a. nan null none nil - -- ? missing unknown undefined #n/a #div/0! #ref! #value!"
)
BLANKS = frozenset(("", *_BLANKS.split()))
FLAGS = ({0.0, 1.0}, {-1.0, 1.0})
ENOUGH = 20  # rows from which a column can be seen to name them
ODD = 0.05  # share of values that may be no numbers where there are ENOUGH different numbers
OWN = 0.5  # share of rows with a value of their own from which it does


def parse_column(values: Sequence[str], name: str = "") -> np.ndarray:
    """Return a column as (N,) float64 or as (N,) strings; see the table above.

    Args:
        values: as they stand in the table.
        name: of the column.
    """
    numbers = _numbers(values)
    if numbers is None:
        return np.array([unicodedata.normalize("NFC", value) for value in values], np.str_)
    known = numbers[np.isfinite(numbers)]
    whole = known.size > 0 and bool((known == np.rint(known)).all())
    classes = name.strip().lower() in CLASS_WORDS
    if whole and (classes or _is_flag(known)):
        return np.array([f"{v:.0f}" if np.isfinite(v) else "" for v in numbers], np.str_)
    return numbers


def _blank(value: str) -> bool:
    return value.lower() in BLANKS


def _is_flag(known: np.ndarray) -> bool:
    values = set(np.unique(known).tolist())
    two = len(values) == 2 and len(known) >= ENOUGH  # 1 and 2: a code, hardly a quantity
    return two or any(values <= flags for flags in FLAGS)


def _numbers(values: Sequence[str]) -> np.ndarray | None:
    """Return the numbers of a column with NaN for blanks, or None if it holds anything else."""
    found, given, odd = np.full(len(values), np.nan), 0, 0
    for row, value in enumerate(values):
        if _blank(value):
            given += value.lower() == "nan"
            continue
        given += 1
        try:
            found[row] = float(value if "_" not in value else "")  # a table does not mean 1_000
        except ValueError:
            odd += 1
    if odd and (odd > ODD * given or len(np.unique(found[np.isfinite(found)])) < ENOUGH):
        return None
    return found if given else None


def attributes_of(
    columns: Mapping[str, Sequence[str]], notes: list[str]
) -> tuple[dict[str, np.ndarray], str | None]:
    """Turn the columns of a table into attributes.

    Args:
        columns: name -> values, one per image.
        notes: what is concluded is added here.

    Returns:
        (attributes, the name of the one that gives the class labels, or None).
    """
    found: dict[str, np.ndarray] = {}
    flags, names, blanks = [], [], []
    for name, values in columns.items():
        column = parse_column(values, name)
        numbers = _numbers(values)
        if column.dtype.kind == "U" and _names_rows(name, column, numbers):
            names.append(name)
            continue
        if column.dtype.kind == "f" and _is_id(name, column):
            names.append(name)
            continue
        if column.dtype.kind == "f" and (lost := np.isnan(column)).any():
            odd = [v for v, gone in zip(values, lost, strict=True) if gone and not _blank(v)]
            shown = f", such as {odd[0][:20]!r}" if odd else ""
            blanks.append(f"{name} ({lost.sum()}{shown})")
        elif column.dtype.kind == "U" and numbers is not None:
            flags.append(name)
        found[name] = column
    said = (
        (flags, "whole numbers taken as categories"),
        (blanks, "numbers, with blanks that are NaN"),
        (names, "left out: each value names about one image"),
    )
    notes += [f"columns {_some(listed)}: {what}" for listed, what in said if listed]
    return found, _class_column(found)


def _class_column(found: Mapping[str, np.ndarray]) -> str | None:
    lower = {name.lower(): name for name, column in found.items() if column.dtype.kind == "U"}
    return next((lower[name] for name in CLASS_NAMES if name in lower), None)


def _names_rows(name: str, column: np.ndarray, numbers: np.ndarray | None) -> bool:
    """Whether a text column names its rows: most have a value of their own, and it is no text."""
    if name.lower() in (*CLASS_NAMES, *TEXTS) or numbers is not None:
        return False
    given = column[column != ""]
    if len(given) < ENOUGH or np.char.count(given, " ").mean() > 1:  # sentences
        return False
    return len(np.unique(given)) > OWN * len(given)


def _is_id(name: str, column: np.ndarray) -> bool:
    """Whether a column of numbers is named as an identifier and counts its rows."""
    lower = name.strip().lower()
    named = lower in ID_NAMES or lower.endswith(("_id", " id", "_index", "_idx", "-id"))
    given = column[np.isfinite(column)]
    whole = bool((given == np.rint(given)).all())
    return named and whole and len(np.unique(given)) > OWN * max(1, len(given))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f" ... ({len(names)} in all)" if len(names) > 8 else "")
