"""Table of known models: their kind, the names of their inputs, the day they were retired; read from `models.json`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from telephone.core.errors import UsageError
from telephone.models.base import ModelKind


@dataclass(frozen=True)
class CatalogEntry:
    """One row of the table."""

    kind: ModelKind | None = None
    """Kind of the model; None is unknown."""
    prompt: str = ""
    """Name of the text input; empty if there is none."""
    image: str = ""
    """Name of the image input."""
    seed: str = ""
    """Name of the seed input."""
    opening: str = ""
    """Prefix of every output, which is removed from the description."""
    take: str = "first"
    """Which of several output images is the result: `first` or `last`."""
    input: Mapping[str, Any] = field(default_factory=dict)
    """Further inputs that every request contains."""
    retired: str = ""
    """Last day of service, if the provider has announced one."""


def catalog_entry(provider: str, name: str) -> CatalogEntry:
    """Returns the row of a model, an empty entry if the table has none.

    Args:
        provider: `openai` (rows are families of names) or `replicate` (rows are OWNER/MODEL).
        name: the provider's name of the model; a version after a colon is ignored.
    """
    rows = _table().get(provider, {})
    bare = name.partition(":")[0]
    matches = [family for family in rows if bare == family or (provider == "openai" and bare.startswith(f"{family}-"))]
    return rows[max(matches, key=len)] if matches else CatalogEntry()


def resolve_kind(ref: str, requested: ModelKind | None, entry: CatalogEntry) -> ModelKind:
    """Returns the kind of the option `kind`, else of the table; names are not interpreted.

    Raises:
        UsageError: neither is given.
    """
    kind = requested or entry.kind
    if kind is None:
        raise UsageError(
            f"The kind of {ref} is unknown: add ?kind=text2image, ?kind=image2text or ?kind=embedder to it."
        )
    return kind


@cache
def _table() -> dict[str, dict[str, CatalogEntry]]:
    raw = json.loads((files("telephone.models.api") / "models.json").read_text(encoding="utf-8"))
    return {name: {key: CatalogEntry(**row) for key, row in raw[name].items()} for name in ("openai", "replicate")}
