"""Tables beside images: ``attributes.csv``, ``metadata.csv`` or ``metadata.jsonl``.

One row per image and a column of file names, relative to the table. They lie beside all images, or
one in each top-level folder, as Hugging Face's ImageFolder has it. Commas, semicolons and tabs are
understood; names are compared in one Unicode form, then without regard to case, then without
extensions.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ganlens.data.kinds import TABLES, composed
from ganlens.data.sidecars import MAX_CELLS, csv_lines, json_lines, sidecar_text
from ganlens.data.trees import Tree
from ganlens.errors import GanlensError

FILE_COLUMNS = ("filename", "file_name", "file", "image", "image_id", "img", "path", "image_path")


@dataclass
class Table:
    """Rows of one or more tables.

    Attributes:
        rows: image name in the tree -> row.
        columns: name -> values, one per row; "" where a table lacks the column.
        name: of the (first) file.
        notes: what was concluded.
    """

    rows: dict[str, int] = field(default_factory=dict)
    columns: dict[str, list[str]] = field(default_factory=dict)
    name: str = ""
    notes: list[str] = field(default_factory=list)


class Names:
    """The images of a tree, found by the names that tables give them."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names, self._exact = names, set(names)
        self._below: dict[str, list[dict[str, str]]] = {}
        ways: tuple[Callable[[str], str], ...] = (composed, _folded, _bare)
        self._ways = [(way, _unique(names, way)) for way in ways]

    def find(self, name: str) -> str | None:
        """Return the image that a name means, or None if there is none or more than one."""
        if name in self._exact:
            return name
        return next((found[way(name)] for way, found in self._ways if way(name) in found), None)

    def below(self, folder: str, file: str) -> str | None:
        """Return the only image of that file name anywhere below a folder, as CelebA is listed."""
        if folder not in self._below:
            inside = [name for name in self._names if name.startswith(folder)]
            self._below[folder] = [_unique(inside, _file), _unique(inside, _stem)]
        exact, stems = self._below[folder]
        return exact.get(_file(file.strip())) or stems.get(_stem(file.strip()))


def _folded(name: str) -> str:
    return composed(name).casefold()


def _bare(name: str) -> str:
    return re.sub(r"\.\w{3,4}$", "", _folded(name))


def _file(name: str) -> str:
    return _folded(name).rpartition("/")[2]


def _stem(name: str) -> str:
    return _bare(name).rpartition("/")[2]


def _unique(names: Sequence[str], way: Callable[[str], str]) -> dict[str, str]:
    found: dict[str, str] = {}
    twice = set()
    for name in names:
        key = way(name)
        if key in found:
            twice.add(key)
        found[key] = name
    return {key: name for key, name in found.items() if key not in twice}


def read_tables(tree: Tree, root: str, images: Sequence[str], spec: str) -> Table | None:
    """Return what the tables at the root say, else those in its folders; None without any.

    Raises:
        GanlensError: a table that cannot be used, or that names files that are not there.
    """
    found = [root + name for name in TABLES if root + name in tree.sizes]
    heads = sorted({n[len(root) :].split("/")[0] for n in images if "/" in n[len(root) :]})
    if not found:
        found = [f"{root}{head}/{name}" for head in heads for name in TABLES
                 if f"{root}{head}/{name}" in tree.sizes]  # fmt: skip
    whole, names = Table(), Names(images)
    folders: dict[str, str] = {}
    for name in found:
        folder = name.rpartition("/")[0]
        if folder in folders:
            whole.notes.append(f"{name} is not read: {folders[folder]} stands beside it")
        elif _add(whole, tree, name, names, spec):
            folders[folder] = name
    if not folders:
        whole.rows, whole.columns = {}, {}
    return whole if folders or whole.notes else None


def _add(whole: Table, tree: Tree, name: str, images: Names, spec: str) -> bool:
    """Add a table; return False if it is about something else."""
    where = f"{spec}: {name}"
    text = sidecar_text(tree, name, spec)
    lines = json_lines(text, where) if name.endswith(".jsonl") else csv_lines(text, where)
    header = next(lines, [])
    if header[:1] == [""] and len(header) > 1:
        header[0] = "Unnamed: 0"  # the index that pandas writes
    lower = [column.lower() for column in header]
    files = next((lower.index(column) for column in FILE_COLUMNS if column in lower), None)
    own = name.endswith("attributes.csv")  # whose form is ours; others may mean something else
    if files is None and not own:
        whole.notes.append(f"{name} is not read: it has no column {FILE_COLUMNS[1]!r}")
        return False
    if files is None or len(set(header)) < len(header) or "" in header:
        raise GanlensError(
            f"{where} has the columns {', '.join(header) or 'none'}: it needs 'filename', and each "
            "column needs a name of its own"
        )
    folder = name[: len(name) - len(name.rpartition("/")[2])]
    _add_rows(whole, lines, header, files, (folder, images, where))
    whole.name = whole.name or name
    return True


def _add_rows(
    whole: Table,
    lines: Iterator[list[str]],
    header: list[str],
    files: int,
    place: tuple[str, Names, str],
) -> None:
    folder, images, where = place
    before = len(whole.rows)
    for column in header[:files] + header[files + 1 :]:
        whole.columns.setdefault(column, [""] * before)
    shared: dict[str, str] = {}  # equal values of a million rows are one string
    missing, total, deeper = [], 0, 0
    for number, line in enumerate(lines, 2):
        if not any(line):
            continue
        if len(line) != len(header):
            raise GanlensError(
                f"{where} line {number} has {len(line)} values for {len(header)} columns: mend "
                "that line"
            )
        total += 1
        if total * len(header) > MAX_CELLS:
            raise GanlensError(
                f"{where} has more than the limit of {MAX_CELLS:,} values: leave out columns"
            )
        image = images.find(listed(folder, line[files]))
        if image is None and re.search(r"[/\\]", line[files]) is None:
            image = images.below(folder, line[files])
            deeper += image is not None
        if image is None:
            missing.append(listed(folder, line[files]))
            continue
        if image in whole.rows:
            raise GanlensError(f"{where} lists {line[files]!r} twice: keep one")
        whole.rows[image] = len(whole.rows)
        for index, (column, value) in enumerate(zip(header, line, strict=True)):
            if index != files:
                whole.columns[column].append(shared.setdefault(value, value))
    all_there(missing, total, where)
    if deeper:
        whole.notes.append(f"{deeper} files of a table were found by name alone, in other folders")
    for values in whole.columns.values():
        values += [""] * (len(whole.rows) - len(values))


def listed(folder: str, filename: str) -> str:
    """Return the name in the tree that a sidecar in ``folder`` gives a file."""
    return folder + filename.strip().replace("\\", "/").removeprefix("./")


def all_there(missing: Sequence[str], count: int, where: str) -> None:
    """Raise GanlensError if a sidecar that lists ``count`` files names missing ones."""
    if missing:
        raise GanlensError(
            f"{where} names {len(missing)} of {count} files that are not there: "
            f"{', '.join(missing[:3])}{' ...' if len(missing) > 3 else ''}; paths are relative to "
            "it: add the files or take out their lines"
        )
