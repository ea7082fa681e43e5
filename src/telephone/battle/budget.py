"""What calls have cost, what those on their way may cost, and whether another one fits into the budget."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from telephone.core.errors import UsageError
from telephone.core.records import Hop
from telephone.store import Spending

_ROUNDING = 1e-9
"""US dollars that a sum of floats may be off."""


@dataclass(frozen=True)
class Bill:
    """What a run has cost over all its sittings."""

    known: float = 0.0
    """US dollars of the calls that told their cost."""
    unknown: int = 0
    """Number of the calls that did not."""


def bill(spent: Mapping[str, Spending]) -> Bill:
    """Returns the sum of what the players have cost."""
    return Bill(sum(row.known for row in spent.values()), sum(row.unknown for row in spent.values()))


class Budget:
    """Keeps the sum of a run below its budget: what is on its way counts as if it had been paid."""

    def __init__(self, budget: float | None, prices: Mapping[str, float | None], spent: Mapping[str, Spending]) -> None:
        """Starts with what earlier sittings have spent.

        Args:
            budget: US dollars over all sittings; None is no limit.
            prices: US dollars an item by player, None if unknown.
            spent: by player.

        Raises:
            UsageError: the budget is negative or no number.
        """
        if budget is not None and not budget >= 0:
            raise UsageError(f"A budget of {budget:g} US dollars cannot be kept: give 0 or more.")
        self.budget = budget
        self._prices = dict(prices)
        self._spent = {ref: spent.get(ref, Spending(ref)) for ref in {*prices, *spent}}
        self._flying: Counter[str] = Counter()
        self._reserved = 0.0

    @property
    def left(self) -> float:
        """US dollars that may still be spent; a call that did not tell its cost counts with the estimate, if any."""
        if self.budget is None:
            return float("inf")
        owed = sum(row.unknown * (self.estimate(ref) or 0.0) for ref, row in self._spent.items() if row.unknown)
        return self.budget - bill(self._spent).known - owed - self._reserved

    def estimate(self, ref: str) -> float | None:
        """Returns the most that an item of this player is expected to cost: its price, or more if it has cost more."""
        known = [cost for cost in (self._prices.get(ref), self._spent[ref].highest) if cost is not None]
        return max(known) if known else None

    def afford(self, ref: str, most: int) -> int:
        """Returns how many items, up to `most`, may be sent to a player now."""
        if self.budget is None:
            return most
        each = self.estimate(ref)
        if each is None:
            # The first answer tells what the others will cost, or that nobody tells.
            heard = self._spent[ref].calls > 0
            return most if heard else int(self._flying[ref] == 0)
        return most if each == 0 else max(0, min(most, int((self.left + _ROUNDING) / each)))

    def reserve(self, ref: str, items: int) -> float:
        """Sets money aside for items on their way; returns how much, for `release`."""
        amount = (self.estimate(ref) or 0.0) * items
        self._flying[ref] += items
        self._reserved += amount
        return amount

    def release(self, ref: str, items: int, amount: float) -> None:
        """Takes back what was set aside: the items have come back."""
        self._flying[ref] -= items
        self._reserved = self._reserved - amount if any(self._flying.values()) else 0.0

    def pay(self, ref: str, hop: Hop) -> None:
        """Counts what calls of a player have cost; `attempts` and `cost` of the hop are all that is read."""
        row = self._spent[ref]
        if hop.cost is None:
            self._spent[ref] = replace(row, calls=row.calls + hop.attempts, unknown=row.unknown + hop.attempts)
            return
        each = hop.cost / max(1, hop.attempts)
        highest = each if row.highest is None else max(row.highest, each)
        self._spent[ref] = replace(row, calls=row.calls + hop.attempts, known=row.known + hop.cost, highest=highest)
