"""`pocket/mplug-owl`: detailed descriptions, and answers to instructions and questions in English and Chinese."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from telephone.models.base import Image2Text
from telephone.models.pocket.instruction_following import LANGUAGE_MODEL, Follower
from telephone.models.runtime import load_net

if TYPE_CHECKING:
    from torch import Tensor


class PocketMplugOwl(Follower):
    """mPLUG-Owl (`nets/mplug_owl.py`): its eyes are its own, its language model is the shared one with adapters."""

    FILES = ("mplug-owl", LANGUAGE_MODEL)

    def __init__(
        self, task: str = Image2Text.task_description, temperature: float = 0.0, max_tokens: int = 120
    ) -> None:
        super().__init__("mplug-owl", task, temperature, max_tokens)

    def _see(self, squares: "Tensor") -> "Tensor":
        seen: Tensor = self._owl[0].abstractor(squares)
        return seen

    @property
    def _encoder(self) -> Any:
        return self._owl[0].image_encoder

    @property
    def _model(self) -> Any:
        return self._owl[1]

    @cached_property
    def _owl(self) -> tuple[Any, Any]:
        """The player's own net, and the language model with the adapters merged into its weights."""
        from telephone.nets.checkpoint import read_metadata
        from telephone.nets.language_model import LanguageModel, LanguageModelConfig
        from telephone.nets.mplug_owl import MplugOwl as Net
        from telephone.nets.mplug_owl import MplugOwlConfig

        self._of_one_make()
        own, other = (self._files[name][0] for name in self.FILES)
        model = LanguageModel(LanguageModelConfig.from_dict(read_metadata(other)[0]))
        net = load_net([own], Net(MplugOwlConfig.from_dict(read_metadata(own)[0]), model))
        load_net([other], model)
        net.adapters.merge(model)
        return net, model
