"""What a visitor may choose: the checkpoints and data that the explorer was started with.

A choice is a label that is looked up in a dict, so no path typed by a visitor, and none in an
address, is ever opened.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from ganlens.checkpoints import list_checkpoints
from ganlens.data import EMBEDDED
from ganlens.errors import GanlensError
from ganlens.models.imported.trust import Trust
from ganlens.places import shipped_folder

NO_DATA = "none"
MAX_SEED = 2**31 - 1  # that a visitor may type; a number field of a browser is exact up to 2^53
CHECKPOINT_HELP = "The trained model to look at: the shipped ones, and those of the --root folders."
DATA_HELP = "The data that some pages compare the generated images with."


@dataclass(frozen=True)
class Options:
    """How the explorer was started.

    Attributes:
        roots: folders below which checkpoints may be opened, besides the shipped ones.
        data: data SPECs that may be chosen, besides embedded ones.
        trust: what code of others may run.
    """

    roots: tuple[Path, ...] = ()
    data: tuple[str, ...] = ()
    trust: Trust = field(default_factory=Trust)


@dataclass(frozen=True)
class Choice:
    """One checkpoint that may be chosen.

    Attributes:
        label: what the visitor and the address bar call it.
        source: how ``ganlens.load`` and the commands call it: a shipped name, or a path.
        folder: where its model file lies.
        trained_on: SPEC of its training data, "" where unknown.
    """

    label: str
    source: str
    folder: Path
    trained_on: str


def read_options(arguments: Sequence[str] | None = None) -> Options:
    """Read ``--root FOLDER`` and ``--data SPEC``, each as often as wanted, from after ``--``.

    ``--module`` and ``--trust`` stand there too, as for every command.

    Raises:
        GanlensError: ``--module`` without ``--trust``.
    """
    parser = argparse.ArgumentParser(prog="explorer.py", allow_abbrev=False, add_help=False)
    parser.add_argument("--root", action="append", type=Path, default=[])
    parser.add_argument("--data", action="append", default=[])
    parser.add_argument("--module")
    parser.add_argument("--trust", action="store_true")
    known, _ = parser.parse_known_args(sys.argv[1:] if arguments is None else arguments)
    return Options(tuple(known.root), tuple(known.data), Trust(known.trust, known.module))


@st.cache_data(ttl=15, max_entries=8, show_spinner=False)
def checkpoints(options: Options) -> dict[str, Choice]:
    """List what may be opened, by label: first the shipped checkpoints, then those of each root."""
    shipped = shipped_folder("checkpoints")
    found: dict[str, Choice] = {}
    # First the ones whose data is at hand, in the order of the embedded data: the first that a
    # visitor sees can be probed at once.
    order = {spec: place for place, spec in enumerate(EMBEDDED)}
    here = sorted(
        list_checkpoints(shipped), key=lambda pair: order.get(_spec(pair[1].data), len(order))
    )
    for folder, header in here:
        name = folder.relative_to(shipped).as_posix()
        found[name] = Choice(name, name, folder, _spec(header.data))
    for root in options.roots:
        if root.resolve() == shipped.resolve():
            continue
        for folder, header in list_checkpoints(root):
            label = f"{root.name}/{folder.relative_to(root).as_posix()}".removesuffix("/.")
            label = label if label not in found else str(folder)
            found[label] = Choice(label, str(folder), folder, _spec(header.data))
    return found


def _spec(data: object) -> str:
    return str(data.get("spec", "")) if isinstance(data, dict) else ""


def data_specs(options: Options) -> list[str]:
    """List the data that may be chosen: those of the start, and embedded ones to train on."""
    shipped = [name for name, known in EMBEDDED.items() if known.instead is None]
    return list(dict.fromkeys([*options.data, *shipped, NO_DATA]))


def matching_data(choice: Choice, specs: Sequence[str]) -> str:
    """Return the data that a checkpoint was trained on, else the first of the start, else none."""
    if choice.trained_on in specs:
        return choice.trained_on
    return next(spec for spec in specs if spec not in EMBEDDED)


def choose(options: Options) -> tuple[Choice, str]:
    """Draw the two choices in the sidebar and keep them in the address bar.

    Returns:
        The checkpoint and the data SPEC ("none" for no data).

    Raises:
        GanlensError: there is no checkpoint to choose.
    """
    found = checkpoints(options)
    if not found:
        raise GanlensError(
            "there is no checkpoint to open: train one with `ganlens train --data pixelfaces --out"
            " runs/mine`, then start with `streamlit run apps/explorer.py -- --root runs`"
        )
    specs = data_specs(options)
    label = _selected("checkpoint", "Checkpoint", list(found), CHECKPOINT_HELP)
    if st.session_state.get("data_for") != label:  # another checkpoint: its own data again
        first = "data_for" not in st.session_state
        st.session_state.data_for = label
        asked = st.query_params.get("data") if first else None
        st.session_state.data = asked if asked in specs else matching_data(found[label], specs)
    spec = _selected("data", "Real images", specs, DATA_HELP)
    return found[label], spec


def _selected(key: str, label: str, values: list[str], help_text: str) -> str:
    """Draw a select box whose value starts from the address bar and is written back to it."""
    if st.session_state.get(key) not in values:
        asked = st.query_params.get(key)
        if asked is not None and asked not in values:
            st.sidebar.warning(
                f"There is no {key} of the name in the address; showing {values[0]}."
            )
        st.session_state[key] = asked if asked in values else values[0]
    index = values.index(st.session_state[key])
    value = st.sidebar.selectbox(
        label, values, index, key=key, help=help_text, persist_state="session"
    )
    st.query_params[key] = value
    return value


def number_from_address(key: str, default: int, low: int, high: int) -> None:
    """Give a number widget of this key its first value: from the address, if that is in range."""
    if key in st.session_state:
        return
    text = st.query_params.get(key, "")
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else default
    st.session_state[key] = value if low <= value <= high else default
