"""Two checkpoints beside each other: the numbers mean the same, or none are shown."""

import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from fake_subject import save_tiny
from test_explorer import opened, plain, started, tiny  # noqa: F401

import ganlens
from ganlens.errors import GanlensError
from ganlens.probes.fidelity import Fidelity
from ganlens.report import strict

pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def summary(tiny_checkpoint: Path, tiny_images: Path) -> dict[str, Any]:
    """What the probe says today."""
    data = ganlens.open_data(str(tiny_images), "all")
    subject = ganlens.load(tiny_checkpoint, "cpu")
    return strict(Fidelity(extractor="pixels", n=60).run(subject, data).summary())


def test_every_row_and_every_condition_is_in_the_summary(
    summary: dict[str, Any],
    started: Any,  # noqa: F811
) -> None:
    from page_compare import ALIKE, ROWS, beside

    panel = beside(["a", "b"], [summary, deepcopy(summary)])
    assert [row[0] for row in panel.rows] == list(ROWS.values())
    assert all(row[1] == row[2] for row in panel.rows)
    shown = {row[0]: row[1] for row in panel.rows}
    assert shown["precision (1 is best)"] == summary["precision"]
    assert "subset size" in shown["kernel distance (0 is best)"], "of so few images there is none"
    for key in (*ALIKE, *ROWS, "extractor", "reasons"):
        without = {name: value for name, value in summary.items() if name != key}
        assert without != summary, f"the probe does not say {key!r}"
        if key != "reasons":
            with pytest.raises(KeyError, match=key):
                beside(["a", "b"], [without, without])


def changed(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda summary: summary.update({key: value})


def extractor(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda summary: summary["extractor"].update({key: value})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (changed("n_fake", 59), "n_fake 60 against 59"),
        (changed("n_real", 59), "n_real 60 against 59"),
        (changed("seed", 1), "seed 0 against 1"),
        (changed("split", "train"), "against 'train'"),
        (changed("data_fingerprint", "0"), "data_fingerprint"),
        (changed("quantisation", "none"), "quantisation"),
        (extractor("weights", "ab" * 32), "weights None against 'abab"),
        (extractor("name", "inception"), "name 'pixels-16x16' against 'inception'"),
        (extractor("resize", "bilinear"), "resize 'none' against 'bilinear'"),
        (extractor("quantisation", "uint8"), "quantisation 'none of its own' against 'uint8'"),
    ],
)
def test_numbers_that_do_not_mean_the_same_are_refused(
    change: Callable[[dict[str, Any]], None],
    words: str,
    summary: dict[str, Any],
    started: Any,  # noqa: F811
) -> None:
    from page_compare import beside

    other = deepcopy(summary)
    change(other)
    with pytest.raises(GanlensError, match="cannot be compared") as caught:
        beside(["a", "b"], [summary, other])
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_why_an_extractor_was_chosen_is_no_difference(
    summary: dict[str, Any],
    started: Any,  # noqa: F811
) -> None:
    from page_compare import beside

    other = deepcopy(summary)
    extractor("chosen_because", "another reason")(other)
    assert beside(["a", "b"], [summary, other]).rows


def test_the_caption_says_what_the_numbers_depend_on(
    summary: dict[str, Any],
    started: Any,  # noqa: F811
) -> None:
    from page_compare import beside

    caption = beside(["a", "b"], [summary, summary]).caption
    for words in ("N = 60", "from seed 0", "pixels-16x16 (without weights", "resize: none"):
        assert words in caption
    networks = deepcopy(summary)
    extractor("weights", "ab" * 32)(networks)
    assert "weights " + "ab" * 8 in beside(["a", "b"], [networks, networks]).caption


def test_an_undefined_number_has_its_reason(summary: dict[str, Any], started: Any) -> None:  # noqa: F811
    from page_compare import beside

    other = deepcopy(summary) | {"recall": None}
    other["reasons"]["recall"] = "too few images"
    rows = {row[0]: row for row in beside(["a", "b"], [summary, other]).rows}
    assert rows["recall (1 is best)"][2] == "\N{EN DASH} (too few images)"


def test_a_seed_that_the_next_page_takes_is_taken_here(tiny: dict[str, str]) -> None:  # noqa: F811
    app = opened("compare", seed=str(2**31 - 1), **tiny)
    assert not app.exception
    assert not app.error
    assert app.number_input(key="seed").value == 2**31 - 1


def test_both_are_measured_by_one_press(
    tiny: dict[str, str],  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import page_compare

    for seed, name in enumerate(("one", "two")):
        save_tiny(tmp_path / name, seed)
    monkeypatch.setattr(
        sys, "argv", ["explorer.py", "--root", str(tmp_path), "--data", tiny["data"]]
    )
    monkeypatch.setattr(page_compare, "Fidelity", lambda extractor, n: Fidelity(extractor, n=60))
    label = f"{tmp_path.name}/{{}}"
    app = opened("compare", checkpoint=label.format("one"), data=tiny["data"])
    app.selectbox(key="other").set_value(label.format("two")).run()
    next(one for one in app.button if one.label == "Measure both").click().run()
    assert not app.exception
    assert not app.error
    assert any("N = 60 samples" in plain(one.value) for one in app.caption)
