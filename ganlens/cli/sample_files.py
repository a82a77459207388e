"""Samples as files: one PNG per seed in a folder, or an npz that ``open_data`` reads."""

import zipfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from ganlens.cli.sample_plan import Plan
from ganlens.edits import columns
from ganlens.files import replacing, said
from ganlens.images import to_uint8, write_png
from ganlens.recipe import Layout, draw


def write_folder(folder: Path, plan: Plan, enlargement: int) -> None:
    """Write one PNG per row, called by its number; each carries a recipe of its own."""
    amounts = columns(plan.edits)
    layout = Layout(amounts, enlargement=enlargement)
    for rows in plan.parts():
        tiles = to_uint8(draw(plan.subject, plan.recipe(rows, layout)))
        for row, own in zip(rows, tiles.reshape(len(rows), amounts, *tiles.shape[1:]), strict=True):
            recipe = plan.recipe(range(row, row + 1), layout)
            write_png(folder / f"{row:06d}.png", layout.sheet(own, 1, amounts), recipe.to_json())


def write_npz(path: Path, plan: Plan) -> None:
    """Write (n, H, W, C) uint8 images, (n,) int64 seeds and, where there are, (n,) conditions.

    A part at a time: the images need not fit into memory.

    Raises:
        GanlensError: the file cannot be written.
    """
    amounts = columns(plan.edits)
    seeds = np.repeat(np.array(plan.rows, np.int64), amounts)
    conditions: list[str] = []
    with said(path), replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
        with archive.open("images.npy", "w", force_zip64=True) as member:
            for pixels in _with_header(_drawn(plan, conditions, amounts), len(seeds), member):
                member.write(pixels.tobytes())
        arrays = {"seeds": seeds} | ({"conditions": np.array(conditions)} if conditions else {})
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


def _drawn(plan: Plan, conditions: list[str], amounts: int) -> Iterator[np.ndarray]:
    """Yield (n, H, W, C) uint8 images, a part at a time; note the condition of each."""
    for rows in plan.parts():
        recipe = plan.recipe(rows, replace(plan.layout, sources=False))
        words = recipe.condition * (len(rows) if len(recipe.condition) == 1 else 1)
        conditions += [one for one in words for _ in range(amounts)]
        yield to_uint8(draw(plan.subject, recipe))


def _with_header(parts: Iterator[np.ndarray], count: int, member: Any) -> Iterator[np.ndarray]:
    """Write the array's header, once the shape of an image is known, and pass the parts on."""
    first = next(parts)
    about = {"descr": "|u1", "fortran_order": False, "shape": (count, *first.shape[1:])}
    np.lib.format.write_array_header_1_0(member, about)
    return chain([first], parts)
