"""Options shared by all local models, and their parsing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from telephone.core.errors import UsageError
from telephone.models.local.device_placement import PlacementRequest, device_word
from telephone.models.provider import Parser, choice, integer, suggestion


def text(pattern: str, example: str) -> Parser:
    """Returns a parser for texts of this pattern."""

    def parse(given: str) -> str:
        if not re.fullmatch(pattern, given):
            raise ValueError(f"give {example}")
        return given

    return parse


COMPUTE_OPTIONS: Mapping[str, Parser] = {
    "device": device_word,
    "dtype": choice("auto", "float32", "float16", "bfloat16"),
    "offload": choice("auto", "none", "model", "sequential"),
    "batch": integer(1, 1024),
    "revision": text(r"[\w./-]+", "a branch, a tag or a commit"),
}


@dataclass(frozen=True)
class ComputeOptions:
    """Device, precision, batch size and revision of a local model."""

    device: str = "auto"
    dtype: str = "auto"
    offload: str = "auto"
    batch: int = 1
    """Batch size."""
    revision: str = ""

    @property
    def requested(self) -> PlacementRequest:
        """The options that decide the placement."""
        return PlacementRequest(self.device, self.dtype, self.offload)

    @classmethod
    def pop_from(cls, values: dict[str, Any]) -> "ComputeOptions":
        """Removes these options from `values` and returns them."""
        return cls(**{field.name: values.pop(field.name) for field in fields(cls) if field.name in values})


def read(address: str, known: Mapping[str, Parser], given: Mapping[str, str]) -> dict[str, Any]:
    """Parses the options of an address.

    Raises:
        UsageError: an option is unknown or its value is invalid.
    """
    values: dict[str, Any] = {}
    for key, word in given.items():
        if key not in known:
            raise UsageError(
                f"{address} has no option {key!r}; its options are: {', '.join(sorted(known))}.{suggestion(key, known)}"
            )
        try:
            values[key] = known[key](word)
        except ValueError as error:
            raise UsageError(f"The option {key}={word} of {address} is invalid: {error}.") from error
    return values


def release(package: str) -> str:
    """Returns major and minor version of a package; results may change between minor versions."""
    try:
        return ".".join(version(package).split(".")[:2])
    except PackageNotFoundError:
        return "none"


def fingerprint_text(options: Any, label: str) -> str:
    """Returns the fields of a dataclass after a fixed label, for fingerprints that renaming must not change."""
    return label + repr(options).removeprefix(type(options).__name__)
