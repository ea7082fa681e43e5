"""Describes with any image-to-text model of transformers: captioners and chat models that see."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from PIL import Image

from telephone.core.errors import UsageError, WeightsError
from telephone.core.images import to_rgb
from telephone.core.seeds import derive, digest
from telephone.models.base import Image2Text, Traits
from telephone.models.caption_cleaning import strip_opening
from telephone.models.local.device_placement import in_batches, own_threads, place, quiet
from telephone.models.local.model_cache import shelf
from telephone.models.local.model_files import Folder
from telephone.models.local.options import MACHINE, Machine, release
from telephone.models.local.processors import FROM_FILES, load_processor
from telephone.models.local.seeded_sampling import sampler
from telephone.models.provider import Parser, choice, integer, number

TEXTLESS = ("blip", "blip-2", "git", "pix2struct", "vision-encoder-decoder")
"""Captioners that need no text; all others without a chat template get the task, or one of the words below."""
UNASKED = ("git", "pix2struct", "vision-encoder-decoder")
"""Captioners that cannot be asked for anything."""
ASKS = {"kosmos-2": "An image of", "paligemma": "caption en", "florence2": "<MORE_DETAILED_CAPTION>"}
"""What some captioners were trained to be asked."""


def _task(text: str) -> str:
    if not text.strip() or len(text) > 4000:
        raise ValueError("write what to ask for, in up to 4000 signs")
    return text


OPTIONS: Mapping[str, Parser] = {
    "task": _task,
    "temperature": number(0, 10),
    "top_p": number(0.01, 1),
    "max_tokens": integer(1, 8192),
    "beams": integer(1, 32),
    "seed": integer(0, 2**32 - 1),
    "clean": choice("yes", "no"),
    **MACHINE,
}


@dataclass(frozen=True)
class Manner:
    """How to describe."""

    task: str = ""
    """What to ask for; empty is the kind's own request."""
    temperature: float = 0.0
    """0 always takes the likeliest token."""
    top_p: float = 1.0
    max_tokens: int = 200
    beams: int = 1
    seed: int = 0
    """Another number gives another series of samples."""
    clean: str = "yes"
    """Whether a stock opening such as "The image shows" is taken off."""


class Describer(Image2Text):
    """A model of transformers that makes text of a picture."""

    def __init__(self, folder: Folder, manner: Manner, machine: Machine) -> None:
        """Looks at the files; they are loaded for the first picture.

        Raises:
            UsageError: two options exclude each other.
            WeightsError: the model's weights are missing, or pickled.
        """
        if manner.beams > 1 and manner.temperature > 0:
            raise UsageError("Beams look for the likeliest text and a temperature draws at random: choose one of them.")
        self.model_name = folder.name
        self._folder, self._manner, self._machine = folder, manner, machine
        self._weights = folder.weights()
        self._kind = str(folder.json("config.json").get("model_type", ""))
        self._batch = machine.batch
        if manner.task and self._kind in UNASKED:
            raise UsageError(f"{folder.name} is a {self._kind}, which cannot be asked: leave the option task out.")
        if manner.task:
            self.task_description = manner.task

    def traits(self) -> Traits:
        """Returns what the player is: its files, how it describes, and with how exact numbers."""
        where = self._place
        print_ = digest(
            "transformers",
            1,
            release("transformers"),
            self._folder.fingerprint(self._weights),
            self._manner,
            self.task_description,
            self._machine.batch,
            where.kind,
            where.dtype,
        )
        return Traits(print_, where.device, self._machine.batch, seeds=True, price=0.0)

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one description a picture.

        Args:
            images: what to describe.
            seeds: one a picture; they matter only at a temperature above 0. None is 0 for all.

        Raises:
            ModelError: memory ran out.
            UsageError: the model needs a package that is not installed.
            WeightsError: files are missing or do not fit together.
        """
        chosen = [0] * len(images) if seeds is None else list(seeds)
        with own_threads(), shelf.using(self):
            made, self._batch = in_batches(list(zip(images, chosen, strict=True)), self._batch, self._tell)
        return made

    def unload(self) -> None:
        """Gives the memory back; the next picture loads the files again."""
        self.__dict__.pop("_model", None)

    def _tell(self, items: list[tuple[Image.Image, int]], size: int) -> list[str]:
        import torch

        given = self._inputs([to_rgb(image) for image, _ in items])
        with torch.inference_mode(), quiet():
            made = self._model.generate(**given, **self._how([seed for _, seed in items]))
        told = self._processor.batch_decode(_answers(made, given), skip_special_tokens=True)
        return [self._finish(text) for text in told]

    def _finish(self, text: str) -> str:
        told = text.strip()
        if self._request and not self._chats:
            # Some captioners repeat the words that they were to go on from, in the case of their vocabulary.
            start = self._request.strip()
            told = told[len(start) :].strip() if told.lower().startswith(start.lower()) else told
        return strip_opening(told).strip() if self._manner.clean == "yes" else told

    def _how(self, seeds: Sequence[int]) -> dict[str, Any]:
        manner = self._manner
        how: dict[str, Any] = {
            "max_new_tokens": manner.max_tokens,
            "num_beams": manner.beams,
            "do_sample": False,  # chance, where it is wanted, comes in by the sampler, from seeds
            "temperature": None,
            "top_p": None,
            "top_k": None,
        }
        if manner.temperature > 0:
            own = [derive("describe", manner.seed, seed) for seed in seeds]
            how["logits_processor"] = sampler(own, manner.temperature, manner.top_p)
        return how

    def _inputs(self, images: list[Image.Image]) -> Any:
        given = self._chat_inputs(images) if self._chats else self._caption_inputs(images)
        takes = inspect.signature(self._model.forward).parameters
        # Tokenizers tell the kinds of tokens also to models that know no kinds, and these complain.
        return {name: self._put(value) for name, value in given.items() if name in takes or name != "token_type_ids"}

    def _caption_inputs(self, images: list[Image.Image]) -> Any:
        if not self._request:
            return self._processor(images=images, return_tensors="pt")
        return self._processor(images=images, text=[self._request] * len(images), return_tensors="pt", padding=True)

    def _chat_inputs(self, images: list[Image.Image]) -> Any:
        talks = [
            [{"role": "user", "content": [{"type": "image", "image": image}, {"type": "text", "text": self._request}]}]
            for image in images
        ]
        self._processor.tokenizer.padding_side = "left"
        return self._processor.apply_chat_template(
            talks,
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs={"padding": True},
        )

    def _put(self, value: Any) -> Any:
        import torch

        if not isinstance(value, torch.Tensor):
            return value
        return value.to(self._model.device, self._model.dtype if value.is_floating_point() else None)

    @property
    def _chats(self) -> bool:
        return bool(getattr(self._processor, "chat_template", None))

    @property
    def _request(self) -> str:
        """The words that go with a picture; the base class's task is for those that can be asked."""
        if self._chats or self._manner.task:
            return self.task_description
        return "" if self._kind in TEXTLESS else ASKS.get(self._kind, self.task_description)

    @cached_property
    def _processor(self) -> Any:
        with quiet():
            return load_processor(self._folder)

    @cached_property
    def _place(self) -> Any:
        return place(self._machine.wish, self._weights)

    @cached_property
    def _model(self) -> Any:
        import torch
        from transformers import AutoModelForImageTextToText

        where = self._place
        off = shelf.room(self, where, self._weights, self._machine.wish)
        how: dict[str, Any] = {"dtype": getattr(torch, where.dtype), "use_safetensors": True, **FROM_FILES}
        if self._weights.variant:
            how["variant"] = self._weights.variant
        if off != "none":
            how["device_map"] = "auto"  # accelerate keeps on the device what fits and moves the rest in turn
        try:
            with quiet():
                model = AutoModelForImageTextToText.from_pretrained(str(self._folder.path), **how)
        except ImportError as error:
            raise UsageError(
                f"{self._folder.name} needs another package: {' '.join(str(error).split())[:200]}"
            ) from error
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise WeightsError(
                f"The files of {self._folder.name} cannot be loaded ({' '.join(str(error).split())[:200]}): "
                f"{self._folder.remedy}."
            ) from error
        return model.eval() if off != "none" else model.to(where.device).eval()


def _answers(made: Any, given: Mapping[str, Any]) -> Any:
    """Returns the new tokens: models that only go on repeat what they were given, others begin afresh."""
    import torch

    asked = given.get("input_ids")
    if asked is not None and made.shape[1] > asked.shape[1] and torch.equal(made[:, : asked.shape[1]], asked):
        return made[:, asked.shape[1] :]
    return made
