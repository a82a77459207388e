"""A family that is wrong is refused in one line, before a run is lost."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from three_families import Autoencoder, ConditionalGAN, Draw, Reconstruction, See, Shape
from torch import nn

from ganlens.cli import main
from ganlens.errors import GanlensError
from ganlens.limits import Limits
from ganlens.models import MODELS
from ganlens.models.family import Adam, Family, Phase
from ganlens.runs.diagnostics import beyond
from ganlens.training import Trainer, configure

PIXELS = np.random.default_rng(0).integers(0, 256, (24, 16, 16, 3), dtype=np.uint8)
BOTH = ("encoder", "decoder")


def error(nets: Any, batch: Any) -> torch.Tensor:
    return F.mse_loss(nets["decoder"](nets["encoder"](batch.images)), batch.images)


def trainer(monkeypatch: pytest.MonkeyPatch, **wrong: Any) -> Trainer:
    family = type("Wrong", (Autoencoder,), wrong)()
    monkeypatch.setitem(MODELS, "wrong", family)
    config = configure("wrong", epochs=1, batch_size=8)
    return Trainer("wrong", {"size": 16, "channels": 3}, config, PIXELS)


def returning(found: Any) -> Any:
    """Return a method ``phases`` with one phase, whose loss gives what ``found`` makes."""

    def phases(self: Any, nets: Any, how: Any) -> list[Phase]:
        return [Phase("ae", BOTH, lambda batch, made: found(error(nets, batch)))]

    return phases


def small(c: Shape) -> nn.Module:
    class Small(Draw):
        def forward(self, z: torch.Tensor, told: torch.Tensor | None = None) -> torch.Tensor:
            return super().forward(z, told)[:, :, :8, :8]

    return Small(c)


def without(name: str, network: nn.Module) -> nn.Module:
    delattr(network, name)
    return network


def nets(**made: Any) -> Any:
    """Return a method ``networks``: the autoencoder's with others in their place."""

    def networks(self: Any, c: Shape) -> dict[str, Any]:
        usual = {"encoder": See(c, c.latent_dim), "decoder": Draw(c)}
        return {**usual, **{name: make(c) for name, make in made.items()}}

    return networks


JUDGED = {"roles": {**Autoencoder.roles, "critic": "discriminator"}}


def judged(layers: Any) -> Any:
    """Return a method ``networks`` with a discriminator whose feature_layers are these."""

    def critic(c: Shape) -> nn.Module:
        made = See(c, 1)
        made.feature_layers = layers
        return made

    return nets(critic=critic)


@dataclass(frozen=True)
class Seeded:
    lr: float = 1e-3
    pull: float = 1e-3
    seed: int = 3


@dataclass(frozen=True)
class Bare:
    lr: float


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"phases": lambda *_: []}, "has no phases"),
        ({"phases": lambda *_: None}, "has no phases"),
        ({"phases": lambda *_: [Phase("a", BOTH, len), Phase("a", BOTH, len)]}, "shares its name"),
        ({"phases": lambda *_: [Phase("a", ("ghost",), len)]}, "'ghost' is not known: choose from"),
        ({"phases": lambda self, nets, how: nets["ghost"]}, r"phases, test_family_checks.py line"),
        ({"networks": lambda *_: {}}, "builds no networks"),
        ({"networks": nets(decoder=lambda c: len)}, "builds no networks"),
        ({"networks": nets(decoder=small)}, r"gives \(3, 3, 8, 8\).*asks for \(3, 3, 16, 16\)"),
        ({"networks": nets(decoder=lambda c: without("prior", Draw(c)))}, "set its prior"),
        ({"networks": nets(encoder=lambda c: without("image_shape", See(c)))}, "image_shape"),
        ({"networks": nets(ema=See), "roles": Autoencoder.roles | {"ema": "encoder"}}, "be saved"),
        ({"roles": {"encoder": "encoder", "decoder": "encoder"}}, "no generator and no translator"),
        ({"roles": {"decoder": "generator"}}, "'encoder' plays no role"),
        ({"phases": lambda *_: [Phase("a", ("encoder",), len)]}, "trains its generator 'decoder'"),
        ({**JUDGED, "networks": judged(None)}, "critic.*set its feature_layers"),
        ({**JUDGED, "networks": judged("act")}, "critic.*set its feature_layers"),
        ({**JUDGED, "networks": judged(("actt",))}, "layer 'actt' is not known"),
        ({"averaged": ("ghost",)}, "'ghost' is not known"),
        ({"equip": lambda *_: None}, "fails in equip"),
        ({"equip": lambda *_: {"encoder": nn.Linear(1, 1)}}, "the name of one of its networks"),
        ({"conditions": ("colour",)}, "'colour' is not known: choose from classes"),
        ({"domains": 3}, "choose from 1, 2"),
        ({"Training": None}, "no dataclass Training"),
        ({"Training": Seeded}, "setting 'seed', which every family has"),
        ({"Training": Bare}, "'lr' without a default"),
    ],
)
def test_a_family_is_refused_before_it_trains(
    wrong: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(GanlensError, match=said):
        trainer(monkeypatch, **wrong)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (lambda loss: loss, "returned a tensor of shape"),
        (lambda loss: (loss.expand(3), {}), r"shape \(3,\)"),
        (lambda loss: (loss.detach(), {}), "without a gradient"),
        (lambda loss: (1.0, {}), "returned .float, dict"),
        (lambda loss: (loss, {"step": loss}), "a name that ganlens uses itself"),
        (lambda loss: (loss, {"x": torch.ones(3)}), "give one number"),
        (lambda loss: 1 / 0, r"phase 'ae', test_family_checks.py line \d+ \(ZeroDivisionError"),
    ],
)
def test_what_a_phase_returns_is_checked(
    found: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trainer(monkeypatch, phases=returning(found))
    with pytest.raises(GanlensError, match=said):
        run.advance()


def test_plain_numbers_may_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    run = trainer(monkeypatch, phases=returning(lambda loss: (loss, {"half": 0.5, "e": loss})))
    assert run.advance().numbers["half"] == 0.5


def test_a_bug_of_ganlens_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Trainer("mlp", {"size": 16, "channels": 3}, configure("mlp", batch_size=8), PIXELS)
    monkeypatch.setattr(run._family, "forward", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run.advance()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"every": 0}, "every 0 steps"),
        ({"every": -2}, "every -2 steps"),
        ({"every": 0.5}, "every 0.5 steps"),
        ({"every": 2, "offset": 2}, "from 2 on"),
        ({"learns": "generator"}, "give names of networks"),
        ({"learns": ()}, "give names of networks"),
        ({"name": "a.b"}, "without a dot"),
    ],
)
def test_a_phase_checks_its_own_values(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(GanlensError, match=said):
        Phase(**{"name": "g", "learns": ("generator",), "loss": len, **settings})


def test_adam_takes_whole_numbers_and_refuses_wrong_ones() -> None:
    betas = Adam(1, (0, 0.9)).betas
    assert betas == (0.0, 0.9)
    assert all(type(beta) is float for beta in betas)  # torch refuses a pair of two kinds
    for wrong in ({"lr": -1}, {"lr": 0}, {"lr": float("nan")}, {"lr": None}, {"betas": (0.5, 1)},
                  {"betas": (0.5,)}, {"weight_decay": -1}):  # fmt: skip
        with pytest.raises(GanlensError, match="Adam"):
            Adam(**wrong)


def test_a_conditional_family_whose_networks_are_told_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Deaf(ConditionalGAN):
        def networks(self, config: Shape) -> dict[str, nn.Module]:
            made = super().networks(config)
            made["generator"].condition_dim = 0  # type: ignore[assignment]
            return made

    monkeypatch.setitem(MODELS, "deaf", Deaf())
    arguments = {"size": 16, "channels": 3, "condition_dim": 2}
    from ganlens.training import TrainingData

    data = TrainingData(PIXELS, torch.eye(2)[torch.arange(24) % 2])
    with pytest.raises(GanlensError, match="network 'generator'"):
        Trainer("deaf", arguments, configure("deaf", batch_size=8), data)


@dataclass(frozen=True)
class Taken:
    """A clash.

    Attributes:
        lr: step size.
        pull: weight.
        device: a flag of every family.
    """

    lr: float = 1e-3
    pull: float = 1e-3
    device: str = ""


def test_a_setting_that_is_a_flag_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(MODELS, "taken", type("T", (Autoencoder,), {"Training": Taken})())
    words = ["train", "--family", "taken", "--data", "digits", "--out", str(tmp_path / "run")]
    assert main(words) == 2
    assert "'device', which is a flag" in capsys.readouterr().err


def test_a_family_without_a_class_of_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODELS, "plain", type("Plain", (Family,), {"Training": Reconstruction})())
    with pytest.raises(GanlensError, match="no dataclass Config"):
        configure("plain")


def test_a_name_that_is_taken_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(GanlensError, match="family 'dcgan' exists: give yours another name"):
        MODELS["dcgan"] = Autoencoder()
    monkeypatch.setitem(MODELS, "own", Autoencoder())
    MODELS["own"] = Autoencoder()  # the same class: a module that is imported again


@dataclass(frozen=True)
class Limited:
    lr: Annotated[float, Limits(above=0)] = 1e-3
    pull: float = 1e-3


def test_limits_of_a_family_s_settings_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODELS, "limited", type("L", (Autoencoder,), {"Training": Limited})())
    with pytest.raises(GanlensError, match=r"lr -1.0 is out of range: give a number above 0"):
        configure("limited", lr=-1.0)


def test_samples_beyond_the_range_are_said() -> None:
    inside = torch.full((2, 3, 4, 4), 1.0)
    assert beyond(inside) == []
    inside[0, 0, 0, 0] = -3
    (line,) = beyond(inside)
    assert "1.0% of the values of samples are beyond -1 and 1, the farthest 3," in line
