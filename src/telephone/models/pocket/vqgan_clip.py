"""`pocket/vqgan-clip`: codes from a sentence's CLIP embedding at once, or step by step."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from telephone.core.errors import ModelError
from telephone.core.images import from_array
from telephone.models.pocket import weights
from telephone.models.pocket.text2image import SIZE, Drawer
from telephone.models.runtime import image_batch, limited_threads, load_net

if TYPE_CHECKING:
    from torch import Tensor

FILES = ("vqgan-clip", "clip", "vqgan")


class VqganClip(Drawer):
    """VQGAN-CLIP (`nets/vqgan_clip.py`): a sentence becomes codes at once; with `steps`, CLIP then betters them.

    With `steps` a text may be several weighted ones: `a red cat | a beach:0.5`.
    """

    def __init__(self, steps: int = 0, best_of: int = 1) -> None:
        super().__init__("vqgan-clip", best_of, {"steps": steps})

    def _pictures(self, texts: Sequence[str], seeds: Sequence[int]) -> list[Image.Image]:
        if not self._options["steps"]:
            return super()._pictures(texts, seeds)
        return [self._optimised(text, seed) for text, seed in zip(texts, seeds, strict=True)]

    def _optimised(self, text: str, seed: int) -> Image.Image:
        """Starts from the feed-forward picture of the first of the texts."""
        from telephone.nets.vqgan_clip import Optimising, optimise, parse_prompts

        try:
            prompts = parse_prompts(text)
        except ValueError as error:
            raise ModelError(str(error)) from error
        (first,) = super()._pictures([prompts[0].text], [seed])
        _, clip, vqgan = self._nets
        options = Optimising(steps=self._options["steps"], seed=seed)
        with limited_threads():
            picture, _ = optimise(clip, vqgan, prompts, options, start=image_batch([first], SIZE)[0])
        return from_array(picture.numpy())

    def _draw(self, texts: Sequence[str], seeds: Sequence[int]) -> "Tensor":
        import torch

        from telephone.nets.vqgan_clip import generate

        net, clip, vqgan = self._nets
        with torch.no_grad():
            return generate(net, vqgan, clip.encode_text(self._tokens(texts)), seeds)

    @cached_property
    def _files(self) -> dict[Path, str]:
        return dict(weights.find(name) for name in FILES)

    @cached_property
    def _text(self) -> Any:
        from telephone.nets.checkpoint import read_metadata
        from telephone.nets.clip import ClipConfig

        return ClipConfig.from_dict(read_metadata(list(self._files)[1])[0]).text

    @cached_property
    def _nets(self) -> tuple[Any, Any, Any]:
        from telephone.nets.checkpoint import read_metadata
        from telephone.nets.clip import Clip, ClipConfig
        from telephone.nets.vqgan import Vqgan, VqganConfig
        from telephone.nets.vqgan_clip import FeedForward, FeedForwardConfig

        net, clip, vqgan = self._files
        return (
            load_net([net], FeedForward(FeedForwardConfig.from_dict(read_metadata(net)[0]))),
            load_net([clip], Clip(ClipConfig.from_dict(read_metadata(clip)[0]))),
            load_net([vqgan], Vqgan(VqganConfig.from_dict(read_metadata(vqgan)[0]))),
        )
