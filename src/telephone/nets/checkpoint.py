"""Weights and what they are: a safetensors file whose metadata holds the config, so that a file knows its own shape."""

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn


def save_weights(
    path: Path, module: nn.Module, config: Any, about: dict[str, Any], parts: Sequence[str] = ("",)
) -> None:
    """Writes weights in half precision, with config dataclass and `about` as JSON metadata, atomically.

    Args:
        path: the safetensors file.
        module: whose weights.
        config: the dataclass from which the module is built.
        about: what else a reader should know, such as seed and minutes.
        parts: beginnings of the names that go into this file; all by default.
    """
    chosen = {name: value for name, value in module.state_dict().items() if name.startswith(tuple(parts))}
    tensors = {name: _half(value) for name, value in chosen.items()}
    metadata = {"config": json.dumps(dataclasses.asdict(config)), "about": json.dumps(about, sort_keys=True)}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(_in_order(save(tensors, metadata)))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _in_order(content: bytes) -> bytes:
    """Returns a safetensors file with its header sorted: the library does not, and hashes would differ."""
    size = int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8 : 8 + size]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    return len(header).to_bytes(8, "little") + header + content[8 + size :]


def _half(value: Tensor) -> Tensor:
    value = value.detach().cpu().contiguous()
    return value.half() if value.is_floating_point() else value


def tuples(values: dict[str, Any]) -> dict[str, Any]:
    """Returns a part of a config with its lists made tuples again, which JSON does not know."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def read_metadata(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the config and the `about` of a weight file without reading the weights."""
    with safe_open(path, "pt") as file:
        metadata = file.metadata() or {}
    return json.loads(metadata["config"]), json.loads(metadata.get("about", "{}"))


def read_weights(paths: Sequence[Path], module: nn.Module) -> None:
    """Copies the weights of one or more files into a module of the same shape, in float32.

    Raises:
        RuntimeError: names or shapes differ.
    """
    tensors: dict[str, Tensor] = {}
    for path in paths:
        with safe_open(path, "pt") as file:
            tensors |= {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    module.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in tensors.items()})


def count_parameters(module: nn.Module) -> int:
    """Returns the number of numbers that training changes."""
    return sum(p.numel() for p in module.parameters())


class Ema:
    """Exponential moving average of a module's weights: the ones that are shipped."""

    def __init__(self, module: nn.Module, decay: float = 0.999) -> None:
        """Starts from the module's present weights."""
        self.decay = decay
        self.steps = 0
        self.weights = {name: value.detach().clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Moves the average towards the present weights; faster at the start, so that the beginning is forgotten."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                self.weights[name].lerp_(value, 1 - decay)
            else:
                self.weights[name].copy_(value)
