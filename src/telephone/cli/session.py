"""What `play` and `resume` share: progress, confirmation, and the end by a signal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from telephone.cli.command_group import FAILED, STOPPED
from telephone.cli.forecast import print_costs
from telephone.cli.output import note
from telephone.cli.play_result import print_result
from telephone.cli.progress import watching
from telephone.core.file_names import shell_word

if TYPE_CHECKING:
    from telephone.pipeline import Event, PlayResult, Progress


def run_session(call: "Callable[[Progress], PlayResult]", json: bool, opened: "Progress | None" = None) -> None:
    """Calls the pipeline with a progress callback and prints what it returns.

    Args:
        call: `pipeline.play` or `pipeline.resume` with all its arguments but `progress`.
        json: prints one JSON document in place of tables.
        opened: called with each event, besides the progress display.

    Raises:
        typer.Exit: with 1 if games failed, are unfinished or have no distances; with 130 if a signal stopped it, or
            the cost was not confirmed.
    """
    from telephone.pipeline import CostNotConfirmed, ForecastReady, RunOpened

    folders: list[Path] = []

    def event(each: "Event") -> None:
        if isinstance(each, ForecastReady):
            print_costs(each)
        elif isinstance(each, RunOpened):
            folders.append(each.folder)
        if opened is not None:
            opened(each)
        watcher.event(each)

    with _stoppable(folders):
        try:
            with watching() as watcher:
                result = call(event)
        except CostNotConfirmed as error:
            note("Nothing was played.")
            raise typer.Exit(STOPPED) from error
        if result.interrupted:
            raise KeyboardInterrupt
        print_result(result, json)
    if not result.complete:
        raise typer.Exit(FAILED)


@contextmanager
def _stoppable(folders: list[Path]) -> Iterator[None]:
    """Prints the command that continues the run after Ctrl-C or SIGTERM.

    Raises:
        typer.Exit: with 130; the command's exit code is 143 after SIGTERM.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        note(f"Stopped. Continue with: telephone resume {shell_word(folders[-1])}" if folders else "Stopped.")
        raise typer.Exit(STOPPED) from error
