"""Control models: they isolate what wording, re-encoding, a constant caption and chance alone do to a game.

`control/carbon` passes a text on unchanged, encoded in an image; the image-to-text controls that decode it return a
paraphrase, a constant text, or a text of another prompt. `control/reencode` and `control/scan` pass an image on, saved
lossily each time. None of them sees more than the previous artefact.
"""

import base64
import io
import re
from collections.abc import Sequence
from typing import Any

from PIL import Image

from telephone.core.errors import ModelError
from telephone.core.images import decode, encode_png
from telephone.core.seeds import derive, digest
from telephone.models import barcode
from telephone.models.base import Image2Text, Text2Image, Traits, generate_images
from telephone.models.provider import Catalogue, Entry, integer

IMAGE_PREFIX = "data:image/png;base64,"
"""Start of a text that holds an encoded image."""
SHUFFLED = " (shuffled)"
"""Suffix of a text of another prompt: it marks the text for readers, and prevents a second exchange."""
_BATCH = 64
_SYNONYMS = (
    ("picture", "image"), ("small", "little"), ("large", "big"), ("beautiful", "lovely"), ("photo", "photograph"),
    ("person", "human"), ("next to", "beside"), ("on top of", "upon"), ("many", "lots of"), ("street", "road"),
    ("sitting", "seated"), ("house", "home"), ("boat", "vessel"), ("in front of", "before"), ("kid", "child"),
    ("stone", "rock"), ("quick", "fast"), ("near", "close to"), ("sea", "ocean"), ("forest", "wood"),
)  # fmt: skip
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


class CarbonCopy(Text2Image):
    """Encodes a text as cells that the other controls decode."""

    def generate_images(self, texts: Sequence[str], seeds: Sequence[int] | None = None) -> list[Image.Image]:
        """Returns one image a text."""
        return [barcode.draw(text.encode()) for text in texts]

    def traits(self) -> Traits:
        """Returns the properties of the model."""
        return Traits(digest("control/carbon", 1), batch_size=_BATCH, seeds=True, deterministic=True, price=0.0)


class _CarbonReader(Image2Text):
    """Decodes a carbon copy and returns a replacement of its text."""

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one text, or one `ModelError`, an image."""
        return [self._decode(image, seed) for image, seed in zip(images, seeds or [0] * len(images), strict=True)]

    def _decode(self, image: Image.Image, seed: int) -> Any:
        data = barcode.read(image)
        if data is None:
            return ModelError("This control reads only images of control/carbon: pair it with that model.")
        return self.replace(data.decode(errors="replace"), seed)

    def replace(self, text: str, seed: int) -> str:
        """Returns the replacement of a text."""
        raise NotImplementedError


class Paraphrase(_CarbonReader):
    """Paraphrases a text: exactly in the pocket world, by a short list of synonyms elsewhere."""

    def traits(self) -> Traits:
        """Returns the properties of the model."""
        return Traits(digest("control/paraphrase", 1, _SYNONYMS), batch_size=_BATCH, seeds=True, price=0.0)

    def replace(self, text: str, seed: int) -> str:
        """Returns a paraphrase of the text."""
        from telephone import world

        found = world.read(text)
        if found.unknown or not world.atoms(found.scene):
            return _reworded(text, seed)
        lang = "zh" if _CHINESE.search(text) else "en"
        captions = [world.caption(found.scene, lang, wording) for wording in world.WORDINGS[lang]]
        others = [each for each in dict.fromkeys(captions) if each != text]
        return others[derive("paraphrase", seed, text) % len(others)] if others else text


class FixedText(_CarbonReader):
    """Returns a constant text."""

    def __init__(self, text: str = "A picture.") -> None:
        self.text = text

    def traits(self) -> Traits:
        """Returns the properties of the model."""
        return Traits(
            digest("control/fixed", 1, self.text), batch_size=_BATCH, seeds=True, deterministic=True, price=0.0
        )

    def replace(self, text: str, seed: int) -> str:
        """Returns the constant text."""
        return self.text


class ShuffledPrompt(_CarbonReader):
    """Returns another prompt of the same set, of the same level if there is one; later turns keep that prompt."""

    def __init__(self, prompts: str = "pocket") -> None:
        from telephone import prompts as sets

        self.levels = {prompt.text: prompt.level for prompt in sets.get(prompts) if prompt.image is None}

    def traits(self) -> Traits:
        """Returns the properties of the model."""
        return Traits(digest("control/shuffled", 1, *self.levels), batch_size=_BATCH, seeds=True, price=0.0)

    def replace(self, text: str, seed: int) -> str:
        """Returns another prompt with the suffix `SHUFFLED`.

        Raises:
            ModelError: the set has no other prompt.
        """
        if text.endswith(SHUFFLED):
            return text
        others = [other for other in self.levels if other != text]
        same_level = [other for other in others if self.levels[other] == self.levels.get(text)]
        chosen = same_level or others
        if not chosen:
            raise ModelError("There is no other prompt: use a set of two or more.")
        return chosen[derive("shuffled", seed, text) % len(chosen)] + SHUFFLED


class Reencode(Text2Image):
    """Returns the image of another model at first; later the previous image, saved as JPEG once more."""

    def __init__(self, of: str = "oracle/renderer", quality: int = 75) -> None:
        from telephone.models.registry import text2image

        self.quality = quality
        self.first = text2image(of)

    def traits(self) -> Traits:
        """Returns the properties: device, limits and price are those of the model that generates the first image."""
        own = self.first.traits()
        fingerprint = digest("control/reencode", 1, self.quality, own.fingerprint)
        return Traits(
            fingerprint, own.device, own.batch_size, own.concurrency, own.seeds, own.max_tokens, own.price, own.service
        )

    def generate_images(self, texts: Sequence[str], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one image, or one `ModelError`, a text."""
        chosen = list(seeds) if seeds is not None else [0] * len(texts)
        new = [at for at, text in enumerate(texts) if not text.startswith(IMAGE_PREFIX)]
        generated = generate_images(self.first, [texts[at] for at in new], [chosen[at] for at in new]) if new else []
        first: dict[int, Any] = dict(zip(new, generated, strict=True))
        return [first[at] if at in first else self._reencoded(text) for at, text in enumerate(texts)]

    def _reencoded(self, text: str) -> Any:
        try:
            image = decode(base64.b64decode(text.removeprefix(IMAGE_PREFIX), validate=True))
        except ValueError as error:
            return ModelError(f"The text is not an encoded image ({error}): pair this control with control/scan.")
        buffer = io.BytesIO()
        image.save(buffer, format="JPEG", quality=self.quality)
        return decode(buffer.getvalue())


class Scan(Image2Text):
    """Returns the image itself, encoded as text, for `control/reencode`."""

    def generate_text(self, image: Image.Image, seed: int | None = None) -> str:
        """Returns the image as a data URI."""
        return IMAGE_PREFIX + base64.b64encode(encode_png(image)).decode()

    def traits(self) -> Traits:
        """Returns the properties of the model."""
        return Traits(digest("control/scan", 1), batch_size=1, seeds=True, deterministic=True, price=0.0)


def _reworded(text: str, seed: int) -> str:
    """Returns the text with each word of the list replaced by its synonym in half of the cases, and a new beginning."""
    result = text
    for one, other in _SYNONYMS:
        if derive("reworded", seed, text, one) % 2:
            both = {one: other, other: one}
            pattern = rf"\b({re.escape(one)}|{re.escape(other)})\b"
            result = re.sub(pattern, lambda found, both=both: both[found.group(1)], result)  # type: ignore[misc]
    lead = "This is a picture: "
    return result.removeprefix(lead) if result.startswith(lead) else lead + result


provider = Catalogue(
    "control",
    {
        "carbon": Entry("text2image", "encodes a text in an image, unchanged", CarbonCopy),
        "paraphrase": Entry("image2text", "paraphrases the text of a carbon copy", Paraphrase),
        "fixed": Entry("image2text", "returns a constant text for a carbon copy", FixedText, {"text": str}),
        "shuffled": Entry("image2text", "returns another prompt for a carbon copy", ShuffledPrompt, {"prompts": str}),
        "reencode": Entry(
            "text2image", "re-encodes the previous image as JPEG", Reencode, {"of": str, "quality": integer(1, 95)}
        ),
        "scan": Entry("image2text", "encodes the image itself as text", Scan),
    },
)
