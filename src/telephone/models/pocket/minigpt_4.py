"""`pocket/minigpt-4`: detailed descriptions, and answers to instructions and questions in English and Chinese."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from telephone.models.base import Image2Text
from telephone.models.pocket.instruction_following import LANGUAGE_MODEL, Follower
from telephone.models.runtime import load_net

if TYPE_CHECKING:
    from torch import Tensor


class PocketMiniGpt4(Follower):
    """MiniGPT-4 (`nets/minigpt4.py`)."""

    FILES = ("minigpt-4", "blip-2", "blip", LANGUAGE_MODEL)

    def __init__(
        self, task: str = Image2Text.task_description, temperature: float = 0.0, max_tokens: int = 120
    ) -> None:
        super().__init__("minigpt-4", task, temperature, max_tokens)

    def _see(self, squares: "Tensor") -> "Tensor":
        net, qformer = self._nets
        seen: Tensor = net(qformer, squares)
        return seen

    @cached_property
    def _nets(self) -> tuple[Any, Any]:
        """The layer that is MiniGPT-4's own, and BLIP-2's Q-Former."""
        from telephone.nets.blip_2 import Blip2, Blip2Config
        from telephone.nets.checkpoint import read_metadata
        from telephone.nets.minigpt_4 import MiniGpt4 as Net
        from telephone.nets.minigpt_4 import MiniGpt4Config

        own, other = self._files["minigpt-4"][0], self._files["blip-2"][0]
        net = load_net([own], Net(MiniGpt4Config(**read_metadata(own)[0])))
        return net, load_net([other], Blip2(Blip2Config.from_dict(read_metadata(other)[0]))).qformer
