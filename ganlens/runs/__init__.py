"""Runs: training with a folder to resume from, evaluated on held-out images as it goes."""

from ganlens.runs.card import machine
from ganlens.runs.events import Event, RunConfig
from ganlens.runs.extractor import run_extractor
from ganlens.runs.folder import check_place, read_metrics
from ganlens.runs.run import Run

__all__ = ["Event", "Run", "RunConfig", "check_place", "machine", "read_metrics", "run_extractor"]
