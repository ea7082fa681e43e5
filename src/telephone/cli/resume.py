"""`telephone resume`: goes on with a run that was stopped, in the folder where it lies."""

from telephone.cli.options import JUDGE, EmbedderRef, Folder, Json, NoReport, Retry
from telephone.cli.sitting import Wishes, sit

NAME = "resume"


def command(
    folder: Folder,
    embedder: EmbedderRef = JUDGE,
    retry_failed: Retry = False,
    no_report: NoReport = False,
    json: Json = False,
) -> None:
    """Go on with a run that was stopped: what is there stays, no finished call is made again."""
    from telephone import players
    from telephone.store import Run

    players.embedder(embedder)
    with Run.open(folder) as run:
        sit(run, Wishes(embedder, report=not no_report, json=json, retry_failed=retry_failed))
