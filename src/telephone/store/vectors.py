"""Vectors of texts and pictures beside the run: one for each content and embedder, so that nothing is embedded twice.

They are kept as half-precision numbers: that takes half the room and moves a cosine of unit vectors by some 1e-4 at
most, a small part of what a second description of the same picture moves it.
"""

import sqlite3
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from telephone.core.seeds import digest

Vector = NDArray[np.float32]

SEPARATOR = " #"
"""Between an embedder's or judge's name and its fingerprint."""

_KEPT = np.dtype("<f2")


def add_vectors(db: sqlite3.Connection, embedder: str, vectors: Mapping[str, NDArray[np.floating]]) -> None:
    """Writes vectors by content hash, each brought to unit length; one without a direction is kept as nothing."""
    db.execute("INSERT OR IGNORE INTO embedder (name) VALUES (?)", (embedder,))
    db.executemany(
        "INSERT OR REPLACE INTO vector SELECT id, ?2, ?3 FROM embedder WHERE name = ?1",
        [(embedder, sha, _packed(vector)) for sha, vector in vectors.items()],
    )


def read_vectors(rows: Iterable[tuple[str, bytes]]) -> dict[str, Vector]:
    """Returns float32 vectors of unit length by content hash; those without a direction are left out."""
    found = {sha: np.frombuffer(data, _KEPT).astype(np.float32) for sha, data in rows if data}
    return {sha: vector / np.float32(np.linalg.norm(vector)) for sha, vector in found.items()}


def yardstick_of(embedder: str) -> str:
    """Returns the judge under which a run keeps how far apart an embedder finds two tellings of the same thing.

    Args:
        embedder: one of `Run.embedders()`.
    """
    name, _, print_ = embedder.rpartition(SEPARATOR)
    return f"yardstick of {name}{SEPARATOR}{digest('yardstick', 1, print_)}"


def as_kept(vectors: Mapping[str, NDArray[np.floating]]) -> dict[str, Vector]:
    """Returns vectors as they would come back, so that a number is the same before and after they were written."""
    return read_vectors((sha, _packed(vector)) for sha, vector in vectors.items())


def _packed(vector: NDArray[np.floating]) -> bytes:
    whole = np.asarray(vector, dtype=np.float64)
    length = float(np.linalg.norm(whole))
    return (whole / length).astype(_KEPT).tobytes() if np.isfinite(length) and length > 0 else b""
