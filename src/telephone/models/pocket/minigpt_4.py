"""`pocket/minigpt-4`: detailed captions, and answers to instructions and questions in English and Chinese."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from telephone.models.base import Image2Text
from telephone.models.pocket import blip, blip_2
from telephone.models.pocket.instruction_following import LANGUAGE_MODEL, OPTIONS, PocketInstructionModel
from telephone.models.pocket.pocket_net import PocketNet

if TYPE_CHECKING:
    from torch import Tensor


class PocketMiniGpt4(PocketInstructionModel):
    """MiniGPT-4 (`nets/minigpt_4.py`)."""

    def __init__(
        self, task: str = Image2Text.task_description, temperature: float = 0.0, max_tokens: int = 120
    ) -> None:
        super().__init__(NET, task, temperature, max_tokens)

    def _image_vectors(self, features: "Tensor") -> "Tensor":
        net, qformer = self._nets
        vectors: Tensor = net(qformer, features)
        return vectors

    @cached_property
    def _nets(self) -> tuple[Any, Any]:
        """MiniGPT-4's own linear layer, and BLIP-2's Q-Former."""
        return NET.load(), blip_2.NET.load().qformer


NET = PocketNet(
    name="minigpt-4",
    summary="MiniGPT-4: one linear layer from BLIP-2's Q-Former to a language model; detailed",
    net="telephone.nets.minigpt_4:MiniGpt4",
    config="telephone.nets.minigpt_4:MiniGpt4Config",
    recipe="telephone.train.minigpt_4",
    files=("minigpt-4",),
    uses=(blip_2.NET, blip.NET, LANGUAGE_MODEL),
    kind="image2text",
    model=PocketMiniGpt4,
    options=OPTIONS,
    roster="a small MiniGPT-4: a Q-Former, one layer, a frozen language model; detailed",
)
