"""Players that break, one way at a time: with them the engine shows that a bad call ends one game and no other."""

import time
from collections.abc import Sequence
from typing import Any

from PIL import Image

from telephone.core.errors import ModelRefused
from telephone.core.seeds import digest
from telephone.models import barcode
from telephone.models.base import Image2Text, Text2Image, Traits

HOWS = ("raise", "refuse", "none", "garbage", "empty", "count", "batch", "poison", "exit", "hang")
"""raise an error; refuse; return None; return what is no picture or text; an empty one; too few results; raise on any
batch of several items; raise on an item that holds the word poison; leave the program; answer after `seconds`."""


class BrokenPainter(Text2Image):
    """Draws like `fake/painter` where it does not break."""

    def __init__(self, how: str = "raise", seconds: float = 3600.0) -> None:
        self.how, self.seconds = how, seconds

    def generate_images(self, texts: Sequence[str], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns what is asked for, or breaks."""
        _break(self.how, self.seconds, list(texts))
        good = [barcode.draw(text.encode()) for text in texts]
        return _spoil(self.how, good, garbage=b"\x89PNG but not really", empty=Image.new("RGB", (0, 0)))

    def traits(self) -> Traits:
        """Returns what the player is."""
        return Traits(digest("fake", "broken", self.how), batch_size=8, seeds=True, price=0.0)


class BrokenCaptioner(Image2Text):
    """Reads like `fake/captioner` where it does not break."""

    def __init__(self, how: str = "raise", seconds: float = 3600.0) -> None:
        self.how, self.seconds = how, seconds

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns what is asked for, or breaks."""
        read = [barcode.read(image) or b"Nothing that can be read." for image in images]
        good = [data.decode(errors="replace") for data in read]
        _break(self.how, self.seconds, good)
        return _spoil(self.how, good, garbage=42, empty="  \n")

    def traits(self) -> Traits:
        """Returns what the player is."""
        return Traits(digest("fake", "broken-captioner", self.how), batch_size=8, seeds=True, price=0.0)


def _break(how: str, seconds: float, given: list[str]) -> None:
    if how == "raise":
        raise RuntimeError("This player breaks at every call.")
    if how == "refuse":
        raise ModelRefused("This player refuses every call.")
    if how == "exit":
        raise SystemExit(3)
    if how == "batch" and len(given) > 1:
        raise RuntimeError(f"This player cannot take {len(given)} items at once.")
    if how == "poison" and any("poison" in text for text in given):
        raise RuntimeError("This player cannot take poison.")
    if how == "hang":
        time.sleep(seconds)


def _spoil(how: str, good: list[Any], garbage: object, empty: object) -> list[Any]:
    bad = {"none": None, "garbage": garbage, "empty": empty}
    if how in bad:
        return [bad[how]] * len(good)
    return good[:-1] if how == "count" else good
