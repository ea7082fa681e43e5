"""`pocket/blip`: one short sentence an image, and answers to questions. Its variant is `pocket/clip-caption-reward`."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from telephone.core.errors import UsageError
from telephone.core.seeds import digest
from telephone.models.base import Image2Text, Traits
from telephone.models.caption_cleaning import clean_caption
from telephone.models.pocket.pocket_net import PocketNet
from telephone.models.provider import integer, number
from telephone.models.runtime import image_batch, limited_threads
from telephone.models.yes_no import yes_share

if TYPE_CHECKING:
    from torch import Tensor

    from telephone.nets.tokenizer import WordTokenizer

SIZE = 64
"""Side of the images that the net reads, in pixels."""
BATCH = 8
"""Questions are answered in batches of exactly this size, the last one padded, so that a batch changes no bit."""
OPTIONS = {"temperature": number(0, 10), "max_tokens": integer(1, 71)}


class PocketBlip(Image2Text):
    """BLIP (`nets/blip.py`): one short sentence an image."""

    def __init__(self, temperature: float = 0.0, max_tokens: int = 71, net: PocketNet | None = None) -> None:
        self._declaration = net or NET
        self.name = self._declaration.name
        self._options: dict[str, Any] = {"limit": max_tokens, "temperature": temperature}

    def lacks(self) -> str:
        """Returns what is missing before the first call, in one sentence; empty if all weights are in place."""
        return self._declaration.lacks()

    def traits(self) -> Traits:
        """Returns the properties; reads the weight files once, for their hashes."""
        fingerprint = digest(f"pocket/{self.name}", 1, *self._files.values(), sorted(self._options.items()))
        greedy = self._options["temperature"] == 0
        return Traits(fingerprint, batch_size=64, seeds=True, deterministic=greedy, price=0.0)

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[str]:
        """Returns one caption an image; images of any size and mode are converted to 64 x 64 RGB first.

        Raises:
            WeightsError: the weights are missing, or not the shipped ones.
        """
        from telephone.nets.generation import Decoding

        chosen = list(seeds) if seeds is not None else [0] * len(images)
        with limited_threads():
            tokens: Tensor = self._net.caption(image_batch(images, SIZE), chosen, Decoding(**self._options))
        return [clean_caption(self._tokenizer.decode(row)) for row in tokens.tolist()]

    def answer(
        self, images: Sequence[Image.Image], questions: Sequence[str], seeds: Sequence[int] | None = None
    ) -> list[str]:
        """Returns one answer a question, such as "Red." to "What colour is the boat?"; questions are in English.

        Args:
            images: one a question, of any size and mode.
            questions: best in the wording of `telephone.world.questions`.
            seeds: one a question; without effect at temperature 0.

        Raises:
            UsageError: the number of questions differs from the number of images.
            WeightsError: the weights of the answers are missing, or not the shipped ones.
        """
        if len(images) != len(questions):
            raise UsageError(f"There are {len(images)} images and {len(questions)} questions: give one an image.")
        chosen = list(seeds) if seeds is not None else [0] * len(images)
        items = list(zip(images, questions, chosen, strict=True))
        answers: list[str] = []
        for start in range(0, len(items), BATCH):
            part = (items[start : start + BATCH] + items[-1:] * BATCH)[:BATCH]
            answers += self._answer_batch(*zip(*part, strict=True))
        return answers[: len(items)]

    def _answer_batch(self, images: Sequence[Image.Image], questions: Sequence[str], seeds: Sequence[int]) -> list[str]:
        import torch

        from telephone.nets.generation import Decoding

        net, tokenizer = self._answerer
        limit = net.config.max_question
        with limited_threads(), torch.no_grad():
            features = self._net.image_encoder(image_batch(images, SIZE))
            tokens = tokenizer.batch(questions, limit, pad_to=limit)
            answers = net.answer(features, tokens, seeds, Decoding(temperature=self._options["temperature"]))
        return [tokenizer.decode(row) for row in answers.tolist()]

    def yes_probabilities(self, images: Sequence[Image.Image], questions: Sequence[str]) -> list[float]:
        """Returns P(yes) / (P(yes) + P(no)) for each pair of image and question, in [0, 1].

        Raises:
            UsageError: the number of questions differs from the number of images.
            WeightsError: the weights of the answers are missing, or not the shipped ones.
        """
        if len(images) != len(questions):
            raise UsageError(f"There are {len(images)} images and {len(questions)} questions: give one an image.")
        items, found = list(zip(images, questions, strict=True)), []
        for start in range(0, len(items), BATCH):
            part = (items[start : start + BATCH] + items[-1:] * BATCH)[:BATCH]
            found += self._yes_batch(*zip(*part, strict=True))
        return found[: len(items)]

    def _yes_batch(self, images: Sequence[Image.Image], questions: Sequence[str]) -> list[float]:
        import torch

        net, tokenizer = self._answerer
        limit = net.config.max_question
        with limited_threads(), torch.no_grad():
            features = self._net.image_encoder(image_batch(images, SIZE))
            logits = net.first_logits(features, tokenizer.batch(questions, limit, pad_to=limit))
        return yes_share(logits, *(tokenizer.encode(word)[0] for word in ("yes", "no")))

    @cached_property
    def _files(self) -> dict[Path, str]:
        return self._declaration.locate_all()

    @cached_property
    def _net(self) -> Any:
        return self._declaration.load()

    @cached_property
    def _tokenizer(self) -> "WordTokenizer":
        from telephone.nets.tokenizer import WordTokenizer

        return WordTokenizer(self._net.config.text.words)

    @cached_property
    def _answerer(self) -> Any:
        """The question-answering net and its tokenizer; loaded at the first question."""
        from telephone.nets.tokenizer import WordTokenizer

        net = ANSWERING.load()
        return net, WordTokenizer(net.config.words)


class ClipCaptionReward(PocketBlip):
    """BLIP after self-critical training with CLIP's cosine as the reward (`nets/clip_caption_reward.py`)."""

    def __init__(self, temperature: float = 0.0, max_tokens: int = 71) -> None:
        super().__init__(temperature, max_tokens, CAPTION_REWARD)


NET = PocketNet(
    name="blip",
    summary="BLIP, trained on the pocket world; short sentences",
    net="telephone.nets.blip:Blip",
    config="telephone.nets.blip:BlipConfig",
    recipe="telephone.train.blip",
    files=("blip",),
    kind="image2text",
    model=PocketBlip,
    options=OPTIONS,
    roster="a small BLIP; short sentences",
)
ANSWERING = PocketNet(
    name="blip-vqa",
    summary="the question-answering decoder of blip",
    net="telephone.nets.blip_vqa:Answerer",
    config="telephone.nets.blip_vqa:AnswererConfig",
    recipe="telephone.train.blip_vqa",
    files=("blip-vqa",),
)
CAPTION_REWARD = PocketNet(
    name="clip-caption-reward",
    summary="BLIP with its text decoder tuned for CLIP's cosine and for grammar",
    recipe="telephone.train.clip_caption_reward",
    files=("clip-caption-reward",),
    base=NET,
    kind="image2text",
    model=ClipCaptionReward,
    options=OPTIONS,
)
