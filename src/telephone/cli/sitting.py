"""One sitting of a run, for `play` and `resume`: play what is left, judge it, write the report, tell how it stands."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from telephone.cli.group import FAILED, STOPPED
from telephone.cli.printing import print_json, say, tell, warn
from telephone.cli.progress import Watcher, clock, watching
from telephone.cli.words import counted
from telephone.errors import WeightsError

if TYPE_CHECKING:
    from telephone.runs import Summary
    from telephone.store import Run


@dataclass(frozen=True)
class Wishes:
    """What a person wants of a sitting."""

    embedder: str
    report: bool = True
    json: bool = False
    retry_failed: bool = False


def sit(run: "Run", wishes: Wishes) -> None:
    """Plays a run to its end, judges it, writes its report and prints how it stands.

    Raises:
        typer.Exit: with 1 if games failed or could not be judged, with 130 if somebody stopped it.
    """
    from telephone.runs import play

    with stoppable(run.folder), watching() as watcher:
        summary = play(run, progress=watcher.event, retry_failed=wishes.retry_failed)
        if summary.interrupted:
            raise KeyboardInterrupt
        judged = judge(run, wishes.embedder, watcher)
    with stoppable(run.folder):
        report = _report(run) if wishes.report else None
        _tell(run, summary, report, wishes.json)
    if summary.failed or summary.refused or not judged:
        raise typer.Exit(FAILED)


@contextmanager
def stoppable(folder: Path) -> Iterator[None]:
    """Turns Ctrl-C, at any moment, into the command that goes on.

    Raises:
        typer.Exit: with 130.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        tell(f"Stopped. Go on with: telephone resume {folder}")
        raise typer.Exit(STOPPED) from error


def judge(run: "Run", embedder: str, watcher: Watcher) -> bool:
    """Puts numbers on what has none yet; tells whether all judges could be heard.

    A sentence model that is not installed takes nothing away from the facts, which need no weights.
    """
    from telephone.judge import score

    try:
        score(run, embedder, progress=watcher.judged)
    except WeightsError as error:
        warn(f"The distances are left out. {error}")
        score(run, None, progress=watcher.judged)
        return False
    return True


def _report(run: "Run") -> Path:
    from telephone.report import write_report

    return write_report(run)


def _tell(run: "Run", summary: "Summary", report: Path | None, json: bool) -> None:
    from telephone.analysis import summary as summarise
    from telephone.cli.board import as_json, print_boards

    found = summarise(run)
    if json:
        print_json(_as_json(run, summary, report) | as_json(found))
        return
    print_boards(found)
    say(_counts(summary))
    if not summary.hops:
        say("It was finished before: nothing was left to play.")
    if summary.failed or summary.refused:
        say(f"Try those again: telephone resume {run.folder} --retry-failed")
    if report is not None:
        say(f"Report: {report}")
    say(f"Games:  telephone show {run.folder}")


def _counts(summary: "Summary") -> str:
    parts = [f"{summary.done} done"]
    parts += [f"{number} {word}" for word in ("failed", "refused") if (number := getattr(summary, word))]
    made = f"; {counted(summary.hops, 'hop')} in {clock(summary.seconds)}" if summary.hops else ""
    shared = f", {summary.reused} of them answered by equal ones" if summary.reused else ""
    paid = f", {summary.cost:.2f} US dollars" if summary.cost else ""
    return f"{counted(summary.games, 'game')}: {', '.join(parts)}{made}{shared}{paid}."


def _as_json(run: "Run", summary: "Summary", report: Path | None) -> dict[str, Any]:
    names = ("games", "done", "failed", "refused", "hops", "calls", "reused", "cost", "seconds")
    return {
        "folder": str(run.folder),
        "report": None if report is None else str(report),
        **{name: getattr(summary, name) for name in names},
    }
