"""`pocket/dalle-mini`: an encoder-decoder writes the codes of a VQGAN, row by row."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from PIL import Image

from telephone.core.images import from_array
from telephone.models.pocket.pocket_net import PocketNet
from telephone.models.pocket.text2image import BATCH, BEST_OF_OPTIONS, PocketText2Image
from telephone.models.pocket.vqgan_clip import VQGAN
from telephone.models.provider import integer, number
from telephone.models.runtime import limited_threads

if TYPE_CHECKING:
    from torch import Tensor

Preview = Callable[[int, Image.Image], None]
"""Receives how many rows of codes are drawn, and the image of 64 x 64 pixels, mid-grey below them."""


class PocketDalleMini(PocketText2Image):
    """DALL-E mini (`nets/dalle_mini.py`)."""

    def __init__(
        self, super_conditioning: float = 3.0, temperature: float = 1.0, top_k: int = 0, best_of: int = 1
    ) -> None:
        options = {"super_conditioning": super_conditioning, "temperature": temperature, "top_k": top_k}
        super().__init__(NET, best_of, options)

    def preview(self, text: str, seed: int, after_row: Preview) -> Image.Image:
        """Returns the image that `generate_image` returns without `best_of`, and calls back while it is drawn.

        Args:
            text: the prompt.
            seed: in [0, 2**32).
            after_row: called after each row of squares of codes.

        Raises:
            WeightsError: the weights are missing, or not the shipped ones.
        """

        def show(rows: int, pixels: "Tensor") -> None:
            after_row(rows, from_array(pixels[0].numpy()))

        with limited_threads():
            pixels = self._draw([text] * BATCH, [seed] * BATCH, show)
        return from_array(pixels[0].numpy())

    def film(self, text: str, seed: int) -> list[Image.Image]:
        """Returns the image after each row of squares of codes; raises as `preview` does."""
        frames: list[Image.Image] = []
        self.preview(text, seed, lambda _, image: frames.append(image))
        return frames

    def _generate(self, texts: Sequence[str], seeds: Sequence[int]) -> "Tensor":
        return self._draw(texts, seeds)

    def _draw(
        self, texts: Sequence[str], seeds: Sequence[int], after_row: Callable[[int, "Tensor"], None] | None = None
    ) -> "Tensor":
        from telephone.nets.dalle_mini import CodeSampling, draw

        net, vqgan = self._nets
        pixels: Tensor = draw(
            net, vqgan, self._tokens(texts), self._tokens([""]), seeds, CodeSampling(**self._options), after_row
        )
        return pixels

    @cached_property
    def _text_config(self) -> Any:
        return NET.read_config().text

    @cached_property
    def _nets(self) -> tuple[Any, Any]:
        NET.check_reads(ignore=("stable-diffusion",))
        return NET.load(), VQGAN.load()


NET = PocketNet(
    name="dalle-mini",
    summary="DALL-E mini: an encoder-decoder that writes VQGAN codes",
    net="telephone.nets.dalle_mini:DalleMini",
    config="telephone.nets.dalle_mini:DalleMiniConfig",
    recipe="telephone.train.dalle_mini",
    files=("dalle-mini",),
    uses=(VQGAN,),
    kind="text2image",
    model=PocketDalleMini,
    options={
        "super_conditioning": number(1, 50),
        "temperature": number(0, 10),
        "top_k": integer(0, 100_000),
        **BEST_OF_OPTIONS,
    },
)
