"""Where a local model computes and with how exact numbers: chosen by the machine's memory, or as the user says."""

import contextlib
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from telephone.core import settings
from telephone.core.errors import ModelError, UsageError
from telephone.models.local.safetensors_inspection import WeightFileSummary

Item = TypeVar("Item")
Made = TypeVar("Made")

_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
_HALVES = {"F16": "float16", "BF16": "bfloat16"}
_ROOM = 1.2
"""Memory that a model needs, as a multiple of its weights: what is computed on the way lies beside them."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PlacementRequest:
    """What the user says about it; `auto` leaves it to the machine."""

    device: str = "auto"
    dtype: str = "auto"
    offload: str = "auto"


@dataclass(frozen=True)
class DevicePlacement:
    """Where a model is put."""

    device: str
    """`cpu`, `cuda:0`, `mps`."""
    dtype: str
    """`float32`, `float16` or `bfloat16`; part of what decides an answer."""

    @property
    def kind(self) -> str:
        """The device without its number: answers depend on the kind alone."""
        return self.device.partition(":")[0]


@dataclass(frozen=True)
class DeviceMemory:
    """Bytes of a device; None where the system does not tell."""

    free: int | None
    total: int | None


def device_word(text: str) -> str:
    """Reads the option `device`: auto, cpu, mps, cuda or cuda with a number."""
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", text):
        raise ValueError("give auto, cpu, cuda, cuda:1 or mps")
    return text


def place(wish: PlacementRequest, weights: WeightFileSummary) -> DevicePlacement:
    """Returns the device and the number format of a model.

    A processor computes in float32, or in bfloat16 if float32 would not fit; an accelerator in the half precision that
    the weights are stored in, else in bfloat16, else in float16. What is free at the moment does not matter, so that
    one machine always answers alike.

    Raises:
        UsageError: this machine has no such device.
    """
    device = _device(wish.device)
    if wish.dtype != "auto":
        return DevicePlacement(device, wish.dtype)
    if device == "cpu":
        total = memory(device).total
        tight = total is not None and weights.numbers * 4 * _ROOM > total
        return DevicePlacement(device, "bfloat16" if tight else "float32")
    return DevicePlacement(device, _HALVES.get(weights.stored) or _half(device))


def offload(
    wish: PlacementRequest, where: DevicePlacement, weights: WeightFileSummary, has: DeviceMemory | None = None
) -> str:
    """Returns how much of a model stays off the device between its steps: none, model or sequential.

    Raises:
        UsageError: there is nothing to offload from, or the model fits nowhere.
    """
    if where.kind == "cpu":
        if wish.offload in ("model", "sequential"):
            raise UsageError(f"offload={wish.offload} takes turns on an accelerator: leave it out on a processor.")
        _check_fits(where, weights, has or memory("cpu"))
        return "none"
    if wish.offload != "auto":
        return wish.offload
    free = (has or memory(where.device)).free
    size = _BYTES[where.dtype] * _ROOM
    if free is None or weights.numbers * size <= free:
        return "none"
    return "model" if weights.largest * size <= free else "sequential"


def memory(device: str) -> DeviceMemory:
    """Returns what the device has, as far as it can be known."""
    import torch

    if device.startswith("cuda"):
        free, total = torch.cuda.mem_get_info(torch.device(device))
        return DeviceMemory(free, total)
    if device == "mps":
        total = int(torch.mps.recommended_max_memory())
        return DeviceMemory(total - int(torch.mps.driver_allocated_memory()), total)
    return _main_memory()


def in_batches(
    items: Sequence[Item], size: int, work: Callable[[list[Item], int], list[Made]]
) -> tuple[list[Made], int]:
    """Returns what `work` makes of all items, and the size of a batch that fits: halved as often as memory ran out.

    Args:
        items: any number.
        size: how many of them at a time.
        work: makes one result an item of its first argument; its second is the size of a full batch.

    Raises:
        ModelError: not even one item fits.
    """
    made: list[Made] = []
    while len(made) < len(items):
        part = list(items[len(made) : len(made) + size])
        try:
            made += work(part, size)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            _clear()
            if size == 1:
                raise ModelError(
                    "Memory ran out on a single item: choose a smaller size, dtype=bfloat16, offload=sequential or "
                    "another device."
                ) from error
            size //= 2
            _log.warning("Memory ran out: from now on %d at a time.", size)
    return made, size


def out_of_memory(error: BaseException) -> bool:
    """Returns whether an error says that a device has no memory left."""
    import torch

    said = str(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(word in said for word in ("out of memory", "can't allocate memory"))
    )


@contextlib.contextmanager
def own_threads() -> Iterator[None]:
    """Computes on `TELEPHONE_THREADS` threads, or as many as torch finds good: these nets are large."""
    import torch

    before, chosen = torch.get_num_threads(), settings.load().threads
    if chosen is not None:
        torch.set_num_threads(chosen)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Loading prints bars and reports that say nothing here; the user's own settings are put back."""
    logs = _library_logs()
    before = [(log, log.get_verbosity(), log.is_progress_bar_enabled()) for log in logs]
    for log in logs:
        log.set_verbosity_error()
        log.disable_progress_bar()
    try:
        yield
    finally:
        for log, level, bars in before:
            log.set_verbosity(level)
            if bars:
                log.enable_progress_bar()


def _library_logs() -> list[Any]:
    import sys

    import transformers

    logs: list[Any] = [transformers.utils.logging]
    if "diffusers" in sys.modules:
        import diffusers

        logs.append(diffusers.utils.logging)
    return logs


def _device(wish: str) -> str:
    import torch

    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if wish == "auto":
        return "cuda:0" if cuda else "mps" if mps else "cpu"
    if (wish.startswith("cuda") and not cuda) or (wish == "mps" and not mps):
        raise UsageError(f"There is no {wish} on this machine: leave the option device out, or say device=cpu.")
    if wish.startswith("cuda"):
        number = int(wish.partition(":")[2] or 0)
        if number >= torch.cuda.device_count():
            raise UsageError(
                f"There is no {wish} on this machine: its last one is cuda:{torch.cuda.device_count() - 1}."
            )
        return f"cuda:{number}"
    return wish


def _half(device: str) -> str:
    import torch

    good = device.startswith("cuda") and torch.cuda.is_bf16_supported(including_emulation=False)
    return "bfloat16" if good else "float16"


def _check_fits(where: DevicePlacement, weights: WeightFileSummary, has: DeviceMemory) -> None:
    need = weights.numbers * _BYTES[where.dtype]
    if has.total is not None and need > has.total:
        raise UsageError(
            f"The weights alone need {need / 1e9:.0f} GB in {where.dtype}, and this machine has "
            f"{has.total / 1e9:.0f} GB: choose a smaller model, or serve it on a larger machine."
        )


def _main_memory() -> DeviceMemory:
    """Linux tells what is available; elsewhere only the total is asked for."""
    import os

    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        total = None
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        free = None
    return DeviceMemory(free, total)


def _clear() -> None:
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
