"""Keeping a library fast: merging segments, building indexes, and checking what they find against the exact scan."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telephone.core.errors import UsageError
from telephone.models import Embedder
from telephone.search.exact import nearest
from telephone.search.ivf import SMALLEST, IndexedBlock, build, choose_nprobe, index_name, recall
from telephone.search.library import SEGMENTS, EncoderRow, Library
from telephone.search.snapshot import EncoderView

WANTED = 0.97
"""Recall that queries in words shall reach."""


@dataclass(frozen=True)
class MergeResult:
    """What a merge changed."""

    segments: int
    """Afterwards."""
    dropped: int
    """Deleted rows that are gone from the disk."""
    indexes: tuple[str, ...]
    """Encoders and segments of which an index was built."""


@dataclass(frozen=True)
class RecallCheck:
    """What the indexes of one encoder find, against the exact scan."""

    encoder: str
    queries: int
    nprobe: int
    """Lists that are visited in each segment; it is stored and holds for all further queries."""
    recall: float
    """Share of the 10 exact neighbours that are found, 0 to 1."""
    advice: str


@dataclass(frozen=True)
class LibraryStats:
    """What is in a library."""

    pictures: int
    broken: int
    deleted: int
    """Rows of segments that are not found any more and take space until a merge."""
    live: int
    segments: tuple[int, ...]
    """Rows of each immutable segment."""
    encoders: tuple[EncoderRow, ...]
    indexed: int
    """Rows that are searched through an index, of the first encoder."""
    megabytes: float
    """On the disk."""


def merge(library: Library, smallest: int = SMALLEST, progress: Callable[[str], None] | None = None) -> MergeResult:
    """Makes one segment of all, without deleted rows, and builds indexes of what is large enough.

    Args:
        library: open, not being written by another process.
        smallest: rows from which a segment gets an index.
        progress: called with what is being done.

    Raises:
        UsageError: a segment needs an index and faiss is not installed.
        StoreError: another process writes, or the disk is full.
    """
    tell = progress or (lambda step: None)
    with library.writing():
        dropped = len(library.deleted())
        if library.live_properties():
            tell("sealing the live segment")
            library.seal()
        if len(library.segments) > 1 or dropped:
            tell(f"merging {len(library.segments)} segments")
            library.merge(list(library.segments))
        return MergeResult(len(library.segments), dropped, tuple(_build_indexes(library, smallest, tell)))


def _build_indexes(library: Library, smallest: int, tell: Callable[[str], None]) -> list[str]:
    built = []
    for number, segment in library.segments.items():
        for row in library.encoders:
            path = library.folder / SEGMENTS / f"{number:06d}" / index_name(row.number)
            vectors = segment.vectors(row.number, row.width)
            if vectors is None or segment.rows < smallest or path.exists():
                continue
            tell(f"building the index of {row.ref}: {segment.rows:,} pictures")
            build(np.asarray(vectors), path)
            built.append(f"{row.ref} in segment {number}")
    return built


def check_recall(
    library: Library, row: EncoderRow, queries: NDArray[np.float32], wanted: float = WANTED
) -> RecallCheck:
    """Compares the indexes of an encoder with the exact scan, and stores how many lists must be visited.

    Args:
        library: open.
        row: the encoder.
        queries: vectors of queries as they are asked, [n, width]: words, if the library is searched by words.
        wanted: recall.

    Raises:
        UsageError: there are no queries.
    """
    if not len(queries):
        raise UsageError("A check needs queries: give a file with one query a line.")
    view = EncoderView(library, row)
    blocks = [IndexedBlock(block, index) for block, index in zip(view.blocks, view.indexes, strict=True)]
    if not any(view.indexes):
        exact = nearest(view.blocks, queries, 10)
        rows = sum(len(block.ids) for block in view.blocks)
        advice = "Everything is scanned exactly."
        if rows >= SMALLEST:
            advice += " Run `telephone search merge` to build indexes, which answer faster."
        return RecallCheck(row.ref, len(queries), 0, recall(exact, exact), advice)
    nprobe, reached = choose_nprobe(blocks, queries, 10, wanted)
    with library.catalog.transaction() as db:
        db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (f"nprobe:{row.number}", str(nprobe)))
    good = not math.isnan(reached) and reached >= wanted
    advice = "Nothing to change." if good else "Not even all lists reach it: search with --exact, or merge again."
    return RecallCheck(row.ref, len(queries), nprobe, reached, advice)


def query_vectors(model: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
    """Returns the vectors of queries in words, [n, width]; empty lines are left out."""
    kept = [text.strip() for text in texts if text.strip()]
    if not kept:
        raise UsageError("The file of queries is empty: write one query a line.")
    return np.asarray(model.embed_texts(kept), dtype=np.float32)


def stats(library: Library) -> LibraryStats:
    """Returns what is in a library."""
    rows = library.encoders
    segments = library.segments
    folders = [library.folder / SEGMENTS / f"{number:06d}" for number in segments]
    indexed = 0
    if rows:
        indexed = sum(
            segment.rows
            for segment, folder in zip(segments.values(), folders, strict=True)
            if (folder / index_name(rows[0].number)).is_file()
        )
    files = [path for path in library.folder.rglob("*") if path.is_file()]
    return LibraryStats(
        library.count(), len(library.broken()), len(library.deleted()), len(library.live_properties()),
        tuple(segment.rows for segment in segments.values()), tuple(rows), indexed,
        sum(path.stat().st_size for path in files) / 1e6,
    )  # fmt: skip
