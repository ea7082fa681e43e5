"""What a call costs: a table of published prices with dates and sources; what is not in it is unknown, never free."""

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

MILLION = 1_000_000


@dataclass(frozen=True)
class Usage:
    """What a provider says that a call has used; None where it says nothing."""

    items: int = 1
    """Pictures or texts that were made."""
    seconds: float | None = None
    """Seconds of computing."""
    input: int | None = None
    """Tokens read."""
    output: int | None = None
    """Tokens written."""


@dataclass(frozen=True)
class Price:
    """US dollars, as they were published on a day; None where a model is not sold that way."""

    item: float | None = None
    """For one picture or text."""
    second: float | None = None
    """For one second of computing."""
    input: float | None = None
    """For a million tokens read."""
    output: float | None = None
    """For a million tokens written."""
    typical: tuple[int, int] | None = None
    """Tokens read and written by a usual call of a game, by our own estimate; for plans, never for bills."""
    date: str = ""
    """The day on which the source was read."""
    source: str = ""
    """Where it was read, or `option` for what the user says."""

    def cost(self, usage: Usage) -> float | None:
        """Returns the dollars of a finished call, None if the price or the usage is not known well enough."""
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
        """Returns the dollars of a usual call, for a plan; None if nobody can tell."""
        if self.typical is not None:
            return self.cost(Usage(input=self.typical[0], output=self.typical[1]))
        return self.item


UNKNOWN = Price()
"""The price of a model that the table does not know."""


def price_of(provider: str, model: str) -> Price:
    """Returns the published price of a provider's own model, `UNKNOWN` if the table has none.

    Args:
        provider: `openai`, `replicate` or `hf`.
        model: as the provider calls it; a date or version at its end may be left out of the table.
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
