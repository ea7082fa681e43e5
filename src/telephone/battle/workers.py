"""Threads that call players: one for each local device, several for a player that allows it, all easy to abandon."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue

from telephone.battle.model_calls import Reply


@dataclass(frozen=True)
class Job:
    """A call to be made."""

    number: int
    lane: str
    work: Callable[[], list[Reply]]
    after: Callable[[list[Reply]], None] | None = None
    """What is done with the replies when the player is free again; its errors are for others to find."""


@dataclass(frozen=True)
class Done:
    """A call that has come back; a number of -1 only wakes the one who waits."""

    number: int
    replies: tuple[Reply, ...] = ()
    freed: bool = False
    """Whether this only says that the player is free; the replies come with another one."""
    error: BaseException | None = None


WAKE = Done(-1)


class Lanes:
    """Named lanes of threads. The threads are daemons: a call that never returns does not keep the program alive."""

    def __init__(self) -> None:
        """Starts without any thread."""
        self.done: SimpleQueue[Done] = SimpleQueue()
        """Where calls come back, in the order in which they end; `put` is safe even in a signal handler."""
        self._jobs: dict[str, SimpleQueue[Job | None]] = {}
        self._threads: dict[str, int] = {}

    def submit(self, job: Job, busy: int) -> None:
        """Hands a job to its lane; `busy` jobs of it, this one included, have not come back: each has its thread."""
        self._jobs.setdefault(job.lane, SimpleQueue()).put(job)
        if self._threads.get(job.lane, 0) < busy:
            self._start(job.lane)

    def replace(self, lane: str) -> None:
        """Starts another thread in a lane one of whose threads hangs."""
        self._start(lane)

    def close(self) -> None:
        """Lets every thread end that is not in a call."""
        for lane, jobs in self._jobs.items():
            for _ in range(self._threads[lane]):
                jobs.put(None)

    def _start(self, lane: str) -> None:
        self._threads[lane] = self._threads.get(lane, 0) + 1
        threading.Thread(target=self._work, args=(self._jobs[lane],), name=f"telephone {lane}", daemon=True).start()

    def _work(self, jobs: "SimpleQueue[Job | None]") -> None:
        while (job := jobs.get()) is not None:
            try:
                replies = job.work()
                if job.after is not None:
                    self.done.put(Done(job.number, freed=True))
                    job.after(replies)
                done = Done(job.number, tuple(replies))
            except BaseException as error:  # noqa: BLE001 - handed to the thread that waits, which raises it again
                done = Done(job.number, error=error)
            self.done.put(done)
