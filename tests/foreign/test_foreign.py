"""Other people's GANs: recognised by their keys, and drawing what they drew."""

import json
import sys
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import other_projects as op
import pytest
import torch
from draws import DrawsFromSeeds
from safetensors.torch import save_file

import ganlens
from ganlens.checkpoints import load_checkpoint, save_checkpoint
from ganlens.cli import main
from ganlens.errors import GanlensError
from ganlens.foreign import READERS, open_foreign
from ganlens.foreign.recognition import Answers
from ganlens.models import MODELS

SVHN = Path(__file__).resolve().parents[2] / "data" / "dcgan-svhn-theano"
LATE = {
    f"{old}.{name}": f"{old}1.{name}"
    for old, names in (
        ("conv", ("weight", "bias")),
        ("bn", ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")),
    )
    for name in names
}
EARLY = {late: early for early, late in LATE.items()}
FORMATS: dict[str, tuple[Any, Any, Any, Any]] = {
    "pytorch-dcgan": (
        lambda: op.examples_generator(6, 4, 3, 32), op.examples_draw,
        lambda: op.examples_discriminator(4, 3, 32), op.examples_score,
    ),
    **{
        f"mimicry {size} px": (
            partial(op.mimicry_generator, size), op.mimicry_draw,
            partial(op.mimicry_discriminator, size), op.mimicry_score,
        )
        for size in op.MIMICRY
    },
    "mimicry SNGAN": (
        op.mimicry_generator, op.mimicry_draw,
        lambda: op.spectral(op.mimicry_discriminator()),
        lambda state, x: op.mimicry_score(op.divided(state), x),
    ),
    "studiogan": (
        op.studiogan_generator, op.studiogan_draw, op.studiogan_discriminator, op.studiogan_score
    ),
    "studiogan with spectral norm": (
        lambda: op.spectral(op.studiogan_generator()),
        lambda state, z: op.studiogan_draw(op.divided(state), z),
        lambda: op.spectral(op.studiogan_discriminator(normed=False)),
        lambda state, x: op.studiogan_score(op.divided(state), x),
    ),
    "studiogan of early releases": (
        op.studiogan_generator, op.studiogan_draw,
        lambda: {EARLY.get(k, k): v for k, v in op.studiogan_discriminator().items()},
        lambda state, x: op.studiogan_score({LATE.get(k, k): v for k, v in state.items()}, x),
    ),
    "torchgan": (
        op.torchgan_generator, op.torchgan_draw, op.torchgan_discriminator, op.torchgan_score
    ),
    "torchgan without batch norm": (
        partial(op.torchgan_generator, normed=False), op.torchgan_draw,
        partial(op.torchgan_discriminator, normed=False), op.torchgan_score,
    ),
    "ganzoo-dcgan": (op.zoo_generator, op.zoo_draw, op.zoo_discriminator, op.zoo_score),
    "ganzoo-dcgan of an AC-GAN": (
        op.zoo_generator, op.zoo_draw, partial(op.zoo_discriminator, decisions=4), op.zoo_score
    ),
    "ganzoo-progressive": (
        op.progressive_generator, op.progressive_draw,
        op.progressive_discriminator, op.progressive_score,
    ),
    "ganzoo-progressive without deviations": (
        op.progressive_generator, op.progressive_draw,
        partial(op.progressive_discriminator, minibatch=False), op.progressive_score,
    ),
}  # fmt: skip


def keep(path: Path, content: Any) -> Path:
    torch.save(content, path)  # noqa: TID251 (what others do)
    return path


def close(found: torch.Tensor, expected: torch.Tensor) -> None:
    assert found.shape == expected.shape
    assert expected.std() > 1e-3, "a constant would compare equal to anything"
    assert (expected.abs() == 1).float().mean() < 0.5, "so would what is clipped"
    assert (found - expected).abs().max() <= 1e-5 * max(1.0, float(expected.abs().max()))


def exact(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return a project's numbers in float64, whose rounding no network makes as large as a fault.

    What is left is that of the import, which divides by spectral norms in float32.
    """
    return {k: v.double() if v.is_floating_point() else v for k, v in state.items()}


@torch.inference_mode()
def given_by(network: torch.nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    return deepcopy(network).double()(inputs.double())


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_draws_and_scores_what_its_project_does(name: str, tmp_path: Path) -> None:
    make, draw, make_judge, score = FORMATS[name]
    state, judge = make(), make_judge()
    paths = [keep(tmp_path / "netG.pth", state), keep(tmp_path / "netD.pth", judge)]
    with DrawsFromSeeds():
        imported = open_foreign(paths)
    header = imported.checkpoint.header
    assert header.family == name.partition(" ")[0]
    folder = save_checkpoint(tmp_path / "out", header, imported.checkpoint.networks, {})
    subject = ganlens.load(folder, "cpu")
    z = subject.latents(range(5))
    images = subject.generate(z)
    close(given_by(subject.generator, z), draw(exact(state), z.double()))
    scores = score(exact(judge), images.double())
    close(given_by(subject.discriminator, images), scores)
    assert subject.features(images).shape[0] == 5
    control = subject.untrained(calibrated=False)
    assert not torch.equal(control.generate(z), images)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("part", ["generator", "discriminator"])
def test_half_a_pair_is_opened(name: str, part: str, tmp_path: Path) -> None:
    make, _, make_judge, _ = FORMATS[name]
    state = make() if part == "generator" else make_judge()
    subject = ganlens.load(keep(tmp_path / "half.pt", {"state_dict": state}), "cpu")
    assert (subject.generator is None) == (part == "discriminator")
    if part == "generator":
        assert subject.generate(subject.latents([0, 1])).shape == (2, *subject.image_shape)
    else:
        assert subject.discriminate(torch.zeros(2, *subject.image_shape)).shape == (2,)
        with pytest.raises(GanlensError, match="has no generator"):
            subject.latents([0])


@pytest.mark.parametrize(("nz", "ngf", "nc", "size"), [(64, 48, 3, 128), (100, 8, 1, 32)])
def test_any_pytorch_example_needs_no_option(
    nz: int, ngf: int, nc: int, size: int, tmp_path: Path
) -> None:
    state = op.examples_generator(nz, ngf, nc, size)
    path = keep(tmp_path / "netG_epoch_24.pth", {f"module.{k}": v for k, v in state.items()})
    subject = ganlens.load(path, "cpu")
    assert subject.image_shape == (nc, size, size)
    z = subject.latents([3, 4])
    close(given_by(subject.generator, z), op.examples_draw(exact(state), z.double()))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda g, d: {"netG": g, "netD": d, "epoch": 3},
        lambda g, d: {"netG": g, "netD": d, "best_fid": torch.tensor(3.5)},
        lambda g, d: {"model": {"generator": g, "discriminator": d}, "optimizer": {"state": g}},
        lambda g, d: {f"G.{k}": v for k, v in g.items()} | {f"D.{k}": v for k, v in d.items()},
    ],
)
def test_a_pair_in_one_file_is_found(wrap: Any, tmp_path: Path) -> None:
    g, d = op.examples_generator(5, 4, 3, 16), op.examples_discriminator(4, 3, 16)
    networks = open_foreign([keep(tmp_path / "both.pt", wrap(g, d))]).checkpoint.networks
    assert sorted(networks) == ["discriminator", "generator"]


def test_old_files_safetensors_and_folders_are_read(tmp_path: Path) -> None:
    state = op.examples_generator(5, 4, 3, 16)
    state = {k: v for k, v in state.items() if not k.endswith("tracked")}  # PyTorch before 0.4.1
    torch.save(state, tmp_path / "old.pth", _use_new_zipfile_serialization=False)  # noqa: TID251
    (tmp_path / "folder").mkdir()
    save_file(state, tmp_path / "folder" / "netG.safetensors")
    z = torch.randn(2, 5)
    for source in ("old.pth", "folder"):
        generator = ganlens.load(tmp_path / source, "cpu").generator
        close(given_by(generator, z), op.examples_draw(exact(state), z.double()))


def test_the_zoo_s_config_class_is_never_imported(tmp_path: Path) -> None:
    state, average = op.zoo_generator(), op.zoo_generator(seed=5)
    content = {"config": Config(), "netG": state, "netD": op.zoo_discriminator(), "avgG": average}
    path = keep(tmp_path / "zoo.pt", content)
    rewritten = rezip(path, {b"ctest_foreign\nConfig\n": b"cmodels.utils.config\nBaseConfig\n"})
    subject = ganlens.load(rewritten, "cpu")
    assert subject.provenance["weights"] == "ema"
    z = subject.latents([0, 1])
    close(given_by(subject.generator, z), op.zoo_draw(exact(average), z.double()))


def test_what_projects_put_beside_their_weights_is_passed_over(tmp_path: Path) -> None:
    """torchgan's trainer pickles its losses, StudioGAN's numpy scalars."""
    parts = {"generator": op.torchgan_generator(), "discriminator": op.torchgan_discriminator()}
    trainer = {"epoch": 3, "loss_objects": {"a": Loss()}, "metric_objects": None,
               "loss_logs": {"a": [1.0]}, "optimizer_generator": {"state": {}}}  # fmt: skip
    path = keep(tmp_path / "gan0.pt", trainer | parts)
    names = {b"ctest_foreign\nLoss\n": b"ctorchgan.losses.minimax\nMinimaxGeneratorLoss\n"}
    networks = open_foreign([rezip(path, names)]).checkpoint.networks
    assert sorted(networks) == ["discriminator", "generator"]
    with pytest.raises(GanlensError, match=r"refers to test_foreign\.Loss"):
        open_foreign([path])
    state = {"state_dict": op.studiogan_discriminator(), "best_fid": np.float64(3.5)}
    assert ganlens.load(keep(tmp_path / "model=D-best.pth", state), "cpu").image_shape[1:] == (
        32,
        32,
    )


class Loss(torch.nn.Module):
    """Stands for a loss of torchgan's."""


@pytest.mark.parametrize(
    ("state", "key", "what"),
    [
        (op.mimicry_generator(), "block2.b1.embed.weight", "class-conditional batch norm"),
        (op.mimicry_discriminator(), "l_y.weight", "a head for classes"),
        (op.mimicry_discriminator(), "attn_block.gamma", "self-attention"),
        (op.mimicry_discriminator(), "block1.c1.sn_u", "spectral norm in a layout"),
        (op.studiogan_generator(), "blocks.0.0.bn0.gain.weight", "class-conditional batch norm"),
        (op.studiogan_generator(), "blocks.1.0.conv1x1_g.weight", "self-attention"),
        (op.studiogan_generator(), "info_mix_linear.weight", "InfoGAN"),
        (op.studiogan_discriminator(), "embedding.weight", "a head for classes"),
        (op.studiogan_discriminator(), "linear1.weight", "gives 11 decisions"),
    ],
)
def test_variants_that_compute_something_else_are_refused(
    state: Any, key: str, what: str, tmp_path: Path
) -> None:
    path = keep(tmp_path / "x.pth", state | {key: torch.ones(11, 3)})
    with pytest.raises(GanlensError, match=what) as caught:
        open_foreign([path])
    assert "\n" not in str(caught.value)
    assert "--module" in str(caught.value)


@pytest.mark.parametrize("part", ["u", "v"])
def test_vectors_of_spectral_norm_must_fit(part: str, tmp_path: Path) -> None:
    state = op.spectral(op.mimicry_discriminator())
    name = f"block1.c1.weight_{part}"
    path = keep(tmp_path / "x.pth", state | {name: state[name][:-1]})
    with pytest.raises(GanlensError, match="for its spectral norm"):
        open_foreign([path])
    del state[name]
    with pytest.raises(GanlensError, match=f"lack {name}"):
        open_foreign([keep(path, state)])


class Config:
    """Stands for the zoo's BaseConfig."""

    def __init__(self) -> None:
        self.depth = 3


def rezip(path: Path, changes: dict[bytes, bytes]) -> Path:
    """Write a torch.save zip again with other bytes in its pickle."""
    import zipfile

    out = path.with_suffix(".new.pt")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for record in old.infolist():
            content = old.read(record)
            for before, after in changes.items():
                content = (
                    content.replace(before, after) if "data.pkl" in record.filename else content
                )
            new.writestr(record.filename, content)
    return out


def test_answers_change_what_is_assumed(tmp_path: Path) -> None:
    state = op.mimicry_generator()
    path = keep(tmp_path / "g.pth", {"model_state_dict": state, "optimizer_state_dict": {}})
    plain = open_foreign([path])
    assert any("--output-range 0 1" in phrase for phrase in plain.assumed)
    answers = Answers(prior="uniform", output_range=(0.0, 1.0), bn_eps=0.1)
    told = ganlens.load(path, "cpu", answers=answers)
    assert told.prior.kind == "uniform"
    z = told.latents([0, 1])
    raw = torch.atanh(op.mimicry_draw(state, z))
    assert (told.generate(z) - (raw.sigmoid() * 2 - 1)).abs().max() > 1e-4  # another eps
    with pytest.raises(GanlensError, match="latent dim 7 does not fit: the weights take 6"):
        open_foreign([path], Answers(latent_dim=7))


def test_import_says_what_it_inferred_and_writes_a_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(keep(tmp_path / "g.pth", op.examples_generator(5, 4, 1, 32)))
    out = tmp_path / "mine"
    assert main(["import", path, "--dry-run"]) == 0
    assert not out.exists()
    shown = capsys.readouterr().out
    assert "latent dim 5" in shown
    assert "prior normal (--prior uniform changes it)" in shown
    assert main(["import", path, "--out", str(out), "--json", str(tmp_path / "i.json")]) == 0
    assert sorted(p.name for p in out.iterdir()) == ["card.md", "model.safetensors", "samples.png"]
    card = (out / "card.md").read_text()
    assert "ganlens import g.pth --out mine" in card
    assert str(tmp_path) not in card  # where a file lay is nobody's business
    assert json.loads((tmp_path / "i.json").read_text())["images"] == [1, 32, 32]
    assert load_checkpoint(out).header.made["imported"]["files"] == ["g.pth"]
    capsys.readouterr()
    assert main(["check", str(out), "--json", "-"]) in (0, 1)
    found = json.loads(capsys.readouterr().out)
    assert "discriminator" in found["probes"]["filters"]["reason"]
    assert found["probes"]["interpolate"]["runs"]
    assert main(["import", path]) == 2


def test_the_authors_own_generator_draws_and_its_discriminator_has_the_paper_s_features() -> None:
    if not SVHN.is_dir():
        pytest.skip("the authors' parameters are not shipped")
    subject = ganlens.load(SVHN, "cpu")
    z = subject.latents(range(16))
    images = subject.generate(z)
    one = torch.cat([subject.generator(row) for row in z.split(1)])
    assert (one - subject.generator(z)).abs().max() <= 1e-5
    assert (subject.generate(z * 0.5) - images).abs().mean() > 0.05  # not blind to z's scale
    assert subject.features(images).shape == (16, 7168)
    assert 0.1 < images.std() < 0.6


def test_theano_kernels_are_flipped(tmp_path: Path) -> None:
    """Against the definition of a convolution, by loops over a kernel."""
    rng = np.random.default_rng(0)
    shapes = [(4, 3, 5, 5), (8, 4, 5, 5), (8,), (8,), (128, 1)]
    arrays = [rng.standard_normal(s).astype(np.float32) * 0.1 for s in shapes]
    weights = {f"{i:02d}": torch.from_numpy(a) for i, a in enumerate(arrays, 1)}
    match = READERS["dcgan"](weights, Answers())
    assert match is not None
    assert match.calibrate
    x = rng.standard_normal((3, 16, 16)).astype(np.float32)
    padded = np.pad(x, ((0, 0), (2, 2), (2, 2)))
    expected = sum(
        arrays[0][0, c, i, j] * padded[c, 4 - i + 6, 4 - j + 4]  # true convolution, at (3, 2) * 2
        for c in range(3) for i in range(5) for j in range(5)
    )  # fmt: skip
    network: Any = MODELS["dcgan"].build(match.arguments)["discriminator"]
    network.block1.conv.weight.data = match.weights["block1.conv.weight"]
    found = network.block1.conv(torch.from_numpy(x)[None])[0, 0, 3, 2]
    assert float(found.detach()) == pytest.approx(float(expected), abs=1e-5)


def test_precise_words_for_what_does_not_fit(tmp_path: Path) -> None:
    def said(change: Any) -> str:
        state = op.examples_generator(5, 4, 3, 32)
        change(state)
        with pytest.raises(GanlensError) as caught:
            open_foreign([keep(tmp_path / "x.pth", state)])
        assert "\n" not in str(caught.value)
        return str(caught.value)

    lacks = said(lambda s: s.update({"main.3.wieght": s.pop("main.3.weight")}))
    assert "main.3" in lacks
    lost = said(lambda s: s.update({"main.4.gain": s.pop("main.4.weight")}))
    assert "lacks generator.main.4.weight" in lost
    assert "nearest name that it holds is generator.main.4.gain" in lost
    assert "has generator.main.20.bias" in said(lambda s: s.update({"main.20.bias": torch.ones(2)}))
    shape = said(lambda s: s.update({"main.4.bias": torch.ones(3)}))
    assert "main.4.bias of shape (3,)" in shape
    assert "calls for (8,)" in shape
    assert "not finite" in said(lambda s: s["main.0.weight"].fill_(float("nan")))
    unknown = said(lambda s: [s.update({f"{k}.x": s.pop(k)}) for k in list(s)])
    assert "--module" in unknown


def test_a_report_on_a_generator_alone_lists_what_was_left_out(tmp_path: Path) -> None:
    path = keep(tmp_path / "g.pth", op.examples_generator(5, 4, 3, 16))
    assert main(["report", str(path), "--out", str(tmp_path / "r")]) == 0
    entries = json.loads((tmp_path / "r" / "findings.json").read_text())["findings"]
    left = {e["probe"]: e["left_out"] for e in entries if "left_out" in e}
    assert "discriminator" in left["filters"]
    assert "interpolate" not in left
    assert "needs a discriminator" in (tmp_path / "r" / "report.html").read_text()


def test_a_report_on_a_discriminator_alone_and_on_odd_images(
    tmp_path: Path, tiny_images: Path
) -> None:
    path = keep(tmp_path / "d.pth", op.examples_discriminator(4, 3, 16))
    out = tmp_path / "r"
    assert main(["report", str(path), "--out", str(out), "--probes", "filters", "fid"]) == 0
    entries = json.loads((out / "findings.json").read_text())["findings"]
    assert "needs a generator" in entries[1]["left_out"]
    state = op.examples_generator(5, 4, 4, 16)
    state["main.0.weight"] = torch.randn(5, 8, 4, 6) * 0.1
    path, out = keep(tmp_path / "odd.pth", state), tmp_path / "odd"
    words = ["report", str(path), "--data", str(tiny_images), "--out", str(out), "--probes"]
    assert main([*words, "interpolate", "activations", "fid", "neighbors"]) == 0
    entries = json.loads((out / "findings.json").read_text())["findings"]
    assert ["4 x 16 x 24" in e.get("left_out", "") for e in entries] == [False, False, True, True]
    assert all("left_out" not in entry for entry in entries[:2])


def test_a_family_in_one_file_as_the_docs_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "foreign.md").read_text("utf-8")
    section = text.partition("## A family in one file")[2].partition("\n## ")[0]
    code = section.partition("```python\n")[2].partition("```")[0]
    (tmp_path / "family_lift.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    before, readers = dict(MODELS), dict(READERS)
    state = {"lift.weight": torch.randn(64, 5) * 0.3, "lift.bias": torch.zeros(64)}
    keep(tmp_path / "lift.pt", state)
    import_line = section.partition("`ganlens import ")[2].partition("`")[0]
    try:
        assert main(["import", *import_line.split()]) == 0
        for name in ("lift", "family_lift:Lift"):  # as in another process
            del MODELS[name]
        del READERS["lift"]
        monkeypatch.delitem(sys.modules, "family_lift")
        assert main(["check", "checkpoints/lift"]) == 2
        assert main(["check", "checkpoints/lift", *import_line.split()[-3:]]) == 0
        subject = ganlens.load("lift.pt", "cpu")
    finally:
        for registry, entries in ((MODELS, before), (READERS, readers)):
            registry.clear()
            registry.update(entries)
    z = subject.latents(range(3))
    expected = (z.double() @ state["lift.weight"].T.double()).tanh().view(3, 1, 8, 8)
    close(given_by(subject.generator, z), expected)


FAMILY = """
from torch import nn
from ganlens.foreign.recognition import Notes, shape
from ganlens.models.prior import Prior

class Generator(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.prior, self.image_shape = Prior("normal", dim), (1, 8, 8)
        self.rise = nn.Linear(dim, 64)

    def forward(self, z):
        return self.rise(z).tanh().view(-1, 1, 8, 8)

class Rise:
    roles = {"generator": "generator"}

    def build(self, arguments, names):
        return {name: Generator(**arguments[name]) for name in names}

    def recognise(self, weights, answers):
        if "rise.weight" not in weights:
            return None
        found = {"dim": shape(weights, "rise.weight", 2)[1]}
        return Notes(answers).match("a rise", "generator", weights, found)
"""


def test_a_named_family_brings_its_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "family_rise.py").write_text(FAMILY)
    monkeypatch.syspath_prepend(tmp_path)
    for registry in (MODELS, READERS):
        monkeypatch.setitem(registry, "family_rise:Rise", None)  # type: ignore[arg-type]
        monkeypatch.delitem(registry, "family_rise:Rise")
    state = {"rise.weight": torch.randn(64, 5), "rise.bias": torch.zeros(64)}
    path = keep(tmp_path / "rise.pt", state)
    with DrawsFromSeeds():
        subject = ganlens.load(path, "cpu", module="family_rise:Rise", trust=True)
    assert subject.provenance["family"] == "family_rise:Rise"
    z = subject.latents(range(3))
    expected = (z.double() @ state["rise.weight"].T.double()).tanh().view(3, 1, 8, 8)
    close(given_by(subject.generator, z), expected)
    del MODELS["family_rise:Rise"]
    with pytest.raises(GanlensError, match="family is missing: add it as"):
        open_foreign([path])


def test_a_family_builds_the_networks_that_are_named() -> None:
    family = MODELS["mimicry"]
    generator = {"latent_dim": 4, "widths": [8, 4], "bottom": 4, "channels": 3, "prior": "normal",
                 "bn_eps": 1e-5, "output": {"activation": "tanh"}}  # fmt: skip
    assert list(family.build({"generator": generator}, ("generator",))) == ["generator"]
    with pytest.raises(GanlensError, match="arguments of the discriminator are missing"):
        family.build({"generator": generator}, ("generator", "discriminator"))
    with pytest.raises(GanlensError, match="network 'ema' is not known: choose from generator"):
        family.build({"generator": generator}, ("ema",))


def test_every_reader_has_a_family() -> None:
    assert set(READERS) <= set(MODELS)
