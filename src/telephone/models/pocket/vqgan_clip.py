"""`pocket/vqgan-clip`: VQGAN codes from a text's CLIP embedding, feed-forward or optimised step by step."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from PIL import Image

from telephone.core.errors import ModelError
from telephone.core.images import from_array
from telephone.models.pocket import clip
from telephone.models.pocket.pocket_net import PocketNet
from telephone.models.pocket.text2image import BEST_OF_OPTIONS, SIZE, PocketText2Image
from telephone.models.provider import integer
from telephone.models.runtime import image_batch, limited_threads

if TYPE_CHECKING:
    from torch import Tensor


class VqganClip(PocketText2Image):
    """VQGAN-CLIP (`nets/vqgan_clip.py`): codes in one forward pass; with `steps` they are then optimised by CLIP.

    With `steps` a text may be several weighted prompts: `a red cat | a beach:0.5`.
    """

    def __init__(self, steps: int = 0, best_of: int = 1) -> None:
        super().__init__(NET, best_of, {"steps": steps})

    def _images(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        if not self._options["steps"]:
            return super()._images(texts, seeds)
        return [self._optimised(text, seed) for text, seed in zip(texts, seeds, strict=True)]

    def _optimised(self, text: str, seed: int) -> Image.Image:
        """Returns the optimised image; the feed-forward image of the first prompt is the start."""
        from telephone.nets.vqgan_clip import OptimisationOptions, optimise, parse_prompts

        try:
            prompts = parse_prompts(text)
        except ValueError as error:
            raise ModelError(str(error)) from error
        (first,) = super()._images([prompts[0].text], [seed])
        _, clip_net, vqgan = self._nets
        options = OptimisationOptions(steps=self._options["steps"], seed=seed)
        with limited_threads():
            image, _ = optimise(clip_net, vqgan, prompts, options, start=image_batch([first], SIZE)[0])
        return from_array(image.numpy())

    def _generate(self, texts: Sequence[str], seeds: Sequence[int]) -> "Tensor":
        import torch

        from telephone.nets.vqgan_clip import generate

        net, clip_net, vqgan = self._nets
        with torch.no_grad():
            return generate(net, vqgan, clip_net.encode_text(self._tokens(texts)), seeds)

    @cached_property
    def _text_config(self) -> Any:
        return clip.NET.read_config().text

    @cached_property
    def _nets(self) -> tuple[Any, Any, Any]:
        return NET.load(), clip.NET.load(), VQGAN.load()


VQGAN = PocketNet(
    name="vqgan",
    summary="VQGAN: the codebook and decoder of vqgan-clip",
    net="telephone.nets.vqgan:Vqgan",
    config="telephone.nets.vqgan:VqganConfig",
    recipe="telephone.train.vqgan",
    files=("vqgan",),
)
NET = PocketNet(
    name="vqgan-clip",
    summary="feed-forward VQGAN-CLIP: codes from the CLIP embedding of a text",
    net="telephone.nets.vqgan_clip:FeedForward",
    config="telephone.nets.vqgan_clip:FeedForwardConfig",
    recipe="telephone.train.vqgan_clip",
    files=("vqgan-clip",),
    uses=(clip.NET, VQGAN),
    kind="text2image",
    model=VqganClip,
    options={"steps": integer(0, 10_000), **BEST_OF_OPTIONS},
    roster="a small feed-forward VQGAN-CLIP",
)
