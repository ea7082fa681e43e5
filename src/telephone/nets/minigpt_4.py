"""MiniGPT-4 (Zhu et al. 2023, arXiv 2304.10592): one linear layer between frozen Q-Former and frozen language model.

Image encoder and Q-Former are those of BLIP-2 (`nets/qformer.py`), the language model is one that follows instructions;
nothing learns but the layer that brings the queries to the language model's width (section 3). A prompt has the form
of a conversation (section 3.2): human, image, instruction, assistant (`nets/blip2.py` puts it together).
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from telephone.nets.qformer import QFormer


@dataclass
class MiniGpt4Config:
    """Everything that decides the shape of the weights."""

    qformer_width: int = 160
    language_width: int = 192


class MiniGpt4(nn.Module):
    """The one layer that learns."""

    def __init__(self, config: MiniGpt4Config) -> None:
        """Builds the layer with fresh weights."""
        super().__init__()
        self.config = config
        self.projection = nn.Linear(config.qformer_width, config.language_width)

    def forward(
        self, qformer: QFormer, patches: Float[Tensor, "batch patches image"]
    ) -> Float[Tensor, "batch queries language"]:
        """Returns the vectors that stand for pictures in a conversation; the Q-Former is frozen and kept elsewhere."""
        return self.projection(qformer(patches)[0])
