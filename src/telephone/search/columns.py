"""Properties of all pictures of a library as arrays, one column at a time; what a filter needs is read and kept.

Rows are in the order of the blocks: immutable segments by number, then the live segment.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from telephone.search.library import Library
from telephone.search.schema import CELLS, FAMILIES, PALETTE


class Columns:
    """The columns of a library at one moment; make a new one when the library has changed."""

    def __init__(self, library: Library) -> None:
        """Reads nothing yet."""
        self.library = library
        self._segments = list(library.segments.values())
        self._live = library.live_properties()
        self._known: dict[str, Any] = {}

    @cached_property
    def ids(self) -> NDArray[np.int64]:
        """The ids of all rows, deleted ones included, [rows]."""
        live = np.array([row["id"] for row in self._live], dtype=np.int64)
        return np.concatenate([*(segment.ids for segment in self._segments), live])

    @cached_property
    def sizes(self) -> list[int]:
        """Rows of each segment, and of the live one if it has any; the same parts as `Library.blocks`."""
        return [segment.rows for segment in self._segments] + ([len(self._live)] if self._live else [])

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Returns a column of numbers, NaN where a picture has none, [rows]."""
        found: NDArray[np.float64] = self._column(name, lambda values: np.array(values, dtype=np.float64))
        return found

    def texts(self, name: str) -> list[str]:
        """Returns a column of texts, empty where a picture has none, [rows]."""
        found: list[str] = self._column(name, lambda values: [value or "" for value in values])
        return found

    def lists(self, name: str) -> list[list[str]]:
        """Returns a column of lists of texts, [rows]."""
        found: list[list[str]] = self._column(name, lambda values: [list(value or ()) for value in values])
        return found

    def hashes(self) -> NDArray[np.uint64]:
        """Returns the perceptual hashes, [rows]."""
        found: NDArray[np.uint64] = self._column(
            "fingerprint", lambda values: np.array([value or 0 for value in values], dtype=np.uint64)
        )
        return found

    def families(self) -> NDArray[np.float32]:
        """Returns the shares of the colour families, [rows, 12]."""
        found: NDArray[np.float32] = self._column("families", lambda values: _matrix(values, len(FAMILIES), 0.0))
        return found

    def free_space(self) -> NDArray[np.float32]:
        """Returns the free share of each cell, [rows, 9]."""
        found: NDArray[np.float32] = self._column("free_space", lambda values: _matrix(values, CELLS, 0.0))
        return found

    def palettes(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Returns palette colours [rows, 8], -1 where there are fewer, and their shares."""
        colours = self._column("palette", lambda values: _matrix(values, PALETTE, -1.0, np.int64))
        return colours, self._column("palette_shares", lambda values: _matrix(values, PALETTE, 0.0))

    def _column(self, name: str, convert: Callable[[Sequence[Any]], Any]) -> Any:
        if name not in self._known:
            values: list[Any] = []
            for segment in self._segments:
                values += segment.column(name).to_pylist()
            values += [row[name] for row in self._live]
            self._known[name] = convert(values)
        return self._known[name]


def _matrix(
    values: Sequence[Sequence[float] | None], width: int, empty: float, kind: type = np.float32
) -> NDArray[Any]:
    """Returns rows of equal length; what is missing at the end of a row is `empty`."""
    found: NDArray[Any] = np.full((len(values), width), empty, dtype=kind)
    for row, value in enumerate(values):
        if value:
            part = list(value)[:width]
            found[row, : len(part)] = part
    return found
