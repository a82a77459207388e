"""Forget: draw boxes on samples, or choose an attribute; maps are dropped, the samples redrawn."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import board
import page_probe
import show
import streamlit as st
from board import Box
from choices import Choice
from running import run_probe
from store import samples, shelf, subject_of

from ganlens.files import write_bytes
from ganlens.places import cache_folder
from ganlens.probes.forgetting import Forget
from ganlens.probes.forgetting.boxes import LEAST
from ganlens.report import command, python_code

if TYPE_CHECKING:
    from store import Stored

    from ganlens.subject import Subject

NAME = "forget"
PER_SHEET, COLUMNS, SHEETS = 50, 10, 3  # 150 samples, as the paper has
BY_BOXES: dict[str, Any] = {"choose": "weights", "mode": "drop", "place": "everywhere"}
WAYS = ("An attribute of the data", "Boxes drawn on samples")


def page(choice: Choice, spec: str) -> None:
    """Draw the page: the probe's own, or boards to draw on."""
    page_probe.introduction(NAME, Forget)
    way = st.segmented_control(
        "What to forget", WAYS, default=WAYS[0], required=True, key="forget-way",
        bind="query-params",
    )  # fmt: skip
    subject = subject_of(choice.folder)
    if way == WAYS[0]:
        page_probe.experiment(NAME, Forget, choice, spec)
        return
    st.markdown(
        "Drag boxes around one thing, say the windows of rooms or the glasses of faces. A logistic "
        "regression finds the feature maps that are on inside the boxes; they are silenced, and "
        "the same latents are drawn again ([Radford 2015](https://arxiv.org/abs/1511.06434), "
        "section 6.3.1, with 52 boxes on 150 samples)."
    )
    _boxes(choice, subject)


def _boxes(choice: Choice, subject: "Subject") -> None:
    sheet = int(st.number_input("Sheet of samples", 1, SHEETS, 1, key="forget-sheet"))
    drawn: dict[int, list[Box]] = st.session_state.setdefault(_key(subject), {})
    _draw(subject, sheet, drawn)
    count = sum(map(len, drawn.values()))
    st.caption(
        f"{count} boxes on {len(drawn)} of {PER_SHEET * SHEETS} samples; at least {LEAST} samples "
        "need one. A click on a sample takes its boxes away. Samples without a box count as "
        "showing nothing of it, so go through all sheets."
    )
    run, clear = st.columns([1, 3])
    wanted = run.button(
        "Forget it", type="primary", disabled=len(drawn) < LEAST, icon=":material/ink_eraser:"
    )
    clear.button("Take all boxes away", on_click=_clear, args=(_key(subject),), type="tertiary")
    content = _as_json(subject, drawn)
    st.download_button(
        "Download the boxes", content, "boxes.json", **show.QUIET,
        help="For `ganlens forget CHECKPOINT --boxes boxes.json`.",
    )  # fmt: skip
    place = f"forget-boxes {subject.provenance.get('hash')} {content}"
    last = f"last-{_key(subject)}"
    if wanted:
        probe = Forget(boxes=_file(content), **BY_BOXES)
        shelf().put(place, run_probe(NAME, probe, subject, None))
        st.session_state[last] = place
    _results(place, st.session_state.get(last, ""))
    probe = Forget(boxes=Path("boxes.json"), **BY_BOXES)
    show.code(command(NAME, probe, choice.source), python_code(probe, choice.source))


def _results(place: str, last: str) -> None:
    """Show the result of these boxes, or the last one of this session, and say so."""
    stored: Stored | None = shelf().get(place)
    if stored is None and (stored := shelf().get(last)) is not None:
        st.warning("The boxes have changed since this result: press Forget it for the new one.")
    if stored is not None:
        page_probe.outcome(stored, "forget-boxes")


def _draw(subject: "Subject", sheet: int, drawn: dict[int, list[Box]]) -> None:
    """Draw one sheet and take over what is drawn on it."""
    seeds = range((sheet - 1) * PER_SHEET, sheet * PER_SHEET)
    scale = max(1, 76 // subject.image_shape[2])
    tiles = board.Tiles(samples(subject, seeds), [f"seed {s}" for s in seeds], COLUMNS, scale)
    turn = st.session_state.get("forget-turn", 0)
    start = [(i, box) for i, s in enumerate(seeds) for box in drawn.get(s, [])]
    found = board.boxes(tiles, f"forget-board-{sheet}-{turn}", start)
    for seed in seeds:
        drawn.pop(seed, None)
    for tile, box in found:
        drawn.setdefault(seeds[tile], []).append(box)


def _key(subject: "Subject") -> str:
    return f"forget-drawn-{subject.provenance.get('hash')}"


def _clear(key: str) -> None:
    st.session_state[key] = {}
    st.session_state["forget-turn"] = st.session_state.get("forget-turn", 0) + 1


def _as_json(subject: "Subject", drawn: dict[int, list[Box]]) -> str:
    _, height, width = subject.image_shape
    boxes = [{"seed": s, "box": list(box)} for s in sorted(drawn) for box in drawn[s]]
    seeds = list(range(PER_SHEET * SHEETS))
    return json.dumps({"size": [width, height], "seeds": seeds, "boxes": boxes})


def _file(content: str) -> Path:
    """Write boxes where the probe can read them: one file for the same boxes.

    It is in the folder of this user's own, not in one that all users of the machine write to.
    """
    path = cache_folder() / "boxes" / f"{hashlib.sha256(content.encode()).hexdigest()[:16]}.json"
    write_bytes(path, content.encode())
    return path
