"""Device and precision of a local model, chosen by available memory or by the user; batches that fit."""

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
"""Memory that a model needs, as a multiple of its weights; the rest is activations."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PlacementRequest:
    """Requested placement; `auto` chooses."""

    device: str = "auto"
    dtype: str = "auto"
    offload: str = "auto"


@dataclass(frozen=True)
class DevicePlacement:
    """Device and precision of a model."""

    device: str
    """`cpu`, `cuda:0`, `mps`."""
    dtype: str
    """`float32`, `float16` or `bfloat16`; part of the fingerprint."""

    @property
    def kind(self) -> str:
        """The device without its number; results depend on the kind only."""
        return self.device.partition(":")[0]


@dataclass(frozen=True)
class DeviceMemory:
    """Memory of a device in bytes; None where it is unknown."""

    free: int | None
    total: int | None


def device_word(text: str) -> str:
    """Parses the option `device`: auto, cpu, mps, cuda or cuda with a number."""
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", text):
        raise ValueError("give auto, cpu, cuda, cuda:1 or mps")
    return text


def choose_placement(requested: PlacementRequest, weights: WeightFileSummary) -> DevicePlacement:
    """Returns device and precision of a model.

    A CPU uses float32, or bfloat16 if float32 does not fit into its total memory; an accelerator uses the half
    precision that the weights are stored in, else bfloat16, else float16. Free memory is not considered, so that
    results of one machine are reproducible.

    Raises:
        UsageError: this machine has no such device.
    """
    device = _device(requested.device)
    if requested.dtype != "auto":
        return DevicePlacement(device, requested.dtype)
    if device == "cpu":
        total = memory(device).total
        tight = total is not None and weights.numbers * 4 * _ROOM > total
        return DevicePlacement(device, "bfloat16" if tight else "float32")
    return DevicePlacement(device, _HALVES.get(weights.stored) or _half(device))


def offload(
    requested: PlacementRequest, placement: DevicePlacement, weights: WeightFileSummary, has: DeviceMemory | None = None
) -> str:
    """Returns the offload mode of a model: none, model or sequential.

    Raises:
        UsageError: the device is a CPU, or the model does not fit into memory.
    """
    if placement.kind == "cpu":
        if requested.offload in ("model", "sequential"):
            raise UsageError(f"offload={requested.offload} needs an accelerator: leave the option out on a CPU.")
        _check_fits(placement, weights, has or memory("cpu"))
        return "none"
    if requested.offload != "auto":
        return requested.offload
    free = (has or memory(placement.device)).free
    size = _BYTES[placement.dtype] * _ROOM
    if free is None or weights.numbers * size <= free:
        return "none"
    return "model" if weights.largest * size <= free else "sequential"


def memory(device: str) -> DeviceMemory:
    """Returns the memory of a device, as far as it is known."""
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
    """Returns the results of `work` for all items, and the batch size that fits: halved whenever memory runs out.

    Args:
        items: inputs.
        size: initial batch size.
        work: returns one result per item of its first argument; its second argument is the size of a full batch.

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
                    "Out of memory with a single item: choose a smaller size, dtype=bfloat16, offload=sequential or "
                    "another device."
                ) from error
            size //= 2
            _log.warning("Out of memory: the batch size is now %d.", size)
    return made, size


def out_of_memory(error: BaseException) -> bool:
    """Returns whether an error is an out-of-memory error of a device."""
    import torch

    message = str(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(word in message for word in ("out of memory", "can't allocate memory"))
    )


@contextlib.contextmanager
def configured_threads() -> Iterator[None]:
    """Computes with `TELEPHONE_THREADS` threads if the variable is set, else with the default of torch."""
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
    """Silences progress bars and warnings of the libraries; restores their settings afterwards."""
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


def _device(requested: str) -> str:
    import torch

    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if requested == "auto":
        return "cuda:0" if cuda else "mps" if mps else "cpu"
    if (requested.startswith("cuda") and not cuda) or (requested == "mps" and not mps):
        raise UsageError(f"There is no {requested} on this machine: leave the option device out, or give device=cpu.")
    if requested.startswith("cuda"):
        number = int(requested.partition(":")[2] or 0)
        if number >= torch.cuda.device_count():
            raise UsageError(
                f"There is no {requested} on this machine: its last one is cuda:{torch.cuda.device_count() - 1}."
            )
        return f"cuda:{number}"
    return requested


def _half(device: str) -> str:
    import torch

    good = device.startswith("cuda") and torch.cuda.is_bf16_supported(including_emulation=False)
    return "bfloat16" if good else "float16"


def _check_fits(placement: DevicePlacement, weights: WeightFileSummary, has: DeviceMemory) -> None:
    need = weights.numbers * _BYTES[placement.dtype]
    if has.total is not None and need > has.total:
        raise UsageError(
            f"The weights alone need {need / 1e9:.0f} GB in {placement.dtype}, and this machine has "
            f"{has.total / 1e9:.0f} GB: choose a smaller model, or serve it on a larger machine."
        )


def _main_memory() -> DeviceMemory:
    """Returns the main memory; available memory is known on Linux only."""
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
