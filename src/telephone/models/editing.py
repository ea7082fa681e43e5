"""Inputs of image editors: images in RGB, masks in their size, strengths in range, and one call for a batch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from telephone.core.errors import UsageError
from telephone.core.images import to_rgb
from telephone.models.base import ImageEditor, call
from telephone.models.results import ModelOutput, as_image, check_outputs


@dataclass(frozen=True)
class Edit:
    """What an editor is asked for."""

    image: Image.Image
    text: str = ""
    mask: Image.Image | None = None
    """255 where the image is drawn again, 0 where it stays; None is everywhere."""
    strength: float | None = None
    """How much of the image may change, above 0 to 1."""
    reference: Image.Image | None = None
    """The other end of an interpolation, or an example of style."""


def prepare_mask(mask: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Returns a mask as 0 and 255 in mode L.

    Transparency is not read: a mask is white where the image is drawn again.

    Args:
        mask: of any mode; grey levels from 128 count as white.
        size: width and height of the image.

    Raises:
        UsageError: the mask has another size than the image.
    """
    if mask.size != size:
        raise UsageError(
            f"The mask has {mask.width} x {mask.height} pixels and the image {size[0]} x {size[1]}: make both equal."
        )
    grey = np.asarray(to_rgb(mask).convert("L"))
    return Image.fromarray(np.where(grey >= 128, 255, 0).astype(np.uint8))


def check_strength(strength: float | None) -> float | None:
    """Returns the strength.

    Raises:
        UsageError: it is not above 0 and at most 1.
    """
    if strength is not None and not 0 < strength <= 1:
        raise UsageError(f"The strength {strength:g} is out of range: give a number above 0, up to 1.")
    return strength


def paste_known(edited: Image.Image, image: Image.Image, mask: Image.Image) -> Image.Image:
    """Returns the edited image with the pixels of the first one wherever the mask is black: they are equal there.

    Args:
        edited: RGB, of any size; it is scaled to the image.
        image: RGB.
        mask: of `prepare_mask`.
    """
    same = edited if edited.size == image.size else edited.resize(image.size, Image.Resampling.LANCZOS)
    return Image.composite(same, image, mask)


def edit_outputs(model: ImageEditor, edits: Sequence[Edit], seeds: Sequence[int]) -> list[ModelOutput]:
    """Returns one checked output an edit, in order; edits of different inputs become calls of their own.

    Raises:
        UsageError: a mask or a strength cannot be used.
        ModelError: the output as a whole is unusable; every other exception is the model's own.
    """
    groups: dict[tuple[bool, float | None, bool], list[int]] = {}
    for number, edit in enumerate(edits):
        key = (edit.mask is not None, check_strength(edit.strength), edit.reference is not None)
        groups.setdefault(key, []).append(number)
    found: dict[int, ModelOutput] = {}
    for numbers in groups.values():
        part = [edits[number] for number in numbers]
        made = _edit_alike(model, part, [seeds[number] for number in numbers])
        found |= dict(zip(numbers, made, strict=True))
    return [found[number] for number in range(len(edits))]


def _edit_alike(model: ImageEditor, edits: Sequence[Edit], seeds: Sequence[int]) -> list[ModelOutput]:
    """Returns the outputs of edits that have the same kinds of inputs and the same strength."""
    images = [to_rgb(edit.image) for edit in edits]
    given: dict[str, object] = {"texts": [edit.text for edit in edits]}
    if edits[0].mask is not None:
        pairs = zip(edits, images, strict=True)
        given["masks"] = [prepare_mask(edit.mask, image.size) for edit, image in pairs if edit.mask is not None]
    if edits[0].strength is not None:
        given["strength"] = edits[0].strength
    if edits[0].reference is not None:
        given["references"] = [to_rgb(edit.reference) for edit in edits if edit.reference is not None]
    output = call(lambda items, **more: model.edit_images(items, **given, **more), images, seeds=list(seeds))  # type: ignore[arg-type]
    return check_outputs(output, len(edits), as_image)
