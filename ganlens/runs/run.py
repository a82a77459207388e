"""A training run in its folder: states to resume from, metrics, samples, best and last checkpoint.

::

    runs/NAME/run.json            the run's identity; a second run with other settings is refused
    runs/NAME/state.safetensors   everything needed to continue
    runs/NAME/metrics.jsonl       averages over steps, and an evaluation every few epochs
    runs/NAME/samples/*.png       the same latents as training goes on
    runs/NAME/best, last          checkpoints
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from torch import nn

from ganlens.checkpoints import METRICS_FILE, MODEL_FILE, Checkpoint, Header, save_checkpoint
from ganlens.data import ImageSet, prepared
from ganlens.devices import in_words
from ganlens.errors import GanlensError
from ganlens.features import Extractor
from ganlens.files import write_bytes
from ganlens.images import grid, png_bytes, to_uint8
from ganlens.recipe import Recipe
from ganlens.runs.card import card, curve_svg, machine
from ganlens.runs.diagnostics import Diagnostics, NotFinite, beyond, spread
from ganlens.runs.evaluation import (
    CALIBRATION_LATENTS,
    Evaluator,
    calibrated,
    calibration_images,
)
from ganlens.runs.events import Event, RunConfig
from ganlens.runs.folder import (
    SETTINGS_FILE,
    STATE_FILE,
    average,
    check_folder,
    clear,
    metrics_lines,
    read_metrics,
    read_state,
    run_identity,
    write_state,
)
from ganlens.subject import Subject, from_checkpoint
from ganlens.training import Trainer, TrainStep, trainable

SHOWN, COLUMNS = 64, 8  # samples on a sheet


class Run:
    """A run in a folder. ``events`` drives it; every rank must.

    Args:
        folder: new, or that of the same run.
        trainer: fresh; it is moved to the saved state where there is one.
        train_data: the training images.
        held_out: images that the networks never see.
        extractor: features in which samples are evaluated.
        config: when to evaluate and save.
        command: the command line, for the card.
        others: the training images of a second domain; samples are then evaluated against
            ``held_out`` images of it.
        sources: held-out images that a translator translates for evaluation.

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
        others: ImageSet | None = None,
        sources: ImageSet | None = None,
    ) -> None:
        self.folder, self.trainer, self.config = folder, trainer, config
        self.command, self.sources = command, sources
        self.evaluator = Evaluator(held_out, extractor, config.evaluate_n)
        self.rows: list[dict[str, Any]] = []
        self.best: float | None = None
        self.evaluated = 0  # the step of the last evaluation
        self.seconds = 0.0
        self.began = time.monotonic()
        self.main = trainer.fabric.is_global_zero
        self.identity = run_identity(trainer, train_data, held_out, extractor, others)
        # In what is saved and not in the identity: runs of earlier versions have no such entry.
        self.prepared = [{} if one is None else prepared(one) for one in (train_data, others)]
        family, drawn = trainable(trainer.family), train_data if others is None else others
        self.diagnostics = Diagnostics(family, spread(drawn.images[:64]))
        self.pending: list[TrainStep] = []  # that no row averages over yet
        self.resumed = self._claim()

    def _claim(self) -> bool:
        """Take the folder over, or refuse it; return whether it held a state of this run."""
        check_folder(self.folder, self.identity)
        self.trainer.fabric.barrier()  # nobody writes before everybody has looked
        if self.main:
            clear(self.folder)
        if (self.folder / STATE_FILE).is_file():
            self._restore()
            return True
        if self.main:
            text = json.dumps(self.identity, indent=2)
            write_bytes(self.folder / SETTINGS_FILE, text.encode())
        return False

    def events(self, stop: Callable[[], bool] = lambda: False) -> Iterator[Event]:
        """Train to the end, or until ``stop()`` is true; save on the way and when leaving.

        Raises:
            GanlensError: a loss is not finite (the best checkpoint and the last good state stay),
                or something cannot be written.
        """
        trainer = self.trainer
        if self.resumed:
            yield Event(note=f"resumed at step {trainer.step:,} of {trainer.total_steps:,}")
        while trainer.step < trainer.total_steps:
            if self._agreed(stop()):
                self.save_state()
                yield Event(note=f"stopped at step {trainer.step:,}; the same command resumes")
                return
            step = trainer.advance()
            self._diagnose(step)
            self.pending.append(step)
            yield Event(step=step)
            if trainer.step % self.config.log_every == 0 or self._ends_epoch():
                self.rows.append(average(self.pending))
                self.pending = []
            if self._evaluation_is_due():
                yield from self._evaluate()
                self.save_state()
            elif trainer.step % self.config.save_every == 0:
                self.save_state()
        if self.evaluated != trainer.step:
            yield from self._evaluate()
            self.save_state()

    def _diagnose(self, step: TrainStep) -> None:
        try:
            self.diagnostics.add(step)
        except NotFinite as error:
            self._give_up(error)

    def _give_up(self, error: NotFinite) -> NoReturn:
        best = self.folder / "best"
        saved = f"the best checkpoint is in {best}" if best.is_dir() else "nothing was saved yet"
        raise GanlensError(
            f"training stopped: {error}; {saved}; train anew with a lower --lr (now"
            f" {getattr(self.trainer.config.objective, 'lr', 'unknown')}) or --precision float32"
        ) from error

    def _ends_epoch(self) -> bool:
        return self.trainer.step % self.trainer.steps_per_epoch == 0

    def _evaluation_is_due(self) -> bool:
        epoch = self.trainer.step // self.trainer.steps_per_epoch
        due = (
            epoch % self.config.evaluate_every == 0 or self.trainer.step == self.trainer.total_steps
        )
        return self._ends_epoch() and due

    def _agreed(self, stop: bool) -> bool:
        """Stop on every rank or on none."""
        if self.trainer.fabric.world_size == 1:
            return stop
        flag = torch.tensor(float(stop), device=self.trainer.fabric.device)
        stops = self.trainer.fabric.all_reduce(flag, reduce_op="sum")
        return bool(torch.as_tensor(stops) > 0)

    def _evaluate(self) -> Iterator[Event]:
        """Evaluate, draw, and keep best and last; the first rank works while the others wait."""
        self.evaluated = self.trainer.step
        if self.main:
            networks = calibrated(self.trainer)
            subject = self._subject(networks)
            count = min(SHOWN, subject.samples_at_most or SHOWN)
            drawn = subject.sample(range(count))
            samples = to_uint8(drawn)
            epoch = self.trainer.step // self.trainer.steps_per_epoch
            row = {"step": self.trainer.step, "epoch": epoch, **self.evaluator(subject)}
            row["seconds"] = round(self._elapsed(), 1)
            self.rows.append(row)
            path = self.folder / "samples" / f"{self.trainer.step:07d}.png"
            # These weights are not kept, so a replay can only say whose they were.
            shown = f"{self.folder.name} at step {path.stem}"
            write_bytes(path, self._sheet(subject, samples, shown, ""))
            self._keep("last", networks, subject, row, samples)
            if self.best is None or row["fd"] < self.best:
                self.best = row["fd"]
                self._keep("best", networks, subject, row, samples)
            yield Event(evaluation=row)
            for line in [*beyond(drawn), *self.diagnostics.warnings(samples)]:
                self.rows.append({"step": self.trainer.step, "warning": line})
                yield Event(warning=line)
        self.trainer.fabric.barrier()

    def _subject(self, networks: dict[str, nn.Module]) -> Subject:
        """Return the networks as loading the checkpoint will give them."""
        held = Checkpoint(self.folder, self._header({}), "", networks)
        subject = from_checkpoint(held, self.trainer.fabric.device)
        if self.sources is not None and subject.translator is not None:
            subject.sources = self.sources
        return subject

    def _keep(
        self,
        name: str,
        networks: dict[str, nn.Module],
        subject: Subject,
        row: dict[str, Any],
        samples: np.ndarray,
    ) -> None:
        rows = [r for r in self.rows if "fd" in r]
        header = self._header(row)
        extras = {
            "curve.svg": curve_svg(rows, row["step"]).encode(),
            "card.md": card(self.folder.name, header, rows).encode(),
            METRICS_FILE: metrics_lines(self.rows),
        }
        folder = save_checkpoint(self.folder / name, header, networks, extras)
        digest = hashlib.sha256((folder / MODEL_FILE).read_bytes()).hexdigest()
        sheet = self._sheet(subject, samples, self.folder.name, digest)
        write_bytes(folder / "samples.png", sheet)

    def _sheet(self, subject: Subject, samples: np.ndarray, name: str, digest: str) -> bytes:
        """Return the samples of seeds 0 to 63 as a PNG that carries its recipe."""
        recipe = Recipe.of_samples(subject, range(len(samples)), columns=COLUMNS)
        named = replace(recipe, checkpoint=name, hash=digest)
        return png_bytes(grid(samples, COLUMNS), named.to_json())

    def _header(self, row: dict[str, Any]) -> Header:
        trainer, identity = self.trainer, self.identity
        made = {
            "command": self.command,
            "epoch": row.get("epoch"),
            "seconds": row.get("seconds"),
            "precision": trainer.fabric._precision.precision,
            "machine": machine(),
            "device": in_words(trainer.fabric.device),
            "ranks": trainer.fabric.world_size,
        }
        if start := trainer.start:
            made["start"] = {"checkpoint": start.name, "hash": start.hash}
        condition = trainer.data.condition
        priors = (getattr(net, "prior", None) for net in trainer.networks.values())
        prior = next((one for one in priors if one is not None), None)
        return Header(
            family=identity["family"],
            arguments=identity["arguments"],
            prior={} if prior is None else prior.to_json(),
            data=identity["data"] | self.prepared[0],
            training=trainer.config.flat(),
            step=trainer.step,
            metrics=row,
            calibration={
                "latents": 0 if prior is None else CALIBRATION_LATENTS,
                "images": calibration_images(trainer),
            },
            made=made,
            condition={} if condition is None else condition.to_json(),
            others=(identity["others"] or {}) | self.prepared[1],
        )

    def _elapsed(self) -> float:
        return self.seconds + time.monotonic() - self.began

    def save_state(self) -> None:
        """Write what a resume needs; the metrics go first, a state never knows less than they do.

        Raises:
            GanlensError: a weight is not finite: the older state is worth more.
        """
        if self.main:
            tensors = {  # clones: networks may share weights (InfoGAN), and a file holds each once
                name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
                for name, value in self.trainer.state().items()
            }
            for name, value in tensors.items():
                if not torch.isfinite(value).all():
                    self._give_up(NotFinite(f"{name} is not finite at step {self.trainer.step}"))
            write_bytes(self.folder / METRICS_FILE, metrics_lines(self.rows))
            known = {
                "best": self.best,
                "seconds": self._elapsed(),
                "pending": [asdict(one) for one in self.pending],
                "recent": list(self.diagnostics.recent),
                "early": self.diagnostics.early,
            }
            write_state(self.folder, tensors, known)
        self.trainer.fabric.barrier()

    def _restore(self) -> None:
        known = read_state(self.folder, self.trainer.restore)
        self.best, self.seconds, self.pending = known["best"], known["seconds"], known["pending"]
        self.diagnostics.recent.extend(known["recent"])
        self.diagnostics.early |= known["early"]
        self.rows = [r for r in read_metrics(self.folder) if r["step"] <= self.trainer.step]
        self.evaluated = max((r["step"] for r in self.rows if "fd" in r), default=0)
