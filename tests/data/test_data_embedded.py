"""Embedded data: what is in them, that their splits share nothing, and where they are named."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganlens.cli import main, usage
from ganlens.cli.flags import DATA_HELP
from ganlens.cli.opening import open_to_train
from ganlens.data import EMBEDDED, ImageSet, check_trainable, open_data
from ganlens.errors import GanlensError

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
FINGERPRINTS = {  # what checkpoints, features and classifiers of these data are found again by
    "pixelfaces": "8bc31b0cda768dd4dc88d93e371e5b0ad646358249df5a7ed3ce227a1fc6761e",
    "mnist10k": "2d6a5d3389bc6e2a138a3374cd5a159d83ed371664e6c03a229178223d317b7d",
    "pixelfaces-pairs": "3444e0f74457d2965c99ea45ed833c78017c6e5103d3081a9f983d3aeddc7a54",
}
shared_only = pytest.mark.skipif(not SHARED.is_dir(), reason="the data of origin are not here")


@pytest.fixture(scope="module")
def mnist() -> ImageSet:
    return open_data("mnist10k")


@pytest.fixture(scope="module")
def changed() -> ImageSet:
    return open_data("pixelfaces-pairs")


def refused(capsys: pytest.CaptureFixture[str]) -> str:
    (line,) = [one for one in capsys.readouterr().err.splitlines() if one.startswith("ganlens: ")]
    return line


def test_mnist10k(mnist: ImageSet) -> None:
    assert mnist.images.shape == (10_000, 28, 28, 1)
    assert mnist.bounds == {"train": (0, 8000), "test": (8000, 10_000)}
    assert mnist.split_source == "declared"
    assert mnist.class_names == tuple("0123456789")
    assert (mnist.skipped, mnist.attributes) == ((), {})
    assert [name.split("/")[1] for name in mnist.names] == [str(k) for k in mnist.labels]


def test_the_classes_of_mnist10k_are_as_unequal_as_found(mnist: ImageSet) -> None:
    counts = {split: np.bincount(mnist.part(split).labels).tolist() for split in ("train", "test")}
    assert counts == {
        "train": [792, 897, 777, 826, 802, 695, 819, 873, 732, 787],
        "test": [209, 230, 214, 206, 178, 168, 195, 197, 212, 191],
    }


def test_pixelfaces_pairs(changed: ImageSet) -> None:
    assert changed.images.shape == (4000, 32, 32, 3)
    assert changed.bounds == {"train": (0, 0), "test": (0, 4000)}
    assert (changed.split_source, changed.skipped) == ("declared", ())
    assert list(changed.attributes)[:3] == ["of", "attribute", "value"]
    assert list(changed.attributes)[3:] == list(open_data("pixelfaces").attributes)


@pytest.mark.parametrize("name", FINGERPRINTS)
def test_the_fingerprint_is_stable(name: str) -> None:
    assert open_data(name).fingerprint == FINGERPRINTS[name]


@pytest.mark.parametrize("name", ["pixelfaces", "mnist10k"])
def test_no_image_is_in_both_splits(name: str) -> None:
    train, test = (
        {image.tobytes() for image in open_data(name, split).images} for split in ("train", "test")
    )
    assert not train & test


@shared_only
@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("pixelfaces", {"pixelfaces.zip": ""}),
        ("pixelfaces-pairs", {"pixelfaces-pairs.zip": ""}),
        ("mnist10k", {"mnist10k-train.zip": "train/", "mnist10k-test.zip": "test/"}),
    ],
)
def test_every_pixel_is_that_of_the_origin(name: str, files: dict[str, str]) -> None:
    data, seen = open_data(name), 0
    row = {name: index for index, name in enumerate(data.names.tolist())}
    for file, prefix in files.items():
        with zipfile.ZipFile(SHARED / file) as archive:
            for one in (n for n in archive.namelist() if not n.endswith(".csv")):
                stored = Image.open(io.BytesIO(archive.read(one)))
                pixels = np.asarray(stored.convert("RGB" if data.images.shape[-1] == 3 else "L"))
                assert np.array_equal(data.images[row[prefix + one]].squeeze(), pixels), one
                seen += 1
    assert seen == len(data)


# --- training -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "side"), [(None, 28), (28, 28), (16, 16)])
def test_mnist10k_is_trained_at_its_own_size_or_below(size: int | None, side: int) -> None:
    assert open_to_train("mnist10k", "a DCGAN", size).image_shape == (1, side, side)


def test_mnist10k_is_enlarged_only_on_demand() -> None:
    with pytest.raises(GanlensError, match="valid 16 to 28, or enlarge them: mnist10k,upscale=yes"):
        open_to_train("mnist10k", "a DCGAN", 32)
    assert open_to_train("mnist10k", "a DCGAN", 32, upscale=True).image_shape == (1, 32, 32)


@pytest.mark.parametrize("command", [["train"], ["classifier", "train"]])
def test_training_on_counterfactuals_is_refused(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--data", "pixelfaces-pairs", "--out", str(tmp_path / "run")]
    assert main([*command, *words]) == 2
    line = refused(capsys)
    assert "for evaluation, never for training" in line
    assert line.endswith("train on pixelfaces")
    assert not (tmp_path / "run").exists()


def test_a_join_does_not_train_on_them_either(changed: ImageSet) -> None:
    with pytest.raises(GanlensError, match="has no train images: give another train=SPEC"):
        open_data("train=pixelfaces-pairs,test=pixelfaces")
    with pytest.raises(GanlensError, match="has no train images"):
        changed.part("train")
    for name in ("pixelfaces", "digits", "mnist10k", "./pixelfaces-pairs"):
        check_trainable(name)


# --- where they are named -----------------------------------------------------------------------


def test_help_names_all_of_them() -> None:
    missing = [
        n for n in EMBEDDED if n not in DATA_HELP.replace(",", " ").replace(";", " ").split()
    ]
    assert missing == []
    assert [n for n in EMBEDDED if n not in usage()] == []


def test_a_wrong_name_is_answered_with_all_of_them() -> None:
    with pytest.raises(GanlensError, match=f"give {', '.join(EMBEDDED)}, torchvision:NAME"):
        open_data("/no/such/folder")


def test_list_says_whose_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown and known.licence in shown for name, known in EMBEDDED.items())


def test_the_docs_have_the_same_table() -> None:
    text = (ROOT / "docs" / "data.md").read_text("utf-8")
    for name, known in EMBEDDED.items():
        assert f"| `{name}` | {known.images} | {known.origin} | {known.licence} |" in text


def test_what_travels_along_carries_its_licence() -> None:
    assets = ROOT / "ganlens" / "assets"
    lines = (assets / "LICENSES.md").read_text("utf-8").splitlines()
    for file in assets.glob("*.zip"):
        (line,) = [one for one in lines if one.startswith(f"| `{file.name}` ")]
        assert f"[{EMBEDDED[file.stem].licence}](" in line
