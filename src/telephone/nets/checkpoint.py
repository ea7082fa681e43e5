"""Weight files: safetensors whose metadata holds the config, so a net can be built from the file alone.

Weights are stored in half precision, or in 8 bits: then each large matrix or kernel is stored as integers from -127 to
127 with one half-precision scale an output row (`nets/quantization.py`), and the metadata states `bits: 8`.
"""

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import nn

from telephone.nets.quantization import Tensors, pack, unpack


def save_weights(
    path: Path, module: nn.Module, config: Any, about: dict[str, Any], parts: Sequence[str] = ("",), bits: int = 16
) -> None:
    """Writes weights in half precision or in 8 bits, with config dataclass and `about` as JSON metadata, atomically.

    Args:
        path: the safetensors file.
        module: whose weights are written.
        config: the dataclass from which the module is built.
        about: further metadata, such as seed and steps.
        parts: prefixes of the names that go into this file; all by default.
        bits: 16, or 8 for a file of about half the size.

    Raises:
        ValueError: `bits` is another number.
    """
    chosen = {name: value for name, value in module.state_dict().items() if name.startswith(tuple(parts))}
    metadata = {"config": json.dumps(dataclasses.asdict(config)), "about": json.dumps(about, sort_keys=True)}
    write_tensors(path, chosen, metadata, bits)


def write_tensors(path: Path, tensors: Tensors, metadata: dict[str, str], bits: int = 16) -> None:
    """Writes named tensors and texts as one safetensors file, atomically; the same bytes every time.

    Args:
        path: the safetensors file.
        tensors: weights by name; floating-point ones are stored in 16 or 8 bits, integers as they are.
        metadata: texts by name; `bits` is added unless it is 16.
        bits: 16 or 8.

    Raises:
        ValueError: `bits` is another number.
    """
    if bits not in (8, 16):
        raise ValueError(f"Weights are kept in 8 or 16 bits, not in {bits}.")
    kept = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    if bits == 8:
        kept, metadata = pack(kept), metadata | {"bits": "8"}
    halves = {name: value.half() if value.is_floating_point() else value for name, value in kept.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(_in_order(save(halves, metadata)))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _in_order(content: bytes) -> bytes:
    """Returns a safetensors file with a sorted header; the library does not sort it, and hashes would differ."""
    size = int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8 : 8 + size]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + content[8 + size :]


def tuples(values: dict[str, Any]) -> dict[str, Any]:
    """Returns a part of a config with lists turned into tuples, which JSON does not have."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def read_metadata(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the config and the `about` of a weight file without reading the weights."""
    with safe_open(path, "pt") as file:
        metadata = file.metadata() or {}
    return json.loads(metadata["config"]), json.loads(metadata.get("about", "{}"))


def read_tensors(path: Path, parts: Sequence[str] = ("",)) -> Tensors:
    """Returns the weights of one file by name, in float32 whatever their precision; integers stay integers.

    Args:
        path: the safetensors file.
        parts: prefixes of the names that are read; all by default.
    """
    with safe_open(path, "pt") as file:
        names = [name for name in file.keys() if name.startswith(tuple(parts))]  # noqa: SIM118 - not a mapping
        held = {name: file.get_tensor(name) for name in names}
        bits = (file.metadata() or {}).get("bits", "16")
    held = unpack(held) if bits == "8" else held
    return {name: value.float() if value.is_floating_point() else value for name, value in held.items()}


def read_weights(paths: Sequence[Path], module: nn.Module) -> None:
    """Copies the weights of one or more files into a module of the same shape, in float32.

    Raises:
        RuntimeError: names or shapes differ.
    """
    tensors: Tensors = {}
    for path in paths:
        tensors |= read_tensors(path)
    module.load_state_dict(tensors)


def count_parameters(module: nn.Module) -> int:
    """Returns the number of trainable parameters."""
    return sum(p.numel() for p in module.parameters())


class Ema:
    """Exponential moving average of a module's weights; the shipped weights are such averages."""

    def __init__(self, module: nn.Module, decay: float = 0.999) -> None:
        """Starts from the module's present weights."""
        self.decay = decay
        self.steps = 0
        self.weights = {name: value.detach().clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Moves the average towards the present weights, faster in the first steps."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                self.weights[name].lerp_(value, 1 - decay)
            else:
                self.weights[name].copy_(value)
