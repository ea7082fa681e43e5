"""The lossless models of the pocket world: an exact renderer, and the scene reader."""

from collections.abc import Sequence

from PIL import Image

from telephone.core.seeds import digest
from telephone.models.base import Text2Image, Traits
from telephone.models.pocket.scene_reader import SceneReaderModel, wording
from telephone.models.provider import Catalogue, Entry, integer

RENDERER_VERSION = 1
"""Incremented whenever the same text may give another image."""


class Renderer(Text2Image):
    """Draws every fact that the parser finds in a text; a text without facts gives a blank image."""

    def __init__(self, size: int = 64) -> None:
        self.size = size

    def generate_images(self, texts: Sequence[str], seeds: Sequence[int] | None = None) -> list[Image.Image]:
        """Returns one RGB image of `size` x `size` pixels a text; the seed decides what the text leaves open."""
        from telephone import world

        chosen = seeds if seeds is not None else [0] * len(texts)
        return [
            world.render(world.parse(text), size=self.size, seed=seed) for text, seed in zip(texts, chosen, strict=True)
        ]

    def traits(self) -> Traits:
        """Returns the properties of the model."""
        return Traits(digest("oracle/renderer", RENDERER_VERSION, self.size), batch_size=64, seeds=True, price=0.0)


provider = Catalogue(
    "oracle",
    {
        "renderer": Entry(
            "text2image", "draws a caption of the pocket world exactly", Renderer, {"size": integer(16, 4096)}
        ),
        "reader": Entry(
            "image2text",
            "describes an image of the pocket world as exactly as a net can read it",
            SceneReaderModel,
            {"wording": wording},
        ),
    },
)
