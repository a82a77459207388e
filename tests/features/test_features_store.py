"""Features are extracted once: kept, found again, continued, made again when damaged, shared."""

import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from ganlens import features
from ganlens.data import open_data
from ganlens.errors import GanlensError
from ganlens.features import store as module
from ganlens.progress import finish

N, BATCH = 53, 8


def pixels(n: int = N, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 16, 16, 3), np.uint8)


class Counting(features.PixelExtractor):
    """Pixels, and a note of how many images passed through."""

    def __init__(self, side: int = 4, hash: str = "") -> None:
        super().__init__(side)
        self.hash, self.seen = hash, 0

    def describe(self) -> dict:
        return {**super().describe(), "weights": self.hash or None}

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        self.seen += len(batch)
        return super().__call__(batch)


@pytest.fixture
def store(tmp_path: Path) -> features.FeatureStore:
    return features.FeatureStore(tmp_path / "cache")


def run(extractor, source, store=None, **settings) -> np.ndarray:
    settings = {"batch_size": BATCH, "precision": "32-true", **settings}
    return finish(features.features_of(extractor, source, store=store, **settings))


def files(store: features.FeatureStore) -> list[str]:
    return sorted(path.name for path in store.folder.rglob("*") if path.is_file())


def test_the_second_opening_is_the_same_array_without_the_network(store) -> None:
    extractor, source = Counting(), features.array_source(pixels())
    steps, seen = features.features_of(extractor, source, store=store, batch_size=BATCH), []
    first = finish(steps, seen.append)
    assert seen == [*range(8, 53, 8), 53, 53]
    assert isinstance(first, np.memmap)
    assert not first.flags.writeable
    again = Counting()
    np.testing.assert_array_equal(run(again, features.array_source(pixels()), store), first)
    assert (extractor.seen, again.seen) == (N, 0)
    whole = features.PixelExtractor(4)(torch.zeros(1, 3, 16, 16))
    assert first.dtype == np.float32
    assert first.shape == (N, whole.shape[1])
    np.testing.assert_array_equal(run(Counting(), source), first)
    assert files(store) == ["features.npy", "meta.json"]


def test_whatever_decides_features_makes_another_entry(store) -> None:
    source = features.array_source(pixels())
    data = {"source": "data", "fingerprint": "f", "split": "train"}
    some = features.ArrayImages(pixels(), data)
    cases = [
        (Counting(), source, {}),
        (Counting(hash="other"), source, {}),
        (Counting(side=2), source, {}),
        (Counting(), source, {"precision": "bf16-mixed"}),
        (Counting(), features.array_source(pixels(seed=1)), {}),
        (Counting(), features.array_source(pixels(N - 1)), {}),
        (Counting(), some, {}),
        (Counting(), features.ArrayImages(pixels(), {**data, "split": "test"}), {}),
    ]
    for extractor, images, settings in cases:
        run(extractor, images, store, **settings)
        assert extractor.seen == images.count
    assert len(list(store.folder.iterdir())) == len(cases)


def test_sources_are_what_they_say(tiny_images: Path) -> None:
    data = open_data(str(tiny_images)).part("train")
    rows = np.array([5, 2, 9])
    some = features.DataImages(data, rows)
    assert isinstance(some, features.ImageSource)
    np.testing.assert_array_equal(some.images(slice(1, 3)), data.images[[2, 9]])
    np.testing.assert_array_equal(some.images(np.array([2, 0])), data.images[[9, 5]])
    assert torch.equal(some.tensors(slice(0, 2)), data.batch([5, 2]))
    assert some.titles(slice(1, 2)) == [data.names[2]]
    assert some.numbers(slice(0, 9)).tolist() == [5, 2, 9]
    assert some.classes is not None
    assert some.classes.tolist() == [data.class_names[label] for label in data.labels[rows]]
    assert features.DataImages.whole(data).count == len(data)
    sources = (features.DataImages.whole(data), some, features.DataImages(data, np.sort(rows)))
    texts = [json.dumps(source.identity(), sort_keys=True) for source in sources]
    assert len(set(texts)) == 3
    assert data.fingerprint in texts[0]
    with pytest.raises(GanlensError, match="uint8"):
        features.array_source(pixels().astype(np.float32))


def test_images_are_drawn_without_replacement_and_kept_in_their_order(tiny_images: Path) -> None:
    data = open_data(str(tiny_images))
    some = features.DataImages.draw(data, 40, 3)
    assert len(set(some.rows)) == some.count == 40
    assert (np.diff(some.rows) > 0).all()
    assert features.DataImages.draw(data, 10**6, 3).identity()["rows"] == "all"
    assert set(features.DataImages.draw(data, 40, 4).rows) != set(some.rows)


def test_a_stretch_of_a_source_is_a_source(tiny_images: Path) -> None:
    data = open_data(str(tiny_images))
    whole = features.DataImages(data, np.arange(50)[::-1])
    part = features.shard(whole, features.World(1, 2), 10)
    assert isinstance(part, features.ImageSource)
    places = np.array([3, 1])
    assert part.numbers(places).tolist() == whole.numbers(20 + places).tolist() == [26, 28]
    assert part.titles(places) == whole.titles(20 + places)
    np.testing.assert_array_equal(part.images(slice(0, 30)), whole.images(slice(20, 50)))
    assert torch.equal(part.tensors(places), whole.tensors(20 + places))
    assert part.classes.tolist() == whole.classes[20:].tolist()
    np.testing.assert_array_equal(features.all_images(part, 7), whole.images(slice(20, 50)))


def killed(root: Path) -> None:
    module.SYNC = 0
    source, store = features.array_source(pixels()), features.FeatureStore(root)
    for done in features.features_of(
        Counting(), source, store=store, batch_size=BATCH, precision="32-true"
    ):
        if done == 24:
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # it starts no threads
def test_a_killed_pass_is_continued_where_it_was_synced(store) -> None:
    process = multiprocessing.get_context("fork").Process(target=killed, args=(store.root,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert files(store) == ["features.part", "progress.json"]
    extractor = Counting()
    whole = run(extractor, features.array_source(pixels()), store)
    assert extractor.seen == N - 24
    np.testing.assert_array_equal(whole, run(Counting(), features.array_source(pixels())))
    assert files(store) == ["features.npy", "meta.json"]


def interrupted(store, extractor=None) -> Path:
    steps = features.features_of(
        extractor or Counting(), features.array_source(pixels()), store=store, batch_size=BATCH,
        precision="32-true",
    )  # fmt: skip
    assert [next(steps), next(steps)] == [8, 16]
    steps.close()
    (folder,) = store.folder.iterdir()
    return folder


def test_a_closed_pass_is_continued_and_one_with_lost_rows_begins_again(store) -> None:
    source = features.array_source(pixels())
    expected = run(Counting(), source)
    for spoil, rest in ((None, N - 16), ("features.part", N), ("progress.json", N)):
        folder, extractor = interrupted(store), Counting()
        if spoil:
            (folder / spoil).write_bytes((folder / spoil).read_bytes()[:200])
        np.testing.assert_array_equal(run(extractor, source, store), expected)
        assert extractor.seen == rest
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


@pytest.mark.parametrize("name", ["features.npy", "meta.json"])
@pytest.mark.parametrize("how", ["cut", "zeroed", "gone"])
def test_a_damaged_entry_is_made_again(store, name: str, how: str) -> None:
    source = features.array_source(pixels())
    expected = np.array(run(Counting(), source, store))
    (folder,) = store.folder.iterdir()
    content = (folder / name).read_bytes()
    half = len(content) // 2
    (folder / name).unlink()
    if how != "gone":
        (folder / name).write_bytes(content[:half] + (bytes(half) if how == "zeroed" else b""))
    extractor = Counting()
    np.testing.assert_array_equal(run(extractor, source, store), expected)
    assert extractor.seen == N
    assert files(store) == ["features.npy", "meta.json"]


def test_of_two_at_once_one_makes_it_and_the_other_waits(store, monkeypatch) -> None:
    monkeypatch.setattr("ganlens.features.passes.PAUSE", 0.01)
    source, extractors, found = features.array_source(pixels()), [Counting(), Counting()], []
    first = features.features_of(extractors[0], source, store=store, precision="32-true")
    next(first)
    second = features.features_of(extractors[1], source, store=store, precision="32-true")
    assert next(second) == 0  # waits, and says how far the other one has made certain
    thread = threading.Thread(target=lambda: found.append(finish(second)))
    thread.start()
    found.append(finish(first))
    thread.join(20)
    assert [e.seen for e in extractors] == [N, 0]
    np.testing.assert_array_equal(*found)


def test_without_locks_each_makes_its_own(store, monkeypatch) -> None:
    monkeypatch.setattr(module, "fcntl", None)
    source, extractors = features.array_source(pixels()), [Counting(), Counting()]
    steps = [features.features_of(e, source, store=store, precision="32-true") for e in extractors]
    for step in steps:
        next(step)
    np.testing.assert_array_equal(*[finish(step) for step in steps])
    assert [e.seen for e in extractors] == [N, N]
    assert files(store) == ["features.npy", "meta.json"]


def test_without_locks_what_was_interrupted_or_damaged_does_not_stay(store, monkeypatch) -> None:
    monkeypatch.setattr(module, "fcntl", None)
    source = features.array_source(pixels())
    steps = features.features_of(Counting(), source, store=store, batch_size=BATCH)
    next(steps)
    steps.close()
    assert files(store) == []
    whole = np.array(run(Counting(), source, store))
    (array,) = store.folder.rglob("features.npy")
    array.write_bytes(bytes(array.stat().st_size))
    steps = features.features_of(Counting(), source, store=store, precision="32-true")
    assert list(islice(steps, 5)) == [N, N]  # more would be another pass, for ever
    np.testing.assert_array_equal(run(Counting(), source, store), whole)
    assert files(store) == ["features.npy", "meta.json"]


def test_a_disk_that_fills_up_is_one_line_and_what_was_done_is_kept(store) -> None:
    source, limits = features.array_source(pixels()), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, limits[1]))
    try:
        with pytest.raises(GanlensError, match="cannot write the feature cache") as caught:
            run(Counting(), source, store)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "File too large" in str(caught.value)
    extractor = Counting()
    whole = run(extractor, source, store)
    assert extractor.seen == N - 16  # the third batch did not fit
    np.testing.assert_array_equal(whole, run(Counting(), source))


def test_a_disk_without_room_is_found_out_before_anything_is_written(store, monkeypatch) -> None:
    usage = type("Usage", (), {"free": 100})
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(GanlensError, match=r"0 MB needed.*ganlens cache --clear"):
        run(Counting(), features.array_source(pixels()), store)
    assert sum(path.stat().st_size for path in store.folder.rglob("*") if path.is_file()) == 0


def test_a_cache_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(GanlensError, match="GANLENS_CACHE"):
        run(Counting(), features.array_source(pixels()), features.FeatureStore(tmp_path / "file"))


def test_what_cannot_be_extracted_is_refused() -> None:
    source = features.array_source(pixels())
    with pytest.raises(GanlensError, match="at least 1"):
        run(Counting(), features.array_source(pixels(0)))
    with pytest.raises(GanlensError, match="at least 1"):
        run(Counting(), source, batch_size=0)
    with pytest.raises(GanlensError, match="choose from float32, bfloat16, auto"):
        run(Counting(), source, precision="float16")


def test_precision_is_on_only_while_the_network_runs() -> None:
    class Casting(Counting):
        def __call__(self, batch: torch.Tensor) -> torch.Tensor:
            assert torch.is_autocast_enabled("cpu")
            return super().__call__(batch)

    source = features.array_source(pixels())
    steps = features.features_of(Casting(), source, batch_size=BATCH, precision="bf16-mixed")
    next(steps)
    assert not torch.is_autocast_enabled("cpu")


def test_float32_unless_bfloat16_is_asked_for_and_either_is_noted(store) -> None:
    """Whatever the processor multiplies; in bfloat16 features differ by its rounding, 2^-8."""
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        network = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3, 2), torch.nn.Flatten())

    class Convolving(Counting):
        def __call__(self, batch: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                return network(batch).float()

    source = features.array_source(pixels())
    plain = finish(features.features_of(Convolving(), source, store=store))
    exact, rounded = (run(Convolving(), source, precision=p) for p in ("float32", "bfloat16"))
    np.testing.assert_allclose(plain, exact, atol=1e-5)
    assert 2**-13 < np.abs(rounded - exact).max() < 2**-4
    run(Convolving(), source, store, precision="bfloat16")
    notes = [json.loads(path.read_text())["body"] for path in store.folder.glob("*/meta.json")]
    assert sorted(note["precision"] for note in notes) == ["32-true", "bf16-mixed"]


SHARED = """
import sys
import numpy as np
from pathlib import Path
from ganlens import features
from ganlens.progress import finish
images = np.random.default_rng(0).integers(0, 256, (53, 16, 16, 3), np.uint8)
folder = Path(sys.argv[1])
extractor, source = features.PixelExtractor(4), features.array_source(images)
options = dict(store=features.FeatureStore(folder), batch_size=8, precision="32-true")
with features.together() as here:
    whole = finish(features.shared_features_of(extractor, source, **options))
    part = finish(features.features_of(extractor, features.shard(source, here, 8), **options))
np.savez(folder / f"{here.rank}.npz", whole=whole, part=part)
"""


@pytest.mark.slow
def test_two_ranks_come_to_what_one_process_does(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SHARED)
    root = str(Path(features.__file__).parents[2])
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    subprocess.run(
        [*torchrun, "--nproc-per-node=2", str(script), str(tmp_path)], check=True,
        capture_output=True, env={**os.environ, "PYTHONPATH": root},
    )  # fmt: skip
    alone = run(Counting(), features.array_source(pixels()))
    for rank, rows in ((0, 24), (1, 29)):  # whole batches, and the rest for the last
        with np.load(tmp_path / f"{rank}.npz") as found:
            np.testing.assert_allclose(found["whole"], alone, rtol=1e-6)
            assert len(found["part"]) == rows
    assert len(list((tmp_path / "features").iterdir())) == 2  # one for each stretch


def test_stretches_cover_every_image_once_at_any_number_of_ranks() -> None:
    source = features.array_source(pixels())
    for size in (1, 2, 3, 7, 53):
        parts = [features.shard(source, features.World(rank, size), BATCH) for rank in range(size)]
        images = [part.images(slice(0, part.count)) for part in parts]
        np.testing.assert_array_equal(np.concatenate(images), pixels())
        texts = {json.dumps(part.identity(), sort_keys=True) for part in parts}
        assert len(texts) == size
        assert min(part.count for part in parts) > 0
    with pytest.raises(GanlensError, match="53 images cannot be shared by 54"):
        features.shard(source, features.World(0, 54), BATCH)


def test_alone_there_is_nothing_to_gather(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.arange(6, dtype=np.float32).reshape(3, 2)
    assert features.world() == features.World(0, 1)
    assert features.gather(rows) is rows
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(GanlensError, match="together"):
        features.gather(rows)
