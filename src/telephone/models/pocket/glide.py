"""`pocket/glide`: draws and inpaints by text-guided diffusion on pixels."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from PIL import Image

from telephone.core.errors import UsageError
from telephone.core.images import from_array
from telephone.core.seeds import digest
from telephone.models.base import ImageEditor, Traits
from telephone.models.editing import paste_known
from telephone.models.pocket.pocket_net import PocketNet
from telephone.models.pocket.text2image import BATCH, DIFFUSION_OPTIONS, SIZE, PocketText2Image
from telephone.models.runtime import full_batches, image_batch, limited_threads

if TYPE_CHECKING:
    from torch import Tensor

    from telephone.nets.glide import KnownPixels


class PocketGlide(PocketText2Image):
    """GLIDE (`nets/glide.py`)."""

    def __init__(
        self, steps: int = 8, guidance: float = 2.0, eta: float = 0.0, solver: str = "dpm++", best_of: int = 1
    ) -> None:
        super().__init__(NET, best_of, {"steps": steps, "guidance": guidance, "eta": eta, "solver": solver})

    def _generate(self, texts: Sequence[str], seeds: Sequence[int]) -> "Tensor":
        return self.inpaint(texts, seeds)

    def inpaint(self, texts: Sequence[str], seeds: Sequence[int], known: "KnownPixels | None" = None) -> "Tensor":
        """Returns images [BATCH, 3, 64, 64] in [-1, 1] of that many texts, around the pixels that are known."""
        from telephone.nets.glide import GlideSampling

        pixels: Tensor = self._net.generate(self._tokens(texts), seeds, GlideSampling(**self._options), known)
        return pixels

    @cached_property
    def _text_config(self) -> Any:
        return NET.read_config().text

    @cached_property
    def _net(self) -> Any:
        return NET.load()


class GlideEditor(ImageEditor):
    """Inpainting: draws inside of a mask what the text says of the whole image; all other pixels stay as they are."""

    VERSION = 1
    """Incremented whenever the same weights and options may give another image."""

    def __init__(self, steps: int = 12, guidance: float = 2.0, eta: float = 0.0, solver: str = "dpm++") -> None:
        self.name = NET.name
        self._model = PocketGlide(steps, guidance, eta, solver)

    def lacks(self) -> str:
        """Returns what is missing before the first call, in one sentence; empty if all weights are in place."""
        return NET.lacks()

    def traits(self) -> Traits:
        """Returns the properties; reads the weight files once, for their hashes."""
        own = [*NET.locate_all().values(), *sorted(self._model._options.items())]
        fingerprint = digest("pocket/glide editor", self.VERSION, *own)
        limit = self._model._text_config.max_tokens
        return Traits(fingerprint, batch_size=16, seeds=True, max_tokens=limit, price=0.0)

    def edit_images(
        self,
        images: Sequence[Image.Image],
        texts: Sequence[str],
        seeds: Sequence[int] | None = None,
        masks: Sequence[Image.Image] | None = None,
        strength: float | None = None,
        references: Sequence[Image.Image] | None = None,
    ) -> list[Any]:
        """Returns one RGB image of the size of each image; outside of the mask its pixels are equal.

        Args:
            images: of any size; what is drawn has 64 x 64 pixels and is scaled to the image.
            texts: what each whole image is to show.
            seeds: one an image.
            masks: white where an image is drawn again.
            strength: not taken.
            references: not taken.

        Raises:
            UsageError: there are no masks, or something else is given.
            WeightsError: the weights are missing, or not the shipped ones.
        """
        if strength is not None or references is not None:
            raise UsageError("pocket/glide takes no strength and no references: it draws inside of a mask.")
        if masks is None:
            raise UsageError("pocket/glide needs a mask for each image, white where it is drawn again.")
        chosen = list(seeds) if seeds is not None else [0] * len(images)
        items = list(zip(images, texts, chosen, masks, strict=True))
        made: list[Image.Image] = []
        for part in full_batches(items, BATCH):
            made += self._inpainted(part)
        return [
            paste_known(drawn, image, mask)
            for drawn, image, mask in zip(made[: len(items)], images, masks, strict=True)
        ]

    def _inpainted(self, items: Sequence[tuple[Image.Image, str, int, Image.Image]]) -> list[Image.Image]:
        from telephone.nets.glide import KnownPixels

        images, texts, seeds, masks = zip(*items, strict=True)
        # A pixel that is white in part is drawn as a whole; where the mask is black the given pixels return.
        covers = image_batch([mask.convert("RGB") for mask in masks], SIZE)[:, :1] > -1
        with limited_threads():
            known = KnownPixels(image_batch(images, SIZE), covers.float())
            pixels = self._model.inpaint(texts, seeds, known)
        return [from_array(image) for image in pixels.numpy()]


NET = PocketNet(
    name="glide",
    summary="GLIDE: text-guided diffusion on pixels, which also inpaints",
    net="telephone.nets.glide:Glide",
    config="telephone.nets.glide:GlideConfig",
    recipe="telephone.train.glide",
    files=("glide",),
    kind="text2image",
    model=PocketGlide,
    options=DIFFUSION_OPTIONS,
    editor=GlideEditor,
    editor_options={name: parser for name, parser in DIFFUSION_OPTIONS.items() if name != "best_of"},
)
