"""One sitting of a run, for `play` and `resume`: play what is left, judge it, write the report, tell how it stands."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from telephone.cli.command_group import FAILED, STOPPED
from telephone.cli.cost_confirmation import SpendingOptions, paid
from telephone.cli.leaderboard_tables import as_json as boards_as_json
from telephone.cli.leaderboard_tables import print_boards
from telephone.cli.output import print_json, say, tell, warn
from telephone.cli.parsing import counted, refs
from telephone.cli.progress import Watcher, clock, watching
from telephone.core.errors import WeightsError

if TYPE_CHECKING:
    from telephone.battle import RunResult as Played
    from telephone.store import Run

_MORE = {"service": "", "budget": " --budget MORE"}
"""What the command that goes on needs beside the folder."""


@dataclass(frozen=True)
class Wishes:
    """What a person wants of a sitting."""

    embedder: str
    report: bool = True
    json: bool = False
    retry_failed: bool = False
    purse: SpendingOptions = SpendingOptions()


def sit(run: "Run", wishes: Wishes) -> None:
    """Plays a run to its end, judges it, writes its report and prints how it stands.

    Raises:
        typer.Exit: with 1 if games failed, could not be judged or are not over, with 130 if somebody stopped it.
    """
    from telephone.battle import play

    with stoppable(run.folder), watching() as watcher:
        purse = wishes.purse
        played = play(
            run,
            progress=watcher.event,
            retry_failed=wishes.retry_failed,
            limits=purse.limits(),
            budget=purse.budget,
        )
        if played.interrupted:
            raise KeyboardInterrupt
        verdict = judge(run, wishes.embedder, watcher)
    if verdict.missing:
        warn(f"The distances are left out. {verdict.missing}")
    with stoppable(run.folder):
        report = _report(run, verdict) if wishes.report else None
        _tell(run, played, report, verdict, wishes.json)
    if played.failed or played.refused or played.unfinished or verdict.missing:
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


def judge(run: "Run", embedder: str, watcher: Watcher) -> "Verdict":
    """Puts numbers on what has none yet.

    A sentence model that is not installed takes nothing away from the facts, which need no weights.
    """
    from telephone.judge import DEFAULT_EMBEDDER, default_embedders, score

    chosen = default_embedders(run) if embedder == DEFAULT_EMBEDDER else refs([embedder])
    first, missing = None, ""
    for ref in chosen:
        try:
            made = score(run, ref, facts=False, progress=watcher.judged, full=True)
        except WeightsError as error:
            missing = missing or str(error)
        else:
            distances = [each.identity for each in made if each.judge.startswith("distance") and each.cases]
            first = first or next(iter(distances), None)
    score(run, None, progress=watcher.judged, full=True)
    return Verdict(None if missing else first, missing)


@dataclass(frozen=True)
class Verdict:
    """Who has judged the distances."""

    identity: str | None = None
    """The judge that was asked for; None if it has said nothing."""
    missing: str = ""
    """Why it could not be heard."""


def _report(run: "Run", verdict: Verdict) -> Path:
    from telephone.report import write_report

    return write_report(run, distance_judge=verdict.identity)


def _tell(run: "Run", played: "Played", report: Path | None, verdict: Verdict, json: bool) -> None:
    from telephone.analysis import summarise

    found = summarise(run, verdict.identity)
    if json:
        print_json(_as_json(run, played, report) | boards_as_json(found))
        return
    print_boards(found)
    say(_counts(played))
    if not played.hops and not played.unfinished:
        say("It was finished before: nothing was left to play.")
    for halt in played.halts:
        say(f"{halt.words} Go on with: telephone resume {run.folder}{_MORE[halt.why]}")
    if played.failed or played.refused:
        say(f"Try those again: telephone resume {run.folder} --retry-failed")
    if report is not None:
        say(f"Report: {report}")
    say(f"Games:  telephone show {run.folder}")


def _counts(played: "Played") -> str:
    parts = [f"{played.done} done"]
    parts += [f"{number} {word}" for word in ("failed", "refused") if (number := getattr(played, word))]
    made = f"; {counted(played.hops, 'hop')} in {clock(played.seconds)}" if played.hops else ""
    parts += [f"{played.unfinished} unfinished"] if played.unfinished else []
    shared = f", {played.reused} of them answered by equal ones" if played.reused else ""
    again = f", {counted(played.retries, 'call')} unanswered" if played.retries else ""
    bill = played.bill
    cost = f", {paid(bill.known, bill.unknown)}" if bill.known or bill.unknown else ""
    return f"{counted(played.games, 'game')}: {', '.join(parts)}{made}{shared}{again}{cost}."


def _as_json(run: "Run", played: "Played", report: Path | None) -> dict[str, Any]:
    names = (
        "games", "done", "failed", "refused", "unfinished", "hops", "calls", "retries", "reused", "cost", "seconds",
    )  # fmt: skip
    return {
        "folder": str(run.folder),
        "report": None if report is None else str(report),
        **{name: getattr(played, name) for name in names},
        "spent": {"known": played.bill.known, "calls_of_unknown_cost": played.bill.unknown},
        "halts": [{"why": halt.why, "words": halt.words} for halt in played.halts],
    }
