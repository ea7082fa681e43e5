"""`pocket/clip`: pictures and sentences as vectors of one space."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from telephone.core.seeds import digest
from telephone.models.base import Embedder, Traits
from telephone.models.pocket import weights
from telephone.models.runtime import image_batch, limited_threads, load_net

if TYPE_CHECKING:
    from torch import Tensor

    from telephone.nets.tokenizer import WordTokenizer

SIZE = 64
BATCH = 64


class PocketClip(Embedder):
    """CLIP (`nets/clip.py`); it also ranks and guides drawers of this roster, so it should not be their only judge."""

    def __init__(self) -> None:
        self.name = "clip"

    def lacks(self) -> str:
        """Returns what is missing before the first call, in one sentence; empty if the weights are the shipped ones."""
        return weights.lacking(lambda: self._file)

    def traits(self) -> Traits:
        """Returns what the player is; reads the weight file once, for its hash."""
        config = self._config
        return Traits(
            digest("pocket/clip", 1, self._file[1]),
            batch_size=BATCH,
            seeds=True,
            max_tokens=config.text.max_tokens,
            price=0.0,
        )

    def count_cut(self, text: str) -> int:
        """Returns how many words of the text the encoder does not see."""
        return self._tokenizer.cut(text, self._config.text.max_tokens)

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns float32 [n, 256] of unit length.

        Raises:
            WeightsError: the weights are missing, or not the shipped ones.
        """
        limit = self._config.text.max_tokens
        parts = (self._tokenizer.batch(part, limit, pad_to=limit) for part in _parts(texts))
        return self._unit([self._run(self.net.encode_text, tokens) for tokens in parts])

    def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Returns float32 [n, 256] of unit length; pictures of any size and mode are brought to 64 x 64 RGB first.

        Raises:
            WeightsError: the weights are missing, or not the shipped ones.
        """
        return self._unit([self._run(self.net.encode_image, image_batch(part, SIZE)) for part in _parts(images)])

    def _run(self, encode: Any, given: "Tensor") -> NDArray[np.float32]:
        import torch

        with limited_threads(), torch.no_grad():
            made: NDArray[np.float32] = encode(given).numpy()
        return made

    def _unit(self, parts: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        rows = np.concatenate([np.zeros((0, self._config.embedding), np.float32), *parts])
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.maximum(length, 1e-12), dtype=np.float32)

    @cached_property
    def _file(self) -> tuple[Path, str]:
        return weights.find("clip")

    @cached_property
    def _config(self) -> Any:
        from telephone.nets.checkpoint import read_metadata
        from telephone.nets.clip import ClipConfig

        return ClipConfig.from_dict(read_metadata(self._file[0])[0])

    @cached_property
    def net(self) -> Any:
        """The net itself, ready to embed; loaded on first use."""
        from telephone.nets.clip import Clip as Net

        return load_net([self._file[0]], Net(self._config))

    @cached_property
    def _tokenizer(self) -> "WordTokenizer":
        from telephone.nets.tokenizer import WordTokenizer

        return WordTokenizer(self._config.text.words)


def _parts(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))
