"""Sends asks to players and takes their answers: as many at a time as each allows, again where that may help."""

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from queue import Empty

from telephone.battle.budget import Budget
from telephone.battle.events import CircuitClosed, CircuitOpened, Halt, Progress, Retried
from telephone.battle.model_calls import Reply, answer, silent
from telephone.battle.rate_limits import Gate, Gates, Limits
from telephone.battle.request_queue import Waiting
from telephone.battle.retries import Attempts
from telephone.battle.workers import WAKE, Done, Job, Lanes
from telephone.core.errors import StoreError
from telephone.core.records import Hop, Request
from telephone.models import Model, Traits

Seat = Callable[[str], tuple[Model, Traits]]
"""Gives the player of an address and what it says of itself."""

Keep = Callable[[list[bytes]], None]
"""Writes pictures; may raise StoreError."""

_DISK = threading.BoundedSemaphore(2)
"""Held to write pictures: two at a time keep a disk busy, and more take the interpreter from each other."""


@dataclass
class _Flight:
    """A call on its way."""

    asks: list[Request]
    ref: str
    gate: Gate
    probe: bool
    reserved: float
    """US dollars."""
    due: float
    """When it counts as hung, on the monotonic clock."""
    freed: bool = False
    """Whether the player is free again."""

    def free(self) -> None:
        """Lets another call take its place."""
        self.gate.in_flight -= not self.freed
        self.freed = True


def _keep(keep: Keep, replies: list[Reply]) -> None:
    """Writes the pictures that were made: the engine's thread then finds them on the disk."""
    made = [reply.hop.result for reply in replies if reply.hop.result is not None]
    with _DISK, contextlib.suppress(StoreError):  # the engine's thread tries again, and tells what is wrong
        keep([each.data for each in made if each.kind == "image"])


@dataclass
class Landed:
    """What has come back."""

    hops: list[Hop] = field(default_factory=list)
    """Asks that are settled."""
    error: BaseException | None = None
    """What stops the run."""


class Dispatch:
    """The calls of one sitting. Only the engine's thread touches it; the lanes' threads see asks and players alone."""

    def __init__(self, waiting: Waiting, seat: Seat, purse: Budget, limits: Limits, attempts: Attempts) -> None:
        """Starts without a call.

        Args:
            waiting: the asks; taken from, put aside, but settled by the caller.
            seat: is asked when a player is needed.
            purse: lets calls go as long as the budget holds, and is told what they cost.
            limits: sizes and times.
            attempts: decides who is asked again.
        """
        self.waiting, self.seat, self.purse, self.limits, self.attempts = waiting, seat, purse, limits, attempts
        self.tell: Progress = lambda event: None
        self.keep: Keep = lambda pictures: None
        """Puts pictures on the disk; called in the lanes' threads, as a disk makes each of them wait."""
        self.lanes = Lanes()
        self.gates = Gates(limits)
        self.retries = 0
        self._flights: dict[int, _Flight] = {}
        self._given_up: dict[int, _Flight] = {}
        self._flown = 0

    def send(self) -> None:
        """Gives every free lane the player with most waiting asks."""
        now = time.monotonic()
        self.waiting.ripen(now)
        for ref in self.waiting.players():
            player, traits = self.seat(ref)
            gate = self.gates.of(ref, traits)
            while gate.lets(now):
                most = 1 if gate.circuit.is_open else traits.batch_size
                asks = self.waiting.take(ref, self.purse.afford(ref, most))
                if not asks:
                    break
                self._fly(player, traits, gate, asks, now)

    def _fly(self, player: Model, traits: Traits, gate: Gate, asks: list[Request], now: float) -> None:
        ref = asks[0].player
        self._flown += 1
        due = now + (self.limits.timeout or float("inf")) * len(asks)
        reserved = self.purse.reserve(ref, len(asks))
        self._flights[self._flown] = _Flight(asks, ref, gate, gate.leave(now), reserved, due)
        work = partial(answer, player, asks, traits.price)
        # One after the other, several calls of one player would wait for the disk.
        after = partial(_keep, self.keep) if gate.width > 1 else None
        self.lanes.submit(Job(self._flown, gate.lane, work, after), gate.aloft)

    @property
    def flying(self) -> bool:
        """Whether a call is on its way."""
        return bool(self._flights)

    def patience(self, most: float) -> float | None:
        """Returns the seconds, at most `most`, until there is something to do; None if there never will be."""
        now = time.monotonic()
        moments = [] if (due := self.waiting.next_due()) is None else [due]
        for ref in self.waiting.players():
            if self.purse.afford(ref, 1) and (opens := self._gate(ref).next(now)) is not None:
                moments.append(opens)
        if self._flights:
            return max(0.0, min([most, *(moment - now for moment in moments if moment > now)]))
        if not moments or all(self._hopeless(ref) for ref in self.waiting.idle()):
            return None
        return max(0.0, min([most, *(moment - now for moment in moments)]))

    def halts(self) -> tuple[Halt, ...]:
        """Returns why asks are left that nobody will answer."""
        found: dict[str, Halt] = {}
        for ref in self.waiting.idle():
            gate = self._gate(ref)
            if gate.circuit.is_open:
                words = f"{gate.name} failed {gate.circuit.missed} calls in a row, the last one with: "
                found[gate.name] = Halt("service", words + (gate.circuit.reason or "nothing."))
            elif self._broke(ref):
                words = f"The next call would pass the budget of {self.purse.budget or 0:.2f} US dollars."
                found["budget"] = Halt("budget", words)
        return tuple(found.values())

    def stalled(self) -> int:
        """Returns how many games wait for a service that is left alone or for money: others may take their places."""
        return sum(self.waiting.games(ref) for ref in self.waiting.idle() if self._blocked(ref))

    def wait(self, seconds: float) -> Landed:
        """Returns what comes back within so many seconds: as soon as there is something."""
        found: list[Done] = []
        with contextlib.suppress(Empty):
            found.append(self.lanes.done.get(timeout=seconds))
            while True:
                found.append(self.lanes.done.get_nowait())
        landed = Landed()
        for done in [each for each in found if each.number >= 0]:
            if not done.freed:
                self._land(done, landed)
            elif done.number in self._flights:
                self._flights[done.number].free()
        for done in self._hung():
            self._land(done, landed)
        return landed

    def wake(self) -> None:
        """Ends a `wait` early; safe in a signal handler."""
        self.lanes.done.put(WAKE)

    def close(self) -> list[tuple[str, int, float | None]]:
        """Lets the threads go; returns the calls of which no hop will tell: player, number, cost if it is known."""
        self.lanes.close()
        left: list[tuple[str, int, float | None]] = []
        for tries in self.attempts.left():
            left.append((tries.player, tries.attempts - tries.unknown, tries.known))
            left.append((tries.player, tries.unknown, None))
        left += [(flight.ref, len(flight.asks), None) for flight in self._flights.values()]
        return [each for each in left if each[1]]

    # What comes back

    def _land(self, done: Done, landed: Landed) -> None:
        flight = self._flights.pop(done.number, None)
        if flight is None:
            self._land_late(done, landed)
            return
        flight.free()
        flight.gate.aloft -= 1
        self.purse.release(flight.ref, len(flight.asks), flight.reserved)
        if done.error is not None:
            landed.error = landed.error or done.error
            return
        self._judge(flight, done.replies)
        for reply in done.replies:
            pause = self._pause(flight, reply)
            if pause is None or reply.hop.cost is not None:
                self.purse.pay(flight.ref, reply.hop)
            if pause is None:
                landed.hops.append(self.attempts.settle(reply))
                continue
            self.retries += 1
            self.waiting.delay(reply.hop.ask.key, time.monotonic() + pause)
            self.tell(Retried(flight.ref, reply.hop.reason, pause))

    def _pause(self, flight: _Flight, reply: Reply) -> float | None:
        return None if reply.unavailable is None else self.attempts.again(reply, flight.gate.circuit.answered)

    def _land_late(self, done: Done, landed: Landed) -> None:
        """A call that was given up has come back after all: what it made was paid for, if it is still wanted."""
        flight = self._given_up.pop(done.number, None)
        if flight is None:
            return
        for reply in done.replies:
            if reply.unavailable is None and self.waiting.is_delayed(reply.hop.ask.key):
                landed.hops.append(self.attempts.settle(reply))

    def _judge(self, flight: _Flight, replies: tuple[Reply, ...]) -> None:
        """Lets the circuit know; a call of several items counts once."""
        circuit, silences = flight.gate.circuit, [reply.unavailable for reply in replies if reply.unavailable]
        if len(silences) < len(replies):
            if circuit.answer(flight.probe):
                self.tell(CircuitClosed(flight.gate.name))
            return
        now = time.monotonic()
        if circuit.miss(replies[0].hop.reason, now, flight.probe, silences[0].retry_after):
            self.tell(CircuitOpened(flight.gate.name, circuit.reason, circuit.due - now))

    def _hung(self) -> list[Done]:
        if self.limits.timeout is None:
            return []
        now = time.monotonic()
        late = {number: flight for number, flight in self._flights.items() if flight.due < now and not flight.freed}
        reason = f"The player gave no answer in {self.limits.timeout:g} seconds an item."
        found = []
        for number, flight in late.items():
            self.lanes.replace(flight.gate.lane)
            self._given_up[number] = flight
            # A local player would hang again, a remote one may have been unlucky.
            replies = tuple(silent(ask, reason, flight.gate.remote) for ask in flight.asks)
            found.append(Done(number, replies))
        return found

    def _gate(self, ref: str) -> Gate:
        return self.gates.of(ref, self.seat(ref)[1])

    def _hopeless(self, ref: str) -> bool:
        circuit = self._gate(ref).circuit
        return self._broke(ref) or (circuit.is_open and circuit.probes >= self.limits.probes)

    def _blocked(self, ref: str) -> bool:
        gate = self.gates.known(ref)
        return self._broke(ref) or (gate is not None and gate.circuit.is_open)

    def _broke(self, ref: str) -> bool:
        return not self._flights and not self.purse.afford(ref, 1)
