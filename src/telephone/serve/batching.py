"""Whose turn it is: requests that wait for one player become its batch, and players on one device take turns."""

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from telephone.serve.served_models import Guest


@dataclass(frozen=True)
class QueuedCall:
    """What one request asks of a player, item for item."""

    guest: Guest
    items: Sequence[Any]
    seeds: Sequence[int]
    task: str = ""


@dataclass(eq=False)
class _Job:
    """One item of a wish."""

    guest: Guest
    item: Any
    seed: int
    task: str
    done: "asyncio.Future[Any]"


class Lane:
    """A queue before one device; lives in one event loop, computes in threads of its own."""

    def __init__(self, workers: int) -> None:
        """Starts empty.

        Args:
            workers: calls at one time.
        """
        self._workers = workers
        self._waiting: deque[_Job] = deque()
        self._runs: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="telephone-lane")

    async def ask(self, wish: QueuedCall) -> list[Any]:
        """Returns one result an item, each of which may be the `ModelError` that takes its place.

        Raises:
            Exception: whatever the player raised for the whole call.
        """
        loop = asyncio.get_running_loop()
        jobs = [
            _Job(wish.guest, item, seed, wish.task, loop.create_future())
            for item, seed in zip(wish.items, wish.seeds, strict=True)
        ]
        self._waiting.extend(jobs)
        self._start()
        try:
            return list(await asyncio.gather(*(job.done for job in jobs)))
        finally:
            for job in jobs:
                job.done.cancel()  # where the client has gone, or one item spoilt the rest, nobody waits any more

    def close(self) -> None:
        """Starts no call any more; one that is being made is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _start(self) -> None:
        while len(self._runs) < min(self._workers, len(self._waiting) + len(self._runs)):
            run = asyncio.get_running_loop().create_task(self._run())
            self._runs.add(run)
            run.add_done_callback(self._ended)

    def _ended(self, run: "asyncio.Task[None]") -> None:
        self._runs.discard(run)
        if self._waiting and not run.cancelled():
            self._start()

    async def _run(self) -> None:
        """Works until nobody waits."""
        # The first request does not wait for company: batches gather by themselves while a call is being made, and
        # a pause of 10 ms before the first one was measured to gain nothing.
        while batch := self._take():
            loop = asyncio.get_running_loop()
            try:
                made: list[Any] = await loop.run_in_executor(self._threads, _call, batch)
            except Exception as error:  # noqa: BLE001 - a player may raise anything, and each who waits must hear of it
                for job in batch:
                    if not job.done.done():
                        job.done.set_exception(error)
                continue
            for job, result in zip(batch, made, strict=True):
                if not job.done.done():
                    job.done.set_result(result)

    def _take(self) -> list[_Job]:
        """Takes the oldest job and those that can share its call, and leaves the others in their order."""
        batch: list[_Job] = []
        left: deque[_Job] = deque()
        for job in self._waiting:
            if job.done.done():
                continue
            fits = not batch or (job.guest is batch[0].guest and job.task == batch[0].task)
            room = not batch or len(batch) < batch[0].guest.traits.batch_size
            (batch if fits and room else left).append(job)
        self._waiting = left
        return batch


def _call(batch: Sequence[_Job]) -> list[Any]:
    first = batch[0]
    return first.guest.answer([job.item for job in batch], [job.seed for job in batch], first.task)
