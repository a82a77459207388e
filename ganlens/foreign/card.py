"""card.md of an imported checkpoint: what it was recognised as, and on what ground."""

from collections.abc import Sequence

from ganlens.checkpoints import Header
from ganlens.models.prior import Prior


def import_card(name: str, header: Header, parts: Sequence[str], command: str) -> str:
    """Write the card as Markdown.

    Args:
        name: what the checkpoint is called.
        header: with what was recorded under ``made["imported"]``.
        parts: the networks that it has.
        command: how it was imported.
    """
    origin = header.made["imported"]
    channels, height, width = header.image_shape
    facts = [
        ("recognised as", origin["format"]),
        ("from", ", ".join(f"`{file}`" for file in origin["files"])),
        ("sha-256 of these", f"`{origin['sha256']}`"),
        ("family", f"{header.family}, {header.arguments}"),
        ("networks", ", ".join(parts)),
        ("images", f"{channels} x {height} x {width}"),
        ("prior", str(Prior(**header.prior)) if header.prior else "none: there is no generator"),
        ("batch norm measured on", _calibration(header)),
        ("versions", ", ".join(f"{k} {v}" for k, v in header.versions.items())),
    ]
    lines = [f"# {name}", "", "Trained elsewhere, imported by ganlens.", "", "```", command, "```"]
    lines += ["", "| | |", "| --- | --- |"]
    lines += [f"| {key} | {value} |" for key, value in facts]
    for title, phrases in (("Inferred", origin["inferred"]), ("Assumed", origin["assumed"])):
        if phrases:
            lines += ["", f"## {title}", "", *(f"- {phrase}" for phrase in phrases)]
    if header.prior:
        lines += ["", "## Samples", "", "64 samples of the seeds 0 to 63, not chosen.", ""]
        lines.append("![64 samples](samples.png)")
    return "\n".join([*lines, ""])


def _calibration(header: Header) -> str:
    used = header.calibration
    if not used:
        return "nothing: the file has the statistics"
    return f"{used['latents']:,} latents, {used['images']:,} generated images"
