"""`pocket/dalle-2`: unCLIP, a prior that samples a CLIP image embedding and a decoder that draws it."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from telephone.models.pocket import clip
from telephone.models.pocket.dalle_2_editor import OPERATIONS, DallE2Editor
from telephone.models.pocket.pocket_net import PocketNet
from telephone.models.pocket.text2image import DIFFUSION_OPTIONS, PocketText2Image
from telephone.models.provider import choice, integer, number

if TYPE_CHECKING:
    from torch import Tensor

    from telephone.nets.tokenizer import WordTokenizer


class DallE2(PocketText2Image):
    """unCLIP (`nets/dalle_2.py`), the architecture of DALL-E 2."""

    def __init__(
        self,
        steps: int = 6,
        guidance: float = 1.5,
        eta: float = 0.0,
        solver: str = "dpm++",
        prior: str = "diffusion",
        candidates: int = 2,
        **more: Any,
    ) -> None:
        """Options of the address; `more` are best_of and caption."""
        options = {"steps": steps, "guidance": guidance, "eta": eta, "solver": solver}
        options |= {"prior": prior, "candidates": candidates}
        if more.get("caption") == "no":  # left out by default, as the options are part of the fingerprint
            options["caption"] = False
        super().__init__(NET, int(more.get("best_of", 1)), options)

    def _generate(self, texts: Sequence[str], seeds: Sequence[int]) -> "Tensor":
        from telephone.nets.dalle_2 import UnclipSampling

        net, clip_net = self._nets
        limit = clip_net.config.text.max_tokens
        clip_tokens = self._clip_tokenizer.batch(texts, limit, pad_to=limit)
        sampling = UnclipSampling(**self._options)
        pixels: Tensor = net.generate(clip_net, self._tokens(texts), clip_tokens, seeds, sampling)
        return pixels

    @cached_property
    def _text_config(self) -> Any:
        return NET.read_config().text

    @cached_property
    def _nets(self) -> tuple[Any, Any]:
        """The net, and the CLIP that it was trained with; with another CLIP the embeddings would be meaningless."""
        ((path, sha),) = clip.NET.locate().items()
        if NET.notes().get("clip") != sha:
            raise NET.mismatch(path)
        return NET.load(), clip.NET.load()

    @cached_property
    def _clip_tokenizer(self) -> "WordTokenizer":
        from telephone.nets.tokenizer import WordTokenizer

        return WordTokenizer(self._nets[1].config.text.words)


NET = PocketNet(
    name="dalle-2",
    summary="unCLIP: a prior, a decoder and an upsampler, trained on the pocket world",
    net="telephone.nets.dalle_2:UnClip",
    config="telephone.nets.dalle_2:UnClipConfig",
    recipe="telephone.train.dalle_2",
    files=("dalle-2", "dalle-2-prior"),
    uses=(clip.NET,),
    kind="text2image",
    model=DallE2,
    options={
        **DIFFUSION_OPTIONS,
        "prior": choice("diffusion", "autoregressive", "zero", "text", "linear"),
        "candidates": integer(1, 64),
        "caption": choice("no", "yes"),
    },
    editor=DallE2Editor,
    editor_options={
        "operation": choice(*OPERATIONS),
        "steps": integer(1, 1000),
        "eta": number(0, 1),
        "theta": number(0, 1),
        "noise": choice("inverted", "random"),
        "scale": number(0, 10),
        "difference": choice("mapped", "rotated"),
        "components": integer(0, 256),
        "caption": choice("no", "yes"),
    },
    roster="a small unCLIP: prior, decoder, upsampler",
)
