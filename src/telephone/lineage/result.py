"""What an operation of the DALL-E family returns: pictures in strips, measures with intervals, and a verdict.

Plain data: the page, the sheets and the JSON of the command line are made from it.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from PIL import Image

from telephone.world import Scene


class Verdict(StrEnum):
    """Whether the paper's claim is seen at pocket size."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNDECIDED = "not decided"
    """The interval contains both answers: more prompts or pictures are needed."""
    IMPOSSIBLE = "cannot be shown here"
    """The pocket world or the pocket weights lack what the claim is about; the reason says what."""


@dataclass(frozen=True)
class Cell:
    """One picture of a strip."""

    image: Image.Image
    """RGB, any size."""
    title: str
    """A short title above the picture, such as `eta 0.5`."""
    scene: Scene | None = None
    """What the reader sees in the picture; None if it was not read."""
    note: str = ""
    """A line below the picture, such as a score."""


@dataclass(frozen=True)
class Strip:
    """A row of pictures that belong together."""

    cells: tuple[Cell, ...]
    title: str = ""
    """What the row shows, such as its prompt."""
    truth: Scene | None = None
    """The scene that the reading of every cell is compared with; None compares with the first cell that was read."""


@dataclass(frozen=True)
class Estimate:
    """One number with its interval."""

    name: str
    """What is measured, such as `facts kept, eta 0.5`."""
    value: float | None
    """None if it could not be measured; `note` then says why."""
    low: float | None = None
    """Lower end of the interval of 95 %; None if there are too few items for one."""
    high: float | None = None
    n: int = 0
    """Independent items: prompts, pictures or scenes."""
    unit: str = ""
    """`share` (0 to 1, shown in percent), `dB`, `cosine`, `s`, or empty."""
    note: str = ""


@dataclass(frozen=True)
class OperationResult:
    """What one operation gave."""

    operation: str
    """Name of the operation, which is also its sub-command."""
    verdict: Verdict
    reason: str
    """One sentence: why the verdict, with the figures that decide it."""
    measures: tuple[Estimate, ...]
    """The first one is shown on top; the others in a table."""
    strips: tuple[Strip, ...] = ()
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Rows of plain values by title, such as a curve or a grid.

    Rows whose first column is a number with at least three different values are drawn as curves over it: one for each
    value of a column of texts if there is one, else one for each further column of numbers; the columns `low` and
    `high` are the bounds of the first. Values are shares where the title or the column says facts, share or accuracy.
    Other rows are shown as a table."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Further files by name, such as `drawing.svg` or `film.webp`; `--out` writes the one with the same ending."""
    command: str = ""
    """The command that repeats the operation."""
    seconds: float = 0.0
    """Wall-clock seconds of the operation, without loading of weights."""
    notes: tuple[str, ...] = ()
    """Reservations that the reader must know, each one sentence."""
