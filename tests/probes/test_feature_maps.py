"""The activations probe: the maps that it shows and the statistics that it streams."""

import json

import numpy as np
import pytest
import torch
from fake_subject import FakeSubject, fake_subject, hooks
from test_arithmetic import data_set

from ganlens.activations import capture
from ganlens.errors import GanlensError
from ganlens.images import to_uint8
from ganlens.panels import ImagePanel
from ganlens.probes.feature_maps import Activations
from ganlens.probes.layer_statistics import LayerStatistics

SMALL = {"n": 2, "channels": 3, "samples": 20, "batch_size": 8}


@pytest.fixture(scope="module")
def subject() -> FakeSubject:
    return fake_subject()


@pytest.fixture(scope="module")
def result(subject):
    return Activations(**SMALL).run(subject)


def outputs(subject, network, names, seeds=range(20)):
    z = subject.latents(seeds)
    x = subject.generate(z)
    with torch.no_grad(), capture(getattr(subject, network), names) as found:
        getattr(subject, network)(z if network == "generator" else x)
    return found, x


def test_auto_shows_every_rectified_layer_of_both(result):
    assert list(result.maps) == [
        "generator.project.act",
        "generator.block1.act",
        "discriminator.block1.act",
        "discriminator.block2.act",
    ]
    assert result.maps["discriminator.block1.act"].shape == (2, 3, 8, 8)


def test_the_maps_are_the_layers_own_and_belong_to_the_pictures(subject, result):
    for network in ("generator", "discriminator"):
        found, x = outputs(subject, network, ["block1.act"])
        chosen = list(result.shown[f"{network}.block1.act"])
        expected = found["block1.act"][:2, chosen].numpy()
        np.testing.assert_allclose(
            result.maps[f"{network}.block1.act"], expected, rtol=1e-4, atol=1e-6
        )
        assert np.abs(result.pictures[network].astype(int) - to_uint8(x[:2])).max() <= 1


def test_the_most_varied_channels_come_first(subject, result):
    found, _ = outputs(subject, "discriminator", ["block2.act"])
    variance = found["block2.act"].transpose(0, 1).flatten(1).var(1)
    assert (
        list(result.shown["discriminator.block2.act"])
        == variance.argsort(descending=True)[:3].tolist()
    )


def test_streamed_statistics_equal_those_of_one_batch(subject, result):
    rows = {(row["network"], row["layer"]): row for row in result.layers}
    for network in ("generator", "discriminator"):
        names = [name for net, name in rows if net == network]
        found, _ = outputs(subject, network, names)
        for name in names:
            _, _, shape, mean, std, low, dead, units, saturated = rows[network, name].values()
            out = found[name]
            assert shape == (" x ".join(map(str, out.shape[1:])) or "1")
            assert mean == pytest.approx(out.mean().item(), rel=1e-3, abs=1e-6)
            assert std == pytest.approx(out.std(correction=0).item(), rel=1e-3, abs=1e-6)
            if name.endswith("act") and name != "out.act":
                assert low == pytest.approx((out <= 0).float().mean().item(), abs=1e-3)
                assert dead == int((out.amax((0, 2, 3)) <= 0).sum())
                assert units == out.shape[1]
            else:
                assert low is dead is None
            assert (saturated is None) == (name != "out.act")


def test_a_killed_unit_is_counted_as_dead():
    subject = fake_subject()
    with torch.no_grad():
        subject.generator.block1.norm.bias[2] = -1000
    found = Activations("generator", **SMALL).run(subject)
    assert found.summary()["dead_units"]["generator.block1.act"] == 1


@pytest.mark.parametrize(
    ("layer", "count"), [("all", None), ("block1.conv", 2), ("score", 1), ("block1", 2)]
)
def test_any_layer_can_be_named(subject, layer, count):
    found = Activations(layer=layer, **SMALL).run(subject)
    assert count is None or len(found.maps) == count
    assert found.panels()
    if layer == "all":
        leaves = len(result_layers(found))
        assert len(found.maps) == leaves


def result_layers(found):
    return {(row["network"], row["layer"]) for row in found.layers}


@pytest.mark.parametrize("scale", ["map", "channel", "shared"])
def test_every_scale_is_stated_and_used(subject, scale):
    found = Activations(layer="block1.act", network="discriminator", scale=scale, **SMALL).run(
        subject
    )
    panel = found.panels()[0]
    assert {"map": "Each map", "channel": "Each column", "shared": "All maps"}[
        scale
    ] in panel.caption
    maps = panel.image[:, 18:]  # without the pictures and their padding
    tiles = [maps[r : r + 16, c : c + 16, 0] for r in (0, 18) for c in (0, 18, 36)]
    lows, highs = [t.min() for t in tiles], [t.max() for t in tiles]
    if scale == "map":
        assert (max(lows), min(highs)) == (0, 255)
    elif scale == "channel":
        assert all(min(lows[i], lows[i + 3]) == 0 for i in range(3))
        assert all(max(highs[i], highs[i + 3]) == 255 for i in range(3))
    else:
        assert (min(lows), max(highs)) == (0, 255)
        assert sum(high == 255 for high in highs) < 6


def test_the_discriminator_can_look_at_held_out_images(subject):
    data = data_set(n=60)
    found = Activations("discriminator", source="data", **SMALL).run(subject, data)
    assert "two things, test split" in found.panels()[0].caption
    held_out = {picture.tobytes() for picture in data.part("test").images}
    assert all(picture.tobytes() in held_out for picture in found.pictures["discriminator"])
    with pytest.raises(GanlensError, match="needs data"):
        Activations(source="data", **SMALL).run(subject)


def test_without_a_discriminator_the_generator_is_still_shown(subject):
    alone = FakeSubject(subject.generator, None)
    found = Activations(**SMALL).run(alone)
    assert {row["network"] for row in found.layers} == {"generator"}
    with pytest.raises(GanlensError, match="no discriminator"):
        Activations("discriminator", **SMALL).run(alone)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"network": "x"}, "network 'x'"),
        ({"scale": "log"}, "scale 'log'"),
        ({"source": "web"}, "source 'web'"),
        ({"n": 0}, "n 0"),
        ({"samples": 2}, "at least n, 4"),
        ({"samples": 10**12}, "at most 100,000"),
        ({"seed": -1}, "seed -1"),
    ],
)
def test_bad_settings_fail_before_anything_runs(settings, says):
    with pytest.raises(GanlensError, match=says):
        Activations(**settings)


def test_unknown_layers_list_the_valid_ones_and_leave_no_hooks(subject):
    with pytest.raises(GanlensError, match=r"'block9.conv' is not known: choose from block"):
        Activations(layer="block9.conv", **SMALL).run(subject)
    with pytest.raises(GanlensError, match=r"project\.conv.*score"):  # those of both networks
        Activations(layer="x", **SMALL).run(subject)
    assert hooks(subject.generator, subject.discriminator) == 0


def test_batch_size_does_not_matter(subject, result):
    one = Activations(**{**SMALL, "batch_size": 1}).run(subject)
    for name, maps in result.maps.items():
        assert one.shown[name] == result.shown[name]
        np.testing.assert_allclose(one.maps[name], maps, rtol=1e-4, atol=1e-6)


def test_summary_is_json_and_settings_survive(result):
    summary = json.loads(json.dumps(result.summary(), allow_nan=False))
    assert summary["samples"] == 20
    assert summary["hash"] == "f" * 64
    assert all(isinstance(panel, ImagePanel) for panel in result.panels()[:-1])
    probe = Activations("generator", "all", 3)
    assert Activations(**json.loads(json.dumps(probe.settings()))) == probe


def test_a_unit_that_was_alive_in_any_batch_is_not_dead():
    found = LayerStatistics(torch.nn.Sequential(torch.nn.ReLU()))
    found.update({"0": torch.ones(1, 2, 1, 1)})
    found.update({"0": torch.tensor([0.0, 1.0]).view(1, 2, 1, 1)})
    assert next(found.rows("generator"))["dead units"] == 0


def test_only_the_source_data_makes_it_look_at_data() -> None:
    assert Activations().needs().data == "no"
    assert Activations(source="data").needs().data == "required"
    assert Activations("generator", source="data").needs().data == "no"


def test_a_model_without_rectifiers_is_told_which_layers_it_has():
    class Plain(torch.nn.Module):
        image_shape = (1, 1, 2)

        def __init__(self):
            super().__init__()
            self.fc = torch.nn.Linear(2, 2)

    fake = FakeSubject(Plain(), None)
    with pytest.raises(GanlensError, match=r"has no rectified layer: name one of fc$"):
        Activations(**SMALL).run(fake)
