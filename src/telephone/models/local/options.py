"""The options that all players of the local libraries take, and how options become values."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from telephone.core.errors import UsageError
from telephone.models.local.device_placement import PlacementRequest, device_word
from telephone.models.provider import Parser, choice, integer, suggestion


def text(pattern: str, example: str) -> Parser:
    """Returns a reader of words of this pattern."""

    def parse(given: str) -> str:
        if not re.fullmatch(pattern, given):
            raise ValueError(f"give {example}")
        return given

    return parse


MACHINE: Mapping[str, Parser] = {
    "device": device_word,
    "dtype": choice("auto", "float32", "float16", "bfloat16"),
    "offload": choice("auto", "none", "model", "sequential"),
    "batch": integer(1, 1024),
    "revision": text(r"[\w./-]+", "a branch, a tag or a commit"),
}


@dataclass(frozen=True)
class Machine:
    """Where and from which files a model computes."""

    device: str = "auto"
    dtype: str = "auto"
    offload: str = "auto"
    batch: int = 1
    """How many items are computed together."""
    revision: str = ""

    @property
    def wish(self) -> PlacementRequest:
        """The part that memory decides if the user does not."""
        return PlacementRequest(self.device, self.dtype, self.offload)

    @classmethod
    def take(cls, values: dict[str, Any]) -> "Machine":
        """Returns the machine that the values describe, and takes these values out of them."""
        return cls(**{field.name: values.pop(field.name) for field in fields(cls) if field.name in values})


def read(address: str, known: Mapping[str, Parser], given: Mapping[str, str]) -> dict[str, Any]:
    """Returns the values of the options of an address.

    Raises:
        UsageError: an option is unknown or its value cannot be read.
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
            raise UsageError(f"The option {key}={word} of {address} cannot be used: {error}.") from error
    return values


def release(package: str) -> str:
    """Returns major and minor version of a package: the ones between which a library's answers may change."""
    try:
        return ".".join(version(package).split(".")[:2])
    except PackageNotFoundError:
        return "none"
