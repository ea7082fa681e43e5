"""What is known of models by name: their kind, the names of their inputs, the day they were retired; all of it data."""

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
    """One line of the table."""

    kind: ModelKind | None = None
    """What it makes; None is unknown."""
    prompt: str = ""
    """The name of the input that takes the text; empty if it takes none."""
    image: str = ""
    """The name of the input that takes the picture."""
    seed: str = ""
    """The name of the input that takes a seed."""
    opening: str = ""
    """Words with which each of its answers begins, and which are not part of the description."""
    take: str = "first"
    """Which of several pictures is the finished one: `first` or `last`."""
    input: Mapping[str, Any] = field(default_factory=dict)
    """Further inputs that are always sent."""
    retired: str = ""
    """The last day on which its provider answers, if one has been named."""


def model(provider: str, name: str) -> CatalogEntry:
    """Returns what the table knows of a model, an empty line if it knows nothing.

    Args:
        provider: `openai` (by families of names) or `replicate` (by OWNER/MODEL).
        name: as the provider calls it; a version after a colon does not matter.
    """
    rows = _table().get(provider, {})
    bare = name.partition(":")[0]
    fits = [family for family in rows if bare == family or (provider == "openai" and bare.startswith(f"{family}-"))]
    return rows[max(fits, key=len)] if fits else CatalogEntry()


def kind_for(ref: str, asked: ModelKind | None, known: CatalogEntry) -> ModelKind:
    """Returns the kind that the option asks for, else that of the table; a name alone is never guessed from.

    Raises:
        UsageError: neither of them says.
    """
    kind = asked or known.kind
    if kind is None:
        raise UsageError(
            f"What {ref} makes is not known: add ?kind=text2image, ?kind=image2text or ?kind=embedder to it."
        )
    return kind


@cache
def _table() -> dict[str, dict[str, CatalogEntry]]:
    raw = json.loads((files("telephone.models.api") / "models.json").read_text(encoding="utf-8"))
    return {name: {key: CatalogEntry(**row) for key, row in raw[name].items()} for name in ("openai", "replicate")}
