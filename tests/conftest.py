"""What every test shares: few threads, a cache of its own, a tiny checkpoint."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

# Before torch is imported: tests run small things, where threads cost more than they bring; where a
# core is busy, two threads that wait for each other were seen to be 80 times slower than one.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import hypothesis  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[1]
# A pretended GPU changes how torch runs backward passes in its process, for good: these files run
# in processes of their own, which ``test_on_a_pretended_gpu`` starts.
PRETENDED = "GANLENS_PRETENDED_GPU"
collect_ignore_glob = [] if PRETENDED in os.environ else ["test_pretended_gpu_*.py"]
if not torch.cuda.is_available():
    collect_ignore_glob.append("test_gpu.py")  # it takes its inputs from these files

# A first example pays for imports, and on a busy machine that alone exceeds any deadline.
hypothesis.settings.register_profile("no timing", deadline=None)
hypothesis.settings.load_profile("no timing")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave tests of a GPU out where there is none."""
    if item.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep decoded data out of the user's cache, and shared within one test run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANLENS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained 16-pixel DCGAN as a checkpoint folder called "tiny"."""
    from fake_subject import save_tiny

    return save_tiny(tmp_path_factory.mktemp("checkpoints") / "tiny")


@pytest.fixture(scope="session")
def tiny_conditional(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained conditional one, of the attributes of ``attribute_images``."""
    from fake_subject import save_conditional

    return save_conditional(tmp_path_factory.mktemp("conditional") / "tiny-conditional")


@pytest.fixture(scope="session")
def tiny_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An npz of 120 random 16-pixel colour images with 3 labels."""
    import numpy as np

    rng = np.random.default_rng(0)
    labels = np.arange(120) % 3
    images = rng.integers(0, 160, (120, 16, 16, 3)) + 40 * labels[:, None, None, None]
    path = tmp_path_factory.mktemp("data") / "tiny.npz"
    np.savez(path, images=images.astype(np.uint8), labels=labels)
    return path


@pytest.fixture(scope="session")
def attribute_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """400 16-pixel images of two categories and a number that can be seen, as a folder."""
    import numpy as np
    from PIL import Image

    folder, rng = tmp_path_factory.mktemp("attributes"), np.random.default_rng(0)
    rows = ["filename,split,hue,shade,noise"]
    for i in range(400):
        blue, light, noise = i % 2, i // 2 % 2, int(rng.integers(20, 90))
        pixels = rng.integers(0, noise, (16, 16, 3)) + 60 * light
        pixels[..., 2 * blue] += 100
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{i}.png")
        known = ("train" if i < 300 else "test", ("red", "blue")[blue], ("dark", "light")[light])
        rows.append(f"{i}.png,{','.join(known)},{noise}")
    (folder / "attributes.csv").write_text("\n".join(rows))
    return folder


@pytest.fixture(scope="session")
def server(tiny_checkpoint: Path, tiny_images: Path) -> Iterator[str]:
    """The address of an explorer that offers the tiny checkpoint and its images."""
    from browsing import explorer

    words = ["--root", str(tiny_checkpoint.parent), "--data", str(tiny_images)]
    with explorer(words) as address:
        yield address


@pytest.fixture(scope="session")
def headless() -> "Iterator[Browser]":
    """A headless Chromium."""
    from browsing import chromium

    with chromium() as running:
        yield running


@pytest.fixture
def browser(headless: "Browser") -> "Iterator[Browser]":
    """The Chromium, whose pages are closed after the test: each keeps a session of the server."""
    yield headless
    for context in headless.contexts:
        context.close()
