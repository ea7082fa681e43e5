"""What the engine needs from its users: programs and jobs that make requests, and a store that keeps the calls."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from telephone.core.records import Artefact, Call, Outcome, Request, Spending, WriteOff


class Job(Protocol):
    """A chain of calls: the next request may depend on the results before it."""

    def next_request(self) -> Request | None:
        """Returns the call that the job waits for, None if the job has ended; calling it twice changes nothing."""

    def accept(self, call: Call, shared: bool) -> Any:
        """Takes the result of the request.

        Args:
            call: how the call ended.
            shared: whether it was made for an equal request of another job, or in an earlier session.

        Returns:
            a row that the store writes in the same transaction as the call, or None.
        """


class Program(Protocol):
    """A list of jobs."""

    @property
    def prices(self) -> Mapping[str, float | None]:
        """US dollars an item by address of the model; None is unknown."""

    def jobs(self) -> Iterator[Job]:
        """Yields every job, in the order in which they start; the next one is made when there is room for it."""


class CallStore(Protocol):
    """Keeps calls. Every method that writes does it in one transaction, on the disk when it returns."""

    def find_call(self, key: str) -> Call | None:
        """Returns the call with outcome `ok` of this request key, None if there is none."""

    def reserve(self, requests: Sequence[Request]) -> None:
        """Notes that calls which may cost money are about to be sent."""

    def record(self, calls: Sequence[Call], links: Sequence[Any]) -> None:
        """Writes calls, each in place of its reservation, and the rows that jobs returned for them."""

    def write_off(self, rows: Sequence[WriteOff]) -> None:
        """Writes spending for which no call will be recorded, in place of its reservation."""

    def recover(self) -> None:
        """Counts reservations that a killed session left as calls of unknown cost; comes before the first request."""

    def spending(self) -> dict[str, Spending]:
        """Returns by model what all calls of all sessions have cost and how long they took."""

    def write_images(self, images: Sequence[Artefact]) -> None:
        """Writes images that `record` will refer to; called from several threads."""


@dataclass
class JobList:
    """A program of jobs that are there already."""

    items: Sequence[Job]
    prices: Mapping[str, float | None] = field(default_factory=dict)

    def jobs(self) -> Iterator[Job]:
        """Yields the jobs in order."""
        yield from self.items


@dataclass
class RequestJob:
    """A job of one request."""

    request: Request
    call: Call | None = None
    """The result, None until it is there."""

    def next_request(self) -> Request | None:
        """Returns the request until its result is there."""
        return self.request if self.call is None else None

    def accept(self, call: Call, shared: bool) -> None:
        """Keeps the result."""
        self.call = call


def request_list(requests: Iterable[Request], prices: Mapping[str, float | None] | None = None) -> JobList:
    """Returns a program of independent requests; after the run, the `call` of each job is its result.

    Args:
        requests: each becomes a `RequestJob`.
        prices: US dollars an item by address of the model, where known.
    """
    return JobList([RequestJob(request) for request in requests], prices or {})


class MemoryCallStore:
    """A call store that ends with the process."""

    def __init__(self) -> None:
        """Starts empty."""
        self.calls: list[Call] = []
        """Every call, in the order in which they ended."""
        self.links: list[Any] = []
        """The rows that jobs returned."""
        self._found: dict[str, Call] = {}
        self._written_off: list[WriteOff] = []

    def find_call(self, key: str) -> Call | None:
        """Returns the call with outcome `ok` of this request key."""
        return self._found.get(key)

    def reserve(self, requests: Sequence[Request]) -> None:
        """Does nothing: no later session could find the reservation."""

    def record(self, calls: Sequence[Call], links: Sequence[Any]) -> None:
        """Keeps calls and rows."""
        self.calls.extend(calls)
        self.links.extend(links)
        self._found.update((call.request.key, call) for call in calls if call.outcome is Outcome.OK)

    def write_off(self, rows: Sequence[WriteOff]) -> None:
        """Keeps spending without a call."""
        self._written_off.extend(rows)

    def recover(self) -> None:
        """Does nothing: there is no earlier session."""

    def spending(self) -> dict[str, Spending]:
        """Returns what the calls have cost by model."""
        found: dict[str, Spending] = {}
        rows = [(c.request.model, c.attempts, c.cost, c.unpriced) for c in self.calls]
        for model, calls, cost, unpriced in [*rows, *((w.model, w.calls, w.cost, 0) for w in self._written_off)]:
            found[model] = found.get(model, Spending(model)).plus(calls, cost, unpriced)
        return found

    def write_images(self, images: Sequence[Artefact]) -> None:
        """Does nothing: the calls hold the images."""
