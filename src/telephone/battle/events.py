"""What the engine tells while it plays, and what it says at the end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from telephone.battle.budget import Bill
from telephone.battle.rules import State
from telephone.core.records import Hop


@dataclass(frozen=True)
class Started:
    """The run is open; some of it may be done already."""

    hops_done: int
    hops_total: int
    """If no game ends early."""
    games: int


@dataclass(frozen=True)
class ModelReady:
    """A player is about to make its first call in this process; its weights may be loaded then."""

    ref: str


@dataclass(frozen=True)
class HopDone:
    """A hop has ended, however it ended."""

    hop: Hop
    conversation: str
    hops_done: int
    hops_total: int


@dataclass(frozen=True)
class GameEnded:
    """A game is over."""

    conversation: str
    state: State
    """done, failed or refused."""
    games_ended: int
    games_total: int


@dataclass(frozen=True)
class Retried:
    """A call had no answer; its ask waits for another one."""

    ref: str
    reason: str
    seconds: float
    """Until then."""


@dataclass(frozen=True)
class CircuitOpened:
    """A service does not answer and is left alone for a while; told again after each try that finds it silent."""

    service: str
    reason: str
    seconds: float
    """Until the next try."""


@dataclass(frozen=True)
class CircuitClosed:
    """A service answers again."""

    service: str


Event = Started | ModelReady | HopDone | GameEnded | Retried | CircuitOpened | CircuitClosed
Progress = Callable[[Event], None]


@dataclass(frozen=True)
class Halt:
    """Why a run ended before its games did."""

    why: Literal["service", "budget"]
    words: str
    """One sentence."""


@dataclass(frozen=True)
class RunResult:
    """How a run stands when the engine returns."""

    games: int
    done: int
    """Games played to their last turn, those of earlier sittings included, as in the next two."""
    failed: int
    refused: int
    interrupted: bool
    """Whether somebody stopped it; the same call again continues it."""
    hops: int
    """Hops written in this sitting."""
    calls: int
    """Calls made to players in this sitting, one for each item of a batch."""
    reused: int
    """Hops that took the answer of an equal ask."""
    cost: float | None
    """US dollars of this sitting; None if a player does not say what it costs."""
    seconds: float
    bill: Bill = Bill()
    """What all sittings together have cost."""
    retries: int = 0
    """Calls of this sitting that had no answer, so that their asks were put back to be made again."""
    halts: tuple[Halt, ...] = ()
    """Why games are not over although nobody stopped the run; the same call again continues it."""

    @property
    def unfinished(self) -> int:
        """Games that are not over."""
        return self.games - self.done - self.failed - self.refused
