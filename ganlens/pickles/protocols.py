"""Pickles of protocol 3 to 5 written again as 2, which torch's restricted reader takes.

Only data moves: names of classes become the same names in the older opcode, and torch still decides
which of them it takes. Bytes, which no weight is made of, become empty strings.
"""

import pickletools
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from struct import pack
from typing import IO

from ganlens.errors import GanlensError

LARGEST = 64 * 2**20  # bytes of one pickle, tensors not counted: state dicts have some kilobytes
_STRINGS = ("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE")
_BYTES = ("SHORT_BINBYTES", "BINBYTES", "BINBYTES8", "BYTEARRAY8")
_SETS = {"EMPTY_SET": b"]", "ADDITEMS": b"e", "FROZENSET": b"t"}  # a list or a tuple does as well
_PUTS = ("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT")
_GETS = ("GET", "BINGET", "LONG_BINGET")


def protocol(opened: IO[bytes]) -> int:
    """Return the protocol that a pickle declares, 0 where it declares none; the place is kept."""
    at = opened.tell()
    start = opened.read(2)
    opened.seek(at)
    return start[1] if start[:1] == b"\x80" and len(start) == 2 else 0


def lowered(opened: IO[bytes]) -> bytes:
    """Read one pickle to its end, and return it as protocol 2.

    Raises:
        GanlensError: it is larger than ``LARGEST``.
        ValueError: it is no pickle, or names a class by something but two strings.
    """
    parts: list[bytes] = []
    memo: dict[int, bytes | None] = {}  # of strings, as written; None for anything else
    size = 0
    for code, argument, raw in _operations(opened):
        if code in _PUTS:
            number = len(memo) if argument is None else int(str(argument))
            memo[number] = parts[-1] if parts and parts[-1][:1] == b"X" else None
            written = b"" if memo[number] else b"r" + pack("<I", number)
        elif code in _GETS:
            # A string is written out again, so that those that name a class can be taken away.
            written = memo.get(int(str(argument))) or b"j" + pack("<I", int(str(argument)))
        elif code == "STACK_GLOBAL":
            written = _named(parts)
        else:
            written = _plain(code, argument, raw)
        if written:
            parts.append(written)
        size += len(written)
        if size > LARGEST:
            raise _too_large()
    return b"".join(parts)


def _plain(code: str, argument: object, raw: bytes) -> bytes:
    if code == "PROTO":
        return b"\x80\x02"
    if code == "FRAME":
        return b""
    if code in _STRINGS or code in _BYTES:
        text = str(argument).encode("utf-8", "surrogatepass") if code in _STRINGS else b""
        return b"X" + pack("<I", len(text)) + text
    return _SETS.get(code, raw)


def _named(parts: list[bytes]) -> bytes:
    """Take the last two strings off, and return them as the opcode that has them inside."""
    name, module = (parts.pop() if parts else b"" for _ in range(2))
    if not (name[:1] == module[:1] == b"X") or b"\n" in name[5:] + module[5:]:
        raise ValueError("a class is named by something but two strings")
    return b"c" + module[5:] + b"\n" + name[5:] + b"\n"


def _operations(opened: IO[bytes]) -> Iterator[tuple[str, object, bytes]]:
    """Yield (opcode, argument, bytes) up to the end of one pickle."""
    begin = opened.tell()
    last: tuple[str, object, int] | None = None
    for code, argument, position in pickletools.genops(opened):
        assert position is not None
        if last is not None:
            yield last[0], last[1], _between(opened, last[2], position)
        last = (code.name, argument, position)
    if last is None:
        raise ValueError(f"no pickle at {begin}")
    yield last[0], last[1], _between(opened, last[2], opened.tell())


def _between(opened: IO[bytes], start: int, end: int) -> bytes:
    if end - start > LARGEST:
        raise _too_large()
    at = opened.tell()
    opened.seek(start)
    raw = opened.read(end - start)
    opened.seek(at)
    return raw


def _lowered_of(file: Path, opened: IO[bytes]) -> bytes:
    try:
        return lowered(opened)
    except GanlensError as error:
        raise GanlensError(f"{file} was not opened: {error}") from error


def _too_large() -> GanlensError:
    return GanlensError(
        f"a pickle has more than {LARGEST:,} bytes without its tensors: save the state_dict() alone"
    )


@contextmanager
def as_protocol_2(file: Path, pickles: int) -> Iterator[Path | IO[bytes]]:
    """Give a file of ``torch.save`` in protocol 2: itself, or a temporary copy on disk.

    Args:
        file: a zip with one ``data.pkl``, or pickles one after another.
        pickles: how many follow each other where it is no zip.
    """
    if not zipfile.is_zipfile(file):
        with open(file, "rb") as old, tempfile.TemporaryFile() as new:
            if protocol(old) <= 2:
                yield file
                return
            for _ in range(pickles):
                new.write(_lowered_of(file, old))
            shutil.copyfileobj(old, new)
            new.seek(0)
            yield new
        return
    with zipfile.ZipFile(file) as archive:
        name = next(n for n in archive.namelist() if n.endswith("/data.pkl"))
        with archive.open(name) as opened:
            if protocol(opened) <= 2:
                yield file
                return
            changed = _lowered_of(file, opened)
        with tempfile.TemporaryFile() as new:
            with zipfile.ZipFile(new, "w") as copy:
                for record in archive.infolist():
                    with archive.open(record) as source, copy.open(record.filename, "w") as target:
                        if record.filename == name:
                            target.write(changed)
                        else:
                            shutil.copyfileobj(source, target)
            new.seek(0)
            yield new
