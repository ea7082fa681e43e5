"""Sends requests to models and collects the results: as many at a time as each allows, repeated where that may help."""

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue

from telephone.core.errors import StoreError, UsageError, WeightsError
from telephone.core.records import Call, Request, WriteOff
from telephone.engine.budget import Budget
from telephone.engine.events import CircuitClosed, CircuitOpened, EngineProgress, Halt, Retried
from telephone.engine.interfaces import CallStore
from telephone.engine.limits import Channel, Channels, Limits, RetryTracker
from telephone.engine.model_calls import DecodedImages, Reply, answer, unanswered
from telephone.engine.request_queue import RequestQueue
from telephone.models import Model, Traits

GetModel = Callable[[str], tuple[Model, Traits]]
"""Returns the model of an address and its traits."""

_DISK = threading.BoundedSemaphore(2)
"""Held to write images: two at a time keep a disk busy, more only compete for the interpreter."""


@dataclass(frozen=True)
class BatchCall:
    """A call that a worker thread makes."""

    number: int
    channel: str
    work: Callable[[], list[Reply]]
    after: Callable[[list[Reply]], None] | None = None
    """What is done with the replies when the model is free again; it raises nothing."""


@dataclass(frozen=True)
class BatchDone:
    """A call that has come back; the number -1 only wakes the thread that waits."""

    number: int
    replies: tuple[Reply, ...] = ()
    freed: bool = False
    """Whether this only says that the model is free; the replies follow."""
    error: BaseException | None = None


class WorkerPool:
    """Threads by channel. They are daemons: a call that never returns does not keep the program alive."""

    def __init__(self) -> None:
        """Starts without any thread."""
        self.done: SimpleQueue[BatchDone] = SimpleQueue()
        """Where calls come back, in the order in which they end; `put` is safe even in a signal handler."""
        self._calls: dict[str, SimpleQueue[BatchCall | None]] = {}
        self._threads: dict[str, int] = {}

    def submit(self, call: BatchCall, busy: int) -> None:
        """Hands a call to its channel; `busy` calls of it, this one included, have not come back."""
        self._calls.setdefault(call.channel, SimpleQueue()).put(call)
        if self._threads.get(call.channel, 0) < busy:
            self.start_thread(call.channel)

    def start_thread(self, channel: str) -> None:
        """Starts another thread of a channel, as when a call of it hangs."""
        self._threads[channel] = self._threads.get(channel, 0) + 1
        args = (self._calls[channel],)
        threading.Thread(target=self._work, args=args, name=f"telephone {channel}", daemon=True).start()

    def close(self) -> None:
        """Ends every thread that is not in a call."""
        for channel, calls in self._calls.items():
            for _ in range(self._threads[channel]):
                calls.put(None)

    def _work(self, calls: "SimpleQueue[BatchCall | None]") -> None:
        while (call := calls.get()) is not None:
            try:
                replies = call.work()
                if call.after is not None:
                    self.done.put(BatchDone(call.number, freed=True))
                    call.after(replies)
                done = BatchDone(call.number, tuple(replies))
            except BaseException as error:  # noqa: BLE001 - the thread that waits raises it again
                done = BatchDone(call.number, error=error)
            self.done.put(done)


@dataclass
class _Batch:
    """A call in flight."""

    requests: list[Request]
    model: Model
    traits: Traits
    channel: Channel
    probe: bool
    reserved: float
    """US dollars."""
    due: float
    """When it counts as hung, on the monotonic clock."""
    freed: bool = False
    """Whether the model is free again."""

    @property
    def ref(self) -> str:
        """Address of the model."""
        return self.requests[0].model

    @property
    def free_of_charge(self) -> bool:
        """Whether no call of the model costs anything."""
        return self.traits.price == 0

    def write_offs(self, cost: float | None) -> list[WriteOff]:
        """Returns its spending where no result comes; `cost` in US dollars an item."""
        return [WriteOff(self.ref, 1, cost, request.key) for request in self.requests]

    def free(self) -> None:
        """Lets another call take its place."""
        self.channel.in_flight -= not self.freed
        self.freed = True


@dataclass
class Finished:
    """What has come back."""

    calls: list[Call] = field(default_factory=list)
    """Requests that are answered."""
    error: BaseException | None = None
    """What stops the run."""


class Dispatcher:
    """The calls of one session. Only the engine's thread touches it; worker threads see requests and models alone."""

    def __init__(self, queue: RequestQueue, get: GetModel, budget: Budget, limits: Limits, store: CallStore) -> None:
        """Starts without a call.

        Args:
            queue: the requests; taken from and put aside here, removed by the caller.
            get: is called when a model is needed.
            budget: allows calls and counts what they cost.
            limits: sizes and times.
            store: where calls that may cost money are reserved, and images are written.
        """
        self.queue, self.get, self.budget, self.limits, self.store = queue, get, budget, limits, store
        self.report: EngineProgress = lambda event: None
        self.workers = WorkerPool()
        self.channels = Channels(limits)
        self.tracker = RetryTracker(limits.retry)
        self.images = DecodedImages()
        self.retries = 0
        self._in_flight: dict[int, _Batch] = {}
        self._timed_out: dict[int, _Batch] = {}
        self._without_result: list[WriteOff] = []
        self._sent = 0

    # Sending

    def send(self) -> None:
        """Sends what may be sent, the model with most waiting requests first."""
        now = time.monotonic()
        self.queue.requeue_due(now)
        batches: list[_Batch] = []
        for ref in self.queue.models():
            model, traits = self.get(ref)
            channel = self.channels.of(ref, traits)
            while channel.allows(now):
                most = 1 if channel.circuit.is_open else traits.batch_size
                requests = self.queue.take(ref, self.budget.afford(ref, most))
                if not requests:
                    break
                due = now + (self.limits.timeout or float("inf")) * len(requests)
                reserved = self.budget.reserve(ref, len(requests))
                batches.append(_Batch(requests, model, traits, channel, channel.start(now), reserved, due))
        if charged := [request for batch in batches if not batch.free_of_charge for request in batch.requests]:
            self.store.reserve(charged)
        for batch in batches:
            self._submit(batch)

    def _submit(self, batch: _Batch) -> None:
        self._sent += 1
        self._in_flight[self._sent] = batch
        work = partial(answer, batch.model, batch.requests, batch.traits.price, self.images)
        # Several calls of one model at a time would otherwise wait for the disk, one after the other.
        after = self._write_images if batch.channel.width > 1 else None
        self.workers.submit(BatchCall(self._sent, batch.channel.key, work, after), batch.channel.busy)

    def _write_images(self, replies: list[Reply]) -> None:
        """Writes the images of a batch in its worker thread; the engine's thread then finds them on the disk."""
        made = [reply.call.result for reply in replies if reply.call.result is not None]
        with _DISK, contextlib.suppress(StoreError):  # the engine's thread writes them again, and raises
            self.store.write_images([each for each in made if each.kind == "image"])

    # Waiting

    @property
    def busy(self) -> bool:
        """Whether a call is in flight."""
        return bool(self._in_flight)

    def patience(self, most: float) -> float | None:
        """Returns the seconds, at most `most`, until there is something to do; None if there never will be."""
        now = time.monotonic()
        moments = [] if (due := self.queue.next_due()) is None else [due]
        for ref in self.queue.models():
            if self.budget.afford(ref, 1) and (opens := self._channel(ref).next(now)) is not None:
                moments.append(opens)
        if self._in_flight:
            return max(0.0, min([most, *(moment - now for moment in moments if moment > now)]))
        if not moments or all(self._hopeless(ref) for ref in self.queue.idle()):
            return None
        return max(0.0, min([most, *(moment - now for moment in moments)]))

    def halts(self) -> tuple[Halt, ...]:
        """Returns why requests are left that will not be answered."""
        found: dict[str, Halt] = {}
        for ref in self.queue.idle():
            channel = self._channel(ref)
            if channel.circuit.is_open:
                message = f"{channel.name} failed {channel.circuit.missed} calls in a row, the last one with: "
                found[channel.name] = Halt("service", message + (channel.circuit.reason or "no reason given."))
            elif self._out_of_money(ref):
                message = f"The next call would pass the budget of {self.budget.budget or 0:.2f} US dollars."
                found["budget"] = Halt("budget", message)
        return tuple(found.values())

    def stalled(self) -> int:
        """Returns how many jobs wait for a service that gets no calls or for money: others may take their places."""
        return sum(self.queue.waiting_jobs(ref) for ref in self.queue.idle() if self._blocked(ref))

    def wait(self, seconds: float) -> Finished:
        """Returns what comes back within so many seconds: as soon as there is something."""
        found: list[BatchDone] = []
        with contextlib.suppress(Empty):
            found.append(self.workers.done.get(timeout=seconds))
            while True:
                found.append(self.workers.done.get_nowait())
        finished = Finished()
        for done in [each for each in found if each.number >= 0]:
            if not done.freed:
                self._finish(done, finished)
            elif done.number in self._in_flight:
                self._in_flight[done.number].free()
        for done in self._hung():
            self._finish(done, finished)
        return finished

    def wake(self) -> None:
        """Ends a `wait` early; safe in a signal handler."""
        self.workers.done.put(BatchDone(-1))

    def close(self) -> list[WriteOff]:
        """Ends the threads; returns the calls for which no result will be recorded."""
        self.workers.close()
        rows = [*self.tracker.left(), *self._without_result]
        for batch in self._in_flight.values():
            rows += batch.write_offs(0.0 if batch.free_of_charge else None)
        return rows

    # What comes back

    def _finish(self, done: BatchDone, finished: Finished) -> None:
        batch = self._in_flight.pop(done.number, None)
        if batch is None:
            self._finish_late(done, finished)
            return
        batch.free()
        batch.channel.busy -= 1
        self.budget.release(batch.ref, len(batch.requests), batch.reserved)
        if done.error is not None:
            finished.error = finished.error or done.error
            # Without weights, or with a key that is not accepted, a call costs nothing.
            known = batch.free_of_charge or isinstance(done.error, UsageError | WeightsError)
            self._without_result += batch.write_offs(0.0 if known else None)
            return
        self._update_circuit(batch, done.replies)
        for reply in done.replies:
            self.budget.pay(reply.call)
            pause = self._pause(batch, reply)
            if pause is None:
                finished.calls.append(self.tracker.settle(reply.call))
                finished.error = finished.error or (reply.error if self.limits.raise_failures else None)
                continue
            self.retries += 1
            self.queue.delay(reply.call.request.key, time.monotonic() + pause)
            self.report(Retried(batch.ref, reply.call.reason, pause))

    def _pause(self, batch: _Batch, reply: Reply) -> float | None:
        if reply.unavailable is None or self.limits.raise_failures:
            return None
        return self.tracker.pause(reply.call, reply.unavailable.retry_after, batch.channel.circuit.answered)

    def _finish_late(self, done: BatchDone, finished: Finished) -> None:
        """Keeps what a call made that had timed out: it was paid for, and its request may still wait."""
        batch = self._timed_out.pop(done.number, None)
        if batch is None:
            return
        for reply in done.replies:
            if reply.unavailable is None and self.queue.is_delayed(reply.call.request.key):
                self.budget.pay(reply.call, late=True)
                finished.calls.append(self.tracker.settle(reply.call, late=True))

    def _update_circuit(self, batch: _Batch, replies: tuple[Reply, ...]) -> None:
        """Counts a call of several items once."""
        circuit, silences = batch.channel.circuit, [reply.unavailable for reply in replies if reply.unavailable]
        if len(silences) < len(replies):
            if circuit.on_answer(batch.probe):
                self.report(CircuitClosed(batch.channel.name))
            return
        now = time.monotonic()
        if circuit.on_silence(replies[0].call.reason, now, batch.probe, silences[0].retry_after):
            self.report(CircuitOpened(batch.channel.name, circuit.reason, circuit.due - now))

    def _hung(self) -> list[BatchDone]:
        if self.limits.timeout is None:
            return []
        now = time.monotonic()
        late = {number: batch for number, batch in self._in_flight.items() if batch.due < now and not batch.freed}
        reason = f"The model gave no answer in {self.limits.timeout:g} seconds an item."
        found = []
        for number, batch in late.items():
            self.workers.start_thread(batch.channel.key)
            self._timed_out[number] = batch
            # A local model would hang again; a remote call may succeed the next time.
            retry, price = batch.channel.remote, batch.traits.price
            replies = tuple(unanswered(request, reason, price, retry) for request in batch.requests)
            found.append(BatchDone(number, replies))
        return found

    def _channel(self, ref: str) -> Channel:
        return self.channels.of(ref, self.get(ref)[1])

    def _hopeless(self, ref: str) -> bool:
        circuit = self._channel(ref).circuit
        return self._out_of_money(ref) or (circuit.is_open and circuit.probes >= self.limits.probes)

    def _blocked(self, ref: str) -> bool:
        channel = self.channels.known(ref)
        return self._out_of_money(ref) or (channel is not None and channel.circuit.is_open)

    def _out_of_money(self, ref: str) -> bool:
        return not self._in_flight and not self.budget.afford(ref, 1)
