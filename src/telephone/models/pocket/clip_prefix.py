"""`pocket/clip-prefix`: one sentence a picture, from CLIP's one vector."""

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from telephone.models.pocket.instruction_following import LANGUAGE_MODEL, Follower
from telephone.models.runtime import load_net

if TYPE_CHECKING:
    from torch import Tensor

TASK = "Describe this image in one sentence."


class PocketClipPrefix(Follower):
    """ClipCap (`nets/clip_prefix.py`): what CLIP has noticed, in one sentence."""

    FILES = ("clip-prefix", "clip", LANGUAGE_MODEL)

    def __init__(self, task: str = TASK, temperature: float = 0.0, max_tokens: int = 90) -> None:
        super().__init__("clip-prefix", task, temperature, max_tokens)

    def _see(self, squares: "Tensor") -> "Tensor":
        seen: Tensor = self._net(squares)
        return seen

    @cached_property
    def _encoder(self) -> Any:
        """CLIP's image encoder: one vector a picture."""
        from telephone.nets.checkpoint import read_metadata
        from telephone.nets.clip import Clip, ClipConfig
        from telephone.nets.clip_prefix import look

        path = self._files["clip"][0]
        return partial(look, load_net([path], Clip(ClipConfig.from_dict(read_metadata(path)[0]))))

    @cached_property
    def _model(self) -> Any:
        return self._net.language_model or super()._model

    @cached_property
    def _net(self) -> Any:
        from telephone.nets.checkpoint import read_metadata
        from telephone.nets.clip_prefix import ClipPrefix as Net
        from telephone.nets.clip_prefix import ClipPrefixConfig

        self._of_one_make()
        path = self._files["clip-prefix"][0]
        return load_net([path], Net(ClipPrefixConfig.from_dict(read_metadata(path)[0])))
