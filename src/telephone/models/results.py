"""What a player may hand back, and how it becomes an RGB picture or a text; anything else is told as a failure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from telephone.core.errors import ModelError
from telephone.core.images import decode, to_rgb

T = TypeVar("T")


@dataclass(frozen=True)
class ModelOutput:
    """An item with what is known about its making; a player may return it in place of the bare item."""

    made: Any
    """The picture, the text, or the `ModelError` that tells why there is none."""
    cost: float | None = None
    """US dollars for this item; None is unknown, which is not 0."""
    raw: str = ""
    """What the provider said beside it, such as ids and usage; never a key."""


def as_picture(made: object) -> Image.Image:
    """Returns what a text-to-image player made as an upright RGB picture without metadata.

    Args:
        made: a PIL image, the bytes of an image file, the path of one, or a uint8 array [h, w], [h, w, 3] or [h, w, 4].

    Raises:
        ModelError: it is none of these, or broken; or it is itself a `ModelError`, which is raised.
    """
    if isinstance(made, ModelError):
        raise made
    if isinstance(made, Image.Image):
        return _from_image(made)
    if isinstance(made, bytes | bytearray | memoryview):
        return decode(bytes(made))
    if isinstance(made, str | Path):
        return _from_path(str(made))
    if isinstance(made, np.ndarray):
        return _from_array(made)
    raise ModelError(
        f"The player returned {_what(made)} in place of a picture: return a PIL image, PNG bytes, a path or uint8."
    )


def as_text(made: object) -> str:
    """Returns what an image-to-text player made, unchanged.

    Raises:
        ModelError: it is not a text, is empty, or cannot be written as UTF-8; or it is itself a `ModelError`.
    """
    if isinstance(made, ModelError):
        raise made
    if not isinstance(made, str):
        raise ModelError(f"The player returned {_what(made)} in place of a text: return a str.")
    if not made.strip():
        raise ModelError("The player returned an empty text: there is nothing to draw from.")
    try:
        made.encode()
    except UnicodeEncodeError as error:
        raise ModelError(f"The player returned a text that is not valid Unicode: {error}.") from error
    return str(made)


def each(made: Any, count: int, check: Callable[[object], T]) -> list[T | ModelError]:
    """Returns the items of a batch, each checked alone, so that a bad one does not spoil the others.

    Raises:
        ModelError: the answer is not a list of `count` items.
    """
    return [answer.made for answer in answers(made, count, check)]


def answers(made: Any, count: int, check: Callable[[object], T]) -> list[ModelOutput]:
    """Returns the items of a batch as `each` does, with what the player says of their cost.

    Raises:
        ModelError: the answer is not a list of `count` items.
    """
    if not isinstance(made, list | tuple):
        raise ModelError(f"The player returned {_what(made)} in place of a list of {count} results.")
    if len(made) != count:
        raise ModelError(f"The player returned {len(made)} results for {count} items: return one for each, in order.")
    return [_checked(item, check) for item in made]


def _checked(item: object, check: Callable[[object], T]) -> ModelOutput:
    answer = item if isinstance(item, ModelOutput) else ModelOutput(item)
    try:
        return replace(answer, made=check(answer.made))
    except ModelError as error:
        return replace(answer, made=error)


def _from_image(image: Image.Image) -> Image.Image:
    if 0 in image.size:
        raise ModelError(f"The player returned an empty picture of {image.width} x {image.height} pixels.")
    try:
        return to_rgb(image)
    except (OSError, SyntaxError, ValueError) as error:  # PIL decodes late: a broken file shows only here
        raise ModelError(f"The player returned a picture that cannot be decoded: {error}.") from error


def _from_path(path: str) -> Image.Image:
    if path.startswith(("http://", "https://")):
        raise ModelError("The player returned a web address in place of a picture: download it and return the bytes.")
    try:
        return decode(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise ModelError(f"The player returned the path {path!r}, which cannot be read: {error}.") from error


def _from_array(pixels: np.ndarray[Any, Any]) -> Image.Image:
    fits = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    if pixels.dtype != np.uint8 or not fits or pixels.size == 0:
        raise ModelError(
            f"The player returned an array of {pixels.dtype} {list(pixels.shape)}: return uint8 [height, width, 3]."
        )
    return to_rgb(Image.fromarray(np.ascontiguousarray(pixels)))


def _what(made: object) -> str:
    return "None" if made is None else f"a value of type {type(made).__name__}"
