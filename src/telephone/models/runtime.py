"""Inference helpers for nets on this machine: thread limits, weight loading, image batches."""

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
Item = TypeVar("Item")
Result = TypeVar("Result")


@contextlib.contextmanager
def limited_threads() -> Iterator[None]:
    """Limits PyTorch to `TELEPHONE_THREADS` threads, or to one.

    For nets this small the synchronisation of a second thread costs more than it saves. With one thread the last bits
    of an output do not depend on the number of cores.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(settings.load().threads or 1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def parallel_map(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Returns `function` of each item, computed on all cores with one thread an item.

    Threads across items change no bit of a result; threads within an item may. If `TELEPHONE_THREADS` is set, the items
    are computed one after another, each on that many threads.
    """
    workers = min(len(items), 1 if settings.load().threads else os.cpu_count() or 1)
    with limited_threads():
        if workers < 2:
            return [function(item) for item in items]
        with ThreadPoolExecutor(workers) as pool:
            return list(pool.map(function, items))


def full_batches(items: Sequence[Item], size: int) -> Iterator[list[Item]]:
    """Yields batches of exactly `size` items; the last item fills the last one.

    PyTorch chooses its kernels by the size of the batch, and another kernel may round the last bits differently, so
    results have the same bytes in every batch only if all batches have one size.
    """
    for start in range(0, len(items), size):
        yield [*items[start : start + size], *[items[-1]] * size][:size]


def load_net(paths: Sequence[Path], net: Net) -> Net:
    """Loads the weights of all files into a net of matching shape and prepares it for inference.

    Raises:
        WeightsError: the weights do not fit the net, or are not finite.
    """
    import torch

    from telephone.nets.checkpoint import read_weights
    from telephone.nets.layers import channels_last

    try:
        read_weights(paths, net)
    except Exception as error:  # noqa: BLE001 - a damaged file leads the libraries into errors of several types
        listed = ", ".join(str(path) for path in paths)
        reason = " ".join(str(error).split())[:160].rstrip(".")
        raise WeightsError(
            f"The weights at {listed} do not fit the net of this version ({reason}): reinstall the packages, or train "
            "them again with `telephone learn`."
        ) from error
    if not all(bool(torch.isfinite(value).all()) for value in net.state_dict().values()):
        listed = ", ".join(str(path) for path in paths)
        raise WeightsError(f"The weights at {listed} are not finite numbers: train them again with `telephone learn`.")
    return channels_last(net.eval().requires_grad_(requires_grad=False))


def image_batch(images: Sequence[Image.Image], size: int) -> "Tensor":
    """Returns images of any size and mode as float32 [n, 3, size, size] in [-1, 1], in channels-last layout."""
    import torch

    pixels = torch.from_numpy(np.stack([to_array(image, size) for image in images]))
    return pixels.contiguous(memory_format=torch.channels_last)
