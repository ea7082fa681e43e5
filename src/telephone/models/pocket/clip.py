"""`pocket/clip`: images and texts as vectors of one space."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from telephone.core.seeds import digest
from telephone.models.base import Embedder, Traits
from telephone.models.pocket.pocket_net import PocketNet
from telephone.models.runtime import image_batch, limited_threads

if TYPE_CHECKING:
    from torch import Tensor

    from telephone.nets.tokenizer import WordTokenizer

SIZE = 64
"""Side of the images that the net reads, in pixels."""
BATCH = 64


class PocketClip(Embedder):
    """CLIP (`nets/clip.py`). It also ranks and guides pocket text-to-image models: do not judge these by it alone."""

    def __init__(self) -> None:
        self.name = "clip"

    def lacks(self) -> str:
        """Returns what is missing before the first call, in one sentence; empty if all weights are in place."""
        return NET.lacks()

    def traits(self) -> Traits:
        """Returns the properties; reads the weight file once, for its hash."""
        fingerprint = digest("pocket/clip", 1, *self._files.values())
        limit = self._config.text.max_tokens
        return Traits(fingerprint, batch_size=BATCH, seeds=True, max_tokens=limit, price=0.0)

    def count_cut(self, text: str) -> int:
        """Returns how many words of the text exceed the limit of the encoder."""
        return self._tokenizer.cut(text, self._config.text.max_tokens)

    def pieces(self, text: str) -> tuple[str | None, ...]:
        """Returns the words and marks of a text that the encoder reads, None for those outside its vocabulary."""
        from telephone.nets.tokenizer import UNKNOWN, split

        limit = self._config.text.max_tokens
        words = split(text)
        ids = self._tokenizer.encode(text)
        return tuple(None if at == UNKNOWN else word for word, at in zip(words, ids, strict=True))[: limit - 2]

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns float32 [n, 256] of unit length.

        Raises:
            WeightsError: the weights are missing, or not the shipped ones.
        """
        limit = self._config.text.max_tokens
        batches = (self._tokenizer.batch(part, limit, pad_to=limit) for part in _batches(texts))
        return self._unit([self._encode(self.net.encode_text, tokens) for tokens in batches])

    def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Returns float32 [n, 256] of unit length; images of any size and mode are converted to 64 x 64 RGB first.

        Raises:
            WeightsError: the weights are missing, or not the shipped ones.
        """
        return self._unit([self._encode(self.net.encode_image, image_batch(part, SIZE)) for part in _batches(images)])

    def _encode(self, encode: Any, batch: "Tensor") -> NDArray[np.float32]:
        import torch

        with limited_threads(), torch.no_grad():
            vectors: NDArray[np.float32] = encode(batch).numpy()
        return vectors

    def _unit(self, parts: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        rows = np.concatenate([np.zeros((0, self._config.embedding), np.float32), *parts])
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.maximum(length, 1e-12), dtype=np.float32)

    @cached_property
    def _files(self) -> Any:
        return NET.locate()

    @cached_property
    def _config(self) -> Any:
        return NET.read_config()

    @cached_property
    def net(self) -> Any:
        """The net itself, ready to embed; loaded on first use."""
        return NET.load()

    @cached_property
    def _tokenizer(self) -> "WordTokenizer":
        from telephone.nets.tokenizer import WordTokenizer

        return WordTokenizer(self._config.text.words)


def _batches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))


NET = PocketNet(
    name="clip",
    summary="CLIP, trained on the pocket world; texts and images in one space",
    net="telephone.nets.clip:Clip",
    config="telephone.nets.clip:ClipConfig",
    recipe="telephone.train.clip",
    files=("clip",),
    kind="embedder",
    model=PocketClip,
)
