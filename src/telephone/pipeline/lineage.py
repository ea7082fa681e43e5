"""The operations of the DALL-E family: one with its options, or all of them as one HTML page."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from telephone.core import settings
from telephone.core.output_files import check_output, write_output

if TYPE_CHECKING:
    from telephone.lineage.context import LineageContext
    from telephone.lineage.operation import Operation, Options
    from telephone.lineage.result import OperationResult
    from telephone.lineage.running import OperationOutcome

FILE = "lineage.html"
"""Name of the page in the folder of its run."""


@dataclass(frozen=True)
class LineageProgress:
    """How far the current operation is."""

    operation: str
    """Its name."""
    position: int
    """Its place among the operations, from 0."""
    operations: int
    """How many there are."""
    done: int = 0
    total: int = 0
    """Items of the current step; 0 if nothing is known yet."""
    what: str = ""
    """The items, such as `calls of pocket/glide`."""


LineageWatcher = Callable[[LineageProgress], None]
"""Receives the progress of operations."""


@dataclass(frozen=True)
class LineagePage:
    """The page, and how its operations ended."""

    path: Path
    folder: Path
    """The run with all calls; the same command again makes none of them again."""
    outcomes: tuple[OperationOutcome, ...]
    seconds: float

    @property
    def failed(self) -> tuple[OperationOutcome, ...]:
        """The operations that failed."""
        return tuple(each for each in self.outcomes if each.result is None)


def ignore_progress(progress: LineageProgress) -> None:
    """Reports nothing."""


def lineage_operations() -> list[Operation]:
    """Returns the declarations of all operations, in the order of the page."""
    from telephone.lineage.all_operations import available, load_operation

    return [load_operation(name) for name in available()]


def lineage_operation(
    name: str,
    options: Options | None = None,
    folder: str | Path | None = None,
    *,
    progress: LineageWatcher = ignore_progress,
    budget: float | None = None,
) -> OperationResult:
    """Runs one operation of the lineage.

    Args:
        name: such as `vary`.
        options: of the operation's own class, such as `telephone.lineage.vary.VaryOptions`; None takes the defaults.
        folder: of the run that keeps the calls; None is `lineage` under the setting `TELEPHONE_RUNS`.
        progress: receives how far it is.
        budget: US dollars that all calls of the run may cost.

    Raises:
        UsageError: there is no such operation, or an option cannot be used.
        ModelError: a model failed.
        StoreError: the folder cannot be written.
    """
    from telephone.lineage.all_operations import load_operation
    from telephone.lineage.running import run_operation

    operation = load_operation(name)
    with _context(folder, LineageProgress(name, 0, 1), progress, budget)[0] as context:
        return run_operation(context, operation, options)


def lineage_page(
    folder: str | Path | None = None,
    output: str | Path | None = None,
    operations: Sequence[str] = (),
    *,
    progress: LineageWatcher = ignore_progress,
    budget: float | None = None,
) -> LineagePage:
    """Runs all operations of the lineage and writes them as one HTML page that loads nothing from the network.

    An operation that fails is shown with its reason, and the others go on.

    Args:
        folder: of the run that keeps the calls; None is `lineage` under the setting `TELEPHONE_RUNS`.
        output: the page; None is `lineage.html` in the folder.
        operations: names of those that are wanted; empty means all.
        progress: receives how far it is.
        budget: US dollars that all calls of the run may cost.

    Raises:
        UsageError: there is no such operation, or the name of the page does not end in .html.
        StoreError: the folder or the page cannot be written.
    """
    from telephone.lineage.all_operations import OPERATIONS, available, load_operation
    from telephone.lineage.page import render_lineage_page
    from telephone.lineage.running import run_all

    for name in operations:
        load_operation(name)
    wanted = [name for name in OPERATIONS if name in (operations or available())]
    where = Path(folder) if folder is not None else default_lineage_folder()
    path = check_output(Path(output), (".html",)) if output is not None else where / FILE
    clock = time.perf_counter()
    context, begun = _context(where, LineageProgress(wanted[0], 0, len(wanted)), progress, budget)
    with context:
        outcomes = tuple(run_all(context, wanted, begun))
        seconds = time.perf_counter() - clock
        write_output(path, render_lineage_page(outcomes, seconds).encode(errors="backslashreplace"))
    return LineagePage(path, where, outcomes, seconds)


def write_operation(result: OperationResult, path: str | Path) -> Path:
    """Writes the pictures of an operation: a sheet, a film of its longest strip, or a file that it made.

    Args:
        result: as `lineage_operation` returns it.
        path: ends in .png (sheet), .webp, .gif or .mp4 (film), or like one of `result.files`, such as .svg.

    Raises:
        UsageError: the operation has made no such file.
        StoreError: the file cannot be written.
    """
    from telephone.core.images import encode_png
    from telephone.lineage.film import write_strip_film
    from telephone.lineage.sheet import operation_sheet

    target = Path(path)
    made = {Path(name).suffix.lower(): data for name, data in result.files.items()}
    check_output(target, tuple(dict.fromkeys((".png", ".webp", ".gif", ".mp4", *made))))
    suffix = target.suffix.lower()
    if suffix in made:
        write_output(target, made[suffix])
    elif suffix in (".webp", ".gif", ".mp4"):
        write_strip_film(result, target)
    else:
        write_output(target, encode_png(operation_sheet(result)))
    return target


def default_lineage_folder() -> Path:
    """Returns the folder of the run where none is named."""
    return settings.load().runs_dir / "lineage"


def _context(
    folder: str | Path | None, first: LineageProgress, progress: LineageWatcher, budget: float | None
) -> tuple[LineageContext, Callable[[int, int, str], None]]:
    """Returns a context that reports, and the function to be called when an operation begins."""
    from telephone.lineage.context import LineageContext

    now = first

    def begun(position: int, operations: int, name: str) -> None:
        nonlocal now
        now = LineageProgress(name, position, operations)
        progress(now)

    def report(done: int, total: int, what: str) -> None:
        progress(LineageProgress(now.operation, now.position, now.operations, done, total, what))

    where = Path(folder) if folder is not None else default_lineage_folder()
    return LineageContext(where, report, budget=budget), begun
