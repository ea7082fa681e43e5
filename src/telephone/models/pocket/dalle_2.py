"""`pocket/dalle-2`: unCLIP, a prior that imagines a CLIP embedding and a decoder that draws it."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from telephone.core.errors import WeightsError
from telephone.models.pocket import weights
from telephone.models.pocket.text2image import Drawer
from telephone.models.runtime import load_net

if TYPE_CHECKING:
    from torch import Tensor

    from telephone.nets.tokenizer import WordTokenizer

FILES = (("dalle-2", "dalle-2"), ("dalle-2-prior", "dalle-2"), ("clip", "clip"))
"""Weight files, and the recipes that make them."""


class DallE2(Drawer):
    """unCLIP (`nets/unclip.py`), the architecture of DALL-E 2."""

    def __init__(
        self,
        steps: int = 4,
        guidance: float = 1.5,
        eta: float = 0.0,
        solver: str = "dpm++",
        prior: str = "diffusion",
        candidates: int = 2,
        best_of: int = 1,
    ) -> None:
        options = {"steps": steps, "guidance": guidance, "eta": eta, "solver": solver}
        super().__init__("dalle-2", best_of, options | {"prior": prior, "candidates": candidates})

    def _draw(self, texts: Sequence[str], seeds: Sequence[int]) -> "Tensor":
        from telephone.nets.dalle_2 import UnclipSampling

        net, clip = self._nets
        limit = clip.config.text.max_tokens
        clip_tokens = self._clip_words.batch(texts, limit, pad_to=limit)
        pixels: Tensor = net.generate(clip, self._tokens(texts), clip_tokens, seeds, UnclipSampling(**self._options))
        return pixels

    @cached_property
    def _files(self) -> dict[Path, str]:
        return dict(weights.find(name, recipe) for name, recipe in FILES)

    @cached_property
    def _config(self) -> Any:
        from telephone.nets.checkpoint import read_metadata
        from telephone.nets.dalle_2 import UnClipConfig

        return UnClipConfig.from_dict(read_metadata(next(iter(self._files)))[0])

    @cached_property
    def _text(self) -> Any:
        return self._config.text

    @cached_property
    def _nets(self) -> tuple[Any, Any]:
        """The net, and the CLIP whose embeddings it has learned; another CLIP would be gibberish to it."""
        from telephone.nets.checkpoint import read_metadata
        from telephone.nets.clip import Clip, ClipConfig
        from telephone.nets.dalle_2 import UnClip

        decoder, prior, clip = self._files
        learned = read_metadata(decoder)[1].get("clip")
        if learned != self._files[clip]:
            raise WeightsError(
                f"The weights at {decoder} were trained with another CLIP than {clip}: make them again with "
                "`telephone learn dalle-2`."
            )
        made = Clip(ClipConfig.from_dict(read_metadata(clip)[0]))
        return load_net([decoder, prior], UnClip(self._config)), load_net([clip], made)

    @cached_property
    def _clip_words(self) -> "WordTokenizer":
        from telephone.nets.tokenizer import WordTokenizer

        return WordTokenizer(self._nets[1].config.text.words)
