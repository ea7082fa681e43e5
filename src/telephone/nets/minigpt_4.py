"""MiniGPT-4 (Zhu et al. 2023, arXiv 2304.10592): one linear layer from Q-Former to language model.

Image encoder and Q-Former are those of BLIP-2 (`nets/qformer.py`), the language model is one that follows instructions;
only the layer that projects the queries to the language model's width is trained (section 3). A prompt has the form of
a conversation (section 3.2): human, image, instruction, assistant (built by `nets/blip_2.py`).
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from telephone.nets.qformer import QFormer


@dataclass
class MiniGpt4Config:
    """Hyperparameters that determine the shapes of all weights."""

    qformer_width: int = 160
    language_width: int = 192


class MiniGpt4(nn.Module):
    """The trained linear layer."""

    def __init__(self, config: MiniGpt4Config) -> None:
        """Builds the layer with fresh weights."""
        super().__init__()
        self.config = config
        self.projection = nn.Linear(config.qformer_width, config.language_width)

    def forward(
        self, qformer: QFormer, patches: Float[Tensor, "batch patches image"]
    ) -> Float[Tensor, "batch queries language"]:
        """Returns the soft visual prompts of images; the Q-Former is frozen and not a part of this module."""
        return self.projection(qformer(patches)[0])
