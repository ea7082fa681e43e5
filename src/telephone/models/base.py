"""The interface of a model: `Text2Image`, `Image2Text`, `ImageEditor` or `Embedder`, and its `Traits`."""

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from telephone.core.errors import ModelError, UsageError
from telephone.core.seeds import digest
from telephone.models.results import ModelOutput, as_image, as_text, check_batch, check_outputs

if TYPE_CHECKING:
    from telephone.world import Scene

ModelKind = Literal["text2image", "image2text", "embedder", "image_editor"]

T = TypeVar("T")


class IncompleteModel(UsageError, TypeError):
    """A model class defines neither the single nor the batch form of its method."""


@dataclass(frozen=True)
class Traits:
    """Properties of a model; read once, before its first call."""

    fingerprint: str
    """Identifies what decides an output: weights, preprocessing, options. Equal fingerprints, equal outputs."""
    device: str = "cpu"
    """Where it computes; models on one device are called one at a time. `remote` is another machine."""
    batch_size: int = 1
    """The most items of one call, 1 or more."""
    concurrency: int = 1
    """The most calls at one time; above 1 the model must be thread-safe."""
    seeds: bool = False
    """Whether the same input and seed give the same output."""
    max_tokens: int | None = None
    """The most tokens of a text that the model reads; None is unknown or no limit."""
    price: float | None = None
    """US dollars an item; None is unknown, which is not 0."""
    service: str = ""
    """The service whose limits and outages it shares, such as `openai api.openai.com`; empty if none."""
    per_minute: float | None = None
    """The most calls a minute that its service allows; None is no limit."""
    deterministic: bool = False
    """Whether the same input gives the same output whatever the seed, as with greedy decoding: such a model is asked
    once about each input."""


class Model:
    """Base of the kinds of models; a subclass need not call `__init__` of this class."""

    name: str = ""
    """The model's name in tables; if empty, its address or the name of its class is used."""
    model_name: str | None = None
    """The provider's name of the model, if there is a provider."""
    ref: str = ""
    """The address it was loaded from, with options; set by the registry."""

    def traits(self) -> Traits:
        """Returns the properties of the model; by default derived from its class, source and public attributes."""
        return Traits(fingerprint=_fingerprint(self), seeds=False)

    def count_cut(self, text: str) -> int:
        """Returns how many tokens of the text are cut off because they exceed the model's limit; 0 by default."""
        return 0

    def lacks(self) -> str:
        """Returns what is missing before the first call (a key, a package, weights), in one sentence; empty if nothing.

        Cheap: no weights are loaded and no request is sent.
        """
        return ""


class Text2Image(Model):
    """A text-to-image model. A subclass defines `generate_image` or `generate_images`."""

    def generate_image(self, text: str, seed: int | None = None) -> Image.Image:
        """Returns the image generated from one text.

        Args:
            text: the prompt.
            seed: in [0, 2**32); None leaves the choice to the model.

        Raises:
            ModelError: the model failed, or refused this text.
        """
        _require_batch(self, "generate_image", "generate_images")
        output = call(self.generate_images, [text], seeds=None if seed is None else [seed])
        return _only(check_batch(output, 1, as_image))

    def generate_images(self, texts: Sequence[str], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one image a text, in order; an item that failed may be a `ModelError` in place of an image.

        Args:
            texts: the prompts.
            seeds: one a text, or None.

        Raises:
            ModelError: the call as a whole failed.
        """
        _require_single(self, "generate_image", "generate_images", Text2Image)
        return check_batch(_one_by_one(self.generate_image, texts, seeds), len(texts), as_image)

    def traits(self) -> Traits:
        """Returns the properties; the batch size is above 1 only if the subclass defines the batch form."""
        return _default_traits(self, "generate_image", "generate_images", Text2Image)


class Image2Text(Model):
    """An image-to-text model. A subclass defines `generate_text` or `generate_texts`."""

    task_description: str = "Write a detailed description of this image."
    """The instruction sent with the image, for models that take one."""

    def generate_text(self, image: Image.Image, seed: int | None = None) -> str:
        """Returns the text generated from one image.

        Args:
            image: RGB.
            seed: in [0, 2**32); None leaves the choice to the model.

        Raises:
            ModelError: the model failed, or refused this image.
        """
        _require_batch(self, "generate_text", "generate_texts")
        output = call(self.generate_texts, [image], seeds=None if seed is None else [seed])
        return _only(check_batch(output, 1, as_text))

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one text an image, in order; an item that failed may be a `ModelError` in place of a text.

        Args:
            images: RGB.
            seeds: one an image, or None.

        Raises:
            ModelError: the call as a whole failed.
        """
        _require_single(self, "generate_text", "generate_texts", Image2Text)
        return check_batch(_one_by_one(self.generate_text, images, seeds), len(images), as_text)

    def traits(self) -> Traits:
        """Returns the properties; the batch size is above 1 only if the subclass defines the batch form."""
        return _default_traits(self, "generate_text", "generate_texts", Image2Text)


class ImageEditor(Model):
    """A model that changes an image: by a text, inside a mask, or towards another image.

    A subclass defines `edit_images`.
    """

    def edit_images(
        self,
        images: Sequence[Image.Image],
        texts: Sequence[str],
        seeds: Sequence[int] | None = None,
        masks: Sequence[Image.Image] | None = None,
        strength: float | None = None,
        references: Sequence[Image.Image] | None = None,
    ) -> list[Any]:
        """Returns one edited image an item, in order; an item that failed may be a `ModelError` in place of an image.

        Args:
            images: RGB, of any size.
            texts: what each image is to show, or what is to change; empty where the model takes none.
            seeds: one an image, or None.
            masks: one an image, mode L and of its size: 255 where it is drawn again, 0 where it stays.
            strength: how much of the image may change, above 0 to 1; None leaves it to the model.
            references: one an image: the other end of an interpolation, or an example of style.

        Raises:
            UsageError: the model takes no mask, strength or reference, or needs one.
            ModelError: the call as a whole failed.
        """
        raise IncompleteModel(f"{type(self).__name__} is incomplete: define its method edit_images.")


class Embedder(Model):
    """Maps texts, images or both to unit vectors; the cosine of two vectors measures their similarity."""

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns float32 [n, d] of unit length, one row a text.

        Raises:
            UsageError: the model embeds no texts.
        """
        raise UsageError(f"{name_of(self)} embeds no texts; use an embedder that does, such as fake/embedder.")

    def pieces(self, text: str) -> tuple[str | None, ...] | None:
        """Returns the pieces (words or parts of words) in which the model reads a text, None for each unknown one.

        A text whose pieces are mostly unknown has no meaningful vector, and is not scored. None in place of the tuple:
        the model does not state its pieces, and every text is scored.
        """
        return None

    def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Returns float32 [n, d] of unit length, one row an image.

        Raises:
            UsageError: the model embeds no images.
        """
        raise UsageError(f"{name_of(self)} embeds no images; use an embedder that does, such as fake/embedder.")


@runtime_checkable
class SceneModel(Protocol):
    """A model that returns the scene of the pocket world that each image shows, such as `oracle/reader`."""

    def read(self, images: Sequence[Image.Image]) -> "list[Scene]":
        """Returns one scene an image; images are of any size and mode."""
        ...


@runtime_checkable
class FilmModel(Protocol):
    """A text-to-image model that also returns how an image comes into being."""

    def film(self, text: str, seed: int) -> list[Image.Image]:
        """Returns images of one size; the last one is what `generate_image` returns for this text and seed."""
        ...


def generate_images(model: Text2Image, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image | ModelError]:
    """Returns one RGB image a text, or the error in its place, whichever form the subclass defines.

    Raises:
        ModelError: the output as a whole is unusable; every other exception is the model's own.
    """
    return [output.value for output in generate_image_outputs(model, texts, seeds)]


def generate_image_outputs(model: Text2Image, texts: Sequence[str], seeds: Sequence[int]) -> list[ModelOutput]:
    """Returns what `generate_images` returns, each item with its cost and raw metadata; raises as it does."""
    if _defines(model, "generate_images", Text2Image):
        return check_outputs(call(model.generate_images, list(texts), seeds=list(seeds)), len(texts), as_image)
    _require_single(model, "generate_image", "generate_images", Text2Image)
    return check_outputs(_one_by_one(model.generate_image, texts, seeds), len(texts), as_image)


def generate_texts(model: Image2Text, images: Sequence[Image.Image], seeds: Sequence[int]) -> list[str | ModelError]:
    """Returns one text an image, or the error in its place, whichever form the subclass defines.

    Raises:
        ModelError: the output as a whole is unusable; every other exception is the model's own.
    """
    return [output.value for output in generate_text_outputs(model, images, seeds)]


def generate_text_outputs(model: Image2Text, images: Sequence[Image.Image], seeds: Sequence[int]) -> list[ModelOutput]:
    """Returns what `generate_texts` returns, each item with its cost and raw metadata; raises as it does."""
    if _defines(model, "generate_texts", Image2Text):
        return check_outputs(call(model.generate_texts, list(images), seeds=list(seeds)), len(images), as_text)
    _require_single(model, "generate_text", "generate_texts", Image2Text)
    return check_outputs(_one_by_one(model.generate_text, images, seeds), len(images), as_text)


def kind_of(model: object) -> ModelKind:
    """Returns the kind of the model.

    Raises:
        UsageError: it is none of the kinds.
    """
    kinds: dict[type, ModelKind] = {
        Text2Image: "text2image",
        Image2Text: "image2text",
        Embedder: "embedder",
        ImageEditor: "image_editor",
    }
    for base, kind in kinds.items():
        if isinstance(model, base):
            return kind
    raise UsageError(
        f"{model!r} is not a model: derive its class from Text2Image, Image2Text, ImageEditor or Embedder."
    )


def name_of(model: Model) -> str:
    """Returns the model's name in tables: its `name`, else its address, else its class name in kebab case."""
    kebab = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type(model).__name__).lower()
    return model.name or model.ref or kebab


def call(function: Callable[..., Any], items: Any, **seed: Any) -> Any:
    """Returns `function(items, seed=...)`, without the seed if it is None or the function does not accept one."""
    (keyword, value), *_ = seed.items()
    if value is None or not _accepts(function, keyword):
        return function(items)
    return function(items, **seed)


def _accepts(function: Callable[..., Any], keyword: str) -> bool:
    parameters = inspect.signature(function).parameters.values()
    return any(each.name == keyword or each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters)


def _one_by_one(function: Callable[..., Any], items: Sequence[Any], seeds: Sequence[int] | None) -> list[Any]:
    chosen = [None] * len(items) if seeds is None else list(seeds)
    return [_call_one(function, item, seed) for item, seed in zip(items, chosen, strict=True)]


def _call_one(function: Callable[..., Any], item: Any, seed: int | None) -> Any:
    try:
        return call(function, item, seed=seed)
    except ModelError as error:
        return error


def _only(outputs: list[T | ModelError]) -> T:
    (first,) = outputs
    if isinstance(first, ModelError):
        raise first
    return first


def _defines(model: Model, method: str, base: type[Model]) -> bool:
    return getattr(type(model), method) is not getattr(base, method)


def _require_batch(model: Model, single: str, batch: str) -> None:
    base = Text2Image if isinstance(model, Text2Image) else Image2Text
    if not _defines(model, batch, base):
        raise _incomplete(model, single, batch)


def _require_single(model: Model, single: str, batch: str, base: type[Model]) -> None:
    if not _defines(model, single, base):
        raise _incomplete(model, single, batch)


def _incomplete(model: Model, single: str, batch: str) -> IncompleteModel:
    return IncompleteModel(f"{type(model).__name__} is incomplete: define its method {single} or {batch}.")


def _default_traits(model: Model, single: str, batch: str, base: type[Model]) -> Traits:
    batched = _defines(model, batch, base)
    seeded = _accepts(getattr(model, batch), "seeds") if batched else _accepts(getattr(model, single), "seed")
    return Traits(fingerprint=_fingerprint(model), batch_size=8 if batched else 1, seeds=seeded)


def _fingerprint(model: Model) -> str:
    """Returns a digest of the code and settings of a class without `traits`, as far as both can be inspected."""
    cls = type(model)
    simple = (str, int, float, bool, bytes, type(None))
    public = {k: v for k, v in vars(model).items() if not k.startswith("_") and isinstance(v, simple)}
    own = [base for base in cls.__mro__ if base not in (Model, Text2Image, Image2Text, ImageEditor, Embedder, object)]
    sources = [_source(base) for base in own]
    return digest("class", cls.__module__, cls.__qualname__, sorted(public.items()), *sources)


def _source(cls: type) -> str:
    try:
        return inspect.getsource(cls)
    except (OSError, TypeError):
        return ""  # defined interactively or compiled: there is no source to read
