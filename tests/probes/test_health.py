"""The health probe: closed forms of its indicators, and the collapsed one told from the other."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_subject import TINY, FakeSubject, fake_subject, hooks
from test_arithmetic import data_set
from torch import nn

from ganlens.activations import capture
from ganlens.data import open_data
from ganlens.errors import GanlensError
from ganlens.probes.health import Health
from ganlens.probes.health.gradients import gradient_norms
from ganlens.probes.health.indicators import ALIKE, ALONE, COLLAPSED, HEALTHY, INDICATORS, verdict
from ganlens.probes.health.jacobian import jacobian_spectrum
from ganlens.probes.health.measurements import Measurements, measure
from ganlens.probes.health.norms import norm_rows
from ganlens.probes.health.references import named, own_data, references
from ganlens.probes.layer_statistics import LayerStatistics
from ganlens.progress import finish
from ganlens.stats.effective_rank import effective_rank, participation_ratio
from ganlens.subject import load

AMOUNTS = {"jacobians": 2, "batches": 2, "seed": 0}


def measured(subject: FakeSubject, n: int = 32) -> Measurements:
    stream = torch.Generator().manual_seed(1)
    real = torch.rand(n, *subject.image_shape, generator=stream) * 1.8 - 0.9
    return finish(measure(subject, real, {}, **AMOUNTS))


@pytest.fixture(scope="module")
def well() -> Measurements:
    return measured(fake_subject())


@pytest.mark.parametrize("r", [1, 3, 8])
def test_r_equal_singular_values_have_effective_rank_r(r):
    values = np.array([2.5] * r + [0.0] * (8 - r))
    assert effective_rank(values) == pytest.approx(r)
    assert participation_ratio(values) == pytest.approx(r)


def test_effective_rank_is_the_exponential_of_an_entropy():
    values = np.array([3.0, 1.0])
    assert effective_rank(values) == pytest.approx(
        np.exp(-0.75 * np.log(0.75) - 0.25 * np.log(0.25))
    )
    assert participation_ratio(values) == pytest.approx(100 / 82)
    assert effective_rank(7 * values) == pytest.approx(effective_rank(values))
    assert effective_rank(np.zeros(4)) is None
    assert participation_ratio(np.zeros(4)) is None


def test_the_jacobian_of_a_linear_generator_of_rank_r_is_its_matrix():
    left, _ = torch.linalg.qr(torch.randn(48, 5, generator=torch.Generator().manual_seed(0)))
    right, _ = torch.linalg.qr(torch.randn(100, 5, generator=torch.Generator().manual_seed(1)))
    matrix = 3 * left @ right.T  # 5 singular values of 3
    spectrum = jacobian_spectrum(lambda z: (z @ matrix.T).view(-1, 3, 4, 4), torch.ones(100), 0.5)
    assert len(spectrum) == 48
    assert spectrum[:5].tolist() == pytest.approx([1.5] * 5)
    assert spectrum[5:].max() < 1e-5
    assert effective_rank(spectrum.numpy()) == pytest.approx(5, rel=1e-3)


def test_the_jacobian_is_that_of_autograd_on_a_real_generator():
    subject = fake_subject()
    z = subject.latents([3])[0]
    full = torch.autograd.functional.jacobian(lambda one: subject.generator(one[None])[0], z)
    wanted = torch.linalg.svdvals(full.reshape(-1, len(z)).double())
    torch.testing.assert_close(
        jacobian_spectrum(subject.generator, z), wanted, rtol=1e-4, atol=1e-7
    )


def test_the_spectrum_of_a_pair_is_per_standard_deviation_of_its_prior():
    subject = fake_subject(replace(TINY, prior="uniform"))
    plain = jacobian_spectrum(subject.generator, subject.latents([0])[0]).numpy()
    np.testing.assert_allclose(measured(subject).spectra[0], plain / 3**0.5, rtol=1e-4)


def test_gradients_are_those_of_a_training_step_whose_batch_norm_sees_the_batch():
    subject = fake_subject()
    found = measured(subject).gradients
    for module in (*subject.generator.modules(), *subject.discriminator.modules()):
        if isinstance(module, nn.BatchNorm2d):
            module.running_var.fill_(7.0)
    assert measured(subject).gradients.totals == pytest.approx(found.totals)


def test_the_discriminator_s_layers_are_looked_at_on_real_images_and_samples(well):
    (mean,) = [row["mean"] for row in well.layers if row["layer"] == "score"]
    both = np.concatenate([well.on_real, well.on_fake]).mean()
    assert mean == pytest.approx(both, rel=1e-3)
    assert abs(well.on_real.mean() / both - 1) > 0.01


def test_planted_dead_units_are_counted_where_they_are(well):
    assert well.dead("generator")[0] == 0
    sick = fake_subject()
    with torch.no_grad():
        sick.generator.block1.norm.weight[:2] = 0
        sick.generator.block1.norm.bias[:2] = -1  # the rectifier never lets these through
    found = measured(sick)
    assert found.dead("generator") == (2, well.dead("generator")[1])
    row = next(one for one in found.layers if one["layer"] == "block1.act")
    assert (row["network"], row["dead units"], row["units"]) == ("generator", 2, 4)


def test_a_saturated_tanh_is_seen(well):
    assert well.saturated[0] == 0
    loud = fake_subject()
    with torch.no_grad():
        loud.generator.out.conv.weight *= 1e5
    found = measured(loud)
    assert found.saturated[0] > 0.95
    assert found.saturated[1] == 0  # the real images stay within 0.9


def test_batch_norm_is_read_right():
    subject = fake_subject()
    norm = subject.generator.block1.norm
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([0.5, -0.25, 2.0, 1.0]))
        norm.bias.copy_(torch.tensor([0.0, 0.0, -3.0, 1.0]))
        norm.running_var.copy_(torch.tensor([4.0, 1.0, 0.25, 2.0]))
        norm.running_mean.copy_(torch.tensor([0.0, -7.0, 1.0, 0.0]))
    row = next(one for one in measured(subject).norms if one["layer"] == "block1.norm")
    assert row["network"] == "generator"
    assert [row[f"{kind} gain"] for kind in ("lowest", "median", "highest")] == [-0.25, 0.5, 2.0]
    assert (row["largest shift"], row["largest running mean"]) == (3.0, 7.0)
    assert (row["lowest running variance"], row["highest running variance"]) == (0.25, 4.0)
    # What comes in is near 0 here, so that the drift is that of the means planted above.
    assert row["drift"] == pytest.approx(np.sqrt((0 + 49 + 4 + 0) / 4), rel=0.02)


def test_the_drift_vanishes_when_the_statistics_are_those_of_the_samples():
    from ganlens.calibration import calibrate

    subject = fake_subject()
    calibrate(subject.generator, [subject.latents(range(32))])
    drifts = [r["drift"] for r in measured(subject).norms if r["network"] == "generator"]
    assert max(drifts) < 1e-3


def test_the_drift_is_of_what_came_in_wherever_that_was_defined():
    """A shortcut is defined between the batch norm and the layer before it."""

    class Branched(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.side = nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 1)
            self.norm, self.deaf = nn.BatchNorm2d(2), nn.BatchNorm2d(2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.deaf(self.norm(self.conv(x)) + 100 * self.side(x))

    module = Branched().eval()
    with torch.no_grad():
        nn.init.constant_(module.conv.weight, 0.0)
        module.conv.bias.copy_(torch.tensor([6.0, -2.0]))
        module.norm.running_var.copy_(torch.tensor([4.0, 1.0]))
        module.norm.weight.copy_(torch.tensor([-0.5, 3.0]))
        module.norm.bias.fill_(7.0)
        module.deaf.weight.zero_()
    statistics = LayerStatistics(module)
    with torch.no_grad(), capture(module, statistics.names) as outputs:
        module(torch.rand(4, 2, 5, 5))
    statistics.update(outputs)
    norm, deaf = norm_rows("generator", statistics)
    assert norm["drift"] == pytest.approx(((6 / 2) ** 2 / 2 + (-2 / 1) ** 2 / 2) ** 0.5, rel=1e-4)
    assert deaf["drift"] is None


def test_what_is_said_of_amounts_is_what_was_done():
    data = data_set()
    about = Health(n=32, jacobians=2, batches=9).run(fake_subject(), data).about
    assert (about["n"], about["batches"], about["jacobians"]) == (32, 1, 2)


def test_gradients_are_those_of_the_losses_and_the_networks_stay_as_they_are():
    class Pixel(nn.Module):
        def __init__(self, weight: float, shape: tuple[int, ...]) -> None:
            super().__init__()
            self.shape = shape
            self.only = nn.Linear(1, 1, bias=False)
            nn.init.constant_(self.only.weight, weight)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.only(x).view(self.shape)

    g, d = Pixel(2.0, (-1, 1)), Pixel(0.5, (-1,))
    real, z = torch.tensor([[3.0]]), torch.tensor([[1.0]])
    found = gradient_norms(g, d, [real], [z])
    on_real, on_fake = 1.5, 1.0  # D(3) and D(G(1))
    sigmoid = lambda v: 1 / (1 + np.exp(-v))  # noqa: E731
    d_grad = -3 * sigmoid(-on_real) + 2 * sigmoid(on_fake)
    g_grad = -0.5 * sigmoid(-on_fake)
    assert found.totals["discriminator"] == pytest.approx(abs(d_grad), rel=1e-5)
    assert found.layers["generator.only"] == pytest.approx(abs(g_grad), rel=1e-5)
    assert found.relative["generator"] == pytest.approx(abs(g_grad) / 2, rel=1e-5)
    wanted = np.log1p(np.exp(-on_real)) + np.log1p(np.exp(on_fake))
    assert found.losses["discriminator"] == pytest.approx(wanted, rel=1e-5)
    assert g.only.weight.grad is None
    assert d.only.weight.item() == 0.5


def test_no_buffer_moves_and_no_hook_is_left():
    subject = fake_subject()
    before = {k: v.clone() for net in (subject.generator, subject.discriminator)
              for k, v in net.state_dict().items()}  # fmt: skip
    measured(subject)
    after = {k: v for net in (subject.generator, subject.discriminator)
             for k, v in net.state_dict().items()}  # fmt: skip
    assert all(torch.equal(v, before[k]) for k, v in after.items())
    assert hooks(subject.generator, subject.discriminator) == 0
    assert not any(m.training for m in subject.generator.modules())


def test_the_spread_is_a_mean_distance_and_a_constant_generator_has_none(well):
    subject = fake_subject()
    x = subject.generate(subject.latents(range(32)))
    assert well.spread[0] == pytest.approx(float(torch.pdist(x.flatten(1)).mean()), rel=1e-4)
    constant = fake_subject()
    with torch.no_grad():
        constant.generator.out.conv.weight.zero_()
    found = measured(constant)
    assert found.spread[0] == 0
    assert found.rank is None


def test_a_discriminator_that_is_sure_is_seen(well):
    logits = np.array([9.0, 1.0, -9.0, 9.0])
    found = replace(well, on_real=logits, on_fake=-logits)
    assert found.certain == 0.5  # sure and wrong does not count
    assert replace(found, on_fake=logits).separated == 0.5
    assert replace(found, on_real=logits[:0], on_fake=logits[:0]).certain is None


def test_a_verdict_takes_the_side_of_the_nearer_reference(well):
    spread = next(one for one in INDICATORS if one.key == "spread")
    healthy, collapsed = replace(well, spread=(9.0, 9.0)), replace(well, spread=(1.0, 9.0))
    for own, words in ((8.0, HEALTHY), (3.1, HEALTHY), (2.9, COLLAPSED), (0.0, COLLAPSED)):
        found = verdict(spread, replace(well, spread=(own, 9.0)), (healthy, collapsed))
        assert found.verdict == words, own
        assert found.threshold == pytest.approx(1 / 3)  # halfway between 1/9 and 1, as a ratio
    alike = verdict(spread, well, (healthy, replace(well, spread=(8.0, 9.0))))
    assert (alike.verdict, alike.threshold) == (ALIKE, None)
    assert verdict(spread, well, None).verdict == ALONE


@pytest.mark.parametrize(
    "wrong",
    [
        {"beside": "a"},
        {"beside": "a,b,c"},
        {"n": 3},
        {"jacobians": 0},
        {"batches": 0},
        {"n": 20, "jacobians": 21},
        {"seed": -1},
    ],
)
def test_settings_out_of_range_are_refused_at_once(wrong):
    with pytest.raises(GanlensError):
        Health(**wrong)


def test_references_are_taken_where_they_fit():
    assert named("none") is None
    assert named("one, two") == ("one", "two")
    assert references(fake_subject(), "auto") is None  # of 16 pixels
    assert [one.name for one in references(fake_subject(), "pixelfaces,pixelfaces-collapsed")] == [
        "pixelfaces",
        "pixelfaces-collapsed",
    ]


def test_alone_it_gives_values_and_no_verdict():
    data = data_set()
    one, two = (Health(n=32, jacobians=2).run(fake_subject(), data) for _ in range(2))
    summary = one.summary()
    assert json.dumps(summary, allow_nan=False) == json.dumps(two.summary())
    assert (summary["verdict"], summary["indicators_that_settle"]) == (None, 0)
    assert summary["indicators_like_the_collapsed_one"] is None
    assert summary["indicators"]["spread"]["value"] > 0
    assert all(panel.title and panel.caption for panel in one.panels())
    fake = fake_subject()
    blind = Health(n=32).run(FakeSubject(fake.generator, None, config=fake.config), data)
    assert blind.summary()["indicators"]["sure"]["value"] is None
    assert blind.panels()


def test_the_collapsed_checkpoint_is_told_from_the_healthy_one():
    """Each is one of its own references, so what is tested is that the indicators part the two."""
    data = open_data("pixelfaces")
    check = Health(n=96, jacobians=1, batches=1, seed=5000)
    found = check.run(load("pixelfaces-collapsed", "cpu"), data)
    assert found.overall == COLLAPSED
    assert found.summary()["is_itself_the_reference"] == "collapsed"
    assert found.summary()["verdict"] is None, "it is so by definition"
    assert "is the collapsed reference itself" in found.panels()[0].caption
    assert found.references is not None
    healthy = replace(found, measured=found.references[0])
    assert healthy.overall == HEALTHY
    for key in ("spread", "sure", "gradient of D"):
        assert found.summary()["indicators"][key]["verdict"] == COLLAPSED
        assert healthy.summary()["indicators"][key]["verdict"] == HEALTHY
    assert own_data(load("pixelfaces-collapsed", "cpu"), data) is data
