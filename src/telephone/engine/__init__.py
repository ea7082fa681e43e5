"""The engine: takes requests for model calls from a program and gives their results. It knows no game and no page."""

from telephone.engine.budget import Bill
from telephone.engine.events import (
    CallFinished,
    CircuitClosed,
    CircuitOpened,
    EngineEvent,
    EngineProgress,
    EngineResult,
    Halt,
    JobEnded,
    ModelReady,
    Retried,
)
from telephone.engine.interfaces import (
    CallStore,
    Job,
    JobList,
    MemoryCallStore,
    Program,
    RequestJob,
    request_list,
)
from telephone.engine.limits import USUAL, Limits, Retry, channel_of
from telephone.engine.scheduler import execute

__all__ = [
    "USUAL",
    "Bill",
    "CallFinished",
    "CallStore",
    "CircuitClosed",
    "CircuitOpened",
    "EngineEvent",
    "EngineProgress",
    "EngineResult",
    "Halt",
    "Job",
    "JobEnded",
    "JobList",
    "Limits",
    "MemoryCallStore",
    "ModelReady",
    "Program",
    "RequestJob",
    "Retried",
    "Retry",
    "channel_of",
    "execute",
    "request_list",
]
