"""Vectors for scorers: each distinct text and image is embedded once, and the run stores its vector."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from telephone.core.errors import ModelError
from telephone.core.images import content_hash, decode
from telephone.core.records import Kind
from telephone.judge.readability import is_readable
from telephone.judge.scorer import Count, complete, ignore, in_chunks
from telephone.models import Embedder, name_of
from telephone.store import EmbedderRow, Run
from telephone.store.vectors import as_stored

CHUNK = 256
"""Texts that are embedded before their vectors are written: the most that a kill can lose."""
IMAGE_CHUNK = 64
"""The same for images."""

Vector = NDArray[np.floating]


@dataclass
class Vectors:
    """Vectors of one embedder by content hash; stored in the run if there is one."""

    embedder: Embedder
    run: Run | None = None
    known: dict[str, Vector] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    """Hashes of everything that was embedded, also of what has no direction and so no vector."""

    def __post_init__(self) -> None:
        """Reads what the run has."""
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

    def distance(self, one: str, other: str) -> float | None:
        """Returns the cosine distance of two contents (hashes); None if one of them has no vector."""
        pair = self.known.get(one), self.known.get(other)
        return None if pair[0] is None or pair[1] is None else cosine_distance(pair[0], pair[1])

    def add_texts(self, texts: Iterable[str], report: Count = ignore) -> int:
        """Embeds the texts that are new and returns how many these are; what the embedder cannot read has no vector.

        Args:
            texts: any texts.
            report: receives how many are embedded, and of how many.

        Raises:
            ModelError: the embedder does not return one row of numbers a text.
        """
        named = {text_hash(text): text for text in texts}
        return self._add(named, lambda chunk: self._embed_texts([named[sha] for sha in chunk]), "text", report)

    def _embed_texts(self, texts: Sequence[str]) -> Any:
        """A text whose pieces are mostly unknown gets a row of zeros, which is stored as a vector without direction."""
        readable = np.array([is_readable(self.embedder.pieces(text)) for text in texts], dtype=bool)
        if readable.all():
            return self.embedder.embed_texts(texts)
        rows = np.asarray(self.embedder.embed_texts([text for text, read in zip(texts, readable, strict=True) if read]))
        if rows.ndim != 2 or len(rows) != readable.sum():
            return rows
        complete = np.zeros((len(texts), rows.shape[1]))
        complete[readable] = rows
        return complete

    def add_images(self, images: Mapping[str, bytes] | Sequence[str], report: Count = ignore) -> int:
        """Embeds the images that are new and returns how many these are.

        Args:
            images: PNG bytes by content hash, or hashes of images of the run.
            report: receives how many are embedded, and of how many.

        Raises:
            ModelError: the embedder does not return one row of numbers an image.
            StoreDamaged: an image of the run is missing.
        """
        given: Mapping[str, Any] = images if isinstance(images, Mapping) else dict.fromkeys(images)
        return self._add(
            given, lambda chunk: self.embedder.embed_images([self._image(s, given) for s in chunk]), "image", report
        )

    def _image(self, sha: str, given: Mapping[str, Any]) -> Image.Image:
        if given[sha] is not None:
            return decode(given[sha])
        if self.run is None:
            raise ModelError(f"The image {sha[:12]} is in no run: pass its bytes.")
        return decode(self.run.artefact(sha).data)

    def _add(self, named: Mapping[str, Any], embed: Callable[[Sequence[str]], Any], kind: Kind, report: Count) -> int:
        def write(chunk: Sequence[str]) -> None:
            rows = np.asarray(embed(chunk), dtype=np.float64)
            if rows.ndim != 2 or len(rows) != len(chunk):
                raise ModelError(
                    f"{name_of(self.embedder)} returned an array of shape {rows.shape} for {len(chunk)} {kind}s: "
                    "it must have one row for each."
                )
            self._store(dict(zip(chunk, rows, strict=True)))

        size = CHUNK if kind == "text" else IMAGE_CHUNK
        return complete(list(named), self.seen.__contains__, lambda new: in_chunks(new, size), write, report)

    def _store(self, rows: dict[str, Vector]) -> None:
        self.seen |= rows.keys()
        if self.run is not None:
            self.run.put_vectors(self.row, rows)
            self.known |= as_stored(rows)
            return
        lengths = {sha: float(np.linalg.norm(row)) for sha, row in rows.items()}
        self.known |= {sha: row / lengths[sha] for sha, row in rows.items() if 0 < lengths[sha] < np.inf}


def cosine_distance(one: Vector, other: Vector) -> float | None:
    """Returns the cosine distance of two vectors, 0 (same direction) to 2 (opposite); None if one has no direction."""
    lengths = float(np.linalg.norm(one)) * float(np.linalg.norm(other))
    if not np.isfinite(lengths) or lengths == 0.0:
        return None
    return float(np.clip(1.0 - float(one @ other) / lengths, 0.0, 2.0))


def text_hash(text: str) -> str:
    """Returns the content hash of a text."""
    return content_hash(text.encode())


def embedded_kinds(embedder: Embedder) -> tuple[Kind, ...]:
    """Returns what an embedder embeds: texts, images or both, by the methods that its class defines."""
    kinds: dict[Kind, str] = {"text": "embed_texts", "image": "embed_images"}
    return tuple(
        kind for kind, method in kinds.items() if getattr(type(embedder), method) is not getattr(Embedder, method)
    )
