"""Players without weights: deterministic, all but free, and able to lose, fail, refuse, dawdle or break on request."""

import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from telephone.core.errors import ModelError, ModelRefused
from telephone.core.images import content_hash, encode_png
from telephone.core.seeds import derive, digest
from telephone.models import barcode
from telephone.models.base import Embedder, Image2Text, Text2Image, Traits
from telephone.models.provider import Catalogue, Entry, Parser, choice, integer, number
from telephone.models.synthetic.faulty import HOWS, BrokenCaptioner, BrokenPainter
from telephone.models.synthetic.lossy import OPTIONS as _losses
from telephone.models.synthetic.lossy import Sketcher, Teller

_ADJECTIVES = ("calm", "bright", "old", "tiny", "striped", "golden", "quiet", "round")
_NOUNS = ("harbour", "garden", "lantern", "kettle", "mountain", "violin", "bicycle", "window")


@dataclass(frozen=True)
class Habits:
    """How a fake player behaves; what changes its answers is in its fingerprint, what only changes its pace is not."""

    loss: float = 0.0
    """The chance that a word is dropped, in [0, 1]."""
    fail: float = 0.0
    """The chance that a call fails, in [0, 1]; decided by input and seed."""
    refuse: float = 0.0
    """The chance that a call is refused, in [0, 1]; decided by input and seed."""
    size: int = 64
    """Side of the pictures in pixels."""
    delay: float = 0.0
    """Seconds that each item takes."""
    batch: int = 64
    concurrency: int = 1
    log: str = ""
    """A file to which each finished item adds a line: fingerprint, hash of the input, seed."""

    def traits(self, name: str) -> Traits:
        """Returns the traits of the player of this name."""
        print_ = digest("fake", name, 1, self.loss, self.fail, self.refuse, self.size)
        device = "cpu" if self.concurrency == 1 else "remote"
        return Traits(print_, device, self.batch, self.concurrency, seeds=True, price=0.0)

    def answer(self, kind: str, given: bytes, seed: int, make: Callable[[], Any]) -> Any:
        """Returns what `make` makes, or the error that takes its place."""
        if self.delay:
            time.sleep(self.delay)
        chance = derive("chance", kind, given, seed) / 2**32
        made: Any
        if chance < self.fail:
            made = ModelError(f"The fake {kind} was told to fail in {self.fail:g} of the calls.")
        elif chance >= 1 - self.refuse:
            made = ModelRefused(f"The fake {kind} was told to refuse {self.refuse:g} of the calls.")
        else:
            made = make()
        if self.log:
            _note(self.log, f"{self.traits(kind).fingerprint} {content_hash(given)} {seed}\n")
        return made


class FakeText2Image(Text2Image):
    """Draws a text as a code of dark cells, so that a captioner can read it back."""

    def __init__(self, **options: Any) -> None:
        self.habits = Habits(**options)

    def generate_images(self, texts: Sequence[str], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one picture, or one `ModelError`, a text."""
        return [self._draw(text, seed) for text, seed in zip(texts, seeds or [0] * len(texts), strict=True)]

    def traits(self) -> Traits:
        """Returns what the player is."""
        return self.habits.traits("painter")

    def _draw(self, text: str, seed: int) -> Any:
        def make() -> Image.Image:
            return barcode.draw(lose(text, self.habits.loss, seed).encode(), self.habits.size)

        return self.habits.answer("painter", text.encode(), seed, make)


class Captioner(Image2Text):
    """Reads a fake painting back; of any other picture it says something that depends on the picture alone."""

    def __init__(self, **options: Any) -> None:
        self.habits = Habits(**options)

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one text, or one `ModelError`, a picture."""
        return [self._read(image, seed) for image, seed in zip(images, seeds or [0] * len(images), strict=True)]

    def traits(self) -> Traits:
        """Returns what the player is."""
        return self.habits.traits("captioner")

    def _read(self, image: Image.Image, seed: int) -> Any:
        return self.habits.answer(
            "captioner", encode_png(image), seed, lambda: lose(read_text(image), self.habits.loss, seed)
        )


class WordEmbedder(Embedder):
    """A bag of words: each word has a fixed random direction, so texts that share words are near."""

    width = 256

    def traits(self) -> Traits:
        """Returns what the player is."""
        return Traits(digest("fake", "embedder", 1, self.width), batch_size=256, seeds=True, price=0.0)

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns float32 [n, 256] of unit length; a text without words has a direction of its own."""
        rows = [self._embed(text) for text in texts]
        return np.stack(rows) if rows else np.zeros((0, self.width), dtype=np.float32)

    def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Returns the vectors of what `fake/captioner` would say: float32 [n, 256] of unit length."""
        return self.embed_texts([read_text(image) for image in images])

    def _embed(self, text: str) -> NDArray[np.float32]:
        words = re.findall(r"\w+", text.lower()) or [""]
        total: NDArray[np.float64] = np.sum([self._direction(word) for word in words], axis=0)
        length = np.linalg.norm(total)
        return (total / length if length else self._direction("")).astype(np.float32)

    def _direction(self, word: str) -> NDArray[np.float64]:
        raw = np.random.default_rng(derive("fake word", word)).standard_normal(self.width)
        return np.asarray(raw / np.linalg.norm(raw))


def lose(text: str, loss: float, seed: int) -> str:
    """Returns the text with each word dropped with chance `loss`, decided by seed, place and word; one word stays."""
    if not loss:
        return text
    words = text.split()
    kept = [word for at, word in enumerate(words) if derive("word", seed, at, word) / 2**32 >= loss]
    return " ".join(kept or words[:1])


def read_text(image: Image.Image) -> str:
    """Returns the text that a fake painting holds, or a few words that depend on the picture's pixels alone."""
    data = barcode.read(image)
    if data is not None:
        return data.decode(errors="replace")
    print_ = content_hash(encode_png(image))
    adjective, noun, other = (int(print_[at : at + 8], 16) for at in (0, 8, 16))
    first, second = _NOUNS[noun % len(_NOUNS)], _NOUNS[other % len(_NOUNS)]
    return f"A {_ADJECTIVES[adjective % len(_ADJECTIVES)]} {first} and a {second}."


def _note(path: str, line: str) -> None:
    """One write of a short line in append mode: lines of several processes do not mix."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)


_rate = number(0, 1)
_options: dict[str, Parser] = {
    "loss": _rate,
    "fail": _rate,
    "refuse": _rate,
    "delay": number(0, 3600),
    "batch": integer(1, 4096),
    "concurrency": integer(1, 256),
    "log": str,
}
_broken: dict[str, Parser] = {"how": choice(*HOWS), "seconds": number(0, 86400)}


def _side(text: str) -> object:
    value = integer(8, 4096)(text)
    if isinstance(value, int) and value % 8:
        raise ValueError("give a multiple of 8")
    return value


provider = Catalogue(
    "fake",
    {
        "painter": Entry(
            "text2image", "draws a text as a code of cells", FakeText2Image, {**_options, "size": _side}, "fake/teller"
        ),
        "captioner": Entry("image2text", "reads the code of fake/painter back", Captioner, _options, "fake/sketcher"),
        "sketcher": Entry(
            "text2image", "hands on what it has not forgotten of a pocket scene", Sketcher, _losses, "fake/teller"
        ),
        "teller": Entry("image2text", "tells what it has not forgotten of a sketch", Teller, _losses, "fake/sketcher"),
        "embedder": Entry("embedder", "a bag of words with fixed random directions", WordEmbedder),
        "broken": Entry(
            "text2image", "a painter that breaks in the way that is asked for", BrokenPainter, _broken, "fake/teller"
        ),
        "broken-captioner": Entry(
            "image2text", "a captioner that breaks likewise", BrokenCaptioner, _broken, "fake/sketcher"
        ),
    },
)
