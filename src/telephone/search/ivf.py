"""Approximate search in a large segment: an inverted file with 8-bit codes (faiss), then exact cosines of candidates.

Sivic & Zisserman 2003 (inverted lists of a coarse quantiser), Douze et al. 2024, arXiv 2401.08281 (faiss). The codes
only choose candidates: their cosines are computed again from the float16 rows, so scores are those of the exact scan.
Queries in words lie outside the distribution of pictures, which costs recall at equal effort, so the number of lists
that are visited (`nprobe`) is to be chosen on queries in words (`choose_nprobe`).
"""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from telephone.core.errors import UsageError
from telephone.search.catalog import damaged
from telephone.search.exact import BLOCK, Nearest, join, nearest
from telephone.search.library import Block

SMALLEST = 50_000
"""Rows from which a segment is worth an index; below, the exact scan takes a few milliseconds."""
SAMPLE = 64
"""Rows a list from which the centroids are computed."""
ITERATIONS = 8
"""Of k-means."""
RERANKED = 200
"""Candidates whose exact cosines are computed, or 10 k if that is more."""
NPROBE = 256
"""Lists that are visited, where none has been chosen on queries."""


def index_name(encoder: int) -> str:
    """Returns the file name of the index of an encoder in a segment."""
    return f"index-{encoder}.faiss"


def faiss() -> Any:
    """Returns the library.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import faiss as module
    except ImportError as error:
        raise UsageError(
            "Indexes of large libraries need faiss: run `pip install 'ai-telephone[search]'`, or search exactly."
        ) from error
    return module


def list_count(rows: int) -> int:
    """Returns the number of inverted lists for so many rows: a power of two near 4 sqrt(n)."""
    return int(2 ** round(math.log2(max(1.0, 4 * math.sqrt(rows)))))


def build(vectors: NDArray[np.float16], path: Path, seed: int = 0) -> None:
    """Builds the index of a segment and writes it; on the disk when the function returns.

    Args:
        vectors: [rows, width], of unit length.
        path: of the file; written under a temporary name first.
        seed: of the sample and of k-means.

    Raises:
        UsageError: faiss is not installed.
    """
    library = faiss()
    rows, width = vectors.shape
    lists = max(1, min(list_count(rows), rows // 39 or 1))  # k-means wants 39 points a centroid
    quantizer = library.IndexFlatIP(width)
    index = library.IndexIVFScalarQuantizer(
        quantizer, width, lists, library.ScalarQuantizer.QT_8bit, library.METRIC_INNER_PRODUCT
    )
    index.cp.niter, index.cp.seed = ITERATIONS, seed
    chosen = np.sort(np.random.default_rng(seed).permutation(rows)[: SAMPLE * lists])
    index.train(np.ascontiguousarray(vectors[chosen], dtype=np.float32))
    for start in range(0, rows, BLOCK):
        part = np.ascontiguousarray(vectors[start : start + BLOCK], dtype=np.float32)
        index.add_with_ids(part, np.arange(start, start + len(part)))
    temporary = path.with_suffix(".tmp")
    library.write_index(index, str(temporary))
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(temporary, path)


class SegmentIndex:
    """An index on the disk; its lists are mapped into memory."""

    def __init__(self, path: Path, rows: int) -> None:
        """Opens it.

        Raises:
            UsageError: faiss is not installed.
            StoreDamaged: the file is no index of a segment of this size.
        """
        library = faiss()
        try:
            self.index = library.read_index(str(path), library.IO_FLAG_MMAP)
        except RuntimeError as error:
            raise damaged(path, "it is no index") from error
        if self.index.ntotal != rows:
            raise damaged(path, f"it has {self.index.ntotal} rows, not {rows}")
        # Lists are spread over the threads of one query: 1.7 times as fast for single queries on two cores.
        self.index.parallel_mode = 1

    def candidates(
        self, query: NDArray[np.float32], count: int, nprobe: int, keep: NDArray[np.bool_] | None
    ) -> NDArray[np.int64]:
        """Returns the rows that are likely to be nearest, at most `count`, of those that may be found.

        Args:
            query: [width]
            count: rows at most.
            nprobe: lists that are visited.
            keep: which rows may be found, bool [rows]; None for all.
        """
        library = faiss()
        parameters = library.SearchParametersIVF(nprobe=min(nprobe, self.index.nlist))
        if keep is not None:
            bits = np.packbits(keep, bitorder="little")
            selector = library.IDSelectorBitmap(len(keep), library.swig_ptr(bits))
            parameters.sel = selector
        _, rows = self.index.search(np.ascontiguousarray(query[None]), count, params=parameters)
        found = rows[0]
        return np.asarray(found[found >= 0], dtype=np.int64)


@dataclass(frozen=True)
class IndexedBlock:
    """Rows of a segment, with an index if it has one."""

    block: Block
    index: SegmentIndex | None = None


def nearest_indexed(
    blocks: Sequence[IndexedBlock],
    query: NDArray[np.float32],
    k: int,
    allowed: Sequence[NDArray[np.bool_] | None] | None = None,
    nprobe: int = NPROBE,
) -> Nearest:
    """Returns the k nearest rows of one query [width]: through the indexes where there are some, exactly elsewhere."""
    exact = [number for number, each in enumerate(blocks) if each.index is None]
    chosen = None if allowed is None else [allowed[number] for number in exact]
    found = nearest([blocks[number].block for number in exact], query[None], k, chosen)
    for number, each in enumerate(blocks):
        if each.index is None:
            continue
        mask = None if allowed is None else allowed[number]
        keep = each.block.alive if mask is None else each.block.alive & mask
        rows = each.index.candidates(query, max(RERANKED, 10 * k), nprobe, None if keep.all() else keep)
        if len(rows):
            scores = query[None] @ each.block.vectors[np.sort(rows)].astype(np.float32).T
            found = join(found, each.block.ids[np.sort(rows)], scores, k)
    return found


def recall(found: Nearest, exact: Nearest) -> float:
    """Returns the share of the exact neighbours that were found, 0 to 1; NaN if there are none."""
    hits = total = 0
    for one, other in zip(found.ids, exact.ids, strict=True):
        wanted = set(other[other >= 0].tolist())
        hits, total = hits + len(wanted & set(one.tolist())), total + len(wanted)
    return hits / total if total else math.nan


def choose_nprobe(
    blocks: Sequence[IndexedBlock], queries: NDArray[np.float32], k: int = 10, wanted: float = 0.98
) -> tuple[int, float]:
    """Returns the smallest number of lists with which queries reach a recall, and this recall.

    Args:
        blocks: all rows of a library.
        queries: [n, width]; words, if the library is searched by words.
        k: neighbours.
        wanted: share of the exact neighbours, 0 to 1. If no number reaches it, the largest is returned.
    """
    truth = nearest([each.block for each in blocks], queries, k)
    most = max((each.index.index.nlist for each in blocks if each.index is not None), default=1)
    nprobe, reached = 1, 0.0
    while True:
        parts = [nearest_indexed(blocks, query, k, None, nprobe) for query in queries]
        made = Nearest(np.concatenate([each.ids for each in parts]), np.concatenate([each.scores for each in parts]))
        reached = recall(made, truth)
        if reached >= wanted or nprobe >= most:
            return nprobe, reached
        nprobe = min(2 * nprobe, most)
