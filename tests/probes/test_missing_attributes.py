"""Data without attributes: every probe says where they come from, and what it says is true."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_subject import fake_subject

import ganlens
from ganlens import images
from ganlens.data import ImageSet, open_data
from ganlens.data.kinds import TABLES
from ganlens.errors import GanlensError
from ganlens.probes import PROBES
from ganlens.probes.concepts import candidates, numeric
from ganlens.probes.directions.claims import claims_of
from ganlens.probes.linear.targets import find_targets

COUNT = 60
PROBED = ("forget", "turn", "linear-probe", "arithmetic")


def pictures(folder: Path, place: Any = lambda i: f"{i}.png") -> Path:
    rng = np.random.default_rng(1)
    for i in range(COUNT):
        path = folder / place(i)
        path.parent.mkdir(parents=True, exist_ok=True)
        images.write_png(path, rng.integers(0, 256, (16, 16, 3), dtype=np.uint8))
    return folder


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> ImageSet:
    return open_data(str(pictures(tmp_path_factory.mktemp("bare"))))


def refusals(data: ImageSet) -> dict[str, str]:
    """Return what each probe that asks about attributes says of data without any."""
    asked: dict[str, Callable[[], object]] = {
        "directions": lambda: claims_of(data, ("auto",)),
        "select": lambda: data.select("age=1"),
        **{name: partial(PROBES[name]().run, fake_subject(), data) for name in PROBED},
    }
    said = {}
    for name, ask in asked.items():
        with pytest.raises(GanlensError) as refused:
            ask()
        said[name] = str(refused.value)
    return said


def test_every_probe_names_every_source(bare: ImageSet) -> None:
    for name, said in refusals(bare).items():
        assert all(table in said for table in TABLES), (name, said)
        assert "\n" not in said
        assert ("class folders" in said) is (name != "turn"), "classes are no numbers"


def test_two_classes_without_attributes_name_every_table(bare: ImageSet) -> None:
    labels = np.arange(COUNT) % 2
    data = replace(bare, labels=labels, class_names=("a", "b"))
    with pytest.raises(GanlensError, match="2 classes and no attributes") as refused:
        PROBES["arithmetic"]().run(fake_subject(), data)
    assert all(table in str(refused.value) for table in TABLES)


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return
    lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
    path.write_text("\n".join(lines))


@pytest.mark.parametrize("name", TABLES)
def test_each_table_that_is_named_gives_attributes(tmp_path: Path, name: str) -> None:
    folder = pictures(tmp_path / "pictures")
    rows = [{"file_name": f"{i}.png", "hat": ("yes", "no")[i % 2], "age": 20 + i / 2}
            for i in range(COUNT)]  # fmt: skip
    write_table(folder / name, rows)
    data = open_data(str(folder))
    assert numeric(data) == ["age"]
    assert "hat" in candidates(data)
    assert any("hat" in names for names in claims_of(data, ("auto",))[0].values())


def test_each_source_of_classes_gives_something_to_predict(tmp_path: Path) -> None:
    folders = pictures(tmp_path / "folders", lambda i: f"{'ab'[i % 2]}/{i}.png")
    listed = pictures(tmp_path / "listed")
    labels = [[f"{i}.png", i % 2] for i in range(COUNT)]
    (listed / "dataset.json").write_text(json.dumps({"labels": labels}))
    array = np.random.default_rng(2).integers(0, 256, (COUNT, 16, 16, 3), dtype=np.uint8)
    np.savez(tmp_path / "arrays.npz", images=array, labels=np.arange(COUNT) % 2)
    for path in (folders, listed, tmp_path / "arrays.npz"):
        data = open_data(str(path))
        assert set(candidates(data)) == {"class"}
        assert find_targets(data.part("train"), data.part("test"), "auto")


def test_no_other_place_names_one_table_only() -> None:
    root = Path(ganlens.__file__).parent
    found = [path for path in root.rglob("*.py") if "attributes.csv" in path.read_text("utf-8")]
    assert {path.parent for path in found} == {root / "data"}
