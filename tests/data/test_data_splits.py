"""Splits, classes, strays and litter by the names of folders, and what must not be taken so."""

import os
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from ganlens.data import open_data
from ganlens.data.folders import arrange
from ganlens.data.kinds import is_wanted
from ganlens.data.splits import folder_splits, split_name, split_word
from ganlens.errors import GanlensError

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases" / "split-folder-names"


def many(*folders: str, each: int = 20) -> list[str]:
    return [f"{folder}/{index}.png" for folder in folders for index in range(each)]


def kinds(*folders: str) -> dict[str, str] | None:
    found = folder_splits(dict.fromkeys(folders, 20), "data")
    return None if found is None or not found.declared else found.kinds


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        (("Training", "Testing"), ("train", "test")),
        (("TRAIN", "VAL", "TEST"), ("train", "val", "test")),
        (("seg_train", "seg_test"), ("train", "test")),
        (("train2017", "val2017"), ("train", "val")),
        (("imagenet_train", "imagenet_val"), ("train", "val")),
        (("ILSVRC2012_img_train", "ILSVRC2012_img_val"), ("train", "val")),
        (("training_set", "test_set"), ("train", "test")),
        (("trainset", "testset"), ("train", "test")),
        (("train_images", "test-images"), ("train", "test")),
        (("TrainImages", "ValidationImages"), ("train", "val")),
        (("train-00", "train-01", "test-00"), ("train", "train", "test")),
        (("train", "dev"), ("train", "val")),
        (("train", "eval"), ("train", "val")),
        (("train1", "test1"), ("train", "test")),
        (("trainval", "test"), ("train", "test")),
        (("1_train", "2_valid"), ("train", "val")),
        (("train data", "test data"), ("train", "test")),
        (("trainA", "testA"), ("train", "test")),
    ],
)
def test_splits_are_recognised_by_kind(folders, expected):
    assert kinds(*folders) == dict(zip(folders, expected, strict=True))


@pytest.mark.parametrize(
    "folders",
    [
        ("trainer", "tester"),
        ("freight train", "test tube"),
        ("train", "bus", "car"),
        ("train station", "valley"),
        ("contest", "training"),
        ("test tube", "beaker"),
        ("validator", "devil", "evaluator"),
        ("0", "1", "2"),
        ("Trainspotting", "Testament"),
        ("train_cat", "test_dog"),
        ("bullet train", "steam train"),
    ],
)
def test_classes_are_no_splits(folders):
    assert kinds(*folders) is None
    found = arrange(many(*folders), "data")
    assert found.splits is None
    assert set(found.classes or ()) == set(folders)


@pytest.mark.parametrize(
    "folders", [("train", "bus", "car"), ("train", "query", "gallery"), ("train", "train_extra")]
)
def test_a_class_that_is_named_like_a_split_is_said(folders):
    found = arrange(many(*folders), "data")
    assert found.splits is None
    assert any("named like splits, but taken as classes" in note for note in found.notes)
    assert not arrange(many("trainer", "bus"), "data").notes


@pytest.mark.parametrize("word", ["train_test", "cat", "", "test train", "pretrained"])
def test_names_of_no_or_two_splits_say_none(word):
    assert split_name(word) is None


def test_words_of_a_column():
    said = {w: split_word(w) for w in ("Training", " valid ", "TEST", "val2017", "trainer", "")}
    assert said == {
        "Training": "train", " valid ": "val", "TEST": "test", "val2017": "val", "trainer": None,
        "": None,
    }  # fmt: skip


def test_an_unlabelled_folder_beside_splits_is_left_out_and_named():
    names = many("train/cat", "train/dog", "test/cat", "test/dog") + many("unlabeled", each=500)
    found = arrange(names, "data")
    kept = [row for row in range(len(names)) if row not in found.left_out]
    assert Counter(found.splits[row] for row in kept) == {"train": 40, "test": 40}
    assert {found.classes[row] for row in kept} == {"cat", "dog"}
    assert any("left out the folders unlabeled" in note for note in found.notes)


@pytest.mark.parametrize("held", ["test", "test/unknown", "test/0", "test/images", "seg_pred"])
def test_a_split_without_classes_keeps_those_of_train(held):
    heads = ("seg_train", "seg_test") if held == "seg_pred" else ("train", "valid")
    names = many(*(f"{head}/{c}" for head in heads for c in ("cat", "dog"))) + many(held)
    found = arrange(names, "data")
    given = {found.classes[row] for row in range(80)}
    assert given == {"cat", "dog"}
    if held == "seg_pred":
        assert set(found.left_out) == set(range(80, 100))
    else:
        assert {found.classes[row] for row in range(80, 100)} == {""}
        assert any("they have no class" in note for note in found.notes)


def test_a_few_strays_are_left_out_and_many_are_not():
    names = ["overview.png", *many("cat", "dog")]
    found = arrange(names, "data")
    assert found.left_out == {0: "lies beside the class folders"}
    assert set(found.classes[1:]) == {"cat", "dog"}
    assert arrange(["a.png", *many("cat", "dog", each=3)], "data").classes is not None
    mixed = arrange([f"{i}.png" for i in range(9)] + many("cat", "dog"), "data")
    assert mixed.classes is None
    assert mixed.left_out == {}
    assert any("9 of 49 images lie outside" in note for note in mixed.notes)


@pytest.mark.parametrize(
    "folders",
    [("trainA", "trainB", "testA", "testB"), ("train_a", "train_b"), ("trainA", "trainB")],
)
def test_two_domains_are_refused_with_what_to_give(folders):
    first = (
        f"train=data/{folders[0]},test=data/testA" if len(folders) > 2 else f"as data/{folders[0]}"
    )
    with pytest.raises(GanlensError, match=rf"{first} and, .*--others"):
        arrange(many(*folders), "data")


def test_a_mixture_of_two_sets_is_refused():
    with pytest.raises(GanlensError, match="several sets"):
        arrange(many("seg_train", "seg_test", "depth_train", "depth_test"), "data")
    with pytest.raises(GanlensError, match=r"holds cats, dogs, owls beside its splits"):
        arrange(many("train", "test", "cats", "dogs", "owls"), "data")


@pytest.mark.parametrize(
    "folders",
    [
        ("cat/train", "cat/test", "dog/train", "dog/test"),
        ("train/cat", "train/dog", "test/cat", "test/dog"),
        ("images/train/cat", "images/train/dog", "images/test/cat", "images/test/dog",
         "masks/train/cat"),
        ("training_set/training_set/cat", "training_set/training_set/dog", "test_set/test_set/cat",
         "test_set/test_set/dog"),
    ],
)  # fmt: skip
def test_splits_at_another_level(folders):
    names = many(*folders)
    found = arrange(names, "data")
    kept = [row for row in range(len(names)) if row not in found.left_out]
    assert len(kept) == 80
    for row in kept:
        assert found.classes[row] in names[row]
        assert found.splits[row] in names[row]
    assert {found.classes[row] for row in kept} == {"cat", "dog"}


@pytest.mark.parametrize(
    "folders", [("images_001", "images_002"), ("batch1", "batch2", "batch3"), ("part-0", "part-1")]
)
def test_numbered_parts_are_no_classes(folders):
    found = arrange(many(*folders), "data")
    assert found.classes is None
    assert "numbered parts" in found.notes[-1]


def test_shards_of_one_split_are_one_set():
    found = arrange(many("train-00/cat", "train-00/dog", "train-01/cat", "train-01/dog"), "data")
    assert found.splits is None
    assert set(found.classes) == {"cat", "dog"}


def test_accents_are_one_class_however_they_are_written():
    found = arrange(many("train/Caf\u00e9", "train/x", "test/Cafe\u0301", "test/x"), "data")
    assert set(found.classes) == {"Caf\u00e9", "x"}


@pytest.mark.parametrize(
    "litter",
    [
        "@eaDir/0.jpg/SYNOPHOTO_THUMB_S.jpg", "cat/@eaDir/0.jpg", "$RECYCLE.BIN/x.png",
        "#recycle/x.png", "__MACOSX/cat/0.png", "System Volume Information/x.png",
        ".ipynb_checkpoints/0.jpg", "cat/._0.jpg", "cat/Thumbs.db", "Desktop.ini", ".DS_Store",
        "lost+found/a.png", "@Recycle/a.png", "cat/~$a.png", "#snapshot/cat/0.png",
    ],
)  # fmt: skip
def test_litter_is_no_data(litter):
    assert not is_wanted(litter)
    assert is_wanted("cat/0.jpg")


def test_a_folder_opens_as_it_is_arranged(tmp_path):
    for name in many("Training/a", "Training/b", "Testing/a", "Testing/b", each=3):
        path = tmp_path / "d" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16), (sum(map(ord, name)) % 256, 7, 9)).save(path)
    (tmp_path / "d/Training/@eaDir").mkdir()
    Image.new("RGB", (16, 16)).save(tmp_path / "d/Training/@eaDir/x.png")
    data = open_data(str(tmp_path / "d"))
    assert data.split_source == "declared"
    assert data.bounds == {"train": (0, 6), "test": (6, 12)}
    assert data.class_names == ("a", "b")
    assert data.notes[0] == "splits from folders: Training as train, Testing as test"


def test_images_without_a_class_are_of_none(tmp_path):
    for name in many("train/cat", "train/dog", "test", each=3):
        path = tmp_path / "d" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16), (sum(map(ord, name)) % 256, 7, 9)).save(path)
    data = open_data(str(tmp_path / "d"))
    assert data.part("test").labels.tolist() == [-1, -1, -1]
    assert data.part("test").classes.tolist() == ["", "", ""]
    assert len(data.select("class=dog")) == 3
    assert len(data.select("class=cat")) == 3


def test_a_missing_class_stays_missing_and_is_not_the_last(tmp_path):
    from ganlens.probes.linear.targets import find_targets
    from ganlens.training.data import training_data

    for name in many("train/cat", "train/dog", "test", each=3):
        path = tmp_path / "d" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16), (sum(map(ord, name)) % 256, 7, 9)).save(path)
    root = str(tmp_path / "d")
    joined = open_data(f"train={root},test={root}")
    assert joined.part("test").labels.tolist() == [-1, -1, -1]
    assert set(joined.part("train").classes) == {"cat", "dog"}
    with pytest.raises(GanlensError, match=r"the test images of .* have no classes"):
        find_targets(joined.part("train"), joined.part("test"), "auto")
    with pytest.raises(GanlensError, match="3 images without a class"):
        training_data(joined, ("classes",))
    assert training_data(joined.part("train"), ("classes",)).condition is not None


def test_a_link_to_itself_is_listed(tmp_path):
    (tmp_path / "d").mkdir()
    Image.new("RGB", (16, 16)).save(tmp_path / "d/a.png")
    os.symlink("loop", tmp_path / "d/loop")
    os.symlink("loop.png", tmp_path / "d/loop.png")
    os.symlink("nowhere", tmp_path / "d/broken.jpg")
    data = open_data(str(tmp_path / "d"))
    assert data.names.tolist() == ["a.png"]
    assert sorted(skip.name for skip in data.skipped) == ["broken.jpg", "loop", "loop.png"]


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases from practice are not here")
@pytest.mark.parametrize(
    ("case", "bounds", "classes"),
    [
        ("b1_training_testing", (24, 8), ("glioma", "notumor")),
        ("b3_test_flat", (16, 4), ("cats", "dogs")),
        ("b3b_stray", (12, 12), ("cats", "dogs")),
        ("b4_hf", (6, 6), ("cat", "dog")),
    ],
)
def test_the_cases_from_practice(tmp_path, case, bounds, classes):
    data = open_data(str(CASES / case), cache=tmp_path)
    assert data.split_source == "declared"
    assert tuple(len(data.part(split)) for split in ("train", "test")) == bounds
    assert data.class_names == classes
