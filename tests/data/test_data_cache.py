"""The cache: found again, never half written, rebuilt when damaged, shared by processes."""

import json
import multiprocessing
import os
import shutil
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganlens.data import build, cache, checked, open_data, open_steps
from ganlens.data.sources import WORKERS
from ganlens.errors import GanlensError
from ganlens.progress import Progress, finish


def images(root: Path, count: int = 8, side: int = 16) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        pixels = np.random.default_rng(index).integers(0, 256, (side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / f"{index:03d}.png")
    return root


@pytest.fixture
def root(tmp_path):
    return images(tmp_path / "d")


@pytest.fixture
def store(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def builds(monkeypatch):
    """Count the passes over a source."""
    passes = []
    original = build._decode_all

    def counting(source, *rest):
        passes.append(source.spec)
        return original(source, *rest)

    monkeypatch.setattr(build, "_decode_all", counting)
    return passes


def entries(store: Path) -> list[Path]:
    return sorted((store / "data").iterdir())


def test_decoding_happens_once_per_content_and_settings(root, store, builds, tmp_path):
    open_data(str(root), cache=store)
    open_data(str(root), cache=store)
    open_data(str(root), "train", size=16, cache=store)  # what None came to
    shutil.copytree(root, tmp_path / "copy")
    open_data(str(tmp_path / "copy"), cache=store)
    assert len(builds) == 1
    open_data(str(root), size=8, cache=store)
    open_data(str(root), channels=1, cache=store)
    assert len(builds) == 3
    assert len(entries(store)) == 3


def test_decoding_can_be_followed_and_left(root, store, monkeypatch):
    monkeypatch.setattr(build, "TASK_IMAGES", 4)
    steps = open_steps(str(root), cache=store)
    assert next(steps) == Progress(0, 8, f"images of {root} decoded")
    steps.close()
    assert entries(store) == []
    seen = []
    data = finish(open_steps(str(root), "train", cache=store), seen.append)
    assert [step.done for step in seen] == [0, 4]
    assert data.split == "train"
    finish(open_steps(str(root), cache=store), lambda _: pytest.fail("it is in the cache"))


def test_the_environment_names_the_folder(root, tmp_path, monkeypatch):
    monkeypatch.setenv("GANLENS_CACHE", str(tmp_path / "own"))
    open_data(str(root))
    assert len(entries(tmp_path / "own")) == 1
    monkeypatch.delenv("GANLENS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    open_data(str(root))
    assert len(entries(tmp_path / "xdg/ganlens")) == 1


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 255
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["images.npy", "table.npz", "meta.json"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-10]),
        lambda path: path.write_bytes(bytes(path.stat().st_size)),
        lambda path: flip(path, path.stat().st_size // 2),
        lambda path: flip(path, -5),
    ],
)
def test_a_damaged_entry_is_rebuilt(root, store, builds, name, damage):
    whole = open_data(str(root), cache=store)
    expected, print_ = np.array(whole.images), whole.fingerprint
    (entry,) = entries(store)
    damage(entry / name)
    again = open_data(str(root), cache=store)
    assert len(builds) == 2
    np.testing.assert_array_equal(again.images, expected)
    assert again.fingerprint == print_
    assert entries(store) == [entry]
    open_data(str(root), cache=store)
    assert len(builds) == 2


def test_damaged_facts_and_index_are_rebuilt(root, store, builds, monkeypatch):
    monkeypatch.setattr("ganlens.data.trees.ALWAYS_HASHED", (0, 0))
    monkeypatch.setattr(cache, "RACY", -1e12)
    first = open_data(str(root), cache=store)
    for path in (*(store / "sizes").iterdir(), *(store / "index").iterdir()):
        path.write_text(json.dumps({"check": 0, "body": {"stamps": "", "content": "wrong"}}))
    assert open_data(str(root), cache=store).fingerprint == first.fingerprint


def test_a_large_file_is_sampled_and_read_through_when_touched(tmp_path, monkeypatch):
    monkeypatch.setattr(checked, "READ_THROUGH", 1000)
    monkeypatch.setattr(checked, "SAMPLES", 10)
    monkeypatch.setattr(checked, "SAMPLE", 100)
    path = tmp_path / "x"
    path.write_bytes(np.random.default_rng(0).bytes(50_000))
    known = checked.record(path)
    assert checked.checked(path, known) == path
    flip(path, 200)  # between two samples, but the file was touched
    with pytest.raises(checked.Damaged):
        checked.checked(path, known)
    flip(path, 200)
    assert checked.checked(path, known) == path
    path.write_bytes(path.read_bytes()[:40_000] + bytes(10_000))
    os.utime(path, ns=(0, known["mtime"]))  # as after a crash: the right time, the wrong end
    with pytest.raises(checked.Damaged):
        checked.checked(path, known)


def test_changed_files_are_noticed_even_with_their_times_put_back(root, store, monkeypatch):
    monkeypatch.setattr("ganlens.data.trees.ALWAYS_HASHED", (0, 0))  # as for a large folder
    monkeypatch.setattr(cache, "RACY", -1e12)
    path = root / "003.png"
    pixels = np.asarray(Image.open(path).convert("RGB"))
    Image.fromarray(pixels).save(path, compress_level=0)
    before, stat = open_data(str(root), cache=store), path.stat()
    Image.fromarray(255 - pixels).save(path, compress_level=0)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    assert open_data(str(root), cache=store).fingerprint != before.fingerprint


def test_a_large_source_is_not_read_through_again(root, store, monkeypatch):
    monkeypatch.setattr("ganlens.data.trees.ALWAYS_HASHED", (0, 0))
    monkeypatch.setattr(cache, "RACY", -1e12)
    first = open_data(str(root), cache=store)
    monkeypatch.setattr("ganlens.data.trees.FolderTree._hash_all", lambda self: 1 / 0)
    assert open_data(str(root), cache=store).fingerprint == first.fingerprint


def test_fresh_files_are_never_trusted_by_their_stamps(root, store, monkeypatch):
    monkeypatch.setattr("ganlens.data.trees.ALWAYS_HASHED", (0, 0))
    open_data(str(root), cache=store)  # written a moment ago: one tick could hide another write
    assert not (store / "index").exists()


def fingerprint(arguments: tuple[str, str]) -> tuple[str, int, int]:
    data = open_data(arguments[0], cache=Path(arguments[1]))
    return data.fingerprint, len(data), int(np.asarray(data.images, np.int64).sum())


@pytest.mark.slow
def test_processes_that_build_the_same_entry_at_once_agree(tmp_path, store):
    root = images(tmp_path / "many", 150)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn) as pool:
        found = list(pool.map(fingerprint, [(str(root), str(store))] * 4))
    assert len(set(found)) == 1
    assert [path.name.startswith(".") for path in entries(store)] == [False]


def test_threads_without_locks_agree_too(root, store, monkeypatch):
    monkeypatch.setattr(cache, "fcntl", None)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(fingerprint, [(str(root), str(store))] * 8))
    assert len(set(found)) == 1
    assert len(entries(store)) == 1


def test_who_waits_does_not_build_again(root, store, builds):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(fingerprint, [(str(root), str(store))] * 4))
    assert len(builds) == 1


def test_threads_that_repair_the_same_entry_at_once_agree(root, store):
    open_data(str(root), cache=store)
    for _ in range(5):
        (entry,) = entries(store)
        (entry / "meta.json").write_bytes(b"damaged")
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(fingerprint, [(str(root), str(store))] * 8))
        assert len(set(found)) == 1
    assert len(entries(store)) == 1


def test_an_interrupted_build_leaves_no_entry(root, store, monkeypatch):
    def interrupt(*_args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(cache, "_rename", interrupt)
        with pytest.raises(KeyboardInterrupt):
            open_data(str(root), cache=store)
    assert entries(store) == []
    assert len(open_data(str(root), cache=store)) == 8


def test_what_a_killed_process_left_is_removed_after_a_day(root, store):
    fresh, old = store / "data/.1.a.tmp", store / "data/.2.b.tmp"
    for folder in (fresh, old):
        folder.mkdir(parents=True)
        (folder / "rows").write_bytes(b"x")
    os.utime(old, (0, 0))
    open_data(str(root), cache=store)
    assert fresh.exists()
    assert not old.exists()


def test_a_full_disk_is_one_line(root, store, monkeypatch):
    usage = shutil.disk_usage(root.parent)._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(GanlensError, match=r"bytes needed, 100 free.*GANLENS_CACHE"):
        open_data(str(root), cache=store)
    assert entries(store) == []


def test_a_cache_that_cannot_be_written_is_one_line(root, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(GanlensError, match="cannot write the data cache"):
        open_data(str(root), cache=tmp_path / "file/cache")


def test_no_more_than_a_few_tasks_wait_in_memory(tmp_path, store, monkeypatch):
    """However slowly the disk takes them."""
    started, written, most = [0], [0], [0]
    decode, decoded = build.decode, build._decoded

    def counting(read, target):
        started[0] += 1
        most[0] = max(most[0], started[0] - written[0])
        return decode(read, target)

    def slow_disk(*arguments):
        for image in decoded(*arguments):
            time.sleep(0.002)
            written[0] += 1
            yield image

    monkeypatch.setattr(build, "TASK_IMAGES", 2)
    monkeypatch.setattr(build, "decode", counting)
    monkeypatch.setattr(build, "_decoded", slow_disk)
    assert len(open_data(str(images(tmp_path / "many", 150)), cache=store)) == 150
    assert most[0] <= 2 * (2 * WORKERS + 3) < 150


def test_an_open_set_survives_the_repair_of_its_entry(root, store):
    data = open_data(str(root), cache=store)
    before = np.array(data.images)
    (entry,) = entries(store)
    (entry / "meta.json").unlink()
    open_data(str(root), cache=store)
    np.testing.assert_array_equal(data.images, before)
