"""NumPy's files from anybody: sizes are checked before memory is taken; nothing is unpickled."""

import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from ganlens.errors import GanlensError
from ganlens.files import check_regular

# Bytes that the arrays of a file may take unpacked: so many, or so many times what the file has.
MOST_BYTES, MOST_TIMES = 2**28, 4
HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_arrays(path: str | Path, advice: str) -> dict[str, np.ndarray]:
    """Read the arrays of an .npz by name, or the one of an .npy under the name "".

    Args:
        path: the file; its content tells which of the two it is.
        advice: what to give instead, for the errors.

    Raises:
        GanlensError: no such file, a pipe or a device, neither of the two, damaged, encrypted,
            arrays of objects, or more than ``MOST_BYTES`` and ``MOST_TIMES`` times the file.
    """
    check_regular(path)
    try:
        with open(path, "rb") as file:
            size = Path(path).stat().st_size
            if file.read(2) != b"PK":
                file.seek(0)
                return {"": _array(file, size, max(MOST_BYTES, size))}
            with zipfile.ZipFile(file) as archive:
                return _members(archive, max(MOST_BYTES, MOST_TIMES * size))
    except MemoryError as error:
        raise GanlensError(f"{path} needs more memory than there is: {advice}") from error
    except Exception as error:  # NumPy, zipfile and zlib raise nearly anything on a damaged file
        why = str(error).partition("\n")[0] or type(error).__name__
        raise GanlensError(f"{path} cannot be read ({why:.200}): {advice}") from error


def _members(archive: zipfile.ZipFile, budget: int) -> dict[str, np.ndarray]:
    entries = [info for info in archive.infolist() if info.filename.endswith(".npy")]
    total = sum(info.file_size for info in entries)
    if total > budget:
        raise ValueError(f"it unpacks to {total:,} bytes, more than the limit of {budget:,}")
    found = {}
    for info in entries:
        with archive.open(info) as file:
            found[info.filename.removesuffix(".npy")] = _array(file, info.file_size, budget)
    return found


def _array(file: IO[bytes], size: int, budget: int) -> np.ndarray:
    """Read an array whose header and values are ``size`` bytes together."""
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in read:
        raise ValueError(f"version {version} of NumPy's format")
    shape, _, dtype = read[version](file)
    if dtype.hasobject:
        raise ValueError("it holds objects, which are pickled and could run code")
    if any(isinstance(side, bool) or side < 0 for side in shape):
        raise ValueError(f"an array of shape {shape!r:.60}")
    claimed = dtype.itemsize
    for side in shape:
        claimed *= side
    if claimed > min(size, budget):
        raise ValueError(f"it claims {claimed:,} bytes and holds {size:,}")
    file.seek(0)
    return np.lib.format.read_array(file, allow_pickle=False)
