"""`telephone resume`: goes on with a run that was stopped, in the folder where it lies."""

from telephone.cli.cost_confirmation import SpendingOptions, agree, as_json, print_shares, words
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
from telephone.cli.output import print_json, say
from telephone.cli.parsing import counted, refs
from telephone.cli.sitting import Wishes, sit

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
    """Go on with a run that was stopped: what is there stays, no finished call is made again."""
    from telephone import models
    from telephone.battle import forecast
    from telephone.store import Run

    for ref in refs([embedder]):
        models.embedder(ref)
    purse = SpendingOptions(budget, allow_unknown_cost, yes, in_flight)
    with Run.open(folder) as run:
        ahead = forecast(run.spec, run, limits=purse.limits(), near=folder.absolute().parent, retry_failed=retry_failed)
        if not dry_run:
            agree(ahead, purse)
            sit(run, Wishes(embedder, report=not no_report, json=json, retry_failed=retry_failed, purse=purse))
        elif json:
            print_json({"folder": str(folder), "games_left": ahead.games, **as_json(ahead)})
        else:
            say(f"{counted(ahead.games, 'game')} left in {folder}")
            print_shares(ahead)
            for line in words(ahead, purse):
                say(line)
