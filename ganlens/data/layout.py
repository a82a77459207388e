"""What a tree of files says about its images: classes, splits, attributes.

- ``attributes.csv``: ``filename`` (relative to it), optional ``split``, then one column per
  attribute, numeric only if every value is a number. A categorical column ``class`` also gives
  the labels.
- ``dataset.json``: ``{"labels": [[name, int], ...]}``, the format of StyleGAN's tools.
- Without either, the first sub-folder is the class, if every image lies in one and there are two or
  more. A folder that holds everything else (the usual one inside a zip) does not count.
- Top-level folders ``train`` and ``test`` (or ``val``) are declared splits, if nothing lies beside
  them. ``val`` stands for ``test`` where there is none.
"""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ganlens.data.decode import Unusable
from ganlens.data.imageset import Skipped
from ganlens.data.trees import SIDECARS, Tree, check_size, extension, is_image
from ganlens.errors import GanlensError

SPLITS = ("train", "val", "test")
ALIASES = {"valid": "val", "validation": "val"}


@dataclass(frozen=True)
class Listing:
    """The images of a source before any is decoded.

    Attributes:
        names: one per image.
        splits: one of SPLITS per image, or None if the source declares none.
        skipped: what was left out without being opened.
    """

    names: list[str]
    splits: list[str] | None = None
    skipped: list[Skipped] = field(default_factory=list)


@dataclass(frozen=True)
class Annotations:
    """What is known about the images of a Listing, row by row; see ImageSet for the shapes."""

    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    attributes: dict[str, np.ndarray] = field(default_factory=dict)


def describe(tree: Tree, spec: str) -> tuple[Listing, Annotations]:
    """Read the layout of a tree.

    Raises:
        GanlensError: a sidecar that cannot be used, or that names files that are not there.
    """
    skipped = [Skipped(name, "its path leads out of the archive") for name in tree.unsafe]
    for name in tree.sizes:
        if not is_image(name) and not name.endswith((".csv", ".json")):
            reason = f"{extension(name)} files are not read: convert it to PNG"
            skipped.append(Skipped(name, reason))
    names = [name for name in tree.sizes if is_image(name)]
    root = _root(tree, names)
    table = _attributes(tree, root, spec)
    labelled = _dataset_json(tree, root, spec)
    for listed, sidecar in ((table, "attributes.csv"), (labelled, "dataset.json")):
        if listed is not None:
            skipped += [Skipped(n, f"not listed in {sidecar}") for n in names if n not in listed]
            names = [n for n in names if n in listed]
    if table is None and labelled is None:
        splits, annotations = _from_folders([name.removeprefix(root) for name in names])
        return Listing(names, splits, skipped), annotations
    splits, columns = _columns(names, table or {}, spec)
    return Listing(names, splits, skipped), _annotations(names, columns, labelled)


def _root(tree: Tree, names: Sequence[str]) -> str:
    """Return the folder, "" or ending in "/", that holds the sidecars, or else everything."""
    root = ""
    while names and not any(root + sidecar in tree.sizes for sidecar in SIDECARS):
        head, slash, _ = names[0].removeprefix(root).partition("/")
        if not slash or not all(name.startswith(f"{root}{head}/") for name in names):
            break
        root += f"{head}/"
    return root


def _text(tree: Tree, name: str, spec: str) -> str:
    try:
        check_size(tree.sizes[name])
        return tree.read(name).decode("utf-8-sig")  # spreadsheets write the mark
    except (Unusable, OSError, ValueError) as error:
        raise GanlensError(f"{spec}: {name} cannot be read ({error}): save it as UTF-8") from error


def _attributes(tree: Tree, root: str, spec: str) -> dict[str, dict[str, str]] | None:
    """Return image name -> its row of attributes.csv, or None without that file."""
    name = f"{root}attributes.csv"
    if name not in tree.sizes:
        return None
    try:
        lines = list(csv.reader(io.StringIO(_text(tree, name, spec)), strict=True))
    except csv.Error as error:
        raise GanlensError(f"{spec}: {name} is not a CSV file ({error}): write it anew") from error
    header = [column.strip() for column in lines[0]] if lines else []
    if "filename" not in header or len(set(header)) < len(header) or "" in header:
        raise GanlensError(
            f"{spec}: {name} has the columns {', '.join(header) or 'none'}: it needs 'filename', "
            "and each column needs a name of its own"
        )
    table: dict[str, dict[str, str]] = {}
    for number, line in enumerate(lines[1:], 2):
        if not line:
            continue
        if len(line) != len(header):
            raise GanlensError(
                f"{spec}: {name} line {number} has {len(line)} values for {len(header)} columns: "
                "mend that line"
            )
        row = dict(zip(header, map(str.strip, line), strict=True))
        table[_unlisted(root, row.pop("filename"), table, f"{spec}: {name}")] = row
    _all_there(tree, list(table), f"{spec}: {name}")
    return table


def _unlisted(root: str, filename: str, seen: object, where: str) -> str:
    name = root + filename.replace("\\", "/").removeprefix("./")
    if name in seen:  # type: ignore[operator]
        raise GanlensError(f"{where} lists {filename!r} twice: keep one")
    return name


def _all_there(tree: Tree, names: Sequence[str], where: str) -> None:
    missing = [name for name in names if name not in tree.sizes]
    if missing:
        raise GanlensError(
            f"{where} names {len(missing)} of {len(names)} files that are not there: "
            f"{', '.join(missing[:3])}{' ...' if len(missing) > 3 else ''}; paths are relative to "
            "it: add the files or take out their lines"
        )


def _dataset_json(tree: Tree, root: str, spec: str) -> dict[str, int] | None:
    """Return image name -> label from dataset.json, or None without that file or its labels."""
    name = f"{root}dataset.json"
    if name not in tree.sizes:
        return None
    try:
        labels = json.loads(_text(tree, name, spec))["labels"]
        if labels is None:
            return None
        pairs = [(str(image), int(label)) for image, label in labels]
        if not all(label == int(label) for _, label in labels):
            raise ValueError("a label that is not an integer")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise GanlensError(
            f'{spec}: {name} is not {{"labels": [[name, int], ...]}} ({error}): write it so'
        ) from error
    found: dict[str, int] = {}
    for image, label in pairs:
        found[_unlisted(root, image, found, f"{spec}: {name}")] = label
    _all_there(tree, list(found), f"{spec}: {name}")
    return found


def _columns(
    names: Sequence[str], table: dict[str, dict[str, str]], spec: str
) -> tuple[list[str] | None, dict[str, np.ndarray]]:
    header = list(next(iter(table.values()), {}))
    columns = {key: [table[name][key] for name in names] for key in header}
    splits = columns.pop("split", None)
    known = {key: parse_column(values) for key, values in columns.items()}
    return None if splits is None else declared(splits, spec), known


def parse_column(values: Sequence[str]) -> np.ndarray:
    """Return (N,) float64 if every value is a number, else (N,) strings; "nan" is a number."""
    try:
        if any(
            "_" in value for value in values
        ):  # float() takes 1_000; a table does not mean it so
            raise ValueError
        return np.array([float(value) for value in values])
    except ValueError:
        return np.array(values, dtype=np.str_)


def declared(splits: Sequence[str], spec: str) -> list[str]:
    """Bring split names to SPLITS.

    Raises:
        GanlensError: a name that is none of them.
    """
    known = [ALIASES.get(split.lower(), split.lower()) for split in splits]
    wrong = sorted(set(known) - set(SPLITS))
    if wrong:
        raise GanlensError(
            f"{spec}: split {wrong[0]!r} is not known: choose from {', '.join(SPLITS)}"
        )
    return known if "test" in known else ["test" if s == "val" else s for s in known]


def class_labels(classes: Sequence[str] | Sequence[int]) -> Annotations:
    """Number class names, or integers, in their sorted order."""
    found, labels = np.unique(np.asarray(classes), return_inverse=True)
    return Annotations(labels.astype(np.int64), tuple(map(str, found.tolist())))


def _annotations(
    names: Sequence[str], columns: dict[str, np.ndarray], labelled: dict[str, int] | None
) -> Annotations:
    found = Annotations()
    if labelled is not None:
        found = class_labels([labelled[name] for name in names])
    elif "class" in columns and columns["class"].dtype.kind == "U":
        found = class_labels(columns["class"].tolist())
    return Annotations(found.labels, found.class_names, columns)


def _from_folders(names: Sequence[str]) -> tuple[list[str] | None, Annotations]:
    folders = [name.split("/")[:-1] for name in names]
    heads = {folder[0].lower() if folder else "" for folder in folders}
    splits = None
    if len(heads) > 1 and {ALIASES.get(head, head) for head in heads} <= set(SPLITS):
        splits = declared([folder[0] for folder in folders], "folder")
        folders = [folder[1:] for folder in folders]
    if all(folders) and len({folder[0] for folder in folders}) > 1:
        return splits, class_labels([folder[0] for folder in folders])
    return splits, Annotations()
