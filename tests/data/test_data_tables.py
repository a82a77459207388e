"""Tables as people keep them: what is a category, what a number, what only names rows."""

import csv
import json
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganlens.data import open_data
from ganlens.data.columns import attributes_of, parse_column
from ganlens.errors import GanlensError
from ganlens.probes.linear.targets import find_targets

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "tables"
COUNT = 30


def pictures(root: Path, names: list[str]) -> Path:
    for index, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16), (index % 256, index // 256, 50)).save(root / name)
    return root


NAMES = [f"{index:03d}.png" for index in range(COUNT)]


def opened(tmp_path, columns: dict[str, list], name: str = "attributes.csv", sign: str = ","):
    root = pictures(tmp_path / "d", NAMES)
    with open(root / name, "w", newline="") as file:
        writer = csv.writer(file, delimiter=sign)
        writer.writerow(["filename", *columns])
        writer.writerows(zip(NAMES, *columns.values(), strict=True))
    return open_data(str(root), cache=tmp_path / "cache")


def said(data, text: str) -> bool:
    return any(text in note for note in data.notes)


@pytest.mark.parametrize("blank", ["", "NA", "n/a", "NaN", "null", "None", "?", "-"])
def test_a_number_column_with_blanks_is_numbers(tmp_path, blank):
    values = [blank if index % 7 == 3 else f"{index / 4}" for index in range(COUNT)]
    data = opened(tmp_path, {"tilt": values})
    column = data.attributes["tilt"][np.argsort(data.names)]
    assert column.dtype == np.float64
    for index, value in enumerate(column):
        assert np.isnan(value) if index % 7 == 3 else value == index / 4
    assert said(data, "tilt (4): numbers, with blanks")
    assert len(data.select("tilt>2")) == sum(i / 4 > 2 and i % 7 != 3 for i in range(COUNT))


def test_one_slip_does_not_make_categories_of_numbers(tmp_path):
    values = ["1o.5" if index == 4 else f"{index}.5" for index in range(COUNT)]
    data = opened(tmp_path, {"tilt": values})
    assert np.isnan(data.attributes["tilt"]).sum() == 1
    assert said(data, "tilt (1, such as '1o.5')")


@pytest.mark.parametrize(
    ("pair", "values"),
    [(("0", "1"), {"0", "1"}), (("-1", "1"), {"-1", "1"}), (("0.0", "1.0"), {"0", "1"}),
     (("-1", ""), {"-1", ""}), (("2", "1"), {"1", "2"}), (("1", "unknown"), {"1", ""}),
     (("1", "NA"), {"1", ""})],
)  # fmt: skip
def test_flags_are_categories(tmp_path, pair, values):
    data = opened(tmp_path, {"Smiling": [pair[index % 3 == 0] for index in range(COUNT)]})
    assert set(data.attributes["Smiling"].tolist()) == values
    assert said(data, "Smiling: whole numbers taken as categories")
    assert len(data.select("Smiling=1" if "1" in values else "Smiling=-1"))


def test_flags_open_the_probes(tmp_path):
    flags = [index // 2 % 2 for index in range(COUNT)]
    data = opened(tmp_path, {"split": ["train", "test"] * (COUNT // 2), "Male": flags})
    (target,) = find_targets(data.part("train"), data.part("test"), "auto")
    assert (target.name, target.classes) == ("Male", ("0", "1"))


@pytest.mark.parametrize("name", ["class", "label", "Target", "category"])
def test_integer_classes_are_labels_in_their_order(tmp_path, name):
    data = opened(tmp_path, {name: [index % 12 for index in range(COUNT)]})
    assert data.class_names == tuple(map(str, range(12)))
    np.testing.assert_array_equal(data.labels[np.argsort(data.names)], np.arange(COUNT) % 12)


def test_a_blank_class_is_none(tmp_path):
    data = opened(tmp_path, {"class": ["", *("ab"[i % 2] for i in range(COUNT - 1))]})
    assert data.class_names == ("a", "b")
    assert data.labels[np.argsort(data.names)][0] == -1


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("photo_id", [f"P{index:05d}" for index in range(COUNT)]),
        ("hash", [f"{index * 7919:x}f" for index in range(COUNT)]),
        ("image_id", list(range(COUNT))),
        ("id", [index // 2 * 2 + index for index in range(COUNT)]),
        ("date", [f"2021-03-{1 + index}" for index in range(COUNT)]),
    ],
)
def test_names_of_rows_are_no_attribute(tmp_path, name, values):
    data = opened(tmp_path, {name: values, "hair": ["ab"[i % 2] for i in range(COUNT)]})
    assert list(data.attributes) == ["hair"]
    assert said(data, f"{name}: left out")


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("age", [str(20 + index) for index in range(COUNT)], "f"),
        ("count", [str(index % 5) for index in range(COUNT)], "f"),
        ("dy", [str(index % 9 - 4) for index in range(COUNT)], "f"),
        ("caption", [f"picture number {index}" for index in range(COUNT)], "U"),
        ("text", [f"w{index}" for index in range(COUNT)], "U"),
        ("identity", [str(index // 3) for index in range(COUNT)], "U"),
        ("hair", ["none", "long", "short"] * 10, "U"),
        ("price", ["1,234"] * COUNT, "U"),
    ],
)
def test_other_columns_are_what_they_were(name, values, kind):
    found, _ = attributes_of({name: values}, [])
    assert found[name].dtype.kind == kind


def test_a_column_of_blanks_is_no_number():
    assert parse_column(["", "NA", ""]).dtype.kind == "U"


def test_the_index_that_pandas_writes_is_no_attribute(tmp_path):
    root = pictures(tmp_path / "d", NAMES)
    lines = "".join(f"{i},{name},{'ab'[i % 2]}\n" for i, name in enumerate(NAMES))
    (root / "attributes.csv").write_text(f",filename,hair\n{lines}")
    data = open_data(str(root), cache=tmp_path / "cache")
    assert list(data.attributes) == ["hair"]


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_other_delimiters(tmp_path, sign):
    values = [f"{index},5" for index in range(COUNT)]  # with a comma for the point
    data = opened(tmp_path, {"tilt": values, "hair": ["a", "b"] * 15}, sign=sign)
    assert data.attributes["tilt"][np.argsort(data.names)].tolist() == [
        index + 0.5 for index in range(COUNT)
    ]
    assert set(data.attributes["hair"]) == {"a", "b"}


@pytest.mark.parametrize("form", ["utf-8-sig", "utf-16"])
def test_marks_of_spreadsheets(tmp_path, form):
    root = pictures(tmp_path / "d", ["é.png"])
    (root / "attributes.csv").write_text("filename,hair\né.png,löng\n", encoding=form)
    assert open_data(str(root), cache=tmp_path).attributes["hair"].tolist() == ["löng"]


@pytest.mark.parametrize(
    ("files", "listed"),
    [
        (unicodedata.normalize("NFD", "é1.png"), unicodedata.normalize("NFC", "é1.png")),
        (unicodedata.normalize("NFC", "é1.png"), unicodedata.normalize("NFD", "é1.png")),
        ("a1.JPG", "a1.jpg"),
        ("x/a1.png", "x\\a1.png"),
        ("a1.png", "./a1.png"),
        ("000001.png", "000001"),
    ],
)
def test_names_that_mean_the_same_file(tmp_path, files, listed):
    root = pictures(tmp_path / "d", [files, "other.png"])
    (root / "attributes.csv").write_text(f"filename,hair\n{listed},a\n", encoding="utf-8")
    data = open_data(str(root), cache=tmp_path)
    assert data.names.tolist() == [files]
    assert [skip.reason for skip in data.skipped] == ["not listed in attributes.csv"]


def test_a_name_that_means_two_files_means_none(tmp_path):
    root = pictures(tmp_path / "d", ["a.png", "a.bmp"])
    (root / "attributes.csv").write_text("filename,hair\na,b\n")
    with pytest.raises(GanlensError, match="not there: a;"):
        open_data(str(root), cache=tmp_path)


@pytest.mark.parametrize("name", ["metadata.csv", "attributes.csv"])
@pytest.mark.parametrize(
    ("files", "listed"),
    [
        (["img_align/000001.jpg", "img_align/000002.jpg"], ["000001.jpg", "000002.jpg"]),
        (["images/cats/a.png", "images/dogs/b.png"], ["b", "A.png"]),
        (["images/a.png", "images/a.jpg"], ["a.jpg", "a.png"]),
        (["a.png", "deep/b.png"], ["b.png", "a.png"]),
    ],
)
def test_files_listed_without_their_folders_are_found(tmp_path, name, files, listed):
    root = pictures(tmp_path / "d", files)
    rows = [f"{file},{number}.5" for number, file in enumerate(listed)]
    (root / name).write_text("\n".join(["image_id,age", *rows]))
    data = open_data(str(root), cache=tmp_path / "cache")
    order = {file.casefold(): number + 0.5 for number, file in enumerate(listed)}
    for image, age in zip(data.names, data.attributes["age"], strict=True):
        last = image.rpartition("/")[2]
        assert age == order.get(last, order.get(last.partition(".")[0]))
    assert said(data, "found by name alone")


@pytest.mark.parametrize("listed", ["a.png", "other/a.png", "../one/a.png"])
def test_a_file_that_stands_in_two_folders_is_not_guessed(tmp_path, listed):
    root = pictures(tmp_path / "d", ["one/a.png", "two/a.png"])
    (root / "metadata.csv").write_text(f"file_name,age\n{listed},1\n")
    with pytest.raises(GanlensError, match="names 1 of 1 files that are not there"):
        open_data(str(root), cache=tmp_path / "cache")


def test_metadata_of_each_split_folder(tmp_path):
    names = [f"{split}/{index}.png" for split in ("train", "test") for index in range(4)]
    root = pictures(tmp_path / "d", names)
    for split in ("train", "test"):
        rows = [{"file_name": f"{i}.png", "label": "ab"[i % 2], "tilt": i} for i in range(4)]
        lines = "\n".join(json.dumps(row) for row in rows)
        (root / split / "metadata.jsonl").write_text(lines)
    data = open_data(str(root), cache=tmp_path / "cache")
    assert data.bounds == {"train": (0, 4), "test": (4, 8)}
    assert data.class_names == ("a", "b")
    assert data.part("test").attributes["tilt"].tolist() == [0.0, 1.0, 2.0, 3.0]


def test_a_split_column_in_other_words(tmp_path):
    words = ["Training", "Validation", "Testing"]
    data = opened(tmp_path, {"subset": [words[i % 3] for i in range(COUNT)]})
    assert {s: b - a for s, (a, b) in data.bounds.items()} == {"train": 10, "val": 10, "test": 10}
    assert said(data, "splits from the column 'subset'")


def test_a_metadata_table_about_something_else_is_said(tmp_path):
    root = pictures(tmp_path / "d", ["cat/1.png", "dog/2.png"])
    (root / "metadata.csv").write_text("key,value\nlicence,CC0\n")
    data = open_data(str(root), cache=tmp_path / "cache")
    assert data.class_names == ("cat", "dog")
    assert said(data, "metadata.csv is not read")


def test_tables_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("ganlens.data.tables.MAX_CELLS", 20)
    with pytest.raises(GanlensError, match="more than the limit of 20 values"):
        opened(tmp_path, {"a": ["x"] * COUNT})


def test_what_unfolds_in_memory_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("ganlens.data.sidecars.MAX_CELLS", 1000)
    root = pictures(tmp_path / "d", ["1.png"])
    for name in ("dataset.json", "metadata.jsonl"):
        (root / name).write_text('{"labels": [' + "[]," * 600 + "[]]}")
        with pytest.raises(GanlensError, match="more than 500 lists and objects"):
            open_data(str(root), cache=tmp_path / "cache")
        (root / name).unlink()


@pytest.mark.parametrize("text", ["[1]", "{", '{"file_name": "1.png"}\n3', "{}\n[[[["])
def test_json_lines_that_are_none_are_one_line(tmp_path, text):
    root = pictures(tmp_path / "d", ["1.png"])
    (root / "metadata.jsonl").write_text(text)
    with pytest.raises(GanlensError, match="JSON"):
        open_data(str(root), cache=tmp_path / "cache")


def test_joined_tables_write_numbers_alike(tmp_path):
    for name, values in (("a", "01"), ("b", "02")):
        root = pictures(tmp_path / name, ["1.png", "2.png"])
        lines = "".join(f"{i + 1}.png,{value}\n" for i, value in enumerate(values))
        (root / "attributes.csv").write_text(f"filename,n\n{lines}")
    data = open_data(f"train={tmp_path / 'a'},test={tmp_path / 'b'}", cache=tmp_path / "cache")
    assert data.attributes["n"].tolist() == ["0", "1", "0", "2"]


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases from practice are not here")
def test_the_cases_from_practice(tmp_path):
    def case(name):
        return open_data(str(CASES / name), cache=tmp_path)

    assert case("b17_blank").attributes["tilt"].dtype == np.float64
    assert set(case("b17_celeba2").attributes["Smiling"]) == {"-1", "1"}
    assert case("b17_class_int").class_names == ("0", "1")
    assert set(case("b17_semi").attributes) == {"hair", "tilt"}
    assert len(case("b17_nfd")) == 8
    assert len(case("b22_unrelated")) == 6


def test_a_zip_with_tables_in_it(tmp_path):
    root = pictures(tmp_path / "d", ["1.png", "2.png"])
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        for path in root.iterdir():
            archive.write(path, f"top/{path.name}")
        archive.writestr("top/attributes.csv", "filename;class\n1.png;0\n2.png;1\n")
    data = open_data(str(tmp_path / "d.zip"), cache=tmp_path / "cache")
    assert data.class_names == ("0", "1")
