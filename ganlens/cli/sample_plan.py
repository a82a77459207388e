"""The plan of ``ganlens sample``: which samples, of what, on which condition, and their recipe."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ganlens.data import ImageSet
from ganlens.edits import Edit
from ganlens.errors import GanlensError
from ganlens.latents import Seeds
from ganlens.models.prior import check_seed
from ganlens.recipe import Layout, Pictures, Recipe, condition_words, source_role
from ganlens.subject import Subject, is_conditional

PART = 256  # samples drawn at a time


@dataclass(frozen=True)
class Plan:
    """What is drawn.

    Attributes:
        subject: the model.
        rows: seeds, or rows of the pictures.
        pictures: what is translated or reconstructed; None where latents are drawn.
        network: name of the translator; empty takes the first.
        edits: of the latents, and inside the generator.
        conditions: in words: one for all, or one for each row; None for what each seed draws.
        layout: of the sheet.
    """

    subject: Subject
    rows: range
    pictures: ImageSet | None = None
    network: str = ""
    edits: tuple[Edit, ...] = ()
    conditions: tuple[str, ...] | None = None
    layout: Layout = Layout()  # noqa: RUF009 frozen

    @property
    def words(self) -> str:
        """The plan for a reader: "8 samples of NAME, seeds 0 to 7"."""
        first, last, name = self.rows[0], self.rows[-1], self.subject.name
        under = (
            f", condition {' | '.join(dict.fromkeys(self.conditions))}" if self.conditions else ""
        )
        if self.pictures is None:
            return f"{len(self.rows)} samples of {name}, seeds {first} to {last}{under}"
        done = f"translations by {self.network or name}"
        if source_role(self.subject, self.network) == "encoder":
            done = f"reconstructions by {name}"
        of = f"{self.pictures.spec} ({self.pictures.split}, {len(self.pictures):,} pictures)"
        return f"{len(self.rows)} {done} of {of}, rows {first} to {last}{under}"

    def recipe(self, rows: range, layout: Layout) -> Recipe:
        """Return the recipe of some of its rows."""
        if self.pictures is None:
            latents: Seeds | Pictures = Seeds(tuple(rows))
        else:
            latents = Pictures.of(self.pictures, tuple(rows), self.network)
        conditions = self._conditions(rows)
        recipe = Recipe.of(self.subject, latents, edits=self.edits, condition=conditions)
        return replace(recipe, layout=layout)

    def parts(self) -> Iterator[range]:
        """Yield all rows, some at a time."""
        for first in range(0, len(self.rows), PART):
            yield self.rows[first : first + PART]

    def _conditions(self, rows: range) -> tuple[str, ...]:
        if self.conditions is None:
            return condition_words(self.subject, rows, None)
        if len(self.conditions) < 2:
            return self.conditions
        first = self.rows.index(rows[0])
        return self.conditions[first : first + len(rows)]


def per_picture(
    plan: Plan, words: Sequence[str], columns: int | None
) -> tuple[tuple[str, ...] | None, int | None]:
    """Return conditions as a plan holds them, and the columns of the sheet.

    Args:
        plan: what is drawn.
        words: what was asked for: nothing, one condition, or one for each row or picture.
        columns: samples per row, if they were asked for; else conditions of rows decide them.

    Raises:
        GanlensError: unknown words, or a number of conditions that fits neither.
    """
    for edge in (plan.rows[0], plan.rows[-1]):
        check_seed(edge)
    subject, count = plan.subject, len(plan.rows)
    conditions = tuple(str(subject.with_condition(one).provenance["condition"]) for one in words)
    if not conditions:
        return _untold(plan), columns
    if len(conditions) in (1, count):
        return conditions, columns
    rows = len(conditions)
    across = count // rows if columns is None else columns
    if -(-count // max(across, 1)) != rows or (columns is None and count % rows):
        raise GanlensError(
            f"{rows} conditions fit no {count} samples: give one for all, one for each sample,"
            f" or one for each row (--n {rows * 8} --columns 8)"
        )
    return tuple(conditions[index // across] for index in range(count)), across


def _untold(plan: Plan) -> tuple[str, ...] | None:
    """Return the conditions where none are given: nothing, or (None) what each seed draws."""
    subject, takes = plan.subject, ""
    if plan.pictures is not None:
        takes = source_role(subject, plan.network)
    draws = plan.network or ("translator" if takes == "translator" else "generator")
    if not is_conditional(subject.network(draws)):
        return ()
    if takes == "encoder":
        raise GanlensError(
            f"{subject.name} draws pictures again under a condition: add --condition WORDS"
        )
    return None
