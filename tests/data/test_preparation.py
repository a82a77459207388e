"""What is done to images until they are squares of one size, and that it is said."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganlens import open_data
from ganlens.checkpoints import load_checkpoint
from ganlens.cli import main
from ganlens.data import Preparation, check_trainable, with_fit
from ganlens.data.preparation import CONVERSIONS, Options, split_options
from ganlens.errors import GanlensError


def write(folder: Path, sizes: list[tuple[int, int]], seed: int = 0, inner: int = 0) -> Path:
    """Write noise; those with the same ``inner`` agree in the centre square."""
    folder.mkdir()
    for index, (width, height) in enumerate(sizes):
        pixels = np.random.default_rng([seed, index]).integers(0, 256, (height, width, 3), np.uint8)
        if inner:
            side = min(width, height)
            centre = np.random.default_rng([inner, index]).integers(0, 256, (side, side, 3))
            top, left = (height - side) // 2, (width - side) // 2
            pixels[top : top + side, left : left + side] = centre
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return folder


def prepared(spec: str | Path, **options: object) -> Preparation:
    found = open_data(str(spec), **options).preparation  # type: ignore[arg-type]
    assert found is not None
    return found


def test_squares_of_the_size_are_used_as_they_are(tmp_path: Path) -> None:
    found = prepared(write(tmp_path / "a", [(32, 32)] * 3))
    assert not found.changed
    assert str(found) == "used as they are, 32 x 32 px"


def test_a_crop_says_what_it_leaves_out(tmp_path: Path) -> None:
    found = prepared(write(tmp_path / "a", [(96, 48), (32, 64), (32, 32), (40, 32)]), size=32)
    assert found.not_square == 3
    assert found.left_out == pytest.approx(np.mean([1 / 2, 1 / 2, 1 / 5]))
    assert (found.sides, found.reduced, found.enlarged) == ((32, 48), 1, 0)
    assert str(found).startswith("3 of 4 not square: cropped to the centre, without 40%")
    assert str(found).endswith("1 reduced from 32 to 48 px to 32 px (Lanczos)")


def test_padding_keeps_everything_and_adds_black(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", [(96, 48), (48, 96)])
    data = open_data(str(folder), fit="pad")
    found = data.preparation
    assert data.image_shape == (3, 96, 96)
    assert data.spec == f"{folder},fit=pad"
    assert found is not None
    assert found.padding == pytest.approx(0.5)
    wide = np.asarray(Image.open(folder / "0.png"))
    row = data.names.tolist().index("0.png")
    assert np.array_equal(data.images[row][24:72], wide)
    assert data.images[row][:24].max() == data.images[row][72:].max() == 0


def test_squashing_keeps_everything_and_says_how_much(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", [(96, 48)])
    data = open_data(str(folder), fit="squash")
    picture = Image.open(folder / "0.png").resize((48, 48), Image.Resampling.LANCZOS)
    assert np.array_equal(data.images[0], np.asarray(picture))
    assert data.preparation is not None
    assert data.preparation.stretch == 2
    assert "squashed to a square, by up to 2 : 1" in str(data.preparation)


def test_the_spec_alone_opens_the_same_pixels_again(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", [(60, 40)] * 4)
    sets = {fit: open_data(str(folder), size=32, fit=fit) for fit in ("crop", "pad", "squash")}  # type: ignore[arg-type]
    assert len({data.fingerprint for data in sets.values()}) == 3
    for data in sets.values():
        again = open_data(data.spec, size=32)
        assert again.fingerprint == data.fingerprint
        assert np.array_equal(again.images, data.images)


def test_a_joined_spec_has_one_fit_for_both(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a", [(64, 32)] * 2), write(tmp_path / "b", [(32, 64)] * 2, 1)
    data = open_data(f"train={a},test={b},fit=pad")
    assert data.image_shape == (3, 64, 64)
    assert [len(data.part(split)) for split in ("train", "test")] == [2, 2]


def test_conversions_are_counted(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    colour = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    alpha = np.dstack([colour, np.full((32, 32), 128, np.uint8)])
    Image.fromarray(alpha).save(folder / "alpha.png")
    Image.fromarray(colour.astype(np.uint16)[..., 0] * 257).save(folder / "wide.png")
    Image.fromarray(colour).convert("CMYK").save(folder / "print.tiff")
    frames = [Image.fromarray(colour), Image.fromarray(255 - colour)]
    frames[0].save(folder / "film.gif", save_all=True, append_images=frames[1:])
    upside = Image.fromarray(colour)
    exif = upside.getexif()
    exif[0x0112] = 3
    upside.save(folder / "turned.jpg", exif=exif)
    found = prepared(folder)
    upright, several, transparent, rounded, space, to_grey, to_colour = CONVERSIONS
    assert found.conversions == dict.fromkeys(
        (upright, several, transparent, rounded, space, to_colour), 1
    )
    assert prepared(folder, channels=1).conversions[to_grey] == 4


def test_each_split_has_its_own(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a", [(64, 32)] * 2), write(tmp_path / "b", [(32, 32)] * 3, 1)
    data = open_data(f"train={a},test={b}")
    train, test = (data.part(split).preparation for split in ("train", "test"))
    assert train is not None
    assert test is not None
    assert (train.not_square, test.not_square) == (2, 0)


@pytest.mark.parametrize(
    ("spec", "bare", "options"),
    [
        ("a", "a", Options()),
        ("a,fit=pad", "a", Options("pad")),
        ("a, fit=squash,upscale=yes", "a", Options("squash", True)),
        ("train=a,test=b,upscale=yes,fit=crop", "train=a,test=b", Options("crop", True)),
        ("my,files", "my,files", Options()),
    ],
)
def test_options_stand_at_the_end_of_a_spec(spec: str, bare: str, options: Options) -> None:
    assert split_options(spec) == (bare, options)


@pytest.mark.parametrize(
    ("spec", "fit", "message"),
    [
        ("a,fit=stretch", None, "fit of data 'a,fit=stretch' 'stretch'"),
        ("a,upscale=true", None, "'true'"),
        ("a,fit=pad,fit=crop", None, "gives fit twice"),
        ("a,fit=pad", "squash", "is to have fit 'squash' too"),
        ("a", "bend", "fit 'bend'"),
    ],
)
def test_options_that_mean_nothing_are_refused(spec: str, fit: str | None, message: str) -> None:
    with pytest.raises(GanlensError, match=message):
        split_options(with_fit(spec, fit))  # type: ignore[arg-type]


def test_small_images_can_be_enlarged_by_the_spec(tmp_path: Path) -> None:
    folder = write(tmp_path / "a", [(20, 20)] * 2)
    with pytest.raises(GanlensError, match=f"enlarge them: {folder},upscale=yes"):
        open_data(str(folder), size=32)
    found = prepared(f"{folder},upscale=yes", size=32)
    assert (found.enlarged, found.sides) == (2, (20, 20))


def fid(tmp_path: Path, *words: str) -> dict[str, object]:
    assert main(["fid", *words, "--extractor", "pixels", "--json", str(tmp_path / "f.json")]) == 0
    found: dict[str, object] = json.loads((tmp_path / "f.json").read_text())
    (tmp_path / "f.json").unlink()
    return found


def test_a_distance_of_0_says_what_was_cropped(tmp_path: Path) -> None:
    """Pictures that differ outside of the centre alone are equal once cropped, and not padded."""
    a = write(tmp_path / "a", [(96, 48)] * 20, seed=1, inner=5)
    b = write(tmp_path / "b", [(96, 48)] * 20, seed=2, inner=5)
    cropped = fid(tmp_path, str(a), str(b))
    summary = cropped["summary"]
    assert isinstance(summary, dict)
    assert summary["value"] == pytest.approx(0, abs=1e-6)
    for key in ("prepared", "generated_prepared"):
        assert "without 50% of each" in summary[key]
    assert summary["shared_equal"] == 20
    assert cropped["reference"]["preparation"]["left_out"] == pytest.approx(0.5)  # type: ignore[index]
    padded = fid(tmp_path, str(a), str(b), "--fit", "pad")["summary"]
    assert isinstance(padded, dict)
    assert padded["value"] > 1
    assert padded["shared_equal"] == 0


def test_reducing_is_said_on_the_side_where_it_happens(tmp_path: Path) -> None:
    large, small = write(tmp_path / "a", [(64, 64)] * 8), write(tmp_path / "b", [(32, 32)] * 8, 1)
    summary = fid(tmp_path, str(large), str(small))["summary"]
    assert isinstance(summary, dict)
    assert summary["generated_prepared"] == "8 reduced from 64 px to 32 px (Lanczos)"
    assert summary["prepared"] == "used as they are, 32 x 32 px"


def test_the_caption_says_it_too(tmp_path: Path) -> None:
    from ganlens.probes.fidelity import Fidelity
    from ganlens.progress import finish

    a = open_data(str(write(tmp_path / "a", [(96, 48)] * 20, seed=1)), size=32)
    b = open_data(str(write(tmp_path / "b", [(32, 32)] * 20, seed=2)))
    result = finish(Fidelity(extractor="pixels").between(a, b))
    caption = result.panels()[0].caption
    assert "Generated images: 20 of 20 not square: cropped to the centre" in caption
    assert "Images of the data" not in caption


def test_a_fit_without_images_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["filters", "pixelfaces", "--fit", "pad"]) == 2
    assert "--fit pad is of no use without images" in capsys.readouterr().err


def test_twins_across_splits_are_said_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path / "a", [(16, 16)] * 30)
    words = ["--data", f"train={folder},test={folder}", "--out", str(tmp_path / "run")]
    quick = ["--epochs", "1", "--width", "4", "--batch-size", "8", "--extractor", "pixels"]
    assert main(["train", *words, *quick]) == 0
    told = capsys.readouterr().err
    assert "beware: 30 of 30 held-out images are training images too (30 byte for byte" in told


@pytest.mark.parametrize(
    ("size", "fit", "said"),
    [
        ((1, 300), "crop", "without more than 99% of each"),
        ((300, 1), "pad", "padded with black, more than 99% of each"),
        ((300, 1), "squash", "by up to 300 : 1"),
        ((257, 256), "crop", "without less than 1% of each"),
        ((64, 32), "squash", "by up to 2 : 1"),
    ],
)
def test_extreme_shapes_are_not_rounded_away(
    tmp_path: Path, size: tuple[int, int], fit: str, said: str
) -> None:
    assert said in str(prepared(write(tmp_path / "a", [size] * 2), size=32, fit=fit, upscale=True))


@pytest.mark.parametrize(
    "spec",
    ["train={0}/a,fit=pad,test={0}/b", "{0}/a,Fit=pad", "{0}/a,fit = pad", "{0}/named,fit=pad",
     "{0}/a,upscale"],
)  # fmt: skip
def test_options_in_a_wrong_place_are_told_where_they_go(tmp_path: Path, spec: str) -> None:
    for name in ("a", "b", "named,fit=pad"):
        write(tmp_path / name, [(40, 32)] * 3)
    with pytest.raises(GanlensError, match="at the end of the whole SPEC"):
        open_data(spec.format(tmp_path))


def test_a_side_of_which_nothing_is_left_says_what_was_left_out(tmp_path: Path) -> None:
    write(tmp_path / "large", [(40, 40)] * 3)
    write(tmp_path / "small", [(20, 20)] * 3)
    data = open_data(f"train={tmp_path}/large,test={tmp_path}/small", size=32)
    with pytest.raises(GanlensError, match=r"no test images .3 were left out of the whole, .*20"):
        data.part("test")


@pytest.mark.parametrize(
    "spec",
    ["pixelfaces-pairs", "pixelfaces-pairs,fit=pad", "pixelfaces-pairs,upscale=yes,fit=crop",
     "train=pixelfaces-pairs,test=pixelfaces", "train=pixelfaces-pairs, test=digits,fit=pad"],
)  # fmt: skip
def test_options_open_no_way_to_train_on_what_is_for_evaluation(spec: str) -> None:
    with pytest.raises(GanlensError, match="for evaluation, never for training"):
        check_trainable(spec)
    check_trainable("train=pixelfaces,test=pixelfaces-pairs,fit=pad")


def test_a_run_records_what_was_done_to_its_images(tmp_path: Path) -> None:
    folder, held = write(tmp_path / "a", [(48, 24)] * 30), write(tmp_path / "b", [(24, 24)] * 4, 1)
    words = ["--data", str(folder), "--held-out", str(held), "--out", str(tmp_path / "run")]
    quick = ["--epochs", "1", "--width", "4", "--batch-size", "8", "--extractor", "pixels"]
    assert main(["train", *words, *quick, "--size", "16", "--fit", "pad"]) == 0
    header = load_checkpoint(tmp_path / "run").header
    assert header.data["prepared"].startswith("30 of 30 not square: padded with black, 50%")
    assert header.metrics["prepared"] == "4 reduced from 24 px to 16 px (Lanczos)"
    card = (tmp_path / "run" / "best" / "card.md").read_text()
    assert "| its images | 30 of 30 not square: padded with black" in card
