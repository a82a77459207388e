"""Families that a test file defines by itself are trained, resumed, opened, drawn and reported."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from three_families import FAMILIES

import ganlens
from ganlens.cli import main
from ganlens.cli.train_data import open_all
from ganlens.cli.train_flags import RunFlags
from ganlens.errors import GanlensError
from ganlens.models import MODELS
from ganlens.probes import PROBES
from ganlens.report import missing
from ganlens.runs import read_metrics

DRIVER = Path(__file__).parents[1].joinpath("drive_families.py")
SETTINGS = ("--epochs", "4", "--batch-size", "16", "--extractor", "pixels",
            "--precision", "float32",
            "--evaluate-every", "2", "--log-every", "3", "--save-every", "1")  # fmt: skip


@pytest.fixture(scope="module")
def domains(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two sets of 120 labelled 16-pixel images: dark and light."""
    folder, rng, labels = tmp_path_factory.mktemp("domains"), np.random.default_rng(3), np.arange(3)
    for name, least in (("dark", 0), ("light", 90)):
        x = (
            rng.integers(least, least + 60, (120, 16, 16, 3))
            + 40 * (np.arange(120) % 3)[:, None, None, None]
        )
        np.savez(folder / f"{name}.npz", images=x.astype(np.uint8), labels=np.resize(labels, 120))
    return folder / "dark.npz", folder / "light.npz"


def words(family: str, domains: tuple[Path, Path], out: Path, *more: str) -> list[str]:
    others = ["--others", str(domains[1])] if family == "toy-translator" else []
    return ["train", "--family", family, "--data", str(domains[0]), *others, "--out", str(out),
            *SETTINGS, *more]  # fmt: skip


@pytest.fixture(scope="module", params=FAMILIES)
def run(
    request: pytest.FixtureRequest,
    domains: tuple[Path, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A finished run of each family."""
    out = tmp_path_factory.mktemp("families") / str(request.param)
    assert main(words(request.param, domains, out)) == 0
    return out


def test_a_run_knows_its_networks_numbers_and_card(run: Path) -> None:
    family = FAMILIES[run.name]
    rows = read_metrics(run)
    shown = {name for row in rows for name in row}
    assert {"step", "epoch", "fd", "images_per_second"} <= shown
    expected = {
        "toy-conditional": {"d_loss", "g_loss", "d_grad", "g_grad"},
        "toy-autoencoder": {"error", "autoencoder_grad"},
        "toy-translator": {"d_loss", "g_loss", "cycle", "d_grad", "g_grad"},
    }
    assert expected[run.name] <= shown
    assert "g_loss" not in shown or run.name != "toy-autoencoder"
    subject = ganlens.load(run, "cpu")
    assert subject.roles == dict(family.roles)
    card = (run / "best" / "card.md").read_text()
    assert run.name in card
    assert "(test, " in card
    held = json.loads((run / "run.json").read_text())
    assert (held["others"] is not None) == (run.name == "toy-translator")


def test_killed_it_resumes_to_the_same_weights(
    run: Path, domains: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / run.name
    command = [sys.executable, str(DRIVER), *words(run.name, domains, out)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    state, started = out / "state.safetensors", time.monotonic()
    while process.poll() is None and not state.is_file() and time.monotonic() - started < 120:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert state.is_file()
    assert main(words(run.name, domains, out)) == 0
    whole, again = (load_file(folder / "state.safetensors") for folder in (run, out))
    assert whole.keys() == again.keys()
    different = [name for name in whole if not torch.equal(whole[name], again[name])]
    assert different == []


def test_one_image_per_seed_whatever_it_is(run: Path) -> None:
    subject = ganlens.load(run, "cpu")
    x = subject.sample(range(6))
    assert x.shape == (6, 3, 16, 16)
    assert torch.equal(subject.sample([4]), x[4:5])
    again = subject.untrained(seed=1).sample(range(6))
    assert again.shape == x.shape
    assert not torch.equal(again, x)


def test_its_pictures_replay_to_the_pixel(run: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "grid.png"
    assert main(["sample", str(run), "--n", "6", "--out", str(out)]) == 0
    capsys.readouterr()
    assert main(["replay", str(out), "--checkpoint", str(run)]) == 0
    assert "identical" in capsys.readouterr().out
    kept = run / "best" / "samples.png"
    assert main(["replay", str(kept), "--checkpoint", str(run)]) == 0


def test_its_images_are_judged(run: Path, domains: tuple[Path, Path]) -> None:
    subject = ganlens.load(run, "cpu")
    data = ganlens.open_data(str(domains[1]))
    for name, settings in (("fid", {"extractor": "pixels"}), ("neighbors", {"space": "pixels"})):
        probe = PROBES[name](n=10, **settings)  # type: ignore[call-arg]
        assert missing(probe, subject, data) == ""
        found = probe.run(subject, data)
        assert json.dumps(found.summary(), allow_nan=True)
        assert found.panels()


def test_a_report_is_written_and_names_its_networks(
    run: Path, domains: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "report"
    assert main(["report", str(run), "--data", str(domains[0]), "--out", str(out)]) == 0
    page = (out / "report.html").read_text("utf-8")
    assert all(name in page for name in FAMILIES[run.name].roles)
    assert main(["check", str(run)]) in (0, 1)
    found = json.loads((out / "findings.json").read_text())
    assert {one["probe"] for one in found["findings"]} <= set(PROBES)


def test_the_flags_are_the_familys_own(capsys: Any) -> None:
    assert main(["train", "--family", "toy-autoencoder", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "--pull" in shown
    assert "--instance-noise" not in shown
    assert "--condition-dim" not in shown


@pytest.mark.parametrize(
    ("family", "more", "said"),
    [
        ("toy-conditional", ["--others", "x"], "learns from one set of images"),
        ("toy-autoencoder", ["--condition-on", "hue"], "takes no attributes"),
        ("toy-conditional", ["--preset", "paper"], "preset 'paper' is not known: choose from def"),
        ("cyclops", [], "family 'cyclops' is not known"),
    ],
)
def test_what_a_family_does_not_take_is_one_line(
    domains: tuple[Path, Path], tmp_path: Path, capsys: Any, family: str, more: list[str], said: str
) -> None:
    assert main([*words(family, domains, tmp_path / "run"), *more]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line
    assert not (tmp_path / "run").exists()


def test_pictures_to_translate_were_never_trained_on(
    domains: tuple[Path, Path], tmp_path: Path
) -> None:
    dark, light = map(str, domains)
    found = open_all(RunFlags(dark, tmp_path, others=light, held_out=light))
    assert found.sources is not None
    assert (found.sources.spec, found.sources.split) == (dark, "test")
    assert len(found.train) + len(found.sources) == 120
    assert found.held_out.spec == light


@pytest.mark.parametrize(
    ("reads", "said"),
    [({"nobody": "others"}, "reads of network 'nobody' is not known"),
     ({"a_to_b": "both"}, "set that a_to_b reads 'both' is not known: choose from data, others")],
)  # fmt: skip
def test_what_a_family_reads_is_checked(
    domains: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any,
    reads: dict[str, str], said: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(FAMILIES["toy-translator"], "reads", reads, raising=False)
    assert main(words("toy-translator", domains, tmp_path / "run")) == 2
    assert said in capsys.readouterr().err


def test_networks_of_the_second_set_are_calibrated_on_it(
    domains: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways = {}
    for first in ("a_to_b", "b_to_a"):
        monkeypatch.setattr(FAMILIES["toy-translator"], "reads", {first: "others"}, raising=False)
        assert main(words("toy-translator", domains, tmp_path / first)) == 0
        norm = ganlens.load(tmp_path / first, "cpu").network("a_to_b").norm
        ways[first] = norm.running_mean
    assert not torch.equal(ways["a_to_b"], ways["b_to_a"])


def test_a_second_domain_is_asked_for(
    domains: tuple[Path, Path], tmp_path: Path, capsys: Any
) -> None:
    command = words("toy-autoencoder", domains, tmp_path / "run")
    command[2] = "toy-translator"
    assert main(command) == 2
    assert "add --others SPEC" in capsys.readouterr().err


def test_data_without_labels_are_refused(tmp_path: Path, capsys: Any) -> None:
    x = np.random.default_rng(0).integers(0, 255, (60, 16, 16, 3)).astype(np.uint8)
    np.savez(tmp_path / "bare.npz", images=x)
    places = tmp_path / "bare.npz", tmp_path
    assert main(words("toy-conditional", places, tmp_path / "run")) == 2
    assert "has no classes or attributes, which this family learns from" in capsys.readouterr().err


@pytest.fixture(scope="module")
def conditional(
    domains: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> ganlens.Subject:
    out = tmp_path_factory.mktemp("conditional") / "run"
    assert main(words("toy-conditional", domains, out)) == 0
    return ganlens.load(out, "cpu")


def test_a_condition_is_told_in_the_data_s_own_words(conditional: ganlens.Subject) -> None:
    assert conditional.condition is not None
    assert conditional.condition.names == ("0", "1", "2")
    z = conditional.latents(range(4))
    by_word, by_row = conditional.generate(z, "2"), conditional.generate(z, torch.eye(3)[2])
    assert torch.equal(by_word, by_row)
    assert torch.equal(by_word, conditional.generate(z, [2, 2, 2, 2]))
    assert not torch.equal(by_word, conditional.generate(z, "1"))
    told = conditional.with_condition("2")
    assert torch.equal(told.generate(z), by_word)
    assert torch.equal(told.sample(range(4)), by_word)
    assert told.provenance["condition"] == "2"
    assert "condition" not in conditional.provenance
    drawn = conditional.condition.sample(range(4))
    assert torch.equal(conditional.sample(range(4)), conditional.generate(z, drawn))
    scores = conditional.discriminate(by_word, "2")
    assert not torch.equal(scores, conditional.discriminate(by_word, "0"))
    with pytest.raises(GanlensError, match=r"class '7' is not known.*choose from 0, 1, 2"):
        conditional.generate(z, "7")
    with pytest.raises(GanlensError, match="does not fit 4 images"):
        conditional.generate(z, torch.eye(3)[:2])


def test_a_told_picture_replays(conditional: ganlens.Subject, tmp_path: Path, capsys: Any) -> None:
    place = str(conditional.provenance["path"])
    out = tmp_path / "two.png"
    assert main(["sample", place, "--n", "4", "--condition", "2", "--out", str(out)]) == 0
    assert main(["replay", str(out), "--checkpoint", place]) == 0
    assert "identical" in capsys.readouterr().out
    assert main(["sample", place, "--condition", "9", "--out", str(tmp_path / "x.png")]) == 2
    assert "class '9' is not known" in capsys.readouterr().err


def test_a_translator_translates_what_it_is_given(
    domains: tuple[Path, Path], tmp_path: Path, capsys: Any
) -> None:
    out = tmp_path / "run"
    assert main(words("toy-translator", domains, out)) == 0
    subject, data = ganlens.load(out, "cpu"), ganlens.open_data(str(domains[1]))
    assert subject.sources.split == "test"
    subject.sources = data
    x = data.batch([5, 7])
    assert torch.equal(subject.translate(x), subject.sample([5, 7]))
    back = subject.translate(x, network="b_to_a")
    assert not torch.equal(back, subject.translate(x))
    with pytest.raises(GanlensError, match="has 120 source images, give 0 to 119"):
        subject.sample([120])
    with pytest.raises(GanlensError, match="has no generator"):
        subject.latents([0])
    picture = tmp_path / "theirs.png"
    command = ["sample", str(out), "--n", "3", "--source", str(domains[1])]
    assert main([*command, "--out", str(picture)]) == 0
    assert main(["replay", str(picture), "--checkpoint", str(out)]) == 0
    assert "identical" in capsys.readouterr().out


def test_an_encoder_reads_latents_off_pictures(domains: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert main(words("toy-autoencoder", domains, out)) == 0
    subject = ganlens.load(out, "cpu")
    x = ganlens.open_data(str(domains[0])).batch(range(5))
    z = subject.encode(x)
    assert z.shape == (5, subject.prior.dim)
    far = (subject.generate(z) - x).square().mean()
    assert far < (subject.generate(z.flip(0)) - x).square().mean() * 1.5
    assert subject.features(x).shape[0] == 5
    assert subject.network("generator") is subject.network("decoder")


def test_the_families_are_in_no_other_file() -> None:
    package = Path(ganlens.__file__).parent
    texts = [file.read_text("utf-8") for file in package.rglob("*.py")]
    assert not any("toy-" in text for text in texts)
    assert set(FAMILIES) <= set(MODELS)
