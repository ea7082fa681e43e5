"""`pocket/clip-causes`: variants of CLIP that differ in one cause of their training, words or hard negatives."""

from functools import cached_property
from typing import Any

from telephone.core.seeds import digest
from telephone.models.base import Traits
from telephone.models.pocket import clip
from telephone.models.pocket.clip import BATCH, PocketClip
from telephone.models.pocket.pocket_net import PocketNet
from telephone.models.provider import choice

VARIANTS = ("letters-0", "letters-1", "letters-5", "letters-20", "contrast", "hard-negatives")
"""Names of the variants, as in `nets/clip_causes.py`."""


class PocketClipCauses(PocketClip):
    """A variant of CLIP (`nets/clip_causes.py`)."""

    def __init__(self, net: str = "letters-20") -> None:
        super().__init__()
        self.name = NET.name
        self.variant = net

    def lacks(self) -> str:
        """Returns what is missing before the first call, in one sentence; empty if all weights are in place."""
        return NET.lacks()

    def traits(self) -> Traits:
        """Returns the properties; reads the weight files once, for their hashes."""
        fingerprint = digest("pocket/clip-causes", 1, self.variant, *NET.locate_all().values())
        limit = self._config.text.max_tokens
        return Traits(fingerprint, batch_size=BATCH, seeds=True, max_tokens=limit, price=0.0)

    @cached_property
    def _config(self) -> Any:
        return NET.read_config().clip

    @cached_property
    def net(self) -> Any:
        """The variant itself, ready to embed; loaded on first use.

        Raises:
            WeightsError: weights are missing, or the variants were made from another CLIP.
        """
        ((path, sha),) = clip.NET.locate().items()
        if NET.notes().get("clip") != sha:
            raise NET.mismatch(path)
        return NET.load().variant(self.variant, clip.NET.load())


NET = PocketNet(
    name="clip-causes",
    summary="variants of CLIP: printed words or hard negatives in their training",
    net="telephone.nets.clip_causes:ClipCauses",
    config="telephone.nets.clip_causes:ClipCausesConfig",
    recipe="telephone.train.clip_causes",
    files=("clip-causes",),
    uses=(clip.NET,),
    kind="embedder",
    model=PocketClipCauses,
    options={"net": choice(*VARIANTS)},
)
