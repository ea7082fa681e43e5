"""Describers that answer instructions: vectors stand for the picture in a conversation with a language model."""

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import Image

from telephone.core.errors import UsageError, WeightsError
from telephone.core.seeds import digest
from telephone.models.base import Image2Text, Traits
from telephone.models.caption_cleaning import clean_caption
from telephone.models.pocket import weights
from telephone.models.runtime import image_batch, limited_threads, load_net, parallel_map

if TYPE_CHECKING:
    from torch import Tensor

SIZE = 64
"""Side of the pictures that the nets see, in pixels."""
EQUAL = 16
"""Answers are written in batches of exactly so many, the last one filled up, so that company changes no bit."""
LANGUAGE_MODEL = "language-model"


class Asked(NamedTuple):
    """One item."""

    image: Image.Image
    instruction: str
    seed: int


class Follower(Image2Text):
    """A net that follows instructions; a subclass says which files it has and what stands for pictures."""

    VERSION = 2
    """Raised whenever the same weights and options may give another answer."""
    FILES: tuple[str, ...]
    """The weight files; the first one is the player's own and notes which others it was trained with."""

    def __init__(self, name: str, task: str, temperature: float, max_tokens: int) -> None:
        self.name, self.task_description = name, task
        self._loaded = False
        self._options: dict[str, Any] = {"limit": max_tokens, "temperature": temperature}

    def lacks(self) -> str:
        """Returns what is missing before the first call, in one sentence; empty if the weights are the shipped ones."""
        return weights.lacking(lambda: self._files)

    def traits(self) -> Traits:
        """Returns what the player is; reads the weight files once, for their hashes."""
        hashes = [sha for _, sha in self._files.values()]
        told = sorted(self._options.items())
        print_ = digest(f"pocket/{self.name}", self.VERSION, *hashes, told, self.task_description)
        return Traits(print_, batch_size=64, seeds=True, price=0.0)

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[str]:
        """Returns one description a picture; pictures of any size and mode are brought to 64 x 64 RGB first.

        Raises:
            WeightsError: the weights are missing, are not the shipped ones, or do not belong together.
        """
        told = self.answer(images, [self.task_description] * len(images), seeds)
        return [clean_caption(text) for text in told]

    def answer(
        self, images: Sequence[Image.Image], questions: Sequence[str], seeds: Sequence[int] | None = None
    ) -> list[str]:
        """Returns one answer an instruction or question, such as "Red." to "What colour is the boat?".

        Args:
            images: one a question, of any size and mode.
            questions: in English or Chinese, best in the words of `telephone.world.questions`.
            seeds: one a question; without effect at temperature 0.

        Raises:
            UsageError: there are more or fewer questions than pictures.
            WeightsError: the weights are missing, are not the shipped ones, or do not belong together.
        """
        if len(images) != len(questions):
            raise UsageError(f"There are {len(images)} pictures and {len(questions)} questions: give one each.")
        chosen = list(seeds) if seeds is not None else [0] * len(images)
        asked = [Asked(*item) for item in zip(images, questions, chosen, strict=True)]
        alike: dict[int, list[int]] = defaultdict(list)
        for index, question in enumerate(questions):
            alike[len(self._words.after_image(question))].append(index)
        parts = [rows[start : start + EQUAL] for rows in alike.values() for start in range(0, len(rows), EQUAL)]
        told = [""] * len(asked)
        self._load()
        items = [[asked[row] for row in part] for part in parts]
        for part, texts in zip(parts, parallel_map(self._answers, items), strict=True):
            for row, text in zip(part, texts, strict=False):
                told[row] = text
        return told

    def _load(self) -> None:
        """Looks at an empty picture once, so that all weights are read before several threads need them."""
        import torch

        if not self._loaded:
            with limited_threads(), torch.no_grad():
                self._see(self._encoder(torch.zeros(1, 3, SIZE, SIZE)))
            self._loaded = True

    def _answers(self, asked: list[Asked]) -> list[str]:
        import torch

        from telephone.nets.blip_2 import reply
        from telephone.nets.generation import Decoding

        full = (asked + asked[-1:] * EQUAL)[:EQUAL]
        with limited_threads(), torch.no_grad():
            seen = self._see(self._encoder(image_batch([item.image for item in full], SIZE)))
            said = [item.instruction for item in full], [item.seed for item in full]
            return reply(self._model, self._words, seen, *said, Decoding(**self._options))

    @abstractmethod
    def _see(self, squares: "Tensor") -> "Tensor":
        """Returns the vectors [EQUAL, m, width of the language model] that stand for pictures [EQUAL, 64, width]."""

    @cached_property
    def _files(self) -> dict[str, tuple[Path, str]]:
        return {name: weights.find(name) for name in self.FILES}

    def _of_one_make(self) -> None:
        """Checks that the player's own weights were trained with those that it is to be used with.

        Raises:
            WeightsError: they were not.
        """
        from telephone.nets.checkpoint import read_metadata

        path = self._files[self.FILES[0]][0]
        for name, sha in read_metadata(path)[1].get("reads", {}).items():
            if name != "blip" and self._files[name][1] != sha:
                raise WeightsError(
                    f"The weights at {path} were trained with others than {self._files[name][0]}: make them again "
                    f"with `telephone learn {self.name}`, or remove them from the folder of TELEPHONE_WEIGHTS."
                )

    @cached_property
    def _encoder(self) -> Any:
        """BLIP's image encoder."""
        from telephone.nets.blip import Blip, BlipConfig
        from telephone.nets.checkpoint import read_metadata

        path = self._files["blip"][0]
        return load_net([path], Blip(BlipConfig.from_dict(read_metadata(path)[0]))).image_encoder

    @cached_property
    def _model(self) -> Any:
        from telephone.nets.checkpoint import read_metadata
        from telephone.nets.language_model import LanguageModel, LanguageModelConfig

        self._of_one_make()
        path = self._files[LANGUAGE_MODEL][0]
        return load_net([path], LanguageModel(LanguageModelConfig.from_dict(read_metadata(path)[0])))

    @cached_property
    def _words(self) -> Any:
        from telephone.nets.tokenizer import ChatTokenizer

        return ChatTokenizer(self._model.config.words)


def request(text: str) -> str:
    """Reads what to ask for.

    Raises:
        ValueError: it is empty or very long.
    """
    if not 0 < len(text.strip()) <= 400:
        raise ValueError("write what to ask for, in up to 400 signs")
    return text.strip()
