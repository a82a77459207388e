"""Recipe: everything that determines one picture, as plain values.

A picture that ganlens writes carries its recipe in a PNG text chunk; ``render`` draws the identical
pixels from it again (stylegan3's visualizer has the same idea: one value decides a picture).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganlens.edits import EDITS, Edit
from ganlens.errors import GanlensError
from ganlens.latents import Latents, Seeds
from ganlens.recipe.layout import Layout
from ganlens.recipe.pictures import Pictures
from ganlens.recipe.reading import SOURCES, build, check_keys, of_kind, parsed, written

if TYPE_CHECKING:
    from ganlens.subject import Subject
    from ganlens.subject.inputs import ConditionLike

VERSION = 1


@dataclass(frozen=True)
class Recipe:
    """A frozen, JSON-able description of one picture.

    Attributes:
        checkpoint: name of the checkpoint, to find it by.
        hash: sha256 of its weights, to know it by.
        weights: which of its generators drew, "ema" or "raw".
        latents: what to draw, in order: latents, or source pictures.
        edits: what is done to the latents and inside the generator, in order.
        layout: how the pictures are put on one sheet.
        condition: of a conditional model, in words: one for all, or one for each latent;
            empty takes the model's own default.
    """

    checkpoint: str
    hash: str
    latents: Latents | Pictures
    weights: str = "ema"
    edits: tuple[Edit, ...] = ()
    layout: Layout = Layout()  # noqa: RUF009 frozen
    condition: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("checkpoint", "hash", "weights"):
            if not isinstance(getattr(self, name), str):
                raise GanlensError(f"the recipe's {name} {getattr(self, name)!r} must be text")
        conditions = self.condition
        if isinstance(conditions, str) or not all(isinstance(words, str) for words in conditions):
            raise GanlensError(f"the recipe's condition {conditions!r:.60} must be a list of words")
        object.__setattr__(self, "condition", tuple(conditions))
        if self.layout.sources and not isinstance(self.latents, Pictures):
            raise GanlensError(
                "the recipe shows source pictures and draws latents, which have none: leave the"
                " layout's sources out"
            )
        if len(conditions) not in (0, 1, self.latents.count):
            raise GanlensError(
                f"the recipe has {len(conditions)} conditions for {self.latents.count} pictures:"
                " give one for all, or one for each"
            )

    @classmethod
    def of(
        cls,
        subject: "Subject",
        latents: Latents | Pictures,
        *,
        columns: int | None = None,
        padding: int = 2,
        enlargement: int = 1,
        sources: bool = False,
        edits: Sequence[Edit] = (),
        condition: Sequence[str] | None = None,
    ) -> "Recipe":
        """Describe a picture of this subject; by default under its own condition."""
        known = subject.provenance
        if condition is None:
            condition = (known["condition"],) if "condition" in known else ()
        return cls(
            checkpoint=str(known.get("checkpoint", subject.name)),
            hash=known.get("hash") or "",
            weights=str(known.get("weights", "raw")),
            latents=latents,
            edits=tuple(edits),
            layout=Layout(columns, padding, enlargement, sources),
            condition=tuple(condition),
        )

    @classmethod
    def of_samples(
        cls,
        subject: "Subject",
        seeds: Sequence[int],
        condition: "ConditionLike | None" = None,
        **layout: Any,
    ) -> "Recipe":
        """Describe the picture of ``subject.sample(seeds, condition)``; ``layout`` as in ``of``."""
        words = condition_words(subject, seeds, condition)
        if subject.generator is not None:
            return cls.of(subject, Seeds(tuple(seeds)), condition=words, **layout)
        pictures = Pictures.of(subject.sources, tuple(seeds))
        return cls.of(subject, pictures, condition=words, **layout)

    def to_json(self) -> dict[str, Any]:
        """Return JSON-able values, from which ``from_json`` makes an equal recipe."""
        return {
            "version": VERSION,
            "checkpoint": self.checkpoint,
            "hash": self.hash,
            "weights": self.weights,
            "latents": written(self.latents),
            "edits": [written(one) for one in self.edits],
            "layout": self.layout.to_json(),
            **({"condition": list(self.condition)} if self.condition else {}),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any] | str) -> "Recipe":
        """Read what ``to_json`` wrote, as values or as text; nothing unknown is let through.

        Raises:
            GanlensError: no JSON, another version, a missing or unknown key, a value out of range.
        """
        given = parsed(values)
        version = given.pop("version", None)
        if version != VERSION:
            raise GanlensError(
                f"recipe version {version!r} is not known: this ganlens reads version {VERSION}"
            )
        check_keys(cls, given, "the recipe")
        given["latents"] = of_kind(SOURCES, given["latents"], "latents")
        edits = given.get("edits", ())
        if not isinstance(edits, list | tuple):
            raise GanlensError("the recipe's edits must be a list")
        given["edits"] = tuple(of_kind(EDITS, one, "edits") for one in edits)
        given["layout"] = build(Layout, given.get("layout", {}), "layout")
        conditions = given.get("condition", ())
        if not isinstance(conditions, list | tuple):
            raise GanlensError("the recipe's condition must be a list of words")
        return cls(**given)

    def check(self, subject: "Subject") -> None:
        """Raise a GanlensError that says so if this subject is not the one the picture shows."""
        check_subject(subject, self.checkpoint, self.hash, self.weights)


def check_subject(subject: "Subject", checkpoint: str, hash: str, weights: str) -> None:
    """Raise a GanlensError that says what is needed if a subject is another one than named."""
    known = subject.provenance
    hash_ = known.get("hash") or ""
    if hash != hash_ or (not hash_ and checkpoint != subject.name):
        raise GanlensError(
            f"the recipe needs checkpoint {checkpoint!r} with hash {hash[:12] or 'unknown'}, not "
            f"{subject.name!r} with {hash_[:12] or 'unknown'}: load that one"
        )
    if weights != known.get("weights", "raw"):
        raise GanlensError(
            f"the recipe needs the {weights!r} weights of {checkpoint!r}, not the "
            f"{known.get('weights', 'raw')!r} ones: load those"
        )


def condition_words(
    subject: "Subject", seeds: Sequence[int], condition: "ConditionLike | None"
) -> tuple[str, ...]:
    """Return what ``subject.sample`` tells of each seed, in words; nothing if it tells nothing."""
    if subject.condition is None:
        return ()
    if condition is None and subject.is_conditioned:
        condition = str(subject.provenance["condition"])
    if isinstance(condition, str):
        return (condition,)
    rows = subject.condition.sample(seeds) if condition is None else condition
    return tuple(one if isinstance(one, str) else subject.condition.name(one) for one in rows)  # type: ignore[arg-type]
