"""Players that are no models: yardsticks that show what wording, saving, silence and chance alone do to a game.

`control/carbon` hands a text on unchanged, as a code in a picture; the describers that read it say the same in other
words, say always the same, or say something of another prompt. `control/reencode` and `control/scan` hand a picture on,
saved with loss each time. None of them sees more than the artefact before it.
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

PICTURE = "data:image/png;base64,"
"""How the text of a game of pictures alone begins."""
SHUFFLED = " (shuffled)"
"""Ends a text that is of another prompt, so that it is not exchanged a second time, and people see it."""
_BATCH = 64
_ALIKE = (
    ("picture", "image"), ("small", "little"), ("large", "big"), ("beautiful", "lovely"), ("photo", "photograph"),
    ("person", "human"), ("next to", "beside"), ("on top of", "upon"), ("many", "lots of"), ("street", "road"),
    ("sitting", "seated"), ("house", "home"), ("boat", "vessel"), ("in front of", "before"), ("kid", "child"),
    ("stone", "rock"), ("quick", "fast"), ("near", "close to"), ("sea", "ocean"), ("forest", "wood"),
)  # fmt: skip
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


class Carbon(Text2Image):
    """Draws a text as a code of cells that the other controls read back."""

    def generate_images(self, texts: Sequence[str], seeds: Sequence[int] | None = None) -> list[Image.Image]:
        """Returns one picture a text."""
        return [barcode.draw(text.encode()) for text in texts]

    def traits(self) -> Traits:
        """Returns what the player is."""
        return Traits(digest("control/carbon", 1), batch_size=_BATCH, seeds=True, price=0.0)


class _CarbonReader(Image2Text):
    """Reads a carbon copy and says something in its place."""

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one text, or one `ModelError`, a picture."""
        return [self._tell(image, seed) for image, seed in zip(images, seeds or [0] * len(images), strict=True)]

    def _tell(self, image: Image.Image, seed: int) -> Any:
        data = barcode.read(image)
        if data is None:
            return ModelError("This control reads only pictures of control/carbon: let that player draw.")
        return self.say(data.decode(errors="replace"), seed)

    def say(self, text: str, seed: int) -> str:
        """Returns what is said in place of a text."""
        raise NotImplementedError


class Paraphrase(_CarbonReader):
    """Says the same in other words, exactly in the pocket world and by a short list of like words elsewhere."""

    def traits(self) -> Traits:
        """Returns what the player is."""
        return Traits(digest("control/paraphrase", 1, _ALIKE), batch_size=_BATCH, seeds=True, price=0.0)

    def say(self, text: str, seed: int) -> str:
        """Returns the text in other words."""
        from telephone import world

        found = world.read(text)
        if found.unknown or not world.atoms(found.scene):
            return _reworded(text, seed)
        lang = "zh" if _CHINESE.search(text) else "en"
        told = [world.caption(found.scene, lang, wording) for wording in world.WORDINGS[lang]]
        others = [each for each in dict.fromkeys(told) if each != text]
        return others[derive("paraphrase", seed, text) % len(others)] if others else text


class Fixed(_CarbonReader):
    """Says always the same."""

    def __init__(self, text: str = "A picture.") -> None:
        self.text = text

    def traits(self) -> Traits:
        """Returns what the player is."""
        return Traits(digest("control/fixed", 1, self.text), batch_size=_BATCH, seeds=True, price=0.0)

    def say(self, text: str, seed: int) -> str:
        """Returns the one text."""
        return self.text


class Shuffled(_CarbonReader):
    """Says another prompt of the same set, of the same level where there is one; then stays with it."""

    def __init__(self, prompts: str = "pocket") -> None:
        from telephone import prompts as sets

        self.stock = {prompt.text: prompt.level for prompt in sets.get(prompts) if prompt.image is None}

    def traits(self) -> Traits:
        """Returns what the player is."""
        return Traits(digest("control/shuffled", 1, *self.stock), batch_size=_BATCH, seeds=True, price=0.0)

    def say(self, text: str, seed: int) -> str:
        """Returns another prompt, marked.

        Raises:
            ModelError: the set has no other prompt.
        """
        if text.endswith(SHUFFLED):
            return text
        others = [other for other in self.stock if other != text]
        alike = [other for other in others if self.stock[other] == self.stock.get(text)]
        chosen = alike or others
        if not chosen:
            raise ModelError("There is no other prompt to say: shuffle a set of two or more.")
        return chosen[derive("shuffled", seed, text) % len(chosen)] + SHUFFLED


class Reencode(Text2Image):
    """Lets another player draw the first picture; later ones are the picture before, saved as JPEG once more."""

    def __init__(self, of: str = "oracle/renderer", quality: int = 75) -> None:
        from telephone.models.registry import text2image

        self.quality = quality
        self.first = text2image(of)

    def traits(self) -> Traits:
        """Returns what the player is: where and at what price it draws is up to the one that draws first."""
        own = self.first.traits()
        print_ = digest("control/reencode", 1, self.quality, own.fingerprint)
        return Traits(
            print_, own.device, own.batch_size, own.concurrency, own.seeds, own.max_tokens, own.price, own.service
        )

    def generate_images(self, texts: Sequence[str], seeds: Sequence[int] | None = None) -> list[Any]:
        """Returns one picture, or one `ModelError`, a text."""
        chosen = list(seeds) if seeds is not None else [0] * len(texts)
        new = [at for at, text in enumerate(texts) if not text.startswith(PICTURE)]
        drawn = generate_images(self.first, [texts[at] for at in new], [chosen[at] for at in new]) if new else []
        made: dict[int, Any] = dict(zip(new, drawn, strict=True))
        return [made[at] if at in made else self._again(text) for at, text in enumerate(texts)]

    def _again(self, text: str) -> Any:
        try:
            picture = decode(base64.b64decode(text.removeprefix(PICTURE), validate=True))
        except ValueError as error:
            return ModelError(f"The text is no picture in letters ({error}): let control/scan describe.")
        kept = io.BytesIO()
        picture.save(kept, format="JPEG", quality=self.quality)
        return decode(kept.getvalue())


class Scan(Image2Text):
    """Hands a picture on whole, in letters: what it says is the picture itself, for `control/reencode` alone."""

    def generate_text(self, image: Image.Image, seed: int | None = None) -> str:
        """Returns the picture in letters."""
        return PICTURE + base64.b64encode(encode_png(image)).decode()

    def traits(self) -> Traits:
        """Returns what the player is."""
        return Traits(digest("control/scan", 1), batch_size=1, seeds=True, price=0.0)


def _reworded(text: str, seed: int) -> str:
    """Returns the text with each word that has a like one exchanged in half of the cases, and another beginning."""
    said = text
    for one, other in _ALIKE:
        if derive("reworded", seed, text, one) % 2:
            both = {one: other, other: one}
            pattern = rf"\b({re.escape(one)}|{re.escape(other)})\b"
            said = re.sub(pattern, lambda found, both=both: both[found.group(1)], said)  # type: ignore[misc]
    lead = "This is a picture: "
    return said.removeprefix(lead) if said.startswith(lead) else lead + said


provider = Catalogue(
    "control",
    {
        "carbon": Entry("text2image", "hands a text on unchanged, as a code", Carbon),
        "paraphrase": Entry("image2text", "says a carbon copy in other words", Paraphrase),
        "fixed": Entry("image2text", "says always the same of a carbon copy", Fixed, {"text": str}),
        "shuffled": Entry("image2text", "says another prompt in place of a carbon copy", Shuffled, {"prompts": str}),
        "reencode": Entry(
            "text2image", "saves the same picture again and again", Reencode, {"of": str, "quality": integer(1, 95)}
        ),
        "scan": Entry("image2text", "hands a picture on whole, in letters", Scan),
    },
)
