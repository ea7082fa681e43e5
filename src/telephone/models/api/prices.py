"""Published prices with dates and sources, read from `prices.json`; a missing price is unknown, not 0."""

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

MILLION = 1_000_000


@dataclass(frozen=True)
class Usage:
    """Usage of a call as the provider reports it; None where it reports nothing."""

    items: int = 1
    """Images or texts in the result."""
    seconds: float | None = None
    """Seconds of computing."""
    input: int | None = None
    """Input tokens."""
    output: int | None = None
    """Output tokens."""


@dataclass(frozen=True)
class Price:
    """Price in US dollars as published on a day; None for units that the model is not billed by."""

    item: float | None = None
    """Per image or text."""
    second: float | None = None
    """Per second of computing."""
    input: float | None = None
    """Per million input tokens."""
    output: float | None = None
    """Per million output tokens."""
    typical: tuple[int, int] | None = None
    """Estimated input and output tokens of a typical call in a game; used in forecasts only."""
    date: str = ""
    """Day on which the source was read."""
    source: str = ""
    """Where the price was read, or `option` if the user gives it."""

    def cost(self, usage: Usage) -> float | None:
        """Returns the cost of a finished call in dollars, None if the price or the usage is unknown."""
        if self.item is not None:
            return self.item * usage.items
        if self.second is not None:
            return None if usage.seconds is None else self.second * usage.seconds
        if self.input is None or usage.input is None or usage.output is None:
            return None
        if self.output is None:
            return self.input * usage.input / MILLION if usage.output == 0 else None
        return (self.input * usage.input + self.output * usage.output) / MILLION

    def expected(self) -> float | None:
        """Returns the estimated cost of a typical call in dollars, for forecasts; None if it is unknown."""
        if self.typical is not None:
            return self.cost(Usage(input=self.typical[0], output=self.typical[1]))
        return self.item


UNKNOWN = Price()
"""Price of a model that is not in the table."""


def price_of(provider: str, model: str) -> Price:
    """Returns the published price of a model on the provider's own server, `UNKNOWN` if the table has none.

    Args:
        provider: `openai`, `replicate` or `hf`.
        model: the provider's name of the model; a date or version at its end may be missing in the table.
    """
    known = _table().get(provider, {})
    bare = re.sub(r"(-\d{4}-\d{2}-\d{2}|:.*)$", "", model)
    return known.get(model) or known.get(bare) or UNKNOWN


@cache
def _table() -> dict[str, dict[str, Price]]:
    raw = json.loads((files("telephone.models.api") / "prices.json").read_text(encoding="utf-8"))
    return {provider: {name: _price(row) for name, row in rows.items()} for provider, rows in raw["prices"].items()}


def _price(row: dict[str, Any]) -> Price:
    typical = row.get("typical")
    return Price(**{**row, "typical": tuple(typical) if typical else None})
