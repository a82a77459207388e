"""``train --withhold``: images that training never has, said wherever the run is described."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ganlens
from ganlens.checkpoints import load_checkpoint
from ganlens.cli import main
from ganlens.data import open_data
from ganlens.errors import GanlensError
from ganlens.images import write_png
from ganlens.report.about import provenance_panel

COUNT = 80
SMALL = ["--width", "4", "--latent-dim", "8", "--batch-size", "16", "--epochs", "1",
         "--extractor", "pixels"]  # fmt: skip
RED_DARK = "hair=red & glasses=dark"


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Pictures with every combination of three hair colours and two kinds of glasses."""
    folder, rng = tmp_path / "faces", np.random.default_rng(0)
    folder.mkdir()
    rows = ["filename,hair,glasses,split"]
    for i in range(COUNT):
        write_png(folder / f"{i}.png", rng.integers(0, 256, (16, 16, 3), dtype=np.uint8))
        part = "test" if i % 8 == 7 else "train"
        rows.append(
            f"{i}.png,{('red', 'brown', 'grey')[i % 3]},{('dark', 'none')[i // 3 % 2]},{part}"
        )
    (folder / "attributes.csv").write_text("\n".join(rows))
    return folder


def train(data: Path, out: Path, *more: str) -> int:
    command = ["train", "--data", str(data), "--out", str(out), "--family", "conditional-dcgan"]
    return main([*command, "--condition-on", "hair", "glasses", *SMALL, *more])


def test_rows_that_satisfy_it_are_left_out_and_nothing_else(faces: Path) -> None:
    data = open_data(str(faces)).part("train")
    left = data.without(RED_DARK)
    gone = data.select(RED_DARK)
    kept = np.setdiff1d(np.arange(len(data)), gone)
    assert 0 < len(gone) == len(data) - len(left)
    assert np.array_equal(left.images, data.images[kept])
    assert left.names.tolist() == data.names[kept].tolist()
    assert len(left.select(RED_DARK)) == 0
    assert len(left.select("hair=red")) == len(data.select("hair=red & !(glasses=dark)"))
    assert (left.withheld, left.fingerprint) == (RED_DARK, data.fingerprint)
    assert left.values == data.values, "the value itself is known: it can be asked for"
    assert left.originals is not None
    assert len(left.originals.digests) == len(left)
    assert left.part("train") is left


@pytest.mark.parametrize(
    ("expression", "words"),
    [("hair=blue", "blue"), ("hat=yes", "hat"), ("hair=red | !(hair=red)", "every train image"),
     ("hair=red & hair=grey", "no train image"), ("hair=", "a value should follow"),
     ("", "an attribute should follow")],
)  # fmt: skip
def test_what_cannot_be_withheld_is_one_line(
    faces: Path, tmp_path: Path, expression: str, words: str, capsys: Any
) -> None:
    with pytest.raises(GanlensError, match=words.replace("|", r"\|")):
        open_data(str(faces)).part("train").without(expression)
    assert train(faces, tmp_path / "run", "--withhold", expression) == 2
    assert not (tmp_path / "run" / "run.json").exists()
    assert words in capsys.readouterr().err.splitlines()[-1]


def test_a_run_says_what_it_never_saw_and_is_not_resumed_without(
    faces: Path, tmp_path: Path, capsys: Any
) -> None:
    out = tmp_path / "run"
    assert train(faces, out, "--withhold", RED_DARK) == 0
    assert f"(without {RED_DARK})" in capsys.readouterr().err
    known = json.loads((out / "run.json").read_text())["data"]
    data = open_data(str(faces)).part("train")
    assert known["withheld"] == RED_DARK
    assert known["n"] == len(data) - len(data.select(RED_DARK))
    assert f"withheld from it | `{RED_DARK}`" in (out / "best" / "card.md").read_text()
    checkpoint = load_checkpoint(out)
    assert checkpoint.header.data["withheld"] == RED_DARK
    said = [list(row) for row in provenance_panel(ganlens.load(out, "cpu")).rows]
    assert ["withheld from it", RED_DARK] in said
    assert train(faces, out) == 2
    assert "another run: its data" in capsys.readouterr().err.splitlines()[-1]
    subject = ganlens.load(out, "cpu")
    assert subject.condition is not None
    entries = [subject.condition.name(subject.condition.row(e)) for e in
               subject.condition.table.entries]  # fmt: skip
    assert len(entries) == 5, "of six combinations"
    asked = subject.generate(subject.latents(range(2)), "hair=red & glasses=dark")
    assert asked.isfinite().all()
