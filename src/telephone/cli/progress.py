"""What a waiting person sees: bars on a terminal, a line now and then elsewhere; always on stderr."""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from telephone.cli.output import console, tell, visible
from telephone.cli.parsing import counted

if TYPE_CHECKING:
    from telephone.battle import Event

EVERY = 5.0
"""Seconds between two lines where there is no terminal."""


class Watcher(Protocol):
    """Is told what happens."""

    def event(self, event: "Event") -> None:
        """Takes an event of the engine."""

    def judged(self, judge: str, done: int, total: int) -> None:
        """Takes the progress of a judge."""


@contextmanager
def watching() -> Iterator[Watcher]:
    """Gives the watcher that suits this stderr, and clears up behind it."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    bars = Bars()
    with bars.progress:
        yield bars


@dataclass
class ThroughputEstimate:
    """Where the engine is, and how fast it gets there."""

    games: int = 0
    games_total: int = 0
    hops: int = 0
    hops_total: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    loading: str = ""
    retries: int = 0
    silent: dict[str, str] = field(default_factory=dict)
    """Services that do not answer, and what they said."""
    _before: int = 0
    _clock: float = 0.0

    def take(self, event: "Event") -> None:
        """Counts an event."""
        from telephone.battle import CircuitClosed, CircuitOpened, GameEnded, HopDone, ModelReady, Retried, Started

        if isinstance(event, Started):
            self.hops = self._before = event.hops_done
            self.hops_total, self.games_total = event.hops_total, event.games
            self._clock = time.monotonic()
        elif isinstance(event, HopDone):
            self.hops, self.loading = event.hops_done, ""
        elif isinstance(event, GameEnded):
            self.games = event.games_ended
            self.ended[event.state] += 1
        elif isinstance(event, ModelReady):
            self.loading = event.ref
        elif isinstance(event, Retried):
            self.retries += 1
        elif isinstance(event, CircuitOpened):
            self.silent[event.service] = event.reason
        elif isinstance(event, CircuitClosed):
            self.silent.pop(event.service, None)

    @property
    def words(self) -> str:
        """Speed and time left, as far as they are known."""
        made, seconds = self.hops - self._before, time.monotonic() - self._clock
        if self.loading:
            return f"waiting for {self.loading}"
        if not made or seconds < 0.2:
            return ""
        rate = made / seconds
        return f"{rate:.3g} hops/s, {clock((self.hops_total - self.hops) / rate)} left{self.trouble}"

    @property
    def trouble(self) -> str:
        """How many games ended early, how many calls are made again, and who does not answer."""
        parts = [f"{self.ended[state]} {state}" for state in ("failed", "refused") if self.ended[state]]
        parts += [f"{counted(self.retries, 'call')} unanswered"] if self.retries else []
        parts += [f"{name} is down" for name in self.silent]
        return "".join(f", {part}" for part in parts)


def news(event: "Event") -> str:
    """Returns a line for what a waiting person wants to know at once, empty for everything else."""
    from telephone.battle import CircuitClosed, CircuitOpened

    if isinstance(event, CircuitOpened):
        reason = visible(event.reason)
        return f"{event.service} is left alone for {clock(event.seconds)} and then tried again; its last call: {reason}"
    return f"{event.service} is back." if isinstance(event, CircuitClosed) else ""


class Lines:
    """Writes a line every few seconds."""

    def __init__(self) -> None:
        self._pace = ThroughputEstimate()
        self._due = 0.0

    def event(self, event: "Event") -> None:
        """Takes an event of the engine."""
        self._pace.take(event)
        if line := news(event):
            tell(line)
        now = time.monotonic()
        last = self._pace.hops == self._pace.hops_total or self._pace.games == self._pace.games_total
        if not self._due:
            self._due = now + EVERY
        elif now >= self._due and not last:
            self._due = now + EVERY
            pace = self._pace
            tell(
                f"games {pace.games}/{pace.games_total}, hops {pace.hops}/{pace.hops_total}, {pace.words}".rstrip(", ")
            )

    def judged(self, judge: str, done: int, total: int) -> None:
        """Takes the progress of a judge."""
        now = time.monotonic()
        if now >= self._due:
            self._due = now + EVERY
            tell(f"{judge}: {done}/{total}")


class Bars:
    """Draws a bar for games, one for hops and one for each judge."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TextColumn("[dim]{task.fields[words]}"),
            console=console(err=True),
            transient=True,
        )
        self._pace = ThroughputEstimate()
        self._tasks: dict[str, Any] = {}

    def event(self, event: "Event") -> None:
        """Takes an event of the engine."""
        self._pace.take(event)
        if line := news(event):
            self.progress.console.print(line, markup=False)
        pace = self._pace
        self._show("games", pace.games, pace.games_total, "")
        self._show("hops", pace.hops, pace.hops_total, pace.words)

    def judged(self, judge: str, done: int, total: int) -> None:
        """Takes the progress of a judge."""
        self._show(judge, done, total, "")

    def _show(self, name: str, done: int, total: int, words: str) -> None:
        if name not in self._tasks:
            self._tasks[name] = self.progress.add_task(name, total=total, words=words)
        self.progress.update(self._tasks[name], completed=done, total=total, words=words)


def clock(seconds: float) -> str:
    """Returns a time such as `0:45` or `2:03:10`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
