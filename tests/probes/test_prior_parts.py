"""A prior of several parts: walks, inversion, measures, captions, every probe."""

import math
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest
import torch
from three_families import FAMILIES, Draw, See, Shape

from ganlens.data import ImageSet, open_data
from ganlens.directions import Direction
from ganlens.errors import GanlensError
from ganlens.interpolation import between, in_words, resolve_mode, walk
from ganlens.inversion.objective import Coordinates
from ganlens.latents import Mix, Patch, Walk
from ganlens.latents.mix import Sum
from ganlens.models.prior import Prior
from ganlens.probes import PROBES
from ganlens.probes.latent import Interpolation
from ganlens.probes.latent.measures import expected_norm
from ganlens.report.about import provenance_panel
from ganlens.subject import Subject

PRIOR = Prior.of("normal 6, categorical 4, uniform 5")
SMALL: dict[str, Any] = {
    "n": 120, "samples": 200, "images": 120, "pool": 100, "measured": 40, "path_pairs": 4,
    "frames": 2, "jacobians": 2, "steps": 4, "count": 2, "probe_images": 200, "restarts": 1,
    "reader_samples": 100,
}  # fmt: skip


class Parts(Draw):
    """The generator of the toy families, from a latent of three parts."""

    def __init__(self, c: Shape) -> None:
        super().__init__(c)
        self.prior = Prior.of("normal 3, categorical 3, uniform 2")


def settled(network: torch.nn.Module) -> torch.nn.Module:
    """Give batch norm statistics under which a signal stays alive, as calibration would."""
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            assert module.running_var is not None
            module.running_var.fill_(0.05)
    return network


@pytest.fixture(scope="module")
def subject() -> Subject:
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        networks = {"generator": settled(Parts(Shape())), "discriminator": See(Shape())}
    made = {"family": "toy-conditional", "arguments": asdict(Shape())}
    known = {"checkpoint": "parts", "hash": "0" * 64, "weights": "raw", **made}
    return Subject(networks, known, roles=FAMILIES["toy-conditional"].roles)


@pytest.fixture(scope="module")
def data(attribute_images: Path) -> ImageSet:
    return open_data(str(attribute_images))


def quick(name: str, **more: Any) -> Any:
    """Return a probe with few pictures."""
    known = {field.name for field in fields(PROBES[name])}  # type: ignore[arg-type]
    left = {"pool"} if name in ("linear-probe", "arithmetic", "arithmetic-score") else set()
    given = {k: v for k, v in SMALL.items() if k in known - left}
    return PROBES[name](**{**given, **more})


@pytest.mark.parametrize("name", [name for name in PROBES if not PROBES[name]().needs().conditions])
def test_every_probe_runs_on_it(name: str, subject: Subject, data: ImageSet) -> None:
    result = quick(name).run(subject, data)
    assert result.panels()
    assert result.summary()["prior"] == "normal 3, categorical 3, uniform 2"


@pytest.mark.parametrize("source", [Walk((3, 4, 5), 9), Patch((3, 4, 5, 6), 5, 5)])
def test_auto_keeps_every_part_where_it_has_its_mass(source: Walk | Patch) -> None:
    z, corners = source.latents(PRIOR), PRIOR.sample(source.seeds)
    normal, categorical, uniform = PRIOR.split(z)
    lengths = PRIOR.split(corners)[0].norm(dim=1)
    assert (normal.norm(dim=1) >= lengths.min() - 1e-4).all()
    assert (normal.norm(dim=1) <= lengths.max() + 1e-4).all()
    torch.testing.assert_close(categorical.sum(1), torch.ones(len(z)))
    assert (categorical >= 0).all()
    assert uniform.abs().max() <= 1
    torch.testing.assert_close(z[0], corners[0])
    torch.testing.assert_close(z[-1], corners[-1])


def test_each_part_goes_as_a_prior_of_its_own_would() -> None:
    a, b = PRIOR.sample([1, 2])
    t = torch.linspace(0, 1, 7, dtype=torch.float64)
    ways = PRIOR.split(between(a, b, t, "auto", PRIOR.parts))
    for part, mode, way in zip(PRIOR.parts, ("slerp", "lerp", "gaussian"), ways, strict=True):
        ends = a[PRIOR.columns(part.name)], b[PRIOR.columns(part.name)]
        assert torch.equal(way, between(*ends, t, mode))


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_auto_of_one_kind_is_the_resolved_mode_to_the_bit(kind: Any) -> None:
    prior = Prior(kind, 7)
    corners = prior.sample(range(3))
    resolved = walk(corners, 5, resolve_mode("auto", kind))
    assert torch.equal(walk(corners, 5, "auto", parts=prior.parts), resolved)


def test_an_explicit_mode_takes_all_coordinates_as_one() -> None:
    a, b = PRIOR.sample([1, 2])
    t = torch.tensor([0.3])
    assert torch.equal(between(a, b, t, "slerp", PRIOR.parts), between(a, b, t, "slerp"))


def test_modes_that_do_not_fit_are_refused() -> None:
    assert resolve_mode("auto", "parts") == "auto"
    with pytest.raises(GanlensError, match="of several parts take 'auto'"):
        resolve_mode("gaussian", "parts")
    with pytest.raises(GanlensError, match="mode 'auto'"):
        between(*torch.zeros(2, 3), torch.zeros(1), "auto")


def test_captions_name_the_parts(subject: Subject) -> None:
    words = "slerp (normal), lerp (categorical) and gaussian (uniform)"
    assert in_words("auto", PRIOR.parts) == words
    assert in_words("lerp", PRIOR.parts) == "lerp"
    result = Interpolation(path_pairs=0, frames=0).run(subject)
    assert words in result.panels()[0].caption
    assert "each part of the latent" in result.panels()[1].caption
    rows = dict(provenance_panel(subject).rows)
    assert rows["prior"] == (
        "8 latent coordinates; normal: 3, N(0, 1) each; categorical: 3, one-hot; uniform: 2,"
        " U(-1, 1) each"
    )


def test_mean_length_and_mean_square_against_many_draws() -> None:
    z = PRIOR.sample_batch(40_000, 0).double()
    assert PRIOR.mean_square * PRIOR.dim == pytest.approx(6 + 1 + 5 / 3)
    assert float(z.square().sum(1).mean()) == pytest.approx(6 + 1 + 5 / 3, rel=0.01)
    assert expected_norm(PRIOR) == pytest.approx(float(z.norm(dim=1).mean()), rel=0.01)
    assert expected_norm(Prior.of("categorical 5")) == 1
    stds = [1.0] * 6 + [math.sqrt(3) / 4] * 4 + [3**-0.5] * 5
    torch.testing.assert_close(PRIOR.stds, torch.tensor(stds, dtype=torch.float64))


def test_what_lies_outside() -> None:
    assert not PRIOR.outside(PRIOR.sample(range(50))).any()
    z = torch.tensor([[9.0] * 6 + [0.0, 1.0, 0.5, -0.2] + [1.0, -1.0, 1.1, -1.1, 0.0]])
    expected = [False] * 6 + [False, False, True, True] + [False, False, True, True, False]
    assert PRIOR.outside(z)[0].tolist() == expected


def test_noise_of_a_sum_is_shared_by_deviation() -> None:
    prior = Prior.of("normal 2000, categorical 2, uniform 2000")
    quiet, loud = (Mix((Sum(((1, 1.0),), jitter),)) for jitter in (None, (2, 0.5)))
    noise = (loud.latents(prior) - quiet.latents(prior))[0]
    normal, _, uniform = prior.split(noise)
    assert float(uniform.std() / normal.std()) == pytest.approx(3**-0.5, rel=0.1)


def test_coordinates_of_a_search_return_and_stay_inside() -> None:
    search, z = Coordinates(PRIOR), PRIOR.sample(range(20))
    back = search.latents(search.of(z))
    normal, categorical, uniform = PRIOR.split(back)
    assert torch.equal(normal, PRIOR.split(z)[0])
    assert torch.equal(categorical.argmax(1), PRIOR.split(z)[1].argmax(1))
    torch.testing.assert_close(uniform, PRIOR.split(z)[2], atol=2e-3, rtol=0)
    wild = search.latents(search.inside(torch.randn(20, 15) * 50))
    assert PRIOR.split(wild)[0].norm(dim=1).max() <= math.sqrt(6) + 1e-4
    torch.testing.assert_close(PRIOR.split(wild)[1].sum(1), torch.ones(20))
    assert PRIOR.split(wild)[2].abs().max() < 1


def test_the_penalty_is_zero_on_the_prior_and_above_beside_it() -> None:
    prior, z = Prior.of("categorical 4, uniform 5"), torch.zeros(1, 9)
    z[0, 1] = 1
    assert Coordinates(prior).penalty(z).item() == 0
    z[0, :4] = 0.25  # 4 of 9 coordinates, and 1 - |z|^2 = 0.75
    assert Coordinates(prior).penalty(z).item() == pytest.approx(4 / 9 * 0.75)


def test_a_card_counts_what_left_the_simplex(subject: Subject) -> None:
    unit = torch.zeros(8).numpy()
    unit[3] = 1  # a category
    move = Direction("category", "random", unit).move(subject.prior, (1.0,))
    moved = move.latents(subject.latents(range(10)), subject.prior, 0)
    assert float(subject.prior.outside(moved).float().mean()) == pytest.approx(1 / 8)
