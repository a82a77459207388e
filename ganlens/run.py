"""A training run in its folder: states to resume from, metrics, sample grids, best and last checkpoint.

::

    runs/NAME/run.json            what was asked for; a second run with other settings is refused
    runs/NAME/state.safetensors   everything needed to continue
    runs/NAME/metrics.jsonl       averages over steps, and an evaluation every few epochs
    runs/NAME/samples/*.png       the same latents as training goes on
    runs/NAME/best, last          checkpoints
"""

import copy
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from ganlens.calibration import calibrate
from ganlens.card import card, curve_svg, machine
from ganlens.checkpoints import Header, save_checkpoint
from ganlens.data import ImageSet
from ganlens.errors import GanlensError
from ganlens.features import Extractor, extract
from ganlens.files import write_bytes
from ganlens.images import from_uint8, grid, png_bytes, to_uint8
from ganlens.stats import quality
from ganlens.training import Trainer, TrainStep
from ganlens.trouble import NotFinite, Watch, spread

STATE_FILE, METRICS_FILE, ASKED_FILE = "state.safetensors", "metrics.jsonl", "run.json"
JUDGE_FOLDER = "judge"  # the classifier that judges samples, made before anything else
CALIBRATION_LATENTS, CALIBRATION_IMAGES, CALIBRATION_BATCH = 10_000, 10_000, 250
FREE_TO_CHANGE = {"epochs"}  # of the training settings, when a run is resumed


@dataclass(frozen=True)
class RunConfig:
    """How a run is watched and kept; none of it changes the weights.

    Attributes:
        evaluate_every: epochs between two evaluations on held-out images.
        evaluate_n: generated and held-out images in an evaluation, at most.
        log_every: steps that a line of metrics.jsonl averages over.
        save_every: steps between two states to resume from; each evaluation saves one too.
    """

    evaluate_every: int = 2
    evaluate_n: int = 2000
    log_every: int = 20
    save_every: int = 500

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if value < 1:
                raise GanlensError(f"{name.replace('_', '-')} {value} is too small: give at least 1")


@dataclass(frozen=True)
class Event:
    """What a run reports as it goes: one of a step, an evaluation, a warning, a note.

    Attributes:
        step: after every update.
        evaluation: a row of metrics.jsonl with the findings on held-out images.
        warning: one line that names a likely trouble.
        note: one line on what was done, such as a resume.
    """

    step: TrainStep | None = None
    evaluation: dict[str, Any] | None = None
    warning: str | None = None
    note: str | None = None


class Run:
    """A run in a folder. ``events`` drives it; every rank must.

    Args:
        folder: new, or that of the same run.
        trainer: fresh; it is moved to the saved state where there is one.
        train_data: the training images.
        held_out: images that the networks never see.
        extractor: features in which samples are judged.
        config: how to watch and keep.
        command: the command line, for the card.

    Raises:
        GanlensError: the folder holds something else, or a run with other settings.
    """

    def __init__(
        self,
        folder: Path,
        trainer: Trainer,
        train_data: ImageSet,
        held_out: ImageSet,
        extractor: Extractor,
        config: RunConfig,
        command: str = "",
    ) -> None:
        self.folder, self.trainer, self.config = folder, trainer, config
        self.train_data, self.held_out = train_data, held_out
        self.extractor, self.command = extractor, command
        self.rows: list[dict[str, Any]] = []
        self.best: float | None = None
        self.seconds = 0.0
        self.began = time.monotonic()
        self.main = trainer.fabric.is_global_zero
        self.asked = asked(trainer, train_data, held_out, extractor)
        self.resumed = self._claim()
        self._real_features: np.ndarray | None = None
        self.watch = Watch(spread(train_data.images[:64]))

    def _claim(self) -> bool:
        """Take the folder over: return whether a state was found, refuse what belongs to another run."""
        check_folder(self.folder, self.asked)
        if (self.folder / STATE_FILE).is_file():
            self._restore()
            return True
        if self.main:
            self.folder.mkdir(parents=True, exist_ok=True)
            text = json.dumps(self.asked, indent=2)
            write_bytes(self.folder / ASKED_FILE, text.encode())
        return False

    def events(self, stop: Callable[[], bool] = lambda: False) -> Iterator[Event]:
        """Train to the end, or until ``stop()`` is true; save on the way and when leaving.

        Raises:
            GanlensError: a loss is not finite (the best checkpoint and the last good state stay), or
                something cannot be written.
        """
        trainer, averaged = self.trainer, []
        if self.resumed:
            yield Event(note=f"resumed at step {trainer.step:,} of {trainer.total_steps:,}")
        while trainer.step < trainer.total_steps:
            if self._agreed(stop()):
                self.save_state()
                yield Event(note=f"stopped at step {trainer.step:,}; the same command resumes")
                return
            step = trainer.advance()
            self._see(step)
            averaged.append(step)
            yield Event(step=step)
            if trainer.step % self.config.log_every == 0 or self._ends_epoch():
                self._log(average(averaged))
                averaged = []
            if self._evaluation_is_due():
                yield from self._evaluate()
                self.save_state()
            elif trainer.step % self.config.save_every == 0:
                self.save_state()
        if trainer.step == trainer.total_steps and not self._is_saved("last"):
            yield from self._evaluate()
            self.save_state()

    def _see(self, step: TrainStep) -> None:
        try:
            self.watch.see(step)
        except NotFinite as error:
            kept = self.folder / "best"
            kept_text = f"the best checkpoint is in {kept}" if kept.is_dir() else "nothing was saved yet"
            raise GanlensError(
                f"training stopped: {error}; {kept_text}; train anew with a lower --lr (now"
                f" {self.trainer.config.lr}) or --precision float32"
            ) from error

    def _ends_epoch(self) -> bool:
        return self.trainer.step % self.trainer.steps_per_epoch == 0

    def _evaluation_is_due(self) -> bool:
        epoch = self.trainer.step // self.trainer.steps_per_epoch
        due = epoch % self.config.evaluate_every == 0 or self.trainer.step == self.trainer.total_steps
        return self._ends_epoch() and due

    def _agreed(self, stop: bool) -> bool:
        """Stop on every rank or on none."""
        if self.trainer.fabric.world_size == 1:
            return stop
        flag = torch.tensor(float(stop), device=self.trainer.fabric.device)
        return bool(self.trainer.fabric.all_reduce(flag, reduce_op="sum") > 0)

    def _evaluate(self) -> Iterator[Event]:
        """Judge, draw, and keep best and last; the first rank works while the others wait."""
        if self.main:
            networks = self.calibrated()
            samples = draw(networks["ema"], self.trainer.generator.prior.sample(range(64)))  # type: ignore[union-attr]
            row = self._judge(networks["ema"])
            self._log(row)
            path = self.folder / "samples" / f"{self.trainer.step:07d}.png"
            write_bytes(path, png_bytes(grid(samples, 8)))
            self._keep("last", networks, row, samples)
            if self.best is None or row["fd"] < self.best:
                self.best = row["fd"]
                self._keep("best", networks, row, samples)
            yield Event(evaluation=row)
            for line in self.watch.warnings(samples):
                self._log({"step": self.trainer.step, "warning": line})
                yield Event(warning=line)
        self.trainer.fabric.barrier()

    def calibrated(self) -> dict[str, nn.Module]:
        """Return copies of the networks with batch-norm statistics measured for analysis."""
        t = self.trainer
        parts = {"generator": t.generator, "discriminator": t.discriminator, "ema": t.ema}
        copies = {name: copy.deepcopy(network) for name, network in parts.items()}
        latents = t.generator.prior.sample_batch(CALIBRATION_LATENTS, t.config.seed)  # type: ignore[union-attr]
        device = t.fabric.device
        for name in ("generator", "ema"):
            calibrate(copies[name], latents.to(device).split(CALIBRATION_BATCH))
        rows = np.random.default_rng(t.config.seed).permutation(len(self.train_data))
        parts_of = np.array_split(rows[:CALIBRATION_IMAGES], max(1, self._calibration_images() // 250))
        calibrate(
            copies["discriminator"],
            (from_uint8(self.train_data.images[np.sort(part)], device) for part in parts_of),
        )
        return copies

    def _calibration_images(self) -> int:
        return min(len(self.train_data), CALIBRATION_IMAGES)

    def _judge(self, generator: nn.Module) -> dict[str, Any]:
        n = min(self.config.evaluate_n, len(self.held_out))
        if self._real_features is None:
            real = (from_uint8(part) for part in _split(self.held_out.images[:n]))
            self._real_features = extract(self.extractor, real)
        # Held-out latents start far from the seeds that anybody looks at.
        z = self.trainer.generator.prior.sample(range(1_000_000, 1_000_000 + n))  # type: ignore[union-attr]
        fake = (from_uint8(part) for part in _split(draw(generator, z)))
        scores = quality(self._real_features, extract(self.extractor, fake))
        names = ("fd", "precision", "recall", "density", "coverage", "k", "k_density")
        epoch = self.trainer.step // self.trainer.steps_per_epoch
        return {
            "step": self.trainer.step,
            "epoch": epoch,
            **{name: scores[name] for name in names},
            "n": n,
            "extractor": self.extractor.name,
            "extractor_hash": self.extractor.hash,
            "held_out": f"{self.held_out.spec} ({self.held_out.split}, {len(self.held_out):,} images)",
            "seconds": round(self._elapsed(), 1),
        }

    def _keep(
        self, name: str, networks: dict[str, nn.Module], row: dict[str, Any], samples: np.ndarray
    ) -> None:
        rows = [r for r in self.rows if "fd" in r]
        header = self._header(row)
        extras = {
            "samples.png": png_bytes(grid(samples, 8)),
            "curve.svg": curve_svg(rows, row["step"]).encode(),
            "card.md": card(self.folder.name, header, rows).encode(),
            METRICS_FILE: _lines(self.rows),
        }
        save_checkpoint(self.folder / name, header, networks, extras)

    def _header(self, row: dict[str, Any]) -> Header:
        prior = self.trainer.generator.prior
        made = {
            "command": self.command,
            "epoch": row["epoch"],
            "seconds": row["seconds"],
            "precision": self.trainer.fabric._precision.precision,
            "machine": machine(),
            "ranks": self.trainer.fabric.world_size,
        }
        return Header(
            family=self.asked["family"],
            arguments=self.asked["arguments"],
            prior=asdict(prior),  # type: ignore[call-overload]
            data=self.asked["data"],
            training=asdict(self.trainer.config),
            step=self.trainer.step,
            metrics=row,
            calibration={"latents": CALIBRATION_LATENTS, "images": self._calibration_images()},
            made=made,
        )

    def _is_saved(self, name: str) -> bool:
        return any("fd" in r and r["step"] == self.trainer.step for r in self.rows) and (
            self.folder / name
        ).is_dir()

    def _log(self, row: dict[str, Any]) -> None:
        self.rows.append(row)

    def _elapsed(self) -> float:
        return self.seconds + time.monotonic() - self.began

    def save_state(self) -> None:
        """Write what a resume needs; the metrics go first, a state never knows less than they do."""
        if self.main:
            write_bytes(self.folder / METRICS_FILE, _lines(self.rows))
            known = {"best": self.best, "seconds": self._elapsed()}
            tensors = {k: v.detach().cpu().contiguous() for k, v in self.trainer.state().items()}
            content = save(tensors, metadata={"ganlens-state": json.dumps(known)})
            write_bytes(self.folder / STATE_FILE, content)
        self.trainer.fabric.barrier()

    def _restore(self) -> None:
        file = self.folder / STATE_FILE
        try:
            with safe_open(file, framework="pt") as opened:
                known = json.loads(opened.metadata()["ganlens-state"])
                self.trainer.restore({k: opened.get_tensor(k) for k in opened.keys()})  # noqa: SIM118
        except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
            raise GanlensError(
                f"{file} is damaged ({error}): remove it to begin anew, or take another --out"
            ) from error
        self.best, self.seconds = known["best"], known["seconds"]
        self.rows = [r for r in read_metrics(self.folder) if r["step"] <= self.trainer.step]


def asked(
    trainer: Trainer, train_data: ImageSet, held_out: ImageSet, extractor: Extractor
) -> dict[str, Any]:
    """Return everything that determines the weights of a run, as plain JSON values."""
    data = {
        "spec": train_data.spec,
        "split": train_data.split,
        "fingerprint": train_data.fingerprint,
        "n": len(train_data),
        "skipped": len(train_data.skipped),
        "class_names": list(train_data.class_names),
        "attributes": sorted(train_data.attributes),
    }
    return {
        "family": trainer.family,
        "arguments": trainer.arguments,
        "training": asdict(trainer.config),
        "precision": trainer.fabric._precision.precision,
        "data": data,
        "held_out": {"spec": held_out.spec, "fingerprint": held_out.fingerprint},
        "extractor": extractor.name,
    }


def check_folder(folder: Path, wanted: dict[str, Any]) -> None:
    """Refuse a folder that holds something other than this very run.

    Raises:
        GanlensError: names the first difference.
    """
    if folder.is_file():
        raise GanlensError(f"{folder} is a file: give a folder to --out")
    file = folder / ASKED_FILE
    if not file.is_file():
        if folder.is_dir() and {p.name for p in folder.iterdir()} - {JUDGE_FOLDER}:
            raise GanlensError(f"{folder} holds other files: give a new folder to --out")
        return
    try:
        held = json.loads(file.read_text())
    except ValueError as error:
        raise GanlensError(f"{file} is damaged ({error}): give a new folder to --out") from error
    before, now = _flat(held), _flat(wanted)
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key) and key.split(".")[-1] not in FREE_TO_CHANGE:
            raise GanlensError(
                f"{folder} holds another run: its {key} is {before.get(key)!r}, not {now.get(key)!r};"
                " give the same settings to resume it, or a new folder to --out"
            )


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {prefix: value}
    found: dict[str, Any] = {}
    for key, inner in value.items():
        found |= _flat(inner, f"{prefix}.{key}" if prefix else key)
    return found


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """Read a run's or a checkpoint's metrics.jsonl; an unfinished last line is left out."""
    file, rows = folder / METRICS_FILE, []
    for line in file.read_text().splitlines() if file.is_file() else []:
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows


def average(steps: Sequence[TrainStep]) -> dict[str, Any]:
    """Average the numbers of some steps into one row; networks that rested count for nothing."""
    row: dict[str, Any] = {"step": steps[-1].step, "epoch": steps[-1].epoch}
    for name in ("d_loss", "g_loss", "d_real", "d_fake", "d_grad", "g_grad"):
        values = [v for v in (getattr(s, name) for s in steps) if v is not None]
        row[name] = round(fmean(values), 5) if values else None
    seconds = sum(1 / s.images_per_second for s in steps)
    return row | {"images_per_second": round(len(steps) / seconds, 1)}


@torch.inference_mode()
def draw(generator: nn.Module, z: torch.Tensor) -> np.ndarray:
    """Draw (N, H, W, C) uint8 images of latents with a generator in eval mode."""
    device = next(generator.parameters()).device
    return np.concatenate([to_uint8(generator(part.to(device))) for part in z.split(250)])


def _split(images: np.ndarray) -> list[np.ndarray]:
    return np.array_split(images, max(1, len(images) // 250))


def _lines(rows: Sequence[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows).encode()
