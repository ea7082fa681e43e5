"""Text-to-image pipelines of diffusers, from a folder or from the cache of the hub."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from telephone.core.errors import ModelError, ModelRefused, UsageError
from telephone.core.seeds import derive, digest
from telephone.models.base import Text2Image, Traits
from telephone.models.local import pipeline_loading
from telephone.models.local.device_placement import choose_placement, configured_threads, in_batches, quiet
from telephone.models.local.finite_outputs import not_a_number, watched
from telephone.models.local.model_cache import loaded_models
from telephone.models.local.model_files import locate
from telephone.models.local.options import COMPUTE_OPTIONS, ComputeOptions, fingerprint_text, read, release, text
from telephone.models.local.pipeline_inspection import inspect_pipeline, require_diffusers
from telephone.models.provider import ModelCard, Parser, integer, number

MAX_SIDE = 4096
_ENDLESS = 10**6
"""A tokenizer limit above this value means no limit."""


def size(text: str) -> tuple[int, int]:
    """Parses the option `size`: 512, or 768x512 for width and height."""
    width, _, height = text.partition("x")
    side = integer(8, MAX_SIDE)
    try:
        sides = [side(width), side(height or width)]
    except ValueError:
        raise ValueError(f"give a number of pixels such as 512, or 768x512, up to {MAX_SIDE}") from None
    return int(str(sides[0])), int(str(sides[1]))


OPTIONS: Mapping[str, Parser] = {
    "steps": integer(1, 1000),
    "guidance": number(0, 100),
    "size": size,
    "width": integer(8, MAX_SIDE),
    "height": integer(8, MAX_SIDE),
    "scheduler": text(r"\w+", "a class name such as EulerDiscreteScheduler"),
    "prior": text(r"[^?&]+", "ORG/MODEL or a path"),
    "variant": text(r"\w+", "a word such as fp16"),
    **COMPUTE_OPTIONS,
}


@dataclass(frozen=True)
class PipelineOptions:
    """Parameters of the pipeline; None is its default."""

    steps: int | None = None
    guidance: float | None = None
    width: int | None = None
    height: int | None = None
    scheduler: str = ""
    variant: str = ""
    prior: str = ""


class DiffusersText2Image(Text2Image):
    """A diffusers pipeline. Noise is drawn per item from its seed, so results do not depend on the batch."""

    def __init__(self, name: str, options: PipelineOptions, compute: ComputeOptions) -> None:
        """Inspects the files; the weights are loaded with the first call.

        Args:
            name: `ORG/MODEL`, or a path.
            options: parameters of the pipeline.
            compute: device, precision, batch size.

        Raises:
            UsageError: it is not a text-to-image pipeline.
            WeightsError: it is not on this machine, or holds only pickled weights.
        """
        require_diffusers(name)
        self.model_name = name
        self._options, self._compute = options, compute
        self._summary = inspect_pipeline(locate(name, compute.revision, "diffusers"), options.variant, options.prior)
        self._batch = compute.batch

    def traits(self) -> Traits:
        """Returns the traits; the fingerprint covers files, parameters and precision."""
        placement = self._placement
        fingerprint = digest(
            "diffusers",
            1,
            release("diffusers"),
            release("transformers"),
            self._files_fingerprint,
            fingerprint_text(self._fingerprint_options, "Style"),
            self._compute.batch,
            placement.kind,
            placement.dtype,
        )
        return Traits(fingerprint, placement.device, self._compute.batch, seeds=True, max_tokens=self._limit, price=0.0)

    def count_cut(self, text: str) -> int:
        """Returns how many tokens of the text are truncated by every text encoder of the pipeline."""
        limits = list(_limits(self._pipe))
        if not limits:
            return 0
        return min(max(0, _length(tokenizer, text) - limit) for tokenizer, limit in limits)

    def generate_images(self, texts: Sequence[str], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one image per text; a `ModelRefused` where the model's safety checker blacked the image out.

        An item whose computation left the range of numbers is a `ModelError`.

        Args:
            texts: prompts.
            seeds: one per text; None derives them from the texts.

        Raises:
            ModelError: out of memory.
            UsageError: an option does not fit the pipeline.
            WeightsError: files are missing or do not fit together.
        """
        chosen = [derive("unseeded", text) for text in texts] if seeds is None else list(seeds)
        with configured_threads(), loaded_models.in_use(self):
            made, self._batch = in_batches(list(zip(texts, chosen, strict=True)), self._batch, self._draw)
        return made

    def unload(self) -> None:
        """Releases the memory; the next call loads the files again."""
        self.__dict__.pop("_pipe", None)

    def _draw(self, items: list[tuple[str, int]], size: int) -> list[Any]:
        """Always computes a full batch: the last bits of an image depend on the batch size, not on the other items."""
        import torch

        full = items + items[-1:] * (size - len(items))
        noise = [torch.Generator("cpu").manual_seed(seed) for _, seed in full]
        pipe = self._pipe
        # The library warns where it turns a value that is not a number into a black pixel; that is an error here.
        silent = np.errstate(invalid="ignore")
        with torch.inference_mode(), quiet(), silent, watched(pipe.components, size) as broken:
            made = pipe(prompt=[text for text, _ in full], generator=noise, output_type="pil", **self._arguments)
        images = getattr(made, "images", None)
        if images is None:
            raise ModelError(f"{self.model_name} returned no images: choose a text-to-image pipeline.")
        flags = getattr(made, "nsfw_content_detected", None) or [False] * len(images)
        checked = [self._refusal() if bad else image for image, bad in zip(images, flags, strict=True)]
        nan = not_a_number(self.model_name or "The model")
        return [nan if bad else image for image, bad in zip(checked, broken(), strict=True)][: len(items)]

    def _refusal(self) -> ModelRefused:
        return ModelRefused(f"The safety checker of {self.model_name} blacked the image out.")

    @cached_property
    def _fingerprint_options(self) -> PipelineOptions:
        """The parameters without those that the fingerprint of the files covers."""
        return replace(self._options, variant="", prior="")

    @cached_property
    def _files_fingerprint(self) -> str:
        return self._summary.fingerprint()

    @cached_property
    def _placement(self) -> Any:
        return choose_placement(self._compute.requested, self._summary.weights)

    @cached_property
    def _limit(self) -> int | None:
        tokenizers = self._summary.tokenizers
        found = [folder.json(f"{part}/tokenizer_config.json").get("model_max_length") for folder, part in tokenizers]
        known = [int(limit) for limit in found if isinstance(limit, int | float) and limit < _ENDLESS]
        return max(known, default=None)

    @cached_property
    def _pipe(self) -> Any:
        placement = self._placement
        kwargs = loaded_models.reserve(self, placement, self._summary.weights, self._compute.requested)
        pipe = pipeline_loading.load(self._summary, placement)
        if self._options.scheduler:
            pipeline_loading.replace_scheduler(pipe, self._options.scheduler)
        if kwargs == "model":
            pipe.enable_model_cpu_offload(device=placement.device)
        elif kwargs == "sequential":
            pipe.enable_sequential_cpu_offload(device=placement.device)
        else:
            pipe.to(placement.device)
        return pipe

    @cached_property
    def _arguments(self) -> dict[str, Any]:
        options = self._options
        step = getattr(self._pipe, "vae_scale_factor", 8)
        for side in (options.width, options.height):
            if side is not None and side % step:
                raise UsageError(f"{self.model_name} needs sides that are multiples of {step}: {side} is not.")
        return pipeline_loading.arguments(
            self._pipe,
            {"steps": options.steps, "guidance": options.guidance, "width": options.width, "height": options.height},
        )


class DiffusersProvider:
    """The provider `diffusers`: pipelines by their name on the hub or by folder."""

    name = "diffusers"

    def cards(self) -> list[ModelCard]:
        """Returns one card for all models."""
        found = "any text-to-image pipeline: a model of the hub, or a folder as diffusers/./FOLDER"
        return [ModelCard("diffusers/ORG/MODEL", "text2image", found, tuple(sorted(OPTIONS)))]

    def make(self, name: str, options: Mapping[str, str]) -> Text2Image:
        """Returns a model; its files are inspected, not loaded.

        Raises:
            UsageError: an option is invalid, or it is not a text-to-image pipeline.
            WeightsError: the model is not on this machine.
        """
        values = read(f"diffusers/{name}", OPTIONS, options)
        if "size" in values:
            if {"width", "height"} & set(values):
                raise UsageError("size gives both sides: leave width and height out.")
            values["width"], values["height"] = values.pop("size")
        compute = ComputeOptions.pop_from(values)
        return DiffusersText2Image(name, PipelineOptions(**values), compute)


def _limits(pipe: Any) -> list[tuple[Any, int]]:
    """Returns each tokenizer of a pipeline with its maximum number of tokens."""
    import inspect

    default = inspect.signature(pipe.__call__).parameters.get("max_sequence_length")
    found = []
    for part in ("tokenizer", "tokenizer_2", "tokenizer_3", "tokenizer_4", "prior_tokenizer"):
        tokenizer = getattr(pipe, part, None)
        if tokenizer is None:
            continue
        limit = min(int(tokenizer.model_max_length), 2**31)
        if default is not None and isinstance(default.default, int) and "CLIP" not in type(tokenizer).__name__:
            limit = min(limit, default.default)
        found.append((tokenizer, limit))
    return found


def _length(tokenizer: Any, text: str) -> int:
    return len(tokenizer([text], truncation=False, verbose=False)["input_ids"][0])


provider = DiffusersProvider()
