"""When a call may be sent: calls in flight and per minute, retries, and the circuit breaker of a service."""

from collections import deque
from dataclasses import dataclass, field, replace

from telephone.core.errors import UsageError
from telephone.core.records import Call, WriteOff
from telephone.core.seeds import derive
from telephone.models import Traits

MINUTE = 60.0
"""Seconds."""
LONGEST = 300.0
"""Seconds between two probes of a service, at most."""


@dataclass(frozen=True)
class Retry:
    """Exponential backoff with full jitter; the pause that a provider asks for comes first."""

    attempts: int = 8
    """Calls for one request before it fails, as long as its service answers others."""
    base: float = 0.5
    """Seconds; the first pause is between 0 and this, each further one up to twice as long."""
    cap: float = 30.0
    """Seconds of the longest pause that the policy chooses."""
    obey: float = 600.0
    """Seconds of the longest pause that a provider may choose."""

    def __post_init__(self) -> None:
        """Checks the numbers.

        Raises:
            UsageError: a number is out of range.
        """
        if self.attempts < 1 or min(self.base, self.cap, self.obey) < 0:
            raise UsageError("A retry policy needs 1 or more attempts and pauses of 0 seconds or more.")

    def pause(self, key: str, attempts: int, retry_after: float | None = None) -> float:
        """Returns the seconds to wait before the next call; the same key and number give the same pause.

        Args:
            key: of the request.
            attempts: calls made for it so far, 1 or more.
            retry_after: seconds that the provider asks for, None if it does not.
        """
        share = derive("retry", key, attempts) / 2**32
        longest = min(self.cap, self.base * 2.0 ** min(attempts - 1, 30))
        if retry_after is None:
            return share * longest
        # A little later than requested, and not all requests at the same moment.
        return min(max(retry_after, 0.0), self.obey) + share * min(self.base, longest)


@dataclass(frozen=True)
class Limits:
    """How much is done at a time, and how long the engine waits."""

    side_by_side: int = 512
    """Jobs (games) in progress at a time; more make fuller batches, fewer need less memory."""
    timeout: float | None = None
    """Seconds that a call may take for each of its items; None is no limit."""
    grace: float = 10.0
    """Seconds to wait for calls in flight when a stop is requested."""
    in_flight: int | None = None
    """Calls to one service at a time; None leaves it to the models."""
    circuit: int = 5
    """Calls in a row without an answer after which a service gets no calls for a while."""
    pause: float = 5.0
    """Seconds until the first probe of such a service; each further pause is twice as long, up to five minutes."""
    probes: int = 6
    """Probes in a row without an answer after which the run ends if only such services are left."""
    retry: Retry = Retry()
    """When a call that had no answer is made again."""
    raise_failures: bool = False
    """Whether the exception of a model is raised at once, in place of a retry or of a call with outcome `failed`."""

    def __post_init__(self) -> None:
        """Checks the numbers.

        Raises:
            UsageError: a number is out of range.
        """
        for name in ("side_by_side", "circuit", "probes", "in_flight"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"The limit {name} is {value}: give 1 or more.")


USUAL = Limits()


@dataclass
class CircuitBreaker:
    """Counts calls in a row that had no answer; open means that calls wait. Times are on the monotonic clock."""

    after: int = 5
    """Calls in a row without an answer that open it, 1 or more."""
    pause: float = 5.0
    """Seconds until the first probe; each further pause is twice as long."""
    missed: int = 0
    """Calls in a row without an answer."""
    answered: int = 0
    """Calls that had an answer, good or bad, in all."""
    probes: int = 0
    """Probes in a row without an answer."""
    reason: str = ""
    """The reason of the last call without an answer."""
    due: float = 0.0
    """When the next probe may be sent."""
    probing: bool = False
    """Whether a probe is in flight."""

    @property
    def is_open(self) -> bool:
        """Whether calls wait."""
        return self.missed >= self.after

    def allows(self, now: float) -> bool:
        """Returns whether a call may be sent: any while closed, else one at a time and not before it is due."""
        return not self.is_open or (not self.probing and now >= self.due)

    def on_sent(self) -> bool:
        """Counts a call that is sent; returns whether it is a probe."""
        self.probing = self.probing or self.is_open
        return self.is_open

    def on_answer(self, probe: bool) -> bool:
        """Counts an answer; returns whether it has closed the circuit."""
        was = self.is_open
        self.answered += 1
        self.missed = self.probes = 0
        self.probing = self.probing and not probe
        return was

    def on_silence(self, reason: str, now: float, probe: bool, retry_after: float | None = None) -> bool:
        """Counts a call without an answer; returns whether it opened the circuit, or was a probe that kept it open."""
        self.reason = reason
        if probe:
            self.probing = False
            self.probes += 1
        was = self.is_open
        self.missed += 1
        if not self.is_open or (was and not probe):
            return False  # calls sent before the circuit opened do not make the outage longer
        pause = min(LONGEST, self.pause * 2.0 ** min(self.probes, 30))
        self.due = now + max(pause, min(retry_after or 0.0, LONGEST))
        return True


class RateLimit:
    """Allows so many calls to start in any sixty seconds."""

    def __init__(self, rate: float | None = None) -> None:
        """`rate`: calls a minute; None is no limit."""
        self._starts: deque[float] = deque()
        self.rate: float | None = None
        self.lower(rate)

    def lower(self, rate: float | None) -> None:
        """Takes the limit of another model of the same service; the smallest one holds.

        Raises:
            UsageError: the limit is not above 0.
        """
        if rate is None or (self.rate is not None and self.rate <= rate):
            return
        if not rate > 0:
            raise UsageError(f"A limit of {rate:g} calls a minute allows no call: give a number above 0.")
        self.rate = rate

    def free_at(self) -> float:
        """Returns the moment from which the next call may start; 0 is any."""
        if self.rate is None:
            return 0.0
        most = max(1, int(self.rate))  # less than one a minute is one in a longer time
        return 0.0 if len(self._starts) < most else self._starts[-most] + MINUTE * most / self.rate

    def start(self, now: float) -> None:
        """Counts a call."""
        if self.rate is not None:
            self._starts.append(now)
            while len(self._starts) > max(1, int(self.rate)):
                self._starts.popleft()


@dataclass
class Channel:
    """What limits the calls of one device, one model or one service."""

    name: str
    """Name for messages: the service, or the address of its only model."""
    key: str
    remote: bool
    width: int
    """The most calls at a time."""
    circuit: CircuitBreaker
    per_minute: RateLimit = field(default_factory=RateLimit)
    in_flight: int = 0
    """Calls that the models have not answered."""
    busy: int = 0
    """Calls that occupy a thread; some of them are answered and their images are being written."""

    def allows(self, now: float) -> bool:
        """Returns whether a call may start."""
        return self.in_flight < self.width and self.circuit.allows(now) and self.per_minute.free_at() <= now

    def next(self, now: float) -> float | None:
        """Returns the moment from which a call may start, None if a call must come back first."""
        if self.in_flight >= self.width or (self.circuit.is_open and self.circuit.probing):
            return None
        due = self.circuit.due if self.circuit.is_open else 0.0
        return max(now, due, self.per_minute.free_at())

    def start(self, now: float) -> bool:
        """Counts a call; returns whether it is a probe of an open circuit."""
        self.in_flight += 1
        self.busy += 1
        self.per_minute.start(now)
        return self.circuit.on_sent()


class Channels:
    """All channels of a session, one for each device, service, or model that has its own."""

    def __init__(self, limits: Limits) -> None:
        """Starts with none."""
        self._limits = limits
        self._channels: dict[str, Channel] = {}
        self._by_ref: dict[str, Channel] = {}

    def known(self, ref: str) -> Channel | None:
        """Returns the channel of a model if `of` has been called for it."""
        return self._by_ref.get(ref)

    def of(self, ref: str, traits: Traits) -> Channel:
        """Returns the channel of a model; models of one service share theirs, and its narrowest limits hold."""
        if ref not in self._by_ref:
            self._by_ref[ref] = self._make(ref, traits)
        return self._by_ref[ref]

    def _make(self, ref: str, traits: Traits) -> Channel:
        key, name = channel_of(ref, traits.device, traits.concurrency, traits.service)
        remote = traits.device == "remote"
        width = max(1, traits.concurrency)
        if remote and self._limits.in_flight is not None:
            width = min(width, self._limits.in_flight)
        if key not in self._channels:
            circuit = CircuitBreaker(self._limits.circuit, self._limits.pause)
            self._channels[key] = Channel(name, key, remote, width, circuit)
        channel = self._channels[key]
        channel.width = min(channel.width, width)
        channel.per_minute.lower(traits.per_minute)
        return channel


def channel_of(ref: str, device: str, concurrency: int, service: str) -> tuple[str, str]:
    """Returns the key of the channel that a model belongs to, and its name for messages."""
    if service:
        return f"service {service}", service
    alone = concurrency <= 1 and device != "remote"
    return (f"device {device}", device) if alone else (f"model {ref}", ref)


@dataclass
class UnansweredTries:
    """The calls made for one request in this session that had no answer."""

    model: str
    """Address."""
    answered: int
    """How often its service had answered before the first of them."""
    attempts: int = 0
    known: float = 0.0
    """US dollars of those whose cost is known."""
    unknown: int = 0
    """Number of the others."""

    def add(self, call: Call) -> None:
        """Counts a call that had no answer."""
        self.attempts += call.attempts
        self.known += call.cost or 0.0
        self.unknown += call.attempts if call.cost is None else call.unpriced

    def total(self, last: Call) -> Call:
        """Returns the call that ends the request, with all attempts before it and their cost."""
        attempts = last.attempts + self.attempts
        unknown = self.unknown + (last.attempts if last.cost is None else last.unpriced)
        cost = None if unknown == attempts else self.known + (last.cost or 0.0)
        return replace(last, attempts=attempts, cost=cost, unpriced=0 if cost is None else unknown)


@dataclass
class RetryTracker:
    """Counts attempts by request and decides which requests are sent again."""

    policy: Retry = field(default_factory=Retry)
    _tries: dict[str, UnansweredTries] = field(default_factory=dict)

    def pause(self, call: Call, retry_after: float | None, answered: int) -> float | None:
        """Counts a call that had no answer; returns the pause before the next one, None if there is none.

        A request fails only if its service has answered others in the meantime: an outage ends no job.

        Args:
            call: its last attempt, of a model that was unavailable.
            retry_after: seconds that the provider asks for, None if it does not.
            answered: how often its service has answered in this session.
        """
        key = call.request.key
        tries = self._tries.setdefault(key, UnansweredTries(call.request.model, answered))
        if tries.attempts + call.attempts >= self.policy.attempts and answered > tries.answered:
            return None
        tries.add(call)
        return self.policy.pause(key, tries.attempts, retry_after)

    def settle(self, call: Call, late: bool = False) -> Call:
        """Returns the call that ends a request, with the attempts before it.

        Args:
            call: its last attempt.
            late: whether the attempt is among the unanswered ones already, as it had timed out.
        """
        tries = self._tries.pop(call.request.key, None)
        if tries is None:
            return call
        if late:
            tries.attempts, tries.unknown = tries.attempts - 1, max(0, tries.unknown - 1)
        return tries.total(call)

    def left(self) -> list[WriteOff]:
        """Returns what the attempts of requests without an answer have cost."""
        rows = []
        for key, tries in self._tries.items():
            rows.append(WriteOff(tries.model, tries.attempts - tries.unknown, tries.known, key))
            rows.append(WriteOff(tries.model, tries.unknown, None, key))
        return [row for row in rows if row.calls]
