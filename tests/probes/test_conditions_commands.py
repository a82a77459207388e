"""The conditions probe from the command line: trained, asked, reported, left out, replayed."""

import json
from pathlib import Path
from typing import Any

import pytest

from ganlens.cli import main

pytestmark = pytest.mark.filterwarnings("default::UserWarning")
QUICK = ["--n", "60", "--unseen", "12", "--latents", "6", "--pairs", "2", "--positions", "5"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, attribute_images: Path) -> Path:
    """A conditional DCGAN of hue and shade, trained for a few steps."""
    out = tmp_path_factory.mktemp("runs") / "hues"
    words = f"train --family conditional-dcgan --data {attribute_images} --out {out} --width 8"
    assert main([*words.split(), "--epochs", "1", "--device", "cpu"]) == 0
    return out


def only_line(text: str) -> str:
    (line,) = text.strip().splitlines()
    return line


def test_a_trained_checkpoint_end_to_end(
    trained: Path, attribute_images: Path, tmp_path: Path
) -> None:
    json_file, out = tmp_path / "c.json", tmp_path / "panels"
    words = ["conditions", str(trained), "--data", str(attribute_images), *QUICK]
    assert main([*words, "--json", str(json_file), "--out", str(out), "--device", "cpu"]) == 0
    found: dict[str, Any] = json.loads(json_file.read_text("utf-8"))["summary"]
    low, high = found["accuracy_interval"]
    assert 0 <= low <= found["accuracy"] <= high <= 1
    assert found["accuracy_n"] == 60
    assert set(found["by_target"]) == {"hue", "shade"}
    assert found["accuracy_real"] > 0.9  # what can be seen is read
    assert found["accuracy_untrained_n"] == 60
    assert found["classifier_n_held_out"] == 100
    assert found["extractor"]["weights"] == found["classifier_hash"]
    parts = [found[f"{name}_share_pixels"] for name in ("condition", "latent", "both")]
    assert sum(parts) == pytest.approx(1)
    assert len(found["distance_by_class"]) == 4
    picture = out / "01-what-was-asked-for.png"
    assert main(["replay", str(picture), "--checkpoint", str(trained), "--device", "cpu"]) == 0
    (strips,) = out.glob("*between-two-conditions.png")
    again = ["replay", str(strips), "--checkpoint", str(trained), "--data", str(attribute_images)]
    assert main([*again, "--device", "cpu"]) == 0


def test_combinations_that_a_checkpoint_was_not_trained_on(
    tiny_conditional: Path, attribute_images: Path, tmp_path: Path
) -> None:
    """Its table lacks what is blue and light; that is asked for, and looked for in the data."""
    file = tmp_path / "c.json"
    words = ["conditions", str(tiny_conditional), "--data", str(attribute_images), *QUICK]
    assert main([*words, "--json", str(file), "--extractor", "pixels"]) == 0
    found = json.loads(file.read_text("utf-8"))["summary"]
    assert found["combinations"] == {"possible": 4, "in_training": 3, "unseen_asked_for": 1}
    assert found["accuracy_unseen_n"] == 12
    assert 0 < found["accuracy_unseen_real_n"] <= 25  # of the 60 held-out images that are drawn
    assert found["extractor"]["name"] == "pixels-16x16"
    assert found["distance_by_class"][0]["small"]


def test_a_model_without_a_condition_is_left_out(
    tiny_checkpoint: Path,
    attribute_images: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = "needs a generator that is given classes or attributes; this checkpoint's takes no"
    given = [str(tiny_checkpoint), "--data", str(attribute_images)]
    assert main(["conditions", *given]) == 2
    assert said in only_line(capsys.readouterr().err)
    out = tmp_path / "report"
    assert main(["report", *given, "--out", str(out), "--probes", "conditions"]) == 2
    assert said in only_line(capsys.readouterr().err)
    assert not out.exists()
    assert main(["report", *given, "--out", str(out), "--probes", "interpolate,conditions"]) == 0
    findings = json.loads((out / "findings.json").read_text("utf-8"))["findings"]
    assert said in findings[1]["left_out"]
    assert said in (out / "report.html").read_text("utf-8").replace("&#x27;", "'")


def test_conditions_without_data_or_labels_is_one_line(
    tiny_conditional: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["conditions", str(tiny_conditional)]) == 2
    assert "add --data SPEC" in only_line(capsys.readouterr().err)
    given = ["conditions", str(tiny_conditional), "--data", "digits"]
    assert main(given) == 2
    last = capsys.readouterr().err.splitlines()[-1]  # after what was done to the digits
    assert "the model is asked for hue=blue, hue=red" in last
    assert "give the data that it was trained on" in last


def test_one_condition_that_was_given_is_refused(
    tiny_conditional: Path, attribute_images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(tiny_conditional), "--data", str(attribute_images), "--condition", "hue=red"]
    assert main(["conditions", *given]) == 2
    assert "leave --condition out" in only_line(capsys.readouterr().err)


def test_a_classifier_of_other_images_is_refused(
    tiny_conditional: Path, attribute_images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(tiny_conditional), "--data", str(attribute_images)]
    assert main(["conditions", *given, "--classifier", "pixelfaces-attributes"]) == 2
    assert "choose another classifier, or auto" in only_line(capsys.readouterr().err)
