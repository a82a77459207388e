"""What a tree of files says about its images: classes, splits, attributes.

- A table (``attributes.csv``, ``metadata.csv`` or ``.jsonl``): a column of file names, optional
  ``split``, then one column per attribute; see ``tables`` and ``columns``. A column ``class`` (or
  ``label``) also gives the labels.
- ``dataset.json``: ``{"labels": [[name, int], ...]}``, the format of StyleGAN's tools.
- Without either, the first sub-folder is the class; see ``folders``. A folder that holds everything
  else (the usual one inside a zip) does not count.
- Folders named as splits are declared splits; see ``splits``. ``val`` stands for ``test`` where
  there is none.
"""

import json
from collections import Counter
from collections.abc import Sequence

from ganlens.data.annotations import Annotations, Listing, class_labels, column_labels
from ganlens.data.columns import attributes_of
from ganlens.data.folders import Arranged, arrange
from ganlens.data.imageset import Skipped
from ganlens.data.kinds import (
    SIDECARS,
    TABLE_EXTENSIONS,
    TABLES,
    UNREAD_EXTENSIONS,
    extension,
    is_image,
    looks_like_image,
)
from ganlens.data.sidecars import sidecar_text
from ganlens.data.splits import SPLITS, split_word
from ganlens.data.tables import Names, Table, all_there, listed, read_tables
from ganlens.data.trees import Tree
from ganlens.errors import GanlensError

SPLIT_COLUMNS = ("subset", "partition", "set", "usage", "fold")  # taken if they say splits only


def describe(tree: Tree, spec: str) -> tuple[Listing, Annotations]:
    """Read the layout of a tree.

    Raises:
        GanlensError: a sidecar that cannot be used, or that names files that are not there.
    """
    skipped = [Skipped(name, "its path leads out of the archive") for name in tree.unsafe]
    names, notes = _pictures(tree, skipped), _others(tree)
    root = _root(tree, names)
    table = read_tables(tree, root, names, spec)
    labelled = _dataset_json(tree, root, names, spec, notes)
    if table is not None:
        notes += table.notes
        table = table if table.name else None
    listings = [] if table is None else [(frozenset(table.rows), table.name)]
    listings += [] if labelled is None else [(frozenset(labelled), "dataset.json")]
    for rows, sidecar in listings:
        last = sidecar.rpartition("/")[2]
        skipped += [Skipped(n, f"not listed in {last}") for n in names if n not in rows]
        names = [n for n in names if n in rows]
    if table is None and labelled is None:
        arranged = arrange([name.removeprefix(root) for name in names], spec)
        return _from_folders(names, arranged, skipped, notes)
    return _from_sidecars(names, root, table, labelled, skipped, notes, spec)


def _pictures(tree: Tree, skipped: list[Skipped]) -> list[str]:
    """Return the names of pictures; list in ``skipped`` what is none, with the reason."""
    names = []
    for name in tree.sizes:
        if is_image(name):
            names.append(name)
        elif extension(name) in UNREAD_EXTENSIONS:
            reason = f"{extension(name)} files are not read: convert it to PNG"
            skipped.append(Skipped(name, reason))
        elif name.rpartition("/")[2] not in SIDECARS:
            try:
                content = looks_like_image(tree.head(name))
            except Exception as error:  # damaged, locked or a link to itself: whatever it is
                skipped.append(Skipped(name, f"cannot be read ({error})"))
                continue
            if content:
                names.append(name)
            else:
                skipped.append(Skipped(name, "not an image that Pillow can read"))
    return names


def _others(tree: Tree) -> list[str]:
    if not tree.others:
        return []
    kinds = Counter(extension(name) for name in tree.others)
    shown = ", ".join(
        f"{count} {kind or 'without extension'}" for kind, count in kinds.most_common(6)
    )
    count = len(tree.others)
    are = "1 file is no picture" if count == 1 else f"{count} files are no pictures"
    said = [f"{are} and not read: {shown}"]
    tables = sorted(name for name in tree.others if extension(name) in TABLE_EXTENSIONS)
    if tables and not any(name.rpartition("/")[2] in SIDECARS for name in tree.sizes):
        said.append(
            f"a table is read as {' or '.join(TABLES)}, with a column of file names: rename "
            f"{tables[0]} if it says something of the images"
        )
    return said


def _root(tree: Tree, names: Sequence[str]) -> str:
    """Return the folder, "" or ending in "/", that holds the sidecars, or else everything."""
    root = ""
    while names and not any(root + sidecar in tree.sizes for sidecar in SIDECARS):
        head, slash, _ = names[0].removeprefix(root).partition("/")
        if not slash or not all(name.startswith(f"{root}{head}/") for name in names):
            break
        root += f"{head}/"
    return root


def _dataset_json(
    tree: Tree, root: str, images: Sequence[str], spec: str, notes: list[str]
) -> dict[str, int] | None:
    """Return image name -> label from dataset.json, or None without that file or its labels."""
    name = f"{root}dataset.json"
    if name not in tree.sizes:
        return None
    try:
        content = json.loads(sidecar_text(tree, name, spec))
        if not isinstance(content, dict) or "labels" not in content:
            notes.append(f"{name} is not read: it has no 'labels', so it is about something else")
            return None
        labels = content["labels"]
        if labels is None:
            return None
        pairs = [(str(image), int(label)) for image, label in labels]
        if not all(label == int(label) for _, label in labels):
            raise ValueError("a label that is not an integer")
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        raise GanlensError(
            f'{spec}: {name} is not {{"labels": [[name, int], ...]}} ({error}): write it so'
        ) from error
    found: dict[str, int] = {}
    known, missing = Names(images), []
    for filename, label in pairs:
        image = known.find(listed(root, filename))
        if image in found:
            raise GanlensError(f"{spec}: {name} lists {filename!r} twice: keep one")
        if image is None:
            missing.append(listed(root, filename))
        else:
            found[image] = label
    all_there(missing, len(pairs), f"{spec}: {name}")
    return found


def _from_sidecars(
    names: list[str],
    root: str,
    table: Table | None,
    labelled: dict[str, int] | None,
    skipped: list[Skipped],
    notes: list[str],
    spec: str,
) -> tuple[Listing, Annotations]:
    rows = [table.rows[name] for name in names] if table else []
    columns = {key: [values[row] for row in rows]
               for key, values in (table.columns if table else {}).items()}  # fmt: skip
    splits = _split_column(columns, notes, spec)
    if splits is None:
        arranged = arrange([name.removeprefix(root) for name in names], spec)
        if arranged.splits is not None and not arranged.left_out:
            splits = declared(arranged.splits, spec)
            notes += [note for note in arranged.notes if note.startswith("splits")]
    attributes, classes = attributes_of(columns, notes)
    found = Annotations(attributes=attributes)
    if labelled is not None:
        found = class_labels([labelled[name] for name in names])
    elif classes is not None:
        found = column_labels(attributes[classes].tolist())
        if classes != "class":
            notes.append(f"classes from the column {classes!r}")
    listing = Listing(names, splits, skipped, notes)
    return listing, Annotations(found.labels, found.class_names, attributes)


def _split_column(columns: dict[str, list[str]], notes: list[str], spec: str) -> list[str] | None:
    """Take the column of splits out of the columns and return it in terms of SPLITS, or None."""
    lower = {name.lower(): name for name in columns}
    if "split" in lower:
        return declared(columns.pop(lower["split"]), spec)
    for name in SPLIT_COLUMNS:
        values = columns.get(lower.get(name, ""))
        kinds = {split_word(value) for value in values or ()}
        if len(kinds) > 1 and None not in kinds:
            notes.append(f"splits from the column {lower[name]!r}")
            return declared(columns.pop(lower[name]), spec)
    return None


def declared(splits: Sequence[str], spec: str) -> list[str]:
    """Bring split names to SPLITS.

    Raises:
        GanlensError: a name that is none of them.
    """
    kinds = {split: split_word(split) for split in set(splits)}
    wrong = sorted(split for split, kind in kinds.items() if kind is None)
    if wrong:
        raise GanlensError(
            f"{spec}: split {wrong[0]!r} is not known: choose from {', '.join(SPLITS)}"
        )
    known = [str(kinds[split]) for split in splits]
    return known if "test" in known else ["test" if s == "val" else s for s in known]


def _from_folders(
    names: list[str], arranged: Arranged, skipped: list[Skipped], notes: list[str]
) -> tuple[Listing, Annotations]:
    skipped += arranged.skipped(names)
    kept = [row for row in range(len(names)) if row not in arranged.left_out]
    splits = None
    if arranged.splits is not None:
        splits = declared([arranged.splits[row] for row in kept], "folder")
    annotations = Annotations()
    if arranged.classes is not None:
        annotations = class_labels([arranged.classes[row] for row in kept])
    listing = Listing([names[row] for row in kept], splits, skipped, notes + arranged.notes)
    return listing, annotations
