"""Files that ganlens 0.1 wrote (written_by_0_1): opened, drawn, and its runs resumed."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from written_by_0_1.make import RUNS, STOP, TRAIN

from ganlens.checkpoints import load_checkpoint
from ganlens.cli import main
from ganlens.data import open_data
from ganlens.images import read_frames, read_recipe
from ganlens.models.dcgan import DCGANConfig
from ganlens.recipe import Recipe
from ganlens.recipe.reading import SOURCES
from ganlens.replay import compare, read, redraw
from ganlens.runs import read_metrics
from ganlens.subject import load
from ganlens.training import Trainer, configure, quiet_fabric, train

OLD = Path(__file__).resolve().parents[1] / "written_by_0_1"
PICTURES = sorted([*OLD.glob("pictures/*.png"), *OLD.glob("panels/*/*.png")])
ROUNDING = 1  # of 255: another processor's kernels may end on the other side of a grey level

State = dict[str, torch.Tensor]


def flags(name: str) -> list[str]:
    return [*TRAIN.split(), *RUNS[name].split()]


def fresh(name: str) -> Trainer:
    """Return a trainer with the settings that the old run's file states."""
    held = json.loads((OLD / f"run-{name}" / "run.json").read_text())
    images = open_data("digits", size=16, upscale=True).part("train").images
    config = configure("dcgan", **held["training"])
    fabric = quiet_fabric(accelerator="cpu", devices=1, precision=held["precision"])
    return Trainer("dcgan", held["arguments"], config, images, fabric)


def kept(name: str) -> State:
    """Return the old run's state under the names that it has today."""
    old = load_file(OLD / f"run-{name}" / "state.safetensors")
    return {k.replace("ema.", "ema.generator.", 1) if k.startswith("ema.") else k: v
            for k, v in old.items()}  # fmt: skip


def copies(run: Trainer) -> State:
    return {k: v.clone(memory_format=torch.contiguous_format) for k, v in run.state().items()}


def same(a: State, b: State) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def test_the_checkpoint_opens_with_its_networks_and_its_hash() -> None:
    opened = load_checkpoint(OLD / "checkpoint")
    assert set(opened.networks) == {"generator", "discriminator", "ema.generator"}
    assert opened.header.format == 1
    assert opened.header.arguments == asdict(
        DCGANConfig(size=16, channels=1, latent_dim=4, width=2)
    )
    tensors = load_file(OLD / "checkpoint" / "model.safetensors")
    for name, old in (("ema.generator", "ema"), ("generator", "generator")):
        for key, value in opened.networks[name].state_dict().items():
            assert torch.equal(value, tensors[f"{old}.{key}"])
    recipe = read_recipe(OLD / "checkpoint" / "samples.png")
    assert recipe is not None
    assert opened.hash == recipe["hash"]


@pytest.mark.parametrize("weights", ["ema", "raw"])
def test_both_generators_of_the_checkpoint_draw(weights: str) -> None:
    subject = load(OLD / "checkpoint", "cpu", weights=weights)
    assert subject.provenance["weights"] == weights
    held = load_checkpoint(OLD / "checkpoint").networks
    z = subject.latents(range(3))
    with torch.no_grad():
        expected = held["ema.generator" if weights == "ema" else "generator"].eval()(z)
    torch.testing.assert_close(subject.generate(z), expected)


def test_its_sample_sheet_is_drawn_again() -> None:
    path = OLD / "checkpoint" / "samples.png"
    recipe = Recipe.from_json(read_recipe(path) or {})
    again = redraw(load(OLD / "checkpoint", "cpu"), recipe, open_data)
    assert compare(read_frames(path)[0], again).get("largest_difference", 0) <= ROUNDING


@pytest.mark.parametrize("path", PICTURES, ids=lambda p: p.relative_to(OLD).as_posix())
def test_a_picture_is_drawn_again(path: Path) -> None:
    subject = load(OLD / "checkpoint", "cpu")

    def at_its_size(spec: str) -> Any:
        return open_data(spec, split="all", size=16, channels=1, upscale=True)

    again = redraw(subject, read(read_recipe(path) or {}), at_its_size)
    assert compare(read_frames(path)[0], again).get("largest_difference", 0) <= ROUNDING


def test_the_pictures_hold_every_kind_of_latents() -> None:
    recipes = [read_recipe(path) or {} for path in OLD.glob("pictures/*.png")]
    assert {r["latents"]["kind"] for r in recipes} == set(SOURCES) - {"pictures"}
    done = {edit["kind"] for r in recipes for edit in r["edits"]}
    assert done == {"project", "truncate", "move", "silence", "blend", "offset"}


@pytest.mark.parametrize("name", RUNS)
def test_the_trainer_takes_over_every_tensor_of_a_state(name: str) -> None:
    run = fresh(name)
    run.restore(load_file(OLD / f"run-{name}" / "state.safetensors"))
    assert run.step == STOP
    assert same(copies(run), kept(name))


@pytest.mark.parametrize("name", RUNS)
def test_an_old_run_is_resumed_and_ends_as_one_from_the_start(name: str, tmp_path: Path) -> None:
    """To the bit on kernels like those that the old half was computed with, else nearly."""
    out, whole = tmp_path / "run", fresh(name)
    shutil.copytree(OLD / f"run-{name}", out)
    [whole.advance() for _ in range(STOP)]
    alike = same(copies(whole), kept(name))
    list(train(whole))
    assert main([*flags(name), "--out", str(out)]) == 0
    ended, expected = load_file(out / "state.safetensors"), copies(whole)
    assert ended["step"] == whole.total_steps == 24
    if alike:
        assert same(ended, expected)
    most = 2 * whole.total_steps * whole.config.objective.lr  # Adam moves a weight by lr a step
    for key, value in whole.networks["generator"].named_parameters():
        assert (ended[f"generator.{key}"] - value.detach()).abs().max() <= most
    judged = [row["step"] for row in read_metrics(out) if "fd" in row]
    assert judged == [12, 24]
    assert set(load_checkpoint(out / "last").networks) >= {"generator", "ema.generator"}


def test_an_old_run_with_other_settings_is_refused_as_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    shutil.copytree(OLD / "run-default", out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert main([*flags("default"), "--lr", "0.001", "--out", str(out)]) == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line == (
        f"ganlens: {out} holds another run: its training.lr is 0.0002, not 0.001; give the"
        " same settings to resume it, or a new folder to --out"
    )
    assert before == {path.name: path.read_bytes() for path in out.iterdir()}
