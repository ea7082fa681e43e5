"""Base class of the pocket text-to-image models: batches of fixed size, seeds, and best-of-n by CLIP."""

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from telephone.core.images import from_array
from telephone.core.seeds import digest
from telephone.models.base import Text2Image, Traits
from telephone.models.best_of import best_of
from telephone.models.pocket.pocket_net import PocketNet
from telephone.models.provider import choice, integer, number
from telephone.models.runtime import full_batches, limited_threads

if TYPE_CHECKING:
    from torch import Tensor

    from telephone.nets.tokenizer import WordTokenizer

SIZE = 64
"""Side of the generated images, in pixels."""
BATCH = 4
"""Images are generated in batches of exactly this size, so that an image has the same bytes in every batch."""
BEST_OF_OPTIONS = {"best_of": integer(1, 64)}
DIFFUSION_OPTIONS = {
    "steps": integer(1, 1000),
    "guidance": number(0, 20),
    "eta": number(0, 1),
    "solver": choice("dpm++", "ddim"),
    **BEST_OF_OPTIONS,
}


class PocketText2Image(Text2Image):
    """A net that generates 64 x 64 pixels from words; a subclass defines how a batch is generated."""

    VERSION = 1
    """Incremented whenever the same weights and options may give another image."""

    def __init__(self, net: PocketNet, best_of: int, options: dict[str, Any]) -> None:
        self.name = net.name
        self.best_of = best_of
        self._declaration = net
        self._options = options

    @property
    @abstractmethod
    def _text_config(self) -> Any:
        """The part of a config that has `words` and `max_tokens`; read without building the net."""

    @abstractmethod
    def _generate(self, texts: Sequence[str], seeds: Sequence[int]) -> "Tensor":
        """Returns images [BATCH, 3, 64, 64] in [-1, 1] of that many texts."""

    def lacks(self) -> str:
        """Returns what is missing before the first call, in one sentence; empty if all weights are in place."""
        return self._declaration.lacks()

    def traits(self) -> Traits:
        """Returns the properties; reads the weight files once, for their hashes."""
        options = sorted(self._options.items())
        ranking = [self.best_of, *self._embedder.traits().fingerprint] if self._embedder else []
        fingerprint = digest(f"pocket/{self.name}", self.VERSION, *self._files.values(), options, *ranking)
        return Traits(fingerprint, batch_size=16, seeds=True, max_tokens=self._text_config.max_tokens, price=0.0)

    def count_cut(self, text: str) -> int:
        """Returns how many words of the text exceed the limit of the encoder."""
        return self._tokenizer.cut(text, self._text_config.max_tokens)

    def generate_images(self, texts: Sequence[str], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one RGB image of 64 x 64 pixels a text.

        Raises:
            WeightsError: the weights are missing, or not the shipped ones.
        """
        chosen = list(seeds) if seeds is not None else [0] * len(texts)
        if self._embedder is None:
            return self._images(texts, chosen)
        return best_of(self._images, texts, chosen, self.best_of, self._embedder)

    def _images(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        items = list(zip(texts, seeds, strict=True))
        images: list[Image.Image] = []
        for part in full_batches(items, BATCH):
            with limited_threads():
                pixels = self._generate([text for text, _ in part], [seed for _, seed in part])
            images += [from_array(image) for image in pixels.numpy()]
        return images[: len(items)]

    def _tokens(self, texts: Sequence[str]) -> "Tensor":
        """Returns the token ids [n, max_tokens]: always padded to the limit, as the last bits depend on the length."""
        limit = self._text_config.max_tokens
        return self._tokenizer.batch(texts, limit, pad_to=limit)

    @cached_property
    def _files(self) -> dict[Path, str]:
        return self._declaration.locate_all()

    @cached_property
    def _embedder(self) -> Any:
        """CLIP, if several candidates are to be ranked."""
        from telephone.models.pocket.clip import PocketClip

        return PocketClip() if self.best_of > 1 else None

    @cached_property
    def _tokenizer(self) -> "WordTokenizer":
        from telephone.nets.tokenizer import WordTokenizer

        return WordTokenizer(self._text_config.words)
