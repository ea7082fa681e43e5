"""Request batching: requests that wait for one model form its batch, and models on one device take turns."""

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from telephone.core.errors import ModelError
from telephone.serve.served_models import ServedModel


@dataclass(frozen=True)
class QueuedCall:
    """The items of one client request."""

    target: ServedModel
    items: Sequence[Any]
    seeds: Sequence[int]
    task: str = ""


@dataclass(eq=False)
class _QueuedItem:
    """One item of a request, with the future of its result."""

    target: ServedModel
    item: Any
    seed: int
    task: str
    done: "asyncio.Future[Any]"


class BatchQueue:
    """The queue of one device; belongs to one event loop, computes in its own threads."""

    def __init__(self, workers: int) -> None:
        """Starts empty.

        Args:
            workers: maximum number of concurrent calls.
        """
        self._workers = workers
        self._waiting: deque[_QueuedItem] = deque()
        self._runs: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="telephone-queue")

    async def call(self, request: QueuedCall) -> list[Any]:
        """Returns one result or one `ModelError` an item.

        Raises:
            Exception: any exception of the model that concerns the whole call.
        """
        loop = asyncio.get_running_loop()
        jobs = [
            _QueuedItem(request.target, item, seed, request.task, loop.create_future())
            for item, seed in zip(request.items, request.seeds, strict=True)
        ]
        self._waiting.extend(jobs)
        self._start()
        try:
            return list(await asyncio.gather(*(job.done for job in jobs)))
        finally:
            for job in jobs:
                job.done.cancel()  # the client has disconnected, or another item failed

    def close(self) -> None:
        """Starts no further calls and does not wait for running ones."""
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
        """Works until the queue is empty."""
        # The first request is not delayed: batches form while a call is running, and a pause of 10 ms before the
        # first one was measured to gain nothing.
        while batch := self._take():
            loop = asyncio.get_running_loop()
            try:
                made: list[Any] = await loop.run_in_executor(self._threads, _call, batch)
            except Exception as error:  # noqa: BLE001 - a model may raise anything, and every waiting request must receive it
                for job in batch:
                    if not job.done.done():
                        job.done.set_exception(error)
                continue
            for job, result in zip(batch, made, strict=True):
                if not job.done.done():
                    job.done.set_result(result)

    def _take(self) -> list[_QueuedItem]:
        """Removes the oldest item and those that can share its call; the others keep their order."""
        batch: list[_QueuedItem] = []
        left: deque[_QueuedItem] = deque()
        for job in self._waiting:
            if job.done.done():
                continue
            fits = not batch or (job.target is batch[0].target and job.task == batch[0].task)
            has_space = not batch or len(batch) < batch[0].target.traits.batch_size
            (batch if fits and has_space else left).append(job)
        self._waiting = left
        return batch


def _call(batch: Sequence[_QueuedItem]) -> list[Any]:
    """Returns one result an item.

    Raises:
        ModelError: the model has tried to end the program, or has returned another number of results; both would
            otherwise end the server or leave requests without a response.
        Exception: any other exception of the model.
    """
    first = batch[0]
    try:
        made = first.target.answer([job.item for job in batch], [job.seed for job in batch], first.task)
    except (StopIteration, StopAsyncIteration) as error:  # an event loop does not pass these on
        raise ModelError(f"The model raised {type(error).__name__}.") from error
    except Exception:
        raise
    except BaseException as error:  # noqa: BLE001 - SystemExit and its like would end the server for all clients
        raise ModelError(f"The model tried to end the program ({type(error).__name__}).") from error
    if len(made) != len(batch):
        raise ModelError(f"The model returned {len(made)} results for {len(batch)} items.")
    return made
