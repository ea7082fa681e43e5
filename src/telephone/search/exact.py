"""Exact nearest neighbours by a scan in blocks: float16 rows from the disk, products in float32.

Products in half precision would be slower on most CPUs and lose neighbours to rounding: ten rows of a million often
differ in the fourth decimal place.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telephone.search.library import Block

BLOCK = 16384
"""Rows that are converted to float32 at once: 32 MiB at 512 numbers a row."""

_MANY = 1 << 20
"""Numbers from which a conversion is left to torch, which takes long to import."""


@dataclass(frozen=True)
class Nearest:
    """The nearest rows of each query, the nearest first; fewer than were asked for are filled with id -1."""

    ids: NDArray[np.int64]
    """[queries, k]"""
    scores: NDArray[np.float32]
    """Cosines [queries, k]; -inf where there is no row."""


def nearest(
    blocks: Iterable[Block],
    queries: NDArray[np.float32],
    k: int,
    allowed: Sequence[NDArray[np.bool_] | None] | None = None,
) -> Nearest:
    """Returns the k rows with the greatest cosines; rows of equal cosine in the order of their ids.

    Args:
        blocks: rows of unit length.
        queries: [queries, width], of unit length.
        k: rows a query, at least 1.
        allowed: for each block the rows that pass a filter, None for all.
    """
    found = Nearest(
        np.full((len(queries), k), -1, dtype=np.int64), np.full((len(queries), k), -np.inf, dtype=np.float32)
    )
    for number, block in enumerate(blocks):
        passing = None if allowed is None else allowed[number]
        keep = block.alive if passing is None else block.alive & passing
        if keep.any():
            found = _scan(block, keep, queries, k, found)
    return found


def _scan(block: Block, keep: NDArray[np.bool_], queries: NDArray[np.float32], k: int, found: Nearest) -> Nearest:
    rows = np.flatnonzero(keep) if keep.mean() < 0.5 else None
    total = len(block.ids) if rows is None else len(rows)
    for start in range(0, total, BLOCK):
        at = np.arange(start, min(start + BLOCK, total)) if rows is None else rows[start : start + BLOCK]
        part = block.vectors[start : start + BLOCK] if rows is None else block.vectors[at]
        scores = queries @ as_float32(part).T
        if rows is None:
            scores[:, ~keep[start : start + BLOCK]] = -np.inf
        found = join(found, block.ids[at], scores, k)
    return found


def as_float32(rows: NDArray[np.float16]) -> NDArray[np.float32]:
    """Returns rows in single precision; large parts by torch, whose conversion is several times as fast as NumPy's."""
    if rows.size < _MANY:
        return rows.astype(np.float32)
    import torch

    converted: NDArray[np.float32] = torch.from_numpy(np.array(rows)).float().numpy()
    return converted


def join(found: Nearest, ids: NDArray[np.int64], scores: NDArray[np.float32], k: int) -> Nearest:
    """Returns the k best of what was found and of new rows.

    Args:
        found: so far.
        ids: of the new rows, [rows].
        scores: cosines [queries, rows]; -inf for rows that may not be found.
        k: rows a query.
    """
    if scores.shape[1] > k:
        # Rows that tie with the k-th one may be dropped here in any order; those that stay are ordered below.
        best = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        scores, ids_of = np.take_along_axis(scores, best, axis=1), ids[best]
    else:
        ids_of = np.broadcast_to(ids, scores.shape)
    every_score = np.concatenate([found.scores, scores], axis=1)
    every_id = np.concatenate([found.ids, np.where(np.isfinite(scores), ids_of, -1)], axis=1)
    order = np.lexsort((every_id, -every_score), axis=1)[:, :k]
    return Nearest(np.take_along_axis(every_id, order, axis=1), np.take_along_axis(every_score, order, axis=1))
