"""Reports and checks of every family: by roles, with sources, conditions and a family's curves."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from three_families import FAMILIES

import ganlens
from ganlens import images, report
from ganlens.checking import check
from ganlens.cli import main
from ganlens.recipe import Recipe, render
from ganlens.report.translated import sources_of


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of each family, on images of three classes; the second domain is brighter."""
    folder, rng = tmp_path_factory.mktemp("families"), np.random.default_rng(1)
    labels = np.arange(160) % 3
    for name, least in (("dark", 0), ("light", 90)):
        x = rng.integers(least, least + 60, (160, 16, 16, 3)) + 40 * labels[:, None, None, None]
        np.savez(folder / f"{name}.npz", images=x.astype(np.uint8), labels=labels)
    for family, one in FAMILIES.items():
        others = ["--others", str(folder / "light.npz")] if one.domains == 2 else []
        words = ["train", "--family", family, "--data", str(folder / "dark.npz"), *others,
                 "--epochs", "1", "--batch-size", "16", "--extractor", "pixels", "--precision",
                 "float32", "--log-every", "2", "--out", str(folder / family)]  # fmt: skip
        assert main(words) == 0
    return {family: folder / family for family in FAMILIES}


def subject_of(trained: dict[str, Path], family: str) -> Any:
    return ganlens.load(trained[family], "cpu")


@pytest.mark.parametrize("family", FAMILIES)
def test_every_network_is_named_with_its_role_and_size(
    family: str, trained: dict[str, Path]
) -> None:
    subject = subject_of(trained, family)
    rows = dict(report.provenance_panel(subject).rows)
    for name, role in FAMILIES[family].roles.items():
        size = sum(weight.numel() for weight in subject.network(name).parameters())
        said = f"{size:,} parameters" if name == role else f"{name}, {size:,} parameters"
        assert said in rows.get(role, rows.get(f"{role}s")).split("; ")
    assert rows.get("condition") == ("classes: 0, 1, 2" if family == "toy-conditional" else None)
    assert ("prior" in rows) == (family != "toy-translator")
    assert ("second domain (unpaired)" in rows) == (family == "toy-translator")


def test_a_conditional_model_shows_the_same_seeds_under_each_condition(
    trained: dict[str, Path],
) -> None:
    subject = subject_of(trained, "toy-conditional")
    (samples, kinds), reasons = report.gallery(subject)
    assert reasons == []
    first = [subject.condition.name(row) for row in subject.condition.sample(range(8))]
    assert f"the first row: {'; '.join(first)}." in samples.caption
    assert "from above: 0; 1; 2." in kinds.caption
    z = subject.latents(range(8))
    expected = np.concatenate([subject.generate(z, word).numpy() for word in "012"])
    sheet = images.grid(images.to_uint8(torch.from_numpy(expected)), 8)
    np.testing.assert_array_equal(kinds.image, sheet)


@pytest.mark.parametrize("family", ["toy-autoencoder", "toy-translator"])
def test_source_pictures_stand_beside_what_is_made_of_them(
    family: str, trained: dict[str, Path]
) -> None:
    subject = subject_of(trained, family)
    panels, reasons = report.gallery(subject)
    assert reasons == []
    titles = [panel.title for panel in panels]
    if family == "toy-translator":
        assert titles == ["Translated by a_to_b", "Translated by b_to_a"]
        assert "dark.npz" in panels[0].caption
        assert "light.npz" in panels[1].caption, "the second translator reads the second domain"
    else:
        assert titles == ["Samples", "Reconstructions"]
        assert "Pixels differ by" in panels[1].caption
    source = sources_of(subject, report.image_to_image(subject)[0])
    shown = panels[titles.index(titles[-1]) if family == "toy-autoencoder" else 0]
    np.testing.assert_array_equal(shown.image[:16, :16], source.images[0])
    again = render(subject, Recipe.from_json(shown.recipe))
    np.testing.assert_array_equal(again, shown.image)


def test_the_family_says_which_images_a_translator_reads(
    trained: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FAMILIES["toy-translator"], "reads", {"a_to_b": "others"}, raising=False)
    subject = subject_of(trained, "toy-translator")
    specs = {name: sources_of(subject, name).spec for name in ("a_to_b", "b_to_a")}
    assert specs["a_to_b"].endswith("light.npz")
    assert specs["b_to_a"].endswith("dark.npz")
    assert subject.sources.spec == specs["a_to_b"]


def test_pictures_that_are_gone_are_one_sentence_of_the_report(
    trained: dict[str, Path], tmp_path: Path
) -> None:
    subject = subject_of(trained, "toy-translator")
    subject.provenance["data"] = {"spec": str(tmp_path / "gone.npz")}
    subject.provenance["others"] = {"spec": str(tmp_path / "gone.npz")}
    panels, reasons = report.gallery(subject)
    assert panels == []
    assert all("gone.npz" in reason and "\n" not in reason for reason in reasons)
    page = report.write_report(tmp_path / "out", subject, None, [])
    text = page.read_text("utf-8")
    assert "Not shown: " in text
    assert "A model with a_to_b (translator), b_to_a (translator) and critic_b" in text


@pytest.mark.parametrize("family", FAMILIES)
def test_curves_are_the_family_s_own_or_every_number_by_its_name(
    family: str, trained: dict[str, Path]
) -> None:
    assert report.family_of(trained[family]) == family
    assert report.family_of(trained[family] / "best") == family
    records = report.read_metrics(trained[family])
    titles = [panel.title for panel in report.curve_panels(records, family=family)]
    own = [curve.title for curve in FAMILIES[family].curves if curve.title in titles]
    if family == "toy-translator":  # it says nothing about its numbers
        assert {"g_loss", "d_loss", "cycle"} <= set(titles)
        assert not {"epoch", "images_per_second", "n", "k"} & set(titles)
    else:
        assert own
        assert "d_grad" not in titles
    unknown = [panel.title for panel in report.curve_panels(records, family="nobody's")]
    assert all(name in unknown for name in ("g_grad", "d_grad") if name in records[0])


def test_a_damaged_run_has_no_family(tmp_path: Path) -> None:
    assert report.family_of(tmp_path) is None
    (tmp_path / "run.json").write_text("[1")
    assert report.family_of(tmp_path) is None


@pytest.mark.parametrize("family", FAMILIES)
def test_checks_go_through_every_network(
    family: str, trained: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    found = {one.name: one for one in check(subject_of(trained, family))}
    expected = {
        "toy-conditional": {
            "condition", "prior", "sees its condition", "samples differ", "features",
        },
        "toy-autoencoder": {"decoder: prior", "encoder: latents", "encoder: samples come back"},
        "toy-translator": {
            *(f"{n}: changes its input" for n in ("a_to_b", "b_to_a")),
            "a_to_b: range", "b_to_a: result independent of its batch", "critic_b: scores differ",
        },
    }  # fmt: skip
    assert expected[family] <= found.keys()
    assert [one for one in found.values() if one.good is False] == []
    assert main(["check", str(trained[family]), "--json", "-"]) == 0
    probes = json.loads(capsys.readouterr().out)["probes"]
    assert probes["fid"]["runs"], "it needs images only"
    if family == "toy-translator":
        assert probes["interpolate"]["reason"] == (
            "needs a generator; this checkpoint has: a_to_b (translator), b_to_a (translator),"
            " critic_b (discriminator)"
        )


def test_whatever_is_told_is_compared_with_something_else(trained: dict[str, Path]) -> None:
    """The second most frequent class was compared with itself, and a sound model called deaf."""
    subject = subject_of(trained, "toy-conditional")
    for words in subject.condition.names:
        found = {one.name: one for one in check(subject.with_condition(words))}[
            "sees its condition"
        ]
        assert found.good
        assert found.found.startswith(f"{words!r} and ")
        assert f"and {words!r}" not in found.found


def test_fidelity_says_where_the_two_sides_cannot_be_alike(trained: dict[str, Path]) -> None:
    dark, light = (ganlens.open_data(str(trained["toy-conditional"].parent / f"{name}.npz"))
                   for name in ("dark", "light"))  # fmt: skip
    probe = ganlens.PROBES["fid"](n=8, extractor="pixels", k=1, k_density=1)
    told = subject_of(trained, "toy-conditional")
    whole = "Every sample was drawn under the condition"
    assert whole not in probe.run(told, dark).summary()["caveat"]
    assert f"{whole} 2:" in probe.run(told.with_condition("2"), dark).summary()["caveat"]
    translator, same = subject_of(trained, "toy-translator"), "translations of images of this very"
    assert same in probe.run(translator, dark).summary()["caveat"]
    assert same not in probe.run(translator, light).summary()["caveat"]


def test_checkpoints_of_families_that_nobody_knows_are_named(
    trained: dict[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(ganlens.MODELS, "toy-translator")
    for root in (trained["toy-translator"].parent, trained["toy-translator"]):
        assert main(["list", str(root)]) == 0
        said = capsys.readouterr()
        (left_out,) = said.err.splitlines()
        assert "of the unknown family 'toy-translator': " in left_out
        assert str(trained["toy-translator"] / "best") in left_out
        assert ("classes (3)" in said.out) == (root.name != "toy-translator")


def test_a_translator_that_changes_nothing_is_found_out(trained: dict[str, Path]) -> None:
    class Nothing(torch.nn.Module):
        image_shape = (3, 16, 16)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    subject = subject_of(trained, "toy-translator")
    subject.networks["b_to_a"] = Nothing()
    found = {one.name: one.good for one in check(subject)}
    assert found["b_to_a: changes its input"] is False
    assert found["a_to_b: changes its input"] is True


@pytest.mark.parametrize("family", FAMILIES)
def test_list_and_card_say_what_it_is(
    family: str, trained: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    card = (trained[family] / "best" / "card.md").read_text("utf-8")
    roles = FAMILIES[family].roles
    for name, role in roles.items():
        assert (name if name == role else f"{name} ({role})") in card
    assert "GAN trained" not in card
    assert main(["list", str(trained[family])]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert ("classes (3)" in printed) == (family == "toy-conditional")
    assert all(name in printed for name in roles)
