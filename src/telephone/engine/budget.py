"""What calls have cost, what those in flight may cost, and whether another one fits into the budget."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from telephone.core.errors import UsageError
from telephone.core.records import Call, Outcome, Spending

_ROUNDING = 1e-9
"""US dollars that a sum of floats may be off."""


@dataclass(frozen=True)
class Bill:
    """What a run has cost over all its sessions."""

    known: float = 0.0
    """US dollars of the calls whose cost is known."""
    unknown: int = 0
    """Number of the calls whose cost is unknown."""


def bill(spending: Mapping[str, Spending]) -> Bill:
    """Returns the sum over the models."""
    return Bill(sum(row.known for row in spending.values()), sum(row.unknown for row in spending.values()))


class Budget:
    """Keeps the spending of a run below its budget; calls in flight count as if they were paid."""

    def __init__(self, budget: float | None, prices: Mapping[str, float | None], spent: Mapping[str, Spending]) -> None:
        """Starts with what earlier sessions have spent.

        Args:
            budget: US dollars over all sessions; None is no limit.
            prices: US dollars an item by model, None if unknown.
            spent: by model.

        Raises:
            UsageError: the budget is negative or not a number.
        """
        if budget is not None and not budget >= 0:
            raise UsageError(f"The budget is {budget:g} US dollars: give 0 or more.")
        self.budget = budget
        self._prices = dict(prices)
        self._spent = {ref: spent.get(ref, Spending(ref)) for ref in {*prices, *spent}}
        self._in_flight: Counter[str] = Counter()
        self._reserved = 0.0
        self._answered = {ref for ref, row in self._spent.items() if row.highest is not None}
        """Models of which an answer has shown whether they report a cost."""

    @property
    def left(self) -> float:
        """US dollars that may still be spent; a call of unknown cost counts with the estimate, if there is one."""
        if self.budget is None:
            return float("inf")
        owed = sum(row.unknown * (self.estimate(ref) or 0.0) for ref, row in self._spent.items() if row.unknown)
        return self.budget - bill(self._spent).known - owed - self._reserved

    def estimate(self, ref: str) -> float | None:
        """Returns the most that an item of this model is expected to cost: its price, or its dearest call if higher."""
        known = [cost for cost in (self._prices.get(ref), self._row(ref).highest) if cost is not None]
        return max(known) if known else None

    def afford(self, ref: str, most: int) -> int:
        """Returns how many items, up to `most`, may be sent to a model now."""
        if self.budget is None:
            return most
        each = self.estimate(ref)
        if each is None:
            # One call finds out what the others will cost, or that the model reports no cost.
            return most if ref in self._answered else int(self._in_flight[ref] == 0)
        return most if each == 0 else max(0, min(most, int((self.left + _ROUNDING) / each)))

    def reserve(self, ref: str, items: int) -> float:
        """Sets money aside for items in flight; returns how much, for `release`."""
        amount = (self.estimate(ref) or 0.0) * items
        self._in_flight[ref] += items
        self._reserved += amount
        return amount

    def release(self, ref: str, items: int, amount: float) -> None:
        """Frees what was set aside: the items have come back."""
        self._in_flight[ref] -= items
        self._reserved = self._reserved - amount if any(self._in_flight.values()) else 0.0

    def pay(self, call: Call, late: bool = False) -> None:
        """Counts what a call has cost, answered or not; an unknown cost counts with the estimate.

        Args:
            call: one attempt.
            late: whether it was counted as a call of unknown cost before, as it had timed out.
        """
        ref = call.request.model
        row = self._row(ref)
        if late and row.unknown:
            row = row.plus(-1, None)
        self._spent[ref] = row.plus(call.attempts, call.cost, call.unpriced)
        if call.outcome is Outcome.OK or call.cost is not None:
            self._answered.add(ref)

    def _row(self, ref: str) -> Spending:
        return self._spent.get(ref, Spending(ref))
