"""The result of `telephone play` and `telephone resume` as tables and as a JSON document."""

from typing import TYPE_CHECKING, Any

from telephone.cli.forecast import cost_of
from telephone.cli.formatting import clock, counted
from telephone.cli.leaderboard_tables import boards_json, print_boards
from telephone.cli.output import echo, print_json, print_warning
from telephone.core.file_names import shell_word

if TYPE_CHECKING:
    from telephone.battle import RunResult
    from telephone.pipeline import PlayResult

_MORE = {"service": "", "budget": " --budget MORE"}
"""What the command that continues a run needs besides the folder, by the reason why it stopped."""


def print_result(result: "PlayResult", json: bool) -> None:
    """Writes leaderboards, answers, counts and the next commands to stdout, or one JSON document."""
    assert result.summary is not None, "a run that was not interrupted has a summary"
    if result.judging.missing:
        print_warning(f"The distances are left out. {result.judging.missing}")
    if json:
        print_json(_result_json(result) | boards_json(result.summary))
        return
    run, folder = result.run, shell_word(result.folder)
    print_boards(result.summary)
    echo(_counts(run))
    if not run.hops and not run.unfinished:
        echo("It was finished before: no game was left to play.")
    for halt in run.halts:
        echo(f"{halt.message} Continue with: telephone resume {folder}{_MORE[halt.why]}")
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
        "halts": [{"why": halt.why, "words": halt.message} for halt in run.halts],
    }
