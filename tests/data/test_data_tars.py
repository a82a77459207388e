"""Tar archives of images: read as folders are, and as little trusted as a zip."""

import bz2
import gzip
import io
import json
import lzma
import tarfile
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganlens.cli import main
from ganlens.data import ImageSet, open_data
from ganlens.data.tars import SMALL, TarTree, is_tar
from ganlens.errors import GanlensError
from ganlens.foreign import holds_weights
from ganlens.probes.inversion.pictures import read_pictures

PIXELS = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8)
ENDS = bytes(2 * tarfile.BLOCKSIZE)


def png(index: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS[index]).save(buffer, "PNG")
    return buffer.getvalue()


PICTURES = {f"{'ab'[i % 2]}/{i}.png": png(i) for i in range(8)}


def member(name: str, content: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, content


def tar_bytes(*more: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a plain tar of PICTURES and of what else is given, in that order."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for info, content in (*(member(n, c) for n, c in PICTURES.items()), *more):
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def opened(tmp_path: Path, content: bytes, name: str = "d.tar") -> ImageSet:
    (tmp_path / name).write_bytes(content)
    return open_data(str(tmp_path / name), cache=tmp_path / "cache")


def refusal(tmp_path: Path, content: bytes, name: str = "d.tar") -> str:
    with pytest.raises(GanlensError) as refused:
        opened(tmp_path, content, name)
    assert "\n" not in str(refused.value)
    assert "object at 0x" not in str(refused.value)
    left = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert not [path for path in left if path.stat().st_size > 2**20], "what was unpacked is gone"
    return str(refused.value)


def reasons(data: ImageSet) -> dict[str, str]:
    return {skip.name: skip.reason for skip in data.skipped}


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "d.tar": bytes,
    "d.TAR": bytes,
    "d.tar.gz": gzip.compress,
    "d.tgz": gzip.compress,
    "d.tar.bz2": bz2.compress,
    "d.tbz2": bz2.compress,
    "d.tar.xz": lzma.compress,
    "d.txz": lzma.compress,
    "compressed.tar": gzip.compress,  # renamed, or by a browser that unpacked half
    "plain.tar.gz": bytes,
}


@pytest.mark.parametrize("name", PACKERS)
def test_it_opens_as_the_folder_of_the_same_files_does(tmp_path: Path, name: str) -> None:
    for picture, content in PICTURES.items():
        path = tmp_path / "files" / picture
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    data = opened(tmp_path, PACKERS[name](tar_bytes()), name)
    files = open_data(str(tmp_path / "files"), cache=tmp_path / "cache")
    assert data.fingerprints == files.fingerprints
    assert data.class_names == files.class_names == ("a", "b")
    assert data.names.tolist() == files.names.tolist()
    assert data.skipped == ()


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_dialect_and_long_names_are_read(tmp_path: Path, form: int) -> None:
    long = "a/" + "x" * 60 + "/" + "é" * 30 + ".png"
    deep = "a/" + "y" * 150 + ("" if form == tarfile.USTAR_FORMAT else "y" * 40) + ".png"
    deep = "a/" + "y" * 90 + ".png" if form == tarfile.USTAR_FORMAT else deep
    data = opened(tmp_path, tar_bytes(member(long, png(0)), member(deep, png(1)), form=form))
    assert {long, deep} <= set(data.names.tolist())


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_several_streams_after_one_another_are_one(tmp_path: Path, pack: Callable) -> None:
    content = tar_bytes()
    half = len(content) // 2
    packed = pack(content[:half]) + pack(content[half:])
    assert len(opened(tmp_path, packed)) == 8


def test_what_is_open_already_is_not_unpacked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(tmp_path, gzip.compress(tar_bytes()))
    monkeypatch.setattr("ganlens.data.tars.plain", lambda *_: 1 / 0)
    assert len(open_data(str(tmp_path / "d.tar"), cache=tmp_path / "cache")) == 8


@pytest.mark.parametrize("name", ["../out.png", "/etc/out.png", "a/../../out.png", "C:/out.png",
                                  "..\\out.png", "//host/out.png"])  # fmt: skip
def test_members_outside_are_left_out_and_written_nowhere(tmp_path: Path, name: str) -> None:
    below = tmp_path / "below"
    below.mkdir()
    data = opened(below, tar_bytes(member(name, png(0))))
    assert len(data) == 8
    (reason,) = reasons(data).values()
    assert reason == "its path leads out of the archive"
    assert {path.name for path in tmp_path.rglob("*.png")} == set()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (tarfile.SYMTYPE, "links in archives are not followed"),
        (tarfile.LNKTYPE, "which does not stand before it"),
        (tarfile.CHRTYPE, "neither a file nor a link"),
        (tarfile.BLKTYPE, "neither a file nor a link"),
        (tarfile.FIFOTYPE, "neither a file nor a link"),
    ],
)
@pytest.mark.parametrize("target", ["/etc/passwd", "../../secret.png", "a/9.png"])
def test_links_and_devices_are_listed_and_never_followed(
    tmp_path: Path, kind: bytes, reason: str, target: str
) -> None:
    (tmp_path / "secret.png").write_bytes(png(7))
    data = opened(tmp_path, tar_bytes(member("a/x.png", type=kind, linkname=target)))
    assert len(data) == 8
    assert reason in reasons(data)["a/x.png"]


def test_a_hard_link_to_a_file_before_it_is_that_file(tmp_path: Path) -> None:
    data = opened(
        tmp_path, tar_bytes(member("b/x.png", type=tarfile.LNKTYPE, linkname="./a/0.png"))
    )
    row = data.names.tolist().index("b/x.png")
    np.testing.assert_array_equal(data.images[row], PIXELS[0])


def test_of_two_members_of_one_name_the_last_counts_as_when_unpacked(tmp_path: Path) -> None:
    again = (member("a/0.png", png(5)), member("./a/2.png", png(3)))
    data = opened(tmp_path, tar_bytes(*again))
    assert len(data) == 8
    rows = {name: row for row, name in enumerate(data.names.tolist())}
    np.testing.assert_array_equal(data.images[rows["a/0.png"]], PIXELS[5])
    np.testing.assert_array_equal(data.images[rows["a/2.png"]], PIXELS[3])


def test_litter_is_not_taken_for_pictures(tmp_path: Path) -> None:
    litter = (member("a/._0.png", b"\0\5\x16\7"), member("__MACOSX/a/0.png", png(1)),
              member("a/.DS_Store", b"x"), member("notes.txt", b"x"))  # fmt: skip
    data = opened(tmp_path, tar_bytes(*litter))
    assert len(data) == 8
    assert data.class_names == ("a", "b")
    assert data.skipped == ()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_bomb_is_refused_before_it_fills_the_disk(
    tmp_path: Path, pack: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganlens.data.tars.SMALL", 2**22)
    content = tar_bytes(member("a/bomb.png", bytes(2**25)))
    said = refusal(tmp_path, pack(content), "d.tar.gz")
    assert f"unpacks to more than {2**22:,} bytes" in said
    assert "give the folder" in said


def test_a_bomb_of_headers_takes_no_more_than_it_may(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for index in range(50_000):
            archive.addfile(tarfile.TarInfo(f"{index}.txt"))
    assert len(buffer.getvalue()) < SMALL
    assert "found 0 images" in refusal(tmp_path, gzip.compress(buffer.getvalue()), "d.tgz")


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
@pytest.mark.parametrize("size", [2**31, 2**40])
def test_a_header_that_declares_gigabytes_is_not_read(
    tmp_path: Path, kind: bytes, size: int
) -> None:
    info = member("x", type=kind)[0]
    info.size = size
    header = info.tobuf(tarfile.GNU_FORMAT)
    with open(tmp_path / "d.tar", "wb") as file:
        file.write(header)
        file.truncate(2**32)  # holes, which take no room
    with (
        closing(TarTree(tmp_path / "d.tar", tmp_path)) as tree,  # to open it would hash 4 GiB
        pytest.raises(GanlensError, match="a header that declares"),
    ):
        tree.sizes  # noqa: B018


@pytest.mark.parametrize("size", [-1, -512, -(2**40)])
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_negative_size_is_no_endless_loop(tmp_path: Path, size: int, kind: bytes) -> None:
    info = member("a/x.png", type=kind)[0]
    info.size = size
    content = tar_bytes()[: -len(ENDS)].rstrip(b"\0")
    content += bytes(-len(content) % tarfile.BLOCKSIZE) + info.tobuf(tarfile.GNU_FORMAT) + ENDS
    assert "is not a readable tar file" in refusal(tmp_path, content)


@pytest.mark.parametrize("size", [10**9, 2**62])
def test_a_size_beyond_the_end_is_one_line(tmp_path: Path, size: int) -> None:
    info = member("a/x.png")[0]
    info.size = size
    assert "copy it again" in refusal(tmp_path, info.tobuf(tarfile.GNU_FORMAT) + png(0) + ENDS)


def test_a_file_above_the_limit_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganlens.data.trees.MAX_FILE", 5000)
    data = opened(tmp_path, tar_bytes(member("a/large.png", png(0) + bytes(5000))))
    assert "more than the limit" in reasons(data)["a/large.png"]


def damaged_in_the_middle() -> bytes:
    content = bytearray(tar_bytes())
    content[content.find(b"b/5.png") + 148] ^= 0xFF  # its checksum
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (damaged_in_the_middle(), "damaged, or a second archive"),
        (tar_bytes() + tar_bytes(), "damaged, or a second archive"),
        (tar_bytes()[:2000], "copy it again"),
        (gzip.compress(tar_bytes(), mtime=0)[:-500], "cannot be unpacked"),
        (bz2.compress(tar_bytes())[:-50], "cannot be unpacked"),
        (lzma.compress(tar_bytes())[:-50], "cannot be unpacked"),
        (gzip.compress(b"one text", mtime=0), "is not a readable tar file"),
        (b"", "is not a readable tar file"),
        (b"<html>404</html>", "is not a readable tar file"),
        (ENDS * 10, "found 0 images"),
    ],
)
def test_damage_is_one_line_and_never_half_a_data_set(
    tmp_path: Path, content: bytes, said: str
) -> None:
    assert said in refusal(tmp_path, content)


def test_xz_that_asks_for_much_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganlens.data.tars.XZ_MEMORY", 2**20)  # below what its dictionary takes
    assert "cannot be unpacked" in refusal(tmp_path, lzma.compress(tar_bytes()), "d.tar.xz")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_no_damage_is_a_traceback(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    good = pack(tar_bytes(member("attributes.csv", b"filename,age\na/0.png,3\n")))
    rng = np.random.default_rng(5)
    for _ in range(60):
        content = bytearray(good)
        for place in rng.integers(0, len(good), 1 + rng.integers(12)):
            content[place] = rng.integers(256)
        (tmp_path / "d.tar").write_bytes(bytes(content[: rng.integers(1, len(good) + 1)])
                                         if rng.random() < 0.2 else bytes(content))  # fmt: skip
        with suppress(GanlensError):
            open_data(str(tmp_path / "d.tar"), cache=tmp_path / "cache")


@pytest.mark.parametrize("name", ["d.tar.zst", "d.7z", "d.rar", "d.gz", "photos.lz4", "d.tar.Z"])
def test_other_archives_are_one_true_sentence(tmp_path: Path, name: str) -> None:
    said = refusal(tmp_path, b"x" * 600, name)
    assert "archive, which is not read here: unpack it, and give the folder" in said


def test_what_is_called_tar_is_weights_or_images_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "images.tar").write_bytes(tar_bytes())
    (tmp_path / "images.tgz").write_bytes(gzip.compress(tar_bytes()))
    (tmp_path / "model.pth.tar").write_bytes(b"PK\3\4" + bytes(600))
    assert is_tar(tmp_path / "images.tar")
    assert is_tar(tmp_path / "images.tgz")
    assert not is_tar(tmp_path / "model.pth.tar")
    assert not holds_weights(tmp_path / "images.tar")
    assert holds_weights(tmp_path / "model.pth.tar")


def test_a_command_takes_one_wherever_it_takes_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.tar").write_bytes(tar_bytes())
    (tmp_path / "b.tgz").write_bytes(gzip.compress(tar_bytes()))
    sides = [str(tmp_path / name) for name in ("a.tar", "b.tgz")]
    assert main(["fid", *sides, "--extractor", "pixels", "--device", "cpu", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)["summary"]
    assert (found["n_real"], found["n_fake"]) == (8, 8)
    assert abs(found["value"]) < 1e-6, "the very same images"
    pixels, names, _ = read_pictures([Path(sides[1])], (3, 16, 16))
    assert len(pixels) == 8
    assert "a/0.png" in names
