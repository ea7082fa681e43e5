"""`pocket/stable-diffusion`: latent diffusion."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from telephone.models.pocket import weights
from telephone.models.pocket.text2image import Drawer
from telephone.models.runtime import load_net

if TYPE_CHECKING:
    from torch import Tensor


class StableDiffusion(Drawer):
    """Latent diffusion (`nets/latent_diffusion.py`)."""

    def __init__(
        self, steps: int = 4, guidance: float = 1.5, eta: float = 0.0, solver: str = "dpm++", best_of: int = 1
    ) -> None:
        options = {"steps": steps, "guidance": guidance, "eta": eta, "solver": solver}
        super().__init__("stable-diffusion", best_of, options)

    def _draw(self, texts: Sequence[str], seeds: Sequence[int]) -> "Tensor":
        from telephone.nets.stable_diffusion import DiffusionSampling

        pixels: Tensor = self._net.generate(self._tokens(texts), seeds, DiffusionSampling(**self._options))
        return pixels

    @cached_property
    def _files(self) -> dict[Path, str]:
        return dict([weights.find("stable-diffusion"), weights.find("autoencoder", "stable-diffusion")])

    @cached_property
    def _config(self) -> Any:
        from telephone.nets.checkpoint import read_metadata
        from telephone.nets.stable_diffusion import LatentDiffusionConfig

        return LatentDiffusionConfig.from_dict(read_metadata(next(iter(self._files)))[0])

    @cached_property
    def _text(self) -> Any:
        return self._config.text

    @cached_property
    def _net(self) -> Any:
        from telephone.nets.stable_diffusion import LatentDiffusion

        return load_net(list(self._files), LatentDiffusion(self._config))
