"""One pair of models played by hand, as in the article: in memory, one prompt at a time."""

from pathlib import Path
from typing import Any

from telephone.battle import PairRunner
from telephone.models import Embedder, name_of


class TelephoneLine(PairRunner):
    """A text-to-image model and an image-to-text model that play in turn; its games can be saved to FiftyOne."""

    def save_conversations_to_dataset(
        self, dataset: Any, images_dir: str | Path | None = None, embedder: Embedder | None = None
    ) -> None:
        """Saves every game of this line to a FiftyOne dataset, one sample a turn, and makes its saved views.

        A game that is in the dataset already (same name and turn) is overwritten.

        Args:
            dataset: a `fiftyone.Dataset`; missing fields are added.
            images_dir: folder for the images; None is a folder with the dataset's name in FiftyOne's own folder.
            embedder: gives `text_embedding` and `text_after_dist`; None leaves both empty.

        Raises:
            UsageError: FiftyOne is not installed, or its database does not answer.
            StoreError: the images cannot be written.
        """
        from telephone.exports import SaveOptions, save_conversations

        names = name_of(self.t2i), name_of(self.i2t)
        save_conversations(dataset, self.conversations, names, SaveOptions(images_dir, embedder))
