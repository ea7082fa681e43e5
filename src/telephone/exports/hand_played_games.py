"""Games that were played by hand as samples of a FiftyOne dataset, as the original experiment keeps them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from telephone.core.images import encode_png
from telephone.exports.folder import file_name
from telephone.exports.samples import Saved, open_fiftyone, prompt_hash, put_samples, save_views
from telephone.store import write_whole
from telephone.store.database import guarded

Vectors = dict[str, NDArray[np.float32]]


class HandPlayedGame(Protocol):
    """What was said and drawn in one game."""

    @property
    def prompt(self) -> str:
        """The sentence, or an image-first prompt's label."""

    @property
    def level(self) -> str:
        """How hard the prompt is."""

    @property
    def texts(self) -> list[str]:
        """The prompt and every description; of an image-first game the descriptions alone."""

    @property
    def images(self) -> list[Image.Image]:
        """Every picture; an image-first game's start with the prompt's."""


class Measures(Protocol):
    """Whatever turns texts into vectors."""

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns float32 [n, d] of unit length."""


@dataclass(frozen=True)
class Keeping:
    """Where pictures go, and who measures."""

    images_dir: str | Path | None = None
    """None is a folder of the dataset's name in FiftyOne's own folder."""
    embedder: Measures | None = None
    """Gives `text_embedding` and, in text-first games, `text_after_dist`; None leaves both empty."""


def save_talks(
    dataset: Any, talks: Mapping[str, HandPlayedGame], players: tuple[str, str], keeping: Keeping = Keeping()
) -> Saved:
    """Writes games to a dataset, one sample a turn, and makes its saved views; a game that is there is written again.

    Args:
        dataset: a `fiftyone.Dataset`.
        talks: games by conversation name.
        players: names of who draws and who describes.
        keeping: where pictures go, and who measures.

    Raises:
        UsageError: FiftyOne or its database is not there.
        StoreError: the pictures cannot be written.
    """
    library = open_fiftyone()
    default = Path(library.config.default_dataset_dir) / file_name(dataset.name, set())
    folder = Path(keeping.images_dir or default).expanduser().resolve()
    rows = list(_rows(talks, players, folder))
    if keeping.embedder is not None:
        _measure(rows, keeping.embedder)
    saved = put_samples(dataset, rows)
    save_views(dataset)
    return saved


def _rows(talks: Mapping[str, HandPlayedGame], players: tuple[str, str], folder: Path) -> Iterator[dict[str, Any]]:
    with guarded(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, talk in talks.items():
            for step, (before, image, after) in enumerate(_turns(talk)):
                path = folder / f"{name}_{step}.png"
                write_whole(path, encode_png(image))
                yield {
                    "filepath": str(path),
                    "conversation_name": name,
                    "prompt": talk.prompt,
                    "prompt_hash": prompt_hash(talk.prompt),
                    "level": talk.level,
                    "t2i_model": players[0],
                    "i2t_model": players[1],
                    "step_number": step,
                    "first": "text" if _text_first(talk) else "image",
                    "text_before": before,
                    "text_after": after,
                }


def _text_first(talk: HandPlayedGame) -> bool:
    return talk.texts[:1] == [talk.prompt] and len(talk.texts) >= len(talk.images)


def _turns(talk: HandPlayedGame) -> Iterable[tuple[str | None, Image.Image, str | None]]:
    """Returns for each turn with a picture the text before, the picture and the text after; None where it broke off."""
    if _text_first(talk):
        return zip(talk.texts, talk.images, [*talk.texts[1:], None], strict=False)
    return zip([None, *talk.texts], talk.images[1:], talk.texts, strict=False)


def _measure(rows: Sequence[dict[str, Any]], embedder: Measures) -> None:
    vectors = _vectors(rows, embedder)
    for row in rows:
        made = vectors.get(row["text_after"] or "")
        row["text_embedding"] = made
        start = vectors.get(row["prompt"]) if row["first"] == "text" else None
        if made is not None and start is not None:
            row["text_after_dist"] = float(np.clip(1.0 - np.dot(start.astype(float), made.astype(float)), 0.0, 2.0))


def _vectors(rows: Sequence[dict[str, Any]], embedder: Measures) -> Vectors:
    """Returns the vector of each distinct text; an empty one has none."""
    starts = [row["prompt"] for row in rows if row["first"] == "text"]
    texts = list(dict.fromkeys(text for text in [*starts, *(row["text_after"] for row in rows)] if text))
    return dict(zip(texts, embedder.embed_texts(texts), strict=True)) if texts else {}
