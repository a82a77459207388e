"""The family in docs/families.md trains, resumes, opens and is drawn as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

TEXT = Path(__file__).resolve().parents[2] / "docs" / "families.md"


def ganlens(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "ganlens", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_autoencoder_of_the_docs_is_complete(tmp_path: Path) -> None:
    text = TEXT.read_text("utf-8")
    (code,) = re.findall(r'```python\n("""family_autoencoder.py.*?)```', text, re.S)
    (tmp_path / "family_autoencoder.py").write_text(code, encoding="utf-8")
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
    error = ganlens(tmp_path, "sample", "run", "--out", "other.png")
    assert error.returncode == 2
    assert "--module" in error.stderr
