"""``ganlens classifier train``: from images to a judge, and every way in which it says no."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_train_command import picture, refused

from ganlens.classifier import load_classifier
from ganlens.cli import classifier as command
from ganlens.cli import main
from ganlens.files import read_json_lines

FAST = ("--epochs", "2", "--width", "8")


def train(data: object, out: Path, *more: str) -> int:
    return main(["classifier", "train", "--data", str(data), "--out", str(out), *FAST, *more])


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of the digits in colour, as the tiny checkpoint draws."""
    out = tmp_path_factory.mktemp("classifiers") / "digits"
    assert train("digits", out, "--channels", "3", "--json", str(out.parent / "found.json")) == 0
    return out


def test_digits_are_learned_and_the_card_says_how(digits: Path) -> None:
    model, header, digest = load_classifier(digits)
    found = json.loads((digits.parent / "found.json").read_text())
    assert found["hash"] == digest
    assert found["metrics"] == header.metrics
    assert header.metrics["accuracies"]["class"] > 0.85 > 3 * header.metrics["majority"]["class"]
    assert (header.training["epochs"], header.training["width"]) == (2, 8)
    epochs = read_json_lines(digits / "metrics.jsonl")
    assert [row["epoch"] for row in epochs] == [1, 2]
    assert epochs[1]["accuracy"] == header.metrics["train_accuracy"] > epochs[0]["accuracy"]
    card = (digits / "card.md").read_text()
    words = f"ganlens classifier train --data digits --out {digits} --epochs 2 --width 8 --channels"
    right, majority = (header.metrics[name]["class"] for name in ("accuracies", "majority"))
    assert card.startswith("# digits\n")
    for said in (
        words,
        f"| class | {100 * right:.1f} % | {100 * majority:.1f} % |",
        header.data["fingerprint"],
        f"{sum(p.numel() for p in model.parameters()):,} weights",
        "1,619 images, train",
        "178 images, test",
        "hash",
        header.made["machine"],
    ):
        assert said in card


def test_fid_takes_it(digits: Path, tiny_checkpoint: Path, capsys: Any) -> None:
    words = ["fid", str(tiny_checkpoint), "--data", "digits", "--n", "150", "--json", "-"]
    assert main([*words, "--extractor", str(digits)]) == 0
    summary = json.loads(capsys.readouterr().out)["summary"]
    assert summary["metric"] == "FD-classifier"
    assert load_classifier(digits)[2] in json.dumps(summary)


def test_list_names_it(digits: Path, capsys: Any) -> None:
    assert main(["list", str(digits.parent), "--json", "-"]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["checkpoints"] == []
    (entry,) = found["classifiers"]
    assert (entry["checkpoint"], entry["family"]) == (str(digits), "classifier")
    assert "class (10)" in printed.err
    assert "16 px colour" in printed.err


def test_what_is_there_is_kept_unless_forced(digits: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "mine"
    for name in ("model.safetensors", "card.md"):
        picture(out / "x.png", 0)
        (out / name).write_bytes((digits / name).read_bytes())
    before = (out / "model.safetensors").read_bytes()
    refused(train("digits", out), capsys, "mine", "--force")
    assert (out / "model.safetensors").read_bytes() == before
    assert train("digits", out, "--force", "--epochs", "1") == 0
    assert (out / "model.safetensors").read_bytes() != before
    assert (out / "x.png").is_file()


def test_ctrl_c_leaves_nothing_half_written(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(command, "train_classifier", interrupted)
    assert train("digits", tmp_path / "out") == 130
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], ["classifier train --data SPEC --out DIR", "--help"]),
        (["tarin"], ["'tarin'", "classifier train --data SPEC --out DIR"]),
        (["train"], ["--data SPEC", "--out DIR"]),
        (["train", "--data", "digits", "--out", "x", "--widht", "3"], ["--widht"]),
    ],
)
def test_the_command_explains_itself(words: list[str], says: list[str], capsys: Any) -> None:
    refused(main(["classifier", *words]), capsys, *says)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--epochs", "0"], ["epochs 0"]),
        (["--lr", "nan"], ["lr nan"]),
        (["--weight-decay", "-1"], ["weight_decay -1"]),
        (["--width", "100000"], ["width 100000", "256"]),
        (["--depth", "0"], ["depth 0", "8"]),
        (["--size", "8"], ["size 8", "16 to 256"]),
        (["--lr", "1e30"], ["not finite", "lr 1e+30"]),
        (["--json", "."], ["folder"]),
    ],
)
def test_unusable_settings(more: list[str], says: list[str], tmp_path: Path, capsys: Any) -> None:
    refused(train("digits", tmp_path / "out", *more), capsys, *says)
    assert list(tmp_path.iterdir()) == []


def test_unusable_data(tmp_path: Path, capsys: Any) -> None:
    for i in range(30):
        picture(tmp_path / "bare" / f"{i}.png", i)
    out = tmp_path / "out"
    refused(train(tmp_path / "bare", out), capsys, "nothing to classify", "class folders")
    pixels = np.random.default_rng(0).integers(0, 256, (30, 16, 16, 3), dtype=np.uint8)
    np.savez(tmp_path / "one.npz", images=pixels, labels=np.full(30, 7))
    refused(train(tmp_path / "one.npz", out), capsys, "nothing to classify", "of class '7'")
    refused(train(tmp_path / "nowhere", out), capsys, "nowhere", "is not there")
    np.savez(tmp_path / "few.npz", images=pixels[:2], labels=[0, 1])
    refused(train(tmp_path / "few.npz", out), capsys, "no test images", "test=SPEC")
    assert not out.exists()


def test_the_next_command_names_the_same_pixels(tmp_path: Path, capsys: Any) -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 16, 24, 3), np.uint8)
    np.savez(tmp_path / "wide.npz", images=images, labels=np.arange(60) % 2)
    words = ("--fit", "pad", "--size", "32", "--upscale")
    assert train(tmp_path / "wide.npz", tmp_path / "judge", *words) == 0
    assert "wide.npz,fit=pad,upscale=yes --extractor" in capsys.readouterr().out
