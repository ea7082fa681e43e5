"""`pocket/clip-interrogator`: BLIP's caption and the phrases that bring it nearer to the picture, by CLIP."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from PIL import Image

from telephone.core.seeds import digest
from telephone.models.base import Image2Text, Traits
from telephone.models.pocket.blip import PocketBlip
from telephone.models.pocket.clip import PocketClip
from telephone.models.pocket.phrases import banks
from telephone.models.runtime import limited_threads, parallel_map


class ClipInterrogator(Image2Text):
    """CLIP Interrogator (`nets/interrogator.py`); no weights of its own."""

    def __init__(self, temperature: float = 0.0, max_tokens: int = 71, phrases: int = 3) -> None:
        self.name = "clip-interrogator"
        self._phrases = phrases
        self._blip = PocketBlip(temperature, max_tokens)
        self._clip = PocketClip()

    def lacks(self) -> str:
        """Returns what is missing before the first call, in one sentence; empty if the weights are the shipped ones."""
        return self._blip.lacks() or self._clip.lacks()

    def traits(self) -> Traits:
        """Returns what the player is; reads the weight files of BLIP and CLIP once, for their hashes."""
        prints = self._blip.traits().fingerprint, self._clip.traits().fingerprint
        return Traits(digest("pocket/clip-interrogator", 2, *prints, self._phrases), batch_size=64, seeds=True, price=0)

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[str]:
        """Returns one description a picture; pictures of any size and mode are brought to 64 x 64 RGB first.

        Raises:
            WeightsError: the weights of BLIP or CLIP are missing, or not the shipped ones.
        """
        import torch

        told = self._blip.generate_texts(images, seeds)
        vectors = torch.from_numpy(self._clip.embed_images(images))
        with limited_threads():
            added: list[str] = self._interrogator.chain(vectors, told)
        return added

    @cached_property
    def _interrogator(self) -> Any:
        from telephone.nets.clip_interrogator import Interrogator

        with limited_threads():
            return Interrogator(self._clip.net, banks(), most=self._phrases, each=parallel_map)
