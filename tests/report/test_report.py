"""The report: strict JSON, a page that is whole, safe and needs no network."""

import base64
import io
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import pytest
import torch
from browsing import NEEDS_CHROMIUM
from PIL import Image
from torch import nn

from ganlens import images, report
from ganlens.cli import main
from ganlens.data import Skipped
from ganlens.errors import GanlensError
from ganlens.models.prior import Prior
from ganlens.panels import AnimationPanel, FigurePanel, ImagePanel, TablePanel, figure
from ganlens.probes import PROBES
from ganlens.probes.base import Needs, Probe, Progress
from ganlens.subject import Subject

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOSTILE = "</script><script>window.hit=1</script><img src=x onerror=window.hit=1>\"'&"


class TinyGenerator(nn.Module):
    """Maps latents to smooth coloured blobs."""

    def __init__(self) -> None:
        super().__init__()
        self.prior, self.image_shape = Prior("normal", 4), (3, 16, 16)
        self.layer = nn.Linear(4, 3 * 16 * 16)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return self.layer(z).tanh().view(-1, 3, 16, 16)


class FakeSubject(Subject):
    """What a report asks of a Subject."""

    def __init__(self) -> None:
        known = {
            "checkpoint": "tiny",
            "hash": "ab" * 32,
            "family": "dcgan",
            "step": 1200,
            "data": {"spec": "pixelfaces", "fingerprint": "0123abcd"},
            "weights": "ema",
            "versions": {"torch": "2"},
        }
        super().__init__({"generator": TinyGenerator()}, known)


@dataclass(frozen=True)
class FakeData:
    """What a report asks of an ImageSet."""

    spec: str = "pixelfaces"
    fingerprint: str = "0123abcd"
    split: str = "all"
    split_source: str = "declared"
    image_shape: tuple[int, int, int] = (3, 16, 16)
    labels: np.ndarray | None = None
    attributes: dict[str, np.ndarray] = field(default_factory=dict)
    skipped: tuple[Any, ...] = ()
    preparation: None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return 120


@dataclass(frozen=True)
class Found:
    """A result with a panel of every kind."""

    values: np.ndarray
    name: str = "plain"

    def summary(self) -> dict[str, Any]:
        return {
            "fd": float(self.values.mean()),
            "interval": [1.0, float("inf")],
            "kid": float("nan"),
            "extractor": {"name": self.name, "hash": "ff00"},
            "n": np.int64(120),
            "skipped": None,
        }

    def panels(self) -> list[Any]:
        chart = figure(xaxis_title="step", yaxis_title=self.name)
        chart.add_scatter(x=[0, 1, 2], y=self.values[:3], name=self.name)
        chart.add_bar(x=[0, 1, 2], y=self.values[3:6], name="black", marker={"color": "#000000"})
        tile = np.arange(16 * 40 * 3, dtype=np.uint8).reshape(16, 40, 3)
        return [
            ImagePanel("Picture", "A picture.", tile, alt=self.name, scale=4, recipe={"seed": 3}),
            AnimationPanel("Film", "A film.", np.stack([tile, 255 - tile]), alt=self.name),
            FigurePanel(f"Chart of {self.name}", "A `curve` to read.", chart),
            TablePanel(
                "Table",
                "Rows of values.",
                ["class", *(f"column {i}" for i in range(12))],
                [[self.name, *self.values[:12].tolist()], ["other", *[0.5] * 12]],
            ),
        ]


@dataclass(frozen=True)
class FakeProbe(Probe):
    """Measures how far two things are apart.

    Attributes:
        n: how many samples.
        kind: which distance.
        name: a word from a file.
    """

    title: ClassVar[str] = "Distance"
    n: int = 20
    kind: Literal["near", "far"] = "near"
    flip: bool = True
    name: str = "plain"

    def needs(self) -> Needs:
        return Needs(frozenset({"generator"}), "required")

    def steps(self, subject: Any, data: Any = None) -> Iterator[Progress]:
        yield Progress(1, 2, "halves")
        if self.kind == "far":
            raise GanlensError(f"kind {self.kind!r} is too far:\nchoose near")
        yield Progress(2, 2, "halves")
        return Found(np.linspace(0, 1, 20), self.name)  # type: ignore[return-value]


@dataclass(frozen=True)
class NeedsCritic(FakeProbe):
    """Looks into the discriminator."""

    title: ClassVar[str] = "Critic"

    def needs(self) -> Needs:
        return Needs(frozenset({"discriminator"}))


@dataclass(frozen=True)
class NeedsLabels(FakeProbe):
    """Looks at labels."""

    title: ClassVar[str] = "Labels"

    def needs(self) -> Needs:
        return Needs(data="required", labels=True)


def write(tmp_path: Path, **probes: Probe) -> tuple[str, dict[str, Any]]:
    subject, data = FakeSubject(), FakeData()
    findings = report.run_probes(subject, data, probes)  # type: ignore[arg-type]
    page = report.write_report(tmp_path / "out", subject, data, findings)  # type: ignore[arg-type]
    text = page.read_text(encoding="utf-8")
    return text, json.loads((tmp_path / "out" / "findings.json").read_text())


def test_document_is_strict_json_and_says_what_is_undefined() -> None:
    probe = FakeProbe(n=7)
    found = report.document("dist", probe, FakeSubject(), FakeData(), probe.run(None))  # type: ignore[arg-type]
    again = json.loads(json.dumps(found, allow_nan=False))
    assert again == found
    assert found["summary"]["fd"] == pytest.approx(0.5)
    assert found["summary"]["n"] == 120
    assert found["summary"]["kid"] is None
    assert found["summary"]["interval"] == [1.0, None]
    assert set(found["undefined"]) == {"summary.kid", "summary.interval[1]"}
    assert found["settings"]["n"] == 7
    assert found["data"]["fingerprint"] == "0123abcd"
    assert found["checkpoint"]["hash"] == "ab" * 32


def test_an_undefined_value_is_a_dash_with_its_reason() -> None:
    from ganlens.panels import cell
    from ganlens.report.draw import flat

    summary = {
        "fd": 1.0, "kid": None, "kid_reason": "too few", "n": 7, "n_reason": None,
        "scores": {"recall": None, "density": 0.5, "reasons": {"recall": "no data", "x": "why"}},
        "split": None, "broken": math.nan, "stops": [{"at": 0.5, "share": 1.0}, {"at": 1.0}],
    }  # fmt: skip
    assert flat(report.strict(summary)) == [
        ("fd", "1"),
        ("kid", "\N{EN DASH} (too few)"),
        ("n", "7"),
        ("scores · recall", "\N{EN DASH} (no data)"),
        ("scores · density", "0.5"),
        ("scores · reasons · x", "why"),
        ("split", "\N{EN DASH}"),
        ("broken", "\N{EN DASH} (not defined for this input)"),
        ("stops", "2 entries: see the tables, or --json"),
    ]
    assert cell(math.nan) == cell(np.float32("nan")) == cell(None) == "\N{EN DASH}"


def test_a_probe_that_cannot_run_is_left_out_with_its_reason() -> None:
    probes = {"critic": NeedsCritic(), "labels": NeedsLabels(), "far": FakeProbe(kind="far")}
    findings = report.run_probes(FakeSubject(), FakeData(), probes)  # type: ignore[arg-type]
    assert [f.result for f in findings] == [None] * 3
    assert "this checkpoint has: generator" in findings[0].reason
    assert "labels or attributes" in findings[1].reason
    assert findings[2].reason == "kind 'far' is too far: choose near"
    without = report.run_probes(FakeSubject(), None, {"dist": FakeProbe()})  # type: ignore[arg-type]
    assert "give a data set" in without[0].reason


def test_progress_reaches_the_caller() -> None:
    seen: list[tuple[str, int]] = []
    report.run_probes(
        FakeSubject(),  # type: ignore[arg-type]
        FakeData(),  # type: ignore[arg-type]
        {"dist": FakeProbe()},
        lambda name, progress: seen.append((name, progress.done)),
    )
    assert seen == [("dist", 1), ("dist", 2)]


@dataclass(frozen=True)
class Broken(FakeProbe):
    """Breaks."""

    def steps(self, subject: Any, data: Any = None) -> Iterator[Progress]:
        yield Progress(1, 2, "things")
        raise RuntimeError("a bug")


def test_a_fault_of_one_probe_loses_none_of_the_others() -> None:
    probes = {"b": Broken(), "dist": FakeProbe()}
    broken, sound = report.run_probes(FakeSubject(), FakeData(), probes)  # type: ignore[arg-type]
    assert isinstance(broken.error, RuntimeError)
    assert broken.reason == "it failed, which is a fault of the program: RuntimeError: a bug"
    assert sound.result is not None


@pytest.mark.parametrize("part", ["summary", "panels"])
def test_a_fault_of_what_a_result_says_loses_none_of_the_others(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(self: Any) -> Any:
        raise KeyError("a bug")

    @dataclass(frozen=True)
    class Spoiled(Found):
        """Cannot be shown."""

    setattr(Spoiled, part, bug)

    @dataclass(frozen=True)
    class Half(FakeProbe):
        """Finds what cannot be shown."""

        def steps(self, subject: Any, data: Any = None) -> Iterator[Progress]:
            found = yield from super().steps(subject, data)
            return Spoiled(**vars(found))

    probes = {"h": Half(), "dist": FakeProbe()}
    broken, sound = report.run_probes(FakeSubject(), FakeData(), probes)  # type: ignore[arg-type]
    assert isinstance(broken.error, KeyError)
    assert broken.result is None
    assert sound.result is not None


def test_a_fault_is_raised_once_the_report_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PROBES, "broken", Broken)
    words = ["report", "pixelfaces", "--data", "pixelfaces", "--out", str(tmp_path)]
    with pytest.raises(RuntimeError, match="a bug"):
        main([*words, "--probes", "broken", "filters"])
    failed, sound = json.loads((tmp_path / "findings.json").read_text())["findings"]
    assert "RuntimeError: a bug" in failed["left_out"]
    assert sound["summary"]["filters"] > 0


class Links(HTMLParser):
    """Collects what could reach out of a page, its ids, and whether tags balance."""

    VOID = frozenset({"meta", "img", "br", "link", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.reached: list[str] = []
        self.ids: list[str] = []
        self.anchors: list[str] = []
        self.open: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        for key, value in attrs:
            if key in {"src", "href", "action"} and value:
                (self.anchors if value.startswith("#") else self.reached).append(value)
            if key == "id" and value:
                self.ids.append(value)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_is_whole_and_reaches_nowhere(tmp_path: Path) -> None:
    text, found = write(tmp_path, dist=FakeProbe(), critic=NeedsCritic(), other=FakeProbe(n=3))
    assert text.count("plotly.js v") == 1, "plotly is inlined once, whatever the number of figures"
    links = Links()
    links.feed(text)
    assert links.open == []
    assert all(re.match(r"data:image/(png|webp);base64,", value) for value in links.reached)
    assert {a.removeprefix("#") for a in links.anchors} <= set(links.ids)
    assert len(links.ids) == len(set(links.ids))
    assert "ganlens other tiny --data pixelfaces --n 3" in text
    assert "Measures how far two things are apart." in text
    assert re.search(r'href="#probe-dist">Distance</a></td><td>fd 0.5</td>', text), "at a glance"
    assert re.search(r'href="#probe-critic">Critic</a></td><td>left out: needs', text)
    assert [f["probe"] for f in found["findings"]] == ["dist", "critic", "other"]
    assert "this checkpoint has: generator" in found["findings"][1]["left_out"]
    with np.load(tmp_path / "out" / "arrays.npz") as archive:
        assert set(archive) == {"dist/values", "other/values"}
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "arrays.npz",
        "findings.json",
        "report.html",
    ]


def test_pictures_keep_their_pixels_and_recipe(tmp_path: Path) -> None:
    text, _ = write(tmp_path, dist=FakeProbe())
    encoded = re.findall(r'width="160" height="64"[^>]*base64,([^"]+)"', text)
    picture = Image.open(io.BytesIO(base64.b64decode(encoded[0])))
    expected = np.arange(16 * 40 * 3, dtype=np.uint8).reshape(16, 40, 3)
    np.testing.assert_array_equal(np.asarray(picture), expected)
    assert json.loads(picture.text[images.RECIPE_KEY]) == {"seed": 3}  # type: ignore[attr-defined]


def test_a_film_has_a_still_and_a_switch(tmp_path: Path) -> None:
    text, _ = write(tmp_path, dist=FakeProbe())
    tile = np.arange(16 * 40 * 3, dtype=np.uint8).reshape(16, 40, 3)
    encoded = re.findall(r'class="pixels (\w+)"[^>]*base64,([^"]+)"', text)
    assert [role for role, _ in encoded] == ["moving", "still"]
    for role, data in encoded:
        (tmp_path / role).write_bytes(base64.b64decode(data))
    assert np.array_equal(images.read_frames(tmp_path / "moving"), np.stack([tile, 255 - tile]))
    assert np.array_equal(images.read_frames(tmp_path / "still"), tile[None])
    assert "prefers-reduced-motion" in text
    assert '<input type="checkbox">' in text


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    text, _ = write(tmp_path, dist=FakeProbe(name=HOSTILE))
    links = Links()
    links.feed(text)
    assert links.tags.count("script") == 2 + 1, "plotly, the page's own script, one inert figure"
    assert "x" not in links.reached
    assert "<img src=x" not in text


def test_the_page_says_what_was_concluded_about_the_data_and_left_out(tmp_path: Path) -> None:
    said = ("splits from folders: Training as train", f"2 classes from folders: {HOSTILE}")
    data = FakeData(spec="photos", notes=said, skipped=(Skipped("a.png", "too small"),))
    page = report.write_report(tmp_path / "out", FakeSubject(), data, [])  # type: ignore[arg-type]
    header = page.read_text(encoding="utf-8").split("</header>")[0]
    assert f"<li>{said[0]}</li>" in header
    assert "<li>left out 1 of 121 files: a.png (too small)</li>" in header
    assert "2 classes from folders" in header
    assert "<img" not in header
    embedded = replace(data, spec="mnist10k", skipped=())
    report.write_report(tmp_path / "out", FakeSubject(), embedded, [])  # type: ignore[arg-type]
    assert "About the data" not in page.read_text(encoding="utf-8")


def test_page_without_figures_leaves_plotly_out(tmp_path: Path) -> None:
    text, _ = write(tmp_path, critic=NeedsCritic())
    assert len(text) < 200_000


def test_a_full_disk_leaves_the_older_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, _ = write(tmp_path, dist=FakeProbe())

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(GanlensError, match="No space left"):
        write(tmp_path, dist=FakeProbe(n=9))
    assert (tmp_path / "out" / "report.html").read_text() == before
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_out_that_is_a_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(GanlensError, match="cannot write"):
        write(tmp_path, dist=FakeProbe())
    assert (tmp_path / "out").read_text() == "mine"


def test_command_gives_the_settings_back() -> None:
    probe = FakeProbe(n=3, flip=False, name="a b")
    line = report.command("dist", probe, "runs/my run", "pixelfaces")
    assert line == "ganlens dist 'runs/my run' --data pixelfaces --n 3 --no-flip --name 'a b'"
    code = report.python_code(probe, "tiny", "pixelfaces")
    assert "FakeProbe(n=3, flip=False, name='a b').run(subject, data)" in code
    compile(code, "code", "exec")


def test_curve_reads_what_is_there(tmp_path: Path) -> None:
    lines = [
        json.dumps({"step": s, "fd": 9 / (s + 1), "coverage": s / 10, "d_loss": None})
        for s in range(5)
    ]
    (tmp_path / "metrics.jsonl").write_text("\n".join([*lines, '{"step": 6, "fd"']))
    records = report.read_metrics(tmp_path)
    assert len(records) == 5
    panels = report.curve_panels(records, best_step=3)
    assert [p.title for p in panels] == ["Distance from held-out images", "Quality and variety"]
    assert list(panels[0].figure.data[0].y) == [9 / (s + 1) for s in range(5)]
    assert report.read_metrics(tmp_path / "none") == []


@pytest.mark.browser
@NEEDS_CHROMIUM
def test_page_in_a_browser(tmp_path: Path, browser: "Browser") -> None:
    write(tmp_path, dist=FakeProbe(name=HOSTILE))
    page = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme="dark")
    asked: list[str] = []
    troubles: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on(
        "console",
        lambda message: troubles.append(message.text) if message.type == "error" else None,
    )
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto((tmp_path / "out" / "report.html").as_uri())
    page.locator(".plot").first.scroll_into_view_if_needed()
    page.locator(".plot .main-svg").first.wait_for()
    assert page.evaluate("window.hit") is None
    assert page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing sticks out"
    image = page.locator("img.pixels").nth(1)
    box = image.bounding_box()
    assert box is not None
    assert box["width"] % 40 == 0, "whole-number enlargement"
    page.close()
    assert troubles == []
    assert [u for u in asked if not u.startswith(("file:", "data:", "blob:"))] == []


@NEEDS_CHROMIUM
def test_a_page_becomes_a_pdf(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("<!DOCTYPE html><title>x</title><h1>What it learned</h1>", "utf-8")
    made = report.write_pdf(page, report.find_browser())
    assert made == tmp_path / "report.pdf"
    assert made.read_bytes().startswith(b"%PDF-")


def test_without_a_browser_pdf_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GanlensError, match="install Debian's `chromium`"):
        report.find_browser()


def test_a_browser_that_fails_leaves_the_older_pdf(tmp_path: Path) -> None:
    (tmp_path / "report.pdf").write_bytes(b"older")
    with pytest.raises(GanlensError, match="could not print"):
        report.write_pdf(tmp_path / "report.html", Path("/bin/false"))
    assert (tmp_path / "report.pdf").read_bytes() == b"older"
