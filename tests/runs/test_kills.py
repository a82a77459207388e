"""A run killed in the middle of writing each of its files resumes to the bit; nothing is left."""

import random
import shutil
from pathlib import Path

import killing
import pytest

from ganlens.data import ImageSet

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux")

Whole = tuple[Path, ImageSet, list[tuple[str, str]]]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    root = tmp_path_factory.mktemp("whole")
    data = killing.tiny_data(root / "data")
    return root / killing.NAME, data, killing.moments_of(root, data)


# The first and the last time that each file is written, in the middle or beside it.
AIMED = (
    *(("half written", "run.json", 0), ("synced", "run.json", 0), ("folder made", ".", 0)),
    *(("half written", "state.safetensors", 0), ("written", "state.safetensors", -1)),
    *(("renamed", "metrics.jsonl", 0), ("half written", "metrics.jsonl", -1)),
    *(("half written", "best/model.safetensors", 0), ("renamed", "last/model.safetensors", -1)),
    *(("opened", "last/card.md", -1), ("half written", "best/samples.png", 0)),
)


@pytest.mark.slow
@pytest.mark.parametrize("aim", AIMED, ids=lambda aim: f"{aim[1]} {aim[0]} {aim[2]}")
def test_killed_while_a_file_is_written(whole: Whole, tmp_path: Path, aim: tuple) -> None:
    kept, data, moments = whole
    moment, name, which = aim
    at = [i for i, found in enumerate(moments) if found == (moment, name)][which]
    folder = tmp_path / killing.NAME
    assert killing.killed_at(folder, data, at)
    assert killing.resumed(folder, data)
    assert killing.differences(kept, folder) == []


@pytest.mark.slow
def test_killed_again_and_again(whole: Whole, tmp_path: Path) -> None:
    kept, data, moments = whole
    folder, rng = tmp_path / killing.NAME, random.Random(1)
    for _ in range(3):
        killing.killed_at(folder, data, rng.randrange(len(moments) // 3))
    assert killing.resumed(folder, data)
    assert killing.differences(kept, folder) == []


def test_what_is_left_lost_or_changed_is_seen(whole: Whole, tmp_path: Path) -> None:
    kept, _, moments = whole
    assert {moment for moment, _ in moments} == set(killing.MOMENTS)
    for change in ("left", "lost", "tensor", "row", "pixel"):
        folder = tmp_path / change / killing.NAME
        shutil.copytree(kept, folder)
        if change == "left":
            (folder / ".state.safetensors.x.tmp").write_bytes(b"x")
        elif change == "lost":
            (folder / "best" / "card.md").unlink()
        else:
            names = {"tensor": "state.safetensors", "row": "metrics.jsonl", "pixel": "samples"}
            file = folder / names[change]
            file = file if file.is_file() else sorted(file.iterdir())[0]
            content = bytearray(file.read_bytes())
            if change == "pixel":
                shutil.copy(folder / "samples" / sorted(file.parent.iterdir())[1].name, file)
            elif change == "row":
                file.write_text(file.read_text().replace('"step": 2,', '"step": 3,', 1))
            else:
                content[-1] ^= 1
                file.write_bytes(content)
        assert len(killing.differences(kept, folder)) == 1, change
