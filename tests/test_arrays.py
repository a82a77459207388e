"""NumPy's files from anybody are read, or refused in a line before they take memory."""

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ganlens.arrays import MOST_BYTES, read_arrays
from ganlens.errors import GanlensError


def npy(shape: str, kind: str = "'<f4'", body: int = 64, version: bytes = b"\1\0") -> bytes:
    header = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY" + version + struct.pack("<H", len(header)) + header + bytes(body)


def zipped(content: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr("a.npy", content)
    return buffer.getvalue()


@pytest.mark.parametrize("order", "CF")
def test_what_numpy_writes_is_read(tmp_path: Path, order: str) -> None:
    array = np.asarray(np.arange(12.0).reshape(3, 4), order=order)
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "b.npz", x=array, n=np.int64(3), name="é", empty=np.zeros((0, 2)))
    np.savez_compressed(tmp_path / "c", x=array)
    assert np.array_equal(read_arrays(tmp_path / "a.npy", "")[""], array)
    found = read_arrays(tmp_path / "b.npz", "")
    assert np.array_equal(found["x"], array)
    assert (int(found["n"]), str(found["name"]), found["empty"].shape) == (3, "é", (0, 2))
    assert np.array_equal(read_arrays(tmp_path / "c.npz", "")["x"], array)


def test_an_honest_file_of_any_size_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganlens.arrays.MOST_BYTES", 1000)
    noise = np.random.default_rng(0).normal(size=500)
    np.savez_compressed(tmp_path / "a.npz", x=noise)
    assert np.array_equal(read_arrays(tmp_path / "a.npz", "")["x"], noise)
    np.savez_compressed(tmp_path / "b.npz", x=np.zeros(500))
    with pytest.raises(GanlensError, match="unpacks to 4,128 bytes, more than the limit of 1,000"):
        read_arrays(tmp_path / "b.npz", "")


def damaged(content: bytes, *places: int) -> bytes:
    changed = bytearray(content)
    for place in places:
        changed[place] ^= 0xFF
    return bytes(changed)


def encrypted(content: bytes) -> bytes:
    changed = bytearray(content)
    changed[6] |= 1
    changed[content.index(b"PK\1\2") + 8] |= 1
    return bytes(changed)


def method(content: bytes, number: int) -> bytes:
    changed = bytearray(content)
    changed[8] = changed[content.index(b"PK\1\2") + 10] = number
    return bytes(changed)


GOOD = zipped(npy("(16,)"))
BAD = {
    "claims too much": (npy("(750000000,)"), "claims 3,000,000,000 bytes and holds"),
    "overflows": (npy(f"({2**40}, {2**40})"), "claims"),
    "in a zip": (zipped(npy("(750000000,)")), "claims 3,000,000,000 bytes and holds"),
    "text without an end": (npy("(750000000,)", "'<U1000000'"), "claims"),
    "below zero": (npy("(-1,)"), "shape"),
    "no shape": (npy("'x'"), "shape"),
    "objects": (npy("(1,)", "'|O'"), "objects"),
    "cut off in its header": (npy("(4,)")[:40], "cannot be read"),
    "a header that never ends": (
        b"\x93NUMPY\1\0" + struct.pack("<H", 60000) + b"(" * 60000,
        "cannot be read",
    ),
    "code in its header": (npy("__import__('os').getcwd()"), "cannot be read"),
    "another version": (npy("(4,)", version=b"\x09\0"), "version"),
    "encrypted": (encrypted(GOOD), "encrypted|password"),
    "Deflate64": (method(GOOD, 9), "compression"),
    "a damaged stream": (damaged(GOOD, 40, 41, 42, 43), "cannot be read"),
    "half a zip": (GOOD[: len(GOOD) // 2], "not a zip file"),
    "text": (b"hello", "cannot be read"),
    "nothing": (b"", "cannot be read"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_such_file_is_refused_in_a_line(tmp_path: Path, what: str) -> None:
    content, says = BAD[what]
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(GanlensError, match=says) as caught:
        read_arrays(tmp_path / "a.npz", "give another")
    assert "give another" in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(zipped(npy("(1,)", body=MOST_BYTES)))
    assert (tmp_path / "a.npz").stat().st_size < 2**20
    with pytest.raises(GanlensError, match="more than the limit of"):
        read_arrays(tmp_path / "a.npz", "")


def test_a_folder_and_nothing(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(GanlensError, match="cannot be read"):
            read_arrays(path, "")
