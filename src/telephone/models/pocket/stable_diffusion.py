"""`pocket/stable-diffusion`: latent diffusion, which draws, and edits images by SDEdit."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from PIL import Image

from telephone.core.errors import UsageError
from telephone.core.images import from_array
from telephone.core.seeds import digest
from telephone.models.base import ImageEditor, Traits
from telephone.models.editing import check_strength, paste_known
from telephone.models.pocket.pocket_net import PocketNet
from telephone.models.pocket.text2image import BATCH, DIFFUSION_OPTIONS, SIZE, PocketText2Image
from telephone.models.provider import number
from telephone.models.runtime import full_batches, image_batch, limited_threads

if TYPE_CHECKING:
    from torch import Tensor

    from telephone.nets.stable_diffusion import EditedImages


class StableDiffusion(PocketText2Image):
    """Latent diffusion (`nets/stable_diffusion.py`)."""

    def __init__(
        self, steps: int = 4, guidance: float = 1.5, eta: float = 0.0, solver: str = "dpm++", best_of: int = 1
    ) -> None:
        super().__init__(NET, best_of, {"steps": steps, "guidance": guidance, "eta": eta, "solver": solver})

    def _generate(self, texts: Sequence[str], seeds: Sequence[int]) -> "Tensor":
        from telephone.nets.stable_diffusion import DiffusionSampling

        pixels: Tensor = self._net.generate(self._tokens(texts), seeds, DiffusionSampling(**self._options))
        return pixels

    def edited(self, texts: Sequence[str], seeds: Sequence[int], edits: "EditedImages") -> "Tensor":
        """Returns images [BATCH, 3, 64, 64] in [-1, 1]: the given ones, noised and denoised with the texts."""
        from telephone.nets.stable_diffusion import DiffusionSampling

        pixels: Tensor = self._net.edit(self._tokens(texts), seeds, edits, DiffusionSampling(**self._options))
        return pixels

    @cached_property
    def _text_config(self) -> Any:
        return NET.read_config().text

    @cached_property
    def _net(self) -> Any:
        return NET.load()


class StableDiffusionEditor(ImageEditor):
    """SDEdit (Meng et al. 2022): an image is noised to a strength and denoised with a text that says what it shows."""

    VERSION = 1
    """Incremented whenever the same weights and options may give another image."""

    def __init__(
        self, strength: float = 0.7, steps: int = 8, guidance: float = 1.5, eta: float = 0.0, solver: str = "dpm++"
    ) -> None:
        self.name = NET.name
        check_strength(strength)
        self.strength = strength
        self._model = StableDiffusion(steps, guidance, eta, solver)

    def lacks(self) -> str:
        """Returns what is missing before the first call, in one sentence; empty if all weights are in place."""
        return NET.lacks()

    def traits(self) -> Traits:
        """Returns the properties; reads the weight files once, for their hashes."""
        own = [*NET.locate_all().values(), self.strength, *sorted(self._model._options.items())]
        fingerprint = digest("pocket/stable-diffusion editor", self.VERSION, *own)
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
        """Returns one RGB image an item: with a mask of the image's size and equal outside of it, else 64 x 64 pixels.

        Args:
            images: of any size; what is drawn has 64 x 64 pixels.
            texts: what each whole image is to show.
            seeds: one an image.
            masks: white where an image is drawn again.
            strength: in place of the option of this editor.
            references: not taken.

        Raises:
            UsageError: references are given, or the strength is out of range.
            WeightsError: the weights are missing, or not the shipped ones.
        """
        if references is not None:
            raise UsageError("pocket/stable-diffusion takes no references: it edits an image by a text.")
        check_strength(strength)
        how = self.strength if strength is None else strength
        covers = list(masks) if masks is not None else [Image.new("L", image.size, 255) for image in images]
        chosen = list(seeds) if seeds is not None else [0] * len(images)
        items = list(zip(images, texts, chosen, covers, strict=True))
        made: list[Image.Image] = []
        for part in full_batches(items, BATCH):
            made += self._edited(part, how)
        made = made[: len(items)]
        if masks is None:
            return list(made)
        return [paste_known(*each) for each in zip(made, images, covers, strict=True)]

    def _edited(self, items: Sequence[tuple[Image.Image, str, int, Image.Image]], strength: float) -> list[Image.Image]:
        from telephone.nets.stable_diffusion import EditedImages

        images, texts, seeds, masks = zip(*items, strict=True)
        # A pixel that is white in part is drawn as a whole; where the mask is black the given pixels return.
        drawn = image_batch([mask.convert("RGB") for mask in masks], SIZE)[:, :1] > -1
        with limited_threads():
            edits = EditedImages(image_batch(images, SIZE), strength, drawn.float())
            pixels = self._model.edited(texts, seeds, edits)
        return [from_array(image) for image in pixels.numpy()]


NET = PocketNet(
    name="stable-diffusion",
    summary="latent diffusion, trained on the pocket world",
    net="telephone.nets.stable_diffusion:LatentDiffusion",
    config="telephone.nets.stable_diffusion:LatentDiffusionConfig",
    recipe="telephone.train.stable_diffusion",
    files=("stable-diffusion", "autoencoder"),
    kind="text2image",
    model=StableDiffusion,
    options=DIFFUSION_OPTIONS,
    editor=StableDiffusionEditor,
    editor_options={
        "strength": number(0.01, 1),
        **{name: parser for name, parser in DIFFUSION_OPTIONS.items() if name != "best_of"},
    },
    roster="a small latent diffusion model",
)
