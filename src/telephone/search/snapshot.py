"""What a search holds of a library at one moment: vectors, indexes, properties, and the background of its cosines."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from telephone.search.columns import Columns
from telephone.search.ivf import NPROBE, IndexedBlock, SegmentIndex, index_name, nearest_indexed
from telephone.search.library import SEGMENTS, Block, EncoderRow, Library

BACKGROUND = 2048
"""Rows from which mean and spread of a query's cosines are estimated."""
SELECTIVE = 20_000
"""Rows that pass a filter up to which an exact scan of them is faster than an index."""


@dataclass(frozen=True)
class Background:
    """Cosines of one direction with the pictures of a library, whatever they show."""

    mean: float
    spread: float
    """Standard deviation, above 0."""

    def standardised(self, cosine: float) -> float:
        """Returns how many standard deviations a cosine lies above the mean."""
        return (cosine - self.mean) / self.spread


class EncoderView:
    """The vectors of one encoder, with the indexes of its segments."""

    def __init__(self, library: Library, row: EncoderRow) -> None:
        """Maps the vectors, and the indexes that are on the disk.

        Raises:
            StoreDamaged: a segment or an index is not what was written.
        """
        self.row = row
        self.blocks = library.blocks(row)
        self.nprobe = stored_nprobe(library, row)
        self.indexes = [_index(library, row, block) for block in self.blocks]

    @cached_property
    def sample(self) -> NDArray[np.float32]:
        """Rows from all parts of the library, [BACKGROUND at most, width]."""
        alive = [np.flatnonzero(block.alive) for block in self.blocks]
        total = sum(map(len, alive))
        chosen = np.unique(np.linspace(0, max(0, total - 1), min(total, BACKGROUND)).astype(np.int64))
        parts, start = [], 0
        for block, rows in zip(self.blocks, alive, strict=True):
            here = chosen[(chosen >= start) & (chosen < start + len(rows))] - start
            parts.append(block.vectors[rows[here]].astype(np.float32))
            start += len(rows)
        return np.concatenate(parts) if parts else np.zeros((0, self.row.width), dtype=np.float32)

    def background(self, direction: NDArray[np.float32]) -> Background:
        """Returns mean and spread of the cosines of a direction with the sample."""
        if not len(self.sample):
            return Background(0.0, 1.0)
        cosines = self.sample @ direction
        return Background(float(cosines.mean()), max(float(cosines.std()), 1e-3))

    def nearest(
        self, query: NDArray[np.float32], k: int, allowed: dict[int | None, NDArray[np.bool_]] | None, exact: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Returns ids and cosines of the k nearest rows, the nearest first.

        Args:
            query: of unit length, [width].
            k: rows at most.
            allowed: by number of segment (None is the live one) which rows may be found; None for all.
            exact: scan everything, even where there is an index.
        """
        masks = None if allowed is None else [allowed[block.segment] for block in self.blocks]
        parts = []
        for number, (block, index) in enumerate(zip(self.blocks, self.indexes, strict=True)):
            few = masks is not None and int((masks[number] & block.alive).sum()) <= SELECTIVE
            parts.append(IndexedBlock(block, None if exact or few else index))
        found = nearest_indexed(parts, query, k, masks, self.nprobe)
        keep = found.ids[0] >= 0
        return found.ids[0][keep], found.scores[0][keep]

    def vectors_of(self, ids: Sequence[int]) -> dict[int, NDArray[np.float32]]:
        """Returns the vectors of pictures by id; pictures without one of this encoder are left out."""
        wanted = np.unique(np.asarray(ids, dtype=np.int64))
        found: dict[int, NDArray[np.float32]] = {}
        for block in self.blocks:
            at = np.searchsorted(block.ids, wanted)
            at[at == len(block.ids)] = 0
            here = np.flatnonzero(block.ids[at] == wanted) if len(block.ids) else np.zeros(0, dtype=np.int64)
            rows = block.vectors[at[here]].astype(np.float32)
            found |= {int(wanted[place]): row for place, row in zip(here, rows, strict=True)}
        return found


class Snapshot:
    """A library at one moment; make a new one when the library has changed."""

    def __init__(self, library: Library) -> None:
        """Opens nothing yet."""
        self.library = library
        self.columns = Columns(library)
        self.segments: list[int | None] = [*library.segments]
        if len(self.columns.sizes) > len(self.segments):
            self.segments.append(None)
        self._views: dict[int, EncoderView] = {}

    def view(self, row: EncoderRow) -> EncoderView:
        """Returns the vectors of an encoder."""
        if row.number not in self._views:
            self._views[row.number] = EncoderView(self.library, row)
        return self._views[row.number]

    def by_segment(self, mask: NDArray[np.bool_]) -> dict[int | None, NDArray[np.bool_]]:
        """Splits a mask of all rows into those of the segments."""
        bounds = np.cumsum(self.columns.sizes)[:-1]
        return dict(zip(self.segments, np.split(mask, bounds), strict=True))

    @cached_property
    def alive(self) -> NDArray[np.bool_]:
        """Which rows are not deleted, bool [rows]."""
        return ~np.isin(self.columns.ids, self.library.deleted())

    def place(self, key: int) -> int:
        """Returns the row of an id in the columns; -1 if there is none."""
        return self._places.get(key, -1)

    @cached_property
    def _places(self) -> dict[int, int]:
        return {int(key): row for row, key in enumerate(self.columns.ids)}


def stored_nprobe(library: Library, row: EncoderRow) -> int:
    """Returns the number of lists that was chosen for a library, the default if none was."""
    found = library.catalog.one("SELECT value FROM meta WHERE key = ?", f"nprobe:{row.number}")
    return int(found[0]) if found is not None else NPROBE


def _index(library: Library, row: EncoderRow, block: Block) -> SegmentIndex | None:
    if block.segment is None:
        return None
    path = library.folder / SEGMENTS / f"{block.segment:06d}" / index_name(row.number)
    return SegmentIndex(path, len(block.ids)) if path.is_file() else None
