"""What a checkpoint is: its networks by role, what they map from, and where they come from."""

from typing import TYPE_CHECKING, Any

from ganlens.models.roles import in_order, named
from ganlens.panels import TablePanel

if TYPE_CHECKING:
    from ganlens.models.conditions import Condition
    from ganlens.subject import Subject

MOST_NAMES = 12  # of classes or attributes, written out


def parameters(network: Any) -> int | None:
    """Count the parameters of a network; None of one that shows none, such as an archive."""
    return sum(p.numel() for p in network.parameters()) if hasattr(network, "parameters") else None


def networks_in_words(subject: "Subject") -> str:
    """Say in half a sentence what networks there are: "a generator and a discriminator"."""
    said = [f"{'an' if one[0] in 'aeiou' else 'a'} {one}" if one in subject.roles.values() else one
            for one in named(subject.roles)]  # fmt: skip
    return " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)


def provenance_panel(subject: "Subject") -> TablePanel:
    """Return a table of what a checkpoint is: hash, networks, images, prior, data, steps."""
    facts = subject.provenance
    channels, height, width = subject.image_shape
    kinds = {1: "grey", 3: "colour", 4: "colour and a fourth channel"}
    origin = _origin(facts)
    rows = [
        ("checkpoint", facts.get("checkpoint", subject.name)),
        ("sha-256 of its weights", facts.get("hash")),
        ("family", facts.get("family")),
        *_networks(subject),
        ("images", f"{width} x {height}, {kinds.get(channels, f'{channels} channels')}"),
        ("prior", _prior(subject)),
        ("condition", condition_in_words(subject.condition)),
        ("imported from", origin),
        *_data("trained on", facts.get("data")),
        *_data("second domain (unpaired)", facts.get("others")),
        ("training steps", None if origin else facts.get("step")),  # unknown if imported
        ("weights", _weights(facts.get("weights"))),
    ]
    return TablePanel(
        "What this checkpoint is",
        "The hash identifies the weights: two results with equal hashes are about one network.",
        ("", ""),
        [(name, _grouped(value)) for name, value in rows if value is not None],
    )


def _networks(subject: "Subject") -> list[tuple[str, str]]:
    """Return a row for each role: the networks that play it, by name, and how large they are."""
    rows = []
    for role in dict.fromkeys(subject.roles[name] for name in in_order(subject.roles)):
        names = [name for name in in_order(subject.roles) if subject.roles[name] == role]
        sizes = {name: parameters(subject.networks[name]) for name in names}
        said = [
            (f"{name}, " if name != role else "") + f"{size:,} parameters"
            for name, size in sizes.items()
            if size is not None
        ]
        rows += [(role if len(said) == 1 else f"{role}s", "; ".join(said))] if said else []
    return rows


def _prior(subject: "Subject") -> str | None:
    if subject.generator is None:
        return None
    spans = {"normal": "N(0, 1) each", "uniform": "U(-1, 1) each", "categorical": "one-hot"}
    parts = subject.prior.parts
    if len(parts) == 1:
        return f"{parts[0].dim} latent coordinates, {spans[parts[0].kind]}"
    shown = (f"{part.name}: {part.dim}, {spans[part.kind]}" for part in parts)
    return f"{subject.prior.dim} latent coordinates; {'; '.join(shown)}"


def condition_in_words(condition: "Condition | None") -> str | None:
    """Say what networks are conditioned on: "classes: cat, dog"; None for others."""
    if condition is None:
        return None
    more = len(condition.names) - MOST_NAMES
    rest = f" and {more:,} more" if more > 0 else ""
    return f"{condition.kind}: {', '.join(condition.names[:MOST_NAMES])}{rest}"


def _data(what: str, data: Any) -> list[tuple[str, Any]]:
    if not isinstance(data, dict):
        return [(what, data or None)]
    label = "fingerprint of that data" if what == "trained on" else "fingerprint of these"
    done = "its images" if what == "trained on" else "images of these"
    names = (
        (what, "spec"),
        ("withheld from it", "withheld"),
        (done, "prepared"),
        (label, "fingerprint"),
    )
    return [(name, data.get(key)) for name, key in names]


def _origin(facts: dict[str, Any]) -> str | None:
    origin = (facts.get("made") or {}).get("imported")
    return origin and f"{origin['format']}; assumed: {'; '.join(origin['assumed']) or 'nothing'}"


def _grouped(value: Any) -> str:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return f"{value:,}" if whole else str(value)


def _weights(kind: str | None) -> str | None:
    names = {"ema": "moving average over training (EMA)", "raw": "as of the last step, no average"}
    return names.get(kind or "", kind)
