"""Weight files that would take much memory or run code are refused before either, at every door."""

import io
import pickle  # noqa: TID251 (to write what must not be read)
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from ganlens.errors import GanlensError
from ganlens.features.inception import InceptionExtractor
from ganlens.features.weights import read_weights
from ganlens.foreign import open_foreign
from ganlens.pickles import LARGEST, read_pickle

DOORS: dict[str, Any] = {
    "weights": lambda file: read_weights(file, "the published file"),
    "inception": InceptionExtractor,
    "import": lambda file: open_foreign([file]),
    "pickle": read_pickle,
}
GIB = 2**30
# bytearray(2 GiB), by its name: a few bytes that torch's own list of harmless names lets through.
BYTES = b"\x80\x02c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R."
LATER = b"\x80\x04\x8c\x08builtins\x94\x8c\tbytearray\x94\x93J\xff\xff\xff\x7f\x85R."
LEGACY = (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", b"\x80\x02M\xe9\x03.", b"\x80\x02}.")


def zipped(content: bytes, packed: int = zipfile.ZIP_STORED, more: int = 0) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packed) as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/version", "3\n")
        if more:
            archive.writestr("archive/data/0", bytes(more))
    return buffer.getvalue()


def storage(elements: int) -> bytes:
    """Return a pickle of one tensor of so many floats, whose storage is record 0."""
    count = b"\x8a\x08" + struct.pack("<q", elements)
    return (
        b"\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storage"
        b"ctorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu" + count + b"tQK\x00"
        + count + b"\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtRs."
    )  # fmt: skip


FILES = {
    "bytearray in a zip": zipped(BYTES),
    "bytearray, legacy": b"".join(LEGACY) + BYTES + b"\x80\x02].",
    "bytearray, protocol 4": zipped(LATER),
    "bytearray, protocol 4, legacy": b"".join(LEGACY) + LATER + b"\x80\x02].",
    "a tensor of 8 GiB": zipped(storage(2 * GIB), more=8),
    "packed zeros": zipped(storage(2**22), zipfile.ZIP_DEFLATED, 2**24),
    "a string of 2 GiB": zipped(b"\x80\x02X\xff\xff\xff\x7f" + b"x" * 64 + b"."),
    "bytes of 2 GiB": zipped(b"\x80\x04\x8e" + struct.pack("<Q", 2 * GIB) + b"x" * 64 + b"."),
    "a number of 2 GiB": zipped(b"\x80\x02\x8b\xff\xff\xff\x7f" + b"x" * 64 + b"."),
    "references": zipped(pickle.dumps(["x" * 2**16] * 2**12, protocol=4)),
    "code": zipped(b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R."),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("name", FILES)
def test_a_small_file_takes_little_memory_and_one_sentence(
    name: str, door: str, tmp_path: Path
) -> None:
    file = tmp_path / "w.pth"
    file.write_bytes(FILES[name])
    tracemalloc.start()
    try:
        with pytest.raises(GanlensError) as caught:
            DOORS[door](file)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert str(file) in str(caught.value)
    assert peak < 4 * LARGEST


def test_a_pickle_beyond_the_budget_is_refused_by_its_size(tmp_path: Path) -> None:
    file = tmp_path / "w.pth"
    text = b"X" + struct.pack("<I", LARGEST) + b"x" * LARGEST
    file.write_bytes(zipped(b"\x80\x02" + text + b"."))
    with pytest.raises(GanlensError, match=f"{LARGEST:,} are read"):
        read_weights(file, "the published file")


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("new", [True, False])
def test_sound_weights_are_read(protocol: int, new: bool, tmp_path: Path) -> None:
    expected = {"conv.weight": torch.randn(4, 3, generator=torch.Generator().manual_seed(0))}
    torch.save(  # noqa: TID251 (the format under test)
        expected, tmp_path / "w.pth", pickle_protocol=protocol, _use_new_zipfile_serialization=new
    )
    found = read_weights(tmp_path / "w.pth", "the published file")
    torch.testing.assert_close(found, expected)
