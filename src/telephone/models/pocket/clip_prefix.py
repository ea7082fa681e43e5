"""`pocket/clip-prefix`: one sentence an image, from CLIP's image embedding."""

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from telephone.models.pocket import clip
from telephone.models.pocket.instruction_following import LANGUAGE_MODEL, OPTIONS, PocketInstructionModel
from telephone.models.pocket.pocket_net import PocketNet

if TYPE_CHECKING:
    from torch import Tensor

TASK = "Describe this image in one sentence."


class PocketClipPrefix(PocketInstructionModel):
    """ClipCap (`nets/clip_prefix.py`): a prefix from CLIP's features before a language model; one sentence."""

    def __init__(self, task: str = TASK, temperature: float = 0.0, max_tokens: int = 90) -> None:
        super().__init__(NET, task, temperature, max_tokens)

    def _image_vectors(self, features: "Tensor") -> "Tensor":
        vectors: Tensor = self._net(features)
        return vectors

    @cached_property
    def _image_encoder(self) -> Any:
        """CLIP's image encoder: one vector an image."""
        from telephone.nets.clip_prefix import unprojected_features

        return partial(unprojected_features, clip.NET.load())

    @cached_property
    def _language_model(self) -> Any:
        return self._net.language_model or super()._language_model

    @cached_property
    def _net(self) -> Any:
        self._check_reads()
        return NET.load()


NET = PocketNet(
    name="clip-prefix",
    summary="ClipCap: a prefix from CLIP's one vector before a language model; one sentence",
    net="telephone.nets.clip_prefix:ClipPrefix",
    config="telephone.nets.clip_prefix:ClipPrefixConfig",
    recipe="telephone.train.clip_prefix",
    files=("clip-prefix",),
    uses=(clip.NET, LANGUAGE_MODEL),
    kind="image2text",
    model=PocketClipPrefix,
    options=OPTIONS,
    roster="a small CLIP prefix captioner",
)
