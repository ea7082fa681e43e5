"""`pocket/clip-interrogator`: BLIP's caption, extended by the phrases that raise its CLIP similarity to the image."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from PIL import Image

from telephone.core.seeds import digest
from telephone.models.base import Image2Text, Traits
from telephone.models.pocket import blip, clip
from telephone.models.pocket.blip import PocketBlip
from telephone.models.pocket.clip import PocketClip
from telephone.models.pocket.pocket_net import PocketNet
from telephone.models.provider import integer
from telephone.models.runtime import limited_threads, parallel_map
from telephone.world.grammar import caption
from telephone.world.scene import COLOURS, KINDS, SETTINGS, STYLES, TIMES, WEATHERS, Scene, Thing


class ClipInterrogator(Image2Text):
    """CLIP Interrogator (`nets/clip_interrogator.py`); it has no weights of its own."""

    def __init__(self, temperature: float = 0.0, max_tokens: int = 71, phrases: int = 3) -> None:
        self.name = "clip-interrogator"
        self._phrases = phrases
        self._blip = PocketBlip(temperature, max_tokens)
        self._clip = PocketClip()

    def lacks(self) -> str:
        """Returns what is missing before the first call, in one sentence; empty if all weights are in place."""
        return NET.lacks()

    def traits(self) -> Traits:
        """Returns the properties; reads the weight files of BLIP and CLIP once, for their hashes."""
        captions = self._blip.traits()
        parts = captions.fingerprint, self._clip.traits().fingerprint
        fingerprint = digest("pocket/clip-interrogator", 2, *parts, self._phrases)
        return Traits(fingerprint, batch_size=64, seeds=True, deterministic=captions.deterministic, price=0)

    def generate_texts(self, images: Sequence[Image.Image], seeds: Sequence[int] | None = None) -> list[str]:
        """Returns one caption an image; images of any size and mode are converted to 64 x 64 RGB first.

        Raises:
            WeightsError: the weights of BLIP or CLIP are missing, or not the shipped ones.
        """
        import torch

        captions = self._blip.generate_texts(images, seeds)
        vectors = torch.from_numpy(self._clip.embed_images(images))
        with limited_threads():
            extended: list[str] = self._interrogator.chain(vectors, captions)
        return extended

    @cached_property
    def _interrogator(self) -> Any:
        from telephone.nets.clip_interrogator import Interrogator

        with limited_threads():
            return Interrogator(self._clip.net, phrase_banks(), most=self._phrases, each=parallel_map)


def phrase_banks() -> dict[str, tuple[str, ...]]:
    """Returns the phrases of each bank in the wording of the pocket world; default values have no phrase."""
    things = [Thing(kind, colour) for kind in KINDS for colour in COLOURS]
    scenes = {
        "setting": [Scene(setting) for setting in SETTINGS],
        "time": [Scene(time=time) for time in TIMES[1:]],
        "weather": [Scene(weather=weather) for weather in WEATHERS[1:]],
        "style": [Scene(style=style) for style in STYLES[1:]],
        "things": [Scene(things=(thing,)) for thing in things],
    }
    return {name: tuple(caption(scene, "en", "short") for scene in each) for name, each in scenes.items()}


NET = PocketNet(
    name="clip-interrogator",
    summary="BLIP's sentence and the phrases that CLIP finds nearest to the image",
    uses=(blip.NET, clip.NET),
    kind="image2text",
    model=ClipInterrogator,
    options={**blip.OPTIONS, "phrases": integer(0, 12)},
)
