"""Files of ``torch.save``: looked through as data first, then read with ``weights_only=True``.

Four things are settled before torch sees the file, because ``weights_only`` alone does not: every
name that the pickle refers to is on the short list of what a state dict needs (torch's own list has
``bytearray``, of any size, on it); no storage claims more than the file holds; no record of the
zip is compressed, so that a small file cannot become a large one; and the pickle without its
tensors has at most ``LARGEST`` bytes.
"""

import pickletools
import re
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import torch

from ganlens.errors import GanlensError
from ganlens.pickles.protocols import LARGEST, as_protocol_2

# What projects put beside their weights: settings, losses, numpy's scalars. A stand-in that keeps
# nothing takes their place.
_INERT = re.compile(
    r"models\.utils\.config\.BaseConfig|argparse\.Namespace|torchgan\.(losses|metrics)\.[\w.]+"
    r"|numpy\.(_?core\.multiarray\.scalar|dtype)|_codecs\.encode"
)
_NEEDED = re.compile(
    r"collections\.OrderedDict|(__builtin__|builtins)\.set|torch\.(\w+Storage|Size|device|(b?float|int|uint)\d+|bool)"
    r"|torch\.storage\.(Untyped|Typed)Storage|torch\.nn\.parameter\.Parameter"
    r"|torch\._utils\._rebuild_(tensor|tensor_v2|parameter)|torch\.serialization\._get_layout"
)
_PICKLES = 5  # in a file of torch before 1.6: magic, protocol, system, the object, storage keys
ADVICE = "save its state_dict() alone, from where it was made"


class Inert:
    """Stands for a class of somebody else's, which is not imported; it forgets what it is given."""

    def __init__(self, *_: Any, **__: Any) -> None:
        """Take anything."""

    def __setstate__(self, _: Any) -> None:
        """Keep nothing."""


def read_pickle(file: Path) -> Any:
    """Return what a file of ``torch.save`` holds, on the CPU. Nothing from it is run.

    Raises:
        GanlensError: it refers to code, claims more than it holds, or is damaged.
    """
    try:
        _check_zip(file)
        with as_protocol_2(file, _PICKLES) as readable:
            trusted: list[Any] = [(Inert, name) for name in sorted(_looked_through(file, readable))]
            if not isinstance(readable, Path):
                readable.seek(0)
            with warnings.catch_warnings(), torch.serialization.safe_globals(trusted):
                warnings.simplefilter("ignore")  # about storages: nothing to be done here
                return torch.load(readable, map_location="cpu", weights_only=True)  # noqa: TID251
    except GanlensError:
        raise
    except Exception as error:  # a damaged file can raise anything
        raise _damaged(file, error) from error


def _check_zip(file: Path) -> None:
    if not zipfile.is_zipfile(file):
        return
    with zipfile.ZipFile(file) as archive:
        check_sizes(file, archive)
        inside = [one for one in archive.infolist() if one.filename.endswith("/data.pkl")]
        if len(inside) != 1:
            raise GanlensError(
                f"{file} is a zip without one data.pkl, as a file of torch.save has: no checkpoint"
            )
        _check_budget(file, inside[0].file_size)


def _check_budget(file: Path, size: int) -> None:
    if size > LARGEST:
        raise GanlensError(
            f"{file} has a pickle of {size:,} bytes without its tensors, {LARGEST:,} are read:"
            f" {ADVICE}"
        )


def _looked_through(file: Path, readable: Path | IO[bytes]) -> set[str]:
    """Return the names for which a stand-in is needed; refuse what no state dict needs."""
    if zipfile.is_zipfile(readable):
        with zipfile.ZipFile(readable) as archive:
            name = next(n for n in archive.namelist() if n.endswith("/data.pkl"))
            with archive.open(name) as opened:
                return _names(file, opened, 1)
    if isinstance(readable, Path):
        with open(readable, "rb") as opened:
            return _names(file, opened, _PICKLES)
    readable.seek(0)
    return _names(file, readable, _PICKLES)


def check_sizes(file: Path, archive: zipfile.ZipFile) -> None:
    """Refuse a zip whose records are compressed or claim more bytes than the file has.

    Raises:
        GanlensError: it does.
    """
    records = archive.infolist()
    packed = [record.filename for record in records if record.compress_type]
    if packed:
        raise GanlensError(f"{file} holds {packed[0]} compressed, as torch never writes: {ADVICE}")
    claimed, held = sum(record.file_size for record in records), file.stat().st_size
    if claimed > held:
        raise GanlensError(f"{file} claims {claimed:,} bytes and has {held:,}: copy it again")


def _names(file: Path, opened: IO[bytes], pickles: int) -> set[str]:
    held, found = file.stat().st_size, set()
    for _ in range(pickles):
        begin = opened.tell()
        for name, elements in _references(opened):
            if elements is not None and not 0 <= elements <= held:
                raise GanlensError(
                    f"{file} claims a tensor of {elements:,} values and has {held:,} bytes:"
                    " copy it again"
                )
            if _INERT.fullmatch(name):
                found.add(name)
            elif name and not _NEEDED.fullmatch(name):
                raise GanlensError(
                    f"{file} is a pickle that refers to {name}, which could run code, and was not"
                    f" opened: {ADVICE}"
                )
        _check_budget(file, opened.tell() - begin)
    return found


def _references(opened: IO[bytes]) -> Iterator[tuple[str, int | None]]:
    """Yield (name, None) of everything imported and ("", elements) of every storage."""
    last = 0
    for code, argument, _ in pickletools.genops(opened):
        if code.name in ("GLOBAL", "INST"):
            yield str(argument).replace(" ", "."), None
        elif code.name in ("STACK_GLOBAL", "EXT1", "EXT2", "EXT4"):
            yield f"names by {code.name}", None
        elif isinstance(argument, int) and not isinstance(argument, bool):
            if code.name in ("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "INT", "LONG"):
                last = argument
        elif code.name in ("BINPERSID", "PERSID"):
            yield "", last  # of ("storage", type, key, place, elements)


def _damaged(file: Path, error: Exception) -> GanlensError:
    why = str(error).strip().splitlines()[:1] or [type(error).__name__]
    return GanlensError(
        f"{file} is damaged, or no file of torch.save ({why[0]:.200}): copy it again, or take"
        " another checkpoint"
    )
