"""Progress of the lineage on stderr: which operation runs, how far it is, and how long the rest takes."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from telephone.cli.formatting import clock
from telephone.cli.output import console, note
from telephone.cli.progress import EVERY

if TYPE_CHECKING:
    from telephone.pipeline import LineageProgress, LineageWatcher


@contextmanager
def watching_lineage() -> Iterator["LineageWatcher"]:
    """Gives the watcher for this stderr, and removes its bar at the end."""
    if not sys.stderr.isatty():
        yield LineageLines().show
        return
    bar = LineageBar()
    try:
        yield bar.show
    finally:
        bar.close()


class TimeLeft:
    """Estimates the time that is left from the share that is done; operations count alike, one alone by its steps."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._step = ""

    def words(self, progress: "LineageProgress") -> str:
        """Returns the time such as `0:45 left`; empty until enough is known."""
        alone = progress.operations == 1
        if alone and progress.what != self._step:
            self._start, self._step = time.monotonic(), progress.what
        share = share_done(progress)
        seconds = time.monotonic() - self._start
        if share < 0.02 or seconds < 1:
            return ""
        return f"{clock(seconds * (1 - share) / share)} left{' in this step' if alone else ''}"


def share_done(progress: "LineageProgress") -> float:
    """Returns the share of all operations that is done."""
    inner = progress.done / progress.total if progress.total else 0.0
    return (progress.position + min(1.0, inner)) / progress.operations


def words_of(progress: "LineageProgress") -> str:
    """Returns the operation and its current step."""
    place = f"{progress.position + 1}/{progress.operations} " if progress.operations > 1 else ""
    step = f": {progress.what} {progress.done}/{progress.total}" if progress.total else ""
    return f"{place}{progress.operation}{step}"


class LineageLines:
    """Writes a line for each operation and every few seconds."""

    def __init__(self) -> None:
        self._left = TimeLeft()
        self._due = 0.0

    def show(self, progress: "LineageProgress") -> None:
        """Shows the progress."""
        now = time.monotonic()
        if progress.total and now < self._due:
            return
        self._due = now + EVERY
        note(", ".join(part for part in (words_of(progress), self._left.words(progress)) if part))


class LineageBar:
    """Draws one bar over all operations."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        self._left = TimeLeft()
        self._progress = Progress(
            BarColumn(bar_width=24),
            TextColumn("{task.description}"),
            TextColumn("[dim]{task.fields[left]}"),
            console=console(err=True),
            transient=True,
        )
        self._task: Any = None

    def show(self, progress: "LineageProgress") -> None:
        """Shows the progress."""
        if self._task is None:
            self._progress.start()
            self._task = self._progress.add_task("", total=1.0, left="")
        left = self._left.words(progress)
        self._progress.update(self._task, completed=share_done(progress), description=words_of(progress), left=left)

    def close(self) -> None:
        """Removes the bar."""
        if self._task is not None:
            self._progress.stop()
