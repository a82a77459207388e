"""A run in its folder: killed and resumed bit for bit, others refused, what goes wrong is named."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from safetensors.torch import load as tensors_of
from safetensors.torch import load_file, save

from ganlens.checkpoints import load_checkpoint
from ganlens.data import open_data
from ganlens.errors import GanlensError
from ganlens.features import PixelExtractor
from ganlens.images import read_frames, read_recipe
from ganlens.models.dcgan import DCGAN, preset
from ganlens.recipe import Recipe, render
from ganlens.runs import Run, RunConfig, read_metrics
from ganlens.runs.card import curve_svg
from ganlens.runs.diagnostics import Diagnostics, NotFinite, spread
from ganlens.runs.folder import average
from ganlens.subject import load
from ganlens.training import Trainer, TrainStep, configure

FLAGS = [
    "--width",
    "4",
    "--latent-dim",
    "8",
    "--batch-size",
    "16",
    "--epochs",
    "4",
    "--precision",
    "float32",
    "--extractor",
    "pixels",
    "--device",
    "cpu",
    "--save-every",
    "3",
    "--evaluate-every",
    "2",
    "--evaluate-n",
    "20",
    "--r1",
    "0.1",
    "--augment",
    "translation",
]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("data") / "small.npz"
    np.savez(path, images=rng.integers(0, 256, (200, 16, 16, 3), dtype=np.uint8))
    return path


def command(images: Path, out: Path, *more: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "ganlens",
        "train",
        "--data",
        str(images),
        "--out",
        str(out),
        *FLAGS,
        *more,
    ]


def run_whole(images: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(images, out, *more), capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def whole(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "whole"
    done = run_whole(images, out)
    assert done.returncode == 0, done.stderr
    return out


def make_run(folder: Path, images: Path, **changes: object) -> Run:
    data = open_data(str(images))
    config = configure("dcgan", **{"batch_size": 16, "epochs": 2, **changes})
    arguments = asdict(preset("torch", size=16, width=4, latent_dim=8))
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    train, test = data.part("train"), data.part("test")
    trainer = Trainer("dcgan", arguments, config, train.images, fabric)
    keeping = RunConfig(evaluate_every=1, evaluate_n=20, log_every=2, save_every=2)
    return Run(folder, trainer, train, test, PixelExtractor(), keeping, "ganlens train ...")


def test_the_samples_of_a_kept_checkpoint_replay(whole: Path) -> None:
    for name in ("best", "last"):
        path = whole / name / "samples.png"
        recipe = Recipe.from_json(read_recipe(path))
        again = render(load(whole / name, "cpu"), recipe)
        assert np.array_equal(read_frames(path)[0], again)
    passing = sorted((whole / "samples").glob("*.png"))[0]
    recipe = Recipe.from_json(read_recipe(passing))
    assert recipe.checkpoint == f"{whole.name} at step {passing.stem}"
    with pytest.raises(GanlensError, match="hash unknown"):
        render(load(whole, "cpu"), recipe)


def test_a_run_leaves_what_it_promises(whole: Path, images: Path) -> None:
    for name in (
        "run.json",
        "state.safetensors",
        "metrics.jsonl",
        "best/card.md",
        "last/samples.png",
    ):
        assert (whole / name).is_file(), name
    rows = read_metrics(whole)
    judged = [r for r in rows if "fd" in r]
    assert [r["epoch"] for r in judged] == [2, 4]
    assert all(r["n"] <= 20 and r["extractor"] == "pixels" for r in judged)
    best = load_checkpoint(whole)
    assert best.header.metrics["fd"] == min(r["fd"] for r in judged)
    assert best.header.data["n"] + len(open_data(str(images), split="test")) == 200
    card = (whole / "best" / "card.md").read_text()
    assert best.header.data["fingerprint"] in card
    assert "ganlens train" in card
    losses = [r for r in rows if r.get("d_loss") is not None]
    assert losses
    assert all(r["images_per_second"] > 0 for r in losses)


def test_killed_at_random_steps_it_ends_with_the_same_weights(
    whole: Path, images: Path, tmp_path: Path
) -> None:
    out, kills, rng = tmp_path / "killed", 0, random.Random(0)
    for _ in range(3):
        process = subprocess.Popen(
            command(images, out), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 120
        seen = _step(out)
        while process.poll() is None and time.monotonic() < deadline and _step(out) in (seen, None):
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.05))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
    assert kills, "no process was killed: the run is too short for this test"
    done = run_whole(images, out)
    assert done.returncode == 0, done.stderr
    assert "resumed at step" in done.stderr or _step(whole) == _step(out)
    for name in ("state.safetensors", "last/model.safetensors", "best/model.safetensors"):
        a, b = load_file(whole / name), load_file(out / name)
        assert a.keys() == b.keys()
        assert all(torch.equal(a[k], b[k]) for k in a), name
    timeless = [
        {k: v for k, v in r.items() if k not in ("seconds", "images_per_second")}
        for r in read_metrics(whole)
    ]
    again = [
        {k: v for k, v in r.items() if k not in ("seconds", "images_per_second")}
        for r in read_metrics(out)
    ]
    assert [r for r in timeless if "fd" in r] == [r for r in again if "fd" in r]


def _step(out: Path) -> int | None:
    """Return the step of the state, read at once: the run may replace it meanwhile."""
    try:
        return int(tensors_of((out / "state.safetensors").read_bytes())["step"])
    except FileNotFoundError:
        return None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_leaves(images: Path, tmp_path: Path, number: signal.Signals) -> None:
    out = tmp_path / "run"
    process = subprocess.Popen(
        command(images, out, "--epochs", "4000"),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    while _step(out) is None and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "the same command resumes" in errors
    assert "Traceback" not in errors
    assert _step(out)


def test_a_run_can_be_made_longer_but_not_otherwise_changed(images: Path, tmp_path: Path) -> None:
    list(make_run(tmp_path / "r", images, epochs=1).events())
    longer = make_run(tmp_path / "r", images, epochs=2)
    notes = [e.note for e in longer.events() if e.note]
    assert notes == ["resumed at step 11 of 22"]
    with pytest.raises(GanlensError, match=r"another run: its training.lr is 0.0002, not 0.001"):
        make_run(tmp_path / "r", images, epochs=2, lr=1e-3)


def test_a_run_from_before_a_setting_existed_resumes(images: Path, tmp_path: Path) -> None:
    list(make_run(tmp_path / "r", images, epochs=1).events())
    file = tmp_path / "r" / "run.json"
    held = json.loads(file.read_text())
    del held["arguments"]["bn_eps"], held["training"]["flip"], held["condition"], held["others"]
    file.write_text(json.dumps(held))
    notes = [e.note for e in make_run(tmp_path / "r", images, epochs=2).events() if e.note]
    assert notes == ["resumed at step 11 of 22"]
    with pytest.raises(GanlensError, match=r"another run: its training.flip is False, not True"):
        make_run(tmp_path / "r", images, epochs=2, flip=True)


def test_another_folder_is_left_alone(images: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(GanlensError, match="holds other files"):
        make_run(tmp_path, images)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_best(
    images: Path, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "r", images)
    events = run.events()
    while not any((tmp_path / "r" / "best").glob("model*")):
        next(events)
    kept = load_checkpoint(tmp_path / "r").hash
    with torch.no_grad():
        next(run.trainer.networks["generator"].parameters()).fill_(float("nan"))
    with pytest.raises(GanlensError, match=r"training stopped: .* at step .*best checkpoint is in"):
        list(events)
    assert load_checkpoint(tmp_path / "r").hash == kept
    state = load_file(tmp_path / "r" / "state.safetensors")
    assert all(torch.isfinite(v).all() for v in state.values())


def test_a_damaged_state_is_named(images: Path, tmp_path: Path) -> None:
    list(make_run(tmp_path / "r", images, epochs=1).events())
    (tmp_path / "r" / "state.safetensors").write_bytes(b"nothing")
    with pytest.raises(GanlensError, match=r"state.safetensors is damaged"):
        make_run(tmp_path / "r", images, epochs=1)


@pytest.mark.parametrize("known", [{}, {"best": "x", "seconds": 1}, {"best": 1}, [1]])
def test_a_state_that_does_not_know_its_best_is_named(
    images: Path, tmp_path: Path, known: object
) -> None:
    run = make_run(tmp_path / "r", images, epochs=1)
    run.save_state()
    file = tmp_path / "r" / "state.safetensors"
    file.write_bytes(save(load_file(file), metadata={"ganlens-state": json.dumps(known)}))
    with pytest.raises(GanlensError, match=r"state.safetensors is damaged"):
        make_run(tmp_path / "r", images, epochs=1)


DAMAGED = ("\ufffd", "[1]", '{"a": 1}', '{"step": "x"}', '{"step": 1, "fd": null}', "[" * 100_000)


@pytest.mark.parametrize("line", DAMAGED, ids=lambda line: line[:20])
def test_metrics_end_at_a_damaged_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "metrics.jsonl").write_text(f'{{"step": 1}}\n{line}\n{{"step": 3}}\n')
    assert read_metrics(tmp_path) == [{"step": 1}]


def test_damaged_metrics_do_not_stop_a_resume(images: Path, tmp_path: Path) -> None:
    list(make_run(tmp_path / "r", images, epochs=1).events())
    (tmp_path / "r" / "metrics.jsonl").write_bytes(b"\xff\xfe\0")
    list(make_run(tmp_path / "r", images, epochs=2).events())
    assert [row["epoch"] for row in read_metrics(tmp_path / "r") if "fd" in row] == [2]


def test_what_only_looks_like_a_run_is_kept(images: Path, tmp_path: Path) -> None:
    (tmp_path / "r" / "run.json").mkdir(parents=True)
    with pytest.raises(GanlensError, match="holds other files"):
        make_run(tmp_path / "r", images)
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "run.json").write_text("[" * 100_000)
    with pytest.raises(GanlensError, match=r"run.json is damaged"):
        make_run(tmp_path / "s", images)


def test_watching_changes_no_weight(images: Path, tmp_path: Path) -> None:
    a, b = (make_run(tmp_path / n, images) for n in "ab")
    object.__setattr__(b.config, "evaluate_every", 2)
    for run in (a, b):
        list(run.events())
    assert all(torch.equal(v, b.trainer.state()[k]) for k, v in a.trainer.state().items())


def test_metrics_survive_an_unfinished_line(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n{"step": 2}\n{"st')
    assert read_metrics(tmp_path) == [{"step": 1}, {"step": 2}]


def step(number: int, **values: float | None) -> TrainStep:
    base = {
        "d_loss": 0.1,
        "g_loss": 5.0,
        "d_real": 1.0,
        "d_fake": 1.0,
        "d_grad": 1.0,
        "g_grad": 1.0,
    }
    shown = {name: value for name, value in {**base, **values}.items() if value is not None}
    return TrainStep(number, 0, 100.0, shown)


def test_averages_leave_out_the_network_that_rested() -> None:
    row = average([step(1, d_loss=None), step(2, d_loss=0.4), step(3, d_loss=0.2)])
    assert row["d_loss"] == pytest.approx(0.3)
    assert row["step"] == 3
    assert row["images_per_second"] == pytest.approx(100)


def test_a_strong_discriminator_alone_is_no_alarm_without_a_vanished_gradient() -> None:
    rng = np.random.default_rng(0)
    real = rng.integers(0, 256, (64, 8, 8, 3)).astype(np.uint8)
    healthy, stuck = (Diagnostics(DCGAN(), spread(real)) for _ in range(2))
    for i in range(600):
        healthy.add(step(i))
        stuck.add(step(i, g_grad=1.0 if i < 200 else 0.001))
    assert healthy.warnings(real) == []
    assert [w.split(":")[0] for w in stuck.warnings(real)] == ["discriminator too strong"]


def test_collapse_is_named_and_variety_is_not() -> None:
    rng = np.random.default_rng(0)
    real = rng.integers(0, 256, (64, 8, 8, 3)).astype(np.uint8)
    copies = np.repeat(real[:1], 64, axis=0)
    watch = Diagnostics(DCGAN(), spread(real))
    assert [w.split(":")[0] for w in watch.warnings(copies)] == ["collapse"]
    assert watch.warnings(real[::-1]) == []


def test_spread_is_the_mean_pairwise_distance() -> None:
    images = np.zeros((3, 1, 1, 1), np.uint8)
    images[:, 0, 0, 0] = 0, 3, 6
    assert spread(images) == pytest.approx((3 + 6 + 3) / 3)
    assert spread(images[:1]) == 0


@pytest.mark.parametrize("name", ["d_loss", "g_loss", "d_grad", "g_grad"])
def test_not_finite_is_seen_in_each_number(name: str) -> None:
    with pytest.raises(NotFinite, match=f"{name} is nan at step 3"):
        Diagnostics(DCGAN(), 1.0).add(step(3, **{name: float("nan")}))


def test_the_curve_marks_the_kept_step() -> None:
    rows = [{"epoch": e, "step": 10 * e, "fd": 5.0 - e, "coverage": 0.1 * e} for e in (1, 2, 3)]
    svg = curve_svg(rows, best=20)
    assert svg.count("<circle") == 2
    assert svg.count("<polyline") == 2
    assert 'fill="none"/>' in curve_svg(rows, best=20, dark=True), "no white ground on a dark page"


def test_what_was_asked_is_json(whole: Path) -> None:
    held = json.loads((whole / "run.json").read_text())
    assert held["training"]["r1"] == 0.1
    assert held["arguments"]["width"] == 4


@pytest.mark.skipif(os.cpu_count() == 1, reason="two ranks need two cores")
@pytest.mark.slow
def test_two_ranks_train_together(images: Path, tmp_path: Path) -> None:
    words = command(images, tmp_path / "r", "--rotation", "1")[1:]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*torchrun, *words], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert load_checkpoint(tmp_path / "r").header.made["ranks"] == 2
