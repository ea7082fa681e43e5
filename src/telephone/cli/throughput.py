"""Where the games of a run are, how fast they proceed, and which services do not answer."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from telephone.cli.formatting import clock, counted, visible

if TYPE_CHECKING:
    from telephone.pipeline import Event


@dataclass
class ThroughputEstimate:
    """How many games and hops are done, and how many hops are done a second."""

    games: int = 0
    games_total: int = 0
    hops: int = 0
    hops_total: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    loading: str = ""
    retries: int = 0
    down: dict[str, str] = field(default_factory=dict)
    """Services that do not answer, with the reason of the last failure."""
    _before: int = 0
    _clock: float = 0.0

    def take(self, event: "Event") -> None:
        """Counts an event."""
        from telephone.battle import CircuitClosed, CircuitOpened, GameEnded, HopDone, ModelReady, Retried, Started

        if isinstance(event, Started):
            self.hops = self._before = event.hops_done
            self.hops_total, self.games_total = event.hops_total, event.games
            self._clock = time.monotonic()
        elif isinstance(event, HopDone):
            self.hops, self.loading = event.hops_done, ""
        elif isinstance(event, GameEnded):
            self.games = event.games_ended
            self.ended[event.state] += 1
        elif isinstance(event, ModelReady):
            self.loading = event.ref
        elif isinstance(event, Retried):
            self.retries += 1
        elif isinstance(event, CircuitOpened):
            self.down[event.service] = event.reason
        elif isinstance(event, CircuitClosed):
            self.down.pop(event.service, None)

    @property
    def words(self) -> str:
        """Speed and remaining time, as far as they are known."""
        made, seconds = self.hops - self._before, time.monotonic() - self._clock
        if self.loading:
            return f"loading {self.loading}"
        if not made or seconds < 0.2:
            return ""
        rate = made / seconds
        return f"{rate:.3g} hops/s, {clock((self.hops_total - self.hops) / rate)} left{self.trouble}"

    @property
    def trouble(self) -> str:
        """Games that ended early, calls that are retried, and services that are down."""
        parts = [f"{self.ended[state]} {state}" for state in ("failed", "refused") if self.ended[state]]
        parts += [f"{counted(self.retries, 'call')} without an answer"] if self.retries else []
        parts += [f"{name} is down" for name in self.down]
        return "".join(f", {part}" for part in parts)


def news(event: "Event") -> str:
    """Returns a line for a service that stops or starts answering, empty for every other event."""
    from telephone.battle import CircuitClosed, CircuitOpened

    if isinstance(event, CircuitOpened):
        reason = visible(event.reason)
        return f"{event.service} is paused for {clock(event.seconds)} and then tried again; its last call: {reason}"
    return f"{event.service} answers again." if isinstance(event, CircuitClosed) else ""
