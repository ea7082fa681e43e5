"""Measures what the distances of an embedder mean: its calibrated similarity, from known rewordings and losses."""

from collections.abc import Sequence

import numpy as np

from telephone.core.errors import ModelError
from telephone.judge.known_losses import KnownPair, known_pairs
from telephone.judge.readability import is_readable
from telephone.judge.scorer import Progress, named
from telephone.judge.vectors import Vectors, text_hash
from telephone.models import Embedder, name_of
from telephone.store.similarity_calibration import (
    REWORDED_SHARE,
    Floats,
    SimilarityCalibration,
    fit,
    quantiles,
)

SCENES = 300
"""Scenes of each language."""
HALF = 0.5
"""Texts that keep less than this share of the facts are the fourth group of `SimilarityCalibration`."""
_READABLE = 0.95
"""Share of a language's texts that a judge must read for the language to count."""


def calibrate(embedder: Embedder, scenes: int = SCENES, progress: Progress | None = None) -> SimilarityCalibration:
    """Returns the calibration of an embedder, over all languages of the pocket world that it reads.

    The end of the plateau is the distance that 95 % of the rewordings do not exceed, for the two wordings that are
    farthest apart in any language: two models with habits of wording are then not distinguished.

    Args:
        embedder: embeds texts.
        scenes: number of sampled scenes of each language.
        progress: receives the progress.

    Raises:
        ModelError: the embedder does not return vectors, or reads no language of the pocket world.
        WeightsError: its weights are missing.
    """
    measured: dict[str, tuple[list[KnownPair], Floats]] = {}
    vectors = Vectors(embedder)
    for lang in ("en", "zh"):
        pairs = known_pairs(scenes, lang)
        if _reads(embedder, pairs):
            texts = dict.fromkeys(text for pair in pairs for text in (pair.reference, pair.text))
            vectors.add_texts(texts, named(f"calibration of {name_of(embedder)}", progress))
            measured[lang] = _measured(vectors, pairs)
    if not measured:
        raise ModelError(f"{name_of(embedder)} reads neither English nor Chinese texts of the pocket world.")
    pairs = [pair for known, _ in measured.values() for pair in known]
    distances = np.concatenate([found for _, found in measured.values()])
    end = max(_farthest_wordings(known, found) for known, found in measured.values())
    curve = fit(distances, np.array([pair.kept for pair in pairs]), round(end, 5))
    lost, kept = np.array([pair.lost for pair in pairs]), np.array([pair.kept for pair in pairs])
    groups = [*(lost == number for number in range(3)), kept < HALF]
    by_loss = [quantiles(distances[group]) for group in groups]
    fingerprint = embedder.traits().fingerprint
    return SimilarityCalibration(vectors.row.name, fingerprint, tuple(measured), len(pairs), *curve, *by_loss)


def _reads(embedder: Embedder, pairs: Sequence[KnownPair]) -> bool:
    """A judge that does not state its pieces is taken to read English alone."""
    pieces = [embedder.pieces(pair.reference) for pair in pairs]
    if any(each is None for each in pieces):
        return pairs[0].reference.isascii()
    return bool(np.mean([is_readable(each) for each in pieces]) >= _READABLE)


def _measured(vectors: Vectors, pairs: Sequence[KnownPair]) -> tuple[list[KnownPair], Floats]:
    """Returns the pairs that have a distance, with it."""
    found = [(pair, vectors.distance(text_hash(pair.reference), text_hash(pair.text))) for pair in pairs]
    known = [(pair, at) for pair, at in found if at is not None]
    return [pair for pair, _ in known], np.array([at for _, at in known], dtype=np.float64)


def _farthest_wordings(pairs: Sequence[KnownPair], distances: Floats) -> float:
    """Returns the quantile of the distances between two wordings, of the two that are farthest apart."""
    by_wordings: dict[tuple[str, str], list[float]] = {}
    for pair, distance in zip(pairs, distances, strict=True):
        if pair.lost == 0:
            by_wordings.setdefault(pair.wordings, []).append(float(distance))
    return max(float(np.quantile(found, REWORDED_SHARE)) for found in by_wordings.values())
