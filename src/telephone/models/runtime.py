"""How the players that compute here do it: on few threads, with weights from files, pictures stacked into one array."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from PIL import Image

from telephone.core import settings
from telephone.core.errors import WeightsError
from telephone.core.images import to_array

if TYPE_CHECKING:
    from torch import Tensor, nn

Net = TypeVar("Net", bound="nn.Module")
Part = TypeVar("Part")
Made = TypeVar("Made")


@contextlib.contextmanager
def few_threads() -> Iterator[None]:
    """Computes on `TELEPHONE_THREADS` threads, or on one.

    Nets this small wait longer for a second thread than it helps them; and with one the last bits of a picture do not
    depend on how many cores a machine has.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(settings.load().threads or 1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def side_by_side(work: Callable[[Part], Made], parts: Sequence[Part]) -> list[Made]:
    """Works on several parts at a time, each on one thread, unless `TELEPHONE_THREADS` says how many there shall be.

    That keeps the cores busy, and changes no bit, as threads within a part might do.
    """
    workers = min(len(parts), 1 if settings.load().threads else os.cpu_count() or 1)
    with few_threads():
        if workers < 2:
            return [work(part) for part in parts]
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(work, parts))


def load_net(paths: Sequence[Path], net: Net) -> Net:
    """Puts the weights of all files into a net of their shape and makes it ready to play.

    Raises:
        WeightsError: the files hold the weights of a net of another shape.
    """
    from telephone.nets.checkpoint import read_weights
    from telephone.nets.layers import channels_last

    try:
        read_weights(paths, net)
    except RuntimeError as error:
        raise WeightsError(
            f"The weights at {paths[0]} are of another version of the net: reinstall the package."
        ) from error
    return channels_last(net.eval().requires_grad_(requires_grad=False))


def stacked(images: Sequence[Image.Image], size: int) -> "Tensor":
    """Returns pictures of any size and mode as float32 [n, 3, size, size] in [-1, 1], laid out channels last."""
    import torch

    pixels = torch.from_numpy(np.stack([to_array(image, size) for image in images]))
    return pixels.contiguous(memory_format=torch.channels_last)
