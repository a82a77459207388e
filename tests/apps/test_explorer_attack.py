"""Several sessions of one explorer at once: each sees its own pictures, whatever others send."""

import http.client
import io
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier
from typing import Any

import numpy as np
import pytest
from browsing import assert_same_pixels
from PIL import Image, PngImagePlugin
from sessions import PATIENCE, Visitor
from test_explorer_canvas import huge_png, png

import ganlens
from ganlens.edits import Silence
from ganlens.latents import Seeds
from ganlens.packing import pack
from ganlens.recipe import Recipe, render

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


def at_once(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """Do all jobs at the same time, each in a thread; the first failure is raised."""
    gate = Barrier(len(jobs), timeout=PATIENCE)

    def begin(job: Callable[[], Any]) -> Any:
        gate.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [found.result() for found in [pool.submit(begin, job) for job in jobs]]


def label_of(checkpoint: Path | str) -> str:
    """Return what the explorer calls a checkpoint."""
    return str(checkpoint) if isinstance(checkpoint, str) else f"{checkpoint.parent.name}/tiny"


def sheet(checkpoint: Path | str, seed: int, edits: Sequence[Any] = ()) -> np.ndarray:
    """Return 64 samples as they should be seen."""
    subject = ganlens.load(checkpoint, "cpu")
    seeds = Seeds(tuple(range(seed, seed + 64)))
    return render(subject, Recipe.of(subject, seeds, columns=8, edits=edits))


def drawing(server: str, checkpoint: Path | str, seeds: Sequence[int]) -> list[np.ndarray]:
    """Visit the samples, type one seed after another, and return every sheet that was shown."""
    with Visitor(server) as visitor:
        visitor.go("sample", checkpoint=label_of(checkpoint), data="none", seed=seeds[0])
        found = []
        for seed in seeds:
            if seed != seeds[0]:
                visitor.set_number("First seed", seed)
            assert visitor.errors() == []
            found.append(visitor.picture(f"seeds {seed} to {seed + 63}"))
        return found


def is_up(server: str) -> bool:
    with urllib.request.urlopen(f"{server}/_stcore/health", timeout=PATIENCE) as answer:
        return answer.status == 200


def test_sessions_that_click_at_once_see_their_own_pictures(
    server: str, tiny_checkpoint: Path
) -> None:
    visits = [
        (tiny_checkpoint, (1000, 1064)),
        (tiny_checkpoint, (1064, 1000)),
        ("pixelfaces", (1000, 1064)),
        (tiny_checkpoint, (1128, 1064)),
    ]
    seen = at_once([lambda v=v: drawing(server, *v) for v in visits])  # type: ignore[misc]
    for (checkpoint, seeds), pictures in zip(visits, seen, strict=True):
        for seed, picture in zip(seeds, pictures, strict=True):
            assert_same_pixels(picture, sheet(checkpoint, seed))


def test_an_edit_inside_the_shared_network_is_seen_by_its_own_session_only(
    server: str, tiny_checkpoint: Path
) -> None:
    subject = ganlens.load(tiny_checkpoint, "cpu")
    edits = (Silence("block1.conv", tuple(range(4))),)
    plain = [Recipe.of(subject, Seeds((seed,)), columns=1) for seed in range(2000, 2003)]
    silenced = [Recipe.of(subject, one.latents, columns=1, edits=edits) for one in plain]

    def canvas(recipes: list[Recipe]) -> list[np.ndarray]:
        with Visitor(server) as visitor:
            found = []
            for one in recipes:
                address = {"checkpoint": label_of(tiny_checkpoint), "data": "none"}
                visitor.go("latent", recipe=pack(one), **address)
                assert visitor.errors() == []
                found.append(visitor.picture("the canvas"))
            return found

    wanted = (plain, silenced, plain[::-1])
    seen = at_once([lambda w=w: canvas(w) for w in wanted])  # type: ignore[misc]
    for recipes, pictures in zip(wanted, seen, strict=True):
        for recipe, picture in zip(recipes, pictures, strict=True):
            assert_same_pixels(picture, render(subject, recipe))
    assert (render(subject, plain[0]) != render(subject, silenced[0])).any()


def bomb() -> bytes:
    """A PNG of some kilobytes whose text chunk holds 50 MB."""
    notes = PngImagePlugin.PngInfo()
    notes.add_itxt("ganlens", " " * 50_000_000, zip=True)
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=notes)
    return buffer.getvalue()


PICKLE = b"cos\nsystem\n(S'touch ran'\ntR."
BAD = {
    "truncated": png(Image.new("RGB", (40, 40), "red"))[:-30],
    "20000 px": huge_png(20_000),
    "pickle": PICKLE,
}


def test_bad_files_of_some_sessions_leave_the_others_alone(
    server: str, tiny_checkpoint: Path
) -> None:
    def dropping(content: bytes, page: str, **address: str) -> list[str]:
        with Visitor(server) as visitor:
            visitor.go(page, checkpoint=label_of(tiny_checkpoint), data="none", **address)
            assert visitor.errors() == []
            visitor.drop("x.png", content)
            return visitor.errors()

    tool = {"tool": "Your own picture"}
    drops = [lambda c=content: dropping(c, "latent", **tool) for content in BAD.values()]
    drops += [lambda c=content: dropping(c, "replay") for content in (bomb(), PICKLE)]
    seeds = (3000, 3064)
    *lines, drawn = at_once([*drops, lambda: drawing(server, tiny_checkpoint, seeds)])
    for name, said in zip((*BAD, "bomb", "pickle to replay"), lines, strict=True):
        assert len(said) == 1, f"{name}: {said}"
        assert "\n" not in said[0], name
    for seed, picture in zip(seeds, drawn, strict=True):
        assert_same_pixels(picture, sheet(tiny_checkpoint, seed))
    assert is_up(server)
    assert_same_pixels(drawing(server, tiny_checkpoint, (3128,))[0], sheet(tiny_checkpoint, 3128))


SECRETS = (b"root:", b"What a visitor may choose", b"def subject_of")
PATHS = (
    "/media/../../../../../../etc/passwd",
    "/media/..%2f..%2f..%2f..%2fetc%2fpasswd",
    "/static/../../../../../../../../etc/passwd",
    "/app/static/../choices.py",
    "/app/static/%2e%2e/choices.py",
    "/component/ganlens.board/../choices.py",
    "/_stcore/bidi-components/ganlens.board/../choices.py",
    "/_stcore/bidi-components/ganlens.board/%2e%2e%2fchoices.py",
    "/..%5c..%5cchoices.py",
    "//etc/passwd",
)


def test_no_address_leads_out_of_the_folders(server: str, tiny_checkpoint: Path) -> None:
    def fetched(path: str) -> bytes:
        host = server.removeprefix("http://")
        with closing(http.client.HTTPConnection(host, timeout=PATIENCE)) as connection:
            connection.request("GET", path)  # as it stands: urllib would tidy it up
            return connection.getresponse().read()

    def asked(page: str, **address: str) -> tuple[list[str], list[str]]:
        with Visitor(server) as visitor:
            visitor.go(page, **address)
            return visitor.errors(), [one.alt for one in visitor.pictures()]

    out = "../../../../../../etc/passwd"
    tiny = label_of(tiny_checkpoint)
    jobs: list[Callable[[], Any]] = [lambda p=path: fetched(p) for path in PATHS]  # type: ignore[misc]
    jobs += [
        lambda: asked("sample", checkpoint=out, data=out, seed=out),
        lambda: asked("training", checkpoint=tiny, run=out),
        lambda: asked("compare", checkpoint=tiny, other=out, data="none"),
        lambda: drawing(server, tiny_checkpoint, (4000,)),
    ]
    *bodies, samples, training, compared, drawn = at_once(jobs)
    for path, body in zip(PATHS, bodies, strict=True):
        assert not any(secret in body for secret in SECRETS), path
    for errors, _ in (samples, training, compared):
        assert errors == []
    assert any("seeds 0 to 63" in alt for alt in samples[1]), "the first checkpoint, the first seed"
    assert_same_pixels(drawn[0], sheet(tiny_checkpoint, 4000))
    assert is_up(server)


def test_a_network_is_copied_while_another_thread_edits_it(
    tiny_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copies walk the table of hooks, which a drawing with an edit changes meanwhile."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "apps")
    from store import own_copy, picture

    subject = ganlens.load(tiny_checkpoint, "cpu")
    edits = (Silence("block1.conv", (0, 1)),)

    def edited(first: int) -> None:
        for seed in range(first, first + 40):
            recipe = Recipe.of(subject, Seeds((seed,)), edits=edits)
            picture(subject, recipe)

    def copied() -> int:
        return sum(
            len(part._forward_hooks)
            for _ in range(40)
            for part in own_copy(subject).generator.modules()
        )

    *_, one, other = at_once([lambda: edited(0), lambda: edited(100), copied, copied])
    assert one == other == 0, "a copy that carries another session's hook"
