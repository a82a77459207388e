"""Inputs that somebody made up to do harm: code in pickles, bombs, lies about sizes, odd files."""

import bz2
import gzip
import io
import json
import lzma
import pickle  # noqa: TID251 (to write what must not be read)
import struct
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mutations import bomb_stream, bombed, rezipped


@dataclass(frozen=True)
class Odd:
    """Something in place of a regular file.

    Attributes:
        kind: "fifo", "folder", "loop" (a link to itself), "broken" (a link to nothing), "outside"
            (a link to a file outside the folder), "up" (a link to the folder that holds it),
            "closed" (no permission).
    """

    kind: str


ODD = tuple(map(Odd, ("fifo", "folder", "loop", "broken", "up", "closed")))
Content = bytes | Odd


class _Call:
    """Its pickle calls something when it is opened."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def _zip_of(data: bytes, name: str = "archive") -> bytes:
    """Return a pickle as torch.save wraps it."""
    files = {f"{name}/data.pkl": data, f"{name}/byteorder": b"little", f"{name}/version": b"3\n"}
    return rezipped({**files, f"{name}/data/0": bytes(64)})


def _legacy(data: bytes) -> bytes:
    start = [0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True}]
    return b"".join(pickle.dumps(one, 2) for one in start) + data + pickle.dumps([], 2)


def pickles(canary: Path) -> dict[str, bytes]:
    """Return pickles that run something, or exhaust something, when they are opened."""
    import builtins
    import os
    import subprocess

    path = str(canary)
    shell = f"touch {path}"
    source = f"open({path!r}, 'w')"
    text = json.dumps(shell).encode()
    found: dict[str, bytes] = {}
    calls = {
        "system": _Call(os.system, shell),
        "popen": _Call(subprocess.Popen, ["touch", path]),
        "eval": _Call(builtins.eval, source),
        "exec": _Call(builtins.exec, source),
        "open": _Call(builtins.open, path, "w"),
        "mkdir": _Call(os.mkdir, path),
        "attribute": _Call(getattr, _Call(__import__, "os"), "system"),
        "torch load": _Call(torch.load, path),  # noqa: TID251
        "fromfile": _Call(np.fromfile, path),
        "memory": _Call(bytearray, 3 * 2**30),
        "bytes": _Call(bytes, 3 * 2**30),
    }
    for name, call in calls.items():
        for protocol in (0, 2, 4, 5):
            found[f"{name} {protocol}"] = pickle.dumps(call, protocol)
        found[f"{name} inside"] = pickle.dumps({"main.0.weight": call}, 2)
    system = b"cposix\nsystem\n"
    found |= {
        "inst": b"(S" + repr(shell).encode() + b"\niposix\nsystem\n.",
        "obj": b"(" + system + b"S" + repr(shell).encode() + b"\no.",
        "build": b"ccollections\nOrderedDict\n)R}(S'__setstate__'\n" + system + b"ub"
        + text + b"b.",
        "stack global": b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93\x94"
        + b"X" + struct.pack("<I", len(shell)) + shell.encode() + b"\x85R.",
        "newobj": b"\x80\x02cbuiltins\neval\n(X" + struct.pack("<I", len(source))
        + source.encode() + b"t\x81.",
        "dotted": b"\x80\x04\x8c\x05torch\x8c\x0f_utils.os.system\x93X"
        + struct.pack("<I", len(shell)) + shell.encode() + b"\x85R.",
        "extension": b"\x80\x02\x82\x01.",
        "persistent": b"\x80\x02X\x01\x00\x00\x00aQ.",
        "deep tuples": b"\x80\x02" + b")" + b"\x85" * 200_000 + b".",
        "deep lists": b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
        "itself": b"\x80\x02]q\x00h\x00a.",
        "dict of itself": b"\x80\x02}q\x00X\x01\x00\x00\x00ah\x00s.",
        "long": b"\x80\x02\x8b\xff\xff\xff\x7f.",
        "text": b"\x80\x04\x8d" + struct.pack("<Q", 2**40) + b".",
        "binary": b"\x80\x04\x8e" + struct.pack("<Q", 3 * 2**30) + b".",
        "bytearray": b"\x80\x05\x96" + struct.pack("<Q", 3 * 2**30) + b".",
        "frame": b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"N.",
        "memo": b"\x80\x02Nr\xff\xff\xff\x7f.",
        "memo of put": b"\x80\x02Np999999999999999999999\n.",
        "number": b"I" + b"9" * 100_000 + b"\n.",
        "no stop": b"\x80\x02N",
        "empty stack": b"\x80\x020000.",
        "protocol": b"\x80\xff.",
        "not a dict": pickle.dumps([1, 2, {"a": {3}}], 2),
        "keys": pickle.dumps({1: 2, None: 3, (1, 2): 4}, 2),
    }  # fmt: skip
    wrapped = {f"{k} in a zip": _zip_of(v) for k, v in found.items()}
    old = {f"{k} of old": _legacy(v) for k, v in found.items()}
    return {f"pickle {k}": v for k, v in {**found, **wrapped, **old}.items()}


def _tensor_file(shape: str, offsets: tuple[int, int], body: int = 16, kind: str = "F32") -> bytes:
    text = (
        f'{{"main.0.weight":{{"dtype":"{kind}","shape":{shape},"data_offsets":{list(offsets)}}}}}'
    )
    return struct.pack("<Q", len(text)) + text.encode() + bytes(body)


def _npy(shape: str, kind: str = "'<f4'", body: int = 64) -> bytes:
    header = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(body)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(width: int, height: int, *more: bytes, depth: int = 8, colour: int = 6) -> bytes:
    start = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    rows = zlib.compressobj(9)
    body, row = b"", bytes(1 + width * 4)
    for _ in range(min(height, 12_000) if width < 12_000 else 0):
        body += rows.compress(row)
    body += rows.flush()
    return (
        b"\x89PNG\r\n\x1a\n" + start + b"".join(more) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")
    )


def _tar(names: dict[str, bytes], link: str = "") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in names.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        if link:
            info = tarfile.TarInfo("link.png")
            info.type, info.linkname = tarfile.SYMTYPE, link
            archive.addfile(info)
    return buffer.getvalue()


def _tar_header(kind: bytes, size: int) -> bytes:
    info = tarfile.TarInfo("a.png")
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT) + bytes(4096)


def files(canary: Path) -> dict[str, bytes]:
    """Return files that lie about what they hold, hold too much, or are something else."""
    text = b"import os\nos.system('touch " + str(canary).encode() + b"')\n"
    note = zlib.compress(bytes(2**26), 9)
    inner = rezipped({"a.png": b"x"})
    for _ in range(20):
        inner = rezipped({"a.zip": inner})
    return {
        "png of 9,400 px": _png(9400, 9400),
        "png of 2 billion px": _png(2**31 - 1, 2**31 - 1),
        "png of no px": _png(0, 0),
        "png with a bomb in its text": _png(1, 1, _chunk(b"zTXt", b"ganlens\0\0" + note)),
        "png with a bomb in its international text": _png(
            1, 1, _chunk(b"iTXt", b"ganlens\0\1\0\0\0" + note)
        ),
        "png with a bomb in its profile": _png(1, 1, _chunk(b"iCCP", b"p\0\0" + note)),
        "gif of 65,535 px": b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0) + bytes(6)
        + b"," + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0) + b"\x02\x02\x4c\x01\x00;",
        "bmp of 2 billion px": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 100, 0, 0, 54, 40, 2**31 - 1,
        2**31 - 1, 1, 24, 0, 0, 0, 0, 0, 0),
        "ppm of 60,000 px": b"P6 60000 60000 255\n" + bytes(100),
        "ppm of a number": b"P6 " + b"9" * 100_000 + b" 1 255\n",
        "tiff of itself": b"II*\0\x08\0\0\0\0\0\x08\0\0\0",
        "tiff of many tags": b"II*\0\x08\0\0\0\xff\xff" + bytes(5000),
        "safetensors header of 2^40": struct.pack("<Q", 2**40) + b"{}",
        "safetensors header of 2^64": struct.pack("<Q", 2**64 - 1) + b"{}",
        "safetensors beyond the file": _tensor_file("[1000000000]", (0, 4_000_000_000)),
        "safetensors overflow": _tensor_file(f"[{2**40}, {2**40}]", (0, 16)),
        "safetensors negative": _tensor_file("[-4]", (0, 16)),
        "safetensors backwards": _tensor_file("[4]", (16, 0)),
        "safetensors of a kind": _tensor_file("[4]", (0, 16), kind="F4"),
        "safetensors of nothing": struct.pack("<Q", 2) + b"{}",
        "safetensors deep": struct.pack("<Q", 50_000) + b'{"a":' + b"[" * 49_995,
        "safetensors notes": struct.pack("<Q", 24) + b'{"__metadata__":{"a":1}}',
        "npy of 3 GB": _npy("(750000000,)"),
        "npy of 2^80": _npy(f"({2**40}, {2**40})"),
        "npy of objects": _npy("(1,)", "'|O'")
        + pickle.dumps(_Call(exec, f"open({str(canary)!r}, 'w')")),
        "npy of text": _npy("(1000000,)", "'<U1000'"),
        "npy deep": b"\x93NUMPY\x01\x00" + struct.pack("<H", 60000) + b"(" * 60000,
        "npy version 9": b"\x93NUMPY\x09\x00" + bytes(20),
        "npz of 3 GB": rezipped(
            {
                "images.npy": _npy("(1000, 1000, 1000, 3)", "'|u1'"),
                "labels.npy": _npy("(750000000,)"),
            }
        ),
        "npz of bombs": bombed({"labels.npy": b"", "arr_0.npy": _npy("(16, 4)")}, "images.npy"),
        "npz of objects": rezipped({
            k: _npy("(1,)", "'|O'") + pickle.dumps(_Call(exec, f"open({str(canary)!r}, 'w')"))
            for k in ("images.npy", "labels.npy", "mu.npy", "sigma.npy", "seeds.npy", "masks.npy")
        }),
        "zip bomb": bombed({"a.txt": b"x"}, "a.png"),
        "zip bomb of a table": bombed({"a.png": b"x"}, "attributes.csv"),
        "zip bomb of json": bombed({"a.png": b"x"}, "dataset.json"),
        "zip bomb of weights": bombed({"archive/data.pkl": pickle.dumps({}, 2)}, "archive/data/0"),
        "zip bomb of a pickle": bombed({"archive/version": b"3"}, "archive/data.pkl"),
        "zip of zips": inner,
        "zip of many": rezipped({f"{i}.png": b"" for i in range(20_000)}),
        "zip of nothing": rezipped({}),
        "zip end only": b"PK\5\6" + bytes(18),
        "zip of 65,535": b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 65535, 65535, 2**31, 2**31, 0),
        "zip slip": rezipped(
            {"../outside/slip.png": b"x", "/slip.png": b"x", "a\\..\\b.png": b"x"}
        ),
        "zip of script": rezipped({"m/constants.pkl": b"\x80\x02N.", "m/code/a.py": text,
        "m/data.pkl": b"\x80\x02N."}),
        "zip of export": rezipped({"m/archive_format": b"pt2", "m/version": b"1"}),
        "tar": _tar({"a.png": b"x"}),
        "tar slip": _tar({"../outside/slip.png": b"x", "/tmp/slip.png": b"x"}, "/etc/passwd"),
        "tar bomb": gzip.compress(_tar({"a.png": bytes(2**28)}), 9),
        "tar of a negative size": _tar_header(tarfile.REGTYPE, -512),
        "tar of a header of 2^40": _tar_header(tarfile.XHDTYPE, 2**40),
        "tar of a long name of 2^33": _tar_header(tarfile.GNUTYPE_LONGNAME, 2**33),
        "tar of a device": _tar_header(tarfile.CHRTYPE, 0),
        "tar of holes": _tar_header(tarfile.GNUTYPE_SPARSE, 2**30),
        "tar of old torch": _tar({"storages": b"x", "tensors": b"x", "pickle": pickle.dumps(
        _Call(exec, f"open({str(canary)!r}, 'w')"), 2)}),
        "gzip": gzip.compress(bytes(1000)),
        "gzip bomb": b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + bomb_stream(),
        "bzip2": bz2.compress(bytes(1000)),
        "xz": lzma.compress(bytes(1000)),
        "hdf5": b"\x89HDF\r\n\x1a\n" + bytes(100),
        "python": text,
        "web page": b"<!DOCTYPE html><html><body>Not found</body></html>",
        "large file pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64
        + b"\nsize 132\n",
        "json deep": b"[" * 100_000,
        "json deep objects": b'{"a":' * 50_000,
        "json number": b"1" * 5000,
        "json NaN": b"NaN",
        "json objects of Infinity": b'{"a": Infinity}',
        "json surrogate": b'{"version": 1, "checkpoint": "\\ud800"}',
        "text of one line": b"x" * 5_000_000,
        "zeros": bytes(1_000_000),
        "nothing": b"",
        "elf": b"\x7fELF" + bytes(60),
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
    }  # fmt: skip
