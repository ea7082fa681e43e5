"""The names that `import telephone` offers, gathered in one place; the package fetches them when first used."""

from pathlib import Path
from typing import Any

from telephone.battle import TelephoneLine as _Line
from telephone.core.records import Prompt
from telephone.models import Embedder, Image2Text, Text2Image, embedder, image2text, name_of, text2image
from telephone.prompts import get_prompts

__all__ = [
    "Embedder",
    "Image2Text",
    "Prompt",
    "TelephoneLine",
    "Text2Image",
    "embedder",
    "get_prompts",
    "image2text",
    "text2image",
]


class TelephoneLine(_Line):
    """A text-to-image player and an image-to-text player with a line between them; its games can go to FiftyOne."""

    # Here and not with the rules of the game, which know no disk.
    def save_conversations_to_dataset(
        self, dataset: Any, images_dir: str | Path | None = None, embedder: Embedder | None = None
    ) -> None:
        """Saves every game of this line to a FiftyOne dataset, one sample a turn, and makes its saved views.

        A game that the dataset has already (name and turn are the same) is written again, not twice.

        Args:
            dataset: a `fiftyone.Dataset`; fields that it lacks are added.
            images_dir: where the pictures are kept; None is a folder of the dataset's name in FiftyOne's own folder.
            embedder: gives `text_embedding` and `text_after_dist`; None leaves both empty.

        Raises:
            UsageError: FiftyOne is not installed, or its database does not answer.
            StoreError: the pictures cannot be written.
        """
        from telephone.exports import Keeping, save_talks

        players = name_of(self.t2i), name_of(self.i2t)
        save_talks(dataset, self.conversations, players, Keeping(images_dir, embedder))
