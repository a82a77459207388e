"""Weight files of published networks: what would take any memory is refused before torch reads."""

import io
import pickle  # noqa: TID251 (to write what must not be read)
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from ganlens.errors import GanlensError
from ganlens.features.weights import read_weights

STATE = {"fc.bias": torch.arange(3.0), "count": torch.tensor(2)}


class Bytes:
    def __reduce__(self) -> Any:
        return bytearray, (3 * 2**30,)


def saved(content: Any, protocol: int = 2, zipped: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)  # noqa: TID251
    return buffer.getvalue()


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_what_takes_any_memory_is_refused(tmp_path: Path, zipped: bool, protocol: int) -> None:
    (tmp_path / "a.pth").write_bytes(saved({**STATE, "x": Bytes()}, protocol, zipped))
    with pytest.raises(GanlensError, match="not a readable weight file"):
        read_weights(tmp_path / "a.pth", "another")
    (tmp_path / "a.pth").write_bytes(saved(STATE, 2, zipped))
    found = read_weights(tmp_path / "a.pth", "another")
    assert all(torch.equal(found[key], value) for key, value in STATE.items())


def test_compressed_records_are_refused(tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(io.BytesIO(saved(STATE))) as old,
        zipfile.ZipFile(tmp_path / "a.pth", "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for record in old.infolist():
            new.writestr(record.filename, old.read(record))
        new.writestr("archive/data/99", bytes(2**24))
    with pytest.raises(GanlensError, match="not a readable weight file"):
        read_weights(tmp_path / "a.pth", "another")


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"\x80\x02", pickle.dumps([1], 2), b"hello\n"])
def test_what_is_no_weight_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.pth").write_bytes(content)
    with pytest.raises(GanlensError, match="weight"):
        read_weights(tmp_path / "a.pth", "another")
