"""Who may be called at this moment: one local player a device; of a service, so many in flight and so many a minute."""

from collections import deque
from dataclasses import dataclass, field

from telephone.battle.circuit_breaker import Circuit
from telephone.battle.retries import Retry
from telephone.core.errors import UsageError
from telephone.models import Traits

MINUTE = 60.0
"""Seconds."""


@dataclass(frozen=True)
class Limits:
    """How much is done at a time, and how long is waited."""

    side_by_side: int = 512
    """Games that are in play at a time; more make fuller batches, fewer need less memory."""
    timeout: float | None = None
    """Seconds that a call may take for each of its items; None waits for ever."""
    grace: float = 10.0
    """Seconds that calls on their way are waited for when somebody stops the run."""
    in_flight: int | None = None
    """Calls to one service at a time; None leaves it to the players."""
    circuit: int = 5
    """Calls in a row without an answer after which a service is left alone for a while."""
    pause: float = 5.0
    """Seconds until it is tried again the first time; each further time waits twice as long, up to five minutes."""
    probes: int = 6
    """Tries in a row without an answer after which the run ends if nothing but such services is left."""
    retry: Retry = Retry()
    """When a call that had no answer is made again."""

    def __post_init__(self) -> None:
        """Refuses limits under which nothing could be played.

        Raises:
            UsageError: a number is out of range.
        """
        least = {"side_by_side": 1, "circuit": 1, "probes": 1, "in_flight": 1}
        for name, low in least.items():
            value = getattr(self, name)
            if value is not None and value < low:
                raise UsageError(f"The limit {name} is {value}: give {low} or more.")


USUAL = Limits()


class PerMinute:
    """Lets so many calls start in any sixty seconds."""

    def __init__(self, rate: float | None = None) -> None:
        """`rate`: calls a minute; None is no limit."""
        self._starts: deque[float] = deque()
        self.rate: float | None = None
        self.lower(rate)

    def lower(self, rate: float | None) -> None:
        """Takes another player's limit of the same service; the smallest one holds."""
        if rate is None or (self.rate is not None and self.rate <= rate):
            return
        if not rate > 0:
            raise UsageError(f"A service with {rate:g} calls a minute answers nothing: give a limit above 0.")
        self.rate = rate

    def free_at(self) -> float:
        """Returns the moment from which the next call may start; 0 is any."""
        if self.rate is None:
            return 0.0
        most = max(1, int(self.rate))  # less than one a minute is one in a longer time
        return 0.0 if len(self._starts) < most else self._starts[-most] + MINUTE * most / self.rate

    def start(self, now: float) -> None:
        """Takes note of a call."""
        if self.rate is not None:
            self._starts.append(now)
            while len(self._starts) > max(1, int(self.rate)):
                self._starts.popleft()


@dataclass
class Gate:
    """What the calls of one device, one player or one service must pass."""

    name: str
    """What people call it: the service, or the address of its only player."""
    lane: str
    remote: bool
    width: int
    """The most calls at a time."""
    circuit: Circuit
    per_minute: PerMinute = field(default_factory=PerMinute)
    in_flight: int = 0
    """Calls that the players have not answered."""
    aloft: int = 0
    """Calls that have not come back; some of them are answered and their pictures are being written."""

    def lets(self, now: float) -> bool:
        """Tells whether a call may start."""
        return self.in_flight < self.width and self.circuit.lets(now) and self.per_minute.free_at() <= now

    def next(self, now: float) -> float | None:
        """Returns the moment at which time alone opens the gate, or None if a call must come back first."""
        if self.in_flight >= self.width or (self.circuit.is_open and self.circuit.probing):
            return None
        due = self.circuit.due if self.circuit.is_open else 0.0
        return max(now, due, self.per_minute.free_at())

    def leave(self, now: float) -> bool:
        """Takes note that a call goes; tells whether it is a probe of an open circuit."""
        self.in_flight += 1
        self.aloft += 1
        self.per_minute.start(now)
        return self.circuit.leave()


class Gates:
    """All gates of a sitting, one for each device, service or player of its own."""

    def __init__(self, limits: Limits) -> None:
        """Starts with none."""
        self._limits = limits
        self._gates: dict[str, Gate] = {}
        self._by_ref: dict[str, Gate] = {}

    def known(self, ref: str) -> Gate | None:
        """Returns the gate of a player that has been sought before."""
        return self._by_ref.get(ref)

    def of(self, ref: str, traits: Traits) -> Gate:
        """Returns the gate of a player; players of one service share theirs, and its narrowest limits hold."""
        if ref not in self._by_ref:
            self._by_ref[ref] = self._make(ref, traits)
        return self._by_ref[ref]

    def _make(self, ref: str, traits: Traits) -> Gate:
        lane, name = lane_of(ref, traits.device, traits.concurrency, traits.service)
        remote = traits.device == "remote"
        width = max(1, traits.concurrency)
        if remote and self._limits.in_flight is not None:
            width = min(width, self._limits.in_flight)
        if lane not in self._gates:
            circuit = Circuit(self._limits.circuit, self._limits.pause)
            self._gates[lane] = Gate(name, lane, remote, width, circuit)
        gate = self._gates[lane]
        gate.width = min(gate.width, width)
        gate.per_minute.lower(traits.per_minute)
        return gate


def lane_of(ref: str, device: str, concurrency: int, service: str) -> tuple[str, str]:
    """Returns whose calls are counted together with those of a player, and what people call that."""
    if service:
        return f"service {service}", service
    alone = concurrency <= 1 and device != "remote"
    return (f"device {device}", device) if alone else (f"player {ref}", ref)
