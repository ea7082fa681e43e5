"""Games played in Python as samples of a FiftyOne dataset, as the original experiment stores them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from telephone.core.images import encode_png
from telephone.exports.folder import file_name
from telephone.exports.samples import SampleCounts, open_fiftyone, prompt_hash, put_samples, save_views
from telephone.store import write_whole
from telephone.store.database import guarded

Vectors = dict[str, NDArray[np.float32]]


class HandPlayedGame(Protocol):
    """The texts and images of one game."""

    @property
    def prompt(self) -> str:
        """The text of the prompt, or the label of an image prompt."""

    @property
    def level(self) -> str:
        """Level of the prompt."""

    @property
    def texts(self) -> list[str]:
        """The prompt and all descriptions; in an image-first game only the descriptions."""

    @property
    def images(self) -> list[Image.Image]:
        """All images; in an image-first game the first one is the prompt."""


class TextEmbedder(Protocol):
    """A model that embeds texts."""

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns float32 [n, d] of unit length."""


@dataclass(frozen=True)
class SaveOptions:
    """Where image files are written, and which model embeds the texts."""

    images_dir: str | Path | None = None
    """None is a folder with the name of the dataset in the default folder of FiftyOne."""
    embedder: TextEmbedder | None = None
    """Makes `text_embedding` and, in text-first games, `text_after_dist`; None leaves both empty."""


def save_conversations(
    dataset: Any,
    conversations: Mapping[str, HandPlayedGame],
    models: tuple[str, str],
    options: SaveOptions = SaveOptions(),
) -> SampleCounts:
    """Writes games to a dataset, one sample for each turn, and its saved views; existing samples are updated.

    Args:
        dataset: a `fiftyone.Dataset`.
        conversations: games by conversation name.
        models: names of the text-to-image and the image-to-text model.
        options: where image files are written, and which model embeds the texts.

    Raises:
        UsageError: FiftyOne or its database is not available.
        StoreError: the image files cannot be written.
    """
    library = open_fiftyone()
    default = Path(library.config.default_dataset_dir) / file_name(dataset.name, set())
    folder = Path(options.images_dir or default).expanduser().resolve()
    rows = list(_rows(conversations, models, folder))
    if options.embedder is not None:
        _add_distances(rows, options.embedder)
    saved = put_samples(dataset, rows)
    save_views(dataset)
    return saved


def _rows(
    conversations: Mapping[str, HandPlayedGame], models: tuple[str, str], folder: Path
) -> Iterator[dict[str, Any]]:
    with guarded(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, game in conversations.items():
            for step, (before, image, after) in enumerate(_turns(game)):
                path = folder / f"{name}_{step}.png"
                write_whole(path, encode_png(image))
                yield {
                    "filepath": str(path),
                    "conversation_name": name,
                    "prompt": game.prompt,
                    "prompt_hash": prompt_hash(game.prompt),
                    "level": game.level,
                    "t2i_model": models[0],
                    "i2t_model": models[1],
                    "step_number": step,
                    "first": "text" if _text_first(game) else "image",
                    "text_before": before,
                    "text_after": after,
                }


def _text_first(game: HandPlayedGame) -> bool:
    return game.texts[:1] == [game.prompt] and len(game.texts) >= len(game.images)


def _turns(game: HandPlayedGame) -> Iterable[tuple[str | None, Image.Image, str | None]]:
    """Returns the text before, the image and the text after of each turn with an image; None where one is missing."""
    if _text_first(game):
        return zip(game.texts, game.images, [*game.texts[1:], None], strict=False)
    return zip([None, *game.texts], game.images[1:], game.texts, strict=False)


def _add_distances(rows: Sequence[dict[str, Any]], embedder: TextEmbedder) -> None:
    vectors = _vectors(rows, embedder)
    for row in rows:
        made = vectors.get(row["text_after"] or "")
        row["text_embedding"] = made
        start = vectors.get(row["prompt"]) if row["first"] == "text" else None
        if made is not None and start is not None:
            row["text_after_dist"] = float(np.clip(1.0 - np.dot(start.astype(float), made.astype(float)), 0.0, 2.0))


def _vectors(rows: Sequence[dict[str, Any]], embedder: TextEmbedder) -> Vectors:
    """Returns the vector of each distinct text that is not empty."""
    starts = [row["prompt"] for row in rows if row["first"] == "text"]
    texts = list(dict.fromkeys(text for text in [*starts, *(row["text_after"] for row in rows)] if text))
    return dict(zip(texts, embedder.embed_texts(texts), strict=True)) if texts else {}
