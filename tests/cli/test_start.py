"""Training that starts from a checkpoint: its weights, its networks, and what is refused."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from draws import DrawsFromSeeds
from fake_subject import TINY, save_tiny
from lightning_fabric import Fabric
from other_projects import examples_discriminator, examples_draw, examples_generator
from test_train_command import refused
from torch import nn

from ganlens.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from ganlens.cli import main
from ganlens.errors import GanlensError
from ganlens.foreign import adopted, open_checkpoint
from ganlens.models import build
from ganlens.runs.evaluation import calibrated
from ganlens.training import Trainer, configure

IMAGES = np.random.default_rng(0).integers(0, 256, (64, 16, 16, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return load_checkpoint(save_tiny(tmp_path_factory.mktemp("start") / "tiny", seed=3))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "images.npz"
    np.savez(path, images=IMAGES)
    return path


def trainer(start: Checkpoint | None, arguments: Any = None, **changes: Any) -> Trainer:
    config = configure("dcgan", **{"batch_size": 16, "epochs": 1, **changes})
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    return Trainer("dcgan", arguments or asdict(TINY), config, IMAGES, fabric, start)


def equal(a: nn.Module, b: nn.Module) -> bool:
    ours, theirs = a.state_dict(), b.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


def test_a_run_begins_with_the_weights_of_its_start(start: Checkpoint) -> None:
    run = trainer(start)
    assert equal(run.networks["generator"], start.networks["generator"])
    assert equal(run.networks["discriminator"], start.networks["discriminator"])
    assert equal(run.networks["ema.generator"], start.networks["generator"]), (
        "it had no moving average"
    )
    assert not equal(run.networks["generator"], trainer(None).networks["generator"])
    assert all(
        p.requires_grad
        for n in (run.networks["generator"], run.networks["discriminator"])
        for p in n.parameters()
    )


def test_a_moving_average_goes_on(start: Checkpoint) -> None:
    other = trainer(None).networks["generator"]
    run = trainer(replace(start, networks={**start.networks, "ema.generator": other}))
    assert equal(run.networks["ema.generator"], other)
    assert equal(run.networks["generator"], start.networks["generator"])
    before, after = (dict(n.named_parameters()) for n in (other, run.networks["ema.generator"]))
    run.advance()
    for name, now in run.networks["generator"].named_parameters():
        expected = before[name].lerp(now, 1 - run.config.ema_decay)
        torch.testing.assert_close(after[name], expected, msg="its past is not forgotten")


def test_the_start_itself_is_left_as_it_is(start: Checkpoint) -> None:
    before = {k: v.clone() for k, v in start.networks["generator"].state_dict().items()}
    run = trainer(start)
    run.advance()
    now = start.networks["generator"].state_dict()
    assert all(torch.equal(now[k], before[k]) for k in before)
    assert not equal(run.networks["generator"], start.networks["generator"])


def test_spectral_norm_takes_the_weights_as_they_are(start: Checkpoint) -> None:
    kept = calibrated(trainer(start, spectral_norm=True))["discriminator"]
    ours, theirs = (n.get_parameter("block1.conv.weight") for n in
                    (kept, start.networks["discriminator"]))  # fmt: skip
    ratio = (theirs / ours).flatten()
    torch.testing.assert_close(ratio, ratio[:1].expand_as(ratio), rtol=1e-4, atol=0)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"family": "mimicry"}, "tiny is of family 'mimicry': choose a checkpoint of 'dcgan'"),
        ({"arguments": {**asdict(TINY), "width": 8}}, "tiny has width 8, not 4: leave"),
        ({"arguments": {}}, "tiny has size 32, not 16"),
    ],
)
def test_other_networks_are_refused(start: Checkpoint, wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(GanlensError, match=words):
        trainer(replace(start, header=replace(start.header, **wrong)))


def test_settings_that_are_left_out_are_compared_as_their_defaults(start: Checkpoint) -> None:
    uniform = {**asdict(TINY), "prior": "uniform"}
    begun = replace(start, header=replace(start.header, arguments=uniform))
    left_out = {"size": 16, "width": 4, "latent_dim": 8}
    with pytest.raises(GanlensError, match="tiny has prior 'uniform', not 'normal'"):
        trainer(begun, left_out)
    with pytest.raises(GanlensError, match="tiny has width 4, not 64"):
        trainer(start, {"size": 16, "latent_dim": 8})


def test_a_checkpoint_from_before_a_setting_has_its_default(start: Checkpoint) -> None:
    known = {k: v for k, v in asdict(TINY).items() if k != "bn_eps"}
    older = replace(start, header=replace(start.header, arguments=known))
    assert equal(trainer(older).networks["generator"], start.networks["generator"])


@pytest.mark.parametrize("part", ["generator", "discriminator"])
def test_half_a_pair_is_refused(start: Checkpoint, part: str) -> None:
    networks = {name: one for name, one in start.networks.items() if name != part}
    with pytest.raises(GanlensError, match=f"tiny holds no {part}: choose another checkpoint"):
        trainer(replace(start, networks=networks))


def command(data: Path, out: Path, start: Path, *more: str) -> int:
    words = ["--batch-size", "16", "--epochs", "1", "--extractor", "pixels", "--evaluate-n", "6"]
    return main(
        ["train", "--data", str(data), "--out", str(out), "--start", str(start), *words, *more]
    )


def test_the_command_takes_the_networks_from_there_and_says_so(
    start: Checkpoint, data: Path, tmp_path: Path, capsys: Any
) -> None:
    assert command(data, tmp_path / "run", start.path) == 0
    assert "begun from tiny" in capsys.readouterr().err
    made = load_checkpoint(tmp_path / "run" / "last")
    assert made.header.arguments == asdict(TINY)
    assert made.header.made["start"] == {"checkpoint": "tiny", "hash": start.hash}
    card = (tmp_path / "run" / "last" / "card.md").read_text()
    assert f"| started from | tiny, `{start.hash}` |" in card
    assert command(data, tmp_path / "run", start.path) == 0, "the same command resumes"


def test_a_run_without_a_start_says_nothing_of_it(data: Path, tmp_path: Path, capsys: Any) -> None:
    words = ["--width", "4", "--epochs", "1", "--batch-size", "16", "--extractor", "pixels"]
    out = tmp_path / "run"
    assert main(["train", "--data", str(data), "--out", str(out), *words]) == 0
    assert "begun from" not in capsys.readouterr().err
    assert "started from" not in (out / "last" / "card.md").read_text()
    assert "start" not in load_checkpoint(out).header.made


def test_a_run_of_another_start_is_another_run(
    start: Checkpoint, data: Path, tmp_path: Path, capsys: Any
) -> None:
    assert command(data, tmp_path / "run", start.path) == 0
    before = (tmp_path / "run" / "last" / "model.safetensors").read_bytes()
    other = save_tiny(tmp_path / "other", seed=4)
    refused(command(data, tmp_path / "run", other), capsys, "another run", "start", "new folder")
    assert (tmp_path / "run" / "last" / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--width", "8"], ["tiny has width 4, not 8", "leave"]),
        (["--size", "32"], ["tiny has size 16, not 32"]),
        (["--channels", "1"], ["tiny has channels 3, not 1"]),
        (["--kernel", "5"], ["tiny has kernel 4, not 5"]),
        (["--preset", "paper", "--width", "128"], ["tiny has width 4, not 128"]),
    ],
)
def test_flags_for_other_networks_are_refused(
    start: Checkpoint, data: Path, tmp_path: Path, capsys: Any, more: list[str], words: list[str]
) -> None:
    refused(command(data, tmp_path / "run", start.path, *more), capsys, *words)
    assert not (tmp_path / "run").exists()


def test_flags_for_the_same_networks_are_taken(
    start: Checkpoint, data: Path, tmp_path: Path
) -> None:
    assert command(data, tmp_path / "run", start.path, "--width", "4", "--size", "16") == 0


def test_a_start_that_is_not_there(data: Path, tmp_path: Path, capsys: Any) -> None:
    line = refused(command(data, tmp_path / "run", tmp_path / "no"), capsys, "does not exist")
    assert "ganlens list" in line
    assert not (tmp_path / "run").exists()


def test_other_families_are_refused_before_the_data_is_read(
    start: Checkpoint, tmp_path: Path, capsys: Any
) -> None:
    settings = {
        "latent_dim": 8, "widths": [8, 4], "channels": 3, "start": [4, 4], "prior": "normal",
        "bn_eps": 1e-5, "output": {},
    }  # fmt: skip
    arguments = {"generator": settings}
    networks = build("pytorch-dcgan", arguments, 0, ["generator"])
    header = replace(start.header, family="pytorch-dcgan", arguments=arguments)
    save_checkpoint(tmp_path / "wrong", header, networks, {})
    code = command(tmp_path / "no-data", tmp_path / "run", tmp_path / "wrong")
    refused(code, capsys, "wrong is of family 'pytorch-dcgan'", "choose a checkpoint of 'dcgan'")


@pytest.mark.parametrize("words", [["--start", ""], ["--start="]])
def test_an_empty_start_is_not_a_run_without_one(
    data: Path, tmp_path: Path, capsys: Any, words: list[str]
) -> None:
    code = main(["train", "--data", str(data), "--out", str(tmp_path / "run"), *words])
    refused(code, capsys, "--start ''", "ganlens list")
    assert not (tmp_path / "run").exists()


def test_of_two_starts_the_last_one_counts(start: Checkpoint, tmp_path: Path, capsys: Any) -> None:
    """As of every other flag; before, the first one was trained on and the last one recorded."""
    more = ("--start", str(tmp_path / "second"))
    code = command(tmp_path / "no-data", tmp_path / "run", start.path, *more)
    refused(code, capsys, "second", "does not exist")


@pytest.mark.parametrize("none", ["none", "None"])
def test_none_is_no_start(tmp_path: Path, capsys: Any, none: str) -> None:
    code = command(tmp_path / "no-data", tmp_path / "run", Path(none))
    refused(code, capsys, "no-data", "is not there")


def test_the_best_of_the_folder_one_stands_in_has_the_name_of_its_run(
    start: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "faces").mkdir()
    monkeypatch.chdir(tmp_path / "faces")
    assert replace(start, path=Path("best")).name == "faces"
    assert replace(start, path=Path()).name == "faces"


def tutorial_pair(folder: Path, ngf: int = 4, ndf: int = 4) -> Path:
    """Write weights as the PyTorch tutorial saves them, 64 px in colour."""
    folder.mkdir()
    for name, state in (
        ("netG", examples_generator(6, ngf, 3, 64)),
        ("netD", examples_discriminator(ndf, 3, 64)),
    ):
        torch.save(state, folder / f"{name}.pth")  # noqa: TID251 (what others do)
    return folder


def test_somebody_elses_dcgan_is_trained_on(tmp_path: Path) -> None:
    place = tutorial_pair(tmp_path / "theirs")
    with DrawsFromSeeds():
        begun = adopted(open_checkpoint(place))
    assert begun.header.family == "dcgan"
    assert (begun.header.arguments["width"], begun.header.arguments["latent_dim"]) == (4, 6)
    z = torch.randn(3, 6, generator=torch.Generator().manual_seed(0))
    theirs = examples_draw(examples_generator(6, 4, 3, 64), z)
    assert torch.allclose(begun.networks["generator"](z), theirs, atol=1e-5)
    images = np.random.default_rng(0).integers(0, 256, (40, 64, 64, 3), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", images=images)
    words = ["--data", str(tmp_path / "images.npz"), "--out", str(tmp_path / "run")]
    quick = ["--epochs", "1", "--batch-size", "8", "--extractor", "pixels", "--lr", "1e-9"]
    assert main(["train", *words, *quick, "--start", str(place)]) == 0
    trained = load_checkpoint(tmp_path / "run").networks["generator"].state_dict()
    weights = examples_generator(6, 4, 3, 64)
    assert torch.allclose(trained["project.conv.weight"], weights["main.0.weight"], atol=1e-4)
    assert torch.allclose(trained["out.conv.weight"], weights["main.12.weight"], atol=1e-4)


@pytest.mark.parametrize(
    ("widths", "message"),
    [((4, 5), "its generator's layers have other shapes"), ((4, None), "holds no discriminator")],
)
def test_what_is_no_dcgan_of_ours_is_not_trained_on(
    tmp_path: Path, data: Path, widths: Any, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tutorial_pair(tmp_path / "theirs", widths[0], widths[1] or 4)
    if widths[1] is None:
        (place / "netD.pth").unlink()
    words = ["--data", str(data), "--out", str(tmp_path / "run"), "--start", str(place)]
    refused(main(["train", *words]), capsys, message)


def test_fid_moments_and_an_extractor_take_weights(tmp_path: Path) -> None:
    place = tutorial_pair(tmp_path / "theirs")
    images = np.random.default_rng(0).integers(0, 256, (16, 64, 64, 3), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", images=images)
    file, moments = tmp_path / "f.json", tmp_path / "m.npz"
    extractor = ["--extractor", str(place), "--n", "16"]
    against = [str(place), str(tmp_path / "images.npz"), *extractor]
    assert main(["fid", *against, "--json", str(file)]) == 0
    found = json.loads(file.read_text())
    assert found["summary"]["n_fake"] == 16
    assert found["summary"]["extractor"]["checkpoint"] == "theirs"
    assert main(["moments", str(place), *extractor, "--out", str(moments)]) == 0
    assert main(["fid", str(tmp_path / "images.npz"), str(moments), *extractor,
                 "--json", str(tmp_path / "g.json")]) == 0  # fmt: skip
    again = json.loads((tmp_path / "g.json").read_text())
    assert again["summary"]["value"] == pytest.approx(found["summary"]["value"], rel=1e-5)
