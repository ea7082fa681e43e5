"""`telephone resume`: continues a run that was stopped, in its folder."""

from telephone.cli.forecast import confirmation, forecast_json, forecast_lines, print_models
from telephone.cli.formatting import counted
from telephone.cli.options import (
    JUDGE,
    Budget,
    DryRun,
    EmbedderRef,
    Folder,
    InFlight,
    Json,
    NoReport,
    Retry,
    UnknownCost,
    Yes,
)
from telephone.cli.output import echo, print_json
from telephone.cli.parsing import refs
from telephone.cli.session import run_session

NAME = "resume"


def command(
    folder: Folder,
    embedder: EmbedderRef = JUDGE,
    retry_failed: Retry = False,
    no_report: NoReport = False,
    budget: Budget = None,
    allow_unknown_cost: UnknownCost = False,
    in_flight: InFlight = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Continue a run that was stopped: its results stay, no finished call is made again."""
    from telephone import pipeline

    options = pipeline.PlayOptions(refs([embedder]), not no_report, retry_failed, budget, allow_unknown_cost, in_flight)
    if not dry_run:
        confirm = confirmation(yes)
        run_session(lambda progress: pipeline.resume(folder, options, confirm=confirm, progress=progress), json)
        return
    ahead = pipeline.forecast_resume(folder, options).forecast
    if json:
        print_json({"folder": str(folder), "games_left": ahead.games, **forecast_json(ahead)})
        return
    echo(f"{counted(ahead.games, 'game')} left in {folder}")
    print_models(ahead)
    for line in forecast_lines(ahead, budget):
        echo(line)
