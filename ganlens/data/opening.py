"""From a data SPEC to an ImageSet."""

import difflib
import re
from contextlib import closing
from numbers import Integral
from pathlib import Path

from ganlens.data.archives import ZipTree
from ganlens.data.arrays import NpzSource
from ganlens.data.boundary import readable
from ganlens.data.build import build
from ganlens.data.cache import Asked, Settings, Store
from ganlens.data.embedded import EMBEDDED, embedded_source
from ganlens.data.imageset import ImageSet
from ganlens.data.preparation import Fit, misplaced, split_options, with_fit
from ganlens.data.sizes import Facts
from ganlens.data.sources import FileSource, JoinedSource, Source
from ganlens.data.tars import ENDINGS, TarTree
from ganlens.data.trees import FolderTree
from ganlens.data.vision import PREFIX, TorchvisionSource
from ganlens.errors import GanlensError, one_of
from ganlens.files import check_regular
from ganlens.places import cache_folder, expanded
from ganlens.progress import Steps, finish

JOINED = re.compile(r"train=(?P<train>.+?),\s*test=(?P<test>.+)")
SPLIT_NAMES = ("all", "train", "test", "val")
MAX_SIZE = 4096  # px
FILES = (".zip", ".npz", *ENDINGS)  # that hold many images
PLACES = "a folder, .zip, .tar or .npz"
_PACKED = ".gz .bz2 .xz .zst .tzst .lz4 .lzma .z .7z .rar .iso .cab"
PACKED = frozenset(_PACKED.split())


def open_data(
    spec: str,
    split: str = "all",
    *,
    size: int | None = None,
    channels: int | None = None,
    strict: bool = False,
    upscale: bool = False,
    fit: Fit | None = None,
    cache: Path | None = None,
) -> ImageSet:
    """Open images by a SPEC; decoded on the first opening, memory-mapped from the cache after.

    ``open_steps`` does the same in pieces, for a progress bar.

    Args:
        spec: a name in ``EMBEDDED``, such as ``pixelfaces``; ``torchvision:NAME``; the path of a
            folder, a ``.zip``, a ``.tar`` (also ``.tar.gz``, ``.tar.bz2``, ``.tar.xz``) or an
            ``.npz``; or ``train=SPEC,test=SPEC``. A folder that is named like an embedded one is
            reached as ``./digits``. It may end in ``,fit=FIT`` and in
            ``,upscale=yes``. What is concluded about splits, classes, columns and ranges of values
            stands in ``notes`` of the result.
        split: "all", "train", "test", or "val" where the data declares one.
        size: height and width in pixels. None: the native size, see ``sizes.native_size``; 16 for
            ``digits``. Images that are smaller are skipped.
        channels: 1 or 3. None: 3, unless every image is grey.
        strict: raise if anything is skipped.
        upscale: enlarge smaller images instead of skipping them.
        fit: how images that are not square become so: "crop" (the centre square is kept), "pad"
            (black bars), or "squash". None: as the SPEC says, which may end in ``,fit=FIT``; else
            "crop". What was done, and what it cost, is the set's ``preparation``.
        cache: folder to keep decoded images in. None: ``$GANLENS_CACHE``, else ``ganlens`` in
            ``$XDG_CACHE_HOME`` or ``~/.cache``.

    Raises:
        GanlensError: the SPEC, a setting or the data cannot be used; the message says what can.
    """
    return finish(
        open_steps(
            spec,
            split,
            size=size,
            channels=channels,
            strict=strict,
            upscale=upscale,
            fit=fit,
            cache=cache,
        )
    )


def open_steps(
    spec: str,
    split: str = "all",
    *,
    size: int | None = None,
    channels: int | None = None,
    strict: bool = False,
    upscale: bool = False,
    fit: Fit | None = None,
    cache: Path | None = None,
) -> Steps[ImageSet]:
    """Do the same as ``open_data``: yield Progress in images while they are decoded.

    What is in the cache already yields nothing.
    """
    spec = with_fit(str(spec), fit)
    if split not in SPLIT_NAMES:
        raise one_of("split", split, SPLIT_NAMES)
    if size is not None and not (isinstance(size, Integral) and 1 <= size <= MAX_SIZE):
        raise GanlensError(f"size {size!r} is not valid: give 1 to {MAX_SIZE} pixels")
    if channels not in (None, 1, 3):
        raise one_of("channels", channels, (1, 3))
    store = Store(cache_folder() if cache is None else Path(cache))
    bare, options = split_options(spec)
    with closing(resolve(bare, store, spec)) as source:
        source.spec = spec
        upscale = upscale or options.upscale or source.enlarges
        asked = Asked(size or source.default_size, channels, upscale, options.fit)
        data = yield from _open(source, store, asked)
    if strict and data.skipped:
        shown = "; ".join(f"{skip.name}: {skip.reason}" for skip in data.skipped[:3])
        raise GanlensError(
            f"{spec!r}: {len(data.skipped)} images cannot be used ({shown}): mend or remove them, "
            "or open it without strict"
        )
    return data.part(split)


def _open(source: Source, store: Store, asked: Asked) -> Steps[ImageSet]:
    with readable(f"{source.spec} cannot be read", "check the file and its permissions"):
        content = source.content(store.remember)

    def stored() -> ImageSet | None:
        now = source.content(store.remember)  # torchvision has its files only after a build
        settings = _known_settings(store, now, asked)
        return store.load(now, settings, source.spec) if settings else None

    data = stored()
    if data is not None:
        return data
    with store.building(content):
        for _ in range(3):  # once, but for a file system without locks
            data = stored()  # built while this process waited?
            if data is not None:
                return data
            yield from build(source, store, asked)
        data = stored()
    if data is None:
        raise GanlensError(
            f"the data cache {store.root} loses what is written: check the disk, or set "
            "GANLENS_CACHE to another folder"
        )
    return data


def _known_settings(store: Store, content: str, asked: Asked) -> Settings | None:
    """Resolve the settings of an earlier opening's entry, or None if the content is new."""
    known = store.facts(content)
    if known is None or "depths" not in known:  # not there, or of an earlier version
        return None
    return Facts.from_json(known).settings(asked)


def resolve(spec: str, store: Store, given: str = "") -> Source:
    """Return the source that a SPEC stands for.

    Args:
        spec: without the options at its end.
        store: where torchvision keeps its files.
        given: the same with its options, as the user wrote it.

    Raises:
        GanlensError: it stands for nothing.
    """
    if spec.startswith(("train=", "test=")):
        return _joined(spec, store)
    if spec in EMBEDDED:
        return embedded_source(spec)
    if spec.startswith(PREFIX):
        return TorchvisionSource(spec, store.root / "torchvision")
    path = expanded(spec)
    with readable(f"data {spec!r} is no path", f"give the path of {PLACES}"):
        there = bool(spec.strip()) and path.exists()
    if not there:
        own = misplaced(given) if given != spec and expanded(given).exists() else ""
        hint = own or misplaced(spec) or _suggestion(spec, path)
        raise GanlensError(
            f"data {spec!r} is not there{hint}: give {', '.join(EMBEDDED)}, {PREFIX}NAME, or "
            f"the path of {PLACES}"
        )
    check_regular(path)
    if path.is_dir():
        return FileSource(spec, FolderTree(path))
    if path.suffix.lower() == ".npz":
        return NpzSource(spec, path, store.data)
    if path.suffix.lower() == ".zip":
        return FileSource(spec, ZipTree(path))
    if path.name.lower().endswith(ENDINGS):
        return FileSource(spec, TarTree(path, store.root))
    if path.suffix.lower() in PACKED:
        raise GanlensError(
            f"data {spec!r} is a {path.suffix} archive, which is not read here: unpack it, and "
            "give the folder"
        )
    raise GanlensError(
        f"data {spec!r} is a {path.suffix or 'nameless'} file: give {PLACES} of images"
    )


def _joined(spec: str, store: Store) -> Source:
    match = JOINED.fullmatch(spec)
    if match is None or any(
        match[part].startswith(("train=", "test=")) for part in ("train", "test")
    ):
        raise GanlensError(f"data {spec!r} cannot be joined: write train=SPEC,test=SPEC")
    train = resolve(match["train"], store)
    try:
        return JoinedSource(spec, train, resolve(match["test"], store))
    except GanlensError:
        train.close()
        raise


def _suggestion(spec: str, path: Path) -> str:
    """Return ", did you mean ...?" for a misspelt embedded name, prefix or file name."""
    head, colon, tail = spec.partition(":")
    if colon and difflib.get_close_matches(head.lower(), ["torchvision"], 1, 0.7):
        return f", did you mean {PREFIX + tail!r}?"
    near = difflib.get_close_matches(spec.lower(), EMBEDDED, 1)
    if not near and path.parent.is_dir():
        beside = [entry.name for entry in path.parent.iterdir() if not entry.name.startswith(".")]
        near = [str(path.parent / name) for name in difflib.get_close_matches(path.name, beside, 1)]
    return f", did you mean {near[0]!r}?" if near else ""
