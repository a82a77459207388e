"""What the server asks of its machine: a processor left to others, less garbage collection."""

import atexit
import gc

import streamlit as st
import torch

THREADS = torch.get_num_threads()  # what torch took by itself: this module is imported once


def leave_room() -> None:
    """Keep one processor free of torch.

    The browser often runs beside the server, and other sessions do. A kernel's work is split evenly
    between threads, so one that waits for a processor holds up all: a picture took ten times as
    long.
    """
    torch.set_num_threads(max(1, THREADS - 1))


@st.cache_resource(show_spinner=False)
def set_aside() -> None:
    """Exempt what the first page has brought in from garbage collection, once per server.

    Streamlit collects after each rerun, and going through the modules of torch, which stay for
    good, takes longer than to redraw a fragment.
    """
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # extension modules would report what is never collected as leaks
