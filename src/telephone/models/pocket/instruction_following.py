"""Base class of the image-to-text models that follow instructions: image vectors in a chat with a language model."""

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import Image

from telephone.core.errors import UsageError
from telephone.core.seeds import digest
from telephone.models.base import Image2Text, Traits
from telephone.models.caption_cleaning import clean_caption
from telephone.models.pocket import blip
from telephone.models.pocket.pocket_net import PocketNet
from telephone.models.provider import integer, number
from telephone.models.runtime import image_batch, limited_threads, parallel_map
from telephone.models.yes_no import yes_share

if TYPE_CHECKING:
    from torch import Tensor

SIZE = 64
"""Side of the images that the nets read, in pixels."""
BATCH = 16
"""Answers are generated in batches of exactly this size, the last one padded, so that a batch changes no bit."""
LANGUAGE_MODEL = PocketNet(
    name="language-model",
    summary="the language model that the instruction-following models share",
    net="telephone.nets.language_model:LanguageModel",
    config="telephone.nets.language_model:LanguageModelConfig",
    recipe="telephone.train.language_model",
    files=("language-model",),
)


class InstructionItem(NamedTuple):
    """One image with its instruction."""

    image: Image.Image
    instruction: str
    seed: int


class PocketInstructionModel(Image2Text):
    """A net that follows instructions; a subclass defines the vectors that represent an image."""

    VERSION = 2
    """Incremented whenever the same weights and options may give another answer."""

    def __init__(self, net: PocketNet, task: str, temperature: float, max_tokens: int) -> None:
        self.name, self.task_description = net.name, task
        self._declaration = net
        self._loaded = False
        self._options: dict[str, Any] = {"limit": max_tokens, "temperature": temperature}

    def lacks(self) -> str:
        """Returns what is missing before the first call, in one sentence; empty if all weights are in place."""
        return self._declaration.lacks()

    def traits(self) -> Traits:
        """Returns the properties; reads the weight files once, for their hashes."""
        options = sorted(self._options.items())
        hashes = self._files.values()
        fingerprint = digest(f"pocket/{self.name}", self.VERSION, *hashes, options, self.task_description)
        greedy = self._options["temperature"] == 0
        return Traits(fingerprint, batch_size=64, seeds=True, deterministic=greedy, price=0.0)

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[str]:
        """Returns one caption an image; images of any size and mode are converted to 64 x 64 RGB first.

        Raises:
            WeightsError: the weights are missing, are not the shipped ones, or were trained with others.
        """
        texts = self.answer(images, [self.task_description] * len(images), seeds)
        return [clean_caption(text) for text in texts]

    def answer(
        self, images: Sequence[Image.Image], questions: Sequence[str], seeds: Sequence[int] | None = None
    ) -> list[str]:
        """Returns one answer an instruction or question, such as "Red." to "What colour is the boat?".

        Args:
            images: one a question, of any size and mode.
            questions: in English or Chinese, best in the wording of `telephone.world.questions`.
            seeds: one a question; without effect at temperature 0.

        Raises:
            UsageError: the number of questions differs from the number of images.
            WeightsError: the weights are missing, are not the shipped ones, or were trained with others.
        """
        if len(images) != len(questions):
            raise UsageError(f"There are {len(images)} images and {len(questions)} questions: give one an image.")
        chosen = list(seeds) if seeds is not None else [0] * len(images)
        items = [InstructionItem(*item) for item in zip(images, questions, chosen, strict=True)]
        by_length: dict[int, list[int]] = defaultdict(list)
        for index, question in enumerate(questions):
            by_length[len(self._tokenizer.after_image(question))].append(index)
        parts = [rows[start : start + BATCH] for rows in by_length.values() for start in range(0, len(rows), BATCH)]
        answers = [""] * len(items)
        self._load()
        batches = [[items[row] for row in part] for part in parts]
        for part, texts in zip(parts, parallel_map(self._answer_batch, batches), strict=True):
            for row, text in zip(part, texts, strict=False):
                answers[row] = text
        return answers

    def _load(self) -> None:
        """Runs one empty image, so that all weights are loaded before several threads use them."""
        import torch

        if not self._loaded:
            with limited_threads(), torch.no_grad():
                self._image_vectors(self._image_encoder(torch.zeros(1, 3, SIZE, SIZE)))
            self._loaded = True

    def _answer_batch(self, items: list[InstructionItem]) -> list[str]:
        import torch

        from telephone.nets.blip_2 import answer_instructions
        from telephone.nets.generation import Decoding

        full = (items + items[-1:] * BATCH)[:BATCH]
        with limited_threads(), torch.no_grad():
            vectors = self._image_vectors(self._image_encoder(image_batch([item.image for item in full], SIZE)))
            prompts = [item.instruction for item in full], [item.seed for item in full]
            return answer_instructions(
                self._language_model, self._tokenizer, vectors, *prompts, Decoding(**self._options)
            )

    def yes_probabilities(self, images: Sequence[Image.Image], questions: Sequence[str]) -> list[float]:
        """Returns P(yes) / (P(yes) + P(no)) for each pair of image and question, in [0, 1].

        Raises:
            UsageError: the number of questions differs from the number of images.
            WeightsError: the weights are missing, are not the shipped ones, or were trained with others.
        """
        if len(images) != len(questions):
            raise UsageError(f"There are {len(images)} images and {len(questions)} questions: give one an image.")
        self._load()
        items, found = list(zip(images, questions, strict=True)), []
        for start in range(0, len(items), BATCH):
            part = (items[start : start + BATCH] + items[-1:] * BATCH)[:BATCH]
            found += self._yes_batch(*zip(*part, strict=True))
        return found[: len(items)]

    def _yes_batch(self, images: Sequence[Image.Image], questions: Sequence[str]) -> list[float]:
        import torch

        from telephone.nets.blip_2 import first_answer_logits

        with limited_threads(), torch.no_grad():
            vectors = self._image_vectors(self._image_encoder(image_batch(images, SIZE)))
            logits = first_answer_logits(self._language_model, self._tokenizer, vectors, questions)
        return yes_share(logits, *(self._tokenizer.encode(word)[0] for word in ("yes", "no")))

    @abstractmethod
    def _image_vectors(self, features: "Tensor") -> "Tensor":
        """Returns the vectors [n, m, width of the language model] that represent images, from features [n, 64, d]."""

    @cached_property
    def _files(self) -> dict[Path, str]:
        return self._declaration.locate_all()

    @cached_property
    def _image_encoder(self) -> Any:
        """BLIP's image encoder."""
        return blip.NET.load().image_encoder

    @cached_property
    def _language_model(self) -> Any:
        self._check_reads()
        return LANGUAGE_MODEL.load()

    def _check_reads(self) -> None:
        """Raises `WeightsError` if the net was trained with other weights than it is used with; BLIP may differ."""
        self._declaration.check_reads(ignore=("blip",))

    @cached_property
    def _tokenizer(self) -> Any:
        from telephone.nets.tokenizer import ChatTokenizer

        return ChatTokenizer(self._language_model.config.words)


def instruction(text: str) -> str:
    """Parses the option `task`.

    Raises:
        ValueError: it is empty or longer than 400 characters.
    """
    if not 0 < len(text.strip()) <= 400:
        raise ValueError("write an instruction of up to 400 characters")
    return text.strip()


OPTIONS = {"task": instruction, "temperature": number(0, 10), "max_tokens": integer(1, 160)}
