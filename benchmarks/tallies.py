"""Counts of right answers by fact and group, with their intervals, as rows of a table."""

import math
from collections import Counter
from collections.abc import Sequence


def wilson(right: int, asked: int, z: float = 1.96) -> tuple[float, float]:
    """Returns the interval of a share (Wilson 1927), in 0 to 1."""
    share, weight = right / asked, z * z / asked
    middle = (share + weight / 2) / (1 + weight)
    reach = z / (1 + weight) * math.sqrt(share * (1 - share) / asked + weight / asked / 4)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def share(right: int, asked: int) -> str:
    """Returns a share with its interval in per cent, and how many were asked."""
    if not asked:
        return "-"
    low, high = wilson(right, asked)
    return f"{100 * right / asked:.1f} % ({100 * low:.1f}-{100 * high:.1f}, n = {asked})"


def header(first: str, groups: Sequence[str]) -> str:
    """Returns the head of a table of `Tally.row`s."""
    return f"| {first} | " + " | ".join([*groups, "all", "goal"]) + " |\n|" + "---|" * (len(groups) + 3)


class Tally:
    """Right and asked answers by fact and group."""

    def __init__(self, groups: Sequence[str]) -> None:
        self.groups = tuple(groups)
        self.right: Counter[tuple[str, str]] = Counter()
        self.asked: Counter[tuple[str, str]] = Counter()

    def add(self, fact: str, group: str, right: object) -> None:
        """Counts one answer."""
        self.asked[fact, group] += 1
        self.right[fact, group] += bool(right)

    def names(self) -> list[str]:
        """Returns the facts in the order in which they came first."""
        return list(dict.fromkeys(fact for fact, _ in self.asked))

    def row(self, fact: str) -> str:
        """Returns a row of the table, without what comes last."""
        counts = [(self.right[fact, group], self.asked[fact, group]) for group in self.groups]
        every = sum(right for right, _ in counts), sum(asked for _, asked in counts)
        cells = [f"{100 * right / asked:.1f} %" if asked else "-" for right, asked in counts] + [share(*every)]
        return f"| {fact} | " + " | ".join(cells) + " |"
