"""`pocket/blip`: one short sentence a picture."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from telephone.players import weights
from telephone.players.base import Image2Text, Traits
from telephone.players.cleaning import cleaned
from telephone.players.computing import few_threads, load_net, stacked
from telephone.seeds import digest

if TYPE_CHECKING:
    from torch import Tensor

    from telephone.nets.tokenizer import WordTokenizer

SIZE = 64
"""Side of the pictures that the net sees, in pixels."""


class Blip(Image2Text):
    """BLIP (`nets/blip.py`): one short sentence a picture."""

    def __init__(self, temperature: float = 0.0, max_tokens: int = 71) -> None:
        self.name = "blip"
        self._options: dict[str, Any] = {"limit": max_tokens, "temperature": temperature}

    def lacks(self) -> str:
        """Returns what is missing before the first call, in one sentence; empty if the weights are the shipped ones."""
        return weights.lacking(lambda: self._file)

    def traits(self) -> Traits:
        """Returns what the player is; reads the weight file once, for its hash."""
        print_ = digest("pocket/blip", 1, self._file[1], sorted(self._options.items()))
        return Traits(print_, batch_size=64, seeds=True, price=0.0)

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[str]:
        """Returns one description a picture; pictures of any size and mode are brought to 64 x 64 RGB first.

        Raises:
            WeightsError: the weights are missing, or not the shipped ones.
        """
        from telephone.nets.generation import Decoding

        chosen = list(seeds) if seeds is not None else [0] * len(images)
        with few_threads():
            tokens: Tensor = self._net.describe(stacked(images, SIZE), chosen, Decoding(**self._options))
        return [cleaned(self._tokenizer.decode(row)) for row in tokens.tolist()]

    @cached_property
    def _file(self) -> tuple[Path, str]:
        return weights.find("blip")

    @cached_property
    def _net(self) -> Any:
        from telephone.nets.blip import Blip as Net
        from telephone.nets.blip import BlipConfig
        from telephone.nets.checkpoint import read_metadata

        return load_net([self._file[0]], Net(BlipConfig.from_dict(read_metadata(self._file[0])[0])))

    @cached_property
    def _tokenizer(self) -> "WordTokenizer":
        from telephone.nets.tokenizer import WordTokenizer

        return WordTokenizer(self._net.config.text.words)
