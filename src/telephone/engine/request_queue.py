"""Requests that wait: by model, equal requests joined into one; some of them not before a certain moment."""

import heapq
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from telephone.core.records import Request
from telephone.engine.interfaces import Job

RequestState = Literal["queued", "in_flight", "delayed"]


@dataclass(slots=True)
class QueuedRequest:
    """A request and the jobs that wait for its result."""

    request: Request
    jobs: list[Job] = field(default_factory=list)
    """The first one is the one for which the call is made."""
    state: RequestState = "queued"


class RequestQueue:
    """Requests that are queued, in flight, or to be sent again later."""

    def __init__(self) -> None:
        """Starts empty."""
        self._by_key: dict[str, QueuedRequest] = {}
        self._queues: dict[str, deque[QueuedRequest]] = {}
        self._delayed: list[tuple[float, int, str]] = []
        self._number = 0
        self._idle: Counter[str] = Counter()
        self._jobs: Counter[str] = Counter()

    def __len__(self) -> int:
        """Returns the number of different requests, queued, delayed or in flight."""
        return len(self._by_key)

    def join(self, job: Job, request: Request) -> bool:
        """Lets a job wait for an equal request if there is one; returns whether there is."""
        found = self._by_key.get(request.key)
        if found is not None:
            found.jobs.append(job)
            self._jobs[found.request.model] += 1
        return found is not None

    def add(self, job: Job, request: Request) -> None:
        """Queues a request that no other job waits for."""
        queued = self._by_key[request.key] = QueuedRequest(request, [job])
        self._queues.setdefault(request.model, deque()).append(queued)
        self._idle[request.model] += 1
        self._jobs[request.model] += 1

    def models(self) -> list[str]:
        """Returns the models with queued requests, the one with most of them first."""
        queued = [(len(queue), ref) for ref, queue in self._queues.items() if queue]
        return [ref for _, ref in sorted(queued, key=lambda pair: (-pair[0], pair[1]))]

    def idle(self) -> list[str]:
        """Returns the models with requests that are not in flight."""
        return [ref for ref, number in self._idle.items() if number]

    def waiting_jobs(self, ref: str) -> int:
        """Returns how many jobs wait for a model."""
        return self._jobs[ref]

    def take(self, ref: str, most: int) -> list[Request]:
        """Returns up to `most` queued requests for a model, the oldest first; they are in flight from now on."""
        queue = self._queues[ref]
        taken = [queue.popleft() for _ in range(min(most, len(queue)))]
        for queued in taken:
            queued.state = "in_flight"
        self._idle[ref] -= len(taken)
        return [queued.request for queued in taken]

    def delay(self, key: str, due: float) -> None:
        """Puts a request that was in flight aside until a moment on the monotonic clock."""
        queued = self._by_key[key]
        queued.state = "delayed"
        self._idle[queued.request.model] += 1
        self._number += 1
        heapq.heappush(self._delayed, (due, self._number, key))

    def is_delayed(self, key: str) -> bool:
        """Returns whether a request is put aside."""
        return key in self._by_key and self._by_key[key].state == "delayed"

    def requeue_due(self, now: float) -> None:
        """Queues the requests whose moment has come, before those that were never sent."""
        due: list[QueuedRequest] = []
        while self._delayed and self._delayed[0][0] <= now:
            _, _, key = heapq.heappop(self._delayed)
            if self.is_delayed(key):
                due.append(self._by_key[key])
        for queued in reversed(due):
            queued.state = "queued"
            self._queues.setdefault(queued.request.model, deque()).appendleft(queued)

    def next_due(self) -> float | None:
        """Returns the moment at which the next request that was put aside is due, None if there is none."""
        while self._delayed and not self.is_delayed(self._delayed[0][2]):
            heapq.heappop(self._delayed)
        return self._delayed[0][0] if self._delayed else None

    def finish(self, keys: Iterable[str]) -> list[QueuedRequest]:
        """Removes the requests of these keys, in flight or put aside, and returns them with their jobs."""
        done = [self._by_key.pop(key) for key in keys]
        for queued in done:
            self._jobs[queued.request.model] -= len(queued.jobs)
            self._idle[queued.request.model] -= queued.state != "in_flight"
        return done
