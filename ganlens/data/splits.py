"""Splits by the names of folders: ``Training`` and ``Testing``, ``seg_train``, ``val2017``, ...

One name proves nothing (a ``train`` is also a vehicle), so folders are splits only if two kinds of
them stand beside each other and their names are equal but for that word: ``freight train`` beside
``test tube`` are classes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ganlens.errors import GanlensError

SPLITS = ("train", "val", "test")
UNLABELLED = "unlabeled"
WORDS = {
    **dict.fromkeys(("train", "training", "trn", "trainval"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev", "devel", "eval"), "val"),
    **dict.fromkeys(("evaluation", "development"), "val"),
    **dict.fromkeys(("test", "testing", "tst", "heldout", "holdout"), "test"),
    **dict.fromkeys(("unlabeled", "unlabelled", "unsup", "unsupervised"), UNLABELLED),
    **dict.fromkeys(("pred", "predict", "prediction", "predictions"), UNLABELLED),
}
# Words that say nothing of what the pictures are.
_NEUTRAL = (
    "set sets data dataset image images img imgs pic pics picture pictures photo photos file files "
    "folder dir split splits part parts shard shards batch batches chunk chunks fold"
)
NEUTRAL = frozenset(_NEUTRAL.split())
JOINED = re.compile(
    r"(train|training|test|testing|val|valid|validation)(set|data|images|imgs|[ab])"
)
DOMAINS = ("a", "b")


@dataclass(frozen=True)
class SplitName:
    """What a folder's name says: its split, the domain of CycleGAN's layout, and what is left."""

    kind: str
    domain: str = ""
    stem: tuple[str, ...] = ()


@dataclass(frozen=True)
class Splits:
    """Which folders are splits.

    Attributes:
        kinds: folder -> "train", "val" or "test".
        beside: folders that are none, whose images are left out.
        declared: whether there are two kinds or more; else the folders are parts of one set.
    """

    kinds: dict[str, str]
    beside: tuple[str, ...] = ()
    declared: bool = True


@dataclass
class _Group:
    kinds: set[str] = field(default_factory=set)
    images: int = 0


def split_word(word: str) -> str | None:
    """Return the split that a single word says, of SPLITS, or None; digits behind it are nothing.

    ``Training``, ``valid`` and ``val2017`` are splits, ``trainer`` and ``contest`` are not.
    """
    kind = WORDS.get(word.strip().lower().rstrip("0123456789-_ "))
    return kind if kind in SPLITS else None


def split_name(folder: str) -> SplitName | None:
    """Read a folder's name, or return None if it says no split, or more than one."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", folder).lower()  # trainA, TestImages
    words = re.findall(r"[^\W\d_]+", spaced)
    apart = [part for word in words for part in _apart(word)]
    kinds = [WORDS[word] for word in apart if word in WORDS]
    if kinds == ["train", "val"]:
        kinds = ["train"]  # train_val
    if len(kinds) != 1:
        return None
    rest = [word for word in apart if word not in WORDS and word not in NEUTRAL]
    domain = rest.pop() if rest and rest[-1] in DOMAINS else ""
    return SplitName(kinds[0], domain, tuple(rest))


def _apart(word: str) -> tuple[str, ...]:
    match = JOINED.fullmatch(word)
    return (match[1], match[2]) if match else (word,)


def folder_splits(folders: Mapping[str, int], spec: str) -> Splits | None:
    """Tell which of some folders, side by side, are splits.

    Args:
        folders: name -> how many images it holds.
        spec: of the data, for errors.

    Returns:
        None if they are something else.

    Raises:
        GanlensError: a mixture that nobody can mean as one set of images.
    """
    named = {folder: found for folder in folders if (found := split_name(folder))}
    groups: dict[tuple[str, ...], _Group] = {}
    for folder, found in named.items():
        group = groups.setdefault(found.stem, _Group())
        group.kinds.add(found.kind)
        group.images += folders[folder]
    several = [stem for stem, group in groups.items() if len(group.kinds - {UNLABELLED}) > 1]
    if not several:
        if len(named) == len(folders):
            _one_domain(named, spec)
        return _one_split(folders, named)
    if len(several) > 1:
        names = " and ".join(repr("_".join(stem)) for stem in sorted(several))
        raise _mixture(spec, f"has train and test folders of several sets ({names})", folders)
    chosen = {f: found for f, found in named.items() if found.stem == several[0]}
    kinds = {f: found.kind for f, found in chosen.items() if found.kind != UNLABELLED}
    _one_domain({folder: chosen[folder] for folder in kinds}, spec)
    beside = tuple(sorted(set(folders) - set(kinds)))
    unknown = [f for f in beside if f not in named or named[f].kind != UNLABELLED]
    if sum(folders[f] for f in unknown) > sum(folders[f] for f in kinds):
        raise _mixture(spec, f"holds {', '.join(unknown[:5])} beside its splits", folders)
    return Splits(kinds, beside)


def _one_split(folders: Mapping[str, int], named: Mapping[str, SplitName]) -> Splits | None:
    """Return the parts of one split (train-00, train-01), or None."""
    kinds = {f: found.kind for f, found in named.items() if found.kind != UNLABELLED}
    shapes = {(named[f].kind, named[f].domain, named[f].stem) for f in kinds}
    if len(named) == len(folders) > 1 and len(shapes) == 1:
        return Splits(kinds, tuple(sorted(set(folders) - set(kinds))), declared=False)
    return None


def _one_domain(named: Mapping[str, SplitName], spec: str) -> None:
    domains = sorted({found.domain for found in named.values() if found.domain})
    if len(domains) < 2:
        return
    by_kind = {(n.kind, n.domain): folder for folder, n in named.items()}
    train, test = ([by_kind.get((k, d), "") for d in domains[:2]] for k in ("train", "test"))
    ways = [
        f"train={spec}/{a},test={spec}/{b}" if b else f"{spec}/{a}"
        for a, b in zip(train, test, strict=True)
    ]
    raise GanlensError(
        f"{spec!r} holds two domains ({', '.join(sorted(named))}), which are not one set of "
        f"images: give one as {ways[0]} and, where a second is asked for (--others), {ways[1]}"
    )


def _mixture(spec: str, what: str, folders: Mapping[str, int]) -> GanlensError:
    return GanlensError(
        f"{spec!r} {what}: give one set, as the path of its own folder or as "
        f"train=PATH,test=PATH; there are {', '.join(sorted(folders)[:8])}"
    )


def numbered(folders: Mapping[str, int]) -> bool:
    """Whether folders are numbered parts of one set: images_001, images_002; batch1, batch2."""
    forms = {re.sub(r"[\d_\-. ]+", "", folder).lower() for folder in folders}
    return (
        len(folders) > 1
        and len(forms) == 1
        and forms <= NEUTRAL
        and all(re.search(r"\d", folder) for folder in folders)
    )
