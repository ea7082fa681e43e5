"""Joining rankings of several encoders and of keywords, near-duplicates, and diversity.

Cosines of different encoders have different scales, so rankings are joined by rank: reciprocal rank fusion (Cormack,
Clarke & Büttcher, SIGIR 2009). Diversity is maximal marginal relevance (Carbonell & Goldstein, SIGIR 1998).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RANK_OFFSET = 60
"""`k` of reciprocal rank fusion, the value of the paper: a first place counts 1/61, a second 1/62."""
SAME_BITS = 4
"""Bits of 64 by which the perceptual hashes of near-duplicates differ at most."""
SAME_COSINE = 0.98
"""Cosine that near-duplicates have at least, beside hashes that are alike."""


@dataclass(frozen=True)
class Ranking:
    """Ids in the order of one source, the best first."""

    name: str
    ids: Sequence[int]
    weight: float = 1.0


def fuse_ranks(rankings: Sequence[Ranking], offset: int = RANK_OFFSET) -> list[tuple[int, float]]:
    """Returns all ids with their fused scores, the best first; ids of equal score in ascending order."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for place, key in enumerate(ranking.ids, start=1):
            scores[key] = scores.get(key, 0.0) + ranking.weight / (offset + place)
    return sorted(scores.items(), key=lambda each: (-each[1], each[0]))


def diversify(
    ids: Sequence[int], relevance: NDArray[np.float32], vectors: NDArray[np.float32], diversity: float
) -> list[int]:
    """Returns the ids in the order of maximal marginal relevance.

    Args:
        ids: the best first.
        relevance: [n]; scaled to 0..1 here.
        vectors: of unit length, [n, width].
        diversity: 0 keeps the order, 1 looks only at the distance to what stands before; lambda of the paper is
            1 - diversity.
    """
    if diversity <= 0 or len(ids) < 2:
        return list(ids)
    span = float(relevance.max() - relevance.min()) or 1.0
    scaled = (relevance - relevance.min()) / span
    left = list(range(len(ids)))
    chosen = [left.pop(int(np.argmax(scaled)))]
    nearest = vectors @ vectors[chosen[0]]
    while left:
        gain = (1 - diversity) * scaled[left] - diversity * nearest[left]
        best = left.pop(int(np.argmax(gain)))
        chosen.append(best)
        nearest = np.maximum(nearest, vectors @ vectors[best])
    return [ids[at] for at in chosen]


def fold_duplicates(
    ids: Sequence[int], hashes: Mapping[int, int], vectors: Mapping[int, NDArray[np.float32]]
) -> dict[int, list[int]]:
    """Returns the ids that are shown, in their order, each with the near-duplicates that it stands for.

    Args:
        ids: the best first.
        hashes: perceptual hash by id.
        vectors: of unit length by id; an id without one is judged by its hash alone.
    """
    shown: dict[int, list[int]] = {}
    for key in ids:
        first = next((other for other in shown if _alike(key, other, hashes, vectors)), None)
        if first is None:
            shown[key] = []
        else:
            shown[first].append(key)
    return shown


def _alike(one: int, other: int, hashes: Mapping[int, int], vectors: Mapping[int, NDArray[np.float32]]) -> bool:
    if (hashes[one] ^ hashes[other]).bit_count() > SAME_BITS:
        return False
    if one not in vectors or other not in vectors:
        return True
    return float(vectors[one] @ vectors[other]) >= SAME_COSINE
