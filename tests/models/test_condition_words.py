"""The words of a condition are the data's own, whatever signs are in them; damaged ones are not."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from three_families import ConditionalGAN
from torch import Tensor

from ganlens.checkpoints import Header, save_checkpoint
from ganlens.data import open_data
from ganlens.errors import GanlensError
from ganlens.models import build
from ganlens.models.conditions import Attributes, Classes, Condition, Text, from_json
from ganlens.models.weights import refuse_nonfinite
from ganlens.subject import load
from ganlens.training import training_data

ODD = {
    "mouth & nose": np.array(["a & b", "c=d", "a"] * 2),
    "x=y": np.array([" p,q", "r s", "=&"] * 2),
    "x": np.array([1.0, 2.0, 3.0] * 2),
}


def test_odd_names_and_values_are_read_again() -> None:
    condition = Attributes.of(ODD, {})
    rows = condition.encode(ODD)
    for row in rows:
        assert torch.equal(condition.read(condition.name(row)), row)
    both = condition.read("x=2 & mouth & nose = a & b & x=y==&")
    assert condition.name(both) == "mouth & nose=a & b & x=y==& & x=2"
    for wrong in ("mouth & nose=b", "mouth=a", "x=y", "a & b", "x=1 & x=2"):
        with pytest.raises(GanlensError):
            condition.read(wrong)


def test_odd_classes_are_read_again() -> None:
    names = (" g h", "a,b", "c=d", "class=c", "c", "1")
    condition = Classes.of(np.arange(6), names)
    for index, name in enumerate(names):
        assert condition.read(name).argmax() == index
    assert condition.read("g h").argmax() == 0
    assert condition.read("class=c=d").argmax() == 2
    assert condition.read("class=c").argmax() == 3  # a class that is called so comes first


@pytest.mark.parametrize("column", [20_240_000.0 + np.arange(40), 1 + 1e-12 * np.arange(40)])
def test_a_number_that_rounding_makes_a_constant_is_refused(column: np.ndarray) -> None:
    with pytest.raises(GanlensError, match="subtract"):
        Attributes.of({"when": column}, {})
    moved = Attributes.of({"when": column - column[0]}, {})
    assert moved.encode({"when": column - column[0]}).std() == pytest.approx(1, abs=0.05)


def test_a_constant_is_told_all_the_same() -> None:
    assert Attributes.of({"x": np.full(3, 0.1)}, {}).attributes[0].std == 1.0


def values(condition: Condition, *path: str, to: Any) -> dict[str, Any]:
    changed = json.loads(json.dumps(condition.to_json()))
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return changed


TWO = Classes.of(np.array([0, 1]), ("a", "b"))
SMILE = Attributes.of({"mouth": np.array(["smile", "flat"])}, {})
HAT = Text.of(["a hat", "a red hat"])


@pytest.mark.parametrize(
    "damaged",
    [
        values(TWO, "classes", to="ab"),
        values(TWO, "classes", to=["a", "a"]),
        values(TWO, "classes", to=[None, 1]),
        values(TWO, "attribute", to=[1]),
        values(TWO, "table", "entries", to=[[0.5], [1]]),
        values(TWO, "table", "entries", to=[[0, 1], [1, 0]]),
        values(TWO, "table", "entries", to=[[], []]),
        values(SMILE, "attributes", to=[{"name": 1, "values": ["smile", "flat"]}]),
        values(SMILE, "attributes", to=[{"name": "mouth", "values": "sf"}]),
        values(SMILE, "attributes", to=[{"name": "mouth", "values": ["flat", "flat"]}]),
        values(SMILE, "table", "entries", to=[[5], [0]]),
        values(SMILE, "table", "entries", to=[[-1], [0]]),
        values(SMILE, "table", "entries", to=[[0.5], [0]]),
        values(HAT, "words", to="abc"),
        values(HAT, "words", to=["a"] * 9),
        values(HAT, "table", "entries", to=[[1.5, 0, 0], [1, 2, 0]]),
        values(HAT, "table", "entries", to=[[-1, 0, 0], [1, 2, 0]]),
    ],
)
def test_a_damaged_condition_is_refused(damaged: dict[str, Any]) -> None:
    with pytest.raises(GanlensError):
        from_json(damaged)


def saved(folder: Path, condition: Condition | None, width: int) -> Path:
    arguments = {"size": 16, "channels": 3, "condition_dim": width, "latent_dim": 8, "width": 16}
    networks = build("toy-conditional", arguments, seed=0)
    prior = {"kind": "normal", "dim": 8}
    told = {} if condition is None else condition.to_json()
    header = Header("toy-conditional", arguments, prior, condition=told)
    return save_checkpoint(folder, header, networks, {})


def test_a_condition_fits_the_weights(tmp_path: Path) -> None:
    assert ConditionalGAN.conditions
    assert load(saved(tmp_path / "two", TWO, 2)).condition == TWO
    three = Classes.of(np.arange(3), ("a", "b", "c"))
    with pytest.raises(GanlensError, match="has 3 numbers and network 'generator' takes 2"):
        load(saved(tmp_path / "three", three, 2))
    with pytest.raises(GanlensError, match="no condition that says which"):
        load(saved(tmp_path / "none", None, 2))


def test_networks_that_are_told_nothing_take_no_condition(tmp_path: Path) -> None:
    subject = load(saved(tmp_path / "deaf", TWO, 0))
    with pytest.raises(GanlensError, match="takes no condition"):
        subject.with_condition("a")


def test_attributes_that_are_named_are_told_though_there_are_classes() -> None:
    faces = open_data("pixelfaces", split="test")
    kinds = ConditionalGAN.conditions
    assert training_data(faces, kinds, ("mouth",)).condition.kind == "attributes"  # type: ignore[union-attr]
    with pytest.raises(GanlensError, match="has no attributes"):
        training_data(open_data("digits"), kinds, ("mouth",))
    assert training_data(open_data("digits"), kinds).condition.kind == "classes"  # type: ignore[union-attr]


def test_weights_of_8_bits_are_looked_through() -> None:
    weights: Tensor = torch.tensor([1.0, 2.0]).to(torch.float8_e4m3fn)
    refuse_nonfinite({"w": weights}, "they are used")
    with pytest.raises(GanlensError, match="not finite"):
        refuse_nonfinite({"w": torch.tensor([float("nan")]).to(torch.float8_e5m2)}, "used")
