"""How rows of an output depend on rows of an input; columns are alike."""

from dataclasses import dataclass

Shape = tuple[int, int, int]
Rows = tuple[tuple[int, int] | None, ...]  # first row and row after the last; None sees nothing


@dataclass(frozen=True)
class Same:
    """Every position depends on itself alone."""


@dataclass(frozen=True)
class Everything:
    """Every position depends on all positions."""


@dataclass(frozen=True)
class Window:
    """A convolution or pooling: row i depends on rows i s - p ... i s - p + (k - 1) d."""

    kernel: int
    stride: int
    padding: int
    dilation: int


@dataclass(frozen=True)
class Stamp:
    """A transposed convolution: row i reaches rows i s - p ... i s - p + (k - 1) d."""

    kernel: int
    stride: int
    padding: int
    dilation: int


@dataclass(frozen=True)
class Resampled:
    """Any other function of rows: ``rows`` says which ones each output row depends on."""

    rows: Rows
    nearest: bool = False


@dataclass(frozen=True)
class Reshaped:
    """The same numbers in another shape."""


@dataclass(frozen=True)
class Unknown:
    """A function whose rows are not known, and the sentence that says so."""

    reason: str


Rule = Same | Everything | Window | Stamp | Resampled | Reshaped | Unknown
