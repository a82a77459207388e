"""All six losses beside each other: the same networks, images, steps and seeds; one table.

    python benchmarks/losses.py [--out runs/losses] [--seeds 3] [--only stacked] [--table]

Data: mnist10k, pixelfaces, and digits stacked to colour images (Lin 2018, PacGAN): three random
digits are the three channels, which makes 1,000 modes. Of each run: the Fréchet distance of the
best evaluation in a classifier's features with its 95 % interval, the floor between real images,
coverage, the modes that 25,600 samples show, and the time of a step. Every loss trains at its own
defaults. A run that was stopped goes on, one that is there is not trained again; --table prints
what there is.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

import ganlens
from ganlens.classifier import load_classifier
from ganlens.models.losses import LOSSES

EPOCHS = {"mnist10k": 40, "pixelfaces": 20, "stacked": 40}
TRIPLES = 8_000, 2_000  # stacked images to learn from, and held out
MODES, PICTURES = 1000, 25_600  # Lin 2018's number of samples
DATA = tuple(EPOCHS)


def stacked(out: Path) -> str:
    """Return the SPEC of stacked digits, made on first use from train and from held-out digits."""
    data, rng = ganlens.open_data("mnist10k"), np.random.default_rng(0)
    names = []
    for part, count in zip(("train", "test"), TRIPLES, strict=True):
        file = out / f"stacked-{part}.npz"
        names.append(f"{part}={file}")
        if not file.is_file():
            digits = np.asarray(data.part(part).images)[..., 0]
            rows = rng.integers(len(digits), size=(3, count))
            np.savez_compressed(file, images=np.stack([digits[r] for r in rows], axis=-1))
    return ",".join(names)


def ganlens_command(*words: str) -> None:
    """Run a command of ganlens."""
    subprocess.run([sys.executable, "-m", "ganlens", *words], check=True)


def measured(out: Path, data: str, loss: str, seed: int) -> dict[str, Any]:
    """Train one run, or go on with it, and return what was measured of its best checkpoint."""
    run = out / data / f"{loss}-{seed}"
    file = run / "measured.json"
    if file.is_file():
        return dict(json.loads(file.read_text()))
    spec = stacked(out) if data == "stacked" else data
    ganlens_command(
        "train", "--data", spec, "--out", str(run), "--loss", loss, "--seed", str(seed),
        "--width", "32", "--batch-size", "64", "--epochs", str(EPOCHS[data]),
        "--evaluate-every", "10", *judge(out, data),
    )  # fmt: skip
    ganlens_command(
        "fid", str(run), "--data", spec, "--extractor", extractor(out, data), "--json",
        str(run / "fid.json"),
    )  # fmt: skip
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    speeds = [row["images_per_second"] for row in rows if "images_per_second" in row]
    found = {
        **json.loads((run / "fid.json").read_text())["summary"],
        "milliseconds_per_step": 1000 * 64 / median(speeds),
    }
    if data == "stacked":
        found["modes"] = modes(run, extractor(out, "mnist10k"))
    file.write_text(json.dumps(found))
    return found


def extractor(out: Path, data: str) -> str:
    """Return the features that runs on some data are measured in: of stacked digits, pixels'."""
    shipped = {"pixelfaces": "pixelfaces-attributes", "stacked": "pixels"}
    return shipped.get(data, str(out / "digits"))


def judge(out: Path, data: str) -> tuple[str, str]:
    """Return the flag that evaluates a run in the same features."""
    if data == "mnist10k" and not (out / "digits").is_dir():
        ganlens_command("classifier", "train", "--data", "mnist10k", "--out", str(out / "digits"))
    return "--extractor", extractor(out, data)


@torch.inference_mode()
def modes(run: Path, digits: str) -> int:
    """Count the triples of digits that a classifier reads in 25,600 samples, channel by channel."""
    subject, (network, _, _) = ganlens.load(run), load_classifier(digits)
    found: set[int] = set()
    for first in range(0, PICTURES, 1024):
        images = subject.sample(range(first, min(first + 1024, PICTURES)))
        read = [next(iter(network(images[:, [c]]).values())).argmax(1) for c in range(3)]
        found |= set((100 * read[0] + 10 * read[1] + read[2]).tolist())
    return len(found)


def table(out: Path, seeds: int) -> None:
    """Print what was measured: every seed, not the best."""
    names = "data", "loss", "FD by seed (95 % interval)", "floor", "coverage", "modes", "ms/step"
    print(f"| {' | '.join(names)} |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for data in DATA:
        for loss in LOSSES:
            files = [out / data / f"{loss}-{seed}" / "measured.json" for seed in range(seeds)]
            rows = [json.loads(f.read_text()) for f in files if f.is_file()]
            if rows:
                print(line(data, loss, rows))


def line(data: str, loss: str, rows: list[dict[str, Any]]) -> str:
    """Return a line of the table."""
    distances = "; ".join(
        f"{r['value']:.1f} ({r['interval'][0]:.1f} - {r['interval'][1]:.1f})" for r in rows
    )
    floor = median(row["floor"] for row in rows)
    coverage = ", ".join(f"{row['coverage']:.2f}" for row in rows)
    shown = ", ".join(str(row.get("modes", "-")) for row in rows)
    step = median(row["milliseconds_per_step"] for row in rows)
    return f"| {data} | {loss} | {distances} | {floor:.2f} | {coverage} | {shown} | {step:.0f} |"


def main() -> None:
    """Train what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/losses"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", choices=DATA)
    parser.add_argument("--table", action="store_true", help="train nothing")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    if not given.table:
        for seed in range(given.seeds):
            for data in (given.only,) if given.only else DATA:
                for loss in LOSSES:
                    measured(given.out, data, loss, seed)
    table(given.out, given.seeds)


if __name__ == "__main__":
    main()
