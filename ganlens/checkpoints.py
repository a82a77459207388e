"""Checkpoints: a folder with ``model.safetensors``, ``metrics.jsonl`` and ``card.md``.

The safetensors file holds networks by name, the moving average of one as "ema.NAME", and in its
JSON header everything needed to build them. No code is stored and none is run on loading.
"""

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from ganlens.errors import GanlensError
from ganlens.files import check_regular, write_bytes
from ganlens.initialisation import seeded
from ganlens.models import MODELS, register_trusted
from ganlens.models.classifier import FAMILY as CLASSIFIER
from ganlens.models.weights import assign_checked, refuse_nonfinite
from ganlens.places import shipped_folder
from ganlens.plain import loads

FORMAT = 2  # 1 had one moving average, the generator's, as "ema"
MODEL_FILE, METRICS_FILE = "model.safetensors", "metrics.jsonl"
# What arguments that fit no network raise, on their way through constructors.
_UNBUILDABLE = (
    TypeError, ValueError, RuntimeError, ArithmeticError, LookupError, AttributeError, GanlensError,
)  # fmt: skip
LIBRARIES = ("ganlens", "torch", "torchvision", "numpy", "safetensors", "lightning-fabric")


@dataclass(frozen=True)
class Header:
    """What a model file says of itself, as plain JSON values.

    Attributes:
        family: key of ``ganlens.models.MODELS``.
        arguments: plain values from which the family builds the networks.
        prior: ``{"kind", "dim"}`` of the latents, and "parts" of a prior that has several; empty
            without a generator.
        data: spec, fingerprint, number of images, class and attribute names of the training data.
        training: settings of the run; its seed is among them.
        step: updates done.
        metrics: findings on held-out data at that step.
        calibration: number of latents and images behind the batch-norm statistics.
        made: command, duration and machine.
        output_range: values of the generator's images.
        image_shape: (C, H, W) of its images, where the family's arguments do not say it plainly.
        condition: of the networks, as ``models.conditions`` writes it; empty without.
        others: spec, fingerprint and number of images of a second domain; empty without.
        versions: libraries at the time of writing.
        format: version of this layout.
    """

    family: str
    arguments: dict[str, Any]
    prior: dict[str, Any]
    data: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    step: int = 0
    metrics: dict[str, Any] = field(default_factory=dict)
    calibration: dict[str, int] = field(default_factory=dict)
    made: dict[str, Any] = field(default_factory=dict)
    output_range: tuple[float, float] = (-1.0, 1.0)
    image_shape: tuple[int, ...] = ()
    condition: dict[str, Any] = field(default_factory=dict)
    others: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=lambda: versions())
    format: int = FORMAT


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint: networks in eval mode on the CPU, and where they came from.

    Attributes:
        path: the folder.
        header: what the file says of itself.
        hash: SHA-256 of the model file, hexadecimal.
        networks: by name, as far as the file has them; moving averages as "ema.NAME".
    """

    path: Path
    header: Header
    hash: str
    networks: dict[str, nn.Module]

    @property
    def name(self) -> str:
        """What it is called: its folder, or that of the run whose best or last one it is."""
        run = self.path.name in ("best", "last")
        return (self.path.parent if run else self.path).resolve().name


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that numbers depend on."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # run from a source tree that is not installed
            found[name] = "not installed"
    return found


def save_checkpoint(
    folder: Path, header: Header, networks: Mapping[str, nn.Module], extras: Mapping[str, bytes]
) -> Path:
    """Write a checkpoint; an older one in the same folder survives any failure.

    Args:
        folder: created where missing.
        header: see Header.
        networks: by name; moving averages as "ema.NAME".
        extras: further files by name, such as ``card.md``.

    Raises:
        GanlensError: a weight is not finite, or the disk is full.
    """
    tensors = {
        # A copy of its own: safetensors refuses tensors that two networks share.
        f"{name}.{key}": value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, network in networks.items()
        for key, value in network.state_dict().items()
    }
    refuse_nonfinite(tensors, "they would be saved")
    content = save(tensors, metadata={"ganlens": json.dumps(asdict(header), allow_nan=False)})
    write_bytes(folder / MODEL_FILE, content)
    for name, extra in extras.items():
        write_bytes(folder / name, extra)
    return folder


def load_checkpoint(path_or_name: str | Path) -> Checkpoint:
    """Open a checkpoint folder, a run's folder (its best one), or a shipped checkpoint by name.

    Raises:
        GanlensError: nothing there, a damaged or foreign file, a newer format, or weights that do
            not fit the networks that the header describes.
    """
    folder = find_checkpoint(path_or_name)
    file = folder / MODEL_FILE
    header, tensors = read_model_file(file)
    if header.family == CLASSIFIER:
        raise GanlensError(
            f"{folder} holds a classifier, in whose features images are compared, and no GAN: give"
            " it as --extractor to ganlens fid, or to ganlens train"
        )
    if header.family not in MODELS:
        register_trusted()  # --module may name the family, or a file that adds it to MODELS
    if header.family not in MODELS:
        raise GanlensError(
            f"{file} holds a {header.family!r} model; this ganlens knows {', '.join(MODELS)};"
            " another family is named with --module package.module:callable --trust"
        )
    networks = {
        name: filled_network(header.family, header.arguments, name, weights, file)
        for name, weights in _by_network(header, tensors).items()
    }
    return Checkpoint(folder, header, model_hash(folder), networks)


def model_hash(folder: Path) -> str:
    """Return the sha-256 of a checkpoint's model file, in hexadecimal digits."""
    with open(folder / MODEL_FILE, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def find_checkpoint(path_or_name: str | Path) -> Path:
    """Return the folder of the model file; see ``load_checkpoint`` for what may be given.

    Raises:
        GanlensError: there is none; the message names what is near.
    """
    path = Path(path_or_name)
    check_regular(path)
    shipped = shipped_folder("checkpoints")
    places: tuple[Path, ...] = (path, path / "best", path / "last", shipped / path.name)
    if path.name == MODEL_FILE:
        places = (path.parent,)
    elif str(path) != path.name:  # only a bare name can mean a shipped checkpoint
        places = places[:3]
    for place in places:
        if (place / MODEL_FILE).is_file():
            return place
    known = [p.name for p in list_folders(shipped)]
    near = get_close_matches(path.name, known, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"shipped are {', '.join(known) or 'none'};"
    what = "holds no model.safetensors" if path.exists() else "does not exist"
    raise GanlensError(
        f"checkpoint {str(path)!r} {what}: {hint} 'ganlens list' shows what there is"
    )


def list_folders(root: Path) -> list[Path]:
    """Return the checkpoint folders at or below a folder, runs included, by name."""
    return sorted(p.parent for p in root.rglob(MODEL_FILE) if p.is_file()) if root.is_dir() else []


def list_checkpoints(
    root: str | Path | None = None, family: str | None = None
) -> list[tuple[Path, Header]]:
    """List (folder, header) of the readable checkpoints below a folder, or of the shipped ones.

    Args:
        root: where to look, and below; by default among what travels with ganlens.
        family: only this one; by default every family of GANs, and no classifier.
    """
    wanted = MODELS if family is None else (family,)
    folder = Path(root) if root else shipped_folder("checkpoints")
    return [(at, header) for at, header in _headers(folder) if header.family in wanted]


def unknown_families(root: str | Path) -> list[tuple[Path, str]]:
    """List (folder, family) of the checkpoints below a folder whose networks nobody here knows."""
    known = (*MODELS, CLASSIFIER)
    return [
        (at, header.family) for at, header in _headers(Path(root)) if header.family not in known
    ]


def _headers(root: Path) -> Iterator[tuple[Path, Header]]:
    for folder in list_folders(root):
        try:
            yield folder, read_model_file(folder / MODEL_FILE, tensors=False)[0]
        except GanlensError:
            continue  # a damaged neighbour must not hide the others; opening it says what is wrong


def read_model_file(file: Path, *, tensors: bool = True) -> tuple[Header, dict[str, Tensor]]:
    """Read a model file's header and, unless asked not to, its tensors.

    Raises:
        GanlensError: a pickle, a damaged or foreign file, or a newer format.
    """
    _refuse_pickle(file)
    try:
        with safe_open(file, framework="pt") as opened:
            text = (opened.metadata() or {}).get("ganlens")
            values = {k: opened.get_tensor(k) for k in opened.keys()} if tensors else {}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise GanlensError(
            f"{file} is damaged or cut short ({error}): copy it again or take another checkpoint"
        ) from error
    if text is None:
        raise GanlensError(f"{file} was not written by ganlens: its header has no 'ganlens' entry")
    return _parse_header(file, text), values


def _refuse_pickle(file: Path) -> None:
    with open(file, "rb") as opened:
        start = opened.read(9)
    # A safetensors file begins with its header's length, any 8 bytes, and then a brace.
    if start[8:] != b"{" and (start[:2] == b"PK" or start[:1] == b"\x80"):
        raise GanlensError(
            f"{file} is a pickle, which can run code when opened, and was not opened: a ganlens"
            " checkpoint is a safetensors file"
        )


def _parse_header(file: Path, text: str) -> Header:
    try:
        values = loads(text)
        newest, known = values["format"], {f.name for f in fields(Header)}
        header = Header(**{k: v for k, v in values.items() if k in known})
        _check_kinds(header)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise GanlensError(f"{file} has a damaged header ({error}): copy it again") from error
    if newest > FORMAT:
        raise GanlensError(
            f"{file} has format version {newest}; this ganlens reads up to {FORMAT}:"
            " upgrade ganlens"
        )
    return header


def _check_kinds(header: Header) -> None:
    kinds = {"family": str, "step": int, "format": int, "output_range": list | tuple}
    kinds["image_shape"] = list | tuple
    for field_ in fields(Header):
        kind = kinds.get(field_.name, dict)
        if not isinstance(getattr(header, field_.name), kind):
            raise TypeError(f"{field_.name} is {getattr(header, field_.name)!r:.40}")


def _by_network(header: Header, tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Return name -> key -> tensor of every network that the family knows and the file holds."""
    found = {}
    for name in MODELS[header.family].roles:
        averaged = "ema" if header.format == 1 and name == "generator" else f"ema.{name}"
        for shown, prefix in ((name, name), (f"ema.{name}", averaged)):
            if weights := _below(tensors, prefix):
                found[shown] = weights
    return found


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k[len(prefix) + 1 :]: v for k, v in tensors.items() if k.startswith(f"{prefix}.")}


def filled_network(
    family: str, arguments: Mapping[str, Any], name: str, weights: dict[str, Tensor],
    shown: object, described_by: str = "its header",
) -> nn.Module:  # fmt: skip
    """Build a network and fill it: frozen, in eval mode.

    Args:
        family: key of ``ganlens.models.MODELS``.
        arguments: plain values of the family's networks.
        name: which network, or "ema.NAME": its moving average has the same layers.
        weights: a tensor for each name of the network's state.
        shown: the file that errors name.
        described_by: what in that file says the family and the arguments, for errors.

    Raises:
        GanlensError: the arguments describe no network, or the weights are not its own.
    """
    try:
        network = empty_network(family, arguments, name)
    except _UNBUILDABLE as error:
        raise GanlensError(f"{shown} describes networks that cannot be built: {error}") from error
    assign_checked(network, weights, shown, name, described_by)
    return network.requires_grad_(False).eval()


def empty_network(family: str, arguments: Mapping[str, Any], name: str) -> nn.Module:
    """Build a network to be filled: on the meta device where its family can, in no memory."""
    maker, own = MODELS[family], name.removeprefix("ema.")
    place = torch.device("meta" if getattr(maker, "builds_on_meta", True) else "cpu")
    with seeded(), place:
        return maker.build(arguments, [own])[own]
