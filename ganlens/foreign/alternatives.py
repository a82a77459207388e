"""Other readings of the same weights, drawn side by side: which one is right, the eye tells."""

from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ganlens import images
from ganlens.checkpoints import filled_network
from ganlens.errors import GanlensError
from ganlens.foreign.imported import Imported
from ganlens.foreign.statistics import measured

DRAWN = 8  # samples of each reading, of the seeds 0 to 7
LINE, FONT_SIZE, GAP = 18, 12, 4  # height of a caption, its letters, the space between rows


@torch.no_grad()
def drawn(imported: Imported) -> Iterator[tuple[str, Tensor]]:
    """Yield (caption, images) of the reading that is taken, and then of each other one.

    Raises:
        GanlensError: the file holds no generator, or its reader knows no other reading.
    """
    checkpoint = imported.checkpoint
    networks = checkpoint.networks
    taken = networks.get("ema.generator", networks.get("generator"))
    if taken is None or not imported.alternatives:
        raise GanlensError(
            f"{checkpoint.path} leaves no other reading to draw: leave --alternatives out"
        )
    yield "as read", _samples(taken)
    for one in imported.alternatives:
        network = filled_network(
            checkpoint.header.family, {"generator": one.arguments}, "generator",
            dict(one.weights), checkpoint.path, imported.format,
        )  # fmt: skip
        lacking = ["generator"] if one.calibrate else []
        measured({"generator": network}, lacking, checkpoint.path)
        yield one.caption, _samples(network)


def _samples(network: torch.nn.Module) -> Tensor:
    return network(network.prior.sample(range(DRAWN)))  # type: ignore[operator, union-attr]


def sheet(imported: Imported) -> np.ndarray:
    """Return one row for each reading, captioned, as (height, width, 3) bytes.

    Raises:
        GanlensError: see ``drawn``.
    """
    rows = [(caption, _row(found)) for caption, found in drawn(imported)]
    width = max(row.shape[1] for _, row in rows)
    font = ImageFont.load_default(FONT_SIZE)
    width = max(width, *(int(font.getlength(caption)) + 2 * GAP for caption, _ in rows))
    height = sum(LINE + row.shape[0] + GAP for _, row in rows)
    page = Image.new("RGB", (width, height), "white")
    pen, top = ImageDraw.Draw(page), 0
    for caption, row in rows:
        pen.text((GAP, top + 1), caption, fill="black", font=font)
        page.paste(Image.fromarray(row), (0, top + LINE))
        top += LINE + row.shape[0] + GAP
    return np.asarray(page)


def _row(found: Tensor) -> np.ndarray:
    return images.as_rgb(images.grid(images.to_uint8(found), DRAWN))
