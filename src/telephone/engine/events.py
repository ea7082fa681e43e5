"""What the engine reports while it runs, and its result."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from telephone.core.records import Call
from telephone.engine.budget import Bill
from telephone.engine.interfaces import Job


@dataclass(frozen=True)
class ModelReady:
    """A model is about to make its first call in this process; its weights may be loaded then."""

    ref: str


@dataclass(frozen=True)
class CallFinished:
    """A request of a job is answered."""

    job: Job
    call: Call
    shared: bool
    """Whether the call was made for an equal request."""
    link: Any
    """What the job returned for the store."""


@dataclass(frozen=True)
class JobEnded:
    """A job has no further request."""

    job: Job


@dataclass(frozen=True)
class Retried:
    """A call had no answer; its request is sent again later."""

    ref: str
    reason: str
    seconds: float
    """Until then."""


@dataclass(frozen=True)
class CircuitOpened:
    """A service does not answer and gets no calls for a while; reported again after each probe without an answer."""

    service: str
    reason: str
    seconds: float
    """Until the next probe."""


@dataclass(frozen=True)
class CircuitClosed:
    """A service answers again."""

    service: str


EngineEvent = ModelReady | CallFinished | JobEnded | Retried | CircuitOpened | CircuitClosed
EngineProgress = Callable[[EngineEvent], None]


@dataclass(frozen=True)
class Halt:
    """Why a run ended before its jobs did."""

    why: Literal["service", "budget"]
    message: str
    """One sentence."""


@dataclass(frozen=True)
class EngineResult:
    """How a program stands when the engine returns; counts are of this session."""

    interrupted: bool
    """Whether a stop was requested while it ran, even in the last call."""
    results: int
    """Requests that were answered."""
    calls: int
    """Calls of models, one for each item of a batch, unanswered ones included."""
    reused: int
    """Requests that were answered by the call of an equal one."""
    cost: float | None
    """US dollars; None if a model does not report what it costs."""
    seconds: float
    bill: Bill = field(default_factory=Bill)
    """What all sessions together have cost."""
    retries: int = 0
    """Calls without an answer whose requests were sent again."""
    halts: tuple[Halt, ...] = ()
    """Why jobs are not over although no stop was requested; the same program again continues them."""
