"""Long work under a progress bar that can be stopped."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import show
import streamlit as st

from ganlens.errors import GanlensError
from ganlens.progress import Progress, Steps, finish

T = TypeVar("T")
OFTEN = 0.1  # seconds between two messages to the browser, which need not hear of every batch


def under_a_bar(steps: Steps[T], stop_key: str) -> T:
    """Drive work to its end; whatever the visitor clicks meanwhile, Stop for one, ends it.

    Raises:
        GanlensError: the work cannot be done; its bar is gone then.
    """
    place = st.empty()
    with place.container():
        bar = st.progress(0.0, "Starting")
        st.button("Stop", key=stop_key, icon=":material/stop:")  # a click reruns the page
    try:
        result = finish(steps, _shown_on(bar))
    except GanlensError:
        place.empty()  # what went wrong stands in its place: nothing is left to stop
        raise
    place.empty()
    return result


def _shown_on(bar: Any) -> Callable[[Progress], None]:
    last = 0.0

    def see(step: Progress) -> None:
        nonlocal last
        if (now := time.monotonic()) - last > OFTEN:
            share = min(1.0, step.done / max(1, step.total))
            bar.progress(share, show.escape(f"{step.what}: {step.done:,} of {step.total:,}"))
            last = now

    return see
