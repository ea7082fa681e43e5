"""Vectors for judges: each distinct text and picture goes through an embedder once, and the run keeps what came out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from telephone.core.errors import ModelError
from telephone.core.images import content_hash, decode
from telephone.core.records import Kind
from telephone.models import Embedder, name_of
from telephone.store import EmbedderRow, Run
from telephone.store.vectors import as_stored

CHUNK = 256
"""Texts that are embedded before their vectors are written: what a kill can cost."""
PICTURES = 64
"""The same for pictures."""

Vector = NDArray[np.floating]
Told = Callable[[int, int], None]
"""Is told how many are done, and of how many; once at the start, once a chunk."""


@dataclass
class Vectors:
    """What an embedder makes of contents, by content hash; kept in the run if there is one."""

    embedder: Embedder
    run: Run | None = None
    known: dict[str, Vector] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    """Hashes of everything that was embedded, also of what has no direction and so no vector."""

    def __post_init__(self) -> None:
        """Fetches what the run has."""
        if self.run is not None:
            self.known |= self.run.vectors(self.row)
            self.seen |= self.run.embedded(self.row)

    @property
    def row(self) -> EmbedderRow:
        """The embedder as the run stores it: one fingerprint is one embedder, under the name it had first."""
        fingerprint = self.embedder.traits().fingerprint
        stored = [] if self.run is None else self.run.embedders()
        known = {row.fingerprint: row for row in reversed(stored)}
        return known.get(fingerprint, EmbedderRow(name_of(self.embedder), fingerprint))

    def texts(self, texts: Iterable[str], told: Told | None = None) -> None:
        """Embeds the texts that have not been embedded yet.

        Raises:
            ModelError: the embedder does not return one row of numbers a text.
        """
        named = {sha_of(text): text for text in texts}
        self._embed(named, lambda chunk: self.embedder.embed_texts(chunk), CHUNK, told)

    def pictures(self, pictures: Mapping[str, bytes] | Sequence[str], told: Told | None = None) -> None:
        """Embeds the pictures that have not been embedded yet.

        Args:
            pictures: PNG bytes by content hash, or hashes of pictures of the run.
            told: is told how far it is.

        Raises:
            ModelError: the embedder does not return one row of numbers a picture.
            StoreDamaged: a picture of the run is missing.
        """
        given: Mapping[str, Any] = pictures if isinstance(pictures, Mapping) else dict.fromkeys(pictures)
        self._embed(given, lambda chunk: self.embedder.embed_images([self._picture(s, given) for s in chunk]), 0, told)

    def _picture(self, sha: str, given: Mapping[str, Any]) -> Image.Image:
        if given[sha] is not None:
            return decode(given[sha])
        if self.run is None:
            raise ModelError(f"The picture {sha[:12]} is in no run: hand over its bytes.")
        return decode(self.run.artefact(sha).data)

    def _embed(self, named: Mapping[str, Any], make: Callable[[list[Any]], Any], size: int, told: Told | None) -> None:
        new = [sha for sha in named if sha not in self.seen]
        done = len(named) - len(new)
        tell = told or (lambda done, total: None)
        tell(done, len(named))
        for start in range(0, len(new), size or PICTURES):
            chunk = new[start : start + (size or PICTURES)]
            rows = np.asarray(make([named[sha] for sha in chunk] if size else chunk), dtype=np.float64)
            if rows.ndim != 2 or len(rows) != len(chunk):
                raise ModelError(
                    f"{name_of(self.embedder)} returned an array of shape {rows.shape} for {len(chunk)} "
                    f"{'texts' if size else 'pictures'}: it must have one row for each."
                )
            self._keep(dict(zip(chunk, rows, strict=True)))
            done += len(chunk)
            tell(done, len(named))

    def _keep(self, rows: dict[str, Vector]) -> None:
        self.seen |= rows.keys()
        if self.run is not None:
            self.run.put_vectors(self.row, rows)
            self.known |= as_stored(rows)
            return
        lengths = {sha: float(np.linalg.norm(row)) for sha, row in rows.items()}
        self.known |= {sha: row / lengths[sha] for sha, row in rows.items() if 0 < lengths[sha] < np.inf}


def sha_of(text: str) -> str:
    """Returns the content hash of a text."""
    return content_hash(text.encode())


def takes(embedder: Embedder) -> tuple[Kind, ...]:
    """Returns what an embedder embeds: texts, images or both, by the methods that its class writes."""
    kinds: dict[Kind, str] = {"text": "embed_texts", "image": "embed_images"}
    return tuple(
        kind for kind, method in kinds.items() if getattr(type(embedder), method) is not getattr(Embedder, method)
    )
