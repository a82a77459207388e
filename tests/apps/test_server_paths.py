"""Journeys of an attacker: nothing that comes from a browser chooses what the server opens.

The server runs under an audit hook that writes down every path below the test's folder that it
opens or lists, so that "never opened" is seen rather than inferred from what a page shows.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from browsing import NEEDS_CHROMIUM, assert_same_pixels, explorer, settled, shown, visit
from fake_subject import save_tiny
from sessions import Visitor

import ganlens
from ganlens import images
from ganlens.latents import Seeds
from ganlens.packing import pack
from ganlens.panels import ImagePanel
from ganlens.probes import PROBES
from ganlens.recipe import Pictures, Recipe, render
from ganlens.replay import signed

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

# What Python runs first in the server: note the paths of audited calls below WATCHED.
HOOK = """
import os, sys
watched, log = os.environ["WATCHED"], open(os.environ["WATCHED_LOG"], "a", buffering=1)
def note(event, args):
    if event in ("open", "os.listdir", "os.scandir") and watched in repr(args[:1]):
        log.write(f"{event} {args[0]!r}\\n")
sys.addaudithook(note)
"""
SECRET, GREY = "secret", 201  # a folder's name, and what its pictures show
PIXELS = np.zeros((4, 4, 3), np.uint8)  # of a dropped picture


@dataclass(frozen=True)
class Place:
    """A server with an offered and a secret folder.

    Attributes:
        address: of the server.
        root: the folder that holds both.
        checkpoint: the one on offer.
        log: what the server opened below ``root``, line by line.
    """

    address: str
    root: Path
    checkpoint: Path
    log: Path

    @property
    def offered(self) -> Path:
        """The folder of pictures that may be chosen."""
        return self.root / "offered"

    @property
    def secret(self) -> Path:
        """The folder of pictures, with a checkpoint, that may not."""
        return self.root / SECRET

    def opened(self) -> list[str]:
        """Return what the server opened below ``root``."""
        return self.log.read_text("utf-8").splitlines()

    def check_closed(self) -> None:
        """Fail if the server opened anything but what is on offer."""
        allowed = (str(self.offered), str(self.checkpoint.parent))
        beyond = [line for line in self.opened() if not any(one in line for one in allowed)]
        assert beyond == []
        assert not [line for line in self.opened() if SECRET in line]


def fill(folder: Path, grey: int, name: str) -> None:
    folder.mkdir()
    for i in range(40):
        pixels = np.full((16, 16, 3), grey, np.uint8)
        pixels[i % 16, i // 16] = 0
        images.write_png(folder / f"{name}-{i}.png", pixels)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    root = tmp_path_factory.mktemp("watched")
    fill(root / "offered", 90, "public")
    fill(root / SECRET, GREY, "private")
    save_tiny(root / SECRET / "tiny", seed=5)
    checkpoint = save_tiny(root / "runs" / "tiny")
    (root / "link").symlink_to(root / SECRET, target_is_directory=True)
    (root / "link.png").symlink_to(root / SECRET / "private-0.png")
    hook, log = tmp_path_factory.mktemp("hook"), tmp_path_factory.mktemp("log") / "opened"
    (hook / "sitecustomize.py").write_text(HOOK)
    words = ["--root", str(checkpoint.parent), "--data", str(root / "offered")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(hook), prepend=os.pathsep)
        patch.setenv("WATCHED", str(root))
        patch.setenv("WATCHED_LOG", str(log))
        with explorer(words) as address:
            yield Place(address, root, checkpoint, log)


def paths(place: Place) -> list[str]:
    """Return names of what the server has and does not offer, in the forms that people know."""
    secret = str(place.secret)
    return [
        "/etc",
        "../../",
        "~",
        secret,
        f"{secret}/private-0.png",
        f"{secret}/tiny",
        f"{secret},fit=pad",
        f"{secret},fit=squash,upscale=yes",
        f"{place.offered}/../{SECRET}",
        f"train={secret},test={secret}",
        f"train={place.offered},test={secret}",
        f"file://{secret}",
        f"FILE:///{secret}",
        "C:\\Users\\Public\\Pictures",
        "\\\\host\\share",
        "..\\..\\secret",
        f"{secret}\0.png",
        f"{place.offered}\0/../{SECRET}",
        str(place.root / "link"),
        str(place.root / "link.png"),
        f"{place.root}/absent",
        "torchvision:CIFAR10",
        f" {place.offered}",
        f"{place.offered}/",
    ]


def attacks(place: Place) -> list[tuple[dict[str, Any], str]]:
    """Return recipes that name paths, each with the beginning of its refusal."""
    subject = ganlens.load(place.checkpoint, "cpu")
    of_samples = Recipe.of(subject, Seeds((0,))).to_json()
    panel = {"version": 1, "kind": "panel", "panel": "Your image", "scale": 1, "probe": "filters",
             "checkpoint": "tiny", "hash": subject.provenance["hash"], "weights": "raw",
             "data": None, "fingerprint": "", "settings": {}}  # fmt: skip
    found: list[tuple[dict[str, Any], str]] = []
    for index, path in enumerate(paths(place)):
        sources = {"spec": path, "split": "all", "fingerprint": ""}
        pictures = {"kind": Pictures.kind, "spec": path, "rows": [0]}
        forms = ({**panel, "data": path}, {**panel, "sources": sources},
                 {**of_samples, "latents": pictures})  # fmt: skip
        found.append((forms[index % 3], "data of the recipe"))
    secret = place.secret
    settings = [
        ("invert", "image", [str(secret / "private-0.png")]),
        ("invert", "direction", str(secret / "tiny" / "model.safetensors")),
        ("fid", "extractor", str(secret / "tiny")),
        ("fid", "weights", f"file://{secret}/tiny"),
        ("health", "beside", str(secret / "tiny")),
        ("maximize", "classifier", f"{secret}\0"),
        ("forget", "boxes", "..\\secret\\boxes.json"),
        ("interpolate", "latents_file", str(place.root / "link.png")),
    ]
    for probe, name, value in settings:
        values = {**panel, "probe": probe, "settings": {name: value}}
        found.append((values, f"the recipe's {name} is a path, and a recipe opens none"))
    other = ganlens.load(secret / "tiny", "cpu").provenance["hash"]
    for values in (panel, of_samples):  # a checkpoint that is there and not on offer
        named = {**values, "checkpoint": str(secret / "tiny"), "hash": other}
        found.append((named, "the recipe needs checkpoint"))
    return found


def drop(page: "Page", folder: Path, name: str, recipe: dict[str, Any], content: Any) -> None:
    if name.endswith(".png"):
        images.write_png(folder / name, content, recipe)
    else:
        film = images.animation_bytes(content[None], name.rpartition(".")[2], recipe=recipe)
        (folder / name).write_bytes(film)
    page.locator('input[type="file"]').set_input_files(folder / name)
    page.get_by_text(name).first.wait_for()
    settled(page)


def one_line(page: "Page") -> str:
    """Return the one line of a page that shows nothing else."""
    alerts = page.get_by_test_id("stAlert")
    alerts.first.wait_for()
    assert alerts.count() == 1
    assert page.get_by_test_id("stImage").count() == 0
    assert page.get_by_test_id("stJson").count() == 0
    text = str(alerts.inner_text()).strip()
    body = str(page.locator("body").inner_text())
    assert "Traceback" not in body
    assert "private-" not in body.replace(text, ""), "a file name that the visitor did not send"
    lines = [line for line in text.splitlines() if line.strip() and line.strip() != "error"]
    assert len(lines) == 1, text
    return lines[0]


@pytest.mark.browser
@NEEDS_CHROMIUM
def test_no_recipe_in_a_picture_opens_a_path_of_the_server(
    browser: "Browser", place: Place, tmp_path: Path
) -> None:
    page = visit(browser, place.address, "replay", place.checkpoint, data="none")
    for index, (recipe, said) in enumerate(attacks(place)):
        kind = ("png", "webp", "gif")[index // 3 % 3]
        drop(page, tmp_path, f"attack-{index}.{kind}", recipe, PIXELS)
        line = one_line(page)
        assert line.startswith(said), (recipe, line)
    place.check_closed()


@pytest.mark.browser
@NEEDS_CHROMIUM
def test_the_same_page_replays_what_is_on_offer(
    browser: "Browser", place: Place, tmp_path: Path
) -> None:
    page = visit(browser, place.address, "replay", place.checkpoint, data="none")
    shipped = ganlens.load("pixelfaces", "cpu")
    samples = Recipe.of(shipped, Seeds((3, 4)), columns=2)
    cases = [(samples.to_json(), render(shipped, samples))]
    probe = PROBES["neighbors"](n=8, space="pixels", shown=2)
    tiny = ganlens.load(place.checkpoint, "cpu")
    for subject, spec in ((shipped, "pixelfaces"), (tiny, str(place.offered))):
        channels, size, _ = subject.image_shape
        data = ganlens.open_data(spec, size=size, channels=channels)
        panels = signed(probe.run(subject, data).panels(), "neighbors", probe, subject, data)
        panel = next(one for one in panels if isinstance(one, ImagePanel))
        cases.append((dict(panel.recipe or {}), panel.image))
    for index, (recipe, pixels) in enumerate(cases):
        drop(page, tmp_path, f"allowed-{index}.png", recipe, pixels)
        page.get_by_text("Identical, to the pixel.").wait_for()
        assert_same_pixels(shown(page, "the picture drawn again"), pixels)
    assert [line for line in place.opened() if "public-" in line], "the hook sees what is opened"
    place.check_closed()


@pytest.mark.browser
@NEEDS_CHROMIUM
def test_no_recipe_in_an_address_opens_a_path(browser: "Browser", place: Place) -> None:
    subject = ganlens.load(place.checkpoint, "cpu")
    for path in paths(place)[:20:4]:
        recipe = Recipe.of(subject, Pictures(path, (0,)), columns=1)
        page = visit(browser, place.address, "latent", place.checkpoint, recipe=pack(recipe))
        page.get_by_text("the recipe begins with pictures of a data set", exact=False).wait_for()
        assert page.get_by_test_id("stAlert").count() == 1
        page.close()
    place.check_closed()


def test_no_word_of_an_address_opens_a_path(place: Place) -> None:
    """Every parameter that a page keeps in its address, with a path in its stead."""
    bound = {
        "": ("checkpoint", "data"),
        "sample": ("seed", "n", "network", "pairs", "from", "to", "condition"),
        "latent": ("recipe", "tool", "condition"),
        "training": ("run",),
        "compare": ("other",),
        "forget": ("forget-way", "forget-boxes", "forget-concept"),
        "fid": ("fid-extractor", "fid-weights", "fid-inception-weights"),
        "health": ("health-beside",),
        "maximize": ("maximize-classifier", "maximize-units", "maximize-layer"),
        "invert": ("invert-image", "invert-direction"),
        "interpolate": ("interpolate-latents-file",),
    }
    checkpoint = f"{place.checkpoint.parent.name}/tiny"
    for page, names in bound.items():
        for value in (str(place.secret), f"file://{place.secret}/tiny", "../secret/tiny"):
            given = dict.fromkeys(names, value)
            address = given if page == "" else {"checkpoint": checkpoint, "data": "none", **given}
            with Visitor(place.address) as visitor:
                visitor.go(page, **address)
                assert len(visitor.errors()) <= 1  # a damaged recipe is said
    place.check_closed()


CHOSEN = (
    ("", "Checkpoint", "tiny"),
    ("", "Real images", ""),
    ("training", "Run", "tiny"),
    ("compare", "Compare with checkpoint", "tiny"),
    ("fid", "extractor", "tiny"),
    ("health", "beside", "tiny"),
    ("maximize", "classifier", "tiny"),
)


@pytest.mark.parametrize(("page", "label", "inside"), CHOSEN)
def test_no_value_that_a_page_does_not_offer_is_taken(
    place: Place, page: str, label: str, inside: str
) -> None:
    """Boxes to choose from take any text of a client that speaks the protocol itself."""
    with Visitor(place.address) as visitor:
        checkpoint = f"{place.checkpoint.parent.name}/tiny"
        visitor.go(page, checkpoint=checkpoint, data=str(place.offered))
        for path in (place.secret / inside, place.root / "link" / inside):
            visitor.set_text(label, str(path))
            assert visitor.errors() == []
    place.check_closed()


@pytest.mark.parametrize(
    ("page", "label"),
    [("arithmetic", "a"), ("turn", "attribute"), ("maximize", "units"), ("forget", "concept"),
     ("directions", "attributes"), ("linear-probe", "target"), ("arithmetic-score", "formulas")],
)  # fmt: skip
def test_no_text_of_a_setting_opens_a_path(place: Place, page: str, label: str) -> None:
    with Visitor(place.address) as visitor:
        checkpoint = f"{place.checkpoint.parent.name}/tiny"
        visitor.go(page, checkpoint=checkpoint, data="pixelfaces")
        for path in (f"{place.secret}/private-0.png", f"@{place.secret}/boxes.json"):
            visitor.set_text(label, path)
            if not visitor.errors():  # else the form itself says what may stand there
                visitor.press("Run")
            assert len(visitor.errors()) == 1
    place.check_closed()


@pytest.mark.parametrize(
    "name",
    ["../../secret/private-0.png", "/etc/passwd.png", "C:\\secret\\a.png", "..%2f..%2fa.png",
     "file:___etc_passwd.png", "nul.png", "a" * 300 + ".png", "<img src=x>.png"],
)  # fmt: skip
def test_the_name_of_an_upload_chooses_nothing(place: Place, name: str) -> None:
    with Visitor(place.address) as visitor:
        visitor.go("replay", checkpoint=f"{place.checkpoint.parent.name}/tiny", data="none")
        before = visitor.errors()
        visitor.drop(name, images.png_bytes(PIXELS))
        assert before == []
        assert len(visitor.errors()) == 1  # it carries no recipe
        assert visitor.pictures() == []
    place.check_closed()
