"""The family in docs/families.md trains, resumes, opens and is drawn as it stands there."""

import json
import re
import subprocess
import sys
from pathlib import Path

TEXT = Path(__file__).resolve().parents[2] / "docs" / "families.md"


def ganlens(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "ganlens", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def write(name: str, folder: Path) -> None:
    """Write the file of this name that the docs show."""
    text = TEXT.read_text("utf-8")
    (code,) = re.findall(rf'```python\n("""{name}.*?)```', text, re.S)
    (folder / name).write_text(code, encoding="utf-8")


def test_the_autoencoder_of_the_docs_is_complete(tmp_path: Path) -> None:
    write("family_autoencoder.py", tmp_path)
    trust = ("--module", "family_autoencoder:Autoencoder", "--trust")
    words = ["train", "--family", "autoencoder", "--data", "digits", "--out", "run",
             "--extractor", "pixels", "--precision", "float32", *trust]  # fmt: skip
    shown = ganlens(tmp_path, "train", "--family", "autoencoder", *trust, "--help")
    assert "--pull" in shown.stdout
    assert "--latent-dim" in shown.stdout
    assert "--instance-noise" not in shown.stdout
    first = ganlens(tmp_path, *words, "--epochs", "1")
    assert first.returncode == 0, first.stderr
    assert f"next: ganlens report run --data digits {' '.join(trust)}" in first.stdout
    again = ganlens(tmp_path, *words, "--epochs", "3")
    assert "resumed at step 12 of 36" in again.stderr
    drawn = ganlens(tmp_path, "sample", "run", "--n", "9", "--out", "grid.png", *trust)
    assert drawn.returncode == 0, drawn.stderr
    assert "identical" in ganlens(tmp_path, "replay", "grid.png", "--checkpoint", "run",
                                  *trust).stdout  # fmt: skip
    (tmp_path / "run").rename(tmp_path / "runs")  # a run of this folder is found by its picture
    (tmp_path / "runs" / "run").mkdir()
    for part in ("best", "last"):
        (tmp_path / "runs" / part).rename(tmp_path / "runs" / "run" / part)
    assert "identical" in ganlens(tmp_path, "replay", "grid.png", *trust).stdout
    (tmp_path / "runs" / "run").rename(tmp_path / "run")
    error = ganlens(tmp_path, "sample", "run", "--out", "other.png")
    assert error.returncode == 2
    assert "--module" in error.stderr


def test_the_gan_of_the_docs_trains_within_its_limits(tmp_path: Path) -> None:
    write("family_hinge.py", tmp_path)
    words = ["train", "--family", "hinge", "--data", "digits", "--out", "run", "--epochs", "1",
             "--extractor", "pixels", "--module", "family_hinge:HingeGAN", "--trust"]  # fmt: skip
    refused = ganlens(tmp_path, *words, "--lr", "0")
    assert refused.returncode == 2
    assert "lr 0.0 is out of range: give a number above 0" in refused.stderr
    assert not (tmp_path / "run").exists()
    first = ganlens(tmp_path, *words, "--every", "2", "--json", "first.json")
    assert first.returncode == 0, first.stderr
    again = ganlens(tmp_path, *words, "--every", "2", "--json", "again.json")
    assert "resumed at step 12 of 12" in again.stderr
    held = [json.loads((tmp_path / f"{name}.json").read_text()) for name in ("first", "again")]
    assert held[0] == held[1]
    assert held[0]["last"]["step"] == 12
