"""What one encoder finds for a query: the direction that is searched, and the standardised scores of candidates."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from telephone.core.errors import UsageError
from telephone.search.query_parts import ReadPart
from telephone.search.snapshot import Background, EncoderView


@dataclass(frozen=True)
class EncoderAnswer:
    """What one encoder found."""

    view: EncoderView
    parts: list[ReadPart]
    backgrounds: list[Background]
    ids: list[int]
    """The best first."""
    scores: dict[int, float]
    """Standardised, by id."""


def direction_of(parts: Sequence[ReadPart], backgrounds: Sequence[Background], negative: bool) -> NDArray[np.float32]:
    """Returns the unit vector whose cosines order pictures as the sum of the standardised parts does.

    Args:
        parts: of the query, with their vectors.
        backgrounds: of the parts.
        negative: also take off what is not wanted.

    Raises:
        UsageError: the parts cancel each other.
    """
    chosen = [
        np.float32(read.part.weight / background.spread) * read.vector
        for read, background in zip(parts, backgrounds, strict=True)
        if negative or read.part.weight > 0
    ]
    total = np.sum(chosen, axis=0, dtype=np.float32)
    length = float(np.linalg.norm(total))
    if length < 1e-6:
        raise UsageError("The parts of the query cancel each other: change their weights.")
    return np.asarray(total / np.float32(length), dtype=np.float32)


def scores_of(
    vectors: dict[int, NDArray[np.float32]], parts: Sequence[ReadPart], backgrounds: Sequence[Background]
) -> dict[int, float]:
    """Returns the standardised score of each candidate."""
    if not vectors:
        return {}
    rows = np.stack(list(vectors.values()))
    total = np.zeros(len(rows), dtype=np.float32)
    for read, background in zip(parts, backgrounds, strict=True):
        above = (rows @ read.vector - background.mean) / background.spread
        total += read.part.weight * (above if read.part.weight > 0 else np.maximum(above, 0))
    return dict(zip(vectors, total.tolist(), strict=True))
