"""What `play` and `resume` share: progress, Ctrl-C and SIGTERM, and the printed result."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from telephone.cli.command_group import FAILED, STOPPED
from telephone.cli.forecast import cost_of, print_costs
from telephone.cli.leaderboard_tables import boards_json, print_boards
from telephone.cli.output import clock, counted, echo, note, print_json, print_warning
from telephone.cli.progress import watching

if TYPE_CHECKING:
    from telephone.battle import RunResult
    from telephone.pipeline import Event, PlayResult, Progress

_MORE = {"service": "", "budget": " --budget MORE"}
"""What the command that continues a run needs besides the folder, by the reason why it stopped."""


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
        note(f"Stopped. Continue with: telephone resume {folders[-1]}" if folders else "Stopped.")
        raise typer.Exit(STOPPED) from error


def print_result(result: "PlayResult", json: bool) -> None:
    """Writes leaderboards, answers, counts and the next commands to stdout, or one JSON document."""
    assert result.summary is not None, "a run that was not interrupted has a summary"
    if result.judging.missing:
        print_warning(f"The distances are left out. {result.judging.missing}")
    if json:
        print_json(_result_json(result) | boards_json(result.summary))
        return
    run, folder = result.run, result.folder
    print_boards(result.summary)
    echo(_counts(run))
    if not run.hops and not run.unfinished:
        echo("It was finished before: no game was left to play.")
    for halt in run.halts:
        echo(f"{halt.words} Continue with: telephone resume {folder}{_MORE[halt.why]}")
    if run.failed or run.refused:
        echo(f"Try those again: telephone resume {folder} --retry-failed")
    if result.report is not None:
        echo(f"Report: {result.report}")
    echo(f"Games:  telephone show {folder}")


def _counts(run: "RunResult") -> str:
    parts = [f"{run.done} done"]
    parts += [f"{number} {word}" for word in ("failed", "refused") if (number := getattr(run, word))]
    made = f"; {counted(run.hops, 'hop')} in {clock(run.seconds)}" if run.hops else ""
    parts += [f"{run.unfinished} unfinished"] if run.unfinished else []
    shared = f", {run.reused} of them reused from equal calls" if run.reused else ""
    retries = f", {counted(run.retries, 'call')} without an answer" if run.retries else ""
    bill = run.bill
    cost = f", {cost_of(bill.known, bill.unknown)}" if bill.known or bill.unknown else ""
    return f"{counted(run.games, 'game')}: {', '.join(parts)}{made}{shared}{retries}{cost}."


def _result_json(result: "PlayResult") -> dict[str, Any]:
    names = (
        "games", "done", "failed", "refused", "unfinished", "hops", "calls", "retries", "reused", "cost", "seconds",
    )  # fmt: skip
    run = result.run
    return {
        "folder": str(result.folder),
        "report": None if result.report is None else str(result.report),
        **{name: getattr(run, name) for name in names},
        "spent": {"known": run.bill.known, "calls_of_unknown_cost": run.bill.unknown},
        "halts": [{"why": halt.why, "words": halt.words} for halt in run.halts],
    }
