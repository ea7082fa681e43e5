"""`pocket/blip`: one short sentence a picture, and answers to questions about it."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from telephone.core.errors import UsageError
from telephone.core.seeds import digest
from telephone.models.base import Image2Text, Traits
from telephone.models.caption_cleaning import clean_caption
from telephone.models.pocket import weights
from telephone.models.runtime import image_batch, limited_threads, load_net

if TYPE_CHECKING:
    from torch import Tensor

    from telephone.nets.tokenizer import WordTokenizer

SIZE = 64
"""Side of the pictures that the net sees, in pixels."""
EQUAL = 8
"""Questions are answered in batches of exactly so many, the last one filled up, so that company changes no bit."""


class PocketBlip(Image2Text):
    """BLIP (`nets/blip.py`): one short sentence a picture."""

    FILES: tuple[str, ...] = ("blip",)
    """The weight files; what a later one holds takes the place of what an earlier one holds."""

    def __init__(self, temperature: float = 0.0, max_tokens: int = 71, name: str = "blip") -> None:
        self.name = name
        self._options: dict[str, Any] = {"limit": max_tokens, "temperature": temperature}

    def lacks(self) -> str:
        """Returns what is missing before the first call, in one sentence; empty if the weights are the shipped ones."""
        return weights.lacking(lambda: self._files)

    def traits(self) -> Traits:
        """Returns what the player is; reads the weight files once, for their hashes."""
        print_ = digest(f"pocket/{self.name}", 1, *self._files.values(), sorted(self._options.items()))
        return Traits(print_, batch_size=64, seeds=True, price=0.0)

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[str]:
        """Returns one description a picture; pictures of any size and mode are brought to 64 x 64 RGB first.

        Raises:
            WeightsError: the weights are missing, or not the shipped ones.
        """
        from telephone.nets.generation import Decoding

        chosen = list(seeds) if seeds is not None else [0] * len(images)
        with limited_threads():
            tokens: Tensor = self._net.describe(image_batch(images, SIZE), chosen, Decoding(**self._options))
        return [clean_caption(self._tokenizer.decode(row)) for row in tokens.tolist()]

    def answer(
        self, images: Sequence[Image.Image], questions: Sequence[str], seeds: Sequence[int] | None = None
    ) -> list[str]:
        """Returns one answer a question, such as "Red." to "What colour is the boat?"; questions are in English.

        Args:
            images: one a question, of any size and mode.
            questions: best in the words of `telephone.world.questions`.
            seeds: one a question; without effect at temperature 0.

        Raises:
            UsageError: there are more or fewer questions than pictures.
            WeightsError: the weights of the answers are missing, or not the shipped ones.
        """
        if len(images) != len(questions):
            raise UsageError(f"There are {len(images)} pictures and {len(questions)} questions: give one each.")
        chosen = list(seeds) if seeds is not None else [0] * len(images)
        asked = list(zip(images, questions, chosen, strict=True))
        told: list[str] = []
        for start in range(0, len(asked), EQUAL):
            part = (asked[start : start + EQUAL] + asked[-1:] * EQUAL)[:EQUAL]
            told += self._answers(*zip(*part, strict=True))
        return told[: len(asked)]

    def _answers(self, images: Sequence[Image.Image], questions: Sequence[str], seeds: Sequence[int]) -> list[str]:
        import torch

        from telephone.nets.generation import Decoding

        net, tokenizer = self._answerer
        limit = net.config.max_question
        with limited_threads(), torch.no_grad():
            squares = self._net.image_encoder(image_batch(images, SIZE))
            asked = tokenizer.batch(questions, limit, pad_to=limit)
            tokens = net.answer(squares, asked, seeds, Decoding(temperature=self._options["temperature"]))
        return [tokenizer.decode(row) for row in tokens.tolist()]

    @cached_property
    def _files(self) -> dict[Path, str]:
        return dict(weights.find(name) for name in self.FILES)

    @cached_property
    def _net(self) -> Any:
        from telephone.nets.blip import Blip as Net
        from telephone.nets.blip import BlipConfig
        from telephone.nets.checkpoint import read_metadata

        files = list(self._files)
        return load_net(files, Net(BlipConfig.from_dict(read_metadata(files[0])[0])))

    @cached_property
    def _tokenizer(self) -> "WordTokenizer":
        from telephone.nets.tokenizer import WordTokenizer

        return WordTokenizer(self._net.config.text.words)

    @cached_property
    def _answerer(self) -> Any:
        """The net that answers and its tokenizer; loaded when the first question is asked."""
        from telephone.nets.blip_vqa import Answerer, AnswererConfig
        from telephone.nets.checkpoint import read_metadata
        from telephone.nets.tokenizer import WordTokenizer

        path, _ = weights.find("blip-vqa")
        net = load_net([path], Answerer(AnswererConfig.from_dict(read_metadata(path)[0])))
        return net, WordTokenizer(net.config.words)
