"""The doors: everything of ganlens that takes a file, with valid samples to change."""

import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fake_subject import TINY, fake_subject, save_tiny
from other_projects import examples_generator
from PIL import Image
from safetensors.torch import save as safetensors_bytes

from ganlens import images, packing, replay
from ganlens.cache import cached
from ganlens.checkpoints import (
    MODEL_FILE,
    Header,
    list_checkpoints,
    save_checkpoint,
)
from ganlens.classifier import load_classifier
from ganlens.data import open_data
from ganlens.data.packed import PackedTree
from ganlens.data.sources import FileSource
from ganlens.directions import Direction, directions_bytes, load_directions
from ganlens.errors import GanlensError
from ganlens.features import PixelExtractor
from ganlens.features.store import FeatureStore
from ganlens.features.weights import read_weights
from ganlens.foreign import open_foreign
from ganlens.latents import Rows, Seeds
from ganlens.models.classifier import FAMILY, Classifier, ClassifierConfig, classifier_arguments
from ganlens.probes.forgetting.boxes import read_marks
from ganlens.probes.inversion.pictures import read_pictures
from ganlens.recipe import Recipe, render
from ganlens.report.curve import curve_panels, family_of
from ganlens.report.curve import read_metrics as read_curve
from ganlens.runs import Run, RunConfig, read_metrics
from ganlens.stats import read_moments
from ganlens.subject import load
from ganlens.training import Trainer, configure, quiet_fabric

SIDE = 16  # px
OLD = Path(__file__).resolve().parents[1] / "written_by_0_1"


@dataclass(frozen=True)
class Sample:
    """A valid input.

    Attributes:
        files: by name.
        main: the file that is given to the door; "": the folder.
    """

    files: dict[str, bytes]
    main: str


@dataclass(frozen=True)
class Door:
    """Something that takes a file.

    Attributes:
        name: what it is called.
        open: takes the path, and uses what it opens.
        samples: valid inputs.
    """

    name: str
    open: Callable[[Path], Any]
    samples: tuple[Sample, ...]


def pixels(count: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, *shape), dtype=np.uint8)


def image_bytes(array: np.ndarray, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind, **options)
    return buffer.getvalue()


def npz_bytes(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def npy_bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def zip_bytes(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tar_bytes(files: dict[str, bytes], mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def torch_bytes(content: Any, zipped: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=zipped)  # noqa: TID251
    return buffer.getvalue()


def folder_files(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder by its name."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


# --- data


def use_data(path: Path) -> None:
    data = open_data(str(path), cache=path.parents[0] / "cache")
    np.asarray(data.images[:]).sum()
    _ = data.labels, data.attributes, data.fingerprint, data.skipped, data.names[:]
    data.part("train")


def _pictures() -> dict[str, bytes]:
    grey, colour = pixels(6, 20, 20), pixels(7, 20, 24, 3)
    alpha, deep = pixels(2, 20, 20, 4), pixels(1, 20, 20)[0].astype(np.uint16) * 257
    frames = [Image.fromarray(one) for one in colour]
    moving = io.BytesIO()
    frames[0].save(moving, "gif", save_all=True, append_images=frames[1:3])
    rotated = Image.Exif()
    rotated[0x0112] = 6
    return {
        "a.png": image_bytes(grey[0], "png"),
        "b.png": image_bytes(colour[0], "png"),
        "c.png": image_bytes(alpha[0], "png"),
        "d.png": image_bytes(deep, "png"),
        "e.jpg": image_bytes(colour[1], "jpeg", exif=rotated),
        "f.webp": image_bytes(colour[2], "webp"),
        "g.gif": moving.getvalue(),
        "h.bmp": image_bytes(colour[3], "bmp"),
        "i.tif": image_bytes(colour[4], "tiff", compression="tiff_lzw"),
        "j.ppm": image_bytes(colour[5], "ppm"),
        "k.pgm": image_bytes(grey[1], "ppm"),
    }


def _classes() -> dict[str, bytes]:
    shown = [image_bytes(one, "png") for one in pixels(6, 18, 18, 3)]
    return {f"{'cat' if i < 3 else 'dog'}/{i}.png": one for i, one in enumerate(shown)}


def _tables() -> list[dict[str, bytes]]:
    shown = {f"{i}.png": image_bytes(one, "png") for i, one in enumerate(pixels(6, 18, 18, 3))}
    names = list(shown)
    rows = [
        f"{n},{'train' if i < 4 else 'test'},{'ab'[i % 2]},{i / 2}" for i, n in enumerate(names)
    ]
    table = "\n".join(["filename,split,kind,size", *rows, ""]).encode()
    plain = "\n".join(["file_name,label", *(f"{n},{i % 3}" for i, n in enumerate(names))]).encode()
    lines = "\n".join(
        json.dumps({"file_name": n, "label": i % 2, "size": i}) for i, n in enumerate(names)
    )
    labels = json.dumps({"labels": [[n, i % 2] for i, n in enumerate(names)]}).encode()
    return [
        {**shown, "attributes.csv": table},
        {**shown, "metadata.csv": plain},
        {**shown, "metadata.jsonl": lines.encode()},
        {**shown, "dataset.json": labels},
    ]


def _data_doors() -> list[Door]:
    pictures, classes, tables = _pictures(), _classes(), _tables()
    arrays = {"images": pixels(8, SIDE, SIDE, 3), "labels": np.arange(8) % 2}
    more = {**arrays, "split": np.array(["train"] * 6 + ["test"] * 2), "size": np.arange(8) / 3}
    floats = (arrays["images"] / 255).astype(np.float32)
    packed = zip_bytes(
        {
            "images.npy": npy_bytes(pixels(6, SIDE, SIDE, 3)),
            "names.txt": b"\n".join(b"%d.png" % i for i in range(6)),
            "attributes.csv": b"filename,kind\n"
            + b"".join(b"%d.png,%d\n" % (i, i % 2) for i in range(6)),
        },
        zipfile.ZIP_LZMA,
    )
    return [
        Door("data folder", use_data, (Sample(pictures, ""), Sample(classes, ""))),
        Door("table", use_data, tuple(Sample(one, "") for one in tables)),
        Door(
            "zip",
            use_data,
            tuple(
                Sample({"d.zip": zip_bytes(one, method)}, "d.zip")
                for one in (pictures, classes, *tables)
                for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
            ),
        ),
        Door(
            "tar",
            use_data,
            tuple(
                Sample({"d.tar": tar_bytes(one, mode)}, "d.tar")
                for one in (pictures, classes, *tables)
                for mode in ("w", "w:gz", "w:xz")
            ),
        ),
        Door(
            "npz",
            use_data,
            (
                Sample({"d.npz": npz_bytes(**arrays)}, "d.npz"),
                Sample({"d.npz": npz_bytes(**more)}, "d.npz"),
                Sample({"d.npz": npz_bytes(images=floats)}, "d.npz"),
                Sample({"d.npz": npz_bytes(arr_0=arrays["images"])}, "d.npz"),
                Sample({"d.npy": npy_bytes(arrays["images"])}, "d.npy"),
            ),
        ),
        Door("packed data", use_packed, (Sample({"p.zip": packed}, "p.zip"),)),
        Door(
            "image file",
            lambda path: read_pictures([path], (3, SIDE, SIDE)),
            tuple(Sample({name: content}, name) for name, content in pictures.items()),
        ),
    ]


def use_packed(path: Path) -> None:
    source = FileSource("packed", PackedTree(path))
    for index in range(len(source.listing().names)):
        source.read(index)
    source.annotations()


# --- networks


def use_checkpoint(path: Path) -> None:
    subject = load(path, "cpu")
    subject.sample(range(2))
    list_checkpoints(path if path.is_dir() else path.parent)


def use_foreign(path: Path) -> None:
    open_foreign([path])


def use_classifier(path: Path) -> None:
    model, header, _ = load_classifier(path)
    size = int(header.arguments["size"])
    with torch.no_grad():
        model(torch.zeros(1, int(header.arguments["channels"]), size, size))


def _network_doors(tiny: dict[str, bytes], work: Path) -> list[Door]:
    state = examples_generator(8, 8, 3, 16)
    other = {k: v.contiguous() for k, v in state.items()}
    foreign = {
        "g.pth": torch_bytes(state),
        "old.pth": torch_bytes(state, zipped=False),
        "g.safetensors": safetensors_bytes(other),
        "both.pt": torch_bytes({"netG": state, "step": 3, "optimizer": {"state": {}}}),
    }
    theano = {
        f"gen_params.jl_{i:02d}.npy": npy_bytes(np.ones((4, 4), np.float32)) for i in range(3)
    }
    module = work / "module"
    save_checkpoint(
        module,
        Header("module", {"module": "os:getcwd", "generator": {}}, {}),
        {"generator": torch.nn.Linear(2, 2)},
        {},
    )
    config = ClassifierConfig(SIDE, 3, {"kind": ("a", "b")}, width=4, features=8)
    judge = work / "judge"
    header = Header(FAMILY, classifier_arguments(config), {})
    save_checkpoint(judge, header, {FAMILY: Classifier(config)}, {})
    return [
        Door("checkpoint", use_checkpoint, (Sample(tiny, ""), Sample(tiny, MODEL_FILE))),
        Door(
            "foreign weights",
            use_foreign,
            (
                *(Sample({name: content}, name) for name, content in foreign.items()),
                Sample({"g.bin": foreign["g.pth"]}, ""),
                Sample({"theano/" + k: v for k, v in theano.items()}, "theano"),
            ),
        ),
        Door(
            "module file",
            use_module,
            (
                Sample(folder_files(module), ""),
                Sample({"m.py": b"open('x', 'w')\n"}, "m.py"),
            ),
        ),
        Door("classifier", use_classifier, (Sample(folder_files(judge), ""),)),
        Door(
            "extractor weights",
            use_weights,
            tuple(Sample({name: content}, name) for name, content in foreign.items()),
        ),
    ]


def use_weights(path: Path) -> None:
    if not path.is_file():  # as whoever takes one says first
        raise GanlensError("no file")
    read_weights(path, "another")


def use_module(path: Path) -> None:
    with suppress(GanlensError):
        load(path, "cpu")
    open_foreign([path])


# --- pictures and recipes


def use_recipe(subject: Any, path: Path) -> None:
    try:
        values = json.loads(_content(path))
    except (ValueError, RecursionError) as error:
        raise GanlensError(f"no JSON: {error!r:.50}") from error
    draw(subject, values)


def _content(path: Path) -> bytes:
    """Return a file that ganlens has no reader for: what is in it comes another way."""
    try:
        return path.read_bytes() if path.is_file() else b""
    except OSError as error:
        raise GanlensError(f"no file: {error}") from error


def draw(subject: Any, values: Any) -> None:
    recipe = replay.read(values)
    if isinstance(recipe, Recipe):
        render(subject, recipe)
    else:
        recipe.build()


def use_picture(subject: Any, path: Path) -> None:
    images.read_frames(path)
    draw(subject, images.read_recipe(path))


def use_packed_recipe(subject: Any, path: Path) -> None:
    render(subject, packing.unpack(_content(path).decode("utf-8", "surrogateescape")))


def _recipe_doors(subject: Any, old: Path) -> list[Door]:
    rows = torch.zeros(2, subject.prior.dim)
    recipes = [Recipe.of(subject, Seeds((0, 1, 2))), Recipe.of(subject, Rows.of(rows))]
    written = [one.to_json() for one in recipes]
    shown = sorted(old.glob("pictures/*.png")) + sorted(old.glob("panels/*/*.png"))
    written += [images.read_recipe(picture) for picture in shown]
    pictures = {
        "a.png": images.png_bytes(pixels(1, 20, 20, 3)[0], written[0]),
        "b.webp": images.animation_bytes(pixels(3, 8, 8, 3), "webp", recipe=written[1]),
        "c.gif": images.animation_bytes(pixels(3, 8, 8, 3), "gif", recipe=written[0]),
    }
    return [
        Door(
            "recipe",
            partial(use_recipe, subject),
            tuple(Sample({"r.json": json.dumps(one).encode()}, "r.json") for one in written),
        ),
        Door(
            "picture with a recipe",
            partial(use_picture, subject),
            tuple(Sample({name: content}, name) for name, content in pictures.items()),
        ),
        Door(
            "packed recipe",
            partial(use_packed_recipe, subject),
            tuple(Sample({"r.txt": packing.pack(one).encode()}, "r.txt") for one in recipes),
        ),
    ]


# --- small files


def _small_doors(subject: Any) -> list[Door]:
    unit = np.eye(TINY.latent_dim, dtype=np.float32)
    known = {"hash": "f" * 64}
    found = [Direction(f"d{i}", "sefa", unit[i], strength=0.5, provenance=known) for i in range(3)]
    rng = np.random.default_rng(0)
    features = rng.normal(size=(40, 4))
    boxes = {
        "size": [SIDE, SIDE],
        "seeds": list(range(20)),
        "boxes": [{"seed": i, "box": [2, 2, 9, 9]} for i in range(12)],
    }
    masks = np.zeros((20, SIDE, SIDE), bool)
    masks[:12, 2:9, 2:9] = True
    moments = {"mu": features.mean(0), "sigma": np.cov(features.T), "n": np.int64(40)}
    return [
        Door(
            "latents",
            lambda path: Rows.read(path).latents(subject.prior),
            (
                Sample({"z.npy": npy_bytes(rng.normal(size=(5, 8)).astype(np.float32))}, "z.npy"),
                Sample({"z.npy": npy_bytes(np.zeros((2, 8)))}, "z.npy"),
            ),
        ),
        Door(
            "boxes",
            lambda path: read_marks(str(path), (SIDE, SIDE)).cells(4, 4),
            (
                Sample({"b.json": json.dumps(boxes).encode()}, "b.json"),
                Sample({"b.npz": npz_bytes(seeds=np.arange(20), masks=masks)}, "b.npz"),
            ),
        ),
        Door(
            "directions",
            load_directions,
            (Sample({"d.safetensors": directions_bytes(found)}, "d.safetensors"),),
        ),
        Door(
            "moments",
            read_moments,
            (
                Sample({"m.npz": npz_bytes(**moments)}, "m.npz"),
                Sample({"m.npz": npz_bytes(feats=features)}, "m.npz"),
                Sample({"m.npy": npy_bytes(features)}, "m.npy"),
            ),
        ),
    ]


# --- folders of ganlens's own


def make_run(folder: Path, data: Any) -> Run:
    config = configure("dcgan", batch_size=16, epochs=1)
    fabric = quiet_fabric(accelerator="cpu", devices=1, precision="32-true")
    train, test = data.part("train"), data.part("test")
    trainer = Trainer("dcgan", asdict(TINY), config, train.images, fabric)
    keeping = RunConfig(evaluate_every=1, evaluate_n=8, log_every=1, save_every=1)
    return Run(folder, trainer, train, test, PixelExtractor(), keeping, "ganlens train")


def use_run(data: Any, path: Path) -> None:
    panels = curve_panels(read_curve(path), family=family_of(path))
    [panel.figure.to_json() for panel in panels]
    read_metrics(path)
    with suppress(GanlensError):
        load(path, "cpu")
    make_run(path, data)


def use_cache(key: str, path: Path) -> None:
    for entry in cached(path / "cache"):
        _ = entry.what, entry.bytes
    FeatureStore(path / "cache").load(key)
    open_data(str(path / "data.npz"), cache=path / "cache")


def _folder_doors(work: Path) -> list[Door]:
    data_file = work / "data.npz"
    np.savez(data_file, images=pixels(48, SIDE, SIDE, 3))
    data = open_data(str(data_file), cache=work / "cache")
    run = work / "run"
    list(make_run(run, data).events())
    store, about = FeatureStore(work / "cache"), {"extractor": {"name": "pixels"}, "of": "x"}
    about |= {"precision": "float32", "count": 4}
    with store.making("k" * 40, about, 4) as entry:
        assert entry is not None
        entry.append(np.ones((4, 3), np.float32))
        entry.complete()
    entries = {f"cache/{k}": v for k, v in folder_files(work / "cache").items() if k[:5] != "locks"}
    entries["data.npz"] = data_file.read_bytes()
    return [
        Door("run folder", partial(use_run, data), (Sample(folder_files(run), ""),)),
        Door("cache", partial(use_cache, "k" * 40), (Sample(entries, ""),)),
    ]


def all_doors(work: Path) -> dict[str, Door]:
    """Return every door by name, each tried with its samples: a valid one must open."""
    subject = fake_subject()
    tiny = folder_files(save_tiny(work / "tiny"))
    found = [
        *_data_doors(),
        *_network_doors(tiny, work),
        *_recipe_doors(load(OLD / "checkpoint", "cpu"), OLD),
        *_small_doors(subject),
        *_folder_doors(work),
    ]
    return {door.name: door for door in found}
