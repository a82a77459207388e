"""Damaged, locked, crafted and oversized files: one line, or left out and listed; never more."""

import io
import os
import struct
import threading
import time
import zipfile
import zlib
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from ganlens.data import build, open_data, remarks
from ganlens.data.boundary import readable
from ganlens.data.budget import Budget
from ganlens.data.decode import Target, content_digest, decode
from ganlens.data.encoded import open_bytes
from ganlens.errors import GanlensError

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "zip-sidecars"
PIXELS = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)


def encoded(pixels: np.ndarray = PIXELS[0], form: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form, **options)
    return buffer.getvalue()


def zipped(path: Path, method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for index, pixels in enumerate(PIXELS):
            archive.writestr(f"{index}.png", encoded(pixels))
        lines = "".join(f"{index}.png,{'ab'[index % 2]}\n" for index in range(6))
        archive.writestr("attributes.csv", f"filename,class\n{lines}")
        archive.writestr("dataset.json", '{"labels": [["0.png", 0]]}')
    return path


def outcome(path: Path, tmp_path: Path) -> str:
    """Open; return "" or the refusal; any other exception fails the test."""
    try:
        open_data(str(path), cache=tmp_path / "cache")
    except GanlensError as error:
        said = str(error)
    else:
        said = ""
    assert "\n" not in said
    assert "object at 0x" not in said
    return said


def patched(path: Path, name: str, offset: int, value: bytes) -> Path:
    """Overwrite bytes of an entry's local and central headers: at ``offset`` of the local one."""
    content = bytearray(path.read_bytes())
    for mark, start, shift in ((b"PK\x03\x04", 30, 0), (b"PK\x01\x02", 46, 2)):
        place = content.find(mark)
        while place >= 0:
            if content[place + start : place + start + len(name)] == name.encode():
                at = place + offset + shift
                content[at : at + len(value)] = value
            place = content.find(mark, place + 4)
    path.write_bytes(bytes(content))
    return path


@pytest.mark.parametrize("name", ["attributes.csv", "dataset.json"])
@pytest.mark.parametrize(
    ("offset", "value", "said"),
    [
        (6, b"\x01\x00", "encrypted: unpack the zip with its password"),
        (8, b"\x09\x00", "Deflate64"),
        (8, b"\x63\x00", "packed by method 99"),
        (14, b"\xde\xad\xbe\xef", "CRC"),
    ],
)
def test_a_sidecar_that_cannot_be_unpacked_is_one_line(tmp_path, name, offset, value, said):
    path = patched(zipped(tmp_path / "d.zip"), name, offset, value)
    found = outcome(path, tmp_path)
    assert name in found
    assert said in found


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_stream_of_a_sidecar_is_one_line(tmp_path, method):
    path = zipped(tmp_path / "d.zip", method)
    content = bytearray(path.read_bytes())
    place = content.find(b"attributes.csv") + len("attributes.csv") + 12
    content[place : place + 8] = b"\xff" * 8
    path.write_bytes(bytes(content))
    assert "attributes.csv cannot be read" in outcome(path, tmp_path)


def test_an_image_that_cannot_be_unpacked_is_listed(tmp_path):
    path = tmp_path / "d.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for index, pixels in enumerate(PIXELS):
            archive.writestr(f"{index}.png", encoded(pixels))
    patched(path, "2.png", 6, b"\x01\x00")
    patched(path, "4.png", 8, b"\x09\x00")
    data = open_data(str(path), cache=tmp_path / "cache")
    assert [skip.name for skip in data.skipped] == ["2.png", "4.png"]
    assert "password" in data.skipped[0].reason
    assert "Deflate64" in data.skipped[1].reason


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_no_damage_of_a_zip_is_a_traceback(tmp_path, method):
    good = zipped(tmp_path / "good.zip", method).read_bytes()
    rng = np.random.default_rng(5)
    for _ in range(60):
        content = bytearray(good)
        for place in rng.integers(0, len(good), 1 + rng.integers(12)):
            content[place] = rng.integers(256)
        (tmp_path / "d.zip").write_bytes(bytes(content[: rng.integers(1, len(good) + 1)])
                                         if rng.random() < 0.2 else bytes(content))  # fmt: skip
        outcome(tmp_path / "d.zip", tmp_path)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_no_damage_of_an_npz_is_a_traceback(tmp_path, save):
    save(tmp_path / "good.npz", images=PIXELS, labels=np.arange(6))
    good = (tmp_path / "good.npz").read_bytes()
    rng = np.random.default_rng(6)
    for _ in range(80):
        content = bytearray(good)
        heads = rng.random() < 0.5  # the headers of zip and arrays lie in the first bytes
        for place in rng.integers(0, 200 if heads else len(good), 1 + rng.integers(8)):
            content[place] = rng.integers(256)
        (tmp_path / "d.npz").write_bytes(bytes(content))
        outcome(tmp_path / "d.npz", tmp_path)


def array(header: bytes, body: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    size = "<H" if version == b"\x01\x00" else "<I"
    return b"\x93NUMPY" + version + struct.pack(size, len(header)) + header + body


@pytest.mark.parametrize(
    "member",
    [
        array(b"{'descr': '|u1', 'fortran_order': False, 'shape': (6, 16, 16, 3)"),
        array(b"{'descr': '|u1', 'fortran_order': False, 'shape': (-6, 16, 16, 3), }\n", b"x" * 99),
        array(b"{'descr': '|u1', 'fortran_order': False, 'shape': (10**9,), }\n"),
        array(b"{'descr': '|u1', 'fortran_order': False, 'shape': (999999999, 99, 99), }\n"),
        array(b"{'descr': '|O', 'fortran_order': False, 'shape': (6,), }\n", b"x"),
        array(b"{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (6, 16, 16, 3), }\n"),
        array(b"{'descr': 'zzz', 'fortran_order': False, 'shape': (6,), }\n"),
        array(b"[" * 5000),
        array(b"\xff\xfe\x00", version=b"\x03\x00"),
        array(b"x", version=b"\x09\x09"),
        b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31) + bytes(10**5),
        b"",
        b"no array at all",
    ],
)
def test_headers_that_lie_are_one_line(tmp_path, member):
    with zipfile.ZipFile(tmp_path / "d.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", member)
    assert "not a usable .npz file" in outcome(tmp_path / "d.npz", tmp_path)


def test_labels_of_gigabytes_are_not_read(tmp_path):
    header = b"{'descr': '<U125000000', 'fortran_order': False, 'shape': (6, ), }\n"
    images = io.BytesIO()
    np.save(images, PIXELS)
    with zipfile.ZipFile(tmp_path / "d.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", images.getvalue())
        archive.writestr("labels.npy", array(header, bytes(10**6)))
    said = outcome(tmp_path / "d.npz", tmp_path)
    assert "'labels' takes 3,000,000,000 bytes, more than the limit of 268,435,456" in said


def chunk(kind: bytes, body: bytes) -> bytes:
    crc = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + crc


def png_with(*chunks: bytes) -> bytes:
    good = encoded()
    return good[:33] + b"".join(chunks) + good[33:]


@pytest.mark.parametrize(
    "content",
    [
        png_with(chunk(b"zTXt", b"key\0\0" + b"\xff" * 9)),
        png_with(chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(2**23)))),
        png_with(chunk(b"iTXt", b"key\0\1\0\0\0" + b"\xff" * 9)),
        png_with(chunk(b"iCCP", b"p\0\0" + b"\xff" * 9)),
        png_with(chunk(b"eXIf", b"II*\0" + b"\xff" * 20)),
        png_with(chunk(b"acTL", b"\0")),
        png_with(chunk(b"tRNS", b"")),
        encoded(form="GIF")[:20] + b"\xff" * 40,
        b"GIF89a" + b"\0" * 20,
        b"P6 99999999 99999999 255\n",
        b"P6 1 1 99999999999999999999\n",
        b"RIFF\xff\xff\xff\xffWEBPVP8 " + b"\0" * 30,
        b"\0\0\0\x20ftypavif" + b"\0" * 40,
        b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0" * 40,
        b"qoif\xff\xff\xff\xff\xff\xff\xff\xff\x03\0" + b"\0" * 40,
        b"II*\0\xff\xff\xff\xff",
    ],
)
def test_a_damaged_picture_is_listed_beside_good_ones(tmp_path, content):
    (tmp_path / "d").mkdir()
    (tmp_path / "d/bad.png").write_bytes(content)
    (tmp_path / "d/good.png").write_bytes(encoded())
    data = open_data(str(tmp_path / "d"), cache=tmp_path / "cache", size=16)
    assert "good.png" in data.names
    assert len(data) + len(data.skipped) == 2
    assert all(skip.reason and "0x" not in skip.reason for skip in data.skipped)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("NOEXT", "PNG"), ("x.jpe", "JPEG"), ("x.jfif", "JPEG"), ("x.JPG", "JPEG"),
        ("x.jpg_large", "JPEG"), ("x.png!d", "PNG"), ("x.image", "WEBP"), ("x.tga", "TGA"),
        ("x.avif", "AVIF"), ("x.jp2", "JPEG2000"), ("x.qoi", "QOI"), ("x.pcx", "PCX"),
        ("x.png", "JPEG"), ("photo.1", "BMP"), ("x.dib", "DIB"), ("x.bin", "TIFF"),
        ("x.ppm.bak", "PPM"),
    ],
)  # fmt: skip
def test_pictures_of_any_name_are_read_by_content(tmp_path, name, form):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / name).write_bytes(encoded(form=form))
    data = open_data(str(tmp_path / "d"), cache=tmp_path / "cache")
    assert data.names.tolist() == [name]
    exact = form in ("PNG", "TGA", "QOI", "PCX", "BMP", "DIB", "TIFF", "PPM")
    assert not exact or np.array_equal(data.images[0], PIXELS[0])


def test_what_is_no_picture_is_said_or_listed(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d/a.png").write_bytes(encoded())
    for name in ("notes.txt", "labels.npy", "README", "more.zip", "odd.xyz", "noext", "b.heic"):
        (tmp_path / "d" / name).write_bytes(b"not a picture")
    data = open_data(str(tmp_path / "d"), cache=tmp_path / "cache")
    assert sorted(skip.name for skip in data.skipped) == ["b.heic", "noext", "odd.xyz"]
    (note,) = data.notes
    assert note.startswith("4 files are no pictures and not read")
    assert all(kind in note for kind in (".txt", ".npy", ".zip", "without extension"))


@pytest.mark.parametrize("table", ["labels.csv", "list_attr.csv", "train.tsv"])
def test_a_table_of_another_name_is_said_to_be_unread(tmp_path, table):
    (tmp_path / "d").mkdir()
    (tmp_path / "d/a.png").write_bytes(encoded())
    (tmp_path / "d" / table).write_text("image_id,smiling\na.png,1\n")
    said = remarks(open_data(str(tmp_path / "d"), cache=tmp_path / "cache"))
    assert said[0].startswith("1 file is no picture and not read")
    assert f"rename {table}" in said[1]
    (tmp_path / "d/metadata.csv").write_text("image_id,smiling\na.png,1\n")
    data = open_data(str(tmp_path / "d"), cache=tmp_path / "cache")
    assert list(data.attributes) == ["smiling"]
    assert not any("rename" in note for note in data.notes)


def test_remarks_say_what_was_concluded_done_and_left_out(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d/a.png").write_bytes(encoded())
    for name in [f"broken{i}.png" for i in range(7)] + ["notes.txt"]:
        (tmp_path / "d" / name).write_bytes(b"not a picture")
    data = open_data(str(tmp_path / "d"), size=8, cache=tmp_path / "cache")
    concluded, done, left_out = remarks(data)
    assert concluded == data.notes[0]
    assert done == str(data.preparation)
    assert left_out.startswith("left out 7 of 8 files: broken0.png (")
    assert left_out.endswith(" and 2 more")
    assert remarks(data, prepared=False) == [concluded, left_out]
    assert remarks(open_data("mnist10k")) == []


def test_a_file_too_large_to_be_read_is_not_hashed_either(tmp_path, monkeypatch):
    (tmp_path / "d").mkdir()
    (tmp_path / "d/a.png").write_bytes(encoded())
    with open(tmp_path / "d/disk", "wb") as file:
        file.truncate(10**12)  # takes no room, and hours to read
    data = open_data(str(tmp_path / "d"), cache=tmp_path / "cache")
    assert data.names.tolist() == ["a.png"]
    assert [skip.name for skip in data.skipped] == ["disk"]


def test_paths_that_are_none_are_one_line(tmp_path):
    for spec in ("a\0b", "x" * 5000, "~nobody-of-this-name/data", "", " "):
        with pytest.raises(GanlensError) as refused:
            open_data(spec, cache=tmp_path)
        assert "\n" not in str(refused.value)


def test_any_exception_becomes_one_line():
    class Odd(Exception):
        pass

    for error in (Odd("a\nb"), zlib.error("x"), RuntimeError(), RecursionError(), MemoryError()):
        with (
            pytest.raises(GanlensError, match=r"d cannot be read.*: mend it") as refused,
            readable("d cannot be read", "mend it"),
        ):
            raise error
        assert "\n" not in str(refused.value)
    with pytest.raises(KeyboardInterrupt), readable("d", "mend it"):
        raise KeyboardInterrupt
    with pytest.raises(GanlensError, match=r"^as it is$"), readable("d", "mend it"):
        raise GanlensError("as it is")


def test_a_budget_is_kept_by_threads_and_lets_a_large_one_in_alone():
    budget, seen = Budget(100), []

    def work(amount: int) -> None:
        with budget.hold(amount):
            seen.append(budget.used)
            time.sleep(0.002)
            seen.append(budget.used)

    threads = [threading.Thread(target=work, args=(amount,)) for amount in [40, 70, 500, 30] * 6]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 48
    assert budget.used == 0
    assert all(used <= 100 or used == 500 for used in seen)


def test_a_budget_is_given_back_after_an_error():
    budget = Budget(10)
    with pytest.raises(ValueError, match="x"), budget.hold(10):
        raise ValueError("x")
    assert budget.used == 0


def test_images_are_decoded_within_the_budgets(tmp_path, monkeypatch):
    files, pixels = Budget(2000), Budget(12 * 16 * 16 * 2)
    monkeypatch.setattr(build, "FILES", files)
    monkeypatch.setattr("ganlens.data.decode.PIXELS", pixels)
    monkeypatch.setattr("ganlens.data.sources.Source.workers", 8)
    most = {"files": 0, "pixels": 0}
    canonical = build.decode.__globals__["canonical"]

    def watched(*args):
        most["files"] = max(most["files"], files.used)
        most["pixels"] = max(most["pixels"], pixels.used)
        time.sleep(0.001)
        return canonical(*args)

    monkeypatch.setattr("ganlens.data.decode.canonical", watched)
    monkeypatch.setattr(build, "TASK_IMAGES", 1)
    (tmp_path / "d").mkdir()
    for index in range(40):
        (tmp_path / f"d/{index}.png").write_bytes(encoded(PIXELS[index % 6]))
    assert len(open_data(str(tmp_path / "d"), cache=tmp_path / "cache")) == 40
    assert 0 < most["files"] <= 2000
    assert 0 < most["pixels"] <= pixels.limit


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB", "RGBA", "I;16", "F", "CMYK", "1"])
def test_strips_do_not_change_an_image(monkeypatch, mode):
    rng = np.random.default_rng(2)
    if mode == "I;16":
        image = Image.fromarray(rng.integers(0, 65536, (19, 23)).astype(np.uint16))
    elif mode == "F":
        image = Image.fromarray(rng.random((19, 23), np.float32))
    else:
        shape = (19, 23, 4) if mode in ("LA", "RGBA", "CMYK") else (19, 23, 3)
        source = "RGBA" if mode in ("LA", "RGBA") else "CMYK" if mode == "CMYK" else "RGB"
        image = Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8), source).convert(mode)
    form = "TIFF" if mode in ("F", "CMYK") else "PNG"
    buffer = io.BytesIO()
    image.save(buffer, form)

    def found():
        return decode(partial(open_bytes, buffer.getvalue()), Target(16, 3, False))

    whole = found()
    monkeypatch.setattr("ganlens.data.decode.STRIP", 30)
    strips = found()
    np.testing.assert_array_equal(whole.pixels, strips.pixels)
    assert whole.digest == strips.digest
    assert whole.levels == strips.levels


def test_the_digest_is_of_size_and_pixels():
    import hashlib

    image = Image.fromarray(PIXELS[0])
    expected = hashlib.sha256(b"16x16:" + PIXELS[0].tobytes()).digest()
    assert content_digest(image) == expected


def sixteen(root: Path, tops: list[int]) -> Path:
    root.mkdir()
    for index, top in enumerate(tops):
        values = np.linspace(0, top, 64 * 64).astype(np.uint16).reshape(64, 64)
        values[-1, -1] = top
        Image.fromarray(values).save(root / f"{index}.png")
    return root


@pytest.mark.parametrize(
    ("tops", "white"),
    [([4095, 3000, 4000], 4095), ([1023, 900], 1023), ([65535, 40000], 65535), ([255, 90], 255)],
)
def test_few_bits_in_sixteen_of_files(tmp_path, tops, white):
    data = open_data(str(sixteen(tmp_path / "d", tops)), cache=tmp_path / "cache")
    highest = data.images.reshape(len(tops), -1).max(1)[np.argsort(data.names)]
    assert highest.tolist() == [int(top * 255 / white + 0.5) for top in tops]
    said = [note for note in data.notes if "16-bit images that use" in note]
    assert len(said) == (white != 65535)
    again = open_data(str(tmp_path / "d"), cache=tmp_path / "cache")
    assert again.fingerprint == data.fingerprint


@pytest.mark.parametrize(("scale", "said"), [(1, True), (10, True), (16, False), (255, False)])
def test_pictures_that_are_nearly_black_are_said(tmp_path, scale, said):
    (tmp_path / "d").mkdir()
    for index, pixels in enumerate(PIXELS):
        mask = (pixels[..., 0] > 100).astype(np.uint8) * scale
        (tmp_path / f"d/{index}.png").write_bytes(encoded(mask))
    data = open_data(str(tmp_path / "d"), cache=tmp_path / "cache")
    assert any("nearly black" in note for note in data.notes) == said


def test_a_hot_pixel_in_one_file_does_not_decide(tmp_path):
    root = sixteen(tmp_path / "d", [4095] * 5)
    values = np.asarray(Image.open(root / "2.png")).copy()
    values[3, 3] = 65535
    Image.fromarray(values).save(root / "2.png")
    data = open_data(str(root), cache=tmp_path / "cache")
    assert data.images.mean() == pytest.approx(127.5, abs=2)


def test_a_text_bomb_in_a_png_is_listed(tmp_path):
    info = PngImagePlugin.PngInfo()
    for index in range(70):
        info.add_text(f"k{index}", "x" * 2**20, zip=True)
    (tmp_path / "d").mkdir()
    (tmp_path / "d/bomb.png").write_bytes(encoded(pnginfo=info))
    (tmp_path / "d/good.png").write_bytes(encoded())
    data = open_data(str(tmp_path / "d"), cache=tmp_path / "cache")
    assert data.names.tolist()[-1] == "good.png"


def test_an_unreadable_zip_is_one_line(tmp_path):
    path = zipped(tmp_path / "d.zip")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("who runs this may read everything")
    assert "cannot be read" in outcome(path, tmp_path)


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases from practice are not here")
def test_the_cases_from_practice(tmp_path):
    for path in CASES.glob("*.zip"):
        assert "attributes.csv cannot be read" in outcome(path, tmp_path)
