"""Changes to the bytes of a valid file: blind ones, and ones that know the format."""

import csv
import gzip
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any

Change = Callable[[random.Random, bytes], bytes]

MOST_UNZIPPED = 50 * 2**20  # bytes: what an earlier change made larger is not unpacked here
SAFETENSORS_MOST = 100_000_000  # bytes of a header that safetensors itself reads
NUMBERS: tuple[Any, ...] = (
    *(float("nan"), float("inf"), -float("inf"), 1e308, -1e-320, 0.5, -0.0),
    *(0, -1, 1, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63), 10**30, 10**400),
)
TEXTS = (
    "",
    "x" * 100_000,
    "\0",
    "a\nb",
    "\ud800",
    "../../outside/secret.png",
    "~",
    "%n",
    "é" * 300,
)


def _nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


# --- blind


def flipped(rng: random.Random, content: bytes) -> bytes:
    """Change some bits; half of the time near the start, where headers are."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8, 64)) if content else 0):
        end = len(changed) if rng.random() < 0.5 else min(len(changed), 300)
        changed[rng.randrange(end)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut(rng: random.Random, content: bytes) -> bytes:
    """Leave out the end."""
    return content[: rng.randrange(len(content) + 1)]


def spliced(rng: random.Random, content: bytes) -> bytes:
    """Copy a part of the file over, or into, another place of it."""
    if len(content) < 4:
        return content * 2
    start = rng.randrange(len(content))
    part = content[start : start + rng.randrange(1, 400)]
    at = rng.randrange(len(content))
    return content[:at] + part + content[at + (len(part) if rng.random() < 0.5 else 0) :]


def removed(rng: random.Random, content: bytes) -> bytes:
    """Leave out a part in the middle."""
    at = rng.randrange(len(content) + 1)
    return content[:at] + content[at + rng.randrange(1, 64) :]


def lengths(rng: random.Random, content: bytes) -> bytes:
    """Write a number where a length may be: 2, 4 or 8 bytes of either order."""
    size = rng.choice((2, 4, 8))
    if len(content) < size:
        return content
    value = rng.choice((0, 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1))
    at = rng.randrange(min(len(content) - size + 1, rng.choice((64, 400, len(content)))))
    number = (value % 2 ** (8 * size)).to_bytes(size, rng.choice(("little", "big")))
    return content[:at] + number + content[at + size :]


def longer(rng: random.Random, content: bytes) -> bytes:
    """Add bytes behind the end."""
    return content + rng.randbytes(rng.choice((1, 100, 10_000)))


def noise(rng: random.Random, content: bytes) -> bytes:
    """Put random bytes in place of everything."""
    return rng.randbytes(rng.choice((1, 8, 9, 100, 5000)))


def nothing(rng: random.Random, content: bytes) -> bytes:
    """Leave nothing."""
    return b""


BLIND: tuple[Change, ...] = (flipped, cut, spliced, removed, lengths, longer, noise, nothing)


# --- JSON


def _places(value: Any, into: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """List (container, key) of every value inside a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in inner:
        into.append((value, key))
        if isinstance(one, dict | list):
            _places(one, into)
    return into


def changed_value(rng: random.Random, value: Any) -> Any:
    """Change one value somewhere inside plain JSON values; they are changed in place."""
    if not isinstance(value, dict | list) or not value or rng.random() < 0.03:
        return _other(rng, value)
    box, key = rng.choice(_places(value, []))
    how = rng.random()
    if how < 0.7:
        box[key] = _other(rng, box[key])
    elif how < 0.8:
        del box[key]
    elif isinstance(box, dict):
        name = rng.choice(("x", "", "kind", "__class__", str(key) + "s", "\ud800"))
        box[name] = box.pop(key) if how < 0.9 else box[key]
    else:
        box.extend([box[key]] * rng.choice((1, 10, 3000)))
    return value


def _other(rng: random.Random, value: Any) -> Any:
    how = rng.random()
    if how < 0.4:
        return rng.choice(NUMBERS)
    if how < 0.55:
        return rng.choice(TEXTS)
    if how < 0.75:
        return rng.choice((None, True, False, [], {}, [None], {"a": 1}, [[1]], [1, "a"]))
    if how < 0.85:
        return _nested(rng.choice((3, 200, 900)))
    if how < 0.95:
        return [value] if rng.random() < 0.5 else {"value": value}
    return str(value)


def json_value(rng: random.Random, content: bytes) -> bytes:
    """Change a value of a JSON file, or of a line of a JSON-lines file."""
    lines = content.split(b"\n") if content.count(b"\n{") else [content]
    at = rng.randrange(len(lines))
    try:
        value = changed_value(rng, json.loads(lines[at]))
    except ValueError:
        return flipped(rng, content)
    lines[at] = json.dumps(value).encode()
    return b"\n".join(lines)


def json_text(rng: random.Random, content: bytes) -> bytes:
    """Put something in place of the text that a parser may stumble over."""
    return rng.choice(
        (
            b"[" * 100_000,
            b'{"a":' * 50_000,
            b"1" * 5000,
            b"\xff\xfe" + content.decode("utf-8", "replace").encode("utf-16-le"),
            b"\xef\xbb\xbf" + content,
            b"NaN",
            b"null",
            b'"text"',
            b"[]",
            b"{}",
            content.replace(b":", b": Infinity, 'x':", 1),
            content * 2,
        )
    )


# --- tables


def table(rng: random.Random, content: bytes) -> bytes:
    """Change a cell, a row or the encoding of a CSV."""
    try:
        rows = list(csv.reader(io.StringIO(content.decode("utf-8", "replace"), newline="")))
    except csv.Error:  # already damaged by an earlier change
        return flipped(rng, content)
    if not rows or rng.random() < 0.25:
        return rng.choice(
            (
                content.decode("utf-8", "replace").encode("utf-16"),
                b"\xef\xbb\xbf" + content,
                content.replace(b",", b";"),
                content.replace(b"\n", b"\r"),
                content.replace(b"\n", b'\n"', 1),
                content + b'\n"never closed',
                content.replace(b"a", b"\0"),
                content.replace(b"a", b"\xff"),
                b'"' + b"x" * 300_000 + b'"\n',
                b"," * 100_000 + b"\n",
            )
        )
    row = rng.choice(rows)
    if row and rng.random() < 0.8:
        row[rng.randrange(len(row))] = str(rng.choice((*NUMBERS[:15], *TEXTS[:1], *TEXTS[2:])))
    elif row and rng.random() < 0.5:
        row.append("more")
    else:
        row.clear()
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "surrogatepass")


# --- containers


# fmt: off
SHAPES = (
    "(2000000000,)", "(-1, 4)", "(0,)", "()", "(1, 1, 1, 1, 1, 1)", "(2**40,)", "(3, 3)",
    "(9" + "9" * 30 + ",)", "(True, 2)", "'x'", "(100000, 100000)", "(4,) * 40",
)
KINDS = (
    "'|O'", "'<f8'", "'|u1'", "'<U1000000'", "'|V8'", "[('a', '<f8')]", "'>c16'", "'<M8[s]'",
    "'|S0'", "'nonsense'", "None", "'|b1'", "'<f2'",
)
# fmt: on


def npy(rng: random.Random, content: bytes) -> bytes:
    """Write another header before the values of an .npy file."""
    if content[:6] != b"\x93NUMPY":
        return flipped(rng, content)
    shape, kind = rng.choice(SHAPES), rng.choice(KINDS)
    order = rng.choice(("False", "True", "3"))
    text = f"{{'descr': {kind}, 'fortran_order': {order}, 'shape': {shape}, }}"
    if rng.random() < 0.15:
        text = rng.choice(("__import__('os').system('x')", "[" * 5000, "{", "{}", "{'descr': 1}"))
    size = 10 + int.from_bytes(content[8:10], "little")
    header = text.encode() + b" " * rng.randrange(3) + b"\n"
    length = rng.choice((len(header), len(header), len(header), 65535, 0))
    return content[:8] + struct.pack("<H", length) + header + content[size:]


def safetensors(rng: random.Random, content: bytes) -> bytes:
    """Change the header of a safetensors file: a value, text inside a value, or its length."""
    try:
        size = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + size])
    except ValueError:
        return flipped(rng, content)
    if rng.random() < 0.15:
        length = rng.choice(
            (0, 1, size - 1, size + 1, SAFETENSORS_MOST + 1, 2**40, 2**63, 2**64 - 1)
        )
        return struct.pack("<Q", length) + content[8:]
    notes = header.get("__metadata__") or {}
    key = next(iter(notes), None)
    if key is not None and rng.random() < 0.7:
        inner = (
            json_value(rng, notes[key].encode()) if rng.random() < 0.85 else json_text(rng, b"{}")
        )
        notes[key] = inner.decode("utf-8", "replace")
    else:
        header = changed_value(rng, header)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content[8 + size :]


def png_chunk(rng: random.Random, content: bytes) -> bytes:
    """Change the inside of a chunk of a PNG, and mend its checksum."""
    if content[:4] != b"\x89PNG":
        return flipped(rng, content)
    chunks, at = [], 8
    while at + 8 <= len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + size]))
        at += 12 + size
    index = rng.randrange(len(chunks))
    kind, body = chunks[index]
    how = rng.random()
    if how < 0.3 and kind == b"IHDR":
        body = (
            struct.pack(">II", *rng.choices((0, 1, 20_000, 2**31 - 1, 2**32 - 1), k=2)) + body[8:]
        )
    elif how < 0.8:
        body = rng.choice((flipped, cut, spliced, lengths))(rng, body)
    elif how < 0.9:
        chunks.insert(index, chunks[index])
    else:
        kind = rng.choice((b"iTXt", b"tEXt", b"zTXt", b"iCCP", b"eXIf", b"acTL", b"fcTL", b"PLTE"))
    chunks[index] = (kind, body)
    found = [
        struct.pack(">I", len(b)) + k + b + struct.pack(">I", zlib.crc32(k + b)) for k, b in chunks
    ]
    return content[:8] + b"".join(found)


BOMB_SIZE = 3 * 2**30
_BOMB_CONTENT: list[bytes] = []


def bomb_stream() -> bytes:
    """Return 3 GiB of zeros, deflated: made once, in pieces."""
    if not _BOMB_CONTENT:
        packed = zlib.compressobj(9, zlib.DEFLATED, -15)
        start = packed.compress(bytes(2**24)) + packed.flush(zlib.Z_FULL_FLUSH)
        packed = zlib.compressobj(9, zlib.DEFLATED, -15)
        piece = packed.compress(bytes(2**24)) + packed.flush(zlib.Z_FULL_FLUSH)
        end = zlib.compressobj(9, zlib.DEFLATED, -15).flush()
        _BOMB_CONTENT.append(start + piece * (BOMB_SIZE // 2**24 - 1) + end)
    return _BOMB_CONTENT[0]


# fmt: off
NAMES = (
    "../outside/slip.png", "/tmp/slip.png", "..\\slip.png", "C:\\slip.png", "a\nb.png", "x\0y.png",
    "n" * 3000 + ".png", "\udc80\udcff.png", "a//b.png", "./a.png", "CON.png", "a/../b.png",
)
# fmt: on


def zipped(rng: random.Random, content: bytes) -> bytes:
    """Change a zip: what an entry says of itself, its name, its content, or its method."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as old:
            if sum(info.file_size for info in old.infolist()) > MOST_UNZIPPED:
                return flipped(rng, content)
            files = {info.filename: old.read(info) for info in old.infolist()}
    except Exception:  # already damaged by an earlier change
        return flipped(rng, content)
    if not files:
        return spliced(rng, content)
    name = rng.choice(list(files))
    how = rng.random()
    if how < 0.45:
        files[name] = rng.choice(by_content(files[name]))(rng, files[name])
        return rezipped(files, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
    if how < 0.6:
        new = rng.choice(NAMES)
        files = {new if k == name else k: v for k, v in files.items()}
        return rezipped(files)
    if how < 0.65:
        return rezipped({**files, name: files[name], "extra/" * 60 + name: files[name]})
    if how < 0.7:
        del files[name]
        return rezipped(files)
    if how < 0.75:
        return bombed(files, name)
    return _entry_field(rng, content)


def rezipped(files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """Return files as a zip; names are written as they are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as new:
        for name, inner in files.items():
            info = zipfile.ZipInfo("x")
            info.filename, info.compress_type = name.encode("utf-8", "replace").decode(), method
            new.writestr(info, inner)
    return buffer.getvalue()


def bombed(files: dict[str, bytes], name: str) -> bytes:
    """Return files as a zip in which one of them unpacks to 3 GiB of zeros."""
    content = rezipped({k: v for k, v in files.items() if k != name})
    end = content.rindex(b"PK\5\6")
    start = int.from_bytes(content[end + 16 : end + 20], "little")
    stream, raw = bomb_stream(), name.encode("utf-8", "replace")
    fields = (20, 0, 8, 0, 33, 0, len(stream), BOMB_SIZE, len(raw), 0)
    local = b"PK\3\4" + struct.pack("<HHHHHIIIHH", *fields) + raw + stream
    central = b"PK\1\2" + struct.pack("<HHHHHHIIIHHHHHII", 20, *fields, 0, 0, 0, 0, start) + raw
    listed = content[start:end] + central
    count = int.from_bytes(content[end + 10 : end + 12], "little") + 1
    tail = struct.pack("<HHHHIIH", 0, 0, count, count, len(listed), start + len(local), 0)
    return content[:start] + local + listed + b"PK\5\6" + tail


def _entry_field(rng: random.Random, content: bytes) -> bytes:
    """Write encryption flags, another method, sizes or offsets into entries, in both places."""
    changed = bytearray(content)
    field, values, width = rng.choice(
        (
            (6, (1, 0x41, 0x20, 8, 0xFFFF), 2),  # flags: encrypted, strongly, patched, streamed
            (8, (9, 14, 12, 93, 97, 98, 99, 8, 0), 2),  # methods: Deflate64, LZMA, ...
            (14, (0, 1), 4),  # checksum
            (18, (0, 1, 2**31, 2**32 - 1), 4),  # compressed size
            (22, (0, 1, 2**31, 2**32 - 2, 2**32 - 1), 4),  # size
            (26, (0, 1, 65535), 2),  # length of the name
            (28, (1, 65535), 2),  # length of what is extra
        )
    )
    value = rng.choice(values)
    both = rng.random() < 0.7
    for mark, shift in ((b"PK\3\4", 0), (b"PK\1\2", 2)):
        if not both and rng.random() < 0.5:
            continue
        at = changed.find(mark)
        while at >= 0 and at + shift + field + width <= len(changed):
            if rng.random() < 0.6:
                changed[at + shift + field : at + shift + field + width] = value.to_bytes(
                    width, "little"
                )
            at = changed.find(mark, at + 4)
    return bytes(changed)


TAR_FIELDS = {"name": (0, 100), "size": (124, 12), "kind": (156, 1), "link": (157, 100)}


def tar_header(rng: random.Random, content: bytes) -> bytes:
    """Change a field of a member's header, and mend its checksum; a packed tar is packed again."""
    if content[:2] == b"\x1f\x8b":
        return gzip.compress(tar_header(rng, gzip.decompress(content)), mtime=0)
    changed = bytearray(content)
    heads = [at for at in range(0, len(changed) - 511, 512) if changed[at + 257 :][:5] == b"ustar"]
    at = rng.choice(heads)
    start, width = TAR_FIELDS[rng.choice(list(TAR_FIELDS))]
    known = (b"../../outside/secret.png", b"/etc/passwd", b"\x80" + b"\xff" * 11, b"77777777777",
             b"\xff" * 12, b"-1", *(bytes([kind]) for kind in b"\x00123456xgLKSVM"))  # fmt: skip
    changed[at + start : at + start + width] = rng.choice(known)[:width].ljust(width, b"\0")
    changed[at + 148 : at + 156] = b" " * 8
    changed[at + 148 : at + 156] = b"%06o\0 " % sum(changed[at : at + 512])
    return bytes(changed)


def by_content(content: bytes) -> Sequence[Change]:
    """Return the changes that a file's content calls for; those that know it come several times."""
    if content[:4] == b"PK\3\4":
        return (*BLIND, *(zipped,) * 14)
    if content[257:262] == b"ustar" or content[:2] == b"\x1f\x8b":
        return (*BLIND, *(tar_header,) * 14)
    if content[:6] == b"\x93NUMPY":
        return (*BLIND, *(npy,) * 10)
    if content[:4] == b"\x89PNG":
        return (*BLIND, *(png_chunk,) * 10)
    if content[8:9] == b"{":
        return (*BLIND, *(safetensors,) * 14)
    if content[:1] in (b"{", b"["):
        return (*BLIND, *(json_value,) * 16, json_text, json_text)
    if content[:9].isascii() and b"," in content[:200]:
        return (*BLIND, *(table,) * 10)
    return BLIND
