"""``ganlens fid A B`` and ``ganlens moments``: any two sets of images, through the command line."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from pytorch_fid import fid_score

from ganlens import open_data, stats
from ganlens.cli import main
from ganlens.data import ImageSet
from ganlens.probes.fidelity import Fidelity
from ganlens.progress import finish


def run(*words, capsys=None):
    code = main([str(word) for word in words])
    return (code, capsys.readouterr()) if capsys else code


def numbers(capsys, *words):
    code, captured = run("fid", *words, "--json", "-", capsys=capsys)
    assert code == 0, captured.err
    return json.loads(captured.out)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two folders of 60 images that differ in colour; classes a and b."""
    root = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for name, shift in (("one", 0), ("two", 60)):
        for index in range(60):
            folder = root / name / "ab"[index % 2]
            folder.mkdir(parents=True, exist_ok=True)
            pixels = rng.integers(0, 180, (16, 16, 3)) + np.array([shift, 0, 0])
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{index}.png")
    return root


def test_a_folder_beside_itself_is_at_distance_zero(capsys, folders):
    found = numbers(capsys, folders / "one", folders / "one", "--extractor", "pixels")
    summary = found["summary"]
    assert summary["value"] == pytest.approx(0, abs=1e-6)
    assert summary["precision"] == summary["recall"] == summary["coverage"] == 1
    assert summary["n_fake"] == summary["n_real"] == 60
    assert summary["interval"] is None
    assert "the very same images" in summary["caveat"]
    assert found["generated"]["fingerprint"] == found["reference"]["fingerprint"]


def test_two_folders_and_their_classes(capsys, folders):
    found = numbers(capsys, folders / "one", folders / "two", "--extractor", "pixels")
    summary = found["summary"]
    assert summary["metric"] == "FD-pixels-16x16"
    assert summary["value"] > 10 * summary["floor"] / 60
    assert set(summary["classes"]) == {"a", "b"}
    one, two = (open_data(str(folders / name)) for name in ("one", "two"))
    of_a = [set_.batch(set_.select("class=a")).flatten(1).numpy() for set_ in (two, one)]
    by_hand = stats.frechet_distance_from_features(*of_a)
    assert summary["classes"]["a"]["value"] == pytest.approx(by_hand, rel=1e-5)
    assert summary["classes"]["a"]["n_real"] == 30


def test_both_orders_agree_and_a_data_flag_means_the_same(capsys, folders):
    a, b = folders / "one", folders / "two"
    there = numbers(capsys, a, b, "--extractor", "pixels")["summary"]
    back = numbers(capsys, b, a, "--extractor", "pixels")["summary"]
    assert there["value"] == pytest.approx(back["value"], rel=1e-9)
    flagged = numbers(capsys, a, "--data", b, "--extractor", "pixels")["summary"]
    assert flagged == there


def test_images_are_brought_to_the_smaller_size(capsys, folders, tmp_path):
    rng = np.random.default_rng(1)
    large = rng.integers(0, 256, (40, 24, 24), np.uint8)  # grey and larger
    np.savez(tmp_path / "large.npz", images=large)
    found = numbers(capsys, folders / "one", tmp_path / "large.npz", "--extractor", "pixels")
    assert found["reference"]["image_shape"] == found["generated"]["image_shape"] == [3, 16, 16]
    assert found["summary"]["n_fake"] == 40


def test_a_checkpoint_as_either(capsys, tiny_checkpoint, tiny_images):
    ahead = numbers(capsys, tiny_checkpoint, tiny_images, "--extractor", "pixels", "--n", 50)
    common = numbers(
        capsys, tiny_checkpoint, "--data", tiny_images, "--extractor", "pixels", "--n", 50
    )
    assert ahead == common
    behind = numbers(capsys, tiny_images, tiny_checkpoint, "--extractor", "pixels", "--n", 50)
    assert behind["reference"]["checkpoint"] == "tiny"
    twins = numbers(capsys, tiny_checkpoint, tiny_checkpoint, "--extractor", "pixels", "--n", 50)
    assert twins["summary"]["value"] == pytest.approx(0, abs=1e-6)
    assert twins["summary"]["floor"] > 0


@pytest.mark.filterwarnings("ignore:The `disp` argument:DeprecationWarning")  # pytorch-fid's
def test_moments_are_saved_and_compared_with(capsys, folders, tmp_path):
    a, b, file = folders / "one", folders / "two", tmp_path / "two.npz"
    assert run("moments", b, "--extractor", "pixels", "--out", file) == 0
    capsys.readouterr()
    with np.load(file, allow_pickle=False) as content:
        mu, sigma = content["mu"], content["sigma"]
    summary = numbers(capsys, a, file, "--extractor", "pixels")["summary"]
    data = open_data(str(a))
    assert isinstance(data, ImageSet)
    rows = data.batch(slice(None)).flatten(1).numpy().astype(np.float64)
    expected = fid_score.calculate_frechet_distance(rows.mean(0), np.cov(rows.T), mu, sigma)
    assert summary["value"] == pytest.approx(expected, rel=1e-4)
    assert summary["precision"] is None
    assert "moments" in summary["reasons"]["precision"]
    absent = {"interval", "median_distance_to_real", "floor", "floor_kid", "value_at_floor_n"}
    assert absent <= summary["reasons"].keys()
    assert {summary[name] for name in absent} == {None}
    direct = numbers(capsys, a, b, "--extractor", "pixels")["summary"]
    assert summary["value"] == pytest.approx(direct["value"], rel=1e-6)
    assert summary["n_real"] == 60


def test_moments_of_unknown_origin_are_flagged(capsys, folders, tmp_path):
    rows = open_data(str(folders / "two")).batch(slice(None)).flatten(1).numpy()
    np.savez(tmp_path / "plain.npz", mu=rows.mean(0), sigma=np.cov(rows.T))
    found = numbers(capsys, folders / "one", tmp_path / "plain.npz", "--extractor", "pixels")
    assert "does not say which network" in found["summary"]["caveat"]
    assert found["summary"]["n_real"] is None


def test_processes_that_share_the_work_find_the_same(
    capsys, tiny_checkpoint, tiny_images, tmp_path
):
    words = ["fid", tiny_checkpoint, "--data", tiny_images, "--extractor", "discriminator"]
    words += ["--n", "100", "--json"]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [*launch, "-m", "--", "ganlens", *words, tmp_path / "two.json"]
    cache = {"GANLENS_CACHE": str(tmp_path / "cache")}  # not what this process cached
    subprocess.run(list(map(str, command)), env=os.environ | cache, check=True, capture_output=True)
    two = json.loads((tmp_path / "two.json").read_text())["summary"]
    one = numbers(capsys, *words[1:-1])["summary"]
    assert len(list((tmp_path / "cache" / "features").iterdir())) >= 4  # a stretch for each rank
    for name in ("value", "precision", "coverage", "floor"):
        assert two[name] == pytest.approx(one[name], rel=1e-6)


def test_moments_of_other_features_are_refused(capsys, folders, tmp_path, tiny_checkpoint):
    file = tmp_path / "d.npz"
    assert run("moments", tiny_checkpoint, "--extractor", "discriminator", "--out", file) == 0
    code, captured = run("fid", folders / "one", file, "--extractor", "pixels", capsys=capsys)
    assert code == 2
    assert captured.err.count("\n") == 1
    assert "discriminator" in captured.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nowhere", "nowhere"), "'nowhere'"),
        (("{one}",), "--data"),
        (("{one}", "{one}", "--data", "{one}"), "leave out one"),
        (("{one}", "{one}", "--extractor", "discriminator"), "has no discriminator"),
        (("{one}", "{one}", "--weights", "x.pth"), "--weights"),
        (("{one}", "{one}", "--extractor", "pixels", "--inception-weights", "x"), "of no use"),
        (("{one}", "{one}", "--extractor", "inception", "--inception-weights", "x"), "'x'"),
    ],
)
def test_bad_input_is_one_line(capsys, folders, words, message):
    words = [word.replace("{one}", str(folders / "one")) for word in words]
    code, captured = run("fid", *words, capsys=capsys)
    assert code == 2
    assert captured.err.count("\n") == 1
    assert message in captured.err


def test_pictures_of_somebody_elses_samples_are_written(capsys, folders, tmp_path):
    words = (folders / "one", folders / "two", "--extractor", "pixels", "--out", tmp_path / "out")
    assert run("fid", *words) == 0
    names = [path.name for path in sorted((tmp_path / "out").iterdir())]
    assert any(name.endswith(".png") for name in names)
    assert any("class" in name for name in names)


def test_the_library_compares_any_two(folders):
    one, two = (open_data(str(folders / name)) for name in ("one", "two"))
    result = finish(Fidelity(extractor="pixels").between(one, two))
    assert result.generated.startswith("images of")
    assert len(result.shown.titles) == 32
    assert result.shown.titles[0].endswith(".png")


def test_no_setting_is_passed_over(capsys, folders, tmp_path, tiny_checkpoint):
    saved, note = tmp_path / "m.npz", tmp_path / "note.npz"
    assert run("moments", folders / "one", "--out", saved, "--extractor", "pixels") == 0
    moments = stats.read_moments(saved)
    notes = {**moments.notes, "extractor": "[1]"}
    stats.write_moments(note, stats.ReferenceMoments(moments.mean, moments.cov, 60, notes))
    out = ("--out", tmp_path / "new")
    for words, message in [
        (("fid", tiny_checkpoint, tiny_checkpoint, "--split", "test"), "split 'test': the refer"),
        (("fid", folders / "one", saved, "--split", "train"), "split 'train': the reference"),
        (("moments", tiny_checkpoint, *out, "--split", "test"), "split 'test': what is meas"),
        (
            ("moments", folders / "one", *out, "--k", "7"),
            "--k, --k-density and --kid-subset-size are of no use",
        ),
        (("moments", saved, *out), "holds moments, not images"),
        (("fid", saved, folders / "one"), "holds moments, not images"),
        (("fid", folders / "one", note), "note 'extractor' is not ganlens's"),
        (("fid", folders / "one", saved, *out, "--json", tmp_path / "new"), "are one place"),
    ]:
        capsys.readouterr()
        assert run(*words) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_fewer_images_than_requested_say_whose_they_are(capsys, folders, tiny_images):
    found = numbers(capsys, folders / "one", tiny_images, "--extractor", "pixels")
    assert found["summary"]["n_reason"].startswith(f"{str(folders / 'one')!r} has 60 images")


def test_a_folder_is_compared_with_the_split_that_a_checkpoint_is(capsys, tmp_path):
    rng = np.random.default_rng(2)
    np.savez(tmp_path / "mine.npz", images=rng.integers(0, 256, (30, 16, 16, 3), np.uint8))
    for name in ("train", "test"):
        images = rng.integers(0, 256, (40, 16, 16, 3), np.uint8)
        np.savez(tmp_path / f"{name}.npz", images=images)
    data = f"train={tmp_path / 'train.npz'},test={tmp_path / 'test.npz'}"
    summary = numbers(capsys, tmp_path / "mine.npz", data, "--extractor", "pixels")["summary"]
    assert summary["split"] == "test"
    assert "no more images (30) than features (768)" in summary["caveat"]
    itself = numbers(capsys, data, data, "--extractor", "pixels")["summary"]
    assert (itself["split"], itself["n_fake"]) == ("all", 80)
    assert itself["value"] == pytest.approx(0, abs=1e-6)


def test_moments_of_a_name_that_is_both_are_of_the_images(capsys, tmp_path):
    words = (
        "moments",
        "pixelfaces",
        "--n",
        50,
        "--extractor",
        "pixels",
        "--out",
        tmp_path / "m.npz",
    )
    code, captured = run(*words, capsys=capsys)
    assert code == 0
    assert "50 images of pixelfaces" in captured.out
