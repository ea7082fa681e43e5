"""Vectors of texts and images: one for each artefact and embedder, so that nothing is embedded twice.

They are stored in half precision: that takes half the space and changes a cosine of unit vectors by at most about
1e-4, which is far less than the difference between two captions of one image.
"""

import sqlite3
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from telephone.store.checksums import checksum
from telephone.store.records import EmbedderRow

Vector = NDArray[np.float32]

_STORED = np.dtype("<f2")


def add_vectors(db: sqlite3.Connection, embedder: EmbedderRow, vectors: Mapping[str, NDArray[np.floating]]) -> None:
    """Writes vectors by content hash, each scaled to unit length; one without a direction is stored as empty."""
    head = (embedder.name, embedder.fingerprint)
    db.execute(
        "INSERT OR IGNORE INTO embedder (name, fingerprint, checksum) VALUES (?, ?, ?)", (*head, checksum(*head))
    )
    at = db.execute("SELECT id FROM embedder WHERE name = ? AND fingerprint = ?", head).fetchone()[0]
    rows = [(at, sha, _packed(vector)) for sha, vector in vectors.items()]
    db.executemany("INSERT OR REPLACE INTO vector VALUES (?, ?, ?, ?)", [(*row, checksum(*row)) for row in rows])


def read_vectors(rows: Iterable[tuple[str, bytes]]) -> dict[str, Vector]:
    """Returns float32 vectors of unit length by content hash; those without a direction are left out."""
    found = {sha: np.frombuffer(data, _STORED).astype(np.float32) for sha, data in rows if data}
    return {sha: vector / np.float32(np.linalg.norm(vector)) for sha, vector in found.items()}


def read_embedders(db: sqlite3.Connection) -> list[EmbedderRow]:
    """Returns the embedders that have written vectors, the first one first."""
    return [EmbedderRow(*row) for row in db.execute("SELECT name, fingerprint FROM embedder ORDER BY id")]


def as_stored(vectors: Mapping[str, NDArray[np.floating]]) -> dict[str, Vector]:
    """Returns vectors as they are read back, so that a score is the same before and after they were written."""
    return read_vectors((sha, _packed(vector)) for sha, vector in vectors.items())


def _packed(vector: NDArray[np.floating]) -> bytes:
    full = np.asarray(vector, dtype=np.float64)
    length = float(np.linalg.norm(full))
    return (full / length).astype(_STORED).tobytes() if np.isfinite(length) and length > 0 else b""
