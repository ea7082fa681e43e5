"""`pocket/blip-2`: the most salient object of an image, in a few words."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from telephone.models.pocket import blip
from telephone.models.pocket.instruction_following import LANGUAGE_MODEL, OPTIONS, PocketInstructionModel
from telephone.models.pocket.pocket_net import PocketNet

if TYPE_CHECKING:
    from torch import Tensor

TASK = "Describe this image in a few words."
"""The default instruction, as the net was trained on web-like captions; the paper gives no instruction."""


class PocketBlip2(PocketInstructionModel):
    """BLIP-2 (`nets/blip_2.py`): short captions, which is why the original battle dropped it."""

    def __init__(self, task: str = TASK, temperature: float = 0.0, max_tokens: int = 120) -> None:
        super().__init__(NET, task, temperature, max_tokens)

    def _image_vectors(self, features: "Tensor") -> "Tensor":
        vectors: Tensor = self._net(features)
        return vectors

    @cached_property
    def _net(self) -> Any:
        return NET.load()


NET = PocketNet(
    name="blip-2",
    summary="BLIP-2: a Q-Former before a frozen language model; names only the most salient object",
    net="telephone.nets.blip_2:Blip2",
    config="telephone.nets.blip_2:Blip2Config",
    recipe="telephone.train.blip_2",
    files=("blip-2",),
    uses=(blip.NET, LANGUAGE_MODEL),
    kind="image2text",
    model=PocketBlip2,
    options=OPTIONS,
)
