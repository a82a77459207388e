"""What folders and archives say of their images: classes, splits, attributes, bad ones of each."""

import json
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganlens.data import open_data
from ganlens.data.columns import parse_column
from ganlens.errors import GanlensError


def draw(path: Path, seed: int = 0, size: tuple[int, int] = (16, 16)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def folder(root: Path, *names: str) -> Path:
    for seed, name in enumerate(names):
        draw(root / name, seed)
    return root


def zipped(root: Path, target: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(root.rglob("*")):
            if path.is_file():
                archive.write(path, prefix + path.relative_to(root).as_posix())
    return target


def tarred(root: Path, target: Path, prefix: str = "") -> Path:
    with tarfile.open(target, "w:gz" if target.suffix == ".gz" else "w") as archive:
        archive.add(root, prefix or ".")  # as people do: with the folder's own entry
    return target


@pytest.fixture(params=["folder", "zip", "zip in a folder", "tar", "tar.gz in a folder"])
def wrap(request, tmp_path):
    """Give a folder as it is, as an archive, and as one that holds it under one more folder."""
    if request.param == "folder":
        return lambda root: str(root)
    kind, inside, _ = request.param.partition(" in a folder")
    pack = zipped if kind == "zip" else tarred
    return lambda root: str(pack(root, tmp_path / f"data.{kind}", "my data/" if inside else ""))


def refusal(spec, **options) -> str:
    with pytest.raises(GanlensError) as refused:
        open_data(str(spec), **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_class_folders(tmp_path, wrap):
    root = folder(tmp_path / "d", "dog/a.png", "cat/a.png", "dog/deep/b.png", "cat/b.png")
    data = open_data(wrap(root))
    assert data.class_names == ("cat", "dog")
    by_name = dict(zip((n.removeprefix("my data/") for n in data.names), data.labels, strict=True))
    assert by_name == {"cat/a.png": 0, "cat/b.png": 0, "dog/a.png": 1, "dog/deep/b.png": 1}
    assert len(data.select("class=dog")) == 2


def test_top_level_train_and_test_are_declared(tmp_path, wrap):
    names = ("train/dog/1.png", "train/cat/1.png", "test/dog/1.png", "train/cat/2.png")
    data = open_data(wrap(folder(tmp_path / "d", *names)))
    assert data.split_source == "declared"
    assert data.bounds == {"train": (0, 3), "test": (3, 4)}
    assert data.class_names == ("cat", "dog")
    assert data.part("test").labels.tolist() == [1]


def test_val_stands_for_test_only_where_there_is_none(tmp_path):
    root = folder(tmp_path / "d", "train/1.png", "train/2.png", "val/3.png")
    assert open_data(str(root)).bounds == {"train": (0, 2), "test": (2, 3)}
    draw(root / "test/4.png", 9)
    data = open_data(str(root))
    assert data.bounds == {"train": (0, 2), "val": (2, 3), "test": (3, 4)}
    assert [name.split("/")[0] for name in data.names] == ["train", "train", "val", "test"]
    assert len(data.part("val")) == 1


def test_a_lone_folder_or_images_beside_folders_make_no_classes(tmp_path):
    assert open_data(str(folder(tmp_path / "a", "images/1.png", "images/2.png"))).labels is None
    assert open_data(str(folder(tmp_path / "b", "1.png", "x/2.png", "y/3.png"))).labels is None


def test_left_behinds_of_operating_systems_are_ignored(tmp_path, wrap):
    root = folder(tmp_path / "d", "a.png", "__MACOSX/._a.png", ".hidden/b.png", ".c.png")
    (root / "Thumbs.db").write_bytes(b"x")
    (root / "notes.txt").write_text("x")
    data = open_data(wrap(root))
    assert [Path(name).name for name in data.names] == ["a.png"]
    assert data.skipped == ()


def test_images_that_are_never_read_are_listed(tmp_path):
    root = folder(tmp_path / "d", "a.png")
    (root / "b.HEIC").write_bytes(b"x")
    (skip,) = open_data(str(root)).skipped
    assert skip.name == "b.HEIC"
    assert "not read" in skip.reason


def test_a_pipe_is_listed_and_not_waited_for(tmp_path):
    folder(tmp_path / "data", "a.png", "b.png")
    os.mkfifo(tmp_path / "data" / "pipe.png")
    data = open_data(tmp_path / "data")
    assert [(s.name, s.reason) for s in data.skipped] == [
        ("pipe.png", "neither a file nor a link to one")
    ]
    os.mkfifo(tmp_path / "pipe.zip")
    with pytest.raises(GanlensError, match="is a pipe, not a regular file"):
        open_data(tmp_path / "pipe.zip")


def test_linked_folders_are_followed_and_loops_are_not(tmp_path):
    root = folder(tmp_path / "d", "cat/a.png", "dog/b.png")
    (root / "cat/up").symlink_to(root)
    (root / "wolf").symlink_to(root / "dog")
    data = open_data(str(root))
    assert data.names.tolist() == ["cat/a.png", "dog/b.png", "wolf/b.png"]


ATTRIBUTES = "filename,split,mouth,tilt\nx/1.png,train,smile,-3\nx/2.png,test,frown,4.5\n"


def test_attributes(tmp_path, wrap):
    root = folder(tmp_path / "d", "x/1.png", "x/2.png")
    (root / "attributes.csv").write_text(ATTRIBUTES, encoding="utf-8-sig")
    data = open_data(wrap(root))
    assert data.bounds == {"train": (0, 1), "test": (1, 2)}
    assert data.attributes["mouth"].tolist() == ["smile", "frown"]
    assert data.attributes["tilt"].tolist() == [-3.0, 4.5]
    assert data.attributes["tilt"].dtype == np.float64
    assert data.select("tilt>0 & mouth=frown").tolist() == [1]
    # A value that only the other part takes is known, and selects nothing here.
    assert data.part("train").select("mouth=frown").tolist() == []


def test_a_class_column_gives_labels(tmp_path):
    root = folder(tmp_path / "d", "1.png", "2.png")
    (root / "attributes.csv").write_text("filename,class\n1.png,dog\n2.png,cat\n")
    data = open_data(str(root))
    assert data.class_names == ("cat", "dog")
    assert dict(zip(data.names, data.labels, strict=True)) == {"1.png": 1, "2.png": 0}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2.5", "1e3"], "f"),
        (["1", "2", "x"], "U"),
        (["1", "", "x"], "U"),
        (["1_000", "2"], "U"),
        (["nan", "2"], "f"),
    ],
)
def test_a_column_is_numeric_only_if_every_value_is(values, kind):
    column = parse_column(values)
    assert column.dtype.kind == kind
    if kind == "U":
        assert column.tolist() == values


def test_an_image_that_the_table_lacks_is_listed(tmp_path):
    root = folder(tmp_path / "d", "x/1.png", "x/2.png", "x/3.png")
    (root / "attributes.csv").write_text(ATTRIBUTES)
    data = open_data(str(root))
    assert len(data) == 2
    assert [(s.name, s.reason) for s in data.skipped] == [
        ("x/3.png", "not listed in attributes.csv")
    ]


def test_files_that_are_not_there_are_an_error(tmp_path, wrap):
    root = folder(tmp_path / "d", "x/1.png")
    lines = [f"x/{index}.png,train,smile,0" for index in range(1, 8)]
    (root / "attributes.csv").write_text("\n".join([ATTRIBUTES.split("\n")[0], *lines]))
    said = refusal(wrap(root))
    assert "names 6 of 7 files that are not there" in said
    assert "x/2.png" in said
    assert "x/4.png ..." in said
    assert "add the files" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,mouth\n1.png,smile\n", "it needs 'filename'"),
        ("filename,mouth,mouth\n1.png,a,b\n", "a name of its own"),
        ("filename,mouth\n1.png\n", "line 2 has 1 values for 2 columns"),
        ("filename,mouth\n1.png,a\n1.png,b\n", "lists '1.png' twice"),
        ("filename,split\n1.png,held-out\n", "split 'held-out' is not known"),
        ("", "has the columns none"),
        ('filename,mouth\n"1.png,a\n', "not a CSV file"),
        (b"filename,mouth\n1.png,\xff\xfe\n", "save it as UTF-8"),
        ("filename,mouth\n", "found 0 images"),
    ],
)
def test_bad_tables_are_refused(tmp_path, text, said):
    root = folder(tmp_path / "d", "1.png")
    (root / "attributes.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    assert said in refusal(root)


def test_dataset_json(tmp_path, wrap):
    root = folder(tmp_path / "d", "00000/1.png", "00000/2.png", "00001/3.png")
    labels = [["00000/1.png", 7], ["00000/2.png", 3], ["00001/3.png", 7]]
    (root / "dataset.json").write_text(json.dumps({"labels": labels}))
    data = open_data(wrap(root))
    assert data.class_names == ("3", "7")
    found = {
        n.removeprefix("my data/"): int(k) for n, k in zip(data.names, data.labels, strict=True)
    }
    assert found == {"00000/1.png": 1, "00000/2.png": 0, "00001/3.png": 1}


def test_dataset_json_without_labels_leaves_the_folders(tmp_path):
    root = folder(tmp_path / "d", "cat/1.png", "dog/2.png")
    (root / "dataset.json").write_text('{"labels": null}')
    assert open_data(str(root)).class_names == ("cat", "dog")


@pytest.mark.parametrize(
    "text", ["{", '{"labels": [["1.png", "x"]]}', '{"labels": [["1.png", 1.5]]}', '{"labels": 3}']
)
def test_bad_dataset_json_is_refused(tmp_path, text):
    root = folder(tmp_path / "d", "1.png")
    (root / "dataset.json").write_text(text)
    assert '{"labels": [[name, int], ...]}' in refusal(root)


@pytest.mark.parametrize("text", ["[]", '{"a": 1}', '{"name": "faces", "images": []}', "3"])
def test_a_dataset_json_about_something_else_is_said_and_left(tmp_path, text):
    root = folder(tmp_path / "d", "cat/1.png", "dog/2.png")
    (root / "dataset.json").write_text(text)
    data = open_data(str(root))
    assert data.class_names == ("cat", "dog")
    assert any("dataset.json is not read" in note for note in data.notes)


def test_dataset_json_naming_absent_files_is_refused(tmp_path):
    root = folder(tmp_path / "d", "1.png")
    (root / "dataset.json").write_text('{"labels": [["1.png", 0], ["2.png", 1]]}')
    assert "names 1 of 2 files that are not there: 2.png" in refusal(root)


def test_zip_slip_writes_nothing_and_is_listed(tmp_path):
    good = draw(tmp_path / "good.png").read_bytes()
    names = ["../evil.png", "/abs.png", "C:\\evil.png", "a/../../evil.png", "fine.png"]
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        for name in names:
            archive.writestr(name, good)
    before = sorted(tmp_path.rglob("*"))
    data = open_data(str(tmp_path / "d.zip"), cache=tmp_path.parent / f"{tmp_path.name}-cache")
    assert data.names.tolist() == ["fine.png"]
    assert len(data.skipped) == 4
    assert all("leads out" in skip.reason for skip in data.skipped)
    assert sorted(tmp_path.rglob("*")) == before


def test_zip_bombs_are_listed(tmp_path, monkeypatch):
    good = draw(tmp_path / "good.png").read_bytes()
    with zipfile.ZipFile(tmp_path / "d.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.png", bytes(2**21))
        archive.writestr("fine.png", good)
    monkeypatch.setattr("ganlens.data.trees.MAX_FILE", 2**20)
    data = open_data(str(tmp_path / "d.zip"))
    assert data.names.tolist() == ["fine.png"]
    assert [skip.reason for skip in data.skipped] == [
        "2,097,152 bytes: more than the limit of 1,048,576"
    ]


def test_a_table_bomb_is_refused(tmp_path, monkeypatch):
    root = folder(tmp_path / "d", "1.png")
    (root / "attributes.csv").write_text("filename,a\n1.png,b\n")
    monkeypatch.setattr("ganlens.data.sidecars.MAX_SIDECAR", 10)
    assert "attributes.csv cannot be read" in refusal(root)


def test_broken_zips_are_refused(tmp_path):
    path = tmp_path / "d.zip"
    path.write_bytes(b"PK\x03\x04 not really")
    assert "not a readable zip file" in refusal(path)
    with zipfile.ZipFile(path, "w"):
        pass
    assert "found 0 images" in refusal(path)
