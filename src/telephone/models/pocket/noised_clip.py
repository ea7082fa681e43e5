"""The CLIP of noised images, by which `pocket/glide` is guided; a part of other models, not one of its own."""

from typing import Any

from telephone.models.pocket import clip
from telephone.models.pocket.pocket_net import PocketNet

NET = PocketNet(
    name="noised-clip",
    summary="CLIP for noised images: guides glide",
    net="telephone.nets.noised_clip:NoisedClip",
    config="telephone.nets.noised_clip:NoisedClipConfig",
    recipe="telephone.train.noised_clip",
    files=("noised-clip",),
    uses=(clip.NET,),
)


def load_pair() -> tuple[Any, Any]:
    """Returns the net and the CLIP whose texts it belongs to.

    Raises:
        WeightsError: weights are missing, or the net was trained with another CLIP.
    """
    ((path, sha),) = clip.NET.locate().items()
    if NET.notes().get("clip") != sha:
        raise NET.mismatch(path)
    return NET.load(), clip.NET.load()
