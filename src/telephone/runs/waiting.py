"""What the games wait for: asks by player, equal asks joined into one."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from telephone.game import Conversation
from telephone.records import Ask


@dataclass
class Wait:
    """An ask and the games that wait for its answer; the first of them makes the call."""

    ask: Ask
    games: list[tuple[Conversation, Ask]] = field(default_factory=list)


class Waiting:
    """Asks that are queued or on their way."""

    def __init__(self) -> None:
        """Starts empty."""
        self._waits: dict[str, Wait] = {}
        self._queues: dict[str, deque[Wait]] = {}

    def __len__(self) -> int:
        """Returns the number of different asks, queued or on their way."""
        return len(self._waits)

    def join(self, conversation: Conversation, ask: Ask) -> bool:
        """Lets a game wait for an equal ask, if there is one; tells whether there is."""
        wait = self._waits.get(ask.key)
        if wait is not None:
            wait.games.append((conversation, ask))
        return wait is not None

    def add(self, conversation: Conversation, ask: Ask) -> None:
        """Queues an ask that nobody else waits for."""
        wait = self._waits[ask.key] = Wait(ask, [(conversation, ask)])
        self._queues.setdefault(ask.player, deque()).append(wait)

    def players(self) -> list[str]:
        """Returns the players with queued asks, the one with most of them first."""
        queued = [(len(queue), ref) for ref, queue in self._queues.items() if queue]
        return [ref for _, ref in sorted(queued, key=lambda pair: (-pair[0], pair[1]))]

    def take(self, ref: str, most: int) -> list[Ask]:
        """Returns up to `most` queued asks for a player, the oldest first; they are on their way from now on."""
        queue = self._queues[ref]
        return [queue.popleft().ask for _ in range(min(most, len(queue)))]

    def finish(self, keys: Iterable[str]) -> list[Wait]:
        """Returns the waits for these keys and forgets them."""
        return [self._waits.pop(key) for key in keys]
