"""What a checkpoint is: provenance and uncurated samples, as panels."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ganlens.latents import Seeds
from ganlens.panels import ImagePanel, TablePanel
from ganlens.recipe import Recipe, render

if TYPE_CHECKING:
    from ganlens.subject import Subject


def parameters(network: Any) -> int | None:
    """Count the parameters of a torch module; None where there is no module."""
    return sum(p.numel() for p in network.parameters()) if hasattr(network, "parameters") else None


def provenance_panel(subject: "Subject") -> TablePanel:
    """Say where a checkpoint comes from and what it maps to what."""
    facts = subject.provenance
    data = facts.get("data") or {}
    channels, height, width = subject.image_shape
    kinds = {1: "grey", 3: "colour", 4: "colour and a fourth channel"}
    rows = [
        ("checkpoint", facts.get("checkpoint", subject.name)),
        ("sha-256 of its weights", facts.get("hash")),
        ("family", facts.get("family")),
        ("images", f"{width} x {height}, {kinds.get(channels, f'{channels} channels')}"),
        ("prior", _prior(subject)),
        ("imported from", _origin(facts)),
        ("trained on", data.get("spec") if isinstance(data, dict) else data),
        ("fingerprint of that data", data.get("fingerprint") if isinstance(data, dict) else None),
        ("training steps", None if _origin(facts) else facts.get("step")),  # unknown if imported
        ("generator parameters", parameters(subject.generator)),
        ("discriminator parameters", parameters(getattr(subject, "discriminator", None))),
        ("weights", _weights(facts.get("weights"))),
    ]
    return TablePanel(
        "What this checkpoint is",
        "The hash identifies the weights: two results with equal hashes are about one network.",
        ("", ""),
        [(name, _grouped(value)) for name, value in rows if value is not None],
    )


def _prior(subject: "Subject") -> str | None:
    if subject.generator is None:
        return None
    spans = {"normal": "N(0, 1) each", "uniform": "U(-1, 1) each", "categorical": "one-hot"}
    parts = subject.prior.parts
    if len(parts) == 1:
        return f"{parts[0].dim} latent coordinates, {spans[parts[0].kind]}"
    told = (f"{part.name}: {part.dim}, {spans[part.kind]}" for part in parts)
    return f"{subject.prior.dim} latent coordinates; {'; '.join(told)}"


def _origin(facts: dict[str, Any]) -> str | None:
    origin = (facts.get("made") or {}).get("imported")
    return origin and f"{origin['format']}; assumed: {'; '.join(origin['assumed']) or 'nothing'}"


def _grouped(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _weights(kind: str | None) -> str | None:
    names = {"ema": "moving average over training (EMA)", "raw": "as of the last step, no average"}
    return names.get(kind or "", kind)


def samples_panel(subject: "Subject", count: int = 64, seed: int = 0) -> ImagePanel:
    """Draw samples of consecutive seeds, as they come."""
    seeds = tuple(range(seed, seed + count))
    columns = int(np.ceil(np.sqrt(count)))
    recipe = Recipe.of(subject, Seeds(seeds), columns=columns)
    return ImagePanel(
        "Samples",
        f"Seeds {seed} to {seed + count - 1}, row by row: none left out and none chosen.",
        render(subject, recipe),
        alt=f"A grid of {count} generated images",
        scale=enlargement(columns * subject.image_shape[2]),
        recipe=recipe.to_json(),
    )


def enlargement(width: int, room: int = 640) -> int:
    """Return the whole number by which a picture ``width`` pixels wide fills ``room``, 1 to 8."""
    return max(1, min(8, room // max(1, width)))
