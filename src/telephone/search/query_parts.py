"""The parts of a query and their vectors: words, pictures, pictures of the library, each with a weight."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from telephone import world
from telephone.core.errors import UsageError
from telephone.core.images import decode, to_rgb
from telephone.models import Embedder, registry
from telephone.search.indexing import LARGEST, SIDE
from telephone.search.library import EncoderRow
from telephone.search.query_text import parse_query_text

_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]")
KNOWN_SHARE = 0.5
"""A text has a meaning for an encoder if it knows more than this share of its words."""
_FUNCTION_WORDS = frozenset(
    (
        "a", "an", "the", "of", "on", "in", "at", "by", "to", "with", "and", "or", "is", "are", "there", "this",
        "that", "it", "some", "from", "under", "over", "near", "next", "picture",
    )
)  # fmt: skip
"""Words that do not count: every encoder knows them, whatever the text is about."""


@dataclass(frozen=True)
class QueryPart:
    """One part of a query: exactly one of text, image and id."""

    text: str | None = None
    image: Image.Image | None = field(default=None, repr=False)
    id: int | None = None
    """Of a picture of the library."""
    weight: float = 1.0
    """Below 0 for what is not wanted."""
    name: str = ""
    """How the part is called in explanations; its words, the name of its file, or its id if left out."""

    @property
    def label(self) -> str:
        """The name in explanations."""
        return self.name or self.text or (f"picture {self.id}" if self.id is not None else "picture")


@dataclass(frozen=True)
class ReadPart:
    """A part as an encoder has read it."""

    part: QueryPart
    vector: NDArray[np.float32]
    """Of unit length, [width]."""
    read_as: str = ""
    """The words that the encoder was given in place of those of the query; empty if they are the same."""


def text_parts(text: str) -> list[QueryPart]:
    """Returns the parts of `red apple:2 | boat --not beach`; raises `UsageError` as `parse_query_text` does."""
    return [QueryPart(text=each.text, weight=each.weight) for each in parse_query_text(text)]


def file_part(path: Path, weight: float = 1.0) -> QueryPart:
    """Returns a part for a picture on the disk.

    Raises:
        UsageError: there is no such file, or it is too large.
        ModelError: it is no picture.
    """
    if not path.is_file():
        raise UsageError(f"There is no picture {path}: give the path of a file, or the number of a picture by --id.")
    if path.stat().st_size > LARGEST:
        raise UsageError(f"{path} has more than {LARGEST:,} bytes: make a smaller copy.")
    return QueryPart(image=decode(path.read_bytes()), weight=weight, name=path.name)


class QueryEncoders:
    """Loads the encoders of a library when a query needs them, and checks that they are those of its vectors."""

    def __init__(self, load: Callable[[str], Embedder] = registry.embedder) -> None:
        """Keeps how a model is loaded from its address."""
        self._load = load
        self._models: dict[str, Embedder] = {}

    def model(self, row: EncoderRow) -> Embedder:
        """Returns the model of an encoder.

        Raises:
            UsageError: the installed model is another version than the one that made the vectors.
        """
        if row.fingerprint not in self._models:
            model = self._load(row.ref)
            if model.traits().fingerprint != row.fingerprint:
                raise UsageError(
                    f"The vectors of the library are of another version of {row.ref} than the installed one, and the "
                    "two cannot be compared: index the pictures again into a new library."
                )
            self._models[row.fingerprint] = model
        return self._models[row.fingerprint]

    def read(
        self, parts: Sequence[QueryPart], row: EncoderRow, stored: Callable[[int], NDArray[np.float32] | None]
    ) -> list[ReadPart]:
        """Returns the parts that an encoder can read, with their vectors.

        Args:
            parts: of the query.
            row: the encoder.
            stored: returns the vector of a picture of the library, None if it has none of this encoder.
        """
        return [made for part in parts if (made := self._read_one(part, row, stored)) is not None]

    def _read_one(
        self, part: QueryPart, row: EncoderRow, stored: Callable[[int], NDArray[np.float32] | None]
    ) -> ReadPart | None:
        if part.id is not None:
            vector = stored(part.id)
            return None if vector is None else ReadPart(part, vector)
        if part.image is not None:
            image = to_rgb(part.image)
            image.thumbnail((SIDE, SIDE), reducing_gap=2.0)
            return ReadPart(part, _unit(self.model(row).embed_images([image])))
        if part.text is None:
            raise UsageError("A part of a query needs words, a picture or the number of a picture: give one.")
        if "text" not in row.reads.split(","):
            return None
        model = self.model(row)
        words = readable_words(part.text, model)
        if words is None:
            return None
        return ReadPart(part, _unit(model.embed_texts([words])), "" if words == part.text else words)


def readable_words(text: str, model: Embedder) -> str | None:
    """Returns the words that are given to a model: those of the query, or English where it reads no Chinese.

    Chinese that the grammar of the pocket world reads is stated in English for a model that knows none of its
    characters. None if the model does not know most of the words: their vector would mean nothing.
    """
    if _known_share(text, model) > KNOWN_SHARE:
        return text
    if _HAN.search(text):
        found = world.read(text)
        stated = world.caption(found.scene) if world.atoms(found.scene) and not found.unknown else ""
        if stated and _known_share(stated, model) > KNOWN_SHARE:
            return stated
    return None


def _known_share(text: str, model: Embedder) -> float:
    pieces = model.pieces(text)
    if pieces is None:
        return 1.0
    words = [
        piece
        for piece in pieces
        if piece is None or (piece.lower() not in _FUNCTION_WORDS and any(sign.isalnum() for sign in piece))
    ]
    return sum(piece is not None for piece in words) / len(words) if words else 0.0


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    vector = np.asarray(rows, dtype=np.float32)[0]
    length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or length == 0:
        raise UsageError("The encoder gave no usable vector for a part of the query: try other words or a picture.")
    return np.asarray(vector / np.float32(length), dtype=np.float32)
