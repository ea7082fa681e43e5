"""Draws with any text-to-image pipeline of diffusers: a folder, or a model of the hub that is on this machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from telephone.core.errors import ModelError, ModelRefused, UsageError
from telephone.core.seeds import derive, digest
from telephone.models.base import Text2Image, Traits
from telephone.models.local import pipeline_loading
from telephone.models.local.device_placement import in_batches, own_threads, place, quiet
from telephone.models.local.model_cache import shelf
from telephone.models.local.model_files import locate
from telephone.models.local.options import MACHINE, Machine, read, release, text
from telephone.models.local.pipeline_inspection import require_diffusers, survey
from telephone.models.provider import ModelCard, Parser, integer, number

MAX_SIDE = 4096
_ENDLESS = 10**6
"""A tokenizer with a limit above this one has none."""


def size(text: str) -> tuple[int, int]:
    """Reads the option `size`: 512, or 768x512 for width and height."""
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
    **MACHINE,
}


@dataclass(frozen=True)
class Style:
    """How to draw; None is what the pipeline does of itself."""

    steps: int | None = None
    guidance: float | None = None
    width: int | None = None
    height: int | None = None
    scheduler: str = ""
    variant: str = ""
    prior: str = ""


class DiffusersText2Image(Text2Image):
    """A pipeline and how it is used. Its noise is drawn item by item from the seed, so company changes no picture."""

    def __init__(self, name: str, style: Style, machine: Machine) -> None:
        """Looks at the files; they are loaded for the first picture.

        Args:
            name: `ORG/MODEL`, or a path.
            style: how to draw.
            machine: where to compute.

        Raises:
            UsageError: the model cannot draw.
            WeightsError: it is not on this machine, or holds only pickled weights.
        """
        require_diffusers(name)
        self.model_name = name
        self._style, self._machine = style, machine
        self._plan = survey(locate(name, machine.revision, "diffusers"), style.variant, style.prior)
        self._batch = machine.batch

    def traits(self) -> Traits:
        """Returns what the player is: its files, how it draws, and with how exact numbers."""
        where = self._place
        print_ = digest(
            "diffusers",
            1,
            release("diffusers"),
            release("transformers"),
            self._print,
            self._told,
            self._machine.batch,
            where.kind,
            where.dtype,
        )
        return Traits(print_, where.device, self._machine.batch, seeds=True, max_tokens=self._limit, price=0.0)

    def count_cut(self, text: str) -> int:
        """Returns how many tokens of the text no text encoder of the pipeline takes in."""
        limits = list(_limits(self._pipe))
        if not limits:
            return 0
        return min(max(0, _length(tokenizer, text) - limit) for tokenizer, limit in limits)

    def generate_images(self, texts: Sequence[str], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one picture a text; a `ModelRefused` where the model's safety checker has blacked one out.

        Args:
            texts: what to draw.
            seeds: one a text; None is a seed made from the text.

        Raises:
            ModelError: memory ran out.
            UsageError: an option does not suit the pipeline.
            WeightsError: files are missing or do not fit together.
        """
        chosen = [derive("unseeded", text) for text in texts] if seeds is None else list(seeds)
        with own_threads(), shelf.using(self):
            made, self._batch = in_batches(list(zip(texts, chosen, strict=True)), self._batch, self._draw)
        return made

    def unload(self) -> None:
        """Gives the memory back; the next picture loads the files again."""
        self.__dict__.pop("_pipe", None)

    def _draw(self, items: list[tuple[str, int]], size: int) -> list[Any]:
        """Draws a full batch always: the last bits of a picture depend on how many are drawn at once, not on which."""
        import torch

        full = items + items[-1:] * (size - len(items))
        noise = [torch.Generator("cpu").manual_seed(seed) for _, seed in full]
        pipe = self._pipe
        with torch.inference_mode(), quiet():
            made = pipe(prompt=[text for text, _ in full], generator=noise, output_type="pil", **self._arguments)
        images = getattr(made, "images", None)
        if images is None:
            raise ModelError(f"{self.model_name} answered with no pictures: choose a model that makes images.")
        flags = getattr(made, "nsfw_content_detected", None) or [False] * len(images)
        return [self._refusal() if bad else image for image, bad in zip(images, flags, strict=True)][: len(items)]

    def _refusal(self) -> ModelRefused:
        return ModelRefused(f"The safety checker of {self.model_name} blacked the picture out.")

    @cached_property
    def _told(self) -> Style:
        """How it draws, without what the fingerprint of the files says already."""
        return replace(self._style, variant="", prior="")

    @cached_property
    def _print(self) -> str:
        return self._plan.fingerprint()

    @cached_property
    def _place(self) -> Any:
        return place(self._machine.wish, self._plan.weights)

    @cached_property
    def _limit(self) -> int | None:
        tokenizers = self._plan.tokenizers
        told = [folder.json(f"{part}/tokenizer_config.json").get("model_max_length") for folder, part in tokenizers]
        known = [int(limit) for limit in told if isinstance(limit, int | float) and limit < _ENDLESS]
        return max(known, default=None)

    @cached_property
    def _pipe(self) -> Any:
        where = self._place
        how = shelf.room(self, where, self._plan.weights, self._machine.wish)
        pipe = pipeline_loading.load(self._plan, where)
        if self._style.scheduler:
            pipeline_loading.use_scheduler(pipe, self._style.scheduler)
        if how == "model":
            pipe.enable_model_cpu_offload(device=where.device)
        elif how == "sequential":
            pipe.enable_sequential_cpu_offload(device=where.device)
        else:
            pipe.to(where.device)
        return pipe

    @cached_property
    def _arguments(self) -> dict[str, Any]:
        style = self._style
        step = getattr(self._pipe, "vae_scale_factor", 8)
        for side in (style.width, style.height):
            if side is not None and side % step:
                raise UsageError(f"{self.model_name} draws sides that are multiples of {step}: {side} is none.")
        return pipeline_loading.arguments(
            self._pipe,
            {"steps": style.steps, "guidance": style.guidance, "width": style.width, "height": style.height},
        )


class Diffusers:
    """The provider `diffusers`: any model of its kind, by the name it has on the hub or by its folder."""

    name = "diffusers"

    def cards(self) -> list[ModelCard]:
        """Returns one card that stands for all models."""
        told = "any text-to-image pipeline: a model of the hub, or a folder as diffusers/./FOLDER"
        return [ModelCard("diffusers/ORG/MODEL", "text2image", told, tuple(sorted(OPTIONS)))]

    def make(self, name: str, options: Mapping[str, str]) -> Text2Image:
        """Returns a player; its files are looked at, not loaded.

        Raises:
            UsageError: an option is wrong, or the model cannot draw.
            WeightsError: the model is not on this machine.
        """
        values = read(f"diffusers/{name}", OPTIONS, options)
        if "size" in values:
            if {"width", "height"} & set(values):
                raise UsageError("size says both sides: leave width and height out.")
            values["width"], values["height"] = values.pop("size")
        machine = Machine.take(values)
        return DiffusersText2Image(name, Style(**values), machine)


def _limits(pipe: Any) -> list[tuple[Any, int]]:
    """Returns each tokenizer of a pipeline with the number of tokens that are taken in."""
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


provider = Diffusers()
