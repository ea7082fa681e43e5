"""A text-to-image model, an image-to-text model, and the provider through which telephone finds them."""

import random
from collections.abc import Sequence

from PIL import Image

from stripes.cloth import LETTERS, unpick, weave
from telephone.core.errors import ModelError
from telephone.core.seeds import derive, digest
from telephone.models import Catalogue, Entry, Image2Text, Text2Image, Traits, integer, number

LONGEST = 500
"""The most letters of one image."""


class Weaver(Text2Image):
    """Writes a text as stripes, from top to bottom; with `slips` above 0 some letters are replaced at random."""

    def __init__(self, height: int = 2, slips: float = 0.0) -> None:
        self.height = height
        self.slips = slips

    def generate_image(self, text: str, seed: int | None = None) -> Image.Image:
        """Returns the image of a text; equal texts and seeds give equal images."""
        return Image.fromarray(weave(self._slip(text[:LONGEST], seed or 0), 64, self.height))

    def count_cut(self, text: str) -> int:
        """Returns how many letters exceed the limit."""
        return max(0, len(text) - LONGEST)

    def traits(self) -> Traits:
        """Returns what decides an image, and that it costs nothing."""
        return Traits(digest("stripes/weaver", 1, self.height, self.slips), seeds=True, price=0.0)

    def _slip(self, text: str, seed: int) -> str:
        chance = random.Random(derive("stripes", text, seed))
        return "".join(chance.choice(LETTERS) if chance.random() < self.slips else sign for sign in text)


class Reader(Image2Text):
    """Reads stripes back, several images in one call."""

    def __init__(self, height: int = 2) -> None:
        self.height = height

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[object]:
        """Returns one text an image; an empty one is a failure of that image alone."""
        import numpy as np

        texts = [unpick(np.asarray(image), self.height).strip() for image in images]
        return [text or ModelError("This image holds no letters: give another.") for text in texts]

    def traits(self) -> Traits:
        """Returns what decides a text, and that one call takes 16 images."""
        return Traits(digest("stripes/reader", 1, self.height), batch_size=16, seeds=True, price=0.0)


provider = Catalogue(
    "stripes",
    {
        "weaver": Entry(
            "text2image",
            "writes letters as coloured stripes",
            Weaver,
            {"height": integer(1, 16), "slips": number(0, 1)},
        ),
        "reader": Entry("image2text", "reads the stripes of stripes/weaver", Reader, {"height": integer(1, 16)}),
    },
)
