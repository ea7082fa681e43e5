"""Summary of safetensors files without loading them: number and type of parameters by component."""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

from telephone.core.errors import WeightsError

_MAX_HEADER = 100 * 2**20
_STEM = r"(?:model|diffusion_pytorch_model)"
_PLAIN = re.compile(rf"^{_STEM}(?:-\d+-of-\d+)?\.safetensors$")
_VARIANT = re.compile(rf"^{_STEM}\.(?P<variant>[A-Za-z0-9_]+)(?:-\d+-of-\d+)?\.safetensors$")
_SHARD = re.compile(rf"^{_STEM}-\d+-of-\d+\.(?P<variant>[A-Za-z0-9_]+)\.safetensors$")
_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".msgpack", ".h5")


@dataclass(frozen=True)
class WeightFileSummary:
    """The weight files that would be loaded, and the content of their headers."""

    files: tuple[Path, ...]
    variant: str = ""
    """Weight variant; empty is the default one."""
    numbers: int = 0
    """Number of parameters."""
    largest: int = 0
    """Number of parameters of the largest component."""
    stored: str = ""
    """The most frequent data type, in the notation of safetensors: F32, F16, BF16, …"""


def read_weights(folder: Path, parts: tuple[str, ...], variant: str = "") -> WeightFileSummary:
    """Returns the weight files of these components; no files if there are none.

    The plain copies are taken; where a part has none, and no variant is asked for, all parts take `fp16` copies.

    Raises:
        WeightsError: a file is cut off or no safetensors file.
    """
    chosen = variant or _only_variant(folder, parts)
    files = {part: _files(folder / part, chosen) or _files(folder / part, "") for part in parts}
    if variant and not any(_variant_of(file) for found in files.values() for file in found):
        return WeightFileSummary(())
    counts: dict[str, int] = {}
    sizes: dict[str, int] = {}
    for part, found in files.items():
        for file in found:
            for kind, count in _header(file).items():
                counts[kind] = counts.get(kind, 0) + count
                sizes[part] = sizes.get(part, 0) + count
    return WeightFileSummary(
        tuple(file for found in files.values() for file in found),
        chosen,
        sum(sizes.values()),
        max(sizes.values(), default=0),
        max(counts, key=lambda kind: counts[kind], default=""),
    )


def pickled(folder: Path, parts: tuple[str, ...]) -> str:
    """Returns a pickled weight file of a component without safetensors, empty if there is none."""
    for part in parts:
        placement = folder / part
        if not placement.is_dir() or any(placement.glob("*.safetensors")):
            continue
        for file in sorted(placement.iterdir()):
            if file.suffix in _PICKLED:
                return str(file.relative_to(folder))
    return ""


def _only_variant(folder: Path, parts: tuple[str, ...]) -> str:
    """Returns the variant to load where a component has no default files; fp16 is preferred."""
    for part in parts:
        if _files(folder / part, ""):
            continue
        found = {_variant_of(file) for file in (folder / part).glob("*.safetensors")} - {""}
        if found:
            return "fp16" if "fp16" in found else min(found)
    return ""


def _files(placement: Path, variant: str) -> list[Path]:
    every = sorted(placement.glob("*.safetensors"))
    if variant:
        return [file for file in every if _variant_of(file) == variant]
    return [file for file in every if _PLAIN.match(file.name)]


def _variant_of(file: Path) -> str:
    found = _VARIANT.match(file.name) or _SHARD.match(file.name)
    return found["variant"] if found else ""


def _header(file: Path) -> dict[str, int]:
    """Returns the number of parameters by data type."""
    try:
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if not 2 <= length <= _MAX_HEADER:
                raise ValueError("its header has no length")
            header = json.loads(stream.read(length))
        counts: dict[str, int] = {}
        end = 0
        for name, tensor in header.items():
            if name != "__metadata__":
                counts[tensor["dtype"]] = counts.get(tensor["dtype"], 0) + math.prod(tensor["shape"])
                end = max(end, tensor["data_offsets"][1])
        if file.stat().st_size != 8 + length + end:
            raise ValueError(f"it has {file.stat().st_size} bytes in place of {8 + length + end}")
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError(f"{file} is not a complete safetensors file ({error}): download it again.") from error
    else:
        return counts
