"""`pocket/stable-diffusion`: latent diffusion."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from telephone.models.pocket.pocket_net import PocketNet
from telephone.models.pocket.text2image import DIFFUSION_OPTIONS, PocketText2Image

if TYPE_CHECKING:
    from torch import Tensor


class StableDiffusion(PocketText2Image):
    """Latent diffusion (`nets/stable_diffusion.py`)."""

    def __init__(
        self, steps: int = 4, guidance: float = 1.5, eta: float = 0.0, solver: str = "dpm++", best_of: int = 1
    ) -> None:
        super().__init__(NET, best_of, {"steps": steps, "guidance": guidance, "eta": eta, "solver": solver})

    def _generate(self, texts: Sequence[str], seeds: Sequence[int]) -> "Tensor":
        from telephone.nets.stable_diffusion import DiffusionSampling

        pixels: Tensor = self._net.generate(self._tokens(texts), seeds, DiffusionSampling(**self._options))
        return pixels

    @cached_property
    def _text_config(self) -> Any:
        return NET.read_config().text

    @cached_property
    def _net(self) -> Any:
        return NET.load()


NET = PocketNet(
    name="stable-diffusion",
    summary="latent diffusion, trained on the pocket world",
    net="telephone.nets.stable_diffusion:LatentDiffusion",
    config="telephone.nets.stable_diffusion:LatentDiffusionConfig",
    recipe="telephone.train.stable_diffusion",
    files=("stable-diffusion", "autoencoder"),
    kind="text2image",
    model=StableDiffusion,
    options=DIFFUSION_OPTIONS,
    roster="a small latent diffusion model",
)
