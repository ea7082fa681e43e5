"""Checks and converts model outputs: to RGB images or texts; anything else becomes a `ModelError` of that item."""

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
    """One output item with its cost and metadata; a model may return it in place of the bare item."""

    value: Any
    """The image, the text, or the `ModelError` in its place."""
    cost: float | None = None
    """US dollars for this item; None is unknown, which is not 0."""
    raw: str = ""
    """Metadata from the provider, such as ids and usage; never a key."""


def as_image(value: object) -> Image.Image:
    """Returns the output of a text-to-image model as an upright RGB image without metadata.

    Args:
        value: a PIL image, the bytes or the path of an image file, or a uint8 array [h, w], [h, w, 3] or [h, w, 4].

    Raises:
        ModelError: it is none of these, or broken; or it is itself a `ModelError`, which is raised.
    """
    if isinstance(value, ModelError):
        raise value
    if isinstance(value, Image.Image):
        return _from_image(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return decode(bytes(value))
    if isinstance(value, str | Path):
        return _from_path(str(value))
    if isinstance(value, np.ndarray):
        return _from_array(value)
    raise ModelError(
        f"The model returned {_type_of(value)} instead of an image: return a PIL image, PNG bytes, a path or uint8."
    )


def as_text(value: object) -> str:
    """Returns the output of an image-to-text model, unchanged.

    Raises:
        ModelError: it is not a text, is empty, or cannot be encoded as UTF-8; or it is itself a `ModelError`.
    """
    if isinstance(value, ModelError):
        raise value
    if not isinstance(value, str):
        raise ModelError(f"The model returned {_type_of(value)} instead of a text: return a str.")
    if not value.strip():
        raise ModelError("The model returned an empty text: return a str with at least one word.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ModelError(f"The model returned a text that is not valid Unicode: {error}.") from error
    return str(value)


def check_batch(output: Any, count: int, check: Callable[[object], T]) -> list[T | ModelError]:
    """Returns the items of a batch, each checked by itself, so that an invalid item does not affect the others.

    Raises:
        ModelError: the output is not a list of `count` items.
    """
    return [item.value for item in check_outputs(output, count, check)]


def check_outputs(output: Any, count: int, check: Callable[[object], T]) -> list[ModelOutput]:
    """Returns the items of a batch as `check_batch` does, each with its cost and metadata.

    Raises:
        ModelError: the output is not a list of `count` items.
    """
    if not isinstance(output, list | tuple):
        raise ModelError(f"The model returned {_type_of(output)} instead of a list of {count} results.")
    if len(output) != count:
        raise ModelError(f"The model returned {len(output)} results for {count} items: return one an item, in order.")
    return [_checked(item, check) for item in output]


def _checked(item: object, check: Callable[[object], T]) -> ModelOutput:
    output = item if isinstance(item, ModelOutput) else ModelOutput(item)
    try:
        return replace(output, value=check(output.value))
    except ModelError as error:
        return replace(output, value=error)


def _from_image(image: Image.Image) -> Image.Image:
    if 0 in image.size:
        raise ModelError(f"The model returned an empty image of {image.width} x {image.height} pixels.")
    if image.mode == "F" and not np.isfinite(np.asarray(image)).all():
        raise ModelError("The model returned an image with values that are not a number: check its computation.")
    try:
        return to_rgb(image)
    except (OSError, SyntaxError, ValueError) as error:  # PIL decodes lazily: a broken file fails only here
        raise ModelError(f"The model returned an image that cannot be decoded: {error}.") from error


def _from_path(path: str) -> Image.Image:
    if path.startswith(("http://", "https://")):
        raise ModelError("The model returned a URL instead of an image: download it and return the bytes.")
    try:
        return decode(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise ModelError(f"The model returned the path {path!r}, which cannot be read: {error}.") from error


def _from_array(pixels: np.ndarray[Any, Any]) -> Image.Image:
    valid = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    if pixels.dtype != np.uint8 or not valid or pixels.size == 0:
        raise ModelError(
            f"The model returned an array of {pixels.dtype} {list(pixels.shape)}{_range_of(pixels)}: return uint8 "
            "[height, width, 3] with values from 0 to 255."
        )
    return to_rgb(Image.fromarray(np.ascontiguousarray(pixels)))


def _range_of(pixels: np.ndarray[Any, Any]) -> str:
    if pixels.dtype.kind not in "fiu" or pixels.size == 0:
        return ""
    if not np.isfinite(pixels).all():
        return " with values that are not a number"
    return f" with values from {pixels.min():g} to {pixels.max():g}"


def _type_of(value: object) -> str:
    return "None" if value is None else f"a value of type {type(value).__name__}"
