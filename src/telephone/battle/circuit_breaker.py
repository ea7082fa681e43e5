"""A service that does not answer is left alone for a while: one call finds out whether it is back."""

from dataclasses import dataclass

LONGEST = 300.0
"""Seconds between two probes, at most."""


@dataclass
class Circuit:
    """Counts calls in a row that had no answer; open means that calls wait. Times are on the monotonic clock."""

    after: int = 5
    """Calls in a row without an answer that open it, 1 or more."""
    pause: float = 5.0
    """Seconds until the first probe; each further one waits twice as long."""
    missed: int = 0
    """Calls in a row without an answer."""
    answered: int = 0
    """Calls that had an answer, good or bad, in all."""
    probes: int = 0
    """Probes in a row without an answer."""
    reason: str = ""
    """What the last call without an answer said."""
    due: float = 0.0
    """When the next probe may go."""
    probing: bool = False
    """Whether one is on its way."""

    @property
    def is_open(self) -> bool:
        """Whether calls wait."""
        return self.missed >= self.after

    def lets(self, now: float) -> bool:
        """Tells whether a call may go: every one while it is closed, else one at a time and not before it is due."""
        return not self.is_open or (not self.probing and now >= self.due)

    def leave(self) -> bool:
        """Takes note that a call goes; tells whether it is a probe."""
        self.probing = self.probing or self.is_open
        return self.is_open

    def answer(self, probe: bool) -> bool:
        """Takes an answer; tells whether it has closed the circuit."""
        was = self.is_open
        self.answered += 1
        self.missed = self.probes = 0
        self.probing = self.probing and not probe
        return was

    def miss(self, reason: str, now: float, probe: bool, retry_after: float | None = None) -> bool:
        """Takes a call without an answer; tells whether it has opened the circuit, or kept it open after a probe."""
        self.reason = reason
        if probe:
            self.probing = False
            self.probes += 1
        was = self.is_open
        self.missed += 1
        if not self.is_open or (was and not probe):
            return False  # the stragglers of an outage do not make it longer
        pause = min(LONGEST, self.pause * 2.0 ** min(self.probes, 30))
        self.due = now + max(pause, min(retry_after or 0.0, LONGEST))
        return True
