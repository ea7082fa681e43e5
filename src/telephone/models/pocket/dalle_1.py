"""`pocket/dalle-1`: a transformer of text tokens and codes of a dVAE; completes an image whose top is given."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from PIL import Image

from telephone.core.images import from_array
from telephone.models.pocket.pocket_net import PocketNet
from telephone.models.pocket.text2image import BATCH, BEST_OF_OPTIONS, PocketText2Image
from telephone.models.provider import integer, number

if TYPE_CHECKING:
    from torch import Tensor

    from telephone.nets.byte_pairs import BytePairTokenizer


class PocketDalle1(PocketText2Image):
    """DALL-E (`nets/dalle_1.py`)."""

    def __init__(self, temperature: float = 1.0, top_k: int = 0, best_of: int = 1) -> None:
        super().__init__(NET, best_of, {"temperature": temperature, "top_k": top_k})

    def count_cut(self, text: str) -> int:
        """Returns how many words of the text do not fit into its tokens."""
        return self._byte_pairs.cut(text, self._text_config.max_tokens)

    def _generate(self, texts: Sequence[str], seeds: Sequence[int]) -> "Tensor":
        from telephone.nets.dalle_1 import CodeDraws, draw, text_tokens

        net, dvae = self._nets
        tokens = text_tokens(self._byte_pairs, texts, self._text_config.max_tokens)
        pixels: Tensor = draw(net, dvae, tokens, seeds, CodeDraws(**self._options))
        return pixels

    @cached_property
    def _byte_pairs(self) -> "BytePairTokenizer":
        from telephone.nets.byte_pairs import BytePairTokenizer

        return BytePairTokenizer(self._text_config.merges)

    @cached_property
    def _text_config(self) -> Any:
        return NET.read_config().text

    @cached_property
    def _nets(self) -> tuple[Any, Any]:
        NET.check_reads()
        return NET.load(), DVAE.load()
