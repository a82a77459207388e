"""What sessions share: opened checkpoints and data, pictures and results. All of it is bounded.

Shared networks are only ever read: pictures come from a plain forward pass, and a probe, which may
put hooks on a network, gets a copy of its own.
"""

import copy
import json
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

import ganlens
from ganlens.checkpoints import MODEL_FILE
from ganlens.edits import LayerEdit
from ganlens.errors import GanlensError
from ganlens.images import enlarge, to_uint8
from ganlens.latents import Seeds
from ganlens.panels import Panel
from ganlens.probes.base import Probe
from ganlens.probes.result import Result
from ganlens.recipe import Recipe, draw, render

if TYPE_CHECKING:
    from ganlens.data import ImageSet
    from ganlens.subject import Subject

MAX_RESULTS = 32
# A picture with an edit inside the network hooks a shared one while it is drawn; who copied it just
# then would copy the hook, or fail because the table of hooks changed under the copy's hands.
_HOOKS = Lock()


def subject_of(folder: Path) -> "Subject":
    """Return the opened checkpoint of a folder; a file that was replaced is opened again."""
    changed = (folder / MODEL_FILE).stat().st_mtime_ns
    return _open_subject(str(folder), changed)


@st.cache_resource(max_entries=3, show_spinner="Opening the checkpoint")
def _open_subject(folder: str, changed: int) -> "Subject":
    return ganlens.load(folder)


@st.cache_resource(max_entries=3, show_spinner="Opening the images")
def images_of(spec: str, size: int, channels: int) -> "ImageSet":
    """Return the opened data at a subject's size and channels."""
    return ganlens.open_data(spec, "all", size=size, channels=channels)


def picture(subject: "Subject", recipe: Recipe) -> np.ndarray:
    """Render a recipe: (H, W, 3) uint8. It is kept as drawn, and enlarged when it is asked for."""
    small = replace(recipe, layout=replace(recipe.layout, enlargement=1))
    return enlarge(_picture(subject, small, _text(subject, small)), recipe.layout.enlargement)


@st.cache_data(max_entries=128, show_spinner=False)
def _picture(_subject: "Subject", _recipe: Recipe, text: str) -> np.ndarray:
    hooked = any(isinstance(one, LayerEdit) for one in _recipe.edits)
    with _HOOKS if hooked else nullcontext():
        return render(_subject, _recipe)


def samples(subject: "Subject", seeds: Sequence[int]) -> np.ndarray:
    """Draw one sample per seed: (N, H, W, C) uint8, the same bits as one by one."""
    recipe = Recipe.of(subject, Seeds(tuple(seeds)))
    return _samples(subject, recipe, _text(subject, recipe))


# One batch: fewer than 8 latents cost as much as 8, see Subject.generate.
@st.cache_data(max_entries=16, show_spinner=False)
def _samples(_subject: "Subject", _recipe: Recipe, text: str) -> np.ndarray:
    return to_uint8(draw(_subject, _recipe))


def _text(subject: "Subject", recipe: Recipe) -> str:
    """Return what the caches go by; it names the checkpoint by its hash.

    Raises:
        GanlensError: another checkpoint than the recipe's, or one that no file holds: without a
            hash two of them would be taken for one.
    """
    recipe.check(subject)  # drawing would, but what is stored is not drawn again
    if not recipe.hash:
        raise GanlensError(f"{subject.name} is in no file: open a checkpoint to draw it here")
    return json.dumps(recipe.to_json(), sort_keys=True)


def own_copy(subject: "Subject") -> "Subject":
    """Return a copy of a shared subject, for work that may touch the networks."""
    with _HOOKS:
        return copy.deepcopy(subject)


@dataclass(frozen=True)
class Stored:
    """A probe's result on the shelf.

    Attributes:
        name: the probe's key in PROBES.
        probe: the settings it ran with.
        checkpoint: hash of the weights that it looked at.
        data: fingerprint of the images that it looked at, or None.
        result: what it found.
        panels: the result's panels, every picture with its recipe.
        seconds: wall time that it took.
    """

    name: str
    probe: Probe
    checkpoint: str | None
    data: str | None
    result: Result
    panels: list[Panel]
    seconds: float


class Shelf:
    """The latest results of all sessions, the oldest dropped first."""

    def __init__(self, size: int = MAX_RESULTS) -> None:
        self.size = size
        self._kept: OrderedDict[str, Any] = OrderedDict()
        self._lock = Lock()

    def put(self, key: str, value: Any) -> None:
        """Keep a value as the newest."""
        with self._lock:
            self._kept[key] = value
            self._kept.move_to_end(key)
            while len(self._kept) > self.size:
                self._kept.popitem(last=False)

    def items(self) -> list[tuple[str, Any]]:
        """Return keys and values, the oldest first."""
        with self._lock:
            return list(self._kept.items())

    def get(self, key: str) -> Any | None:
        """Return a value, or None where it is not (or no longer) stored."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)


@st.cache_resource(show_spinner=False)
def shelf() -> Shelf:
    """Return the one shelf of this server."""
    return Shelf()


def result_key(name: str, probe: Probe, subject: "Subject", data: "ImageSet | None") -> str:
    """Name a result by all that decides it."""
    parts = {
        "probe": name,
        "settings": probe.settings(),
        "checkpoint": subject.provenance.get("hash"),
        "weights": subject.provenance.get("weights"),
        "data": data.fingerprint if data is not None else None,
    }
    return json.dumps(parts, sort_keys=True, default=str)
