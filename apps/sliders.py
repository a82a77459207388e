"""The directions that get a slider: a few, ranked, each with what is known of it."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st
from store import own_copy

from ganlens.checkpoints import MODEL_FILE
from ganlens.directions import Direction, ganspace, load_directions, sefa
from ganlens.errors import GanlensError
from ganlens.probes.identity import identity
from ganlens.progress import finish

if TYPE_CHECKING:
    from ganlens.subject import Subject

MOST = 8  # people lose their way among more
KEPT = "directions.safetensors"  # beside the model, as `ganlens directions --out` writes it
OWN = "own-directions"  # of this session, by name
SAMPLES = 2000  # that GANSpace looks at


def directions_of(folder: Path, subject: "Subject") -> list[Direction]:
    """Return the directions to offer: this session's own, then those kept beside the checkpoint.

    Without a file they are SeFa's, which need no samples, or GANSpace's where SeFa does not know
    the generator.
    """
    changed = (folder / MODEL_FILE).stat().st_mtime_ns
    found = _found(str(folder), changed, subject)
    digest = subject.provenance.get("hash")
    own = [d for d in st.session_state.get(OWN, {}).values() if d.provenance["hash"] == digest]
    return [*own, *found][:MOST]


def add(direction: Direction) -> None:
    """Keep a direction of this session; it comes first among the sliders."""
    own = st.session_state.setdefault(OWN, {})
    own.pop(direction.name, None)
    st.session_state[OWN] = {direction.name: direction, **own}


@st.cache_resource(max_entries=8, show_spinner="Looking for directions")
def _found(folder: str, changed: int, _subject: "Subject") -> list[Direction]:
    file = Path(folder) / KEPT
    if file.is_file():
        try:
            return ranked(load_directions(file, _subject))
        except GanlensError:
            pass  # of another checkpoint, or damaged: the ones below are always right
    about = identity(_subject)
    try:
        return sefa(
            _subject.unconditional("generator"), min(MOST, _subject.prior.dim), provenance=about
        )
    except GanlensError:
        layers = _subject.layers("generator")
        seeds, fresh = range(SAMPLES), range(SAMPLES, 2 * SAMPLES)
        early, count = layers[len(layers) // 3], min(MOST, _subject.prior.dim)
        return finish(ganspace(own_copy(_subject), early, count, seeds, fresh, provenance=about))


def ranked(directions: list[Direction]) -> list[Direction]:
    """Return one direction per claim, others held where that is known, then those without one."""
    best: dict[str, Direction] = {}
    for one in directions:
        if one.claim and (one.claim not in best or one.method == "conditional"):
            best[one.claim] = one
    return [*best.values(), *(one for one in directions if not one.claim)]


def label(direction: Direction) -> str:
    """Return what a slider is called."""
    return direction.name.removesuffix(", others held")


def help_text(direction: Direction) -> str:
    """Say how a direction was found and how well it holds."""
    methods = {
        "boundary": "Normal of the boundary between samples that show it and samples that do not "
        "(InterFaceGAN).",
        "conditional": "Boundary normal from which the other attributes' normals are taken out "
        "(InterFaceGAN, conditional).",
        "means": "Difference of the mean latents of samples with and without it.",
        "sefa": "Changes the first layer's output most (SeFa); nobody named it.",
        "ganspace": "Principal component of a layer's activations (GANSpace); nobody named it.",
    }
    numbers = {
        "auc": "held-out AUC {:.3f}",
        "kept": "{:.0%} of the plain direction is left",
    }
    known = [
        text.format(direction.metrics[k]) for k, text in numbers.items() if k in direction.metrics
    ]
    return " ".join([methods.get(direction.method, direction.method), "; ".join(known)]).strip()
