"""The codes probe: planted causes, what it says where something is missing, and a small InfoGAN."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fake_subject import fake_subject, save_infogan
from planted_codes import LEAN, Planted, Reads, planted, save_real

import ganlens
from ganlens.checking import which_probes
from ganlens.cli import main
from ganlens.data import ImageSet, open_data
from ganlens.errors import GanlensError
from ganlens.panels import FigurePanel, ImagePanel, TablePanel
from ganlens.probes import PROBES
from ganlens.probes.codes import Codes, CodesResult
from ganlens.recipe import Recipe, render
from ganlens.report.findings import run_probes
from ganlens.training import Trainer, configure

SMALL: dict[str, Any] = {
    "n": 800, "reader_samples": 900, "samples": 12, "controls": 40, "control": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_real(tmp_path_factory.mktemp("real") / "real.npz")


@pytest.fixture(scope="module")
def data(real: Path) -> ImageSet:
    return open_data(str(real))


def run(data: ImageSet, encoder: Any = None, settings: dict[str, Any] | None = None,
        **how: Any) -> CodesResult:  # fmt: skip
    return Codes(**{**SMALL, **(settings or {})}).run(planted(encoder, **how), data)


def test_a_code_that_decides_the_class_in_nine_of_ten_is_found_and_its_values_named(
    data: ImageSet,
) -> None:
    result = run(data, obeyed=0.9, order=(2, 0, 1))
    found = result.summary()
    assert found["matched_values"] == ["2", "0", "1"]
    truth = 0.9 + 0.1 / 3
    assert found["matched_accuracy_low"] < truth < found["matched_accuracy_high"]
    assert found["matched_accuracy_shuffled"] == pytest.approx(1 / 3, abs=0.03)
    assert found["matched_accuracy_shuffled_same_half"] > found["matched_accuracy_shuffled"]
    assert found["n_scored"] == np.sum(found["matches"]["categorical"]["confusion"]) == 400
    # Of a channel that obeys in 0.933 and says each other class in 0.033:
    capacity = math.log(3) + truth * math.log(truth) + 0.1 * 2 / 3 * math.log(0.1 / 3)
    assert 0.7 * capacity < found["information_fresh"]["categorical"] < capacity + 0.1
    assert found["information_own"] is None
    assert found["reasons"]["information_own"] == "the model has no encoder"


def test_a_code_that_does_nothing_is_told_from_one_that_does(data: ImageSet) -> None:
    found = run(data, obeyed=0.0, leaning=False).summary()
    assert found["matched_accuracy"] < found["matched_accuracy_shuffled_95"] + 0.05
    assert found["normalised_mutual_information"] < 0.02
    assert found["information_fresh"]["categorical"] < 0.05
    assert set(found["named"].values()) == {"none measured"}
    assert found["mutual_information_gap"] < 0.05


def test_a_code_that_slants_is_named_with_its_angle_and_one_that_moves_ink(data: ImageSet) -> None:
    result = run(data, order=(1, 1, 1), inking=True)
    found = result.summary()
    assert found["named"]["uniform 1"].startswith("slant: +")
    assert found["named"]["uniform 2"].startswith("ink: +")
    turned = found["effects"]["uniform 1"]["slant"] * found["real_spread"]["slant"]
    assert turned == pytest.approx(2 * LEAN, rel=0.1)
    more = found["effects"]["uniform 2"]["ink"] * found["real_spread"]["ink"]
    still = result.measured.effects.codes[1]
    assert more > 0.01
    assert "brightness" not in found["real_spread"], "on black it is the ink"
    assert abs(still.slopes["slant"]) < 0.02
    assert found["effects_consistent"]["uniform 1"]["slant"] == 1
    assert found["class_kept"] == {"uniform 1": 1.0, "uniform 2": 1.0}
    assert found["information_fresh"]["uniform 1"] > 1


def test_its_own_reader_is_believed_as_far_as_it_is_right(data: ImageSet) -> None:
    sure = run(data, Reads()).summary()["information_own"]["categorical"]
    assert math.log(3) - 0.01 < sure <= math.log(3)
    wrong = run(data, Reads(), order=(1, 2, 0)).summary()
    assert wrong["information_own"]["categorical"] < -5, "below 0, and said as it is"
    assert wrong["information_fresh"]["categorical"] > 1, "the image shows the code all the same"
    assert wrong["matched_accuracy"] == 1


def test_an_encoder_of_another_width_is_left_out_with_a_reason(data: ImageSet) -> None:
    class Narrow(Reads):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x)[:, :3]

    found = run(data, Narrow()).summary()
    assert found["reasons"]["information_own"] == "the encoder gives 3 numbers for 45 coordinates"


def test_the_panels(data: ImageSet) -> None:
    result = run(data, Reads(), obeyed=0.9, order=(2, 0, 1))
    panels = {panel.title: panel for panel in result.panels()}
    grid = panels["Values of categorical"]
    assert isinstance(grid, ImagePanel)
    assert "matched to class: 2, 0, 1." in grid.caption
    subject = planted(Reads(), obeyed=0.9, order=(2, 0, 1))
    for title in ("Values of categorical", "Sweep of uniform 1"):
        picture = panels[title]
        assert isinstance(picture, ImagePanel)
        drawn = render(subject, Recipe.from_json(json.loads(json.dumps(picture.recipe))))
        assert np.array_equal(drawn, picture.image)
    heat = panels["What categorical decides"]
    assert isinstance(heat, FigurePanel)
    shares = np.array(heat.figure.data[0].z)
    assert shares.sum(1) == pytest.approx([100] * 3)
    assert np.diag(shares).min() > 80, "columns stand in the order of the match"
    assert list(heat.figure.data[0].y) == ["0: 2", "1: 0", "2: 1"]
    table = panels["What continuous codes move"]
    assert isinstance(table, TablePanel)
    assert len(table.rows) == 2 * 7
    assert "slant" in panels["Sweep of uniform 1"].caption
    assert "None measured" in panels["Sweep of uniform 2"].caption
    assert {"What an image tells of each code", "Numbers of the codes"} < panels.keys()


def test_batch_size_changes_nothing(data: ImageSet) -> None:
    one, other = (run(data, settings={"batch_size": n, "n": 80, "controls": 20}) for n in (1, 7))
    assert json.dumps(one.summary()) == json.dumps(other.summary())


def test_without_noise_no_code_is_named(data: ImageSet) -> None:
    found = run(data, settings={"noise": "none", "samples": 4, "n": 80}).summary()
    assert found["noise"] is None
    assert len(found["continuous_codes"]) == 42
    assert set(found["named"].values()) == {"none measured"}
    assert found["continuous_in_words"].endswith("normal 3 none measured; 39 more")
    assert "no continuous noise" in found["reasons"]["effect_levels"]
    unswept = run(data, settings={"controls": 0, "samples": 4, "n": 80}).summary()
    assert "controls is 0" in unswept["reasons"]["effect_levels"]


def test_data_without_labels_leave_the_reading_out(tmp_path: Path, real: Path) -> None:
    np.savez(tmp_path / "bare.npz", images=np.load(real)["images"])
    result = run(open_data(str(tmp_path / "bare.npz")))
    found = result.summary()
    assert found["matched_accuracy"] is None
    assert "nothing to classify" in found["reasons"]["matched_accuracy"]
    assert found["named"]["uniform 1"].startswith("slant"), "moments need no labels"
    assert found["information_fresh"]["categorical"] > 1
    assert result.panels()


def test_attributes_are_told_apart_by_what_the_code_says_of_them(
    tmp_path: Path, attribute_images: Path
) -> None:
    """Of two attributes the one is matched that the code decides; numbers are measured too."""

    class Coloured(Planted):
        image_shape = (3, 16, 16)

        def forward(self, z: torch.Tensor) -> torch.Tensor:
            blue = z[:, 40] < 0.5
            x = torch.zeros(len(z), 3, 16, 16)
            x += 30 + 30 * (z[:, 0] > 0)[:, None, None, None]  # the noise decides the shade
            x[torch.arange(len(z)), torch.where(blue, 2, 0)] += 100
            return x / 127.5 - 1

    subject = planted()
    subject = type(subject)({"generator": Coloured()}, subject.provenance)
    found = Codes(**SMALL).run(subject, open_data(str(attribute_images))).summary()
    assert found["matched_attribute"] == "hue"
    assert found["matched_values"][0] == "red"
    assert found["matched_values"].count("none") == 1
    assert set(found["factors"]) >= {"hue", "shade"}
    assert "noise" in found["effects"]["uniform 1"], "a numeric attribute that is read"
    with pytest.raises(GanlensError, match=r"attribute 'size'.*choose from auto, hue, shade"):
        Codes(**SMALL, attribute="size").run(subject, open_data(str(attribute_images)))


# --- what has no codes ---


def test_a_model_without_parts_is_left_out_in_a_line(data: ImageSet, tiny_images: Path) -> None:
    plain = fake_subject()
    images = open_data(str(tiny_images))
    finding = run_probes(plain, images, {"codes": Codes()})[0]
    assert finding.result is None
    assert finding.error is None
    assert finding.reason.startswith("the prior (normal, 8 coordinates) has no parts")
    assert "\n" not in finding.reason
    assert which_probes(plain, {"codes": Codes()})["codes"] == finding.reason
    assert which_probes(planted(), {"codes": Codes()})["codes"] == ""


def test_the_command_says_so_too(
    tiny_checkpoint: Path, tiny_images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["codes", str(tiny_checkpoint), "--data", str(tiny_images)]) == 2
    said = capsys.readouterr().err.strip()
    assert "has no parts" in said
    assert len(said.splitlines()) <= 2


# --- several checkpoints ---


def test_all_checkpoints_are_told_with_median_best_and_worst(
    data: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = {"a": 0.0, "b": 0.6}
    monkeypatch.setattr(
        "ganlens.probes.codes.probe.load",
        lambda path, device: planted(name=path.name, obeyed=shares[path.name]),
    )
    result = run(data, settings={"beside": ["a", "b"], "n": 200, "controls": 20})
    found = result.summary()
    every = [one["matched_accuracy"]["categorical"] for one in found["checkpoints"]]
    assert [one["checkpoint"] for one in found["checkpoints"]] == ["planted", "a", "b"]
    assert every[0] == found["matched_accuracy"] == found["matched_accuracy_best"] == 1
    assert found["matched_accuracy_worst"] == every[1] < 0.5
    assert found["matched_accuracy_median"] == every[2]
    assert found["checkpoints_n"] == 3
    table = next(p for p in result.panels() if p.title == "Over several checkpoints")
    assert isinstance(table, TablePanel)
    assert len(table.rows) == 3


def test_checkpoints_that_do_not_fit_are_refused_before_anything_is_measured(
    tiny_checkpoint: Path, data: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Codes(beside=(tiny_checkpoint,)).steps(planted(), data)
    next(steps)
    with pytest.raises(GanlensError, match="equal parts"):
        next(steps)
    with pytest.raises(GanlensError, match="nowhere"):
        Codes(beside=(tmp_path / "nowhere",)).run(planted(), data)
    monkeypatch.setattr(
        "ganlens.probes.codes.probe.load", lambda path, device: planted(name=path.name)
    )
    for again in (["a", "b", "a"], ["planted"]):
        with pytest.raises(GanlensError, match="given already"):
            run(data, settings={"beside": again})


# --- an InfoGAN ---


def test_an_infogan_that_was_trained_a_little(tmp_path: Path, real: Path, data: ImageSet) -> None:
    """A tenth of a minute finds the kinds of images in part: what counts is that all is told."""
    made = Trainer(
        "infogan",
        {"size": 16, "channels": 1, "width": 8, "latent_dim": 6,
         "codes": "categorical 3, uniform 1"},
        configure("infogan", batch_size=32, epochs=20),
        data.part("train").images,
    )  # fmt: skip
    for _ in range(120):
        made.advance()
    folder = save_infogan(tmp_path / "infogan", made.trained.learning)
    subject = ganlens.load(folder, "cpu")
    found = Codes(**{**SMALL, "control": True, "noise": "auto"}).run(subject, data).summary()
    assert found["noise"] == "noise"
    assert found["noise_decided"] == "the part that is called noise"
    assert set(found["information_own"]) == {"categorical", "uniform"}
    assert found["information_own"]["categorical"] <= math.log(3)
    assert found["information_fresh"]["categorical"] > 0.2, "its reader taught it to show the code"
    assert found["matched_accuracy_untrained"] is not None
    assert 0 <= found["matched_accuracy"] <= 1


def test_a_folder_runs_by_its_command(
    tiny_infogan: Path, attribute_images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--n", "80", "--reader-samples", "100", "--samples", "4", "--controls", "20"]
    where = ["--data", str(attribute_images), "--json", str(tmp_path / "found.json")]
    others = [str(save_infogan(tmp_path / f"seed{i}", seed=i)) for i in (1, 2)]
    beside = ["--beside", *others]
    assert main(["codes", str(tiny_infogan), *where, *words, *beside]) == 0
    found = json.loads((tmp_path / "found.json").read_text())["summary"]
    assert [one["checkpoint"] for one in found["checkpoints"]] == ["tiny-infogan", "seed1", "seed2"]
    assert found["matched_accuracy_best"] >= found["matched_accuracy_median"]
    assert PROBES["codes"].help in " ".join(PROBES.help(name) for name in PROBES)
