"""Image-to-text models of transformers: captioning models and vision-language chat models."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from PIL import Image

from telephone.core.errors import ModelError, UsageError, WeightsError
from telephone.core.images import to_rgb
from telephone.core.seeds import derive, digest
from telephone.models.answer_cleaning import clean_answer
from telephone.models.base import Image2Text, Traits
from telephone.models.caption_cleaning import strip_opening
from telephone.models.local.device_placement import choose_placement, configured_threads, in_batches, quiet
from telephone.models.local.finite_outputs import nan_rows, not_a_number
from telephone.models.local.model_cache import loaded_models
from telephone.models.local.model_files import Folder
from telephone.models.local.options import COMPUTE_OPTIONS, ComputeOptions, fingerprint_text, release
from telephone.models.local.processors import FROM_FILES, load_processor
from telephone.models.local.seeded_sampling import sampler
from telephone.models.provider import Parser, choice, integer, number

NO_TEXT_INPUT = ("blip", "blip-2", "git", "pix2struct", "vision-encoder-decoder")
"""Types that need no text input; others without a chat template get the task, or a default prompt."""
PROMPTLESS = ("git", "pix2struct", "vision-encoder-decoder")
"""Types that take no text prompt."""
DEFAULT_PROMPTS = {"kosmos-2": "An image of", "paligemma": "caption en", "florence2": "<MORE_DETAILED_CAPTION>"}
"""Prompts that some types were trained with."""


def _task(text: str) -> str:
    if not text.strip() or len(text) > 4000:
        raise ValueError("give an instruction of 1 to 4000 characters")
    return text


OPTIONS: Mapping[str, Parser] = {
    "task": _task,
    "temperature": number(0, 10),
    "top_p": number(0.01, 1),
    "max_tokens": integer(1, 8192),
    "beams": integer(1, 32),
    "seed": integer(0, 2**32 - 1),
    "clean": choice("yes", "no"),
    **COMPUTE_OPTIONS,
}


@dataclass(frozen=True)
class GenerationOptions:
    """Generation parameters."""

    task: str = ""
    """Instruction; empty is the default of the type."""
    temperature: float = 0.0
    """0 is greedy decoding."""
    top_p: float = 1.0
    max_tokens: int = 200
    beams: int = 1
    seed: int = 0
    """Another number gives other samples."""
    clean: str = "yes"
    """Whether a stock opening such as "The image shows" is removed: yes or no."""


class TransformersImage2Text(Image2Text):
    """An image-to-text model of transformers."""

    def __init__(self, folder: Folder, generation: GenerationOptions, compute: ComputeOptions) -> None:
        """Inspects the files; the weights are loaded with the first call.

        Raises:
            UsageError: two options exclude each other.
            WeightsError: the weights are missing, or pickled.
        """
        if generation.beams > 1 and generation.temperature > 0:
            raise UsageError("Beam search and sampling exclude each other: choose beams or temperature.")
        self.model_name = folder.name
        self._folder, self._generation, self._compute = folder, generation, compute
        self._weights = folder.weights()
        self._kind = str(folder.json("config.json").get("model_type", ""))
        self._batch = compute.batch
        if generation.task and self._kind in PROMPTLESS:
            raise UsageError(f"{folder.name} is a {self._kind}, which takes no prompt: leave the option task out.")
        if generation.task:
            self.task_description = generation.task

    def traits(self) -> Traits:
        """Returns the traits; the fingerprint covers files, generation parameters and precision."""
        placement = self._placement
        fingerprint = digest(
            "transformers",
            1,
            release("transformers"),
            self._folder.fingerprint(self._weights),
            fingerprint_text(self._generation, "Manner"),
            self.task_description,
            self._compute.batch,
            placement.kind,
            placement.dtype,
        )
        greedy = self._generation.temperature == 0
        return Traits(fingerprint, placement.device, self._compute.batch, seeds=True, deterministic=greedy, price=0.0)

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one description per image.

        Args:
            images: PIL images.
            seeds: one per image, used at a temperature above 0; None is 0 for all.

        Raises:
            ModelError: out of memory.
            UsageError: the model needs a package that is not installed.
            WeightsError: files are missing or do not fit together.
        """
        chosen = [0] * len(images) if seeds is None else list(seeds)
        with configured_threads(), loaded_models.in_use(self):
            made, self._batch = in_batches(list(zip(images, chosen, strict=True)), self._batch, self._generate)
        return made

    def unload(self) -> None:
        """Releases the memory; the next call loads the files again."""
        self.__dict__.pop("_model", None)

    def _generate(self, items: list[tuple[Image.Image, int]], size: int) -> list[str | ModelError]:
        import torch

        given, check = self._inputs([to_rgb(image) for image, _ in items]), nan_rows()
        with torch.inference_mode(), quiet():
            made = self._model.generate(**given, **self._method([seed for _, seed in items], check))
        found = self._processor.batch_decode(_new_tokens(made, given), skip_special_tokens=True)
        bad = torch.stack(check.seen).any(dim=0).view(len(items), -1).any(dim=1).tolist()
        nan = not_a_number(self._folder.name)
        return [nan if broken else self._postprocess(text) for text, broken in zip(found, bad, strict=True)]

    def _postprocess(self, text: str) -> str | ModelError:
        try:
            found = clean_answer(text).strip()
        except ModelError as error:
            return error
        if self._prompt_text and not self._has_chat_template:
            # Some models repeat their prompt, in lower case if their vocabulary is.
            start = self._prompt_text.strip()
            found = found[len(start) :].strip() if found.lower().startswith(start.lower()) else found
        return strip_opening(found).strip() if self._generation.clean == "yes" else found

    def _method(self, seeds: Sequence[int], check: Any) -> dict[str, Any]:
        """Returns the arguments of `generate`; `check` is a logits processor that sees the scores first."""
        from transformers import LogitsProcessorList

        generation = self._generation
        kwargs: dict[str, Any] = {
            "max_new_tokens": generation.max_tokens,
            "num_beams": generation.beams,
            "do_sample": False,  # sampling is done by a seeded logits processor
            "temperature": None,
            "top_p": None,
            "top_k": None,
            "logits_processor": LogitsProcessorList([check]),
        }
        if generation.temperature > 0:
            own = [derive("describe", generation.seed, seed) for seed in seeds]
            kwargs["logits_processor"] += sampler(own, generation.temperature, generation.top_p)
        return kwargs

    def _inputs(self, images: list[Image.Image]) -> Any:
        given = self._chat_inputs(images) if self._has_chat_template else self._caption_inputs(images)
        takes = inspect.signature(self._model.forward).parameters
        # Tokenizers return token type ids also for models that do not accept them.
        return {
            name: self._to_device(value) for name, value in given.items() if name in takes or name != "token_type_ids"
        }

    def _caption_inputs(self, images: list[Image.Image]) -> Any:
        if not self._prompt_text:
            return self._processor(images=images, return_tensors="pt")
        return self._processor(images=images, text=[self._prompt_text] * len(images), return_tensors="pt", padding=True)

    def _chat_inputs(self, images: list[Image.Image]) -> Any:
        conversations = [
            [
                {
                    "role": "user",
                    "content": [{"type": "image", "image": image}, {"type": "text", "text": self._prompt_text}],
                }
            ]
            for image in images
        ]
        self._processor.tokenizer.padding_side = "left"
        return self._processor.apply_chat_template(
            conversations,
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs={"padding": True},
        )

    def _to_device(self, value: Any) -> Any:
        import torch

        if not isinstance(value, torch.Tensor):
            return value
        return value.to(self._model.device, self._model.dtype if value.is_floating_point() else None)

    @property
    def _has_chat_template(self) -> bool:
        return bool(getattr(self._processor, "chat_template", None))

    @property
    def _prompt_text(self) -> str:
        """The text input that goes with an image, empty if there is none."""
        if self._has_chat_template or self._generation.task:
            return self.task_description
        return "" if self._kind in NO_TEXT_INPUT else DEFAULT_PROMPTS.get(self._kind, self.task_description)

    @cached_property
    def _processor(self) -> Any:
        with quiet():
            return load_processor(self._folder)

    @cached_property
    def _placement(self) -> Any:
        return choose_placement(self._compute.requested, self._weights)

    @cached_property
    def _model(self) -> Any:
        import torch
        from transformers import AutoModelForImageTextToText

        placement = self._placement
        off = loaded_models.reserve(self, placement, self._weights, self._compute.requested)
        kwargs: dict[str, Any] = {"dtype": getattr(torch, placement.dtype), "use_safetensors": True, **FROM_FILES}
        if self._weights.variant:
            kwargs["variant"] = self._weights.variant
        if off != "none":
            kwargs["device_map"] = "auto"  # accelerate keeps on the device what fits and offloads the rest
        try:
            with quiet():
                model = AutoModelForImageTextToText.from_pretrained(str(self._folder.path), **kwargs)
        except ImportError as error:
            raise UsageError(
                f"{self._folder.name} needs another package: {' '.join(str(error).split())[:200]}"
            ) from error
        except Exception as error:  # noqa: BLE001 - damaged files lead the library into errors of any type
            raise WeightsError(
                f"The files of {self._folder.name} cannot be loaded ({' '.join(str(error).split())[:200]}): "
                f"{self._folder.remedy}."
            ) from error
        return model.eval() if off != "none" else model.to(placement.device).eval()


def _new_tokens(made: Any, given: Mapping[str, Any]) -> Any:
    """Returns the generated tokens without the prompt, which decoder-only models repeat."""
    import torch

    prompt = given.get("input_ids")
    if prompt is not None and made.shape[1] > prompt.shape[1] and torch.equal(made[:, : prompt.shape[1]], prompt):
        return made[:, prompt.shape[1] :]
    return made
