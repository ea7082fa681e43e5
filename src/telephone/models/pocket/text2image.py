"""What every pocket drawer does alike: batches whose bits do not depend on company, and the best of several by CLIP."""

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
from telephone.models.pocket import weights
from telephone.models.runtime import limited_threads

if TYPE_CHECKING:
    from torch import Tensor

    from telephone.nets.tokenizer import WordTokenizer

SIZE = 64
"""Side of the pictures that the pocket nets draw, in pixels."""
EQUAL = 4
"""Pictures are drawn in batches of exactly so many, the last one filled up: the library chooses its kernels by the size
of a batch, and another kernel rounds the last bits otherwise. So a picture is the same bytes in any company."""


class Drawer(Text2Image):
    """A net that draws 64 x 64 pixels from words; a subclass says which files it has and how it draws four of them."""

    VERSION = 1
    """Raised whenever the same weights and options may give another picture."""

    def __init__(self, name: str, best_of: int, options: dict[str, Any]) -> None:
        self.name = name
        self.best_of = best_of
        self._options = options

    @cached_property
    @abstractmethod
    def _files(self) -> dict[Path, str]:
        """Paths of the weight files with their sha256; the first one's config knows words and limit."""

    @cached_property
    @abstractmethod
    def _text(self) -> Any:
        """The part of the config that has `words` and `max_tokens`; read without building the net."""

    @abstractmethod
    def _draw(self, texts: Sequence[str], seeds: Sequence[int]) -> "Tensor":
        """Returns pictures [EQUAL, 3, 64, 64] in [-1, 1] of so many texts."""

    def lacks(self) -> str:
        """Returns what is missing before the first call, in one sentence; empty if the weights are the shipped ones."""
        return weights.lacking(lambda: self._files)

    def traits(self) -> Traits:
        """Returns what the player is; reads the weight files once, for their hashes."""
        told = sorted(self._options.items())
        chosen = [self.best_of, *self._judge.traits().fingerprint] if self._judge else []
        print_ = digest(f"pocket/{self.name}", self.VERSION, *self._files.values(), told, *chosen)
        return Traits(print_, batch_size=16, seeds=True, max_tokens=self._text.max_tokens, price=0.0)

    def count_cut(self, text: str) -> int:
        """Returns how many words of the text the encoder does not see."""
        return self._tokenizer.cut(text, self._text.max_tokens)

    def generate_images(self, texts: Sequence[str], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one RGB picture of 64 x 64 pixels a text.

        Raises:
            WeightsError: the weights are missing, or not the shipped ones.
        """
        chosen = list(seeds) if seeds is not None else [0] * len(texts)
        if self._judge is None:
            return self._pictures(texts, chosen)
        return best_of(self._pictures, texts, chosen, self.best_of, self._judge)

    def _pictures(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        asked = list(zip(texts, seeds, strict=True))
        drawn: list[Image.Image] = []
        for start in range(0, len(asked), EQUAL):
            part = (asked[start : start + EQUAL] + asked[-1:] * EQUAL)[:EQUAL]
            with limited_threads():
                pixels = self._draw([text for text, _ in part], [seed for _, seed in part])
            drawn += [from_array(picture) for picture in pixels.numpy()]
        return drawn[: len(asked)]

    def _tokens(self, texts: Sequence[str]) -> "Tensor":
        """Returns the words as numbers [n, max_tokens]: always so many, as the bits depend on the length, too."""
        limit = self._text.max_tokens
        return self._tokenizer.batch(texts, limit, pad_to=limit)

    @cached_property
    def _judge(self) -> Any:
        """CLIP, if there is anything to choose from."""
        from telephone.models.pocket.clip import PocketClip

        return PocketClip() if self.best_of > 1 else None

    @cached_property
    def _tokenizer(self) -> "WordTokenizer":
        from telephone.nets.tokenizer import WordTokenizer

        return WordTokenizer(self._text.words)
