"""What a player is: one narrow call a kind, in single or batch form, and a statement of what it is that answers."""

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
from telephone.models.results import ModelOutput, answers, as_picture, as_text, each

if TYPE_CHECKING:
    from telephone.world import Scene

ModelKind = Literal["text2image", "image2text", "embedder"]

T = TypeVar("T")


class IncompleteModel(UsageError, TypeError):
    """A player's class writes neither the single nor the batch form of its call."""


@dataclass(frozen=True)
class Traits:
    """What a player says of itself; read once, before its first call."""

    fingerprint: str
    """Names everything that decides an answer: weights, preprocessing, options. Equal fingerprints, equal answers."""
    device: str = "cpu"
    """Where it computes; players on one device take turns. `remote` is another machine."""
    batch_size: int = 1
    """The most items of one call, 1 or more."""
    concurrency: int = 1
    """The most calls at one time; above 1 the player must be safe to call from several threads."""
    seeds: bool = False
    """Whether the same input and seed give the same answer."""
    max_tokens: int | None = None
    """The most tokens of a text that the player takes in; None is unknown or no limit."""
    price: float | None = None
    """US dollars an item; None is unknown, which is not 0."""
    service: str = ""
    """Whose limits and outages it shares with other players, such as `openai api.openai.com`; empty is nobody's."""
    per_minute: float | None = None
    """The most calls a minute that its service allows; None is no limit."""


class Model:
    """Base of the three kinds of players; a subclass need not call `__init__` of this class."""

    name: str = ""
    """What tables call the player; if empty, its address or the name of its class."""
    model_name: str | None = None
    """What its provider calls the model, if there is a provider."""
    ref: str = ""
    """The address under which it was asked for, with options; set by the registry."""

    def traits(self) -> Traits:
        """Returns what the player is; made from its class, source and public attributes unless a subclass says more."""
        return Traits(fingerprint=_fingerprint(self), seeds=False)

    def count_cut(self, text: str) -> int:
        """Returns how many tokens of the text are cut off because the player cannot take them; 0 by default."""
        return 0


class Text2Image(Model):
    """Draws: a text becomes an image. A subclass writes `generate_image` or `generate_images`."""

    def generate_image(self, text: str, seed: int | None = None) -> Image.Image:
        """Returns the picture of one text.

        Args:
            text: what to draw.
            seed: in [0, 2**32); None leaves the choice to the player.

        Raises:
            ModelError: the player failed, or declined to draw this text.
        """
        _require_batch(self, "generate_image", "generate_images")
        made = call(self.generate_images, [text], seeds=None if seed is None else [seed])
        return _only(each(made, 1, as_picture))

    def generate_images(self, texts: Sequence[str], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one picture a text, in order; an item that failed may be a `ModelError` in place of a picture.

        Args:
            texts: what to draw.
            seeds: one a text, or None.

        Raises:
            ModelError: the whole call failed.
        """
        _require_single(self, "generate_image", "generate_images", Text2Image)
        return each(_one_by_one(self.generate_image, texts, seeds), len(texts), as_picture)

    def traits(self) -> Traits:
        """Returns what the player is; a batch is more than one item only if the subclass writes the batch form."""
        return _default_traits(self, "generate_image", "generate_images", Text2Image)


class Image2Text(Model):
    """Describes: an image becomes a text. A subclass writes `generate_text` or `generate_texts`."""

    task_description: str = "Write a detailed description of this image."
    """The request that comes with the picture, for players that take one."""

    def generate_text(self, image: Image.Image, seed: int | None = None) -> str:
        """Returns the description of one picture.

        Args:
            image: what to describe, RGB.
            seed: in [0, 2**32); None leaves the choice to the player.

        Raises:
            ModelError: the player failed, or declined to describe this picture.
        """
        _require_batch(self, "generate_text", "generate_texts")
        made = call(self.generate_texts, [image], seeds=None if seed is None else [seed])
        return _only(each(made, 1, as_text))

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one description a picture, in order; an item that failed may be a `ModelError` in place of a text.

        Args:
            images: what to describe, RGB.
            seeds: one a picture, or None.

        Raises:
            ModelError: the whole call failed.
        """
        _require_single(self, "generate_text", "generate_texts", Image2Text)
        return each(_one_by_one(self.generate_text, images, seeds), len(images), as_text)

    def traits(self) -> Traits:
        """Returns what the player is; a batch is more than one item only if the subclass writes the batch form."""
        return _default_traits(self, "generate_text", "generate_texts", Image2Text)


class Embedder(Model):
    """Turns texts, images or both into vectors whose cosine says how near their meanings are."""

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns float32 [n, d] of unit length, one row a text.

        Raises:
            UsageError: the player embeds no texts.
        """
        raise UsageError(f"{name_of(self)} embeds no texts; use an embedder that does, such as fake/embedder.")

    def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Returns float32 [n, d] of unit length, one row an image.

        Raises:
            UsageError: the player embeds no images.
        """
        raise UsageError(f"{name_of(self)} embeds no images; use an embedder that does, such as fake/embedder.")


@runtime_checkable
class SceneModel(Protocol):
    """A model that returns the scene of the pocket world that each image shows, such as `oracle/reader`."""

    def read(self, images: Sequence[Image.Image]) -> "list[Scene]":
        """Returns one scene an image; images are of any size and mode."""
        ...


def draw(player: Text2Image, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image | ModelError]:
    """Returns one RGB picture a text, or the reason why there is none, whatever form the subclass writes and returns.

    Raises:
        ModelError: the answer as a whole is unusable; every other exception is the player's own.
    """
    return [answer.made for answer in draw_answers(player, texts, seeds)]


def draw_answers(player: Text2Image, texts: Sequence[str], seeds: Sequence[int]) -> list[ModelOutput]:
    """Returns what `draw` returns, each with what the player says of its cost; raises as `draw` does."""
    if _writes(player, "generate_images", Text2Image):
        return answers(call(player.generate_images, list(texts), seeds=list(seeds)), len(texts), as_picture)
    _require_single(player, "generate_image", "generate_images", Text2Image)
    return answers(_one_by_one(player.generate_image, texts, seeds), len(texts), as_picture)


def describe(player: Image2Text, images: Sequence[Image.Image], seeds: Sequence[int]) -> list[str | ModelError]:
    """Returns one text a picture, or the reason why there is none, whatever form the subclass writes and returns.

    Raises:
        ModelError: the answer as a whole is unusable; every other exception is the player's own.
    """
    return [answer.made for answer in describe_answers(player, images, seeds)]


def describe_answers(player: Image2Text, images: Sequence[Image.Image], seeds: Sequence[int]) -> list[ModelOutput]:
    """Returns what `describe` returns, each with what the player says of its cost; raises as `describe` does."""
    if _writes(player, "generate_texts", Image2Text):
        return answers(call(player.generate_texts, list(images), seeds=list(seeds)), len(images), as_text)
    _require_single(player, "generate_text", "generate_texts", Image2Text)
    return answers(_one_by_one(player.generate_text, images, seeds), len(images), as_text)


def kind_of(player: object) -> ModelKind:
    """Returns the kind of the player.

    Raises:
        UsageError: it is none of the three.
    """
    kinds: dict[type, ModelKind] = {Text2Image: "text2image", Image2Text: "image2text", Embedder: "embedder"}
    for base, kind in kinds.items():
        if isinstance(player, base):
            return kind
    raise UsageError(f"{player!r} is no player; derive its class from Text2Image, Image2Text or Embedder.")


def name_of(player: Model) -> str:
    """Returns what tables call the player: its name, else its address, else its class's name in kebab case."""
    kebab = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type(player).__name__).lower()
    return player.name or player.ref or kebab


def call(function: Callable[..., Any], given: Any, **seed: Any) -> Any:
    """Returns `function(given, seed=...)`, without the seed if it is None or the function takes none."""
    (word, value), *_ = seed.items()
    if value is None or not _takes(function, word):
        return function(given)
    return function(given, **seed)


def _takes(function: Callable[..., Any], word: str) -> bool:
    parameters = inspect.signature(function).parameters.values()
    return any(each.name == word or each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters)


def _one_by_one(function: Callable[..., Any], given: Sequence[Any], seeds: Sequence[int] | None) -> list[Any]:
    chosen = [None] * len(given) if seeds is None else list(seeds)
    return [_call_one(function, item, seed) for item, seed in zip(given, chosen, strict=True)]


def _call_one(function: Callable[..., Any], item: Any, seed: int | None) -> Any:
    try:
        return call(function, item, seed=seed)
    except ModelError as error:
        return error


def _only(made: list[T | ModelError]) -> T:
    (first,) = made
    if isinstance(first, ModelError):
        raise first
    return first


def _writes(player: Model, method: str, base: type[Model]) -> bool:
    return getattr(type(player), method) is not getattr(base, method)


def _require_batch(player: Model, single: str, batch: str) -> None:
    base = Text2Image if isinstance(player, Text2Image) else Image2Text
    if not _writes(player, batch, base):
        raise _incomplete(player, single, batch)


def _require_single(player: Model, single: str, batch: str, base: type[Model]) -> None:
    if not _writes(player, single, base):
        raise _incomplete(player, single, batch)


def _incomplete(player: Model, single: str, batch: str) -> IncompleteModel:
    return IncompleteModel(f"{type(player).__name__} cannot play yet: write its method {single} or {batch}.")


def _default_traits(player: Model, single: str, batch: str, base: type[Model]) -> Traits:
    batched = _writes(player, batch, base)
    seeded = _takes(getattr(player, batch), "seeds") if batched else _takes(getattr(player, single), "seed")
    return Traits(fingerprint=_fingerprint(player), batch_size=8 if batched else 1, seeds=seeded)


def _fingerprint(player: Model) -> str:
    """Changes with the code and the settings of a class that says nothing of itself, as far as both can be seen."""
    cls = type(player)
    simple = (str, int, float, bool, bytes, type(None))
    public = {k: v for k, v in vars(player).items() if not k.startswith("_") and isinstance(v, simple)}
    own = [base for base in cls.__mro__ if base not in (Model, Text2Image, Image2Text, Embedder, object)]
    sources = [_source(base) for base in own]
    return digest("class", cls.__module__, cls.__qualname__, sorted(public.items()), *sources)


def _source(cls: type) -> str:
    try:
        return inspect.getsource(cls)
    except (OSError, TypeError):
        return ""  # typed into a prompt, or compiled: there is no source to read
