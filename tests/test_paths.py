"""Which settings are paths is read off annotations, so that a new probe is covered by itself."""

from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal

import pytest

from ganlens.limits import Count, Limits
from ganlens.paths import OrPath, path_settings, paths_in
from ganlens.probes import PROBES

EXTRACTOR = OrPath(("auto", "pixels"), ("torchvision:",))


@dataclass(frozen=True)
class Settings:
    picture: Path | None = None
    pictures: tuple[Path, ...] = ()
    limited: Annotated[tuple[PurePath, ...], Limits(length=(0, 3))] = ()
    extractor: Annotated[str, EXTRACTOR] = "auto"
    several: tuple[Annotated[str, EXTRACTOR], ...] = ()
    start_weights: str | None = None
    cache_folder: str = ""
    weights: Literal["ema", "raw"] = "ema"
    path_pairs: Count = 3
    profile: str = ""
    title: str = ""


NAMED = ["picture", "pictures", "limited", "extractor", "several", "start_weights", "cache_folder"]


def test_paths_are_known_by_their_annotation_and_text_by_its_name() -> None:
    assert list(path_settings(Settings)) == NAMED
    assert path_settings(Settings)["extractor"] == EXTRACTOR


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, []),
        ({"picture": None, "pictures": (), "cache_folder": "", "several": []}, []),
        ({"extractor": "pixels"}, []),
        ({"extractor": "torchvision:resnet18"}, []),
        ({"extractor": "Pixels"}, ["extractor"]),
        ({"extractor": "pixels/../x"}, ["extractor"]),
        ({"extractor": ["pixels"]}, ["extractor"]),
        ({"extractor": {"a": 1}, "picture": 0}, ["picture", "extractor"]),
        ({"picture": "x.png", "title": "/etc/passwd", "path_pairs": "/x"}, ["picture"]),
        ({"pictures": ["x.png"], "start_weights": "w"}, ["pictures", "start_weights"]),
    ],
)
def test_anything_but_a_word_or_nothing_is_a_path(
    values: dict[str, Any], expected: list[str]
) -> None:
    assert paths_in(Settings, values) == expected


def test_those_of_the_probes() -> None:
    found = {name: set(path_settings(PROBES[name])) for name in PROBES}
    assert {name: paths for name, paths in found.items() if paths} == {
        "interpolate": {"latents_file"},
        "codes": {"beside"},
        "invert": {"image", "direction"},
        "forget": {"boxes"},
        "dissect": {"boxes"},
        "health": {"beside"},
        "maximize": {"classifier"},
        "conditions": {"classifier", "extractor"},
        "fid": {"extractor", "inception_weights", "weights"},
    }


def test_defaults_name_no_paths() -> None:
    for name in PROBES:
        assert paths_in(PROBES[name], PROBES[name]().settings()) == [], name
