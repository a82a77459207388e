"""card.md of a classifier: what it reads, how well, and how it was made."""

from collections.abc import Iterator, Mapping
from typing import Any

from ganlens.checkpoints import Header


def card(name: str, header: Header, weights: int) -> str:
    """Write the card of a classifier as Markdown.

    Args:
        name: what the checkpoint is called.
        header: its header; ``made`` may hold "command", "seconds", "machine" and "device".
        weights: how many it has.
    """
    lines = [f"# {name}", "", "A classifier trained by ganlens on real images only.", ""]
    if command := header.made.get("command"):
        lines += ["```", str(command), "```", ""]
    lines += ["| | |", "| --- | --- |"]
    lines += [f"| {key} | {value} |" for key, value in _facts(header, weights)]
    return "\n".join([*lines, "", *_accuracies(header.metrics), *_confusions(header.metrics), ""])


def _facts(header: Header, weights: int) -> Iterator[tuple[str, str]]:
    arguments, data, made, training = header.arguments, header.data, header.made, header.training
    shape = f"{arguments['size']}x{arguments['size']} px, width {arguments['width']}"
    yield "family", f"{header.family}, {shape}, depth {arguments['depth']}, {weights:,} weights"
    yield "trained on", f"{data['spec']}: {data['n']:,} images, train"
    yield "judged on", f"{data['spec']}: {header.metrics['n']:,} images, test"
    yield "split", data["split"]
    if done := data.get("prepared"):
        yield "its images", done
    if shared := data.get("shared"):
        yield "beware", shared
    yield "data fingerprint", f"`{data['fingerprint']}`"
    yield "steps", f"{header.step:,} ({training['epochs']} epochs)"
    yield "settings", ", ".join(f"{k} {v}" for k, v in training.items())
    if "train_accuracy" in header.metrics:
        yield "right while it was learned", _percent(header.metrics["train_accuracy"])
    if "seconds" in made:
        yield "training time", f"{made['seconds']:,.0f} seconds"
    for name in ("machine", "device"):
        if name in made:
            yield name, made[name]
    yield "versions", ", ".join(f"{k} {v}" for k, v in header.versions.items())


def _accuracies(metrics: Mapping[str, Any]) -> list[str]:
    lines = [
        "| target | right on held-out images | always the commonest |",
        "| --- | ---: | ---: |",
    ]
    lines += [
        f"| {name} | {_percent(share)} | {_percent(metrics['majority'][name])} |"
        for name, share in metrics["accuracies"].items()
    ]
    if metrics["correlations"]:
        lines += [
            "",
            "| number | correlation with the truth on held-out images |",
            "| --- | ---: |",
        ]
    for name, value in metrics["correlations"].items():
        lines.append(f"| {name} | {'unknown' if value is None else f'{value:.3f}'} |")
    return lines


def _confusions(metrics: Mapping[str, Any]) -> list[str]:
    rows = [
        f"| {name} | {true} | {other} | {_percent(share)} |"
        for name, mistakes in metrics["confusions"].items()
        for true, other, share in mistakes
    ]
    if not rows:
        return []
    title = ["", "The commonest mistakes, as a share of the held-out images of the true class:", ""]
    head = ["| target | true | read as | share |", "| --- | --- | --- | ---: |"]
    return [*title, *head, *rows]


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{share:.1%}".replace("%", " %")
