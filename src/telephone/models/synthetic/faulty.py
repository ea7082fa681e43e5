"""Models that fail in one way at a time, to test that a failing call ends one game and no other."""

import time
from collections.abc import Sequence
from typing import Any

from PIL import Image

from telephone.core.errors import ModelRefused
from telephone.core.seeds import digest
from telephone.models import barcode
from telephone.models.base import Image2Text, Text2Image, Traits

FAILURE_MODES = ("raise", "refuse", "none", "garbage", "empty", "count", "batch", "poison", "exit", "hang")
"""Raise an error; refuse; return None; return no image or text; return an empty one; return too few results; raise on
any batch of several items; raise on an item that contains the word poison; exit the program; return after `seconds`."""


class FaultyText2Image(Text2Image):
    """Returns the images of `fake/painter` where it does not fail."""

    def __init__(self, how: str = "raise", seconds: float = 3600.0) -> None:
        self.how, self.seconds = how, seconds

    def generate_images(self, texts: Sequence[str], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns valid outputs, or fails in the requested way."""
        _fail(self.how, self.seconds, list(texts))
        good = [barcode.draw(text.encode()) for text in texts]
        return _spoil(self.how, good, garbage=b"\x89PNG but not really", empty=Image.new("RGB", (0, 0)))

    def traits(self) -> Traits:
        """Returns the properties of the model."""
        return Traits(digest("fake", "broken", self.how), batch_size=8, seeds=True, price=0.0)


class FaultyImage2Text(Image2Text):
    """Returns the texts of `fake/captioner` where it does not fail."""

    def __init__(self, how: str = "raise", seconds: float = 3600.0) -> None:
        self.how, self.seconds = how, seconds

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns valid outputs, or fails in the requested way."""
        read = [barcode.read(image) or b"Nothing that can be read." for image in images]
        good = [data.decode(errors="replace") for data in read]
        _fail(self.how, self.seconds, good)
        return _spoil(self.how, good, garbage=42, empty="  \n")

    def traits(self) -> Traits:
        """Returns the properties of the model."""
        return Traits(digest("fake", "broken-captioner", self.how), batch_size=8, seeds=True, price=0.0)


def _fail(how: str, seconds: float, given: list[str]) -> None:
    if how == "raise":
        raise RuntimeError("This model fails at every call.")
    if how == "refuse":
        raise ModelRefused("This model refuses every call.")
    if how == "exit":
        raise SystemExit(3)
    if how == "batch" and len(given) > 1:
        raise RuntimeError(f"This model cannot take {len(given)} items at once.")
    if how == "poison" and any("poison" in text for text in given):
        raise RuntimeError("This model cannot take poison.")
    if how == "hang":
        time.sleep(seconds)


def _spoil(how: str, good: list[Any], garbage: object, empty: object) -> list[Any]:
    bad = {"none": None, "garbage": garbage, "empty": empty}
    if how in bad:
        return [bad[how]] * len(good)
    return good[:-1] if how == "count" else good
