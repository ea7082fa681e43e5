"""When a player that was unavailable is asked again: the one policy, and the one place that counts attempts."""

from dataclasses import dataclass, field, replace

from telephone.battle.model_calls import Reply
from telephone.core.errors import UsageError
from telephone.core.records import Hop
from telephone.core.seeds import derive


@dataclass(frozen=True)
class Retry:
    """Exponential backoff with full jitter; what a provider says of its own pause comes first."""

    attempts: int = 8
    """Calls for one ask before it fails, as long as its service answers others."""
    base: float = 0.5
    """Seconds; the first pause is between 0 and this, each further one up to twice as long."""
    cap: float = 30.0
    """Seconds of the longest pause that we choose."""
    obey: float = 600.0
    """Seconds of the longest pause that a provider may choose."""

    def __post_init__(self) -> None:
        """Refuses what cannot be waited.

        Raises:
            UsageError: a number is out of range.
        """
        if self.attempts < 1 or min(self.base, self.cap, self.obey) < 0:
            raise UsageError("A retry policy needs 1 or more attempts and pauses of 0 seconds or more: mend it.")

    def pause(self, key: str, attempts: int, retry_after: float | None = None) -> float:
        """Returns the seconds to wait before the next call; the same key and number give the same pause.

        Args:
            key: the ask key.
            attempts: calls made for it so far, 1 or more.
            retry_after: what the provider asks for, if it does.
        """
        share = derive("retry", key, attempts) / 2**32
        longest = min(self.cap, self.base * 2.0 ** min(attempts - 1, 30))
        if retry_after is None:
            return share * longest
        # A little later than asked, and not everybody at the same moment.
        return min(max(retry_after, 0.0), self.obey) + share * min(self.base, longest)


@dataclass
class Tries:
    """The calls made for one ask in this sitting that had no answer."""

    player: str
    """Who was asked."""
    answered: int
    """How often its service had answered before the first of them."""
    attempts: int = 0
    known: float = 0.0
    """US dollars of those that told their cost."""
    unknown: int = 0
    """Number of those that did not."""

    def add(self, reply: Reply) -> None:
        """Counts a call that had no answer."""
        self.attempts += reply.hop.attempts
        self.known += reply.hop.cost or 0.0
        self.unknown += reply.hop.attempts if reply.hop.cost is None else 0

    def total(self, hop: Hop) -> Hop:
        """Returns the hop that ends the ask, with all calls that were made for it and all they are known to cost."""
        cost = None if hop.cost is None else hop.cost + self.known
        return replace(hop, attempts=hop.attempts + self.attempts, cost=cost)


@dataclass
class Attempts:
    """Counts attempts by ask and decides who gets another one."""

    policy: Retry = field(default_factory=Retry)
    _tries: dict[str, Tries] = field(default_factory=dict)

    def again(self, reply: Reply, answered: int) -> float | None:
        """Counts a call that had no answer; returns the pause before the next one, or None if there is none.

        An ask fails only where its service has answered others in the meantime: an outage ends no game.

        Args:
            reply: of a player that was unavailable.
            answered: how often its service has answered in this sitting.
        """
        assert reply.unavailable is not None
        key = reply.hop.ask.key
        tries = self._tries.setdefault(key, Tries(reply.hop.ask.player, answered))
        tries.add(reply)
        if tries.attempts >= self.policy.attempts and answered > tries.answered:
            return None
        return self.policy.pause(key, tries.attempts, reply.unavailable.retry_after)

    def settle(self, reply: Reply) -> Hop:
        """Returns the hop that ends an ask, with the attempts before it."""
        tries = self._tries.pop(reply.hop.ask.key, None)
        if tries is None:
            return reply.hop
        if reply.unavailable is None:
            return tries.total(reply.hop)
        # The last call is among the tries already.
        cost = None if tries.unknown else tries.known
        return replace(reply.hop, attempts=tries.attempts, cost=cost)

    def left(self) -> list[Tries]:
        """Returns the tries of asks that have no answer yet."""
        return list(self._tries.values())
