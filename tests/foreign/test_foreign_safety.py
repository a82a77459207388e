"""Files that somebody changed: a line that says so, or a correct load; nothing is run."""

import contextlib
import ctypes
import io
import os
import pickle  # noqa: TID251 (to write what must not be read)
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import other_projects as op
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from safetensors.torch import save as safetensors_bytes

from ganlens.errors import GanlensError
from ganlens.foreign import open_foreign
from ganlens.foreign.reading import read

STATE = op.examples_generator(16, 16, 3, 64)
Z = torch.randn(2, 16, generator=torch.Generator().manual_seed(0))
DRAWN = op.examples_draw(STATE, Z)
SLACK = 2**20  # what the allocator rounds to, and messages
MEASURING = 2**26  # what running a sound generator takes, to see what its statistics tell
PAYLOAD = Path(os.environ.get("TMPDIR", "/tmp")) / f"ganlens-payload-{os.getpid()}"


class Payload:
    """Its pickle would create a file when opened."""

    def __reduce__(self) -> Any:
        return (open, (str(PAYLOAD), "w"))


def saved(content: Any, kind: str) -> bytes:
    if kind == "safetensors":
        return safetensors_bytes({k: v.contiguous() for k, v in content.items()})
    buffer = io.BytesIO()
    zipped = kind == "zip"
    torch.save(content, buffer, _use_new_zipfile_serialization=zipped)  # noqa: TID251
    return buffer.getvalue()


KINDS = ("zip", "legacy", "safetensors")
WHOLE = {kind: saved(STATE, kind) for kind in KINDS}
FLOATS = [key for key, value in STATE.items() if value.is_floating_point()]


def changed(key: str, value: Any, kind: str) -> bytes:
    return saved({k: value if k == key else v for k, v in STATE.items()}, kind)


def cut(kind: str, key: str, place: int, byte: int) -> bytes:
    return WHOLE[kind][:place]


def flipped(kind: str, key: str, place: int, byte: int) -> bytes:
    place = place if byte % 2 else place % 2000  # headers are where it hurts
    content = bytearray(WHOLE[kind])
    content[place] ^= byte
    return bytes(content)


def renamed(kind: str, key: str, place: int, byte: int) -> bytes:
    return saved({f"{k}{byte}" if k == key else k: v for k, v in STATE.items()}, kind)


def reshaped(kind: str, key: str, place: int, byte: int) -> bytes:
    value = STATE[key]
    longer = byte % 2 and key != "main.0.weight"  # which would be one more latent coordinate
    value = torch.cat([value, value[:1]]) if longer else value.flatten()[:-1]
    return changed(key, value[None] if byte % 3 == 0 else value, kind)


def missing(kind: str, key: str, place: int, byte: int) -> bytes:
    return saved({k: v for k, v in STATE.items() if k != key}, kind)


def not_a_number(kind: str, key: str, place: int, byte: int) -> bytes:
    value = STATE[key].clone()
    value.view(-1)[place % value.numel()] = float("nan") if byte % 2 else float("inf")
    return changed(key, value, kind)


def payload(kind: str, key: str, place: int, byte: int) -> bytes:
    if byte % 3 == 0:
        return pickle.dumps(Payload(), protocol=byte % 5)
    return saved({**STATE, "extra": Payload()}, "zip" if byte % 3 == 1 else "legacy")


def huge_header(kind: str, key: str, place: int, byte: int) -> bytes:
    if kind == "safetensors":
        return struct.pack("<Q", 2 ** (byte % 63)) + WHOLE[kind][8:]
    return saved({"main.0.weight": bytearray(0)}, kind).replace(b"K\x00", b"J\x00\x00\x00\x7f")


def expanded(kind: str, key: str, place: int, byte: int) -> bytes:
    if kind == "safetensors":
        return cut(kind, key, place, byte)
    return changed(key, torch.zeros(1).expand(2**20, byte, 2**10), kind)


def bomb(kind: str, key: str, place: int, byte: int) -> bytes:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(WHOLE["zip"])) as old,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for record in old.infolist():
            new.writestr(record.filename, old.read(record))
        new.writestr("archive/data/999", bytes(byte << 14))
    return buffer.getvalue()


HOW = {
    f.__name__: f
    for f in (cut, flipped, renamed, reshaped, missing, not_a_number, payload, huge_header,
              expanded, bomb)
}  # fmt: skip


def memory(name: str) -> int:
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith(name))
    return int(line.split()[1]) * 1024


def opened(path: Path, content: bytes) -> Any:
    """Open a file with this content, in at most twice its size; return the result or the error.

    What the rest of the process takes meanwhile counts as well, so the lowest of three peaks is
    the file's own.
    """
    path.write_bytes(content)
    peaks: list[int] = []
    try:
        while len(peaks) < 3:
            result, peak = peak_of(lambda: open_foreign([path]))
            peaks.append(peak)
            measuring = 0 if isinstance(result, GanlensError) else MEASURING
            if peak <= 2 * len(content) + SLACK + measuring:
                return result
    finally:
        path.unlink()
    raise AssertionError(f"{min(peaks):,} bytes for a file of {len(content):,}")


def peak_of(action: Callable[[], Any]) -> tuple[Any, int]:
    """Return (result or error, bytes of memory above those before)."""
    ctypes.CDLL(None).malloc_trim(0)  # what earlier loads left in the heap would hide this one's
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to what there is now
    try:
        result = action()
    except GanlensError as error:
        result = error
    return result, memory("VmHWM") - before


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    """Load a file of every kind once: what torch imports on first use is not the file's."""
    for kind, content in WHOLE.items():
        path = PAYLOAD.with_suffix(f".{kind}")
        for size in (len(content), len(content) // 2):
            path.write_bytes(content[:size])
            with contextlib.suppress(GanlensError):
                open_foreign([path])
        path.unlink()


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(
    how=st.sampled_from(sorted(HOW)),
    kind=st.sampled_from(KINDS),
    key=st.sampled_from(FLOATS),
    part=st.floats(0, 1, exclude_max=True),
    byte=st.integers(1, 255),
)
def test_a_changed_file_is_refused_in_a_line_or_loads_correctly(
    how: str, kind: str, key: str, part: float, byte: int
) -> None:
    check(how, HOW[how](kind, key, int(part * len(WHOLE[kind])), byte))


def check(how: str, content: bytes) -> None:
    result = opened(PAYLOAD.with_suffix(".pt"), content)
    assert not PAYLOAD.exists(), "a payload ran"
    if isinstance(result, GanlensError):
        assert "\n" not in str(result)
        assert len(str(result)) < 600
        return
    generator: Any = result.checkpoint.networks["generator"]
    assert how == "flipped", f"{how} was loaded"
    if not any(torch.equal(v, STATE[k]) for k, v in generator.state_dict().items()):
        pytest.fail("nothing of the file was loaded")


@pytest.mark.parametrize("how", HOW)
def test_every_change_is_tried_on_every_kind(how: str) -> None:
    for kind in KINDS:
        check(how, HOW[how](kind, "main.3.weight", len(WHOLE[kind]) // 3, 6))


def test_whole_files_load() -> None:
    for kind, content in WHOLE.items():
        result = opened(PAYLOAD.with_suffix(f".{kind}"), content)
        assert (result.checkpoint.networks["generator"](Z) - DRAWN).abs().max() <= 1e-5


def test_what_a_pickle_refers_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.pt").write_bytes(saved({**STATE, "more": Payload()}, "zip"))
    with pytest.raises(GanlensError, match=r"refers to (io|_io|builtins)\.open, which could run"):
        open_foreign([tmp_path / "x.pt"])
    (tmp_path / "y.pt").write_bytes(saved({"weights": bytearray(10)}, "zip"))
    with pytest.raises(GanlensError, match="bytearray"):
        open_foreign([tmp_path / "y.pt"])


def test_a_claim_beyond_the_file_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    legacy = saved({"main.0.weight": torch.zeros(300)}, "legacy")
    assert legacy.count(b"M\x2c\x01") >= 1  # 300, as the pickle has it
    (tmp_path / "x.pt").write_bytes(legacy.replace(b"M\x2c\x01", b"J\xff\xff\xff\x7f", 1))
    result, more = peak_of(lambda: open_foreign([tmp_path / "x.pt"]))
    assert "claims a tensor of 2,147,483,647 values" in str(result)
    assert more < SLACK


@pytest.mark.parametrize("shape", [(2**40, 2**40), (10, 10), (-1, 16)])
def test_an_array_s_header_is_compared_with_its_file(tmp_path: Path, shape: Any) -> None:
    path = tmp_path / "g_params.jl_01.npy"
    np.save(path, np.zeros((4, 4), np.float32))
    content = path.read_bytes().replace(b"(4, 4), }", f"{shape}, }}".encode())
    path.write_bytes(content)
    with pytest.raises(GanlensError, match="damaged, or no array of floats"):
        read([path])


def test_an_array_of_objects_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "g_params.jl_01.npy"
    np.save(path, np.array([Payload()], dtype=object), allow_pickle=True)
    with pytest.raises(GanlensError, match="no array of floats"):
        read([path])
    assert not PAYLOAD.exists()
