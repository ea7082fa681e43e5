"""Runs a program: jobs side by side, calls in batches, results written at once, stopped and resumed at any moment."""

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

from telephone.core.errors import UsageError, WeightsError
from telephone.core.records import Call, Outcome, Request
from telephone.core.signals import stop_requests
from telephone.engine.budget import Budget, bill
from telephone.engine.dispatch import Dispatcher
from telephone.engine.events import CallFinished, EngineProgress, EngineResult, JobEnded, ModelReady
from telephone.engine.interfaces import CallStore, Job, Program
from telephone.engine.limits import USUAL, Limits
from telephone.engine.request_queue import RequestQueue
from telephone.models import Model, Traits
from telephone.models import load_model as from_registry

RECENT_BYTES = 2**20
"""Bytes of results that are kept in memory for equal requests; older ones are read from the store."""
_POLL = 0.1
"""Seconds after which a stop event and the timeouts are checked."""


def execute(
    program: Program,
    store: CallStore,
    models: Callable[[str], Model] = from_registry,
    *,
    progress: EngineProgress | None = None,
    stop: threading.Event | None = None,
    limits: Limits = USUAL,
    budget: float | None = None,
) -> EngineResult:
    """Carries out what is left of a program and returns how it then stands.

    A result depends on its request alone, not on batches, threads or interruptions. Ctrl-C, SIGTERM and the stop event
    end the run cleanly: what has come back is written, and the same program with the same store continues it. A
    service that is down ends no job: others go on, and if nothing else is left, the run ends and `halts` says why.

    Args:
        program: its jobs make the requests.
        store: where earlier calls are looked up and new ones written. The caller holds its lock.
        models: returns the model of an address; called when a model is first needed.
        progress: receives each event, in the calling thread.
        stop: set by another thread to end early.
        limits: sizes and times.
        budget: US dollars over all sessions, failed calls included; the run ends before it is passed. Calls of models
            with unknown price and cost are not counted.

    Raises:
        StoreError: the store cannot be written.
        UsageError: a model is not the one that was requested, or the budget is negative.
        WeightsError: the weights of a model are missing or wrong.
    """
    store.recover()
    scheduler = _Scheduler(program, store, models, limits, Budget(budget, program.prices, store.spending()))
    scheduler.report = scheduler.calls.report = progress or (lambda event: None)
    scheduler.stop = stop or threading.Event()
    with stop_requests(scheduler.request_stop):
        return scheduler.run()


class _RecentCalls:
    """Calls that went well, by key; the least recently used ones are dropped."""

    def __init__(self, most: int = RECENT_BYTES) -> None:
        self._most, self._size = most, 0
        self._calls: OrderedDict[str, Call] = OrderedDict()

    def get(self, key: str) -> Call | None:
        """Returns the call of a key, None if it is not here."""
        if key in self._calls:
            self._calls.move_to_end(key)
        return self._calls.get(key)

    def add(self, call: Call) -> None:
        """Keeps a call until there is no room for it."""
        if call.outcome is not Outcome.OK or call.request.key in self._calls:
            return
        self._calls[call.request.key] = call
        self._size += _bytes(call)
        while self._size > self._most:
            self._size -= _bytes(self._calls.popitem(last=False)[1])


def _bytes(call: Call) -> int:
    made = call.result
    return 1024 + len(call.raw) + sum(len(each.data) for each in call.request.parents) + (len(made.data) if made else 0)


class _Scheduler:
    """The jobs of one session; the dispatcher has its calls."""

    def __init__(
        self, program: Program, store: CallStore, get: Callable[[str], Model], limits: Limits, budget: Budget
    ) -> None:
        self.store, self.get, self.limits = store, get, limits
        self.report: EngineProgress = lambda event: None
        self.stop = threading.Event()
        self.signalled = False
        self.jobs: Iterator[Job] = program.jobs()
        self.exhausted = False
        self.active = 0
        """Jobs that have started and not ended."""
        self.queue = RequestQueue()
        self.calls = Dispatcher(self.queue, self._model, budget, limits, store)
        self.recent = _RecentCalls()
        self.ready: dict[str, tuple[Model, Traits]] = {}
        self.fingerprints: dict[str, str] = {}
        self.unwritten: tuple[list[Call], list[Any]] = ([], [])
        self.counts: Counter[str] = Counter()
        self.cost: float | None = 0.0

    def request_stop(self) -> None:
        """Ends the run soon; safe in a signal handler."""
        self.signalled = True
        self.calls.wake()

    def run(self) -> EngineResult:
        """Runs until nothing is left or a stop is requested."""
        clock = time.perf_counter()
        interrupted = False
        try:
            while self._step():
                pass
            self._finish_in_flight()
            # Also when the calls in flight were the last ones: what the caller does next was not wanted either.
            interrupted = self._stopping()
        except KeyboardInterrupt:
            self._write()
            interrupted = True
        except (UsageError, WeightsError):
            self._finish_in_flight()
            raise
        finally:
            if left := self.calls.close():
                self.store.write_off(left)
        return self._result(interrupted, time.perf_counter() - clock)

    def _step(self) -> bool:
        """Starts jobs, sends calls, takes what has come back; returns whether there is more to do."""
        if self._stopping():
            return False
        self._start_jobs()
        self.calls.send()
        patience = self.calls.patience(_POLL)
        if patience is None:
            return False
        self._take(patience)
        return True

    def _stopping(self) -> bool:
        return self.signalled or self.stop.is_set()

    # Jobs

    def _start_jobs(self) -> None:
        # Jobs that wait for a service that is down keep no other job from starting.
        room = self.limits.side_by_side + self.calls.stalled() - self.active
        while room > 0 and (job := self._next_job()) is not None:
            self.active += 1
            room -= self._advance(job)
        self._write()

    def _next_job(self) -> Job | None:
        job = None if self.exhausted else next(self.jobs, None)
        self.exhausted = job is None
        return job

    def _advance(self, job: Job) -> bool:
        """Takes a job as far as it goes without a new call; returns whether it then waits for one."""
        while (request := job.next_request()) is not None:
            if self.queue.join(job, request):
                return True
            found = self._find(request)
            if found is None:
                self._check(request.model, request.fingerprint)
                self.queue.add(job, request)
                return True
            self._accept(job, found, shared=True)
        self.active -= 1
        self.report(JobEnded(job))
        return False

    def _find(self, request: Request) -> Call | None:
        found = self.recent.get(request.key)
        if found is None and (found := self.store.find_call(request.key)) is not None:
            self.recent.add(found)
        return found

    def _accept(self, job: Job, call: Call, shared: bool) -> None:
        """Gives a result to a job; it is written with the next batch, at the latest before the next call."""
        link = job.accept(call, shared)
        if link is not None:
            self.unwritten[1].append(link)
        self.counts.update(results=1, calls=0 if shared else call.attempts, reused=int(shared))
        if not shared:
            self.cost = None if self.cost is None or call.cost is None else self.cost + call.cost
        self.report(CallFinished(job, call, shared, link))

    def _write(self) -> None:
        calls, links = self.unwritten
        if calls or links:
            self.store.record(calls, links)
            self.unwritten = ([], [])

    # Calls

    def _model(self, ref: str) -> tuple[Model, Traits]:
        if ref not in self.ready:
            model = self.get(ref)
            traits = model.traits()
            self._check(ref, traits.fingerprint)
            self.ready[ref] = (model, traits)
            self.report(ModelReady(ref))
        return self.ready[ref]

    def _check(self, ref: str, fingerprint: str) -> None:
        """Makes sure that all requests for an address mean the same model, and that it is the one that is loaded."""
        if self.fingerprints.setdefault(ref, fingerprint) != fingerprint:
            raise UsageError(
                f"{ref} is not the model with which the run began: its weights, options or code have changed."
                " Restore them, or start a new run in another folder."
            )

    def _take(self, seconds: float) -> None:
        """Waits for results, writes them, then lets the jobs that waited for them go on."""
        finished = self.calls.wait(seconds)
        self.unwritten[0].extend(finished.calls)
        going: list[Job] = []
        removed = self.queue.finish(call.request.key for call in finished.calls)
        for call, queued in zip(finished.calls, removed, strict=True):
            self.recent.add(call)
            for number, job in enumerate(queued.jobs):
                self._accept(job, call, shared=number > 0)
                going.append(job)
        self._write()
        if finished.error is not None:
            raise finished.error
        for job in going:
            self._advance(job)
        self._write()

    def _finish_in_flight(self) -> None:
        """Waits a little for the calls in flight; they may have been paid for."""
        until = time.monotonic() + self.limits.grace
        while self.calls.busy and time.monotonic() < until:
            self._take(min(_POLL, self.limits.grace))

    def _result(self, interrupted: bool, seconds: float) -> EngineResult:
        return EngineResult(
            interrupted=interrupted,
            results=self.counts["results"],
            calls=self.counts["calls"],
            reused=self.counts["reused"],
            cost=self.cost,
            seconds=seconds,
            bill=bill(self.store.spending()),
            retries=self.calls.retries,
            halts=() if interrupted else self.calls.halts(),
        )
