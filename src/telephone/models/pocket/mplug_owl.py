"""`pocket/mplug-owl`: detailed captions, and answers to instructions and questions in English and Chinese."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from telephone.models.base import Image2Text
from telephone.models.pocket.instruction_following import LANGUAGE_MODEL, OPTIONS, PocketInstructionModel
from telephone.models.pocket.pocket_net import PocketNet

if TYPE_CHECKING:
    from torch import Tensor


class PocketMplugOwl(PocketInstructionModel):
    """mPLUG-Owl (`nets/mplug_owl.py`): its own image encoder, and the shared language model with low-rank adapters."""

    def __init__(
        self, task: str = Image2Text.task_description, temperature: float = 0.0, max_tokens: int = 120
    ) -> None:
        super().__init__(NET, task, temperature, max_tokens)

    def _image_vectors(self, features: "Tensor") -> "Tensor":
        vectors: Tensor = self._nets[0].abstractor(features)
        return vectors

    @property
    def _image_encoder(self) -> Any:
        return self._nets[0].image_encoder

    @property
    def _language_model(self) -> Any:
        return self._nets[1]

    @cached_property
    def _nets(self) -> tuple[Any, Any]:
        """The net, and the language model with the adapters merged into its weights."""
        self._check_reads()
        language_model = LANGUAGE_MODEL.load()
        net = NET.load(language_model)
        net.adapters.merge(language_model)
        return net, language_model


NET = PocketNet(
    name="mplug-owl",
    summary="mPLUG-Owl: its own image encoder, a language model with low-rank adapters; detailed, follows instructions",
    net="telephone.nets.mplug_owl:MplugOwl",
    config="telephone.nets.mplug_owl:MplugOwlConfig",
    recipe="telephone.train.mplug_owl",
    files=("mplug-owl",),
    uses=(LANGUAGE_MODEL,),
    kind="image2text",
    model=PocketMplugOwl,
    options=OPTIONS,
    roster="a small mPLUG-Owl: a visual abstractor and a tuned language model; detailed",
)
