"""What the games wait for: asks by player, equal asks joined into one; some of them not before a certain moment."""

import heapq
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from telephone.battle.rules import Conversation
from telephone.core.records import Request

State = Literal["queued", "flying", "delayed"]


@dataclass
class Wait:
    """An ask and the games that wait for its answer; the first of them makes the call."""

    ask: Request
    games: list[tuple[Conversation, Request]] = field(default_factory=list)
    state: State = "queued"


class Waiting:
    """Asks that are queued, on their way, or to be asked again later."""

    def __init__(self) -> None:
        """Starts empty."""
        self._waits: dict[str, Wait] = {}
        self._queues: dict[str, deque[Wait]] = {}
        self._delayed: list[tuple[float, int, str]] = []
        self._number = 0
        self._idle: Counter[str] = Counter()
        self._games: Counter[str] = Counter()

    def __len__(self) -> int:
        """Returns the number of different asks, queued, delayed or on their way."""
        return len(self._waits)

    def join(self, conversation: Conversation, ask: Request) -> bool:
        """Lets a game wait for an equal ask, if there is one; tells whether there is."""
        wait = self._waits.get(ask.key)
        if wait is not None:
            wait.games.append((conversation, ask))
            self._games[wait.ask.player] += 1
        return wait is not None

    def add(self, conversation: Conversation, ask: Request) -> None:
        """Queues an ask that nobody else waits for."""
        wait = self._waits[ask.key] = Wait(ask, [(conversation, ask)])
        self._queues.setdefault(ask.player, deque()).append(wait)
        self._idle[ask.player] += 1
        self._games[ask.player] += 1

    def players(self) -> list[str]:
        """Returns the players with queued asks, the one with most of them first."""
        queued = [(len(queue), ref) for ref, queue in self._queues.items() if queue]
        return [ref for _, ref in sorted(queued, key=lambda pair: (-pair[0], pair[1]))]

    def idle(self) -> list[str]:
        """Returns the players with asks that are not on their way."""
        return [ref for ref, number in self._idle.items() if number]

    def games(self, ref: str) -> int:
        """Returns how many games wait for a player."""
        return self._games[ref]

    def take(self, ref: str, most: int) -> list[Request]:
        """Returns up to `most` queued asks for a player, the oldest first; they are on their way from now on."""
        queue = self._queues[ref]
        taken = [queue.popleft() for _ in range(min(most, len(queue)))]
        for wait in taken:
            wait.state = "flying"
        self._idle[ref] -= len(taken)
        return [wait.ask for wait in taken]

    def delay(self, key: str, due: float) -> None:
        """Puts an ask that was on its way aside until a moment on the monotonic clock."""
        wait = self._waits[key]
        wait.state = "delayed"
        self._idle[wait.ask.player] += 1
        self._number += 1
        heapq.heappush(self._delayed, (due, self._number, key))

    def is_delayed(self, key: str) -> bool:
        """Tells whether an ask is put aside."""
        return key in self._waits and self._waits[key].state == "delayed"

    def ripen(self, now: float) -> None:
        """Queues the asks whose moment has come, before those that were never asked."""
        ripe: list[Wait] = []
        while self._delayed and self._delayed[0][0] <= now:
            _, _, key = heapq.heappop(self._delayed)
            if self.is_delayed(key):
                ripe.append(self._waits[key])
        for wait in reversed(ripe):
            wait.state = "queued"
            self._queues.setdefault(wait.ask.player, deque()).appendleft(wait)

    def next_due(self) -> float | None:
        """Returns the moment at which the next ask that was put aside is ripe, or None."""
        while self._delayed and not self.is_delayed(self._delayed[0][2]):
            heapq.heappop(self._delayed)
        return self._delayed[0][0] if self._delayed else None

    def finish(self, keys: Iterable[str]) -> list[Wait]:
        """Returns the waits for these keys, on their way or put aside, and forgets them."""
        done = [self._waits.pop(key) for key in keys]
        for wait in done:
            self._games[wait.ask.player] -= len(wait.games)
            self._idle[wait.ask.player] -= wait.state != "flying"
        return done
