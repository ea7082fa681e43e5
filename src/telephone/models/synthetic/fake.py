"""Fake models for tests: deterministic, fast, without weights; options make them lose words, fail, refuse or wait."""

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
from telephone.models.base import Embedder, Image2Text, Model, ModelKind, Text2Image, Traits
from telephone.models.provider import Catalogue, Entry, Parser, choice, integer, number
from telephone.models.synthetic.faulty import FAILURE_MODES, FaultyImage2Text, FaultyText2Image
from telephone.models.synthetic.lossy import OPTIONS as _lossy
from telephone.models.synthetic.lossy import LossyImage2Text, LossyText2Image

_ADJECTIVES = ("calm", "bright", "old", "tiny", "striped", "golden", "quiet", "round")
_NOUNS = ("harbour", "garden", "lantern", "kettle", "mountain", "violin", "bicycle", "window")


@dataclass(frozen=True)
class FakeBehaviour:
    """Options of a fake model; the fingerprint covers what changes outputs, not what only changes timing."""

    loss: float = 0.0
    """Probability that a word is dropped, in [0, 1]."""
    fail: float = 0.0
    """Probability that a call fails, in [0, 1]; decided by input and seed."""
    refuse: float = 0.0
    """Probability that a call is refused, in [0, 1]; decided by input and seed."""
    size: int = 64
    """Side of the images in pixels."""
    delay: float = 0.0
    """Seconds that each item takes."""
    batch: int = 64
    concurrency: int = 1
    log: str = ""
    """A file to which each finished item appends a line: fingerprint, hash of the input, seed."""

    def traits(self, name: str) -> Traits:
        """Returns the traits of the model of this name."""
        fingerprint = digest("fake", name, 1, self.loss, self.fail, self.refuse, self.size)
        device = "cpu" if self.concurrency == 1 else "remote"
        return Traits(fingerprint, device, self.batch, self.concurrency, seeds=True, price=0.0)

    def run(self, kind: str, data: bytes, seed: int, make: Callable[[], Any]) -> Any:
        """Returns the result of `make`, or the error in its place."""
        if self.delay:
            time.sleep(self.delay)
        chance = derive("chance", kind, data, seed) / 2**32
        output: Any
        if chance < self.fail:
            output = ModelError(f"The fake {kind} is set to fail in {self.fail:g} of the calls.")
        elif chance >= 1 - self.refuse:
            output = ModelRefused(f"The fake {kind} is set to refuse {self.refuse:g} of the calls.")
        else:
            output = make()
        if self.log:
            _note(self.log, f"{self.traits(kind).fingerprint} {content_hash(data)} {seed}\n")
        return output


class FakeText2Image(Text2Image):
    """`fake/painter`: encodes a text as an image that `fake/captioner` decodes."""

    def __init__(self, **options: Any) -> None:
        self.behaviour = FakeBehaviour(**options)

    def generate_images(self, texts: Sequence[str], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one image, or one `ModelError`, a text."""
        return [self._generate(text, seed) for text, seed in zip(texts, seeds or [0] * len(texts), strict=True)]

    def traits(self) -> Traits:
        """Returns the properties of the model."""
        return self.behaviour.traits("painter")

    def _generate(self, text: str, seed: int) -> Any:
        def make() -> Image.Image:
            return barcode.draw(lose(text, self.behaviour.loss, seed).encode(), self.behaviour.size)

        return self.behaviour.run("painter", text.encode(), seed, make)


class FakeImage2Text(Image2Text):
    """`fake/captioner`: decodes the text of an image; another image gives a text that depends on its pixels alone."""

    def __init__(self, **options: Any) -> None:
        self.behaviour = FakeBehaviour(**options)

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one text, or one `ModelError`, an image."""
        return [self._generate(image, seed) for image, seed in zip(images, seeds or [0] * len(images), strict=True)]

    def traits(self) -> Traits:
        """Returns the properties of the model."""
        return self.behaviour.traits("captioner")

    def _generate(self, image: Image.Image, seed: int) -> Any:
        return self.behaviour.run(
            "captioner", encode_png(image), seed, lambda: lose(read_text(image), self.behaviour.loss, seed)
        )


class WordEmbedder(Embedder):
    """A bag of words: each word has a fixed random direction, so texts that share words have similar vectors."""

    width = 256

    def traits(self) -> Traits:
        """Returns the properties of the model."""
        return Traits(digest("fake", "embedder", 1, self.width), batch_size=256, seeds=True, price=0.0)

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Returns float32 [n, 256] of unit length; all texts without words share one direction."""
        rows = [self._embed(text) for text in texts]
        return np.stack(rows) if rows else np.zeros((0, self.width), dtype=np.float32)

    def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Returns the vectors of the texts that `fake/captioner` returns: float32 [n, 256] of unit length."""
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
    """Returns the text with words dropped with probability `loss`, by seed, position and word; at least one is kept."""
    if not loss:
        return text
    words = text.split()
    kept = [word for at, word in enumerate(words) if derive("word", seed, at, word) / 2**32 >= loss]
    return " ".join(kept or words[:1])


def read_text(image: Image.Image) -> str:
    """Returns the text that an image encodes, or a few words that depend on its pixels alone."""
    data = barcode.read(image)
    if data is not None:
        return data.decode(errors="replace")
    pixels_hash = content_hash(encode_png(image))
    adjective, noun, other = (int(pixels_hash[at : at + 8], 16) for at in (0, 8, 16))
    first, second = _NOUNS[noun % len(_NOUNS)], _NOUNS[other % len(_NOUNS)]
    return f"A {_ADJECTIVES[adjective % len(_ADJECTIVES)]} {first} and a {second}."


def _note(path: str, line: str) -> None:
    """Appends a short line in one write, so that lines of several processes do not interleave."""
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
_faulty: dict[str, Parser] = {"how": choice(*FAILURE_MODES), "seconds": number(0, 86400)}


def _side(text: str) -> object:
    value = integer(8, 4096)(text)
    if isinstance(value, int) and value % 8:
        raise ValueError("give a multiple of 8")
    return value


_lossless: dict[ModelKind, str] = {"text2image": "fake/teller", "image2text": "fake/sketcher"}
"""The lossless partners of the fake models: the fakes that lose facts only if an option says so."""


def _entry(kind: ModelKind, summary: str, factory: type[Model], options: dict[str, Parser]) -> Entry:
    return Entry(kind, summary, factory, options, _lossless[kind])


provider = Catalogue(
    "fake",
    {
        "painter": _entry(
            "text2image", "encodes a text as an image of cells", FakeText2Image, {**_options, "size": _side}
        ),
        "captioner": _entry("image2text", "decodes the images of fake/painter", FakeImage2Text, _options),
        "sketcher": _entry("text2image", "encodes a pocket scene, facts lost at set rates", LossyText2Image, _lossy),
        "teller": _entry("image2text", "decodes a pocket scene, facts lost at set rates", LossyImage2Text, _lossy),
        "embedder": Entry("embedder", "a bag of words with fixed random directions", WordEmbedder),
        "broken": _entry("text2image", "a text-to-image model that fails in a chosen way", FaultyText2Image, _faulty),
        "broken-captioner": _entry(
            "image2text", "an image-to-text model that fails in a chosen way", FaultyImage2Text, _faulty
        ),
    },
)
