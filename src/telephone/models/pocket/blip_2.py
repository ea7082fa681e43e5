"""`pocket/blip-2`: the most striking thing of a picture, in a few words."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from telephone.models.pocket.instruction_following import LANGUAGE_MODEL, Follower
from telephone.models.runtime import load_net

if TYPE_CHECKING:
    from torch import Tensor

TASK = "Describe this image in a few words."
"""What it is asked, because it was trained on captions as the web has them; the paper asks nothing."""


class PocketBlip2(Follower):
    """BLIP-2 (`nets/blip2.py`): short, which is why the original battle dropped it."""

    FILES = ("blip-2", "blip", LANGUAGE_MODEL)

    def __init__(self, task: str = TASK, temperature: float = 0.0, max_tokens: int = 120) -> None:
        super().__init__("blip-2", task, temperature, max_tokens)

    def _see(self, squares: "Tensor") -> "Tensor":
        seen: Tensor = self._net(squares)
        return seen

    @cached_property
    def _net(self) -> Any:
        from telephone.nets.blip_2 import Blip2 as Net
        from telephone.nets.blip_2 import Blip2Config
        from telephone.nets.checkpoint import read_metadata

        path = self._files["blip-2"][0]
        return load_net([path], Net(Blip2Config.from_dict(read_metadata(path)[0])))
