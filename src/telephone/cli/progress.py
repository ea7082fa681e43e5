"""Progress on stderr: bars on a terminal, a line every few seconds elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from telephone.cli.output import console, note
from telephone.cli.throughput import ThroughputEstimate, news

if TYPE_CHECKING:
    from telephone.pipeline import Event, JudgeProgress

EVERY = 5.0
"""Seconds between two lines where there is no terminal."""


class Watcher(Protocol):
    """Shows the progress of the pipeline."""

    def event(self, event: "Event") -> None:
        """Shows an event."""


@contextmanager
def watching() -> Iterator[Watcher]:
    """Gives the watcher for this stderr, and removes its bars at the end."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    bars = Bars()
    try:
        yield bars
    finally:
        bars.close()


class Lines:
    """Writes a line every few seconds."""

    def __init__(self) -> None:
        self._pace = ThroughputEstimate()
        self._due = 0.0

    def event(self, event: "Event") -> None:
        """Shows an event."""
        from telephone.pipeline import JudgeProgress

        if isinstance(event, JudgeProgress):
            self._judged(event)
            return
        pace = self._pace
        pace.take(event)
        if line := news(event):
            note(line)
        now = time.monotonic()
        last = pace.hops == pace.hops_total or pace.games == pace.games_total
        if not self._due:
            self._due = now + EVERY
        elif now >= self._due and not last:
            self._due = now + EVERY
            note(
                f"games {pace.games}/{pace.games_total}, hops {pace.hops}/{pace.hops_total}, {pace.words}".rstrip(", ")
            )

    def _judged(self, event: "JudgeProgress") -> None:
        now = time.monotonic()
        if now >= self._due:
            self._due = now + EVERY
            note(f"{event.judge}: {event.done}/{event.total}")


class Bars:
    """Draws a bar for games, one for hops and one for each judge; the first event that has one starts the display."""

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
        """Shows an event."""
        from telephone.pipeline import JudgeProgress

        if isinstance(event, JudgeProgress):
            self._show(event.judge, event.done, event.total, "")
            return
        pace = self._pace
        pace.take(event)
        if line := news(event):
            self.progress.console.print(line, markup=False)
        if pace.hops_total:
            self._show("games", pace.games, pace.games_total, "")
            self._show("hops", pace.hops, pace.hops_total, pace.words)

    def close(self) -> None:
        """Removes the bars."""
        if self._tasks:
            self.progress.stop()

    def _show(self, name: str, done: int, total: int, words: str) -> None:
        if not self._tasks:
            self.progress.start()  # not before, as a question about the cost may come first
        if name not in self._tasks:
            self._tasks[name] = self.progress.add_task(name, total=total, words=words)
        self.progress.update(self._tasks[name], completed=done, total=total, words=words)
