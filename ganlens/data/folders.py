"""What the folders of images say: their splits, their classes, and what lies beside them.

Everything that is concluded or left out is said, but for class folders and for folders ``train``,
``val`` and ``test`` with nothing beside them: nothing is dropped or mixed without a word.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ganlens.data.imageset import Skipped
from ganlens.data.kinds import composed
from ganlens.data.splits import Splits, folder_splits, numbered, split_name

FEW = 0.1  # share of images that may lie outside of all folders and be left out
ENOUGH = 5  # images of which one may
_PICTURES = "image images img imgs jpegimages photo photos picture pictures rgb"
PICTURES = frozenset(_PICTURES.split())
_MASKS = (
    "mask masks label labels annotation annotations gt groundtruth ground_truth segmentation "
    "segmentations segmentationclass segmentationobject depth trimap trimaps"
)
MASKS = frozenset(_MASKS.split())
SHOWN = 8  # names listed in a note


@dataclass
class Arranged:
    """What folders say of images, row by row.

    Attributes:
        splits: "train", "val" or "test" of each, or None.
        classes: the class of each ("" where not given), or None.
        left_out: row -> why it is left out.
        notes: what was concluded.
    """

    splits: list[str] | None = None
    classes: list[str] | None = None
    left_out: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def skipped(self, names: Sequence[str]) -> list[Skipped]:
        """Return what is left out, by name."""
        return [Skipped(names[row], reason) for row, reason in self.left_out.items()]


def arrange(names: Sequence[str], spec: str) -> Arranged:
    """Read the folders of images.

    Args:
        names: relative, with ``/``.
        spec: of the data, for errors.

    Raises:
        GanlensError: a mixture of sets; see ``folder_splits``.
    """
    found = Arranged()
    folders = [tuple(composed(name).split("/")[:-1]) for name in names]
    _leave_masks(folders, found)
    folders = _without_common(folders, found)
    for level in (0, 1):
        if level and any(len(folders[row]) < 2 for row in _rows(folders, found)):
            break
        splits = folder_splits(_counts(folders, level, found), spec)
        if splits is not None and (splits.declared or level == 0):
            folders = _apply(splits, folders, level, found)
            break
    _classes(folders, found)
    return found


def _rows(folders: Sequence[tuple[str, ...]], found: Arranged) -> list[int]:
    return [row for row in range(len(folders)) if row not in found.left_out]


def _counts(folders: Sequence[tuple[str, ...]], level: int, found: Arranged) -> Counter[str]:
    rows = _rows(folders, found)
    return Counter(folders[row][level] for row in rows if len(folders[row]) > level)


def _without_common(folders: list[tuple[str, ...]], found: Arranged) -> list[tuple[str, ...]]:
    """Return the folders without those at the top that hold everything."""
    rows = _rows(folders, found)
    while rows and all(folders[r] and folders[r][0] == folders[rows[0]][0] for r in rows):
        folders = [folder[1:] for folder in folders]
    return folders


def _leave_masks(folders: Sequence[tuple[str, ...]], found: Arranged) -> None:
    """Leave out folders of masks beside one of images."""
    heads = _counts(folders, 0, found)
    masks = {head for head in heads if head.lower() in MASKS}
    if masks and {head.lower() for head in heads} - MASKS <= PICTURES and len(heads) > len(masks):
        for row, folder in enumerate(folders):
            if folder and folder[0] in masks:
                found.left_out[row] = f"lies in {folder[0]!r}, beside the images"
        found.notes.append(f"left out the folders {_some(sorted(masks))}: masks or labels")


def _apply(
    splits: Splits, folders: list[tuple[str, ...]], level: int, found: Arranged
) -> list[tuple[str, ...]]:
    """Take the split of each image from its folder; return the folders without that level."""
    kinds: list[str] = []
    rest = list(folders)
    for row, folder in enumerate(folders):
        head = folder[level] if len(folder) > level else ""
        kinds.append(splits.kinds.get(head, ""))
        if not kinds[-1]:
            where = f"in {head!r}, " if head else ""
            found.left_out.setdefault(row, f"lies {where}beside the folders of its splits")
        inner = folder[level + 1 :]
        while inner and splits.kinds.get(inner[0]) == kinds[-1]:  # training_set/training_set
            inner = inner[1:]
        rest[row] = (*folder[:level], *inner)
    groups = [f"{_some([f for f, k in splits.kinds.items() if k == kind])} as {kind}"
              for kind in ("train", "val", "test") if kind in splits.kinds.values()]  # fmt: skip
    if splits.declared:
        found.splits = kinds
        if any(folder != kind for folder, kind in splits.kinds.items()):  # else as documented
            found.notes.append(f"splits from folders: {', '.join(groups)}")
    else:
        found.notes.append(f"the folders {_some(list(splits.kinds))} are parts of one set")
    if splits.beside:
        found.notes.append(f"left out the folders {_some(splits.beside)}: they are no splits")
    return rest


def _classes(folders: Sequence[tuple[str, ...]], found: Arranged) -> None:
    """Take the first folder that is left as the class, where images have one."""
    rows = _rows(folders, found)
    classes = [folder[0] if folder else "" for folder in folders]
    _unlabelled(classes, rows, found)
    names = Counter(classes[row] for row in rows if classes[row])
    if len(names) < 2:
        return
    if numbered(names):
        found.notes.append(f"the folders {_some(sorted(names))} are numbered parts, no classes")
        return
    if not _strays(folders, rows, found):
        return
    found.classes = classes
    numeric = all(name.isdecimal() for name in names)  # classes, or a folder for each thousand
    alike = [name for name in sorted(names) if split_name(name)]
    if found.notes or found.left_out or numeric or alike:
        found.notes.append(f"{len(names)} classes from folders: {_some(sorted(names))}")
    if alike:
        found.notes.append(
            f"{_some(alike)}: named like splits, but taken as classes, because no other split of "
            "that name stands beside; give train=PATH,test=PATH if they are splits"
        )


def _unlabelled(classes: list[str], rows: Sequence[int], found: Arranged) -> None:
    """Empty the classes of a split whose one folder is none of the training classes."""
    if found.splits is None:
        return
    by_split = {s: {classes[r] for r in rows if found.splits[r] == s} for s in set(found.splits)}
    trained = by_split.get("train", set()) - {""}
    for split, held in sorted(by_split.items()):
        if split and split != "train" and len(trained) > 1 and len(held) == 1:
            name = next(iter(held))
            if name not in trained:
                where = f"{name!r}, which is no class of train" if name else "no class folder"
                found.notes.append(f"the {split} images lie in {where}: they have no class")
                for row in rows:
                    if found.splits[row] == split:
                        classes[row] = ""


def _strays(folders: Sequence[tuple[str, ...]], rows: Sequence[int], found: Arranged) -> bool:
    """Leave out a few images that lie in no class folder; return whether classes stand."""
    unlabelled = _unlabelled_splits(folders, rows, found)
    strays = [r for r in rows if not folders[r]
              and not (found.splits and found.splits[r] in unlabelled)]  # fmt: skip
    if len(strays) > max(FEW * len(rows), len(rows) >= ENOUGH):
        found.notes.append(
            f"{len(strays)} of {len(rows)} images lie outside of the folders, so folders are not "
            "taken as classes"
        )
        return False
    for row in strays:
        found.left_out[row] = "lies beside the class folders"
    return True


def _unlabelled_splits(
    folders: Sequence[tuple[str, ...]], rows: Sequence[int], found: Arranged
) -> set[str]:
    """Return the splits, train not among them, none of whose images lies in a folder."""
    splits = found.splits or []
    labelled = {splits[row] for row in rows if splits and folders[row]}
    return set(splits) - labelled - {"train"}


def _some(names: Sequence[str]) -> str:
    more = f" ... ({len(names)} in all)" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
